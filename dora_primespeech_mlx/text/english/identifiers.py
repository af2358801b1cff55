"""Numbers that name something and count nothing: codes, telephones, ports, addresses of machines, models."""

import re

from dora_primespeech_mlx.text.english import quantities
from dora_primespeech_mlx.text.english.numbers import cardinal, digits, in_pairs, year
from dora_primespeech_mlx.text.rules import Row, after, before
from dora_primespeech_mlx.text.tables import words
from dora_primespeech_mlx.text.units import english_units

HEX = "[0-9A-Fa-f]"
STATUS_TEXTS = (
    "error|status code|Created|No Content|Moved Permanently|Found|Not Modified|Not Found|Forbidden|Unauthorized"
    "|Bad Request|Bad Gateway|Internal Server|Service Unavailable|Too Many Requests|Gateway Timeout|Method Not Allowed"
    "|Conflict"
)
PORTS = r"\d{2,5}(?![\d.,]\d|[\d%]| ?(?:k?m|mi|miles?|kilo\w+|meters?|feet|ft|nautical|years?)\b)"
NUMBERED_AS_WORDS = frozenset(("ISO", "IEC", "EN", "DIN", "USD", "OVER"))
"""Capitals before a number of four digits that is not said in pairs."""


def code_rules() -> list[Row]:
    """Digits behind a word for a code, and sections of the law that name a plan: 401(k)."""
    unit = english_units()
    return [
        ("0(", r"\b40([13])\(?([kb])\)?(?!\w)", lambda match: f"four oh {digits(match[1])} {match[2]}"),
        (
            "0(",
            r"\b(457|501|527)\(([a-z])\)(?:\((\d)\))?",
            lambda match: f"{in_hundreds(match[1])} {match[2]} {match[3] or ''}",
        ),
        (
            "0",
            r"(?i)\b((?:otp|one-time (?:code|pass\w+)|(?:verification|security|login|access) code)"
            r"(?: is|:)* )(\d{3})[ -](\d{3})(?!\d|\.\d)",
            lambda match: f"{match[1]}{digits(match[2])}, {digits(match[3])}",
        ),
        (
            "0",
            rf"(?i)\b({quantities.CODE_WORDS}(?:,? (?:is|was|number|are)|:|=| number| #)*:? ?)(\d{{3,}})"
            rf"(?![\d%]|[.,:/-]\d|\s?(?:{unit})\b)",
            quantities.code,
        ),
        (
            "0",
            rf"(?i)\b({quantities.LONG_CODE_WORDS}(?: (?:is|was)|:)*:? (?:number )?)(\d{{4,}})(?![\d%]|[.,:/-]\d)",
            quantities.long_code,
        ),
    ]


def call_rules() -> list[Row]:
    """Numbers that are called, and cards in groups of four digits."""
    return [
        (
            "0",
            r"(?i)\b((?:call|dial|text|ring|phone)(?:ed|ing|s)? (?:the number )?)(\d{3})"
            r"(?=\s*(?:[.,!?;:(]|$|(?:now|asap|even|unless|without|first|straight|because|or|for|if|in|and|immediately|right|to|from|when|at|as|on|before|after|service)\b))"
            r"|\b()(911)(?= (?:now\b|call|operator|dispatch|emergency))",
            lambda match: f"{match[1] or ''}{digits(match[2] or match[4])}",
        ),
        ("0", r"(?i)\b(text (?:\w+ )?to )(\d{5,6})(?!\d)", quantities.code),
        ("0", r"(?<=\bor )(?:911|112|999|988|000|111|110|119|120)(?=\s*(?:[.,;!?(]|$))", quantities.emergency),
        ("0", r"(?<![\d-])\d{4}(?:[ -]\d{4}){2,3}(?![\d-])", quantities.digit_groups),
    ]


def telephone_rules() -> list[Row]:
    """Numbers of telephones and of rooms, and other groups of digits."""
    return [
        (
            "0",
            r"(?:\+(\d{1,3})[-. ]?)?\(?\b(\d{3})\)?[-. ](\d{3})[-. ](\d{4})\b(?: ?x(?P<extension>\d{1,5})\b)?"
            r"|\b(\d{3})-(\d{4})\b",
            quantities.telephone,
        ),
        ("0+", r"\+\d[\d ()-]{5,}\d", quantities.digit_groups),
        ("0", r"(?<![\d.,-])0(?:\d{2,4}(?: \d{3,4}){2}|\d(?: \d\d){4})(?![\d-])", quantities.digit_groups),
        ("0-", r"(?<![\d.-])\d+(?:-\d+){2,}(?!\d|\.\d)", quantities.digit_groups),
        (
            "0-",
            r"\b((?:Room|Apt|Apartment|Unit|Suite|Flat|room|apt\.?|apartment|unit|suite|flat) #?\d+)-(?=\d)",
            lambda match: f"{match[1]} dash ",
        ),
    ]


