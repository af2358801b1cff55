"""T2S on CUDA devices that have clusters of blocks: several codes of several texts in one launch of one kernel.

A launch and a read a code cost more than many a code; here the kernel draws too, so that a launch makes as many codes
as its caller wants. See clusters.cuh for how the network is cut. Prefills are one launch too (prefill.py), or
run as on any other MLX device.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.interface import Newcomer, Text
from dora_primespeech_mlx.runtime.mlx.cache import FreshRows
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel
from dora_primespeech_mlx.runtime.mlx.runner import prefill, prefill_many
from dora_primespeech_mlx.runtime.mlx.transfers import MlxTransfers
from dora_primespeech_mlx.runtime.transfers import Transfers
from dora_primespeech_mlx.sampling import Sampling

SOURCE = Path(__file__).with_name("clusters.cuh")
GROWTH = 512
"""Rows by which the cache grows."""
SPARE = 1.5
"""Multiprocessors for each block: clusters need neighbours, which are never all free; the vocoder takes the others."""
MOST_CLUSTERS = 8
FEW = 6
"""Texts up to which clusters decode them, where another kernel takes many."""
MOST_JOINS = 16
"""Texts that are prefilled at once."""
INPUTS = {
    "sizes": "int32_t", "sampling": "float", "texts": "int32_t", "noise": "float", "first_logits": "float",
    "cache": "__half", "words": "int64_t", "embedding": "__half", "positions": "float",
    "weights": "uint8_t", "head": "uint8_t",
}  # fmt: skip
OUTPUTS = {"drawn": "int32_t", "texts_after": "int32_t", "logits": "float"}
"""The kernel's arguments and their types, which MLX derives from the arrays."""
STATE = 6
"""Numbers of a text between launches, before the bits of the codes it has seen; see the kernel's `Text`."""

ADOPTING = 256
ADOPT = """
  const long at = (long)blockIdx.x * blockDim.x + threadIdx.x, plane = at / sizes[2];
  if (plane < sizes[1]) {
    uint4* to = (uint4*)cache + (sizes[0] + plane) * sizes[3];
    to[at % sizes[2]] = ((const uint4*)rows)[at];
  }
  if (at < state_shape[1]) adopted[at] = state[at];
"""
"""A kernel that copies planes of rows into longer ones; its threads in a block."""


