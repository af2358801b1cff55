"""Spoken English -> ARPAbet phones: dictionary, homographs, possessives, compounds, spelling, a model for the rest."""

import re
from functools import lru_cache

from dora_primespeech_mlx.text.english.homographs import pronounced
from dora_primespeech_mlx.text.english.unknown import predict
from dora_primespeech_mlx.text.lexicon import Lexicon
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import SortedWords, mapping

TOKEN = regex(r"[A-Za-z]+(?:'[A-Za-z]+)*(?:-[A-Za-z]+(?:'[A-Za-z]+)*)*|[,.?!]|-|'")
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
        return [phone for _, said in self.words(text) for phone in said]

    def words(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """Each word and mark of the normalised `text`, and its phones."""
        tokens = TOKEN.findall(text)
        return [(token, self._phones(tokens, index)) for index, token in enumerate(tokens)]

    def _phones(self, tokens: list[str], index: int) -> tuple[str, ...]:
        token = tokens[index]
        if not token[0].isalpha():
            return ("-" if token == "'" else token,)
        if token == "A":
            return ("EY1",)
        if (known := self._lexicon.get(token.lower())) is not None:
            return tuple(known)
        return tuple(pronounced(tokens, index) or self.word(token.lower()))

    def word(self, word: str) -> tuple[str, ...]:
        """Phones of one lower-case word, whatever it is."""
        if (known := self._lexicon.get(word)) is not None:
            return known
        return _word(word)


@lru_cache(maxsize=20_000)
def _word(word: str) -> tuple[str, ...]:
    if (found := pronunciation(word)) is not None:
        return found
    if "-" in word:
        *parts, last = word.split("-")
        prefixes = mapping("en_prefixes.tsv")
        said = [prefixes[part].split() if part in prefixes else _word(part) for part in parts]
        return (*(phone for phones in said for phone in phones), *_word(last))
    if word.endswith("'s") and len(word) <= LONGEST_WORD:
        return _possessive(_word(word[:-2]))
    if "'" in word:
        return tuple(phone for part in word.split("'") for phone in _word(part))
    if len(word) <= 3 or len(word) > LONGEST_WORD or not re.search("[aeiouy]", word):
        return letters(word)
    if derived := _derived(word) or _prefixed(word):
        return derived
    if halves := _compound(word):
        return _word(halves[0]) + _word(halves[1])
    return tuple(phone for start in range(0, len(word), 20) for phone in predict(word[start : start + 20]))


def pronunciation(word: str) -> tuple[str, ...] | None:
    """Phones of a lower-case word by the dictionary and its corrections, None when they lack it."""
    said = mapping("en_words.tsv").get(word) or _dictionary().get(word)
    return tuple(said.split()) if said else None


def letters(word: str) -> tuple[str, ...]:
    """Phones of `word` spelled."""
    return tuple(phone for letter in word for phone in _letter(letter))


def is_derived(word: str) -> bool:
    """Whether `word` is a dictionary word with an ending, or two of them."""
    return (_derived(word) or _prefixed(word)) is not None or _compound(word) is not None


def _letter(letter: str) -> tuple[str, ...]:
    return ("EY1",) if letter == "a" else tuple((_dictionary().get(letter) or "").split())


def _possessive(stem: tuple[str, ...]) -> tuple[str, ...]:
    if stem and stem[-1] in VOICELESS:
        return (*stem, "S")
    if stem and stem[-1] in HISSING:
        return (*stem, "AH0", "Z")
    return (*stem, "Z")


def _derived(word: str) -> tuple[str, ...] | None:
    """A dictionary word with an ending: mudlarks, skittered, reproachfully."""
    if word.endswith("s") and (stem := _stem(word[:-1]) or (_stem(word[:-2]) if word.endswith("es") else None)):
        return _possessive(stem)
    if word.endswith("ed") and (stem := _stem(word[:-1], word[:-2])):
        if stem[-1] in {"T", "D"}:
            return (*stem, "IH0", "D")
        return (*stem, "T" if stem[-1] in VOICELESS | {"S", "SH", "CH"} else "D")
    for ending, said in mapping("en_suffixes.tsv").items():
        if not word.endswith(ending):
            continue
        base = word[: -len(ending)]
        if (
            stem := _stem(base + "e", base)
            if ending in {"ing", "ings", "er", "ers", "est"}
            else _stem(base, base + "e")
        ):
            return (*stem, *said.split())
    return None


def _prefixed(word: str) -> tuple[str, ...] | None:
    """A dictionary word of four letters or more, perhaps with an ending, behind a prefix: pretrained, refactoring."""
    for prefix, said in mapping("en_closed_prefixes.tsv").items():
        rest = word.removeprefix(prefix)
        if len(word) > len(rest) > 3 and (found := pronunciation(rest) or _derived(rest)):
            return (*said.split(), *found)
    return None


def _stem(*spellings: str) -> tuple[str, ...] | None:
    """Phones of the first spelling that the dictionary has: as it is, with a doubled letter once, or with y for i."""
    for spelling in spellings:
        for stem in (spelling, spelling[:-1] if spelling[-1:] == spelling[-2:-1] else "", re.sub("i$", "y", spelling)):
            if len(stem) > 2 and (found := _dictionary().get(stem)):
                return tuple(found.split())
    return None


def _compound(word: str) -> tuple[str, str] | None:
    """Two dictionary words that make up `word`, of three and five letters at least, or four each: live, stream."""
    for cut in sorted(range(3, len(word) - 2), key=lambda at: abs(at - len(word) / 2)):
        short, long = sorted((cut, len(word) - cut))
        is_long_enough = short >= 4 or long >= 5
        if is_long_enough and _dictionary().get(word[:cut]) and _dictionary().get(word[cut:]):
            return word[:cut], word[cut:]
    return None
