"""BigVGAN's activations on CUDA, each in one kernel: by operations each is a dozen launches, and there are 109."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import mlx.core as mx

from dora_primespeech_mlx.nets.bigvgan import BigVGAN, Snake
from dora_primespeech_mlx.nets.dimensions.vocoder import FILTER
from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel

SOURCE = Path(__file__).with_name("snake.cuh")
SPAN = 16
"""Samples of a channel that a thread makes."""
THREADS = 128
TAPS = ("up_even", "up_odd", "down_even", "down_odd")
KINDS = {mx.float16: "__half", mx.float32: "float"}
BODY = """
  const long at = (long)blockIdx.x * blockDim.x + threadIdx.x;
  const int length = x_shape[1], channels = x_shape[2], spans = (length + {span} - 1) / {span};
  const long part = at / channels, batch = part / spans;
  if (batch >= x_shape[0]) return;
  const int channel = at % channels;
  const long from = batch * length * channels + channel;
  Snake<{span}, {taken}, {made}> snake;
  snake.x = x + from, snake.out = bent + from, snake.length = length, snake.channels = channels;
  snake.alpha = alpha[channel], snake.inverse_beta = inverse_beta[channel];
  snake.take(up_even + channel * {taps}, snake.up_even), snake.take(up_odd + channel * {taps}, snake.up_odd);
  snake.take(down_even + channel * {taps}, snake.down_even), snake.take(down_odd + channel * {taps}, snake.down_odd);
  snake.run(part % spans * {span});
"""


class FusedSnake(Snake):
    """The activation in one kernel, with the weights of one by operations."""

    def __init__(self, snake: Snake):
        super().__init__(len(snake.alpha))
        for name, array in snake.parameters().items():
            self[name] = array

    def __call__(self, x: mx.array, kind: mx.Dtype, shifted: bool) -> mx.array:
        """See `nets.bigvgan.Snake`."""
        batch, length, channels = x.shape
        threads = batch * -(-length // SPAN) * channels
        (bent,) = _kernel(x.dtype, kind)(
            inputs=[x, self.alpha, self.inverse_beta, *(self[name] for name in TAPS)],
            output_shapes=[x.shape],
            output_dtypes=[kind],
            grid=(-(-threads // THREADS) * THREADS, 1, 1),
            threadgroup=(THREADS, 1, 1),
        )
        return bent


def fuse(vocoder: BigVGAN) -> None:
    """Gives an evaluated vocoder such activations."""
    for block in vocoder.resblocks:
        block.activations = [FusedSnake(snake) for snake in block.activations]
    vocoder.activation_post = FusedSnake(vocoder.activation_post)


@lru_cache
def _kernel(taken: mx.Dtype, made: mx.Dtype) -> Callable[..., list[mx.array]]:
    """The kernel for arrays of these types."""
    body = BODY.format(span=SPAN, taken=KINDS[taken], made=KINDS[made], taps=FILTER // 2)
    inputs = ("x", "alpha", "inverse_beta", *TAPS)
    return cuda_kernel.kernel("snake", inputs, ("bent",), body, SOURCE.read_text("utf-8"))
