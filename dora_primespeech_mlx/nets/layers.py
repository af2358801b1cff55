"""Layers that several networks share. Arrays are [batch, time, channels]."""

import mlx.core as mx
import mlx.nn as nn

from dora_primespeech_mlx.nets.operations import (
    OPERATIONS,
    Neighbours,
    convolved,
    merge_heads,
    neighbours,
    split_heads,
)


def additive_mask(mask: mx.array | None) -> mx.array | None:
    """Boolean mask [B, T] of real positions to the additive mask [B, 1, 1, T] of the VITS encoders (-1e4 if padded)."""
    if mask is None:
        return None
    return mx.where(mask, 0.0, -1e4)[:, None, None, :]


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
        self._operations = OPERATIONS

    def __call__(self, x: mx.array, mask: mx.array | None, window: Neighbours) -> mx.array:
        """x [B, T, C], mask additive [B, 1, 1, T] or None; returns [B, T, C]."""
        projected = self.conv_q(x), self.conv_k(x), self.conv_v(x)
        near = self.emb_rel_k, self.emb_rel_v
        return self.conv_o(self._operations.attended(projected, self.heads, near, mask, window))


class ConvFeedForward(nn.Module):
    """Two convolutions with a ReLU between; padded frames are zero before each, as in the official encoder."""

    def __init__(self, channels: int, hidden: int, kernel: int):
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel, padding=kernel // 2)
        self.conv_2 = nn.Conv1d(hidden, channels, kernel, padding=kernel // 2)
        self._operations = OPERATIONS

    def __call__(self, x: mx.array, keep: mx.array | None) -> mx.array:
        """x [B, T, C], zero where `keep` [B, T, 1] is; returns [B, T, C], to which the last bias is not added yet."""
        hidden = self._operations.raised(convolved(self.conv_1, x), self.conv_1.bias, keep)
        return convolved(self.conv_2, hidden)


class RelativeEncoder(nn.Module):
    """The VITS encoder: post-norm layers of relative attention and a convolutional feed-forward."""

    def __init__(self, channels: int, hidden: int, heads: int, layers: int, kernel: int, window: int):
        super().__init__()
        self.attn_layers = [RelativeAttention(channels, heads, window) for _ in range(layers)]
        self.norm_layers_1 = [nn.LayerNorm(channels) for _ in range(layers)]
        self.ffn_layers = [ConvFeedForward(channels, hidden, kernel) for _ in range(layers)]
        self.norm_layers_2 = [nn.LayerNorm(channels) for _ in range(layers)]
        self._window, self._operations = window, OPERATIONS

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, C], mask [B, T] true where a frame is real (None: all); returns [B, T, C]."""
        additive, window = additive_mask(mask), neighbours(x.shape[1], self._window)
        keep = None if mask is None else mask[..., None].astype(x.dtype)
        for attend, norm_1, feed, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = self._operations.normed(x, attend(x, additive, window), None, norm_1, keep)
            x = self._operations.normed(x, feed(x, keep), feed.conv_2.bias, norm_2, keep)
        return x


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
