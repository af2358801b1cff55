"""T2S on ONNX Runtime: the MLX network traced, a cache bound in place, 8-bit weights and, in large models, cache."""

from collections.abc import Sequence
from functools import cached_property

import mlx.core as mx
import numpy as np
import onnxruntime

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.operators import PAST_LENGTH, TOTAL_LENGTH
from dora_primespeech_mlx.runtime.onnx.quantise import cache_levels, cache_scale, quantise, quantise_caches
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input, as_numpy

GROWTH = 256
"""Rows by which a cache grows."""
LARGE = 20_000_000
"""Weights from which on prefills and caches are rounded too: below, it saves little and makes most of the error."""


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


def _cache_names(layers: int, prefix: str) -> list[str]:
    return [f"{prefix}_{kind}_{layer}" for kind in ("keys", "values") for layer in range(layers)]


def prefill_graph(model: T2S) -> Graph:
    """Phones [1, text], bert [1, text, 1024], codes [1, audio] to logits [1, vocabulary] and every layer's rows."""

    def prefill(phones: mx.array, bert: mx.array, codes: mx.array) -> tuple[mx.array, ...]:
        text, audio = phones.shape[1], codes.shape[1]
        x = mx.concatenate([model.embed_text(phones, bert), model.embed_audio(codes, mx.arange(audio))], axis=1)
        rows = mx.arange(text + audio)
        mask = mx.where(rows[None] < mx.maximum(rows[:, None] + 1, text), 0.0, -mx.inf)
        caches = [RecordedCache() for _ in range(model.config.layers)]
        logits = model.logits(model(x, mask, caches)[:, -1])
        return (logits, *(c.keys for c in caches), *(c.values for c in caches))  # type: ignore[arg-type]

    inputs = [
        Input("phones", (1, "text"), mx.int32),
        Input("bert", (1, "text", BERT_DIM)),
        Input("codes", (1, "audio"), mx.int32),
    ]
    return translate(prefill, inputs, ["logits", *_cache_names(model.config.layers, "new")])


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
        *(Input(name, shape) for name in _cache_names(config.layers, "past")),
    ]
    return translate(step, inputs, ["logits", *_cache_names(config.layers, "new")], fold)


def t2s_graphs(model: T2S, precision: str) -> tuple[Graph, Graph]:
    """Prefill and step; for the precision "int8" with 8-bit weights in the layers.

    A large model's prefill gets such weights too, and its caches hold bytes.
    """
    prefill, step = prefill_graph(model), step_graph(model)
    if precision != "int8":
        return prefill, step
    keep = [as_numpy(model.ar_predict_layer.weight), as_numpy(model.bert_proj.weight)]
    if sum(array.size for array in prefill.constants.values()) >= LARGE:
        prefill, step = quantise(prefill, "channels", keep), quantise_caches(step)
    return prefill, quantise(step, "blocks", keep)


