"""Finds groups of primitives that ONNX Runtime has one operator for: layer norm, activations, cached attention."""

from collections.abc import Callable, Sequence

import numpy as np

from dora_primespeech_mlx.runtime.trace.record import Primitive, Trace


class Finder:
    """Looks backwards from a value through the primitives of a trace, past broadcasts."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.producers = {name: primitive for primitive in trace.primitives for name in primitive.outputs}

    def origin(self, name: str) -> str:
        """The value before any broadcast."""
        while name in self.producers and self.producers[name].name in ("Broadcast", "Full"):
            name = self.producers[name].inputs[0]
        return name

    def maker(self, name: str, *kinds: str) -> Primitive | None:
        """The primitive of one of the given kinds that made a value, or None."""
        primitive = self.producers.get(self.origin(name))
        return primitive if primitive is not None and primitive.name in kinds else None

    def scalar(self, name: str) -> float | None:
        """The number, when a value is one constant number everywhere."""
        constant = self.trace.constants.get(self.origin(name))
        return float(constant.reshape(-1)[0]) if constant is not None and constant.size == 1 else None

    def is_row(self, name: str) -> bool:
        """Whether a value is a constant with one number for each channel (or one for all)."""
        constant = self.trace.constants.get(self.origin(name))
        return constant is not None and (constant.ndim == 1 or constant.size == 1)

    def is_vector(self, name: str) -> bool:
        """Whether a value has one number for each channel, be it constant or computed."""
        return self.is_row(name) or len(self.shape(self.origin(name))) == 1

    def shape(self, name: str) -> tuple:
        """Shape of a value."""
        return self.trace.tensors[name].shape


def match_layer_norm(find: Finder, last: Primitive) -> Primitive | None:
    """((x - mean) * rsqrt(var + eps)) * weight + bias over the last axis."""
    if last.name != "Add" or not find.is_vector(last.inputs[1]):
        return None
    weighted = find.maker(last.inputs[0], "Multiply")
    normal = find.maker(weighted.inputs[0], "Multiply") if weighted and find.is_vector(weighted.inputs[1]) else None
    centred = find.maker(normal.inputs[0], "Subtract") if normal else None
    root = find.maker(normal.inputs[1], "Sqrt") if normal else None
    if weighted is None or centred is None or root is None or root.arguments != (True,):
        return None
    shifted = find.maker(root.inputs[0], "Add")
    variance = find.maker(shifted.inputs[0], "Multiply") if shifted else None
    total = find.maker(variance.inputs[0], "Reduce") if variance else None
    squared = find.maker(total.inputs[0], "Square") if total else None
    if shifted is None or squared is None or squared.inputs[0] != centred.outputs[0]:
        return None
    epsilon, source = find.scalar(shifted.inputs[1]), centred.inputs[0]
    if epsilon is None or total is None or total.arguments[1] != (len(find.shape(source)) - 1,):
        return None
    rows = find.origin(weighted.inputs[1]), find.origin(last.inputs[1])
    return Primitive("LayerNorm", (source, *rows), last.outputs, (epsilon,))


def match_rectifier(find: Finder, last: Primitive) -> Primitive | None:
    """max(x, 0) and max(slope * x, x)."""
    if last.name != "Maximum":
        return None
    if find.scalar(last.inputs[1]) == 0.0:
        return Primitive("Relu", last.inputs[:1], last.outputs)
    scaled, source = find.maker(last.inputs[0], "Multiply"), last.inputs[1]
    if scaled is None or scaled.inputs[0] != source:
        return None
    slope = find.scalar(scaled.inputs[1])
    return Primitive("LeakyRelu", (source,), last.outputs, (slope,)) if slope is not None and slope < 1 else None


def match_gelu(find: Finder, last: Primitive) -> Primitive | None:
    """x * (1 + erf(x / sqrt 2)) / 2."""
    if last.name != "Divide" or find.scalar(last.inputs[1]) != 2.0:
        return None
    product = find.maker(last.inputs[0], "Multiply")
    shifted = find.maker(product.inputs[1], "Add") if product else None
    erf = find.maker(shifted.inputs[0], "Erf") if shifted and find.scalar(shifted.inputs[1]) == 1.0 else None
    scaled = find.maker(erf.inputs[0], "Divide") if erf else None
    if product is None or scaled is None or scaled.inputs[0] != product.inputs[0]:
        return None
    divisor = find.scalar(scaled.inputs[1])
    exact = divisor is not None and abs(divisor - 2**0.5) < 1e-6
    return Primitive("Gelu", scaled.inputs[:1], last.outputs) if exact else None


def match_convolution_bias(find: Finder, last: Primitive) -> Primitive | None:
    """A convolution and the constant row added to it."""
    convolution = find.maker(last.inputs[0], "Convolution") if last.name == "Add" else None
    if convolution is None or not find.is_row(last.inputs[1]) or find.scalar(last.inputs[1]) is not None:
        return None
    inputs = (*convolution.inputs, find.origin(last.inputs[1]))
    return Primitive("Convolution", inputs, last.outputs, convolution.arguments)


def match_cached_attention(find: Finder, last: Primitive) -> Primitive | None:
    """Attention of one new row over everything in a cache that is an input of the function.

    Queries, keys and values come from one projection [B, 1, 3 * heads * d]; the result takes their place in the shape
    [B, 1, heads * d]. Inputs of the fused primitive: projection, past keys, past values; outputs: result, keys, values.
    """
    if last.name != "Reshape" or len(find.shape(last.outputs[0])) != 3 or find.shape(last.outputs[0])[1] != 1:
        return None
    merged = find.maker(last.inputs[0], "Transpose")
    mixed = find.maker(merged.inputs[0], "Matmul") if merged and merged.arguments[0] == (0, 2, 1, 3) else None
    weights = find.maker(mixed.inputs[0], "Softmax") if mixed else None
    scores = find.maker(weights.inputs[0], "Matmul") if weights else None
    if mixed is None or scores is None:
        return None
    scaled, turned = find.maker(scores.inputs[0], "Multiply"), find.maker(scores.inputs[1], "Transpose")
    keys = find.maker(turned.inputs[0], "Concatenate") if turned else None
    values = find.maker(mixed.inputs[1], "Concatenate")
    if scaled is None or keys is None or values is None:
        return None
    past = keys.inputs[0], values.inputs[0]
    scale, queries = find.scalar(scaled.inputs[0]), scaled.inputs[1]
    if scale is None or any(name not in find.trace.inputs for name in past):
        return None
    packed = {_packed_part(find, name) for name in (queries, keys.inputs[1], values.inputs[1])}
    sources = {source for source, _ in packed}
    if None in sources or len(sources) != 1 or {part for _, part in packed} != {0, 1, 2}:
        return None
    heads = find.shape(keys.outputs[0])[1]
    outputs = (*last.outputs, keys.outputs[0], values.outputs[0])
    return Primitive("CachedAttention", (sources.pop(), *past), outputs, (heads, scale))  # type: ignore[arg-type]


def _packed_part(find: Finder, name: str) -> tuple[str | None, int]:
    """Where [B, heads, T, d] comes from: a projection [B, T, 3 * heads * d] and which third of it."""
    squeezed = find.maker(name, "Squeeze", "Reshape")
    cut = find.maker(squeezed.inputs[0], "Slice", "Split") if squeezed else None
    turned = find.maker(cut.inputs[0], "Transpose") if cut else None
    if squeezed is None or cut is None or turned is None or turned.arguments[0] != (2, 0, 3, 1, 4):
        return None, 0
    part = cut.arguments[0][0] if cut.name == "Slice" else cut.outputs.index(squeezed.inputs[0])
    shaped = find.maker(turned.inputs[0], "Reshape", "Unflatten")
    return (find.origin(shaped.inputs[0]) if shaped else None), part


MATCHERS: tuple[Callable[[Finder, Primitive], Primitive | None], ...] = (
    match_layer_norm,
    match_rectifier,
    match_gelu,
    match_convolution_bias,
    match_cached_attention,
)


def fold(trace: Trace, matchers: Sequence[Callable] = MATCHERS) -> Trace:
    """The trace with every group that a matcher knows replaced by one primitive, and what nothing uses dropped."""
    find = Finder(trace)
    folded = []
    for primitive in trace.primitives:
        matches = (matcher(find, primitive) for matcher in matchers)
        folded.append(next((match for match in matches if match is not None), primitive))
    made = {name for primitive in folded if primitive.name == "CachedAttention" for name in primitive.outputs[1:]}
    needed, kept = set(trace.outputs), []
    for primitive in reversed(folded):
        replaced = primitive.name == "Concatenate" and primitive.outputs[0] in made
        if not replaced and needed.intersection(primitive.outputs):
            kept.append(primitive)
            needed.update(primitive.inputs)
    constants = {name: value for name, value in trace.constants.items() if name in needed}
    return Trace(trace.tensors, trace.inputs, trace.outputs, constants, kept[::-1])


def rows_of(constant: np.ndarray, width: int) -> np.ndarray:
    """A constant row, or one number, as [width]."""
    return np.broadcast_to(constant.reshape(-1), (width,))
