"""Text -> the sentences that are spoken one after another, also while the text is still being written."""

import re
import string
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from dora_primespeech_mlx.text.composing import Composer, Sentence
from dora_primespeech_mlx.text.cuts import CLAUSE_MARKS, METHODS
from dora_primespeech_mlx.text.english.chess import AFTER_NUMBER, BEGINNING_MOVE
from dora_primespeech_mlx.text.english.dates import SHORT_WEEKDAYS
from dora_primespeech_mlx.text.formula_ends import NO_FORMULA, formula_end
from dora_primespeech_mlx.text.inband import CLOSE, CUT, END, ITEM, OPEN, SIGNS, without_signs
from dora_primespeech_mlx.text.languages import evident_language
from dora_primespeech_mlx.text.lines import goes_on
from dora_primespeech_mlx.text.markup import MarkupStripper, strip_markup
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.scripts import (
    AFTER_CANTONESE,
    AFTER_JAPANESE,
    NAMES,
    is_cantonese,
    may_be_japanese,
    only_japanese,
)
from dora_primespeech_mlx.text.speech_tags import Requests
from dora_primespeech_mlx.text.spelled_code import spelled_end
from dora_primespeech_mlx.text.tables import lines, mapping, words

__all__ = ["MarkupStripper", "Sentence", "SentenceSplitter", "sentences_of", "split", "strip_markup"]

