"""Traditional characters -> simplified ones, which the dictionaries of Mandarin are written in."""

import re
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.rules import regex

IN_BOTH = {
    "著": re.compile(
        r"(?<=[显顯卓昭原编編土专專论論巨遗遺译譯合拙所新旧舊较較名])著(?![急火凉涼])"
        r"|著(?=[名作称稱录錄述者文《「『〈]|[书書]立|有[《「『〈一二三四五六七八九十两兩多数數大小诗詩专專论論书書])"
    ),
    "么": re.compile("(?<![老小])么(?![妹弟叔女兒儿])"),
    "乾": re.compile("(?!)"),
}
"""Characters of both scripts that stand for another one in a traditional text, and where they do not.

In a simplified text 么 and 乾 never do, and 著 not at the end of a clause: 好么, 承乾, 鲁迅著.
"""
AT_END = regex(r"著(?=\W|$)")


def simplified(text: str) -> str:
    """`text` in simplified characters, by phrase where the choice depends on it."""
    if not any("\u4e00" <= character <= "\u9fff" for character in text):
        return text
    converted = converter("tw2s")(text)
    if converted == text or len(converted) != len(text) or IN_BOTH.keys().isdisjoint(text):
        return converted
    is_simplified = any(map(only_simplified, text))
    kept = "么乾" if is_simplified else ""
    patterns = [*IN_BOTH.values(), *([AT_END] if is_simplified else [])]
    kept_at = {match.start() for pattern in patterns for match in pattern.finditer(text)}
    return "".join(
        old if old in kept or at in kept_at else new for at, (old, new) in enumerate(zip(text, converted, strict=True))
    )


@cache
def only_simplified(character: str) -> bool:
    """Whether no traditional text has this character: it is not in Big5, and has a traditional form."""
    if not "\u4e00" <= character <= "\u9fff":
        return False
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return converter("s2hk")(character) != character
    return False


@cache
def converter(direction: str) -> Callable[[str], str]:
    """A conversion of opencc between simplified and traditional characters, "tw2s" or "s2tw"."""
    from opencc import OpenCC

    convert = OpenCC(direction).convert
    return lambda text: str(convert(text))
