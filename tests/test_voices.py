import json
import re
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.voices.book import list_voices, read_voices
from dora_primespeech_mlx.voices.codes import read_codes
from dora_primespeech_mlx.voices.examine import examine_voices
from dora_primespeech_mlx.voices.fields import NUMBERS, Fields
from dora_primespeech_mlx.voices.layouts import layout


def write(folder: Path, content: object) -> Path:
    path = folder / "voices.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


ENTRY = {"ref_audio": "a/ref.wav", "ref_text": "嗨", "codes_path": "a/codes.bin", "text_lang": "zh"}


def test_second_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTS", "/w")
    voices = {
        "Luo Xiang": {**ENTRY, "aliases": ["罗翔"], "speed_factor": 1.1, "top_k": 5},
        "b": {**ENTRY, "model": "own"},
    }
    book = read_voices(write(tmp_path, {"default_voice": "b", "model": "$WEIGHTS/m", "voices": voices}))
    assert book.names == ["Luo Xiang", "b"]
    assert book.default == "b" == book.find(None).name
    for name in ("Luo Xiang", "luoxiang", "LUO_XIANG", "罗翔"):
        assert book.find(name).name == "Luo Xiang"
    entry = book.find("luoxiang")
    assert entry.weights == Path("/w/m")
    assert book.find("b").weights == tmp_path / "own"
    assert entry.references == (tmp_path / "a/ref.wav",)
    assert entry.codes == tmp_path / "a/codes.bin"
    assert (entry.speed, entry.language, entry.prompt_language) == (1.1, "zh", "zh")
    assert entry.sampling == {"top_k": 5}


def test_first_layout_finds_codes_beside_the_weights(tmp_path: Path) -> None:
    (tmp_path / "LuoXiang").mkdir()
    np.save(tmp_path / "LuoXiang" / "prompt_semantic.npy", np.arange(5, dtype=np.int32))
    item = {
        "gpt": "LuoXiang/gpt.safetensors",
        "sovits": "LuoXiang/sovits.safetensors",
        "reference": "LuoXiang/reference.wav",
        "prompt_text": "你好",
        "language": "zh",
        "speed_factor": 1.1,
    }
    entry = read_voices(write(tmp_path, {"LuoXiang": item})).find("Luo Xiang")
    assert entry.codes == tmp_path / "LuoXiang" / "prompt_semantic.npy"
    assert entry.weights == (tmp_path / "LuoXiang/gpt.safetensors", tmp_path / "LuoXiang/sovits.safetensors")
    del item["prompt_text"]
    with pytest.raises(ValueError, match="'LuoXiang' lacks 'prompt_text'"):
        read_voices(write(tmp_path, {"LuoXiang": item}))


def test_models_base_path_moves_relative_paths(tmp_path: Path) -> None:
    book = read_voices(write(tmp_path, {"models_base_path": "~/base", "model": "m", "voices": {"a": ENTRY}}))
    assert book.find("a").weights == Path.home() / "base" / "m"


CALM = {"ref_audio": "calm.wav", "ref_text": " Slowly now. ", "prompt_lang": "en"}


def test_styles_are_recordings_with_names(tmp_path: Path) -> None:
    styles = {"Calm one": CALM, "glad": {"ref_text": "好", "codes_path": "glad.npy"}}
    entry = read_voices(write(tmp_path, {"model": "m", "voices": {"a": {**ENTRY, "styles": styles}}})).find("a")
    assert entry.style("calm_one") == Style("Calm one", "Slowly now.", "en", tmp_path / "calm.wav", None)
    assert entry.style("glad") == Style("glad", "好", "zh", None, tmp_path / "glad.npy")
    assert entry.style("sad") is None
    assert {tmp_path / "calm.wav", tmp_path / "glad.npy"} <= set(entry.files())


