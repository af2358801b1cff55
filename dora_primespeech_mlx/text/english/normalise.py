"""Written English -> spoken English: words in letters, apostrophes and the marks `! ? , . -` only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from functools import cache

from dora_primespeech_mlx.text.english.capitals import speak_capitals
from dora_primespeech_mlx.text.english.numbers import cardinal, decimal, digits, general, ordinal, year
from dora_primespeech_mlx.text.english.roman import roman_rules
from dora_primespeech_mlx.text.tables import currencies, lines, mapping

NUMBER = r"\d+(?:\.\d+)?"
MONTHS = tuple(lines("en_months.txt"))
MONTH_NAMES = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
WEEKDAYS = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:[a-z]*day)?"
AMOUNTS = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "mn": "million", "tn": "trillion"}
# Signs that compatibility normalisation would take apart.
KEPT = frozenset("½¼¾⅓⅔²³…")
QUOTES = {ord(mark): "'" for mark in "’‘ʼ＇`′"} | {ord(mark): " " for mark in '“”"„«»'}
MARKS = str.maketrans("，、;；:：。！？…⋯", ",,,,,,.!?..")


def spoken_english(text: str, known: Collection[str] = ()) -> str:
    """Normalise `text`; capital letters that are spelled come out apart (`GPT` -> `G P T`).

    Words that are, in lower case, among `known` stay whole.
    """
    text = "".join(sign if sign in KEPT else unicodedata.normalize("NFKC", sign) for sign in text).translate(QUOTES)
    text = re.sub(r"\s{2,}", " ", text)
    for pattern, say in _rules():
        text = pattern.sub(say, text)
    text = _without_dashes_and_brackets(re.sub(r"\s{2,}", " ", text))
    if not re.search(r"(?:^|\s)'", text):
        text = re.sub(r"(?<=[sS])'(?=[\s,.!?]|$)", "", text)
    for sign, said in mapping("en_signs.tsv").items():
        if sign in text:
            text = text.replace(sign, f" {said} ")
    text = "".join(letter for letter in unicodedata.normalize("NFD", text) if unicodedata.category(letter) != "Mn")
    text = re.sub(r"(?<=[A-Za-z])-(?=\s|$)|(?<=[A-Za-z])\.(?=js\b)", " ", text.translate(MARKS))
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " dot ", re.sub(r"\s", " ", text))
    text = re.sub(r"[^ A-Za-z'.,?!\-]", "", text)
    text = speak_capitals(text, known)
    text = re.sub(r"\s+([,.!?])", r"\1", re.sub(r" +", " ", text))
    text = re.sub(r"[!?,.](?:\s*[!?,.-])+|-(?:\s*[!?,.])+|-\s+-(?=\s)", _strongest_mark, text)
    text = re.sub(r"(?<=[,.!?])(?=[A-Za-z])", " ", text)
    return text.strip().lstrip(", ") if re.search("[A-Za-z]", text) else text.strip()


def _without_dashes_and_brackets(text: str) -> str:
    """Dashes and brackets are silent, as in Mandarin; a dash that breaks the text off stays a mark."""
    text = re.sub(r"(?<=[A-Za-z])\((e?s)\)", r"\1", text)
    text = re.sub(r"\s*(?:--+|[—–―]+|(?<=\s)-)\s*$", " -", text)
    return re.sub(r"--+|[—–―()\[\]]|(?<=\s)-(?=\s)", " ", text)


def _strongest_mark(match: re.Match[str]) -> str:
    """One mark for a run of them: the first that ends a sentence, else a comma."""
    return next((mark for mark in match.group() if mark in ".!?"), ",")


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


@cache
def units() -> dict[str, tuple[str, str]]:
    """Unit sign -> (singular, plural)."""
    rows = (line.split("\t") for line in lines("en_units.tsv"))
    return {sign: (singular, plural) for sign, singular, plural in rows}


@cache
def _rules() -> tuple[Rule, ...]:
    """Every reading of something not written in plain words, in the order they have to be looked for."""
    unit_signs = "|".join(map(re.escape, sorted(units(), key=len, reverse=True)))
    money = "|".join(map(re.escape, sorted(currencies(), key=len, reverse=True)))
    short = "|".join(mapping("en_abbreviations.tsv"))
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"(?i)(?<!\w)'n'(?!\w)", lambda match: "and"),
        (r"(?i)(?<!\w)'(em|til|cause)\b", lambda match: {"em": "them", "til": "till"}.get(match[1].lower(), "because")),
        (r"\bw/o\b", lambda match: "without"),
        (r"\bw/(?=\s)", lambda match: "with"),
        (r"\b([A-Za-z])\+\+", lambda match: f"{match[1].upper()} plus plus"),
        (r"\b([A-Z])#", lambda match: f"{match[1]} sharp"),
        (r"(?i)\bi\.e\.,?", lambda match: "that is"),
        (r"(?i)\be\.g\.,?", lambda match: "for example"),
        (r"\bPh\.?D\b\.?", lambda match: "P H D"),
        (r"(?i)(?<=\d)\s*([ap])\.?m\b\.?(?=\s+[a-z]|\s*[,;:!?)])", lambda match: f" {match[1].upper()} M"),
        (r"(?i)(?<=\d)\s*([ap])\.?m\b(\.?)", lambda match: f" {match[1].upper()} M{match[2]}"),
        (r"(?i)\b([ap])\.m\.", lambda match: f"{match[1].upper()} M{_closing(match)}"),
        (r"\b(?:[A-Z]\.){2,}(s\b)?|\b(?:[a-z]\.){2,}", _initials),
        (r"\b(Dr|St)\.(?=\s|,|$)", _doctor_or_street),
        (r"\b(?:No|no|Nos)\.\s*(?=\d)", lambda match: "number "),
        (r"#(?=\d)", lambda match: "number "),
        *roman_rules(),
        (
            r"\b((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])\b",
            lambda match: _day(match[3], match[4], match[1]),
        ),
        (r"\b(\d\d?)/(\d\d?)/((?:19|20)\d\d)\b", _slash_date),
        (rf"(?i)\b({MONTH_NAMES})\.? (\d\d?)(?:st|nd|rd|th)?\b(?!:|\.\d)(?:,? (\d{{4}})\b)?", _month_day),
        (rf"(?i)\b(\d\d?)(?:st|nd|rd|th)? ({MONTH_NAMES})\b(?:,? (\d{{4}})\b)?", _day_month),
        (
            rf"(?i)\b({short})\.(?=[\s,)]|$)",
            lambda match: mapping("en_abbreviations.tsv")[match[1].lower()] + _closing(match),
        ),
        (
            r"\b(Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun)\.(?=,|\s+[A-Z0-9])",
            lambda match: mapping("en_weekdays.tsv")[match[1].lower()],
        ),
        (r"\bpp\.\s*(?=\d)", lambda match: "pages "),
        (r"\bp\.\s*(?=\d)", lambda match: "page "),
        (
            rf"(?<=:\d\d)\s?[-–]\s?(?=\d\d?:\d\d)|(?<=[AP] M)\s?[-–]\s?(?=\d)|(?<=\d)\s?[-–]\s?(?=(?:{money})\d)",
            lambda match: " to ",
        ),
        (rf"\b({WEEKDAYS})\s?[-–]\s?(?=(?:{WEEKDAYS})\b)", lambda match: f"{match[1]} to "),
        (r"(?<!\w)'(?=\d\d\b(?!s))", lambda match: ""),
        (r"<3+(?!\w)|(?<!\w)[:;]-?[()DPp](?!\w)", lambda match: " "),
        (
            r"\b(\d\d?):([0-5]\d):([0-5]\d)\b",
            lambda match: f"{_clock(match[1], match[2])} and {cardinal(match[3])} seconds",
        ),
        (r"\b([01]?\d|2[0-4]):([0-5]\d)\b", lambda match: _clock_in_text(match)),
        (r"\b(\d+):(\d+)\b", lambda match: f"{cardinal(match[1])} to {cardinal(match[2])}"),
        (r"(?:\+(\d{1,3})[-. ]?)?\(?\b(\d{3})\)?[-. ](\d{3})[-. ](\d{4})\b|\b(\d{3})-(\d{4})\b", _telephone),
        (r"\+\d[\d ()-]{5,}\d", _digit_groups),
        (r"(?<![\d.-])\d+(?:-\d+){2,}(?!\d|\.\d)", _digit_groups),
        (r"(?<=\d),(?=\d{3}(?!\d))", lambda match: "\u0001"),
        (
            rf"({money})\s?((?:\d|\u0001)+(?:\.\d+)?)(?:\s?(k|K|M|B|bn|mn|tn|thousand|million|billion|trillion)\b)?",
            _money,
        ),
        (
            rf"(?<![\d\u0001.])((?:\d|\u0001)+(?:\.\d+)?)\s?({money})",
            lambda match: _amount(match[2], match[1].replace("\u0001", "")),
        ),
        (
            rf"(?<![\w.])-(?={NUMBER})",
            lambda match: "minus " if re.match(rf"-{NUMBER}\s?°", match.string[match.start() :]) else "negative ",
        ),
        (r"(?<=\d)\s?-(?=\d)|(?<=\d)\s?–\s?(?=\d)", lambda match: " to "),
        (r"(?<![\d.])(\d{3}0)s\b|'(\d0)s\b|\b(\d0)s\b", _decade),
        (r"(?<![\w.])((?:\d|\u0001)+(?:\.\d+)?)k\b", lambda match: f"{decimal(match[1])} thousand"),
        (r"(?<![\w.])(\d{2,}(?:\.\d+)?)K\b", lambda match: f"{decimal(match[1])} thousand"),
        (rf"(?<![\w.])((?:\d|\u0001)+(?:\.\d+)?)\s?({unit_signs})(?![A-Za-z0-9²³/])(?:\.(?=,|\s+[a-z]))?", _measure),
        (rf"(?<![\d.])({NUMBER})\s?%", lambda match: f"{decimal(match[1])} percent"),
        (r"\b((?:\d|\u0001)+)(st|nd|rd|th)\b", lambda match: ordinal(match[1].replace("\u0001", ""))),
        (r"\b(\d)'\s?(\d\d?)\b", lambda match: f"{cardinal(match[1])} foot {cardinal(match[2])}"),
        (r"\b9/11\b", lambda match: "nine eleven"),
        (r"(?<![\d/])(\d+)/\1(?![\d/])", lambda match: f"{cardinal(match[1])} {cardinal(match[1])}"),
        (r"\b(\d+) (?=\d/\d\b)|(?<!\d)(\d+)\s?(?=[½¼¾⅓⅔])", lambda match: f"{cardinal(match[1] or match[2])} and "),
        (r"(?<![\d/])(\d+)/(\d+)(?:th|rd|nd)?s?(?![\d/])", _fraction),
        (r"(?<=\d)\s*[x×]\s*(?=\d)", lambda match: " times "),
        (r"(?<=[\d ])\*(?=[\d ])", lambda match: " times "),
        (r"(?<=\d) [-−] (?=\d)", lambda match: " minus "),
        (r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: " " + " point ".join(map(general, match[1].split(".")))),
        (r"(?<!\d)\.(\d+)", lambda match: f" point {digits(match[1])}"),
        (r"\^2\b", lambda match: " squared"),
        (r"\^3\b", lambda match: " cubed"),
        (r"\^(-?\d+)\b", lambda match: f" to the power of {decimal(match[1].strip('-'))}"),
        (r"(?<=[A-Za-z])(\d+)s\b", lambda match: f" {_plural(general(match[1]))}"),
        (r"(?<![\d\u0001])((?:\d+\u0001)*\d+\.\d+)", lambda match: f" {decimal(match[1].replace(chr(1), ''))} "),
        (r"(?<![\d\u0001])((?:\d+\u0001)+\d+)", lambda match: f" {cardinal(match[1].replace(chr(1), ''))} "),
        (r"(\d+)", lambda match: _spaced(match, general(match[1]))),
    ]
    return tuple((re.compile(pattern), say) for pattern, say in rules)


def _spaced(match: re.Match[str], words: str) -> str:
    """Number words kept apart from letters that touch the digits: 221B, GPT-4."""
    text, start, end = match.string, match.start(), match.end()
    before = " " if start and (text[start - 1].isalpha() or text[start - 1] == "-") else ""
    after = " " if end < len(text) and (text[end].isalpha() or text[end] == "-") else ""
    return before + words + after


def _initials(match: re.Match[str]) -> str:
    letters = match.group().removesuffix("s").replace(".", "").upper()
    return " ".join(letters) + ("'s" if match[1] else _closing(match))


def _closing(match: re.Match[str]) -> str:
    """The full stop of a short form that also ends the text."""
    return "" if match.string[match.end() :].strip() else "."


def _doctor_or_street(match: re.Match[str]) -> str:
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :]
    follows_name = bool(re.search(r"[A-Z][a-z]+$|\d(?:st|nd|rd|th)$", before))
    precedes_name = bool(re.match(r"\s+[A-Z]", after))
    if match[1] == "Dr":
        said = "drive" if follows_name and not precedes_name else "doctor"
    else:
        said = "saint" if precedes_name and not follows_name else "street"
    return said + _closing(match)


def _day(month: str, day: str, year_number: str | None) -> str:
    return f"{MONTHS[int(month) - 1]} {ordinal(day)}" + (f", {year(year_number)}" if year_number else "")


def _slash_date(match: re.Match[str]) -> str:
    first, second = int(match[1]), int(match[2])
    if 1 <= first <= 12 and 1 <= second <= 31:
        return _day(match[1], match[2], match[3])
    if 1 <= second <= 12 and 1 <= first <= 31:
        return _day(match[2], match[1], match[3])
    return f"{cardinal(match[1])} {cardinal(match[2])} {year(match[3])}"


def _month_index(name: str) -> int:
    return next(index for index, month in enumerate(MONTHS) if month.startswith(name.lower()[:3]))


def _month_day(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31 or not match[1][0].isupper():
        return match.group()
    return _day(str(_month_index(match[1]) + 1), match[2], match[3])


def _day_month(match: re.Match[str]) -> str:
    if not 1 <= int(match[1]) <= 31 or not match[2][0].isupper():
        return match.group()
    article = "" if re.search(r"(?i)\bthe\s*$", match.string[: match.start()]) else "the "
    return f"{article}{ordinal(match[1])} of {MONTHS[_month_index(match[2])]}" + (
        f", {year(match[3])}" if match[3] else ""
    )


def _clock(hour: str, minute: str) -> str:
    if minute == "00":
        return f"{cardinal(hour)} o'clock"
    return f"{cardinal(hour)} {'oh ' if minute[0] == '0' else ''}{cardinal(minute)}"


def _clock_in_text(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), match[2]
    half = re.match(r"\s?[AP] M\b", match.string[match.end() :])
    if hour > 12 and not half:
        return f"{_clock(str(hour - 12), minute)} P M"
    if half and minute == "00":
        return cardinal(match[1])
    return _clock(match[1], minute)


def _telephone(match: re.Match[str]) -> str:
    return ", ".join(digits(group) for group in match.groups() if group)


def _digit_groups(match: re.Match[str]) -> str:
    return ", ".join(digits(group) for group in re.findall(r"\d+", match.group()))


def _amount(sign: str, number: str) -> str:
    one, many, small_one, small_many = currencies()[sign][1:]
    whole, _, fraction = number.partition(".")
    if not fraction or not small_one or len(fraction) > 2:
        return f"{decimal(number)} {one if number == '1' else many}"
    large = f"{cardinal(whole)} {one if whole == '1' else many}" if int(whole or 0) else ""
    cents = int(fraction.ljust(2, "0"))
    small = f"{cardinal(str(cents))} {small_one if cents == 1 else small_many}" if cents else ""
    return " and ".join(part for part in (large, small) if part) or f"zero {many}"


def _money(match: re.Match[str]) -> str:
    number, scale = match[2].replace("\u0001", ""), match[3]
    if scale:
        counts_noun = re.search(r"(?i)\ban?\s+$", match.string[: match.start()])
        unit = currencies()[match[1]][1 if counts_noun else 2]
        return f"{decimal(number)} {AMOUNTS.get(scale.lower(), scale)} {unit}"
    return _amount(match[1], number)


def _measure(match: re.Match[str]) -> str:
    number = match[1].replace("\u0001", "")
    singular, plural = units()[match[2]]
    return f"{decimal(number)} {singular if number == '1' else plural}"


def _decade(match: re.Match[str]) -> str:
    words = year(match[1]) if match[1] else cardinal(match[2] or match[3])
    return _plural(words)


def _plural(words: str) -> str:
    if words.endswith("x"):
        return words + "es"
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _fraction(match: re.Match[str]) -> str:
    above, below = match[1], match[2]
    if int(below) == 2:
        name = "half" if above == "1" else "halves"
    elif (above, below) == ("24", "7"):
        return "twenty-four seven"
    else:
        name = ordinal(below) + ("" if above == "1" else "s")
    return f"{cardinal(above)} {name}"
