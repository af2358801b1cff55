"""How many operations a T2S step gives to the device, counted in its traced graph."""

from collections import Counter

import mlx.core as mx

from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.trace.fold import Finder, fold, match_layer_norm, match_rectifier
from dora_primespeech_mlx.runtime.trace.record import Input, Primitive, Trace, record

VIEWS = frozenset(
    (
        "AsStrided",
        "Broadcast",
        "ExpandDims",
        "Flatten",
        "Full",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unflatten",
    )
)
"""Primitives that only look at memory in another way."""
ROWS = 256


class _Rows:
    """A cache that writes its new row in place, traced."""

    def __init__(self, keys: mx.array, values: mx.array):
        self._keys, self._values = keys, values

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Writes the last row."""
        kept, written = self._keys, self._values
        kept[:, :, -1:], written[:, :, -1:] = keys, values
        return kept, written


def match_attention(find: Finder, last: Primitive) -> Primitive | None:
    """Softmax of scaled scores times values: one operation on Metal and CUDA for heads of a fitting width."""
    weights = find.maker(last.inputs[0], "Softmax") if last.name == "Matmul" else None
    scores = find.maker(weights.inputs[0], "Matmul") if weights else None
    scaled = find.maker(scores.inputs[0], "Multiply") if scores else None
    if scores is None or scaled is None:
        return None
    return Primitive("Attention", (scaled.inputs[1], scores.inputs[1], last.inputs[1]), last.outputs)


def step_primitives(model: T2S) -> Counter[str]:
    """Primitives of one step that compute something, by name, without the sampling."""
    return count(fold(traced_step(model), (match_layer_norm, match_rectifier, match_attention)))


def traced_step(model: T2S) -> Trace:
    """The primitives of a step at row `ROWS` of an evaluated network."""
    config = model.config
    shape = (1, config.heads, ROWS, config.head_width)

    def step(token: mx.array, position: mx.array, *past: mx.array) -> mx.array:
        caches = [_Rows(k, v) for k, v in zip(past[: config.layers], past[config.layers :], strict=True)]
        return model.logits(model(model.embed_audio(token, position), None, caches)[0, 0])

    names = [f"{kind}_{layer}" for kind in ("keys", "values") for layer in range(config.layers)]
    dtype = model.ar_audio_embedding.word_embeddings.weight.dtype
    inputs = [Input("token", (1, 1), mx.int32), Input("position", (1,), mx.int32)]
    return record(step, [*inputs, *(Input(name, shape, dtype) for name in names)])


def count(trace: Trace) -> Counter[str]:
    """Primitives by name, without views."""
    return Counter(primitive.name for primitive in trace.primitives if primitive.name not in VIEWS)
