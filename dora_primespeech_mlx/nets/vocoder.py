"""HiFi-GAN generator (Kong et al. 2020) as VITS uses it: latent frames at 50 Hz to samples at 32 kHz.

That of v4 takes mel frames at 100 Hz to samples at 48 kHz; it knows no timbre.
"""

from collections.abc import Mapping
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_map

from dora_primespeech_mlx.nets.dimensions.vocoder import EDGE_KERNEL, VocoderConfig
from dora_primespeech_mlx.nets.operations import OPERATIONS, convolved, masked

SLOPE = 0.1
FINAL_SLOPE = 0.01


class Phases(nn.Module):
    """A transposed convolution as a plain one: what it makes between two inputs are channels, then put in a row.

    The same sums, without the zeros that a transposed convolution has between its inputs, and by a kind of convolution
    that every executor is good at.
    """

    def __init__(self, up: nn.ConvTranspose1d):
        """Takes the weights [out, kernel, in] of an evaluated layer."""
        super().__init__()
        out, kernel, inputs = up.weight.shape
        self.rate, self.padding, self.out = up.stride, up.padding, out
        self._taps = -(-kernel // up.stride)
        weight = mx.pad(up.weight, [(0, 0), (0, self._taps * up.stride - kernel), (0, 0)])
        # A tap of a transposed convolution looks back, one of a convolution forward.
        weight = weight.reshape(out, self._taps, up.stride, inputs)[:, ::-1].transpose(2, 0, 1, 3)
        self.weight = mx.contiguous(weight.reshape(-1, self._taps, inputs))
        self.bias = mx.tile(up.bias, up.stride)

    def __call__(self, x: mx.array) -> mx.array:
        """x [B, T, in] to [B, T * rate, out]."""
        B, T, _ = x.shape
        phases = mx.conv1d(x, self.weight, padding=self._taps - 1) + self.bias
        samples = phases.reshape(B, (T + self._taps - 1) * self.rate, self.out)
        return samples[:, self.padding : self.padding + T * self.rate]


def settle(generator: nn.Module, multiple: int = 1) -> None:
    """Brings an evaluated generator, once, into the form that is fast; its sound stays the same.

    Transposed convolutions become `Phases`.

    Args:
        generator: with `ups`, `resblocks` and `conv_post`.
        multiple: channels after the first stage are filled up with zeros to a multiple of it.
    """
    stages, before = len(generator.ups), 0
    branches = len(generator.resblocks) // stages
    for stage, up in enumerate(generator.ups):
        channels = up.weight.shape[0]
        gap = -channels % multiple
        up.weight = mx.pad(up.weight, [(0, gap), (0, 0), (0, before)])
        up.bias = mx.pad(up.bias, (0, gap))
        after = generator.resblocks[stage * branches : (stage + 1) * branches]
        if stage + 1 == stages and "activation_post" in generator:
            after = [*after, generator.activation_post]
        for part in after:
            part.update(tree_map(partial(_filled_up, channels=channels, gap=gap), part.parameters()))
        generator.ups[stage], before = Phases(up), gap
    generator.conv_post.weight = mx.pad(generator.conv_post.weight, [(0, 0), (0, 0), (0, before)])
    mx.eval(generator.parameters())


def _filled_up(array: mx.array, channels: int, gap: int) -> mx.array:
    """Weights [channels, ...] of layers that keep their channels, with so many more that are zero."""
    last = gap if array.ndim == 3 and array.shape[-1] == channels else 0
    return mx.pad(array, [(0, gap), *[(0, 0)] * (array.ndim - 2), (0, last)][: array.ndim])


class ResBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = [
            nn.Conv1d(channels, channels, kernel, padding=d * (kernel - 1) // 2, dilation=d) for d in dilations
        ]
        self.convs2 = [nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations]
        self._operations = OPERATIONS

    def __call__(self, x: mx.array, keep: mx.array | None) -> mx.array:
        """x and result [B, T, C], which `keep` [B, T, 1], of ones and zeros, leaves zero where it is."""
        bent = nn.leaky_relu(x, SLOPE)
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            hidden = self._operations.bent(convolved(dilated, bent), dilated.bias, keep, SLOPE)
            x, bent = self._operations.added(convolved(plain, hidden), plain.bias, keep, x, SLOPE)
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

    def settle(self, multiple: int = 1) -> None:
        """See `settle`."""
        settle(self, multiple)

    def __call__(
        self,
        latent: mx.array,
        ge: mx.array | None = None,
        kept: tuple[mx.array, mx.array, mx.array] | None = None,
        mask: mx.array | None = None,
    ) -> mx.array:
        """Latent [B, frames, C] and timbre ge [B, 1, gin] (where it knows one) to samples [B, frames * product(rates)].

        With `kept`, of one latent, later stages, which cost most and see least, render only parts, counted in samples
        of the first stage: the second positions [W, n] in W rows, those behind it V rows [V, m] of these, each given
        by its row and its position there: samples [V, m * product(rates[1:])]. Of each row as many at either end as
        `config.narrow_contexts` says are right only where the latents end as well.

        With `mask` [B, frames], true where a frame is real, a row sounds as if there were no others behind.
        """
        keep = None if mask is None else mask[..., None].astype(latent.dtype)
        x = self.conv_pre(latent)
        if ge is not None:
            x = x + self.cond(ge)
        x = masked(x, keep)
        for stage, up in enumerate(self.ups):
            x = up(nn.leaky_relu(x, SLOPE))
            keep = None if keep is None else mx.repeat(keep, x.shape[1] // keep.shape[1], axis=1)
            x = masked(x, keep)
            blocks = self.resblocks[stage * self._branches : (stage + 1) * self._branches]
            x = sum((block(x, keep) for block in blocks[1:]), blocks[0](x, keep)) / self._branches
            if kept is not None and stage == 0:
                x = mx.take(x, kept[0], axis=1).reshape(*kept[0].shape, -1)
            elif kept is not None and stage == 1:
                W, n = kept[0].shape
                x = x.reshape(W, n, -1)[kept[1], kept[2]].reshape(kept[1].shape[0], -1, x.shape[2])
        return mx.tanh(self.conv_post(nn.leaky_relu(x, FINAL_SLOPE)))[..., 0]


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """v4's generator to this module's layouts, channels last."""
    turned = {}
    for name, value in weights.items():
        if value.ndim == 3:
            value = value.transpose((1, 2, 0) if name.startswith("ups.") else (0, 2, 1))
        turned[name] = np.ascontiguousarray(value)
    return turned
