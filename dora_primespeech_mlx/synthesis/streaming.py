"""Semantic codes to samples, in chunks that are exact.

A frame of the vocoder depends on latent frames either side, and so does one of the flow: 11 and 32 in the released
sizes, as each network says of itself. Chunks are rendered with that context, so cutting changes nothing: while all
codes of a sentence are known, streamed audio is the whole audio.

While codes are still coming, the latents of a frame are computed once, from the codes known then, and frozen; the
vocoder only ever sees frozen latents with their full context, so joints need no cross-fade, and no frame is rendered
with two different noises.
"""

import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, count, pairwise
from typing import Any

import numpy as np

from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE, FRAMES_PER_CODE, resample_positions
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.synthesis.needs import Need, Work
from dora_primespeech_mlx.synthesis.noise import RowNoise

CALM = 0.05
"""Weight of a chunk that took less time than those before it."""
SPARE = 0.6
"""Share of the time that a chunk plays in which the next one has to be made."""
LONGEST_WORK, SHORT_WORK = 0.5, 0.1
"""Seconds that rendering may take before something of it is heard, and that it may take where others have a turn."""
CHEAPEST = 50
"""Frames from which on more of them at a time cost a processor as much each."""
MOST_HELD = 75
"""Frames that are held back at most."""
SMALLER = 1.5
"""How much more work a second chunk is than as much of a whole sentence."""
RESERVE = 0.3
"""Seconds that a listener should have left when more is there."""
_READERS = ThreadPoolExecutor(1, "reader")


@dataclass(frozen=True)
class Schedule:
    """How much audio is rendered at a time.

    Attributes:
        first: frames (20 ms) of the first chunk.
        growth: each chunk may be this much longer than the one before it.
        largest: frames rendered at once.
        lookahead: frames before the newest code whose latents wait for more codes.
        chunk: longest chunk that is handed out, in frames; longer renderings are cut into such pieces.
    """

    first: int = 6
    growth: float = 1.8
    largest: int = 150
    lookahead: int = 6
    chunk: int = 25

    def __post_init__(self) -> None:
        if self.first < 1 or self.growth < 1 or self.largest < self.first or self.lookahead < 0:
            raise ValueError(f"{self} is not a schedule: it needs 1 <= first <= largest, growth >= 1, lookahead >= 0")
        if not 1 <= self.chunk <= FRAME_RATE:
            raise ValueError(f"chunk is {self.chunk} frames; it must be from 1 to {FRAME_RATE}, which is a second")

    @property
    def later(self) -> "Schedule":
        """That of a sentence behind another, whose listener has audio left: it begins with a second chunk."""
        return replace(self, first=int(min(self.first * self.growth, self.largest)))


@dataclass
class Pace:
    """How much work audio is here, with all else that the machine does: so much is held back and rendered at a time.

    Neither changes a sample: latents are frozen when the schedule says so, whatever the pace.

    Attributes:
        cost: seconds of work for a second of audio, as the second chunks of sentences have had it lately.
        learned: how many of them.
        waiting: who has heard nothing yet of a text that is being spoken.
    """

    cost: float = 0.4
    learned: int = 0
    waiting: set["Listener"] = field(default_factory=set)

    def learn(self, took: float, audio: float) -> None:
        """A chunk of so many seconds took so many: a slower one counts at once, a quicker one by and by."""
        cost, self.learned = took / audio, self.learned + 1
        quicker = self.cost + max(CALM, 1 / self.learned) * (cost - self.cost)
        self.cost = max(cost, quicker) if self.learned > 1 else cost

    def held(self, schedule: Schedule) -> int:
        """Frames to have before the first are heard, so that the chunk after them is there in time."""
        frames, size = 0.0, float(schedule.first)
        while frames < MOST_HELD:
            frames, size = frames + size, min(size * schedule.growth, schedule.largest)
            if self.cost * size <= SPARE * frames:
                break
        return min(int(frames), MOST_HELD)

    def begun(self, schedule: Schedule, threads: int) -> int:
        """Frames that a text begins with at least: its first two chunks at once where others wait for their first.

        Who has heard only one would soon need the next, before the others have any. So many as there are threads for,
        each of which works on a text of its own, do not wait for each other.
        """
        return int(schedule.first * (1 + schedule.growth)) if len(self.waiting) > threads else schedule.first

    def due(self, frames: int, ahead: float) -> bool:
        """Whether so many are rendered now, for a listener who has so many seconds left; few calls cost the least."""
        return frames >= MOST_HELD or ahead <= RESERVE + self.cost / SPARE * frames / FRAME_RATE

    @property
    def piece(self) -> int:
        """Frames to render at a time: `SHORT_WORK`, or as many as cost the least each, but never `LONGEST_WORK`."""
        second = FRAME_RATE / self.cost
        return max(1, int(min(LONGEST_WORK * second, max(CHEAPEST, SHORT_WORK * second))))


