"""HiFi-GAN generator (Kong et al. 2020) as VITS uses it: latent frames at 50 Hz to samples at 32 kHz.

That of v4 takes mel frames at 100 Hz to samples at 48 kHz; it knows no timbre.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np

SLOPE = 0.1
FINAL_SLOPE = 0.01
NARROW_CONTEXT = 2
"""Frames either side that a sample depends on after the first stage; of all stages together it is 11."""


@dataclass(frozen=True)
class VocoderConfig:
    """Dimensions of a generator. ``dilations`` has one tuple for each kernel of ``resblock_kernels``.

    ``gin_channels`` is 0 for a generator without timbre, ``final_bias`` whether the last convolution has a bias.
    """

    inter_channels: int
    initial_channels: int
    gin_channels: int
    upsample_rates: tuple[int, ...]
    upsample_kernels: tuple[int, ...]
    resblock_kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    final_bias: bool = False

    @classmethod
    def from_mel_weights(cls, weights: Mapping[str, np.ndarray]) -> "VocoderConfig":
        """Dimensions of v4's generator from its sanitised weights: strides are half the kernels, dilations 1, 3, 5."""
        stages = len({name.split(".")[1] for name in weights if name.startswith("ups.")})
        kernels = tuple(weights[f"ups.{i}.weight"].shape[1] for i in range(stages))
        branches = len({name.split(".")[1] for name in weights if name.startswith("resblocks.")}) // stages
        initial, _, mel = weights["conv_pre.weight"].shape
        return cls(
            inter_channels=mel,
            initial_channels=initial,
            gin_channels=0,
            upsample_rates=tuple(kernel // 2 for kernel in kernels),
            upsample_kernels=kernels,
            resblock_kernels=tuple(weights[f"resblocks.{i}.convs1.0.weight"].shape[1] for i in range(branches)),
            dilations=((1, 3, 5),) * branches,
            final_bias="conv_post.bias" in weights,
        )

    @property
    def context(self) -> int:
        """Frames either side that the samples of a frame depend on."""
        blocks = max(
            (kernel - 1) // 2 * (sum(row) + len(row))
            for kernel, row in zip(self.resblock_kernels, self.dilations, strict=True)
        )
        return reach(self.upsample_rates, self.upsample_kernels, blocks, 3)


def reach(rates: Sequence[int], kernels: Sequence[int], blocks: int, last: int) -> int:
    """Frames either side that the samples of a frame depend on, in a generator that begins with 7 taps.

    Args:
        rates: of the stages.
        kernels: of their transposed convolutions.
        blocks: samples either side that the blocks after each see.
        last: samples either side that what follows the last stage sees.
    """
    low, high = -last, int(np.prod(rates)) - 1 + last
    for rate, kernel in reversed(list(zip(rates, kernels, strict=True))):
        padding = (kernel - rate) // 2
        low, high = low - blocks, high + blocks
        low, high = -((kernel - 1 - padding - low) // rate), (high + padding) // rate
    return max(-low, high) + 3


class ResBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = [
            nn.Conv1d(channels, channels, kernel, padding=d * (kernel - 1) // 2, dilation=d) for d in dilations
        ]
        self.convs2 = [nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations]

    def __call__(self, x: mx.array) -> mx.array:
        """x and result [B, T, C]."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(nn.leaky_relu(dilated(nn.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Vocoder(nn.Module):
    """The generator. Its weights are the official ``dec.*`` with weight norm folded, or v4's file."""

    def __init__(self, config: VocoderConfig):
        super().__init__()
        channels = config.initial_channels
        self.conv_pre = nn.Conv1d(config.inter_channels, channels, 7, padding=3)
        if config.gin_channels:
            self.cond = nn.Linear(config.gin_channels, channels)
        self.ups, self.resblocks = [], []
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            self.ups.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.resblocks += [
                ResBlock(channels, k, d) for k, d in zip(config.resblock_kernels, config.dilations, strict=True)
            ]
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=config.final_bias)
        self._branches = len(config.resblock_kernels)

    def __call__(self, latent: mx.array, ge: mx.array | None = None, kept: mx.array | None = None) -> mx.array:
        """Latent [B, frames, C] and timbre ge [B, 1, gin] (where it knows one) to samples [B, frames * product(rates)].

        With ``kept``, positions [n] of frames in a row, the stages after the first, which cost most and see least,
        render only those: samples [B, n * product(rates)], of which `NARROW_CONTEXT` frames at either end are right
        only where the latents end as well.
        """
        x = self.conv_pre(latent)
        if ge is not None:
            x = x + self.cond(ge)
        for stage, up in enumerate(self.ups):
            x = up(nn.leaky_relu(x, SLOPE))
            blocks = self.resblocks[stage * self._branches : (stage + 1) * self._branches]
            x = sum((block(x) for block in blocks[1:]), blocks[0](x)) / self._branches
            if stage == 0 and kept is not None:
                B, _, C = x.shape
                frames = x.reshape(B, latent.shape[1], -1)
                x = mx.take(frames, kept, axis=1).reshape(B, -1, C)
        return mx.tanh(self.conv_post(nn.leaky_relu(x, FINAL_SLOPE)))[..., 0]


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """v4's generator to this module's layouts, channels last."""
    turned = {}
    for name, value in weights.items():
        if value.ndim == 3:
            value = value.transpose((1, 2, 0) if name.startswith("ups.") else (0, 2, 1))
        turned[name] = np.ascontiguousarray(value)
    return turned
