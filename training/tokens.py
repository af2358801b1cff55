"""Speech tokens at 25 Hz straight from the teacher's alignment.

A token is a k-means class over what one 40-ms frame holds: the share of each phone, the tone mark, the pitch relative
to the voice, voicing and loudness.  Nothing is learned from sound, so tokens of any sentence are exact and carry hardly
any voice.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

TEACHER_FRAMES = 40  # duration frames per second of the teacher
PITCH_FRAMES = 80  # F0 and energy values per second of the teacher
TOKENS = 25  # tokens per second
PHONES = 178  # size of the teacher's phone table
TONES = 8
SILENCE = -4.0  # teacher energy below this is silence
LEAD, TAIL = 0.12, 0.28  # seconds of silence kept before and after the speech
VOICED = 20.0  # Hz; the teacher writes values near zero where there is no voice
WEIGHTS = {"phone": 1.0, "tone": 0.25, "pitch": 2.6, "voiced": 0.4, "energy": 0.3}


@dataclass(frozen=True)
class VoiceStatistics:
    """What makes pitch and loudness relative: median log2 F0 of voiced frames, mean and deviation of the energy."""

    pitch: float
    energy: float
    energy_deviation: float

    @classmethod
    def of(cls, pitch: np.ndarray, energy: np.ndarray) -> Self:
        """From all F0 values [n] in Hz and energies [n] of one voice."""
        voiced = pitch > VOICED
        return cls(
            float(np.median(np.log2(pitch[voiced]))), float(energy[voiced].mean()), float(energy[voiced].std() + 1e-5)
        )


def spoken(energy: np.ndarray, rate: float = PITCH_FRAMES) -> tuple[int, int]:
    """First token and number of tokens that keep LEAD and TAIL seconds around the speech; energy [n] at `rate`."""
    loud = np.flatnonzero(energy > SILENCE)
    if len(loud) == 0:
        return 0, int(len(energy) * TOKENS / rate)
    first = max(0, int((loud[0] / rate - LEAD) * TOKENS))
    last = int(np.ceil((loud[-1] / rate + TAIL) * TOKENS))
    return first, min(last, int(np.ceil(len(energy) * TOKENS / rate))) - first


def averaged(values: np.ndarray, rate: float, first: int, count: int) -> np.ndarray:
    """Values [n, d] at `rate` per second -> means [count, d] over 40-ms windows from window `first` on."""
    edges = np.arange(first, first + count + 1) * (rate / TOKENS)
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0, dtype=np.float64)])
    places = np.minimum(edges, len(values))
    lower = np.minimum(np.floor(places).astype(int), len(values) - 1)
    area = total[lower] + (places - lower)[:, None] * values[lower]
    width = np.diff(places)
    means = np.diff(area, axis=0) / np.maximum(width, 1e-9)[:, None]
    means[width < 1e-6] = values[-1]
    return means.astype(np.float32)


def features(
    durations: np.ndarray,
    phones: np.ndarray,
    tones: np.ndarray,
    pitch: np.ndarray,
    energy: np.ndarray,
    voice: VoiceStatistics,
    first: int,
    count: int,
    speed: float = 1.0,
) -> np.ndarray:
    """One utterance -> [count, PHONES + TONES + 3] weighted features.

    durations [m] in teacher frames for phones [m] and tones [m]; pitch in Hz and energy at 80 Hz; the tokens are
    first .. first + count of the utterance played `speed` times as fast.
    """
    owner = np.repeat(np.arange(len(durations)), durations)
    shares = averaged(np.eye(PHONES, dtype=np.float32)[phones[owner]], TEACHER_FRAMES * speed, first, count)
    tone = averaged(np.eye(TONES, dtype=np.float32)[tones[owner]], TEACHER_FRAMES * speed, first, count)
    tone[:, 0] = 0
    voiced = (pitch > VOICED).astype(np.float32)
    relative = np.clip(np.log2(np.maximum(pitch, VOICED)) - voice.pitch, -1, 1) * voiced
    loud = np.clip((energy - voice.energy) / voice.energy_deviation, -4, 2)
    rest = averaged(np.stack([relative, voiced, loud], 1), PITCH_FRAMES * speed, first, count)
    w = WEIGHTS
    rest *= np.array([w["pitch"], w["voiced"], w["energy"]], np.float32)
    return np.concatenate([shares * w["phone"], tone * w["tone"], rest], 1)


def nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Index of the nearest centre for every row: [n, d], [k, d] -> [n]."""
    norms = (centres**2).sum(1)
    blocks = [(norms - 2 * rows[i : i + 65536] @ centres.T).argmin(1) for i in range(0, len(rows), 65536)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int64)


def cluster(rows: np.ndarray, count: int, rounds: int = 25, seed: int = 1) -> np.ndarray:
    """Plain k-means [n, d] -> [count, d]; empty classes restart at the rows that fit worst."""
    draw = np.random.default_rng(seed)
    centres = rows[draw.choice(len(rows), count, replace=False)].copy()
    for _ in range(rounds):
        label = nearest(rows, centres)
        size = np.bincount(label, minlength=count)
        order = np.argsort(label, kind="stable")
        starts = np.concatenate([[0], np.cumsum(size)])[:-1]
        sums = np.add.reduceat(rows[order], np.minimum(starts, len(rows) - 1), axis=0)
        centres = np.where(size[:, None] > 0, sums / np.maximum(size, 1)[:, None], centres)
        empty = np.flatnonzero(size == 0)
        if len(empty):
            worst = ((rows - centres[label]) ** 2).sum(1)
            centres[empty] = rows[np.argpartition(worst, -len(empty))[-len(empty) :]]
    return centres.astype(np.float32)


def codebook(centres: np.ndarray, width: int, seed: int = 1) -> np.ndarray:
    """Class means [k, d] -> table [k, width] of unit scale: means projected at random onto `width` dimensions."""
    draw = np.random.default_rng(seed)
    used = centres[:, centres.std(0) > 0]
    table = used @ draw.normal(size=(used.shape[1], width)) / np.sqrt(width)
    return (table / table.std()).astype(np.float32)
