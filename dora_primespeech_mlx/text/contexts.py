"""Rules that say how a word is read by what stands right before it and right after it, from a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from dora_primespeech_mlx.text.rules import compiled, written
from dora_primespeech_mlx.text.tables import lines

ANYTHING = "-"


@dataclass(frozen=True)
class Rule:
    """One line of a table: `reading` fits between a text that ends with `before` and one that begins with `after`.

    Both are regular expressions, empty for anything.
    """

    reading: str
    before: str
    after: str

    def fits(self, text: str, start: int, end: int) -> bool:
        """Whether the rule is about the word at `start` to `end` of `text`."""
        if self.after and not compiled(self.after).match(text, end):
            return False
        return not self.before or compiled(self.before).search(text, 0, start) is not None


def read_rules(name: str, shorthands: Mapping[str, str], whole_words: bool = False) -> dict[str, tuple[Rule, ...]]:
    """Word -> its rules in order, from the data file `name`: word, reading, before and after, with tabs between.

    The last two are regular expressions, "-" for anything; each of `shorthands` stands for a longer expression. With
    `whole_words` what stands before begins with a word: "he" is not the end of "the".
    """
    found: dict[str, list[Rule]] = {}
    for line in lines(name):
        word, reading, before, after = line.split("\t")
        for short, long in shorthands.items():
            before, after = before.replace(short, long), after.replace(short, long)
        rule = Rule(
            reading, _within(before, r"(?<![\w'])(?:{})$" if whole_words else "(?:{})$"), _within(after, "(?:{})")
        )
        found.setdefault(word, []).append(rule)
    return {word: tuple(ordered) for word, ordered in found.items()}


def _within(expression: str, around: str) -> str:
    return "" if expression == ANYTHING else written(around.format(expression))
