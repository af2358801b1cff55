"""The s2 model of GPT-SoVITS v3 and v4: semantic codes and phones to features, features to mel, mel to samples.

The stages are separate methods: `style` and the features of the prompt once per voice, `features` on all codes so
far, `estimator` many times for each stretch of mel, `dec` on the frames that are to be heard, with their context.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.bigvgan import BigVGAN, BigVGANConfig
from dora_primespeech_mlx.nets.code_encoder import (
    FRAMES_PER_CODE,
    CodeEncoder,
    EncoderConfig,
    count,
    encoder_dimensions,
)
from dora_primespeech_mlx.nets.dit import DiT, DiTConfig
from dora_primespeech_mlx.nets.dit import sanitize as sanitize_dit
from dora_primespeech_mlx.nets.sovits import WaveNet, resample_positions
from dora_primespeech_mlx.nets.sovits import sanitize as sanitize_encoder
from dora_primespeech_mlx.nets.vocoder import Vocoder, VocoderConfig

BRIDGE_SLOPE = 0.01


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


class WaveEncoder(nn.Module):
    """A `WaveNet` between two projections."""

    def __init__(self, config: DiffusionConfig):
        super().__init__()
        channels = config.feature_channels
        self.pre = nn.Linear(channels, channels)
        self.enc = WaveNet(channels, config.wave_kernel, config.wave_layers, config.gin)
        self.proj = nn.Linear(channels, channels)

    def __call__(self, x: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, C], ge [B, 1, gin], mask [B, T] true where a frame is real (None: all); returns [B, T, C]."""
        return self.proj(self.enc(self.pre(x), ge, mask))


class DiffusionSovits(CodeEncoder):
    """The whole s2 model, for inference."""

    def __init__(self, config: DiffusionConfig):
        super().__init__(config, config.gin, 0)
        self.bridge = nn.Linear(config.hidden_channels, config.feature_channels)
        self.wns1 = WaveEncoder(config)
        self.estimator = DiT(config.dit)
        vocoder = config.vocoder
        self.dec = BigVGAN(vocoder) if isinstance(vocoder, BigVGANConfig) else Vocoder(vocoder)
        self._config = config

    @property
    def config(self) -> DiffusionConfig:
        """The dimensions the model was built with."""
        return self._config

    def without_decoder(self) -> Self:
        """The same network for what recordings need of it: its transformer and vocoder are left out."""
        light = copy.copy(self)
        del light["estimator"], light["dec"]
        return light

    def features(
        self,
        codes: mx.array,
        phones: mx.array,
        ge: mx.array,
        positions: tuple[mx.array, mx.array, mx.array],
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
        mask: mx.array | None = None,
    ) -> mx.array:
        """Features of a stretch of speech, [B, F, feature_channels].

        Args:
            codes: semantic codes [B, T] (25 a second).
            phones: ids of the phones of the same stretch [B, S].
            ge: timbre [B, 1, gin].
            positions: where the F mel frames lie between the encoder's, of `mel_positions`.
            code_mask: [B, T], true where a code is real; None when all are.
            phone_mask: [B, S], likewise.
            mask: [B, F], likewise.
        """
        frames = self.frames(codes, phones, ge, code_mask, phone_mask, positions)
        return self.wns1(nn.leaky_relu(self.bridge(frames), BRIDGE_SLOPE), ge, mask)


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


UNUSED = ("linear_mel.", "enc_p.proj.")
ESTIMATOR = "cfm.estimator."


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official v3 or v4 tensors to this module's names and layouts, the vocoder's apart."""
    estimator = {name.removeprefix(ESTIMATOR): value for name, value in weights.items() if name.startswith(ESTIMATOR)}
    others = {
        name.replace("bridge.0.", "bridge."): value
        for name, value in weights.items()
        if not name.startswith((*UNUSED, ESTIMATOR))
    }
    return sanitize_encoder(others) | {f"estimator.{name}": value for name, value in sanitize_dit(estimator).items()}
