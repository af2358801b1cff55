"""Text -> the sentences that are spoken one after another, also while the text is still being written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dora_primespeech_mlx.text.markup import MarkupStripper, strip_markup
from dora_primespeech_mlx.text.tables import mapping

__all__ = ["MarkupStripper", "Sentence", "SentenceSplitter", "sentences_of", "split", "strip_markup"]

CLAUSE_MARKS = frozenset("，。？！,.?!~:：—…")
CUT5_MARKS = frozenset(",.;?!、，。？！：…")
SENTENCE_ENDS = frozenset("。！？!?…\n")
PAUSES = frozenset("，,、；;：:—")
CLOSERS = frozenset("”’\"'）)】]』」》〉")
FEWEST_CHARACTERS = 5
LONGEST_SENTENCE = 510
# How many characters around a full stop decide what it is.
WINDOW = 40
# What a sentence does not begin with: it belongs to the sentence before.
LEFT_OVER = CLOSERS | SENTENCE_ENDS | PAUSES
# Short forms after which a sentence may well end, when a capital letter follows.
ENDING_SHORT_FORMS = frozenset(("etc", "inc", "ltd", "corp", "co", "jr", "sr", "am", "pm"))
OTHER_SHORT_FORMS = frozenset(("dr", "st", "eg", "ie", "no", "nos", "cf", "al", "us", "uk", "phd", "pp", "viz"))


@dataclass(frozen=True)
class Sentence:
    """A piece to speak in one go: its text, and the range of characters it has in the full text.

    `text` may end in a full stop that the full text does not have.
    """

    text: str
    start: int
    end: int


def sentences_of(
    text: str | Iterable[str | None], language: str = "auto", method: str = "sentence", markup: bool = True
) -> Iterator[Sentence | None]:
    """Sentences with something to say, of a whole text or, as soon as each is complete, of its pieces as they come.

    Args:
        text: the text, or its pieces; those are cut as by "sentence". A piece None, nothing has come yet, is handed on.
        language: as for `split`.
        method: as for `split`.
        markup: take markup off first.
    """
    if isinstance(text, str):
        found: Iterable[Sentence | None] = split(strip_markup(text) if markup else text, method, language)
    else:
        found = _as_they_come(text, markup)
    return (each for each in found if each is None or any(character.isalnum() for character in each.text))


def _as_they_come(pieces: Iterable[str | None], markup: bool) -> Iterator[Sentence | None]:
    stripper, splitter = MarkupStripper(), SentenceSplitter()
    for piece in pieces:
        if piece is None:
            yield None
        else:
            yield from splitter.push(stripper.push(piece) if markup else piece)
    yield from splitter.push(stripper.finish())
    yield from splitter.finish()


def split(text: str, method: str = "cut5", language: str = "auto") -> list[Sentence]:
    """Segments of a whole text.

    `method` is "sentence" (what the splitter does) or one of the official ones: "cut0" does not cut, "cut1" every four
    clauses, "cut2" about every 50 characters, "cut3" at 。, "cut4" at full stops, "cut5" at every mark; those cut at
    line ends too. ValueError for another method. `language` "en" chooses the mark put after a piece that has none.
    """
    if method == "sentence":
        splitter = SentenceSplitter()
        return splitter.push(text) + splitter.finish()
    if method not in METHODS:
        raise ValueError(f"unknown split method {method!r}: use one of sentence, {', '.join(METHODS)}")
    ranges: list[tuple[int, int]] = []
    start = 0
    lines = (match.end() for match in re.finditer(r"\n+", text))
    for end in sorted({*METHODS[method](text), *lines}):
        ranges.append((start, end))
        start = end
    return [_sentence(text, start, end, language) for start, end in _bounded(text, _joined(text, ranges))]


def _joined(text: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges with the unspeakable and the short ones joined to a neighbour."""
    joined: list[tuple[int, int]] = []
    start, length, speakable = 0, 0, False
    for begin, end in ranges:
        if not length:
            start = begin
        length += len(text[begin:end].strip("\n"))
        speakable = speakable or bool(re.search(r"\w", text[begin:end]))
        if length >= FEWEST_CHARACTERS and speakable:
            joined.append((start, end))
            length, speakable = 0, False
    if length and joined:
        joined[-1] = (joined[-1][0], ranges[-1][1])
    elif speakable:
        joined.append((start, ranges[-1][1]))
    return joined


