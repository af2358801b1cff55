"""A plain recording to what a voice is made of: codes, spectrograms, voice vectors; and what is wrong with a recording.

Preparation follows the official pipeline to the sample: for the codes mono, soxr to 16 kHz and 0.6 s of zeros, no
normalisation (a content encoder of the model's own takes no zeros); for the timbre torchaudio's resampler to 32 kHz.
Several recordings give one timbre, the average of theirs; the codes come from the first. A voice without the text of
its recording has no codes, only the timbre.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.audio import (
    ENCODER_RATE,
    REFERENCE_RATE,
    limit_peak,
    reference_spectrogram,
    resample,
    resample_soxr,
)
from dora_primespeech_mlx.files.sounds import read_audio
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner
from dora_primespeech_mlx.voices.encoders import Encoders

S2Network = SovitsRunner | DiffusionRunner
"""The s2 network of any version."""
SECONDS = (3.0, 10.0)
"""Shortest and longest recording the models take."""
APPENDED_ZEROS = 9600
"""Samples of silence at 16 kHz behind a recording before its codes are taken."""
PHONES_A_SECOND = (4.0, 25.0)
"""Slower or faster than this, a recording does not say its text."""
CODES_A_SECOND = 25
CODES_APART = 1.5
"""Seconds that codes may be longer or shorter than their recording: 0.6 s of silence are behind it."""
_FRAME = 0.02
LEAST_TIMBRE = 1.0
"""Seconds below which a further recording tells little of a timbre."""
LEAST_HEARD = 0.25
"""Seconds below which a recording tells nothing."""
_SILENT_PEAK = 0.003
_QUIET = -38.0
_CLIPPED_LEVEL = 0.999
_CLIPPED_RUN = 3
_CLIPPED_SHARE = 5e-4
_LONG_EDGE = 1.0
_LONG_PAUSE = 1.5
_SHIFTED = 0.05
_OVER_SCALE = 1.01
"""Peak above which samples were not cut off at full scale, but go beyond it, as they can in a file of floats."""
_MONOTONE, _LOUD_BACKGROUND = 5.0, 12.0
"""Decibels between the quietest and the loudest twentieth of a recording: of noise or a hum, of a voice in noise."""
_LEAST_LEVELS = 50
_TELEPHONE, _NOTHING = 4300.0, 1e-6
"""Hertz above which a telephone carries nothing, and the share of energy there that is nothing: speech has .02."""
_SPEECH_BELOW_PEAK = 35.0
_SPEECH_FLOOR = -60.0


@dataclass(frozen=True)
class Reference:
    """What recordings give to a voice.

    `codes` int32 [n], 25 a second, None without a text; `spectra` float32 [frames, 1025] and `voice_vectors` float32
    [dim] (v2Pro models only), one of each per recording; `advice` sentences on what to record better.
    """

    codes: np.ndarray | None
    spectra: tuple[np.ndarray, ...]
    voice_vectors: tuple[np.ndarray, ...]
    advice: tuple[str, ...]


def check_length(samples: np.ndarray, rate: int, name: str = "The recording") -> None:
    """ValueError saying what to do if a recording [n] is not of 3 to 10 seconds, or holds nothing but silence."""
    seconds = len(samples) / rate
    least, most = SECONDS
    if not least <= seconds <= most:
        fix = "record a longer sentence" if seconds < least else "cut it to one or two sentences"
        shown = next(text for digits in range(1, 9) if not least <= float(text := f"{seconds:.{digits}f}") <= most)
        raise ValueError(f"{name} is {shown} s long; a reference takes {least:g} to {most:g} s: {fix}")
    check_heard(samples, rate, name)


def check_heard(samples: np.ndarray, rate: int, name: str) -> None:
    """ValueError saying what to do if a recording [n] is too short to tell any voice, or silent."""
    seconds = len(samples) / rate
    if seconds < LEAST_HEARD:
        raise ValueError(
            f"{name} is {seconds:.2g} s long, too short to tell a voice: record {SECONDS[0]:g} to {SECONDS[1]:g} s"
        )
    if float(np.abs(samples - samples.mean()).max()) < _SILENT_PEAK:
        raise ValueError(f"{name} is silent: check the microphone and record it again")


def advise(samples: np.ndarray, rate: int, name: str = "The recording") -> tuple[str, ...]:
    """One sentence for each thing that makes a recording [n] a poor reference, with what to do; empty if it is fine."""
    levels = _levels(samples - samples.mean(), rate)
    flaws = (*_flaws_of_format(samples, rate), *_flaws_of_sound(samples, rate, levels), *_flaws_of_passage(levels))
    return tuple(f"{name} {flaw}" for flaw in flaws)


def _flaws_of_format(samples: np.ndarray, rate: int) -> Iterator[str]:
    """What is wrong with the length of a recording [n] and its rate."""
    seconds = len(samples) / rate
    if seconds < LEAST_TIMBRE:
        yield f"is {seconds:.2g} s long, too short to tell a voice: leave it out, or record {SECONDS[0]:g} s or more"
    if rate < ENCODER_RATE:
        yield (f"has {rate} samples a second, so its upper frequencies are missing: record at {REFERENCE_RATE} or more")


def _flaws_of_sound(samples: np.ndarray, rate: int, levels: np.ndarray) -> Iterator[str]:
    """What is wrong with how loud a recording [n] is, whose `levels` [frames] these are, and with its background."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > _OVER_SCALE:
        by = np.ceil(20 * np.log10(peak))
        yield f"reaches {peak:.1f} where 1 is full scale: export it again, {by:.0f} dB lower"
    elif _clipped_share(samples) > _CLIPPED_SHARE:
        yield "is clipped (cut off at full scale): record it again at a lower level"
    if abs(shift := float(samples.mean())) > _SHIFTED:
        yield f"is shifted by {shift:.2f} of full scale (a DC offset): take that out in an editor"
    speech = _spoken(levels)
    if not len(speech):
        return
    loudness = 10 * np.log10(np.mean(10 ** (levels[speech] / 10)))
    if loudness < _QUIET:
        yield f"is quiet ({loudness:.0f} dB below full scale): raise it by {-20 - loudness:.0f} dB"
    if len(levels) < _LEAST_LEVELS:
        return
    quietest, highest = np.percentile(levels, (5, 95))
    if highest - quietest < _MONOTONE:
        yield "is equally loud all the way, as noise is and speech is not: record a voice, and nothing else"
        return
    if highest - quietest < _LOUD_BACKGROUND:
        yield "has a background that is hardly quieter than the voice: record it in a quieter place"
    if rate >= ENCODER_RATE and _share_above(samples, rate, _TELEPHONE) < _NOTHING:
        yield "has no frequencies above 4 kHz, as a telephone's sound: record it with another microphone or program"


