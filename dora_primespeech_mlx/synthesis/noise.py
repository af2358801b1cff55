"""Random numbers of a request, the same on every executor and for every way of cutting the audio into chunks."""

from collections.abc import Callable

import numpy as np

RowNoise = Callable[[int, int], np.ndarray]
"""Rows start to stop of an endless noise table, float32 [stop - start, width]."""

_BLOCK = 16
"""Rows that are made at a time: few, so that a step of many sentences never waits for all that they need later."""


class NoiseTable:
    """Rows of noise by absolute index, made in order and kept while a sentence lasts.

    Args:
        kind: "normal", or "exponential" of rate 1 and never zero, since probabilities are divided by it.
        width: numbers in a row.
        seed: whole numbers that name the stream, e.g. (request seed, sentence, attempt).
    """

    def __init__(self, kind: str, width: int, seed: tuple[int, ...]):
        self._width = width
        generator = np.random.default_rng([*seed, len(kind)])
        self._make = generator.standard_normal if kind == "normal" else generator.standard_exponential
        self._never_zero = kind == "exponential"
        self._blocks = [np.empty((0, width), dtype=np.float32)]

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop`."""
        while len(self._blocks) <= -(-stop // _BLOCK):
            rows = self._make((_BLOCK, self._width), dtype=np.float32)
            if self._never_zero:
                np.maximum(rows, np.finfo(np.float32).tiny, out=rows)
            self._blocks.append(rows)
        first = start // _BLOCK
        rows = np.concatenate(self._blocks[first + 1 : -(-stop // _BLOCK) + 1] or self._blocks[:1])
        return rows[start - first * _BLOCK : stop - first * _BLOCK]
