"""What the end of a line means: a pause, or only that the writer's window was narrow."""

import re
import unicodedata

from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import words

NARROW = 12
"""Columns below which a line is no wrapped one."""
HALF = 20
"""Columns from which a word that asks for another goes on with a capital too."""
FULL = 40
"""Columns from which a line may have been wrapped before a small letter."""
WIDE = 60
"""Columns from which it may have been wrapped before any word."""
HAN = regex(r"[\u3400-\u9fff〇]")
JOINING_HAN = frozenset("的地得和与及或是在把被对从向为将让使由以于")
JOINING_WORDS = frozenset(
    ("a", "an", "and", "are", "as", "be", "but", "by", "for", "from", "if", "into", "is", "my", "of", "or", "our",
     "than", "that", "the", "their", "these", "this", "to", "was", "were", "which", "with", "your")
)  # fmt: skip
"""Words that no line of its own ends with."""
ENDS = frozenset(".!?。！？…;；:：")
GOES_ON = frozenset(",，、([（【“‘「『-/&+=—–~")
CLOSERS = frozenset("”’\"'）)】]』」》〉")
LABEL = regex(r"[A-Z\u4e00-\u9fff][\w' -]{0,20}[:：](?!//)")
OPEN_LABEL = regex(r"[A-Z\u4e00-\u9fff][\w' -]{0,20}")
ITEM_MARK = regex(r"[-*+•][ \t]|\d{1,3}[.)、](?!\d)|#{1,6}[ \t]|[>|]|[①-⑳]|[(（]\d{1,3}[)）]")
OPEN_ITEM_MARK = regex(r"[-*+•]|\d{1,3}[.)、]?|#{1,6}|[(（]\d{0,3}")


def width(line: str) -> int:
    """Columns of a line: a Han character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def goes_on(line: str, following: str, final: bool) -> bool | None:
    """Whether a sentence goes on over the end of `line`; None while what follows is too little to tell.

    Args:
        line: the line that ends.
        following: what stands behind its end.
        final: nothing more comes.
    """
    is_broken = line.endswith("  ")  # as Markdown has it
    line = line.rstrip()
    if is_broken or not _may_go_on(line):
        return False
    following = following.lstrip(" \t")
    if not following:
        return False if final else None
    if following[0] == "\n" or not following[0].isprintable() or "\ufdd0" <= following[0] <= "\ufdef":
        return False
    if ITEM_MARK.match(following) or LABEL.match(following):
        return False
    if not final and (OPEN_ITEM_MARK.fullmatch(following) or OPEN_LABEL.fullmatch(following)):
        return None
    return _joins(line, following)


def _may_go_on(line: str) -> bool:
    if not line or line.rstrip("".join(CLOSERS))[-1:] in ENDS:
        return False
    return line[-1] in GOES_ON or width(line) >= NARROW or _last_word(line) in JOINING_WORDS


def _last_word(line: str) -> str:
    word = re.search(r"[A-Za-z']+$", line)
    return word.group().lower() if word else ""


def _joins(line: str, following: str) -> bool:
    last, first, columns = line[-1], following[0], width(line)
    if last in "—–" and (first.isupper() or HAN.match(first)):
        return False
    if last in GOES_ON:
        return True
    is_small = first.islower() and first.isascii()
    word = _last_word(line)
    if word in JOINING_WORDS and is_small:
        return True
    if word in words("en_function_words.txt") and columns >= (NARROW if is_small else HALF):
        return True
    if HAN.match(last) and (HAN.match(first) or first.isalnum()):
        return columns >= FULL + 4 or (last in JOINING_HAN and bool(HAN.match(first)))
    if HAN.match(first):
        return columns >= FULL + 4
    if is_small:
        return columns >= FULL or (line.lstrip()[:1].isupper() and line.strip().count(" ") >= 2)
    return columns >= WIDE and (first.isalnum() or first in "(\"'“‘`$")