def test_what_is_wrong_with_a_style_is_found_before_it_is_spoken(tmp_path: Path) -> None:
    np.save(tmp_path / "glad.npy", np.array([5000]))
    styles = {
        "calm": CALM,
        "glad": {"ref_text": "Hello", "codes_path": "glad.npy", "prompt_lang": "en"},
        "dumb": {**CALM, "ref_text": "…", "codes_paths": "c.npy"},
    }
    book = read_voices(write(tmp_path, {"model": "m", "voices": {"a": {**ENTRY, "styles": styles}}}))
    found = examine_voices(book)["a"]
    assert tmp_path / "calm.wav" in found.missing
    said = " ".join(found.problems)
    assert "glad.npy holds codes from 5000 to 5000" in said
    assert "the text of the style 'dumb' of 'a' cannot be read" in said
    assert "the voice 'a': the style 'dumb' has 'codes_paths', which is not read" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"voices": {"a": {**ENTRY, "styles": ["calm"]}}, "model": "m"}, "has styles a list; it must be an object"),
        ({"voices": {"a": {**ENTRY, "styles": {"b": {}}}}, "model": "m"}, "style 'b' names neither 'ref_audio' nor"),
        (
            {"voices": {"a": {**ENTRY, "styles": {"b": {"codes_path": "c"}}}}, "model": "m"},
            "style 'b' lacks 'ref_text'",
        ),
        ([], "must hold a JSON object"),
        ({}, "lists no voice"),
        ({"voices": {"a": ENTRY}}, "'a' names no weights"),
        ({"voices": {"a": {**ENTRY, "speed_factor": "fast"}}, "model": "m"}, "speed_factor 'fast'"),
        ({"voices": {"a": {**ENTRY, "volume": 201}}, "model": "m"}, "volume 201; it must be a number from 0 to 200"),
        ({"voices": {"a": "x"}, "model": "m"}, "'a' must be a JSON object"),
        ({"voices": {"a\nb": ENTRY}, "model": "m"}, "a control sign|another control sign"),
        ({"voices": {"a": ENTRY, "A": ENTRY}, "model": "m"}, "so is the voice 'a'"),
        ({"voices": {"a": {**ENTRY, "top_k": 2.5}}, "model": "m"}, "top_k 2.5; it must be a whole number"),
        ({"voices": {"a": {**ENTRY, "text_lang": ["zh"]}}, "model": "m"}, "text_lang a list; it must be text"),
        ({"voices": None, "model": "m"}, "has voices null; it must be an object"),
        ({"voices": {"a": ENTRY}, "model": 5}, "has model 5; it must be text"),
        ({"voices": {"a": ENTRY}, "model": "m", "default_voice": "z"}, "no voice 'z'. Known voices: a"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_voices(write(tmp_path, content))


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="VOICES_CONFIG"):
        read_voices(tmp_path / "voices.json")
    (tmp_path / "voices.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        read_voices(tmp_path / "voices.json")
    (tmp_path / "voices.json").write_text(f'{{"seed": {"1" * 5000}}}')
    with pytest.raises(ValueError, match="a number of more than 4300 digits"):
        read_voices(tmp_path / "voices.json")


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.uint8])
def test_codes_of_any_integer_type(tmp_path: Path, kind: type) -> None:
    np.save(tmp_path / "c.npy", np.array([[1, 2, 200]], dtype=kind))
    codes = read_codes(tmp_path / "c.npy")
    assert codes.dtype == np.int32
    assert codes.tolist() == [1, 2, 200]


def test_raw_codes_are_little_endian_int32(tmp_path: Path) -> None:
    (tmp_path / "c.bin").write_bytes(b"\x01\x00\x00\x00\xff\x03\x00\x00")
    assert read_codes(tmp_path / "c.bin").tolist() == [1, 1023]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\x00\x04\x00\x00", "1024"), (b"\x01\x00\x00", "3 bytes"), (b"", "no codes"), (b"\xff" * 4, "-1")],
)
def test_bad_codes_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.bin").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_codes(tmp_path / "c.bin")


def test_codes_that_are_no_integers_or_not_there(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="float32"):
        read_codes(tmp_path / "c.npy")
    with pytest.raises(FileNotFoundError, match="primespeech codes"):
        read_codes(tmp_path / "none.bin")


def test_several_slips_are_listed_at_once_and_the_other_voices_are_kept(tmp_path: Path) -> None:
    voices = {"a": ENTRY, "b": {**ENTRY, "speed_factor": 9}, "c": {**ENTRY, "top_k": 0}}
    book, problems = list_voices(write(tmp_path, {"model": "m", "default_voice": "b", "voices": voices}))
    assert book is not None and book.names == ["a"]
    assert "speed_factor 9; it must be a number from 0.5 to 2" in problems["b"] and "top_k 0" in problems["c"]


