"""T2S (the s1 model of GPT-SoVITS): phones and prompt codes to semantic codes, one at a time.

A post-norm transformer over [text; audio]. Text rows see the whole text and no audio; audio rows see the text and the
audio up to themselves, so a prefill and single steps with a cache give the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM, T2SConfig, sine_table

MAX_POSITIONS = 4000


class LayerCache(Protocol):
    """What a layer asks of its cache: take the new rows, give back all of them."""

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Appends [B, heads, new, d] and returns all keys and values [B, heads, total, d]."""
        ...


class TokenEmbedding(nn.Module):
    """A table under the official name."""

    def __init__(self, count: int, width: int):
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)


class Position(nn.Module):
    """The learned weight of the sine positions."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = mx.ones((1,))


def added(x: mx.array, linear: nn.Module, value: mx.array) -> mx.array:
    """x plus what a linear layer makes of a value: one operation where the layer has no bias."""
    if type(linear) is nn.Linear and "bias" not in linear:
        return mx.addmm(x, value, linear.weight.T)
    return x + linear(value)


class SelfAttention(nn.Module):
    """Multi-head attention with one projection for queries, keys and values."""

    def __init__(self, config: T2SConfig):
        super().__init__()
        width = config.heads * config.head_width
        self.in_proj = nn.Linear(config.hidden, 3 * width)
        self.out_proj = nn.Linear(width, config.hidden)
        self._heads, self._scale = config.heads, config.head_dim**-0.5

    def __call__(self, x: mx.array, mask: mx.array | None, cache: LayerCache | None, last: bool = False) -> mx.array:
        """x [B, T, D] and what it attends to added; mask additive or boolean, broadcastable to [B, heads, T, total].

        With `last` of the last row alone, [B, 1, D]; the cache has all.
        """
        B, T, _ = x.shape
        queries, keys, values = self.in_proj(x).reshape(B, T, 3, self._heads, -1).transpose(2, 0, 3, 1, 4)
        if cache is not None:
            keys, values = cache.update_and_fetch(keys, values)
        if last:
            x, queries, T = x[:, -1:], queries[:, :, -1:], 1
            mask = None if mask is None else mask[..., -1:, :]
        out = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=self._scale, mask=mask)
        return added(x, self.out_proj, out.transpose(0, 2, 1, 3).reshape(B, T, -1))


class Layer(nn.Module):
    """Post-norm transformer layer with a ReLU feed-forward."""

    def __init__(self, config: T2SConfig):
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.linear1 = nn.Linear(config.hidden, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, config.hidden)
        self.norm1 = nn.LayerNorm(config.hidden)
        self.norm2 = nn.LayerNorm(config.hidden)

    def __call__(self, x: mx.array, mask: mx.array | None, cache: LayerCache | None, last: bool = False) -> mx.array:
        """x and result [B, T, D]; with `last` the result's last row alone, [B, 1, D]."""
        x = self.norm1(self.self_attn(x, mask, cache, last))
        return self.norm2(added(x, self.linear2, nn.relu(self.linear1(x))))


class Stack(nn.Module):
    """The layers under their official name."""

    def __init__(self, config: T2SConfig):
        super().__init__()
        self.layers = [Layer(config) for _ in range(config.layers)]


