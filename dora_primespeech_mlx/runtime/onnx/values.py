"""A value of a function on its way into an ONNX graph, in the forms it exists in there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port
from dora_primespeech_mlx.runtime.trace.record import Input, Trace
from dora_primespeech_mlx.runtime.trace.shapes import Dim, Shape

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
    """A value in one or more forms; `GraphValues` adds forms as they are asked for."""

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


class GraphValues:
    """The values of a trace and the graph they are written into, each form of a value made when first asked for."""

    def __init__(self, trace: Trace, inputs: Sequence[Input]):
        self.trace = trace
        self.graph = Graph()
        self.values: dict[str, Value] = {}
        for name, array in trace.constants.items():
            self.values[name] = Value(trace.tensors[name].shape, trace.tensors[name].dtype, constant=array)
        for name, port in zip(trace.inputs, inputs, strict=True):
            self.values[name] = Value(trace.tensors[name].shape, port.dtype, plain=port.name)
            self.graph.inputs.append(Port(port.name, port.shape, DTYPES[port.dtype]))
            for axis, size in enumerate(port.shape):
                if isinstance(size, str):
                    self.graph.lengths.setdefault(size, (port.name, axis, 0))

    def plain(self, value: Value) -> str:
        """The value's name in the graph, in its own shape."""
        if value.plain is None:
            value.plain = self._make_plain(value)
        return value.plain

    def _make_plain(self, value: Value) -> str:
        graph = self.graph
        if value.constant is not None:
            return graph.constant(value.constant)
        if value.reshaped is not None:
            return graph.add("Reshape", [self.plain(value.reshaped), self.new_shape(value.reshaped, value)])
        if value.broadcast is not None:
            return graph.add("Expand", [self.plain(value.broadcast), graph.vector(value.shape)])
        squeezed = graph.add("Squeeze", [self.require(value.planes), graph.constant([2], np.int64)])
        return graph.add("Transpose", [squeezed], perm=[0, 2, 1])

    @staticmethod
    def require(name: str | None) -> str:
        """The name, which must exist."""
        if name is None:
            raise ValueError("A value of the function has no form in the graph.")
        return name

    def planes(self, value: Value) -> str:
        """The name of a value [B, T, C] (or what broadcasts to it) as [B, C, 1, T]; numbers stay numbers."""
        if value.planes is None:
            if value.constant is not None:
                if value.constant.size == 1:
                    return self.graph.constant(value.constant.reshape(()))
                array = value.constant.reshape((1,) * (3 - value.constant.ndim) + value.constant.shape)
                value.planes = self.graph.constant(array.transpose(0, 2, 1)[:, :, None])
            elif value.broadcast is not None:
                return self.planes(value.broadcast)
            else:
                B, T, C = shape = (1,) * (3 - len(value.shape)) + value.shape
                if T == 1:
                    value.planes = self.plain(self.view(value, (B, C, 1, 1)))
                else:
                    turned = self.graph.add("Transpose", [self.plain(self.view(value, shape))], perm=[0, 2, 1])
                    value.planes = self.graph.add("Unsqueeze", [turned, self.graph.constant([2], np.int64)])
        return value.planes

    def view(self, value: Value, shape: Shape) -> Value:
        """The same numbers in another shape, looking through earlier reshapes."""
        root = value
        while root.reshaped is not None and root.plain is None:
            root = root.reshaped
        if root.shape == shape:
            return root
        fixed = tuple(dim for dim in shape if isinstance(dim, int))
        if root.constant is not None and len(fixed) == len(shape):
            return Value(shape, value.dtype, constant=root.constant.reshape(fixed))
        return Value(shape, value.dtype, reshaped=root)

    def new_shape(self, old: Value, new: Value) -> str:
        """The second operand of a reshape."""
        dims = list(new.shape)
        open_axes = [axis for axis, dim in enumerate(dims) if not isinstance(dim, int)]
        for axis in open_axes:
            if axis < len(old.shape) and dims[axis] is not None and old.shape[axis] == dims[axis]:
                dims[axis] = 0
        left = [axis for axis in open_axes if dims[axis] != 0]
        if len(left) == 1:
            dims[left[0]] = -1
            return self.graph.constant(np.array(dims, np.int64))
        return self.graph.constant(np.array(dims, np.int64)) if not left else self.graph.vector(new.shape)

    def elementwise(self, operator: str, inputs: list[Value], result: Value, **attributes: Any) -> Value:
        """One operator on values that broadcast to the result."""
        bare = [value if value.broadcast is None else value.broadcast for value in inputs]
        if broadcast_shapes([value.shape for value in bare]) != result.shape:
            bare = inputs
        if len(result.shape) == 3 and any(value.only_planes for value in bare):
            result.planes = self.graph.add(operator, [self.planes(value) for value in bare], **attributes)
        else:
            result.plain = self.graph.add(operator, [self.plain(value) for value in bare], **attributes)
        return result

    def axis_form(self, inputs: Sequence[Value], axis: int) -> tuple[list[str], int, bool]:
        """Names of values for an operator along one axis, that axis, and whether they are channel-first."""
        if len(inputs[0].shape) == 3 and any(value.only_planes for value in inputs):
            return [self.planes(value) for value in inputs], PLANE_AXIS[axis], True
        return [self.plain(value) for value in inputs], axis, False
