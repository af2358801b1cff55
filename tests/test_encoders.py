"""HuBERT, RoBERTa and the speaker model: conversion and results against what the official code computed."""

import json
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.weights.official_encoders import convert_encoder

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from parity_encoders import encoders_report

DATA = Path(__file__).parent / "data"
GOLDEN = np.load(DATA / "encoders.npz")
CHARACTERS = "今天气很好他们去海边走一路上看见了许多鸟，。！？…,.!?-"


def vocabulary() -> dict[str, int]:
    """A vocabulary of the tiny model's size."""
    names = {0: "[PAD]", 1: "[UNK]", 2: "[CLS]", 3: "[SEP]"}
    free = [i for i in range(400) if i not in names]
    names |= dict(zip(free, CHARACTERS, strict=False))
    return {names.get(i, f"[unused{i}]"): i for i in range(400)}


def relative(result: np.ndarray, expected: np.ndarray) -> float:
    assert result.shape == expected.shape
    return float(np.abs(result - expected).max() / np.abs(expected).max())


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    shutil.copytree(DATA / "bert_tiny", folder, dirs_exist_ok=True)
    Tokenizer(WordPiece(vocabulary(), unk_token="[UNK]")).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, bert_folder) -> Path:
    out = tmp_path_factory.mktemp("encoders")
    cache = tmp_path_factory.mktemp("models--TencentGameMate--chinese-hubert-base")
    (cache / "snapshots").mkdir()
    (cache / "snapshots" / "0123abc").symlink_to(DATA / "hubert_tiny")
    convert_encoder("hubert", cache, out)
    convert_encoder("roberta", bert_folder, out)
    convert_encoder("speaker", DATA / "eres2net_tiny.safetensors", out)
    return out


@pytest.fixture(scope="module", params=["mlx", "onnx"])
def encoders(request, folder) -> Encoders:
    return Encoders([folder], runtime=request.param, threads=1)


@pytest.mark.parametrize("runtime", ["mlx", "onnx"])
def test_every_stored_output_of_the_official_code_is_matched(runtime):
    numbers = encoders_report(DATA, runtime, "fp32")["encoders"]
    assert len(numbers) == 10
    assert max(numbers.values()) < 1e-4


def test_hubert_equals_the_official_one(encoders):
    assert relative(encoders.content(GOLDEN["hubert_wav16"][0]), GOLDEN["hubert_last_hidden"][0]) < 1e-5


def test_hubert_features_do_not_depend_on_padding(encoders):
    hubert = encoders.ready("hubert")
    recordings = [GOLDEN["hubert_wav16"][0], GOLDEN["hubert_wav16"][0][:5003]]
    for recording in recordings:
        row = hubert.run(*hubert.config.blocks([recording], size=40))[0]
        alone = encoders.content(recording)
        assert relative(row[: len(alone)], alone) < 1e-5


@pytest.mark.parametrize(
    ("samples", "features"), [(16000, 49), (48000, 149), (57600, 179), (89600, 279), (169600, 529)]
)
def test_hubert_frame_arithmetic(encoders, samples, features):
    assert encoders.ready("hubert").config.features(samples) == features


def test_hubert_takes_both_spellings_of_weight_norm(tmp_path, folder):
    weights = {}
    for name, value in read_torch(DATA / "hubert_tiny" / "pytorch_model.bin").items():
        name = name.replace("parametrizations.weight.original0", "weight_g")
        weights[f"hubert.{name.replace('parametrizations.weight.original1', 'weight_v')}"] = np.array(value)
    save_file(weights, tmp_path / "model.safetensors")
    shutil.copyfile(DATA / "hubert_tiny" / "config.json", tmp_path / "config.json")
    convert_encoder("hubert", tmp_path, tmp_path / "out")
    expected = load_file(folder / "hubert.safetensors")
    converted = load_file(tmp_path / "out" / "hubert.safetensors")
    assert converted.keys() == expected.keys()
    assert all(np.array_equal(converted[name], expected[name]) for name in expected)


