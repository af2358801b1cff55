"""The official ways to cut a text: places where pieces end, before short ones are joined and long ones cut."""

import re
from collections.abc import Callable

CLAUSE_MARKS = frozenset("，。？！,.?!~:：—…")
CUT5_MARKS = frozenset(",.;?!、､，。｡？！：…")


def _clause_ends(text: str) -> list[int]:
    ends = [index + 1 for index, character in enumerate(text) if character in CLAUSE_MARKS]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


def _cut0(text: str) -> list[int]:
    return [len(text)]


def _cut1(text: str) -> list[int]:
    ends = _clause_ends(text)
    groups = max(1, (len(ends) + 3) // 4 - 1)
    return [*ends[3 : 4 * (groups - 1) : 4], ends[-1]]


def _cut2(text: str) -> list[int]:
    cuts, start = [], 0
    for end in _clause_ends(text):
        if end - start > 50:
            cuts.append(end)
            start = end
    if not cuts:
        return [len(text)]
    if start < len(text):
        cuts.append(len(text))
        if len(text) - start < 50:
            del cuts[-2]
    return cuts


def _cuts_after(text: str, pattern: str) -> list[int]:
    ends = [match.end() for match in re.finditer(pattern, text)]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


def _cut3(text: str) -> list[int]:
    return _cuts_after(text, "。")


def _cut4(text: str) -> list[int]:
    return _cuts_after(text, r"(?<!\d)\.(?!\d)")


def _cut5(text: str) -> list[int]:
    return _cuts_after(text, r"(?<!\d)\.|\.(?!\d)|[" + re.escape("".join(CUT5_MARKS - {"."})) + "]")


METHODS: dict[str, Callable[[str], list[int]]] = {
    "cut0": _cut0, "cut1": _cut1, "cut2": _cut2, "cut3": _cut3, "cut4": _cut4, "cut5": _cut5,
}  # fmt: skip
