"""Signs within a line, one function for each: how many characters of what is held are decided, and what they give.

A function takes what is held, which begins with its sign, the character that came out last, and whether nothing more
comes. It gives None while what follows decides.
"""

import html

from dora_primespeech_mlx.text.formula_ends import NO_FORMULA, formula_end
from dora_primespeech_mlx.text.inband import ITEM, without_signs
from dora_primespeech_mlx.text.rules import regex

Step = tuple[int, str] | None

ESCAPED = frozenset("!\"#$%&'*+-.<=>?@\\^_`~[]()")
HAN = regex(r"[\u3400-\u9fff]")
ENTITY = regex(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
OPEN_ENTITY = regex(r"&(?:#[0-9A-Fa-fxX]{0,7}|[A-Za-z][A-Za-z0-9]{0,7})?")
WRITTEN_TAG = regex(r"&lt;/?([A-Za-z][\w-]{0,30}) ?/?&gt;")
OPEN_WRITTEN_TAG = regex(r"&lt;(?:/|/?[A-Za-z][\w-]{0,30} ?/?(?:&(?:g(?:t)?)?)?)?")
BARE_CITATION = regex(r"【\d{1,3}(?:\s?[-–,，、]\s?\d{1,3})*】")
AFTER_STATEMENT = frozenset("%％‰）)”》」』℃")
"""Signs directly behind which a number in corner brackets is a citation, as behind a word."""
ENDS = frozenset("。！？.!?")
CORNER_CITATION = regex(r"【\d{1,3}(?::\d{1,3})?†[^【】\n]{0,60}】")
OPEN_BARE = regex(r"【(?:\d{1,3}(?:\s?[-–,，、]\s?)?)*")
OPEN_CORNER = regex(r"【(?:\d{0,3}(?::\d{0,3})?|\d{1,3}(?::\d{1,3})?†[^【】\n]{0,60})")


def is_letter(character: str) -> bool:
    """Whether `character` is an ASCII letter or digit."""
    return bool(character) and character.isascii() and character.isalnum()


def run_of(held: str) -> int:
    """How often the first sign of `held` stands at its head."""
    return len(held) - len(held.lstrip(held[0]))


def backslash(held: str, before: str, final: bool) -> Step:
    """A formula, or a sign that is meant as itself."""
    end = formula_end(held, 0, final)
    if end != NO_FORMULA:
        return None if end is None else (end, held[:end])
    if held[1:2] == "\n":
        return 1, ITEM
    return (2, held[1]) if held[1:2] in ESCAPED else (1, "\\")


def dollar(held: str, before: str, final: bool) -> Step:
    """A formula, or money; the letter before it may tell."""
    end = formula_end(before + held, 1, final)
    if end is None:
        return None
    end = run_of(held) if end == NO_FORMULA else end - 1
    return end, held[:end]


def tildes(held: str, before: str, final: bool) -> Step:
    """One tilde is text; several strike out, or draw out the word before them."""
    width = run_of(held)
    if width == len(held) and not final:
        return None
    return width, "~" if width == 1 or HAN.match(before) or before in "！。？~～" else ""


def bang(held: str, before: str, final: bool) -> Step:
    """The mark of an exclamation, or the head of a picture."""
    may_be_picture = before.isspace() or before in "([（>" or HAN.match(before)
    if may_be_picture and len(held) == 1 and not final:
        return None
    return 1, "" if may_be_picture and held[1:2] == "[" else "!"


def cell(held: str, before: str, final: bool) -> Step:
    """The border of two cells: a comma, which must not join their numbers."""
    following = held[1:2]
    if before in "，。！？；：,.;:!?、":
        return 1, " "
    if before.isdigit() and following.isdigit():
        return 1, "， "
    return 1, "，" if HAN.match(before) else ", "


def entity(held: str, before: str, final: bool) -> Step:
    """A sign by its name in HTML; a tag that is written so is its name."""
    tag = WRITTEN_TAG.match(held)
    if tag:
        return tag.end(), tag[1]
    if OPEN_WRITTEN_TAG.fullmatch(held) and not final:
        return None
    named = ENTITY.match(held)
    if named:
        return named.end(), without_signs(html.unescape(named.group()).replace("\xa0", " "))
    return None if OPEN_ENTITY.fullmatch(held) and not final else (1, "&")


def written_entity(held: str, final: bool) -> Step:
    """The name of a sign of HTML that is written about, in code."""
    named = ENTITY.match(held)
    if named:
        return named.end(), named.group()[1:-1]
    return None if OPEN_ENTITY.fullmatch(held) and not final else (1, "&")


def corner(held: str, before: str, final: bool) -> Step:
    """A citation in corner brackets, which is silent, or the bracket."""
    citation = CORNER_CITATION.match(held)
    if citation:
        return citation.end(), " " if is_letter(before) else ""
    bare = BARE_CITATION.match(held)
    if bare and (before.isalnum() or before in AFTER_STATEMENT):
        following = held[bare.end() : bare.end() + 1]
        if not following and not final:
            return None
        return bare.end(), " " if is_letter(before) and is_letter(following) else ""
    if bare and before in ENDS:
        following = held[bare.end() : bare.end() + 1]
        if not following and not final:
            return None
        if following in {"", "\n", "【"}:
            return bare.end(), ""
    if OPEN_BARE.fullmatch(held) and not final:
        return None
    return None if OPEN_CORNER.fullmatch(held) and not final else (1, "【")
