"""Roman numerals behind names and before what is counted: Louis XIV, Super Bowl LVIII, the XIX century."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal, ordinal, year
from dora_primespeech_mlx.text.rules import Row, Say
from dora_primespeech_mlx.text.tables import words

NUMERALS = "I|V|X|L|C|D|M|i|v|x"
"""What a text must hold for any of these rules."""
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
# A numeral that is written as one writes it, of any size and up to 39; never empty.
CANONICAL = r"(?=[IVXLCDM]+\b)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"
SMALL = r"(?=[IVX]+\b)X{0,3}(?:IX|IV|V?I{0,3})\b"
# Words of a sentence about a ruler that may follow the numeral I, which is else a pronoun.
AFTER_RULER = r"(?=,| \(|[.!?]\s*$|'s| (?:of|was|is|became|ruled|reigned|died|and|had|in|from|succeeded|to)\b)"
# What is numbered in small letters too: type II diabetes, a phase III trial.
LEVELS = "type|phase|stage|class|grade|level|tier|part|chapter|section|factor|category|schedule|title|mark"
# What is numbered in small letters, of which there are two at least: part ii, (iv).
SMALL_LETTERS = "(?:x{1,2}(?:i{1,3}|iv|ix|vi{0,3})|x{2,3}|ix|iv|i{2,3}|vi{1,3})"
SHORT = {"Vol": "volume", "Ch": "chapter", "Sec": "section", "Art": "article", "Pt": "part"}
PARTS = (
    "[Pp]arts?|[Cc]hapter|[Ss]ection|[Ss]tep|[Pp]hase|[Ss]tage|[Tt]ype|[Ss]cene|[Ii]tem|[Cc]lause|[Pp]oint|[Vv]olume|[Pp]aragraph"
    "|[Qq]uestion|[Pp]roperty|[Cc]ase|[Cc]ondition|[Aa]ppendix|[Pp]ages?|[Ll]evel|[Aa]rticle|[Aa]ct|[Bb]ook"
)
SEVERAL = (
    "amendments|articles|titles|chapters|parts|books|volumes|acts|sections|phases|types|stages|levels|classes|schedules"
    "|factors|appendices"
)
"""What has several numerals behind it: amendments I, V and XIV."""


def roman_rules() -> list[Row]:
    """Patterns of Roman numerals in a text and what is said for their matches, in the order to be tried."""
    numbered = "|".join(sorted(words("en_before_roman.txt")))
    rulers = "|".join(sorted(words("en_rulers.txt")))
    counted = "|".join(sorted(words("en_after_roman.txt")))
    rules: list[tuple[str, Say]] = [
        (
            rf"(?i:\b(?:{SEVERAL})) {SMALL}(?:(?:, (?:and |or )?| and | or | to | through |[-–]){SMALL})+",
            lambda match: re.sub(rf"\b{SMALL}", lambda one: cardinal(str(numeral_value(one.group()))), match.group()),
        ),
        (
            rf"\b(?P<name>(?i:{LEVELS})s?|{numbered}) (?P<first>{SMALL})\s?[-–]\s?(?P<last>{SMALL})",
            lambda match: " ".join(
                [
                    match["name"],
                    *(cardinal(str(numeral_value(match["first"]))), "to", cardinal(str(numeral_value(match["last"])))),
                ]
            ),
        ),
        (rf"\b(?P<numeral>{SMALL})(?=(?:st|nd|rd|th)? (?:{counted})\b)(?:st|nd|rd|th)?", _ordinal),
        (rf"\b(?P<name>{numbered})(?:\.? |-)(?P<numeral>[IVX]\b|(?=\w\w){CANONICAL})(?!\.\w)", _cardinal),
        (rf"\b(?P<name>{LEVELS})[ -](?P<numeral>(?=\w\w){SMALL})", _cardinal),
        (rf"\b(?P<name>{rulers}) the (?P<numeral>{SMALL})", _ruler),
        (rf"\b(?P<name>{rulers}) (?P<numeral>(?=\w\w){SMALL}|[VX]\b(?!\.\s?[A-Z])|I\b{AFTER_RULER})", _ruler),
        (
            r"(?<=[a-z])\((?P<numeral>I{1,3}|IV|VI{0,3})\)",
            lambda match: f" {cardinal(str(numeral_value(match['numeral'])))}",
        ),
        (rf"\b(?P<name>{PARTS}) \(?(?P<numeral>{SMALL_LETTERS})(?![\w'-])\)?", _cardinal),
        (
            rf"\((?P<numeral>{SMALL_LETTERS})\)|\((?P<first>i)\)(?=.{{1,200}}\(ii\))|^(?P<head>{SMALL_LETTERS})(?=[.)]\s)",
            lambda match: f" {cardinal(str(numeral_value(match['numeral'] or match['first'] or match['head'])))}",
        ),
        (rf"(?:^|(?<=[.,:!?] ))(?P<numeral>(?=\w\w){SMALL})(?=\.\s[A-Z])", _of_item),
        (r"^(?P<numeral>I)(?=\.\s[A-Z].{0,200}\btwo\. )", _of_item),
        (rf"\b(?P<name>[A-Z][a-z]+) (?P<numeral>(?=\w\w){SMALL})(?!\.\w)", _cardinal),
        (rf"\b(?P<numeral>(?=M[IVXLCDM]{{3}}){CANONICAL})", lambda match: year(str(numeral_value(match["numeral"])))),
    ]
    return [(NUMERALS, pattern, say) for pattern, say in rules]


def _cardinal(match: re.Match[str]) -> str:
    name = SHORT.get(match["name"], match["name"])
    return f"{name} {cardinal(str(numeral_value(match['numeral'])))}"


def _of_item(match: re.Match[str]) -> str:
    """The numeral of an item of a list: II. Method."""
    return cardinal(str(numeral_value(match["numeral"])))


def _ruler(match: re.Match[str]) -> str:
    return f"{match['name']} the {ordinal(str(numeral_value(match['numeral'])))}"


def _ordinal(match: re.Match[str]) -> str:
    return ordinal(str(numeral_value(match["numeral"])))


def roman_number(numeral: str) -> str:
    """A numeral in small letters, as pages have them: "xii" -> twelve."""
    return cardinal(str(numeral_value(numeral.upper())))


def numeral_value(numeral: str) -> int:
    """The number of a Roman numeral: "XIV" -> 14."""
    values = [VALUES[letter] for letter in numeral.upper()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
