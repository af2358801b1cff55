"""Numbers with units: of trades, from one to another, for each other, and all others."""

import re

from dora_primespeech_mlx.text.english import quantities
from dora_primespeech_mlx.text.english.numbers import GROUP, cardinal, decimal, ordinal
from dora_primespeech_mlx.text.english.places import WINDS
from dora_primespeech_mlx.text.english.quantities import COMMAS, GROUPED, PARTS, SCALE, WHOLE
from dora_primespeech_mlx.text.rules import Row, any_of, before, with_any
from dora_primespeech_mlx.text.tables import currencies, mapping
from dora_primespeech_mlx.text.units import english_unit, english_units

OF_AGE = {"yr": "year", "mo": "month", "wk": "week"}


def trade_rules() -> list[Row]:
    """Units and words of one trade, with a number before them: a pt of stock, 14K gold, 1013 mb, a 15-speed bike."""
    per = any_of(mapping("en_per.tsv"))
    return [
        ("0/ct", r"(?<![\d/])(\d{1,3})/(\d{1,3}) ct\b\.?", r"\1 to \2 count"),
        ("0/", r"(?<![\d/])20/(\d{2,3})(?= (?:OD|OS|OU|vision)\b)|(?<=[Vv]ision is )20/(\d{2,3})", _acuity),
        ("0", r"(?<=\$\d\d )pp\b|(?<=\$\d )pp\b|(?<=\$\d\d\d )pp\b", lambda match: "per person"),
        (
            "bp|mp",
            r"\b([bm])p (?=(?:[-−]|minus )?\d+(?:\.\d+)? ?°)",
            lambda match: f"{'boiling' if match[1] == 'b' else 'melting'} point ",
        ),
        ("0C/T", r"\b(\d{1,2})C/(\d{1,3})T\b", r"\1 cores, \2 threads"),
        # A recipe.
        (
            "./",
            r"(?<=\d )(fl\. oz|sq\. ft|ft|mi|oz|lbs?|gal|hr|yr|mo|wk|min|sec|in)\.(?=\s?/\s?[a-z])",
            r"\1",
        ),
        ("$/", rf"(?<![\w$])\$\s?/\s?({per})\b", lambda match: f"dollars per {mapping('en_per.tsv')[match[1]]}"),
        ("0/", r"(?<=\d)(\s?(?:lbs?|oz|ft|in|mi|gal))\.?\s?/\s?(?=\d[\d.]*\s?(?:k?g|[ck]?m|mm|L|m[Ll])\b)", r"\1, "),
        ("0p", rf"(?<=\d )pt(s?)\.?(?= (?:of )?(?:{quantities.INGREDIENTS}|beer|stock|broth|blood|ice)\b)", r"pint\1"),
        ("x|×", r"(?<=inches) ?[x×] ?(?=\d)", lambda match: " by "),
        ("0c|½c|¼c|¾c|⅓c|⅔c", r"(?<=\d )c\.(?= [a-z])|(?<=[½¼¾⅓⅔] )c\.(?= [a-z])", quantities.cups),
        ("0T", rf"(?<=\d )T\.?(?= (?:of )?(?:{quantities.INGREDIENTS})\b)", quantities.tablespoons),
        # Days and ages.
        ("0d", r"(?<=\d\d) d(?=[.,;)]|$)", lambda match: " days"),
        ("0y", r"\b(\d{1,3})[ -]?y/?o\b", r"\1 year old"),
        ("0-", r"(?<=\d)-(yr|mo|wk)s?-(?=olds?\b)", lambda match: f"-{OF_AGE[match[1]]}-"),
        # Inches, speeds, players, millibars, karats and carats.
        ("0-", r"(?<=\d)-in\.(?=\s[a-z])", lambda match: "-inch"),
        ("0-s", r"(?<=\d)-spd\b\.?", lambda match: "-speed"),
        ("0-", r"\b1-on-1(s?)\b", r"one on one\1"),
        ("0m", r"(?<![\w.])((?:8[5-9]|9\d|10[0-4])\d(?:\.\d)?) ?mb\b", r"\1 millibars"),
        ("0K|0k", r"\b(\d\d?)[Kk]t?\b(?= (?:gold|white gold|yellow gold|rose gold))", r"\1 karat"),
        ("0c", r"(?<=\d) ?ct\.?(?= (?:diamond|sapphire|ruby|emerald|stone|gem|ring|total))", lambda match: " carat"),
        # Degrees and winds.
        ("°/", r"(?<=\d°)\s?/\s?(?=\d+°)|(?<=\d°[CF])/(?=gas mark\b)", lambda match: ", "),
        ("°/", r"(?<=\d°[FC])\s?/\s?(?=\d)", lambda match: ", "),
        ("°", r"(?<!\d)(?<!\d )°([CF])(?![A-Za-z])", r"degrees \1"),
        ("°", r"°\s?([NSEW])(?!\w|\.\w)", lambda match: f"° {WINDS[match[1]]}"),
    ]