def _bounded(text: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges with those over the longest piece cut at their marks, or anywhere when they have none."""
    bounded: list[tuple[int, int]] = []
    for start, end in ranges:
        while end - start > LONGEST_SENTENCE:
            window = range(start + LONGEST_SENTENCE, start, -1)
            cut = next((at for at in window if text[at - 1] in CLAUSE_MARKS), None)
            cut = cut or next((at for at in window if text[at - 1].isspace()), start + LONGEST_SENTENCE)
            bounded.append((start, cut))
            start = cut
        bounded.append((start, end))
    return [(start, end) for start, end in bounded if re.search(r"\w", text[start:end])]


def _sentence(text: str, start: int, end: int, language: str = "auto") -> Sentence:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    piece = " ".join(piece.split("\n")).strip()
    last = piece.rstrip("".join(CLOSERS) + " ")[-1:]
    if last not in CLAUSE_MARKS | CUT5_MARKS | {"；", ";"}:
        english = language == "en" or (language == "auto" and not re.search(r"[\u4e00-\u9fff]", piece))
        piece += "." if english else "。"
    return Sentence(piece, start, start + len(text[start:end].rstrip()))


def _clause_ends(text: str) -> list[int]:
    ends = [index + 1 for index, character in enumerate(text) if character in CLAUSE_MARKS]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


def _cut0(text: str) -> list[int]:
    return [len(text)]


def _cut1(text: str) -> list[int]:
    ends = _clause_ends(text)
    groups = max(1, (len(ends) + 3) // 4 - 1)
    return [*ends[3 : 4 * (groups - 1) : 4], ends[-1]]


def _cut2(text: str) -> list[int]:
    cuts, start = [], 0
    for end in _clause_ends(text):
        if end - start > 50:
            cuts.append(end)
            start = end
    if not cuts:
        return [len(text)]
    if start < len(text):
        cuts.append(len(text))
        if len(text) - start < 50:
            del cuts[-2]
    return cuts


def _cuts_after(text: str, pattern: str) -> list[int]:
    ends = [match.end() for match in re.finditer(pattern, text)]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


def _cut3(text: str) -> list[int]:
    return _cuts_after(text, "。")


def _cut4(text: str) -> list[int]:
    return _cuts_after(text, r"(?<!\d)\.(?!\d)")


def _cut5(text: str) -> list[int]:
    return _cuts_after(text, r"(?<!\d)\.|\.(?!\d)|[" + re.escape("".join(CUT5_MARKS - {"."})) + "]")


METHODS: dict[str, Callable[[str], list[int]]] = {
    "cut0": _cut0, "cut1": _cut1, "cut2": _cut2, "cut3": _cut3, "cut4": _cut4, "cut5": _cut5,
}  # fmt: skip


def spoken_length(text: str) -> float:
    """About how many Mandarin syllables `text` takes: one for a Han character or a digit, a third for a letter."""
    return sum(_weight(character) for character in text)


def _weight(character: str) -> float:
    if "\u3400" <= character <= "\u9fff" or character >= "\U00020000" or character.isdigit():
        return 1.0
    return 1 / 3 if character.isalpha() else 0.0


class SentenceSplitter:
    """Text in pieces of any size -> sentences as soon as nothing that may follow can change where they end.

    The first sentence may end at a comma, for an early start. Short sentences wait for the next one, sentences over
    `longest` (in spoken_length) are cut at a pause, and at twice that length anywhere.
    """

    def __init__(self, first: float = 6, shortest: float = 4, longest: float = 50) -> None:
        """Lengths in `spoken_length`: of a first clause, of any sentence, and where a sentence may be cut."""
        self._first, self._shortest, self._longest = first, shortest, longest
        self._reset()

    def push(self, text: str) -> list[Sentence]:
        """Take the next piece of text; the sentences that it completes."""
        self._text += text
        return self._sentences(final=False)

    def finish(self) -> list[Sentence]:
        """The text is complete: the sentences that are left. It can then take another text, from 0."""
        sentences = self._sentences(final=True)
        self._reset()
        return sentences

    def _reset(self) -> None:
        self._text = ""  # what is not in a sentence yet
        self._looked = 0  # how much of it has been judged
        self._length = 0.0  # spoken length of what has been judged
        self._offset = 0  # where it begins in the full text
        self._emitted = False

    def _sentences(self, final: bool) -> list[Sentence]:
        sentences: list[Sentence] = []
        start = 0
        while self._looked < len(self._text):
            character = self._text[self._looked]
            length = self._length + _weight(character)
            verdict = self._ends_at(self._looked, length, final)
            if verdict is None:
                break
            self._looked += 1
            self._length = length
            if verdict or (not length and (character in LEFT_OVER or character.isspace())):
                sentences += self._sentence(start)
                start, self._length = self._looked, 0.0
        if final:
            self._looked = len(self._text)
            sentences += self._sentence(start)
            start = self._looked
        self._text, self._looked, self._offset = self._text[start:], self._looked - start, self._offset + start
        return sentences

    def _sentence(self, start: int) -> list[Sentence]:
        """A sentence of the text from `start` to where it has been judged, unless it has nothing to say."""
        if not re.search(r"\w", self._text[start : self._looked]):
            return []
        sentence = _sentence(self._text, start, self._looked)
        self._emitted = True
        return [Sentence(sentence.text, sentence.start + self._offset, sentence.end + self._offset)]

    def _ends_at(self, index: int, length: float, final: bool) -> bool | None:
        """Whether a sentence of `length` ends after the character at `index`; None when what follows decides it."""
        character = self._text[index]
        if character == ".":
            if length < self._shortest and not final and index + 1 == len(self._text):
                return None
            return self._full_stop(index, final) if length >= self._shortest else False
        if character in "!?,:;" and self._in_address(index):
            return False
        if character in SENTENCE_ENDS:
            return length >= self._shortest
        if character in PAUSES:
            if length < (self._longest if self._emitted else self._first):
                return False
            following = self._text[index + 1 : index + 2]
            if character not in ",:":
                return True
            return not following.isdigit() if following or final else None
        if length >= 2 * self._longest:
            return character.isspace() or length >= 2 * self._longest + 20 or "\u4e00" <= character <= "\u9fff"
        return False

    def _in_address(self, index: int) -> bool:
        """Whether the ASCII mark at `index` stands inside a web or mail address."""
        word = re.search(r"[!-~]*$", self._text[max(0, index - 2 * WINDOW) : index])
        return bool(word and re.search(r"(?i)://|^(?:https?|ftp)$|www\.|@", word.group()))

    def _full_stop(self, index: int, final: bool) -> bool | None:
        """Whether the full stop at `index` ends a sentence, and not a short form, a number or an address."""
        following = self._text[index + 1 : index + WINDOW].lstrip("".join(CLOSERS))
        if not following:
            return final or None
        if not following[0].isspace() and not "\u4e00" <= following[0] <= "\u9fff":
            return False
        before = self._text[max(0, index - WINDOW) : index]
        line = before[before.rfind("\n") + 1 :]
        if re.fullmatch(r"\s*(?:\d+|[a-zA-Z])", line):
            return False
        word = re.search(r"[A-Za-z.]*$", line)
        short = (word.group() if word else "").replace(".", "").lower()
        next_word = following.lstrip()
        if short in ENDING_SHORT_FORMS:
            return next_word[0].isupper() if next_word else (final or None)
        if short in OTHER_SHORT_FORMS or short in mapping("en_abbreviations.tsv") or re.search(r"\b[A-Z]$", line):
            return False
        if not next_word:
            return final or "\n" in following or None
        return not next_word[0].islower()