def test_roberta_equals_the_official_hidden_state(encoders):
    ids = GOLDEN["bert_ids"].astype(np.int32)
    hidden = encoders.ready("roberta").run(ids, np.ones(ids.shape, np.float32))
    assert relative(hidden, GOLDEN["bert_hidden_m3"]) < 1e-5
    assert relative(hidden[0, 1:-1], GOLDEN["bert_feature"]) < 1e-5


def test_roberta_keeps_only_the_layers_that_are_used(folder):
    names = load_file(folder / "roberta.safetensors").keys()
    assert {name.split(".")[1] for name in names if name.startswith("layers.")} == {"0", "1"}
    assert not any(name.startswith(("cls.", "bert.", "pooler.")) for name in names)


def test_characters_in_a_batch_equal_characters_alone(encoders):
    texts = ["今天天气很好。", "他们去海边", "", "鸟" * 33]
    rows = encoders.characters(texts)
    assert [len(row) for row in rows] == [7, 5, 0, 33]
    for text, row in zip(texts, rows, strict=True):
        if text:
            assert relative(row, encoders.characters([text])[0]) < 1e-5


def test_a_text_longer_than_the_positions_is_read_in_windows(encoders):
    long = "今天天气很好，他们去海边走。" * 10
    row = encoders.characters([long])[0]
    assert len(row) == len(long)
    assert relative(row[:62], encoders.characters([long[:62]])[0]) < 1e-5
    assert relative(row[62:124], encoders.characters([long[62:124]])[0]) < 1e-5


@dataclass(frozen=True)
class Span:
    language: str
    text: str
    start: int
    end: int
    word2ph: tuple[int, ...] | None


@dataclass(frozen=True)
class Phones:
    ids: np.ndarray
    spans: tuple[Span, ...]


def mixed() -> Phones:
    spans = (Span("en", "hi", 0, 2, None), Span("zh", "今天。", 2, 7, (2, 2, 1)), Span("en", "ok", 7, 9, None))
    return Phones(np.zeros(9, np.int32), spans)


def test_prosody_repeats_rows_by_phones_and_leaves_english_zero(encoders):
    english = Phones(np.zeros(3, np.int32), (Span("en", "hey", 0, 3, None),))
    nothing, features = encoders.prosody([english, mixed()])
    assert nothing is None
    rows = encoders.characters(["今天。"])[0]
    assert features.shape == (9, rows.shape[1])
    assert not features[:2].any() and not features[7:].any()
    assert relative(features[2:7], rows[[0, 0, 1, 1, 2]]) < 1e-5


def test_without_roberta_there_is_one_warning_and_no_features(tmp_path, caplog):
    bare = Encoders([tmp_path])
    with caplog.at_level(logging.WARNING):
        assert bare.prosody([mixed()]) == [None]
        assert bare.prosody([mixed()]) == [None]
    assert len(caplog.records) == 1
    assert "primespeech convert --roberta" in caplog.text


def test_speaker_vector_equals_the_official_one(encoders):
    result = encoders.ready("speaker").run(GOLDEN["fbank"][None])
    assert relative(result, GOLDEN["eres2net_forward3"]) < 1e-4
    assert relative(encoders.voice_vector(GOLDEN["fbank_wav16"][0]), GOLDEN["eres2net_forward3"][0]) < 1e-4


def test_encoders_of_a_predecessor_load(tmp_path, bert_folder, encoders):
    for source, name in ((DATA / "hubert_tiny", "hubert"), (bert_folder, "bert")):
        weights = {key: np.array(value) for key, value in read_torch(source / "pytorch_model.bin").items()}
        save_file(weights, tmp_path / f"{name}.safetensors")
    (tmp_path / "bert-tokenizer").mkdir()
    shutil.copyfile(bert_folder / "tokenizer.json", tmp_path / "bert-tokenizer" / "tokenizer.json")
    for name in ("hubert", "bert"):  # the tiny models have fewer heads than the official ones
        (tmp_path / f"{name}.json").write_text(json.dumps({"num_attention_heads": 4}))
    old = Encoders([tmp_path])
    assert relative(old.content(GOLDEN["hubert_wav16"][0]), GOLDEN["hubert_last_hidden"][0]) < 1e-5
    text = "今天天气很好。"
    assert relative(old.characters([text])[0], encoders.characters([text])[0]) < 1e-5


