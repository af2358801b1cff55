"""Short forms in full: contractions, initials, short forms before numbers and of the table."""

import re

from dora_primespeech_mlx.text.english import dates, quantities
from dora_primespeech_mlx.text.english.dates import MONTH_NAMES
from dora_primespeech_mlx.text.english.numbers import cardinal, digits, ordinal
from dora_primespeech_mlx.text.english.roman import roman_number
from dora_primespeech_mlx.text.rules import Row, after, closing
from dora_primespeech_mlx.text.tables import mapping, words

OVER = {"y": "year over year", "q": "quarter over quarter", "m": "month over month"}


def word_rules() -> list[Row]:
    """Short forms of words that stand anywhere."""
    return [
        (".", r"(?<=[a-z] )def\.(?= [A-Z])", lambda match: "defeated"),
        ("/", r"\bw/in\b", lambda match: "within"),
        (".", r"\bp\. ?(?=[A-Z]\d)", lambda match: "page "),
        (".", r"(?<=[a-z] )dia\.|(?<= )dia\.(?=[,;)])", lambda match: "diameter"),
        (".", r"\b[Dd]ew pt\.?", lambda match: "dew point"),
        (
            ".",
            r"(?:(?<=[a-z)][,;] )|(?<=\())([bm])\. (?=[A-Z])",
            lambda match: "born " if match[1] == "b" else "married ",
        ),
        # Contractions, and slashes of notes.
        ("'", r"\breq'd\b", lambda match: "required"),
        ("'", r"(?i)(?<!\w)'n'(?!\w)", lambda match: "and"),
        (
            "'",
            r"(?i)(?<!\w)'(em|til|cause)\b",
            lambda match: {"em": "them", "til": "till"}.get(match[1].lower(), "because"),
        ),
        ("/", r"\bw/o\b", lambda match: "without"),
        ("/", r"\bw/(?=\s)", lambda match: "with"),
        ("/", r"\bb/([wc])\b", lambda match: {"w": "between", "c": "because"}[match[1]]),
        ("/", r"(?<![\w/])([ru])/(?=[A-Za-z_]{2})", r"\1 slash "),
        # With a full stop of their own, which stays where it ends the text.
        (".", r"(?<=\dg )sat\.(?=[\s,;)])", lambda match: "saturated"),
        (".", r"(?<=\d )pp\.(?=[\s,;)]|$)", lambda match: f"pages{closing(match)}"),
        (".", r"\b([ph])bk\.", lambda match: "paperback" if match[1] == "p" else "hardback"),
        ("h", r"\bhwy\b(?!\.)", lambda match: "highway"),
        ("L", r"\b[Ll][Vv]l?\.?\s?(?=\d)", lambda match: "level "),
        (".", r"(?<=[\da-z] )ea\.(?=[\s,;)]|$)", lambda match: f"each{closing(match)}"),
        (
            ".",
            r"\b([Rr])ev\.(?=\s?[$€£])|(?:(?<=\d )|(?<=total )|(?<=net )|(?<=annual ))rev\.",
            lambda match: "revenue",
        ),
        (".", r"\b[Ee]xt\.(?= [a-z]{3,})", lambda match: "external"),
        (
            "0e",
            r"(?<=\d[a-z]{2} )(rev\. )?ed\.",
            lambda match: f"{'revised ' if match[1] else ''}edition{closing(match)}",
        ),
        ("v", r"(?i)(?<=[\w).] )vs(?= \w)|(?-i:(?<=[a-z.] )v\.(?= [A-Z]))", lambda match: "versus"),
        ("0.", r"(?<=\d )([A-Z])\.\s?([234])[dh](?= \d)", lambda match: f"{match[1]} {ordinal(match[2])}"),
        ("C", r"(?<=[stnrd][tdh] )Cir\.", lambda match: "Circuit"),
        (".", r"(?i)\bi\.e\.,?", lambda match: "that is"),
        (".", r"(?i)\be\.g\.,?", lambda match: "for example"),
        # Companies, degrees, wars, languages of programs, shares of a year.
        (".", r"\bCo\.?,? Ltd\b", lambda match: "Company Ltd"),
        ("&", r"\b([A-Z])&([A-Z])s\b", r"\1 and \2's"),
        ("WI", r"\bWW(I{1,2})\b", lambda match: f"World War {('one', 'two')[len(match[1]) - 1]}"),
        ("+", r"\b([A-Za-z])\+\+", lambda match: f"{match[1].upper() if match[1] == 'c' else match[1]} plus plus"),
        ("D", r"\bPh\.?D(s?)\b\.?", lambda match: "P H D's" if match[1] else "P H D"),
        ("oY|oQ|oM|%/", r"\b([YQM])o\1\b|(?<=% )([yqmYQM])/\2\b", lambda match: OVER[(match[1] or match[2]).lower()]),
        (";", r"\bTL;\s?DR\b", lambda match: "T L D R"),
    ]


