"""The networks on MLX: Metal, CUDA, and the CPU for comparison."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S, LayerCache, prefill_mask
from dora_primespeech_mlx.runtime.interface import EncodeRow, FlowRow, T2SRows, VocodeRow
from dora_primespeech_mlx.runtime.mlx.cache import KVCache, join
from dora_primespeech_mlx.runtime.mlx.rows import MlxT2SRows

log = logging.getLogger(__name__)

BUCKET = 32
"""Lengths are rounded up to a multiple of this many frames, phones or rows before they reach a device."""

COARSE = 64
"""The same for codes and phones of several rows, whose lengths differ more."""
MOST_ROWS = 16
"""Rows that an accelerator is given at once; from here on it gains little."""

Row = TypeVar("Row")


def bucketed(length: int) -> int:
    """Next multiple of `BUCKET`."""
    return -(-length // BUCKET) * BUCKET


def prefill(
    model: T2S,
    phones: np.ndarray,
    bert: np.ndarray | None,
    prompt: np.ndarray,
    cache: Sequence[LayerCache],
    bucket: bool,
) -> mx.array:
    """Scores [vocabulary] after a text and its prompt; what `bucket` pads them with is in the caches too, behind."""
    text = model.embed_text(mx.array(phones)[None], None if bert is None else mx.array(bert)[None])
    audio = model.embed_audio(mx.array(prompt)[None], mx.arange(len(prompt)))
    x = mx.concatenate([text, audio], axis=1) if len(prompt) else text
    length = x.shape[1]
    padded = bucketed(length) if bucket else length
    x = mx.pad(x, [(0, 0), (0, padded - length), (0, 0)])
    # As what is added to scores, which attention would make of it in every layer.
    seen = mx.where(mx.array(prefill_mask(len(phones), len(prompt), padded)), 0.0, -mx.inf).astype(x.dtype)
    return model.logits(model(x, seen, cache)[0, length - 1])


class MlxT2SSession:
    """Texts being decoded together; `logits` [B, vocabulary] are those of the next codes.

    Each text is prefilled by itself; shorter ones then stand to the right of padding that no query sees.
    """

    def __init__(
        self, model: T2S, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray, bucket: bool
    ):
        self._model = model
        self._position = len(prompt)
        first, caches = zip(*(self._prefill(phones, bert, prompt, bucket) for phones, bert in texts), strict=True)
        self._cache = [join(layers) for layers in zip(*caches, strict=True)]
        longest = max(cache[0].offset for cache in caches)
        self._paddings = [longest - cache[0].offset for cache in caches]
        self._padding = mx.array(self._paddings)[:, None, None, None] if any(self._paddings) else None
        self.logits = mx.stack(list(first))
        mx.async_eval(self.logits)

    def _prefill(
        self, phones: np.ndarray, bert: np.ndarray | None, prompt: np.ndarray, bucket: bool
    ) -> tuple[mx.array, list[KVCache]]:
        """Logits [vocabulary] and the filled cache of one text."""
        cache = [KVCache() for _ in range(self._model.config.layers)]
        logits = prefill(self._model, phones, bert, prompt, cache, bucket)
        for layer in cache:
            layer.offset = len(phones) + len(prompt)
        return logits, cache

    def cache_rows(self) -> mx.array:
        """All keys and values of a single text, float16 [layers, 2, heads, rows, d]."""
        rows = [cache.rows() for cache in self._cache]
        return mx.stack([mx.stack([keys[0], values[0]]) for keys, values in rows]).astype(mx.float16)

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SSession`."""
        padding = self._paddings[text]
        keys, values = (part[text, :, padding + first : padding + last] for part in self._cache[layer].rows())
        return _output(keys), _output(values)

    def rows(self) -> tuple[list[tuple[mx.array, mx.array]], int]:
        """Keys and values of each layer of a single text, [1, heads, rows, d], and the position of its next code."""
        return [cache.rows() for cache in self._cache], self._position

    def step(self, codes: mx.array) -> mx.array:
        """Appends a code to each text and returns the logits of the next, not yet computed."""
        x = self._model.embed_audio(codes[:, None], mx.array([self._position]))
        mask = None
        if self._padding is not None:
            mask = mx.arange(self._cache[0].offset + 1) >= self._padding
        self._position += 1
        self.logits = self._model.logits(self._model(x, mask, self._cache)[:, 0])
        mx.async_eval(self.logits)
        return self.logits