def test_fp16_roberta_stays_close(folder):
    exact = Encoders([folder]).characters(["今天天气很好。"])[0]
    half = Encoders([folder], precision="fp16").characters(["今天天气很好。"])[0]
    assert 0 < relative(half, exact) < 0.02


def test_int8_roberta_stays_close(folder):
    exact = Encoders([folder]).characters(["今天天气很好。"])[0]
    coarse = Encoders([folder], runtime="onnx", precision="int8", threads=1).characters(["今天天气很好。"])[0]
    assert 0 < relative(coarse, exact) < 0.05


def test_the_first_folder_that_has_a_file_wins(tmp_path, folder):
    assert Encoders([tmp_path, folder]).has("hubert")
    assert not Encoders([tmp_path]).has("hubert")
    with pytest.raises(FileNotFoundError, match=r"no hubert\.safetensors in .*primespeech convert --hubert"):
        Encoders([tmp_path]).content(np.zeros(16000, np.float32))


def test_a_recording_too_short_is_refused(encoders):
    with pytest.raises(ValueError, match="too short"):
        encoders.content(np.zeros(100, np.float32))


def test_conversion_names_what_is_wrong(tmp_path, bert_folder):
    with pytest.raises(ValueError, match="no encoder 'whisper'; convert one of hubert, roberta, speaker"):
        convert_encoder("whisper", tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing"):
        convert_encoder("hubert", tmp_path, tmp_path)
    with pytest.raises(CheckpointError, match="this is a BERT model, not HuBERT: give the folder of RoBERTa with"):
        convert_encoder("hubert", bert_folder, tmp_path)
    with pytest.raises(CheckpointError, match="this is a BERT model"):
        convert_encoder("speaker", bert_folder / "pytorch_model.bin", tmp_path)

    source = tmp_path / "source"
    shutil.copytree(bert_folder, source)
    (source / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="needs its tokenizer"):
        convert_encoder("roberta", source, tmp_path / "out")

    weights = {name: np.array(value) for name, value in read_torch(bert_folder / "pytorch_model.bin").items()}
    (source / "pytorch_model.bin").unlink()
    for change, message in (
        ({"bert.encoder.layer.0.output.dense.extra": np.zeros(3, np.float32)}, r"unknown: .*output_dense\.extra"),
        ({"bert.encoder.layer.1.output.dense.bias": np.zeros(3, np.float32)}, r"layers\.1\..*has shape \(3,\)"),
    ):
        save_file(weights | change, source / "model.safetensors")
        with pytest.raises(CheckpointError, match=message):
            convert_encoder("roberta", source, tmp_path / "out")
    del weights["bert.encoder.layer.0.attention.self.query.bias"]
    save_file(weights, source / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"missing: layers\.0\.attention\.q_proj\.bias"):
        convert_encoder("roberta", source, tmp_path / "out")


def test_other_hubert_types_are_refused(tmp_path):
    shutil.copytree(DATA / "hubert_tiny", tmp_path / "source")
    settings = json.loads((tmp_path / "source" / "config.json").read_text())
    (tmp_path / "source" / "config.json").write_text(json.dumps(settings | {"do_stable_layer_norm": True}))
    with pytest.raises(CheckpointError, match="chinese-hubert-base is needed"):
        convert_encoder("hubert", tmp_path / "source", tmp_path / "out")


def test_a_damaged_converted_file_is_named(tmp_path, folder):
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / "hubert.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"hubert\.safetensors cannot be used: .*cut short .*primespeech convert"):
        Encoders([tmp_path / "copy"]).content(np.zeros(16000, np.float32))