def range_rules() -> list[Row]:
    """Feet with inches, and spans of money, hours, ordinals and measures."""
    money = any_of(currencies())
    unit = english_units()
    return [
        (
            "0n",
            r"(\d\s?ft\.? \d+)\s?in\b\.?|(?<=\d/\d) in(?:\.(?=\s)|(?=\.$))",
            lambda match: (
                f"{(match[1] or '').replace('ft.', 'ft')} inch{'' if re.search(r' 1$', match[1] or '') else 'es'}"
            ),
        ),
        (
            "0-|0–",
            rf"({money})\s?({COMMAS})\s?({SCALE})?\s?[-–]\s?({COMMAS})(?![\d:])(?:\s?({SCALE}))?(?!-)",
            quantities.money_range,
        ),
        (
            "0-|0–",
            rf"(?<=:\d\d)\s?[-–]\s?(?=\d\d?:\d\d)|(?<=[AP] M)\s?[-–]\s?(?=\d)|(?<=\d)\s?[-–]\s?(?=(?:{money})\d)"
            rf"|(?:(?<=\d[kKmMbBT])|(?<=\d[bmt]n))\s?[-–]\s?(?=(?:{money})\d)",
            lambda match: " to ",
        ),
        (
            "0-|0–",
            r"(?i)\b(noon|midnight|dawn|now|today)\s?[-–]\s?(?=\d)|(?<=[\dM])\s?[-–]\s?(?=(?:noon|midnight|present|now|today|date|late|close|closing|dusk|sunset)\b)",
            lambda match: f"{match[1] or ''} to ",
        ),
        ("0-|0–", r"(?<=\d)(st|nd|rd|th)\s?[-–]\s?(?=\d)", lambda match: f"{match[1]} to "),
        ("0-|0–", rf"(?<=\d)(\s?(?:{unit}|%|{SCALE}))\s?[-–]\s?(?=\d)", lambda match: f"{match[1]} to "),
    ]


def rate_rules() -> list[Row]:
    """So much for each: $20/month, 3 times/week, km/h."""
    money = any_of(currencies())
    per = any_of(mapping("en_per.tsv"))
    return [
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
    ]


def side_rules() -> list[Row]:
    """Sides of something, one by another, and a blood pressure."""
    unit = english_units()
    return [
        ("0x|0×", rf"(\d\s?(?:{unit}|in|inch(?:es)?|['’]))\.?\s?[x×]\s?(?=\d)", _side),
        ("0x|0×", rf"(\d)\s?[x×]\s?(?=\d+(?:\.\d+)?[\s-]?(?:{unit})(?![\w²³]))", lambda match: f"{match[1]} by "),
        (
            "0/",
            r"(?<![\d/.])(\d{2,3})/(\d{2,3})\s?mm ?Hg\b",
            lambda match: f"{cardinal(match[1])} over {cardinal(match[2])} millimeters of mercury",
        ),
    ]


