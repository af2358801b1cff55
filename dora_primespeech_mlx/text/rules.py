"""Rules that are looked for one after another in a text, each only where it can apply."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

Say = str | Callable[[re.Match[str]], str]
Row = tuple[str, str, Say]
WINDOW = 120
DIGITS = frozenset("0123456789")


_written: set[str] = set()
_regexes: list["_Regex"] = []


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled when it is first looked for: a start waits for those alone that its text needs."""
    return re.compile(pattern)


def written(pattern: str) -> str:
    """The pattern, which `compile_all` shall know."""
    _written.add(pattern)
    return pattern


class _Regex:
    """A regular expression that is compiled when it is first looked for; then its methods are those of `re`."""

    METHODS = ("search", "match", "fullmatch", "sub", "split", "findall", "finditer")

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in self.METHODS:
            raise AttributeError(name)
        found = re.compile(self.pattern, self.flags)
        for method in self.METHODS:
            setattr(self, method, getattr(found, method))
        return getattr(found, name)


def regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, but a start does not wait for it: the first text that needs it does, or `compile_all`."""
    _regexes.append(_Regex(pattern, flags))
    return cast("re.Pattern[str]", _regexes[-1])


def compile_all() -> int:
    """Compiles each `written` pattern and `regex` so far, so that no later text waits; returns how many there are."""
    for pattern in list(_written):  # another thread may read its first text in a language
        compiled(pattern)
    for late in _regexes:
        late.search("")
    return len(_written) + len(_regexes)


class Rules:
    """Patterns and what is said for them, in order.

    A row has what a text must hold for the pattern to be tried, the pattern, and what is said: a template for
    `match.expand` or a function of the match. "0-|0–" asks for a digit (0 is any) and one of two dashes, "" for
    nothing. Most sentences hold so little that most patterns are never run.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [(*_needs(needs), written(pattern), say) for needs, pattern, say in rows]

    def __call__(self, text: str) -> str:
        """`text` with every rule applied."""
        present = {"", *text}
        if not present.isdisjoint(DIGITS):
            present.add("0")
        for single, choices, pattern, say in self._rows:
            if not present.isdisjoint(single) or any(map(present.issuperset, choices)):
                said = compiled(pattern).sub(say, text)
                if said != text:
                    present.update(said)
                    text = said
        return text


def _needs(needs: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Single characters of which one is enough, and sets of characters that must all be there."""
    choices = needs.split("|")
    return frozenset(one for one in choices if len(one) < 2), tuple(one for one in choices if len(one) > 1)


def before(match: re.Match[str], length: int = WINDOW) -> str:
    """What stands before a match, its last `length` characters: long texts of matches must not cost by the square."""
    return match.string[max(0, match.start() - length) : match.start()]


def after(match: re.Match[str], length: int = WINDOW) -> str:
    """What stands behind a match, its first `length` characters."""
    return match.string[match.end() : match.end() + length]


def closing(match: re.Match[str]) -> str:
    """A full stop, if the one of a short form ends the text too."""
    return "" if match.string[match.end() :].strip() else "."


def any_of(words: Iterable[str]) -> str:
    """A pattern of any of `words`, the longest first; of none, one that matches nothing."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"


def with_any(signs: Iterable[str], besides: str = "") -> str:
    """What a text must hold for a rule that needs one of `signs`, and all characters of `besides`."""
    return "|".join(dict.fromkeys(besides + sign for sign in signs))
