"""Normalised Japanese -> phones and prosody marks, by the full-context labels of Open JTalk."""

import logging
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from dora_primespeech_mlx.text.japanese.normalise import HAN
from dora_primespeech_mlx.text.japanese.readings import corrected, in_context, once, with_dictionary_v
from dora_primespeech_mlx.text.mandarin.simplified import converter
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.symbols import MARKS, PAD, UNKNOWN
from dora_primespeech_mlx.text.tables import mapping

logger = logging.getLogger(__name__)

# Open JTalk refuses a text of more than 8 kB; a sentence is never that long.
LONGEST = 500
LABEL = regex(
    r"-(?P<phone>[^+]+)\+.*/A:(?P<to_nucleus>-?\d+|xx)\+(?P<mora>\d+|xx)\+(?P<from_end>\d+|xx)/.*/F:(?P<moras>\d+|xx)_"
)
VOICED = {"A": "a", "E": "e", "I": "i", "O": "o", "U": "u"}
SYLLABIC = frozenset("aeiouN") | {"cl"}
# What the models know as the border of two accent phrases: upstream's "#" is in no symbol table.
BORDER = UNKNOWN
PIECE = regex(rf"((?<!\d)\.|\.(?!\d)|[{re.escape(MARKS.replace('.', ''))}])")


class Japanese:
    """Japanese text to phones; the words of the lexicon win over the dictionary."""

    def __init__(self, lexicon: Mapping[str, str] | None = None) -> None:
        """Take the user's words: word -> katakana. Open JTalk is imported with the first text."""
        self._user = dict(lexicon or {})

    def with_own_words(self, text: str) -> str:
        """`text` with the words of the lexicon as they are said, longest first, and readings in brackets said once."""
        for word in sorted(self._user, key=len, reverse=True):
            text = text.replace(word, self._user[word])
        return once(text)

    def phones(self, text: str) -> list[str]:
        """Phone names of `text`: Japanese characters, letters, digits and the marks `! ? … , . -`.

        Marks of prosody stand among the phones: `[` where the pitch rises, `]` where it falls, UNK between two accent
        phrases, `_` at a pause inside.
        """
        return [phone for _, phones in self.parts(text) for phone in phones]

    def parts(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """The marks of `text` and what stands between them, each with its phones."""
        parts: list[tuple[str, tuple[str, ...]]] = []
        for part in PIECE.split(in_context(text)):
            if part in MARKS:
                parts += [(mark, (mark,)) for mark in part]
                continue
            pieces = [part[start : start + LONGEST] for start in range(0, len(part), LONGEST)]
            parts += [(piece, _spoken(piece)) for piece in pieces]
        return parts


@lru_cache(maxsize=2_000)
def _spoken(part: str) -> tuple[str, ...]:
    """Phones of the text between two marks."""
    import pyopenjtalk

    part = part.strip().lstrip("ー")
    if not re.search(r"\w", part):
        return ()
    words: list[Any] = pyopenjtalk.run_frontend(part, use_sudachi_kanji_yomi=False)
    if _unread(words):
        part = converter("t2jp")(converter("s2t")(part))
        words = pyopenjtalk.run_frontend(part, use_sudachi_kanji_yomi=False)
    if "ヴ" in part:
        words = with_dictionary_v(words, pyopenjtalk.run_frontend(part, use_vanilla=True))
    if unread := _unread(words):
        logger.warning("left out %s of %r, which Open JTalk cannot read", ", ".join(sorted(set(unread))), part[:80])
    words = corrected([word for word in words if word["string"] not in unread])
    return tuple(_with_prosody(pyopenjtalk.make_label(words))) if words else ()


def _unread(words: list[Any]) -> list[str]:
    """The words in Han characters that Open JTalk takes for signs."""
    return [word["string"] for word in words if word["pron"] == "、" and re.match(f"[{HAN}]", word["string"])]


def _with_prosody(labels: list[str]) -> Iterator[str]:
    """Phones of full-context labels, the silence at both ends left out, with the marks of prosody between them.

    A label has the mora's distance from the accent nucleus (A1) and its place from the front (A2) and the end (A3) of
    its accent phrase, and the number of moras of the phrase (F1).
    """
    found = [LABEL.search(label) for label in labels[1:]]
    for label, following in zip(found, found[1:], strict=False):
        assert label is not None
        phone = label["phone"]
        if phone in {"pau", "sil"}:
            yield PAD
            continue
        yield from _known(VOICED.get(phone, phone))
        place, next_place = _number(label["mora"]), _number(following["mora"]) if following else None
        if place is None or next_place is None:
            continue
        if label["from_end"] == "1" and next_place == 1 and phone in SYLLABIC | set(VOICED):
            yield BORDER
        elif label["to_nucleus"] == "0" and next_place == place + 1 and label["mora"] != label["moras"]:
            yield "]"
        elif place == 1 and next_place == 2:
            yield "["


def _known(phone: str) -> list[str]:
    return mapping("ja_kana_phones.tsv").get(phone, phone).split()


def _number(field: str) -> int | None:
    return None if field == "xx" else int(field)
