"""The text front end: text -> phones of the official checkpoints, for Mandarin, English and both mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.text.languages import Run, checked_language, split_languages
from dora_primespeech_mlx.text.lexicon import parse_lexicon
from dora_primespeech_mlx.text.symbols import MARKS, symbol_table

if TYPE_CHECKING:
    from dora_primespeech_mlx.text.english.phones import English
    from dora_primespeech_mlx.text.mandarin.phones import Mandarin

__all__ = ["Frontend", "Phones", "Span"]

FEWEST_PHONES = 6
FEWEST_ENGLISH_PHONES = 4


@dataclass(frozen=True)
class Span:
    """One language run inside Phones: phones `start` to `end` say `text`.

    `word2ph` has the number of phones of each character of a Mandarin `text` (its sum is end - start); None in English.
    """

    language: str
    text: str
    start: int
    end: int
    word2ph: tuple[int, ...] | None


@dataclass(frozen=True)
class Phones:
    """What a text is said with: phone ids int32 [n], their names, the normalised text, and its language runs."""

    ids: np.ndarray
    names: tuple[str, ...]
    text: str
    spans: tuple[Span, ...]


class Frontend:
    """Text -> Phones. Cheap to build: the tables of a language load with its first text, or by `warm_up`."""

    def __init__(
        self, symbols: str = "v2", lexicon: Mapping[str, str] | None = None, g2pw_dir: Path | None = None
    ) -> None:
        """Choose the phone inventory and the words of the user.

        Args:
            symbols: "v1" (322 phones) or "v2" (732); ValueError for any other.
            lexicon: word -> pinyin with tone digits ("chong2 qing4") for Mandarin words, ARPAbet ("T OW0 M EY1 T OW0")
                for English ones; wins over every dictionary. ValueError for a phone or syllable that does not exist.
            g2pw_dir: folder of the G2PW polyphone model, loaded with the first Mandarin text, once for all front ends
                (FileNotFoundError names a missing file at once); None reads polyphones by dictionary and neighbours
                alone.
        """
        self._symbols = symbol_table(symbols)
        self._lexicon = parse_lexicon(lexicon or {})
        self._g2pw_dir = g2pw_dir
        if g2pw_dir is not None:
            from dora_primespeech_mlx.text.mandarin.g2pw import check_files

            check_files(g2pw_dir)

    def __call__(self, text: str, language: str = "auto", guard: bool = True) -> Phones:
        """Phones of `text`.

        `language` is "zh", "en" or "auto". With `guard`, a text of fewer than six phones is said once more with a "."
        before it, since the checkpoints run on after very short texts. English of fewer than four phones, alone or
        between Mandarin, has a "," before it, as in the official code. ValueError when nothing in `text` can be
        spoken, or when its language is not supported.
        """
        phones = self._phones(text, language)
        if guard and len(phones.ids) < FEWEST_PHONES:
            return self._phones("." + text, language)
        return phones

    def warm_up(self, language: str = "auto") -> None:
        """Load the tables of `language` ("auto": of both), so that the first text is not slower than the rest."""
        language = checked_language(language)
        if language in {"auto", "zh"}:
            self("你好，这是一句话。", "zh")
        if language in {"auto", "en"}:
            self("Hello, this is a sentence.", "en")

    @cached_property
    def _mandarin(self) -> Mandarin:
        from dora_primespeech_mlx.text.mandarin.phones import Mandarin

        polyphones = None
        if self._g2pw_dir is not None:
            from dora_primespeech_mlx.text.mandarin.g2pw import shared_model

            polyphones = shared_model(self._g2pw_dir)
        return Mandarin(self._lexicon, polyphones)

    @cached_property
    def _english(self) -> English:
        from dora_primespeech_mlx.text.english.phones import English

        return English(self._lexicon)

    def _phones(self, text: str, language: str) -> Phones:
        names: list[str] = []
        spans: list[Span] = []
        for run in split_languages(text, language):
            normalised, added, word2ph = self._run(run, bool(spans) and spans[-1].language == "en")
            if _is_short_english(run, added) and (not names or names[-1] not in MARKS):
                added = [",", *added]
            if added:
                spans.append(Span(run.language, normalised, len(names), len(names) + len(added), word2ph))
                names += added
        if not any(name not in MARKS for name in names):
            raise ValueError(f"there is nothing to say in {text[:40]!r}: it has no word and no number")
        joined = "".join(span.text for span in spans)
        return Phones(self._symbols.ids(names), tuple(names), joined, tuple(spans))

    def _run(self, run: Run, follows_latin: bool) -> tuple[str, list[str], tuple[int, ...] | None]:
        if run.language == "zh":
            from dora_primespeech_mlx.text.mandarin.normalise import spoken_mandarin

            text = self._mandarin.readable(spoken_mandarin(run.text))
            phones, counts = self._mandarin.phones(text, follows_latin)
            return text, phones, tuple(counts)
        from dora_primespeech_mlx.text.english.normalise import spoken_english

        text = spoken_english(run.text, self._lexicon.english)
        return text, self._english.phones(text), None


def _is_short_english(run: Run, phones: Sequence[str]) -> bool:
    """Whether an English run is so short that the official code puts a comma before it."""
    is_english = run.language == "en" and not run.within_name
    return is_english and 0 < len(phones) < FEWEST_ENGLISH_PHONES and phones[0] not in MARKS
