"""Mandarin words with their parts of speech, as jieba finds them, from the data files of the jieba package.

jieba itself is not imported: it builds dictionaries of 130 MB in about 1.3 s, while the searches here work on the bytes
of its word list, ready in some 50 ms. A graph of all dictionary words gives the likeliest cut; characters that no word
covers go through jieba's hidden Markov model over (position in the word, part of speech).
"""

import importlib.util
import re
from functools import cache, lru_cache
from math import log
from typing import Any

import numpy as np

from dora_primespeech_mlx.text.tables import package_file

LONGEST_WORD = 16
# No sentence has so many characters in a row without a single word; the model, slow on long runs, is not asked then.
LONGEST_LOOSE = 64
# Sum of all frequencies in the word list of jieba 0.42.
LOG_TOTAL = log(60_101_967)
NEVER = -3.14e100
State = tuple[str, str]
# States of a character that the model has never seen: a noun or a part of one.
UNSEEN: tuple[State, ...] = tuple((position, tag) for position in "BMES" for tag in ("n", "nr"))


class WordList:
    """The word list of jieba (`word frequency tag`, one a line, grouped by first character), searched as bytes."""

    def __init__(self) -> None:
        """Read the list; FileNotFoundError when jieba is not installed."""
        self._block = b"\n" + package_file("jieba", "dict.txt").read_bytes()
        data = np.frombuffer(self._block, np.uint8)
        starts = np.flatnonzero(data[:-4] == 0x0A)
        heads = np.stack([data[starts + offset] for offset in (1, 2, 3)], axis=1).astype(np.int64)
        keys = heads @ np.array([65536, 256, 1])
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        ends = np.concatenate([starts[first[1:]], [len(self._block) - 1]]) + 1
        self._ranges: dict[bytes, list[tuple[int, int]]] = {}
        for start, end in zip(starts[first].tolist(), ends.tolist(), strict=True):
            self._ranges.setdefault(self._block[start + 1 : start + 4], []).append((start, end))

    def find(self, word: str) -> tuple[int, str] | None:
        """Frequency and tag of `word`, None when it is not in the list."""
        key = b"\n" + word.encode("utf-8") + b" "
        for start, end in self._ranges.get(key[1:4], ()):
            at = self._block.find(key, start, end)
            if at >= 0:
                line_end = self._block.find(b"\n", at + 1)
                frequency, tag = self._block[at + len(key) : line_end].split()
                return int(frequency), tag.decode("ascii")
        return None

    def begins_word(self, text: str) -> bool:
        """Whether some word of the list begins with `text`."""
        key = b"\n" + text.encode("utf-8")
        return any(self._block.find(key, start, end) >= 0 for start, end in self._ranges.get(key[1:4], ()))


@cache
def _word_list() -> WordList:
    return WordList()


@lru_cache(maxsize=50_000)
def _entry(word: str) -> tuple[float, str] | None:
    """(Log probability, tag) of a dictionary word; words that only begin others have none."""
    found = _word_list().find(word)
    return (log(found[0] or 1) - LOG_TOTAL, found[1]) if found else None


@lru_cache(maxsize=50_000)
def _goes_on(text: str) -> bool:
    return _word_list().begins_word(text)


def in_word_list(word: str) -> bool:
    """Whether jieba knows `word`."""
    return _entry(word) is not None


def word_tag(word: str) -> str | None:
    """The part of speech that jieba's list gives `word`, None when it is not in the list."""
    entry = _entry(word)
    return entry[1] if entry else None


