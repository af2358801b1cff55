"""CoreML packages of MLX functions, from the same recordings that ONNX graphs are made from; torch is not needed.

A function is recorded once per size (CoreML wants fixed shapes for the Neural Engine) and written in coremltools' model
intermediate language; the sizes become functions of one package that share its weights (macOS 15 or later).
Exporting works on any system that coremltools installs on, running needs macOS.
"""

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.trace.fold import fold
from dora_primespeech_mlx.runtime.trace.record import Input, Primitive, Trace, record

ELEMENTWISE = {
    "Add": "add",
    "Divide": "real_div",
    "Erf": "erf",
    "Exp": "exp",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Multiply": "mul",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Square": "square",
    "Subtract": "sub",
    "Tanh": "tanh",
}
RESHAPES = ("ExpandDims", "Flatten", "Reshape", "Squeeze", "Unflatten")
SUM = 2  # MLX's number of the reduction
OUTPUT = "features"
FUNCTION = "size_"
"""Prefix of the names of a package's functions, before the size."""
WIDE = "fp32"
"""Prefix of the names of operations that stay fp32 in an fp16 package."""


class Builder:
    """Writes one trace, of fixed shapes, as operations of the open program block."""

    def __init__(self, mb: Any, trace: Trace, variables: Sequence[Any], wide_before: str | None):
        """Takes coremltools' builder, the trace and a variable for each of its inputs; see `export_package`."""
        self._mb, self._trace, self._wide_before = mb, trace, wide_before
        self._values: dict[str, Any] = dict(trace.constants)
        self._values |= dict(zip(trace.inputs, variables, strict=True))
        self._count = 0

    def write(self) -> list[Any]:
        """Emits every primitive; returns the variables of the outputs."""
        for primitive in self._trace.primitives:
            inputs = [self._values[name] for name in primitive.inputs]
            results = self._emit(primitive, inputs)
            self._values.update(zip(primitive.outputs, results, strict=True))
        return [self._values[name] for name in self._trace.outputs]

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(size) for size in self._trace.tensors[name].shape)  # type: ignore[arg-type]

    def _name(self, primitive: Primitive) -> str:
        self._count += 1
        if primitive.name == self._wide_before:
            self._wide_before = None
        return f"{'op' if self._wide_before is None else WIDE}_{self._count}"

    def _emit(self, primitive: Primitive, inputs: list[Any]) -> list[Any]:
        mb, shape, name = self._mb, self._shape(primitive.outputs[0]), self._name(primitive)
        kind, arguments = primitive.name, primitive.arguments
        if kind in ("Broadcast", "Full"):
            constant = isinstance(inputs[0], np.ndarray) and inputs[0].size == 1 and len(shape) > 0
            return [np.broadcast_to(inputs[0], shape) if constant else inputs[0]]
        if kind in ELEMENTWISE:
            return [self._elementwise(ELEMENTWISE[kind], inputs, name)]
        if kind in RESHAPES:
            constant = isinstance(inputs[0], np.ndarray)
            return [inputs[0].reshape(shape) if constant else mb.reshape(x=inputs[0], shape=shape, name=name)]
        if kind == "Transpose" and isinstance(inputs[0], np.ndarray):
            return [inputs[0].transpose(arguments[0])]
        if kind == "Slice":
            return [self._slice(inputs[0], arguments, name)]
        if kind == "Split":
            sizes = [self._shape(output)[arguments[1]] for output in primitive.outputs]
            return list(mb.split(x=inputs[0], split_sizes=sizes, axis=int(arguments[1]), name=name))
        if kind not in RULES:
            raise ValueError(f"MLX primitive {kind} {list(arguments)} has no CoreML rule in runtime/coreml.py.")
        return [RULES[kind](self, inputs, arguments, shape, name)]

    def _elementwise(self, operation: str, inputs: list[Any], name: str) -> Any:
        operands = [_number(value) for value in inputs]
        if len(operands) == 1:
            return getattr(self._mb, operation)(x=operands[0], name=name)
        return getattr(self._mb, operation)(x=operands[0], y=operands[1], name=name)

    def _slice(self, x: Any, arguments: tuple, name: str) -> Any:
        begin, end, stride = (list(map(int, values)) for values in arguments[:3])
        if isinstance(x, np.ndarray):
            return x[tuple(map(slice, begin, end, stride))]
        return self._mb.slice_by_index(x=x, begin=begin, end=end, stride=stride, name=name)

    def _sqrt(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        if not arguments[0]:
            return self._mb.sqrt(x=inputs[0], name=name)
        return self._mb.rsqrt(x=inputs[0], epsilon=np.float32(1e-12), name=name)

    def _transpose(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return self._mb.transpose(x=inputs[0], perm=list(map(int, arguments[0])), name=name)

    def _concatenate(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return self._mb.concat(values=inputs, axis=int(arguments[0]), name=name)

    def _reduce(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        if arguments[0] != SUM:
            raise ValueError(f"MLX reduction {arguments[0]} has no CoreML rule in runtime/coreml.py.")
        axes = list(map(int, arguments[1]))
        return self._mb.reduce_sum(x=inputs[0], axes=axes, keep_dims=True, name=name)

    def _softmax(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return self._mb.softmax(x=inputs[0], axis=-1, name=name)

    def _layernorm(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        x, gamma, beta = inputs
        epsilon = np.float32(arguments[0])
        return self._mb.layer_norm(x=x, axes=[-1], gamma=gamma, beta=beta, epsilon=epsilon, name=name)

    def _gelu(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return self._mb.gelu(x=inputs[0], mode="EXACT", name=name)

    def _gather(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        if tuple(arguments[0]) != (0,):
            raise ValueError("Only lookups of whole rows have a CoreML rule in runtime/coreml.py.")
        if all(isinstance(value, np.ndarray) for value in inputs):
            return inputs[0][inputs[1]].reshape(shape)
        rows = self._mb.gather(x=inputs[0], indices=inputs[1], axis=0, name=f"{name}_rows")
        return self._mb.reshape(x=rows, shape=shape, name=name)

    def _arange(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return np.arange(*map(int, arguments[:3]))

    def _addmm(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        x, weight, bias = inputs
        if not (isinstance(weight, np.ndarray) and isinstance(bias, np.ndarray) and bias.ndim == 1):
            raise ValueError("Only products with a constant matrix and row have a CoreML rule in runtime/coreml.py.")
        return self._mb.linear(x=x, weight=np.ascontiguousarray(weight.T), bias=bias, name=name)

    def _matmul(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        return self._mb.matmul(x=inputs[0], y=inputs[1], name=name)

    def _convolution(self, inputs: list[Any], arguments: tuple, shape: tuple[int, ...], name: str) -> Any:
        stride, low, high, dilation, input_dilation, groups, flip = arguments
        if any(step != 1 for step in input_dilation) or flip:
            raise ValueError("Transposed convolutions have no CoreML rule in runtime/coreml.py.")
        rank = len(shape)
        first, back = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
        weight = np.ascontiguousarray(inputs[1].transpose(0, rank - 1, *range(1, rank - 1)))
        pads = [int(pad) for pair in zip(low, high, strict=True) for pad in pair]
        bias = {"bias": inputs[2]} if len(inputs) > 2 else {}
        result = self._mb.conv(
            x=self._mb.transpose(x=inputs[0], perm=first, name=f"{name}_first"),
            weight=weight,
            strides=list(map(int, stride)),
            pad_type="custom",
            pad=pads,
            dilations=list(map(int, dilation)),
            groups=int(groups),
            name=f"{name}_conv",
            **bias,
        )
        return self._mb.transpose(x=result, perm=back, name=name)


Rule = Callable[[Builder, list[Any], tuple, tuple[int, ...], str], Any]

RULES: dict[str, Rule] = {
    "AddMM": Builder._addmm,
    "Arange": Builder._arange,
    "Concatenate": Builder._concatenate,
    "Convolution": Builder._convolution,
    "Gather": Builder._gather,
    "Gelu": Builder._gelu,
    "LayerNorm": Builder._layernorm,
    "Matmul": Builder._matmul,
    "Reduce": Builder._reduce,
    "Softmax": Builder._softmax,
    "Sqrt": Builder._sqrt,
    "Transpose": Builder._transpose,
}
"""How each MLX primitive is written that takes more than naming an operation."""


def _number(value: Any) -> Any:
    """A constant of one value as a plain number, which broadcasts in any shape; anything else as it is."""
    if isinstance(value, np.ndarray) and value.size and value.strides == (0,) * value.ndim:
        return value.reshape(-1)[0]
    return value


def export_package(
    function: Callable[..., Any],
    sizes: Mapping[int, Sequence[Input]],
    path: Path,
    precision: str = "fp16",
    wide_before: str | None = None,
) -> None:
    """Write an `.mlpackage` of an MLX function of arrays with one result.

    Args:
        function: its weights must be evaluated.
        sizes: for each function of the package its inputs, by the length of their second axis; none is open.
        path: where to write; replaced if it is there.
        precision: "fp16" or "fp32", what the package computes in.
        wide_before: what comes before the first MLX primitive of this name stays fp32 in an fp16 package.

    Raises:
        ImportError: coremltools is not installed.
        ValueError: the function does something that has no CoreML rule.
    """
    ct = coremltools()
    with tempfile.TemporaryDirectory() as folder:
        descriptor = ct.utils.MultiFunctionDescriptor()
        for size, inputs in sizes.items():
            single = str(Path(folder) / f"{size}.mlpackage")
            _convert(ct, function, inputs, precision, wide_before).save(single)
            descriptor.add_function(single, src_function_name="main", target_function_name=f"{FUNCTION}{size}")
        descriptor.default_function_name = f"{FUNCTION}{max(sizes)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        ct.utils.save_multifunction(descriptor, str(path))


def _convert(
    ct: Any, function: Callable[..., Any], inputs: Sequence[Input], precision: str, wide_before: str | None
) -> Any:
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (the name coremltools' manual gives it)
    from coremltools.converters.mil.mil import Function, Program, types

    kinds = {mx.float32: types.fp32, mx.int32: types.int32}
    trace = fold(record(function, inputs))
    trace = replace(trace, constants={n: np.array(v) for n, v in trace.constants.items()})
    program = Program()
    placeholders = {i.name: mb.placeholder(shape=i.shape, dtype=kinds[i.dtype]) for i in inputs}
    with Function(placeholders, opset_version=ct.target.macOS15) as main:
        (result,) = Builder(mb, trace, [main.inputs[i.name] for i in inputs], wide_before).write()
        main.set_outputs([mb.identity(x=result, name=OUTPUT)])
    program.add_function("main", main)
    chosen = ct.transform.FP16ComputePrecision(op_selector=lambda op: not op.name.startswith(WIDE))
    return ct.convert(
        program,
        convert_to="mlprogram",
        compute_precision=chosen if precision == "fp16" else ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.macOS15,
        skip_model_load=True,
    )


def coremltools() -> Any:
    """The coremltools module, its notes about missing macOS libraries and progress bars kept quiet.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    try:
        import coremltools as module
    except ImportError as error:
        raise ImportError("CoreML export needs coremltools: pip install 'dora-primespeech-mlx[coreml]'") from error
    return module


class Package:
    """A package as a function of NumPy arrays [B, T, ...] of any length up to its largest size.

    Rows run one by one, padded with zeros to the smallest size that holds them; the result [B, T, ...] is cut back.
    """

    def __init__(self, path: Path, sizes: Sequence[int], open_size: Callable[[int], Callable[..., np.ndarray]]):
        """Takes the path, its sizes and what makes the function of a size; sizes are opened when first needed."""
        self._path, self._sizes, self._open_size = path, sorted(sizes), open_size
        self._functions: dict[int, Callable[..., np.ndarray]] = {}

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """The result for arrays in the order of the function's inputs.

        Raises:
            ValueError: they are longer than the largest size.
        """
        batch, length = arrays[0].shape[:2]
        size = next((size for size in self._sizes if size >= length), None)
        if size is None:
            raise ValueError(f"{self._path} takes lengths up to {self._sizes[-1]}, not {length}: export it again")
        if size not in self._functions:
            self._functions[size] = self._open_size(size)
        padded = [np.pad(a, [(0, 0), (0, size - length), *[(0, 0)] * (a.ndim - 2)]) for a in arrays]
        rows = [self._functions[size](*(array[row : row + 1] for array in padded)) for row in range(batch)]
        return np.concatenate(rows)[:, :length]


def can_run() -> bool:
    """Whether this is a Mac with coremltools."""
    return sys.platform == "darwin" and importlib.util.find_spec("coremltools") is not None


def open_package(path: Path) -> Package:
    """A package that `export_package` wrote, on macOS.

    Raises:
        ImportError: coremltools is not installed.
        ValueError: the package was not written by `export_package`.
    """
    ct = coremltools()
    description = ct.models.MLModel(str(path), skip_model_load=True).get_spec().description
    functions = {function.name: [port.name for port in function.input] for function in description.functions}
    sizes = [int(name.removeprefix(FUNCTION)) for name in functions if name.startswith(FUNCTION)]
    if not sizes:
        raise ValueError(f"{path} has no function for any size: export it again with primespeech export")

    def open_size(size: int) -> Callable[..., np.ndarray]:
        name = f"{FUNCTION}{size}"
        model = ct.models.MLModel(str(path), function_name=name)
        return lambda *arrays: model.predict(dict(zip(functions[name], arrays, strict=True)))[OUTPUT]

    return Package(path, sizes, open_size)
