"""What language models dress their answers in, taken off: markdown, code, thinking, tool calls, emoji, speaker tags.

Each sign is judged by what stands before it and by as little as possible of what follows, in the same way whether the
text comes whole or in pieces. Pauses and what a writer says about the reading stay, as signs of `inband`.
"""

import logging
import re
from collections import deque

from dora_primespeech_mlx.text import inline, links
from dora_primespeech_mlx.text.inband import CELL, END, ITEM, without_signs
from dora_primespeech_mlx.text.inline import HAN, Step, is_letter, run_of
from dora_primespeech_mlx.text.openings import ABSOLUTE, cells, opening
from dora_primespeech_mlx.text.places import Places
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.speech_tags import Requests, SpeechTags
from dora_primespeech_mlx.text.spelled_code import OPEN_SPAN, spelled_end
from dora_primespeech_mlx.text.tags import (
    NAME,
    NOT,
    address_end,
    attributes,
    is_silent,
    is_thing,
    placeholder,
    tag_end,
    tag_kind,
)
from dora_primespeech_mlx.text.tokens import LONGEST, Token
from dora_primespeech_mlx.text.tokens import token as model_token

logger = logging.getLogger(__name__)

EMOJI = regex(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2600-\u2608\u260a-\u2668\u266a-\u266c\u2670-\u2775\u2794-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u200d\u20e3"
    "\u2300-\u2307\u230c-\u23ff\U000e0000-\U000e007f\u3030\u303d\u3297\u3299]"
)
JOINERS = regex("[\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]")
ARROWS = regex("[\u2794\u2798-\u27af\u27b1-\u27be\u2b95\u2b08\u2b0a]")
PICTURES = regex(rf"(?:{EMOJI.pattern})+")
SPECIAL = regex(
    rf"[\n\r\\`*_~<\[\]!|&$#【◁✿\ue200\u200b-\u200d\u2060-\u2064{CELL}]|" + EMOJI.pattern
)  # fmt: skip
WRITTEN_TAG = regex(
    r"</?([A-Za-z][\w:-]*(?:\s+[A-Za-z_:@][\w:.-]*(?:=(?:\"[^\"<>]{0,60}\"|'[^'<>]{0,60}'|[^\s\"'<>]{1,60}))?){0,8})\s*/?>"
)
"""A tag of HTML that is written about."""
LONGEST_WORD = 16
PIPED = regex(r"\| (?:grep|awk|sed|sort|uniq|wc|head|tail|less|xargs|jq|tee|cut|tr|bash|sh)\b")
OPEN_PIPED = regex(r"\| ?[a-z]{0,5}")
"""What one command hands on to the next."""
RAISED = regex(r"<sup>\s*([-−+]?\d{1,3})\s*</sup>")
OPEN_RAISED = regex(r"<sup>\s*[-−+]?\d{0,3}\s*(?:<(?:/(?:s(?:u(?:p)?)?)?)?)?")
POWER_BASE = regex(r"(?:^|[^A-Za-z])(?:[A-Za-z]{1,2}|[\d)]+)$")
"""What a raised number is the power of; behind a longer word it is the number of a note, which is silent."""
WHO_LOVES = regex(r"(?:^|[^A-Za-z])(?:I|[Ww]e|[Yy]ou|[Tt]hey) $")
OPEN_SET = regex(r"\{\s?[A-Za-z](?:\s?∈\s?\S)?\s?$")
RANK = regex(r"(?:^|[^A-Za-z0-9])(?:(?:10|[2-9AKQJT])[♠♥♦♣])*(?:10|[2-9AKQJT])$")
"""The rank of a playing card, before its suit."""
RANK_BEHIND = regex(r"\ufe0f?(?:10|[2-9AKQJ])(?=[♠♥♦♣\s，。、,.+]|$)")
OPEN_STATE = regex(r"⟨[^⟨⟩|]{0,24}$")
KET = regex(r"\|[^|⟨⟩\s]{1,12}⟩")
OPEN_KET = regex(r"\|[A-Za-z0-9Α-Ωα-ω₀-₉+\-−↑↓]{0,12}")
"""A state of physics, |ψ⟩."""
OPEN_PROBABILITY = regex(r"(?<![A-Za-z])P ?\([^()|]*$")
OPEN_ABSOLUTE = regex(
    r"\|(?:[-+−]?(?:[A-Za-zΑ-Ωα-ω](?![A-Za-z])[\d₀-₉]?['′]?(?:\((?:[a-z\d]\)?)?)?|[\d.]+[a-z]?)?\d?\s?[-+−*/×÷·]?\s?)*"
)
"""The beginning of an absolute value."""
VOLUME = regex(r"[,.;] \d{1,4}$")
"""The volume of a journal, which is set apart from its number: *15*(2)."""
BEGINS = regex(r"(?:\n|[.!?。！？…]\s?)$")
"""What stands before a new sentence."""
PROSE = regex(r"[A-Za-z,]\s$|[\u4e00-\u9fff，、]\s?$")
"""What stands before a word of the sentence."""
KEYS = {"⌘": "Command", "⌥": "Option", "⌃": "Control", "⏎": "Enter", "⌫": "Delete", "⎋": "Escape"}
GO_ON_AFTER_BOLD = frozenset("是有的和在会能可不都也为与或等了被把由对从将让使用于及中上下就还只要得地着过则以即指并且")
"""Han characters with which a sentence goes on behind a bold word, which is then no label."""
YES, NO = "✓✔✅☑", "✗✘❌❎✖"


