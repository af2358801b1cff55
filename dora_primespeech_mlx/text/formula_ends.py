r"""Where a formula that stands in a text ends: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{…}…\end{…}`.

A dollar sign is mostly money, so what follows it is followed only as long as it can still be a formula.
"""

import re

from dora_primespeech_mlx.text.rules import regex

NO_FORMULA = -1
LONGEST_INLINE = 300
LONGEST_DISPLAY = 2000
CLOSERS = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
# What a formula is made of, as far as it tells a formula from prose.
PIECE = regex(
    r"(?P<named>\\(?:text\w*|math\w*|operatorname|mbox|begin|end|label|tag)\s*\{[^{}]*\})|(?P<command>\\[A-Za-z]+|\\.)"
    r"|(?P<word>[A-Za-z]{2,})|(?P<blank>[ \t]+)|(?P<end>\n|[。！？；]|[.!?](?=\s+[A-Z\u4e00-\u9fff]))"
    r"|(?P<close>\$+)|(?P<other>.)",
    re.DOTALL,
)
DOLLARS = regex(r"\$+")
BEGIN = regex(r"\\begin\{[a-zA-Z]{1,20}\*?\}")
MONEY = regex(r"\$[0-9][0-9,.]*")


def formula_end(text: str, at: int, final: bool) -> int | None:
    """Where the formula that begins at `at` ends; `NO_FORMULA` when none does, None when what follows decides it.

    Args:
        text: what has come.
        at: the index of a dollar sign or a backslash.
        final: nothing more follows `text`.
    """
    opener = _opener(text, at, final)
    if opener is None:
        return None
    if opener.startswith("\\begin"):
        return _environment_end(text, at, opener, final)
    if opener not in CLOSERS:
        return NO_FORMULA
    end = _scan(text, at, opener, final)
    return NO_FORMULA if end is None and final else end


def _opener(text: str, at: int, final: bool) -> str | None:
    """The sign that opens a formula at `at`, "" for none, None when it is not complete."""
    if text[at] == "\\":
        command = BEGIN.match(text, at)
        if command:
            return command.group()
        rest = text[at : at + 30]
        if not final and (rest == "\\" or re.fullmatch(r"\\b(?:e(?:g(?:i(?:n(?:\{[a-zA-Z*]*)?)?)?)?)?", rest)):
            return None
        return text[at : at + 2] if text[at + 1 : at + 2] in {"(", "["} else ""
    run = DOLLARS.match(text, at)
    if run is None or (at and re.match(r"[A-Za-z0-9$\\]", text[at - 1])):
        return ""
    if run.end() == len(text) and not final:
        return None
    return run.group()


def _environment_end(text: str, at: int, opener: str, final: bool) -> int | None:
    closer = opener.replace("begin", "end", 1)
    end = text.find(closer, at, at + LONGEST_DISPLAY)
    if end >= 0:
        return end + len(closer)
    return NO_FORMULA if final or len(text) - at >= LONGEST_DISPLAY else None


def _scan(text: str, at: int, opener: str, final: bool) -> int | None:
    inline = opener in {"$", "\\("}
    closer, start = CLOSERS[opener], at + len(opener)
    limit = start + (LONGEST_INLINE if inline else LONGEST_DISPLAY)
    if start == len(text):
        return None
    if opener == "$" and text[start].isspace():
        return NO_FORMULA
    is_amount = opener == "$" and text[start] in "0123456789"
    if is_amount and (verdict := _amount(text, at)) is not True:
        return verdict
    words, position = 0, start
    while position < min(len(text), limit):
        piece = PIECE.match(text, position)
        assert piece is not None
        kind, position = piece.lastgroup, piece.end()
        if kind == "command" and piece.group() == closer:
            return position
        if kind == "close" and closer.startswith("$"):
            return _dollars(text, piece, start, opener, final)
        if kind == "close":
            return NO_FORMULA
        if kind == "end" and (inline or piece.group() != "\n" or text[position : position + 1] == "\n"):
            return NO_FORMULA
        if kind == "word":
            words += 1
            stands_off = len(piece.group()) > 3 or text[piece.start() - 1] in " /-"
            if words > 1 or (is_amount and stands_off):
                return NO_FORMULA
        elif kind != "blank":
            words = 0
    return None if position < limit else NO_FORMULA


def _dollars(text: str, piece: re.Match[str], start: int, opener: str, final: bool) -> int | None:
    """What dollar signs inside a formula do: close it, or show that there is none."""
    if piece.end() == len(text) and not final and len(piece.group()) <= len(opener):
        return None
    if piece.group() != opener or not text[start : piece.start()].strip():
        return NO_FORMULA
    if opener == "$" and (text[piece.start() - 1].isspace() or text[piece.end() : piece.end() + 1].isdigit()):
        return NO_FORMULA
    return piece.end()


def _amount(text: str, at: int) -> int | None | bool:
    """Whether a dollar sign before a digit may open a formula: True, `NO_FORMULA`, or None when that is not known."""
    number = MONEY.match(text, at)
    assert number is not None
    end = number.end()
    if end == len(text):
        return None
    if text[end - 1] in ",.":
        following = re.compile(r"[ \t]*(?=\S)").match(text, end)
        if following is None:
            return None if not text[end:].strip(" \t") else NO_FORMULA
        goes_on = text[end - 1] == "," and re.match(r"[\d\\]", text[following.end()])
        return True if goes_on or text[end - 1] == "." and following.end() == end and text[end] in "\\$" else NO_FORMULA
    return NO_FORMULA if re.match(r"[!?;:)\]\"'’”」』…\u3000-\u9fff\uff00-\uffef]", text[end]) else True
