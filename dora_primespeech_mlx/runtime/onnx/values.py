"""A value of a function on its way into an ONNX graph, in the forms it exists in there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.trace.record import Dim, Shape

DTYPES: dict[Any, np.dtype[Any]] = {
    mx.float32: np.dtype(np.float32),
    mx.float16: np.dtype(np.float16),
    mx.int32: np.dtype(np.int32),
    mx.int64: np.dtype(np.int64),
    mx.uint32: np.dtype(np.uint32),
    mx.uint8: np.dtype(np.uint8),
    mx.bool_: np.dtype(np.bool_),
}
PLANE_AXIS = (0, 3, 1)  # axis of [B, T, C] to axis of [B, C, 1, T]


@dataclass
class Value:
    """A value in one or more forms; `translate.Translator` adds forms as they are asked for."""

    shape: Shape
    dtype: Any
    constant: np.ndarray | None = None
    plain: str | None = None  # name in the graph, in this shape
    planes: str | None = None  # name in the graph of [B, T, C] as [B, C, 1, T]
    reshaped: "Value | None" = None  # the same numbers in another shape
    broadcast: "Value | None" = None  # the value that this one repeats

    @property
    def only_planes(self) -> bool:
        """Whether the value exists channel-first alone."""
        return self.planes is not None and self.plain is None


def broadcast_shapes(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that shapes broadcast to, or None where that cannot be told."""
    rank = max(len(shape) for shape in shapes)
    result: list[Dim] = []
    for dims in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        wide = {dim for dim in dims if dim != 1}
        if len(wide) > 1 or None in wide:
            return None
        result.append(wide.pop() if wide else 1)
    return tuple(result)
