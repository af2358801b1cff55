"""Rules that say how a word is read by what stands right before it and right after it, from a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dora_primespeech_mlx.text.tables import lines

ANYTHING = "-"


@dataclass(frozen=True)
class Rule:
    """One line of a table: `reading` fits between a text that ends with `before` and one that begins with `after`."""

    reading: str
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def fits(self, text: str, start: int, end: int) -> bool:
        """Whether the rule is about the word at `start` to `end` of `text`."""
        if self.after is not None and not self.after.match(text, end):
            return False
        return self.before is None or self.before.search(text, 0, start) is not None


def read_rules(name: str, shorthands: Mapping[str, str]) -> dict[str, tuple[Rule, ...]]:
    """Word -> its rules in order, from the data file `name`: word, reading, before and after, with tabs between.

    The last two are regular expressions, "-" for anything; each of `shorthands` stands for a longer expression.
    """
    found: dict[str, list[Rule]] = {}
    for line in lines(name):
        word, reading, before, after = line.split("\t")
        for short, long in shorthands.items():
            before, after = before.replace(short, long), after.replace(short, long)
        rule = Rule(reading, _compiled(before, "(?:{})$"), _compiled(after, "(?:{})"))
        found.setdefault(word, []).append(rule)
    return {word: tuple(ordered) for word, ordered in found.items()}


def _compiled(written: str, around: str) -> re.Pattern[str] | None:
    return None if written == ANYTHING else re.compile(around.format(written))