def _flaws_of_passage(levels: np.ndarray) -> Iterator[str]:
    """Where a recording of some levels [frames] is silent."""
    speech = _spoken(levels)
    if not len(speech):
        yield "holds hardly any sound: record it again, closer to the microphone"
        return
    before, after = speech[0] * _FRAME, (len(levels) - 1 - speech[-1]) * _FRAME
    for seconds, where in ((before, "begins"), (after, "ends")):
        if seconds > _LONG_EDGE:
            yield f"{where} with {seconds:.1f} s of silence: cut it to about 0.3 s"
    pause = float(np.diff(speech).max(initial=0)) * _FRAME
    if pause > _LONG_PAUSE:
        yield f"has a pause of {pause:.1f} s: choose a passage spoken in one go"


def _spoken(levels: np.ndarray) -> np.ndarray:
    """The frames of some levels [frames] in which there is speech, int [m]."""
    loudest = float(levels.max(initial=_SPEECH_FLOOR))
    return np.flatnonzero(levels > max(_SPEECH_FLOOR, loudest - _SPEECH_BELOW_PEAK))


def _share_above(samples: np.ndarray, rate: int, hertz: float) -> float:
    """Share of the energy of a recording [n] that lies above a frequency."""
    power = np.square(np.abs(np.fft.rfft(samples - samples.mean())))
    return float(power[np.fft.rfftfreq(len(samples), 1 / rate) > hertz].sum() / max(power.sum(), 1e-12))


def advise_pace(phones: int, seconds: float, name: str) -> tuple[str, ...]:
    """A sentence if a text of so many `phones` is hardly what a recording of `seconds` says; empty if it may be."""
    least, most = PHONES_A_SECOND
    if least <= phones / seconds <= most:
        return ()
    return (
        f"{name} lasts {seconds:.1f} s and its text has {phones} sounds, which does not fit: "
        "give the text exactly as it is spoken, or the reference is heard in what the voice says",
    )


