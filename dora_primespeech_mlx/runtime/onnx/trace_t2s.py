"""The T2S network's graphs, traced: 8-bit weights and, in large models, a cache of bytes."""

import mlx.core as mx

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.quantise import quantise, quantise_caches
from dora_primespeech_mlx.runtime.onnx.t2s import cache_names
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input, as_numpy

LARGE = 20_000_000
"""Weights from which on prefills and caches are rounded too: below, it saves little and makes most of the error.

The last product of a layer is the exception, a third of a prefill: what goes into it is never negative, so that bytes
have twice the digits for it.
"""


class RecordedCache:
    """Takes the place of a layer's cache while the network is traced: old rows come in, all rows are noted."""

    def __init__(self, keys: mx.array | None = None, values: mx.array | None = None):
        self.keys, self.values = keys, values

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Joins the rows that came in with the new ones [B, heads, new, d]."""
        if self.keys is None or self.values is None:
            self.keys, self.values = keys, values
        else:
            self.keys = mx.concatenate([self.keys, keys], axis=2)
            self.values = mx.concatenate([self.values, values], axis=2)
        return self.keys, self.values


def prefill_graph(model: T2S) -> Graph:
    """Phones [1, text], bert [1, text, 1024], codes [1, audio] to logits [1, vocabulary] and every layer's rows."""

    def prefill(phones: mx.array, bert: mx.array, codes: mx.array) -> tuple[mx.array, ...]:
        text, audio = phones.shape[1], codes.shape[1]
        x = mx.concatenate([model.embed_text(phones, bert), model.embed_audio(codes, mx.arange(audio))], axis=1)
        rows = mx.arange(text + audio)
        mask = mx.where(rows[None] < mx.maximum(rows[:, None] + 1, text), 0.0, -mx.inf)
        caches = [RecordedCache() for _ in range(model.config.layers)]
        logits = model.logits(model(x, mask, caches, last=True)[:, -1])
        return (logits, *(c.keys for c in caches), *(c.values for c in caches))  # type: ignore[arg-type]

    inputs = [
        Input("phones", (1, "text"), mx.int32),
        Input("bert", (1, "text", BERT_DIM)),
        Input("codes", (1, "audio"), mx.int32),
    ]
    return translate(prefill, inputs, ["logits", *cache_names(model.config.layers, "new")])


def step_graph(model: T2S, fold: bool = True) -> Graph:
    """Codes and positions [B, 1] with the cache [B, heads, capacity, d] of every layer to logits [B, vocabulary].

    With `fold` the graph takes how many rows of the cache are real and writes the new one after them; without, the
    whole cache is real and comes back longer by one row.
    """
    config = model.config

    def step(codes: mx.array, positions: mx.array, *past: mx.array) -> tuple[mx.array, ...]:
        caches = [RecordedCache(k, v) for k, v in zip(past[: config.layers], past[config.layers :], strict=True)]
        hidden = model(model.embed_audio(codes, positions), None, caches)
        logits = model.logits(hidden[:, -1])
        return (logits, *(c.keys for c in caches), *(c.values for c in caches))  # type: ignore[arg-type]

    shape = ("batch", config.heads, "capacity", config.head_width)
    inputs = [
        Input("codes", ("batch", 1), mx.int32),
        Input("positions", ("batch", 1), mx.int32),
        *(Input(name, shape) for name in cache_names(config.layers, "past")),
    ]
    return translate(step, inputs, ["logits", *cache_names(config.layers, "new")], fold)


def t2s_graphs(model: T2S, precision: str) -> tuple[Graph, Graph]:
    """Prefill and step; for the precision "int8" with 8-bit weights in the layers.

    A large model's prefill gets such weights too, and its caches hold bytes; of a smaller one's, `linear2` does.
    """
    prefill, step = prefill_graph(model), step_graph(model)
    if precision != "int8":
        return prefill, step
    keep = [as_numpy(model.ar_predict_layer.weight), as_numpy(model.bert_proj.weight)]
    if sum(array.size for array in prefill.constants.values()) >= LARGE:
        return quantise(prefill, "channels", keep), quantise(quantise_caches(step), "blocks", keep)
    others = [
        as_numpy(linear.weight)
        for layer in model.h.layers
        for linear in (layer.self_attn.in_proj, layer.self_attn.out_proj, layer.linear1)
    ]
    return quantise(prefill, "channels", [*keep, *others]), quantise(step, "blocks", keep)
