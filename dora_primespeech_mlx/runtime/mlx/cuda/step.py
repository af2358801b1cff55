"""T2S on CUDA with one kernel a step.

A step through separate operations is bound by their number, since each has to be launched; here the layers, heads and
scores are one launch, and writing the new rows into the cache another. Prefills, and several texts at once, run as on
any other MLX device.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.apart import Apart
from dora_primespeech_mlx.runtime.interface import T2SRows
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner, MlxT2SSession

SOURCE = Path(__file__).with_name("step.cuh")
WARPS = 16
PARTS = 8
BLOCKS = 128
"""Blocks of the kernel; all must run at once, so no more than the device has multiprocessors."""
GROWTH = 256
"""Rows by which the cache grows."""
WEIGHTS = (
    *("embedding", "positions", "in_weight", "in_bias", "out_weight", "out_bias"),
    *("up_weight", "up_bias", "down_weight", "down_bias", "norms", "head"),
)
INPUTS = ("token", "place", "cache", *WEIGHTS)
OUTPUTS = ("logits", "rows", "scratch")
BODY = """
  __shared__ __align__(16) float shared[Kernel::SHARED];
  Kernel kernel;
{assignments}
  kernel.layers = cache_shape[0];
  kernel.capacity = cache_shape[3];
  kernel.shared = shared;
  kernel.run(token);
"""


def fits(config: T2SConfig, blocks: int = BLOCKS) -> bool:
    """Whether the kernel can run a network of these dimensions."""
    width = config.hidden // config.heads
    whole = width % 32 == 0 and config.hidden % 32 == 0 and config.feed_forward % (8 * WARPS) == 0
    return whole and config.head_width == width and blocks >= 1


class StepKernel:
    """The kernel and the weights it reads.

    Args:
        model: with float16 weights and heads of their own width, evaluated.
        blocks: see `BLOCKS`.

    Raises:
        ValueError: for dimensions that the kernel cannot run.
    """

    def __init__(self, model: T2S, blocks: int = BLOCKS):
        config = model.config
        if not fits(config, blocks):
            raise ValueError(f"The kernel of the T2S step cannot run {config}.")
        self.config, self._blocks = config, blocks
        self.weights = step_weights(model)
        mx.eval(self.weights)
        sizes = (config.hidden, config.heads, config.feed_forward, config.vocabulary, blocks, WARPS, PARTS)
        source = "".join(path.read_text("utf-8") for path in (cuda_kernel.GRID, SOURCE))
        self._header = f"{source}\nusing Kernel = Step<{', '.join(map(str, sizes))}>;\n"
        part = config.hidden // config.heads + 2
        self._scratch = 5 * config.hidden + config.heads * PARTS * part + config.feed_forward

    def __call__(self, token: mx.array, place: mx.array, cache: mx.array) -> tuple[mx.array, mx.array]:
        """One step.

        Args:
            token: uint32 [1].
            place: int32 [2], position in the audio and rows in the cache.
            cache: float16 [layers, 2, heads, capacity, d].

        Returns:
            scores float32 [1, vocabulary], and the new rows float16 [layers, 2, heads, 1, d].
        """
        config, threads = self.config, 32 * WARPS
        layers, _, heads, _, width = cache.shape
        logits, rows, _ = self._kernel(
            inputs=[token, place, cache, *self.weights],
            output_shapes=[(1, config.vocabulary), (layers, 2, heads, 1, width), (self._scratch,)],
            output_dtypes=[mx.float32, mx.float16, mx.float32],
            grid=(self._blocks * threads, 1, 1),
            threadgroup=(threads, 1, 1),
        )
        return logits, rows

    @cached_property
    def _kernel(self) -> Callable[..., list[mx.array]]:
        names = [name for name in (*INPUTS, *OUTPUTS) if name != "token"]
        body = BODY.format(assignments="\n".join(f"  kernel.{name} = {name};" for name in names))
        return cuda_kernel.kernel("t2s_step", INPUTS, OUTPUTS, body, self._header)


def step_weights(model: T2S) -> list[mx.array]:
    """The arrays of `WEIGHTS`, one for all layers each: matrices float16, the others and the scores' float32."""
    layers = model.h.layers
    norms = [mx.stack([layer.norm1.weight, layer.norm1.bias, layer.norm2.weight, layer.norm2.bias]) for layer in layers]
    return [
        model.ar_audio_embedding.word_embeddings.weight.astype(mx.float16),
        model._positions.astype(mx.float32) * model.ar_audio_position.alpha.astype(mx.float32),
        *_pair([layer.self_attn.in_proj for layer in layers]),
        *_pair([layer.self_attn.out_proj for layer in layers]),
        *_pair([layer.linear1 for layer in layers]),
        *_pair([layer.linear2 for layer in layers]),
        mx.stack(norms).astype(mx.float32),
        model.ar_predict_layer.weight.astype(mx.float32),
    ]


def _pair(layers: Sequence[Callable]) -> tuple[mx.array, mx.array]:
    """Weights float16 [layers, out, in] and biases float32 [layers, out]."""
    weights = mx.stack([layer.weight for layer in layers]).astype(mx.float16)  # type: ignore[attr-defined]
    return weights, mx.stack([layer.bias for layer in layers]).astype(mx.float32)  # type: ignore[attr-defined]


class CudaT2SSession(MlxT2SSession):
    """One text being decoded; see `runtime.interface.T2SSession`."""

    def __init__(
        self, kernel: StepKernel, model: T2S, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray
    ):
        """Prefills one text as on any device and moves its cache into the kernel's form."""
        super().__init__(model, texts, prompt, bucket=True)
        self._kernel = kernel
        packed = self.cache_rows()
        self._filled = packed.shape[3]
        self._packed = mx.pad(packed, [(0, 0)] * 3 + [(0, GROWTH - self._filled % GROWTH), (0, 0)])
        self._cache = []
        self._places = mx.arange(GROWTH)[:, None] + mx.array([self._position, self._filled])
        self._steps = 0

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`."""
        keys, values = np.array(self._packed[layer, :, :, first:last].astype(mx.float32))
        return keys, values

    def step(self, codes: mx.array) -> mx.array:
        """Appends a code (integers [1]) and returns the logits of the next, not yet computed."""
        if self._filled == self._packed.shape[3]:
            self._packed = mx.pad(self._packed, [(0, 0)] * 3 + [(0, GROWTH), (0, 0)])
        if self._steps and self._steps % GROWTH == 0:
            self._places = self._places + GROWTH
        place = self._places[self._steps % GROWTH]
        self.logits, rows = self._kernel(codes.astype(mx.uint32), place, self._packed)
        self._packed[:, :, :, self._filled : self._filled + 1] = rows
        self._filled += 1
        self._steps += 1
        mx.async_eval(self.logits, self._packed)
        return self.logits


class CudaT2SRunner(MlxT2SRunner):
    """T2S on CUDA: texts through the kernel, one at a time; those that are started together through operations."""

    def __init__(self, model: T2S, blocks: int = BLOCKS):
        """Packs the weights of a network for the kernel; errors as `StepKernel`."""
        super().__init__(model, accelerated=True)
        self._kernel = StepKernel(model, blocks)

    def open(self) -> T2SRows:
        """See `runtime.interface.T2SRunner`."""
        return Apart(self.start)

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> MlxT2SSession:
        """See `runtime.interface.T2SRunner`."""
        if len(texts) > 1:
            return super().start(texts, prompt)
        return CudaT2SSession(self._kernel, self._model, texts, prompt)