SENTENCE_ENDS = frozenset("。｡！？!?…\n")
PAUSES = frozenset("，,、､；;：:—")
CLOSERS = frozenset("”’\"'）)】]』」｣》〉")
GOES_ON = frozenset(string.digits + string.ascii_letters + ":<>=+-#$&@/\\|~^%_")
"""What stands behind a comma or a colon without a blank where no clause ends: pandas>=2,<3."""
FEWEST_CHARACTERS = 5
LONGEST_SENTENCE = 510
FIRST, SHORTEST, LONGEST = 6, 4, 50
"""In `spoken_length`: of a first clause, of any sentence, and from which on one may be cut."""
NOT_EQUAL = regex(r"[\s)\]\d]$|(?:^|[^A-Za-z])[A-Za-z]$")
"""What may stand before the first sign of `!=`."""
# What may follow a full stop without a blank: Han characters, kana, Hangul.
EAST_ASIAN = regex("[\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
# How many characters around a full stop decide what it is.
WINDOW = 40
# How many characters before a sentence are remembered for that.
PAST = 160
# What a sentence does not begin with: it belongs to the sentence before.
VALUE_SIGNS = frozenset("≈±√∛∑∏∫∠△∀∃∴∵−€£¥￥§№")
"""Signs that say something of the value that they stand before, with a blank between or without."""
# What a dash stands between that is the "to" of a range: 3—5天, 1月—3月, 周一—周五.
RANGE_BEGINS = regex(r"[\d%％‰℃°年月日号点时分秒元万亿一二三四五六七八九十A-Za-z]")
RANGE_ENDS = regex(r"[\d周星次翌公$￥¥€£−-]")
LIST_MARK = regex(r"(?:^|[\s；;。，,])(?:[一二三四五六七八九十]{1,3}|[Ⅰ-Ⅹ]|\d{1,2}|[A-H])$")
"""What marks an item of a list before 、, which belongs to the item."""
# Digits, and those that are one more.
ONE_BEFORE = {
    **dict(zip("12345678", "23456789", strict=True)),
    **dict(zip("一二三四五六七八", "二三四五六七八九", strict=True)),
}
OPEN_BRACKET = regex(r"[(（][^()（）]*$")
"""What has begun in brackets is heard to its end, unless that is far."""
FACE_BEGINS = regex("[(（][^()（）A-Za-z0-9一-鿿]*$")
"""What a kaomoji begins with, in which a small 。 is an eye."""
LEFT_OVER = CLOSERS | SENTENCE_ENDS | PAUSES | {ITEM, END}
LIFE = regex(r"(?:[(,;]\s?|\bc\. )(?:b|d|r|fl|c)$")
"""Before the year when someone was born, died or reigned: (b. 1879, d. 1955)."""
# Short forms after which a sentence may well end, when a capital letter follows.
ZONES = regex("[ECMPA][SD]?T|AK[SD]T|HS?T|GMT|UTC|BST|CES?T|EES?T|[IJKS]ST|AE[SD]T|NZ[SD]T|MSK")
"""Zones of time, behind a.m. and p.m."""
RULES = frozenset(("fed", "civ", "crim", "supp"))
"""Short forms of law that end no sentence before another: Fed. R. Civ. P."""
ENDING_SHORT_FORMS = frozenset(("etc", "inc", "ltd", "corp", "co", "jr", "sr", "esq", "am", "pm", "est"))
OPERATORS = frozenset("+−-×*·⋅,，、=")
SUM_BEFORE = regex(r"[+−×*·⋅,，、]\s?…?$")
"""Before what is left out of a sum, a product or a row."""
OPERAND_BEFORE = regex(r"[\w)\]'\"] \??$", re.ASCII)
OPERAND_BEHIND = regex(r"\?? [a-z\d(\[{'\"]")
MEASURED = regex(
    r"(?:\d|[½¼¾⅓⅔]) ?(?:lbs?|oz|hrs?|mins?|secs?|tsp|tbsp|Tbsp|in|ft|mi|yds?|pts?|qts?|gal|[ckm]m|kg|wks?|mos?|yrs?)$"
)
"""A number and a short unit, whose full stop ends no sentence where a bracket follows."""
STREETS = frozenset(("ave", "blvd", "rd", "st", "hwy"))
"""Short forms that may end a sentence, where a word begins the next that is no name."""
OTHER_SHORT_FORMS = frozenset(("dr", "st", "eg", "ie", "no", "nos", "cf", "al", "us", "uk", "phd", "pp", "viz", "v"))


def sentences_of(
    text: str | Iterable[str | None], language: str = "auto", method: str = "sentence", markup: bool = True
) -> Iterator[Sentence | None]:
    """Sentences with something to say, of a whole text or, as soon as each is complete, of its pieces as they come.

    Args:
        text: the text, or its pieces; those are cut as by "sentence". A piece None, nothing has come yet, is handed on.
        language: as for `split`. With "auto" a sentence whose own words do not say its language has that of the
            sentence before it, or of the first one that says it.
        method: as for `split`.
        markup: take markup off first, and do what notation in the text asks for.
    """
    requests: Requests = deque()
    if isinstance(text, str):
        stripper = MarkupStripper(requests)
        places = stripper.places if markup else None
        whole = stripper.push(text) + stripper.finish() if markup else without_signs(text)
        found: Iterable[Sentence | None] = _cut(whole, method, language, Composer(requests, places))
    else:
        found = _as_they_come(text, requests, markup)
    spoken = (each for each in found if each is None or any(character.isalnum() for character in each.text))
    return _with_language(spoken) if language == "auto" else (each and _in(each, language) for each in spoken)


def _in(sentence: Sentence, language: str) -> Sentence:
    return sentence if sentence.language != "auto" else replace(sentence, language=language)


def _with_language(sentences: Iterable[Sentence | None]) -> Iterator[Sentence | None]:
    """Sentences that do not say their language in that of the text around them."""
    around = ""
    waiting: list[Sentence] = []
    for sentence in sentences:
        if sentence is None:
            yield None
            continue
        own = sentence.language if sentence.language != "auto" else evident_language(sentence.text)
        if own == "zh" and sentence.language == "auto":
            own = _chinese_or(around, sentence.text)
        has_letters = re.search(r"[A-Za-z]{2}", sentence.text) is not None
        if not (own or around or has_letters):
            waiting.append(sentence)
            continue
        yield from (_in(earlier, own or "en") for earlier in waiting)
        waiting = []
        yield sentence if not around and not own or own in NAMES else _in(sentence, own or around)
        around = own or around or "en"
    last = "en" if any(re.search("[A-Za-z]", sentence.text) for sentence in waiting) else "auto"
    yield from (_in(sentence, last) for sentence in waiting)


def _chinese_or(around: str, text: str) -> str:
    """What a text in Han characters is behind one of the language `around`; "" for the same."""
    if around in {"ja", AFTER_JAPANESE}:
        return "" if may_be_japanese(text) else "zh"
    if is_cantonese(text, around == AFTER_CANTONESE):
        return AFTER_CANTONESE
    return AFTER_JAPANESE if may_be_japanese(text) and any(map(only_japanese, text)) else "zh"


def _as_they_come(pieces: Iterable[str | None], requests: Requests, markup: bool) -> Iterator[Sentence | None]:
    stripper = MarkupStripper(requests)
    splitter = SentenceSplitter(composer=Composer(requests, stripper.places if markup else None))
    for piece in pieces:
        if piece is None:
            yield None
        else:
            yield from splitter.push(stripper.push(piece) if markup else without_signs(piece))
    yield from splitter.push(stripper.finish())
    yield from splitter.finish()


def split(text: str, method: str = "cut5", language: str = "auto") -> list[Sentence]:
    """Sentences of a whole text.

    `method` is "sentence" (what the splitter does) or one of the official ones: "cut0" does not cut, "cut1" every four
    clauses, "cut2" about every 50 characters, "cut3" at 。, "cut4" at full stops, "cut5" at every mark; those cut at
    line ends too, unless a sentence goes on there. ValueError for another method. `language` "en" chooses the mark put
    after a piece that has none.
    """
    return _cut(without_signs(text), method, language, Composer())


def _cut(text: str, method: str, language: str, composer: Composer) -> list[Sentence]:
    """As `split`, of a text with signs."""
    if method == "sentence":
        splitter = SentenceSplitter(composer=composer)
        return splitter.push(text) + splitter.finish()
    if method not in METHODS:
        raise ValueError(f"unknown split method {method!r}: use one of sentence, {', '.join(METHODS)}")
    places = [at for at, character in enumerate(text) if character not in SIGNS]
    plain = "".join(text[at] for at in places)
    pauses = {at: sign for at, sign in _line_pauses(text) if sign}
    lines = {end for at in pauses if (end := bisect_right(places, at)) == len(plain) or plain[end] != "\n"}
    cuts = {bisect_right(places, at) for at, character in enumerate(text) if character == CUT}
    ranges: list[tuple[int, int]] = []
    start = 0
    for end in sorted({*METHODS[method](plain), *lines, *cuts}):
        ranges.append((start, end))
        start = end
    places.append(len(text))
    sentences = []
    for start, end in _bounded(plain, _joined(plain, ranges, cuts)):
        first = places[start] if start else 0
        piece = text[first : places[end]]
        within = {at - first: sign for at, sign in pauses.items() if first <= at < places[end]}
        sentences.append(composer.sentence(piece, start, within, language))
    return [sentence for sentence in sentences if sentence is not None]


def _line_pauses(text: str) -> Iterator[tuple[int, str]]:
    """Each line end and the sign for the pause it makes, "" for none."""
    start = 0
    for end in re.finditer("\n", text):
        at = end.start()
        yield at, _line_pause(without_signs(text[start:at]), text[at + 1 : at + 1 + WINDOW], final=True) or ""
        start = at + 1


def _line_pause(line: str, following: str, final: bool) -> str | None:
    """The sign for the pause at the end of `line`, "" where a sentence goes on; None when what follows decides it."""
    if not line.strip():
        return END
    runs_on = goes_on(line, following, final)
    return None if runs_on is None else "" if runs_on else ITEM


def _joined(text: str, ranges: list[tuple[int, int]], fixed: set[int] | None = None) -> list[tuple[int, int]]:
    """Ranges with the unspeakable and the short ones joined to a neighbour, but not over the `fixed` ends."""
    joined: list[tuple[int, int]] = []
    start, length, speakable = 0, 0, False
    for begin, end in ranges:
        if not length:
            start = begin
        length += len(text[begin:end].strip("\n"))
        speakable = speakable or bool(re.search(r"\w", text[begin:end]))
        if speakable and (length >= FEWEST_CHARACTERS or (fixed and end in fixed)):
            joined.append((start, end))
            length, speakable = 0, False
    if length and joined and not (fixed and joined[-1][1] in fixed and speakable):
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


def spoken_length(text: str) -> float:
    """About how many Mandarin syllables `text` takes: one for a Han character or a digit, a third for a letter.

    Kana count 0.6 and syllables of Hangul 0.7, by how long they last beside Mandarin ones.
    """
    return sum(_weight(character) for character in text)


@cache
def _before_numbers() -> frozenset[str]:
    """Short forms that end no sentence where a number follows, in small letters."""
    months = (month[:3] for month in lines("en_months.txt") if month != "may")
    books = (name.lower() for name in mapping("en_scripture_short.tsv"))
    return frozenset((*mapping("en_before_numbers.tsv"), *months, *books, "ca", "c"))


def _weight(character: str) -> float:
    if "\u3400" <= character <= "\u9fff" or character >= "\U00020000" or character.isnumeric():
        return 1.0
    if "\u3041" <= character <= "\u30ff" or "\uff66" <= character <= "\uff9d":
        return 0.6
    if "\uac00" <= character <= "\ud7a3":
        return 0.7
    return 1 / 3 if character.isalpha() else 0.0


class SentenceSplitter:
    """Text in pieces of any size -> sentences as soon as nothing that may follow can change where they end.

    The first sentence may end at a comma, for an early start. Short sentences wait for the next one, sentences over
    `LONGEST` are cut at a pause, and at twice that length anywhere. Formulas are never cut.
    """

    def __init__(self, composer: Composer | None = None) -> None:
        self._composer = composer or Composer()
        self._reset()

    def push(self, text: str) -> list[Sentence]:
        """Take the next piece of text, without signs unless a composer came with them; the sentences it completes."""
        self._text += text
        return self._sentences(final=False)

    def finish(self) -> list[Sentence]:
        """The text is complete: the sentences that are left. It can then take another text, from 0."""
        sentences = self._sentences(final=True)
        self._reset()
        return sentences

    def _reset(self) -> None:
        self._text = ""  # what is not in a sentence yet, and a little that was before it
        self._start = 0  # where the next sentence begins in it
        self._looked = 0  # how much of it has been judged
        self._length = 0.0  # spoken length of what has been judged of the next sentence
        self._offset = 0  # where the next sentence begins in the full text
        self._formula = 0  # where the formula or the spelled code that has begun ends
        self._notes = 0  # how many notes are open
        self._pauses: dict[int, str] = {}  # line ends in the next sentence, and the signs for their pauses
        self._emitted = False

    def _sentences(self, final: bool) -> list[Sentence]:
        sentences: list[Sentence] = []
        while self._looked < len(self._text):
            character = self._text[self._looked]
            length = self._length + _weight(character)
            verdict = self._ends_at(self._looked, length, final)
            if verdict is None:
                break
            self._looked += 1
            self._length = length
            is_over = (
                not length
                and (character in LEFT_OVER or character.isspace())
                and not self._opens(self._looked - 1)
                and self._looked > self._formula
                and not self._is_in_face(self._looked - 1)
            )
            if verdict or (is_over and VALUE_SIGNS.isdisjoint(self._text[self._start : self._looked])):
                sentences += self._sentence()
        if final:
            self._looked = len(self._text)
            sentences += self._sentence()
        self._forget()
        return sentences

    def _opens(self, index: int) -> bool:
        """Whether the mark at `index` opens a quotation and closes none: a blank stands before it."""
        return self._text[index] == '"' and (not index or self._text[index - 1].isspace())

    def _is_in_face(self, index: int) -> bool:
        """Whether the mark at `index` may be within a kaomoji."""
        return FACE_BEGINS.search(self._text[max(0, index - 16) : index]) is not None

    def _forget(self) -> None:
        """Let go of what is too long ago to decide anything."""
        gone = max(0, self._start - PAST)
        if gone:
            self._text = self._text[gone:]
            self._start, self._looked, self._formula = self._start - gone, self._looked - gone, self._formula - gone
            self._pauses = {at - gone: sign for at, sign in self._pauses.items()}

    def _sentence(self) -> list[Sentence]:
        """A sentence of the text up to where it has been judged, unless it has nothing to say."""
        piece = self._text[self._start : self._looked]
        pauses = {at - self._start: sign for at, sign in self._pauses.items()}
        sentence = self._composer.sentence(piece, self._offset, pauses)
        self._offset += len(without_signs(piece))
        self._start, self._length, self._pauses = self._looked, 0.0, {}
        if sentence is None:
            return []
        self._emitted = True
        return [sentence]

    def _ends_at(self, index: int, length: float, final: bool) -> bool | None:
        """Whether a sentence of `length` ends after the character at `index`; None when what follows decides it."""
        character = self._text[index]
        if character in SIGNS:
            return self._sign(index, length, final)
        if character in "$\\" and index >= self._formula:
            end = formula_end(self._text, index, final)
            if end is None:
                return None
            self._formula = end if end != NO_FORMULA else self._formula
        if character == "`" and index >= self._formula:
            self._formula = spelled_end(self._text, index) or self._formula
        if index < self._formula - 1 or self._notes:
            return False
        if character == "\n":
            return self._line_ends(index, length, final)
        if character == ".":
            if length < SHORTEST and not final and index + 1 == len(self._text):
                return None
            return self._full_stop(index, final) if length >= SHORTEST else False
        if character in "!?,:;" and self._in_address(index):
            return False
        if character == "!" and NOT_EQUAL.search(self._text[max(0, index - 2) : index]):
            behind = self._text[index + 1 : index + 3]
            if not final and (not behind or re.fullmatch(r"[ $A-Z]", behind)):
                return None
            if behind.strip() and behind.strip()[0] in "=/()*+-−^≈≤≥<>×÷" or re.match(r"\$[A-Z]|[A-Z][\d:]", behind):
                return False
        if character == "?" and (asked := OPERAND_BEFORE.search(self._text, max(0, index - 3), index)):
            # An operator of a program, with blanks around it: x ?? y, a ? b : c.
            operand = OPERAND_BEHIND.match(self._text, index + 1)
            if operand is None and len(self._text) <= index + 5 - len(asked.group()) and not final:
                return None
            if operand:
                return False
        if character == "…" and self._text[:index].rstrip("…")[-1:].isdigit():
            # What a division leaves: 10÷3=3……1.
            following = self._text[index + 1 : index + 3]
            if following[:1].isdigit() or following[:1] == "…" or following.strip()[:1] in {"=", "≈"}:
                return False
            if following in {"", " "} and not final:
                return None
        if character == "…" and SUM_BEFORE.search(self._text, max(0, index - 4), index):
            # What is left out of a sum: 1 + 2 + … + n.
            beyond = self._text[index + 1 : index + 4].lstrip("… ")
            if not beyond and not final:
                return None
            if beyond[:1] in OPERATORS:
                return False
        if character == "｡" and self._is_in_face(index):
            return False
        if character in SENTENCE_ENDS:
            return length >= SHORTEST
        if character in PAUSES:
            if length < (LONGEST if self._emitted else FIRST):
                return False
            if OPEN_BRACKET.search(self._text[max(0, index - WINDOW) : index]):
                return False
            following = self._text[index + 1 : index + 2]
            if character in "、,，" and re.search(r"\d(?:\(\d{1,3}\))?$", self._text[max(0, index - 6) : index]):
                # Numbers in a row say together what they are: 1988、2000、2012年, ports 80, 443, 15(2), 101–115.
                ahead = re.match(r"\s?(\S)?", self._text[index + 1 : index + 3])
                if not (ahead and ahead[1] or final):
                    return None
                if ahead and ahead[1] and ahead[1].isdigit():
                    return False
            if character == "、" and LIST_MARK.search(self._text[max(0, index - 4) : index]):
                return False
            if character in "、，" and self._text[index - 1 : index] in ONE_BEFORE:
                # Two or three of something: 三、四个, 2、3日.
                return following not in ONE_BEFORE[self._text[index - 1]] if following or final else None
            if character == "—" and RANGE_BEGINS.search(self._text, max(0, index - 1), index):
                return not RANGE_ENDS.match(following) if following or final else None
            if character not in ",:":
                return True
            return following not in GOES_ON if following or final else None
        if length >= 2 * LONGEST:
            return character.isspace() or length >= 2 * LONGEST + 20 or bool(EAST_ASIAN.match(character))
        return False

    def _sign(self, index: int, length: float, final: bool) -> bool | None:
        character = self._text[index]
        if character in (OPEN, CLOSE):
            self._notes = max(0, self._notes + (1 if character == OPEN else -1))
            return False
        if character == CUT:
            self._notes = 0
            return True
        if character == END:
            return length >= SHORTEST
        if length < (LONGEST if self._emitted else FIRST):
            return False
        following = self._text[index + 1 :].lstrip("".join(SIGNS) + " ")
        if not following:
            return final or None
        return following[0] not in SENTENCE_ENDS | PAUSES | {"."}

    def _line_ends(self, index: int, length: float, final: bool) -> bool | None:
        start = self._text.rfind("\n", 0, index) + 1
        pause = _line_pause(without_signs(self._text[start:index]), self._text[index + 1 : index + 1 + WINDOW], final)
        if pause is None:
            return None
        if pause:
            self._pauses[index] = pause
            self._notes = 0
        return bool(pause) and length >= SHORTEST

    def _in_address(self, index: int) -> bool:
        """Whether the ASCII mark at `index` stands inside a web or mail address."""
        word = re.search(r"[!-~]*$", self._text[max(0, index - 2 * WINDOW) : index])
        return bool(word and re.search(r"(?i)://|^(?:https?|ftp)$|www\.|@", word.group()))

    def _full_stop(self, index: int, final: bool) -> bool | None:
        """Whether the full stop at `index` ends a sentence, and not a short form, a number or an address."""
        following = without_signs(self._text[index + 1 : index + WINDOW]).lstrip("".join(CLOSERS))
        if not following:
            return final or None
        if not following[0].isspace() and not EAST_ASIAN.match(following):
            return False
        before = without_signs(self._text[max(0, index - WINDOW) : index])
        line = before[before.rfind("\n") + 1 :]
        if re.fullmatch(r"\s*(?:\d{1,3}|[a-zA-Z])", line):
            return False
        if EAST_ASIAN.match(following) and re.search(r"[；;：:。]\s?\d{1,2}$", line):
            return False
        next_word = following.lstrip()
        if re.search(r"\b\d{1,3}$", line):
            if AFTER_NUMBER.match(next_word):
                return False
            if not final and BEGINNING_MOVE.fullmatch(next_word):
                return None
        if line[-1:] == " " and next_word[:1] in {*"-'\"|&>"}:
            # The folder where one is: find . -name.
            return False
        if re.search(r"\d\.\.$", line) and next_word[:1] in {"=", "≈"}:
            return False
        if line.endswith("..") and SUM_BEFORE.search(line.rstrip(".")) and next_word[:1] in OPERATORS:
            return False
        word = re.search(r"[A-Za-z.]*$", line)
        short = (word.group() if word else "").replace(".", "").lower()
        ahead = next_word.lstrip("(~≈<>≤≥−-+$€£¥")
        if short in _before_numbers() and (ahead[:1].isdigit() or not ahead):
            return False if ahead or final else None
        if short in {"p", "fig", "figs", "sec", "ex"} and re.match(r"[A-Z](?:\d|$)", next_word):
            # A page, a figure: p. A12.
            return False if len(next_word) > 1 or final else None
        if ahead[:1].isdigit() and re.search(rf"(?:^|\W)(?:{SHORT_WEEKDAYS})$", line):
            return False
        if next_word[:1] == "(" and MEASURED.search(line):
            return False
        if LIFE.search(line) and re.match(r"(?:ca?\.\s?)?(?:\d|$)", next_word):
            return False if next_word or final else None
        if short in {"sr", "jr"} and not re.search(r"[A-Z][\w'’-]*,? [A-Za-z]{2}$", line):
            # Before a title: a Sr. Manager.
            return False
        if short in {"am", "pm"} and (zone := re.match(r"[A-Z]{1,4}(?![A-Za-z])", next_word)):
            if zone.end() == len(next_word) and not final:
                return None
            if ZONES.fullmatch(zone.group()):
                return False
        if short in RULES and (rule := re.match(r"[A-Z][a-z]{0,4}\.?", next_word)):
            if rule.end() == len(next_word) and not final:
                return None
            if rule.group().endswith("."):
                return False
        if short in ENDING_SHORT_FORMS:
            return next_word[0].isupper() if next_word else (final or None)
        if next_word[:1] == "&" or (next_word[:1] == "(" and re.search(rf"\b(?:{SHORT_WEEKDAYS})$", line)):
            return False
        if short in {"ft", "ms"} and re.search(r"\d\s?[a-z]+$", line):
            return not next_word[0].islower() if next_word else (final or None)
        are_initials = re.search(r"\b[A-Z]\.[A-Z]$(?<!P\.S)", line) is not None
        if (short in STREETS or are_initials) and (first := re.match(r"[A-Z][a-z]*|$", next_word)):
            if first.end() == len(next_word) and not final:
                return None
            return first.group().lower() in words("en_function_words.txt")
        if short in OTHER_SHORT_FORMS or short in mapping("en_abbreviations.tsv") or re.search(r"\b[A-Z]$", line):
            return False
        if not next_word:
            return final or "\n" in following or None
        if re.search(r"\b[a-z]\.(?:[a-z]\.)?[a-z]$", line) and next_word[0].isdigit():
            # Letters of a prescription: b.i.d. 2x/day.
            return False
        return not next_word[0].islower()
