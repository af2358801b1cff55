"""Numbers, money, fractions and arithmetic, from the largest amount to the single digit."""

import re

from dora_primespeech_mlx.text.english import quantities
from dora_primespeech_mlx.text.english.numbers import GROUP, GROUPING, cardinal, decimal, digits, general, ordinal
from dora_primespeech_mlx.text.english.quantities import COMMAS, GROUPED, NUMBER, PARTS, SCALE, WHOLE
from dora_primespeech_mlx.text.rules import Row, after, any_of, before, with_any
from dora_primespeech_mlx.text.tables import currencies

# What stands behind a number of times: 2x faster, 3x the size.
OF_TIMES = (
    "as|the|its|their|your|our|his|her|my|that|this|more|less|fewer|faster|slower|larger|smaller|bigger|higher|lower"
    "|better|worse|cheaper|longer|shorter|to|growth|speedup|improvement|increase|returns?|per|daily|weekly|monthly|yearly|champ(?:ion)?s?|MVP|winner|rent|salary|leverage|zoom|speed"
)


def beside_rules() -> list[Row]:
    """Numbers beside one another: spans of parts, sides of boards and screws, several values of one thing."""
    return [
        (
            "0x",
            r"(?<=[A-Z] = )(\d+(?:\.\d+)?)x(?=[,;.)]|$)|(?<=[A-Z]: )(\d+(?:\.\d+)?)x(?=[,;.)]|$)",
            lambda match: f"{decimal(match[1] or match[2])} times",
        ),
        (
            "0.",
            r"(?<![\d.])(\d+)\.(\d)(st|nd|rd|th)\b",
            lambda match: f"{cardinal(match[1])} point {ordinal(match[2])}",
        ),
        ("0$/", r"(?<![\d/])(\d)/(?=\$\d)", r"\1 for "),
        ("0x|0×", r"(\d\s?[x×]\s?\d+(?:\.\d+)?) in(?=[;,)]|$)", r"\1 inches"),
        (with_any(PARTS), rf"([{PARTS}])\s?[-–]\s?(?!\1)(?=[{PARTS}\d])", r"\1 to "),
        (with_any(PARTS), rf"([{PARTS}])[-–](?=\1)", r"\1, "),
        ("0x|0×", r"(?<![\w.])([1248])[x×](\d\d?)s\b", _timber),
        ("0#x|0#×", r"(#\d{1,2})\s?[x×]\s?(?=\d)", r"\1 by "),
        ("0 .", r"(?<=\d\.\d) (?=\d{1,3}(?:\.\d+)?[BMK]\b)", lambda match: ", "),
        ("0/", r"(?<![\d/])(\d{1,3})/(\d{1,3})/(?=\d{1,3} ?(?:mpg|mph|km|kg|lbs?)\b)", r"\1, \2, "),
        ("0/", r"(?<![\d/])1/4(?=[- ]miles?\b)", lambda match: "quarter"),
    ]


def million_rules() -> list[Row]:
    """Letters behind a number that are millions or billions of something, and a number of times."""
    return [
        (
            "0M",
            rf"\b(about|nearly|killed|roughly|over|than|some|almost) ({COMMAS}(?:[-–]{COMMAS})?)M\b(?![²³/-])",
            r"\1 \2 million",
        ),
        (
            "0M",
            rf"(?<![\w.,$-])({COMMAS})M"
            r"(?= (?:km|mi|miles|kilometers|tons|tonnes|liters|gallons|acres|ha|years|yrs)\b)",
            r"\1 million",
        ),
        ("0x|0×", rf"(?<=\d)[x×](?=/|\s(?:{OF_TIMES})\b)", lambda match: " times"),
        ("0-M|0-B|0–M|0–B", r"(?<![\w.$-])(\d{1,3}(?:\.\d+)?)[-–](?=\d{1,3}(?:\.\d+)?[MB]\b)", r"\1 to "),
        (
            "0M|0B",
            rf"(?<![\w.,$-])({COMMAS})([MB])\b(?=-?(?:\s(?:people|users?|tok(?:en)?s?|param(?:eter)?s|views?|downloads"
            r"|subscribers|followers|rows|records|requests|years|members|customers|viewers|visitors|units|copies|shares|barrels|tons|tonnes|vehicles"
            r"|cars|jobs|homes|households|patients|doses|students|workers|employees|players|streams|installs|books|deaths|cases|infections|casualties"
            r"|refugees|passengers|tourists|adults|voters|children|listeners|accounts|videos|posts|messages|searches|visits|clicks"
            r"|lines|images|samples|documents|nodes)\b|/[a-z]|\+))"
            r"|(?<![\w.,$-])(\d+(?:,\d{3})*\.\d+)([MB])\b(?![-+])",
            lambda match: (
                f"{decimal(match[1] or match[3])} {'million' if (match[2] or match[4]) == 'M' else 'billion'}"
            ),
        ),
    ]


