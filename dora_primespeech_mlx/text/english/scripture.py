"""Places in scripture and in plays: John 3:16-18, 1 Cor. 13, III.i.56."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal, ordinal
from dora_primespeech_mlx.text.english.roman import numeral_value
from dora_primespeech_mlx.text.rules import Row
from dora_primespeech_mlx.text.tables import lines, mapping

NUMBERED = "Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John"
"""Books of which there are several."""
PEOPLE = "Dan|Tim|Phil|Sam"
"""Short names of books that are names of people too, where no full stop follows."""
CHAPTERS = "Ps|Rom|Matt|Prov|Isa|Deut|Exod|Ezek"
"""Short names that are nothing else before a number alone."""


def scripture_rules() -> list[Row]:
    """Patterns of places in scripture and what is said for their matches, in the order to be tried."""
    short = "|".join(mapping("en_scripture_short.tsv"))
    several = "|".join(name for name, book in mapping("en_scripture_short.tsv").items() if re.fullmatch(NUMBERED, book))
    books = "|".join(lines("en_scripture.txt"))
    return [
        ("0.", r"(?<![\w.])([IVX]{1,4})\.([ivx]{1,5})\.(\d{1,4})(?:[-–](\d{1,4}))?(?![\w.]\w)", _line_of_play),
        ("0:", rf"\b(?!(?:{PEOPLE}) )({short})\.?(?= \d{{1,3}}:\d)", _in_full),
        ("0", rf"(?<=\b[123] )({several})\.?(?= \d)|\b({CHAPTERS})\.(?= \d{{1,3}}\b)", _in_full),
        ("0", rf"\b([123])(?= (?:{NUMBERED}) \d)", lambda match: ordinal(match[1])),
        (
            "0:",
            rf"\b({books}) (\d{{1,3}}):(\d{{1,3}})(?:[-–](\d{{1,3}}))?(?!\d|:)",
            lambda match: " ".join((match[1], cardinal(match[2]), *_verses(match))),
        ),
    ]


def _line_of_play(match: re.Match[str]) -> str:
    """Act, scene and line of a play: III.i.56."""
    act, scene = (cardinal(str(numeral_value(match[at]))) for at in (1, 2))
    lines_said = f"lines {cardinal(match[3])} to {cardinal(match[4])}" if match[4] else f"line {cardinal(match[3])}"
    return f"act {act}, scene {scene}, {lines_said}"


def _in_full(match: re.Match[str]) -> str:
    return mapping("en_scripture_short.tsv")[match[1] or match[2]]


def _verses(match: re.Match[str]) -> list[str]:
    return [cardinal(match[3])] + (["to", cardinal(match[4])] if match[4] else [])
