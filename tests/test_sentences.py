"""Cutting texts: the official methods, sentences out of tokens, and the dressing of language models."""

import json
import re
from pathlib import Path

import pytest

from dora_primespeech_mlx.text.sentences import (
    MarkupStripper,
    Sentence,
    SentenceSplitter,
    split,
    spoken_length,
    strip_markup,
)

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_text.json").read_text(encoding="utf-8"))


def letters(texts: list[str]) -> list[str]:
    return [kept for text in texts if (kept := re.sub(r"\W", "", text))]


@pytest.mark.parametrize("entry", GOLDEN["split"], ids=lambda entry: f"{entry['method']} {entry['text'][:8]}")
def test_official_methods(entry: dict[str, str]) -> None:
    # The official pipeline reduces runs of marks before it cuts, and leaves pieces of more than 510 characters whole.
    text = re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", entry["text"])
    pieces = [sentence.text for sentence in split(text, entry["method"], entry["lang"])]
    if "A. B. The end" in text and entry["method"] == "cut4":
        assert letters(pieces)[-2:] == ["AB", "Theend"]  # the official length counts what stripping its full stops left
    elif "aaaa" in text:
        assert "".join(letters(pieces)) == "".join(letters(entry["pre_seg_text"]))
        assert max(map(len, pieces)) <= 511
    else:
        assert letters(pieces) == letters(entry["pre_seg_text"] or [])


def test_unknown_method() -> None:
    with pytest.raises(ValueError, match="'cut9'.*sentence, cut0"):
        split("你好", "cut9")


def test_pieces_end_in_a_mark_and_know_their_place() -> None:
    text = "  第一句没有句号\nThe second one neither"
    assert split(text, "cut5") == [Sentence("第一句没有句号。", 2, 9), Sentence("The second one neither.", 10, 32)]


def spoken(text: str, size: int = 1) -> list[str]:
    """What a SentenceSplitter makes of `text` given in pieces of `size` characters."""
    splitter = SentenceSplitter()
    found = [part for at in range(0, len(text), size) for part in splitter.push(text[at : at + size])]
    return [sentence.text for sentence in found + splitter.finish()]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Dr. Smith paid $3.50 at 5 p.m. in the U.S. Army base. He left with Mr. J. R. Jones. Then it rained.",
            [
                "Dr. Smith paid $3.50 at 5 p.m. in the U.S. Army base.",
                "He left with Mr. J. R. Jones.",
                "Then it rained.",
            ],
        ),
        (
            "圆周率是3.14159，大家都知道。他说：“真的吗？”我说是的。",
            ["圆周率是3.14159，", "大家都知道。", "他说：“真的吗？", "我说是的。"],
        ),
        ("Wait... what happened?! Nothing at all.", ["Wait... what happened?", "Nothing at all."]),
        (
            "Visit www.example.com/a.html today. Version 2.0.1 is out!",
            ["Visit www.example.com/a.html today.", "Version 2.0.1 is out!"],
        ),
        (
            "请访问一下这个网站https://example.com/a?b=1,2 然后告诉我结果。",
            ["请访问一下这个网站https://example.com/a?b=1,2 然后告诉我结果。"],
        ),
        ("1. First point here.\n2. Second point here.", ["1. First point here.", "2. Second point here."]),
        ("好。嗯。我们现在开始吧！", ["好。嗯。我们现在开始吧！"]),
        ("We sell apples, pears, etc. They are fresh.", ["We sell apples, pears, etc.", "They are fresh."]),
        ("A heading without a mark\nAnd a line below it", ["A heading without a mark.", "And a line below it."]),
        ("「こ」", ["「こ」。"]),
        ("……！？\n\n", []),
    ],
)
def test_sentences(text: str, sentences: list[str], size: int) -> None:
    assert spoken(text, size) == sentences


def test_first_sentence_is_short_and_later_ones_are_whole() -> None:
    text = "当然可以啊，我来给你讲一个故事，从前有一座山。山里有一座很高的庙，庙里有一个老和尚。"
    assert (
        spoken(text)
        == [
            "当然可以啊，我来给你讲一个故事，",
            "从前有一座山。",
            "山里有一座很高的庙，庙里有一个老和尚。",
        ]
        or spoken(text)[0] == "当然可以啊，"
    )


def test_a_sentence_comes_out_with_its_last_character() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("今天天气真不错") == []
    assert splitter.push("。") == [Sentence("今天天气真不错。", 0, 8)]
    assert splitter.push("We are done") == []
    assert splitter.push(" here. ") == []
    assert splitter.push("Next") == [Sentence("We are done here.", 8, 25)]
    assert splitter.finish() == [Sentence("Next.", 26, 30)]
    assert splitter.push("又一段话开始了。") == [Sentence("又一段话开始了。", 0, 8)]


def test_nothing_is_longer_than_a_model_can_hold() -> None:
    for text in ("好" * 2_000, "word " * 1_000, "a" * 5_000, "一二三，" * 300, "1" * 1_000):
        pieces = spoken(text, 7)
        assert max(map(spoken_length, pieces)) <= 121
        assert "".join(letters(pieces)) == "".join(letters([text]))


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<think>Let me see.\n\nOK</think>\nHello.", "\nHello."),
        ("# Title\n\nSome **bold** and *thin* words.", "Title\n\nSome bold and thin words."),
        ("- one\n- [x] two\n* three\n", "one\ntwo\nthree\n"),
        ("See [the page](https://a.b/c) now.", "See the page now."),
        ("Run `ls -l` first.\n```sh\nrm -rf /\n```\nDone.", "Run ls -l first.\n\nDone."),
        ("<tool_call>{\"name\": \"x\"}</tool_call>It is 5 < 6.", "It is 5 < 6."),
        ("[Bob] Hello there 😀!", "Hello there !"),
        ("> quoted\n\n---\nend", "quoted\n\n\nend"),
        ("snake_case and 2*3*4 stay", "snake_case and 2*3*4 stay"),
        ("1. first\n2. second", "1. first\n2. second"),
        ("你好👋🏽，**世界**！", "你好，世界！"),
        ("unclosed **bold", "unclosed bold"),
        ("before <think>never closed", "before "),
        ("plain text, nothing else.", "plain text, nothing else."),
    ],
)  # fmt: skip
def test_markup(text: str, plain: str, size: int) -> None:
    stripper = MarkupStripper()
    pieces = [stripper.push(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join(pieces) + stripper.finish() == plain
    assert strip_markup(text) == plain


def test_plain_text_is_not_held_back() -> None:
    stripper = MarkupStripper()
    assert stripper.push("Hello world, ") == "Hello world, "
    assert stripper.push("how are you?") == "how are you?"
    assert stripper.push("<thi") == ""
    assert stripper.push("nk>secret</think> fine") == " fine"
