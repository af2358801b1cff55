"""What SoVITS does between its products, on CUDA in one kernel each; see nets/operations.py and operations.cuh."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn

from dora_primespeech_mlx.nets.operations import Neighbours, Operations
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel

SOURCE = Path(__file__).with_name("operations.cuh")
THREADS = 256
EIGHT = 8
"""Numbers that a thread takes at once."""
ROWS = THREADS // 16
"""Rows of a head that a block of the attention has."""
WIDEST = 2048
"""Channels of a norm that a warp has room for."""
KEEP = "keep_ndim == 3 ? keep : nullptr"
BENDS = """
  Bend<{added}> kernel;
  kernel.x = x, kernel.bias = bias, kernel.keep = {keep}, kernel.before = {before}, kernel.both = {both};
  kernel.bent = bent, kernel.channels = x_shape[2], kernel.count = (long)x_shape[0] * x_shape[1] * x_shape[2];
  kernel.slope = {slope}f;
  kernel.run();
"""
GATES = """
  Gate kernel;
  kernel.x = x, kernel.bias = bias, kernel.condition = condition, kernel.gated = gated;
  kernel.channels = x_shape[2] / 2, kernel.length = x_shape[1], kernel.apart = condition_strides[0];
  kernel.count = (long)x_shape[0] * x_shape[1] * (x_shape[2] / 2);
  kernel.run();
"""
NORMS = """
  Norm<{channels}> kernel;
  kernel.x = x, kernel.more = more, kernel.bias = bias_shape[0] > 1 ? bias : nullptr, kernel.gain = gain;
  kernel.offset = offset, kernel.keep = {keep}, kernel.normed = normed;
  kernel.rows = (long)x_shape[0] * x_shape[1], kernel.least = {least}f;
  kernel.run();
"""
ATTENDS = """
  Attention<{width}, {window}> kernel;
  kernel.queries = queries, kernel.keys = keys, kernel.values = values, kernel.near_keys = near_keys;
  kernel.near_values = near_values, kernel.mask = mask_ndim == 4 ? mask : nullptr, kernel.attended = attended;
  kernel.length = queries_shape[1], kernel.heads = queries_shape[2] / {width};
  kernel.run();
"""


class CudaOperations(Operations):
    """Kernels for arrays of 16 bits, and operations for others."""

    def __init__(self) -> None:
        self._none = mx.zeros((1,), mx.float16)
        self._no_mask = mx.zeros((1,), mx.float32)

    def bent(self, x: mx.array, bias: mx.array, keep: mx.array | None, slope: float) -> mx.array:
        """See `nets.operations.Operations`."""
        if not _fits(x):
            return super().bent(x, bias, keep, slope)
        return _bend(slope)([x, bias, self._or_none(keep)], [x.shape], x.size // EIGHT)[0]

    def added(
        self, x: mx.array, bias: mx.array, keep: mx.array | None, before: mx.array, slope: float
    ) -> tuple[mx.array, mx.array]:
        """See `nets.operations.Operations`."""
        if not _fits(x):
            return super().added(x, bias, keep, before, slope)
        both, bent = _bend_added(slope)([x, bias, self._or_none(keep), before], [x.shape] * 2, x.size // EIGHT)
        return both, bent

    def raised(self, x: mx.array, bias: mx.array, keep: mx.array | None) -> mx.array:
        """See `nets.operations.Operations`."""
        return self.bent(x, bias, keep, 0.0) if _fits(x) else super().raised(x, bias, keep)

    def gated(self, x: mx.array, bias: mx.array, condition: mx.array) -> mx.array:
        """See `nets.operations.Operations`."""
        batch, length, both = x.shape
        if not _fits(x) or both % (2 * EIGHT):
            return super().gated(x, bias, condition)
        return _gate()([x, bias, condition], [(batch, length, both // 2)], x.size // (2 * EIGHT))[0]

    def normed(
        self, x: mx.array, more: mx.array, bias: mx.array | None, norm: nn.LayerNorm, keep: mx.array | None
    ) -> mx.array:
        """See `nets.operations.Operations`."""
        batch, length, channels = x.shape
        if not _fits(x) or channels > WIDEST:
            return super().normed(x, more, bias, norm, keep)
        given = [x, more, self._or_none(bias), norm.weight, norm.bias, self._or_none(keep)]
        return _norm(channels, norm.eps)(given, [x.shape], 32 * batch * length)[0]

    def attended(
        self,
        projected: tuple[mx.array, mx.array, mx.array],
        heads: int,
        near: tuple[mx.array, mx.array],
        mask: mx.array | None,
        window: Neighbours,
    ) -> mx.array:
        """See `nets.operations.Operations`."""
        queries = projected[0]
        batch, length, channels = queries.shape
        width = channels // heads
        if not _fits(queries) or width % 32:
            return super().attended(projected, heads, near, mask, window)
        given = [*projected, *near, self._no_mask if mask is None else mask]
        blocks = batch * heads * -(-length // ROWS)
        return _attention(width, near[0].shape[1] // 2)(given, [queries.shape], blocks * THREADS)[0]

    def _or_none(self, array: mx.array | None) -> mx.array:
        return self._none if array is None else array


def _fits(x: mx.array) -> bool:
    return x.dtype == mx.float16 and x.shape[-1] % EIGHT == 0


Run = Callable[[Sequence[mx.array], Sequence[Sequence[int]], int], list[mx.array]]
"""Arrays, shapes of what is made of them, and threads, to that."""


def _run(name: str, inputs: Sequence[str], outputs: Sequence[str], body: str, contiguous: bool = True) -> Run:
    kernel = cuda_kernel.kernel(name, inputs, outputs, body, SOURCE.read_text("utf-8"), contiguous)
    kinds = [mx.float16] * len(outputs)

    def run(given: Sequence[mx.array], shapes: Sequence[Sequence[int]], threads: int) -> list[mx.array]:
        grid = -(-threads // THREADS) * THREADS, 1, 1
        return kernel(inputs=given, output_shapes=shapes, output_dtypes=kinds, grid=grid, threadgroup=(THREADS, 1, 1))

    return run


@lru_cache
def _bend(slope: float) -> Run:
    body = BENDS.format(added="false", keep=KEEP, before="nullptr", both="nullptr", slope=slope)
    return _run("bend", ("x", "bias", "keep"), ("bent",), body)


@lru_cache
def _bend_added(slope: float) -> Run:
    body = BENDS.format(added="true", keep=KEEP, before="before", both="both", slope=slope)
    return _run("bend_added", ("x", "bias", "keep", "before"), ("both", "bent"), body)


@lru_cache
def _gate() -> Run:
    # Conditions are parts of rows, which would be copied to be without gaps.
    return _run("gate", ("x", "bias", "condition"), ("gated",), GATES, contiguous=False)


@lru_cache
def _norm(channels: int, least: float) -> Run:
    body = NORMS.format(channels=channels, keep=KEEP, least=least)
    return _run("norm", ("x", "more", "bias", "gain", "offset", "keep"), ("normed",), body)


@lru_cache
def _attention(width: int, window: int) -> Run:
    inputs = ("queries", "keys", "values", "near_keys", "near_values", "mask")
    return _run("near_attention", inputs, ("attended",), ATTENDS.format(width=width, window=window))
