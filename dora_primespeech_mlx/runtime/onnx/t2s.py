"""T2S on ONNX Runtime: a cache bound in place, which in large models holds bytes."""

from collections.abc import Sequence
from functools import cached_property
from mmap import mmap
from threading import RLock

import numpy as np
import onnxruntime

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM, T2SConfig
from dora_primespeech_mlx.runtime.apart import Apart
from dora_primespeech_mlx.runtime.interface import T2SRows, Text
from dora_primespeech_mlx.runtime.onnx.graph import PAST_LENGTH, TOTAL_LENGTH
from dora_primespeech_mlx.runtime.onnx.quantise import cache_levels, cache_scale
from dora_primespeech_mlx.runtime.onnx.session import GraphOf, OnnxFunction, default_threads

GROWTH = 256
"""Rows by which a cache grows."""
LARGE = 512
"""Width from which two threads take a step in 0.6 of the time of one; in smaller models they mostly wait."""


def cache_names(layers: int, prefix: str) -> list[str]:
    """Names of the inputs or outputs that are the keys, and then the values, of every layer."""
    return [f"{prefix}_{kind}_{layer}" for kind in ("keys", "values") for layer in range(layers)]


class OnnxT2SSession:
    """Texts being decoded together; `logits` are those of the next codes, float32 [B, vocabulary]."""

    def __init__(
        self,
        runner: "OnnxT2SRunner",
        logits: np.ndarray,
        rows: Sequence[Sequence[np.ndarray]],
        positions: Sequence[int],
    ):
        """Rows: for each text the keys and then the values of every layer, [heads, length, d] each."""
        config = runner.config
        self._runner, self._batch = runner, len(rows)
        self._past = np.array([r[0].shape[1] for r in rows], dtype=np.int32)
        self._total = np.array(self._past.max() + 1, dtype=np.int32)
        self._codes = np.zeros((self._batch, 1), dtype=np.int32)
        self._positions = np.array(positions, dtype=np.int32)[:, None]
        self._next = np.empty((self._batch, config.vocabulary), dtype=np.float32)
        self.cache = self._room(int(self._past.max()) + 1)
        self._scales = [cache_scale(part) for part in zip(*rows, strict=True)] if runner.rounded else []
        for index, row in enumerate(rows):
            for part, array in enumerate(row):
                stored = cache_levels(array, self._scales[part]) if runner.rounded else array
                self.cache[part, index, :, : array.shape[1]] = stored
        self._bind()
        self.logits = logits

    def step(self, codes: np.ndarray, rows: Sequence[int] | None = None) -> np.ndarray:
        """Appends a code to each text, or to some of them, and returns their new logits.

        Those that wait are computed too, and what they wrote is written over.
        """
        if self._total > self.cache.shape[3]:
            self._grow()
        which = slice(None) if rows is None else rows
        self._codes[which, 0] = codes
        self._runner.step_session.run_with_iobinding(self._binding)
        self._past[which] += 1
        self._positions[which] += 1
        self._total[...] = self._past.max() + 1
        self.logits = self._next[which].copy()
        return self.logits

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`."""
        parts = layer, self._runner.config.layers + layer
        rows = [self.cache[part, text, :, first:last].astype(np.float32) for part in parts]
        if self._runner.rounded:
            rows = [row * self._scales[part] for part, row in zip(parts, rows, strict=True)]
        return rows[0], rows[1]

    def states(self) -> list[tuple[list[np.ndarray], int]]:
        """What each text is made of: its rows, as the constructor takes them, and the position of its next code."""
        lengths = zip(range(self._batch), self._past, self._positions[:, 0], strict=True)
        return [(list(self.cache[:, index, :, :length]), int(position)) for index, length, position in lengths]

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
        old, made = cache_names(layers, "past"), cache_names(layers, "new")
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


class OnnxT2SRows:
    """Texts that share steps; see `runtime.interface.T2SRows`. The cache is made anew when one joins or leaves."""

    most = 8

    def __init__(self, runner: "OnnxT2SRunner"):
        self._runner = runner
        self._session: OnnxT2SSession | None = None

    def join(self, text: Text, prompt: np.ndarray) -> np.ndarray:
        """See `runtime.interface.T2SRows`."""
        logits, rows = self._runner.prefill(text, prompt)
        self._put_together([*self._states(), (rows, len(prompt))])
        return logits

    def leave(self, row: int) -> None:
        """See `runtime.interface.T2SRows`."""
        states = self._states()
        del states[row]
        self._put_together(states)

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        assert self._session is not None
        return self._session.cached(row, layer, first, last)

    def step(self, rows: Sequence[int], codes: np.ndarray) -> np.ndarray:
        """See `runtime.interface.T2SRows`."""
        assert self._session is not None
        return self._session.step(codes, list(rows))

    def _states(self) -> list[tuple[list[np.ndarray], int]]:
        return self._session.states() if self._session else []

    def _put_together(self, states: Sequence[tuple[list[np.ndarray], int]]) -> None:
        none = np.zeros((len(states), 0), np.float32)
        made = zip(*states, strict=True)
        self._session = OnnxT2SSession(self._runner, none, *made) if states else None


class OnnxT2SRunner:
    """T2S on ONNX Runtime; see `runtime.interface.T2SRunner`."""

    xp = np
    pipelined = False

    def __init__(self, config: T2SConfig, graph: GraphOf, threads: int | None = None, step: OnnxFunction | None = None):
        """Begins to make the sessions.

        Args:
            config: the network's dimensions.
            graph: gives "prefill" and "step".
            threads: None for `session.default_threads` in prefills, and in steps for one, in large models two.
            step: what makes steps; None for the graph's.
        """
        self.config = config
        self._graph = graph
        self._prefill = OnnxFunction(graph("prefill"), threads)
        steps_on = threads or min(1 + (config.hidden >= LARGE), default_threads())
        self._step = step or OnnxFunction(graph("step"), steps_on)
        self.apart = config.hidden < LARGE and (threads or default_threads()) > 1
        self._spare: np.ndarray = np.empty(0, np.int8)
        self._sparing = RLock()

    @cached_property
    def rounded(self) -> bool:
        """Whether caches hold bytes."""
        return any(port.type == "tensor(int8)" for port in self._step.session.get_inputs())

    @cached_property
    def exact_batches(self) -> bool:
        """See `runtime.interface.T2SRunner`: measured, for 8-bit products take another way for one row than for two."""
        alone, among = (self._scores(count) for count in (1, 2))
        return np.array_equal(alone, among)

    def beside(self) -> "OnnxT2SRunner | None":
        """See `runtime.interface.T2SRunner`; its prefill's session is begun when first asked for."""
        return self._beside if self.apart and self._beside._prefill.ready else None

    @cached_property
    def _beside(self) -> "OnnxT2SRunner":
        return OnnxT2SRunner(self.config, self._graph, 1, self._step)

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
        """Memory for at least `size` numbers that nobody else has.

        It is mapped by itself, so that only what is written costs: NumPy would ask for huge pages, whose zeros take as
        long as a prefill.
        """
        with self._sparing:
            memory, self._spare = self._spare, self._spare[:0]
        if memory.size >= size:
            return memory
        kind = np.dtype(np.int8 if self.rounded else np.float32)
        return np.frombuffer(mmap(-1, kind.itemsize * size), kind)

    def give_memory(self, memory: np.ndarray) -> None:
        """Takes back memory nobody needs any more; the largest is kept for the next session."""
        with self._sparing:
            if memory.size > self._spare.size:
                self._spare = memory

    def open(self) -> T2SRows:
        """See `runtime.interface.T2SRunner`."""
        return OnnxT2SRows(self) if self.exact_batches else Apart(self.start)

    def start(self, texts: Sequence[Text], prompt: np.ndarray) -> OnnxT2SSession:
        """See `runtime.interface.T2SRunner`."""
        logits, rows = zip(*(self.prefill(text, prompt) for text in texts), strict=True)
        return OnnxT2SSession(self, np.stack(logits), rows, [len(prompt)] * len(rows))

    def prefill(self, text: Text, prompt: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Scores of a text's first code, and the keys and then the values of every layer, [heads, length, d] each."""
        phones, bert = text
        features = np.zeros((len(phones), BERT_DIM), np.float32) if bert is None else bert.astype(np.float32)
        logits, *cache = self._prefill(phones.astype(np.int32)[None], features[None], prompt.astype(np.int32)[None])
        return logits[0], [part[0] for part in cache]
