"""`primespeech phones`: how a text will be read."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dora_primespeech_mlx.commands.main import main


def asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *lines: object) -> list[dict]:
    text = "".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
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
    first, nested, last = asked(capsys, monkeypatch, "🙂", "[" * 100_000, "Hello there.")
    assert "nothing to say" in first["error"]
    assert "nothing to say" in nested["error"]
    assert last["error"] is None


def test_the_table_is_for_people_and_an_error_is_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phones", "你好。"]) == 0
    assert "你ni2 好hao3" in capsys.readouterr().out
    assert main(["phones", "..."]) == 1
    assert "nothing to say" in capsys.readouterr().out


def test_what_was_added_is_not_part_of_what_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = asked(
        capsys, monkeypatch, {"text": "5+8=13", "cut": "cut0"}, {"text": "5+8=13。", "cut": "cut0"}, {"text": "5+8=13"}
    )
    assert [answer["sentences"][0]["said"] for answer in (one, two, three)] == [
        "五加八等于十三",
        "五加八等于十三.",
        "五加八等于十三.",
    ]
    assert one["sentences"][0]["phones"] == two["sentences"][0]["phones"]


def test_breaks_rates_and_readings_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[重](chong2)庆很大啊。<break time="1s"/><prosody rate="slow">好的好的。</prosody>'
    (answer,) = asked(capsys, monkeypatch, text)
    first, second = answer["sentences"]
    assert first["pinyin"][0] == ["重", "chong2"]
    assert "pause" not in first
    assert (second["pause"], second["rate"]) == (1.0, 0.75)


def test_a_sentence_that_is_refused_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (answer,) = asked(capsys, monkeypatch, "你好你好。สวัสดีชาวโลกทุกคนครับผม。再见再见。")
    assert [sentence["said"] for sentence in answer["sentences"]] == ["你好你好.", "再见再见."]
    assert "Thai" in answer["error"]


def test_an_unknown_method_is_an_answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (answer,) = asked(capsys, monkeypatch, {"text": "Hello there.", "cut": "cut9"})
    assert "cut9" in answer["error"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"text": 5}, "text is 5, which is no text"),
        ({"text": "Hi.", "language": "fr"}, "language='fr' is not allowed; it must be one of auto, zh"),
        ({"text": "Hi.", "pieces": "x"}, "pieces='x' is not allowed; it must be a whole number"),
    ],
)
def test_a_question_with_a_wrong_value_is_answered_with_what_is_allowed(
    question: dict, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = asked(capsys, monkeypatch, question, {"text": "Hi.", "language": "EN"})
    assert said in wrong["error"]
    assert right["error"] is None


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """Two voices without any file but a lexicon."""
    (tmp_path / "words.json").write_text(json.dumps({"重庆": "chong1 qing1", "GIF": "JH IH1 F"}), encoding="utf-8")
    entry = {"ref_audio": "a.wav", "ref_text": "Hello.", "prompt_lang": "en", "model": "nowhere"}
    book = {"default_voice": "plain", "voices": {"plain": entry, "own": entry | {"lexicon": "words.json"}}}
    path = tmp_path / "voices.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def test_the_lexicon_of_a_voice_counts_and_no_network_is_loaded(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def phones(*options: str) -> str:
        assert main(["phones", "去重庆看GIF吧。", *options]) == 0
        return capsys.readouterr().out

    assert "重chong1 庆qing1" in phones("--voice", "own", "--voices", str(voices))
    assert "JH IH1 F" in phones("--voice", "own", "--voices", str(voices))
    assert "重chong2 庆qing4" in phones("--voices", str(voices))
    assert "重chong2 庆qing4" in phones()


def test_phones_needs_no_mlx() -> None:
    code = (
        "import sys\n"
        "from dora_primespeech_mlx.commands.main import main\n"
        "main(['phones', 'Hello there.'])\n"
        "assert not {'mlx', 'onnxruntime', 'dora'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


def test_a_voice_that_is_not_there_is_named(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phones", "Hello.", "--voice", "nobody", "--voices", str(voices)]) != 0
    assert "nobody" in capsys.readouterr().err
