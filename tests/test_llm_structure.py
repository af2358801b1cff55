"""What language models write, cut into sentences: structure is heard, nothing waits for nothing, secrets are silent."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dora_primespeech_mlx.text.markup import MarkupStripper
from dora_primespeech_mlx.text.sentences import Sentence, sentences_of

DATA = Path(__file__).parent / "data"


def unescaped(text: str) -> str:
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


def rows() -> list[tuple[str, list[str]]]:
    found = []
    for line in (DATA / "llm_structure.tsv").read_text(encoding="utf-8").splitlines()[2:]:
        text, _, sentences = line.partition("\t")
        found.append((unescaped(text), [unescaped(part) for part in sentences.split(" ‖ ") if part]))
    return found


ROWS = rows()
BITS = [
    "你好", "Hello there. ", "。", "，", ", ", ". ", "...", "1984.", "1,402,000.", "Dr. ", "e.g. ", "\n", "\n\n", "*",
    "_", "~",
    "`", "[", "<", "$", "!", "|", "&", "#", "\\", "🙂", "**", "```", "~~~", "- ", "1. ", "(2) ", "> ", "# ",
    "---\n", "】", "【",
    "https://x.y/z_1 ", "$20", "$x$", "word", "WORD", "“引用”", "5", "3.14", "\t", "</b>", "<b>", "<br>",
    "<|im_end|>", "——",
]  # fmt: skip
LONE = ["~", "*", "<", "_", "[", "$", "`", "&", "#", "\\", "x*", "a~b", "*ptr", "_x", "<limit", "[a", "`cmd", "$x"]
SILENT = [
    "<think>SECRET</think>", '<think duration="3s">\nSECRET\n</think>', "<THINKING>SECRET</THINKING>",
    "<reasoning>SECRET</reasoning>", "<thought>SECRET < 5 && x</thought>",
    "<tool_call>{\"a\": \"SECRET\"}</tool_call>",
    '<tool_call id="1" name="x">SECRET</tool_call>', "<function_call>SECRET</function_call>",
    "<function=x><parameter=y>SECRET</parameter></function>", '<invoke name="x">SECRET</invoke>',
    "<|channel|>analysis<|message|>SECRET<|end|>", "<|channel|>commentary to=a.b<|message|>SECRET<|call|>",
    "<|start|>assistant<|channel|>analysis<|message|>SECRET<|end|>", "<|channel>thought SECRET<channel|>",
    "<|tool_call>SECRET<tool_call|>", "<|python_tag|>SECRET<|eom_id|>",
    "<｜tool▁calls▁begin｜>SECRET<｜tool▁calls▁end｜>",
    "<|tool_calls_section_begin|>SECRET<|tool_calls_section_end|>", "<|begin_of_thought|>SECRET<|end_of_thought|>",
    "<|START_THINKING|>SECRET<|END_THINKING|>", "◁think▷SECRET◁/think▷", "[THINK]SECRET[/THINK]",
    "<unused94>SECRET<unused95>",
    "[TOOL_CALLS]SECRET</s>", "<seed:think>SECRET</seed:think>", "<thinking>SECRET</thinking>",
    "<minimax:tool_call>SECRET</minimax:tool_call>", "<!-- SECRET -->", "<script>SECRET</script>",
    "\n```py\nSECRET\n```\n",
    "\n~~~\nSECRET\n~~~\n", "\n````md\n```\nSECRET\n```\n````\n", "✿FUNCTION✿: x\n✿ARGS✿: SECRET ✿RETURN✿",
    '\n{"name": "x", "arguments": {"a": {"b": "SECRET }"}}, "id": "1"}\n',
    '\n[{\n "type": "function",\n "name": "x",\n "parameters": {"a": "SECRET"}\n}]\n',
    '\n{"tool_calls": [{"function": {"name": "x", "arguments": "{\\"a\\": \\"SECRET\\"}"}}]}\n',
    '\n{"action": "SECRET", "action_input": "SECRET"}\n',
]  # fmt: skip


def cuts(text: str, chance: random.Random) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + chance.choice([1, 1, 2, 3, 7, 20])
        yield text[start:end]
        start = end


def out_at(text: str) -> int:
    """How many characters had come, one at a time, when the first sentence was out."""
    came = 0

    def letters() -> Iterator[str]:
        nonlocal came
        for letter in text:
            came += 1
            yield letter

    next(sentences_of(letters()))
    return came


def test_there_are_two_hundred_cases_of_structure() -> None:
    assert len(ROWS) >= 200


@pytest.mark.parametrize(("text", "sentences"), ROWS, ids=lambda value: repr(value)[:40])
def test_structure_is_heard(text: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in sentences_of(text)] == sentences


def test_whole_and_streamed_reading_are_the_same_for_a_thousand_texts() -> None:
    chance = random.Random(18)
    texts = [text for text, _ in ROWS]
    for _ in range(1_000):
        parts = [chance.choice(texts if chance.random() < 0.4 else BITS) for _ in range(chance.randrange(1, 8))]
        text = "".join(part + chance.choice(["", "", " ", "\n"]) for part in parts)
        assert list(sentences_of(cuts(text, chance))) == list(sentences_of(text)), text


def test_the_first_sentence_is_out_with_the_piece_that_brings_its_mark() -> None:
    chance = random.Random(19)
    for _ in range(1_000):
        text = chance.choice(ROWS)[0] + chance.choice(["\n\n", "。", ". "]) + chance.choice(ROWS)[0]
        if not any(sentences_of(text)):
            continue
        earliest, came = out_at(text), 0
        pieces = list(cuts(text, chance))

        def counted(pieces: list[str] = pieces) -> Iterator[str]:
            nonlocal came
            for piece in pieces:
                came += len(piece)
                yield piece

        next(sentences_of(counted()))
        assert came - len(pieces[0]) < earliest + 20
        assert earliest <= came < earliest + 20


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (f"The {sign} is here now{end} Then more follows.", end)
        for sign in LONE
        for end in ("!", "?")
    ]
    + [(f"这里有{sign}符号。后面还有很多话要说。", "。") for sign in "~*<_[$`&#【"]
    + [("花了$20。然后继续说下去吧。", "。")]
    + [("It costs $20! Then more follows.", "!"), ("如果当前a<b。然后继续说下去吧。", "。")],
)  # fmt: skip
def test_a_lone_sign_holds_nothing_back(text: str, mark: str) -> None:
    assert out_at(text) <= text.index(mark) + 3


def test_what_may_still_be_markup_is_held_for_a_few_characters() -> None:
    for text, held in (
        ("<limit and", 9),
        ("a<b and", 6),
        ("[Note, that", 6),
        ("$20 for", 5),
        ("2 ~ 3", 1),
        ("AT&T is", 3),
    ):
        stripper = MarkupStripper()
        longest = 0
        for letter in "so " + text + " then it goes on.":
            stripper.push(letter)
            longest = max(longest, len(stripper._held))
        assert longest <= held + 2, text


@pytest.mark.parametrize("block", SILENT)
def test_reasoning_and_tool_calls_are_silent_however_they_are_cut(block: str) -> None:
    chance = random.Random(block)
    for around in (
        "{}答案是四十二。",
        "Well, {} it is done.",
        "好的。{}\n\n完成了。",
        "A lone ` or * here {} it is done.",
    ):
        text = around.format(block)
        for _ in range(8):
            said = " ".join(sentence.text for sentence in sentences_of(cuts(text, chance)))
            assert "SECRET" not in said
            assert said.endswith(("四十二。", "it is done.", "完成了。"))


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_bare_call_of_a_tool_is_silent_where_it_breaks_off_too(size: int) -> None:
    for text in ('{"name": "find", "arguments": {"city": "Paris"}}', '{"name": "find", "parameters": {"city": "Par'):
        assert list(sentences_of(text[at : at + size] for at in range(0, len(text), size))) == []


def test_citations_in_private_signs_are_silent_and_part_no_sentence() -> None:
    text = "It is warm\ue200cite\ue202turn0search0\ue201 in May, they say."
    assert [sentence.text for sentence in sentences_of(text)] == ["It is warm in May, they say."]
    assert list(sentences_of(list(text))) == list(sentences_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "I think this is right.",
        "The <b>tool</b> call is next.",
        "`<think>` is a tag, and <thinkpad> is none.",
        "The analysis is done, a<b and c>d.",
        "Type [THINK or {think} now.",
        '{"name": "Anna", "age": 3} is an object of JSON.',
        '{"name": "f", and what follows is none.',
        "{x | x > 0} is a set, and [{}] a list.",
    ],
)
def test_words_that_only_look_like_silent_blocks_are_said(text: str) -> None:
    said = " ".join(sentence.text for sentence in sentences_of(text))
    assert said[-4:] == text[-4:]
    assert len(said) > 0.7 * len(text)


def languages(text: str | list[str]) -> list[str]:
    return [sentence.language for sentence in sentences_of(text)]


def test_a_sentence_without_words_is_read_in_the_language_around_it() -> None:
    assert languages("How many people live there? 1,402,000. That is a lot.") == ["auto", "en", "auto"]
    assert languages("有多少人？\n\n1,402,000\n\n真多啊真多。") == ["auto", "zh", "auto"]
    assert languages("推荐这两款手机。\n| iPhone 15 | ¥5999 |\n") == ["auto", "zh"]
    assert languages("我们说完了。How are you today? 2024.") == ["auto", "auto", "en"]


def test_a_sentence_of_han_characters_goes_on_in_the_japanese_before_it() -> None:
    assert languages("20歳の誕生日、8歳、18才。10〜20%割引。") == ["auto", "ja", "ja"]
    assert languages("日语里“先生”读作せんせい。意思是老虎。") == ["auto", "auto"]
    assert languages("彼は学生です。你是学生吗？") == ["auto", "auto"]


def test_the_first_sentence_waits_for_the_next_only_without_any_word() -> None:
    assert languages("5,000,000. That is a lot.") == ["en", "auto"]
    assert languages("5,000,000。真的很多啊。") == ["zh", "auto"]
    assert languages("5,000,000。") == ["auto"]
    assert languages(list("GPT-4o 128K.\n2,400,000\n")) == ["auto", "en"]


def test_a_language_that_is_asked_for_is_the_language_of_every_sentence() -> None:
    assert {sentence.language for sentence in sentences_of("Hello there. 你好你好。", "zh")} == {"zh"}


@pytest.mark.parametrize("method", ["cut0", "cut1", "cut2", "cut3", "cut4", "cut5", "sentence"])
def test_structure_is_heard_however_a_text_is_cut(method: str) -> None:
    said = "".join(sentence.text for sentence in sentences_of("- 苹果\n- 香蕉\n- 梨\n- 西瓜\n", "auto", method))
    assert [part for part in said.replace("，", "。").split("。") if part] == ["苹果", "香蕉", "梨", "西瓜"]


def test_places_in_the_text_are_those_without_markup() -> None:
    found = list(sentences_of("**Hello** there, my dear *friend*.\n- one more line here"))
    assert found[0] == Sentence("Hello there, my dear friend.", 0, 28) or found[0].text == "Hello there,"
    assert found[-1].end == len("Hello there, my dear friend.\none more line here")
