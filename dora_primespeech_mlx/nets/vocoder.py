"""HiFi-GAN generator (Kong et al. 2020) as VITS uses it: latent frames at 50 Hz to samples at 32 kHz.

That of v4 takes mel frames at 100 Hz to samples at 48 kHz; it knows no timbre.
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.vocoder import EDGE_KERNEL, VocoderConfig

SLOPE = 0.1
FINAL_SLOPE = 0.01


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
