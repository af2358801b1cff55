"""Normalised Mandarin -> phones: words, pinyin, tone changes, initials and finals."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import accumulate

from dora_primespeech_mlx.text.lexicon import Lexicon, spell
from dora_primespeech_mlx.text.mandarin.contexts import ABOVE_PHRASES, context_readings
from dora_primespeech_mlx.text.mandarin.dictionary import Style, lazy_pinyin, pinyin_dict, seg
from dora_primespeech_mlx.text.mandarin.g2pw import G2PW
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.names import surname_readings
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin, syllables
from dora_primespeech_mlx.text.mandarin.polyphones import Reading, early_readings, final_readings
from dora_primespeech_mlx.text.mandarin.sandhi import Word, change_tones, regroup
from dora_primespeech_mlx.text.mandarin.words import in_word_list, tagged_words
from dora_primespeech_mlx.text.symbols import MARKS
from dora_primespeech_mlx.text.tables import mapping


class Mandarin:
    """Mandarin words to phones; the words of the lexicon win over every dictionary."""

    def __init__(self, lexicon: Lexicon | None = None, polyphones: G2PW | None = None) -> None:
        self._polyphones = polyphones
        self._user = (lexicon or Lexicon()).mandarin
        written = mapping("word_readings.tsv") | mapping("phrase_readings.tsv")
        self._phrases = {word: spell(word, pinyin) for word, pinyin in written.items()}
        self._dictionary = lru_cache(maxsize=20_000)(self._spell)
        self._whole = frozenset(self._user) | {word for word in self._phrases if not in_word_list(word)}

    def readable(self, text: str) -> str:
        """`text` without the characters that have no reading at all."""
        return "".join(character for character in text if character in MARKS or ord(character) in pinyin_dict)

    def phones(
        self, text: str, given: Mapping[int, Reading] | None = None, follows_latin: bool = False
    ) -> tuple[list[str], list[int]]:
        """Phone names of `text` (Han characters and marks only) and the number of phones of each character.

        `given` has the readings of characters, by index, that win over everything. `follows_latin`: Latin letters are
        said right before `text`.
        """
        names: list[str] = []
        counts: list[int] = []
        for index, part in enumerate(_after_marks(text)):
            begin = len(counts)
            here = {at - begin: reading for at, reading in (given or {}).items() if begin <= at < begin + len(part)}
            for word in self._words(part, here, follows_latin and index == 0):
                for character, syllable, tone in zip(word.text, word.syllables, word.tones, strict=True):
                    if syllable:
                        initial, final = syllables()[syllable]
                        names += (initial, f"{final}{tone}")
                        counts.append(2)
                    else:
                        names.append(character if character in MARKS else "UNK")
                        counts.append(1)
        return names, counts

    def _words(self, part: str, given: Mapping[int, Reading], follows_latin: bool) -> list[Word]:
        tagged = tagged_words(part, self._whole)
        early = self._early_readings(part, tagged, follows_latin) | dict(given)
        ends = {end - 1 for end in accumulate(len(text) for text, _ in tagged)}
        # The tone changes would go over these, and make 得, 地 and 了 at a word's end neutral; what is decided stays.
        kept = {at for at in early if part[at] in "得一西意道着" or (part[at] == "了" and at in ends)}
        final = final_readings(tagged) | {at: early[at] for at in kept}

        def read(text: str, start: int) -> list[Reading]:
            return [early.get(at, reading) for at, reading in enumerate(self.readings(text), start)]

        result: list[Word] = []
        start = 0
        for text, tag in regroup(tagged, read):
            pairs = read(text, start)
            word = Word(text, tag, [syllable for syllable, _ in pairs], [tone for _, tone in pairs])
            change_tones(word)
            fixed = {at: final[start + at] for at in range(len(text)) if start + at in final}
            own = {at: given[start + at] for at in range(len(text)) if start + at in given}
            for at, (syllable, tone) in [*fixed.items(), *self._user_readings(text), *own.items()]:
                word.syllables[at], word.tones[at] = syllable, tone
            result.append(word)
            start += len(text)
        return result

    def _early_readings(self, part: str, tagged: list[tuple[str, str]], follows_latin: bool) -> dict[int, Reading]:
        """Readings of the characters that no phrase of the dictionaries decides, by their neighbours."""
        loose: set[int] = set()
        start = 0
        for text, _ in tagged:
            if text not in self._phrases:
                loose |= {start + at for at, covered in enumerate(_in_phrase(text)) if not covered}
            start += len(text)
        found: dict[int, Reading] = {}
        if self._polyphones and loose:
            found = {at: reading for at, reading in self._polyphones.readings(part).items() if at in loose}
        found |= early_readings(tagged)
        found |= surname_readings(tagged, self._is_phrase)
        by_rule = context_readings(part, follows_latin)
        found |= {at: reading for at, reading in by_rule.items() if at in loose or part[at] in ABOVE_PHRASES}
        user = {at for at, _ in self._user_readings(part)}
        return {at: reading for at, reading in found.items() if at not in user}

    def _is_phrase(self, word: str) -> bool:
        """Whether the dictionaries have `word` as it stands."""
        return word in self._phrases or all(_in_phrase(word))

    def readings(self, word: str) -> list[Reading]:
        """(Syllable, tone) of each character of `word`; ("", 0) for what has no reading, marks above all."""
        if not self._user:
            return self._dictionary(word)
        found = list(self._dictionary(word))
        for at, reading in self._user_readings(word):
            found[at] = reading
        return found

    def _spell(self, word: str) -> list[Reading]:
        """Readings of `word` by the dictionaries: as a phrase, else by the phrases and characters it is made of."""
        if word in self._phrases:
            return self._phrases[word]
        spelled = _dictionary_readings(word)
        lengths = [len(piece) for piece in seg.cut(word) for _ in piece]
        for size in (2, 3):
            for at in range(len(word) - size + 1):
                is_inside_longer = max(lengths[at : at + size]) > size
                if not is_inside_longer and (phrase := self._phrases.get(word[at : at + size])) is not None:
                    spelled[at : at + size] = phrase
        return spelled

    def _user_readings(self, text: str) -> Iterator[tuple[int, Reading]]:
        """Position and reading of every character of `text` that stands in a word of the user's lexicon."""
        for word, spelled in self._user.items():
            start = text.find(word)
            while start >= 0:
                yield from enumerate(spelled, start)
                start = text.find(word, start + len(word))


@lru_cache(maxsize=20_000)
def _in_phrase(word: str) -> list[bool]:
    """For each character of `word`, whether it stands in a phrase of the dictionary."""
    return [len(piece) > 1 for piece in seg.cut(word) for _ in piece]


def _dictionary_readings(word: str) -> list[Reading]:
    readings: list[Reading] = []
    for part in re.findall(rf"[{HAN}]+|[^{HAN}]", word):
        if len(part) == 1 and not re.match(f"[{HAN}]", part):
            readings.append(("", 0))
            continue
        written = lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True)
        loose = mapping("loose_readings.tsv")
        for at, (character, syllable, covered) in enumerate(zip(part, written, _in_phrase(part), strict=True)):
            known = loose.get(character) or (loose.get("^" + character) if at == 0 else None)
            readings.append(_parse_or_none(syllable if covered or known is None else known))
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
