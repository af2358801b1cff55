"""Tiny models for all tests: official checkpoints of random weights, and what the official code gave with them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.weights.official import convert

GOLDEN = Path(__file__).parent / "data" / "golden"


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted model folder."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    convert(GOLDEN / "s1_tiny.ckpt", GOLDEN / "s2_tiny_v2.pth", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_voices(tiny_model: Path) -> Path:
    """A voices.json with one voice of the tiny model and its prompt codes."""
    folder = tiny_model.parent
    shutil.copy(GOLDEN / "e2e_tiny_ref.wav", folder / "ref.wav")
    codes = np.load(GOLDEN / "e2e_tiny.npz")["prompt_semantic"].reshape(-1).astype("<i4")
    (folder / "codes.bin").write_bytes(codes.tobytes())
    voice = {
        "ref_audio": "ref.wav",
        "ref_text": "This is the reference text.",
        "codes_path": "codes.bin",
        "text_lang": "en",
        "prompt_lang": "en",
        "speed_factor": 1.0,
        "aliases": ["Tiny One"],
    }
    content = {"default_voice": "tiny", "model": "model", "voices": {"tiny": voice}}
    (folder / "voices.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "voices.json"
