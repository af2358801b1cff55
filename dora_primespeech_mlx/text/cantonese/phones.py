"""Normalised Cantonese -> phones: jyutping of words, split into the initials and finals of the official checkpoints."""

import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.symbols import MARKS, UNKNOWN, symbol_table
from dora_primespeech_mlx.text.tables import lines, mapping

logger = logging.getLogger(__name__)

SYLLABLE = regex(r"([a-z]+)([1-6])")
# What the official code takes for the initial, in the order it looks; syllables without one are split after a vowel.
INITIALS = (
    "aa", "ai", "au", "ap", "at", "ak", "a", "p", "b", "e", "t", "d", "kw", "k", "gw", "g", "f", "h", "l", "m", "ng",
    "n", "s", "w", "c", "z", "j", "ong", "on", "ou", "oi", "ok", "o", "uk", "ung",
)  # fmt: skip


class Cantonese:
    """Cantonese text to phones; the words of the lexicon win over the dictionary."""

    def __init__(self, lexicon: Mapping[str, str] | None = None) -> None:
        """Take the user's words: word -> jyutping, a syllable for each character."""
        self._user = {word: [(syllable,) for syllable in said.split()] for word, said in (lexicon or {}).items()}

    @cached_property
    def _dictionary(self) -> Any:
        """Words to jyutping. ModuleNotFoundError where ToJyutping is not installed."""
        import ToJyutping

        return ToJyutping

    def readings(self, text: str) -> list[tuple[str, ...]]:
        """The syllables in jyutping of each character of `text`: mostly one, none of a mark."""
        found = [tuple((said or "").split()) for _, said in self._dictionary.get_jyutping_list(text)]
        for pattern, said in _contexts():
            for match in pattern.finditer(text):
                found[match.start("word")] = (said,)
        for word, syllables in self._user.items():
            for match in re.finditer(re.escape(word), text):
                found[match.start() : match.end()] = syllables
        return found

    def readable(self, text: str) -> str:
        """`text` without the characters that have no reading, which are logged."""
        unread = {
            character
            for character, said in zip(text, self.readings(text), strict=True)
            if not said and character not in MARKS
        }
        if unread:
            logger.warning(
                "left out %s of %r, which have no reading in Cantonese", ", ".join(sorted(unread)), text[:80]
            )
        return "".join(character for character in text if character not in unread)

    def phones(self, text: str) -> tuple[list[str], list[int]]:
        """Phone names of `text` (Han characters and marks only) and the number of phones of each character."""
        names: list[str] = []
        counts: list[int] = []
        for character, syllables in zip(text, self.readings(text), strict=True):
            said = [phone for syllable in syllables for phone in split_syllable(syllable)]
            said = said or [character if character in MARKS else UNKNOWN]
            names += said
            counts.append(len(said))
        return names, counts


@cache
def _contexts() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Pattern with a group "word" of one character -> its jyutping there."""
    found = []
    for line in lines("yue_readings.tsv"):
        before, word, after, said = line.split("\t")
        ahead = after if after.startswith("(?!") or not after else f"(?={after})"
        found.append((re.compile(f"(?:{before})(?P<word>{word}){ahead}"), said))
    return tuple(found)


@cache
def split_syllable(syllable: str) -> tuple[str, str]:
    """Initial and final of a syllable in jyutping: "gwong2" -> Ygw, Yong2; ValueError when it is none.

    A syllable without a consonant lends its first letters as initial: "aai3" -> Yaa, Yi3; "m4" -> Ym, Ym4. One that
    the models have no phones for is said as the nearest that they know.
    """
    match = SYLLABLE.fullmatch(syllable)
    if match is None:
        raise ValueError(f"{syllable!r} is not jyutping such as 'gwong2'")
    letters, tone = match.groups()
    for spelled in _spellings(letters):
        initial = next((start for start in INITIALS if spelled.startswith(start)), "")
        final = spelled[len(initial) :] or initial[-1:]
        pair = (f"Y{initial}", f"Y{final}{tone}")
        if all(name in symbol_table("v2") for name in pair):
            return pair
    return UNKNOWN, UNKNOWN


def _spellings(letters: str) -> Iterator[str]:
    yield letters
    if letters in mapping("yue_syllables.tsv"):
        yield mapping("yue_syllables.tsv")[letters]