def test_a_name_that_is_nearly_that_of_a_field_is_told_and_others_are_not(tmp_path: Path) -> None:
    voices = {"a": {**ENTRY, "temprature": 1, "description": "calm"}, "b": {**ENTRY, "prompt_lang": "zh", "prompt": 1}}
    book = read_voices(write(tmp_path, {"model": "m", "voices": voices}))
    assert [slip.rpartition(": ")[2] for slip in book.find("a").slips] == [
        "rename it if 'temperature' is meant, or take it out"
    ]
    assert book.find("b").slips == ()


def test_what_is_no_file_is_told_apart_from_what_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("mlx.core")
    (tmp_path / "m").write_bytes(b"weights")
    (tmp_path / "a" / "ref.wav").mkdir(parents=True)
    book = read_voices(write(tmp_path, {"model": "m", "voices": {"a": ENTRY}}))
    said = examine_voices(book)["a"].sentences()
    assert said == [
        f"missing {tmp_path / 'a/codes.bin'}. Make them with primespeech codes RECORDING --model FOLDER --out "
        f"{tmp_path / 'a/codes.bin'}",
        f"{tmp_path / 'a/ref.wav'} is a folder, where a file is expected",
        f"{tmp_path / 'm'} is a file; a model is the folder that primespeech convert wrote.",
    ]


def test_predecessors_spellings_are_read(tmp_path: Path) -> None:
    entry = {
        **ENTRY,
        "gpt_weights": "g.safetensors",
        "vits_weights": "s.safetensors",
        "text_lang": "zh-CN",
        "top_k": 5.0,
    }
    entry |= {"prompt_lang": None, "speed_factor": None, "aliases": None, "temperature": None}
    read = read_voices(write(tmp_path, {"voices": {"a": entry}})).find("a")
    assert read.weights == (tmp_path / "g.safetensors", tmp_path / "s.safetensors")
    assert (read.language, read.prompt_language, read.speed, read.aliases) == ("zh", "zh", 1.0, ())
    assert read.sampling == {"top_k": 5} and isinstance(read.sampling["top_k"], int)


def test_a_list_of_custom_voices_is_read(tmp_path: Path) -> None:
    voice = {
        "id": "ada_1",
        "name": "Ada",
        "language": "en",
        "reference_audio_path": "ada_1/ref.wav",
        "prompt_text": "Hi.",
    }
    content = {"version": "1.0", "model": "m", "voices": [voice, {**voice, "id": "ada_2"}]}
    book = read_voices(write(tmp_path, content))
    assert book.names == ["Ada", "ada_2"]
    assert book.find("ada_1").name == "Ada"
    assert book.find("Ada").references == (tmp_path / "custom_voices" / "ada_1" / "ref.wav",)


def fields_listed(part: str) -> dict[str, str]:
    """The fields that a table of docs/voices.md has, with the rest of their rows."""
    rows = [line.split(" | ", 1) for line in part.splitlines() if line.startswith("| `")]
    return {name: row for names, row in rows for name in re.findall(r"`(\w+)`", names)}


def test_the_page_lists_every_field_that_is_read_with_what_it_allows(tmp_path: Path):
    page = (Path(__file__).parents[1] / "docs" / "voices.md").read_text(encoding="utf-8")
    voice, file = map(fields_listed, page.split("\n## ")[1:3])
    common = Fields(tmp_path / "v.json", {"gpt": "g", "sovits": "s"})
    fields = Fields(tmp_path / "v.json", {"ref_audio": "a.wav"}, "Ada")
    _, read = layout(tmp_path / "v.json", {"voices": {}}, common)
    read("Ada", fields)
    also = {"gpt_weights", "vits_weights", "sovits_weights"}
    assert voice.keys() == fields.read - also
    assert file.keys() == common.read - also | {"voices", "default_voice"}
    assert all(voice[name].startswith(f"{kind.allowed} |") for name, kind in NUMBERS.items())
