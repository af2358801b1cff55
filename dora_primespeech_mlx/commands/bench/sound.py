"""Figures of the SoVITS network and of recordings: codes to latents, latents to samples, a reference to a timbre."""

from collections.abc import Iterator
from functools import partial
from typing import cast

import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.audio import ENCODER_RATE, REFERENCE_RATE, reference_spectrogram, resample
from dora_primespeech_mlx.commands.bench import diffusion
from dora_primespeech_mlx.commands.bench.codes import megabytes
from dora_primespeech_mlx.commands.bench.figures import Figure, counted, from_timed
from dora_primespeech_mlx.commands.bench.timing import measure
from dora_primespeech_mlx.commands.bench.workshop import REFERENCE_SECONDS, Workshop, noise, random_codes
from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE
from dora_primespeech_mlx.runtime.factory import accelerated, s2_runner
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.voices.codes import read_codes
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.voices.recording import codes_from_samples

SENTENCE = "今天天气很好我们一起去公园散步然后回家做一顿美味可口的晚饭吧"
"""Thirty characters."""


def stages(shop: Workshop) -> Iterator[Figure]:
    """Text encoder, flow and vocoder by length of the audio, and the real-time factor of the three together."""
    voice = shop.voice
    if voice.diffusion is not None:
        yield from diffusion.stages(shop, voice.diffusion)
        return
    network = cast(SovitsRunner, voice.sovits)
    random = np.random.default_rng(0)
    for frames in shop.lengths(50, 200, 500, 1000):
        codes, phones = random_codes(frames // 2), shop.phones(max(8, frames // 5))
        text = network.read(phones)
        rows = random.standard_normal((frames, network.config.vocoder.inter_channels), dtype=np.float32)
        parts = (
            ("read", partial(network.read, phones)),
            ("encode", partial(network.encode, codes, text, voice.ge)),
            ("flow", partial(network.flow, rows, voice.ge)),
            ("vocoder", partial(network.vocode, rows, voice.ge)),
        )
        figures = [shop.watch("sovits", name, part, {"frames": frames}) for name, part in parts]
        yield from figures
        milliseconds = sum(figure.value for figure in figures)
        factor = milliseconds * FRAME_RATE / 1e3 / frames
        yield counted("sovits", "real-time factor", "", factor, {"frames": frames})


def references(shop: Workshop) -> Iterator[Figure]:
    """What a reference recording costs: resampling, spectrogram (by FFT), timbre."""
    recording = noise(REFERENCE_SECONDS, 44100)
    wide = resample(recording, 44100, REFERENCE_RATE)
    at = {"seconds": REFERENCE_SECONDS}
    yield shop.watch("reference", "resample 44.1 to 32 kHz", lambda: resample(recording, 44100, REFERENCE_RATE), at)
    yield shop.watch("reference", "spectrogram", lambda: reference_spectrogram(wide), at)
    spectrum, size = reference_spectrogram(wide)[0], shop.voice.sovits.config.speaker_dim
    speakers = [np.ones(size, np.float32)] if size else []
    yield shop.watch("reference", "timbre", lambda: shop.voice.sovits.timbre([spectrum], speakers), at)


def encoders(shop: Workshop) -> Iterator[Figure]:
    """HuBERT, RoBERTa and the speaker model, with random weights of the released sizes."""
    precision = "fp32"
    if shop.settings.precision in ("auto", "int8", "fp16"):
        precision = "int8" if shop.runtime == "onnx" else "fp16" if accelerated() else "fp32"
    threads, folders = shop.settings.threads, [shop.encoders]
    found = Encoders(folders, shop.runtime, precision, threads)
    recording, seconds = noise(REFERENCE_SECONDS, ENCODER_RATE), REFERENCE_SECONDS
    work = {
        "hubert": ("ms a second of reference", lambda: found.content(recording), seconds),
        "speaker": ("ms a second of reference", lambda: found.voice_vector(recording), seconds),
        "roberta": ("ms a sentence of 30 characters", lambda: found.characters([SENTENCE]), 1),
    }
    for kind, (name, function, per) in work.items():
        fresh = Encoders(folders, shop.runtime, precision, threads)
        timed = measure(partial(fresh.ready, kind), warm_up=0, repeats=1)
        yield from_timed("encoders", "load", timed, at={"of": kind})
        del fresh
        yield shop.watch("encoders", name, function, {"of": kind}, per=per)
        size = (shop.encoders / f"{kind}.safetensors").stat().st_size / 1e6
        yield counted("encoders", "weights on disk (16 bits)", "MB", size, {"of": kind})
    yield from codes_of_a_reference(shop, found)


def codes_of_a_reference(shop: Workshop, found: Encoders) -> Iterator[Figure]:
    """The codes of a voice's recording, read from a file and made with HuBERT."""
    recording, path = noise(REFERENCE_SECONDS, REFERENCE_RATE), shop.folder / "stored.bin"
    random_codes(100).astype("<i4").tofile(path)
    yield shop.watch("encoders", "codes of a reference", lambda: read_codes(path), {"codes": "stored"})
    sovits = shop.model.sovits
    if sovits.config.ssl_dim == 768:
        runner = s2_runner(sovits, shop.runtime)
        yield shop.watch(
            "encoders",
            "codes of a reference",
            lambda: codes_from_samples(recording, REFERENCE_RATE, found, runner),
            {"codes": "made with HuBERT"},
        )


def weights(shop: Workshop) -> Iterator[Figure]:
    """What the networks' parameters take as float32."""
    model = shop.model
    parts: dict[str, nn.Module] = {"T2S": model.t2s, "SoVITS": model.sovits, "vocoder within": model.sovits.dec}
    if isinstance(model.sovits, DiffusionSovits):
        parts["diffusion transformer within"] = model.sovits.estimator
    for name, part in parts.items():
        yield counted("memory", f"weights, {name}", "MB", megabytes(part), {"numbers": "fp32"})
