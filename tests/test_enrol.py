"""Adding voices from recordings on the command line, and speaking with them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import soundfile
from mlx.utils import tree_flatten
from safetensors.numpy import load_file, save_file
from test_recording import speech

from dora_primespeech_mlx import settings
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.nets.dimensions.encoders import HubertConfig
from dora_primespeech_mlx.nets.hubert import Hubert
from dora_primespeech_mlx.node.message_voices import MessageVoices
from dora_primespeech_mlx.node.messages import VoiceFiles
from dora_primespeech_mlx.runtime.factory import s2_runner
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.text.symbols import symbol_table
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.codes import read_codes
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.voices.recording import codes_from_recording
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.official_encoders import convert_encoder

DATA = Path(__file__).parent / "data"
TEXT = "The quick brown fox jumps over the lazy dog."


def write_content_encoder(model: Path, folder: Path) -> None:
    """A tiny content encoder that is as wide as a model expects."""
    folder.mkdir(parents=True, exist_ok=True)
    width = load_model(model).sovits.config.ssl_dim
    mx.random.seed(3)
    network = Hubert(
        HubertConfig((8,) * 7, (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), width, 16, 1, 4, 16, 8, 1e-5)
    )
    weights = {name: np.array(value) for name, value in tree_flatten(network.parameters())}
    save_file(weights, folder / "hubert.safetensors")
    (folder / "hubert.json").write_text(json.dumps({"num_attention_heads": 4}))


@pytest.fixture(scope="module")
def model(tiny_model, tmp_path_factory) -> Path:
    """The tiny model with a content encoder."""
    folder = tmp_path_factory.mktemp("enrol") / "model"
    shutil.copytree(tiny_model, folder)
    write_content_encoder(tiny_model, folder)
    return folder


@pytest.fixture
def recording(tmp_path) -> Path:
    path = tmp_path / "ada.wav"
    soundfile.write(path, speech(3.2), 32000)
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_codes_are_written_in_both_formats(model, recording, tmp_path, capsys):
    expected = codes_from_recording(recording, Encoders([model]), s2_runner(load_model(model).sovits, "onnx"))
    for name in ("codes.bin", "codes.npy"):
        assert run("codes", recording, "--model", model, "--out", tmp_path / name) == 0
        assert "94 codes" in capsys.readouterr().out
        np.testing.assert_array_equal(read_codes(tmp_path / name), expected)
    assert run("codes", recording, "--model", model, "--out", tmp_path / "codes.txt") == 1
    assert "Codes are written as .bin or .npy" in capsys.readouterr().err


def test_a_voice_is_added_listed_and_speaks(model, recording, tmp_path, capsys):
    voices = tmp_path / "voices.json"
    second = tmp_path / "more.flac"
    soundfile.write(second, speech(1.5, seed=4), 32000)
    add = ("voice", "add", "Ada B", recording, second, "--text", TEXT, "--lang", "en", "--voices", voices)
    assert run(*add, "--model", model) == 0
    assert "Ada B added, with 94 codes and its timbre" in capsys.readouterr().out
    entry = read_voices(voices).find("ada b")
    assert [path.name for path in entry.references] == ["0.wav", "1.flac"]
    assert all(path.is_file() for path in entry.files())
    assert (entry.prompt_text, entry.language, entry.weights) == (TEXT, "en", model)
    recording.unlink()
    assert run("voices", "--voices", voices) == 0
    out = tmp_path / "said.wav"
    assert run("say", "Good morning.", "--voices", voices, "--voice", "adab", "--seed", 1, "--out", out) == 0
    assert soundfile.info(out).duration > 0.2

    assert run(*add, "--model", model) == 1  # the recording is gone
    soundfile.write(recording, speech(3.2), 32000)
    assert run(*add) == 1
    assert "has a voice 'Ada B' already" in capsys.readouterr().err
    assert run(*add, "--replace", "--speed", 1.2) == 0
    assert read_voices(voices).find("Ada B").speed == 1.2


def test_a_recording_is_added_to_a_voice_as_a_style_and_followed(model, recording, tmp_path, capsys):
    voices, calm = tmp_path / "voices.json", tmp_path / "calm.wav"
    soundfile.write(calm, speech(3.6, seed=8), 32000)
    named = ("--text", TEXT, "--lang", "en", "--voices", voices)
    assert run("voice", "add", "Ada", recording, *named, "--model", model) == 0
    content = json.loads(voices.read_text("utf-8"))
    content["voices"]["Ada"]["styles"] = None
    voices.write_text(json.dumps(content))
    add = ("voice", "add", "ada", calm, *named, "--style", "Calm")
    assert run(*add) == 0
    assert "style Calm of ada added" in capsys.readouterr().out
    style = read_voices(voices).find("Ada").style("calm")
    assert (style.text, style.language, len(read_codes(style.codes))) == (TEXT, "en", 104)
    calm.unlink()
    assert run("voices", "--voices", voices) == 0
    assert "ok (styles: Calm)" in capsys.readouterr().out
    engine = Engine.from_config(voices)
    mine = Style("mine", TEXT, "en", recording=style.recording)
    usual, styled, own = (engine.synthesize("Good morning.", style=each, seed=1) for each in (None, "calm", mine))
    assert styled.codes == own.codes != usual.codes

    soundfile.write(calm, speech(3.6, seed=8), 32000)
    assert run(*add) == 1
    assert "The voice 'Ada' has a style 'Calm' already" in capsys.readouterr().err
    assert run(*add[:2], "Eve", *add[3:]) == 1
    assert "There is no voice 'Eve'" in capsys.readouterr().err
    assert run(*add, "--replace", "--text", "") == 1
    assert "say what" in capsys.readouterr().err
    assert run(*add, "--replace") == 0


def test_a_voice_is_added_beside_an_installed_package_and_not_into_it(
    tiny_model: Path,
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = tmp_path / "site-packages" / "voices.json"
    monkeypatch.setattr(settings, "INSTALLED_VOICES", installed)
    monkeypatch.setenv("VOICES_CONFIG", str(installed))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("voice", "add", "Eve", recording, "--model", tiny_model) == 0
    own = tmp_path / ".dora" / "primespeech" / "voices.json"
    assert read_voices(own).names == ["Eve"]
    assert not installed.exists()
    said = capsys.readouterr().out
    assert "primespeech say --voice Eve" in said  # which looks there for a voice that the package has not
    assert run("say", "Hello.", "--voice", "Eve", "--lang", "en", "--seed", 1, "--out", tmp_path / "eve.wav") == 0
    assert f"VOICES_CONFIG={own}" in said


def test_a_voice_without_a_text_takes_the_timbre_alone(tiny_model, recording, tmp_path, capsys):
    voices = tmp_path / "voices.json"
    assert run("voice", "add", "Eve", recording, "--voices", voices, "--model", tiny_model) == 0
    assert "with its timbre alone" in capsys.readouterr().out
    assert read_voices(voices).find("Eve").codes is None
    out = tmp_path / "said.wav"
    assert run("say", "Hello.", "--voices", voices, "--seed", 1, "--lang", "en", "--out", out) == 0

    assert run("voice", "add", "Zoe", recording, "--text", TEXT, "--voices", voices) == 1
    assert "no content encoder, so it takes no new recordings" in capsys.readouterr().err
    assert read_voices(voices).names == ["Eve"]


def test_a_voice_of_timbre_alone_is_added_to_a_model_with_symbols_of_its_own(tiny_model, recording, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["symbols"] = list(symbol_table("v2").names)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    voices = tmp_path / "voices.json"
    assert run("voice", "add", "Eve", recording, "--voices", voices, "--model", folder) == 0
    assert "with its timbre alone" in capsys.readouterr().out
    assert run("say", "Hello.", "--voices", voices, "--lang", "en", "--out", tmp_path / "said.wav") == 0


def test_a_recording_that_a_message_names_speaks(model, tiny_model, recording, tmp_path, caplog):
    voices = tmp_path / "voices.json"
    for folder in (tiny_model, model):
        assert run("voice", "add", folder.parent.name, recording, "--voices", voices, "--model", folder) == 0
    settings = Settings(voices=voices, runtime="onnx")
    engine, named = Engine.from_config(voices, settings), VoiceFiles("ada.wav", TEXT, "en")
    full = MessageVoices(settings).voice(engine, named, model.parent.name)
    np.testing.assert_array_equal(
        full.codes, codes_from_recording(recording, Encoders([model]), s2_runner(load_model(model).sovits, "onnx"))
    )
    assert engine.synthesize("Hello there.", voice=full, seed=1).duration > 0.2

    with caplog.at_level("WARNING"):
        bare = MessageVoices(settings).voice(engine, named, tiny_model.parent.name)
    assert "takes only the timbre of its recording" in caplog.text
    assert len(bare.codes) == 0 and bare.prompt.phones is None
    assert engine.synthesize("Hello there.", voice=bare, seed=1).duration > 0.2


def test_what_is_wrong_with_a_recording_is_said(model, tmp_path, capsys):
    voices = tmp_path / "voices.json"
    short, quiet = tmp_path / "short.wav", tmp_path / "quiet.wav"
    soundfile.write(short, speech(1.0), 32000)
    soundfile.write(quiet, speech(4.0, level=0.02), 32000)
    add = ("--text", "Yes.", "--lang", "en", "--voices", voices, "--model", model)
    assert run("voice", "add", "Ada", short, *add) == 1
    assert "short.wav is 1.0 s long; a reference takes 3 to 10 s" in capsys.readouterr().err
    assert not voices.exists()
    assert run("voice", "add", "Ada", quiet, *add) == 0
    advice = capsys.readouterr().err
    assert "quiet.wav is quiet" in advice
    assert "its text has" in advice and "does not fit" in advice


def test_files_that_cannot_take_a_voice_are_left_alone(model, recording, tmp_path, capsys):
    voices = tmp_path / "voices.json"
    for content, message in (('{"Old": {"gpt": "a"}}', "layout of a predecessor"), ("{", "is not JSON")):
        voices.write_text(content)
        assert run("voice", "add", "Ada", recording, "--voices", voices, "--model", model) == 1
        assert message in capsys.readouterr().err
        assert voices.read_text() == content


def test_encoders_are_converted_by_the_same_command(tmp_path, capsys):
    assert run("convert", "--hubert", DATA / "hubert_tiny", "--out", tmp_path) == 0
    assert "hubert.safetensors: 0.1 M parameters" in capsys.readouterr().out
    convert_encoder("hubert", DATA / "hubert_tiny", tmp_path / "other")
    assert (
        load_file(tmp_path / "hubert.safetensors").keys() == load_file(tmp_path / "other" / "hubert.safetensors").keys()
    )
    assert run("convert", "--t2s", "a.ckpt", "--out", tmp_path) == 1
    assert "--t2s and --sovits together, or an encoder: --hubert, --roberta, --speaker" in capsys.readouterr().err
    assert run("export", "--encoders", tmp_path / "none", "--coreml", tmp_path) == 1
    assert "primespeech convert --hubert" in capsys.readouterr().err


def test_voices_that_are_added_at_once_are_all_there(tiny_model, recording, tmp_path):
    voices, names = tmp_path / "voices.json", ["A.1", "A?1", "Ada", "Bob", "\U0001f600"]
    commands = [
        [sys.executable, "-m", "dora_primespeech_mlx.commands.main", "voice", "add", name, str(recording), "--voices",
         str(voices), "--model", str(tiny_model)]
        for name in names
    ]  # fmt: skip
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    assert [process.wait() for process in running] == [0] * len(names)
    book = read_voices(voices)
    assert sorted(book.names) == sorted(names)
    assert len({entry.references for entry in book.entries.values()}) == len(names)
    assert all(entry.references[0].read_bytes() == recording.read_bytes() for entry in book.entries.values())


def test_a_voice_is_replaced_by_its_own_copies_in_another_order_and_nothing_is_lost(tiny_model, recording, tmp_path):
    voices, second = tmp_path / "voices.json", tmp_path / "second.wav"
    soundfile.write(second, speech(4.0, seed=9), 32000)
    contents = [path.read_bytes() for path in (recording, second)]
    assert run("voice", "add", "Ada", recording, second, "--voices", voices, "--model", tiny_model) == 0
    first = read_voices(voices).find("Ada").references
    assert run("voice", "add", "Ada", *reversed(first), "--voices", voices, "--replace") == 0
    now = read_voices(voices).find("Ada").references
    assert [path.read_bytes() for path in now] == contents[::-1]
    assert [path.read_bytes() for path in first] == contents


def test_a_voice_is_added_in_a_language_that_its_model_speaks(model, recording, tmp_path, capsys):
    pytest.importorskip("pyopenjtalk", reason="the extra ja is not installed")
    voices = tmp_path / "voices.json"
    spoken = ("--text", "こんにちは、お元気ですか。", "--lang", "all_ja", "--model", model)
    assert run("voice", "add", "Aoi", recording, "--voices", voices, *spoken) == 0
    content = json.loads(voices.read_text("utf-8"))
    assert content["voices"]["Aoi"]["text_lang"] == content["voices"]["Aoi"]["prompt_lang"] == "ja"
    voices.write_text(json.dumps(content | {"languages": ["zh", "en"]}), "utf-8")
    assert run("voice", "add", "Mei", recording, "--voices", voices, *spoken) == 1
    assert "does not speak Japanese: it speaks Mandarin and English" in capsys.readouterr().err
    other = tmp_path / "other"
    shutil.copytree(model, other)
    assert run("voice", "add", "Mei", recording, "--voices", voices, *spoken[:-1], other) == 0
    assert json.loads(voices.read_text("utf-8"))["voices"]["Mei"]["languages"] == []
    assert read_voices(voices).find("Mei").languages == ()


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"model": 5}, "has model 5; it must be text"),
        ({"models_base_path": 5}, "has models_base_path 5; it must be text"),
        ({"default_voice": []}, "has default_voice a list; it must be text"),
        ({"languages": ["Klingon"]}, "has languages 'Klingon'; it must be a list"),
        ({"default_voice": "Nobody", "languages": None, "model": " "}, ""),
        ({"voices": {"_comment": "mine"}, "languages": ["English"]}, ""),
        ({"voices": None}, ""),
        (None, ""),
    ],
)
def test_what_a_list_without_voices_says_is_checked_before_one_is_added(
    said, outcome, tiny_model, recording, tmp_path, capsys
):
    voices = tmp_path / "own.json"
    voices.write_text("\n" if said is None else json.dumps({"voices": {}} | said))
    add = ["voice", "add", "Eve", str(recording), "--voices", str(voices), "--model", str(tiny_model), "--lang", "en"]
    assert main(add) == (1 if outcome else 0)
    assert outcome in capsys.readouterr().err
    if not outcome:
        assert read_voices(voices).default == "Eve"


def test_notes_and_fields_of_null_stay_when_a_voice_is_added(tiny_model, recording, tmp_path):
    voices = tmp_path / "own.json"
    add = ["voice", "add", "Eve", str(recording), "--voices", str(voices), "--model", str(tiny_model)]
    assert main(add) == 0
    content = json.loads(voices.read_text("utf-8"))
    content["voices"] = {"_comment": "mine"} | content["voices"]
    content |= {"languages": None}
    voices.write_text(json.dumps(content))
    add[2] = "Bo"
    assert main(add) == 0
    added = json.loads(voices.read_text("utf-8"))
    assert added["voices"].pop("Bo") and added == content


def test_the_first_voice_of_a_list_without_a_default_stays_its_default(tiny_model, recording, tmp_path):
    voices = tmp_path / "own.json"
    entry = {"ref_audio": str(recording)}
    voices.write_text(json.dumps({"model": str(tiny_model), "voices": {"First": entry, "Other": entry}}))
    assert run("voice", "add", "Third", recording, "--voices", voices) == 0
    assert run("voice", "add", "First", recording, "--voices", voices, "--replace") == 0
    assert (read_voices(voices).default, read_voices(voices).names) == ("First", ["First", "Other", "Third"])
