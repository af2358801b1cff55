"""The s2 model of GPT-SoVITS v3 and v4: semantic codes and phones to features, features to mel, mel to samples.

The stages are separate methods: `style` and the features of the prompt once per voice, `features` on all codes so
far, `estimator` many times for each stretch of mel, `dec` on the frames that are to be heard, with their context.
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.bigvgan import BigVGAN
from dora_primespeech_mlx.nets.code_encoder import CodeEncoder
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig
from dora_primespeech_mlx.nets.dit import DiT
from dora_primespeech_mlx.nets.dit import sanitize as sanitize_dit
from dora_primespeech_mlx.nets.sovits import WaveNet
from dora_primespeech_mlx.nets.sovits import sanitize as sanitize_encoder
from dora_primespeech_mlx.nets.vocoder import Vocoder

BRIDGE_SLOPE = 0.01


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

    def settle(self, multiple: int = 1) -> None:
        """Brings the vocoder, evaluated, into the form that is fast; `multiple` as of `vocoder.settle`."""
        self.dec.settle(multiple)

    @property
    def config(self) -> DiffusionConfig:
        """The dimensions the model was built with."""
        return self._config

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
        frames = self.frames(codes, self.read(phones, phone_mask), ge, code_mask, phone_mask, positions)
        return self.wns1(nn.leaky_relu(self.bridge(frames), BRIDGE_SLOPE), ge, mask)


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