FEW_CALLS = Schedule(first=17, growth=3.0, chunk=50)
"""For devices on which a call costs more than its frames: as much in the first chunk as the codes of three launches are
good for, and no more chunks than growth allows without a gap."""


def window_lengths(sovits: SovitsRunner) -> Sequence[int]:
    """Lengths of the windows that `FEW_CALLS` renders, in frames."""
    longest = sovits.fit(FEW_CALLS.largest + 2 * sovits.config.vocoder.context)
    lengths = [sovits.fit(1)]
    while lengths[-1] < longest:
        lengths.append(sovits.fit(lengths[-1] + 1))
    return lengths


def render_lengths(sovits: SovitsRunner, ge: np.ndarray, rows: int) -> None:
    """Renders windows of each of these lengths, so many at once: a device prepares each shape that it sees first.

    Args:
        sovits: the network.
        ge: a timbre, float32 [gin].
        rows: windows of a call.
    """
    for frames in window_lengths(sovits):
        latent = np.zeros((frames, sovits.config.vocoder.inter_channels), np.float32)
        list(sovits.vocode_rows([(latent, ge, 0, frames)] * rows))


class Listener:
    """Who hears a text, from its first audio on and without a break."""

    def __init__(self) -> None:
        self._until = 0.0

    def hear(self, seconds: float) -> None:
        """So much audio has been made."""
        self._until = max(self._until, time.monotonic()) + seconds

    @property
    def heard(self) -> bool:
        """Whether there was any."""
        return self._until > 0

    @property
    def ahead(self) -> float:
        """Seconds of audio that are left."""
        return max(0.0, self._until - time.monotonic())


