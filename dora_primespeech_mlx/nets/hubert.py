"""HuBERT (`HubertModel` of Hugging Face, as chinese-hubert-base): a 16 kHz recording to 50 Hz content features."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.sovits import fold_weight_norm
from dora_primespeech_mlx.nets.transformer import TransformerLayer, attention_mask

GROUP_NORM_EPS = 1e-5


@dataclass(frozen=True)
class HubertConfig:
    """Dimensions of a model; the tuples have one entry per convolution of the feature extractor."""

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    hidden: int
    intermediate: int
    layers: int
    heads: int
    position_kernel: int
    position_groups: int
    eps: float

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Derives sizes from sanitised weights; strides, heads and epsilon come from the official `config.json`.

        Raises:
            ValueError: the model is of a kind other than chinese-hubert-base's (layer norm in the extractor, pre-norm).
            KeyError: a tensor that every HuBERT has is missing.
        """
        if settings.get("feat_extract_norm", "group") != "group" or settings.get("do_stable_layer_norm", False):
            raise ValueError("This HuBERT normalises per layer (a 'large' model); chinese-hubert-base is needed")
        strides = tuple(int(stride) for stride in settings.get("conv_stride", (5, 2, 2, 2, 2, 2, 2)))
        convolutions = [weights[f"feature_extractor.conv_layers.{i}.conv.weight"].shape for i in range(len(strides))]
        intermediate, hidden = weights["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape
        _, position_kernel, group_width = weights["encoder.pos_conv_embed.conv.weight"].shape
        return cls(
            channels=tuple(shape[0] for shape in convolutions),
            kernels=tuple(shape[1] for shape in convolutions),
            strides=strides,
            hidden=hidden,
            intermediate=intermediate,
            layers=1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layers.")),
            heads=int(settings.get("num_attention_heads", 12)),
            position_kernel=position_kernel,
            position_groups=hidden // group_width,
            eps=float(settings.get("layer_norm_eps", 1e-5)),
        )

    @property
    def step(self) -> int:
        """Samples from one feature to the next."""
        return math.prod(self.strides)

    @property
    def margin(self) -> int:
        """Samples that the last feature needs beyond its step."""
        reach, step = 1, 1
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            reach, step = reach + (kernel - 1) * step, step * stride
        return reach - step

    def features(self, samples: int) -> int:
        """Features of a recording of so many samples."""
        return max(0, (samples - self.margin) // self.step)

    def blocks(self, recordings: Sequence[np.ndarray], size: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `Hubert` takes: recordings cut into blocks of one step and padded to a common length.

        Args:
            recordings: 16 kHz samples, float32 [n] each.
            size: least number of blocks.

        Returns:
            samples [B, L, step]; real frames of the first convolution [B, L, step / first stride]; real features
            [B, L]; all float32, the last two 1 where real and 0 where padded.

        Raises:
            ValueError: a recording is too short for one feature.
        """
        lengths = np.array([len(recording) for recording in recordings])
        if min(map(self.features, lengths)) < 1:
            raise ValueError(f"A recording of {lengths.min()} samples is too short; give at least a second")
        count = max(size, *(-(-int(length) // self.step) for length in lengths))
        samples = np.zeros((len(recordings), count * self.step), np.float32)
        for row, recording in zip(samples, recordings, strict=True):
            row[: len(recording)] = recording
        first = (lengths[:, None] - self.kernels[0]) // self.strides[0] + 1
        first_mask = np.arange(count * self.step // self.strides[0]) < first
        mask = np.arange(count) < (lengths[:, None] - self.margin) // self.step
        return (
            samples.reshape(len(recordings), count, self.step),
            first_mask.astype(np.float32).reshape(len(recordings), count, -1),
            mask.astype(np.float32),
        )


class ConvLayer(nn.Module):
    """One strided convolution of the feature extractor; the first one is normalised over time, channel by channel."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int, normalised: bool):
        super().__init__()
        self.conv = nn.Conv1d(inputs, channels, kernel, stride, bias=False)
        if normalised:
            self.layer_norm = nn.LayerNorm(channels)

    def __call__(self, x: mx.array, keep: mx.array) -> mx.array:
        """x [B, T, C], keep [B, T'] 1 for the result's real frames; returns [B, T', C']."""
        x = self.conv(x)
        if "layer_norm" in self:
            x = self._normalise(x.astype(mx.float32), keep).astype(x.dtype)
        return nn.gelu(x)

    def _normalise(self, x: mx.array, keep: mx.array) -> mx.array:
        keep = keep[..., None]
        count = keep.sum(axis=1, keepdims=True)
        centred = x - (x * keep).sum(axis=1, keepdims=True) / count
        variance = (mx.square(centred) * keep).sum(axis=1, keepdims=True) / count
        scaled = centred * mx.rsqrt(variance + GROUP_NORM_EPS)
        return scaled * self.layer_norm.weight.astype(x.dtype) + self.layer_norm.bias.astype(x.dtype)


class FeatureExtractor(nn.Module):
    """Samples to frames by strided convolutions."""

    def __init__(self, config: HubertConfig):
        super().__init__()
        inputs = (1, *config.channels[:-1])
        sizes = zip(inputs, config.channels, config.kernels, config.strides, strict=True)
        self.conv_layers = [ConvLayer(*size, normalised=i == 0) for i, size in enumerate(sizes)]

    def __call__(self, samples: mx.array, keep: mx.array) -> mx.array:
        """Samples [B, n], keep [B, T1] of the first convolution's real frames; returns [B, T, C]."""
        x = samples[..., None]
        for layer in self.conv_layers:
            x = layer(x, keep)
        return x


class FeatureProjection(nn.Module):
    """Normalises the frames and brings them to the width of the transformer."""

    def __init__(self, inputs: int, hidden: int, eps: float):
        super().__init__()
        self.layer_norm = nn.LayerNorm(inputs, eps)
        self.projection = nn.Linear(inputs, hidden)

    def __call__(self, x: mx.array) -> mx.array:
        """x [B, T, C]; returns [B, T, hidden]."""
        return self.projection(self.layer_norm(x))


class PositionEmbedding(nn.Module):
    """A wide grouped convolution tells each frame where it stands."""

    def __init__(self, hidden: int, kernel: int, groups: int):
        super().__init__()
        self.conv = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2, groups=groups)

    def __call__(self, x: mx.array) -> mx.array:
        """x [B, T, hidden]; returns the same shape (the frame too many of an even kernel is dropped)."""
        return nn.gelu(self.conv(x)[:, : x.shape[1]])


class Encoder(nn.Module):
    """Position embedding and transformer."""

    def __init__(self, config: HubertConfig):
        super().__init__()
        self.pos_conv_embed = PositionEmbedding(config.hidden, config.position_kernel, config.position_groups)
        self.layer_norm = nn.LayerNorm(config.hidden, config.eps)
        self.layers = [
            TransformerLayer(config.hidden, config.intermediate, config.heads, config.eps) for _ in range(config.layers)
        ]

    def __call__(self, x: mx.array, keep: mx.array) -> mx.array:
        """x [B, T, hidden], keep [B, T] of real frames; returns [B, T, hidden]."""
        x = x * keep[..., None].astype(x.dtype)
        x = self.layer_norm(x + self.pos_conv_embed(x))
        mask = attention_mask(keep, x.dtype)
        for layer in self.layers:
            x = layer(x, mask)
        return x


class Hubert(nn.Module):
    """The whole model. Samples go in as they are: the official pipeline does not normalise them."""

    def __init__(self, config: HubertConfig):
        super().__init__()
        self._config = config
        self.feature_extractor = FeatureExtractor(config)
        self.feature_projection = FeatureProjection(config.channels[-1], config.hidden, config.eps)
        self.encoder = Encoder(config)

    @property
    def config(self) -> HubertConfig:
        """Dimensions of this model."""
        return self._config

    def __call__(self, samples: mx.array, first_mask: mx.array, mask: mx.array) -> mx.array:
        """Content features of 16 kHz recordings; a recording's are the same however far it is padded.

        Args:
            samples: [B, L, step], and
            first_mask: [B, L, step / first stride], and
            mask: [B, L], all three as `HubertConfig.blocks` makes them.

        Returns:
            last hidden state [B, L, hidden]; where `mask` is 0 it holds nothing of use.
        """
        batch, margin = samples.shape[0], self._config.margin
        more = (margin - self._config.kernels[0]) // self._config.strides[0] + 1
        samples = mx.concatenate([samples.flatten(1), mx.zeros((batch, margin), samples.dtype)], axis=1)
        first_mask = mx.concatenate([first_mask.flatten(1), mx.zeros((batch, more), first_mask.dtype)], axis=1)
        dtype = self.feature_projection.projection.weight.dtype
        return self.encoder(self.feature_projection(self.feature_extractor(samples.astype(dtype), first_mask)), mask)


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official tensors to this module's names: weight norm folded (both spellings), convolutions channels-last.

    The training-time mask embedding is dropped. The folded weight is float32 whatever the file's type.
    """
    renamed = {name.removeprefix("hubert."): value for name, value in weights.items()}
    clean = {}
    for name, value in fold_weight_norm(renamed).items():
        if name != "masked_spec_embed":
            clean[name] = np.ascontiguousarray(value.transpose(0, 2, 1)) if value.ndim == 3 else value
    return clean