class MlxT2SRunner:
    """T2S on MLX. On an accelerator steps are submitted ahead of their use and prefill lengths are rounded up."""

    exact_batches = True

    def __init__(self, model: T2S, accelerated: bool):
        self.config = model.config
        self.xp = mx
        self.pipelined = accelerated
        self._model = model

    def open(self) -> T2SRows:
        """See `runtime.interface.T2SRunner`."""
        return MlxT2SRows(self._model, self.start)

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> MlxT2SSession:
        """See `runtime.interface.T2SRunner`."""
        return MlxT2SSession(self._model, texts, prompt, bucket=self.pipelined)


class MlxSovitsRunner:
    """SoVITS on MLX.

    With `bucket`, lengths are rounded up and masked. With `compiled`, flow and vocoder are compiled for each length,
    which is not for the CPU: MLX would call a C++ compiler there.
    """

    def __init__(self, model: Sovits, bucket: bool, compiled: bool = False):
        self.config = model.config
        self.flow_context = model.config.flow_context
        self._model = model
        self.most_rows = MOST_ROWS if bucket else 1
        self._bucket = bucket
        self._compiled = compiled
        self._build()

    def _build(self) -> None:
        model = self._model
        self._flow = mx.compile(model.flow.__call__) if self._compiled else model.flow
        self._vocoder = mx.compile(model.dec.__call__) if self._compiled else model.dec

    def _finite(self, stage: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
        """What a stage makes; if that is not finite in 16 bits, the network has float32 from now on."""
        found = stage()
        if not finite(found) and widened(self._model):
            self._build()
            found = stage()
        return found

    def prepare(self) -> None:
        """See `runtime.interface.SovitsRunner`; nothing, since each length is prepared when it comes."""

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        vectors = [mx.array(s)[None] for s in speakers] if speakers else [None] * len(spectra)
        each = [
            self._model.timbre(self._input(spectrum[None]), vector)
            for spectrum, vector in zip(spectra, vectors, strict=True)
        ]
        return _output(mx.concatenate(each).mean(axis=0)[0])

    def codes(self, features: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return np.array(self._model.extract_codes(mx.array(features)[None]))[0].astype(np.int32)

    def read(self, phones: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self.read_rows([phones])[0]

    def encode(
        self, codes: np.ndarray, text: np.ndarray, ge: np.ndarray, resample: tuple[np.ndarray, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return self.encode_rows([(codes, text, ge, resample)])[0]

    def flow(self, prior: np.ndarray, ge: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self.flow_rows([(prior, ge)])[0]

    def vocode(self, latent: np.ndarray, ge: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`; all frames are rendered, so that one number tells the shapes."""
        return self.vocode_rows([(latent, ge, start, len(latent) if stop is None else stop)])[0]

    def read_rows(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        phones, mask = self._ids(self._padded(rows))

        def stage() -> list[np.ndarray]:
            read = _output(self._model.read(phones, mask))
            return [made[: len(row)] for made, row in zip(read, rows, strict=False)]

        return self._finite(stage)

    def encode_rows(self, rows: Sequence[EncodeRow]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `runtime.interface.SovitsRunner`."""
        codes, texts, ge, resampled = zip(*self._padded(rows), strict=True)
        resample, positions = resampled[0], None
        frames = [2 * len(row[0]) if resample is None else len(resample[0]) for row in rows]
        if resample is not None:
            room = [(0, self.fit(frames[0]) - frames[0])]
            lower, upper, weight = (mx.array(np.pad(part, room)) for part in resample)
            positions = lower, upper, weight
        code_rows, code_mask = self._ids(codes)
        text_rows, text_mask = self._together(texts)

        def stage() -> list[np.ndarray]:
            heard = self._timbres(ge), code_mask, text_mask, positions
            made = zip(*map(_output, self._model.encode(code_rows, self._input(text_rows), *heard)), strict=True)
            return [row[:count] for rows, count in zip(made, frames, strict=False) for row in rows]

        found = self._finite(stage)
        return list(zip(found[::2], found[1::2], strict=True))

    def flow_rows(self, rows: Sequence[FlowRow]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        prior, ge = zip(*self._padded(rows), strict=True)
        return self._finite(
            lambda: list(_output(self._flow(self._input(np.stack(prior)), self._timbres(ge)))[: len(rows)])
        )

    def vocode_rows(self, rows: Sequence[VocodeRow]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`; all frames are rendered, so that one number tells the shapes."""
        latent, ge, *_ = zip(*self._padded(rows), strict=True)

        def stage() -> list[np.ndarray]:
            samples = _output(self._vocoder(self._input(np.stack(latent)), self._timbres(ge)))
            hop = samples.shape[1] // len(latent[0])
            return [made[start * hop : stop * hop] for made, (_, _, start, stop) in zip(samples, rows, strict=False)]

        return self._finite(stage)

    def fit(self, frames: int) -> int:
        """See `runtime.interface.SovitsRunner`."""
        return bucketed(frames) if self._bucket else frames

    def _padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows and, where shapes are bucketed, more of them up to a power of four."""
        if not self._bucket:
            return rows
        size = 4 ** (((len(rows) - 1).bit_length() + 1) // 2)
        return [*rows, *[rows[0]] * (size - len(rows))]

    def _ids(self, rows: Sequence[np.ndarray]) -> tuple[mx.array, mx.array | None]:
        """Rows of ids padded to one length, with the mask of what is real."""
        padded, mask = self._together(rows)
        return mx.array(padded), mask

    def _together(self, rows: Sequence[np.ndarray]) -> tuple[np.ndarray, mx.array | None]:
        """Rows [T, ...] padded to one length, with the mask of what is real."""
        longest = max(map(len, rows))
        size = self.fit(longest) if len(rows) == 1 else -(-longest // COARSE) * COARSE
        if size == longest and not self._bucket:
            return np.stack(rows), None
        padded = np.zeros((len(rows), size, *rows[0].shape[1:]), rows[0].dtype)
        for place, row in zip(padded, rows, strict=True):
            place[: len(row)] = row
        return padded, mx.array(np.arange(size) < np.array([[len(row)] for row in rows]))

    def _timbres(self, ge: Sequence[np.ndarray]) -> mx.array:
        """Timbres [gin] as a batch [B, 1, gin] in the weights' type."""
        return self._input(np.stack(ge)[:, None])

    def _input(self, array: np.ndarray) -> mx.array:
        """A batch in the weights' type."""
        return mx.array(array).astype(self._model.enc_p.proj.weight.dtype)


def finite(found: np.ndarray | Sequence[np.ndarray]) -> bool:
    """Whether all numbers are."""
    return all(np.isfinite(part).all() for part in ((found,) if isinstance(found, np.ndarray) else found))


def widened(network: Any) -> bool:
    """Gives a network with 16-bit weights float32, and says so; False if none of its weights had 16 bits."""
    weights = dict(tree_flatten(network.parameters())).values()
    if all(weight.dtype != mx.float16 for weight in weights):
        return False
    log.warning(
        "The decoder's numbers grow beyond 16 bits with this voice, so it goes on in float32, which is slower. "
        "PRECISION=fp32 says so from the start."
    )
    network.set_dtype(mx.float32)
    mx.eval(network.parameters())
    return True


def _output(array: mx.array) -> np.ndarray:
    return np.array(array.astype(mx.float32))
