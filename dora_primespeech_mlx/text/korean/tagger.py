"""What the sounds depend on that letters do not show: verb stems, endings in ㄹ, borders of words; by MeCab."""

from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

from dora_primespeech_mlx.text.korean.syllables import Syllable, is_syllable

STEMS = ("VV", "VA", "VX")


@dataclass(frozen=True)
class Marks:
    """Positions of characters in a text.

    `stems` end the stem of a verb before an ending of its own syllable, `adnominal` end a modifier in ㄹ, `future` are
    the ㄹ of an ending such as 을게, and `starts` begin a word.
    """

    stems: frozenset[int]
    adnominal: frozenset[int]
    future: frozenset[int]
    starts: frozenset[int]


@cache
def _mecab() -> Any:
    """The tagger; ModuleNotFoundError where it is not installed."""
    from mecab import MeCab

    return MeCab()


def marks(text: str) -> Marks:
    """What the tagger says of `text`."""
    morphemes = _mecab().parse(text)
    stems, adnominal, future = set(), set(), set()
    for morpheme, following in zip_longest(morphemes, morphemes[1:]):
        tags, surface, end = morpheme.feature.pos.split("+"), morpheme.surface, morpheme.span.end - 1
        ends_here = following is not None and following.span.start == end + 1
        if tags[-1] in STEMS and ends_here and following.feature.pos[0] == "E":
            stems.add(end)
        if tags[-1] == "ETM" and _coda(surface[-1]) == "ㄹ":
            adnominal.add(end)
        if any(tag[0] == "E" for tag in tags):
            pairs = zip(surface, surface[1:], strict=False)
            future |= {
                morpheme.span.start + at
                for at, (before, after) in enumerate(pairs)
                if _coda(before) == "ㄹ" and after in "게걸지수세밖진"
            }
    starts = frozenset(morpheme.span.start for morpheme in morphemes)
    return Marks(frozenset(stems), frozenset(adnominal), frozenset(future), starts)


def hanja_words(run: str) -> list[tuple[str, str | None]]:
    """A run of Hanja cut into words, each with its reading in Hangul, or None where the dictionary has none."""
    return [(morpheme.surface, morpheme.feature.reading) for morpheme in _mecab().parse(run)]


def _coda(character: str) -> str:
    return Syllable(character).coda if is_syllable(character) else ""
