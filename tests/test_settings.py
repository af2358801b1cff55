import os
from pathlib import Path

import pytest
import yaml

from dora_primespeech_mlx.settings import IGNORED, SHIPPED_VOICES, VARIABLES, Settings, ignored_variables
from dora_primespeech_mlx.speech import Manner


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"VOICE_NAME": "", "TOP_K": "  "}) == Settings()
    assert Settings().voices == SHIPPED_VOICES


def test_every_variable_is_read_into_its_field():
    samples = {
        "voice": ("Luo Xiang", "Luo Xiang"),
        "style": ("calm", "calm"),
        "language": ("ALL_ZH", "zh"),
        "g2pw_dir": ("/models/G2PWModel_1.1", Path("/models/G2PWModel_1.1")),
        "runtime": ("ONNX", "onnx"),
        "precision": ("int8", "int8"),
        "graph_cache": ("/cache/graphs", Path("/cache/graphs")),
        "threads": ("4", 4),
        "top_k": ("5.0", 5),
        "top_p": ("0.9", 0.9),
        "temperature": ("1", 1.0),
        "repetition_penalty": ("1.2", 1.2),
        "noise_scale": ("0", 0.0),
        "steps": ("16", 16),
        "speed": ("1.1", 1.1),
        "seed": ("233333", 233333),
        "split_method": ("cut5", "cut5"),
        "strip_markup": ("no", False),
        "fragment_interval": ("0.2", 0.2),
        "return_fragment": ("False", False),
        "sample_rate": ("24000", 24000),
        "audio_format": ("List", "list"),
        "gain": ("0.46", 0.46),
        "send_interval_ms": ("2", 2.0),
        "max_ahead": ("3", 3.0),
        "buffer_pause": ("50", 50.0),
        "buffer_resume": ("10", 10.0),
        "text_mode": ("partial", "partial"),
        "partial_timeout": ("1.5", 1.5),
        "voice_dirs": ("/a:/b", (Path("/a"), Path("/b"))),
        "voice_paths": ("any", "any"),
        "pass_metadata": ("turn, room", ("turn", "room")),
        "max_text_chars": ("100", 100),
        "max_pending": ("7", 7),
        "max_sessions": ("3", 3),
        "log_level": ("warn", "WARNING"),
    }
    for variable in VARIABLES:
        if variable.field != "voices":
            raw, value = samples[variable.field]
            for name in variable.names:
                assert getattr(Settings.from_env({name: raw}), variable.field) == value, name


