"""Chords, notes, steps of a scale and times: F#m7b5, B♭ major, I–IV–V, 3/4."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal
from dora_primespeech_mlx.text.english.roman import numeral_value
from dora_primespeech_mlx.text.rules import Row, after, before, regex

CHORDS = {
    "maj": "major", "min": "minor", "m": "minor", "dim": "diminished", "aug": "augmented", "sus": "sus", "add": "add",
}  # fmt: skip
SIGNS = {"#": "sharp", "♯": "sharp", "b": "flat", "♭": "flat", "♮": "natural"}
STEP = "(?:IV|I{1,3}|VI{0,3}|iv|i{1,3}|vi{0,3})"

ABOUT_METER = regex(
    r"(?i)\b(?:bpm|beats?|meter|tempo|waltz|measures?|bars?|rhythm|key of|time signature)\b|[♩♪]|\bmm\."
)
"""What shows that two numbers with a slash count beats."""


def time_rules() -> list[Row]:
    """Times of music: 3/4."""
    return [
        (
            "0/",
            r"(?i)\b(time signature (?:is |of |changes to )?)(\d{1,2})/(\d{1,2})\b",
            lambda match: f"{match[1]}{cardinal(match[2])} {cardinal(match[3])}",
        ),
        ("0/", r"(?<![\d/.])(\d)/(\d) time\b", lambda match: f"{cardinal(match[1])} {cardinal(match[2])} time"),
    ]


def music_rules() -> list[Row]:
    """Patterns of music in a text and what is said for their matches, in the order to be tried."""
    return [
        ("0/", r"(?<![\d/.])(\d{1,2})/([248]|16)(?![\d/])", _meter),
        (
            "0",
            r"\b([A-G])([#b♯♭]?)(maj|min|m|dim|aug|sus|add)(2|4|6|7|9|11|13)((?:[#b♯♭](?:5|9|11|13))*)(?![\w#♯♭])",
            _chord,
        ),
        ("#m|♯m|♭m", r"\b([A-G])([#♯♭])(maj|min|m|dim|aug)()()(?![\w#♯♭])", _chord),
        ("m", r"\b([A-G])()(m)()()(?=(?:[–-]|, )[A-G](?:#|m|maj)?7?(?:[–-]|, |[.)]|$))", _chord),
        ("#/|♯/|♭/|/b", r"\b([A-G](?:m|maj)?7?)/(?=[A-G][#b♯♭](?!\w))", r"\1 over "),
        ("b", r"\b([A-G])b\b(?= (?:chord|major|minor|note|scale|clarinet|trumpet|key)\b)", r"\1 flat"),
        ("♯|♭|♮", r"\b([A-G])([♯♭♮])", lambda match: f"{match[1]} {SIGNS[match[2]]} "),
        (
            "I|i",
            rf"(?<![\w–-]){STEP}(?:[–-]{STEP}){{2,}}(?![\w–-])",
            lambda match: " ".join(cardinal(str(numeral_value(step))) for step in re.split("[–-]", match.group())),
        ),
        ("#", r"\b([A-Z])#", lambda match: f"{match[1]} sharp "),
    ]


def _meter(match: re.Match[str]) -> str:
    """The beats of a bar: in 6/8; elsewhere a fraction or a date."""
    is_meter = re.search(r"(?i)\b(?:in|to|from) (?:an? )?$", before(match, 12)) and ABOUT_METER.search(
        before(match) + after(match)
    )
    if not is_meter or after(match, 4) == " of ":
        return match.group()
    return f"{cardinal(match[1])} {cardinal(match[2])}"


def _chord(match: re.Match[str]) -> str:
    """A chord of music: Am7 is A minor seven."""
    root, sign, kind, number, changed = match.groups()
    changes = (f"{SIGNS[sign]} {cardinal(note)}" for sign, note in re.findall(r"([#b♯♭])(\d+)", changed))
    parts = (root, SIGNS.get(sign, ""), CHORDS[kind], number and cardinal(number), *changes)
    return " ".join(filter(None, parts))