def tagged_words(text: str, known: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """Words of `text` with the part-of-speech tags of jieba, in order; joined they are `text`.

    The words `known` are kept whole wherever they stand.
    """
    words: list[tuple[str, str]] = []
    for block in re.findall(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._]+|[^\u4e00-\u9fd5a-zA-Z0-9+#&._]", text):
        if re.match(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._]", block):
            words += _tagged_block(block, known)
        else:
            words.append((block, "x"))
    return words


def _tagged_block(text: str, known: frozenset[str]) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    loose = ""
    for word in _likeliest_cut(text, known):
        if len(word) == 1:
            loose += word
            continue
        words += _tagged_loose(loose)
        loose = ""
        entry = _entry(word)
        words.append((word, entry[1] if entry else "n"))
    return words + _tagged_loose(loose)


@lru_cache(maxsize=100)
def _lengths(known: frozenset[str]) -> tuple[int, ...]:
    return tuple(sorted({len(word) for word in known} - {1}))


def _likeliest_cut(text: str, known: frozenset[str]) -> list[str]:
    """The cut of `text` into dictionary words and single characters whose product of probabilities is largest."""
    size = len(text)
    sizes = _lengths(known)
    best: list[tuple[float, int]] = [(0.0, 0)] * (size + 1)
    for start in range(size - 1, -1, -1):
        single = _entry(text[start])
        choices = [((single[0] if single else -LOG_TOTAL) + best[start + 1][0], start + 1)]
        for end in range(start + 2, min(size, start + LONGEST_WORD) + 1):
            word = text[start:end]
            if not _goes_on(word):
                break
            if entry := _entry(word):
                choices.append((entry[0] + best[end][0], end))
        choices += [
            (best[start + length][0], start + length)
            for length in sizes
            if start + length <= size and text[start : start + length] in known
        ]
        best[start] = max(choices)
    cut, start = [], 0
    while start < size:
        cut.append(text[start : best[start][1]])
        start = best[start][1]
    return cut


def _tagged_loose(text: str) -> list[tuple[str, str]]:
    """Words of a run of characters that the cut left single."""
    if not 2 <= len(text) <= LONGEST_LOOSE or _entry(text):
        return [(character, entry[1] if (entry := _entry(character)) else "x") for character in text]
    words: list[tuple[str, str]] = []
    for part in re.findall(r"[\u4e00-\u9fd5]+|[.0-9]+|[a-zA-Z0-9]+|.", text):
        if "\u4e00" <= part[0] <= "\u9fd5":
            words += _unknown_words(part)
        else:
            words.append((part, "m" if re.match(r"[.0-9]", part) else "eng" if part[0].isalnum() else "x"))
    return words


@cache
def _model(name: str) -> dict[Any, Any]:
    """The table `P` of the module `name` in jieba's tagger, without running the package around it."""
    spec = importlib.util.spec_from_file_location(f"_jieba_{name}", package_file("jieba", f"posseg/{name}.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"the table posseg/{name}.py of jieba cannot be read: install jieba 0.42")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table: dict[Any, Any] = module.P
    return table


def _unknown_words(text: str) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    start = 0
    states = _likeliest_states(text)
    for index, (position, tag) in enumerate(states):
        if position == "B":
            start = index
        elif position == "S" or position == "E":
            begin = index if position == "S" else start
            words.append((text[begin : index + 1], tag))
            start = index + 1
    if start < len(text):
        words.append((text[start:], states[start][1]))
    return words


@lru_cache(maxsize=5_000)
def _likeliest_states(text: str) -> list[State]:
    """Viterbi path of (B, M, E or S; tag) through the characters of `text`."""
    states, begin = _model("char_state_tab"), _model("prob_start")
    follow, emit = _model("prob_trans"), _model("prob_emit")
    scores: dict[State, float] = {
        state: begin[state] + emit[state].get(text[0], NEVER) for state in states.get(text[0], UNSEEN)
    }
    history: list[dict[State, State]] = []
    for character in text[1:]:
        previous = [state for state in scores if follow[state]]
        reachable = {state for origin in previous for state in follow[origin]}
        allowed = (set(states.get(character, UNSEEN)) & reachable) or reachable or set(UNSEEN)
        best = {
            state: max((scores[origin] + follow[origin].get(state, float("-inf")), origin) for origin in previous)
            for state in allowed
        }
        scores = {state: score + emit[state].get(character, NEVER) for state, (score, _) in best.items()}
        history.append({state: origin for state, (_, origin) in best.items()})
    state = max(scores, key=lambda candidate: (scores[candidate], candidate))
    path = [state]
    for origins in reversed(history):
        path.append(origins[path[-1]])
    return path[::-1]


@lru_cache(maxsize=20_000)
def halves(word: str) -> tuple[str, str]:
    """`word` cut in two around its shortest dictionary part: 老虎口 -> 老虎, 口."""
    parts: list[str] = []
    for part, _ in tagged_words(word):
        for size in (2, 3):
            if len(part) > size:
                grams = (part[at : at + size] for at in range(len(part) - size + 1))
                parts += [gram for gram in grams if _entry(gram)]
        parts.append(part)
    shortest = min(parts, key=len)
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest
