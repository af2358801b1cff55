"""Which phone is spoken when, read from what T2S keeps of a decoding anyway.

A few heads of T2S look, while a code is drawn, at the phone that is about to be spoken. Their attention is worked out
from the cache: keys and values are two projections of the same hidden state, so that the state, and from it the query,
follows from them. No step of the decoding does anything for it, on any executor.

Which head it is differs between models. It is found with the prompt, whose phones and codes are both known: the head
whose attention follows the phones in order, one after the other, most surely.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig

Rows = Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]
"""Keys and values, float32 [heads, n, width], of a layer in rows `first` to `last` of one text's cache."""
Projection = tuple[np.ndarray, np.ndarray]
"""Weights [3 * heads * width, D] and bias of a layer's queries, keys and values."""

FEWEST_CODES = 40
"""Codes with which a head can be found."""
LEAST_SURE = -1.5
"""Mean log probability of a path below which no head follows the phones; heads that do have -.1 to -.9."""
LEAST_FITTING = -0.9
"""Mean log probability below which a prompt's codes do not say its phones; with those they say it is -.1 to -.3."""
FLOOR = 1e-3
SKIP = 1.0
"""What it costs, in nats, to leave out a phone; some are shorter than a code."""
LONGEST_SKIP = 3
RIDGE = 1e-4

logger = logging.getLogger(__name__)


class Path:
    """The likeliest way through phones in order, as the codes come (Viterbi); several ways at once by leading axes."""

    def __init__(self) -> None:
        self._best = np.zeros(0, np.float32)
        self._back: list[np.ndarray] = []

    def extend(self, probabilities: np.ndarray) -> None:
        """More codes: how likely each phone is, [n, ..., phones]."""
        for gain in np.log(probabilities + FLOOR):
            count = gain.shape[-1]
            if not self._back:
                moves = np.zeros(gain.shape, np.int8)
                best = -SKIP * np.arange(count, dtype=np.float32)
            else:
                ways = np.full((LONGEST_SKIP + 1, *gain.shape), -np.inf, np.float32)
                for step in range(min(LONGEST_SKIP, count - 1) + 1):
                    ways[step, ..., step:] = self._best[..., : count - step] - SKIP * max(0, step - 1)
                moves, best = ways.argmax(axis=0).astype(np.int8), ways.max(axis=0)
            self._best = best + gain
            self._back.append(moves)

    @property
    def score(self) -> np.ndarray:
        """Mean log probability of each likeliest way."""
        return self._best.max(axis=-1) / max(1, len(self._back))

    def phones(self) -> np.ndarray:
        """The phone of each code on the likeliest way so far, int [n]."""
        found = np.zeros(len(self._back), int)
        phone = int(self._best.argmax()) if self._back else 0
        for at in range(len(self._back) - 1, -1, -1):
            found[at] = phone
            phone -= int(self._back[at][phone])
        return found


@dataclass(frozen=True)
class Head:
    """A head of attention, and how its query follows from the keys and values of its layer.

    Attributes:
        layer: index.
        head: index.
        weight: float32 [width, 2 * heads * width].
        bias: float32 [width].
    """

    layer: int
    head: int
    weight: np.ndarray
    bias: np.ndarray

    def probabilities(self, keys: np.ndarray, values: np.ndarray, phones: np.ndarray) -> np.ndarray:
        """Attention of some rows to phones alone, [n, S]: keys and values [heads, n, width], `phones` their keys.

        Not by `@`: from some ten rows on OpenBLAS shares such a product among threads, which then keep their cores busy
        waiting for another one, 20 ms for a product of 0.1 ms, while the networks want those cores.
        """
        queries = np.einsum("nd,wd->nw", _joined(keys, values), self.weight) + self.bias
        return _softmax(np.einsum("nw,sw->ns", queries, phones[self.head]))


def fit(head: Head, rows: Rows, phones: tuple[int, int], codes: int) -> float:
    """How surely a prompt's codes follow its phones, a mean log probability.

    `rows` are those of a text of so many `phones`, the prompt's and all, which the prompt's codes follow.
    """
    keys, _ = rows(head.layer, 0, phones[0])
    path = Path()
    # The first code is drawn from the last phone, left out here.
    path.extend(head.probabilities(*rows(head.layer, phones[1], phones[1] + codes - 1), keys))
    return float(path.score)


