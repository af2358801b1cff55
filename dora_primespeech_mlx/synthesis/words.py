"""When the words of a sentence are spoken, told with the audio in which they begin.

The attention of T2S says which phone is spoken when (`runtime.alignment`). Behind a pause it looks at the next phone
long before that sounds, so there the sound itself says when the word begins.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.runtime.alignment import Follower
from dora_primespeech_mlx.speech import Word
from dora_primespeech_mlx.synthesis.decoding import CODES_PER_SECOND, Row

if TYPE_CHECKING:
    from dora_primespeech_mlx.text import Phones
    from dora_primespeech_mlx.text.sentences import Sentence
    from dora_primespeech_mlx.text.written import WrittenWord

STEP = 0.01
"""Seconds of sound whose loudness is looked at."""
QUIET = 0.04
"""Loudness, as a share of the loudest step so far, below which there is a pause."""
LOUD = 0.05
"""Loudness that speech has somewhere: a sentence's first chunk may be silence, whose loudest step says nothing."""
BEFORE, BY, AFTER = 0.04, 0.08, 0.68
"""Seconds around where a word behind a pause is expected: quiet is from `BEFORE` to `BY`, its sound until `AFTER`."""
PHONE = 0.08
"""Seconds that a phone is thought to last whose end is not decided yet."""


class SentenceWords:
    """The words of one sentence, as its audio is made.

    Args:
        sentence: what is spoken.
        phones: its phones.
        follower: follows the decoding through them; None where nothing does: then no word has a time.
        pace: how many times as fast as the codes say the sentence is spoken.
        sample_rate: of its audio.
    """

    def __init__(
        self, sentence: "Sentence", phones: "Phones", follower: Follower | None, pace: float, sample_rate: int
    ):
        from dora_primespeech_mlx.text.written import written_words

        self._sentence, self._follower = sentence, follower
        self._waiting = list(written_words(sentence.written, phones)) if follower is not None else []
        self._seconds = 1 / (CODES_PER_SECOND * pace)
        self._step = round(STEP * sample_rate)
        self._rest = np.zeros(0, np.float32)
        self._loudness = np.zeros(0, np.float32)
        self._told = 0.0
        self._codes = 0

    def follow(self, row: Row) -> None:
        """The codes that a row has by now."""
        if self._follower is not None and row.cached is not None:
            self._codes = len(row.codes)
            self._follower.follow(row.cached, self._codes)

    def take(self, samples: np.ndarray) -> tuple[Word, ...]:
        """The next samples of the sentence; the words that begin in them, the times from the sentence's beginning."""
        if not self._waiting or self._follower is None:
            return ()
        self._listen(samples)
        begins = np.append(self._follower.begins(), np.inf) * self._seconds
        end, last = len(self._loudness) * STEP, max(0, self._codes - 1) * self._seconds
        found = []
        for word, begin in self._begun(np.where(np.isfinite(begins), np.minimum(begins, last), np.inf), end):
            finish = begins[word.last]
            if not np.isfinite(finish):
                finish = begin + PHONE * (word.last - word.first)
            found.append((word, begin, max(finish, begin + STEP)))
        del self._waiting[: len(found)]
        return tuple(self._word(*each) for each in found)

    def _begun(self, begins: np.ndarray, end: float) -> "Iterator[tuple[WrittenWord, float]]":
        """The words that begin before `end`, and when."""
        for word in self._waiting:
            begin = begins[word.first]
            if word.pause and np.isfinite(begin):
                begin = self._sounds(begin, end)
            if begin >= end:
                return
            self._told = max(self._told, begin)
            yield word, self._told

    def _sounds(self, expected: float, end: float) -> float:
        """When a word that is expected behind a pause begins to sound; `end` if not before."""
        first, at = (max(0, int(time / STEP)) for time in (expected - BEFORE, expected + BY))
        loud = self._loudness > QUIET * self._loudness.max(initial=LOUD)
        quiet = np.flatnonzero(~loud[first : at + 1])
        if not len(quiet):
            return expected
        start = first + int(quiet[-1])
        sounding = np.flatnonzero(loud[start : int((expected + AFTER) / STEP)])
        if len(sounding):
            return (start + int(sounding[0])) * STEP
        return end if end < expected + AFTER else expected

    def _listen(self, samples: np.ndarray) -> None:
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._step * self._step
        self._rest = samples[whole:]
        steps = samples[:whole].reshape(-1, self._step)
        self._loudness = np.append(self._loudness, np.sqrt(np.square(steps).mean(axis=1)))

    def _word(self, word: "WrittenWord", begins: float, ends: float) -> Word:
        start, end = self._sentence.start + word.start, self._sentence.start + word.end
        if self._sentence.places is not None:
            start, end = self._sentence.places.span(start, end)
        return Word(word.text, start, end, round(float(begins), 4), round(float(ends), 4))
