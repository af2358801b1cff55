"""Normalised Korean -> phones: standard pronunciation, then the letters of each syllable."""

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache

from dora_primespeech_mlx.text.korean.sounds import pronounce
from dora_primespeech_mlx.text.korean.syllables import Syllable, has_coda, is_syllable
from dora_primespeech_mlx.text.korean.tagger import Marks, marks
from dora_primespeech_mlx.text.rules import any_of, regex
from dora_primespeech_mlx.text.symbols import MARKS
from dora_primespeech_mlx.text.tables import mapping

SPACE = "空"
STOP = "停"
# Vowels of two sounds.
VOWELS = {
    whole: first + second
    for whole, first, second in zip(
        "ㅘㅙㅚㅝㅞㅟㅢㅑㅒㅕㅖㅛㅠ", "ㅗㅗㅗㅜㅜㅜㅡㅣㅣㅣㅣㅣㅣ", "ㅏㅐㅣㅓㅔㅣㅣㅏㅐㅓㅔㅗㅜ", strict=True
    )
}
# Two consonants in one letter, which stand alone in chat: ㅄ.
PAIRS = {
    whole: first + second
    for whole, first, second in zip(
        "ㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ", "ㄱㄴㄴㄹㄹㄹㄹㄹㄹㄹㅂ", "ㅅㅈㅎㄱㅁㅂㅅㅌㅍㅎㅅ", strict=True
    )
}
# The station of a place, 부산역, is said as if 녁 behind a consonant; words that end alike (번역, 방역) are not.
STATION = regex(
    r"(?<=[가-힣])([가-힣])(?<![번통방면전권병현용단영음관징])역(?=에서|까지|으로|에|은|이|을|의|도|과|부터|\s|[.,!?]|$)"
)
LETTERS = regex("[ㄱ-ㅎㅏ-ㅣ]")


class Korean:
    """Korean text to phones; the words of the lexicon win over the tables."""

    def __init__(self, lexicon: Mapping[str, str] | None = None) -> None:
        """Take the user's words: word -> how it sounds, in as many syllables of Hangul."""
        self._user = dict(lexicon or {})
        self._said = lru_cache(maxsize=2_000)(self._pronounced)

    def phones(self, text: str) -> list[str]:
        """Phone names of `text`: Hangul, blanks, the marks `! ? … , . -`; other signs are a short stop."""
        return list(self._said(text))

    def words(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """The words and marks of `text` with their phones, as far as blanks and marks part both alike.

        The blank before a word counts to it.
        """
        written = re.findall(rf"[{re.escape(MARKS)}]|[^\s{re.escape(MARKS)}]+", text)
        said: list[list[str]] = []
        for phone in self.phones(text):
            begins = phone == SPACE or phone in MARKS or not said or said[-1][0] in MARKS
            if begins and not (said and said[-1] == [SPACE]):
                said.append([phone])
            else:
                said[-1].append(phone)
        if len(written) != len(said):
            return [(text, tuple(self.phones(text)))]
        return [(word, tuple(phones)) for word, phones in zip(written, said, strict=True)]

    @cached_property
    def _words(self) -> dict[str, str]:
        return mapping("ko_words.tsv") | self._user

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(any_of(self._words))

    def _pronounced(self, text: str) -> tuple[str, ...]:
        grammar = marks(text)
        said = self._pattern.sub(lambda match: self._word(match, grammar), text)
        said = STATION.sub(lambda match: match[1] + ("녁" if has_coda(match[1]) else "역"), said)
        units = [Syllable(character) if is_syllable(character) else character for character in said]
        pronounce(units, grammar)
        return tuple(phone for unit in units for phone in _letters(unit))

    def _word(self, match: re.Match[str], grammar: Marks) -> str:
        """A word of the table, where one begins; the tagger may have cut it, so its beginning is all that counts."""
        written = match.group()
        if written in self._user or match.start() in grammar.starts:
            return self._words[written]
        return written


def _letters(unit: Syllable | str) -> str:
    if isinstance(unit, Syllable):
        return unit.onset + VOWELS.get(unit.vowel, unit.vowel) + unit.coda
    if unit in MARKS:
        return unit
    if LETTERS.fullmatch(unit):
        return VOWELS.get(unit) or PAIRS.get(unit, unit)
    return SPACE if unit.isspace() else STOP
