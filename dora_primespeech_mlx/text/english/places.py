"""Streets, roads and directions in addresses: 350 5th Ave NW, I-95 S."""

import re

from dora_primespeech_mlx.text.english.identifiers import in_hundreds
from dora_primespeech_mlx.text.english.numbers import digits
from dora_primespeech_mlx.text.rules import Row

STREETS = {
    "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "St": "street", "Ln": "lane", "Dr": "drive", "Ct": "court",
    "Pl": "place", "Sq": "square", "Pkwy": "parkway", "Hwy": "highway", "Ter": "terrace", "Cir": "circle",
}  # fmt: skip
WINDS = {"N": "north", "S": "south", "E": "east", "W": "west"}
QUARTERS = {"NW": "northwest", "NE": "northeast", "SW": "southwest", "SE": "southeast"}
STATES = {
    "Ala": "Alabama", "Ariz": "Arizona", "Ark": "Arkansas", "Calif": "California", "Colo": "Colorado",
    "Conn": "Connecticut", "Del": "Delaware", "Fla": "Florida", "Ga": "Georgia", "Ill": "Illinois", "Ind": "Indiana",
    "Kan": "Kansas", "Ky": "Kentucky", "La": "Louisiana", "Mass": "Massachusetts", "Md": "Maryland",
    "Mich": "Michigan", "Minn": "Minnesota", "Miss": "Mississippi", "Mo": "Missouri", "Mont": "Montana",
    "Neb": "Nebraska", "Nev": "Nevada", "Okla": "Oklahoma", "Ore": "Oregon", "Pa": "Pennsylvania",
    "Tenn": "Tennessee", "Tex": "Texas", "Va": "Virginia", "Vt": "Vermont", "Wash": "Washington", "Wis": "Wisconsin",
    "Wyo": "Wyoming",
}  # fmt: skip
"""States of the USA as news write them, behind a town or a party."""
DIRECTIONS = WINDS | QUARTERS
QUARTER = "|".join(QUARTERS)
STREET = "|".join(STREETS)
DIRECTION = "|".join(sorted(DIRECTIONS, key=len, reverse=True))
ROADS = r"I-|US-|US |SR-|Route |Rte\.? |Hwy\.? |Highway |Interstate "


def address_rules() -> list[Row]:
    """Patterns of such places in a text and what is said for their matches, in the order to be tried."""
    name = rf"(?:(?:{DIRECTION})\.? )?(?:[A-Z][a-z]+|\d+(?:st|nd|rd|th))(?: [A-Z][a-z]+){{0,2}}"
    return [
        ("0S", r"(?<=\d)(st|nd|rd|th) St\b(?!\.)", r"\1 street"),
        (
            "0",
            rf"\b(\d+[A-Z]? {name} )({STREET})(\.?)(?: ({DIRECTION})\b\.?)?"
            r"(?=[,;)]|$|\s+(?:[#A-Z0-9]|in\b|on\b|at\b|and\b|is\b|near\b)|\.(?:\s|$))",
            _street,
        ),
        ("0I|0US|0R|0H|0S", rf"\b({ROADS})(\d{{1,4}})([A-Z]?)(?: ({DIRECTION})\b(?!\.\w))?", _road),
        (
            "NW|NE|SW|SE",
            rf"(?i:\b(?:heads?|heading|go|going|turn|drive|walk|fly|facing|winds?|due|to the|from the)) (?:{QUARTER})\b"
            rf"|\bthe (?:{QUARTER})(?= (?:corner|side|coast|quadrant|part|end|wing|entrance|wind|region)\b)"
            rf"|\b(?:{QUARTER})(?= of [A-Z])",
            _direction,
        ),
        ("0Fl|0fl", r"(?<=\d)(st|nd|rd|th) [Ff]l\.?(?=[\s,;)]|$)", r"\1 floor"),
        (
            ".",
            rf"(?:(?<=\b[DRI]-)|(?<=[a-z], ))({'|'.join(STATES)})\.(?=[\s,;)]|$)",
            lambda match: STATES[match[1]] + ("" if match.string[match.end() :].strip() else "."),
        ),
        ("0,", r"(?<=, )(\d{5})(?= [A-Z][a-zà-ÿ]+(?:[,.;)\n]|$))", lambda match: digits(match[1])),
    ]


def _street(match: re.Match[str]) -> str:
    """The kind of a street and its direction in full; a full stop that ends the text stays."""
    head, street, stop, direction = match.groups()
    head = re.sub(rf"(?<=\d )({DIRECTION})\.? ", lambda found: f"{DIRECTIONS[found[1]]} ", head)
    ends = stop and not direction and not match.string[match.end() :].strip()
    return f"{head}{STREETS[street]}{f' {DIRECTIONS[direction]}' if direction else ''}{'.' if ends else ''}"


def _road(match: re.Match[str]) -> str:
    """A road with a number, whose hundreds are said apart: I-405 N is I four oh five north."""
    road, number, letter, direction = match.groups()
    said = in_hundreds(number) if len(number) == 3 else number
    road = re.sub(r"Rte\.?", "route", re.sub(r"Hwy\.?", "highway", road)).replace("-", " ")
    return f"{road}{said}{letter}{f' {DIRECTIONS[direction]}' if direction else ''}"


def _direction(match: re.Match[str]) -> str:
    """One of the four directions between the winds, in full."""
    return re.sub(QUARTER, lambda quarter: QUARTERS[quarter.group()], match.group())
