"""Written English -> spoken English: words in letters, apostrophes and the marks `! ? , . -` only."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from itertools import chain

from dora_primespeech_mlx.text.english import (
    abbreviations,
    amounts,
    chess,
    dates,
    identifiers,
    law,
    measures,
    medicine,
    music,
    places,
    roman,
    scripture,
    sports,
)
from dora_primespeech_mlx.text.english.capitals import speak_capitals
from dora_primespeech_mlx.text.rules import Rules
from dora_primespeech_mlx.text.tables import signs

# Signs that compatibility normalisation would take apart.
KEPT = frozenset(sign for sign in signs("en") if unicodedata.normalize("NFKC", sign) != sign) | {"…"}
QUOTES = {ord(mark): "'" for mark in "’‘ʼ＇`′"} | {ord(mark): " " for mark in '“”"„«»'}
MARKS = str.maketrans("，、;；:：。！？…⋯", ",,,,,,.!?..")
# Letters that are no other letter with an accent.
LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "đ": "d",
     "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng"}
)  # fmt: skip
SUBJECTS = (
    chess.chess_rules,
    law.law_rules,
    dates.march_rules,
    amounts.beside_rules,
    measures.trade_rules,
    medicine.strand_rules,
    medicine.medicine_rules,
    places.address_rules,
    abbreviations.word_rules,
    music.music_rules,
    scripture.scripture_rules,
    sports.sports_rules,
    amounts.million_rules,
    abbreviations.letter_rules,
    dates.hour_rules,
    dates.year_rules,
    abbreviations.initial_rules,
    roman.roman_rules,
    identifiers.code_rules,
    identifiers.identifier_rules,
    identifiers.call_rules,
    dates.day_rules,
    abbreviations.full_rules,
    dates.weekday_rules,
    measures.range_rules,
    dates.span_rules,
    dates.clock_rules,
    music.time_rules,
    identifiers.telephone_rules,
    amounts.group_rules,
    measures.rate_rules,
    measures.side_rules,
    amounts.money_rules,
    amounts.sign_rules,
    measures.measure_rules,
    measures.feet_rules,
    amounts.part_rules,
    amounts.arithmetic_rules,
    amounts.number_rules,
    measures.degree_rules,
)
"""Rules of one subject each, in the order in which they have to be tried.

What one subject has read is words for those behind it: numbers come last, when no other rule wants their digits.
"""


def spoken_english(text: str, known: Collection[str] = ()) -> str:
    """Normalise `text`; capital letters that are spelled come out apart (`GPT` -> `G P T`).

    Words that are, in lower case, among `known` stay whole.
    """
    text = text.replace("″", '"')
    text = "".join(sign if sign in KEPT else unicodedata.normalize("NFKC", sign) for sign in text).translate(QUOTES)
    text = re.sub(r"\s{2,}", " ", text)
    text = _rules()(text)
    text = _without_dashes_and_brackets(re.sub(r"\s{2,}", " ", text))
    text = re.sub(r"(?<=\s)-(?=[A-Za-z])|(?<=\s)'(?=[\s,.!?]|$)", "", text)
    text = re.sub(r"(?<=[,.!?])'(?=\s|$)", "", text)
    if not re.search(r"(?:^|\s)'", text):
        text = re.sub(r"(?<=[sS])'(?=[\s,.!?]|$)", "", text)
    for sign in set(text) & signs("en").keys():
        text = text.replace(sign, f" {signs('en')[sign]} ")
    text = _plain_letters(text.translate(LETTERS))
    text = re.sub(r"(?<=[A-Za-z])-(?=\s|$)|(?<=[A-Za-z])\.(?=js\b)", " ", text.translate(MARKS))
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " dot ", re.sub(r"\s", " ", text))
    text = re.sub(r"[^ A-Za-z'.,?!\-]", " ", text)
    text = speak_capitals(text, known)
    text = re.sub(r"\s+([,.!?])", r"\1", re.sub(r" +", " ", text))
    text = re.sub(r"[!?,.](?:\s*[!?,.-])+|-(?:\s*[!?,.])+|-\s+-(?=\s)", _strongest_mark, text)
    text = re.sub(r"(?<=[,.!?])(?=[A-Za-z])", " ", text)
    return text.strip().lstrip(", ") if re.search("[A-Za-z]", text) else text.strip()


def _plain_letters(text: str) -> str:
    """`text` without accents and without characters that only say how it is set."""
    if text.isascii():
        return text
    kinds = ("Mn", "Cf")
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if unicodedata.category(letter) not in kinds)


def _without_dashes_and_brackets(text: str) -> str:
    """Dashes and brackets are silent, as in Mandarin; a dash that breaks the text off stays a mark."""
    text = re.sub(r"(?<=[A-Za-z])\((e?s)\)", r"\1", text)
    text = re.sub(r"\s*(?:--+|[—–―]+|(?<=\s)-)\s*$", " -", text)
    return re.sub(r"--+|[—–―()\[\]]|(?<=\s)-(?=\s)", " ", text)


def _strongest_mark(match: re.Match[str]) -> str:
    """One mark for a run of them: the first that ends a sentence, else a comma."""
    return next((mark for mark in match.group() if mark in ".!?"), ",")


@cache
def _rules() -> Rules:
    """Every reading of something not written in plain words, in the order of `SUBJECTS`."""
    return Rules(chain.from_iterable(subject() for subject in SUBJECTS))
