"""Runs a saved CoreML package with NumPy, operation by operation, where there is no macOS to run it.

The program and its weights are read back from the package. Each result is rounded to the type the program states, so an
fp16 package is computed with fp16 between operations.
"""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

logging.getLogger("coremltools").setLevel(logging.ERROR)

TYPES = {
    "fp16": np.float16,
    "fp32": np.float32,
    "int32": np.int32,
    "bool": np.bool_,
    "int16": np.int16,
    "uint16": np.uint16,
}


def load_program(path: Path) -> Any:
    """The program of a package, with a function for each size."""
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto.load import load

    model = ct.models.MLModel(str(path), skip_model_load=True)
    spec = model.get_spec()
    return load(spec, spec.specificationVersion, file_weights_dir=model.weights_dir)


def evaluate(program: Any, function: str, **inputs: np.ndarray) -> np.ndarray:
    """The one result of a function of the program."""
    block = program.functions[function]
    values: dict[str, Any] = {block.inputs[name].name: array for name, array in inputs.items()}

    def value(variable: Any) -> Any:
        if isinstance(variable, list | tuple):
            return [value(one) for one in variable]
        return variable.val if variable.val is not None else values[variable.name]

    for operation in block.operations:
        if operation.op_type == "const":
            continue
        arguments = {name: value(variable) for name, variable in operation.inputs.items() if variable is not None}
        result = OPERATIONS[operation.op_type](**arguments)
        (output,) = operation.outputs
        expected = tuple(output.shape)
        assert result.shape == expected, f"{operation.op_type} gives {result.shape} where the program says {expected}"
        values[output.name] = result.astype(TYPES[_type_name(output)])
    return values[block.outputs[0].name]


def _type_name(variable: Any) -> str:
    from coremltools.converters.mil.mil import types

    return types.builtin_to_string(variable.dtype)


def wide(x: Any) -> np.ndarray:
    return np.asarray(x, np.float32)


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[np.float32])(x)


def conv(x, weight, bias=None, strides=(1,), pad_type="valid", pad=(0, 0), dilations=(1,), groups=1):
    assert pad_type in ("custom", "valid")
    pad = pad if pad_type == "custom" else (0, 0)
    (stride,), (dilation,) = strides, dilations
    x = np.pad(wide(x), ((0, 0), (0, 0), tuple(pad)))
    reach = dilation * (weight.shape[2] - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=2)[:, :, ::stride, ::dilation]
    parts = zip(np.split(windows, groups, axis=1), np.split(wide(weight), groups, axis=0), strict=True)
    result = np.concatenate([np.einsum("bctk,ock->bot", w, k, optimize=True) for w, k in parts], axis=1)
    return result if bias is None else result + wide(bias)[:, None]


def layer_norm(x, axes, gamma, beta, epsilon):
    x, axes = wide(x), tuple(axes)
    centred = x - x.mean(axis=axes, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=axes, keepdims=True) + np.float32(epsilon))
    return centred / scale * wide(gamma) + wide(beta)


def gelu(x, mode):
    assert mode == "EXACT"
    return wide(x) * 0.5 * (1 + erf(wide(x) / np.float32(math.sqrt(2))))


def softmax(x, axis):
    powers = np.exp(wide(x) - wide(x).max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def matmul(x, y, transpose_x=False, transpose_y=False):
    x, y = wide(x), wide(y)
    return (x.swapaxes(-1, -2) if transpose_x else x) @ (y.swapaxes(-1, -2) if transpose_y else y)


def slice_by_index(x, begin, end, stride=None, begin_mask=None, end_mask=None, squeeze_mask=None):
    assert squeeze_mask is None or not any(squeeze_mask)
    count = len(begin)
    stride = [1] * count if stride is None else stride
    starts = [None if begin_mask is not None and begin_mask[i] else begin[i] for i in range(count)]
    ends = [None if end_mask is not None and end_mask[i] else end[i] for i in range(count)]
    return x[tuple(map(slice, starts, ends, stride))]


def gather(x, indices, axis, batch_dims=0, validate_indices=False):
    assert batch_dims == 0
    return np.take(x, np.asarray(indices, np.int64), axis=int(axis))


OPERATIONS = {
    "add": lambda x, y: x + y,
    "cast": lambda x, dtype: np.asarray(x).astype(TYPES[dtype]),
    "concat": lambda values, axis, interleave=False: np.concatenate(values, axis=axis),
    "conv": conv,
    "gather": gather,
    "gelu": gelu,
    "greater_equal": lambda x, y: np.asarray(x >= y),
    "identity": lambda x: x,
    "layer_norm": layer_norm,
    "linear": lambda x, weight, bias: wide(x) @ wide(weight).T + wide(bias),
    "matmul": matmul,
    "mul": lambda x, y: x * y,
    "real_div": lambda x, y: x / y,
    "reduce_sum": lambda x, axes, keep_dims: wide(x).sum(axis=tuple(axes), keepdims=bool(keep_dims)),
    "reshape": lambda x, shape: np.asarray(x).reshape(shape),
    "rsqrt": lambda x, epsilon: 1 / np.sqrt(wide(x) + np.float32(epsilon)),
    "select": lambda cond, a, b: np.where(cond, a, b),
    "slice_by_index": slice_by_index,
    "softmax": softmax,
    "square": lambda x: x * x,
    "sub": lambda x, y: x - y,
    "transpose": lambda x, perm: np.transpose(x, perm),
}
