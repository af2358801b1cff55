"""The comparison of the voice that ships with stored numbers, and what is made ahead."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.commands import parity
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.settings import SHIPPED_VOICES, Settings
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.library import Library, Voice

NUMBERS = dict.fromkeys(("t2s", "sovits", "vocoder"), "float32")


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Library(read_voices(SHIPPED_VOICES), Settings(runtime="onnx", precision="fp32")).voice(None)


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    path = SHIPPED_VOICES.parent / "models" / "demo" / parity.EXPECTED
    assert path.stat().st_size < 200_000
    with np.load(path) as stored:
        return dict(stored)


def test_this_computer_computes_what_is_stored(voice: Voice, expected: dict[str, np.ndarray]):
    found = list(parity.checks(voice, expected, NUMBERS))
    assert len(found) == 8
    assert all(check.passed for check in found), parity.table(found)


def test_what_is_wrong_is_said(expected: dict[str, np.ndarray]):
    drawn, samples = expected["drawn"].copy(), expected["samples"]
    drawn[5] += 1
    found = [
        parity._equal("codes", lambda: drawn, expected["drawn"], loosely=False),
        parity._near("loud", lambda: samples * 1.001, samples, "float32"),
        parity._near("same", lambda: samples, samples, "float32"),
    ]
    assert [(check.found, check.passed) for check in found] == [("5 of 48", False), ("60 dB", False), ("inf dB", True)]
    assert parity.table(found).count("WRONG") == 2


def test_a_stage_that_breaks_is_a_finding(voice: Voice, expected: dict[str, np.ndarray]):
    class Broken:
        def __init__(self, runner):
            self.config, self.exact_batches = runner.config, False

        def __getattr__(self, name: str):
            raise RuntimeError("no such kernel")

    broken = replace(voice, sovits=Broken(voice.sovits), t2s=Broken(voice.t2s))
    found = list(parity.checks(broken, expected, NUMBERS))
    assert [(check.found, check.passed) for check in found] == [("failed: no such kernel", False)] * 7


def test_numbers_that_are_none_are_infinitely_far():
    assert parity.decibels(np.array([1, np.nan]), np.ones(2)) == -np.inf
    assert parity.decibels(np.ones(3), np.ones(2)) == -np.inf
    assert parity.decibels(np.ones(2), np.ones(2)) == np.inf


def test_the_command_ends_with_the_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    found = [parity.Check("a", "90 dB", "80 dB", True), parity.Check("b", "9 dB", "80 dB", False)]
    monkeypatch.setattr(parity, "shipped_checks", lambda settings: found)
    assert main(["doctor", "--parity"]) == 1
    assert "WRONG  b" in capsys.readouterr().out
    assert main(["doctor", "--parity", "--json"]) == 1
    assert [check["passed"] for check in json.loads(capsys.readouterr().out)["checks"]] == [True, False]


def test_what_the_first_sentence_would_wait_for_is_made_ahead(tiny_voices: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--warm", "--voices", str(tiny_voices)]) == 0
    assert capsys.readouterr().out.count(" s  ") == 4
