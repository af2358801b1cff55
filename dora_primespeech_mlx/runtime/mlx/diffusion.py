"""The s2 network of v3 and v4 on MLX."""

from collections.abc import Callable, Generator, Sequence
from functools import partial

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.bigvgan import BigVGAN
from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.diffusion import modulation_row
from dora_primespeech_mlx.runtime.mlx.cuda.snake import fuse
from dora_primespeech_mlx.runtime.mlx.runner import bucketed, finite, widened


class MlxDiffusionRunner:
    """v3 and v4 on MLX.

    With `bucket`, lengths are rounded up and masked. With `compiled`, a step and the vocoder are compiled for each
    length, which is not for the CPU. With `cuda`, activations of BigVGAN are kernels of their own.
    """

    def __init__(self, model: DiffusionSovits, bucket: bool, compiled: bool = False, cuda: bool = False):
        self.config, self.streams = model.config, compiled
        if cuda and isinstance(model.dec, BigVGAN):
            fuse(model.dec)
        self._model, self._bucket, self._compiled = model, bucket, compiled
        self._build()

    def _build(self) -> None:
        model, compiled = self._model, self._compiled
        self._type = model.bridge.weight.dtype
        self._velocity = mx.compile(model.estimator.velocity) if compiled else model.estimator.velocity
        render: Callable[..., mx.array] = model.dec.__call__
        if isinstance(model.dec, BigVGAN):
            render = partial(render, shifted=compiled)
        self._vocoder = mx.compile(render) if compiled else render

    def _widened(self) -> bool:
        """See `runner.widened`."""
        if not widened(self._model):
            return False
        self._build()
        return True

    def prepare(self) -> None:
        """See `runtime.interface.DiffusionRunner`; nothing, since each length is prepared when it comes."""

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        each = [self._model.style(mx.array(spectrum)[None].astype(self._type)) for spectrum in spectra]
        return _output(mx.concatenate(each).mean(axis=0)[0])

    def codes(self, features: np.ndarray) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        return np.array(self._model.extract_codes(mx.array(features)[None]))[0].astype(np.int32)

    def features(
        self, codes: np.ndarray, phones: np.ndarray, ge: np.ndarray, positions: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        frames = len(positions[0])
        rows = [self._padded(part, self.fit(len(part))) for part in positions]
        found = self._model.features(
            self._padded(codes, self.fit(len(codes)))[None],
            self._padded(phones, self.fit(len(phones)))[None],
            mx.array(ge)[None, None].astype(self._type),
            (rows[0], rows[1], rows[2]),
            self._mask(len(codes)),
            self._mask(len(phones)),
            self._mask(frames),
        )
        return _output(found[0, :frames])

    def sample(
        self,
        noise: np.ndarray,
        features: np.ndarray,
        prompt: np.ndarray,
        steps: int,
    ) -> Generator[None, None, np.ndarray]:
        """See `runtime.interface.DiffusionRunner`. A step is submitted while the one before it is computed."""
        made = yield from self._steps(noise, features, prompt, steps)
        if not finite(made) and self._widened():
            made = yield from self._steps(noise, features, prompt, steps)
        return made

    def _steps(
        self, noise: np.ndarray, features: np.ndarray, prompt: np.ndarray, steps: int
    ) -> Generator[None, None, np.ndarray]:
        frames, known = len(features), len(prompt)
        size, mask = self.fit(frames), self._mask(frames)
        fresh = mx.array(np.arange(size) >= known)[:, None]
        condition = self._model.estimator.condition(
            self._padded(features, size)[None].astype(self._type),
            self._padded(prompt, size)[None].astype(self._type),
            mask,
        )
        x = mx.array(np.pad(noise, ((known, size - frames), (0, 0))))[None]
        for step in range(steps):
            row = mx.array([modulation_row(steps, step)])
            velocity = self._velocity(x, condition, row) if mask is None else self._velocity(x, condition, row, mask)
            before, x = x, mx.where(fresh, x + velocity / steps, 0.0)
            mx.async_eval(x)
            mx.eval(before)
            yield
        return _output(x[0, known:frames])

    def vocode(self, mel: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`; all frames are rendered, so that one number tells the shapes."""
        samples = self._render(mel)
        if not finite(samples) and self._widened():
            samples = self._render(mel)
        hop = self.config.hop
        return samples[start * hop : None if stop is None else stop * hop]

    def _render(self, mel: np.ndarray) -> np.ndarray:
        return _output(self._vocoder(mx.array(mel)[None].astype(self._model.dec.conv_pre.weight.dtype))[0])

    def fit(self, frames: int) -> int:
        """See `runtime.interface.DiffusionRunner`."""
        return bucketed(frames) if self._bucket else frames

    def _padded(self, rows: np.ndarray, size: int) -> mx.array:
        return mx.array(np.pad(rows, [(0, size - len(rows)), *[(0, 0)] * (rows.ndim - 1)]))

    def _mask(self, length: int) -> mx.array | None:
        return mx.array(np.arange(self.fit(length)) < length)[None] if self._bucket else None


def _output(array: mx.array) -> np.ndarray:
    return np.array(array.astype(mx.float32))
