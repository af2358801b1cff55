"""Pinyin with tone marks within a text, which Mandarin says: 谢谢 (xièxie), "nǐ hǎo" means hello."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from dora_primespeech_mlx.text.english.phones import pronunciation
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.pinyin import syllables
from dora_primespeech_mlx.text.notation import FULL_TONES, Note
from dora_primespeech_mlx.text.rules import regex

MARKED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
CARON = regex("[ǎěǐǒǔǖǘǚǜ]", re.IGNORECASE)
"""Vowels with marks that few other languages have."""
MACRON = regex("[āēīōū]", re.IGNORECASE)
LETTER = f"A-Za-zü{MARKED}Ü{MARKED.upper()}"
WORDS = regex(rf"(?<![{LETTER}\d])[{LETTER}]+(?:[ '’-][{LETTER}]+)*(?![{LETTER}\d])")
CHINESE = regex(rf"[{HAN}]|\b(?i:chinese|mandarin|pinyin|tones?)\b")
ABOUT = regex(
    r"(?i)\b(?:pinyin|pronounced|pronunciation|reads?|tones?)\b[^.!?]{0,24}$|拼音[^。！？]{0,6}$|读[作音]?[^。！？]{0,4}$"
)
LONGEST = 6
"""Letters of a syllable at most."""


def pinyin_notes(text: str) -> list[Note]:
    """A note for each stretch of marked pinyin in `text`.

    Other languages have such vowels too: they count where a caron shows that they are pinyin, or where a text about
    Chinese has a macron, or a mark within brackets behind Han characters, or behind a word about pronunciation.
    """
    if not re.search(f"[{MARKED}]", text, re.IGNORECASE) or not unicodedata.is_normalized("NFC", text):
        return []
    notes = [
        Note(found.start() + start, found.start() + end, "pinyin", " ".join(f"{name}{tone}" for name, tone in said))
        for found in WORDS.finditer(text)
        for start, end, said in _stretches(found.group())
    ]
    return notes if any(_is_evident(text, note) for note in notes) else []


def _is_evident(text: str, note: Note) -> bool:
    """Whether a note is surely about pinyin, and so are all of its text."""
    if CARON.search(text, note.start, note.end):
        return True
    if MACRON.search(text, note.start, note.end) and CHINESE.search(text):
        return True
    left, written = text[: note.start], text[note.start : note.end]
    touches = re.search(rf"[{HAN}]$", left) or re.match(rf"[{HAN}]", text[note.end :])
    if re.search(rf"[{HAN}]\s?[(（]$", left) or (touches and not _is_english(written)):
        return True
    return ABOUT.search(left) is not None


def _stretches(words: str) -> Iterator[tuple[int, int, list[tuple[str, int]]]]:
    """Words of pinyin in a row: where they begin and end, and their syllables."""
    start, end, said = 0, 0, list[tuple[str, int]]()
    for word in re.finditer(r"[^ ]+", words):
        syllables_of_word = _word(word.group())
        if syllables_of_word:
            start = start if said else word.start()
            end, said = word.end(), said + syllables_of_word
        elif said:
            yield start, end, said
            said = []
    if said:
        yield start, end, said


def _word(word: str) -> list[tuple[str, int]]:
    """The syllables of a word, at least half of them with a mark; empty where it is none."""
    said: list[tuple[str, int]] = []
    for part in re.split("['’-]", word.lower()):
        found = _syllables(part)
        if not found:
            return []
        said += found
    marks = sum(tone != 5 for _, tone in said)
    is_loan = len(said) > 1 and not MACRON.search(word) and not CARON.search(word) and _is_english(word)
    return said if marks and 2 * marks >= len(said) and not is_loan else []


def _is_english(word: str) -> bool:
    """Whether the dictionary of English has a word without its marks: résumé."""
    return pronunciation(unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode().lower()) is not None


@lru_cache(maxsize=500)
def _syllables(letters: str) -> tuple[tuple[str, int], ...]:
    """`letters` as syllables with their tones, the longest first; empty where they are none."""
    for length in range(min(LONGEST, len(letters)), 0, -1):
        syllable = _syllable(letters[:length])
        if syllable and length == len(letters):
            return (syllable,)
        if syllable and (rest := _syllables(letters[length:])):
            return (syllable, *rest)
    return ()


def _syllable(letters: str) -> tuple[str, int] | None:
    """A syllable and its tone, which is 5 without a mark."""
    apart = unicodedata.normalize("NFD", letters)
    marks = [mark for mark in apart if mark in FULL_TONES]
    bare = unicodedata.normalize("NFC", "".join(mark for mark in apart if mark not in FULL_TONES)).replace("ü", "v")
    if len(marks) > 1 or bare not in syllables():
        return None
    return bare, FULL_TONES.index(marks[0]) + 1 if marks else 5
