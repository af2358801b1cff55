"""Mandarin characters whose reading the words around them decide: 为, 长, 重, 得 and 地."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dora_primespeech_mlx.text.tables import words

Tagged = tuple[str, str]
Reading = tuple[str, int]
# As far as one looks for what a 为 is about, in words.
LONGEST_CLAUSE = 50


def early_readings(tagged: Sequence[Tagged]) -> dict[int, Reading]:
    """Position -> (syllable, tone) of the characters of a sentence that are read before tones change."""
    return _positions(tagged, {"为": _wei, "长": _chang, "重": _chong})


def final_readings(tagged: Sequence[Tagged]) -> dict[int, Reading]:
    """Position -> (syllable, tone) of the characters that no tone change touches: 得 as must, 地 behind an adverb."""
    found: dict[int, Reading] = {}
    end = 0
    for index, (text, _) in enumerate(tagged):
        end += len(text)
        if text in words("must_words.txt") and _is_must(tagged, index):
            found[end - 1] = ("dei", 3)
        elif text.endswith("地") and _is_adverbial(tagged, index):
            found[end - 1] = ("de", 5)
    return found


def _positions(
    tagged: Sequence[Tagged], deciders: dict[str, Callable[[Sequence[Tagged], int], Reading]]
) -> dict[int, Reading]:
    found: dict[int, Reading] = {}
    start = 0
    for index, (text, _) in enumerate(tagged):
        if decide := deciders.get(text):
            found[start] = decide(tagged, index)
        start += len(text)
    return found


def _tag(tagged: Sequence[Tagged], index: int) -> str:
    """First letter of a tag; "x", that of marks, beyond the ends."""
    return tagged[index][1][:1] if 0 <= index < len(tagged) else "x"


def _wei(tagged: Sequence[Tagged], index: int) -> Reading:
    """为 is wèi (for) before who or what is acted for, wéi (be) between two nouns and before a number."""
    following = [text for text, _ in tagged[index + 1 : index + 1 + LONGEST_CLAUSE]]
    is_for = (
        _tag(tagged, index + 1) in {"r", "v"}
        or "而" in following
        or any(text in words("wei_verbs.txt") for text in following)
        or (
            _tag(tagged, index - 1) in "rdcx"
            and _tag(tagged, index + 1) == "n"
            and "v" in map(_first, tagged[index + 2 : index + 2 + LONGEST_CLAUSE])
        )
    )
    return ("wei", 4 if is_for and _tag(tagged, index + 1) != "m" else 2)


def _first(pair: Tagged) -> str:
    return pair[1][:1]


def _chang(tagged: Sequence[Tagged], index: int) -> Reading:
    """长 alone is zhǎng (grow, head of) before what says how it grows or behind an office, else cháng (long)."""
    following = tagged[index + 1][0] if index + 1 < len(tagged) else ""
    is_head = _tag(tagged, index - 1) == "n" and (_tag(tagged, index + 1) == "x" or tagged[index + 1][1] == "nr")
    return ("zhang", 3) if is_head or following[:1] in set("得出成满着了大高胖起在") else ("chang", 2)


def _chong(tagged: Sequence[Tagged], index: int) -> Reading:
    """重 alone is chóng (again) before a verb, else zhòng (heavy)."""
    return ("chong", 2) if _tag(tagged, index + 1) == "v" else ("zhong", 4)


def _is_must(tagged: Sequence[Tagged], index: int) -> bool:
    """Whether 得 means must (děi): not behind a verb or adjective, and before a verb."""
    after = tagged[index + 1][0] if index + 1 < len(tagged) else ""
    if after in words("degree_adverbs.txt") or _tag(tagged, index - 1) not in "rntdfscx":
        return False
    return _tag(tagged, index + 1) in "vpd" or (_tag(tagged, index + 1) == "a" and _tag(tagged, index - 1) in "dr")


def _is_adverbial(tagged: Sequence[Tagged], index: int) -> bool:
    """Whether 地 at the end of a word makes an adverb (de), and is not the ground."""
    text, tag = tagged[index]
    if len(text) > 2:
        return text[0] == text[1] or tag in {"d", "z"}
    return len(text) == 1 and _tag(tagged, index - 1) in "advzilbom" and _tag(tagged, index + 1) in "vpdar"
