"""Dimensions of the encoders: HuBERT, RoBERTa, the speaker model, the content encoder of a model's own codes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

UNUSED_LAYERS = 2
"""GPT-SoVITS takes hidden state -3, so the last two layers of an official file are never run."""
STAGES = ("layer1", "layer2", "layer3", "layer4")
FUSED_STAGES = ("layer3", "layer4")
"""Stages of the speaker model, and those whose groups are fused."""
WINDOWS = 4
"""Filter banks of 10 ms in a code."""
QUANTILE, DEPTH, UNIT = 0.95, 10.0, 3.0
"""The level of a recording is this quantile of its banks' means; what lies deeper below it, in nepers, is cut off."""


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


@dataclass(frozen=True)
class RobertaConfig:
    """Dimensions of a model; `layers` counts those that are run."""

    vocabulary: int
    positions: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    eps: float

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Derives sizes from sanitised weights; heads and epsilon come from the official `config.json`.

        Raises:
            KeyError: a tensor that every BERT has is missing.
        """
        vocabulary, hidden = weights["word_embeddings.weight"].shape
        return cls(
            vocabulary=vocabulary,
            positions=weights["position_embeddings.weight"].shape[0],
            hidden=hidden,
            intermediate=weights["layers.0.feed_forward.intermediate_dense.weight"].shape[0],
            layers=1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers.")),
            heads=int(settings.get("num_attention_heads", 16)),
            eps=float(settings.get("layer_norm_eps", 1e-12)),
        )


@dataclass(frozen=True)
class SpeakerConfig:
    """Dimensions of a model; `widths` are those of the split groups per stage, `squeezes` those inside the fusions."""

    channels: int
    blocks: tuple[int, ...]
    outputs: tuple[int, ...]
    widths: tuple[int, ...]
    groups: int
    squeezes: tuple[int, ...]
    final_squeeze: int

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray]) -> Self:
        """Derives all sizes from sanitised weights.

        Raises:
            KeyError: a tensor that every ERes2NetV2 has is missing.
        """

        def count(prefix: str) -> int:
            depth = prefix.count(".")
            return len({name.split(".")[depth] for name in weights if name.startswith(prefix)})

        fused = (stage in FUSED_STAGES for stage in STAGES)
        return cls(
            channels=weights["conv1.weight"].shape[0],
            blocks=tuple(count(f"{stage}.") for stage in STAGES),
            outputs=tuple(weights[f"{stage}.0.conv3.weight"].shape[0] for stage in STAGES),
            widths=tuple(weights[f"{stage}.0.convs.0.weight"].shape[0] for stage in STAGES),
            groups=count("layer1.0.convs."),
            squeezes=tuple(
                weights[f"{stage}.0.fuse_models.0.squeeze.weight"].shape[0] if fuse else 0
                for stage, fuse in zip(STAGES, fused, strict=True)
            ),
            final_squeeze=weights["fuse34.squeeze.weight"].shape[0],
        )


@dataclass(frozen=True)
class ContentConfig:
    """Dimensions of a model; `fine`, `coarse` and `last` are the kernels of its blocks."""

    bands: int
    width: int
    inner: int
    fine: tuple[int, ...]
    coarse: tuple[int, ...]
    last: tuple[int, ...]
    codes: int

    @property
    def windows(self) -> int:
        """Filter banks in a code."""
        return WINDOWS

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray]) -> Self:
        """Derives all sizes from sanitised weights.

        Raises:
            KeyError: a tensor that every such model has is missing.
        """

        def kernels(part: str) -> tuple[int, ...]:
            names = {name for name in weights if name.startswith(f"{part}.") and name.endswith(".depthwise.weight")}
            return tuple(weights[f"{part}.{i}.depthwise.weight"].shape[1] for i in range(len(names)))

        width, _, bands = weights["stem.weight"].shape
        return cls(
            bands=bands,
            width=width,
            inner=weights["fine.0.expand.weight"].shape[0],
            fine=kernels("fine"),
            coarse=kernels("coarse"),
            last=kernels("last"),
            codes=weights["codes.weight"].shape[0],
        )

    def blocks(self, banks: np.ndarray, size: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """What `Content` takes: filter banks without their level, four to a code, padded.

        Args:
            banks: logarithmic filter banks of a recording, float32 [4 N or a few more, bands].
            size: least number of codes.

        Returns:
            banks [1, L, 4 bands] and mask [1, L], 1 where real and 0 where padded; float32.

        Raises:
            ValueError: the recording is too short for one code.
        """
        count = len(banks) // WINDOWS
        if count < 1:
            raise ValueError("The recording is too short; give at least a second")
        banks = banks[: count * WINDOWS]
        level = np.sort(banks.mean(axis=1))[int(QUANTILE * (len(banks) - 1))]
        padded = np.zeros((1, max(size, count), WINDOWS * self.bands), np.float32)
        padded[0, :count] = (np.maximum(banks - level, -DEPTH) / UNIT).reshape(count, -1)
        return padded, (np.arange(padded.shape[1]) < count).astype(np.float32)[None]
