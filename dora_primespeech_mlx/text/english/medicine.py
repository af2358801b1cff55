"""How often and how long something is taken, as prescriptions write it: q8h, BID x 7 days."""

import re

from dora_primespeech_mlx.text.rules import Row

EACH = {"h": "hour", "hr": "hour", "hrs": "hour", "d": "day", "wk": "week", "wks": "week", "min": "minute"}

CHARTED = {"c/o": "complaining of", "s/p": "status post", "h/o": "history of"}


def medicine_rules() -> list[Row]:
    """Patterns of such short forms in a text and what is said for their matches."""
    return [
        ("0q|0Q", r"\b[qQ]\.?\s?(\d{1,2})(?:\s?[-–]\s?(\d{1,2}))?\s?(hrs?|h|d|wks?|min)\b", _every),
        ("0BID", r"(?<=\d)(\s?[A-Za-z]{1,8} )BID\b", r"\1B I D"),
        ("BID", r"(?<=PO )BID\b", lambda match: "B I D"),
        ("/", r"\b([csh])/([opHT])(?= (?:[a-z]|[A-Z]{2,}\b))", _charted),
        ("0xd|0×d", r"(?<=[A-Za-z)]) [x×]\s?(\d+(?:\s?[-–]\s?\d+)?) ?d\b", r" for \1 days"),
        (
            "0x|0×",
            r"(?<=[A-Za-z)]) [x×]\s?(?=\d+(?:\s?[-–]\s?\d+)? ?(?:days?|d|weeks?|wks?|months?|doses?|nights?)\b)",
            lambda match: " for ",
        ),
    ]


def _charted(match: re.Match[str]) -> str:
    """What stands before a complaint or an operation in a chart: c/o SOB, s/p CABG."""
    return CHARTED.get(match.group(), match.group())


def _every(match: re.Match[str]) -> str:
    """Every so many hours."""
    least, most, unit = match.groups()
    said = f"every {least}{f' to {most}' if most else ''} {EACH[unit]}s"
    return f"every {EACH[unit]}" if least == "1" and not most else said