def strip_markup(text: str) -> str:
    """`text` without markdown, code fences, thinking and tool-call blocks, emoji and "[Name] " speaker tags."""
    stripper = MarkupStripper()
    return stripper.push(text) + stripper.finish()


class MarkupStripper:
    """strip_markup for text in pieces: what is surely plain comes out at once, what may be markup waits."""

    def __init__(self, requests: Requests | None = None) -> None:
        """With `requests` the signs of `inband` stay in the text, and what they ask for goes there."""
        self._requests: Requests = deque() if requests is None else requests
        self._keeps_signs = requests is not None
        self._reset()

    def push(self, text: str) -> str:
        """Take the next piece; the plain text that is now certain."""
        plain = without_signs(text)
        self._held += plain
        self._pushed += len(plain)
        return self._advance(final=False)

    def finish(self) -> str:
        """The text is complete: the plain text that is left. An unclosed block is dropped."""
        plain = self._advance(final=True)
        self._reset()
        return plain

    @property
    def places(self) -> Places:
        """Where the plain text of this text stands in it, without the signs; another one after `finish`."""
        return self._places

    def _reset(self) -> None:
        self._held = ""
        self._pushed = 0  # characters of the text so far
        self._places = Places()
        self._closer: re.Pattern[str] | None = None  # what ends the block that is being skipped
        self._after = ""  # what stands for it
        self._line_start = True
        self._kind = "plain"  # of this line
        self._last_kind = "plain"  # of the line before
        self._past = "\n"  # the last characters that came out
        self._code = 0  # how many backticks opened the code that is open in this line
        self._bold = False  # whether the line began with a bold label that is open
        self._star = False
        self._begins = False  # whether what the open star marks begins a sentence
        self._in_chinese = False
        self._speech = SpeechTags(self._requests)

    def _advance(self, final: bool) -> str:
        out: list[str] = []
        while self._held:
            decide = self._skip if self._closer else self._line_opening if self._line_start else self._inline
            step = decide(final)
            if step is None:
                break
            length, said = step
            taken, self._held = self._held[:length], self._held[length:]
            if said:
                out.append(said)
                self._note(said, taken)
        plain = "".join(out)
        return plain if self._keeps_signs else without_signs(plain.replace(CELL, ", "))

    @property
    def _before(self) -> str:
        return self._past[-1]

    def _note(self, said: str, taken: str) -> None:
        """Remember what came out, as far as later signs are judged by it, and where it stood in what was taken."""
        plain = without_signs(said)
        if plain:
            within = taken.find(plain)
            origin = self._pushed - len(self._held) - len(taken) + max(0, within)
            self._places.add(len(plain), origin, len(plain) if within >= 0 else min(1, len(taken)))
            self._past = (self._past + plain)[-LONGEST_WORD:]
            self._in_chinese = self._in_chinese or HAN.search(plain) is not None

    def _silence(self, closer: str | re.Pattern[str], after: str = END, flags: int = 0) -> None:
        """Say nothing up to `closer`, and `after` in its place."""
        self._closer, self._after = re.compile(closer, flags) if isinstance(closer, str) else closer, after

    def _skip(self, final: bool) -> Step:
        """Drop held text up to the end of the open block."""
        assert self._closer is not None
        found = self._closer.search(self._held)
        if found and (found.end() < len(self._held) or final or not self._closer.pattern.startswith("^")):
            self._closer = None
            return found.end(), self._after
        if final:
            return len(self._held), ""
        # What closes a fence is known by the line that it begins.
        is_fence = self._closer.pattern.startswith("^")
        self._held = self._held[max(0, self._held.rfind("\n")) if is_fence else -LONGEST :]
        return None

    def _line_opening(self, final: bool) -> Step:
        token = model_token(self._held, final)
        if token is None or token.length:
            return self._passed(token) if token else None
        found = opening(self._held, final, PICTURES)
        if found is None:
            return None
        self._line_start = False
        self._kind, said = found.kind, found.said
        if "quote" in {found.kind, self._last_kind} and found.kind != self._last_kind:
            said = END + said
        if found.fence:
            sign, width = re.escape(found.fence[0]), len(found.fence)
            self._silence(rf"^[ \t>]*{sign}{{{width},}}(?![\w{sign}])", flags=re.MULTILINE)
            newline = self._held.find("\n", found.length)
            return (newline if newline >= 0 else len(self._held)), said
        if found.kind == "row":
            end = self._held.find("\n", found.length)
            end = len(self._held) if end < 0 else end
            self._held = cells(self._held[found.length : end]) + self._held[end:]
            return 0, said
        rest = self._held[found.length :]
        self._bold = rest.startswith(("**", "__"))
        return found.length, said

    def _inline(self, final: bool) -> Step:
        """How many characters are decided, and what they give; None when what follows decides."""
        special = SPECIAL.search(self._held)
        if special is None:
            return len(self._held), self._held
        if special.start():
            return special.start(), self._held[: special.start()]
        sign = special.group()
        token = model_token(self._held, final)
        if token is None or token.length:
            return self._passed(token) if token else None
        if sign == "\n":
            return self._newline()
        if sign == CELL:
            self._code = 0
        if self._code and sign == "&":
            return inline.written_entity(self._held, final)
        if self._code and sign not in "`<":
            return 1, sign
        if sign == "[":
            return links.bracket(self._held, self._past, final, self._requests)
        if sign in INLINE:
            return INLINE[sign](self._held, self._before, final)
        return OWN_HANDLERS[sign](self, final) if sign in OWN_HANDLERS else self._picture(sign)

    def _newline(self) -> tuple[int, str]:
        said = END + "\n" if self._kind in {"heading", "row"} else "\n"
        self._line_start, self._code, self._bold, self._star = True, 0, False, False
        self._last_kind, self._kind = self._kind, "plain"
        return 1, said

    def _passed(self, token: Token) -> tuple[int, str]:
        """Leave out a token of the model, and what it opens."""
        if token.closer:
            self._silence(token.closer, END if token.parts else "")
        return token.length, ""

    def _following(self, length: int) -> str:
        return self._held[length : length + 1]

    def _backtick(self, final: bool) -> Step:
        width = run_of(self._held)
        if width == len(self._held) and not final:
            return None
        if width >= 3 and not self._code:
            info = re.match(r"[\w+#.-]*[ \t]*", self._held[width:])
            assert info is not None
            end = width + info.end()
            if end == len(self._held) and not final:
                return None
            if self._following(end) == "\n":
                self._silence(rf"^[ \t>]*`{{{width},}}(?![\w`])|(?<=\S)`{{3,}}", flags=re.MULTILINE)
                return end, END
        if width == 1 and not self._code and is_letter(self._before) and is_letter(self._following(1)):
            return 1, "`"
        if width == 1 and not self._code:
            if end := spelled_end(self._held, 0):
                return end, self._held[:end]
            if OPEN_SPAN.fullmatch(self._held) and not final:
                return None
        self._code = 0 if self._code == width else self._code or width
        return width, ""

    def _stars(self, final: bool) -> Step:
        width = run_of(self._held)
        following = self._following(width)
        if not following and not final:
            return None
        before = self._before
        is_base = re.match(r"[0-9)]", before) or (before.isalpha() and POWER_BASE.search(self._past))
        if width == 2 and is_base and re.match(r"[0-9(-]", following) and not self._bold:
            return 2, "^"
        if width == 2 and before == following == " " and not self._bold and POWER_BASE.search(self._past[:-1]):
            exponent = self._following(3)
            if exponent.isdigit() or not (exponent or final):
                return (2, "^") if exponent else None
        if width > 1:
            return self._label(width, final)
        factor = r"[\w(\[]" if self._star else r"[\w(\[.-]"
        if following == "=" and not self._star and re.match(r"[\w)\] ]", before):
            return 1, "*"
        if following.isdigit() and re.search(r"(?i)\b(?:dial|press|enter) $", self._past):
            return 1, "star "
        if following == "." and re.match(r"[\s(/'\"]", before):
            kind = self._following(2)
            if not kind and not final:
                return None
            if is_letter(kind):
                return 1, "*"
        is_volume = self._star and following == "(" and VOLUME.search(self._past)
        is_product = not is_volume and re.match(r"[\w)\]]", before, re.ASCII) and re.match(factor, following, re.ASCII)
        is_named_product = "=" in self._past and HAN.match(before) and HAN.match(following) and not self._star
        stands_alone = before.isspace() and (not following or following.isspace())
        may_be_product = stands_alone or (before.isdigit() and following.isspace())
        if is_product or is_named_product or (may_be_product and not self._star):
            return 1, "*"
        said = ""
        if self._star and self._begins and following == " ":
            if len(self._held) < 3 and not final:
                return None
            # What someone does while speaking: *sighs* Okay.
            goes_on_anew = self._held[2:3].isupper() or HAN.match(self._held[2:3])
            said = ITEM if goes_on_anew else ""
        self._star = not self._star
        self._begins = self._star and BEGINS.search(self._past) is not None
        return 1, said

    def _label(self, width: int, final: bool) -> Step:
        """Bold signs go; behind a bold label that text follows there is a pause, and a bold line is a heading."""
        if not self._bold or self._before.isspace():
            return width, ""
        rest = self._held[width:]
        if not rest.strip(" \t") and not final:
            return None
        self._bold = False
        following = rest.lstrip(" \t")[:1]
        if following == "\n" and self._kind == "plain":
            self._kind = "heading"
        is_new = following.isupper() or (
            HAN.match(following) and HAN.match(self._before) and following not in GO_ON_AFTER_BOLD
        )
        return width, ITEM if rest[:1] in {" ", "\t"} and is_new else ""

    def _underscores(self, final: bool) -> Step:
        width = run_of(self._held)
        following = self._following(width)
        if not following and not final:
            return None
        inside = re.match(r"\w", self._before) and re.match(r"\w", following)
        stands_alone = width == 1 and self._before.isspace() and (not following or following.isspace())
        if inside or stands_alone:
            return width, self._held[:width]
        return self._label(width, final) if width == 2 else (width, "")

    def _bar(self, final: bool) -> Step:
        width = run_of(self._held)
        if width == len(self._held) and not final:
            return None
        if self._past.endswith(("ln", "log")):
            if value := ABSOLUTE.match(self._held):
                return value.end(), value.group()
            if OPEN_ABSOLUTE.fullmatch(self._held) and len(self._held) < LONGEST_WORD and not final:
                return None
        if width == 1 and is_letter(self._before) and is_letter(self._following(1)):
            return 1, "|"
        if width == 1 and (OPEN_SET.search(self._past) or OPEN_STATE.search(self._past)):
            return 1, "|"
        if self._kind != "row" and width == 1 and (state := KET.match(self._held)):
            return state.end(), state.group()
        if self._kind != "row" and width == 1 and OPEN_KET.fullmatch(self._held) and not final:
            return None
        if self._kind != "row" and width == 1 and self._before.isspace():
            if piped := PIPED.match(self._held):
                return piped.end(), piped.group()
            if OPEN_PIPED.fullmatch(self._held) and not final:
                return None
        is_operator = width == 2 and self._before.isspace() and self._following(2).isspace()
        if self._kind != "row" and (is_operator or (width == 1 and OPEN_PROBABILITY.search(self._past))):
            return width, self._held[:width]
        if self._kind != "row" and not is_letter(self._before):
            absolute = ABSOLUTE.match(self._held)
            if absolute:
                return absolute.end(), absolute.group()
            if OPEN_ABSOLUTE.fullmatch(self._held) and len(self._held) < LONGEST_WORD and not final:
                return None
        return width, CELL if not self._keeps_signs else ITEM + " "

    def _hash(self, final: bool) -> Step:
        width = run_of(self._held)
        if self._kind != "heading" or not self._before.isspace():
            return width, self._held[:width]
        rest = self._held[width:]
        if not rest.strip(" \t") and not final:
            return None
        return (width, "") if not rest.strip(" \t") or rest.lstrip(" \t")[0] == "\n" else (width, self._held[:width])

    def _angle(self, final: bool) -> Step:
        held = self._held
        if len(held) == 1:
            return (1, "<") if final else None
        for opener, closer in (("<!--", "-->"), ("<?", r"\?>"), ("<![CDATA[", r"\]\]>")):
            if held.startswith(opener):
                self._silence(closer, "")
                return len(opener), ""
            if opener.startswith(held) and not final:
                return None
        doctype = re.match(r"<![A-Za-z][^<>]{0,200}>", held)
        if doctype:
            return doctype.end(), ""
        if re.fullmatch(r"<![A-Za-z][^<>]{0,200}", held) and not final:
            return None
        if self._code:
            return self._tag_in_code(final)
        if held[1] == "/" or (held[1].isalpha() and held[1].isascii()):
            return self._tag(final)
        return self._stand_in(final)

    def _tag_in_code(self, final: bool) -> Step:
        """A tag that is written about; but a block that is silent is so behind a stray backtick too."""
        held, end = self._held, tag_end(self._held)
        if (end is None or end == len(held)) and not final:
            return None
        named = WRITTEN_TAG.match(held)
        if end is None or (end == NOT and not named):
            return self._stand_in(final)
        name = NAME.match(held, 1)
        if name and end != NOT and is_silent(name.group(), held[:end]) and held[end : end + 1] != "`":
            return self._tag(final)
        return (named.end(), " " * is_letter(self._before) + named[1]) if named else (1, "<")

    def _tag(self, final: bool) -> Step:
        held = self._held
        address = address_end(held)
        if address is None and not final:
            return None
        if address not in {None, NOT}:
            return address or 1, re.sub(r"^(?:mailto|tel):", "", held[1 : (address or 1) - 1])
        if raised := RAISED.match(held):
            return raised.end(), "^" + raised[1] if POWER_BASE.search(self._past) else ""
        if OPEN_RAISED.fullmatch(held) and not final:
            return None
        end = tag_end(held)
        if end is None and not final:
            return None
        if end is None or end == NOT:
            return self._stand_in(final)
        tag = held[:end]
        name_match = NAME.match(tag, 2 if tag.startswith("</") else 1)
        name = name_match.group().lower() if name_match else ""
        if tag.startswith("</"):
            return end, self._closing_tag(name)
        if is_thing(name, tag) and PROSE.search(self._past):
            if not self._following(end) and not final:
                return None
            if re.match(r"[\s,.;:!?)，。；：！？、）]|$", self._following(end)):
                return self._stand_in(final)
        if is_silent(name, tag):
            self._silence(rf"</{re.escape(name)}\s*>", flags=re.IGNORECASE)
            return end, ""
        if tag_kind(name) == "named":
            return self._stand_in(final)
        return end, self._opening_tag(name, tag)

    def _stand_in(self, final: bool) -> Step:
        found = placeholder(self._held, self._before, final)
        if found is None:
            return None
        return (1, "<") if found[0] == NOT else found

    def _opening_tag(self, name: str, tag: str) -> str:
        given = attributes(tag)
        if name == "sub" and "alias" in given:
            if not tag.endswith("/>"):
                self._silence(r"</sub\s*>", "", re.IGNORECASE)
            return without_signs(given["alias"])
        try:
            said = self._speech.opened(name, given, tag.endswith("/>"))
        except ValueError as error:
            logger.warning("the tag %s is left out: %s", tag, error)
            return ""
        return _around(name) if said is None else said

    def _closing_tag(self, name: str) -> str:
        said = self._speech.closed(name)
        return _around(name) if said is None else said

    def _suit(self, final: bool) -> Step:
        """The suit of a playing card, behind its rank or before it: A♠, ♠A; else a picture."""
        if RANK.search(self._past):
            return 1, self._held[0]
        ahead = RANK_BEHIND.match(self._held, 1)
        if len(self._held) < 5 and not final and re.fullmatch(r"\ufe0f?(?:1|10|[2-9AKQJ])?\s?", self._held[1:]):
            return None
        return 1, self._held[0] if ahead else ITEM

    def _eighth(self, final: bool) -> Step:
        """A note: its length before a tempo, ♪ = 132, else a picture."""
        ahead = re.match(r"[ ]?=?[ ]?", self._held[1:])
        assert ahead is not None
        if 1 + ahead.end() == len(self._held) and not final:
            return None
        is_tempo = (
            "=" in ahead.group() and self._held[1 + ahead.end()].isdigit()
            if len(self._held) > 1 + ahead.end()
            else False
        )
        return 1, "♪" if is_tempo else ITEM

    def _picture(self, sign: str) -> tuple[int, str]:
        if JOINERS.match(sign) or sign == "\r":
            return 1, ""
        if not EMOJI.match(sign):
            return 1, sign
        if sign in KEYS:
            return 1, f" {KEYS[sign]} "
        if sign == "❤" and WHO_LOVES.search(self._past):
            return 1, "love"
        if sign in "★⭐" and self._before.isdigit():
            return 1, "星" if self._in_chinese else " stars"
        if ARROWS.match(sign):
            return 1, "→"
        if self._kind == "row" and sign in YES + NO and self._is_whole_cell():
            is_yes = sign in YES
            return 1, ("是" if is_yes else "否") if self._in_chinese else ("yes" if is_yes else "no")
        return 1, ITEM

    def _is_whole_cell(self) -> bool:
        rest = self._held[1:].lstrip("\ufe0f ")
        return rest[:1] in {"", "\n", CELL}


def _around(name: str) -> str:
    """The pause that a tag makes."""
    return {"block": END, "line": ITEM, "cell": ITEM}.get(tag_kind(name), "")


OWN_HANDLERS = {
    "`": MarkupStripper._backtick,
    "*": MarkupStripper._stars,
    "_": MarkupStripper._underscores,
    "|": MarkupStripper._bar,
    "#": MarkupStripper._hash,
    "<": MarkupStripper._angle,
    "♪": MarkupStripper._eighth,
    **dict.fromkeys("♠♥♦♣", MarkupStripper._suit),
}
INLINE = {
    "\\": inline.backslash,
    "$": inline.dollar,
    "~": inline.tildes,
    "!": inline.bang,
    CELL: inline.cell,
    "&": inline.entity,
    "【": inline.corner,
    "]": links.bracket_end,
}