def identifier_rules() -> list[Row]:
    """Hexadecimal numbers, addresses of machines, standards, versions, ports, processors, aircraft and models."""
    return [
        ("0x", rf"(?i)(?<![\w.])0x({HEX}+)(?!\w)", lambda match: f"zero x {spelled(match[1])}"),
        ("0o", r"(?<![\w.])0o([0-7]+)(?!\w)", lambda match: f"zero o {digits(match[1])}"),
        ("0b", r"(?<![\w.])0b([01]+)(?!\w)", lambda match: f"zero b {digits(match[1])}"),
        ("0:|0-", rf"(?<![\w:-]){HEX}{{2}}(?:([:-]){HEX}{{2}})(?:\1{HEX}{{2}}){{4}}(?![\w:-])", _groups),
        (
            "0:",
            rf"(?<![\w:.])(?=[0-9A-Fa-f:]*\d)(?=[0-9:]*(?:::|[A-Fa-f]))(?:{HEX}{{0,4}}:){{2,7}}{HEX}{{0,4}}(?![\w:])",
            lambda match: re.sub(r"\s+", " ", " colon ".join(map(spelled, match.group().split(":")))),
        ),
        ("0-", rf"(?<![\w-]){HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}(?![\w-])", _groups),
        (
            "0",
            r"(?<![\w.#-])(?=[0-9a-f]*[a-f])(?=[a-f]*\d[0-9a-f]*\d)(?!\d+e\d{1,3}(?!\w))[0-9a-f]{7,40}(?![\w-])",
            lambda match: spelled(match.group()),
        ),
        (
            "0#",
            rf"(?<!\w)#(?=\d*[A-Fa-f])(?=[A-Fa-f]*\d)({HEX}{{6}}|{HEX}{{3}})(?!\w)",
            lambda match: spelled(match[1]),
        ),
        # A standard and its year; a version and what stands behind it: ISO/IEC 27001:2022, 5.15.0-91-generic.
        (
            "0:",
            r"\b((?:ISO|IEC|EN|DIN|BS|IEEE)(?:[/ -](?:IEC|ISO|TS|TR|EN))*)[ -]?(\d{3,5})(?:-(\d+))?:((?:19|20)\d\d)\b",
            lambda match: f"{match[1]} {match[2]} {match[3] or ''}, {year(match[4])}",
        ),
        ("0.-", r"(?<![\w.])(\d+(?:\.\d+){2,})-(?=\d+(?!\d|\.\d))", r"\1 dash "),
        ("0b", r"(?<=\d)\s?(bps?)\b", _base_or_basis),
        (
            "0.",
            r"\b802\.(\d{1,2})([a-z]{0,2})\b",
            lambda match: f"eight oh two dot {cardinal(match[1])} {' '.join(match[2].upper())}",
        ),
        (
            "0.",
            r"(?<![\w.])([A-Z])((?:\.\d+){2,})(?!\.?\w)",
            lambda match: f"{match[1]} {' '.join(f'dot {cardinal(part)}' for part in match[2][1:].split('.'))}",
        ),
        (
            "0.",
            r"(?i)(?<=arxiv)([:\s]\s?)(\d{4})\.(\d{4,5})(?:v(\d+))?(?!\d)",
            lambda match: f" {digits(match[2])} point {digits(match[3])}{f' version {match[4]}' if match[4] else ''}",
        ),
        (
            "0-",
            r"(?i)\b(issn:? )(\d{4})-(\d{3}[\dX])\b",
            lambda match: f"{match[1]}{spelled(match[2])}, {spelled(match[3])}",
        ),
        ("PCIe", r"\bPCIe\b", lambda match: "PCI E"),
        ("IPv", r"\bIPv(?=[46])", lambda match: "IP V "),
        (
            "0",
            rf"(?i)\bports?(?: (?:number|numbers|is|are|to)|\s?[=:])?\s?#?"
            rf"({PORTS}(?:(?: \([^()]{{1,20}}\))?(?:, (?:and |or )?| and | or | to | & |\s?[-–]\s?)"
            rf"(?={PORTS}){PORTS})*)",
            lambda match: (
                match.group()[: match.start(1) - match.start()]
                + re.sub(r"\d+", lambda port: port_number(port.group()), re.sub(r"\s?[-–]\s?", " to ", match[1]))
            ),
        ),
        (
            "0:",
            r"(?<![\w:.])(\d{4,5}):(\d{2,5})(?![\w:]|\.\d)",
            lambda match: f"{port_number(match[1])} to {port_number(match[2])}",
        ),
        (
            "0",
            rf"(?<![\w.$€£-])([345]\d\d)(?= (?:{STATUS_TEXTS})\b(?!s))",
            lambda match: match[1] if match[1].endswith("00") else digits(match[1]),
        ),
        # The processor i7-13700K, the memory DDR5-6000.
        (
            "0-",
            r"\b([A-Za-z]{1,4}\d{1,2})-(\d{4,5})(?=[A-Z]{1,2}\b)|\b([A-Z]{2,4}\d{1,2})-(\d{4,5})\b",
            lambda match: f"{match[1] or match[3]} {in_pairs(match[2] or match[4])} ",
        ),
        ("0-", r"\b(Boeing )?(7\d7)-(?=\d{1,3}\b)", lambda match: f"{match[1] or ''}{in_hundreds(match[2])} "),
        ("0", r"\b(Boeing |Porsche )(7\d7|9\d\d|718)\b", lambda match: f"{match[1]}{in_hundreds(match[2])}"),
        ("0-", r"\b([A-Za-z]+)(-?\d+)((?:-\d+)+)\b", _without_to),
        ("0", r"\b([A-Z]{2,5}) (\d{4})(?=[A-Z]?\b(?![.,]\d|%))", _model),
        ("0s", r"(?<=[A-Za-z]-)(?!\d{1,3}0s)(\d+)s\b", lambda match: f"{cardinal(match[1])}'s"),
        ("0K", r"(?<=\b[Ss]eat )(\d{1,2})K\b", r"\1 K"),
        ("0/", r"(?<=\(EU\) )((?:19|20)\d\d)/(\d+)", lambda match: f"{year(match[1])} slash {match[2]}"),
        ("0-", r"\b1-(8(?:00|88|77|66|55|44|33)|900)-(?=[A-Z])", lambda match: f"one {in_hundreds(match[1])} "),
    ]


