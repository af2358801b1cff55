"""HuBERT (`HubertModel` of Hugging Face, as chinese-hubert-base): a 16 kHz recording to 50 Hz content features."""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.encoders import HubertConfig
from dora_primespeech_mlx.nets.sovits import fold_weight_norm
from dora_primespeech_mlx.nets.transformer import TransformerLayer, attention_mask

GROUP_NORM_EPS = 1e-5


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
