"""T2S codes of many texts on CUDA devices, several codes in one launch of one kernel whose products are tensor cores'.

Clusters (clusters.py) are the fastest for a few texts; from some more on this is, since it reads each weight once
for up to 64 of them. Both have the same texts and caches, so that a text can be given from one to the other: on an
H200 it had the codes that clusters make.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import mlx.core as mx

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.mlx.cuda import clusters as cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel
from dora_primespeech_mlx.runtime.mlx.cuda.step import step_weights

SOURCE = Path(__file__).with_name("rows.cuh")
INPUTS = {
    "sizes": "int32_t", "sampling": "float", "texts": "int32_t", "noise": "float", "cache": "__half",
    "embedding": "__half", "positions": "float", "in_weight": "__half", "in_bias": "float",
    "out_weight": "__half", "out_bias": "float", "up_weight": "__half", "up_bias": "float",
    "down_weight": "__half", "down_bias": "float", "norms": "float", "head": "__half",
}  # fmt: skip
OUTPUTS = {"drawn": "int32_t", "texts_after": "int32_t", "logits": "float", "scratch": "float"}
PARTS = 4
"""Pieces of a sum, each by a warp of its own."""
TEXTS = 64
"""Most texts at once."""


def fits(config: T2SConfig, blocks: int, shared: int) -> bool:
    """Whether a device with so many multiprocessors and bytes of shared memory can run a network for `TEXTS`."""
    width = config.hidden // config.heads
    whole = width % 32 == 0 and width <= 256 and config.head_width == width
    whole = whole and config.hidden % (32 * PARTS) == 0 and config.feed_forward % (32 * PARTS) == 0
    return whole and blocks >= TEXTS and shared_bytes(config, TEXTS) <= shared


def shared_bytes(config: T2SConfig, texts: int) -> int:
    """Bytes of shared memory that a block needs."""
    staged, sums = 4 * texts * (config.hidden + 32), 32 * PARTS * texts
    return staged + sums + 4 * (config.vocabulary + -(-config.vocabulary // 32) + cuda_clusters.STATE)


class ManyKernel:
    """The kernel and the weights it reads.

    Args:
        model: with float16 weights and heads of their own width, evaluated.
        blocks: as many as the device has multiprocessors.
        texts: most at once, a multiple of 16.
    """

    def __init__(self, model: T2S, blocks: int, texts: int = TEXTS):
        self.config, self.blocks, self.texts = model.config, blocks, texts
        *weights, head = step_weights(model)
        self.weights = [*weights, head.astype(mx.float16)]
        mx.eval(self.weights)

    def __call__(
        self, sampling: mx.array, texts: mx.array, noise: mx.array, cache: mx.array
    ) -> tuple[mx.array, mx.array, mx.array]:
        """Makes codes of texts that have one already; arguments and results as of `clusters.CodesKernel`."""
        count, rows = noise.shape[0], len(texts)
        sizes = mx.array([rows, count, cache.shape[4]], mx.int32)
        threads = self.threads
        drawn, texts, logits, _ = self._kernel(
            inputs=[sizes, sampling, texts, noise, cache, *self.weights],
            output_shapes=[(count, 2, rows), texts.shape, (rows, self.config.vocabulary), (self.scratch,)],
            output_dtypes=[mx.int32, mx.int32, mx.float32, mx.float32],
            grid=(self.blocks * threads, 1, 1),
            threadgroup=(threads, 1, 1),
        )
        return drawn, texts, logits

    @property
    def threads(self) -> int:
        """Of a block: a warp for each 16 texts and part of a sum."""
        return 32 * PARTS * self.texts // 16

    @property
    def scratch(self) -> int:
        """Floats that travel between blocks."""
        return self.texts * (6 * self.config.hidden + self.config.feed_forward)

    @property
    def sizes(self) -> str:
        """The kernel's template arguments."""
        config = self.config
        numbers = config.hidden, config.heads, config.feed_forward, config.vocabulary, self.blocks, self.texts
        return ", ".join(map(str, numbers))

    @cached_property
    def _kernel(self) -> Callable[..., list[mx.array]]:
        shared = shared_bytes(self.config, self.texts)
        sources = (cuda_clusters.SOURCE, cuda_kernel.GRID, SOURCE)
        header = "".join(f"{source.read_text('utf-8')}\n" for source in sources)
        header += f"using Kernel = ManyCodes<{self.sizes}>;\n"
        header += f"static_assert(Kernel::SHARED == {shared} && Kernel::SCRATCH == {self.scratch});\n"
        casts = {"sampling": "const Sampling*", "cache": "__half*"}
        bounds, layers = f"__launch_bounds__({self.threads}, 1)", self.config.layers
        return cuda_kernel.structure("t2s_many", INPUTS, OUTPUTS, casts, layers, header, bounds, shared)
