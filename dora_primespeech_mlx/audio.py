"""The fixed signal processing around the networks.

Samples are float32 arrays [n], mono, nominally within -1..1; rates are in hertz. Where the official pipeline picks a
particular resampler or window the same one is computed here, because codes and timbre depend on it.
"""

import math
from functools import lru_cache

import numpy as np

REFERENCE_RATE = 32000
"""Rate of the reference spectrogram and of everything the voice models produce, Hz."""
ENCODER_RATE = 16000
"""Rate of what HuBERT and the speaker model hear, Hz."""
WINDOW = 2048
HOP = 640
MEL_RANGE = (-12.0, 2.0)
"""Natural logarithms of the magnitudes that stand at -1 and 1 in a mel of v3 and v4."""
_MEL_FLOOR = 1e-5
_MEL_POWER_GUARD = 1e-8
_SINC_ZERO_CROSSINGS = 6
_SINC_ROLLOFF = 0.99

FBANK_BINS = 80
_FBANK_WINDOW = 400
_FBANK_HOP = 160
_FBANK_FFT = 512
_FBANK_RANGE = (20.0, 8000.0)
_FBANK_FLOOR = 1.1920928955078125e-07


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Windowed-sinc resampling equal to torchaudio's `Resample` with its defaults; float32 [ceil(n * target / rate)].

    The official pipeline uses it for the 32 kHz reference and for the speaker model's input.
    """
    if rate == target:
        return np.asarray(samples, np.float32)
    shared = math.gcd(rate, target)
    old, new = rate // shared, target // shared
    starts, weights, margin = _sinc_phases(old, new)
    length = -(-len(samples) * new // old)
    blocks = -(-length // new)
    padded = np.pad(np.asarray(samples, np.float32), (margin, margin + old + 1))
    origins = (np.arange(blocks, dtype=np.int64)[:, None] * old + starts).ravel()[:length]
    phases = np.arange(length) % new
    result = np.zeros(length, np.float32)
    for tap in range(weights.shape[1]):
        result += padded[origins + tap] * weights[phases, tap]
    return result


@lru_cache(maxsize=8)
def _sinc_phases(old: int, new: int) -> tuple[np.ndarray, np.ndarray, int]:
    """For each of `new` output phases: its first input sample [new], its weights [new, taps]; and the left padding."""
    cutoff = min(old, new) * _SINC_ROLLOFF
    margin = math.ceil(_SINC_ZERO_CROSSINGS * old / cutoff)
    starts = np.arange(new, dtype=np.int64) * old // new
    offsets = starts[:, None] + np.arange(-margin, margin + 2)
    shifts = np.arange(new, dtype=np.float32) / np.float32(new)  # torchaudio rounds these, and these alone, to float32
    time = (offsets / old - shifts[:, None].astype(np.float64)) * cutoff
    time = np.clip(time, -_SINC_ZERO_CROSSINGS, _SINC_ZERO_CROSSINGS)
    window = np.cos(time * math.pi / _SINC_ZERO_CROSSINGS / 2) ** 2
    return starts, (np.sinc(time) * window * cutoff / old).astype(np.float32), margin


def resample_soxr(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Resampling by soxr at its "HQ" quality, as `librosa.load` does it; float32 [ceil(n * target / rate)].

    The official pipeline uses it for what HuBERT hears.
    """
    if rate == target:
        return np.asarray(samples, np.float32)
    import soxr

    length = math.ceil(len(samples) * target / rate)
    result = soxr.resample(np.asarray(samples, np.float32), rate, target, quality="HQ")[:length]
    return np.pad(result, (0, length - len(result)))


