"""Tone changes between the syllables of Mandarin words: 不, 一, neutral tone, third tone, erhua.

The order and the word lists are those the official checkpoints were trained with; tones are ints, 5 is neutral.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from dora_primespeech_mlx.text.mandarin.words import halves
from dora_primespeech_mlx.text.tables import words

FINAL_PARTICLES = frozenset("吧呢哈啊呐噻嘛吖嗨呐哦哒额滴哩哟喽啰耶喔诶的地得")
DIRECTIONS = frozenset("上下进出回过起开")
COUNTED_BEFORE_GE = frozenset("几有两半多各整每做是")


@dataclass
class Word:
    """A word on its way to phones: one base syllable (pinyin without tone) and one tone for each character."""

    text: str
    tag: str
    syllables: list[str]
    tones: list[int]


Read = Callable[[str, int], list[tuple[str, int]]]


def regroup(tagged: list[tuple[str, str]], read: Read) -> list[tuple[str, str]]:
    """Join words that change tone together: 不 and 一 with what follows, doubled words, third-tone runs, 儿.

    `tagged` are (word, tag) pairs; `read` gives (syllable, tone) of each character of a word that begins at a position.
    """
    groups = _join_doubled(_join_yi(_join_bu(tagged)))
    groups = _join_third_tones(groups, read, whole=True)
    groups = _join_third_tones(groups, read, whole=False)
    return _join_er(groups)


def change_tones(word: Word) -> None:
    """Apply every tone change inside `word`, in place."""
    _change_bu(word)
    _change_yi(word)
    _change_neutral(word)
    _change_third(word)
    _change_er(word)


def _join_bu(tagged: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    pending = False
    for text, tag in tagged:
        if pending:
            text, pending = "不" + text, False
        if text == "不":
            pending = True
        else:
            joined.append((text, tag))
    if pending:
        joined.append(("不", "d"))
    return joined


def _join_yi(tagged: list[tuple[str, str]]) -> list[tuple[str, str]]:
    around: list[tuple[str, str]] = []
    index = 0
    while index < len(tagged):
        text, tag = tagged[index]
        if text == "一" and around and index + 1 < len(tagged):
            before, after = around[-1], tagged[index + 1]
            if before == after and before[1] == "v":
                around[-1] = (f"{before[0]}一{after[0]}", "v")
                index += 2
                continue
        around.append((text, tag))
        index += 1
    joined: list[tuple[str, str]] = []
    for text, tag in around:
        if joined and joined[-1][0] == "一":
            joined[-1] = ("一" + text, joined[-1][1])
        else:
            joined.append((text, tag))
    return joined


def _join_doubled(tagged: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for text, tag in tagged:
        if joined and joined[-1][0] == text:
            joined[-1] = (text + text, joined[-1][1])
        else:
            joined.append((text, tag))
    return joined


def _join_third_tones(tagged: list[tuple[str, str]], read: Read, whole: bool) -> list[tuple[str, str]]:
    """Join two words of at most three characters when third tones meet: all of them, or only the two that touch."""
    starts = accumulate((len(text) for text, _ in tagged), initial=0)
    tones = [[tone for _, tone in read(text, start)] for (text, _), start in zip(tagged, starts, strict=False)]
    joined: list[tuple[str, str]] = []
    joined_last = False
    for index, (text, tag) in enumerate(tagged):
        meet = False
        if index and not joined_last and tones[index - 1] and tones[index]:
            left, right = (tones[index - 1], tones[index]) if whole else (tones[index - 1][-1:], tones[index][:1])
            previous = tagged[index - 1][0]
            doubled = len(previous) == 2 and previous[0] == previous[1]
            meet = set(left) == set(right) == {3} and not doubled and len(previous) + len(text) <= 3
        if meet:
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        else:
            joined.append((text, tag))
        joined_last = meet
    return joined


def _join_er(tagged: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for text, tag in tagged:
        if text == "儿" and joined and joined[-1][1] != "x":
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        else:
            joined.append((text, tag))
    return joined


def _change_bu(word: Word) -> None:
    if len(word.text) == 3 and word.text[1] == "不":
        word.tones[1] = 5
        return
    for index, character in enumerate(word.text[:-1]):
        if character == "不" and word.tones[index + 1] == 4:
            word.tones[index] = 2


def _change_yi(word: Word) -> None:
    text, tones = word.text, word.tones
    if "一" not in text or all(character.isnumeric() for character in text):
        return
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        tones[1] = 5
    elif text.startswith("第一"):
        tones[1] = 1
    else:
        for index, character in enumerate(text[:-1]):
            if character == "一" and tones[index + 1]:
                tones[index] = 2 if tones[index + 1] == 4 else 4


def _change_neutral(word: Word) -> None:
    text, tag, tones = word.text, word.tag, word.tones
    keeps_tone = words("full_tone_words.txt")
    if tag[:1] in {"n", "v", "a"} and text not in keeps_tone:
        for index in range(1, len(text)):
            if text[index] == text[index - 1] and not (index == 1 and text[:2] in keeps_tone):
                tones[index] = 5
    last, measure = text[-1], text.find("个")
    if (
        (last in FINAL_PARTICLES and not (word.syllables[-1] == "di" and last == "的" and text != "目的"))
        or (text in {"了", "着", "过"} and tag in {"ul", "uz", "ug"})
        or (len(text) > 1 and last in "们子" and tag in {"r", "n"} and text not in keeps_tone)
        or (len(text) > 1 and last in "上下里" and tag in {"s", "l", "f"} and text not in keeps_tone)
        or (len(text) > 1 and last in "来去" and text[-2] in DIRECTIONS)
    ):
        tones[-1] = 5
    elif (
        text == "个"
        or (len(text) == 2 and measure == 1)
        or (measure > 0 and (text[measure - 1].isnumeric() or text[measure - 1] in COUNTED_BEFORE_GE))
    ):
        tones[measure] = 5
    elif _ends_neutral(text):
        tones[-1] = 5
    first, _ = parts = halves(text)
    for part, end in zip(parts, (len(first), len(text)), strict=True):
        if part and _ends_neutral(part):
            tones[end - 1] = 5


def _ends_neutral(text: str) -> bool:
    neutral = words("neutral_words.txt")
    return text in neutral or text[-2:] in neutral


def _change_third(word: Word) -> None:
    tones = word.tones
    if len(tones) == 2:
        _raise_pair(tones, 0)
    elif len(tones) == 3:
        border = len(halves(word.text)[0])
        if tones == [3, 3, 3]:
            tones[1] = 2
            if border != 1:
                tones[0] = 2
        elif border == 2:
            _raise_pair(tones, 0)
        elif border == 1:
            _raise_pair(tones, 1)
            if tones[0] == 3 and tones[1] == 3:
                tones[0] = 2
    elif len(tones) == 4:
        _raise_pair(tones, 0)
        _raise_pair(tones, 2)


def _raise_pair(tones: list[int], index: int) -> None:
    if tones[index] == tones[index + 1] == 3:
        tones[index] = 2


def _change_er(word: Word) -> None:
    text, tones = word.text, word.tones
    if text[-1] != "儿" or word.syllables[-1] != "er":
        return
    if tones[-1] == 1:
        tones[-1] = 2
    plain = words("plain_er_words.txt")
    if text not in words("erhua_words.txt") and (text in plain or word.tag in {"a", "j", "nr"}):
        return
    if tones[-1] in {2, 5} and text[-2:] not in plain and len(text) > 1:
        tones[-1] = tones[-2]
