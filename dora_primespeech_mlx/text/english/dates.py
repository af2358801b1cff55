"""Days, months, years and times of day in English words."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal, decimal, general, ordinal, year
from dora_primespeech_mlx.text.english.quantities import COMMAS
from dora_primespeech_mlx.text.rules import Row, after, before, closing, regex
from dora_primespeech_mlx.text.tables import lines, mapping, words

MONTHS = tuple(lines("en_months.txt"))
MONTH_NAMES = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
MONTH_AND_DAY = r"(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])"
WEEKDAYS = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:[a-z]*day)?"
SHORT_WEEKDAYS = "Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun"
SHORT_WEEKDAYS_IN_A_ROW = (
    rf"\b(?:{SHORT_WEEKDAYS})\.?(?:(?:\s?[-–/&]\s?|,? (?:and |or )|, | to | through )(?:{SHORT_WEEKDAYS})\b\.?)+"
)
SHORT_WEEKDAY = (
    rf"(?<![Tt]he )\b({SHORT_WEEKDAYS})\.(?=[,):;]|\s+(?:[A-Z0-9&(]|of (?:the|each|every) (?:month|year)\b"
    rf"|(?:{MONTH_NAMES}) [a-z]+(?:th|st|rd|nd)\b|(?:night|morning|afternoon|evening)\b))"
    rf"|(?<=\()({SHORT_WEEKDAYS})\.?(?=\))"
    rf"|(?:(?<=[Cc]losed )|(?<=[Oo]pen ))({SHORT_WEEKDAYS})\b(?!\w)(?:\.(?=\s+[a-z]))?"
    rf"|\b({SHORT_WEEKDAYS})(?=:\s?(?:\d|[Cc]losed|[Oo]pen\b|[Oo]ff\b))"
    rf"|\b({SHORT_WEEKDAYS})(?=,? (?:\d\d?(?::\d\d)?\s?(?:[-–]\s?\d|[AaPp]\.?[Mm])|(?:{MONTH_NAMES})\b))"
    rf"|(?<=\b(?:on|by) )({SHORT_WEEKDAYS})\b(?:\.(?=\s+[a-z])|(?=[.,;!?)]|$)(?!\.\w))"
    r"|(?:(?<=\bto )|(?<=\buntil )|(?<=\bnext )|(?<=\bthis )|(?<=\bEOD ))(Mon|Tues?|Wed|Thu(?:rs?)?|Fri)\b(?=,|\.?$)"
)
"""A short weekday with a full stop that ends no sentence, before a time or a month, or after on or by."""
LIFE = {"b": "born", "d": "died", "r": "reigned", "fl": "flourished"}
"""Short forms before a year of someone's life."""
DATE_WORDS = regex(
    r"(?i)\b(?:on|as of|due|dated?|deadline|until|till|since|before|after|starts?|ends?|mon|tues?|wed|thu|thurs|fri|sat"
    rf"|sun|{WEEKDAYS}|christmas|birthday|holiday)\.?,?:?\s(?:is\s)?$"
)
"""What comes before two numbers with a slash that are a month and a day."""
NO_DENOMINATORS = frozenset(["13", "14", "17", "19", "21", "22", "23", "26", "27", "28", "29", "31"])
"""Days of a month that nothing is parted into."""
USUAL_DENOMINATORS = frozenset(["2", "3", "4", "5", "6", "8", "10", "12", "16"])
AT_A_TIME = regex(r"(?i)\b(?:at|by|until|till|from|since|before|after|on \S+),? $")
LASTING = regex(
    r"(?i)\b(?:in|took|takes|under|lasts?|lasted|pace of|time of|runtime(?: of)?|finish\w*|split of"
    r"|PB|PR|personal best|best|record|lap|clocked|marathon|pace)(?: (?:of|was|is|in))?:? $"
)
"""What comes before minutes and seconds: a 5K in 24:31."""
RATIO_WORDS_AFTER = regex(r"\s(?:scale|ratio|odds|mix(?:ture)?|dilution|split|leverage|proportion)\b")


def march_rules() -> list[Row]:
    """A month that is also a verb or a planet, and a span that ends with a month."""
    return [
        (".", r"(?:\b[Ii]n|\bof|\bsince|\bby|\buntil|\bto|\band|\bearly|\blate) Mar\.(?=[\s,;)]|$)(?! [A-Z])", _march),
        (
            "0–J|0–F|0–M|0–A|0–S|0–O|0–N|0–D",
            rf"(?<=\d)–(?=(?i:{MONTH_NAMES})\b\.? \d)",
            lambda match: " to ",
        ),
        ("0-|0–", rf"(?<=\d{{4}})[-–](?=\d\d? (?i:{MONTH_NAMES})\b\.? \d{{4}})", lambda match: " to "),
    ]


