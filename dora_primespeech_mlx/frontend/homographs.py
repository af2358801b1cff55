"""Which pronunciation of an English homograph is meant, from the words around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dora_primespeech_mlx.frontend.tables import mapping

MODALS = frozenset(
    "to will would can could shall should may might must do does did don't doesn't didn't can't won't couldn't wouldn't "
    "shouldn't let's i'll you'll he'll she'll it'll we'll they'll please".split()
)
PRONOUNS = frozenset("i you we they he she it who that".split())
DETERMINERS = frozenset(
    "the a an this that these those my your his her its our their some any no each every another new old first last "
    "next of in on for with by from".split()
)


@dataclass(frozen=True)
class Homograph:
    """Two pronunciations: `first` when the word's part of speech starts with `tag` (V, N, JJ ...), else `second`."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    tag: str


def chosen(entry: Homograph, tokens: Sequence[str], index: int) -> tuple[str, ...]:
    """The pronunciation of the token at `index` among the sentence's `tokens`."""
    tag = _tag(tokens, index)
    return entry.first if tag.startswith(entry.tag) else entry.second


def _tag(tokens: Sequence[str], index: int) -> str:
    word = tokens[index].lower()
    before = tokens[index - 1].lower() if index else ""
    after = tokens[index + 1].lower() if index + 1 < len(tokens) else ""
    if before in MODALS:
        return "VB"
    if before in PRONOUNS and before != "that":
        return "VBP"
    if before in DETERMINERS:
        return "NN"
    if (not before or before in ",.!?" or before == "and") and after in DETERMINERS:
        return "VB"
    return mapping("en_homograph_defaults.tsv").get(word, "NN")
