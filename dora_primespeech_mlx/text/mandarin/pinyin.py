"""Mandarin syllables and the initial and final that the checkpoints know each by."""

from functools import cache

from dora_primespeech_mlx.text.tables import lines

# Interjections that pinyin writes without a vowel, and spellings the syllable table does not hold.
RESPELLED = {
    "ê": "ei",
    "m": "mu",
    "n": "en",
    "ng": "en",
    "hm": "hen",
    "hng": "heng",
    "lue": "lve",
    "nue": "nve",
    "fiao": "fu",
    "biang": "bing",
}


@cache
def syllables() -> dict[str, tuple[str, str]]:
    """Syllable without tone -> (initial, final) in the names of the phone inventory."""
    table: dict[str, tuple[str, str]] = {}
    for line in lines("pinyin.tsv"):
        syllable, initial, final = line.split("\t")
        table[syllable] = (initial, final)
    return table


@cache
def _spellings() -> dict[tuple[str, str], str]:
    return {sound: syllable for syllable, sound in reversed(syllables().items())}


def spelled(initial: str, final: str) -> str:
    """The syllable of an initial and a final with its tone, as pinyin: ("h", "ao3") -> "hao3"."""
    return _spellings()[initial, final[:-1]] + final[-1]


def parse_pinyin(written: str) -> tuple[str, int]:
    """`hao3` -> ("hao", 3); without a digit the tone is 5. ValueError when it is no Mandarin syllable."""
    plain, tone = (written[:-1], int(written[-1])) if written[-1:] in set("12345") else (written, 5)
    plain = plain.replace("ü", "v").replace("u:", "v")
    plain = RESPELLED.get(plain, plain)
    if plain not in syllables():
        raise ValueError(f"{written!r} is no Mandarin syllable in pinyin such as 'hao3' or 'lv4'")
    return plain, tone
