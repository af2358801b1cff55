"""Records what an MLX function does: its primitives, constants and shapes, with lengths that stay open.

`mx.export_function` hands a callback every primitive of a function for inputs of fixed shapes. Trace the same
function for several lengths and comparing the numbers tells which of them follow which length, so that one graph serves
every length: each such number becomes an `Affine`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.trace.shapes import Affine, Shape

SMALL = 16
"""Constants of up to this many numbers are compared between recordings; larger ones are weights."""

LENGTHS = (1009, 1511, 2003, 2503, 3001)
"""Lengths a function is recorded for: primes, far from any width, so that no two numbers in it are equal by chance."""

CHANGE = 113
"""What is added to one length at a time: an odd prime, so that half a length does not look like a whole multiple."""

LARGEST = 500_000
"""Products of lengths look like lengths plus a constant, but one above 1009 * 1122; honest ones are below this."""


@dataclass(frozen=True)
class Input:
    """An input of a function: a size in `shape` that is a name is a length that stays open."""

    name: str
    shape: tuple[int | str, ...]
    dtype: Any = mx.float32


@dataclass(frozen=True)
class Tensor:
    """Shape and type of a value."""

    shape: Shape
    dtype: Any


@dataclass(frozen=True)
class Primitive:
    """One operation. `arguments` is as MLX gives it, with numbers that follow a length as `Affine`."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arguments: tuple[Any, ...] = ()


@dataclass
class Trace:
    """A function as a list of primitives over named values."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    primitives: list[Primitive] = field(default_factory=list)


def as_numpy(array: mx.array) -> np.ndarray:
    """The memory of an evaluated array as a numpy view (bfloat16, which numpy lacks, as a float32 copy)."""
    if array.dtype == mx.bfloat16:
        array = array.astype(mx.float32)
    return np.array(array, copy=False)


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _record_once(function: Callable[..., Any], inputs: Sequence[Input], lengths: dict[str, int]) -> Trace:
    trace = Trace()

    def note(values: Sequence[Any]) -> tuple[str, ...]:
        for name, shape, dtype in values:
            trace.tensors[name] = Tensor(tuple(shape), dtype)
        return tuple(value[0] for value in values)

    def callback(event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "inputs":
            trace.inputs = list(note(event["inputs"]))
        elif kind == "outputs":
            trace.outputs = list(note(event["outputs"]))
        elif kind == "constants":
            for name, array in event["constants"]:
                trace.constants[name] = as_numpy(array)
                trace.tensors[name] = Tensor(tuple(array.shape), array.dtype)
        elif kind == "primitive":
            names = tuple(value[0] for value in event["inputs"]), note(event["outputs"])
            trace.primitives.append(Primitive(event["name"], *names, _frozen(event.get("arguments") or ())))

    with mx.stream(mx.cpu):
        examples = [
            mx.zeros([size if isinstance(size, int) else lengths[size] for size in i.shape], i.dtype) for i in inputs
        ]
        mx.export_function(callback, function, *examples)
    return trace


class _Merger:
    """Compares recordings made with one length changed at a time and turns what differs into `Affine`."""

    def __init__(self, base: dict[str, int]):
        self.base = base

    def number(self, values: Sequence[Any]) -> Any:
        """Values: for the base lengths, then with each length changed; None for what is not affine."""
        first = values[0]
        factors, constant = [], first
        for value, (name, size) in zip(values[1:], self.base.items(), strict=True):
            factor = (value - first) / CHANGE
            if factor != int(factor) or first != int(first):
                return None
            if factor:
                factors.append((name, int(factor)))
                constant -= int(factor) * size
        return Affine(int(constant), tuple(factors)) if abs(constant) < LARGEST else None

    def scalar(self, values: Sequence[float]) -> tuple[Affine | None, bool]:
        """The rule of a number that differs, and whether the number is one over it, as in a mean."""
        rule = self.number(values)
        if rule is not None or 0 in values:
            return rule, False
        whole = [round(1 / value) for value in values]
        near = all(abs(1 / value - size) < 1e-5 * size for value, size in zip(values, whole, strict=True))
        return (self.number(whole) if near else None), True

    def argument(self, values: Sequence[Any]) -> Any:
        """The same for a nested argument."""
        if values.count(values[0]) == len(values):
            return values[0]
        if isinstance(values[0], (list, tuple)):
            return tuple(self.argument(items) for items in zip(*values, strict=True))
        is_number = isinstance(values[0], (int, float)) and not isinstance(values[0], bool)
        return self.number(values) if is_number else values[0]


def record(function: Callable[..., Any], inputs: Sequence[Input]) -> Trace:
    """Records an MLX function of arrays.

    Args:
        function: takes arrays of the shapes of `inputs`, returns one array or a sequence of them.
        inputs: names, shapes and types; lengths that share a name are the same length.

    Raises:
        ValueError: when the function does something else for another length, or holds an array that depends on one.
    """
    names = sorted({size for i in inputs for size in i.shape if isinstance(size, str)})
    base = dict(zip(names, LENGTHS, strict=False))
    if len(names) > len(base):
        raise ValueError(f"A function with {len(names)} open lengths; {len(base)} is the most.")
    runs = [_record_once(function, inputs, base)]
    runs += [_record_once(function, inputs, {**base, name: base[name] + CHANGE}) for name in names]
    first = runs[0]
    if not names:
        return first

    merger = _Merger(base)
    signatures = {tuple((p.name, p.inputs, p.outputs) for p in run.primitives) for run in runs}
    if len(signatures) > 1:
        raise ValueError(
            f"{_name(function)} takes other steps for other lengths of {', '.join(names)}; cannot be traced."
        )
    constants, computed = {}, []
    for name, array in first.constants.items():
        arrays = [run.constants[name] for run in runs]
        if any(other.shape != array.shape for other in arrays):
            raise ValueError(f"{_name(function)} holds an array whose shape follows a length; pass it as an input.")
        if array.size > SMALL or all(np.array_equal(other, array) for other in arrays):
            constants[name] = array
            continue
        if array.size > 1:
            raise ValueError(f"{_name(function)} holds numbers computed from a length; pass them as an input.")
        computed.append(Primitive("Length", (), (name,), merger.scalar([other.item() for other in arrays])))
        if computed[-1].arguments[0] is None:
            raise ValueError(f"{_name(function)} computes a number from a length outside MLX; pass it as an input.")
    tensors = {
        name: Tensor(merger.argument([run.tensors[name].shape for run in runs]), tensor.dtype)
        for name, tensor in first.tensors.items()
    }
    primitives = [
        replace(primitive, arguments=merger.argument([run.primitives[i].arguments for run in runs]))
        for i, primitive in enumerate(first.primitives)
    ]
    return Trace(tensors, first.inputs, first.outputs, constants, computed + primitives)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
