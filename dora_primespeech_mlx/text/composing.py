"""A piece of text with its signs -> the sentence that is spoken."""

import logging
import re
from collections import deque
from dataclasses import dataclass, field

from dora_primespeech_mlx.text.cuts import CLAUSE_MARKS, CUT5_MARKS
from dora_primespeech_mlx.text.inband import ALL, CLOSE, CUT, END, ITEM, OPEN, SIGNS, without_signs
from dora_primespeech_mlx.text.notation import Note
from dora_primespeech_mlx.text.places import Places
from dora_primespeech_mlx.text.rules import regex

logger = logging.getLogger(__name__)

MARKS = CLAUSE_MARKS | CUT5_MARKS | frozenset("；;")
CLOSERS = frozenset("”’\"'）)】]』」》〉")
HAN = regex(r"[\u3041-\u30ff\u4e00-\u9fff]")
SHORT_FORM = regex(r"\b(?:Inc|Ltd|Corp|Co|Jr|Sr|Ph\.D|M\.D|etc|Ave|Blvd|Rd|St|Dept|[ap]\.m|[A-Z]\.[A-Z])\.$")
"""A short form whose full stop says nothing of a pause."""
PARTS = regex(f"[\n{ITEM}{END}{CUT}{OPEN}{CLOSE}]|[^\n{ITEM}{END}{CUT}{OPEN}{CLOSE}]+")


@dataclass(frozen=True)
class Sentence:
    """A piece to speak in one go.

    Attributes:
        text: what is spoken; it may have marks that the full text does not have.
        start: where it begins in the full text, in characters, without markup.
        end: where it ends.
        language: what it is to be read in, "auto" where its own words say it.
        notes: how the writer wants parts of it said.
        pause: seconds of silence between the sentence before and this one; None for the usual.
        rate: factor of the speed.
        closed: whether the mark at its end was added.
        written: what stands in the full text from `start` to `end`.
        places: where the full text stands in the text with its markup; None where it is the same.
        style: whose prosody it has; empty for that of the text.
    """

    text: str
    start: int
    end: int
    language: str = "auto"
    notes: tuple[Note, ...] = ()
    pause: float | None = None
    rate: float = 1.0
    closed: bool = field(default=False, compare=False)
    written: str = field(default="", compare=False)
    places: Places | None = field(default=None, compare=False, repr=False)
    style: str = ""


class Composer:
    """Makes sentences of pieces, in order: what a writer asks for holds until something else is asked."""

    def __init__(self, requests: deque[tuple[str, str]] | None = None, places: Places | None = None) -> None:
        self._requests: deque[tuple[str, str]] = deque() if requests is None else requests
        self._places = places
        self._pause: float | None = None
        self._rate = 1.0
        self._language = "auto"
        self._style = ""

    def sentence(
        self, piece: str, start: int, pauses: dict[int, str] | None = None, language: str = "auto"
    ) -> Sentence | None:
        """The sentence of a piece; None when there is nothing to say in it.

        Args:
            piece: its text, with signs.
            start: where it begins in the full text without signs.
            pauses: index in `piece` -> the sign for a line end that is a pause; every other one is a blank.
            language: "en" or "zh" chooses the mark that is put after a piece without one; "auto" goes by its script.
        """
        rate, style, asked, pause = self._rate, self._style, self._language, self._pause
        self._pause = None
        is_wide = HAN.search(piece) is not None if language == "auto" else language != "en"
        text, notes = self._text(piece, pauses or {}, is_wide)
        if not re.search(r"\w", text):
            self._pause = self._pause if pause is None else pause + (self._pause or 0.0)
            return None
        plain = without_signs(piece)
        begin = start + len(plain) - len(plain.lstrip())
        is_closed = text.rstrip("".join(CLOSERS) + " ")[-1:] not in MARKS
        text += ("。" if is_wide else ".") if is_closed else ""
        end, written = start + len(plain.rstrip()), plain.strip()
        return Sentence(text, begin, end, asked, tuple(notes), pause, rate, is_closed, written, self._places, style)

    def _text(self, piece: str, pauses: dict[int, str], is_wide: bool) -> tuple[str, list[Note]]:
        """What is spoken of a piece, with pauses as marks."""
        if not ALL.search(piece) and "\n" not in piece:
            return piece.strip(), []
        text, due, notes = "", "", list[Note]()
        open_notes: list[tuple[int, str, str]] = []
        for part in PARTS.finditer(piece):
            sign = part.group()
            if sign == "\n":
                due = max(due, pauses.get(part.start(), ""))
                text = _with_blank(text)
            elif sign in (ITEM, END):
                due = max(due, sign)
            elif sign == OPEN:
                text, due = _with_pause(text, due, "", is_wide), ""
                open_notes.append((len(text), *self._requests.popleft()))
            elif sign == CLOSE and open_notes:
                begin, kind, value = open_notes.pop()
                notes += [Note(begin, len(text), kind, value)] if _fits(text[begin:], kind, value) else []
            elif sign == CUT:
                self._take(*self._requests.popleft())
            elif sign in SIGNS:
                continue
            else:
                words = sign.lstrip() if due or not text or text[-1] == " " else sign
                if not words:
                    continue
                text, due = _with_pause(text, due, words[:1], is_wide) + words, ""
        return text.rstrip(), notes

    def _take(self, kind: str, value: str) -> None:
        if kind == "break":
            self._pause = float(value) + (self._pause or 0.0)
        elif kind == "rate":
            self._rate = float(value)
        elif kind == "style":
            self._style = value
        else:
            self._language = value or "auto"


def _fits(written: str, kind: str, value: str) -> bool:
    """Whether a note can hold for what is written; one that cannot is named in the log."""
    count = len(value.split())
    if kind == "pinyin" and re.fullmatch(r"[\u3400-\u9fff]+", written) and len(written) != count:
        logger.warning(
            "%r is read as it is written: it has %d characters, %r %d syllables", written, len(written), value, count
        )
        return False
    return bool(written.strip())


def _with_blank(text: str) -> str:
    """`text` before a line that goes on: a word that a hyphen parts stays one."""
    if not text or text[-1] == " " or re.search(r"[A-Za-z]-$", text):
        return text
    return text + " "


def _with_pause(text: str, due: str, following: str, is_wide: bool) -> str:
    """`text` with the mark for a pause, unless a mark stands there already."""
    if not due or not text.strip():
        return text
    bare = text.rstrip()
    if SHORT_FORM.search(bare) and following not in MARKS:
        return bare + ", "
    if bare.rstrip("".join(CLOSERS) + " ")[-1:] in MARKS or (following and following in MARKS):
        return bare if following in MARKS and following else bare + " "
    digits = bare[-1].isdigit() and following.isdigit()
    comma = "，" if is_wide or digits else ","
    return bare + (comma if due == ITEM else "。" if is_wide else ".") + ("" if is_wide and not digits else " ")