def spelled(code: str) -> str:
    """Digits and letters one by one: "1a" -> one A."""
    return " ".join(digits(sign) if sign.isdigit() else sign.upper() for sign in code if sign.isalnum())


def port_number(number: str) -> str:
    """A port, as people say it: eighty eighty, four four three, three thousand."""
    if len(number) == 4:
        return in_pairs(number)
    return cardinal(number) if len(number) == 2 or number.endswith("00") else digits(number)


def in_hundreds(number: str) -> str:
    """Three digits with the first apart: seven forty-seven, eight hundred."""
    first, rest = number[0], number[1:]
    if rest == "00":
        return cardinal(number)
    return f"{cardinal(first)} {'oh ' if rest[0] == '0' else ''}{cardinal(rest)}"


def _base_or_basis(match: re.Match[str]) -> str:
    """`bp` behind a number: hundredths of a percent, or pairs of the bases of DNA."""
    around = re.split("[;.]", before(match))[-1] + re.split("[;.]", after(match))[0]
    one = re.search(r"(?<![\d.])1$", before(match)) or re.search(r"\b[Aa]n? [\d,]+$", before(match))
    if re.search(r"\b(?:DNA|RNA|genom\w+|genes?|primers?|PCR|sequenc\w+|fragments?|plasmids?|amplicons?)\b", around):
        return " base pair" if one else " base pairs"
    return " basis point" if one else " basis points"


def _groups(match: re.Match[str]) -> str:
    return ", ".join(map(spelled, re.split("[:-]", match.group())))


def _without_to(match: re.Match[str]) -> str:
    """A number behind a name and a hyphen does not go on to the next: ISO-8859-1, A350-900; but weeks W1-4 do."""
    name, first, rest = match.groups()
    if first.isdigit() and len(first) < 3 and len(rest) < 4 and int(first) < int(rest[1:]):
        return match.group()
    return name + first + rest.replace("-", " ")


def _model(match: re.Match[str]) -> str:
    if match[1] in NUMBERED_AS_WORDS or match[1].lower() in words("en_function_words.txt"):
        return match.group()
    return f"{match[1]} {in_pairs(match[2])}"
