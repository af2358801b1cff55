import json
import math
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.node.messages import (
    Command,
    VoiceFiles,
    changed,
    clean,
    ends,
    handed_on,
    has_flag,
    parse_control,
    parse_text,
    stream_key,
)
from dora_primespeech_mlx.speech import Manner, Style


@pytest.mark.parametrize("text", ["hello", "42", "true", "null", '"hi"', "[1, 2]", "{not json", " a ", "", "{}x"])
def test_what_is_no_json_object_is_a_text(text):
    assert parse_text(text).text == text


def test_json_is_unwrapped_six_deep_and_the_innermost_wishes_win():
    text = "the end"
    for depth in range(6):
        text = json.dumps({"prompt": text, "speed": 1 + depth / 10})
    request = parse_text(text)
    assert (request.text, request.wishes["speed"]) == ("the end", 1.0)
    assert parse_text(json.dumps({"prompt": text})).text.startswith('{"prompt": "the end"')
    assert parse_text(json.dumps({"prompt": {"prompt": "inner", "pitch": 2}})).text == "inner"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"prompt": None}, ""),
        ({"prompt": 42}, "42"),
        ({"prompt": ["a", "b"]}, "a b"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"text": "b"}]}, "a b"),
        ({"text": "x"}, "x"),
        ({"speed": 2}, ""),
        ({"prompt": "\ud800"}, "?"),
    ],
)
def test_prompts_of_other_kinds(content, text):
    request = parse_text(json.dumps(content))
    assert request.text == text
    assert request.command is None


def test_wishes_are_numbers_or_strings_and_brought_into_bounds():
    request = parse_text('{"prompt": "x", "speed": "3", "pitch": -20.5, "volume": " 80 ", "seed": "7", "lang": "EN"}')
    assert request.wishes == {"speed": 2.0, "pitch": -12.0, "volume": 80.0, "seed": 7, "language": "en"}
    assert len(request.notes) == 2
    manner = Manner.settled(request.wishes, {"voice": "Ada", "speed": 1.5})
    assert manner == Manner("Ada", "en", 2.0, -12.0, 80.0, 7)


@pytest.mark.parametrize("value", ['"fast"', "1e999", "NaN", "true", "[1]", "{}", "1" + "0" * 400])
def test_wishes_that_are_no_numbers_are_left_out_with_a_note(value):
    request = parse_text(f'{{"prompt": "x", "speed": {value}}}')
    assert request.text == "x"
    assert not request.wishes
    assert "0.5 to 2" in request.notes[0]


def test_numbers_too_long_for_json_make_a_text():
    text = '{"prompt": ' + "1" * 5000 + "}"
    assert parse_text(text).text == text
    assert parse_text("{" * 3000).text == "{" * 3000
    assert parse_text('{"a":' * 100_000).text.startswith("{")


def test_voice_prefixes():
    assert parse_text("VOICE:Luo Xiang|a|b").wishes == {"voice": "Luo Xiang"}


def test_a_style_is_a_name_or_a_recording():
    assert parse_text('{"prompt": "a", "style": "calm"}').wishes == {"style": "calm"}
    described = '{"recording": "voices/calm.wav", "text": "What it says.", "language": "en"}'
    style = Style("calm", "What it says.", "en", Path("voices/calm.wav"))
    assert parse_text(f'{{"prompt": "a", "style": {described}}}').wishes == {"style": style}
    message = parse_text('{"prompt": "a", "style": {"recording": "calm.wav"}}')
    assert message.wishes == {}
    assert "must be a name, or an object with recording and text" in message.notes[0]
    assert parse_text("VOICE:Luo Xiang|a|b").text == "a|b"
    custom = parse_text("VOICE:CUSTOM|r.wav|what it says|ZH|text | more")
    assert custom.voice_files == VoiceFiles("r.wav", "what it says", "zh")
    assert custom.text == "text | more"
    trained = parse_text(json.dumps({"prompt": "VOICE:TRAINED|g|s|r.wav|says||text"}))
    assert trained.voice_files == VoiceFiles("r.wav", "says", "auto", "g", "s")
    for text in ("VOICE:", "VOICE:x", "VOICE:|x", "voice: a|b"):
        assert parse_text(text).text == text


