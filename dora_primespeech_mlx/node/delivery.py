"""What is sent of one text: an engine's chunks shaped and cut into messages, which wait until they may go."""

from collections import deque

import numpy as np

from dora_primespeech_mlx.node.jobs import Job
from dora_primespeech_mlx.node.messages import Metadata
from dora_primespeech_mlx.node.playout import Shaper, cut
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk, Manner

SILENCE = 0.01
"""Seconds of the message that carries `fin` when nothing else is left to send."""
CHOSEN = ("voice", "style", "speed", "pitch", "volume")
"""Wishes of a text that its audio repeats."""


class Delivery:
    """The messages of one text, in `outbox` until they are sent: (samples float32 [n], metadata)."""

    def __init__(self, job: Job, manner: Manner, settings: Settings):
        self.outbox: deque[tuple[np.ndarray, Metadata]] = deque()
        self._job, self._manner, self._settings = job, manner, settings
        self._shaper: Shaper | None = None
        self._kept: list[np.ndarray] = []
        self._about: Metadata = {}
        self._marks: Metadata = {"synthetic": True}
        self._final = False

    def take(self, chunk: AudioChunk) -> None:
        """The next chunk of the text."""
        if self._shaper is None:
            gain = self._settings.gain * self._manner.volume / 100.0
            rate = self._settings.sample_rate
            self._shaper = Shaper(chunk.sample_rate, rate, self._manner.pitch_factor, gain)
        self._job.omissions += chunk.omissions
        self._marks["model"] = chunk.model
        self._about, self._final = self._describe(chunk), chunk.final
        samples = self._shaper(chunk.samples, last=chunk.final)
        if self._settings.return_fragment:
            self._post(samples, chunk.final)
        else:
            self._kept.append(samples)

    def close(self) -> None:
        """No chunk follows."""
        if self._shaper is None:
            return
        tail = np.zeros(0, np.float32) if self._final else self._shaper(np.zeros(0, np.float32), last=True)
        if not self._settings.return_fragment:
            self.outbox.append((np.concatenate([*self._kept, tail]), {**self._about, "fin": True}))
        elif not self._final:
            self._post(tail, final=True)

    def break_off(self) -> None:
        """The text ends here by an error: nothing that waits is sent, but what was sent gets its end."""
        self.outbox.clear()
        if self._job.chunks:
            self.outbox.append((self._silence(), {**self._marks, "fin": True}))

    def _post(self, samples: np.ndarray, final: bool) -> None:
        """Messages of bearable length, the last with `fin` if `final`."""
        if not len(samples):
            if not final:
                return
            samples = self._silence()
        parts = cut(samples, self._settings.sample_rate)
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            ending = {"fin": final and last, "sentence_final": self._about["sentence_final"] and last}
            self.outbox.append((part, {**self._about, **ending}))

    def _silence(self) -> np.ndarray:
        return np.zeros(round(SILENCE * self._settings.sample_rate), np.float32)

    def _describe(self, chunk: AudioChunk) -> Metadata:
        return {
            "sentence": chunk.sentence,
            "sentence_final": chunk.sentence_final,
            "text": chunk.text,
            "text_start": chunk.start,
            "text_end": chunk.end,
            **self._marks,
            **{name: wish for name in CHOSEN if (wish := self._job.wishes.get(name)) is not None},
        }
