"""How each MLX primitive is written in ONNX, where it takes more than naming the operator.

A rule takes the translator, the primitive, its inputs and an empty value of the result's shape and type, and returns
the results.
"""

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
from onnx import helper

from dora_primespeech_mlx.runtime.onnx.graph import PAST_LENGTH, TOTAL_LENGTH, Port
from dora_primespeech_mlx.runtime.onnx.values import DTYPES, PLANE_AXIS, GraphValues, Value, broadcast_shapes
from dora_primespeech_mlx.runtime.trace.fold import rows_of
from dora_primespeech_mlx.runtime.trace.record import Primitive
from dora_primespeech_mlx.runtime.trace.shapes import Affine, Dim

REDUCTIONS = {2: "ReduceSum", 3: "ReduceProd", 4: "ReduceMin", 5: "ReduceMax"}


def _set(result: Value, name: str, planes: bool) -> Value:
    result.planes, result.plain = (name, None) if planes else (None, name)
    return result


def _broadcast(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    source = inputs[0].broadcast or inputs[0]
    result.broadcast = source
    return [source if source.shape == result.shape else result]


def _same(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    return [inputs[0]]


def _transpose(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    order = list(p.arguments[0])
    if order == list(range(len(order))):
        return [inputs[0]]
    if inputs[0].constant is not None:
        result.constant = inputs[0].constant.transpose(order)
    else:
        result.plain = t.graph.add("Transpose", [t.plain(inputs[0])], perm=order)
    return [result]


def _cast(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    value = inputs[0]
    if value.broadcast is not None:
        inner = Value(value.broadcast.shape, result.dtype)
        result.broadcast = _cast(t, p, [value.broadcast], inner)[0]
    elif value.dtype == result.dtype:
        return [value]
    elif value.constant is not None:
        result.constant = value.constant.astype(DTYPES[result.dtype])
    else:
        t.elementwise("Cast", [value], result, to=int(helper.np_dtype_to_tensor_dtype(DTYPES[result.dtype])))
    return [result]


def _concatenate(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    names, axis, planes = t.axis_form(inputs, int(p.arguments[0]))
    return [_set(result, t.graph.add("Concat", names, axis=axis), planes)]


def _split(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    names, axis, planes = t.axis_form(inputs, int(p.arguments[1]))
    tensors = [t.trace.tensors[name] for name in p.outputs]
    sizes = t.graph.vector([tensor.shape[int(p.arguments[1])] for tensor in tensors])
    parts = t.graph.add_many("Split", [names[0], sizes], len(tensors), axis=axis)
    return [_set(Value(x.shape, x.dtype), part, planes) for x, part in zip(tensors, parts, strict=True)]


def _slice(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    shape = inputs[0].shape
    cuts: list[tuple[int, Dim, Dim, int]] = []
    for axis, (start, end, step) in enumerate(zip(*p.arguments[:3], strict=True)):
        if step < 0:
            # MLX writes "down to and with the first" as -size - 1.
            cuts.append((axis, start, np.iinfo(np.int64).min if _below(end) else end, step))
        elif (start, step) != (0, 1) or end != shape[axis]:
            cuts.append((axis, start, end, step))
    if not cuts:
        return [inputs[0]]
    planes = len(shape) == 3 and inputs[0].only_planes
    axes, starts, ends, steps = zip(*cuts, strict=True)
    name = t.planes(inputs[0]) if planes else t.plain(inputs[0])
    axes = tuple(PLANE_AXIS[axis] for axis in axes) if planes else axes
    vectors = [t.graph.vector(starts), t.graph.vector(ends), t.graph.vector(axes), t.graph.vector(steps)]
    return [_set(result, t.graph.add("Slice", [name, *vectors]), planes)]


def _below(end: Dim) -> bool:
    return end.constant < 0 if isinstance(end, Affine) else end is not None and end < 0


def _pad(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    axes, low, high = p.arguments
    rank = len(result.shape)
    before, after = [0] * rank, [0] * rank
    for axis, a, b in zip(axes, low, high, strict=True):
        before[axis], after[axis] = a, b
    names = [t.plain(inputs[0]), t.graph.vector([*before, *after]), t.plain(inputs[1])]
    result.plain = t.graph.add("Pad", names)
    return [result]


def _arange(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    start, stop, step = p.arguments
    dtype = DTYPES[result.dtype]
    if all(isinstance(number, (int, float)) for number in (start, stop, step)):
        result.constant = np.arange(start, stop, step).astype(dtype)
        return [result]
    scalars = [t.graph.add("Squeeze", [t.graph.vector([_whole(number)])]) for number in (start, stop, step)]
    counted = Value(result.shape, mx.int64, plain=t.graph.add("Range", scalars))
    return _cast(t, p, [counted], result)


def _whole(number: Any) -> Dim:
    return number if isinstance(number, Affine) else int(number)


def _length(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    size, inverse = p.arguments
    counted = Value((), mx.int64, plain=t.graph.add("Squeeze", [t.graph.vector([size])]))
    number = _cast(t, p, [counted], Value((), result.dtype))[0]
    if inverse:
        number = t.elementwise("Reciprocal", [number], Value((), result.dtype))
    return [t.view(number, result.shape)]


def _softmax(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    result.plain = t.graph.add("Softmax", [t.plain(inputs[0])], axis=-1)
    return [result]


def _square(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    return [t.elementwise("Mul", [inputs[0], inputs[0]], result)]


def _sqrt(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    t.elementwise("Sqrt", inputs, result)
    reciprocal = bool(p.arguments and p.arguments[0])
    return [t.elementwise("Reciprocal", [result], Value(result.shape, result.dtype)) if reciprocal else result]


def _log1p(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    one = Value((), result.dtype, constant=np.ones((), DTYPES[result.dtype]))
    return [t.elementwise("Log", [t.elementwise("Add", [inputs[0], one], Value(result.shape, result.dtype))], result)]


def _log_add_exp(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    """log(e^a + e^b) = b + softplus(a - b)."""
    difference = t.elementwise("Sub", inputs, Value(result.shape, result.dtype))
    soft = t.elementwise("Softplus", [difference], Value(result.shape, result.dtype))
    return [t.elementwise("Add", [soft, inputs[1]], result)]


def _leaky_relu(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    return [t.elementwise("LeakyRelu", inputs, result, alpha=float(p.arguments[0]))]


def _gelu(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    return [t.elementwise("Gelu", inputs, result)]


def _reduce(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    operator = REDUCTIONS.get(int(p.arguments[0]))
    if operator is None:
        raise ValueError(f"MLX reduction number {p.arguments[0]} (all or any) has no ONNX rule.")
    axes = t.graph.constant(np.array(p.arguments[1], np.int64))
    result.plain = t.graph.add(operator, [t.plain(inputs[0]), axes], keepdims=1)
    return [result]


def _arg_reduce(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    kind, axis = p.arguments
    name = t.graph.add("ArgMax" if kind else "ArgMin", [t.plain(inputs[0])], axis=int(axis), keepdims=1)
    return _cast(t, p, [Value(result.shape, mx.int64, plain=name)], result)


def _layer_norm(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    width = result.shape[-1]
    rows = []
    for value in inputs[1:]:
        if not isinstance(width, int):
            raise ValueError("Layer norm needs a fixed width.")
        if value.constant is None:
            rows.append(t.plain(value))
        else:
            rows.append(t.graph.constant(rows_of(value.constant, width)))
    names = [t.plain(inputs[0]), *rows]
    result.plain = t.graph.add("LayerNormalization", names, axis=-1, epsilon=float(p.arguments[0]))
    return [result]


def _gather(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    """Index arrays over the first axes or over one other, one element of each and the whole of every other axis."""
    data, indices = inputs[0], inputs[1:]
    axes, sizes = p.arguments
    if len(axes) == 1 and axes[0] > 0 and sizes == (*data.shape[: axes[0]], 1, *data.shape[axes[0] + 1 :]):
        return [_gather_inner(t, data, indices[0], axes[0], result)]
    whole = tuple(sizes[len(axes) :]) == tuple(data.shape[len(axes) :])
    if tuple(axes) != tuple(range(len(axes))) or any(size != 1 for size in sizes[: len(axes)]) or not whole:
        raise ValueError(f"MLX Gather over axes {list(axes)} with slices {list(sizes)} has no ONNX rule.")
    shape = (*indices[0].shape, *data.shape[len(axes) :])
    if len(axes) == 1:
        found = t.graph.add("Gather", [t.plain(data), t.plain(indices[0])], axis=0)
    else:
        last = t.graph.constant([-1], np.int64)
        columns = []
        for index in indices:
            wide = Value(index.shape, mx.int64)
            columns.append(t.graph.add("Unsqueeze", [t.plain(_cast(t, p, [index], wide)[0]), last]))
        found = t.graph.add("GatherND", [t.plain(data), t.graph.add("Concat", columns, axis=-1)])
    return [t.view(Value(shape, result.dtype, plain=found), result.shape)]


def _gather_inner(t: GraphValues, data: Value, index: Value, axis: int, result: Value) -> Value:
    """One index array over an inner axis: its own axes come first in the result."""
    found = t.graph.add("Gather", [t.plain(data), t.plain(index)], axis=axis)
    turned = list(range(axis, axis + len(index.shape)))
    others = [place for place in range(len(data.shape) - 1 + len(turned)) if place not in turned]
    name = t.graph.add("Transpose", [found], perm=turned + others)
    shape = (*index.shape, *data.shape[:axis], *data.shape[axis + 1 :])
    return t.view(Value(shape, result.dtype, plain=name), result.shape)


def _gather_axis(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    result.plain = t.graph.add("GatherElements", [t.plain(v) for v in inputs], axis=int(p.arguments[0]))
    return [result]


def _matmul(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    """Products; by a constant matrix also of values that were flattened for it, in their own shape."""
    left, right = inputs[0], inputs[1]
    weight = right.constant
    bias = inputs[2] if len(inputs) > 2 else None
    if p.name == "AddMM" and tuple(p.arguments) != (1.0, 1.0):
        raise ValueError(f"MLX AddMM with factors {list(p.arguments)} has no ONNX rule.")
    if weight is None or weight.ndim != 2:
        bare = [v.broadcast if v.broadcast is not None and len(v.broadcast.shape) > 1 else v for v in (left, right)]
        batch = broadcast_shapes([v.shape[:-2] for v in bare]) if all(len(v.shape) > 1 for v in bare) else None
        names = [t.plain(v) for v in (bare if batch == result.shape[:-2] else (left, right))]
        product = Value(result.shape, result.dtype, plain=t.graph.add("MatMul", names))
        return [product if bias is None else t.elementwise("Add", [product, bias], result)]
    root = left
    while root.reshaped is not None and root.reshaped.shape[-1] == left.shape[-1]:
        root = root.reshaped
    product = Value((*root.shape[:-1], weight.shape[1]), result.dtype)
    row = bias.broadcast or bias if bias is not None else None
    if root.only_planes and len(root.shape) == 3 and (row is None or row.constant is not None):
        names = [t.planes(root), t.graph.constant(weight.T[:, :, None, None])]
        if row is not None and row.constant is not None:
            names.append(t.graph.constant(row.constant.reshape(-1)))
        product.planes = t.graph.add("Conv", names, kernel_shape=[1, 1])
        return [t.view(product, result.shape)]
    product.plain = t.graph.add("MatMul", [t.plain(root), t.graph.constant(weight)])
    if row is not None and len(row.shape) <= 1:
        product = t.elementwise("Add", [product, row], Value(product.shape, product.dtype))
    elif bias is not None:
        return [t.elementwise("Add", [t.view(product, result.shape), bias], result)]
    return [t.view(product, result.shape)]


def _convolution(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    stride, low, high, kernel_dilation, input_dilation, groups, flip = p.arguments
    weight = inputs[1].constant
    if weight is None:
        raise ValueError("Only convolutions with constant weights have an ONNX rule.")
    if len(inputs[0].shape) == 4:
        return [_image_convolution(t, p, inputs, result)]
    kernel = weight.shape[1]
    names = [t.planes(inputs[0])]
    if input_dilation[0] == 1 and not flip:
        names.append(t.graph.constant(weight.transpose(0, 2, 1)[:, :, None]))
        attributes: dict[str, Any] = {
            "strides": [1, stride[0]],
            "dilations": [1, kernel_dilation[0]],
            "pads": [0, low[0], 0, high[0]],
        }
        operator = "Conv"
    else:
        if not flip or stride[0] != 1 or kernel_dilation[0] != 1 or groups != 1:
            raise ValueError(f"MLX Convolution with arguments {list(p.arguments)} has no ONNX rule.")
        names.append(t.graph.constant(weight.transpose(2, 0, 1)[:, :, None]))
        pads = [0, kernel - 1 - low[0], 0, kernel - 1 - high[0]]
        attributes = {"strides": [1, input_dilation[0]], "pads": pads}
        operator = "ConvTranspose"
    if len(inputs) > 2 and inputs[2].constant is not None:
        names.append(t.graph.constant(inputs[2].constant))
    result.planes = t.graph.add(operator, names, kernel_shape=[1, kernel], group=int(groups), **attributes)
    return [result]


def _image_convolution(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> Value:
    """A convolution over [B, H, W, C]; ONNX Runtime removes the transposes between one and the next."""
    stride, low, high, kernel_dilation, input_dilation, groups, flip = p.arguments
    weight = inputs[1].constant
    if weight is None or flip or tuple(input_dilation) != (1, 1):
        raise ValueError(f"MLX Convolution with arguments {list(p.arguments)} has no ONNX rule.")
    names = [t.graph.add("Transpose", [t.plain(inputs[0])], perm=[0, 3, 1, 2])]
    names.append(t.graph.constant(np.ascontiguousarray(weight.transpose(0, 3, 1, 2))))
    if len(inputs) > 2 and inputs[2].constant is not None:
        names.append(t.graph.constant(inputs[2].constant))
    attributes = {"strides": stride, "dilations": kernel_dilation, "pads": [*low, *high], "group": int(groups)}
    found = t.graph.add("Conv", names, kernel_shape=weight.shape[1:3], **attributes)
    result.plain = t.graph.add("Transpose", [found], perm=[0, 2, 3, 1])
    return result


def _cached_attention(t: GraphValues, p: Primitive, inputs: list[Value], result: Value) -> list[Value]:
    """One new row over a cache that the caller binds in place, read up to each row's own length."""
    heads, scale = p.arguments
    graph = t.graph
    if not any(port.name == PAST_LENGTH for port in graph.inputs):
        batch = next(port.shape[0] for port in graph.inputs)
        graph.inputs.append(Port(PAST_LENGTH, (batch,), np.dtype(np.int32)))
        graph.inputs.append(Port(TOTAL_LENGTH, (), np.dtype(np.int32)))
    names = [t.plain(inputs[0]), "", "", t.plain(inputs[1]), t.plain(inputs[2]), PAST_LENGTH, TOTAL_LENGTH]
    counts = {"num_heads": int(heads), "kv_num_heads": int(heads)}
    made = graph.add_many("GroupQueryAttention", names, 3, "com.microsoft", scale=float(scale), **counts)
    caches = [t.trace.tensors[name] for name in p.outputs[1:]]
    pairs = zip([result, *(Value(cache.shape, cache.dtype) for cache in caches)], made, strict=True)
    return [_set(value, name, False) for value, name in pairs]


Rule = Callable[[GraphValues, Primitive, list[Value], Value], list[Value]]
RULES: dict[str, Rule] = {
    "AddMM": _matmul,
    "Arange": _arange,
    "ArgReduce": _arg_reduce,
    "AsType": _cast,
    "Broadcast": _broadcast,
    "CachedAttention": _cached_attention,
    "Concatenate": _concatenate,
    "Contiguous": _same,
    "Convolution": _convolution,
    "Copy": _same,
    "Full": _same,
    "Gather": _gather,
    "GatherAxis": _gather_axis,
    "Gelu": _gelu,
    "LayerNorm": _layer_norm,
    "LeakyRelu": _leaky_relu,
    "Length": _length,
    "Log1p": _log1p,
    "LogAddExp": _log_add_exp,
    "Matmul": _matmul,
    "Pad": _pad,
    "Reduce": _reduce,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": _sqrt,
    "Square": _square,
    "StopGradient": _same,
    "Transpose": _transpose,
}
