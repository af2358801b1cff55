"""The content encoder of a model's own codes: converted, on both runtimes, and used when a voice is added."""

import json
import shutil
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file
from test_recording import speech

from dora_primespeech_mlx.audio import fbank, resample_soxr
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.files.sounds import read_audio
from dora_primespeech_mlx.nets.content import sanitize
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.codes import read_codes
from dora_primespeech_mlx.voices.encoders import CONTENT_EDGE, Encoders
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.weights.official_encoders import build_encoder, convert_encoder

ROOT = Path(__file__).parents[1]
DATA, DEMO = ROOT / "tests" / "data", ROOT / "models" / "demo"
GOLDEN = np.load(DATA / "content_tiny.npz")
"""Samples, and the scores that the network of training/content.py gives for them with the weights beside it."""
SAMPLES = GOLDEN["samples"].astype(np.float32) / 32768


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("content")
    convert_encoder("content", DATA / "content_tiny.pth", out)
    return out


def test_scores_equal_those_of_the_network_that_was_trained():
    weights = sanitize(read_torch(DATA / "content_tiny.pth"))
    network = build_encoder("content", weights, {})
    network.load_weights([(name, mx.array(value).astype(mx.float32)) for name, value in weights.items()])
    for size in (0, 40):  # a recording's scores do not depend on how far it is padded
        scores = network(*map(mx.array, network.config.blocks(fbank(np.pad(SAMPLES, CONTENT_EDGE)), size)))
        assert np.abs(np.array(scores)[0, :27] - GOLDEN["scores"]).max() < 2e-4


def test_8_bits_on_disk_and_both_runtimes_give_the_same_codes(folder):
    assert load_file(folder / "content.safetensors")["stem.weight"].dtype == np.int8
    for runtime in ("mlx", "onnx"):
        codes = Encoders([folder], runtime).codes(SAMPLES)
        assert codes.dtype == np.int32
        np.testing.assert_array_equal(codes, GOLDEN["scores"].argmax(axis=1))
        np.testing.assert_array_equal(Encoders([folder], runtime).codes(SAMPLES * 0.2), codes)  # at any level


def test_a_code_stands_for_40_ms(folder):
    encoders = Encoders([folder])
    for samples in (640, 16000, 16639):
        assert len(encoders.codes(SAMPLES[:samples])) == samples // 640
    with pytest.raises(ValueError, match="too short"):
        encoders.codes(SAMPLES[:300])


def test_what_is_no_content_encoder_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="this is HuBERT, not a content encoder"):
        convert_encoder("content", DATA / "hubert_tiny" / "pytorch_model.bin", tmp_path)
    with pytest.raises(CheckpointError, match="this is a content encoder, not a speaker model.*--content"):
        convert_encoder("speaker", DATA / "content_tiny.pth", tmp_path)


def test_a_voice_takes_its_codes_from_the_encoder_beside_its_model(folder, tiny_model, tmp_path, capsys):
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    for path in folder.iterdir():
        shutil.copy(path, model)
    recording, voices = tmp_path / "ada.wav", tmp_path / "voices.json"
    soundfile.write(recording, speech(3.2), 16000)
    first = {"Old": {"ref_audio": "ada.wav", "top_k": 3, "temperature": 0.3, "noise_scale": 0.4}}
    voices.write_text(json.dumps({"model": "model", "default_voice": "Old", "voices": first}), "utf-8")
    add = ("voice", "add", "Ada", recording, "--text", "The quick brown fox.", "--lang", "en", "--voices", voices)
    assert main([str(part) for part in add]) == 0
    assert f"Ada added, with {len(speech(3.2)) // 640} codes and its timbre" in capsys.readouterr().out
    entry = read_voices(voices).find("Ada")
    expected = Encoders([folder]).codes(speech(3.2))
    assert (read_codes(entry.codes, 1024) == expected).mean() > 0.9  # a wav has 16 bits
    assert entry.sampling == {"top_k": 3, "temperature": 0.3, "noise_scale": 0.4}  # as the default voice has it


def test_codes_of_the_clips_that_ship_are_nearly_those_that_they_were_made_of():
    with np.load(ROOT / "training" / "codebook.npz") as book:
        phones = book["centres"][:, :178].argmax(axis=1)
    encoders, same, heard = Encoders([DEMO], "onnx", threads=1), [], []
    for path in sorted((DEMO / "voices").glob("*.npy")):
        stored = np.load(path)
        samples, rate = read_audio(path.with_suffix(".flac"))
        codes = encoders.codes(resample_soxr(samples, rate, 16000))
        assert len(codes) == len(stored)
        same.append((codes == stored).mean())
        heard.append((phones[codes] == phones[stored]).mean())
    assert len(same) == 6 and np.mean(same) > 0.5 and np.mean(heard) > 0.78
