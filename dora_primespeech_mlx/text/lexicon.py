"""The words of the user: word -> pinyin, ARPAbet, kana, Hangul or jyutping."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dora_primespeech_mlx.text.cantonese.phones import SYLLABLE, split_syllable
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.symbols import UNKNOWN, symbol_table


@dataclass(frozen=True)
class Lexicon:
    """Pronunciations that win over every dictionary.

    `mandarin` has (syllable, tone) for each character of a word, `english` the ARPAbet phones of a lower-case word,
    `japanese` the katakana of a word, `korean` a word's sound in Hangul, `cantonese` its jyutping.
    """

    mandarin: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    english: dict[str, tuple[str, ...]] = field(default_factory=dict)
    japanese: dict[str, str] = field(default_factory=dict)
    korean: dict[str, str] = field(default_factory=dict)
    cantonese: dict[str, str] = field(default_factory=dict)


def parse_lexicon(entries: Mapping[str, str]) -> Lexicon:
    """Sort `entries` by language; ValueError for a word or a pronunciation that is none.

    What is said tells the language. A word that begins with "yue:" is Cantonese, for syllables that could be pinyin.
    """
    lexicon = Lexicon()
    for word, said in entries.items():
        if re.fullmatch(r"[ぁ-ゖァ-ヺー]+", said) and word:
            lexicon.japanese[word] = "".join(chr(ord(kana) + 96) if "ぁ" <= kana <= "ゖ" else kana for kana in said)
        elif re.fullmatch("[가-힣]+", said) and len(said) == len(word):
            lexicon.korean[word] = said
        elif word.startswith("yue:") or re.fullmatch(f"[{HAN}]+", word) and not _is_pinyin(said):
            lexicon.cantonese[word.removeprefix("yue:")] = _jyutping(word.removeprefix("yue:"), said)
        elif re.fullmatch(f"[{HAN}]+", word):
            lexicon.mandarin[word] = spell(word, said)
        elif re.fullmatch(r"[A-Za-z]+(?:['-][A-Za-z]+)*", word):
            lexicon.english[word.lower()] = _arpabet(word, said)
        else:
            raise ValueError(
                f"lexicon: {word!r} is neither a Mandarin word in Han characters nor an English one in letters, "
                f"and {said!r} is not its sound in kana, or in as many syllables of Hangul"
            )
    return lexicon


def _is_pinyin(said: str) -> bool:
    """Whether `said` is meant for pinyin: it is, or it is no jyutping either."""
    parts = said.split()
    return all(_is_syllable(part) for part in parts) or not all(_is_jyutping(part) for part in parts)


def _is_syllable(part: str) -> bool:
    try:
        parse_pinyin(part)
    except ValueError:
        return False
    return True


def _is_jyutping(part: str) -> bool:
    return bool(SYLLABLE.fullmatch(part)) and split_syllable(part)[0] != UNKNOWN


def _jyutping(word: str, said: str) -> str:
    parts = said.split()
    if len(parts) != len(word) or not all(_is_jyutping(part) for part in parts):
        raise ValueError(f"lexicon: {word!r} is said {said!r}, which is not a syllable of jyutping for each character")
    return " ".join(parts)


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
