"""Dimensions of the s2 networks of v3 and v4, and where their mel lies in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from dora_primespeech_mlx.nets.dimensions.sovits import (
    FRAMES_PER_CODE,
    EncoderConfig,
    count,
    encoder_dimensions,
    resample_positions,
)
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig, VocoderConfig

STEPS = (1, 2, 4, 8, 16, 32)
"""Step counts the table of modulations has rows for."""


@dataclass(frozen=True)
class DiTConfig:
    """Dimensions: `inner` is the width of attention, `text` of features, `text_hidden` inside their blocks."""

    mel: int
    text: int
    text_hidden: int
    text_blocks: int
    text_kernel: int
    dim: int
    inner: int
    head_dim: int
    feed_forward: int
    depth: int
    groups: int
    position_kernel: int

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray]) -> Self:
        """Dimensions from sanitised weights."""

        def count(prefix: str) -> int:
            return len({name.split(".")[1] for name in weights if name.startswith(prefix)})

        text_hidden, text = weights["text_blocks.0.pwconv1.weight"].shape
        dim, kernel, per_group = weights["position.0.weight"].shape
        return cls(
            mel=weights["proj_out.weight"].shape[0],
            text=text,
            text_hidden=text_hidden,
            text_blocks=count("text_blocks."),
            text_kernel=weights["text_blocks.0.dwconv.weight"].shape[1],
            dim=dim,
            inner=weights["blocks.0.attention.to_out.weight"].shape[1],
            head_dim=2 * weights["inverse_frequencies"].shape[0],
            feed_forward=weights["blocks.0.expand.weight"].shape[0],
            depth=count("blocks."),
            groups=dim // per_group,
            position_kernel=kernel,
        )


def modulation_row(steps: int, step: int) -> int:
    """The row of the table for a step of 0 to `steps` - 1; rows of a count follow those of the smaller ones."""
    return steps - 1 + step


@dataclass(frozen=True)
class MelBase:
    """How a version measures time and sound.

    Attributes:
        rate: of the recording that the mel is taken from, Hz.
        window: samples.
        hop: samples between mel frames.
        stretch: mel frames for each frame of the encoder (50 a second).
        masked: mel frames a code is at most given at a speed other than 1.
        reference: most frames of the prompt.
        span: frames the model works on at once, prompt and sentence together.
    """

    rate: int
    window: int
    hop: int
    stretch: float
    masked: float
    reference: int
    span: int

    @property
    def frame_rate(self) -> float:
        """Mel frames a second."""
        return self.rate / self.hop


MEL_BASES = {
    "v3": MelBase(24000, 1024, 256, 1.875, 3.875, 468, 934),
    "v4": MelBase(32000, 1280, 320, 2.0, 4.0, 500, 1000),
}


@dataclass(frozen=True)
class DiffusionConfig(EncoderConfig):
    """Dimensions of a model: of its timbre, its features, its diffusion transformer and its vocoder.

    `mel` says how the version measures time and sound.
    """

    gin: int
    feature_channels: int
    wave_layers: int
    wave_kernel: int
    dit: DiTConfig
    vocoder: VocoderConfig | BigVGANConfig
    mel: MelBase
    speaker_dim: int = 0

    @classmethod
    def from_weights(
        cls,
        weights: Mapping[str, np.ndarray],
        model: Mapping,
        version: str,
        vocoder: VocoderConfig | BigVGANConfig,
    ) -> Self:
        """Dimensions from sanitised weights; heads from the official `config.model`.

        Raises:
            KeyError: a tensor that they need is missing.
        """
        estimator = {
            name.removeprefix("estimator."): value for name, value in weights.items() if name.startswith("estimator.")
        }
        return cls(
            **encoder_dimensions(weights, model, version),
            gin=weights["ref_enc.fc.weight"].shape[0],
            feature_channels=weights["bridge.weight"].shape[0],
            wave_layers=count(weights, "wns1.enc.in_layers."),
            wave_kernel=weights["wns1.enc.in_layers.0.weight"].shape[1],
            dit=DiTConfig.from_weights(estimator),
            vocoder=vocoder,
            mel=MEL_BASES[version],
        )

    @property
    def hop(self) -> int:
        """Samples of a mel frame as the vocoder makes them."""
        return int(np.prod(self.vocoder.upsample_rates))

    @property
    def sample_rate(self) -> int:
        """Samples a second of what the vocoder makes."""
        return round(self.mel.frame_rate * self.hop)


def mel_positions(codes: int, speed: float, mel: MelBase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each mel frame lies between the encoder's frames: a change of speed, and a repetition of the nearest.

    The official code masks what is longer than `masked` frames a code but decodes it all the same, so that v4 ends in
    a frame of zeros at most speeds; here such frames do not exist.

    Args:
        codes: semantic codes.
        speed: 1 keeps the length.
        mel: the version's measures.

    Returns:
        lower frame, upper frame (int32) and weight of the upper one (float32), each [frames].
    """
    inner = FRAMES_PER_CODE * codes
    if speed == 1:
        lower = np.arange(inner, dtype=np.int32)
        upper, weight, most = lower, np.zeros(inner, np.float32), int(mel.masked * codes)
    else:
        lower, upper, weight = resample_positions(inner, speed)
        most = int(mel.masked * codes / speed) + 1
    frames = min(int(len(lower) * mel.stretch), most)
    nearest = np.minimum((np.arange(frames) / mel.stretch).astype(np.int32), len(lower) - 1)
    return lower[nearest], upper[nearest], weight[nearest]