def hour_rules() -> list[Row]:
    """Hours with their half of the day or their zone, and minutes for each mile."""
    return [
        ("0/", r"(?<![\d/])(\d{1,2}:\d\d)/(\d{1,2}:\d\d)c\b|(?<![\d/])(\d{1,2})/(\d{1,2})c\b", _central),
        (
            "0a|0p",
            r"(?<=\bat )(1[0-2]|[1-9])([ap])(?=[\s.,;)]|$)",
            lambda match: f"{match[1]} {match[2].upper()} M",
        ),
        ("-|−|–", r"\b(UTC|GMT) ?[-−–](?=\d)", r"\1 minus "),
        ("0:", r"(?<![\w:])(\d{1,2}:[0-5]\d)([ap])(?!\w)", lambda match: f"{match[1]} {match[2].upper()} M"),
        ("0a", r"(?<![\w:])(\d{1,2})a\s?[-–]\s?(\d{1,2})p(?!\w)", r"\1 A M to \2 P M"),
        ("0:Z", r"(?<=\d:[0-5]\d)Z\b", lambda match: " UTC"),
        ("0h", r"(?<![\w.])([01]?\d|2[0-3])h([0-5]\d)(?!\w)", lambda match: f" {clock(match[1], match[2])}"),
        (
            "0/",
            r"(?<=\d:[0-5]\d)\s?/\s?(mile|mi|km)\b",
            lambda match: f" per {mapping('en_per.tsv').get(match[1], 'mile')}",
        ),
        (
            "0m|0M",
            r"(?i)(?<=\d)\s*([ap])\.?m\b\.?(?=\s+[a-z(]|\s*[-–—,;:!?)+])",
            lambda match: f" {match[1].upper()} M",
        ),
        ("0m|0M", r"(?i)(?<=\d)\s*([ap])\.?m\b(\.?)", lambda match: f" {match[1].upper()} M{match[2]}"),
        (".", r"(?i)\b([ap])\.m\.", lambda match: f"{match[1].upper()} M{closing(match)}"),
        (
            "0h",
            r"\b([Aa]t|[Bb]y|[Ff]rom|until|till|to|before|after|around|between|and) ((?:[01]\d|2[0-3])[0-5]\d)"
            r" ?(?:hrs|hours|h)\b",
            lambda match: f"{match[1]} {military(match[2])}",
        ),
    ]


def year_rules() -> list[Row]:
    """Years of one century, fiscal years, centuries and eras."""
    return [
        ("0-|0–", r"(?<![\w.-])(1[5-9]\d\d)[-–]0(\d)(?![\d-])", _years_of_century),
        (
            "Y-|Y–",
            r"\b([FAS]Y) ?(20\d\d)[-–](?:20)?(\d\d)(?!\d)",
            lambda match: f"{match[1]} {general(match[2])} to {cardinal(match[3])}",
        ),
        (".", r"(?<=\d)(st|nd|rd|th)[- ]c\.(?=\s[a-z]|[,;)])", r"\1 century"),
        ("CA|BA", r"\b(BCE?|AD|CE)\s?[-–]\s?(?=(?:AD )?\d)", r"\1 to "),
    ]


