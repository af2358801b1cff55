"""The networks on MLX: Metal, CUDA, and the CPU for comparison."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S, LayerCache, prefill_mask
from dora_primespeech_mlx.runtime.interface import EncodeRow, FlowRow, T2SRows, Text, VocodeRow
from dora_primespeech_mlx.runtime.later import Later
from dora_primespeech_mlx.runtime.mlx.cache import KVCache, join
from dora_primespeech_mlx.runtime.mlx.rows import MlxT2SRows
from dora_primespeech_mlx.runtime.mlx.transfers import MlxTransfer, MlxTransfers, Underway, fill

log = logging.getLogger(__name__)

BUCKET = 32
"""Lengths are rounded up to a multiple of this many frames, phones or rows before they reach a device."""

COARSE = 64
"""The same for codes and phones of several rows, whose lengths differ more."""
SHORTEST = 96
"""Frames that windows have at least where a call costs more than its frames: the first are then as long as others."""
MOST_ROWS = 16
"""Rows that an accelerator is given at once; from here on it gains little."""

Row = TypeVar("Row")
Made = TypeVar("Made", np.ndarray, tuple[np.ndarray, np.ndarray])


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


def prefill_many(
    model: T2S, texts: Sequence[Text], prompts: Sequence[np.ndarray], cache: Sequence[LayerCache]
) -> mx.array:
    """Scores [B, vocabulary] after some texts and their prompts, those of `prefill` but for a device's rounding.

    The caches have rows beyond those asked for, and behind each text, which pad them to few shapes.
    """
    count, size = len(texts), 1 << (len(texts) - 1).bit_length()
    texts, prompts = [*texts, *[texts[0]] * (size - count)], [*prompts, *[prompts[0]] * (size - count)]
    lengths = [(len(phones), len(prompt)) for (phones, _), prompt in zip(texts, prompts, strict=True)]
    most_phones, most_codes = (max(part) for part in zip(*lengths, strict=True))
    padded = -(-max(map(sum, lengths)) // COARSE) * COARSE

    bert = None
    if any(features is not None for _, features in texts):
        every = [np.zeros((len(ids), BERT_DIM), np.float32) if b is None else b for ids, b in texts]
        bert = mx.array(_filled(every, most_phones))
    x = model.embed_text(mx.array(_filled([phones for phones, _ in texts], most_phones)), bert)
    if most_codes:
        audio = model.embed_audio(mx.array(_filled(prompts, most_codes)), mx.arange(most_codes))
        x = mx.concatenate([x, audio], axis=1)
    places = np.zeros((size, padded), np.int32)
    for place, (phones, codes) in zip(places, lengths, strict=True):
        place[: phones + codes] = [*range(phones), *range(most_phones, most_phones + codes)]
    x = mx.take_along_axis(x, mx.array(places)[..., None], axis=1)
    seen = np.stack([prefill_mask(phones, codes, padded) for phones, codes in lengths])[:, None]
    x = model(x, mx.where(mx.array(seen), 0.0, -mx.inf).astype(x.dtype), cache)
    last = mx.array(np.array([sum(length) - 1 for length in lengths[:count]]))
    return model.logits(x[mx.arange(count), last])


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
    apart = False

    def __init__(self, model: T2S, accelerated: bool):
        self.config = model.config
        self.xp = mx
        self.pipelined = accelerated
        self._model = model

    def beside(self) -> None:
        """See `runtime.interface.T2SRunner`."""

    def open(self) -> T2SRows:
        """See `runtime.interface.T2SRunner`."""
        return MlxT2SRows(self._model, self.start)

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> MlxT2SSession:
        """See `runtime.interface.T2SRunner`."""
        return MlxT2SSession(self._model, texts, prompt, bucket=self.pipelined)


class MlxSovitsRunner:
    """SoVITS on MLX.

    With `bucket`, lengths are rounded up and masked. With `compiled`, flow and vocoder are compiled for each length,
    which is not for the CPU: MLX would call a C++ compiler there. With `launch_bound` there are fewer lengths, which
    are more often those of other rows. `transfers` are MLX's where there are no others.
    """

    reads_beside = False
    threads = 1

    def __init__(
        self,
        model: Sovits,
        bucket: bool,
        compiled: bool = False,
        launch_bound: bool = False,
        transfers: MlxTransfers | None = None,
    ):
        self.config = model.config
        self.flow_context, self.history = model.config.flow_context, 0
        self._model = model
        self.most_rows = MOST_ROWS if bucket else 1
        self.launch_bound = launch_bound
        self._transfers = transfers or MlxTransfers()
        self._bucket = bucket
        self._compiled = compiled
        self._build()

    def _build(self) -> None:
        model = self._model
        self._flow = mx.compile(model.flow.__call__) if self._compiled else model.flow
        self._vocoder = mx.compile(model.dec.__call__) if self._compiled else model.dec

    def _made(
        self, count: int, stage: Callable[[MlxTransfer], Sequence[mx.array]], cut: Callable[..., list[Made]]
    ) -> Sequence[Made]:
        """Results of so many rows: what a stage makes, cut to them. An accelerator is waited for when they are used.

        If they are not finite in 16 bits, the network has float32 from now on.
        """

        def begun() -> tuple[MlxTransfer, list[Underway]]:
            transfer = self._transfers.begin()
            under_way = [transfer.taken(array) for array in stage(transfer)]
            mx.async_eval([each.awaited for each in under_way])
            return transfer, under_way

        def ended(transfer: MlxTransfer, under_way: list[Underway]) -> list[Made]:
            found = [_copied(made) for made in cut(*(each.read() for each in under_way))]
            transfer.end()
            if not all(map(finite, found)) and widened(self._model):
                self._build()
                found = ended(*begun())
            return found

        call = begun()
        return Later(partial(ended, *call), count) if self._bucket else ended(*call)

    def prepare(self) -> None:
        """See `runtime.interface.SovitsRunner`; nothing, since each length is prepared when it comes."""

    def beside(self) -> None:
        """See `runtime.interface.SovitsRunner`."""

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        vectors = [mx.array(s)[None] for s in speakers] if speakers else [None] * len(spectra)
        each = [
            self._model.timbre(mx.array(spectrum)[None].astype(self._type), vector)
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
        """See `runtime.interface.SovitsRunner`."""
        return self.vocode_rows([(latent, ge, start, len(latent) if stop is None else stop)])[0]

    def read_rows(self, rows: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        phones, mask = self._ids(self._padded(rows))

        def cut(read: np.ndarray) -> list[np.ndarray]:
            return [made[: len(row)] for made, row in zip(read, rows, strict=False)]

        return self._made(len(rows), lambda transfer: [self._model.read(phones, mask)], cut)

    def encode_rows(self, rows: Sequence[EncodeRow]) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """See `runtime.interface.SovitsRunner`."""
        codes, texts, ge, resampled = zip(*self._padded(rows), strict=True)
        resample, positions = resampled[0], None
        frames = [2 * len(row[0]) if resample is None else len(resample[0]) for row in rows]
        if resample is not None:
            room = [(0, self.fit(frames[0]) - frames[0])]
            lower, upper, weight = (mx.array(np.pad(part, room)) for part in resample)
            positions = lower, upper, weight
        code_rows, code_mask = self._ids(codes)
        size, text_mask = self._together(texts)

        def stage(transfer: MlxTransfer) -> Sequence[mx.array]:
            heard = self._timbres(transfer, ge), code_mask, text_mask, positions
            return self._model.encode(code_rows, self._input(transfer, texts, size), *heard)

        def cut(means: np.ndarray, deviations: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
            made = zip(means, deviations, frames, strict=False)
            return [(mean[:count], deviation[:count]) for mean, deviation, count in made]

        return self._made(len(rows), stage, cut)

    def flow_rows(self, rows: Sequence[FlowRow]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        every, ge = zip(*self._padded(rows), strict=True)
        lengths = set(map(len, every))
        size = self.fit(max(lengths)) if len(lengths) > 1 else max(lengths)
        ragged = _real(every, size) if len(lengths) > 1 else None

        def cut(latents: np.ndarray) -> list[np.ndarray]:
            return [latent[: len(prior)] for latent, (prior, _) in zip(latents, rows, strict=False)]

        def stage(transfer: MlxTransfer) -> Sequence[mx.array]:
            return [self._flow(self._input(transfer, every, size), self._timbres(transfer, ge), ragged)]

        return self._made(len(rows), stage, cut)

    def vocode_rows(self, rows: Sequence[VocodeRow]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`; all frames are rendered, so that one number tells the shapes."""
        latent, ge, *_ = zip(*self._padded(rows), strict=True)
        size = self.fit(max(map(len, latent)))
        ragged = _real(latent, size) if any(len(row) < size for row in latent) else None

        def cut(samples: np.ndarray) -> list[np.ndarray]:
            hop = samples.shape[1] // size
            return [made[start * hop : stop * hop] for made, (_, _, start, stop) in zip(samples, rows, strict=False)]

        def stage(transfer: MlxTransfer) -> Sequence[mx.array]:
            return [self._vocoder(self._input(transfer, latent, size), self._timbres(transfer, ge), None, ragged)]

        return self._made(len(rows), stage, cut)

    def fit(self, frames: int) -> int:
        """See `runtime.interface.SovitsRunner`."""
        if not self._bucket:
            return frames
        return SHORTEST + -(-max(0, frames - SHORTEST) // COARSE) * COARSE if self.launch_bound else bucketed(frames)

    def _padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows and, where shapes are bucketed, more of them up to a power of four."""
        if not self._bucket:
            return rows
        size = 4 ** (((len(rows) - 1).bit_length() + 1) // 2)
        return [*rows, *[rows[0]] * (size - len(rows))]

    def _ids(self, rows: Sequence[np.ndarray]) -> tuple[mx.array, mx.array | None]:
        """Rows of ids padded to one length, with the mask of what is real."""
        size, mask = self._together(rows)
        return mx.array(_filled(rows, size)), mask

    def _together(self, rows: Sequence[np.ndarray]) -> tuple[int, mx.array | None]:
        """The length to which rows [T, ...] are padded, with the mask of what is real."""
        longest = max(map(len, rows))
        step = COARSE if len(rows) > 1 or self.launch_bound else BUCKET if self._bucket else 1
        size = -(-longest // step) * step
        return size, None if size == longest and not self._bucket else _real(rows, size)

    def _timbres(self, transfer: MlxTransfer, ge: Sequence[np.ndarray]) -> mx.array:
        """Timbres [gin] as a batch [B, 1, gin] in the weights' type."""
        return self._input(transfer, [own[None] for own in ge], 1)

    def _input(self, transfer: MlxTransfer, rows: Sequence[np.ndarray], size: int) -> mx.array:
        """Rows [T, C] padded to one length as a batch in the weights' type."""
        return transfer.given(rows, size).astype(self._type)

    @property
    def _type(self) -> mx.Dtype:
        return self._model.enc_p.proj.weight.dtype


def _copied(found: Made) -> Made:
    """The same in memory of its own."""
    return np.array(found) if isinstance(found, np.ndarray) else tuple(map(np.array, found))  # type: ignore[return-value]


def _filled(rows: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Rows [T, ...] filled up with zeros to `size`."""
    filled = np.empty((len(rows), size, *rows[0].shape[1:]), rows[0].dtype)
    fill(filled, rows)
    return filled


def _real(rows: Sequence[np.ndarray], size: int) -> mx.array:
    """Where rows filled up to `size` are real, [B, size]."""
    return mx.array(np.arange(size) < np.array([[len(row)] for row in rows]))


def finite(found: np.ndarray | Sequence[np.ndarray]) -> bool:
    """Whether all numbers are."""
    return all(np.isfinite(part.sum()) for part in ((found,) if isinstance(found, np.ndarray) else found))


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
