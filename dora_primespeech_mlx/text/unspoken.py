"""Texts in languages that are not spoken here, told by their letters: named, where most of a text is in one."""

import logging
import unicodedata
from collections import Counter

logger = logging.getLogger(__name__)

LANGUAGES_BY_SCRIPT = {
    "CYRILLIC": "Russian (or another language in Cyrillic letters)",
    "THAI": "Thai",
    "LAO": "Lao",
    "KHMER": "Khmer",
    "MYANMAR": "Burmese",
    "ARABIC": "Arabic (or another language in Arabic letters)",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi (or another language in Devanagari letters)",
    "BENGALI": "Bengali",
    "GURMUKHI": "Punjabi",
    "GUJARATI": "Gujarati",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "KANNADA": "Kannada",
    "MALAYALAM": "Malayalam",
    "SINHALA": "Sinhala",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
    "ETHIOPIC": "Amharic",
    "TIBETAN": "Tibetan",
    "MONGOLIAN": "Mongolian",
}
"""The first word of a letter's Unicode name -> the language that is most often written with it."""
_VIETNAMESE = frozenset("đơư" + "".join(map(chr, range(0x1EA0, 0x1EFA))))
_VIETNAMESE_SHARE = 0.3
_FEWEST = 2


def check_scripts(text: str) -> None:
    """ValueError that names the language if most of a text is in one that is not spoken here.

    Where it is a word or two of another text they are left out, which is logged.
    """
    if text.isascii():
        return
    text = unicodedata.normalize("NFC", text)
    letters = [c for c in text if c.isalpha()]
    others = Counter(script for script in map(_script, letters) if script in LANGUAGES_BY_SCRIPT)
    if others:
        language = LANGUAGES_BY_SCRIPT[others.most_common(1)[0][0]]
        if 2 * others.total() > len(letters):
            raise ValueError(_unsupported(language, text))
        logger.warning("left out the letters of %s in %r", language, text[:80])
    if _share_of_words(text, _VIETNAMESE) >= _VIETNAMESE_SHARE:
        raise ValueError(_unsupported("Vietnamese", text))


def _script(letter: str) -> str:
    return "" if letter.isascii() else unicodedata.name(letter, "").split(" ")[0]


def _share_of_words(text: str, marks: frozenset[str]) -> float:
    """Share of the words that have a letter among `marks`; 0 if fewer than two have."""
    words = text.casefold().split()
    marked = sum(any(c in marks for c in word) for word in words)
    return marked / len(words) if marked >= _FEWEST else 0.0


def _unsupported(language: str, text: str) -> str:
    spoken = "only Mandarin, English, Japanese, Korean and Cantonese are spoken here"
    return f"there is nothing to say in {text[:40]!r}: {spoken}, and this is {language}"