@pytest.mark.parametrize("text", ["VOICE:CUSTOM|r.wav|text", "VOICE:CUSTOM||a|b|c", "VOICE:TRAINED|g|s|r|t|x"])
def test_voice_prefixes_that_lack_fields_say_the_form(text):
    with pytest.raises(ValueError, match=r"the form is VOICE:"):
        parse_text(text)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("reset", Command("reset")),
        (" STOP\n", Command("stop")),
        ('"cancel"', Command("cancel")),
        ("reset:q7", Command("reset", "q7")),
        ("stats", Command("stats")),
        ("Interrupt!", Command("stop")),
        ('{"type": "stop"}', Command("stop")),
        ('{"event": "interrupt", "question_id": 7}', Command("stop", "7")),
        ('change_voice: "Bo"', Command("set", changes=(("voice", "Bo"),))),
        ("set speed null", Command("set", changes=(("speed", None),))),
        ('{"set": {"repeat_penalty": 1.2}}', Command("set", changes=(("repetition_penalty", 1.2),))),
        ("change_voice:Luo Xiang", Command("set", changes=(("voice", "Luo Xiang"),))),
        ("change_voice Bo", Command("set", changes=(("voice", "Bo"),))),
        ("set speed 1.2", Command("set", changes=(("speed", "1.2"),))),
        ("set speed=1.2", Command("set", changes=(("speed", "1.2"),))),
        ("set:speed:1.2", Command("set", changes=(("speed", "1.2"),))),
        ("speed=1.2", Command("set", changes=(("speed", "1.2"),))),
        ("speed = 1.2", Command("set", changes=(("speed", "1.2"),))),
        ("voice = Luo Xiang", Command("set", changes=(("voice", "Luo Xiang"),))),
        ("cancel :q7", Command("cancel", "q7")),
        ("stop;", Command("stop")),
        ('{"set": {"speed": 1.2, "colour": "red"}}', Command("set", changes=(("speed", 1.2), ("colour", "red")))),
        ("set voice Luo Xiang", Command("set", changes=(("voice", "Luo Xiang"),))),
        ('{"command": "reset", "question_id": 7}', Command("reset", "7")),
        ('{"action": "list_voices"}', Command("list_voices")),
        ('{"command": "change_voice", "name": "Bo"}', Command("set", changes=(("voice", "Bo"),))),
        ('{"command": "change_voice:Bo"}', Command("set", changes=(("voice", "Bo"),))),
        ('{"command": "set", "name": "seed", "value": 3}', Command("set", changes=(("seed", 3),))),
        ('{"command": "set", "name": "lang", "value": "en"}', Command("set", changes=(("language", "en"),))),
        ('{"command": "set", "name": "colour", "value": "red"}', Command("set", changes=(("colour", "red"),))),
        ('{"set": {"speed": 1.2, "top_k": 5}}', Command("set", changes=(("speed", 1.2), ("top_k", 5)))),
        ('{"speed_factor": null}', Command("set", changes=(("speed", None),))),
    ],
)
def test_commands(text, command):
    assert parse_control(text) == command


@pytest.mark.parametrize(
    "text", ["", "dance", "set", "set speed", "set colour red", "{}", '{"command": "x"}', "[1]", '{"set": {"x": 1}}']
)
def test_unknown_commands_name_the_known_ones(text):
    with pytest.raises(ValueError, match="known are reset, stop, cancel"):
        parse_control(text)


def test_changes_are_checked_and_can_be_taken_back():
    wishes = changed(changed({}, "speed", "1.2"), "top_k", 5)
    assert wishes == {"speed": 1.2, "top_k": 5}
    assert changed(changed(wishes, "speed", None), "top_k", None) == {}
    assert changed({}, "seed", "-1") == {}
    for name, value in (("speed", 9), ("top_k", 0), ("voice", " "), ("colour", "red"), ("pitch", "NaN")):
        with pytest.raises(ValueError, match="must|cannot be set"):
            changed({}, name, value)


