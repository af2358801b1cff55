"""Written Mandarin -> spoken Mandarin: Han characters and the six marks `! ? … , . -` only."""

import re
from functools import cache
from itertools import chain

from dora_primespeech_mlx.text.mandarin import amounts, clocks, dates, identifiers, quantities, scores
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.simplified import simplified
from dora_primespeech_mlx.text.rules import Rules, regex
from dora_primespeech_mlx.text.tables import signs

PUNCTUATION = str.maketrans(
    {"：": ",", "；": ",", "，": ",", "、": ",", "·": ",", ":": ",", ";": ",", "/": ",", "。": ".", "．": ".", "｡": ".",
     "\n": ".", "！": "!", "？": "?", "—": "-", "–": "-", "~": "…", "～": "…", "〜": "…", "⋯": "…", "٫": ".", "､": ","}
)  # fmt: skip
SPOKEN = "[零一二三四五六七八九十百千万亿两幺点]"
BETWEEN_NUMBERS = regex(
    rf"(?<=[十百千万亿])\s+(?={SPOKEN})|(?<={SPOKEN})\s+(?=十|{SPOKEN}{{1,2}}[十百千万亿])"
    rf"|(?<=(?<!{SPOKEN}){SPOKEN})\s+(?={SPOKEN})"
)
"""A blank between two numbers that would else be one, but not between the groups of a long one."""
SUBJECTS = (
    quantities.plain_rules,
    dates.year_rules,
    dates.named_day_rules,
    identifiers.name_rules,
    amounts.cent_rules,
    quantities.span_rules,
    identifiers.room_rules,
    dates.day_rules,
    scores.part_rules,
    clocks.clock_rules,
    identifiers.telephone_rules,
    amounts.money_rules,
    amounts.temperature_rules,
    scores.rating_rules,
    amounts.percent_rules,
    quantities.operator_rules,
    scores.slash_rules,
    scores.range_rules,
    quantities.number_rules,
    amounts.each_rules,
)
"""Rules of one subject each, in the order in which they have to be looked for.

What one subject has read is characters for those behind it: digits of which nothing is known come last.
"""


def spoken_mandarin(text: str) -> str:
    """Normalise `text`, which may hold digits, signs and marks but no Latin words (they are lost here)."""
    text = re.sub(r"(?<![\d二])\s+|\s+(?!\d)", "", simplified(text).translate(_full_width()))
    text = BETWEEN_NUMBERS.sub("，", _rules()(text))
    for sign in set(text) & signs("zh").keys():
        text = text.replace(sign, signs("zh")[sign])
    text = re.sub(r"[《》【】<>{}()（）#@“”\"‘’'^_|\\「」『』〈〉\[\]…—–]*", _quote_or_mark, text)
    text = text.replace("嗯", "恩").replace("呣", "母").replace("〇", "零").replace("...", "…").translate(PUNCTUATION)
    text = re.sub(rf"[^{HAN}!?…,.\-]+", "", text)
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)


@cache
def _full_width() -> dict[int, str]:
    """Full-width letters, digits and ASCII signs -> half width, but for the marks, which have their own table."""
    marks = "！，：；？．～"
    return {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in marks}


def _quote_or_mark(match: re.Match[str]) -> str:
    """Quotation marks and brackets are silent, so is a double dash; an ellipsis among them stays."""
    return "…" if "…" in match.group() else ""


@cache
def _rules() -> Rules:
    """Every reading of something written in digits or signs, in the order of `SUBJECTS`."""
    return Rules(chain.from_iterable(subject() for subject in SUBJECTS))
