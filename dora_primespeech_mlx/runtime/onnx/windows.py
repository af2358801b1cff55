"""What each stage of the vocoder renders: what is heard, with its own context and no more, in rows that threads share.

ONNX Runtime's convolutions over time run blocks of channels side by side on several threads, and rows. Stages with few
channels have only one such block, so they get rows: parts of what is wanted, each with its context. Positions and
lengths are counted in samples of the first stage, *ticks*.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig
from dora_primespeech_mlx.runtime.onnx import processor

SHORTEST = 2
"""Length of a part, at least, in times of its context."""
BLOCKS = 4
"""Blocks of channels that a thread takes at a time."""


class Windows:
    """Rows of one length, each around a part of what is wanted.

    Args:
        joints: where parts begin, and where the last one ends, [W + 1].
        context: what a part depends on, either side.
        bounds: where a row may begin and end, [W, 2].
        total: where everything ends.
        fit: the length to have, if there is so much, for one that would do.

    Attributes:
        begins: [W].
        length: of each.
    """

    def __init__(self, joints: np.ndarray, context: int, bounds: np.ndarray, total: int, fit: Callable[[int], int]):
        firsts, lasts = np.maximum(joints[:-1] - context, 0), np.minimum(joints[1:] + context, total)
        self.length = min(fit(int((lasts - firsts).max())), int((bounds[:, 1] - bounds[:, 0]).min()))
        self.begins = np.clip(firsts, bounds[:, 0], bounds[:, 1] - self.length)

    def positions(self) -> np.ndarray:
        """What each row holds, [W, length]."""
        return self.begins[:, None] + np.arange(self.length)


class Parts:
    """What the stages after the first render of some frames; see `nets.vocoder.Vocoder`.

    Args:
        config: of the vocoder.
        frames: the first that is wanted, and the first after them that is not.
        total: frames there are.
        workers: threads.
        fit: gives the frames of a row for those needed, where new lengths cost much; later stages then have the same.
    """

    def __init__(
        self,
        config: VocoderConfig,
        frames: tuple[int, int],
        total: int,
        workers: int,
        fit: Callable[[int], int] | None = None,
    ):
        ticks = config.upsample_rates[0]
        begin, end = (frame * ticks for frame in frames)
        outer, inner = row_counts(config, end - begin, workers)
        wide, narrow = config.narrow_contexts
        ends = total * ticks

        def fitted(length: int) -> int:
            return length if fit is None else ticks * fit(-(-length // ticks))

        def as_wide(length: int) -> int:
            return length if fit is None else self._wide.length

        self._hop = int(np.prod(config.upsample_rates[1:]))
        joints = equal_parts((begin, end), outer, wide, ends)
        within = [equal_parts((first, last), inner, narrow, ends) for first, last in pairwise(joints)]
        self._joints = np.array([joint for part in within for joint in part[:-1]] + [end])
        self._wide = Windows(np.array(joints), wide, np.array([[0, ends]] * outer), ends, fitted)
        self._rows = np.repeat(np.arange(outer), inner)
        self._within = self._wide.begins[self._rows]
        bounds = np.stack([self._within, self._within + self._wide.length], axis=1)
        self._narrow = Windows(self._joints, narrow, bounds, ends, as_wide)

    def inputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the vocoder's graph takes: kept [W, n], row and place [V, m], int32."""
        places = self._narrow.positions() - self._within[:, None]
        rows = np.broadcast_to(self._rows[:, None], places.shape)
        return self._wide.positions().astype(np.int32), rows.astype(np.int32), places.astype(np.int32)

    def joined(self, samples: np.ndarray) -> np.ndarray:
        """What is wanted of the samples [V, m * hop] that the graph gives."""
        starts, ends = ((joints - self._narrow.begins) * self._hop for joints in (self._joints[:-1], self._joints[1:]))
        return np.concatenate([row[start:end] for row, start, end in zip(samples, starts, ends, strict=True)])


def equal_parts(wanted: tuple[int, int], count: int, context: int, total: int) -> list[int]:
    """Where so many parts begin, and where the last one ends, so that with their context all are of one length.

    There is none before the first position and behind the last, so that parts there are longer themselves.

    Args:
        wanted: the first position, and the first after them that is not.
        count: parts.
        context: positions that each depends on, either side.
        total: where everything ends.
    """
    begin, end = wanted
    first, last = max(0, begin - context), min(total, end + context)
    alone = (last - first - 2 * context) / count
    return [begin, *(first + context + round(alone * part) for part in range(1, count)), end]


def row_counts(config: VocoderConfig, wanted: int, workers: int) -> tuple[int, int]:
    """Rows for the second stage to render so many ticks in, and into how many each is cut for the stages behind."""
    wide, narrow = config.narrow_contexts
    outer = _shares(workers // blocks(config.initial_channels // 4), wanted, wide)
    return outer, _shares(workers // outer, wanted // outer, narrow)


def _shares(workers: int, wanted: int, context: int) -> int:
    return max(1, min(workers, wanted // (SHORTEST * context)))


def blocks(channels: int) -> int:
    """For how many threads ONNX Runtime finds work in one row of a convolution to so many channels."""
    return max(1, int(channels / (BLOCKS * (16 if "avx512f" in processor.said() else 8))))
