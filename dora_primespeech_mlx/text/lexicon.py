"""The words of the user: word -> pinyin or ARPAbet."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dora_primespeech_mlx.text.mandarin.normalise import HAN
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.symbols import symbol_table


@dataclass(frozen=True)
class Lexicon:
    """Pronunciations that win over every dictionary.

    `mandarin` has (syllable, tone) for each character of a word, `english` the ARPAbet phones of a lower-case word.
    """

    mandarin: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    english: dict[str, tuple[str, ...]] = field(default_factory=dict)


def parse_lexicon(entries: Mapping[str, str]) -> Lexicon:
    """Sort `entries` by language; ValueError for a word or a pronunciation that is neither."""
    lexicon = Lexicon()
    for word, said in entries.items():
        if re.fullmatch(f"[{HAN}]+", word):
            lexicon.mandarin[word] = spell(word, said)
        elif re.fullmatch(r"[A-Za-z]+(?:['-][A-Za-z]+)*", word):
            lexicon.english[word.lower()] = _arpabet(word, said)
        else:
            raise ValueError(
                f"lexicon: {word!r} is neither a Mandarin word in Han characters nor an English one in letters"
            )
    return lexicon


def read_lexicon(path: Path) -> Mapping[str, str]:
    """Pronunciations from a JSON object of words to pinyin or ARPAbet.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such an object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The lexicon {path} does not exist.")
    try:
        lexicon = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"The lexicon {path} is not JSON: {error}.") from error
    if not isinstance(lexicon, dict) or not all(isinstance(said, str) for said in lexicon.values()):
        raise ValueError(f"The lexicon {path} must be a JSON object of words to pinyin or ARPAbet.")
    return lexicon


def spell(word: str, pinyin: str) -> list[tuple[str, int]]:
    """(Syllable, tone) of each character of `word`; ValueError when `pinyin` ("chong2 qing4") does not fit it."""
    spelled = [parse_pinyin(part) for part in pinyin.split()]
    if len(spelled) != len(word):
        raise ValueError(f"lexicon: {word!r} has {len(word)} characters, {pinyin!r} has {len(spelled)} syllables")
    return spelled


def _arpabet(word: str, said: str) -> tuple[str, ...]:
    phones = tuple(said.split())
    wrong = [phone for phone in phones if not phone.isupper() or phone not in symbol_table("v1")]
    if wrong or not phones:
        raise ValueError(f"lexicon: {word!r} is said {said!r}, which is not ARPAbet such as 'T AH0 M EY1 T OW0'")
    return phones
