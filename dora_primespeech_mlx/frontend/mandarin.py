"""Normalised Mandarin -> phones: words, pinyin, tone changes, initials and finals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

from dora_primespeech_mlx.frontend.mandarin_text import HAN
from dora_primespeech_mlx.frontend.pinyin import parse_pinyin, syllables
from dora_primespeech_mlx.frontend.sandhi import Word, change_tones, regroup
from dora_primespeech_mlx.frontend.segmentation import tagged_words
from dora_primespeech_mlx.frontend.symbols import MARKS
from dora_primespeech_mlx.frontend.tables import mapping


class Mandarin:
    """Mandarin words to phones; `lexicon` maps words to pinyin ("zhong4 qing4") and wins over every dictionary."""

    def __init__(self, lexicon: Mapping[str, str] | None = None) -> None:
        self._readings: dict[str, list[tuple[str, int]]] = {}
        for word, pinyin in [*mapping("phrase_readings.tsv").items(), *(lexicon or {}).items()]:
            self._readings[word] = [parse_pinyin(part) for part in pinyin.split()]
            if len(self._readings[word]) != len(word):
                raise ValueError(
                    f"lexicon: {word!r} has {len(word)} characters, {pinyin!r} another number of syllables"
                )

    def phones(self, text: str) -> tuple[list[str], list[int]]:
        """Phone names of `text` (Han characters and marks only) and the number of phones of each character."""
        names: list[str] = []
        counts: list[int] = []
        for part in _after_marks(text):
            for word in self._words(part):
                for character, syllable, tone in zip(word.text, word.syllables, word.tones, strict=True):
                    if syllable:
                        initial, final = syllables()[syllable]
                        names += (initial, f"{final}{tone}")
                        counts.append(2)
                    else:
                        names.append(character if character in MARKS else "UNK")
                        counts.append(1)
        return names, counts

    def _words(self, part: str) -> list[Word]:
        result = []
        for text, tag in regroup(tagged_words(part), self.readings):
            pairs = self.readings(text)
            word = Word(text, tag, [syllable for syllable, _ in pairs], [tone for _, tone in pairs])
            change_tones(word)
            result.append(word)
        return result

    def readings(self, word: str) -> list[tuple[str, int]]:
        """(Syllable, tone) of each character of `word`; ("", 0) for what has no reading, marks above all."""
        if (known := self._readings.get(word)) is not None:
            return known
        return _dictionary_readings(word)


@lru_cache(maxsize=20_000)
def _dictionary_readings(word: str) -> list[tuple[str, int]]:
    readings: list[tuple[str, int]] = []
    for part in re.findall(rf"[{HAN}]+|[^{HAN}]", word):
        if len(part) == 1 and not re.match(f"[{HAN}]", part):
            readings.append(("", 0))
            continue
        written = lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True)
        readings += [_parse_or_none(syllable) for syllable in written]
    return readings


def _parse_or_none(written: str) -> tuple[str, int]:
    try:
        return parse_pinyin(written)
    except ValueError:
        return "", 0


def _after_marks(text: str) -> list[str]:
    parts, start = [], 0
    for index, character in enumerate(text):
        if character in MARKS:
            parts.append(text[start : index + 1])
            start = index + 1
    return [part for part in [*parts, text[start:]] if part]
