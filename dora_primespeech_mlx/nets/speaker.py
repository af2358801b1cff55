"""ERes2NetV2, the speaker model of GPT-SoVITS v2Pro and v2ProPlus: a filter bank to one voice vector.

Only the part in front of the pooling head is used. Batch norms are folded into the convolutions at conversion. Images
are [batch, mel bins, frames, channels].
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.encoders import STAGES, SpeakerConfig

BATCH_NORM_EPS = 1e-5
CLIP = 20.0


class Fusion(nn.Module):
    """Mixes two images by weights it computes from both (attentional feature fusion)."""

    def __init__(self, channels: int, squeeze: int):
        super().__init__()
        self.squeeze = nn.Linear(2 * channels, squeeze)
        self.expand = nn.Linear(squeeze, channels)

    def __call__(self, x: mx.array, y: mx.array) -> mx.array:
        """x, y [B, F, T, C]; returns [B, F, T, C]."""
        share = 1 + mx.tanh(self.expand(nn.silu(self.squeeze(mx.concatenate([x, y], axis=-1)))))
        return x * share + y * (2 - share)


class Block(nn.Module):
    """A residual block whose middle convolution runs over groups of channels, each seeing the group before it."""

    def __init__(self, inputs: int, outputs: int, width: int, groups: int, stride: int, squeeze: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width * groups, 1, stride)
        self.convs = [nn.Conv2d(width, width, 3, padding=1) for _ in range(groups)]
        self.conv3 = nn.Conv2d(width * groups, outputs, 1)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)
        if squeeze:
            self.fuse_models = [Fusion(width, squeeze) for _ in range(groups - 1)]

    def __call__(self, x: mx.array) -> mx.array:
        """x [B, F, T, C]; returns [B, F', T', outputs]."""
        parts = mx.split(_clip(self.conv1(x)), len(self.convs), axis=-1)
        done = [_clip(self.convs[0](parts[0]))]
        for i, (part, convolve) in enumerate(zip(parts[1:], self.convs[1:], strict=True)):
            mixed = self.fuse_models[i](done[-1], part) if "fuse_models" in self else done[-1] + part
            done.append(_clip(convolve(mixed)))
        kept = self.shortcut(x) if "shortcut" in self else x
        return _clip(self.conv3(mx.concatenate(done, axis=-1)) + kept)


class Speaker(nn.Module):
    """The whole model."""

    def __init__(self, config: SpeakerConfig):
        super().__init__()
        self._config = config
        self.conv1 = nn.Conv2d(1, config.channels, 3, padding=1)
        inputs = config.channels
        for i, stage in enumerate(STAGES):
            outputs, blocks = config.outputs[i], []
            for j in range(config.blocks[i]):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(Block(inputs, outputs, config.widths[i], config.groups, stride, config.squeezes[i]))
                inputs = outputs
            setattr(self, stage, blocks)
        self.layer3_ds = nn.Conv2d(config.outputs[2], config.outputs[3], 3, stride=2, padding=1)
        self.fuse34 = Fusion(config.outputs[3], config.final_squeeze)

    @property
    def config(self) -> SpeakerConfig:
        """Dimensions of this model."""
        return self._config

    def __call__(self, features: mx.array) -> mx.array:
        """Voice vectors [B, channels * bins] of filter banks [B, frames, bins]."""
        x = nn.relu(self.conv1(features.swapaxes(1, 2)[..., None]))
        outputs = []
        for stage in STAGES:
            for block in self[stage]:
                x = block(x)
            outputs.append(x)
        fused = self.fuse34(outputs[3], self.layer3_ds(outputs[2]))
        return fused.mean(axis=2).swapaxes(1, 2).flatten(1)


def _clip(x: mx.array) -> mx.array:
    return mx.minimum(mx.maximum(x, 0.0), CLIP)


_NORMS = (
    ("conv1", "bn1"),
    ("conv3", "bn3"),
    ("shortcut.0", "shortcut.1"),
    ("local_att.0", "local_att.1"),
    ("local_att.3", "local_att.4"),
)
_RENAMES = (("shortcut.0", "shortcut"), ("local_att.0", "squeeze"), ("local_att.3", "expand"))


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official tensors to this module's names, float32: batch norms folded, channels last, the pooling head dropped.

    Pointwise convolutions of the fusions become linear layers.

    Raises:
        KeyError: a convolution's batch norm is missing.
    """
    clean = {}
    for name, value in weights.items():
        stem, leaf = name.rpartition(".")[::2]
        if leaf != "weight" or value.ndim != 4:
            continue
        kernel, bias = value.astype(np.float32), weights.get(f"{stem}.bias")
        shift = np.zeros(len(kernel), np.float32) if bias is None else bias.astype(np.float32)
        norm = _norm_of(stem)
        if norm is not None:
            gain, offset, mean, variance = (
                weights[f"{norm}.{part}"].astype(np.float32)
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            gain = gain / np.sqrt(variance + np.float32(BATCH_NORM_EPS))
            kernel, shift = kernel * gain[:, None, None, None], (shift - mean) * gain + offset
        for old, new in _RENAMES:
            stem = stem.replace(old, new)
        pointwise = stem.endswith((".squeeze", ".expand"))
        clean[f"{stem}.weight"] = np.ascontiguousarray(kernel[..., 0, 0] if pointwise else kernel.transpose(0, 2, 3, 1))
        clean[f"{stem}.bias"] = shift
    return clean


def _norm_of(convolution: str) -> str | None:
    parent, _, last = convolution.rpartition(".convs.")
    if parent:
        return f"{parent}.bns.{last}"
    for ending, norm in _NORMS:
        if convolution.endswith(ending):
            return convolution.removesuffix(ending) + norm
    return None