@pytest.mark.parametrize(
    ("name", "raw", "part"),
    [
        ("TOP_K", "0", "from 1 to 1025"),
        ("TOP_K", "1.5", "whole number"),
        ("TOP_P", "nan", "from 0.01 to 1"),
        ("TEMPERATURE", "warm", "a number"),
        ("SPEED_FACTOR", "inf", "from 0.5 to 2"),
        ("SAMPLE_RATE", "11025", "24000"),
        ("AUDIO_FORMAT", "wav", "flat, list, int16"),
        ("TEXT_LANG", "klingon", "auto, zh, en, ja"),
        ("RETURN_FRAGMENT", "maybe", "true or false"),
        ("SEED", "-7", "-1"),
        ("LOG_LEVEL", "loud", "DEBUG"),
        ("FRAGMENT_INTERVAL", "300ms", "from 0 to 10 (seconds of silence after a sentence)"),
        ("RUNTIME", "cuda", "mlx on a GPU, onnx on a CPU"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name, raw, part):
    with pytest.raises(ValueError, match="not allowed") as error:
        Settings.from_env({name: raw})
    assert name in str(error.value)
    assert repr(raw) in str(error.value)
    assert part in str(error.value)


@pytest.mark.parametrize(
    ("name", "raw", "field", "value"),
    [
        ("VOICE_NAME", '"Luo Xiang"', "voice", "Luo Xiang"),
        ("SPEED_FACTOR", "'1.2'", "speed", 1.2),
        ("TOP_K", '""', "top_k", None),
        ("VOICES_CONFIG", "file:///voices/my%20list.json", "voices", Path("/voices/my list.json")),
        ("RUNTIME", "CPU", "runtime", "onnx"),
        ("PRECISION", "float16", "precision", "fp16"),
        ("AUDIO_FORMAT", "s16le", "audio_format", "int16"),
        ("TEXT_LANG", "zh-en", "language", "zh"),
    ],
)
def test_values_are_read_as_shells_and_other_programs_write_them(name, raw, field, value):
    assert getattr(Settings.from_env({name: raw}), field) == value


def test_bounds_hold_without_an_environment_too():
    with pytest.raises(ValueError, match="gain is 9"):
        Settings(gain=9.0)
    with pytest.raises(ValueError, match="top_k is 0"):
        Settings(top_k=0)
    with pytest.raises(ValueError, match="BUFFER_RESUME"):
        Settings.from_env({"BUFFER_PAUSE": "20"})


def test_arguments_are_read_as_the_environment_is():
    written = {"voices": "~/v.json", "language": "English", "runtime": "CPU", "speed": "1.5", "seed": "7"}
    settings = Settings(**written, voice_dirs=os.pathsep.join("ab"))
    assert settings.voices == Path.home() / "v.json"
    assert (settings.language, settings.runtime, settings.speed, settings.seed) == ("en", "onnx", 1.5, 7)
    assert settings.voice_dirs == (Path("a"), Path("b"))
    unbound = Settings(seed=-1, max_ahead=0, voice=None)
    assert (unbound.seed, unbound.max_ahead, unbound.voice) == (None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [{"fragment_interval": None}, {"graph_cache": None}, {"runtime": None}, {"speed": "fast"}, {"seed": -2},
     {"seed": True}, {"max_ahead": 0.1}, {"voices": None}, {"voice": 5}],
)  # fmt: skip
def test_arguments_that_are_not_allowed_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{name} is .*; allowed is "):
        Settings(**wrong)


def test_voices_come_from_the_first_name_that_is_set(tmp_path):
    (tmp_path / "voices").mkdir()
    assert Settings.from_env({"PRIMESPEECH_MODEL_DIR": str(tmp_path)}).voices == tmp_path / "voices" / "voices.json"
    (tmp_path / "voices.json").write_text("{}")
    folder = {"GPT_SOVITS_MODEL_DIR": str(tmp_path)}
    assert Settings.from_env(folder).voices == tmp_path / "voices.json"
    assert (
        Settings.from_env({"PRIMESPEECH_MODEL_DIR": str(tmp_path / "voices.json")}).voices == tmp_path / "voices.json"
    )
    assert Settings.from_env({**folder, "VOICES_CONFIG": "~/v.json"}).voices == Path.home() / "v.json"
    assert Settings.from_env({"VOICE_CHARACTER": "b", "VOICE_NAME": "a"}).voice == "a"


def test_a_seed_of_minus_one_is_a_fresh_one():
    assert Settings.from_env({"SEED": "-1"}).seed is None
    assert Settings.from_env({"SEED": "0"}).seed == 0


def test_what_the_environment_says_of_how_to_speak_comes_before_the_voice():
    said = Settings.from_env({"TOP_K": "15", "TEXT_LANG": "auto", "SPEED_FACTOR": "0.5"}).wishes
    assert said == {"top_k": 15, "speed": 0.5}
    voice = {"top_k": 3, "top_p": 0.9, "language": "zh", "speed": 1.2}
    manner = Manner.settled({"pitch": 12.0}, said, voice)
    assert (manner.sampling.top_k, manner.sampling.top_p, manner.language, manner.speed) == (15, 0.9, "zh", 0.5)
    assert manner.pace == 0.25


def test_audio_runs_ahead_without_bound_only_where_that_is_said():
    assert Settings().max_ahead == 1.5
    assert Settings.from_env({"MAX_AUDIO_AHEAD": "0"}).max_ahead is None
    assert Settings.from_env({"MAX_AUDIO_AHEAD": "3"}).max_ahead == 3.0


def test_names_without_effect_are_reported():
    assert set(ignored_variables({"USE_GPU": "true", "TOP_K": "3", "DEVICE": ""})) == {"USE_GPU"}


def test_a_variable_that_is_misspelt_is_named_with_the_one_that_may_be_meant():
    found = ignored_variables(
        {"VOICENAME": "Lumi", "sample_rate": "8000", "TOPK": "3", "TOP_K": "3", "HOME": "/", "TOP_N": "1"}
    )
    assert found == {"VOICENAME": "VOICE_NAME may be meant", "sample_rate": "SAMPLE_RATE may be meant"}
    assert ignored_variables({"SPEED": "1.2", "VOICE": "Lumi"}) == {
        "SPEED": "SPEED_FACTOR may be meant",
        "VOICE": "VOICE_NAME may be meant",
    }
    assert ignored_variables({"TEXT_LANGUAGE": "en", "RUNTIME_DIRECTORY": "/run/a"}) == {
        "TEXT_LANGUAGE": "TEXT_LANG may be meant"
    }


@pytest.mark.parametrize(
    ("written", "code"),
    [("zh-CN", "zh"), ("English", "en"), ("日本語", "ja"), ("auto_yue", "auto_yue"), ("ALL_KO", "ko")],
)
def test_languages_are_read_in_any_usual_spelling(written, code):
    assert Settings.from_env({"TEXT_LANG": written}).language == code


def test_a_long_wrong_value_is_shown_in_part():
    with pytest.raises(ValueError, match=r"^TOP_K='9{80}\.\.\.' is not allowed; it must be a whole number"):
        Settings.from_env({"TOP_K": "9" * 5000})


def test_the_documents_list_every_variable_with_what_it_allows():
    document = (Path(__file__).parents[1] / "docs" / "interface.md").read_text(encoding="utf-8")
    for variable in VARIABLES:
        names = ", ".join(f"`{name}`" for name in variable.names)
        row = next((line for line in document.splitlines() if line.startswith(f"| {names} |")), "")
        assert f"| {variable.kind.allowed} |" in row, names
        assert row.endswith(f"| {variable.meaning} |"), names
    manifest = (Path(__file__).parents[1] / "dora-node.yml").read_text(encoding="utf-8")
    known = {name for variable in VARIABLES for name in variable.names}
    assert set(yaml.safe_load(manifest)["env"]) <= known
    assert all(f"`{name}`" in document for name in IGNORED)
