"""What language models dress their answers in, taken off: markdown, code, thinking, tool calls, emoji, speaker tags."""

from __future__ import annotations

import re

BLOCKS = {"<think>": "</think>", "<thinking>": "</thinking>", "<tool_call>": "</tool_call>", "```": "```", "~~~": "~~~"}
LONGEST_MARKUP = 200
TAGS = tuple(opener for opener in BLOCKS if opener.startswith("<"))
FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u200d\u20e3\u2300-\u23ff"
    "\U000e0000-\U000e007f\u3030\u303d\u3297\u3299]"
)
# The beginning of a line that may still become a list, a heading, a rule, a quotation, a speaker tag or a fence.
LINE_OPENING = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]*|(?:>[ \t]?)+|[-*+•][ \t]*(?:\[[ xX]?\]?[ \t]*)?|\[[^\[\]\n]{0,30}(?:\][ \t]*)?"
    r"|~{1,3}|`{1,3}|[-*_ \t:|]*)"
)
LINE_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), said)
    for pattern, said in (
        (r"^[ \t]*(?:[-*_][ \t]?){3,}$", ""),
        (r"^[ \t:|-]*-{3,}[ \t:|-]*$", ""),
        (r"^[ \t]{0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$", r"\1"),
        (r"^[ \t]*(?:>[ \t]?)+", ""),
        (r"^[ \t]*[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?", ""),
        (r"^[ \t]*\[[^\]\n]{1,30}\][ \t]*(?=[^(\s:])", ""),
        (r"^[ \t]*\|(.*)\|[ \t]*$", r"\1"),
        (r"!\[([^\[\]\n]*)\]\([^)\n]*\)", r"\1"),
        (r"\[([^\[\]\n]+)\]\([^)\n]*\)", r"\1"),
        (r"\[\^?\d+\](?!\()", ""),
        (r"(\*{2,3}|_{2,3}|~~)(?=\S)(.{1,400}?)(?<=\S)\1", r"\2"),
        (r"(?<![A-Za-z0-9*])\*(?=[^\s*])([^*\n]{1,400})(?<=\S)\*(?!\*)", r"\1"),
        (r"(?<!\w)_(?=\S)([^_\n]{1,400}?)(?<=\S)_(?!\w)", r"\1"),
        (r"(?<!`)`+([^`\n]{0,400})`+", r"\1"),
        (r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>\n]*)?/?>", ""),
        (r"\*{2,}|~~", ""),
        (r"(?<![ \t])[ \t]*\|[ \t]*", ", "),
    )
)


def strip_markup(text: str) -> str:
    """`text` without markdown, code fences, thinking and tool-call blocks, emoji and "[Name] " speaker tags."""
    stripper = MarkupStripper()
    return stripper.push(text) + stripper.finish()


class MarkupStripper:
    """strip_markup for text in pieces: what is surely plain comes out at once, what may be markup waits."""

    def __init__(self) -> None:
        self._held = ""
        self._closer = ""
        self._line_start = True

    def push(self, text: str) -> str:
        """Take the next piece; the plain text that is now certain."""
        self._held += text
        return self._advance(final=False)

    def finish(self) -> str:
        """The text is complete: the plain text that is left. An unclosed block is dropped."""
        plain = self._advance(final=True)
        self._held, self._closer, self._line_start = "", "", True
        return plain

    def _advance(self, final: bool) -> str:
        out = ""
        while self._held:
            if self._closer:
                if not self._skip_block(final):
                    break
                continue
            start, opener = self._next_opener()
            if opener:
                out += self._plain(self._held[:start])
                self._held, self._closer = self._held[start + len(opener) :], BLOCKS[opener]
                continue
            ready = len(self._held) if final else self._certain()
            if ready:
                out += self._plain(self._held[:ready])
                self._held = self._held[ready:]
            break
        return out

    def _skip_block(self, final: bool) -> bool:
        """Drop held text up to the end of the open block; False when its end has not come."""
        end = self._held.find(self._closer)
        if end < 0:
            self._held = "" if final else self._held[-len(self._closer) :]
            return False
        self._held, self._closer = self._held[end + len(self._closer) :], ""
        return True

    def _next_opener(self) -> tuple[int, str]:
        found = [(self._held.find(opener), opener) for opener in TAGS]
        for fence in FENCE.finditer(self._held):
            if fence.start() or self._line_start:
                found.append((fence.start(1), fence[1]))
                break
        return min(((at, opener) for at, opener in found if at >= 0), default=(-1, ""))

    def _certain(self) -> int:
        """How many held characters no later text can turn into markup."""
        line = self._held.rfind("\n") + 1
        tail = self._held[line:]
        opens_line = LINE_OPENING.fullmatch(tail) or tail.lstrip(" \t").startswith("|")
        if opens_line and (line or self._line_start) and len(tail) < LONGEST_MARKUP:
            return line
        at = max(0, len(tail) - LONGEST_MARKUP)
        while sign := re.compile(r"[<\[`*_~|!]").search(tail, at):
            end = _closed(tail, sign.start())
            if end is None:
                return line + sign.start()
            at = end
        return len(self._held)

    def _plain(self, text: str) -> str:
        if not text:
            return ""
        # The rules that hold at the beginning of a line must not see a line begin in the middle of one.
        guard = "" if self._line_start else "\u0000"
        self._line_start = text.endswith("\n")
        text = guard + text
        for pattern, said in LINE_RULES:
            text = pattern.sub(said, text)
        return EMOJI.sub("", text).replace("\u0000", "")


def _closed(line: str, at: int) -> int | None:
    """Where what begins with the sign at `at` ends, or its sign if it is plain text; None while that is open."""
    rest = line[at:]
    if rest[0] == "<":
        if re.fullmatch(r"</?|</?[A-Za-z][^<>]*", rest):
            return None
        tag = re.match(r"</?[A-Za-z][^<>]*>", rest)
        return at + (tag.end() if tag else 1)
    if rest[0] == "[":
        if re.fullmatch(r"\[[^\[\]]*(?:\](?:\([^)]*)?)?", rest):
            return None
        link = re.match(r"\[[^\[\]]*\](?:\([^)]*\))?", rest)
        return at + (link.end() if link else 1)
    if rest[0] in "!|":
        return at + 1 if len(rest) > 1 else None
    width = len(rest) - len(rest.lstrip(rest[0]))
    if width == len(rest):
        return None
    inside_word = width == 1 and rest[0] in "*_" and re.match(r"[A-Za-z0-9]", line[at - 1 : at])
    if rest[width].isspace() or inside_word:
        return at + width
    end = rest.find(rest[:width], width)
    return None if end < 0 else at + end + width
