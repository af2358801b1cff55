"""What networks do between their products, by operations. An executor may have kernels that do the same at once.

Arrays are [batch, time, channels]; `keep` [B, T, 1] has ones where a frame is real and zeros elsewhere, or is None.
"""

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


def masked(x: mx.array, keep: mx.array | None) -> mx.array:
    """x, zero where nothing is real."""
    return x if keep is None else x * keep


def convolved(layer: nn.Conv1d, x: mx.array) -> mx.array:
    """What a convolution makes of x before its bias is added."""
    return mx.conv1d(x, layer.weight, layer.stride, layer.padding, layer.dilation, layer.groups)


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


class Operations:
    """What is done between products."""

    def bent(self, x: mx.array, bias: mx.array, keep: mx.array | None, slope: float) -> mx.array:
        """x and a bias through a leaky ReLU of this slope."""
        return nn.leaky_relu(masked(x + bias, keep), slope)

    def added(
        self, x: mx.array, bias: mx.array, keep: mx.array | None, before: mx.array, slope: float
    ) -> tuple[mx.array, mx.array]:
        """x and a bias added to what was before; and that through a leaky ReLU."""
        both = before + masked(x + bias, keep)
        return both, nn.leaky_relu(both, slope)

    def raised(self, x: mx.array, bias: mx.array, keep: mx.array | None) -> mx.array:
        """x and a bias through a ReLU."""
        return masked(nn.relu(x + bias), keep)

    def gated(self, x: mx.array, bias: mx.array, condition: mx.array) -> mx.array:
        """x [B, T, 2 C] with a bias and a condition [B, 1, 2 C]: its first half's tanh times its second's sigmoid."""
        tanh, gate = mx.split(x + bias + condition, 2, axis=-1)
        return mx.tanh(tanh) * mx.sigmoid(gate)

    def normed(
        self, x: mx.array, more: mx.array, bias: mx.array | None, norm: nn.LayerNorm, keep: mx.array | None
    ) -> mx.array:
        """The norm of x and what is added to it."""
        return masked(norm(x + (more if bias is None else more + bias)), keep)

    def attended(
        self,
        projected: tuple[mx.array, mx.array, mx.array],
        heads: int,
        near: tuple[mx.array, mx.array],
        mask: mx.array | None,
        window: Neighbours,
    ) -> mx.array:
        """Self attention that knows the distance of near neighbours, [B, T, C].

        Args:
            projected: queries, keys and values [B, T, C].
            heads: of them.
            near: what is added to keys and to values by offset, [1, reach, C / heads] each.
            mask: additive [B, 1, 1, T], or None.
            window: which rows are near.
        """
        queries, keys, values = (split_heads(part, heads) for part in projected)
        queries = queries * queries.shape[-1] ** -0.5
        by_offset = queries @ near[0].swapaxes(1, 2)[None]
        index = mx.broadcast_to(window.offset, (*by_offset.shape[:2], *window.offset.shape))
        near_scores = mx.where(window.near, mx.take_along_axis(by_offset, index, axis=-1), 0.0)
        scores = queries @ keys.swapaxes(-1, -2) + near_scores
        if mask is not None:
            scores = scores + mask.astype(scores.dtype)
        weights = mx.softmax(scores, axis=-1, precise=True)

        index = mx.broadcast_to(window.column, (*weights.shape[:2], *window.column.shape))
        near_weights = mx.where(window.inside, mx.take_along_axis(weights, index, axis=-1), 0.0)
        return merge_heads(weights @ values + near_weights @ near[1][None])


OPERATIONS = Operations()


def use(network: nn.Module, operations: Operations) -> None:
    """From now on a network's parts that take operations have these."""
    for module in network.modules():
        if isinstance(getattr(module, "_operations", None), Operations):
            module._operations = operations
