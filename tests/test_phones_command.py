"""`primespeech phones`: how a text will be read."""

import io
import json

import pytest

from dora_primespeech_mlx.commands.main import main


def asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *lines: object) -> list[dict]:
    text = "".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["phones", "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_text_is_answered_with_its_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (answer,) = asked(capsys, monkeypatch, "你好，world。")
    assert answer["error"] is None
    (sentence,) = answer["sentences"]
    assert sentence["said"] == "你好,world."
    assert sentence["language"] == "zh"
    assert sentence["pinyin"] == [["你", "ni2"], ["好", "hao3"]]
    assert sentence["phones"][:4] == ["n", "i2", "h", "ao3"]
    assert len(sentence["ids"]) == len(sentence["phones"]) == sentence["spans"][-1]["end"]
    assert [span["language"] for span in sentence["spans"]] == ["zh", "en"]


def test_pieces_say_when_a_sentence_came_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "今天天气真不错。我们去公园走走吧。"
    whole, pieces = asked(capsys, monkeypatch, {"text": text}, {"text": text, "pieces": 3})
    assert [sentence["at"] for sentence in whole["sentences"]] == [17, 17]
    assert [sentence["at"] for sentence in pieces["sentences"]] == [9, 17]
    assert [s["said"] for s in whole["sentences"]] == [s["said"] for s in pieces["sentences"]]


def test_cut0_keeps_the_text_in_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (answer,) = asked(capsys, monkeypatch, {"text": "One thing. Two things.", "cut": "cut0"})
    assert [sentence["said"] for sentence in answer["sentences"]] == ["One thing. Two things."]


def test_a_text_with_nothing_to_say_is_an_error_and_the_next_is_answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = asked(capsys, monkeypatch, "🙂", "Hello there.")
    assert "nothing to say" in first["error"]
    assert second["error"] is None


def test_the_table_is_for_people_and_an_error_is_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phones", "你好。"]) == 0
    assert "你ni2 好hao3" in capsys.readouterr().out
    assert main(["phones", "..."]) == 1
    assert "nothing to say" in capsys.readouterr().out
