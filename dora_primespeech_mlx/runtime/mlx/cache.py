"""Key and value cache of one transformer layer."""

from collections.abc import Sequence

import mlx.core as mx

GROWTH = 256
"""Rows by which buffers grow; so many keep slices in the form that CUDA's fused attention takes."""


class KVCache:
    """Grows in steps and writes in place, so that a new row copies nothing old."""

    def __init__(self) -> None:
        self.offset = 0
        self._keys: mx.array | None = None
        self._values: mx.array | None = None

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Appends rows [B, heads, new, d]; returns all keys and values [B, heads, total, d]."""
        start, end = self.offset, self.offset + keys.shape[2]
        capacity = 0 if self._keys is None else self._keys.shape[2]
        if end > capacity:
            grown = -(-end // GROWTH) * GROWTH - capacity
            self._keys, self._values = (
                mx.zeros((*new.shape[:2], grown, new.shape[3]), new.dtype)
                if old is None
                else mx.concatenate([old, mx.zeros((*new.shape[:2], grown, new.shape[3]), new.dtype)], axis=2)
                for old, new in ((self._keys, keys), (self._values, values))
            )
        assert self._keys is not None and self._values is not None
        self._keys[:, :, start:end], self._values[:, :, start:end] = keys, values
        self.offset = end
        return self._keys[:, :, :end], self._values[:, :, :end]

    def rows(self) -> tuple[mx.array, mx.array]:
        """All keys and values so far, [B, heads, offset, d]."""
        assert self._keys is not None and self._values is not None
        return self._keys[:, :, : self.offset], self._values[:, :, : self.offset]


class FreshRows:
    """Keys and values of one layer as a prefill makes them, kept as they are."""

    keys: mx.array
    values: mx.array

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Keeps all rows [B, heads, T, d] and returns them."""
        self.keys, self.values = keys, values
        return keys, values


def join(caches: Sequence[KVCache]) -> KVCache:
    """One cache of several single texts; shorter ones are padded with zeros on the left."""
    if len(caches) == 1:
        return caches[0]
    longest = max(cache.offset for cache in caches)
    parts = zip(*(cache.rows() for cache in caches), strict=True)
    keys, values = (
        mx.concatenate([mx.pad(rows, [(0, 0), (0, 0), (longest - rows.shape[2], 0), (0, 0)]) for rows in part])
        for part in parts
    )
    joined = KVCache()
    joined.update_and_fetch(keys, values)
    return joined
