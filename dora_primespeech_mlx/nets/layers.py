"""Layers that several networks share. Arrays are [batch, time, channels]."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn


def split_heads(x: mx.array, heads: int) -> mx.array:
    """[B, T, C] to [B, heads, T, C / heads]."""
    B, T, C = x.shape
    return x.reshape(B, T, heads, C // heads).transpose(0, 2, 1, 3)


def merge_heads(x: mx.array) -> mx.array:
    """[B, heads, T, d] to [B, T, heads * d]."""
    B, H, T, D = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, T, H * D)


def additive_mask(mask: mx.array | None) -> mx.array | None:
    """Boolean mask [B, T] of real positions to the additive mask [B, 1, 1, T] of the VITS encoders (-1e4 if padded)."""
    if mask is None:
        return None
    return mx.where(mask, 0.0, -1e4)[:, None, None, :]


class Neighbours(NamedTuple):
    """Which rows of a sequence are within a window of which; the same for all layers, so made once for them.

    Attributes:
        offset: of each column from each row, from 0 at the window's left, clipped to it [T, T].
        near: whether the column is within the window [T, T].
        column: of each offset from each row, clipped to the sequence [T, reach].
        inside: whether that column is there [T, reach].
    """

    offset: mx.array
    near: mx.array
    column: mx.array
    inside: mx.array


def neighbours(length: int, window: int) -> Neighbours:
    """Those of a sequence of so many rows."""
    reach = 2 * window + 1
    rows, columns, offsets = mx.arange(length)[:, None], mx.arange(length)[None], mx.arange(reach)[None]
    offset, column = columns - rows + window, rows + offsets - window
    return Neighbours(
        mx.clip(offset, 0, reach - 1),
        mx.logical_and(offset >= 0, offset < reach),
        mx.clip(column, 0, length - 1),
        mx.logical_and(column >= 0, column < length),
    )


class RelativeAttention(nn.Module):
    """Self attention whose scores and values know the distance of near neighbours (VITS).

    Offsets up to `window` either side have a learned embedding shared by all heads.
    """

    def __init__(self, channels: int, heads: int, window: int):
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Linear(channels, channels)
        self.conv_k = nn.Linear(channels, channels)
        self.conv_v = nn.Linear(channels, channels)
        self.conv_o = nn.Linear(channels, channels)
        self.emb_rel_k = mx.zeros((1, 2 * window + 1, channels // heads))
        self.emb_rel_v = mx.zeros((1, 2 * window + 1, channels // heads))

    def __call__(self, x: mx.array, mask: mx.array | None, window: Neighbours) -> mx.array:
        """x [B, T, C], mask additive [B, 1, 1, T] or None; returns [B, T, C]."""
        queries = split_heads(self.conv_q(x), self.heads)
        queries = queries * queries.shape[-1] ** -0.5
        keys, values = split_heads(self.conv_k(x), self.heads), split_heads(self.conv_v(x), self.heads)
        by_offset = queries @ self.emb_rel_k.swapaxes(1, 2)[None]
        index = mx.broadcast_to(window.offset, (*by_offset.shape[:2], *window.offset.shape))
        near_scores = mx.where(window.near, mx.take_along_axis(by_offset, index, axis=-1), 0.0)
        scores = queries @ keys.swapaxes(-1, -2) + near_scores
        if mask is not None:
            scores = scores + mask.astype(scores.dtype)
        weights = mx.softmax(scores, axis=-1, precise=True)

        index = mx.broadcast_to(window.column, (*weights.shape[:2], *window.column.shape))
        near_weights = mx.where(window.inside, mx.take_along_axis(weights, index, axis=-1), 0.0)
        return self.conv_o(merge_heads(weights @ values + near_weights @ self.emb_rel_v[None]))


class ConvFeedForward(nn.Module):
    """Two convolutions with a ReLU between; padded frames are zeroed before each, as the official encoder does."""

    def __init__(self, channels: int, hidden: int, kernel: int):
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel, padding=kernel // 2)
        self.conv_2 = nn.Conv1d(hidden, channels, kernel, padding=kernel // 2)

    def __call__(self, x: mx.array, keep: mx.array | None) -> mx.array:
        """x [B, T, C], keep [B, T, 1] of ones and zeros or None; returns [B, T, C]."""
        hidden = nn.relu(self.conv_1(x if keep is None else x * keep))
        return self.conv_2(hidden if keep is None else hidden * keep)


class RelativeEncoder(nn.Module):
    """The VITS encoder: post-norm layers of relative attention and a convolutional feed-forward."""

    def __init__(self, channels: int, hidden: int, heads: int, layers: int, kernel: int, window: int):
        super().__init__()
        self.attn_layers = [RelativeAttention(channels, heads, window) for _ in range(layers)]
        self.norm_layers_1 = [nn.LayerNorm(channels) for _ in range(layers)]
        self.ffn_layers = [ConvFeedForward(channels, hidden, kernel) for _ in range(layers)]
        self.norm_layers_2 = [nn.LayerNorm(channels) for _ in range(layers)]
        self._window = window

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, C], mask [B, T] true where a frame is real (None: all); returns [B, T, C]."""
        additive, window = additive_mask(mask), neighbours(x.shape[1], self._window)
        keep = None if mask is None else mask[..., None].astype(x.dtype)
        for attend, norm_1, feed, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm_1(x + attend(x, additive, window))
            x = norm_2(x + feed(x, keep))
        return x if keep is None else x * keep


class CrossAttention(nn.Module):
    """Plain multi-head attention of one sequence over another."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Linear(channels, channels)
        self.conv_k = nn.Linear(channels, channels)
        self.conv_v = nn.Linear(channels, channels)
        self.conv_o = nn.Linear(channels, channels)

    def __call__(self, x: mx.array, memory: mx.array, mask: mx.array | None) -> mx.array:
        """x [B, T, C] attends over memory [B, S, C] with an additive mask [B, 1, 1, S] or None; returns [B, T, C]."""
        queries = split_heads(self.conv_q(x), self.heads)
        keys, values = split_heads(self.conv_k(memory), self.heads), split_heads(self.conv_v(memory), self.heads)
        mask = None if mask is None else mask.astype(queries.dtype)
        out = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=queries.shape[-1] ** -0.5, mask=mask)
        return self.conv_o(merge_heads(out))
