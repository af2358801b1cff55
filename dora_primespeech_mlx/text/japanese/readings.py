"""Readings that Open JTalk misses: words of several readings by what stands around them, and 8 before a counter."""

import re
from functools import cache
from typing import Any

from dora_primespeech_mlx.text.tables import lines, mapping

EIGHT = "ハチ"
SHORT_EIGHT = "ハッ"


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