def group_rules() -> list[Row]:
    """What parts thousands, lakhs among them, becomes a GROUP sign."""
    return [
        ("0,", r"(?<![\d,.])\d{1,2}(?:,\d\d)+,\d{3}(?!\d|,\d)", lambda match: match.group().replace(",", "")),
        (
            "0 ",
            r"(?<![\d.,:/-])(?<!\d )(?:\d{1,3}(?: \d{3})* 000(?! ?\d)|\d\d?(?: \d{3}){2,}(?= [a-z]))",
            lambda match: match.group().replace(" ", GROUP),
        ),
        ("0,", r"(?<=\d),(?=\d{3}(?!\d))", lambda match: GROUP),
    ]


def money_rules() -> list[Row]:
    """Money, with its sign before or behind it."""
    money = any_of(currencies())
    needed = with_any((sign[-1] for sign in currencies()), "0")
    return [
        (
            "0-",
            rf"({money})({NUMBER})-(thousand|million|billion|trillion)\b",
            lambda match: f"{decimal(match[2])} {match[3]} {currencies()[match[1]][1]}",
        ),
        ("0-", rf"(?<![\w.])-\s?(?=(?:{money})\d)", lambda match: "minus "),
        (needed, rf"({money})\s?({GROUPED})(?:\s?({SCALE}))?", quantities.money),
        (
            needed,
            rf"(?<![\d{GROUP}.])({GROUPED})\s?({money})(?!\d)",
            lambda match: quantities.amount(match[2], match[1].translate(GROUPING)),
        ),
    ]


def sign_rules() -> list[Row]:
    """A hyphen that is a sign or goes from one number to another."""
    return [
        (
            "0-",
            rf"(?<![\w.])-(?={NUMBER})",
            lambda match: "minus " if re.match(rf"-{NUMBER}\s?°", match.string[match.start() :]) else "negative ",
        ),
        ("0-|0–", r"\b50[-–]50\b", lambda match: "50 50"),
        ("0-|0–", r"(?<=\d)\s?-(?=\d)|(?<=\d)\s?–\s?(?=\d)", lambda match: " to "),
    ]


def part_rules() -> list[Row]:
    """Fractions, ratings and all of so many."""
    return [
        ("0./", r"(?<=\.\d{3})/(?=\.\d{3}\b)", lambda match: ", "),
        ("0/", r"\b9/11\b", lambda match: "nine eleven"),
        ("0/", rf"(?<![\d/.{GROUP}])({WHOLE})/\1(?![\d/{GROUP}]|\.\d)", quantities.all_of),
        (
            "0/|" + with_any(PARTS),
            rf"(?<![\w{GROUP}])({WHOLE}) (?=\d+/\d+\b(?!/))|(?<![\d{GROUP}])({WHOLE})\s?(?=[{PARTS}])",
            _whole_before_part,
        ),
        ("0/", rf"(?<![\d/{GROUP}])({GROUPED})/({GROUPED})(?:th|rd|nd)?s?(?![\d/])", quantities.slash),
    ]


def arithmetic_rules() -> list[Row]:
    """Times and minus between numbers."""
    return [
        ("0x|0×", r"(?<=\d)(\s*)([x×])(\s*)(?=\d)", _times),
        ("*", r"(?<=[\d ])\*(?=[\d ])", lambda match: " times "),
        ("0-|0−", r"(?<=\d) [-−] (?=\d)", lambda match: " minus "),
    ]


def number_rules() -> list[Row]:
    """Numbers that no other rule has read: versions, decimals, whole ones."""
    return [
        ("0.", r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: " " + " point ".join(map(general, match[1].split(".")))),
        ("0.", r"(?<!\d)\.(\d+)", lambda match: f" point {digits(match[1])}"),
        ("0s", r"(?<=[A-Za-z])(\d+)s\b", lambda match: f" {quantities.plural(general(match[1]))}"),
        (
            "0.",
            rf"(?<![\d{GROUP}])((?:\d+{GROUP})*\d+\.\d+)",
            lambda match: f" {decimal(match[1])} ",
        ),
        ("0,|0 ", rf"(?<![\d{GROUP}])((?:\d+{GROUP})+\d+)", lambda match: f" {cardinal(match[1])} "),
        ("0", r"(\d+)", quantities.spaced),
    ]


def _timber(match: re.Match[str]) -> str:
    """Boards that are called by their sides: 2×4s are two by fours."""
    return f"{cardinal(match[1])} by {quantities.plural(cardinal(match[2]))}"


def _whole_before_part(match: re.Match[str]) -> str:
    """The whole number of a mixed one: 2 1/2, 9¾; not a number before an improper fraction."""
    part = re.match(r"(\d+)/(\d+)", after(match))
    if part and int(part[1]) >= int(part[2]):
        return match.group()
    return f"{cardinal(match[1] or match[2])} and "


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
