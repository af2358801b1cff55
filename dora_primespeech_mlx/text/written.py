"""The words of a sentence as they are written, and which of its phones say each: 42 is one word, said as two."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from dora_primespeech_mlx.text import Phones
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.simplified import simplified
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.scripts import KANA
from dora_primespeech_mlx.text.symbols import MARKS, PAD, UNKNOWN

SILENT = frozenset((*MARKS, PAD, UNKNOWN, "空", "停"))
"""Phones of a pause, or of the border of two words."""
SMALL_KANA = "ゃゅょャュョぁぃぅぇぉァィゥェォーっッ"
WIDE_MARKS = "。，、；：！？（）【】「」『』《》〈〉·"
TOKEN = regex(rf"[{HAN}{KANA}][{SMALL_KANA}]?|(?:(?![{HAN}{KANA}{WIDE_MARKS}—–…]|--|\.\.)\S)+")
EDGES = ".,;:!?'\"“”‘’()[]{}<>«»*_-~|^`/\\"
SAID_SIGNS = "&%@#"
LARGEST = 600
"""Written words times said ones of a stretch that are tried against each other."""


@dataclass(frozen=True)
class WrittenWord:
    """A word, or a character of Mandarin, Cantonese or Japanese.

    Attributes:
        text: as it is written.
        start: where it begins in the text it was found in, in characters.
        end: where it ends.
        first: the first of its phones.
        last: the one after its last phone.
        pause: whether there is a pause before it.
    """

    text: str
    start: int
    end: int
    first: int
    last: int
    pause: bool


def written_words(text: str, phones: Phones) -> list[WrittenWord]:
    """The words of `text`, which `phones` say, in order; those that nothing is said for are left out."""
    written = list(_tokens(text))
    said = [unit for unit in _said(phones) if unit.first < unit.last]
    keys, said_keys = [_key(token) for _, token in written], [unit.key for unit in said]
    units: list[list[_Said]] = [[] for _ in written]
    for kind, low, high, first, last in SequenceMatcher(None, keys, said_keys, autojunk=False).get_opcodes():
        if kind == "equal":
            units[low:high] = [[unit] for unit in said[first:last]]
            continue
        if low == high:
            at = min(max(low - 1, 0), len(written) - 1)
            if written:
                units[at] += said[first:last]
            continue
        for at, share in zip(range(low, high), _shared(keys[low:high], said[first:last]), strict=True):
            units[at] += share
    return list(_words(written, units, phones.names))


@dataclass
class _Said:
    """What is said: phones `first` to `last`, and the letters that it is compared by."""

    key: str
    first: int
    last: int


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Words with where they begin, without the marks around them."""
    for match in TOKEN.finditer(text):
        token = match.group()
        bare = token.strip(EDGES)
        if any(sign.isalnum() or sign in SAID_SIGNS or unicodedata.category(sign)[0] == "S" for sign in bare):
            start = token.index(bare)
            start -= bare[0].isdigit() and token[start - 1 : start] == "-"
            yield match.start() + start, token[start : token.index(bare) + len(bare)]


def _key(token: str) -> str:
    """What two ways of writing the same have in common."""
    plain = unicodedata.normalize("NFKC", simplified(token)).casefold()
    return "".join(character for character in plain if character.isalnum()) or plain


def _said(phones: Phones) -> Iterator[_Said]:
    """What is said, in as small pieces as writing has them: a piece that writing parts is shared out by length."""
    for span in phones.spans:
        at = span.start
        for text, count in span.units:
            names = phones.names[at : at + count]
            silent_before = next((index for index, name in enumerate(names) if name not in SILENT), count)
            first, parts = at + silent_before, [part for _, part in _tokens(text)] or [text]
            at += count
            if silent_before == count:
                continue
            ends = _in_proportion(parts, first, at)
            for part, low, high in zip(parts, [first, *ends], ends, strict=False):
                yield _Said(_key(part), low, high)


def _in_proportion(parts: Sequence[str], first: int, last: int) -> list[int]:
    """Where the share of each part ends between `first` and `last`, by its length."""
    lengths = [len(part) for part in parts]
    return [first + round((last - first) * total / sum(lengths)) for total in accumulate(lengths)]


def _shared(keys: Sequence[str], said: Sequence[_Said]) -> list[list[_Said]]:
    """Said ones for each of some written words that are not said as they are written, by what fits best."""
    if len(keys) * len(said) > LARGEST:
        ends = _in_proportion(keys, 0, len(said))
        return [list(said[low:high]) for low, high in zip([0, *ends], ends, strict=False)]
    best = {(0, 0): (0.0, 0)}
    for at, key in enumerate(keys, 1):
        for upto in range(len(said) + 1):
            ways = [
                (best[at - 1, before][0] + _unlikely(key, said[before:upto]), before)
                for before in range(upto + 1)
                if (at - 1, before) in best
            ]
            if ways:
                best[at, upto] = min(ways)
    shares, upto = [], len(said)
    for at in range(len(keys), 0, -1):
        before = best[at, upto][1]
        shares.append(list(said[before:upto]))
        upto = before
    return shares[::-1]


def _unlikely(key: str, said: Sequence[_Said]) -> float:
    """How badly the said ones fit a written word."""
    if not said:
        return 3.0
    spoken = "".join(unit.key for unit in said)
    if spoken == key:
        return 0.0
    signs = sum(not character.isalpha() for character in key)
    expected = 1.2 * signs + (len(key) > signs)
    shared = len(set(key) & set(spoken)) / max(1, len(set(key)))
    return 1.5 - shared + 0.5 * abs(len(said) - expected)


def _words(
    written: Sequence[tuple[int, str]], units: Sequence[Sequence[_Said]], names: Sequence[str]
) -> Iterator[WrittenWord]:
    spoken_to = 0
    for (start, text), own in zip(written, units, strict=True):
        if not own:
            continue
        first, last = own[0].first, own[-1].last
        while last > first + 1 and names[last - 1] in SILENT:
            last -= 1
        pause = not spoken_to or any(name in MARKS or name == PAD for name in names[spoken_to:first])
        yield WrittenWord(text, start, start + len(text), first, last, pause)
        spoken_to = own[-1].last
