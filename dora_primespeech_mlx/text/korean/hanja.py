"""Hanja -> Hangul: words by the dictionary of the tagger, other characters by table, and the rule of initial sounds."""

import re
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.korean.syllables import Syllable, is_syllable
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.tables import lines

NARROW = frozenset("ㅣㅑㅕㅛㅠㅖ")
# Characters that the dictionary reads as the surname they are when they stand alone.
SURNAMES = frozenset("金")
# Words that neither the dictionary nor the table reads as they are said.
OWN = {"六月": "유월", "十月": "시월", "金氏": "김씨"}
Lookup = Callable[[str], list[tuple[str, str | None]]]


def can_read(run: str) -> bool:
    """Whether every character of a run of Hanja has a Korean reading."""
    return all(character in _table() for character in run)


def in_hangul(text: str, lookup: Lookup) -> str:
    """`text` with every run of Hanja in Hangul.

    `lookup` cuts a run into words, each with its reading or None. A character that no table knows stays as it is.
    """
    for written, said in OWN.items():
        text = text.replace(written, said)
    return re.sub(rf"([가-힣]?)([{HAN}]+)", lambda match: match[1] + _run(match[2], lookup, not match[1]), text)


@cache
def _table() -> dict[str, str]:
    rows = (line.split("\t") for line in lines("ko_hanja.tsv"))
    return {character: said for said, characters in rows for character in characters}


def _run(run: str, lookup: Lookup, begins_word: bool) -> str:
    said = ""
    words = lookup(run)
    if "".join(word for word, _ in words) != run:
        words = [(character, None) for character in run]
    for word, reading in words:
        is_known = (
            reading is not None and len(reading) == len(word) and (len(word) > 1 or word in SURNAMES and len(run) != 2)
        )
        said += reading if is_known and reading else "".join(_table().get(character, character) for character in word)
    said = "".join(
        "부" if character == "不" and is_syllable(after) and Syllable(after).onset in "ㄷㅈ" else sound
        for character, sound, after in zip(run, said, said[1:] + " ", strict=True)
    )
    spoken = ""
    for at, sound in enumerate(said):
        before = spoken[-1:]
        spoken += _without_initial(sound) if begins_word and not at else _after(before, sound)
    return spoken


def _without_initial(sound: str) -> str:
    """The rule of initial sounds at the beginning of a word: 녀 is 여, 력 is 역, 로 is 노."""
    if not is_syllable(sound):
        return sound
    syllable = Syllable(sound)
    if syllable.onset in "ㄴㄹ" and syllable.vowel in NARROW:
        syllable.onset = "ㅇ"
    elif syllable.onset == "ㄹ":
        syllable.onset = "ㄴ"
    return str(syllable)


def _after(before: str, sound: str) -> str:
    """률 and 렬 are 율 and 열 after a vowel and after ㄴ."""
    if sound not in "률렬" or not is_syllable(before) or Syllable(before).coda not in {"", "ㄴ"}:
        return sound
    return {"률": "율", "렬": "열"}[sound]
