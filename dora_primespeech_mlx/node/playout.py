"""From an engine's chunks to what is sent: pitch, gain and sample rate without seams, and when to send it."""

import math
from dataclasses import dataclass

import numpy as np
import soxr

LONGEST_MESSAGE = 1.0
"""Seconds. Longer audio messages are cut: dora-pyaudio plays only the first second of one if another is waiting."""
UNFINISHED_AHEAD = 0.5
"""Seconds of audio ahead of its playing from which on a message that is not whole waits for more."""
LATEST = 0.25
"""Seconds before a player runs dry, or half of what may be ahead, at which a message goes however long it is."""


class Shaper:
    """One text's stream of samples -> the same at another rate, pitch and volume, without seams between chunks.

    The pitch is raised by `factor` in playing the samples faster by that factor; whoever makes them speaks slower by
    the same factor, so that the duration stays. Rates are in Hz, samples float32 [n].
    """

    def __init__(self, sample_rate_in: float, sample_rate_out: int, factor: float = 1.0, gain: float = 1.0):
        self.sample_rate = sample_rate_out
        self._gain = np.float32(gain)
        played = sample_rate_in * factor
        self._resampler = None
        if not math.isclose(played, sample_rate_out, rel_tol=1e-9):
            self._resampler = soxr.ResampleStream(played, sample_rate_out, 1, dtype="float32", quality="HQ")

    def __call__(self, samples: np.ndarray, last: bool) -> np.ndarray:
        """The next samples, as many as are ready; with `last` all that are left. Clipped to -1..1."""
        samples = np.ascontiguousarray(samples, dtype=np.float32).reshape(-1)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        return np.clip(np.nan_to_num(samples * self._gain), -1.0, 1.0)


def cut(samples: np.ndarray, sample_rate: int, longest: float = LONGEST_MESSAGE) -> list[np.ndarray]:
    """`samples` in equal parts of at most `longest` seconds; one empty part if there are none."""
    return np.array_split(samples, max(1, math.ceil(len(samples) / (sample_rate * longest))))


@dataclass
class Pacer:
    """When the next audio message may go out. Times are seconds of one monotonic clock.

    Attributes:
        interval: least seconds between two messages, because dora's fast path drops bursts.
        max_ahead: seconds of audio that may have been sent and cannot have been played yet; None for any amount.
        paused: whether the player says that it is full.
        sent_at: when the latest message went out.
        played_until: when all that was sent has been played.
    """

    interval: float = 0.0
    max_ahead: float | None = None
    paused: bool = False
    sent_at: float = -math.inf
    played_until: float = -math.inf

    def wait(self, now: float, duration: float, whole: bool = True) -> float:
        """Seconds until a message of `duration` seconds may go out; 0 is at once, infinity is until told otherwise.

        One that is not `whole` would rather wait for more, and may go when the player would soon run dry.
        """
        if self.paused:
            return math.inf
        wait = self.sent_at + self.interval - now
        ahead = self.played_until - now
        if self.max_ahead is not None and ahead > 0.0:
            wait = max(wait, ahead + min(duration - self.max_ahead, -min(LATEST, self.max_ahead / 2)))
            if not whole:
                wait = max(wait, ahead - UNFINISHED_AHEAD)
        return max(0.0, wait)

    def sent(self, now: float, duration: float) -> None:
        """A message of `duration` seconds went out."""
        self.sent_at = now
        self.played_until = max(self.played_until, now) + duration

    def flushed(self, now: float) -> None:
        """The player was told to forget what it has."""
        self.played_until = now

    def buffered(self, percent: float, pause: float, resume: float) -> None:
        """The player's buffer is `percent` full: pause from `pause` on, until it is down to `resume`."""
        if percent >= pause:
            self.paused = True
        elif percent <= resume:
            self.paused = False
