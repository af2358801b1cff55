"""The text front end: text -> phones of the official checkpoints, for five languages and any of them mixed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.text.inband import KEPT, without_signs
from dora_primespeech_mlx.text.languages import Run, checked_language, matrix_language, split_languages
from dora_primespeech_mlx.text.lexicon import parse_lexicon
from dora_primespeech_mlx.text.marked_pinyin import pinyin_notes
from dora_primespeech_mlx.text.notation import Note
from dora_primespeech_mlx.text.noted import Noted, noted, places_after
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.scripts import NAMES, Habits
from dora_primespeech_mlx.text.symbols import MARKS, symbol_table

if TYPE_CHECKING:
    from dora_primespeech_mlx.text.cantonese.phones import Cantonese
    from dora_primespeech_mlx.text.english.phones import English
    from dora_primespeech_mlx.text.japanese.phones import Japanese
    from dora_primespeech_mlx.text.korean.phones import Korean
    from dora_primespeech_mlx.text.mandarin.phones import Mandarin

__all__ = ["Frontend", "Phones", "Span"]

FEWEST_PHONES = 6
FEWEST_ENGLISH_PHONES = 4
SPOKEN_BY_V1 = ("zh", "en", "ja")
# What a language needs beside the project: the module, the package, and the extra that brings it.
PACKAGES = {
    "ja": ("pyopenjtalk", "pyopenjtalk-plus", "ja"),
    "ko": ("mecab", "python-mecab-ko", "ko"),
    "yue": ("ToJyutping", "ToJyutping", ""),
}
TRIAL = {
    "zh": "你好，这是一句话。",
    "en": "Hello, this is a sentence.",
    "ja": "こんにちは、テストです。",
    "ko": "안녕하세요, 시험입니다.",
    "yue": "你好，呢句係測試。",
}


Unit = tuple[str, tuple[str, ...]]
"""Something that is said, a word or a character or a mark, and its phones."""


@dataclass(frozen=True)
class Span:
    """One language run inside Phones: phones `start` to `end` say `text`.

    `word2ph` has the number of phones of each character of a Mandarin or Cantonese `text` (its sum is end - start);
    None in other languages. `units` are what is said one after the other, and the number of phones of each: characters
    in those two languages, words and marks in English and Korean, what stands between two marks in Japanese.
    """

    language: str
    text: str
    start: int
    end: int
    word2ph: tuple[int, ...] | None
    units: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Phones:
    """What a text is said with: phone ids int32 [n], their names, the normalised text, and its language runs."""

    ids: np.ndarray
    names: tuple[str, ...]
    text: str
    spans: tuple[Span, ...]


ONE = ("yi", 1)
NAMED_ONE = regex(r"1(?![\d.,:/])")


class Frontend:
    """Text -> Phones. Cheap to build: the tables of a language load with its first text, or by `warm_up`."""

    def __init__(
        self,
        symbols: str | tuple[str, ...] = "v2",
        lexicon: Mapping[str, str] | None = None,
        g2pw_dir: Path | None = None,
        home: str = "zh",
        speaks: Collection[str] = (),
    ) -> None:
        """Choose the phone inventory and the words of the user.

        Args:
            symbols: "v1" (322 phones) or "v2" (732), or the names of another inventory; ValueError for any other word.
            lexicon: word -> pinyin with tone digits ("chong2 qing4") for Mandarin words, ARPAbet ("T OW0 M EY1 T OW0")
                for English ones; wins over every dictionary. ValueError for a phone or syllable that does not exist.
            g2pw_dir: folder of the G2PW polyphone model, loaded with the first Mandarin text, once for all front ends
                (FileNotFoundError names a missing file at once); None reads polyphones by dictionary and neighbours
                alone.
            home: who reads Han characters of "auto" where a text does not show its language: the voice's language.
            speaks: languages of the voice; () for all that its symbols have.
        """
        self._symbols = symbol_table(symbols)
        self._lexicon = parse_lexicon(lexicon or {})
        self._habits = Habits(
            _members(checked_language(home))[0],
            tuple(speaks) or (SPOKEN_BY_V1 if symbols == "v1" else tuple(NAMES)),
            frozenset((*self._lexicon.japanese, *self._lexicon.korean)),
        )
        self._g2pw_dir = g2pw_dir
        if g2pw_dir is not None:
            from dora_primespeech_mlx.text.mandarin.g2pw import check_files

            check_files(g2pw_dir)

    def __call__(self, text: str, language: str = "auto", guard: bool = True, notes: Sequence[Note] = ()) -> Phones:
        """Phones of `text`, said as `notes` want it.

        `language` is one of `LANGUAGES`. With `guard`, a text of fewer than six phones is said once more with a "."
        before it, since the checkpoints run on after very short texts. English of fewer than four phones, alone or
        between Mandarin, has a "," before it, as in the official code. ValueError when nothing in `text` can be
        spoken, or when it has a language that the voice does not speak or whose package is not installed.
        """
        language = self._habits.resolved(language)
        if _members(checked_language(language))[0] in {"zh", "en"}:
            notes = (*notes, *pinyin_notes(text))
        given = noted(text, notes, matrix_language(text, language)) if notes else Noted(text)
        phones = self._phones(given, language)
        if guard and len(phones.ids) < FEWEST_PHONES:
            # A full stop before a digit would make a fraction of it.
            mark = "。" if given.text[:1].isdigit() else "."
            return self._phones(replace(given, text=mark + given.text), language)
        return phones

    def check(self, language: str) -> None:
        """ValueError with the way out if the texts of `language` cannot be read here."""
        for name in set(_members(checked_language(language))) - {"zh", "en"}:
            self._check(name)

    def warm_up(self, language: str = "auto") -> None:
        """Load the tables of `language` ("auto": Mandarin, English and the voice's own), for a first text like any."""
        language = checked_language(language)
        for name in dict.fromkeys((*_members(language), *([self._habits.home] if language == "auto" else []))):
            self(TRIAL[name], name)

    @cached_property
    def _mandarin(self) -> "Mandarin":
        from dora_primespeech_mlx.text.mandarin.phones import Mandarin

        polyphones = None
        if self._g2pw_dir is not None:
            from dora_primespeech_mlx.text.mandarin.g2pw import shared_model

            polyphones = shared_model(self._g2pw_dir)
        return Mandarin(self._lexicon, polyphones)

    @cached_property
    def _english(self) -> "English":
        from dora_primespeech_mlx.text.english.phones import English

        return English(self._lexicon)

    @cached_property
    def _japanese(self) -> "Japanese":
        from dora_primespeech_mlx.text.japanese.phones import Japanese

        return Japanese(self._lexicon.japanese)

    @cached_property
    def _korean(self) -> "Korean":
        from dora_primespeech_mlx.text.korean.phones import Korean

        return Korean(self._lexicon.korean)

    @cached_property
    def _cantonese(self) -> "Cantonese":
        from dora_primespeech_mlx.text.cantonese.phones import Cantonese

        return Cantonese(self._lexicon.cantonese)

    def _check(self, language: str) -> None:
        if language not in self._habits.speaks:
            spoken = " and ".join(NAMES[name] for name in self._habits.speaks)
            raise ValueError(
                f"this voice does not speak {NAMES[language]}: it speaks {spoken}. Take a voice of a model that does"
            )
        module, package, extra = PACKAGES[language]
        if find_spec(module) is None:
            way = f"'dora-primespeech-mlx[{extra}]'" if extra else package
            raise ValueError(f"{NAMES[language]} needs {package}, which is not installed: pip install {way}")

    def _phones(self, given: Noted, language: str) -> Phones:
        names: list[str] = []
        spans: list[Span] = []
        readings = list(given.readings)
        before = ""
        for run in split_languages(given.text, language, self._habits):
            follows_latin = bool(spans) and spans[-1].language == "en"
            # The 1 of G1 names something, and keeps its tone.
            first = ONE if before.isascii() and before.isalpha() and NAMED_ONE.match(run.text) else None
            before = run.text[-1:]
            normalised, units, word2ph = self._run(run, given, readings, follows_latin, first)
            added = [phone for _, phones in units for phone in phones]
            if _is_short_english(run, added) and (not names or names[-1] not in MARKS):
                added, units = [",", *added], [(",", (",",)), *units]
            if added:
                counted = tuple((said, len(phones)) for said, phones in units)
                spans.append(Span(run.language, normalised, len(names), len(names) + len(added), word2ph, counted))
                names += added
        if not any(name not in MARKS for name in names):
            raise ValueError(f"there is nothing to say in {given.text[:40]!r}: it has no word and no number")
        joined = "".join(span.text for span in spans)
        return Phones(self._symbols.ids(names), tuple(names), joined, tuple(spans))

    def _run(
        self,
        run: Run,
        given: Noted,
        readings: list[tuple[str, int]],
        follows_latin: bool,
        first: tuple[str, int] | None,
    ) -> tuple[str, list[Unit], tuple[int, ...] | None]:
        """What is said of a run, and how; it takes its share of the `readings` that are given.

        `first` is the reading of its first character, where what stands before decides it.
        """
        if run.language == "zh":
            from dora_primespeech_mlx.text.mandarin.normalise import spoken_mandarin

            text = self._mandarin.readable(spoken_mandarin(without_signs(run.text)))
            places = places_after(run.text, text) if KEPT in run.text else []
            fixed = ({0: first} if first and text.startswith("一") else {}) | dict(zip(places, readings, strict=False))
            del readings[: len(places)]
            phones, counts = self._mandarin.phones(text, fixed, follows_latin)
            return text, _characters(text, phones, counts), tuple(counts)
        if run.language in PACKAGES:
            return self._other_run(run)
        from dora_primespeech_mlx.text.english.normalise import spoken_english

        english = self._english
        if given.words:
            from dora_primespeech_mlx.text.english.phones import English

            own = {word: phones for word, (phones, _) in given.words.items()}
            english = English(replace(self._lexicon, english=self._lexicon.english | own))
        text = spoken_english(run.text, self._lexicon.english)
        return given.shown(text), [(given.shown(word), phones) for word, phones in english.words(text)], None

    def _other_run(self, run: Run) -> tuple[str, list[Unit], tuple[int, ...] | None]:
        self._check(run.language)
        if run.language == "yue":
            from dora_primespeech_mlx.text.cantonese.normalise import spoken_cantonese

            text = self._cantonese.readable(spoken_cantonese(run.text))
            phones, counts = self._cantonese.phones(text)
            return text, _characters(text, phones, counts), tuple(counts)
        if run.language == "ja":
            from dora_primespeech_mlx.text.japanese.normalise import spoken_japanese

            text = spoken_japanese(self._japanese.with_own_words(run.text))
            return text, self._japanese.parts(text), None
        from dora_primespeech_mlx.text.korean.normalise import spoken_korean

        text = spoken_korean(run.text)
        return text, self._korean.words(text), None


def _characters(text: str, phones: Sequence[str], counts: Sequence[int]) -> list[Unit]:
    """Each character of a text with its share of the phones."""
    ends = accumulate(counts)
    return [
        (character, tuple(phones[end - count : end])) for character, count, end in zip(text, counts, ends, strict=True)
    ]


def _members(language: str) -> tuple[str, ...]:
    """The languages that texts of `language` are surely in."""
    return {"auto": ("zh", "en"), "auto_yue": ("yue", "en")}.get(language, (language,))


def _is_short_english(run: Run, phones: Sequence[str]) -> bool:
    """Whether an English run is so short that the official code puts a comma before it."""
    is_english = run.language == "en" and not run.within_name
    return is_english and 0 < len(phones) < FEWEST_ENGLISH_PHONES and phones[0] not in MARKS
