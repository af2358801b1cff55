"""Units behind a number, alone or one per another, from the unit tables of a language."""

import re
from collections.abc import Collection
from functools import cache

from dora_primespeech_mlx.text.rules import any_of
from dora_primespeech_mlx.text.tables import lines, mapping

EACH = (
    "秒|分钟|小时|天|日|周|月|年|人|次|升|千克|公斤|克|斤|米|平方米|立方米|瓶|盒|片|台|套|件|户|晚|夜|页|字|本|个|箱"
    "|板|罐|袋|包|份|辆|间|组|班|届|场|节|支|粒|株|亩|公顷|吨|桶|桌|位|名"
)
"""What a slash divides by in Mandarin, so that it is said 每."""


UNIT_POWERS = {"²": "2", "2": "2", "³": "3", "3": "3"}
COMPOUND_ONLY = {
    "J": ("焦耳", "joule", "joules"), "N": ("牛", "newton", "newtons"), "K": ("开尔文", "kelvin", "kelvins"),
    "C": ("库仑", "coulomb", "coulombs"), "T": ("特斯拉", "tesla", "teslas"), "A": ("安", "amp", "amps"),
    "℃": ("摄氏度", "degree celsius", "degrees celsius"), "°C": ("摄氏度", "degree celsius", "degrees celsius"),
}  # fmt: skip
"""Units that a letter alone behind a number need not be, but that it is in a product or a quotient of units."""


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
    return "每".join(units[part] for part in _parts(sign, units)) or compound_unit(sign, "zh")


def english_unit(sign: str, is_one: bool) -> str:
    """How English says a sign of `english_units`: `mg/dL` is milligrams per deciliter."""
    units = _english()
    parts = _parts(sign, units)
    if not parts:
        return compound_unit(sign, "en", is_one)
    return " per ".join((units[parts[0]][0 if is_one else 1], *(units[other][0] for other in parts[1:])))


@cache
def compound_units() -> str:
    """A pattern of products and quotients of units that no table lists: `J/(kg·℃)`, `N·m²/kg²`, `N/kg`."""
    known = sorted({*mapping("zh_units.tsv"), *_english(), *COMPOUND_ONLY} - {"㏄"}, key=len, reverse=True)
    one = rf"(?:{'|'.join(re.escape(sign) for sign in known if not re.search(r'[/·. ]|[a-z]{4}', sign))})(?:\^?[23²³])?"
    product = rf"{one}(?:[·⋅•]{one}){{1,3}}"
    return (
        rf"(?:{product}(?:/(?:[(（]{product}[)）]|{one}))?|{one}/(?:[(（]{product}[)）]|{product})"
        rf"|[JN]/{one}|{one}/[JN])(?![A-Za-z0-9²³°])"
    )


def compound_unit(sign: str, language: str, is_one: bool = False) -> str:
    """How `language` ("zh" or "en") says a sign of `compound_units`: 焦耳每千克摄氏度."""
    above, _, below = re.sub("[()（）^]", "", sign).partition("/")
    parts = [[_factor(factor, language) for factor in re.split("[·⋅•]", side)] for side in (above, below) if side]
    if language == "zh":
        return "每".join("".join(names[0] for names in side) for side in parts)
    said = [" ".join(names[0] for names in side) for side in parts]
    if not is_one:
        said[0] = " ".join([*(names[0] for names in parts[0][:-1]), parts[0][-1][1]])
    return " per ".join(said)


def _factor(sign: str, language: str) -> tuple[str, str]:
    """Names of one unit of a product, of one and of many of it, with its power."""
    units, power = mapping("zh_units.tsv") if language == "zh" else _english(), ""
    if sign not in units and sign[-1] in UNIT_POWERS:
        sign, power = sign[:-1], UNIT_POWERS[sign[-1]]
    names = COMPOUND_ONLY.get(sign)
    if language == "zh":
        name = names[0] if names else str(units.get(sign, sign))
        return ({"": "", "2": "二次方", "3": "三次方"}[power] + name,) * 2
    one, many = names[1:] if names else _english().get(sign, (sign, sign))
    behind = {"": "", "2": " squared", "3": " cubed"}[power]
    return one + behind, many + behind


@cache
def _english() -> dict[str, tuple[str, str]]:
    rows = (line.split("\t") for line in lines("en_units.tsv"))
    return {sign: (singular, plural) for sign, singular, plural in rows}


def _parts(sign: str, units: Collection[str]) -> list[str]:
    """What a sign of `_pattern` is made of: itself, or two of `units`, either of which may have a slash of its own.

    Nothing, if it is made of neither.
    """
    if sign in units:
        return [sign]
    for slash in re.finditer("/", sign):
        parts = [sign[: slash.start()], sign[slash.end() :]]
        if all(part in units for part in parts):
            return parts
    return []


def _pattern(signs: tuple[str, ...]) -> str:
    """Each of `signs`, longest first, or two of them with a slash between."""
    one = any_of(signs)
    return rf"(?:{one})(?:/(?:{one})(?![A-Za-z0-9²³]))?"
