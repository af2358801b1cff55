"""Mandarin characters of several readings that the characters around them decide, by the table reading_rules.tsv."""

from functools import cache

from dora_primespeech_mlx.text.contexts import ANYTHING, Rule, read_rules
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin

SHORTHANDS = {
    "<N>": "[零〇一二三四五六七八九十百千万亿两几数多]",
    "<E>": "(?:[,.!?…-]|$)",
    "<P>": "[我你您他她它咱]",
}
# Stands for Latin letters that are said right before a clause.
LATIN = "A"
# Characters whose rules win over the phrases of the dictionaries; the rules of all others are for loose characters.
ABOVE_PHRASES = frozenset("行了得还落一西意道")


@cache
def _rules() -> dict[str, tuple[Rule, ...]]:
    return read_rules("reading_rules.tsv", SHORTHANDS)


def context_readings(clause: str, follows_latin: bool = False) -> dict[int, tuple[str, int]]:
    """Position -> (syllable, tone) of the characters of `clause` that a rule decides.

    `follows_latin`: Latin letters are said right before the clause.
    """
    rules = _rules()
    if follows_latin:
        clause = LATIN + clause
    found: dict[int, tuple[str, int]] = {}
    for at, character in enumerate(clause):
        fitting = (rule for rule in rules.get(character, ()) if rule.fits(clause, at, at + 1))
        rule = next(fitting, None)
        if rule is not None and rule.reading != ANYTHING:
            found[at - follows_latin] = parse_pinyin(rule.reading)
    return found