class OnnxT2SSession:
    """Texts being decoded together; `logits` are those of the next codes, float32 [B, vocabulary]."""

    def __init__(self, runner: "OnnxT2SRunner", logits: np.ndarray, rows: Sequence[Sequence[np.ndarray]], prompt: int):
        """Rows: for each text the keys and then the values of every layer, [heads, length, d] each."""
        config = runner.config
        self._runner, self._batch = runner, len(rows)
        self._past = np.array([r[0].shape[1] for r in rows], dtype=np.int32)
        self._total = np.array(self._past.max() + 1, dtype=np.int32)
        self._codes = np.zeros((self._batch, 1), dtype=np.int32)
        self._positions = np.full((self._batch, 1), prompt, dtype=np.int32)
        self._next = np.empty((self._batch, config.vocabulary), dtype=np.float32)
        self.cache = self._room(int(self._past.max()) + 1)
        self._scales = [cache_scale(part) for part in zip(*rows, strict=True)] if runner.rounded else []
        for index, row in enumerate(rows):
            for part, array in enumerate(row):
                stored = cache_levels(array, self._scales[part]) if runner.rounded else array
                self.cache[part, index, :, : array.shape[1]] = stored
        self._bind()
        self.logits = logits

    def step(self, codes: np.ndarray) -> np.ndarray:
        """Appends a code to each text and returns the new logits."""
        if self._total > self.cache.shape[3]:
            self._grow()
        self._codes[:, 0] = codes
        self._runner.step_session.run_with_iobinding(self._binding)
        self._past += 1
        self._total += 1
        self._positions += 1
        self.logits = self._next.copy()
        return self.logits

    def _room(self, length: int) -> np.ndarray:
        """Memory for at least so many rows, with whatever is in it: that of an earlier session if it is enough."""
        config = self._runner.config
        row = 2 * config.layers * self._batch * config.heads * config.head_width
        self._memory = self._runner.take_memory(row * (length + GROWTH))
        capacity = self._memory.size // row
        shape = (2 * config.layers, self._batch, config.heads, capacity, config.head_width)
        return self._memory[: row * capacity].reshape(shape)

    def _grow(self) -> None:
        """Makes the cache longer, at most once in `GROWTH` steps."""
        old, memory = self.cache, self._memory
        self.cache = self._room(old.shape[3] + 1)
        self.cache[:, :, :, : old.shape[3]] = old
        self._runner.give_memory(memory)
        self._bind()

    def __del__(self) -> None:
        if hasattr(self, "_memory"):
            self._runner.give_memory(self._memory)

    def _bind(self) -> None:
        """Tells the session where everything lies: old and new rows are one piece of memory."""
        binding = self._runner.step_session.io_binding()
        small = {"codes": self._codes, "positions": self._positions, PAST_LENGTH: self._past, TOTAL_LENGTH: self._total}
        for name, array in small.items():
            _bind(binding.bind_input, name, array)
        layers = self._runner.config.layers
        old, made = _cache_names(layers, "past"), _cache_names(layers, "new")
        for past, new, array in zip(old, made, self.cache, strict=True):
            _bind(binding.bind_input, past, array)
            _bind(binding.bind_output, new, array)
        if self._runner.rounded:
            for past, scale in zip(old, self._scales, strict=True):
                _bind(binding.bind_input, f"{past}_scale", scale)
        _bind(binding.bind_output, "logits", self._next)
        self._binding: onnxruntime.IOBinding = binding


def _bind(bind, name: str, array: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)


class OnnxT2SRunner:
    """T2S on ONNX Runtime; see `runtime.interface.T2SRunner`."""

    xp = np
    pipelined = False

    def __init__(self, model: T2S, precision: str = "int8", threads: int | None = None):
        """Traces the network.

        Args:
            model: with float32 weights, evaluated.
            precision: "int8" (the layers) or "fp32".
            threads: None for one in steps and `onnx_session.default_threads` in prefills.
        """
        self.config = model.config
        prefill, step = t2s_graphs(model, precision)
        self._prefill = OnnxFunction(prefill, threads)
        # A step is a thousand small operations: one thread beats two that wait for each other.
        self._step = OnnxFunction(step, threads or 1)
        self.rounded = any(port.dtype == np.int8 for port in step.inputs)
        self._spare: np.ndarray = np.empty(0, np.int8 if self.rounded else np.float32)

    @cached_property
    def exact_batches(self) -> bool:
        """See `runtime.interface.T2SRunner`: measured, for 8-bit products take another way for one row than for two."""
        alone, among = (self._scores(count) for count in (1, 2))
        return np.array_equal(alone, among)

    def _scores(self, count: int) -> np.ndarray:
        """Scores of one text after three codes, the first of so many."""
        texts = [(np.arange(8 + row, dtype=np.int32) % self.config.phones, None) for row in range(count)]
        session = self.start(texts, np.zeros(0, np.int32))
        for code in range(3):
            scores = session.step(np.full(count, code))
        return scores[0]

    @property
    def step_session(self) -> onnxruntime.InferenceSession:
        """Runs a step, its inputs and outputs bound."""
        return self._step.session

    def take_memory(self, size: int) -> np.ndarray:
        """Memory for at least `size` numbers that nobody else has."""
        memory, self._spare = self._spare, self._spare[:0]
        return memory if memory.size >= size else np.empty(size, memory.dtype)

    def give_memory(self, memory: np.ndarray) -> None:
        """Takes back memory nobody needs any more; the largest is kept for the next session."""
        if memory.size > self._spare.size:
            self._spare = memory

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> OnnxT2SSession:
        """See `runtime.interface.T2SRunner`."""
        codes = prompt.astype(np.int32)[None]
        logits, rows = [], []
        for phones, bert in texts:
            features = np.zeros((len(phones), BERT_DIM), np.float32) if bert is None else bert.astype(np.float32)
            first, *cache = self._prefill(phones.astype(np.int32)[None], features[None], codes)
            logits.append(first[0])
            rows.append([part[0] for part in cache])
        return OnnxT2SSession(self, np.stack(logits), rows, len(prompt))
