r"""Code that is spelled sign by sign: a sign that is spoken of (`;`, `=>`), and regular expressions (`^\d{3}$`)."""

import re
from functools import cache

from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import lines

COLUMNS = ("zh", "en", "ja", "ko")
NAMED_BY = {"yue": "zh"}
TO = {"zh": "到", "en": "to", "ja": "から", "ko": "에서"}
BARE = regex(r"[!-/:-@\[-_{-~]{1,5}")
PATTERN = regex(
    r"\\[dwsDWS](?![A-Za-z])|^\\[A-Za-z0-9]$|\\b(?=[\w\\(\[])(?!\w:)|\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9])+[^\]\s]*\]|\][*+?{]|\)[*+?](?=$|[$|)?])|\(\?[:=!<P]"
    r"|\.[*+](?=$|[?$\\)|\w])|(?<=[\w\])])\{\d+(?:,\d*)?\}|^\^.+|^[a-z]+\?[a-z]+$|^:[a-z]{1,3}!?$|^[^\s/.]+\$$"
)
"""What a regular expression has, and other code without a blank has not."""
SPAN = regex(r"`([!-_a-~]{1,80})`")
OPEN_SPAN = regex(r"`[!-_a-~]{0,80}")
PART = regex(r"[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z]+|\d+|.")


def is_spelled(code: str) -> bool:
    """Whether `code`, which stands between backticks, is said sign by sign."""
    return bool(BARE.fullmatch(code)) or bool(PATTERN.search(code))


def spelled_end(text: str, at: int) -> int:
    """Where the code ends that begins with a backtick at `at` and is spelled; 0 where none does."""
    span = SPAN.match(text, at)
    return span.end() if span and is_spelled(span[1]) else 0


def speak_code(text: str, language: str) -> str:
    """`text` with the code between backticks that `is_spelled` in words of `language`; other code stays."""
    if "`" not in text:
        return text
    return SPAN.sub(lambda match: _said(match, language), text)


def _said(match: re.Match[str], language: str) -> str:
    if not is_spelled(match[1]):
        return match.group()
    following = match.string[match.end() : match.end() + 1]
    return f" {spelled(match[1], language)}" + " " * (following.isascii() and following.isalnum())


def spelled(code: str, language: str) -> str:
    """The signs of `code` by name, in "zh", "en", "ja", "ko" or "yue"; words and numbers stay as they are."""
    names = _names(NAMED_BY.get(language, language))
    if code in names:
        return names[code]
    said, in_class = [], False
    for part in PART.findall(code):
        if len(part) == 3 and in_class:
            said += [part[0].upper(), TO[NAMED_BY.get(language, language)], part[2].upper()]
        elif part.isalnum():
            said.append(part)
        else:
            said += [names.get(sign, sign) for sign in part]
            in_class = part == "[" or (in_class and part != "]")
    return " ".join(said)


@cache
def _names(language: str) -> dict[str, str]:
    column = COLUMNS.index(language) + 1
    return {row[0]: row[column] for row in (line.split("\t") for line in lines("code_signs.tsv"))}
