"""Written English -> spoken English: words in letters, apostrophes and the marks `! ? , . -` only."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache

from dora_primespeech_mlx.text.english import dates, quantities
from dora_primespeech_mlx.text.english.capitals import speak_capitals
from dora_primespeech_mlx.text.english.chess import chess_rules
from dora_primespeech_mlx.text.english.dates import MONTH_NAMES, WEEKDAYS
from dora_primespeech_mlx.text.english.identifiers import identifier_rules, in_hundreds
from dora_primespeech_mlx.text.english.law import law_rules
from dora_primespeech_mlx.text.english.medicine import medicine_rules
from dora_primespeech_mlx.text.english.music import music_rules
from dora_primespeech_mlx.text.english.numbers import cardinal, decimal, digits, general, ordinal
from dora_primespeech_mlx.text.english.places import address_rules
from dora_primespeech_mlx.text.english.quantities import GROUP
from dora_primespeech_mlx.text.english.roman import roman_number, roman_rules
from dora_primespeech_mlx.text.english.scripture import scripture_rules
from dora_primespeech_mlx.text.english.sports import sports_rules
from dora_primespeech_mlx.text.rules import Row, Rules, after, before, with_any
from dora_primespeech_mlx.text.tables import currencies, mapping, signs, words
from dora_primespeech_mlx.text.units import english_unit, english_units

NUMBER = r"\d+(?:\.\d+)?"
NUMERALS = "I|V|X|L|C|D|M|i|v|x"
GROUPED = rf"(?:\d|{GROUP})+(?:\.\d+)?"
SCALE = r"(?:k|K|m|M|b|B|T|bn|mn|tn|thousand|million|billion|trillion|lakh|crore)\b"
WINDS = {"N": "north", "S": "south", "E": "east", "W": "west"}
OF_AGE = {"yr": "year", "mo": "month", "wk": "week"}
OVER = {"y": "year over year", "q": "quarter over quarter", "m": "month over month"}
# What stands behind a number of times: 2x faster, 3x the size.
OF_TIMES = (
    "as|the|its|their|your|our|his|her|my|that|this|more|less|fewer|faster|slower|larger|smaller|bigger|higher|lower"
    "|better|worse|cheaper|longer|shorter|growth|speedup|improvement|increase|returns?|per|daily|weekly|monthly|yearly"
)
# Signs that compatibility normalisation would take apart.
KEPT = frozenset(sign for sign in signs("en") if unicodedata.normalize("NFKC", sign) != sign) | {"…"}
QUOTES = {ord(mark): "'" for mark in "’‘ʼ＇`′"} | {ord(mark): " " for mark in '“”"„«»'}
MARKS = str.maketrans("，、;；:：。！？…⋯", ",,,,,,.!?..")
# Letters that are no other letter with an accent.
LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "đ": "d",
     "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng"}
)  # fmt: skip


def spoken_english(text: str, known: Collection[str] = ()) -> str:
    """Normalise `text`; capital letters that are spelled come out apart (`GPT` -> `G P T`).

    Words that are, in lower case, among `known` stay whole.
    """
    text = text.replace("″", '"')
    text = "".join(sign if sign in KEPT else unicodedata.normalize("NFKC", sign) for sign in text).translate(QUOTES)
    text = re.sub(r"\s{2,}", " ", text)
    text = _rules()(text)
    text = _without_dashes_and_brackets(re.sub(r"\s{2,}", " ", text))
    text = re.sub(r"(?<=\s)-(?=[A-Za-z])|(?<=\s)'(?=\s|$)", "", text)
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
    """Every reading of something not written in plain words, in the order they have to be looked for."""
    unit = english_units()
    money = "|".join(map(re.escape, sorted(currencies(), key=len, reverse=True)))
    money_needed = with_any((sign[-1] for sign in currencies()), "0")
    per = "|".join(map(re.escape, sorted(mapping("en_per.tsv"), key=len, reverse=True)))
    # Behind a number ft. is feet and ms. milliseconds.
    behind = {"ft": r"(?<!\d)(?<!\d )(?<!-)(?<!\bsq )(?<!\bsq\. )ft", "ms": r"(?<!\d)(?<!\d )ms"}
    short = "|".join(behind.get(word, word) for word in mapping("en_abbreviations.tsv"))
    marks = "½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
    parts_needed = with_any(marks)
    rows: list[Row] = [
        *chess_rules(),
        *law_rules(),
        ("°/", r"(?<=\d°)\s?/\s?(?=\d+°)|(?<=\d°[CF])/(?=gas mark\b)", lambda match: ", "),
        (parts_needed, rf"([{marks}])\s?[-–]\s?(?!\1)(?=[{marks}\d])", r"\1 to "),
        (parts_needed, rf"([{marks}])[-–](?=\1)", r"\1, "),
        (".", r"(?<=\dg )sat\.(?=[\s,;)])", lambda match: "saturated"),
        (".", r"(?<=\d )pp\.(?=[\s,;)]|$)", lambda match: f"pages{_closing(match)}"),
        (".", r"\b([ph])bk\.", lambda match: "paperback" if match[1] == "p" else "hardback"),
        (".", r"(?:\b[Ii]n|\bof|\bsince|\bby|\buntil|\bto|\band|\bearly|\blate) Mar\.(?=[\s,;)]|$)(?! [A-Z])", _march),
        ("0–J|0–F|0–M|0–A|0–S|0–O|0–N|0–D", rf"(?<=\d)–(?=(?i:{MONTH_NAMES})\b\.? \d)", lambda match: " to "),
        (
            "./",
            r"(?<=\d )(fl\. oz|sq\. ft|ft|mi|oz|lbs?|gal|hr|yr|mo|wk|min|sec|in)\.(?=\s?/\s?[a-z])",
            r"\1",
        ),
        ("$/", rf"(?<![\w$])\$\s?/\s?({per})\b", lambda match: f"dollars per {mapping('en_per.tsv')[match[1]]}"),
        ("0x|0×", r"(?<![\w.])([1248])[x×](\d\d?)s\b", _timber),
        ("0#x|0#×", r"(#\d{1,2})\s?[x×]\s?(?=\d)", r"\1 by "),
        ("0 .", r"(?<=\d\.\d) (?=\d{1,3}(?:\.\d+)?[BMK]\b)", lambda match: ", "),
        ("0/", r"(?<![\d/])(\d{1,3})/(\d{1,3})/(?=\d{1,3} ?(?:mpg|mph|km|kg|lbs?)\b)", r"\1, \2, "),
        ("0/", r"(?<![\d/])(\d{1,2}:\d\d)/(\d{1,2}:\d\d)c\b|(?<![\d/])(\d{1,2})/(\d{1,2})c\b", _central),
        ("0/", r"(?<![\d/])1/4(?=[- ]miles?\b)", lambda match: "quarter"),
        ("h", r"\bhwy\b(?!\.)", lambda match: "highway"),
        ("L", r"\b[Ll][Vv]l?\.?\s?(?=\d)", lambda match: "level "),
        (
            "0/",
            r"(?i)\b(step|part|page|slide|chapter|lesson|episode|day|week|round|task)"
            r" (\d{1,3})/(\d{1,3})(?![\d/])",
            r"\1 \2 of \3",
        ),
        (
            "0a|0p",
            r"(?<=\bat )(1[0-2]|[1-9])([ap])(?=[\s.,;)]|$)",
            lambda match: f"{match[1]} {match[2].upper()} M",
        ),
        ("0-|0–", r"(?<![\w.-])(1[5-9]\d\d)[-–]0(\d)(?![\d-])", _years_of_century),
        ("0d", r"(?<=\d\d) d(?=[.,;)]|$)", lambda match: " days"),
        ("'", r"\breq'd\b", lambda match: "required"),
        (".", r"(?<=[\da-z] )ea\.(?=[\s,;)]|$)", lambda match: f"each{_closing(match)}"),
        ("0/", r"(?<=\d)(\s?(?:lbs?|oz|ft|in|mi|gal))\.?\s?/\s?(?=\d[\d.]*\s?(?:k?g|[ck]?m|mm|L|m[Ll])\b)", r"\1, "),
        ("0p", rf"(?<=\d )pt(s?)\.?(?= (?:of )?(?:{quantities.INGREDIENTS}|beer|stock|broth|blood|ice)\b)", r"pint\1"),
        ("x|×", r"(?<=inches) ?[x×] ?(?=\d)", lambda match: " by "),
        ("°/", r"(?<=\d°[FC])\s?/\s?(?=\d)", lambda match: ", "),
        (
            ".",
            r"\b([Rr])ev\.(?=\s?[$€£])|(?:(?<=\d )|(?<=total )|(?<=net )|(?<=annual ))rev\.",
            lambda match: "revenue",
        ),
        (".", r"\b[Ee]xt\.(?= [a-z]{3,})", lambda match: "external"),
        (
            "pi|pv|px",
            r"\b(pp?)\. ?([ivx]{1,6}|[xl][ivxlc]{1,5})(?:\s?[-–]\s?([ivx]{1,6}|[xl][ivxlc]{1,5}))?(?![\w']|\.\w)",
            lambda match: (
                f"{'pages' if match[1] == 'pp' else 'page'} {roman_number(match[2])}"
                + (f" to {roman_number(match[3])}" if match[3] else "")
            ),
        ),
        ("'", r"(?i)(?<!\w)'n'(?!\w)", lambda match: "and"),
        (
            "'",
            r"(?i)(?<!\w)'(em|til|cause)\b",
            lambda match: {"em": "them", "til": "till"}.get(match[1].lower(), "because"),
        ),
        ("/", r"\bw/o\b", lambda match: "without"),
        ("/", r"\bw/(?=\s)", lambda match: "with"),
        ("°", r"(?<!\d)(?<!\d )°([CF])(?![A-Za-z])", r"degrees \1"),
        ("°", r"°\s?([NSEW])(?!\w|\.\w)", lambda match: f"° {WINDS[match[1]]}"),
        (
            "0'",
            r"\b([35])['’](?:-| to )(?:to-)?([35])['’]"
            r"|\b([35])['’](?= (?:end|UTR|cap|untranslated|direction|splice)\b)",
            lambda match: " prime to ".join(filter(None, match.groups())) + " prime",
        ),
        ("'", r"\b([35])'-(?=[ACGTUN]{3,}\b)", r"\1 prime "),
        ("'", r"(?<=[ACGTUN]{3})-([35])'(?!\d)", r" \1 prime"),
        (".", r"\bCo\.?,? Ltd\b", lambda match: "Company Ltd"),
        ("&", r"\b([A-Z])&([A-Z])s\b", r"\1 and \2's"),
        ("-", r"(?i:\b(?:an?|grade[sd]?|got|get|earned|or|to|type)|[,:]) ([ABCDO]|AB)-(?=[\s,.;!?)]|$)", _minus),
        ("-|−|–", r"\b(UTC|GMT) ?[-−–](?=\d)", r"\1 minus "),
        ("–", r"(?<![\w–-])([A-Z])–(?=[A-Z]\b(?![–-]| bond))|(?<=\))–(?=\([A-Za-z0-9]{1,3}\))", _letters_to),
        *medicine_rules(),
        *address_rules(),
        ("/", r"\bb/([wc])\b", lambda match: {"w": "between", "c": "because"}[match[1]]),
        (
            "Y-|Y–",
            r"\b([FAS]Y) ?(20\d\d)[-–](?:20)?(\d\d)(?!\d)",
            lambda match: f"{match[1]} {general(match[2])} to {cardinal(match[3])}",
        ),
        (
            "0e",
            r"(?<=\d[a-z]{2} )(rev\. )?ed\.",
            lambda match: f"{'revised ' if match[1] else ''}edition{_closing(match)}",
        ),
        ("0c", r"(?<=\d )c\.(?= [a-z])|(?<=[½¼¾⅓⅔] )c\.(?= [a-z])", quantities.cups),
        ("0T", rf"(?<=\d )T\.?(?= (?:of )?(?:{quantities.INGREDIENTS})\b)", quantities.tablespoons),
        ("0y", r"\b(\d{1,3})[ -]?y/?o\b", r"\1 year old"),
        ("v", r"(?i)(?<=[\w).] )vs(?= \w)|(?-i:(?<=[a-z.] )v\.(?= [A-Z]))", lambda match: "versus"),
        ("0.", r"(?<=\d )([A-Z])\.\s?([234])[dh](?= \d)", lambda match: f"{match[1]} {ordinal(match[2])}"),
        ("C", r"(?<=[stnrd][tdh] )Cir\.", lambda match: "Circuit"),
        ("/", r"(?<![\w/])([ru])/(?=[A-Za-z_]{2})", r"\1 slash "),
        ("0-", r"(?<=\d)-in\.(?=\s[a-z])", lambda match: "-inch"),
        ("0-s", r"(?<=\d)-spd\b\.?", lambda match: "-speed"),
        ("0-", r"\b1-on-1(s?)\b", r"one on one\1"),
        ("0m", r"(?<![\w.])((?:8[5-9]|9\d|10[0-4])\d(?:\.\d)?) ?mb\b", r"\1 millibars"),
        ("0K|0k", r"\b(\d\d?)[Kk]t?\b(?= (?:gold|white gold|yellow gold|rose gold))", r"\1 karat"),
        ("0c", r"(?<=\d) ?ct\.?(?= (?:diamond|sapphire|ruby|emerald|stone|gem|ring|total))", lambda match: " carat"),
        (
            "0M",
            r"\b(about|nearly|killed|roughly|over|than|some|almost) (\d+(?:[-–]\d+)?)M\b(?![²³/-])",
            r"\1 \2 million",
        ),
        (
            "0M",
            r"(?<![\w.$-])(\d+)M(?= (?:km|mi|miles|kilometers|tons|tonnes|liters|gallons|acres|ha|years|yrs)\b)",
            r"\1 million",
        ),
        (
            "0S",
            r"\bS(\d\d?)E(\d\d?)\b",
            lambda match: f"season {cardinal(match[1])}, episode {cardinal(match[2])}",
        ),
        *music_rules(),
        ("WI", r"\bWW(I{1,2})\b", lambda match: f"World War {('one', 'two')[len(match[1]) - 1]}"),
        ("+", r"\b([A-Za-z])\+\+", lambda match: f"{match[1].upper() if match[1] == 'c' else match[1]} plus plus"),
        ("#", r"\b([A-Z])#", lambda match: f"{match[1]} sharp "),
        *scripture_rules(),
        *sports_rules(),
        (".", r"(?i)\bi\.e\.,?", lambda match: "that is"),
        (".", r"(?i)\be\.g\.,?", lambda match: "for example"),
        ("D", r"\bPh\.?D(s?)\b\.?", lambda match: "P H D's" if match[1] else "P H D"),
        ("0:", r"(?<![\w:])(\d{1,2}:[0-5]\d)([ap])(?!\w)", lambda match: f"{match[1]} {match[2].upper()} M"),
        ("0a", r"(?<![\w:])(\d{1,2})a\s?[-–]\s?(\d{1,2})p(?!\w)", r"\1 A M to \2 P M"),
        ("0:Z", r"(?<=\d:[0-5]\d)Z\b", lambda match: " UTC"),
        ("0h", r"(?<![\w.])([01]?\d|2[0-3])h([0-5]\d)(?!\w)", lambda match: f" {dates.clock(match[1], match[2])}"),
        (
            "0/",
            r"(?<=\d:[0-5]\d)\s?/\s?(mile|mi|km)\b",
            lambda match: f" per {mapping('en_per.tsv').get(match[1], 'mile')}",
        ),
        ("0./", r"(?<=\.\d{3})/(?=\.\d{3}\b)", lambda match: ", "),
        ("0-", r"(?<=\d)-(yr|mo|wk)s?-(?=olds?\b)", lambda match: f"-{OF_AGE[match[1]]}-"),
        (
            "0m|0M",
            r"(?i)(?<=\d)\s*([ap])\.?m\b\.?(?=\s+[a-z(]|\s*[-–—,;:!?)+])",
            lambda match: f" {match[1].upper()} M",
        ),
        ("0m|0M", r"(?i)(?<=\d)\s*([ap])\.?m\b(\.?)", lambda match: f" {match[1].upper()} M{match[2]}"),
        (".", r"(?i)\b([ap])\.m\.", lambda match: f"{match[1].upper()} M{_closing(match)}"),
        (".", r"\b(?:[A-Z]\.){2,}(s\b)?|\b(?:[a-z]\.){2,}", _initials),
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
        (".", r"(?<=\d)(st|nd|rd|th)[- ]c\.(?=\s[a-z]|[,;)])", r"\1 century"),
        ("CA|BA", r"\b(BCE?|AD|CE)\s?[-–]\s?(?=(?:AD )?\d)", r"\1 to "),
        (
            "0h",
            r"\b([Aa]t|[Bb]y|[Ff]rom|until|till|to|before|after|around|between|and) ((?:[01]\d|2[0-3])[0-5]\d)"
            r" ?(?:hrs|hours|h)\b",
            lambda match: f"{match[1]} {dates.military(match[2])}",
        ),
        (".", r"\b[Ee]st\.(?!,? (?:in |ca?\. )?\d{4}\b)(?=[ ,;)]|$)", lambda match: f"estimated{_closing(match)}"),
        (
            "0.",
            rf"(?i)(?<!\d)(?:(?<!\d )|(?=ext))\b({'|'.join(mapping('en_before_numbers.tsv'))})\.\s?"
            r"(?=\(?[-+−~≈<>≤≥]?[$€£¥]?\d)",
            lambda match: f"{mapping('en_before_numbers.tsv')[match[1].lower()]} ",
        ),
        ("oY|oQ|oM|%/", r"\b([YQM])o\1\b|(?<=% )([yqmYQM])/\2\b", lambda match: OVER[(match[1] or match[2]).lower()]),
        (";", r"\bTL;\s?DR\b", lambda match: "T L D R"),
        ("0(", r"\b40([13])\(?([kb])\)?(?!\w)", lambda match: f"four oh {digits(match[1])} {match[2]}"),
        (
            "0(",
            r"\b(457|501|527)\(([a-z])\)(?:\((\d)\))?",
            lambda match: f"{in_hundreds(match[1])} {match[2]} {match[3] or ''}",
        ),
        ("0x|0×", rf"(?<=\d)[x×](?=/|\s(?:{OF_TIMES})\b)", lambda match: " times"),
        (
            "0M|0B",
            r"(?<![\w.$-])(\d+(?:\.\d+)?)([MB])\b(?=-?(?:\s(?:people|users?|tok(?:en)?s?|param(?:eter)?s|views?|downloads"
            r"|subscribers|followers|rows|records|requests|years|members|customers|viewers|visitors|units|copies|shares|barrels|tons|tonnes|vehicles"
            r"|cars|jobs|homes|households|patients|doses|students|workers|employees|players|streams|installs|books)\b|/[a-z]|\+))"
            r"|(?<![\w.$-])(\d+\.\d+)([MB])\b(?![-+])",
            lambda match: (
                f"{decimal(match[1] or match[3])} {'million' if (match[2] or match[4]) == 'M' else 'billion'}"
            ),
        ),
        *((NUMERALS, pattern, say) for pattern, say in roman_rules()),
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
        *identifier_rules(),
        (
            "0",
            r"(?i)\b((?:call|dial|text|ring|phone)(?:ed|ing|s)? (?:the number )?)(\d{3})"
            r"(?=\s*(?:[.,!?;:(]|$|(?:now|or|for|if|in|and|immediately|right|to|from|when|at|as|on|before|after|service)\b))"
            r"|\b()(911)(?= (?:now\b|call|operator|dispatch|emergency))",
            lambda match: f"{match[1] or ''}{digits(match[2] or match[4])}",
        ),
        ("0", r"(?i)\b(text (?:\w+ )?to )(\d{5,6})(?!\d)", quantities.code),
        ("0", r"(?<=\bor )(?:911|112|999|988|000|111|110|119|120)(?=\s*(?:[.,;!?(]|$))", quantities.emergency),
        (
            "0n",
            r"(\d\s?ft\.? \d+)\s?in\b\.?|(?<=\d/\d) in(?:\.(?=\s)|(?=\.$))",
            lambda match: (
                f"{(match[1] or '').replace('ft.', 'ft')} inch{'' if re.search(r' 1$', match[1] or '') else 'es'}"
            ),
        ),
        ("0", r"(?<![\d-])\d{4}(?:[ -]\d{4}){2,3}(?![\d-])", quantities.digit_groups),
        (
            "0",
            r"\b((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])\b",
            lambda match: dates.day(match[3], match[4], match[1]),
        ),
        ("0/", r"(?<![\d/])(\d\d?)/(\d\d?)/((?:19|20)\d\d|\d\d)\b(?!/)", dates.slash_date),
        ("0-", r"(?<![\w.-])(\d\d?)-(\d\d?)-((?:19|20)\d\d)(?![\w-])", dates.slash_date),
        (
            "0/",
            r"(?<![\d/.])(0[1-9]|[2-9]|1[0-2])/((?:19|20)\d\d)(?![\d/])",
            lambda match: dates.month_of(match[1], match[2]),
        ),
        ("0-", r"(?<![\w-])((?:19|20)(\d\d))-(0[1-9]|1[0-2])(?![\w-])", dates.year_and_month),
        ("0/", r"\b((?:19|20)\d\d)/(\d{4}|\d\d?)(?![\d/])", dates.year_part),
        (
            "0/",
            rf"(?<![\d/.]){dates.MONTH_AND_DAY} to {dates.MONTH_AND_DAY}(?![\d/%]|\.\d)",
            dates.days_to_days,
        ),
        ("0/", rf"(?<![\d/.]){dates.MONTH_AND_DAY}(?![\d/%]|\.\d)", dates.short_date),
        ("-|–", rf"(?i)\b({MONTH_NAMES})\.?\s?[-–]\s?({MONTH_NAMES})\b", dates.months),
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
            dates.month_days,
        ),
        (
            "0-|0–",
            rf"(?i)(?<![\d-])(\d\d?)(?:st|nd|rd|th)?\s?[-–]\s?(\d\d?)(?:st|nd|rd|th)? ({MONTH_NAMES})\b",
            dates.days_of_month,
        ),
        ("0", rf"(?i)\b({MONTH_NAMES})\.? (\d\d?)(?:st|nd|rd|th)?\b(?!:|\.\d)(?:,? (\d{{4}})\b)?", dates.month_day),
        ("0", rf"(?i)\b(\d\d?)(?:st|nd|rd|th)? ({MONTH_NAMES})\b(?:\.?,? (\d{{4}})\b)?", dates.day_month),
        (
            ".",
            rf"(?i)\b({short})\.(?=[\s,;)]|$)",
            lambda match: _written_out(match),
        ),
        ("0", r"(?:^|(?<=, ))([A-Z]{2}) (\d{5})(-\d{4})?(?![\d-])", quantities.postal_code),
        (
            "0-|0–",
            rf"({money})\s?(\d+(?:,\d{{3}})*(?:\.\d+)?)\s?({SCALE})?\s?[-–]\s?(\d+(?:,\d{{3}})*(?:\.\d+)?)(?![\d:])(?:\s?({SCALE}))?(?!-)",
            lambda match: quantities.money_range(match),
        ),
        (
            "0-|0–",
            rf"(?<=:\d\d)\s?[-–]\s?(?=\d\d?:\d\d)|(?<=[AP] M)\s?[-–]\s?(?=\d)|(?<=\d)\s?[-–]\s?(?=(?:{money})\d)"
            rf"|(?:(?<=\d[kKmMbBT])|(?<=\d[bmt]n))\s?[-–]\s?(?=(?:{money})\d)",
            lambda match: " to ",
        ),
        ("M|T|W|F|S", dates.SHORT_WEEKDAYS_IN_A_ROW, dates.short_weekdays),
        ("M|T|W|F|S", dates.SHORT_WEEKDAY, dates.short_weekdays),
        ("-|–", rf"\b({WEEKDAYS})\s?[-–]\s?(?=(?:{WEEKDAYS})\b)", lambda match: f"{match[1]} to "),
        ("-|–", r"\bA[-–]Z\b", lambda match: "A to Z"),
        (
            "0-|0–",
            r"(?i)\b(noon|midnight|dawn|now|today)\s?[-–]\s?(?=\d)|(?<=[\dM])\s?[-–]\s?(?=(?:noon|midnight|present|now|today|date|late|close|closing|dusk|sunset)\b)",
            lambda match: f"{match[1] or ''} to ",
        ),
        ("0.", r"(?<=\d)\s?[-–]\s?ca?\.\s?(?=\d{3,4}\b)", lambda match: " to circa "),
        ("0.", r"\bca?\.\s?(?=\d{3,4}\b)", lambda match: "circa "),
        ("0-|0–", r"(?<=\d0s)\s?[-–]\s?(?='?\d0s)", lambda match: " to "),
        ("0-|0–", r"(?<=\d)(st|nd|rd|th)\s?[-–]\s?(?=\d)", lambda match: f"{match[1]} to "),
        ("0-|0–", rf"(?<=\d)(\s?(?:{unit}|%|{SCALE}))\s?[-–]\s?(?=\d)", lambda match: f"{match[1]} to "),
        ("0'", r"(?<!\w)'(?:0(\d)|(?=\d\d(?!')))\b(?!s)|(?<=\b[QH]\d)'(?=\d\d\b)", _short_year),
        (
            "0/",
            r"(?i)\b(time signature (?:is |of |changes to )?)(\d{1,2})/(\d{1,2})\b",
            lambda match: f"{match[1]}{cardinal(match[2])} {cardinal(match[3])}",
        ),
        ("0:", r"(?<![\d:])(\d\d?):([0-5]\d):([0-5]\d)\b", dates.with_seconds),
        (
            "0:",
            r"(?<![\d:])\d+(?::\d+){2,}(?![\d:])",
            lambda match: " to ".join(map(cardinal, match.group().split(":"))),
        ),
        ("0:", r"\b([01]?\d|2[0-4]):([0-5]\d)\b(?!:)", dates.clock_in_text),
        ("0:", r"(?<![\d:.])([2-9]\d):([0-5]\d)(?![\d:]|\.\d)", dates.minutes_and_seconds),
        (
            "0:",
            r"(?<![\w.])\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+(?!\w)",
            lambda match: " to ".join(map(decimal, match.group().split(":"))),
        ),
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
        ("0,", r"(?<![\d,.])\d{1,2}(?:,\d\d)+,\d{3}(?!\d|,\d)", lambda match: match.group().replace(",", "")),
        (
            "0 ",
            r"(?<![\d.,:/-])(?<!\d )(?:\d{1,3}(?: \d{3})* 000(?! ?\d)|\d\d?(?: \d{3}){2,}(?= [a-z]))",
            lambda match: match.group().replace(" ", GROUP),
        ),
        ("0,", r"(?<=\d),(?=\d{3}(?!\d))", lambda match: GROUP),
        (
            "0/",
            rf"((?:{money})\s?{GROUPED}\s?(?:{SCALE})?)\s?/\s?([a-z]+(?:/[a-z]+)?)\b(?!/)(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.per,
        ),
        (
            "0/",
            rf"((?<![\w/]){GROUPED}\+?(?:\s?(?:[A-Za-z²³]+|percent|%|¢|dollars|cents)){{0,2}})\s?/\s?((?:{per})(?:/(?:{per}))?)\b(?!/)(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.per,
        ),
        (
            "/",
            r"\b(?!(?:day|night|week|month|year|hour|minute)s?/)([A-Za-z]{3,})/"
            r"(day|week|month|year|hour|hr|minute|min|second|sec|person|user|capita|mile|gallon)(?:\b|(?=[²³]))(?!/)",
            lambda match: f"{match[1]} per {mapping('en_per.tsv').get(match[2], match[2])}",
        ),
        (
            "/",
            r"(?<![\w./°])((?:km|m|cm|mi|ft|[KMG]B|kg|g|mg|W|J)/(?:h|s²|s|d?L|kg|m²|m³))(?![\w/²³])",
            lambda match: english_unit(match[1], False),
        ),
        ("0x|0×", rf"(\d\s?(?:{unit}|in|inch(?:es)?|['’]))\.?\s?[x×]\s?(?=\d)", _side),
        ("0x|0×", rf"(\d)\s?[x×]\s?(?=\d+(?:\.\d+)?[\s-]?(?:{unit})(?![\w²³]))", lambda match: f"{match[1]} by "),
        (
            "0/",
            r"(?<![\d/.])(\d{2,3})/(\d{2,3})\s?mm ?Hg\b",
            lambda match: f"{cardinal(match[1])} over {cardinal(match[2])} millimeters of mercury",
        ),
        (
            "0-",
            rf"({money})({NUMBER})-(thousand|million|billion|trillion)\b",
            lambda match: f"{decimal(match[2])} {match[3]} {currencies()[match[1]][1]}",
        ),
        ("0-", rf"(?<![\w.])-\s?(?=(?:{money})\d)", lambda match: "minus "),
        (money_needed, rf"({money})\s?({GROUPED})(?:\s?({SCALE}))?", quantities.money),
        (
            money_needed,
            rf"(?<![\d{GROUP}.])({GROUPED})\s?({money})(?!\d)",
            lambda match: quantities.amount(match[2], match[1].replace(GROUP, "")),
        ),
        (
            "0-",
            rf"(?<![\w.])-(?={NUMBER})",
            lambda match: "minus " if re.match(rf"-{NUMBER}\s?°", match.string[match.start() :]) else "negative ",
        ),
        ("0-|0–", r"\b50[-–]50\b", lambda match: "50 50"),
        ("0-|0–", r"(?<=\d)\s?-(?=\d)|(?<=\d)\s?–\s?(?=\d)", lambda match: " to "),
        ("0s", r"(?<![\d.])(\d{3}0)s\b|'(\d0)s\b|\b(\d0)s\b", quantities.decade),
        (
            "0",
            rf"(?<![\w.])({GROUPED})\s?(bn|mn|tn)\b",
            lambda match: f"{decimal(match[1].replace(GROUP, ''))} {quantities.AMOUNTS[match[2]]}",
        ),
        ("0s", r"(?i)\b(two|three|four|five|six|seven|eight|nine|ten) (\d{1,2})s\b", r"\1 \2's"),
        (
            "t|m|b",
            rf"\b(thousand|million|billion|trillion) (?=[A-Za-zμ²³/. ]{{2}})({unit})(?![A-Za-z0-9²³/])",
            lambda match: f"{match[1]} {english_unit(match[2], False)}",
        ),
        ("0k|0K", r"(?<![\w.])(5|8|10|15)[kK]\b", quantities.run_of_kilometers),
        ("0k", rf"(?<![\w.])({GROUPED})k\b", lambda match: f"{decimal(match[1])} thousand"),
        ("0K", r"(?<![\w.])(\d{2,}(?:\.\d+)?)K\b", lambda match: f"{decimal(match[1])} thousand"),
        (
            "0/",
            rf"(?<![\w./])(?:(\d+)[ -])?(\d+)/(\d+)[\s-]?({unit})(?![A-Za-z0-9²³/])(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.part_of_unit,
        ),
        (
            parts_needed,
            rf"(?<!\w)(?:(\d+)\s?)?([{marks}])[\s-]?({unit})(?![A-Za-z0-9²³/])(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.sign_of_unit,
        ),
        (
            "0-",
            rf"(?<![\w./-])({GROUPED})-({unit})(?![\w²³/'’-])(?:\.(?=[,;)]|\s+[a-z(]))?",
            lambda match: f"{decimal(match[1].replace(GROUP, ''))} {english_unit(match[2], True)}",
        ),
        (
            "0./",
            rf"(?<![\w./])(\d+\.\d+)/(\d+(?:\.\d+)?)\s?({unit})(?![A-Za-z0-9²³/])",
            lambda match: f"{decimal(match[1])} out of {decimal(match[2])} {english_unit(match[3], False)}",
        ),
        (
            "0",
            rf"(?<![\w./])({GROUPED})\s?({unit})(?![A-Za-z0-9²³/]|['’]s)(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.measure,
        ),
        (
            "0+",
            rf"(?<![\w./])({GROUPED})\+\s?({unit})(?![A-Za-z0-9²³/])['’]?",
            lambda match: f"{decimal(match[1].replace(GROUP, ''))} plus {english_unit(match[2], False)}",
        ),
        (
            "0n",
            rf"(?<![\w./])({NUMBER})(?:in\b|\sin\.(?=\s+[a-z]|[,;)]|$)|\sin(?=\s+(?:equals|approximately)\b))\.?",
            lambda match: f"{decimal(match[1])} {'inch' if match[1] == '1' else 'inches'}",
        ),
        ("0%", rf"(?<![\d.])({NUMBER})\s?%", lambda match: f"{decimal(match[1])} percent"),
        ("0t|0d", rf"\b((?:\d|{GROUP})+)(st|nd|rd|th)\b", lambda match: ordinal(match[1].replace(GROUP, ""))),
        ("0'", r"\b(\d)'\s?(\d\d?)\b", lambda match: f"{cardinal(match[1])} foot {cardinal(match[2])}"),
        (
            "0'",
            r"\b(\d+)'(?=\s(?:ceilings?|ladder|fence|wall|boards?|pole|boat|rope)\b)",
            lambda match: f"{cardinal(match[1])} foot",
        ),
        ("0'", r"\b(\d+)'\s?[-–]\s?(\d+)'", lambda match: f"{cardinal(match[1])} to {cardinal(match[2])} feet"),
        ("0'", r"\b(\d+)'(?=\s(?:tall|long|wide|high|deep|by|x)\b)", lambda match: f"{cardinal(match[1])} feet"),
        ("0'", rf"(?<![\w'.{GROUP}])((?:\d|{GROUP})+)'(?=[\s,.;)]|$)", quantities.feet),
        ("0/", r"\b9/11\b", lambda match: "nine eleven"),
        ("0/", r"(?<![\d/.])(\d)/(\d) time\b", lambda match: f"{cardinal(match[1])} {cardinal(match[2])} time"),
        ("0/", r"(?<![\d/.])(\d+)/\1(?![\d/]|\.\d)", quantities.all_of),
        ("0/|" + parts_needed, rf"\b(\d+) (?=\d+/\d+\b(?!/))|(?<!\d)(\d+)\s?(?=[{marks}])", _whole_before_part),
        ("0/", r"(?<![\d/])(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)(?:th|rd|nd)?s?(?![\d/])", quantities.slash),
        ("0x|0×", r"(?<=\d)(\s*)([x×])(\s*)(?=\d)", _times),
        ("*", r"(?<=[\d ])\*(?=[\d ])", lambda match: " times "),
        ("0-|0−", r"(?<=\d) [-−] (?=\d)", lambda match: " minus "),
        ("0.", r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: " " + " point ".join(map(general, match[1].split(".")))),
        ("0.", r"(?<!\d)\.(\d+)", lambda match: f" point {digits(match[1])}"),
        ("0s", r"(?<=[A-Za-z])(\d+)s\b", lambda match: f" {quantities.plural(general(match[1]))}"),
        (
            "0.",
            rf"(?<![\d{GROUP}])((?:\d+{GROUP})*\d+\.\d+)",
            lambda match: f" {decimal(match[1].replace(GROUP, ''))} ",
        ),
        ("0,|0 ", rf"(?<![\d{GROUP}])((?:\d+{GROUP})+\d+)", lambda match: f" {cardinal(match[1].replace(GROUP, ''))} "),
        ("0", r"(\d+)", quantities.spaced),
        ("F|C", r"\bdegrees? ([FC])\b", lambda match: f"degrees {'fahrenheit' if match[1] == 'F' else 'celsius'}"),
        ("N|S|E|W", r"\b(degrees?|minutes|seconds) ([NSEW])\b(?!\.\w)", lambda match: f"{match[1]} {WINDS[match[2]]}"),
    ]
    return Rules(rows)


def _side(match: re.Match[str]) -> str:
    """One side of something, before another: 12 in. x 18 in."""
    length = match[1].removesuffix("in").rstrip()
    if length == match[1]:
        return f"{length} by "
    return f"{length} {'inch' if re.search(r'(?<![0-9.])1$', before(match) + length) else 'inches'} by "


def _march(match: re.Match[str]) -> str:
    """The month, which the full stop of its short form shows."""
    return f"{match.group().removesuffix('Mar.')}march{_closing(match)}"


def _timber(match: re.Match[str]) -> str:
    """Boards that are called by their sides: 2×4s are two by fours."""
    return f"{cardinal(match[1])} by {quantities.plural(cardinal(match[2]))}"


def _central(match: re.Match[str]) -> str:
    """When something is broadcast, in the east and in the middle of the country: 8:30/7:30c."""
    first, second = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"{first}, {second} central"


def _years_of_century(match: re.Match[str]) -> str:
    """Years of one century, the second with its last two digits: 1804-08."""
    return f"{general(match[1])} to oh {cardinal(match[2])}"


def _minus(match: re.Match[str]) -> str:
    """Behind the letter of a grade or of a blood type: an A-, type O-."""
    return f"{match.group()[:-1]} minus"


def _letters_to(match: re.Match[str]) -> str:
    """A range of letters: A–F, (A)–(D)."""
    return f"{match[1] or ''} to "


def _short_year(match: re.Match[str]) -> str:
    """The apostrophe of a year, Q2'24, and a zero behind it: '08 is oh eight."""
    return f"oh {cardinal(match[1])}" if match[1] else " " if before(match, 1).isdigit() else ""


def _times(match: re.Match[str]) -> str:
    """Between numbers: the sides of something, with a word of length or a thing behind, or a product.

    An x that touches both numbers is of sides, if nothing is calculated; PCIe x16 has as many lanes.
    """
    following = after(match)
    if match[2] == "x" and match[1] and not match[3]:
        return " x "
    is_tight = match.group() == "x" and not re.search(r"[=+*/×÷^]\s?[\d.]*$", before(match))
    if is_tight and not re.match(r"[\d.,]*\s*(?:[=+*/×÷^]|(?:is|equals|gives)\b)", following):
        return " by "
    sides = re.match(
        r"[\d.x× ]+[\s-]?(?:inch|inches|foot|feet|ft|in|cm|mm|m|meters?|yards?|pans?|rooms?|grids?|photos?"
        r"|matri(?:x|ces)|tables?|boards?|kernels?|images?|screens?|displays?|pixels?|resolution|filters?|tiles?|arrays?|cubes?|blocks?"
        r"|box(?:es)?|squares?)\b",
        following,
    )
    is_of_pixels = re.search(r"\d{3}$", before(match, 3)) and re.match(r"\d{3,4}(?!\d|[,.]\d|\s*=)", following)
    return " by " if sides or is_of_pixels else " times "


def _whole_before_part(match: re.Match[str]) -> str:
    """The whole number of a mixed one: 2 1/2, 9¾; not a number before an improper fraction."""
    part = re.match(r"(\d+)/(\d+)", after(match))
    if part and int(part[1]) >= int(part[2]):
        return match.group()
    return f"{cardinal(match[1] or match[2])} and "


def _written_out(match: re.Match[str]) -> str:
    """A short form in full; months in capitals are something else (6.5% APR), and EST is a time."""
    if (
        match[1].isupper()
        and re.match(rf"(?i)(?:{MONTH_NAMES}|est)$", match[1])
        and not re.match(r"\s*\d", after(match))
    ):
        return match.group()
    ends = match[1].lower() == "etc" and re.match(r"\s+[A-Z]", after(match))
    return mapping("en_abbreviations.tsv")[match[1].lower()] + ("." if ends else _closing(match))


def _initials(match: re.Match[str]) -> str:
    letters = match.group().removesuffix("s").replace(".", "").upper()
    begins = re.match(r"\s+([A-Z][a-z]*)\b", after(match))
    ends = letters != "PS" and begins is not None and begins[1].lower() in words("en_function_words.txt")
    return " ".join(letters) + ("'s" if match[1] else "." if ends else _closing(match))


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
