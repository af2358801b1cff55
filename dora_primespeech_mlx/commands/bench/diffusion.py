"""Figures of the diffusion decoders of v3 and v4: features, steps by count and length, vocoder, memory."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from dora_primespeech_mlx.commands.bench.figures import Figure, counted
from dora_primespeech_mlx.commands.bench.workshop import Workshop, random_codes
from dora_primespeech_mlx.nets.dimensions.diffusion import mel_positions
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE, FRAMES_PER_CODE
from dora_primespeech_mlx.voices.prompt import DiffusionPrompt

FACTOR = "real-time factor without T2S"


def stages(shop: Workshop, prompt: DiffusionPrompt) -> Iterator[Figure]:
    """Each stage for sentences of some seconds after the voice's prompt, and the real-time factor of all together."""
    runner, base = prompt.runner, prompt.runner.config.mel
    random = np.random.default_rng(0)
    for seconds in shop.lengths(2, 4):
        codes = random_codes(seconds * FRAME_RATE // FRAMES_PER_CODE)
        positions = mel_positions(len(codes), 1.0, base)
        frames, phones = len(positions[0]), shop.phones(10 * seconds)
        at = {"seconds": seconds, "prompt": round(len(prompt.mel) / base.frame_rate, 2)}
        sentence = random.standard_normal((frames, prompt.features.shape[1]), dtype=np.float32)
        noise = random.standard_normal((frames, prompt.mel.shape[1]), dtype=np.float32)
        log_mel = np.clip(2 * noise - 5, -11.5, 2)
        others = [
            shop.watch("sovits", "features", partial(runner.features, codes, phones, shop.voice.ge, positions), at),
            shop.watch("sovits", "vocoder", partial(runner.vocode, log_mel), at),
        ]
        yield from others
        features = np.concatenate([prompt.features, sentence])
        for steps in shop.step_counts:
            sample = partial(runner.sample, noise, features, prompt.mel, steps)
            mel = shop.watch("sovits", "mel", sample, {**at, "steps": steps})
            yield mel
            total = (mel.value + sum(figure.value for figure in others)) / 1e3
            yield counted("sovits", FACTOR, "", total / seconds, {**at, "steps": steps})
