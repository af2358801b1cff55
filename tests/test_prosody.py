"""Prosody features on their way from a Mandarin text to the T2S network, through the engine."""

import json
import logging
import shutil
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from safetensors.numpy import load_file, save_file
from test_encoders import vocabulary
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.nets.dimensions.encoders import RobertaConfig
from dora_primespeech_mlx.nets.roberta import Roberta
from dora_primespeech_mlx.settings import Settings

TEXT = "今天天气很好，他们去海边走。"


def write_roberta(folder: Path, width: int) -> None:
    folder.mkdir()
    mx.random.seed(11)
    network = Roberta(RobertaConfig(400, 64, width, 32, 1, 4, 1e-12))
    save_file(
        {name: np.array(value) for name, value in tree_flatten(network.parameters())}, folder / "roberta.safetensors"
    )
    (folder / "roberta.json").write_text(json.dumps({"num_attention_heads": 4}))
    Tokenizer(WordPiece(vocabulary(), unk_token="[UNK]")).save(str(folder / "roberta_tokenizer.json"))


@pytest.fixture
def voices(tiny_voices, tmp_path) -> Path:
    """The tiny voice, copied, to which encoders can be given."""
    shutil.copytree(tiny_voices.parent, tmp_path / "voices")
    return tmp_path / "voices" / "voices.json"


def engine(voices: Path, runtime: str = "onnx") -> Engine:
    return Engine.from_config(voices, Settings(voices=voices, runtime=runtime, precision="fp32", threads=1))


def scores(made: Engine) -> np.ndarray:
    """Scores of the first code of the text."""
    voice = made.load_voice()
    phones = voice.frontend(TEXT, "zh")
    ids = np.concatenate([voice.prompt_ids, phones.ids])
    return np.array(voice.t2s.start([(ids, voice.prosody(phones))], voice.codes).logits)


@pytest.mark.parametrize("runtime", ["mlx", "onnx"])
def test_features_reach_the_network(voices, runtime):
    without = scores(engine(voices, runtime))
    write_roberta(voices.parent / "encoders", 1024)
    made = engine(voices, runtime)
    voice = made.load_voice()
    features = voice.prosody(voice.frontend(TEXT, "zh"))
    assert features is not None and features.shape[1] == 1024
    assert not features[: len(voice.prompt_ids)].any()  # the prompt is English
    assert np.abs(scores(made) - without).max() > 1e-2
    assert made.synthesize(TEXT, language="zh", seed=1).duration > 0.2


def test_without_roberta_mandarin_is_spoken_and_one_warning_says_what_is_missing(voices, caplog):
    made = engine(voices)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert made.synthesize(TEXT, language="zh", seed=1).duration > 0.2
    assert [record.getMessage() for record in caplog.records if "flatter prosody" in record.getMessage()] != []
    assert sum("flatter prosody" in record.getMessage() for record in caplog.records) == 1


def test_a_model_that_takes_no_features_needs_none(voices, caplog):
    path = voices.parent / "model" / "t2s.safetensors"
    weights = load_file(path)
    weights["bert_proj.weight"] = np.zeros_like(weights["bert_proj.weight"])
    save_file(weights, path)
    write_roberta(voices.parent / "encoders", 1024)
    made = engine(voices)
    voice = made.load_voice()
    with caplog.at_level(logging.WARNING):
        assert voice.encoders is None
        assert voice.prosody(voice.frontend(TEXT, "zh")) is None
    assert "prosody" not in caplog.text


def test_a_roberta_of_another_width_is_refused(voices):
    write_roberta(voices.parent / "encoders", 64)
    voice = engine(voices).load_voice()
    with pytest.raises(ValueError, match="gives 64 numbers a character and the voice takes 1024"):
        voice.prosody(voice.frontend(TEXT, "zh"))
