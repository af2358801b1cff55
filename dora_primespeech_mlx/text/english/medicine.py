"""What prescriptions and genes are written in: q8h, BID x 7 days, 5'-ACGT-3'."""

import re

from dora_primespeech_mlx.text.rules import Row

EACH = {"h": "hour", "hr": "hour", "hrs": "hour", "d": "day", "wk": "week", "wks": "week", "min": "minute"}

CHARTED = {"c/o": "complaining of", "s/p": "status post", "h/o": "history of"}


def strand_rules() -> list[Row]:
    """Ends of a strand of DNA: 5'-ACGT-3', the 3' end."""
    return [
        (
            "0'",
            r"\b([35])['’](?:-| to )(?:to-)?([35])['’]"
            r"|\b([35])['’](?= (?:end|UTR|cap|untranslated|direction|splice)\b)",
            lambda match: " prime to ".join(filter(None, match.groups())) + " prime",
        ),
        ("'", r"\b([35])'-(?=[ACGTUN]{3,}\b)", r"\1 prime "),
        ("'", r"(?<=[ACGTUN]{3})-([35])'(?!\d)", r" \1 prime"),
    ]


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
