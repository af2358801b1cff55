"""How a line begins: as a heading, an item of a list, a quotation, a row, a rule, the fence of code, or plainly."""

import re
from dataclasses import dataclass

from dora_primespeech_mlx.text.inband import CELL, END, ITEM
from dora_primespeech_mlx.text.rules import regex

LONGEST_ROW = 1000
MOST_MARKS = 8
INDENT = regex(r"[ \t]*")
ONLY_RULE = regex(r"[ \t]*(?:(?:-[ \t]?)*|(?:\*[ \t]?)*|(?:_[ \t]?)*|[-:|=+ \t]*|=*)")
RULE = regex(r"[ \t]*(?:(?:-[ \t]?){3,}|(?:\*[ \t]?){3,}|(?:_[ \t]?){3,}|=+|[-:|+ \t]+)[ \t]*(?=\n|$)")
FENCE_INFO = regex(r"[ \t]*[\w+#./{}=:, \"'-]*", re.ASCII)
HEADING = regex(r"(#{1,6})[ \t]+|(#{2,6})(?=[^\s#])")
QUOTE = regex(r">(?![=\d])[ \t]?")
BULLET = regex(r"[-*+–—][ \t]+|[•◦‣▪▫●○■□◆◇▶►▸➤➢·∙⁃➔➜→✓✔✗✘☐☑☒★☆][ \t]*")
CHECKBOX = regex(r"\[[ xX]\][ \t]+")
ALERT = regex(r"\[!([A-Z]{3,12})\][ \t]*")
NUMBERED = regex(
    r"(?:(\*\*|__)?(?P<dotted>\d{1,3})(?:\\?[.．](?:[ \t]+|(?=[\u4e00-\u9fffA-Z\"“*_]))|\\?[)）、][ \t]*)"
    r"|[(（](?P<bracketed>\d{1,3}|[a-zA-Z]|[一二三四五六七八九十]{1,3})[)）][ \t]*|(?P<circled>[①-⒛❶-➓⓵-⓾])[ \t]*"
    r"|(?P<keycap>\d\ufe0f?\u20e3|🔟)[ \t]*|(?P<listed>[一二三四五六七八九十]{1,3})、(?![一二三四五六七八九十])"
    r"|(?P<letter>[a-zA-Z])(?:[)）][ \t]*|\.[ \t]+))(?:(?<=[.．)）、])\1)?"
)
OPEN_NUMBER = regex(
    r"(?:\*\*?|__?)?(?:\d{0,3}(?:[.．、]|\\[.)]?|\ufe0f)?|[(（][\da-zA-Z一二三四五六七八九十]{0,3}|[a-zA-Z][.)）]?)"
    r"|[①-⒛❶-➓⓵-⓾🔟]|[一二三四五六七八九十]{1,3}"
)
CIRCLED = {
    chr(start + at): str(at + 1)
    for start, count in (
        (0x2460, 20),
        (0x2474, 20),
        (0x2488, 20),
        (0x24F5, 10),
        (0x2776, 10),
        (0x2780, 10),
        (0x278A, 10),
    )
    for at in range(count)
}
LABEL = regex(r"\[([^\[\]\n]{1,30})\][ \t]+(?=[^(\s:\[=<>≈≤≥+])")
DEFINITION = regex(
    r"\[\^([^\[\]\n]{1,30})\]:[ \t]*|\[[^\[\]\n]{1,30}\]:[ \t]*<?(?:[a-z]+://|www\.|[/#]|mailto:)[^\n]*(?=\n|$)|:[ \t]+"
)
VALUE = r"[-+−]?(?:\d+(?:\.\d+)?[a-z]?|[A-Za-zΑ-Ωα-ω][\d₀-₉]?['′]?(?:\([a-z\d]\))?)"
ABSOLUTE = regex(rf"\|{VALUE}(?:\s?[-+−*/×÷·]\s?{VALUE}){{0,3}}\|")
"""An absolute value, |x - 3|."""
OPEN_LABEL = regex(r"\[[^\[\]\n]{0,30}(?:\](?:[ \t]*|:[ \t]*\S{0,8}|:[ \t]*<?(?:[a-z]+://|www\.|[/#])[^\n]*))?")


@dataclass(frozen=True)
class Opening:
    """How a line begins.

    Attributes:
        length: characters of it that are not text.
        said: what stands for them.
        kind: "heading", "item", "quote", "row", "rule", "fence" or "plain".
        fence: what closes the code.
    """

    length: int
    said: str
    kind: str
    fence: str = ""


def opening(text: str, final: bool, emoji: re.Pattern[str]) -> Opening | None:
    """How the line at the head of `text` begins; None when what follows decides it."""
    length, said, kind = 0, "", "plain"
    for _ in range(MOST_MARKS):
        indent = INDENT.match(text, length)
        assert indent is not None
        at = indent.end()
        if at == len(text):
            return Opening(at, said, kind) if final else None
        found = _one(text, at, length == 0, final, emoji)
        if found is None:
            return None
        if not found.length and found.kind == "plain":
            return Opening(at if kind != "plain" else length, said, kind)
        length, said = at + found.length, said + found.said
        kind = found.kind
        if kind in {"row", "rule", "fence", "heading", "plain"}:
            return Opening(length, said, kind, found.fence)
    return Opening(length, said, kind)


