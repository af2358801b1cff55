"""A T2S step over a cache of one size, which `mx.compile` can take: written at a position that is data, and masked.

The package does not decode this way; it is here to be compared with the way it does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import mlx.core as mx

from dora_primespeech_mlx.nets.t2s import T2S

Step = Callable[..., tuple[mx.array, list[mx.array], list[mx.array]]]


@dataclass
class StaticLayer:
    """One layer's part: `keys` and `values` [B, heads, capacity, d], written at `position` [1]."""

    keys: mx.array
    values: mx.array
    position: mx.array

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Writes one row and returns the whole buffers."""
        self.keys = mx.slice_update(self.keys, keys, self.position, axes=[2])
        self.values = mx.slice_update(self.values, values, self.position, axes=[2])
        return self.keys, self.values


@dataclass(frozen=True)
class StaticCache:
    """Keys and values of every layer."""

    keys: list[mx.array]
    values: list[mx.array]

    @classmethod
    def of(cls, model: T2S, capacity: int) -> Self:
        """A cache of random rows."""
        config, dtype = model.config, model.ar_audio_embedding.word_embeddings.weight.dtype
        shape = (1, config.heads, capacity, config.head_width)
        made = cls(*([mx.random.normal(shape).astype(dtype) for _ in range(config.layers)] for _ in range(2)))
        mx.eval(made.keys, made.values)
        return made


def static_step(model: T2S, compiled: bool) -> Step:
    """Token [1, 1], row [1], keys and values of every layer to scores [1, vocabulary], keys and values.

    The position in the audio is taken to be the row's, which changes no time.
    """

    def step(
        token: mx.array, row: mx.array, keys: Sequence[mx.array], values: Sequence[mx.array]
    ) -> tuple[mx.array, list[mx.array], list[mx.array]]:
        layers = [StaticLayer(k, v, row) for k, v in zip(keys, values, strict=True)]
        mask = (mx.arange(keys[0].shape[2]) <= row)[None, None, None]
        logits = model.logits(model(model.embed_audio(token, row), mask, layers)[:, 0])
        return logits, [layer.keys for layer in layers], [layer.values for layer in layers]

    return mx.compile(step) if compiled else step
