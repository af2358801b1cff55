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
SHORTEST = 0.4
"""Seconds that a whole message has at least: dora's own queues hold 10, and a player may be late by what they hold.

Half of what may be sent ahead is enough, so that a message can go before the one ahead of it has been played.
"""
LEAD = 0.02
"""Seconds before the beginning of a word where a message ends: it can be heard in the one before from there on."""
CHOSEN = ("voice", "style", "speed", "pitch", "volume")
"""Wishes of a text that its audio repeats."""


class Message(NamedTuple):
    """Samples, float32 [n], what is said of them, the words that begin in them, and whether they wait for nothing.

    What is not whole ends within a word or is short, and what comes is joined to it if it is not sent before.
    """

    samples: np.ndarray
    about: Metadata
    words: tuple[Word, ...] = ()
    whole: bool = True


class Delivery:
    """The messages of one text, in `outbox` until they are sent.

    A message ends where a word does, so that a player that stops behind one does not stop within a word. What there is
    of the next word is a message that is not whole.
    """

    def __init__(self, job: Job, manner: Manner, settings: Settings):
        self.outbox: deque[Message] = deque()
        self._job, self._manner, self._settings = job, manner, settings
        self._shaper: Shaper | None = None
        self._kept: list[np.ndarray] = []
        self._about: Metadata = {}
        self._words: deque[Word] = deque()
        self._last: Word | None = None
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
        if not (len(samples) or final):
            return
        if self.outbox and not self.outbox[-1].whole:
            samples = np.concatenate([self._take_back(), samples])
        if not len(samples):
            samples = self._silence()
        border = self._border(len(samples))
        parts = [part for part in (samples[:border], samples[border:]) if len(part)]
        messages = [message for part in parts for message in cut(part, self._settings.sample_rate)]
        for index, message in enumerate(messages):
            last = index == len(messages) - 1
            ending = {"fin": final and last, "sentence_final": self._about["sentence_final"] and last}
            self._put(message, {**self._about, **ending}, whole=not last or border == len(samples))

    def _take_back(self) -> np.ndarray:
        """Samples of the last message, which is not whole and not sent."""
        held = self.outbox.pop()
        self._words.extendleft(reversed(held.words))
        self._posted -= len(held.samples)
        return held.samples

    def _border(self, count: int) -> int:
        """How many of the next samples are whole: all but those of a word that does not end in them."""
        rate, ahead = self._settings.sample_rate, self._settings.max_ahead
        end = (self._posted + count) / rate
        last = next((word for word in reversed(self._words) if word.begins < end), self._last)
        if ahead is None or self._about["sentence_final"]:
            return count
        border = count if last is None or last.ends <= end else round((last.begins - LEAD) * rate) - self._posted
        return border if border >= min(SHORTEST, ahead / 2) * rate else 0

    def _put(self, samples: np.ndarray, about: Metadata, whole: bool = True) -> None:
        """A message, with the words that begin in it; the last takes all that are left."""
        self._posted += len(samples)
        until, words = self._posted / self._settings.sample_rate, []
        while self._words and (self._words[0].begins < until or about["fin"]):
            words.append(self._words.popleft())
            self._last = words[-1]
        self.outbox.append(Message(samples, about, tuple(words), whole))

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
