"""What a voice hears before each sentence: codes and phones of a recording, whose prosody it follows.

A v3 or v4 voice hears the mel of its recording too, with the features of what that says. All depend on the recording
alone and are made once. Several recordings give one timbre; the prompt is always of the first, whose text is known, or
of a style.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.audio import mel_spectrogram, resample
from dora_primespeech_mlx.nets.dimensions.diffusion import mel_positions
from dora_primespeech_mlx.runtime.interface import DiffusionRunner

if TYPE_CHECKING:
    from dora_primespeech_mlx.text import Phones


@dataclass(frozen=True)
class Prompt:
    """What T2S goes on from.

    Attributes:
        codes: semantic codes, int32 [m]; empty without a prompt.
        phones: what they say, or None.
        bert: features of those phones, float32 [n, 1024], or None for zeros.
        fits: how surely the codes say the phones, once that was looked at (`runtime.alignment.fit`).
    """

    codes: np.ndarray
    phones: "Phones | None" = None
    bert: np.ndarray | None = None
    fits: list[float] = field(default_factory=list, compare=False)

    @property
    def ids(self) -> np.ndarray:
        """Phone ids, int32 [n]; empty without a prompt."""
        return np.zeros(0, np.int32) if self.phones is None else self.phones.ids


NO_PROMPT = Prompt(np.zeros(0, np.int32))


@dataclass(frozen=True)
class DiffusionPrompt:
    """The prompt of a voice on its executor.

    Attributes:
        runner: the s2 network.
        mel: in -1..1, float32 [P, bands].
        features: float32 [P, C].
        steps: into which the noise's way to a mel is cut.
    """

    runner: DiffusionRunner
    mel: np.ndarray
    features: np.ndarray
    steps: int


def diffusion_prompt(
    runner: DiffusionRunner,
    samples: np.ndarray,
    rate: int,
    codes: np.ndarray,
    phones: np.ndarray,
    ge: np.ndarray,
    steps: int,
) -> DiffusionPrompt:
    """The prompt of a recording: its last seconds, at most as many as the model was made for.

    Args:
        runner: the s2 network.
        samples: the recording, float32 [n].
        rate: its samples a second.
        codes: its semantic codes, int32 [m]; what they say of the silence appended to it is cut off.
        phones: ids of the phones it says, int32 [n].
        ge: timbre of the voice, float32 [gin].
        steps: one of `nets.dimensions.diffusion.STEPS`.

    Raises:
        ValueError: the recording is too short.
    """
    base = runner.config.mel
    mel = mel_spectrogram(resample(samples, rate, base.rate), base.rate, base.window, base.hop, runner.config.dit.mel)
    features = runner.features(codes, phones, ge, mel_positions(len(codes), 1.0, base))
    both = min(len(mel), len(features))
    kept = slice(max(0, both - base.reference), both)
    return DiffusionPrompt(runner, mel[kept], features[kept], steps)
