"""Normalised Mandarin -> phones: words, pinyin, tone changes, initials and finals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pypinyin import Style, lazy_pinyin
from pypinyin.phrases_dict import phrases_dict
from pypinyin.pinyin_dict import pinyin_dict

from dora_primespeech_mlx.frontend.g2pw import G2PW
from dora_primespeech_mlx.frontend.lexicon import Lexicon, spell
from dora_primespeech_mlx.frontend.mandarin_text import HAN
from dora_primespeech_mlx.frontend.pinyin import parse_pinyin, syllables
from dora_primespeech_mlx.frontend.sandhi import Word, change_tones, regroup
from dora_primespeech_mlx.frontend.segmentation import in_word_list, tagged_words
from dora_primespeech_mlx.frontend.symbols import MARKS
from dora_primespeech_mlx.frontend.tables import mapping, words


class Mandarin:
    """Mandarin words to phones; the words of the lexicon win over every dictionary."""

    def __init__(self, lexicon: Lexicon | None = None, polyphones: G2PW | None = None) -> None:
        self._polyphones = polyphones
        self._user = (lexicon or Lexicon()).mandarin
        self._phrases = {word: spell(word, pinyin) for word, pinyin in mapping("phrase_readings.tsv").items()}
        self._whole = self._user.keys() | {word for word in self._phrases if not in_word_list(word)}

    def readable(self, text: str) -> str:
        """`text` without the characters that have no reading at all."""
        return "".join(character for character in text if character in MARKS or ord(character) in pinyin_dict)

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
        groups = regroup(tagged_words(part, self._whole), self.readings)
        model = self._polyphones.readings(part) if self._polyphones else {}
        result: list[Word] = []
        start = 0
        for index, (text, tag) in enumerate(groups):
            pairs = self.readings(text)
            if model and text not in phrases_dict and text not in self._phrases:
                pairs = [model.get(start + at, pair) for at, pair in enumerate(pairs)]
            start += len(text)
            word = Word(text, tag, [syllable for syllable, _ in pairs], [tone for _, tone in pairs])
            change_tones(word)
            if text in words("must_words.txt") and _is_must(groups, index):
                word.syllables[-1], word.tones[-1] = "dei", 3
            elif text.endswith("地") and _is_adverbial(groups, index):
                word.syllables[-1], word.tones[-1] = "de", 5
            for at, (syllable, tone) in self._user_readings(text):
                word.syllables[at], word.tones[at] = syllable, tone
            result.append(word)
        return result

    def readings(self, word: str) -> list[tuple[str, int]]:
        """(Syllable, tone) of each character of `word`; ("", 0) for what has no reading, marks above all."""
        found = list(self._phrases.get(word) or _dictionary_readings(word))
        for at, reading in self._user_readings(word):
            found[at] = reading
        return found

    def _user_readings(self, text: str) -> Iterator[tuple[int, tuple[str, int]]]:
        """Position and reading of every character of `text` that stands in a word of the user's lexicon."""
        for word, spelled in self._user.items():
            start = text.find(word)
            while start >= 0:
                yield from enumerate(spelled, start)
                start = text.find(word, start + len(word))


def _is_must(groups: list[tuple[str, str]], index: int) -> bool:
    """Whether the word 得 at `index` means must (děi): not after a verb or adjective, and before a verb."""
    if index + 1 == len(groups):
        return False
    before = groups[index - 1][1] if index else "r"
    return before[0] in "rntdfscx" and groups[index + 1][1][0] in "vpda"


def _is_adverbial(groups: list[tuple[str, str]], index: int) -> bool:
    """Whether 地 at the end of the word at `index` makes an adverb (de), and is not the ground."""
    text, tag = groups[index]
    if len(text) > 2:
        return text[0] == text[1] or tag in {"d", "z"}
    if len(text) == 2 or not index or index + 1 == len(groups):
        return False
    return groups[index - 1][1][0] in "advzilbom" and groups[index + 1][1][0] in "vpdar"


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