class HeadFinder:
    """Finds the head of a T2S network that follows the phones; one for all voices of a network.

    Args:
        projections: gives those of each layer, when the head is looked for.
        config: the network's dimensions.
        keep: is told what was found, for a start to come.

    Attributes:
        found: the head, if there is one.
        over: whether it was looked for.
    """

    def __init__(
        self,
        projections: Callable[[], Sequence[Projection]],
        config: T2SConfig,
        keep: Callable[[Head | None], object] = lambda head: None,
    ):
        self._projections, self._heads, self._scale = projections, config.heads, config.head_dim**-0.5
        self._keep = keep
        self.found: Head | None = None
        self.over = False

    def settle(self, head: Head | None) -> None:
        """It was found before: nothing is looked for."""
        self.found, self.over = head, True

    def find(self, rows: Rows, phones: int, codes: int) -> None:
        """Looks for the head in a prompt of so many phones and codes, unless it was looked for or the prompt is short.

        `rows` are those of a text that begins with the prompt's phones, which its codes follow.
        """
        if self.over or codes < FEWEST_CODES:
            return
        self.over, layers = True, self._projections()
        scores = np.stack([self._scores(*pair, partial(rows, at), phones, codes) for at, pair in enumerate(layers)])
        layer, head = (int(at) for at in np.unravel_index(scores.argmax(), scores.shape))
        if scores.max() >= LEAST_SURE:
            self.found = self._head(*layers[layer], layer, head)
        else:
            logger.info("no head of this T2S network follows the phones: words have no times")
        self._keep(self.found)

    def _scores(
        self,
        weight: np.ndarray,
        bias: np.ndarray,
        rows: Callable[[int, int], tuple[np.ndarray, np.ndarray]],
        phones: int,
        codes: int,
    ) -> np.ndarray:
        """How surely each head of a layer follows the phones of the prompt."""
        weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        size = len(weight) // 3
        gram, down = _normal(weight[size:])
        spoken, _ = rows(0, phones)
        # The row before a code is the one that it is drawn from; the first code's is the last phone, left out here.
        keys = _joined(*rows(phones, phones + codes - 1)) - bias[size:]
        queries = np.linalg.solve(gram, down @ keys.T).T @ weight[:size].T + bias[:size]
        queries = queries.reshape(len(queries), self._heads, -1) * self._scale
        path = Path()
        path.extend(_softmax(np.einsum("nhw,hsw->nhs", queries, spoken)))
        return path.score

    def _head(self, weight: np.ndarray, bias: np.ndarray, layer: int, head: int) -> Head:
        weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        size = len(weight) // 3
        part = slice(head * size // self._heads, (head + 1) * size // self._heads)
        query = weight[part] @ np.linalg.solve(*_normal(weight[size:])) * self._scale
        return Head(layer, head, query, bias[part] * self._scale - query @ bias[size:])


def _normal(down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two sides of the equations by which a hidden state follows from its keys and values."""
    gram = down.T @ down
    gram[np.diag_indices_from(gram)] += RIDGE * gram.trace() / len(gram)
    return gram, down.T


class Follower:
    """Follows one text through its phones as its codes come.

    Args:
        head: of the network that follows the phones.
        phones: how many phones come before the text's own, and how many the text has.
        codes: how many codes the prompt has.
    """

    def __init__(self, head: Head, phones: tuple[int, int], codes: int):
        self._head, self._phones, self._count = head, (phones[0], sum(phones)), phones[1]
        self._start = sum(phones) + codes - 1
        self._keys: np.ndarray | None = None
        self._path = Path()
        self._followed = 0

    def follow(self, rows: Rows, codes: int) -> None:
        """So many codes have been drawn."""
        if codes <= self._followed:
            return
        if self._keys is None:
            self._keys, _ = rows(self._head.layer, *self._phones)
        own = rows(self._head.layer, self._start + self._followed, self._start + codes)
        self._path.extend(self._head.probabilities(*own, self._keys))
        self._followed = codes

    def begins(self) -> np.ndarray:
        """Codes after which each phone begins to sound, float [S]; infinite for those that are not reached.

        It begins between the last code of the phone before it and its own first one.
        """
        phones = self._path.phones()
        at = np.searchsorted(phones, np.arange(self._count))
        return np.where(at < len(phones), np.maximum(at - 0.5, 0.0), np.inf)


def _joined(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Keys and values [heads, n, width] as rows [n, 2 * heads * width]."""
    return np.concatenate([part.transpose(1, 0, 2).reshape(part.shape[1], -1) for part in (keys, values)], axis=1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
