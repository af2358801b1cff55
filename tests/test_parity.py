"""The networks against stored outputs of the official implementation, on MLX's CPU backend."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.runtime.factory import t2s_runner
from dora_primespeech_mlx.weights.load import build_t2s
from dora_primespeech_mlx.weights.official import read_t2s

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import parity

AUDIO = ("nonoise", "noise0p5", "noise0p35", "speed1p25", "speed0p8", "tworefs")


@pytest.fixture(scope="module")
def t2s(golden: Path) -> dict[str, float]:
    return parity.t2s_report(golden / "s1_tiny.ckpt", np.load(golden / "t2s_tiny.npz"), "mlx", "fp32")


@pytest.fixture(scope="module")
def sovits(golden: Path) -> dict[str, float]:
    return parity.sovits_report(golden / "s2_tiny_v2.pth", np.load(golden / "s2_tiny_v2.npz"), "mlx", "fp32")


def test_every_token_sequence_is_equal(t2s: dict[str, float]) -> None:
    tokens = {name: value for name, value in t2s.items() if name.endswith("_tokens")}
    assert len(tokens) == 14
    assert set(tokens.values()) == {0}


def test_hidden_states_logits_and_probabilities_are_close(t2s: dict[str, float]) -> None:
    assert t2s["embedding"] <= 1e-4
    assert t2s["hidden"] <= 1e-4
    assert max(value for name, value in t2s.items() if "logits" in name) <= 2e-4
    assert max(value for name, value in t2s.items() if name.startswith("probs")) <= 1e-6


def test_every_stage_of_sovits_is_close(sovits: dict[str, float]) -> None:
    stages = {name: value for name, value in sovits.items() if not name.startswith("audio")}
    assert stages.pop("extract_latent_codes") == 0
    assert stages.pop("spectrogram") <= 1e-4
    assert max(stages.values()) <= 1e-4


@pytest.mark.parametrize("name", AUDIO)
def test_audio_is_close(sovits: dict[str, float], name: str) -> None:
    assert sovits[f"audio_{name}"] <= 1e-4


def test_half_precision_stays_close(golden: Path) -> None:
    model = build_t2s(*read_t2s(golden / "s1_tiny.ckpt"), "fp16")
    case = parity.T2SCase(np.load(golden / "t2s_tiny.npz"))
    t2s = parity.t2s_numbers(case, model, t2s_runner(model, "mlx", "fp16"))
    assert max(value for name, value in t2s.items() if "logits" in name) <= 0.1
    sovits = parity.sovits_report(golden / "s2_tiny_v2.pth", np.load(golden / "s2_tiny_v2.npz"), "mlx", "fp16")
    assert min(value for name, value in sovits.items() if name.endswith("_snr")) >= 40


def test_comparison_sees_a_difference() -> None:
    assert parity.differing([1, 2, 3], np.array([1, 2])) == 1
    assert parity.differing([1, 2], np.array([1, 3, 4])) == 2
    assert parity.worst(np.zeros(3), np.zeros(4)) == float("inf")
    assert parity.snr(np.ones(4), np.ones(4) * 1.1) == pytest.approx(20.83, abs=0.01)
