"""Dimensions of the T2S network."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

BERT_DIM = 1024


@dataclass(frozen=True)
class T2SConfig:
    """Dimensions of a model. `head_dim` sets the attention scale; the weights hold heads of `head_width`."""

    hidden: int
    heads: int
    layers: int
    feed_forward: int
    phones: int
    vocabulary: int
    end: int
    head_dim: int
    head_width: int
    max_seconds: int

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray], config: Mapping) -> Self:
        """Dimensions from sanitised weights; the number of heads and the limit in seconds from the config."""
        model = config.get("model", {})
        feed_forward, hidden = weights["h.layers.0.linear1.weight"].shape
        heads = int(model.get("head", hidden // 32))
        vocabulary = weights["ar_predict_layer.weight"].shape[0]
        return cls(
            hidden=hidden,
            heads=heads,
            layers=len({name.split(".")[2] for name in weights if name.startswith("h.layers.")}),
            feed_forward=feed_forward,
            phones=weights["ar_text_embedding.word_embeddings.weight"].shape[0],
            vocabulary=vocabulary,
            end=int(model.get("EOS", vocabulary - 1)),
            head_dim=hidden // heads,
            head_width=weights["h.layers.0.self_attn.in_proj.weight"].shape[0] // (3 * heads),
            max_seconds=int(config.get("data", {}).get("max_sec", 54)),
        )


def sine_table(rows: int, width: int) -> np.ndarray:
    """Interleaved sine and cosine positions, float32 [rows, width]."""
    rate = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-math.log(10000.0) / width))
    angle = np.arange(rows, dtype=np.float32)[:, None] * rate
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(rows, width)
