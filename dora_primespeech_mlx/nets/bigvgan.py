"""BigVGAN v2 (Lee et al. 2023): mel frames of v3 to samples at 24 kHz.

Its activations work at twice the rate between two low-pass filters. Here the doubled signal is held as its even and
its odd samples, so that every filter is a plain convolution of half the taps and nothing is interleaved.

Convolutions may have 16 bits; activations, and what pairs of convolutions are added to, have float32.
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.vocoder import EDGE_KERNEL, FILTER, BigVGANConfig
from dora_primespeech_mlx.nets.sovits import fold_weight_norm
from dora_primespeech_mlx.nets.vocoder import settle

DIVISION_GUARD = 1e-9


def filtered(x: mx.array, taps: mx.array, shifted: bool) -> mx.array:
    """Each channel of x [B, T, C] through its taps [C, n, 1]: [B, T - n + 1, C].

    As a convolution of as many groups as channels, which ONNX Runtime has a kernel for, or `shifted`: as a sum of
    shifted copies, which `mx.compile` makes one kernel of on a device whose convolutions have none.
    """
    if not shifted:
        return mx.conv1d(x, taps, groups=x.shape[-1])
    length = x.shape[1] - taps.shape[1] + 1
    parts = [x[:, k : k + length] * taps[:, k, 0] for k in range(taps.shape[1])]
    return sum(parts[1:], parts[0])


class Snake(nn.Module):
    """y + sin(alpha y)^2 / beta at twice the rate. Filters are [C, 6, 1], the same for all channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.alpha = mx.zeros((channels,))
        self.inverse_beta = mx.zeros((channels,))
        taps = (channels, FILTER // 2, 1)
        self.up_even, self.up_odd = mx.zeros(taps), mx.zeros(taps)
        self.down_even, self.down_odd = mx.zeros(taps), mx.zeros(taps)

    def __call__(self, x: mx.array, kind: mx.Dtype, shifted: bool) -> mx.array:
        """x and result [B, T, C]; `kind` is the result's type, `shifted` as of `filtered`."""
        x = x.astype(mx.float32)
        first, last = x[:, :1], x[:, -1:]
        x = mx.concatenate([first, first, first, x, last, last, last], axis=1)
        even = self._bent(filtered(x[:, :-1], self.up_even, shifted))
        odd = self._bent(filtered(x[:, 1:], self.up_odd, shifted))
        # Beyond its ends the doubled signal repeats its first sample, which is even, and its last, which is odd.
        first, last = even[:, :1], odd[:, -1:]
        even = mx.concatenate([first, first, even, last, last, last], axis=1)
        odd = mx.concatenate([first, first, first, odd, last, last], axis=1)
        return (filtered(even, self.down_even, shifted) + filtered(odd, self.down_odd, shifted)).astype(kind)

    def _bent(self, y: mx.array) -> mx.array:
        return y + mx.square(mx.sin(y * self.alpha)) * self.inverse_beta


class AmpBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, an activation before each, each pair added to its input."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = [
            nn.Conv1d(channels, channels, kernel, padding=d * (kernel - 1) // 2, dilation=d) for d in dilations
        ]
        self.convs2 = [nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations]
        self.activations = [Snake(channels) for _ in range(2 * len(dilations))]

    def __call__(self, x: mx.array, shifted: bool) -> mx.array:
        """x and result [B, T, C]; `shifted` as of `filtered`."""
        before, between, kind = self.activations[::2], self.activations[1::2], self.convs1[0].weight.dtype
        for dilated, plain, bend, bend_again in zip(self.convs1, self.convs2, before, between, strict=True):
            x = x + plain(bend_again(dilated(bend(x, kind, shifted)), kind, shifted))
        return x


class BigVGAN(nn.Module):
    """The generator."""

    def __init__(self, config: BigVGANConfig):
        super().__init__()
        channels = config.initial_channels
        self.conv_pre = nn.Conv1d(config.mel, channels, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        self.ups, self.resblocks = [], []
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            self.ups.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.resblocks += [
                AmpBlock(channels, k, d) for k, d in zip(config.resblock_kernels, config.dilations, strict=True)
            ]
        self.activation_post = Snake(channels)
        self.conv_post = nn.Conv1d(channels, 1, EDGE_KERNEL, padding=EDGE_KERNEL // 2, bias=config.final_bias)
        self._branches, self._bounded = len(config.resblock_kernels), config.bounded

    def settle(self, multiple: int = 1) -> None:
        """See `vocoder.settle`."""
        settle(self, multiple)

    def __call__(self, mel: mx.array, shifted: bool = False) -> mx.array:
        """Log mel [B, frames, mel] to samples [B, frames * product(rates)] in -1..1; `shifted` as of `filtered`."""
        kind = self.conv_pre.weight.dtype
        x = self.conv_pre(mel)
        for stage, up in enumerate(self.ups):
            x = up(x.astype(kind)).astype(mx.float32)
            blocks = self.resblocks[stage * self._branches : (stage + 1) * self._branches]
            x = sum((block(x, shifted) for block in blocks[1:]), blocks[0](x, shifted)) / self._branches
        x = self.conv_post(self.activation_post(x, kind, shifted))[..., 0]
        return mx.tanh(x) if self._bounded else mx.clip(x, -1.0, 1.0)


def sanitize(weights: Mapping[str, np.ndarray], log_scale: bool = True) -> dict[str, np.ndarray]:
    """Official tensors (the `generator` of the file) to this module's names and layouts.

    Weight norm is folded, activations hold what they multiply by, filters are cut into their even and odd taps, and
    channels come last.

    Args:
        weights: by official name.
        log_scale: whether alpha and beta are stored as logarithms (`snake_logscale`).
    """
    clean = {}
    for name, value in fold_weight_norm(weights).items():
        place, _, leaf = name.rpartition(".")
        if leaf in ("alpha", "beta"):
            scale = np.exp(value.astype(np.float32)) if log_scale else value.astype(np.float32)
            name = f"{place.removesuffix('.act')}.{'alpha' if leaf == 'alpha' else 'inverse_beta'}"
            clean[name] = scale if leaf == "alpha" else 1 / (scale + np.float32(DIVISION_GUARD))
        elif leaf == "filter":
            owner = place.removesuffix(".upsample").removesuffix(".downsample.lowpass")
            channels = weights[f"{owner}.act.alpha"].shape[0]
            taps = value.reshape(-1).astype(np.float32)
            up = place.endswith(".upsample")
            pair = (2 * taps[::-2], 2 * taps[-2::-2]) if up else (taps[1::2], taps[::2])
            for half, part in zip(("even", "odd"), pair, strict=True):
                rows = np.broadcast_to(part[None, :, None], (channels, len(part), 1))
                clean[f"{owner}.{'up' if up else 'down'}_{half}"] = np.ascontiguousarray(rows)
        else:
            if name.startswith("ups."):
                stage, _, leaf = name.removeprefix("ups.").partition(".")
                name = f"ups.{stage}.{leaf.removeprefix('0.')}"
            if value.ndim == 3:
                value = value.transpose((1, 2, 0) if name.startswith("ups.") else (0, 2, 1))
            clean[name] = np.ascontiguousarray(value)
    return clean