def letter_rules() -> list[Row]:
    """Letters and Roman numerals that count: parts of a whole, pages, grades, spans of letters, seasons."""
    return [
        (
            "0/",
            r"(?i)\b(step|part|page|slide|chapter|lesson|episode|day|week|round|task|lap|hole|stage|item|question|frame)"
            r" (\d{1,3})/(\d{1,3})(?![\d/])",
            r"\1 \2 of \3",
        ),
        (
            "pi|pv|px",
            r"\b(pp?)\. ?([ivx]{1,6}|[xl][ivxlc]{1,5})(?:\s?[-–]\s?([ivx]{1,6}|[xl][ivxlc]{1,5}))?(?![\w']|\.\w)",
            lambda match: (
                f"{'pages' if match[1] == 'pp' else 'page'} {roman_number(match[2])}"
                + (f" to {roman_number(match[3])}" if match[3] else "")
            ),
        ),
        ("-", r"(?i:\b(?:an?|grade[sd]?|got|get|earned|or|to|type)|[,:]) ([ABCDO]|AB)-(?=[\s,.;!?)]|$)", _minus),
        ("–", r"(?<![\w–-])([A-Z])–(?=[A-Z]\b(?![–-]| bond))|(?<=\))–(?=\([A-Za-z0-9]{1,3}\))", _letters_to),
        (
            "0S",
            r"\bS(\d\d?)E(\d\d?)\b",
            lambda match: f"season {cardinal(match[1])}, episode {cardinal(match[2])}",
        ),
        ("-|–", r"\bA[-–]Z\b", lambda match: "A to Z"),
    ]


def initial_rules() -> list[Row]:
    """Initials, and short forms before a name, a number or a year."""
    return [
        (".", r"\b(?:[A-Z]\.){2,}(s\b)?|\b(?:[a-z]\.){2,}|\b[A-Z]\.(?:[a-z]\.){1,3}(?![a-z])", _initials),
        (".", r"\b(Dr|St)\.(?=\s|,|$)", _doctor_or_street),
        ("0.", r"\b[Nn]o(s?)\.\s*(?=\d)", lambda match: f"number{match[1]} "),
        ("0#", r"(?<=[A-Za-z]{2})#(?=\d)", lambda match: " hash "),
        ("#", r"#([A-Z]{1,3})-?(\d{3,})\b", lambda match: f"{' '.join(match[1])} {digits(match[2])}"),
        (
            "#",
            r"(?<![A-Za-z]{2})#(?=\d+(?:st|nd|rd|th)?(?![A-Za-z\d]))|(?<=[a-z] )#(?= [a-z])"
            r"|(?<=[a-z.] )# (?=[A-Z0-9]{3,}\b)",
            lambda match: "number ",
        ),
        (
            "0.",
            r"(?:(?<=[(;,–-])\s?\b(b|d|r|fl)|\b(fl)|^(b|d)(?=\. ?\d{4}(?:\)|-\d\d-\d\d)))\. ?"
            r"(?=(?:ca?\. ?)?\d{3,4}s?\b)",
            lambda match: f" {dates.LIFE[match[1] or match[2] or match[3]]} ",
        ),
        (".", r"\b[Ee]st\.(?!,? (?:in |ca?\. )?\d{4}\b)(?=[ ,;)]|$)", lambda match: f"estimated{closing(match)}"),
        (
            "0.",
            rf"(?i)(?<!\d)(?:(?<!\d )|(?=ext))\b({'|'.join(mapping('en_before_numbers.tsv'))})\.\s?"
            r"(?=\(?[-+−~≈<>≤≥]?[$€£¥]?\d)",
            lambda match: f"{mapping('en_before_numbers.tsv')[match[1].lower()]} ",
        ),
    ]


def full_rules() -> list[Row]:
    """The short forms of the table, and a state before its postal code."""
    # Behind a number ft. is feet and ms. milliseconds.
    behind = {"ft": r"(?<!\d)(?<!\d )(?<!-)(?<!\bsq )(?<!\bsq\. )ft", "ms": r"(?<!\d)(?<!\d )ms"}
    short = "|".join(behind.get(word, word) for word in mapping("en_abbreviations.tsv"))
    return [
        (
            ".",
            rf"(?i)\b({short})\.(?=[\s,;)]|$)",
            _written_out,
        ),
        ("0", r"(?:^|(?<=, ))([A-Z]{2}) (\d{5})(-\d{4})?(?![\d-])", quantities.postal_code),
    ]


def _initials(match: re.Match[str]) -> str:
    letters = match.group().removesuffix("s").replace(".", "").upper()
    begins = re.match(r"\s+([A-Z][a-z]*)\b", after(match))
    ends = letters != "PS" and begins is not None and begins[1].lower() in words("en_function_words.txt")
    return " ".join(letters) + ("'s" if match[1] else "." if ends else closing(match))


def _doctor_or_street(match: re.Match[str]) -> str:
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :]
    follows_name = bool(re.search(r"[A-Z][a-z]+$|\d(?:st|nd|rd|th)$", before))
    precedes_name = bool(re.match(r"\s+[A-Z]", after))
    if match[1] == "Dr":
        said = "drive" if follows_name and not precedes_name else "doctor"
    else:
        said = "saint" if precedes_name and not follows_name else "street"
    return said + closing(match)


def _written_out(match: re.Match[str]) -> str:
    """A short form in full; months in capitals are something else (6.5% APR), and EST is a time."""
    if (
        match[1].isupper()
        and re.match(rf"(?i)(?:{MONTH_NAMES}|est)$", match[1])
        and not re.match(r"\s*\d", after(match))
    ):
        return match.group()
    ends = match[1].lower() == "etc" and re.match(r"\s+[A-Z]", after(match))
    return mapping("en_abbreviations.tsv")[match[1].lower()] + ("." if ends else closing(match))


def _minus(match: re.Match[str]) -> str:
    """Behind the letter of a grade or of a blood type: an A-, type O-."""
    return f"{match.group()[:-1]} minus"


def _letters_to(match: re.Match[str]) -> str:
    """A range of letters: A–F, (A)–(D)."""
    return f"{match[1] or ''} to "
