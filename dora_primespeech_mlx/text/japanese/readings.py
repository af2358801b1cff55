"""Readings that Open JTalk misses: words of several readings by what stands around them, and 8 before a counter."""

import re
from functools import cache
from typing import Any

from dora_primespeech_mlx.text.japanese.normalise import HAN
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import lines, mapping, words

EIGHT = "ハチ"
SHORT_EIGHT = "ハッ"


# A word that ends in Han characters or what is declined of it, and what it is said as, in brackets behind it.
FURIGANA = regex(rf"([{HAN}ぁ-ん]{{0,12}}?)([{HAN}]+)([ぁ-ん]{{0,4}})[(（]([ぁ-んー]+)[)）](?=([{HAN}]?))")
MOST_KANA = 4
"""Kana that one Han character is said with, at most."""


def once(text: str) -> str:
    """`text` with words whose reading stands in brackets behind them said once: 東雲（しののめ）, 生きる（いきる）."""
    return FURIGANA.sub(_once, text) if FURIGANA.search(text) else text


def _once(match: re.Match[str]) -> str:
    """The word, if it is read so in any case, else the reading; both where the brackets hold something else."""
    import pyopenjtalk

    before, written, ending, kana, following = match.groups()
    if kana in words("ja_no_readings.txt") or not kana.endswith(ending):
        return match.group()
    found = pyopenjtalk.run_frontend(before + written + ending, use_sudachi_kanji_yomi=False)
    read = "".join(word["read"] for word in found)
    if read.endswith("".join(chr(ord(sign) + 0x60) if sign != "ー" else sign for sign in kana)) and not following:
        return before + written + ending
    is_reading = len(written) <= len(kana) - len(ending) <= MOST_KANA * len(written)
    return before + kana if is_reading else match.group()


def in_context(text: str) -> str:
    """`text` with the words that their neighbours decide written as they are read."""
    for pattern, reading in _contexts():
        text = pattern.sub(reading, text)
    return text


@cache
def _contexts() -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for line in lines("ja_readings.tsv"):
        before, word, after, reading = line.split("\t")
        ahead = f"(?={after})" if after else ""
        behind = f"(?P<before>{before})" if before else "(?P<before>)"
        found.append((re.compile(f"{behind}{re.escape(word)}{ahead}"), rf"\g<before>{reading}"))
    return tuple(found)


def corrected(words: list[Any]) -> list[Any]:
    """The words of Open JTalk with ハチ shortened before the counters that ask for it, and the letter A long.

    8個 is ハッコ, 8分 ハップン, ABC エービーシー.
    """
    for word in words:
        if re.fullmatch("[Ａ-Ｚ]+", word["string"]):
            word["pron"] = re.sub("エイ(?!チ)", "エー", word["pron"])
    for number, counter in zip(words, words[1:], strict=False):
        sound = mapping("ja_counters_of_eight.tsv").get(counter["pron"])
        if sound and number["pron"].replace("’", "") == EIGHT and "数" in number["pos_group1"] + number["ctype"]:
            number["pron"], counter["pron"] = SHORT_EIGHT, sound
    return words


def with_dictionary_v(words: list[Any], plain: list[Any]) -> list[Any]:
    """`words` with ヴ as the dictionary says it (ヴァイオリン is バイオリン); `plain` are the same without rules."""
    if [word["string"] for word in words] == [word["string"] for word in plain]:
        return [plain_word if "ヴ" in word["string"] else word for word, plain_word in zip(words, plain, strict=True)]
    return words
