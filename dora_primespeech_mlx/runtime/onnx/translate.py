"""Turns a recorded MLX function into an ONNX graph.

Values are kept in the form their maker left them and brought into another one only when a consumer asks: a reshape or a
broadcast costs nothing when the consumer can look through it, and convolutions with what lies between them stay
channel-first ([B, C, 1, T], the form ONNX Runtime's convolution kernels are written for).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port
from dora_primespeech_mlx.runtime.onnx.operators import RULES
from dora_primespeech_mlx.runtime.onnx.values import DTYPES, PLANE_AXIS, Value, broadcast_shapes
from dora_primespeech_mlx.runtime.trace.fold import fold as fold_recording
from dora_primespeech_mlx.runtime.trace.record import Input, Primitive, Recording, Shape, record

ELEMENTWISE = {
    "Abs": "Abs",
    "Add": "Add",
    "Ceil": "Ceil",
    "Cos": "Cos",
    "Divide": "Div",
    "Equal": "Equal",
    "Erf": "Erf",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Negative": "Neg",
    "Power": "Pow",
    "Relu": "Relu",
    "Round": "Round",
    "Select": "Where",
    "Sigmoid": "Sigmoid",
    "Sign": "Sign",
    "Sin": "Sin",
    "Subtract": "Sub",
    "Tanh": "Tanh",
}
RESHAPES = ("Reshape", "Flatten", "Unflatten", "Squeeze", "ExpandDims")


class Translator:
    """Builds the graph of one recording."""

    def __init__(self, recording: Recording, inputs: Sequence[Input]):
        self.recording = recording
        self.graph = Graph()
        self.values: dict[str, Value] = {}
        for name, array in recording.constants.items():
            self.values[name] = Value(recording.tensors[name].shape, recording.tensors[name].dtype, constant=array)
        for name, port in zip(recording.inputs, inputs, strict=True):
            self.values[name] = Value(recording.tensors[name].shape, port.dtype, plain=port.name)
            self.graph.inputs.append(Port(port.name, port.shape, DTYPES[port.dtype]))
            for axis, size in enumerate(port.shape):
                if isinstance(size, str):
                    self.graph.lengths.setdefault(size, (port.name, axis, 0))

    # Forms of a value

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

    # Translation

    def translate(self, outputs: Sequence[str]) -> Graph:
        """Emits every primitive, binds the outputs and returns the graph."""
        for primitive in self.recording.primitives:
            results = self.emit(primitive, [self.values[name] for name in primitive.inputs])
            for name, result in zip(primitive.outputs, results, strict=True):
                self.values[name] = result
        bound = []
        for name, port in zip(self.recording.outputs, outputs, strict=True):
            value = self.values[name]
            shape = tuple(dim if isinstance(dim, int) else f"{port}_{axis}" for axis, dim in enumerate(value.shape))
            bound.append((self.plain(value), Port(port, shape, DTYPES[value.dtype])))
        self.graph.bind_outputs(bound)
        self.graph.prune()
        return self.graph

    def emit(self, primitive: Primitive, inputs: list[Value]) -> list[Value]:
        """The results of one primitive.

        Raises:
            ValueError: for a primitive that has no rule.
        """
        tensor = self.recording.tensors[primitive.outputs[0]]
        result = Value(tensor.shape, tensor.dtype)
        if primitive.name in ELEMENTWISE:
            return [self.elementwise(ELEMENTWISE[primitive.name], inputs, result)]
        if primitive.name in RESHAPES:
            return [self.view(inputs[0], result.shape)]
        rule = RULES.get(primitive.name)
        if rule is None:
            raise ValueError(
                f"MLX primitive {primitive.name} {list(primitive.arguments)} has no ONNX rule (see operators.py)."
            )
        return rule(self, primitive, inputs, result)

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


def translate(
    function: Callable[..., Any], inputs: Sequence[Input], outputs: Sequence[str], fold: bool = True
) -> Graph:
    """The ONNX graph of an MLX function.

    Args:
        function: takes arrays shaped as ``inputs``, returns one array or a sequence; its weights must be evaluated.
        inputs: names, shapes (a name in place of a size leaves that length open) and types.
        outputs: a name for each result.
        fold: replace groups of primitives by single operators. Without it a cache is passed in and out whole.

    Raises:
        ValueError: for a primitive without a rule, or a function whose steps depend on an open length.
    """
    recording = record(function, inputs)
    return Translator(fold_recording(recording) if fold else recording, inputs).translate(outputs)