class SentenceAudio:
    """The latents of one sentence, frozen from left to right, and the samples they give.

    Args:
        sovits: the network.
        phones: ids of the sentence's phones, int32 [n].
        ge: timbre, float32 [gin].
        noise: normal noise by absolute frame, rows of `inter_channels`.
        noise_scale: deviation of the prior samples; 0 is deterministic.
        speed: above 1 is faster.
        behind: whether another sentence of the text comes before.
    """

    def __init__(
        self,
        sovits: SovitsRunner,
        phones: np.ndarray,
        ge: np.ndarray,
        noise: RowNoise,
        noise_scale: float,
        speed: float,
        behind: bool = False,
    ):
        width = sovits.config.vocoder.inter_channels
        self.hop = int(np.prod(sovits.config.vocoder.upsample_rates))
        self.context = sovits.config.vocoder.context
        self._sovits, self._phones, self._ge = sovits, phones, ge
        self._noise, self._noise_scale, self._speed, self._behind = noise, noise_scale, speed, behind
        self._text: np.ndarray | None = None
        self._reading: Future[np.ndarray] | None = None
        self._prior = np.empty((0, width), dtype=np.float32)
        self._latent = np.empty((0, width), dtype=np.float32)

    @property
    def schedule(self) -> Schedule:
        """How much audio is rendered at a time, where nobody says otherwise."""
        own = FEW_CALLS if self.few_calls else Schedule()
        return own.later if self._behind else own

    @property
    def few_calls(self) -> bool:
        """Whether a call costs more than its frames, so that chunks are few and none is held back."""
        return self._sovits.launch_bound

    @property
    def threads(self) -> int:
        """How many texts have their work done side by side."""
        return self._sovits.threads

    @property
    def frozen(self) -> int:
        """Frames whose latents are final."""
        return len(self._latent)

    def opening(self, schedule: Schedule) -> int:
        """Codes that the first chunk waits for."""
        needed = schedule.first + schedule.lookahead + self.context
        return next(codes for codes in count(1) if self.frames(codes) >= needed)

    def frames(self, codes: int) -> int:
        """Latent frames that so many codes stand for."""
        frames = FRAMES_PER_CODE * codes
        return frames if self._speed == 1 else int(frames / self._speed) + 1

    def prepare(self) -> Generator[Need, None, None]:
        """Has the phones read before there are codes, on an idle thread where there is one; yields what it needs."""
        if not self._sovits.reads_beside:
            yield from self.read()
        elif self._text is None and self._reading is None:
            self._reading = _READERS.submit(self._sovits.read, self._phones)

    def read(self) -> Generator[Need, None, np.ndarray]:
        """The sentence's phones as every part of its audio looks at them, computed once; yields what it needs."""
        if self._text is None and self._reading is not None:
            self._text = self._reading.result()
        if self._text is None:
            need = self._need(lambda sovits: sovits.read_rows, self._phones, "read")
            yield need
            self._text = need.result
        return self._text

    def freeze(self, codes: Sequence[int], upto: int) -> Generator[Need, None, None]:
        """Computes and keeps the latents of the frames up to `upto` from all codes known; yields what it needs."""
        start = self.frozen
        resample = None
        if self._speed != 1:
            # Before the end is known the official ratio (frames in by frames out) would shift every frame a little.
            ratio = None if start == 0 and upto == self.frames(len(codes)) else self._speed
            resample = resample_positions(FRAMES_PER_CODE * len(codes), self._speed, ratio)
        text = yield from self.read()
        row = np.array(codes, dtype=np.int32), text, self._ge, resample
        # Where frames are resampled is the same for all that are encoded at once, so such a sentence is encoded alone.
        need = self._need(lambda sovits: sovits.encode_rows, row, None if resample else "encode")
        yield need
        mean, log_deviation = need.result
        end = len(mean)
        fresh = mean[start:] + self._noise(start, end) * np.exp(log_deviation[start:]) * np.float32(self._noise_scale)
        prior = np.concatenate([self._prior, fresh])
        left = self._window(start, end, self._sovits.flow_context)
        need = self._need(lambda sovits: sovits.flow_rows, (prior[left:], self._ge), "flow")
        yield need
        latent = need.result
        self._prior = prior[:upto]
        self._latent = np.concatenate([self._latent, latent[start - left : upto - left]])

    def render(self, start: int, stop: int) -> Generator[Need, None, np.ndarray]:
        """Samples of frames `start` to `stop`; the `context` frames after must be frozen, or not exist.

        Yields what it needs.
        """
        end = min(stop + self.context, self.frozen)
        left = self._window(start - self._sovits.history, end, self.context)
        latent = self._latent[left:end]
        if self.few_calls and end == stop + self.context:
            # What comes after the context is not heard, so that windows of others can have the same length.
            latent = np.pad(latent, [(0, self._sovits.fit(len(latent)) - len(latent)), (0, 0)])
        row = latent, self._ge, start - left, stop - left
        need = self._need(lambda sovits: sovits.vocode_rows, row, ("vocode", self._sovits.fit(len(latent))))
        yield need
        return need.result

    def _need(self, do: Callable[[SovitsRunner], Work[Any]], row: Any, kind: Hashable | None) -> Need[Any]:
        """A call of the network, made at once with those of other sentences where kinds are equal."""

        def beside() -> Work[Any] | None:
            other = self._sovits.beside()
            return None if other is None else do(other)

        kind = kind and (id(self._sovits), kind)
        elsewhere = beside if self._sovits.threads > 1 else None
        return Need("sovits", do(self._sovits), row, kind, self._sovits.most_rows, elsewhere)

    def _window(self, start: int, end: int, context: int) -> int:
        """Start of a window that ends at `end`: early enough for the context and a length the device knows."""
        needed = end - max(0, start - context)
        return max(0, end - self._sovits.fit(needed))


def stream_sentence(audio: SentenceAudio, codes: Iterable[int], schedule: Schedule) -> Iterator[np.ndarray]:
    """Samples of a sentence, float32, as its codes come.

    A list or tuple of codes counts as known from the start: the audio is then the same for every schedule.
    """
    return (samples for samples in sentence_units(audio, codes, schedule) if isinstance(samples, np.ndarray))


