"""Texts that come and go on MLX, decoded together by separate operations."""

from collections.abc import Callable, Sequence
from typing import Protocol

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.interface import T2SSession, Text
from dora_primespeech_mlx.runtime.mlx.cache import GROWTH

MOST = 64


class Prefilled(T2SSession, Protocol):
    """A single text that can be decoded, or handed over."""

    def rows(self) -> tuple[list[tuple[mx.array, mx.array]], int]:
        """Keys and values of each layer, [1, heads, rows, d], and the position of the next code."""
        ...


class MlxT2SRows:
    """See `runtime.interface.T2SRows`. A text that is there alone from its beginning is decoded without any mask."""

    most = MOST

    def __init__(self, model: T2S, start: Callable[[Sequence[Text], np.ndarray], Prefilled]):
        self._model, self._start = model, start
        self._alone: Prefilled | None = None
        self._caches: list[_Cache] = []
        self._positions = self._lengths = np.zeros(0, np.int32)

    def join(self, text: Text, prompt: np.ndarray) -> mx.array:
        """See `runtime.interface.T2SRows`."""
        session = self._start([text], prompt)
        if not self._caches and self._alone is None:
            self._alone = session
        else:
            if self._alone is not None:
                self._add(self._alone)
                self._alone = None
            self._add(session)
        return session.logits[0]

    def leave(self, row: int) -> None:
        """See `runtime.interface.T2SRows`."""
        self._alone = None
        rest = np.delete(np.arange(len(self._lengths)), row) if len(self._lengths) else self._lengths
        self._positions, self._lengths = self._positions[rest], self._lengths[rest]
        for cache in self._caches:
            cache.keep(rest)
        if not len(rest):
            self._caches = []

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        if self._alone is not None:
            return self._alone.cached(0, layer, first, last)
        keys, values = (np.array(array[row, :, first:last].astype(mx.float32)) for array in self._caches[layer].arrays)
        return keys, values

    def step(self, rows: Sequence[int], codes: mx.array) -> mx.array:
        """See `runtime.interface.T2SRows`; those that wait are computed too, and what they wrote is written over."""
        if self._alone is not None:
            return self._alone.step(codes)
        which = None
        if len(rows) < len(self._lengths):
            which = mx.array(np.array(rows))
            given = mx.zeros((len(self._lengths),), codes.dtype)
            given[which] = codes
            codes = given
        lengths = mx.array(self._lengths)[:, None, None, None]
        for cache in self._caches:
            cache.make_room(int(self._lengths.max()) + 1, lengths)
        x = self._model.embed_audio(codes[:, None], mx.array(self._positions)[:, None])
        mask = mx.arange(self._caches[0].capacity) <= lengths
        logits = self._model.logits(self._model(x, mask, self._caches)[:, 0])
        self._lengths[rows], self._positions[rows] = self._lengths[rows] + 1, self._positions[rows] + 1
        mx.async_eval(logits)
        return logits if which is None else logits[which]

    def _add(self, session: Prefilled) -> None:
        rows, position = session.rows()
        self._caches = self._caches or [_Cache() for _ in rows]
        for cache, (keys, values) in zip(self._caches, rows, strict=True):
            cache.add(keys, values)
        self._lengths = np.append(self._lengths, np.int32(rows[0][0].shape[2]))
        self._positions = np.append(self._positions, np.int32(position))


class _Cache:
    """Keys and values of one layer, `arrays` [B, heads, capacity, d] each, of texts of different lengths."""

    def __init__(self) -> None:
        self.arrays: list[mx.array] = []
        self._lengths = mx.zeros((0, 1, 1, 1), mx.int32)

    @property
    def capacity(self) -> int:
        """Rows that there is room for."""
        return self.arrays[0].shape[2]

    def add(self, *rows: mx.array) -> None:
        """One more text: its keys and values [1, heads, length, d]."""
        self._widen(rows[0].shape[2])
        longer = [_longer(array, self.capacity if self.arrays else _room(array.shape[2])) for array in rows]
        joined = zip(self.arrays, longer, strict=True)
        self.arrays = [mx.concatenate(list(both)) for both in joined] if self.arrays else longer

    def keep(self, rows: np.ndarray) -> None:
        """Forgets the other texts."""
        self.arrays = [array[mx.array(rows)] for array in self.arrays] if len(rows) else []

    def make_room(self, length: int, lengths: mx.array) -> None:
        """Before a step: the longest text will have so many rows; how many each has, [B, 1, 1, 1]."""
        self._widen(length)
        self._lengths = lengths

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Writes a row [B, heads, 1, d] behind each text; returns all, of which the caller masks what is not real."""
        at = mx.broadcast_to(self._lengths, keys.shape)
        old, self.arrays = self.arrays, []
        self.arrays = [mx.put_along_axis(old.pop(0), at, new.astype(keys.dtype), axis=2) for new in (keys, values)]
        return self.arrays[0], self.arrays[1]

    def _widen(self, length: int) -> None:
        if self.arrays and length > self.capacity:
            self.arrays = [_longer(array, _room(length)) for array in self.arrays]


def _room(length: int) -> int:
    return -(-length // GROWTH) * GROWTH


def _longer(array: mx.array, capacity: int) -> mx.array:
    return mx.pad(array, [(0, 0), (0, 0), (0, capacity - array.shape[2]), (0, 0)])
