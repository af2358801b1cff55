"""Square brackets: links, citations, references, and readings that a writer gives. Functions as those of `inline`."""

import logging
from typing import Literal

from dora_primespeech_mlx.text import notation
from dora_primespeech_mlx.text.inband import CLOSE, OPEN
from dora_primespeech_mlx.text.inline import Step, is_letter
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.speech_tags import Requests
from dora_primespeech_mlx.text.tags import NOT, target_end

logger = logging.getLogger(__name__)

LONGEST = 60
"""Characters between brackets that what follows them is waited for."""
ENDS_WAITING = regex(r"[，。！？；：,;!?\n]|\.\s")
SOURCE = r"\^?(?!0)\d{1,3}"
NAMED_SOURCE = r"(?:citation|ref|source|cite)[:_ ]?"
CITATION = regex(
    rf"\[{SOURCE}(?:[ ]?[,，、–-][ ]?{SOURCE})*\]|\[{NAMED_SOURCE}\d+\]|\[\^[^\[\]\s]{{1,30}}\]|\[\[\^?\d{{1,3}}\]\]"
)
OPEN_CITATION = regex(rf"\[[\^\d,，、– -]*|\[{NAMED_SOURCE}\d*|\[\^[^\[\]\s]{{0,30}}|\[\[\^?\d{{0,3}}\]?")
PAGE = regex(r"\[\[([^\[\]|\n]{1,40})(?:\|([^\[\]|\n]{1,40}))?\]\]")
OPEN_PAGE = regex(r"\[\[[^\[\]，。！？；,;!?\n]{0,80}\]?")
BEFORE_VALUES = regex(
    r"(?:=|\[|\],|[\"'”]:|\w\(|(?i:\b(?:list|array|vector|tuple|range|interval))|数组|列表|区间|向量|元组)[ ]?$"
)
CHARGED = regex("[⁺⁻⁰¹²³⁴-⁹]$|[+-]$")
"""What is concentrated, within brackets, and no link: [H⁺][OH⁻]."""
CONTENT = regex(r"\[([^\[\]\n]*)(\]?)")
REFERENCE = regex(r"\[([^\[\]\n]{0,40})(\]?)")
INNER = regex(r"\(([^()\n]{0,120})(\)?)")


def bracket(held: str, past: str, final: bool, requests: Requests) -> Step:
    """What an opening bracket behind `past` begins; a reading that it gives is added to `requests`."""
    citation = CITATION.match(held)
    if citation and not BEFORE_VALUES.search(past):
        given = _reading(held, held[1 : citation.end() - 1], citation.end(), final, requests)
        if given is not False:
            return given
        parts_words = is_letter(past[-1]) and is_letter(held[citation.end() : citation.end() + 1])
        return _with_target(held, citation.end(), " " * parts_words, final)
    page = PAGE.match(held)
    if page:
        return page.end(), page[2] or page[1]
    if held.startswith("[!["):  # a picture that is a link
        return 1, ""
    if (held == "[!" or OPEN_CITATION.fullmatch(held) or OPEN_PAGE.fullmatch(held)) and not final:
        return None
    found = CONTENT.match(held)
    assert found is not None
    content, end = found[1], found.end()
    if len(content) > LONGEST or ENDS_WAITING.search(content):
        return 1, "["
    if end == len(held):
        return (1, "[") if final else None
    if not found[2]:
        return 1, "["
    if held[end] == "(":
        return _link(held, content, end, final, requests)
    if held[end] == "[" and not is_letter(past[-1]) and not CHARGED.search(content):
        reference = REFERENCE.match(held, end)
        assert reference is not None
        if not reference[2] and reference.end() == len(held) and not final:
            return None
        if reference[2]:
            return reference.end(), content
    return 1, "["


def _reading(held: str, word: str, end: int, final: bool, requests: Requests) -> Step | Literal[False]:
    """The word with the reading that stands behind it at `end`, False when none does."""
    inner = INNER.match(held, end)
    if inner is None or not notation.TARGET.fullmatch(inner[1].rstrip() or "a"):
        return False
    if not inner[2]:
        return None if inner.end() == len(held) and not final else False
    try:
        asked = notation.inline(word, inner[1])
    except ValueError as error:
        logger.warning("%r is read as it is written: %s", held[: inner.end()], error)
        return inner.end(), word
    if asked is None:
        return False
    requests.append(asked)
    return inner.end(), OPEN + word + CLOSE


def _link(held: str, content: str, end: int, final: bool, requests: Requests) -> Step:
    given = _reading(held, content, end, final, requests)
    if given is not False:
        return given
    target = target_end(held, end)
    if target is None and not final:
        return None
    # The end of the link is found again at its "]": what it says may hold other markup.
    return 1, "[" if target is None or target == NOT else ""


def bracket_end(held: str, before: str, final: bool) -> Step:
    """A closing bracket: the target of a link behind it is silent."""
    return _with_target(held, 1, "]", final)


def _with_target(held: str, end: int, said: str, final: bool) -> Step:
    """A link's target at `end`, if there is one, is left out; else `said` stands for what is before it."""
    if end == len(held):
        return (end, said) if final else None
    if held[end] != "(":
        return end, said
    target = target_end(held, end)
    if target is None and not final:
        return None
    return (end, said) if target is None or target == NOT else (target, "")
