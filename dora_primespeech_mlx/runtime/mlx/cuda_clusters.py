"""T2S on CUDA devices that have clusters of blocks: several codes of several texts in one launch of one kernel.

A launch and a read a code cost more than many a code; here the kernel draws too, so that a launch makes as many codes
as its caller wants. See cuda_clusters.cuh for how the network is cut. Prefills run as on any other MLX device.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SSession
from dora_primespeech_mlx.sampling import Sampling

SOURCE = Path(__file__).with_name("cuda_clusters.cuh")
GROWTH = 512
"""Rows by which the cache grows."""
SPARE = 1.5
"""Multiprocessors for each block: clusters need neighbours, which are never all free; the vocoder takes the others."""
MOST_CLUSTERS = 8
INPUTS = {
    **{"sizes": "int32_t", "sampling": "float", "texts": "int32_t", "noise": "float", "first_logits": "float"},
    **{"cache": "__half", "words": "int64_t", "embedding": "__half", "positions": "float"},
    **{"weights": "uint8_t", "head": "uint8_t"},
}
OUTPUTS = {"drawn": "int32_t", "texts_after": "int32_t", "logits": "float"}
"""The kernel's arguments and their types, which MLX derives from the arrays."""
STATE = 5
"""Numbers of a text between launches, before the bits of the codes it has seen; see the kernel's `Text`."""


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
    for cluster, warps in ((8, 16), (4, 16), (8, 8), (4, 8))
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
        self._seen = -(-config.vocabulary // 32)
        self._built: dict[int, Callable[..., list[mx.array]]] = {}
        mx.eval(self.weights)

    def words(self) -> mx.array:
        """Room for what travels between clusters, and the ticks so far, int64 [n]."""
        config, plan = self.config, self.plan
        return mx.zeros(2 + plan.texts * (2 * config.hidden * config.heads // plan.heads + config.vocabulary), mx.int64)

    def state(self, prompt: np.ndarray, filled: Sequence[int]) -> mx.array:
        """Texts that have no code yet, int32 [B, n], with the rows of their caches."""
        bits = np.zeros(32 * self._seen, np.uint8)
        bits[prompt] = 1
        seen = np.packbits(bits, bitorder="little").view(np.int32)
        return mx.array(np.array([[-1, len(prompt), rows, 0, 0, *seen] for rows in filled], np.int32))

    def __call__(
        self,
        sampling: mx.array,
        texts: mx.array,
        noise: mx.array,
        logits: mx.array,
        cache: mx.array,
        words: mx.array,
    ) -> tuple[mx.array, mx.array, mx.array]:
        """Makes codes, and writes what they leave into `cache` and `words`, which are these texts' own.

        Args:
            sampling: float32 [6], as the kernel's structure of that name.
            texts: int32 [B, n], see `state`.
            noise: exponential noise, float32 [count, B, vocabulary].
            logits: float32 [B, vocabulary], from which texts without a code draw their first.
            cache: float16 [B, layers, 2, heads, capacity, d].
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

    def _kernel(self, texts: int) -> Callable[..., list[mx.array]]:
        """The kernel for at most so many texts: what is known to be one needs no loops over them."""
        if texts not in self._built:
            self._built[texts] = self._build(replace(self.plan, texts=texts))
        return self._built[texts]

    def _build(self, plan: Plan) -> Callable[..., list[mx.array]]:
        config, source, shared = self.config, SOURCE.read_text("utf-8"), plan.shared(self.config)
        numbers = (config.hidden, config.heads, config.feed_forward, config.vocabulary, *astuple(plan))
        casts = {"sampling": "const Sampling*", "cache": "__half*", "words": "Word*"}
        body = ["Kernel kernel;", f"kernel.layers = {config.layers};"]
        body += [f"kernel.{name} = ({casts[name]}){name};" for name in casts]
        body += [f"kernel.{name} = {name};" for name in (*INPUTS, *OUTPUTS) if name not in casts]
        body.append("kernel.run();")
        arguments = [f"const {kind}* {name}" for name, kind in INPUTS.items()]
        arguments += [f"{kind}* {name}" for name, kind in OUTPUTS.items()]
        threads, sizes = 32 * plan.warps, ", ".join(map(str, numbers))
        header = f"{source}\nusing Kernel = Codes<{sizes}>;\nstatic_assert(Kernel::SHARED == {shared});\n"
        # MLX keeps compiled kernels by name, on disk too, so the name must change with the text.
        name = f"t2s_codes_{zlib.crc32((header + ''.join(body)).encode()):08x}"
        # MLX writes the kernel itself. Declared here before, it keeps what is said of it here.
        header += (
            f"namespace mlx::core::cu {{\n__global__ void __cluster_dims__({plan.cluster}, 1, 1) "
            f"__launch_bounds__({threads}, 1) custom_kernel_{name}({', '.join(arguments)});\n}}\n"
        )
        kernel: Any = mx.fast.cuda_kernel(
            name=name,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            source="\n".join(body),
            header=header,
            shared_memory=shared,
        )
        return kernel


def sampling_array(sampling: Sampling, end: int, minimum: int) -> mx.array:
    """How to draw, as the kernel takes it, float32 [6]."""
    temperature = max(sampling.temperature, 1e-5)
    penalty = sampling.repetition_penalty
    return mx.array([sampling.top_k, sampling.top_p, temperature, penalty, minimum, end], mx.float32)


class _Together:
    """Texts that share launches."""

    def __init__(self, kernel: CodesKernel, prefilled: Sequence[MlxT2SSession], prompt: np.ndarray):
        rows = [session.cache_rows() for session in prefilled]
        filled = [each.shape[3] for each in rows]
        self._kernel = kernel
        self._filled = max(filled)
        capacity = -(-self._filled // GROWTH) * GROWTH + GROWTH
        self._cache = mx.stack([mx.pad(each, [(0, 0)] * 3 + [(0, capacity - each.shape[3]), (0, 0)]) for each in rows])
        self._texts, self._words = kernel.state(prompt, filled), kernel.words()
        self.logits = mx.concatenate([session.logits for session in prefilled]).astype(mx.float32)
        mx.async_eval(self._cache, self._words)

    def codes(self, noise: mx.array, sampling: mx.array) -> mx.array:
        """See `CodesKernel`."""
        self._make_room(noise.shape[0])
        drawn, self._texts, self.logits = self._kernel(
            sampling, self._texts, noise, self.logits, self._cache, self._words
        )
        mx.async_eval(drawn, self._texts, self.logits)
        return drawn

    def step(self, codes: mx.array, sampling: mx.array) -> None:
        """Appends a code to each text."""
        given, none = codes.astype(mx.int32)[:, None], mx.zeros((len(codes), 1), mx.int32)
        self._texts = mx.concatenate([given, self._texts[:, 1 : STATE - 1], none, self._texts[:, STATE:]], axis=1)
        self.codes(mx.ones((1, *self.logits.shape)), sampling)

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`; rows whose codes have been read are there."""
        keys, values = np.array(self._cache[text, layer, :, :, first:last].astype(mx.float32))
        return keys, values

    def _make_room(self, count: int) -> None:
        self._filled += count
        if self._filled > self._cache.shape[4]:
            mx.eval(self._texts)  # MLX does not know that launches under way write into the cache
            self._cache = mx.pad(self._cache, [(0, 0)] * 4 + [(0, GROWTH), (0, 0)])
            mx.eval(self._cache)


class ClusterT2SSession:
    """Texts being decoded, which draw their own codes; see `runtime.interface.DrawingSession`."""

    def __init__(
        self, kernel: CodesKernel, model: T2S, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray
    ):
        """Prefills each text as on any device and moves its cache into the kernel's form."""
        prefilled = [MlxT2SSession(model, [text], prompt, bucket=True) for text in texts]
        most = kernel.plan.texts
        self._parts = [_Together(kernel, prefilled[at : at + most], prompt) for at in range(0, len(texts), most)]
        self._most = most
        self._sampling: dict[tuple[Sampling, int, int], mx.array] = {}
        self.logits = _joined([part.logits for part in self._parts], axis=0)

    def step(self, codes: mx.array) -> mx.array:
        """See `runtime.interface.T2SSession`."""
        for index, part in enumerate(self._parts):
            part.step(codes[index * self._most : (index + 1) * self._most], self._how(Sampling(), -1, 0))
        self.logits = _joined([part.logits for part in self._parts], axis=0)
        return self.logits

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`."""
        return self._parts[text // self._most].cached(text % self._most, layer, first, last)

    def codes(self, noise: mx.array, sampling: Sampling, end: int, minimum: int) -> mx.array:
        """See `runtime.interface.DrawingSession`."""
        how, most = self._how(sampling, end, minimum), self._most
        drawn = [part.codes(noise[:, at * most : (at + 1) * most], how) for at, part in enumerate(self._parts)]
        self.logits = _joined([part.logits for part in self._parts], axis=0)
        return _joined(drawn, axis=2)

    def _how(self, sampling: Sampling, end: int, minimum: int) -> mx.array:
        key = sampling, end, minimum
        if key not in self._sampling:
            self._sampling[key] = sampling_array(sampling, end, minimum)
        return self._sampling[key]


def _joined(arrays: list[mx.array], axis: int) -> mx.array:
    return arrays[0] if len(arrays) == 1 else mx.concatenate(arrays, axis=axis)


class ClusterT2SRunner:
    """T2S on CUDA devices that have clusters of blocks."""

    exact_batches = True
    pipelined = True

    def __init__(self, model: T2S, plan: Plan):
        """Packs the weights of a network for the kernel; errors as `CodesKernel`."""
        self.config = model.config
        self.xp = mx
        self._model = model
        self._kernel = CodesKernel(model, plan)

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> ClusterT2SSession:
        """See `runtime.interface.T2SRunner`."""
        return ClusterT2SSession(self._kernel, self._model, texts, prompt)
