"""What is sent of one text: an engine's chunks shaped and cut into messages, which wait until they may go."""

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from dora_primespeech_mlx.node.jobs import Job
from dora_primespeech_mlx.node.messages import Metadata
from dora_primespeech_mlx.node.playout import Shaper, cut
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk, Manner, Style, Word

SILENCE = 0.01
"""Seconds of the message that carries `fin` when nothing else is left to send."""
CHOSEN = ("voice", "style", "speed", "pitch", "volume")
"""Wishes of a text that its audio repeats."""


class Message(NamedTuple):
    """Samples, float32 [n], what is said of them, and the words that begin in them."""

    samples: np.ndarray
    about: Metadata
    words: tuple[Word, ...] = ()


class Delivery:
    """The messages of one text, in `outbox` until they are sent."""

    def __init__(self, job: Job, manner: Manner, settings: Settings):
        self.outbox: deque[Message] = deque()
        self._job, self._manner, self._settings = job, manner, settings
        self._shaper: Shaper | None = None
        self._kept: list[np.ndarray] = []
        self._about: Metadata = {}
        self._words: deque[Word] = deque()
        self._posted = 0
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
        self._words += [word.later(0.0, self._manner.pitch_factor) for word in chunk.words]
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
            self._put(np.concatenate([*self._kept, tail]), {**self._about, "fin": True})
        elif not self._final:
            self._post(tail, final=True)

    def break_off(self) -> None:
        """The text ends here by an error: nothing that waits is sent, but what was sent gets its end."""
        self.outbox.clear()
        if self._job.chunks:
            self.outbox.append(Message(self._silence(), {**self._marks, "fin": True}))

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
            self._put(part, {**self._about, **ending})

    def _put(self, samples: np.ndarray, about: Metadata) -> None:
        """A message, with the words that begin in it; the last takes all that are left."""
        self._posted += len(samples)
        until, words = self._posted / self._settings.sample_rate, []
        while self._words and (self._words[0].begins < until or about["fin"]):
            words.append(self._words.popleft())
        self.outbox.append(Message(samples, about, tuple(words)))

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
            **{name: _told(wish) for name in CHOSEN if (wish := self._job.wishes.get(name)) is not None},
        }


def _told(wish: Any) -> Any:
    return wish.name if isinstance(wish, Style) else wish