PLAIN = Opening(0, "", "plain")


def _one(text: str, at: int, is_first: bool, final: bool, emoji: re.Pattern[str]) -> Opening | None:
    """One mark of a line: `> - 1.` has three."""
    character = text[at]
    if character in "-*_=:|+" and (rule := _rule(text, at, final)) is not PLAIN:
        return rule
    if character in "`~" and (fence := _fence(text, at, final)) is not PLAIN:
        return fence
    if character == "|":
        return _row(text, at, final)
    if character == "#":
        return _matched(HEADING, text, at, final, END, "heading", len(text) - at < 8 and not text[at:].strip("#"))
    if character == ">":
        return _matched(QUOTE, text, at, final, "", "quote", at + 1 == len(text))
    if character in "([（" or character == ":":
        bracket = _bracket(text, at, is_first, final)
        if bracket is not PLAIN:
            return bracket
    number = _number(text, at, final)
    if number is not PLAIN:
        return number
    if BULLET.match(text, at) or (character in "-*+–—" and at + 1 == len(text)):
        return _matched(BULLET, text, at, final, ITEM, "item", at + 1 == len(text))
    picture = emoji.match(text, at)
    if picture:
        blank = INDENT.match(text, picture.end())
        assert blank is not None
        if blank.end() == len(text) and not final:
            return None
        return Opening(blank.end() - at, ITEM, "item")
    return PLAIN


def _matched(
    pattern: re.Pattern[str], text: str, at: int, final: bool, said: str, kind: str, is_open: bool
) -> Opening | None:
    if is_open and not final:
        return None
    found = pattern.match(text, at)
    if found and found.end() == len(text) and not final and kind != "quote":
        return None
    return Opening(found.end() - at, said, kind) if found else PLAIN


def _rule(text: str, at: int, final: bool) -> Opening | None:
    """A line that only draws: a rule, the underline of a heading, the second row of a table."""
    found = RULE.match(text, at)
    is_rule = found and re.search(r"--|=|([-*_])[ \t]*\1[ \t]*\1", found.group())
    if found and is_rule and (found.end() < len(text) or final):
        return Opening(found.end() - at, END, "rule")
    only = ONLY_RULE.fullmatch(text, at)
    is_open = only and len(text) - at < LONGEST_ROW and not final
    return None if is_open else PLAIN


def _fence(text: str, at: int, final: bool) -> Opening | None:
    run = re.compile(r"`+|~+").match(text, at)
    assert run is not None
    if run.end() == len(text) and not final:
        return None
    if len(run.group()) < 3:
        return PLAIN
    line = text[run.end() :].partition("\n")
    is_code = FENCE_INFO.fullmatch(line[0]) is not None
    if not line[1] and not final and is_code and len(line[0]) < 80:
        return None
    if not is_code:
        return PLAIN
    return Opening(run.end() - at, END, "fence", run.group())


def _row(text: str, at: int, final: bool) -> Opening | None:
    """A row of a table: its cells come back with borders between them."""
    line, newline, _ = text[at:].partition("\n")
    if not newline and not final:
        return None if len(line) < LONGEST_ROW else PLAIN
    if line.count("|") < 2 and len(line) < LONGEST_ROW and line.strip() != "|":
        return PLAIN
    value = ABSOLUTE.match(line)
    if value and re.match(r"\s?[-+−=<>≤≥≠≈]", line[value.end() :]):
        return PLAIN
    return Opening(0, END, "row")


def cells(line: str) -> str:
    """The cells of a row, with `CELL` between those that are not empty."""
    found = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
    return CELL.join(cell for cell in found if cell)


def _bracket(text: str, at: int, is_first: bool, final: bool) -> Opening | None:
    for pattern, said, kind in ((CHECKBOX, ITEM, "item"), (DEFINITION, ITEM, "plain")):
        found = pattern.match(text, at)
        if found:
            is_whole = found.end() < len(text) or final
            return Opening(found.end() - at, said, kind) if is_whole else None
    alert = ALERT.match(text, at)
    if alert:
        return Opening(alert.end() - at, END + alert[1].capitalize() + END, "plain")
    label = LABEL.match(text, at)
    if label and is_first and not label[1].isdigit():
        return Opening(label.end() - at, ITEM, "plain")
    if text[at] == ":" and at + 1 == len(text) and not final:
        return None
    is_open = text[at] == "[" and OPEN_LABEL.fullmatch(text, at) and len(text) - at < LONGEST_ROW
    return None if is_open and not final else PLAIN


def _number(text: str, at: int, final: bool) -> Opening | None:
    """The number of an item, as `1. `, which both languages read with a pause after it."""
    if not final and (OPEN_NUMBER.fullmatch(text, at)):
        return None
    found = NUMBERED.match(text, at)
    if found is None:
        return PLAIN
    if found.end() == len(text) and not final:
        return None
    named = found.groupdict()
    number = named["dotted"] or named["bracketed"] or named["letter"] or named["listed"]
    if named["circled"]:
        number = CIRCLED[named["circled"]]
    if named["keycap"]:
        number = "10" if named["keycap"] == "🔟" else named["keycap"][0]
    following = text[found.end() : found.end() + 1]
    apart = "、" if not number.isascii() else "， " if following.isdigit() else ". "
    return Opening(found.end() - at, ITEM + number + apart, "item")