class T2S(nn.Module):
    """The whole s1 model."""

    def __init__(self, config: T2SConfig):
        super().__init__()
        self.bert_proj = nn.Linear(BERT_DIM, config.hidden)
        self.ar_text_embedding = TokenEmbedding(config.phones, config.hidden)
        self.ar_text_position = Position()
        self.ar_audio_embedding = TokenEmbedding(config.vocabulary, config.hidden)
        self.ar_audio_position = Position()
        self.h = Stack(config)
        self.ar_predict_layer = nn.Linear(config.hidden, config.vocabulary, bias=False)
        self._config = config
        self._positions = mx.array(sine_table(MAX_POSITIONS, config.hidden))

    @property
    def config(self) -> T2SConfig:
        """The dimensions the model was built with."""
        return self._config

    def settle(self) -> None:
        """Takes the biases out of what is added to the residual, once: a step then has two operations a layer fewer.

        The residual has them from the norm or the embedding before, and the layer that reads it takes them off again.
        """
        before = [self.bert_proj, self.ar_audio_embedding.word_embeddings]
        for layer in self.h.layers:
            _move_bias(layer.self_attn.out_proj, before, layer.self_attn.in_proj)
            _move_bias(layer.linear2, [layer.norm1], layer.linear1)
            before = [layer.norm2]
        mx.eval(self.parameters())

    def _place(self, embedded: mx.array, positions: mx.array, position: Position) -> mx.array:
        return embedded + position.alpha * self._positions[positions].astype(embedded.dtype)

    def embed_text(self, phones: mx.array, bert: mx.array | None = None) -> mx.array:
        """Phones [B, T] with BERT features [B, T, 1024] (None: zeros) to [B, T, D]."""
        embedded = self.ar_text_embedding.word_embeddings(phones)
        projected = self.bert_proj.bias if bert is None else self.bert_proj(bert.astype(embedded.dtype))
        return self._place(embedded + projected, mx.arange(phones.shape[1]), self.ar_text_position)

    def embed_audio(self, codes: mx.array, positions: mx.array) -> mx.array:
        """Codes [B, T] at audio positions [T] (0 is the first prompt code) to [B, T, D]."""
        return self._place(self.ar_audio_embedding.word_embeddings(codes), positions, self.ar_audio_position)

    def __call__(
        self, x: mx.array, mask: mx.array | None, cache: Sequence[LayerCache] | None = None, last: bool = False
    ) -> mx.array:
        """Runs the layers: x [B, T, D] to hidden states [B, T, D]; with `last` only of the last row, [B, 1, D]."""
        for i, layer in enumerate(self.h.layers):
            x = layer(x, mask, None if cache is None else cache[i], last and i + 1 == len(self.h.layers))
        return x

    def projections(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights [3 * heads * head_width, D] and bias, float16, of each layer's queries, keys and values."""
        found = [(layer.self_attn.in_proj.weight, layer.self_attn.in_proj.bias) for layer in self.h.layers]
        return [(np.array(weight.astype(mx.float16)), np.array(bias.astype(mx.float16))) for weight, bias in found]

    def logits(self, hidden: mx.array) -> mx.array:
        """Scores of the next code from hidden states [..., D], float32 [..., vocabulary]."""
        weight = self.ar_predict_layer.weight
        return hidden.astype(mx.float32) @ weight.astype(mx.float32).T


def _move_bias(linear: nn.Module, before: Sequence[nn.Module], reader: nn.Module) -> None:
    """Moves the bias of a linear layer to where its residual comes from; its reader's bias takes it off again."""
    bias = linear.bias.astype(mx.float32)
    for place in before:
        name = "bias" if "bias" in place else "weight"
        place[name] = (place[name].astype(mx.float32) + bias).astype(place[name].dtype)
    shift = reader.weight.astype(mx.float32) @ bias
    reader.bias = (reader.bias.astype(mx.float32) - shift).astype(reader.bias.dtype)
    del linear["bias"]


def prefill_mask(text: int, audio: int, padded: int | None = None) -> np.ndarray:
    """Which rows see which columns, bool [total, total]; total is `padded` or text + audio.

    Padding at the end is seen by no real row; padded rows see the text, so that their softmax is defined.
    """
    total = padded or text + audio
    mask = np.zeros((total, total), dtype=bool)
    mask[:, :text] = True
    span = slice(text, text + audio)
    mask[span, span] = np.tril(np.ones((audio, audio), dtype=bool))
    return mask


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official s1 tensors to this module's names."""
    clean = {}
    for name, value in weights.items():
        name = name.removeprefix("model.").replace(".in_proj_weight", ".in_proj.weight")
        clean[name.replace(".in_proj_bias", ".in_proj.bias")] = value
    return clean


def pad_heads(weights: Mapping[str, mx.array], heads: int, width: int) -> dict[str, mx.array]:
    """Widens attention heads with zeros to `width`, which changes no result.

    Metal and CUDA have fused attention kernels for 64-wide heads and none for the 32 of this model; widening the
    projections costs no extra operation at run time.
    """
    padded = dict(weights)
    for name, value in weights.items():
        if ".self_attn.in_proj." in name:
            parts = value.reshape(3, heads, -1, *value.shape[1:])
            gap = width - parts.shape[2]
            pads = [(0, 0), (0, 0), (0, gap)] + [(0, 0)] * (parts.ndim - 3)
            padded[name] = mx.pad(parts, pads).reshape(3 * heads * width, *value.shape[1:])
        elif name.endswith(".self_attn.out_proj.weight"):
            parts = value.reshape(value.shape[0], heads, -1)
            padded[name] = mx.pad(parts, [(0, 0), (0, 0), (0, width - parts.shape[2])]).reshape(value.shape[0], -1)
    return padded
