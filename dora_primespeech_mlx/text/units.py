"""Units behind a number, alone or one per another, from the unit tables of a language."""

import re
from functools import cache

from dora_primespeech_mlx.text.tables import lines, mapping

EACH = "秒|分钟|小时|天|日|周|月|年|人|次|升|千克|公斤|克|斤|米|平方米|立方米|瓶|盒|片|台|套|件|户|晚|夜|页|字|本|个"
"""What a slash divides by in Mandarin, so that it is said 每."""


@cache
def mandarin_units() -> str:
    """A pattern of the unit signs in Mandarin text, `kg` as well as `kg/m³`."""
    return _pattern(tuple(mapping("zh_units.tsv")))


@cache
def english_units() -> str:
    """A pattern of the unit signs in English text."""
    return _pattern(tuple(_english()))


def mandarin_unit(sign: str) -> str:
    """How Mandarin says a sign of `mandarin_units`: `kg/m³` is 千克每立方米."""
    units = mapping("zh_units.tsv")
    return units[sign] if sign in units else "每".join(units[part] for part in re.split("[/／]", sign))


def english_unit(sign: str, is_one: bool) -> str:
    """How English says a sign of `english_units`: `mg/dL` is milligrams per deciliter."""
    units = _english()
    if sign in units:
        return units[sign][0 if is_one else 1]
    first, *others = sign.split("/")
    return " per ".join((units[first][0 if is_one else 1], *(units[other][0] for other in others)))


@cache
def _english() -> dict[str, tuple[str, str]]:
    rows = (line.split("\t") for line in lines("en_units.tsv"))
    return {sign: (singular, plural) for sign, singular, plural in rows}


def _pattern(signs: tuple[str, ...]) -> str:
    """Each of `signs`, longest first, or two of them with a slash between."""
    one = "|".join(map(re.escape, sorted(signs, key=len, reverse=True)))
    return rf"(?:{one})(?:/(?:{one})(?![A-Za-z0-9²³]))?"