def day_rules() -> list[Row]:
    """Days, months and spans of them, in digits and by name."""
    return [
        # In digits.
        (
            "0",
            r"\b((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])\b",
            lambda match: day(match[3], match[4], match[1]),
        ),
        ("0/", r"(?<![\d/])(\d\d?)/(\d\d?)/((?:19|20)\d\d|\d\d)\b(?!/)", slash_date),
        ("0-", r"(?<![\w.-])(\d\d?)-(\d\d?)-((?:19|20)\d\d)(?![\w-])", slash_date),
        (
            "0/",
            r"(?<![\d/.])(0[1-9]|[2-9]|1[0-2])/((?:19|20)\d\d)(?![\d/])",
            lambda match: month_of(match[1], match[2]),
        ),
        ("0-", r"(?<![\w-])((?:19|20)(\d\d))-(0[1-9]|1[0-2])(?![\w-])", year_and_month),
        ("0/", r"\b((?:19|20)\d\d)/(\d{4}|\d\d?)(?![\d/])", year_part),
        (
            "0/",
            rf"(?<![\d/.]){MONTH_AND_DAY} to {MONTH_AND_DAY}(?![\d/%]|\.\d)",
            days_to_days,
        ),
        ("0/", rf"(?<![\d/.]){MONTH_AND_DAY}(?![\d/%]|\.\d)", short_date),
        # By name.
        ("-|–", rf"(?i)\b({MONTH_NAMES})\.?\s?[-–]\s?({MONTH_NAMES})\b", months),
        (
            "0-|0–|0—",
            rf"(?i)\b((?:{MONTH_NAMES})\.? \d\d?(?:st|nd|rd|th)?(?:,? \d{{4}})?)\s?[-–—]\s?(?=(?:{MONTH_NAMES})\.? \d)"
            rf"|\b(\d\d?(?:st|nd|rd|th)? (?:{MONTH_NAMES})(?: \d{{4}})?)\s?[-–—]\s?"
            rf"(?=\d\d?(?:st|nd|rd|th)? (?:{MONTH_NAMES})\b)",
            lambda match: f"{match[1] or match[2]} to ",
        ),
        (
            "0-|0–",
            rf"(?i)\b({MONTH_NAMES})\.? (\d\d?)(?:st|nd|rd|th)?\s?[-–]\s?(\d\d?)(?:st|nd|rd|th)?(?![\d:])"
            r"(?:,? (\d{4})\b)?",
            month_days,
        ),
        (
            "0-|0–",
            rf"(?i)(?<![\d-])(\d\d?)(?:st|nd|rd|th)?\s?[-–]\s?(\d\d?)(?:st|nd|rd|th)? ({MONTH_NAMES})\b",
            days_of_month,
        ),
        ("0", rf"(?i)\b({MONTH_NAMES})\.? (\d\d?)(?:st|nd|rd|th)?\b(?!:|\.\d)(?:,? (\d{{4}})\b)?", month_day),
        ("0", rf"(?i)\b(\d\d?)(?:st|nd|rd|th)? ({MONTH_NAMES})\b(?:\.?,? (\d{{4}})\b)?", day_month),
    ]


def weekday_rules() -> list[Row]:
    """Short weekdays in full, and spans of weekdays."""
    return [
        ("M|T|W|F|S", SHORT_WEEKDAYS_IN_A_ROW, short_weekdays),
        ("M|T|W|F|S", SHORT_WEEKDAY, short_weekdays),
        ("-|–", rf"\b({WEEKDAYS})\s?[-–]\s?(?=(?:{WEEKDAYS})\b)", lambda match: f"{match[1]} to "),
    ]


def span_rules() -> list[Row]:
    """Circa, spans of decades, and years whose century is left out."""
    return [
        ("0.", r"(?<=\d)\s?[-–]\s?ca?\.\s?(?=\d{3,4}\b)", lambda match: " to circa "),
        ("0.", r"\bca?\.\s?(?=\d{3,4}\b)", lambda match: "circa "),
        ("0-|0–", r"(?<=\d0s)\s?[-–]\s?(?='?\d0s)", lambda match: " to "),
        ("0'", r"(?<!\w)'(?:0(\d)|(?=\d\d(?!')))\b(?!s)|(?<=\b[QH]\d)'(?=\d\d\b)", _short_year),
    ]


def clock_rules() -> list[Row]:
    """What a colon between numbers is: a time, how long something lasts, or a ratio."""
    return [
        ("0:", r"(?<![\d:])(\d\d?):([0-5]\d):([0-5]\d)\b", with_seconds),
        (
            "0:",
            r"(?<![\d:])\d+(?::\d+){2,}(?![\d:])",
            lambda match: " to ".join(map(cardinal, match.group().split(":"))),
        ),
        ("0:", r"\b([01]?\d|2[0-4]):([0-5]\d)\b(?!:)", clock_in_text),
        ("0:", r"(?<![\d:.])([2-9]\d):([0-5]\d)(?![\d:]|\.\d)", minutes_and_seconds),
        (
            "0:",
            rf"(?<![\w.])(?<!\d,){COMMAS}(?::{COMMAS})+(?!\w)",
            lambda match: " to ".join(map(decimal, match.group().split(":"))),
        ),
    ]


def military(time: str) -> str:
    """Four digits as a time of day: "1800" -> eighteen hundred hours, "0630" -> oh six thirty hours."""
    hour = f"oh {cardinal(time[1])}" if time[0] == "0" else cardinal(time[:2])
    rest = "hundred" if time[2:] == "00" else f"oh {cardinal(time[3])}" if time[2] == "0" else cardinal(time[2:])
    return f"{hour} {rest} hours"


def short_weekdays(match: re.Match[str]) -> str:
    """Short weekdays in full, those of a span with "to" between: Mon-Fri, Sat. & Sun."""
    text = re.sub(rf"\s?[-–]\s?(?={SHORT_WEEKDAYS})", " to ", match.group())
    said = re.sub(rf"({SHORT_WEEKDAYS})\b\.?", lambda name: mapping("en_weekdays.tsv")[name[1].lower()], text)
    ends = match.group().endswith(".") and not after(match).strip()
    return said + "." * ends


