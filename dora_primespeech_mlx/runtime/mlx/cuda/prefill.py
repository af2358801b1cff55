"""Prefills of T2S on CUDA: some texts after their prompts in one launch, which leaves their rows in the cache.

By operations a prefill is some 400 launches and as many products that are planned anew, which takes a host ten times as
long as the arithmetic takes the device. See prefill.cuh.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM, T2SConfig
from dora_primespeech_mlx.nets.t2s import MAX_POSITIONS, T2S
from dora_primespeech_mlx.runtime.interface import Newcomer
from dora_primespeech_mlx.runtime.mlx.cuda import clusters as cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel
from dora_primespeech_mlx.runtime.mlx.cuda import rows as cuda_rows

SOURCE = Path(__file__).with_name("prefill.cuh")
INPUTS = {
    "sizes": "int32_t", "rows": "int32_t", "lasts": "int32_t", "states": "int32_t", "after": "int32_t",
    "added": "float", "cache": "__half", "table": "float", "places": "float", "in_weight": "__half", "in_bias": "float",
    "out_weight": "__half", "out_bias": "float", "up_weight": "__half", "up_bias": "float",
    "down_weight": "__half", "down_bias": "float", "norms": "float", "head": "__half",
}  # fmt: skip
OUTPUTS = {"scores": "float", "texts": "int32_t", "scratch": "float"}
ALIGNED = 16
"""Rows that the tensor cores take at once; texts begin at multiples of it."""
ROWS, CHUNK, WIDTH = 64, 128, 32
"""Rows of the largest tiles; places that go into products at once; the width of a head."""
THREADS = 512
SHARED = 227 * 1024
"""Bytes of shared memory that a block takes."""
FEW = 512
"""Rows up to which tiles are small, so that there are some for every multiprocessor."""
KNOWN = 5
"""Numbers of a row: what it embeds and where, its slot in the cache and its row there, and how many rows it sees."""


def fits(config: T2SConfig, shared: int) -> bool:
    """Whether a device with so many bytes of shared memory for a block can run a network's prefills."""
    whole = config.hidden % CHUNK == 0 and config.feed_forward % CHUNK == 0 and config.hidden <= 512
    return whole and config.hidden == config.heads * WIDTH and config.head_width == WIDTH and shared >= SHARED


def packed_rows(newcomers: Sequence[Newcomer], slots: Sequence[int], phones: int) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel knows of each row, int32 [N, KNOWN], and each text's last row, int32 [B].

    Args:
        newcomers: the texts.
        slots: their places in the cache.
        phones: how many there are, behind which the codes stand in the table.
    """
    packed, lasts, begin = [], [], 0
    for (text, prompt, *_), slot in zip(newcomers, slots, strict=True):
        spoken, said = len(text[0]), len(prompt)
        length = spoken + said
        rows = np.zeros((-(-length // ALIGNED) * ALIGNED, KNOWN), np.int32)
        rows[:, 2] = -1
        table, place, slots_of, index, seen = rows[:length].T
        table[:], place[:] = (
            [*text[0], *(phones + prompt)],
            [*range(spoken), *range(MAX_POSITIONS, MAX_POSITIONS + said)],
        )
        slots_of[:], index[:] = slot, np.arange(length)
        seen[:] = np.maximum(spoken, index + 1)
        packed.append(rows)
        lasts.append(begin + length - 1)
        begin += len(rows)
    return np.concatenate(packed), np.array(lasts, np.int32)


class PrefillKernel:
    """The kernel and the weights it reads.

    Args:
        model: with float16 weights and heads of their own width, evaluated.
        many: the kernel of many texts, whose weights this one shares, and its device.
        few: rows up to which tiles are small.
    """

    def __init__(self, model: T2S, many: cuda_rows.ManyKernel, few: int = FEW):
        self.config, self.blocks, self.few = model.config, many.blocks, few
        single = mx.float32
        self._bert = model.bert_proj.weight
        phones = model.ar_text_embedding.word_embeddings.weight.astype(single) + model.bert_proj.bias.astype(single)
        codes = model.ar_audio_embedding.word_embeddings.weight.astype(single)
        sines = model._positions.astype(single)
        alphas = model.ar_text_position.alpha.astype(single), model.ar_audio_position.alpha.astype(single)
        table, places = mx.concatenate([phones, codes]), mx.concatenate([sines * alpha for alpha in alphas])
        self.weights = [table, places, *many.weights[2:]]
        mx.eval(self.weights)

    def __call__(
        self, newcomers: Sequence[Newcomer], slots: Sequence[int], states: mx.array, cache: mx.array, after: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Prefills texts; see `clusters.Prefill`."""
        rows, lasts = packed_rows(newcomers, slots, self.config.phones)
        added, has_bert = self._added(newcomers, rows)
        room = -(-len(rows) // ROWS) * ROWS
        sizes = np.array([len(rows), room, len(lasts), states.shape[1], cache.shape[4], has_bert], np.int32)
        given = [*map(mx.array, (sizes, rows, lasts)), states, after, added, cache]
        return self._run(given, room)

    def _run(self, given: Sequence[mx.array], room: int) -> tuple[mx.array, mx.array]:
        lasts, states = given[2:4]
        scores, texts, _ = self._kernel(
            inputs=[*given, *self.weights],
            output_shapes=[(len(lasts), self.config.vocabulary), states.shape, (room * self.scratch,)],
            output_dtypes=[mx.float32, mx.int32, mx.float32],
            grid=(self.blocks * THREADS, 1, 1),
            threadgroup=(THREADS, 1, 1),
        )
        return scores, texts

    def _added(self, newcomers: Sequence[Newcomer], rows: np.ndarray) -> tuple[mx.array, bool]:
        """What BERT says of each row, float32 [N, D], and whether it says anything."""
        if all(bert is None for (_, bert), *_ in newcomers):
            return mx.zeros((1,)), False
        features = np.zeros((len(rows), BERT_DIM), np.float16)
        begins = np.flatnonzero((rows[:, 2] >= 0) & (rows[:, 3] == 0))
        for ((_, bert), *_), begin in zip(newcomers, begins, strict=True):
            if bert is not None:
                features[begin : begin + len(bert)] = bert
        return (mx.array(features).astype(self._bert.dtype) @ self._bert.T).astype(mx.float32), True

    @property
    def scratch(self) -> int:
        """Floats for each row that travel between blocks."""
        return 5 * self.config.hidden + self.config.feed_forward // 2

    @property
    def sizes(self) -> str:
        """The kernel's template arguments."""
        config = self.config
        numbers = config.hidden, config.heads, config.feed_forward, config.vocabulary, self.blocks, SHARED, self.few
        return ", ".join(map(str, numbers))

    @cached_property
    def _kernel(self) -> Callable[..., list[mx.array]]:
        sources = (cuda_clusters.SOURCE, cuda_kernel.GRID, cuda_rows.SOURCE, SOURCE)
        header = "".join(f"{source.read_text('utf-8')}\n" for source in sources)
        header += f"using Kernel = Prefill<{self.sizes}>;\n"
        header += f"static_assert(Kernel::THREADS == {THREADS} && Kernel::SCRATCH == {self.scratch});\n"
        bounds, layers = f"__launch_bounds__({THREADS}, 1)", self.config.layers
        return cuda_kernel.structure(
            "t2s_prefill", INPUTS, OUTPUTS, {"cache": "__half*"}, layers, header, bounds, SHARED
        )
