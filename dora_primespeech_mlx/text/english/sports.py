"""Sport in short: the minutes of goals, passes and shots that came off, and how long a run took."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal
from dora_primespeech_mlx.text.rules import Row, after, before, regex

MINUTE = r"\d{1,3}(?:\+\d{1,2})?['’′]"
MINUTES = rf"{MINUTE}(?:, {MINUTE})*"
ABOUT_GOALS = regex(
    r"(?i)\b(?:goals?|scored?|scorers?|penalty|minutes?|FC|City|United|draw|substitut\w+|booked|nil)\b|\d\s?[-–]\s?\d"
)
RECORD = regex(r"\(\d{1,3}[-–]\d{1,3}\)|\b\d{2,3}[-–]\d{2,3} \(\.\d{3}\)")
"""Games that a team has won and lost, in a table of teams."""
TIMED = r"(?:mile|(?:1?5|10)K|half|marathon|lap|split|swim|row|[124]00)"

STATISTICS = {
    "PTS": "point", "REB": "rebound", "AST": "assist", "STL": "steal", "BLK": "block", "YDS": "yard",
    "INT": "interception", "TO": "turnover", "REC": "reception",
}  # fmt: skip


def sports_rules() -> list[Row]:
    """Patterns of sport in a text and what is said for their matches, in the order to be tried."""
    return [
        ("0'|0’|0′", rf"(?<=[a-zà-ÿ] )\(({MINUTES})\)", _goals),
        ("0'|0’|0′", rf"(?<=[a-zà-ÿ] )({MINUTES})(?=[\s,;.)]|$)", _goals_behind_name),
        (
            "0/",
            r"(?<![\d/])(\d{1,2})/(\d\d)(?= (?:for \d|pass(?:es|ing)\b|from (?:the|three|deep)\b|FG\b|3P))",
            r"\1 of \2",
        ),
        (
            "0",
            r"(?<=\d )(PTS|REB|AST|STL|BLK|YDS|INTs?|TOs?|RECs?)\b(?=[\s,;.)/]|$)",
            _statistic,
        ),
        (
            "0GB",
            r"(?<=\d )GB (?:of|behind|back of)(?= (?!RAM\b|V?RAM|L?P?DDR|GDDR|HBM|SSD|HDD|NVMe)[A-Z])",
            lambda match: "games behind" if RECORD.search(before(match)) else match.group(),
        ),
        ("0:", rf"(?<=\b[Aa] )(\d{{1,2}}):([0-5]\d)(?::([0-5]\d))?(?= {TIMED}\b)", _time_of_run),
    ]


def _statistic(match: re.Match[str]) -> str:
    """What a player has so many of: 32 PTS, 1 INT."""
    one = STATISTICS[match[1].removesuffix("s")]
    return one if re.search(r"(?<![\d.])1 $", before(match, 4)) else f"{one}s"


def _goals(match: re.Match[str]) -> str:
    """The minutes of a match in which goals were scored: (23', 90+3')."""
    minutes = re.findall(r"(\d+)(?:\+(\d+))?", match[1])
    return ", ".join(f"minute {cardinal(at)}{f' plus {cardinal(more)}' if more else ''}" for at, more in minutes)


def _goals_behind_name(match: re.Match[str]) -> str:
    """The same without brackets of their own, behind who scored: Haaland 23', 45+2'; elsewhere they are feet."""
    name = re.search(r"[A-Z][\w'’-]+ $", before(match, 40))
    return _goals(match) if name and ABOUT_GOALS.search(before(match) + after(match)) else match.group()


def _time_of_run(match: re.Match[str]) -> str:
    """How long a run took: a 4:32 mile, a 1:12:30 half."""
    first, second, third = match.groups()
    if third:
        hours = f"{cardinal(first)} hour{'' if first == '1' else 's'}"
        return f"{hours}, {cardinal(second)} minutes and {cardinal(third)} seconds"
    return f"{cardinal(first)} {'oh ' if second[0] == '0' else ''}{cardinal(second)}"
