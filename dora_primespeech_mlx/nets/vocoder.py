"""HiFi-GAN generator (Kong et al. 2020) as VITS uses it: latent frames at 50 Hz to samples at 32 kHz.

That of v4 takes mel frames at 100 Hz to samples at 48 kHz; it knows no timbre.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Self

import mlx.core as mx
import mlx.nn as nn
import numpy as np

SLOPE = 0.1
FINAL_SLOPE = 0.01
EDGE_KERNEL = 7
"""Samples or frames that the first and the last convolution see."""


@dataclass(frozen=True)
class VocoderConfig:
    """Dimensions of a generator. `dilations` has one tuple for each kernel of `resblock_kernels`.

    `gin_channels` is 0 for a generator without timbre, `final_bias` whether the last convolution has a bias.
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
    def from_mel_weights(cls, weights: Mapping[str, np.ndarray]) -> Self:
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

    @cached_property
    def context(self) -> int:
        """Frames either side of a frame that its samples depend on; 11 for the released sizes, 12 for v4's."""
        return reach(self.upsample_rates, self.upsample_kernels, self._block) + EDGE_KERNEL // 2

    @cached_property
    def narrow_context(self) -> int:
        """The same for what lies after the first stage; 2 for the released sizes."""
        return reach(self.upsample_rates, self.upsample_kernels, self._block, after=1)

    @property
    def _block(self) -> int:
        """Samples either side that the blocks of a stage look at."""
        return max(
            sum((kernel - 1) * (dilation + 1) // 2 for dilation in dilations)
            for kernel, dilations in zip(self.resblock_kernels, self.dilations, strict=True)
        )


def reach(
    rates: Sequence[int], kernels: Sequence[int], block: int, last: int = EDGE_KERNEL // 2, after: int = 0
) -> int:
    """Frames either side that the stages from `after` on look at: the samples of a frame, followed back.

    Args:
        rates: of all stages.
        kernels: of their transposed convolutions.
        block: samples either side that the blocks of a stage look at.
        last: samples either side that what follows the last stage looks at.
        after: stages left out.
    """
    first, end = -last, prod(rates) - 1 + last
    for rate, kernel in reversed(list(zip(rates, kernels, strict=True))[after:]):
        padding = (kernel - rate) // 2
        first = -((kernel - 1 - padding - (first - block)) // rate)
        end = (end + block + padding) // rate
    kept = prod(rates[:after])
    return max(-(first // kept), end // kept)


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
    """The generator. Its weights are the official `dec.*` with weight norm folded, or v4's file."""

    def __init__(self, config: VocoderConfig):
        super().__init__()
        channels = config.initial_channels
        self.conv_pre = nn.Conv1d(config.inter_channels, channels, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
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
        self.conv_post = nn.Conv1d(channels, 1, EDGE_KERNEL, padding=EDGE_KERNEL // 2, bias=config.final_bias)
        self._branches = len(config.resblock_kernels)

    def __call__(self, latent: mx.array, ge: mx.array | None = None, kept: mx.array | None = None) -> mx.array:
        """Latent [B, frames, C] and timbre ge [B, 1, gin] (where it knows one) to samples [B, frames * product(rates)].

        With `kept`, positions [n] of frames in a row, the stages after the first, which cost most and see least,
        render only those: samples [B, n * product(rates)], of which `config.narrow_context` frames at either end are
        right only where the latents end as well.
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