@dataclass(frozen=True)
class Plan:
    """How a network is cut.

    Attributes:
        cluster: blocks of a cluster.
        heads: of a cluster.
        warps: of a block.
        texts: most at once.
    """

    cluster: int
    heads: int
    warps: int
    texts: int

    def blocks(self, config: T2SConfig) -> int:
        """Blocks of the kernel, all of which run at once."""
        return config.heads // self.heads * self.cluster

    def cuts(self, config: T2SConfig) -> bool:
        """Whether a network can be cut so; the kernel asserts the same."""
        width, clusters, sharers = config.head_width, config.heads // self.heads, self.cluster // self.heads
        if config.heads % self.heads or self.cluster % self.heads or clusters > MOST_CLUSTERS:
            return False
        if width % 32 or width * config.heads != config.hidden or 32 % (self.heads * width // 8) or width > 256:
            return False
        if config.feed_forward % (64 * clusters) or config.hidden % self.cluster or 3 * width % (4 * sharers):
            return False
        inputs, slice_, units = 3 * width // sharers, config.hidden // self.cluster, config.feed_forward // clusters
        at_once, out_rows = 32 >> (clusters - 1).bit_length(), 256 // (self.heads * width)
        if units % (4 * self.cluster) or slice_ % at_once or slice_ % out_rows or slice_ % 4:
            return False
        if self.cluster * at_once // 4 > 32 or at_once % 4 or self.texts > self.warps:
            return False
        busy = min(inputs, units // self.cluster, slice_ // max(at_once, out_rows, 4))
        return busy >= self.warps and config.hidden + units + self.warps * (width + 4) >= config.vocabulary

    def shared(self, config: T2SConfig) -> int:
        """Bytes of shared memory that a block needs."""
        width, hidden = config.head_width, config.hidden
        clusters, inputs = config.heads // self.heads, 3 * width * self.heads // self.cluster
        units, part = config.feed_forward // clusters, width + 4
        own, up = hidden // self.cluster, units // self.cluster
        head, seen = -(-config.vocabulary // self.blocks(config)), -(-config.vocabulary // 32)
        weights = (inputs + up + head) * hidden + own * (self.heads * width + units)
        floats = 6 * hidden + inputs + up + 2 * own
        text = 2 * hidden + 3 * width + self.cluster * part + units + own + self.warps * part + seen + STATE
        return 2 * weights + 4 * floats + 80 + 4 * self.texts * text


PLANS = [
    Plan(cluster, heads, warps, texts)
    for cluster, warps in ((8, 8), (4, 8), (8, 16), (4, 16))
    for texts in (8, 4, 2, 1)
    for heads in (2, 1)
]
"""What is tried, best first."""


def plan(config: T2SConfig, multiprocessors: int, shared: int) -> Plan | None:
    """How to cut a network for a device.

    Args:
        config: the network's dimensions.
        multiprocessors: of the device.
        shared: bytes of shared memory that a block may have.

    Returns:
        None if the network does not fit.
    """
    for each in PLANS:
        if each.cuts(config) and each.shared(config) <= shared and SPARE * each.blocks(config) <= multiprocessors:
            return each
    return None


def pack(model: T2S, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """The weights as blocks want them: bytes of the layers [layers, blocks, n], and of the scores' rows [blocks, n]."""
    config = model.config
    width, hidden, blocks = config.head_width, config.hidden, plan.blocks(config)
    clusters, sharers = config.heads // plan.heads, plan.cluster // plan.heads
    inputs, own, units = 3 * width // sharers, hidden // plan.cluster, config.feed_forward // clusters
    cluster, rank = np.divmod(np.arange(blocks), plan.cluster)
    part = rank[:, None] % sharers * inputs + np.arange(inputs)
    in_rows = part // width * hidden + (cluster * plan.heads + rank // sharers)[:, None] * width + part % width
    own_rows = rank[:, None] * own + np.arange(own)
    joined = cluster[:, None] * (plan.heads * width) + np.arange(plan.heads * width)
    up_rows = np.arange(config.feed_forward).reshape(blocks, -1)
    cluster_units = cluster[:, None] * units + np.arange(units)

    def piece(*arrays: np.ndarray) -> np.ndarray:
        rows = (np.broadcast_to(array, (blocks, *array.shape[1:])).reshape(blocks, -1) for array in arrays)
        return np.concatenate([np.ascontiguousarray(row).view(np.uint8) for row in rows], axis=1)

    layers, before = [], (np.ones((1, hidden), np.float32), np.zeros((1, hidden), np.float32))
    for layer in model.h.layers:
        attention = layer.self_attn
        out, down = _half(attention.out_proj.weight), _half(layer.linear2.weight)
        pieces = (
            piece(*before, _single(attention.in_proj.bias)[in_rows], _half(attention.in_proj.weight)[in_rows]),
            piece(_single(attention.out_proj.bias)[own_rows], out[own_rows[:, :, None], joined[:, None]]),
            piece(*_norm(layer.norm1), _single(layer.linear1.bias)[up_rows], _half(layer.linear1.weight)[up_rows]),
            piece(_single(layer.linear2.bias)[own_rows], down[own_rows[:, :, None], cluster_units[:, None]]),
        )
        layers.append(np.concatenate(pieces, axis=1))
        before = _norm(layer.norm2)
    rows = -(-config.vocabulary // blocks)
    head = np.zeros((blocks * rows, hidden), np.float16)
    head[: config.vocabulary] = _half(model.ar_predict_layer.weight)
    return np.stack(layers), piece(*before, head.reshape(blocks, rows, hidden))


def _half(array: mx.array) -> np.ndarray:
    return np.array(array.astype(mx.float16))


def _single(array: mx.array) -> np.ndarray:
    return np.array(array.astype(mx.float32))


def _norm(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    return _single(norm.weight)[None], _single(norm.bias)[None]


class CodesKernel:
    """The kernel and the weights it reads.

    Args:
        model: with float16 weights and heads of their own width, evaluated.
        plan: see `plan`.

    Raises:
        ValueError: the network cannot be cut so.
    """

    def __init__(self, model: T2S, plan: Plan):
        config = model.config
        if not plan.cuts(config):
            raise ValueError(f"The kernel of T2S codes cannot run {config}.")
        self.config, self.plan = config, plan
        weights, head = (mx.array(packed) for packed in pack(model, plan))
        self.weights = [
            model.ar_audio_embedding.word_embeddings.weight.astype(mx.float16),
            model._positions.astype(mx.float32) * model.ar_audio_position.alpha.astype(mx.float32),
            weights,
            head,
        ]
        self.seen = -(-config.vocabulary // 32)
        self._built: dict[int, Callable[..., list[mx.array]]] = {}
        mx.eval(self.weights)

    def words(self) -> mx.array:
        """Room for what travels between clusters, and the ticks so far, int64 [n]."""
        config, plan = self.config, self.plan
        return mx.zeros(2 + plan.texts * (2 * config.hidden * config.heads // plan.heads + config.vocabulary), mx.int64)

    def state(self, prompt: np.ndarray, filled: int, slot: int) -> np.ndarray:
        """A text that has no code yet, int32 [1, n], with the rows of its cache and its place there."""
        bits = np.zeros(32 * self.seen, np.uint8)
        bits[prompt] = 1
        seen = np.packbits(bits, bitorder="little").view(np.int32)
        return np.array([[-1, len(prompt), filled, 0, slot, 0, *seen]], np.int32)

    def __call__(
        self,
        sampling: mx.array,
        texts: mx.array,
        noise: mx.array,
        logits: mx.array,
        cache: mx.array,
        words: mx.array,
    ) -> tuple[mx.array, mx.array, mx.array]:
        """Makes codes, and writes what they leave into `cache` and `words`.

        Args:
            sampling: float32 [B, 6], as the kernel's structure of that name.
            texts: int32 [B, n], see `state`; either all or none of them have a code.
            noise: exponential noise, float32 [count, B, vocabulary].
            logits: float32 [B, vocabulary], from which texts without a code draw their first.
            cache: float16 [slots, layers, 2, heads, capacity, d].
            words: see `words`.

        Returns:
            codes and whether they end their text, int32 [count, 2, B]; the texts after them; the scores of the last.
        """
        count, rows = noise.shape[0], len(texts)
        threads = 32 * self.plan.warps
        sizes = mx.array([rows, count, cache.shape[4]], mx.int32)
        drawn, texts, logits = self._kernel(1 if rows == 1 else self.plan.texts)(
            inputs=[sizes, sampling, texts, noise, logits, cache, words, *self.weights],
            output_shapes=[(count, 2, rows), texts.shape, (rows, self.config.vocabulary)],
            output_dtypes=[mx.int32, mx.int32, mx.float32],
            grid=(self.plan.blocks(self.config) * threads, 1, 1),
            threadgroup=(threads, 1, 1),
        )
        return drawn, texts, logits

    def adopt(self, cache: mx.array, slot: int, rows: mx.array, state: mx.array, after: mx.array) -> mx.array:
        """Writes what a prefill left, float16 [layers, 2, heads, rows, d], to a place in `cache`.

        Returns:
            `state`, of whoever needs the rows to be there. `after` is what must be done before.
        """
        planes, count = int(np.prod(rows.shape[:3])), rows.shape[3] * rows.shape[4] // 8
        sizes = mx.array([slot * planes, planes, count, cache.shape[4] * cache.shape[5] // 8], mx.int32)
        (adopted,) = self._adopt(
            inputs=[sizes, cache, rows, state, after],
            output_shapes=[state.shape],
            output_dtypes=[mx.int32],
            grid=(-(-planes * count // ADOPTING) * ADOPTING, 1, 1),
            threadgroup=(ADOPTING, 1, 1),
        )
        return adopted

    @cached_property
    def _adopt(self) -> Callable[..., list[mx.array]]:
        # MLX does not know that the cache is written into; who reads it has to depend on the output.
        return cuda_kernel.kernel("t2s_adopt", ("sizes", "cache", "rows", "state", "after"), ("adopted",), ADOPT)

    def _kernel(self, texts: int) -> Callable[..., list[mx.array]]:
        """The kernel for at most so many texts: what is known to be one needs no loops over them."""
        if texts not in self._built:
            self._built[texts] = self._build(replace(self.plan, texts=texts))
        return self._built[texts]

    def _build(self, plan: Plan) -> Callable[..., list[mx.array]]:
        config, shared, threads = self.config, plan.shared(self.config), 32 * plan.warps
        numbers = (config.hidden, config.heads, config.feed_forward, config.vocabulary, *astuple(plan))
        header = f"{SOURCE.read_text('utf-8')}\nusing Kernel = Codes<{', '.join(map(str, numbers))}>;\n"
        header += f"static_assert(Kernel::SHARED == {shared});\n"
        casts = {"sampling": "const Sampling*", "cache": "__half*", "words": "Word*"}
        bounds = f"__cluster_dims__({plan.cluster}, 1, 1) __launch_bounds__({threads}, 1)"
        return cuda_kernel.structure("t2s_codes", INPUTS, OUTPUTS, casts, config.layers, header, bounds, shared)


def sampling_numbers(sampling: Sampling, end: int, minimum: int) -> tuple[float, ...]:
    """How to draw, as the kernel's structure of that name."""
    temperature = max(sampling.temperature, 1e-5)
    return sampling.top_k, sampling.top_p, temperature, sampling.repetition_penalty, minimum, end


class ManyTexts(Protocol):
    """Another kernel that takes more texts at once."""

    texts: int

    def __call__(
        self, sampling: mx.array, texts: mx.array, noise: mx.array, cache: mx.array
    ) -> tuple[mx.array, mx.array, mx.array]:
        """Makes codes of texts that have one already; arguments and results as of `CodesKernel`."""
        ...


class Prefill(Protocol):
    """How texts are prefilled."""

    def __call__(
        self, newcomers: Sequence[Newcomer], slots: Sequence[int], states: mx.array, cache: mx.array, after: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Prefills texts after their prompts, and writes their rows to their places in the cache.

        Args:
            newcomers: the texts, at most `MOST_JOINS`.
            slots: their places.
            states: see `CodesKernel.state`, int32 [B, n].
            cache: float16 [slots, layers, 2, heads, capacity, d].
            after: what must be done before.

        Returns:
            scores float32 [B, vocabulary], and `states`, of whoever needs the rows to be there.
        """
        ...


class OperationsPrefill:
    """Prefills by operations, as on any device; see `Prefill`.

    Args:
        kernel: that moves their rows.
        model: see `CodesKernel`; a network of its weights is settled.
    """

    def __init__(self, kernel: CodesKernel, model: T2S):
        self._kernel = kernel
        self._model = T2S(model.config)
        self._model.update(model.parameters())
        self._model.settle()

    def __call__(
        self, newcomers: Sequence[Newcomer], slots: Sequence[int], states: mx.array, cache: mx.array, after: mx.array
    ) -> tuple[mx.array, mx.array]:
        """See `Prefill`."""
        texts, prompts = [each.text for each in newcomers], [each.prompt for each in newcomers]
        scores, every = prefilled_rows(self._model, texts, prompts)
        adopted: list[mx.array] = []
        for at, (slot, rows) in enumerate(zip(slots, every, strict=True)):
            adopted.append(
                self._kernel.adopt(cache, slot, rows, states[at : at + 1], adopted[-1] if adopted else after)
            )
        return scores, mx.concatenate(adopted)


def prefilled_rows(model: T2S, texts: Sequence[Text], prompts: Sequence[np.ndarray]) -> tuple[mx.array, list[mx.array]]:
    """Prefills of some texts after their prompts.

    Returns:
        scores float32 [B, vocabulary], and keys and values of each, float16 [layers, 2, heads, rows, d].
    """
    layers = [FreshRows() for _ in range(model.config.layers)]
    if len(texts) == 1:
        scores = prefill(model, *texts[0], prompts[0], layers, bucket=True)[None]
    else:
        scores = prefill_many(model, texts, prompts, layers)
    every = mx.stack([part for layer in layers for part in (layer.keys, layer.values)]).astype(mx.float16)
    every = every.reshape(len(layers), 2, *every.shape[1:])
    filled = [len(phones) + len(prompt) for (phones, _), prompt in zip(texts, prompts, strict=True)]
    return scores.astype(mx.float32), [every[:, :, row, :, :count] for row, count in enumerate(filled)]


class ClusterRows:
    """Texts being decoded, which come and go; see `runtime.interface.DrawingRows`.

    From `FEW` texts on they are given to `many`, if there is one.

    Attributes:
        transfers: of noise.
        logits: the scores that each text's next code is drawn from, or its last one was, float32 [B, vocabulary].
    """

    most_joins = MOST_JOINS
    transfers: Transfers
    logits: mx.array
    _cache: mx.array
    _words: mx.array
    _texts: mx.array
    _before: mx.array
    _slots: list[int]
    _free: list[int]
    _filled: list[int]
    _fresh: list[bool]
    _how: list[tuple[float, ...]]

    def __init__(
        self, kernel: CodesKernel, prefill: Prefill, many: ManyTexts | None = None, transfers: Transfers | None = None
    ):
        self.most = many.texts if many else kernel.plan.texts
        self._kernel, self._prefill, self._many = kernel, prefill, many
        self.transfers = transfers or MlxTransfers()
        config = kernel.config
        self._cache = mx.zeros((0, config.layers, 2, config.heads, 0, config.head_width), mx.float16)
        self._texts = mx.zeros((1, STATE + kernel.seen), mx.int32)
        self._forget()

    def join(self, newcomers: Sequence[Newcomer]) -> None:
        """See `runtime.interface.DrawingRows`."""
        lengths = [len(each.text[0]) + len(each.prompt) for each in newcomers]
        self._make_room(len(self._slots) + len(newcomers), max(lengths) + 1)
        slots = self._free[: -len(newcomers) - 1 : -1]
        states = [
            self._kernel.state(each.prompt, length, slot)
            for each, length, slot in zip(newcomers, lengths, slots, strict=True)
        ]
        after = self._texts if self._slots else self._before
        scores, texts = self._prefill(newcomers, slots, mx.array(np.concatenate(states)), self._cache, after)
        del self._free[-len(slots) :]
        self._slots += slots
        self._filled += lengths
        self._fresh += [True] * len(slots)
        self._how += [sampling_numbers(each.sampling, each.end, each.minimum) for each in newcomers]
        self._texts, self.logits = mx.concatenate([self._texts, texts]), mx.concatenate([self.logits, scores])
        mx.async_eval(self._texts, self.logits)

    def leave(self, row: int) -> None:
        """See `runtime.interface.DrawingRows`."""
        self._free.append(self._slots.pop(row))
        del self._filled[row], self._fresh[row], self._how[row]
        if not self._slots:
            self._forget()
            return
        rest = mx.array(np.delete(np.arange(len(self._slots) + 1), row))
        self._texts, self.logits = self._texts[rest], self.logits[rest]

    def codes(self, rows: Sequence[int], noise: mx.array) -> mx.array:
        """See `runtime.interface.DrawingRows`; texts without a code have a launch of their own."""
        fresh, others = ([row for row in rows if self._fresh[row] == is_fresh] for is_fresh in (True, False))
        few = self._kernel.plan.texts
        groups = [fresh[at : at + few] for at in range(0, len(fresh), few)]
        few = self._many.texts if self._many and len(others) > FEW else few
        groups += [others[at : at + few] for at in range(0, len(others), few)]
        if len(groups) == 1:
            return self._launch(rows, noise)
        places = [[rows.index(row) for row in group] for group in groups]
        drawn = [self._launch(group, noise[:, mx.array(at)]) for group, at in zip(groups, places, strict=True)]
        joined = mx.concatenate(drawn, axis=2)[:, :, mx.array(np.argsort(sum(places, [])))]
        mx.async_eval(joined)  # before what is submitted later, which its reader would else wait for
        return joined

    def redraw(self, sampling: Sampling, end: int, minimum: int) -> None:
        """From now on the codes of all texts are drawn so."""
        self._how = [sampling_numbers(sampling, end, minimum)] * len(self._how)

    def step(self, rows: Sequence[int], codes: mx.array) -> mx.array:
        """Appends codes that were drawn elsewhere; scores of the next."""
        texts, none = self._texts, mx.zeros((len(rows),), mx.int32)
        index = mx.array(np.array(rows))
        texts[index, 0], texts[index, STATE - 1] = codes.astype(mx.int32), none
        self._texts = texts
        for row in rows:
            self._fresh[row] = False
        self.codes(rows, mx.ones((1, len(rows), self.logits.shape[1])))
        return self.logits[index]

    def _launch(self, rows: Sequence[int], noise: mx.array) -> mx.array:
        count = noise.shape[0]
        self._make_room(len(self._slots), max(self._filled[row] for row in rows) + count)
        every = len(rows) == len(self._slots)
        index = slice(None) if every else mx.array(np.array(rows))
        sampling = mx.array(np.array([self._how[row] for row in rows], np.float32))
        texts = self._texts[index]
        if self._many and len(rows) > FEW and not self._fresh[rows[0]]:
            drawn, texts, logits = self._many(sampling, texts, noise, self._cache)
        else:
            drawn, texts, logits = self._kernel(sampling, texts, noise, self.logits[index], self._cache, self._words)
        if every:
            self._texts, self.logits = texts, logits
        else:
            self._texts[index], self.logits[index] = texts, logits
        for row in rows:
            self._filled[row] += count - self._fresh[row]
            self._fresh[row] = False
        mx.async_eval(drawn, self._texts, self.logits)
        return drawn

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`; rows whose codes have been read are there."""
        keys, values = np.array(self._cache[self._slots[row], layer, :, :, first:last].astype(mx.float32))
        return keys, values

    def _make_room(self, slots: int, rows: int) -> None:
        """Room for so many texts and so many rows of each."""
        old, (there, *_, capacity, _) = self._cache, self._cache.shape
        most = max(2 * there, slots) if slots > there else there
        longest = -(-rows // GROWTH) * GROWTH if rows > capacity else capacity
        if (most, longest) == (there, capacity):
            return
        if there:
            mx.eval(self._texts)  # MLX does not know that launches under way write into the cache
            self._cache = mx.pad(old, [(0, most - there), *[(0, 0)] * 3, (0, longest - capacity), (0, 0)])
        else:
            self._cache = mx.zeros((most, *old.shape[1:4], longest, old.shape[5]), mx.float16)
        self._free += range(there, most)
        mx.eval(self._cache)

    def _forget(self) -> None:
        """No text is here. The cache stays for those to come, since a device takes a second to find gigabytes."""
        config, self._before = self._kernel.config, self._texts
        self._slots, self._filled, self._fresh, self._how = [], [], [], []
        self._free = list(range(len(self._cache)))
        self._words = self._kernel.words()
        self._texts = mx.zeros((0, STATE + self._kernel.seen), mx.int32)
        self.logits = mx.zeros((0, config.vocabulary))


class ClusterT2SSession:
    """Texts that stay together; see `runtime.interface.T2SSession`."""

    def __init__(self, rows: ClusterRows, texts: Sequence[Text], prompt: np.ndarray):
        self.rows, self._every = rows, range(len(texts))
        for text in texts:
            rows.join([Newcomer(text, prompt, Sampling(), -1, 0)])

    @property
    def logits(self) -> mx.array:
        """See `runtime.interface.T2SSession`."""
        return self.rows.logits

    def step(self, codes: mx.array) -> mx.array:
        """See `runtime.interface.T2SSession`."""
        return self.rows.step(self._every, codes)

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`."""
        return self.rows.cached(text, layer, first, last)

    def codes(self, noise: mx.array, sampling: Sampling, end: int, minimum: int) -> mx.array:
        """Codes that the kernel draws so; see `runtime.interface.DrawingRows`."""
        self.rows.redraw(sampling, end, minimum)
        return self.rows.codes(self._every, noise)


class ClusterT2SRunner:
    """T2S on CUDA devices that have clusters of blocks."""

    exact_batches = True
    apart = False
    pipelined = True

    def __init__(
        self, kernel: CodesKernel, prefill: Prefill, many: ManyTexts | None = None, transfers: Transfers | None = None
    ):
        """Takes kernels of one network; `many` as of `ClusterRows`, `transfers` MLX's where there are no others."""
        self.config = kernel.config
        self.xp = mx
        self._kernel, self._prefill, self._many, self._transfers = kernel, prefill, many, transfers

    def beside(self) -> None:
        """See `runtime.interface.T2SRunner`."""

    def open(self) -> ClusterRows:
        """See `runtime.interface.T2SRunner`."""
        return ClusterRows(self._kernel, self._prefill, self._many, self._transfers)

    def start(self, texts: Sequence[Text], prompt: np.ndarray) -> ClusterT2SSession:
        """See `runtime.interface.T2SRunner`."""
        return ClusterT2SSession(self.open(), texts, prompt)
