"""Texts made up from a regular expression: what it matches, at random, with something around it."""

import random
import re
import re._constants as kinds
import re._parser as parser
from collections.abc import Iterable
from typing import Any

HAN = "一二三四五六七八九十的是了在有人中大上年月日号点分时周第到元个万亿次级班高比温度率价为和加减约从期页章步楼米件"
LETTERS = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + HAN + " ,.-–—~/:%+=*<>()（），。、；：!?'\"°μ√²"
)
AROUND = (
    *(
        "",
        "",
        " ",
        "1",
        "25",
        "3.5",
        "1,500",
        "x",
        "A",
        " the ",
        " is ",
        "km",
        "°C",
        ", ",
        "(",
        ")",
        "-",
        "–",
        "/",
        "~",
        "+",
    ),
    *("=", "$", "%", '"', "'", "为", "的", "元", "年", "月", "个", "，", "。", "：", "、"),
)
CATEGORIES = {
    kinds.CATEGORY_DIGIT: "0123456789",
    kinds.CATEGORY_NOT_DIGIT: "aZ中 -,",
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_NOT_SPACE: "aZ9中-(",
    kinds.CATEGORY_WORD: "abcXYZ019_年中",
    kinds.CATEGORY_NOT_WORD: " ,.-(/",
}
MOST_REPEATS = 3
TRIES = 30


def matched_texts(pattern: str, count: int, chance: random.Random) -> list[str]:
    """At most `count` texts in which `pattern` matches something."""
    parsed, compiled, found = parser.parse(pattern), re.compile(pattern), []
    for _ in range(count * TRIES):
        text = chance.choice(AROUND) + _written(parsed, {}, chance) + chance.choice(AROUND)
        if compiled.search(text):
            found.append(text)
        if len(found) == count:
            break
    return found


def _written(parts: Iterable[tuple[Any, Any]], groups: dict[int, str], chance: random.Random) -> str:
    """One text for parts of a pattern. Assertions stand as text at its ends and are left to chance within it."""
    written, parts = "", list(parts)
    for at, (kind, what) in enumerate(parts):
        if kind is kinds.LITERAL:
            written += chr(what)
        elif kind is kinds.IN:
            written += _one_of(what, chance)
        elif kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
            least, most, repeated = what
            times = chance.randint(least, min(int(most), least + MOST_REPEATS))
            written += "".join(_written(repeated, groups, chance) for _ in range(times))
        elif kind is kinds.BRANCH:
            written += _written(chance.choice(what[1]), groups, chance)
        elif kind is kinds.SUBPATTERN:
            groups[what[0]] = _written(what[3], groups, chance)
            written += groups[what[0]]
        elif kind is kinds.GROUPREF:
            written += groups.get(what, "")
        elif kind is kinds.ASSERT and (at == len(parts) - 1 if what[0] > 0 else not written):
            written += _written(what[1], groups, chance)
        elif kind in (kinds.ANY, kinds.NOT_LITERAL):
            written += chance.choice(LETTERS)
    return written


def _one_of(choices: list[tuple[Any, Any]], chance: random.Random) -> str:
    """One character of a class, or of those that are not in it."""
    if choices[0][0] is kinds.NEGATE:
        return chance.choice([letter for letter in LETTERS if not any(_holds(each, letter) for each in choices[1:])])
    kind, what = chance.choice(choices)
    if kind is kinds.RANGE:
        return chance.choice(HAN) if what[1] - what[0] > 500 else chr(chance.randint(*what))
    return chr(what) if kind is kinds.LITERAL else chance.choice(CATEGORIES[what])


def _holds(choice: tuple[Any, Any], letter: str) -> bool:
    kind, what = choice
    if kind is kinds.RANGE:
        return what[0] <= ord(letter) <= what[1]
    if kind is kinds.LITERAL:
        return what == ord(letter)
    return letter in CATEGORIES[what] or (what is kinds.CATEGORY_WORD and letter.isalnum())