def advise_codes(count: int, seconds: float, name: str) -> tuple[str, ...]:
    """A sentence if `count` codes are hardly those of a recording of `seconds`; empty if they may be."""
    told = count / CODES_A_SECOND
    if abs(told - seconds) <= max(CODES_APART, seconds / 4):
        return ()
    return (
        f"{name} lasts {seconds:.1f} s and its codes {told:.1f} s, so they are of another recording: make them anew "
        "with primespeech codes",
    )


def _levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Level of each 20 ms in dB of full scale, float [frames]."""
    size = max(1, round(_FRAME * rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)


def _clipped_share(samples: np.ndarray) -> float:
    """Share of samples that sit in runs of three or more at full scale."""
    full = np.abs(samples) >= _CLIPPED_LEVEL
    runs = np.convolve(full, np.ones(_CLIPPED_RUN), mode="valid") == _CLIPPED_RUN
    return float(runs.mean()) if len(runs) else 0.0


def codes_from_samples(samples: np.ndarray, rate: int, encoders: Encoders, sovits: S2Network) -> np.ndarray:
    """Codes of a recording [n]: int32, 25 a second; with HuBERT 15 more for the silence appended.

    A content encoder that lies with the model makes codes itself; without one HuBERT's features are quantised.

    Raises:
        FileNotFoundError: the model has no content encoder, so it takes no new recordings.
        ValueError: the content encoder is not the one this voice model was trained with.
    """
    heard = resample_soxr(samples, rate, ENCODER_RATE)
    if encoders.has("content"):
        codes = encoders.codes(heard)
        if codes.max() >= sovits.config.code_count:
            raise ValueError(
                f"The content encoder gives code {codes.max()} and the voice model has {sovits.config.code_count}: "
                "use the encoder that belongs to the model"
            )
        return codes
    if not encoders.has("hubert"):
        words_needed = isinstance(sovits.config, DiffusionConfig)
        raise FileNotFoundError(
            "This model has no content encoder, so it takes no new recordings with their text: "
            + encoders.missing("hubert")
            + ("" if words_needed else ". Without a text a recording gives its timbre alone")
        )
    features = encoders.content(np.pad(heard, (0, APPENDED_ZEROS)))
    if features.shape[1] != sovits.config.ssl_dim:
        raise ValueError(
            f"The content encoder gives {features.shape[1]} numbers a frame and the voice model takes "
            f"{sovits.config.ssl_dim}: use the encoder that belongs to the model"
        )
    return sovits.codes(features)


def codes_from_recording(path: str | Path, encoders: Encoders, sovits: S2Network) -> np.ndarray:
    """Codes of a sound file, as `codes_from_samples`, after `check_length`."""
    samples, rate = read_audio(path)
    check_length(samples, rate, str(path))
    return codes_from_samples(samples, rate, encoders, sovits)


def reference_from_recordings(
    paths: Sequence[str | Path], encoders: Encoders, sovits: S2Network, with_codes: bool = True
) -> Reference:
    """What some sound files give to a voice; the first is the one whose text is known.

    Args:
        paths: one or more sound files of one speaker; the first of 3 to 10 s.
        encoders: where the content encoder and the speaker model are.
        sovits: the voice model; its content encoder must be the one of `encoders`.
        with_codes: False for a voice without the text of its recording.

    Raises:
        FileNotFoundError: a file or a needed encoder is missing.
        ValueError: a file is not sound, too short, too long or silent.
    """
    if not paths:
        raise ValueError("A voice needs at least one recording")
    codes: np.ndarray | None = None
    spectra: list[np.ndarray] = []
    vectors: list[np.ndarray] = []
    advice: list[str] = []
    for i, path in enumerate(paths):
        samples, rate = read_audio(path)
        if i == 0:
            check_heard(samples, rate, str(path))
        if i == 0 and with_codes:
            check_length(samples, rate, str(path))
            codes = codes_from_samples(samples, rate, encoders, sovits)
        advice += advise(samples, rate, str(path))
        wide = resample(samples, rate, REFERENCE_RATE)
        spectra.append(reference_spectrogram(wide)[0])
        if sovits.config.speaker_dim:
            vectors.append(encoders.voice_vector(resample(limit_peak(wide), REFERENCE_RATE, ENCODER_RATE)))
    return Reference(codes, tuple(spectra), tuple(vectors), tuple(advice))
