"""Words with times as files: JSON for programs, SubRip and WebVTT for players."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from dora_primespeech_mlx.files.writing import check_place, replace_file
from dora_primespeech_mlx.speech import Word

SUFFIXES = (".json", ".srt", ".vtt")
LONGEST_LINE = 42
"""Characters of a subtitle; wide ones count twice."""
PAUSE = 0.4
"""Seconds without a word that end a subtitle."""


def check_words_file(path: Path) -> None:
    """ValueError for a file of no kind that words are written to; OSErrors as `check_place`."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: words are written to files named {', '.join(SUFFIXES)}.")
    check_place(path)


def write_words(path: Path, text: str, words: Sequence[Word]) -> None:
    """Writes the words of a text in the form that the file's name says.

    JSON is a list of objects with `text`, `start` and `end` (characters of the text), `begins` and `ends` (seconds). A
    subtitle has words up to a pause or a line's length, as they are written; in WebVTT each has its own time too.
    """
    kind = path.suffix.lower()
    if kind == ".json":
        lines = [json.dumps(vars(word), ensure_ascii=False) for word in words]
        content = "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
    elif kind == ".srt":
        content = "".join(
            f"{number}\n{_clock(cue[0].begins, ',')} --> {_clock(cue[-1].ends, ',')}\n{_written(text, cue)}\n\n"
            for number, cue in enumerate(_cues(text, words), 1)
        )
    else:
        content = "WEBVTT\n\n" + "".join(
            f"{_clock(cue[0].begins)} --> {_clock(cue[-1].ends)}\n{_karaoke(text, cue)}\n\n"
            for cue in _cues(text, words)
        )
    replace_file(path, content.encode("utf-8"))


def _cues(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    cue: list[Word] = []
    for word in words:
        if cue and (word.begins - cue[-1].ends > PAUSE or _width(_written(text, [*cue, word])) > LONGEST_LINE):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _written(text: str, cue: Sequence[Word]) -> str:
    """The words as they are written, with the marks between them and behind the last."""
    return " ".join((text[cue[0].start : cue[-1].end] + _marks(text, cue[-1])).split())


def _marks(text: str, word: Word) -> str:
    """What stands right behind a word up to the next blank, word or bracket."""
    end = word.end
    while end < len(text) and text[end] in ",.!?;:…、，。！？；：”\"'’)）」』":
        end += 1
    return text[word.end : end]


def _karaoke(text: str, cue: Sequence[Word]) -> str:
    parts = [_escaped(text[cue[0].start : cue[0].end])]
    for before, word in zip(cue, cue[1:], strict=False):
        parts.append(_escaped(text[before.end : word.start]))
        parts.append(f"<{_clock(word.begins)}>{_escaped(text[word.start : word.end])}")
    return " ".join(("".join(parts) + _escaped(_marks(text, cue[-1]))).split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _width(text: str) -> int:
    return sum(2 if character >= "\u2e80" else 1 for character in text)


def _clock(seconds: float, point: str = ".") -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
