"""Turns a recorded MLX function into an ONNX graph.

Values are kept in the form their maker left them and brought into another one only when a consumer asks: a reshape or a
broadcast costs nothing when the consumer can look through it, and convolutions with what lies between them stay
channel-first ([B, C, 1, T], the form ONNX Runtime's convolution kernels are written for).
"""

from collections.abc import Callable, Sequence
from typing import Any

from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port
from dora_primespeech_mlx.runtime.onnx.operators import RULES
from dora_primespeech_mlx.runtime.onnx.values import DTYPES, GraphValues, Value
from dora_primespeech_mlx.runtime.trace.fold import fold as fold_recording
from dora_primespeech_mlx.runtime.trace.record import Input, Primitive, record

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


class Translator(GraphValues):
    """Builds the graph of one trace."""

    def translate(self, outputs: Sequence[str]) -> Graph:
        """Emits every primitive, binds the outputs and returns the graph."""
        for primitive in self.trace.primitives:
            results = self.emit(primitive, [self.values[name] for name in primitive.inputs])
            for name, result in zip(primitive.outputs, results, strict=True):
                self.values[name] = result
        bound = []
        for name, port in zip(self.trace.outputs, outputs, strict=True):
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
        tensor = self.trace.tensors[primitive.outputs[0]]
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


def translate(
    function: Callable[..., Any], inputs: Sequence[Input], outputs: Sequence[str], fold: bool = True
) -> Graph:
    """The ONNX graph of an MLX function.

    Args:
        function: takes arrays shaped as `inputs`, returns one array or a sequence; its weights must be evaluated.
        inputs: names, shapes (a name in place of a size leaves that length open) and types.
        outputs: a name for each result.
        fold: replace groups of primitives by single operators. Without it a cache is passed in and out whole.

    Raises:
        ValueError: for a primitive without a rule, or a function whose steps depend on an open length.
    """
    trace = record(function, inputs)
    return Translator(fold_recording(trace) if fold else trace, inputs).translate(outputs)