def measure_rules() -> list[Row]:
    """Numbers with a unit, and letters behind a number that are one."""
    unit = english_units()
    return [
        # Decades, powers of a thousand, runs.
        ("0s", r"(?<![\d.])(\d{3}0)s\b|'(\d0)s\b|\b(\d0)s\b", quantities.decade),
        (
            "0",
            rf"(?<![\w.])({GROUPED})\s?(bn|mn|tn)\b",
            lambda match: f"{decimal(match[1])} {quantities.AMOUNTS[match[2]]}",
        ),
        ("0s", r"(?i)\b(two|three|four|five|six|seven|eight|nine|ten) (\d{1,2})s\b", r"\1 \2's"),
        (
            "t|m|b",
            rf"\b(thousand|million|billion|trillion) (?=[A-Za-zμ²³/. ]{{2}})({unit})(?![A-Za-z0-9²³/])",
            lambda match: f"{match[1]} {english_unit(match[2], False)}",
        ),
        ("0k|0K", r"(?<![\w.])(5|8|10|15)[kK]\b", quantities.run_of_kilometers),
        ("0k", rf"(?<![\w.])({GROUPED})k\b", lambda match: f"{decimal(match[1])} thousand"),
        (
            "0K",
            rf"(?<![\w.{GROUP}])((?:\d|{GROUP}){{2,}}(?:\.\d+)?)K\b",
            lambda match: f"{decimal(match[1])} thousand",
        ),
        # Units behind parts, hyphens and whole numbers.
        (
            "0/",
            rf"(?<![\w./{GROUP}])(?:({WHOLE})[ -])?(\d+)/(\d+)[\s-]?({unit})(?![A-Za-z0-9²³/])"
            r"(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.part_of_unit,
        ),
        (
            with_any(PARTS),
            rf"(?<![\w{GROUP}])(?:({WHOLE})\s?)?([{PARTS}])[\s-]?({unit})(?![A-Za-z0-9²³/])(?:\.(?=[,;)]|\s+[a-z(]))?",
            quantities.sign_of_unit,
        ),
        (
            "0-",
            rf"(?<![\w./-])({GROUPED})-({unit})(?![\w²³/'’-])(?:\.(?=[,;)]|\s+[a-z(]))?",
            lambda match: f"{decimal(match[1])} {english_unit(match[2], True)}",
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
            rf"(?<![\w./])({GROUPED})\+\s?({unit})(?![A-Za-z0-9²³/])['’]?(?:\.(?=[,;)]|\s+[a-z(]))?",
            lambda match: f"{decimal(match[1])} plus {english_unit(match[2], False)}",
        ),
        (
            "0n",
            rf"(?<![\w./{GROUP}])({GROUPED})(?:in\b|\sin\.(?=\s+[a-z]|[,;)]|$)|\sin(?=\s+(?:equals|approximately)\b))\.?",
            lambda match: f"{decimal(match[1])} {'inch' if match[1] == '1' else 'inches'}",
        ),
        # Percent, ordinals.
        ("0%", rf"(?<![\d.{GROUP}])({GROUPED})\s?%", lambda match: f"{decimal(match[1])} percent"),
        ("0t|0d", rf"\b({WHOLE})(st|nd|rd|th)\b", lambda match: ordinal(match[1])),
    ]


def feet_rules() -> list[Row]:
    """An apostrophe behind a number: minutes of a match, feet and inches."""
    return [
        ("0'", r"\b(\d)'\s?(\d\d?)\b", lambda match: f"{cardinal(match[1])} foot {cardinal(match[2])}"),
        (
            "0'",
            rf"(?<![\w{GROUP}])({WHOLE})'(?=\s(?:ceilings?|ladder|fence|wall|boards?|pole|boat|rope)\b)",
            lambda match: f"{cardinal(match[1])} foot",
        ),
        (
            "0'",
            rf"(?<![\w{GROUP}])({WHOLE})'\s?[-–]\s?({WHOLE})'",
            lambda match: f"{cardinal(match[1])} to {cardinal(match[2])} feet",
        ),
        (
            "0'",
            rf"(?<![\w{GROUP}])({WHOLE})'(?=\s(?:tall|long|wide|high|deep|by|x)\b)",
            lambda match: f"{cardinal(match[1])} feet",
        ),
        ("0'", rf"(?<![\w'.{GROUP}])({WHOLE})'(?=[\s,.;)]|$)", quantities.feet),
    ]


def degree_rules() -> list[Row]:
    """Scales of temperature and winds behind degrees."""
    return [
        ("F|C", r"\bdegrees? ([FC])\b", lambda match: f"degrees {'fahrenheit' if match[1] == 'F' else 'celsius'}"),
        ("N|S|E|W", r"\b(degrees?|minutes|seconds) ([NSEW])\b(?!\.\w)", lambda match: f"{match[1]} {WINDS[match[2]]}"),
    ]


def _side(match: re.Match[str]) -> str:
    """One side of something, before another: 12 in. x 18 in."""
    length = match[1].removesuffix("in").rstrip()
    if length == match[1]:
        is_length = re.search(r"(?:\d|m|ft|mi|yds?|inch(?:es)?|px|['’])$", length)
        return f"{length} by " if is_length else f"{length} times "
    return f"{length} {'inch' if re.search(r'(?<![0-9.])1$', before(match) + length) else 'inches'} by "


def _acuity(match: re.Match[str]) -> str:
    """How well an eye sees: 20/40."""
    return f"twenty {cardinal(match[1] or match[2])}"