def sentence_units(
    audio: SentenceAudio,
    codes: Iterable[int | Need],
    schedule: Schedule,
    pace: Pace | None = None,
    listener: Listener | None = None,
) -> Iterator[np.ndarray | Need]:
    """The samples of `stream_sentence`, and what they need on the way, that of the codes included.

    `pace` learns from the sentence; without it nothing is held back, and all that can be is rendered at once. A
    `listener` who has enough waits for longer stretches.
    """
    if pace is None:
        return _units(audio, codes, schedule, schedule.largest, lambda emitted, settled: True)
    listener, held = listener or Listener(), pace.held(schedule)

    def due(emitted: int, settled: int) -> bool:
        ahead = listener.ahead
        enough = emitted > 0 or settled + ahead * FRAME_RATE >= max(held, pace.begun(schedule, audio.threads))
        return enough and pace.due(settled - emitted, ahead)

    units = _units(audio, codes, schedule, pace.piece, due)
    least = int(min(schedule.first * schedule.growth, pace.piece / 2))
    return _watched(units, pace, least * audio.hop, FRAME_RATE * audio.hop)


def _units(
    audio: SentenceAudio,
    codes: Iterable[int | Need],
    schedule: Schedule,
    piece: int,
    due: Callable[[int, int], bool],
) -> Iterator[np.ndarray | Need]:
    """The same, at most `piece` frames at a time, where they are `due`: so many are out, and so many could be."""
    known = isinstance(codes, Sequence)
    so_far: list[int] = [code for code in codes if not isinstance(code, Need)] if known else []
    emitted, settled, size = 0, 0, float(schedule.first)
    if not known:
        for code in codes:
            if isinstance(code, Need):
                yield code
                continue
            so_far.append(code)
            if len(so_far) == 1:
                # A device that computes codes ahead is busy with the next ones meanwhile.
                yield from audio.prepare()
            ready = audio.frames(len(so_far)) - schedule.lookahead
            if ready - audio.context - settled < size:
                continue
            yield from audio.freeze(so_far, ready)
            settled, size = ready - audio.context, min(size * schedule.growth, schedule.largest)
            if due(emitted, settled):
                yield from _rendered(audio, emitted, settled, schedule, piece)
                emitted = settled
    if not so_far:
        return
    total = audio.frames(len(so_far))
    yield from audio.freeze(so_far, total)
    while emitted < total:
        stop = min(total, emitted + int(size))
        yield from _rendered(audio, emitted, stop, schedule, piece)
        emitted, size = stop, min(size * schedule.growth, schedule.largest)


def _watched(units: Iterator[np.ndarray | Need], pace: Pace, least: int, rate: int) -> Iterator[np.ndarray | Need]:
    """The units; `pace` learns the work of the second audio that waits for codes, if it is `least` samples at least.

    Where there is none it learns from the whole sentence but for its prefill: otherwise short sentences, of which all
    is held back once a chunk was slow, would go on so for ever.
    """
    work, samples, coded, heard = 0.0, 0, False, False
    all_work, all_samples, joined, learned = 0.0, 0, False, False
    for unit in chain(units, [None]):
        if samples and not isinstance(unit, np.ndarray):
            if heard and coded and samples >= least and not learned:
                pace.learn(work, samples / rate)
                learned = True
            work, samples, coded, heard = 0.0, 0, False, True
        if unit is None:
            break
        yield unit
        if isinstance(unit, Need):
            took = unit.took
            work, coded = work + took, coded or unit.stage == "t2s"
            all_work, joined = all_work + (took if joined else 0.0), joined or unit.stage == "t2s"
        else:
            samples, all_samples = samples + len(unit), all_samples + len(unit)
    if joined and all_samples >= least and not learned:
        pace.learn(SMALLER * all_work, all_samples / rate)


def _rendered(
    audio: SentenceAudio, start: int, stop: int, schedule: Schedule, piece: int
) -> Iterator[np.ndarray | Need]:
    """Chunks of frames `start` to `stop`, and what they need; in as few and as equal pieces as `piece` allows."""
    pieces = -(-(stop - start) // piece)
    ends = [start + (stop - start) * number // pieces for number in range(pieces + 1)]
    for begin, end in pairwise(ends):
        samples = yield from audio.render(begin, end)
        yield from _chunks(samples, schedule, audio.hop)


def _chunks(samples: np.ndarray, schedule: Schedule, hop: int) -> Iterator[np.ndarray]:
    length = schedule.chunk * hop
    for start in range(0, len(samples), length):
        yield samples[start : start + length]