def day(month: str, day_number: str, year_number: str | None) -> str:
    """A day of the year: "5", "17", "2024" -> may seventeenth, twenty twenty-four."""
    return f"{MONTHS[int(month) - 1]} {ordinal(day_number)}" + (f", {year(year_number)}" if year_number else "")


def slash_date(match: re.Match[str]) -> str:
    """Two numbers and a year with slashes: month and day, or day and month where only that can be."""
    first, second = int(match[1]), int(match[2])
    year_number = match[3] if len(match[3]) == 4 else ("19" if match[3] > "69" else "20") + match[3]
    if 1 <= first <= 12 and 1 <= second <= 31:
        return day(match[1], match[2], year_number)
    if 1 <= second <= 12 and 1 <= first <= 31:
        return day(match[2], match[1], year_number)
    if len(match[3]) == 2:
        return match.group()
    return f"{cardinal(match[1])} {cardinal(match[2])} {year(match[3])}"


def month_of(month: str, year_number: str) -> str:
    """A month of a year: "03", "2025" -> march twenty twenty-five."""
    return f"{MONTHS[int(month) - 1]} {year(year_number)}"


def year_and_month(match: re.Match[str]) -> str:
    """A year and a month with a hyphen (2025-03), or a span of years where it may be one (2004-05)."""
    return (
        f"{year(match[1])} to {year(match[1][:2] + match[3])}" if match[3] > match[2] else month_of(match[3], match[1])
    )


def short_date(match: re.Match[str]) -> str:
    """Two numbers with a slash as a month and a day, where a word or a leading zero says so."""
    has_zero = match[1].startswith("0") or match[2].startswith("0")
    left = before(match)
    counted = re.match(r"\s([a-z]{2,}s|of|in|inch)\b", after(match))
    is_counted = counted and (counted[1] in {"of", "in"} or counted[1] not in words("en_function_words.txt"))
    is_bound = match[2] not in USUAL_DENOMINATORS and re.search(
        r"(?i)\b(?:by|from|through|thru|from \d\d?/\d\d? (?:to|until)) $", left
    )
    is_day_and_hour = re.match(r" at (?:\d{1,2}[:h]|\d{1,2} ?[AaPp]\.?\s?[Mm]|noon|midnight)", after(match))
    is_no_fraction = match[2] in NO_DENOMINATORS and not is_counted
    is_day = match[2] == "1" and not re.match(r"\s(?:odds|ratio|split|scale)\b|\s?[=×x*+]", after(match))
    if has_zero or is_day or is_day_and_hour or is_bound or is_no_fraction or DATE_WORDS.search(left):
        return day(match[1], match[2], None)
    return match.group()


def days_to_days(match: re.Match[str]) -> str:
    """A day and a later one, each with a slash, where a word or a day above twelve tells: 10/12 to 10/18."""
    first, second = (int(match[1]), int(match[2])), (int(match[3]), int(match[4]))
    tells = max(first[1], second[1]) > 16 or re.search(
        r"(?i)\b(?:of|from|between|dates?:?|open|closed) $", before(match)
    )
    if not first < second or not tells:
        return match.group()
    return f"{day(match[1], match[2], None)} to {day(match[3], match[4], None)}"


def month_days(match: re.Match[str]) -> str:
    """Some days in a row: May 5-7, 2024."""
    if not match[1][0].isupper() or int(match[2]) > 31 or int(match[3]) > 31:
        return match.group()
    return f"{day(str(_month_index(match[1]) + 1), match[2], None)} to {ordinal(match[3])}" + (
        f", {year(match[4])}" if match[4] else ""
    )


def days_of_month(match: re.Match[str]) -> str:
    """Some days in a row: 5-7 May."""
    if not match[3][0].isupper() or int(match[1]) > 31 or int(match[2]) > 31:
        return match.group()
    return f"the {ordinal(match[1])} to the {ordinal(match[2])} of {MONTHS[_month_index(match[3])]}"


def months(match: re.Match[str]) -> str:
    """Two named months: Jan-Mar."""
    if not (match[1][0].isupper() and match[2][0].isupper()):
        return match.group()
    return f"{MONTHS[_month_index(match[1])]} to {MONTHS[_month_index(match[2])]}"


def _month_index(name: str) -> int:
    return next(index for index, month in enumerate(MONTHS) if month.startswith(name.lower()[:3]))


