"""Spoken English -> ARPAbet phones: dictionary, homographs, possessives, compounds, spelling, a model for the rest."""

from __future__ import annotations

import re
from functools import lru_cache

from dora_primespeech_mlx.frontend.english_oov import predict
from dora_primespeech_mlx.frontend.homographs import pronounced
from dora_primespeech_mlx.frontend.lexicon import Lexicon
from dora_primespeech_mlx.frontend.tables import SortedWords, mapping

TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*(?:-[A-Za-z]+(?:'[A-Za-z]+)*)*|[,.?!]|-|'")
VOICELESS = frozenset(("P", "T", "K", "F", "TH", "HH"))
HISSING = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
LONGEST_WORD = 60


@lru_cache(maxsize=1)
def _dictionary() -> SortedWords:
    return SortedWords("cmudict.txt.gz")


class English:
    """English words to phones; the words of the lexicon win over every dictionary."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = (lexicon or Lexicon()).english

    def phones(self, text: str) -> list[str]:
        """Phone names of the normalised `text`, words without a border between them, marks as they stand."""
        tokens = TOKEN.findall(text)
        names: list[str] = []
        for index, token in enumerate(tokens):
            if not token[0].isalpha():
                names.append("-" if token == "'" else token)
            elif token == "A":
                names.append("EY1")
            elif token.lower() in self._lexicon:
                names += self._lexicon[token.lower()]
            else:
                names += pronounced(tokens, index) or self.word(token.lower())
        return names

    def word(self, word: str) -> tuple[str, ...]:
        """Phones of one lower-case word, whatever it is."""
        if (known := self._lexicon.get(word)) is not None:
            return known
        return _word(word)


@lru_cache(maxsize=20_000)
def _word(word: str) -> tuple[str, ...]:
    corrected = mapping("en_words.tsv").get(word) or _dictionary().get(word)
    if corrected:
        return tuple(corrected.split())
    if "-" in word:
        return tuple(phone for part in word.split("-") for phone in _word(part))
    if word.endswith("'s"):
        return _possessive(_word(word[:-2]))
    if "'" in word:
        return tuple(phone for part in word.split("'") for phone in _word(part))
    if len(word) <= 3 or len(word) > LONGEST_WORD or not re.search("[aeiouy]", word):
        return tuple(phone for letter in word for phone in _letter(letter))
    if halves := _compound(word):
        return _word(halves[0]) + _word(halves[1])
    return tuple(phone for start in range(0, len(word), 20) for phone in predict(word[start : start + 20]))


def _letter(letter: str) -> tuple[str, ...]:
    return ("EY1",) if letter == "a" else tuple((_dictionary().get(letter) or "").split())


def _possessive(stem: tuple[str, ...]) -> tuple[str, ...]:
    if stem and stem[-1] in VOICELESS:
        return (*stem, "S")
    if stem and stem[-1] in HISSING:
        return (*stem, "AH0", "Z")
    return (*stem, "Z")


def _compound(word: str) -> tuple[str, str] | None:
    """Two dictionary words of at least three letters that make up `word`: livestream -> live, stream."""
    for cut in sorted(range(3, len(word) - 2), key=lambda at: abs(at - len(word) / 2)):
        if min(cut, len(word) - cut) >= 3 and _dictionary().get(word[:cut]) and _dictionary().get(word[cut:]):
            return word[:cut], word[cut:]
    return None
