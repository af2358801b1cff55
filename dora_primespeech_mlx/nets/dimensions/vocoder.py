"""Dimensions of the vocoders, and how far they look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Self

import numpy as np

EDGE_KERNEL = 7
"""Samples or frames that the first and the last convolution see."""
FILTER = 12
"""Taps of either low-pass filter of BigVGAN."""
PAIR_SEES = 5
"""Samples either side that the two activations of a pair see through their filters.

By their taps it is 10, but what would come through the outer ones of all of them is lost in the rounding of float32.
"""


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
    def narrow_contexts(self) -> tuple[int, int]:
        """The same for what lies after the first and after the second stage, in samples of the first.

        They are 16 and 7 for the released sizes, whose first stage makes 10 samples of a frame.
        """
        rates, kernels = self.upsample_rates, self.upsample_kernels
        behind = -(-reach(rates, kernels, self._block, after=2) // rates[1])
        return reach(rates[:2], kernels[:2], self._block, behind * rates[1], after=1), behind

    @property
    def _block(self) -> int:
        """Samples either side that the blocks of a stage look at."""
        return max(
            sum((kernel - 1) * (dilation + 1) // 2 for dilation in dilations)
            for kernel, dilations in zip(self.resblock_kernels, self.dilations, strict=True)
        )


@dataclass(frozen=True)
class BigVGANConfig:
    """Dimensions of a generator; `bounded` says that it ends in tanh, not in clipping."""

    mel: int
    initial_channels: int
    upsample_rates: tuple[int, ...]
    upsample_kernels: tuple[int, ...]
    resblock_kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    bounded: bool
    final_bias: bool

    @classmethod
    def from_settings(cls, settings: Mapping) -> Self:
        """Dimensions from the generator's `config.json`.

        Raises:
            KeyError: a setting is missing.
            ValueError: a generator of another kind.
        """
        if str(settings.get("resblock", "1")) != "1" or settings.get("activation", "snakebeta") != "snakebeta":
            raise ValueError("only generators with resblock 1 and snakebeta activations are known")
        return cls(
            mel=int(settings["num_mels"]),
            initial_channels=int(settings["upsample_initial_channel"]),
            upsample_rates=tuple(int(rate) for rate in settings["upsample_rates"]),
            upsample_kernels=tuple(int(kernel) for kernel in settings["upsample_kernel_sizes"]),
            resblock_kernels=tuple(int(kernel) for kernel in settings["resblock_kernel_sizes"]),
            dilations=tuple(tuple(int(d) for d in row) for row in settings["resblock_dilation_sizes"]),
            bounded=bool(settings.get("use_tanh_at_final", True)),
            final_bias=bool(settings.get("use_bias_at_final", True)),
        )

    @cached_property
    def context(self) -> int:
        """Frames either side that the samples of a frame depend on."""
        blocks = max(
            (kernel - 1) // 2 * (sum(row) + len(row)) + PAIR_SEES * len(row)
            for kernel, row in zip(self.resblock_kernels, self.dilations, strict=True)
        )
        edge = EDGE_KERNEL // 2
        return reach(self.upsample_rates, self.upsample_kernels, blocks, edge + PAIR_SEES) + edge


def reach(
    rates: Sequence[int], kernels: Sequence[int], block: int, last: int = EDGE_KERNEL // 2, after: int = 0
) -> int:
    """How far the stages from `after` on look, in what they take: the samples of one of those, followed back.

    Without `after` that is frames, with 1 samples of the first stage.

    Args:
        rates: of all stages.
        kernels: of their transposed convolutions.
        block: samples either side that the blocks of a stage look at.
        last: samples either side that what follows the last stage looks at.
        after: stages left out.
    """
    first, end = -last, prod(rates[after:]) - 1 + last
    for rate, kernel in reversed(list(zip(rates, kernels, strict=True))[after:]):
        padding = (kernel - rate) // 2
        first = -((kernel - 1 - padding - (first - block)) // rate)
        end = (end + block + padding) // rate
    return max(-first, end)