def test_only_what_survives_dora_is_kept():
    cleaned = clean(
        {
            "a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": None, "e": {"x": 1}, "f": 2**70,
            "g": [1, 2], "h": [1, "x"], "i": ("a", "b"), "j": b"x", "k": "\ud800", "l": math.inf, "m": [],
            "n": [True], "o": [0.5, 1.5],
        }
    )  # fmt: skip
    assert cleaned == {
        "a": 0.5, "b": 3, "c": True, "f": str(2**70), "g": [1, 2], "i": ["a", "b"], "k": "?", "l": math.inf, "m": [],
        "o": [0.5, 1.5],
    }  # fmt: skip
    assert {type(value) for name, value in cleaned.items() if name in "abc"} == {float, int, bool}


def test_metadata_is_handed_on_by_name():
    incoming = {"question_id": 7, "session_id": "s", "flush": True, "timestamp": 1, "room": "r", "other": "o", "seq": 3}
    assert handed_on(incoming, ("room", "flush", "seq")) == {
        "question_id": 7,
        "session_id": "s",
        "room": "r",
        "session_status": "unknown",
    }
    assert len(handed_on({"question_id": "x" * 5000})["question_id"]) == 1024
    assert handed_on({}) == {"question_id": "default", "session_status": "unknown"}


def test_the_end_of_a_partial_text():
    assert ends({"fin": True})
    assert ends({"fin": "true"})
    assert ends({"session_status": "Ended"})
    assert not ends({"fin": False, "session_status": "ongoing"})
    assert ends({"fin": 1}) and ends({"fin": " True "}) and not ends({"fin": 0}) and not ends({"fin": 2})
    assert has_flag({"fin": "false"}, "fin") and has_flag({"fin": 0}, "fin") and has_flag({"fin": 1.0}, "fin")
    assert not any(has_flag({"fin": value}, "fin") for value in (2, "maybe", [True], {}))
    assert not has_flag({"fin": None}, "fin")
    assert stream_key("text", {"session_id": 1}) != stream_key("text", {"session_id": 2})


@pytest.mark.parametrize(
    ("message", "notes"),
    [
        ('{"text": "Hi", "speeed": 1.2}', ["'speeed' is not read; write speed if that is meant"]),
        ('{"text": "Hi", "speaker": "Ada"}', ["'speaker' is not read; write voice if that is meant"]),
        ('{"text": "Hi", "Voice": "Ada"}', ["'Voice' is not read; write voice if that is meant"]),
        ('{"text": "Hi", "speaker": "A", "voice": "B", "id": 4}', []),
        ('{"input": "Hi"}', ["the message has 'input' and none of prompt, text, content, so nothing of it is said"]),
        ('{"action": "reset"}', []),
        ('{"text": "Hi", "gain": 2}', ["'gain' is not read; write volume if that is meant"]),
        ('{"text": null}', ["the message has null as its text, so nothing of it is said"]),
        (
            '{"text": "Hi", "session_id": "a", "fin": true, "question_id": null}',
            [
                "'session_id' is read in the metadata of a message, not in its text: give it there",
                "'fin' is read in the metadata of a message, not in its text: give it there",
            ],
        ),
        (
            "{'text': 'Hi'}",
            ["the text looks like an object of JSON and is none, so it is said as it stands: send json.dumps(...)"],
        ),
        (
            '{"text": "Hi",}',
            ["the text looks like an object of JSON and is none, so it is said as it stands: send json.dumps(...)"],
        ),
        ("{x: 1 for x in 'ab'}", []),
        ("voice: Bo|Hi", ["the text is said as it stands: write VOICE:NAME|TEXT so if a voice is meant"]),
        ("VOICE：Bo｜Hi", ["the text is said as it stands: write VOICE:NAME|TEXT so if a voice is meant"]),
        ("Voice: a|b, or c|d", ["the text is said as it stands: write VOICE:NAME|TEXT so if a voice is meant"]),
        ("Voices: a|b", []),
        (
            "Caf\ufffd.",
            ["the text has U+FFFD, in place of bytes that are not UTF-8: send a string, or its bytes in UTF-8"],
        ),
        ('{"type": "stop"}', ["the message has 'type' and none of prompt, text, content, so nothing of it is said"]),
    ],
)
def test_keys_that_are_nearly_read_are_noted(message, notes):
    assert list(parse_text(message).notes) == notes


def test_what_the_metadata_say_too_is_not_noted():
    noted = parse_text('{"text": "Hi", "session_id": "a", "fin": true}', {"session_id": "a"}).notes
    assert noted == ("'fin' is read in the metadata of a message, not in its text: give it there",)
