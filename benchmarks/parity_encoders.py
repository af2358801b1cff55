"""Compares the encoders and the sound front end with stored outputs of the official implementation (see parity.py).

A folder holds the official encoders (`hubert_NAME/`, `bert_NAME/`, `eres2net_NAME.safetensors`) beside an `.npz` with
what they gave. Differences are relative: the largest one over the largest stored number.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.audio import fbank, reference_spectrogram, resample, resample_soxr
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.weights.official_encoders import convert_encoder

Golden = Mapping[str, np.ndarray]
SOURCES = {"hubert": "hubert_*", "roberta": "bert_*", "speaker": "eres2net_*.safetensors"}
KINDS = {"hubert_last_hidden": "hubert", "bert_hidden_m3": "roberta", "eres2net_forward3": "speaker"}


def relative(ours: object, golden: np.ndarray) -> float:
    """Largest difference over the largest stored number; infinite when the shapes differ."""
    array, golden = np.squeeze(np.array(ours, dtype=np.float32)), np.squeeze(golden)
    return float(np.abs(array - golden).max() / np.abs(golden).max()) if array.shape == golden.shape else float("inf")


def sound_numbers(golden: Golden) -> Iterator[tuple[str, float]]:
    """Resampling, spectrogram and filter bank."""
    for name in golden:
        parts = name.split("_")
        if name.startswith("fe_resample_"):
            yield name, relative(resample(golden["fe_wav"][0], *map(int, parts[2:])), golden[name])
        elif name.startswith("fe_librosa_"):
            yield name, relative(resample_soxr(golden["fe_wav"][0], *map(int, parts[2:])), golden[name])
        elif name == "fe_spec_v2":
            yield name, relative(np.array(reference_spectrogram(golden["fe_wav"][0]))[0].T, golden[name])
        elif name == "fbank":
            yield name, relative(fbank(golden["fbank_wav16"][0]), golden[name])


def results(encoders: Encoders, golden: Golden) -> dict[str, Callable[[], np.ndarray]]:
    """How each stored output is computed here."""
    ids = golden["bert_ids"].astype(np.int32) if "bert_ids" in golden else np.zeros((1, 1), np.int32)
    return {
        "hubert_last_hidden": lambda: encoders.content(golden["hubert_wav16"][0]),
        "bert_hidden_m3": lambda: encoders.ready("roberta").run(ids, np.ones(ids.shape, np.float32)),
        "eres2net_forward3": lambda: encoders.voice_vector(golden["fbank_wav16"][0]),
    }


def encoder_numbers(folder: Path, golden: Golden, runtime: str, precision: str) -> Iterator[tuple[str, float]]:
    """HuBERT, RoBERTa and the speaker model, converted from the official files in `folder`."""
    if KINDS.keys().isdisjoint(golden):
        return
    with tempfile.TemporaryDirectory() as name:
        converted = Path(name) / "encoders"
        for kind, pattern in SOURCES.items():
            for source in sorted(folder.glob(pattern))[:1]:
                if kind == "roberta" and not (source / "tokenizer.json").exists():
                    source = shutil.copytree(source, Path(name) / "bert")
                    (source / "tokenizer.json").write_text("{}")  # token ids are stored, no text is read
                convert_encoder(kind, source, converted)
        encoders = Encoders([converted], runtime, precision)
        for quantity, compute in results(encoders, golden).items():
            if quantity in golden and encoders.has(KINDS[quantity]):
                yield quantity, relative(compute(), golden[quantity])


def encoders_report(folder: Path, runtime: str, precision: str) -> dict[str, dict[str, float]]:
    """All stored outputs of encoders and of the sound front end in a folder, by file."""
    reports = {}
    for path in sorted(folder.glob("*.npz")):
        golden = np.load(path)
        numbers = dict(sound_numbers(golden)) | dict(encoder_numbers(folder, golden, runtime, precision))
        if numbers:
            reports[path.stem] = numbers
    return reports
