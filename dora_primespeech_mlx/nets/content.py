"""The content encoder of the model that ships: what a recording says, as codes of that model.

Its codes are classes of what is heard in 40 ms (phone, tone, pitch and loudness beside the speaker's own), so this is a
classifier, where official models quantise HuBERT's features. Convolutions over filter banks, 50 and then 25 a second,
see a second or so to either side. Before the last blocks it is told what the whole recording is like: the mean of all
frames, and pitch and loudness beside their own mean.
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.encoders import ContentConfig

MEASURES = 3
"""Voicing, pitch and loudness, the last rows of the layer that training reads phones from too."""


class Block(nn.Module):
    """A convolution for each channel, then two layers across channels."""

    def __init__(self, width: int, inner: int, kernel: int):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, inner)
        self.reduce = nn.Linear(inner, width)
        self.scale = mx.ones((width,))

    def __call__(self, x: mx.array, keep: mx.array) -> mx.array:
        """x [B, T, width], keep [B, T, 1] of real frames; returns [B, T, width]."""
        y = self.norm(self.depthwise(x * keep))
        return x + self.scale * self.reduce(nn.gelu(self.expand(y)))


class Content(nn.Module):
    """The whole network."""

    def __init__(self, config: ContentConfig):
        super().__init__()
        self._config = config
        width = config.width

        def blocks(kernels: tuple[int, ...]) -> list[Block]:
            return [Block(width, config.inner, kernel) for kernel in kernels]

        self.stem = nn.Conv1d(config.bands, width, 5, padding=2)
        self.halve = nn.Conv1d(width, width, 4, 2, padding=1)
        self.fine = blocks(config.fine)
        self.pair = nn.Conv1d(width, width, 2, 2)
        self.coarse = blocks(config.coarse)
        self.norm = nn.LayerNorm(width)
        self.measures = nn.Linear(width, MEASURES)
        self.whole = nn.Linear(width + MEASURES, width)
        self.last = blocks(config.last)
        self.last_norm = nn.LayerNorm(width)
        self.codes = nn.Linear(width, config.codes)

    @property
    def config(self) -> ContentConfig:
        """Dimensions of this model."""
        return self._config

    def __call__(self, banks: mx.array, mask: mx.array) -> mx.array:
        """Scores of every code for each 40 ms of a recording; they are the same however far it is padded.

        Args:
            banks: [B, L, 4 bands], and
            mask: [B, L], both as `ContentConfig.blocks` makes them.

        Returns:
            logarithmic scores [B, L, codes], up to a constant.
        """
        B, L, _ = banks.shape
        keep = mask[..., None]
        fine = mx.concatenate([keep, keep], axis=2).reshape(B, 2 * L, 1)
        first = mx.concatenate([fine, fine], axis=2).reshape(B, 4 * L, 1)
        x = nn.gelu(self.stem(banks.reshape(B, 4 * L, self._config.bands)))
        x = nn.gelu(self.halve(x * first))
        for block in self.fine:
            x = block(x, fine)
        x = self.pair(x)
        for block in self.coarse:
            x = block(x, keep)
        x = self.norm(x)
        voiced, pitch, loudness = mx.split(self.measures(x), MEASURES, axis=-1)
        share = mx.sigmoid(voiced) * keep
        total = share.sum(axis=1, keepdims=True) + 1e-3
        relative = [(v - (v * share).sum(axis=1, keepdims=True) / total) * share for v in (pitch, loudness)]
        mean = (x * keep).sum(axis=1, keepdims=True) / keep.sum(axis=1, keepdims=True)
        told = mx.concatenate([mx.broadcast_to(mean, x.shape), share, *relative], axis=-1)
        x = x + self.whole(told)
        for block in self.last:
            x = block(x, keep)
        return self.codes(self.last_norm(x))


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors as training writes them to this module's: convolutions channels-last, of `parts` only the measures."""
    clean = {}
    for name, value in weights.items():
        if name.startswith("parts."):
            name, value = name.replace("parts.", "measures."), value[-MEASURES:]
        clean[name] = np.ascontiguousarray(value.transpose(0, 2, 1) if value.ndim == 3 else value)
    return clean