def limit_peak(samples: np.ndarray) -> np.ndarray:
    """Samples [n] divided by their peak if it is above full scale, at most by two, as the official pipeline does."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples, np.float32) / np.float32(min(2.0, peak) if peak > 1 else 1.0)


def reference_spectrogram(samples: np.ndarray) -> np.ndarray:
    """Linear magnitude spectrogram of a 32 kHz reference: float32 [1, n // 640, 1025].

    Windows of 2048 samples (periodic Hann) every 640, reflected by 704 samples at both ends, not centred, after
    `limit_peak`.

    Raises:
        ValueError: fewer samples than one window reaches.
    """
    margin = (WINDOW - HOP) // 2
    if len(samples) <= margin:
        raise ValueError(
            f"A reference of {len(samples)} samples is too short for a spectrogram: give at least a second"
        )
    bins = _short_spectra(limit_peak(samples), WINDOW, HOP, margin)
    return np.sqrt(np.square(bins.real) + np.square(bins.imag) + np.float32(1e-8))[None]


def _short_spectra(samples: np.ndarray, window: int, hop: int, margin: int) -> np.ndarray:
    """Spectra of periodic Hann windows every `hop` samples, reflected by `margin` at both ends: [frames, bins]."""
    padded = np.pad(np.asarray(samples, np.float32), margin, mode="reflect")
    weights = (0.5 - 0.5 * np.cos(2 * math.pi * np.arange(window) / window)).astype(np.float32)
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * weights).astype(np.complex64)


def mel_spectrogram(samples: np.ndarray, rate: int, window: int, hop: int, bands: int) -> np.ndarray:
    """Log mel spectrogram of a reference as v3 and v4 take it: float32 [n // hop, bands], nominally in -1..1.

    Periodic Hann windows, reflected at both ends and not centred; Slaney's mel bands over the whole range, each of the
    same area; the natural logarithm from e^-12 to e^2 brought to -1..1. The peak is not limited here.

    Raises:
        ValueError: fewer samples than one window reaches.
    """
    margin = (window - hop) // 2
    if len(samples) <= margin:
        raise ValueError(f"A reference of {len(samples)} samples is too short for a mel: give at least a second")
    bins = _short_spectra(samples, window, hop, margin)
    magnitude = np.sqrt(np.square(bins.real) + np.square(bins.imag) + _MEL_POWER_GUARD).astype(np.float32)
    loudness = np.log(np.maximum(magnitude @ _slaney_filters(rate, window, bands), _MEL_FLOOR))
    low, high = MEL_RANGE
    return ((loudness - low) / (high - low) * 2 - 1).astype(np.float32)


@lru_cache(maxsize=4)
def _slaney_filters(rate: int, window: int, bands: int) -> np.ndarray:
    """Triangles on Slaney's mel scale (linear to 1 kHz, then logarithmic) of unit area [window / 2 + 1, bands]."""
    step, corner, ratio = 200.0 / 3, 1000.0, math.log(6.4) / 27
    top = rate / 2
    highest = top / step if top < corner else corner / step + math.log(top / corner) / ratio
    mels = np.linspace(0.0, highest, bands + 2)
    bent = corner * np.exp(ratio * (np.maximum(mels, corner / step) - corner / step))
    edges = np.where(mels < corner / step, mels * step, bent)
    bins = np.linspace(0.0, top, window // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return (np.maximum(0.0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))).astype(np.float32)


def fbank(samples: np.ndarray) -> np.ndarray:
    """Kaldi log mel filter bank of 16 kHz samples: float32 [frames, 80], no dither, no mean subtraction.

    Raises:
        ValueError: fewer samples than one window of 400.
    """
    if len(samples) < _FBANK_WINDOW:
        raise ValueError(f"{len(samples)} samples at 16 kHz are too few for a filter bank: give at least a second")
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float32), _FBANK_WINDOW)[::_FBANK_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    previous = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    frames = (frames - np.float32(0.97) * previous) * np.hanning(_FBANK_WINDOW).astype(np.float32) ** np.float32(0.85)
    spectrum = np.abs(np.fft.rfft(frames, _FBANK_FFT)) ** 2
    return np.log(np.maximum(spectrum @ _mel_filters(), _FBANK_FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def _mel_filters() -> np.ndarray:
    """Triangles on Kaldi's mel scale [257, 80]; the bin at half the sampling rate has no weight."""
    low, high = (_mel(np.array(edge)) for edge in _FBANK_RANGE)
    edges = low + (high - low) / (FBANK_BINS + 1) * np.arange(FBANK_BINS + 2)
    bins = _mel(np.arange(_FBANK_FFT // 2) * (ENCODER_RATE / _FBANK_FFT))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((0, 1), (0, 0)))


def _mel(hertz: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log1p(hertz / 700.0)
