"""Which words in capitals are said as words and which are spelled: VERY, NASA; FBI, US."""

import re
from collections.abc import Collection
from functools import lru_cache

from dora_primespeech_mlx.text.english.phones import is_derived, letters, pronunciation
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import mapping, words

WORD = regex(r"[A-Za-z]+(?:'[A-Za-z]+)*")
# The least share of function words, one in so many, in a text that is shouted as a whole.
SHOUTED_SHARE = 4
# Capitals that stand between initials as often as between words: the US AND UK.
CONNECTIVES = frozenset(("THE", "AND", "OR", "OF", "IN", "FOR", "FROM", "BY"))
# Fewest letters of a word that the dictionary may name without being in the list of short words.
LONG = 4
ONSET = "(?:[BCDFGHJKLMNPRSTVWYZ]|[BCDFGKPST][LR]|[CPSTW]H|QU|S[CKLMNPTW]|TW)"
CODA = "(?:[BCDFGKLMNPRSTXZ]|[CPST]H|L[DFKMPT]|[MN]P|N[CDGKST]|R[DKLMNPST]|[PC]T|S[KPT]|[CS]K|[BDGKLMNPRT]S|SS|LL|FF)"
MIDDLE = "(?:[BCDFGHJKLMNPRSTVWXYZ]|[BCDFGKPST][LR]|[LMNRS][BCDFGKLMNPTVZ]|[CPST]H|NST|SS|LL|TT|PP|CK|CC|QU)"
SAYABLE = regex(rf"{ONSET}[AEIOU](?:{MIDDLE}[AEIOUY])+{CODA}?|{ONSET}[AEIOU]{CODA}")


def speak_capitals(text: str, known: Collection[str] = ()) -> str:
    """Spell the initials of `text` (`GPT` -> `G P T`), write words in capitals small, part words at inner capitals.

    Words that are, in lower case, among `known` stay whole. In a text of capitals alone, with function words among
    them, everything is a word.
    """
    found = re.findall(r"[A-Za-z]{2,}", text)
    plain = sum(word.lower() in words("en_function_words.txt") for word in found)
    if len(found) > 2 and all(word.isupper() for word in found) and SHOUTED_SHARE * plain >= len(found):
        return text.lower()
    text = re.sub(r"\b([A-Z]{2,})s\b", r"\1's", text)
    text = re.sub(r"\b([A-Z])([a-z])([A-Z])\b", _initials_about_a_small_letter, text)
    parts = WORD.split(text)
    spoken = WORD.findall(text)
    is_word = [_is_word(word, known) for word in spoken]
    result = parts[0]
    for at, (word, after) in enumerate(zip(spoken, parts[1:], strict=True)):
        beside = [side for side in (at - 1, at + 1) if 0 <= side < len(spoken) and _touch(parts, at, side)]
        is_emphasis = any(is_word[side] and _is_emphasis(spoken[side]) for side in beside)
        is_shouted = is_emphasis and word.isupper() and word != "I" and word.lower() in words("en_function_words.txt")
        if is_word[at] or is_shouted:
            result += word.lower()
        else:
            result += "'".join(_parted(part) for part in word.split("'"))
        result += after
    return result


def _initials_about_a_small_letter(match: re.Match[str]) -> str:
    """Three letters of which the middle one is small are initials (IoT, QoS, SpO), unless they are a word."""
    if match.group().lower() in mapping("en_words.tsv"):
        return match.group()
    return f"{match[1]} {match[2]} {match[3]}"


def _touch(parts: list[str], at: int, side: int) -> bool:
    """Whether only blanks stand between two neighbouring words."""
    return not parts[max(at, side)].strip()


def _is_emphasis(word: str) -> bool:
    return len(word) > 1 and word.isupper() and word not in words("en_acronyms.txt") and word not in CONNECTIVES


def _is_word(word: str, known: Collection[str]) -> bool:
    """Whether `word` is said as one, whatever stands beside it."""
    small = word.lower()
    if word.islower() or word in words("en_acronyms.txt") or small in mapping("en_words.tsv") or small in known:
        return True
    if re.fullmatch(r"(?:Mc|Mac|Fitz)[A-Z][a-z]+(?:'s)?", word):
        return True
    stem, apostrophe, ending = word.partition("'")
    if apostrophe and word.isupper():
        return pronunciation(small) is not None or (ending == "S" and _is_word(stem, known))
    if apostrophe and stem.isupper() and len(stem) > 1:
        return _is_word(stem, known)
    return word.isupper() and _is_capital_word(word)


@lru_cache(maxsize=5_000)
def _is_capital_word(word: str) -> bool:
    """Whether `word`, in capitals, is a word: in the dictionary and not as initials, or of the shape of a word."""
    small = word.lower()
    if word in words("en_initialisms.txt"):
        return False
    if len(word) < LONG:
        return small in words("en_short_words.txt")
    if word.endswith("S") and _is_spelled(small[:-1]):
        return False
    if pronunciation(small) is not None:
        return not _is_spelled(small)
    return is_derived(small) or SAYABLE.fullmatch(word) is not None


def _is_spelled(word: str) -> bool:
    """Whether the dictionary reads `word` letter by letter."""
    said = pronunciation(word)
    return said is not None and _without_stress(said) == _without_stress(letters(word))


def _without_stress(phones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(phone.rstrip("012") for phone in phones)


def _parted(word: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r" \1", word)