def month_day(match: re.Match[str]) -> str:
    """A named month and a day: May 5th, 2024."""
    if not 1 <= int(match[2]) <= 31 or not match[1][0].isupper():
        return match.group()
    return day(str(_month_index(match[1]) + 1), match[2], match[3])


def day_month(match: re.Match[str]) -> str:
    """A day and a named month: 5 May 2024."""
    if not 1 <= int(match[1]) <= 31 or not match[2][0].isupper():
        return match.group()
    article = "" if re.search(r"(?i)\bthe\s*$", before(match)) else "the "
    return f"{article}{ordinal(match[1])} of {MONTHS[_month_index(match[2])]}" + (
        f", {year(match[3])}" if match[3] else ""
    )


def year_part(match: re.Match[str]) -> str:
    """A year and what follows its slash: the next year of a season (2024/25), or a month (2024/05)."""
    first, second = match[1], match[2]
    is_next = int(second) == (int(first) + 1) % (100 if len(second) == 2 else 10_000)
    if is_next and not (second.startswith("0") and int(second) <= 12 and len(second) == 2 and first > "2009"):
        return f"{year(first)} {year(second) if len(second) == 4 else cardinal(second)}"
    if len(second) <= 2 and 1 <= int(second) <= 12:
        return month_of(second, first)
    return f"{year(first)} {year(second)}" if len(second) == 4 else match.group()


def clock(hour: str, minute: str) -> str:
    """A time of day: "9", "05" -> nine oh five."""
    if minute == "00":
        return f"{cardinal(hour)} o'clock"
    return f"{cardinal(hour)} {'oh ' if minute[0] == '0' else ''}{cardinal(minute)}"


def with_seconds(match: re.Match[str]) -> str:
    """Hours, minutes and seconds: a time of day, or how long something took where the hours begin with a zero."""
    hour, minute, second = match.groups()
    lasts = LASTING.search(before(match)) and int(hour) < 13
    if re.match(r"\s?UTC\b", after(match)):
        return f"{clock(hour, minute)}{f' and {cardinal(second)} seconds' if int(second) else ''}"
    if (
        not (hour.startswith("0") or lasts)
        or re.match(r"\s?[AaPp]\.?\s?[Mm]", after(match))
        or AT_A_TIME.search(before(match))
    ):
        return f"{clock(hour, minute)} and {cardinal(second)} seconds"
    named = zip((hour, minute, second), ("hour", "minute", "second"), strict=True)
    parts = [f"{cardinal(n)} {name}{'' if int(n) == 1 else 's'}" for n, name in named if int(n)] or ["zero seconds"]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def minutes_and_seconds(match: re.Match[str]) -> str:
    """Minutes above 24 with seconds, where it is about how long or when: in 41:30; else a ratio."""
    is_time = LASTING.search(before(match)) or AT_A_TIME.search(before(match))
    return clock(match[1], match[2]) if is_time else match.group()


def clock_in_text(match: re.Match[str]) -> str:
    """Hours and minutes; with A M or P M behind them, or else P M where they are above twelve."""
    hour, minute = int(match[1]), match[2]
    left, right = before(match), after(match)
    half = re.match(r"\s?[AP] M\b", right)
    if not half and (LASTING.search(left) or (hour == 24 and minute != "00")):
        return clock(match[1], minute)
    if RATIO_WORDS_AFTER.match(right) or re.search(
        r"(?i)\b(?:ratio|scale|odds|proportions?|aspect|mix|dilut\w+)(?: \w+){0,2} $"
        r"|(?i:\bscore(?:d|line)?(?: (?:is|was|of|at|to))? $)",
        left,
    ):
        return f"{cardinal(match[1])} to {cardinal(minute)}"
    if hour > 12 and not half:
        return f"{clock(str(hour - 12), minute)} P M"
    if half and minute == "00":
        return cardinal(match[1])
    return clock(match[1], minute)


def _years_of_century(match: re.Match[str]) -> str:
    """Years of one century, the second with its last two digits: 1804-08."""
    return f"{general(match[1])} to oh {cardinal(match[2])}"


def _short_year(match: re.Match[str]) -> str:
    """The apostrophe of a year, Q2'24, and a zero behind it: '08 is oh eight."""
    return f"oh {cardinal(match[1])}" if match[1] else " " if before(match, 1).isdigit() else ""


def _march(match: re.Match[str]) -> str:
    """The month, which the full stop of its short form shows."""
    return f"{match.group().removesuffix('Mar.')}march{closing(match)}"


def _central(match: re.Match[str]) -> str:
    """When something is broadcast, in the east and in the middle of the country: 8:30/7:30c."""
    first, second = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"{first}, {second} central"
