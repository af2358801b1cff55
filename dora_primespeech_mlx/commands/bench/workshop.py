"""What a bench works on: a model of some size, a voice of it and its encoders, made in place where none ships."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from dora_primespeech_mlx.audio import REFERENCE_RATE
from dora_primespeech_mlx.commands.bench.figures import Stopwatch
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.files.sounds import write_audio
from dora_primespeech_mlx.nets.dimensions.encoders import HubertConfig, RobertaConfig, SpeakerConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.hubert import Hubert
from dora_primespeech_mlx.nets.roberta import Roberta
from dora_primespeech_mlx.nets.speaker import Speaker
from dora_primespeech_mlx.runtime.factory import accelerated
from dora_primespeech_mlx.runtime.interface import Array, DrawingRows, Newcomer, T2SRows, T2SRunner, T2SSession, Text
from dora_primespeech_mlx.settings import SHIPPED_VOICES, Settings
from dora_primespeech_mlx.voices.library import Voice
from dora_primespeech_mlx.weights.load import Model, load_model
from dora_primespeech_mlx.weights.random_weights import random_weights, write_random_model
from dora_primespeech_mlx.weights.safetensors_file import write_weights
from dora_primespeech_mlx.weights.whole import TOKENIZER_FILE

REFERENCE_SECONDS = 4.0
PROMPT_CODES = 100
PROMPT_TEXT = "The quick brown fox jumps over the lazy dog near the river bank."
CODES_PER_PHONE = 2.2
"""How long a network with random weights speaks: about 11 phones a second."""
HUBERT = HubertConfig((512,) * 7, (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), 768, 3072, 12, 12, 128, 16, 1e-5)
ROBERTA = RobertaConfig(21128, 512, 1024, 4096, 22, 16, 1e-12)
SPEAKER = SpeakerConfig(64, (3, 4, 6, 3), (256, 512, 1024, 2048), (24, 48, 96, 192), 4, (0, 0, 24, 48), 512)
FIRST_SIGN = 0x4E00


@dataclass(frozen=True)
class Endless:
    """A T2S runner that never ends a sequence, so that any number of codes can be timed."""

    runner: T2SRunner

    @property
    def config(self) -> T2SConfig:
        """The network's dimensions, with an end that no code is."""
        return replace(self.runner.config, end=self.runner.config.vocabulary)

    @property
    def xp(self) -> Any:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.xp

    @property
    def pipelined(self) -> bool:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.pipelined

    @property
    def exact_batches(self) -> bool:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.exact_batches

    @property
    def apart(self) -> bool:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.apart

    def beside(self) -> T2SRunner | None:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.beside()

    def open(self) -> T2SRows | DrawingRows:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.open()

    def start(self, texts: Sequence[Text], prompt: np.ndarray) -> T2SSession:
        """See `runtime.interface.T2SRunner`."""
        return self.runner.start(texts, prompt)


class _PacedRows:
    """Rows whose scores ask for the end of each text after so many codes."""

    def __init__(self, rows: T2SRows, runner: T2SRunner, count: Callable[[Text], int]):
        self.most = rows.most
        self._rows, self._xp, self._count = rows, runner.xp, count
        self._left: list[int] = []
        self._end = self._xp.where(self._xp.arange(runner.config.vocabulary) == runner.config.end, 1e4, -1e4)

    def join(self, text: Text, prompt: np.ndarray) -> Array:
        """See `runtime.interface.T2SRows`."""
        self._left.append(self._count(text))
        return self._rows.join(text, prompt)

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        return self._rows.cached(row, layer, first, last)

    def leave(self, row: int) -> None:
        """See `runtime.interface.T2SRows`."""
        del self._left[row]
        self._rows.leave(row)

    def step(self, rows: Sequence[int], codes: Array) -> Array:
        """See `runtime.interface.T2SRows`: the step is computed in any case."""
        for row in rows:
            self._left[row] -= 1
        done = self._xp.array(np.array([self._left[row] <= 0 for row in rows]))[:, None]
        return self._xp.where(done, self._end, self._rows.step(rows, codes))


@dataclass(frozen=True)
class _Ended:
    """Codes that are drawn, [n, 2, B], and whether they end their text, [n, B], by the host: a device would be late."""

    drawn: Array
    ends: np.ndarray

    def tolist(self) -> list[list[list[int]]]:
        """Codes and ends, [n, 2, B]."""
        return [[codes, ends] for (codes, _), ends in zip(self.drawn.tolist(), self.ends.tolist(), strict=True)]


class _PacedDrawing:
    """The same of rows that are drawn by the executor."""

    def __init__(self, rows: DrawingRows, runner: T2SRunner, count: Callable[[Text], int]):
        self.most, self.most_joins, self.transfers = rows.most, rows.most_joins, rows.transfers
        self._rows, self._count = rows, count
        self._never = runner.config.vocabulary
        self._left: list[int] = []

    def join(self, newcomers: Sequence[Newcomer]) -> None:
        """See `runtime.interface.DrawingRows`."""
        self._left += [self._count(each.text) for each in newcomers]
        self._rows.join([each._replace(end=self._never) for each in newcomers])

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        return self._rows.cached(row, layer, first, last)

    def leave(self, row: int) -> None:
        """See `runtime.interface.DrawingRows`."""
        del self._left[row]
        self._rows.leave(row)

    def codes(self, rows: Sequence[int], noise: Array) -> Array:
        """See `runtime.interface.DrawingRows`: the codes are drawn in any case."""
        drawn = self._rows.codes(rows, noise)
        left = np.array([self._left[row] for row in rows])
        ends = left <= np.arange(len(noise))[:, None]
        for row in rows:
            self._left[row] -= len(noise)
        return _Ended(drawn, ends)


@dataclass(frozen=True)
class Paced(Endless):
    """A T2S runner that ends each text after `CODES_PER_PHONE`: random weights have no notion of an end.

    `prompt_phones` come before each text's own.
    """

    prompt_phones: int

    @property
    def config(self) -> T2SConfig:
        """The network's dimensions."""
        return self.runner.config

    def open(self) -> T2SRows | DrawingRows:
        """See `runtime.interface.T2SRunner`."""
        rows = self.runner.open()
        kind = _PacedDrawing if isinstance(rows, DrawingRows) else _PacedRows
        return kind(rows, self.runner, self._codes)  # type: ignore[arg-type]

    def _codes(self, text: Text) -> int:
        return round(CODES_PER_PHONE * max(8, len(text[0]) - self.prompt_phones))


@dataclass(frozen=True)
class Workshop:
    """A model to measure.

    Attributes:
        folder: where random models are written.
        size: a key of `random_weights.SIZES`; "demo" is the voice that ships where it is there.
        settings: runtime, precision and threads.
        runtime: "mlx" or "onnx", as chosen.
        quick: few lengths and repeats.
    """

    folder: Path
    size: str
    settings: Settings
    runtime: str
    quick: bool

    @property
    def watch(self) -> Stopwatch:
        """Times functions."""
        return Stopwatch(2, 1.0) if self.quick else Stopwatch(15, 6.0)

    def lengths(self, *values: int) -> tuple[int, ...]:
        """The lengths to measure: all, or the first when quick."""
        return values[:1] if self.quick else values

    @property
    def shipped(self) -> bool:
        """Whether the voice that ships is measured, not random weights."""
        return self.size == "demo" and SHIPPED_VOICES.is_file()

    @property
    def step_counts(self) -> tuple[int, ...]:
        """Steps of a diffusion decoder to measure with; the many are for devices."""
        return (4, 8, 32) if self.runtime == "mlx" and accelerated() else (4, 8)

    @cached_property
    def voices(self) -> Path:
        """The voices.json to measure with."""
        return SHIPPED_VOICES if self.shipped else write_random_voice(self.folder, self.size)

    @cached_property
    def weights(self) -> Path:
        """The model folder."""
        weights = self.engine.describe_voice().weights
        if not isinstance(weights, Path):
            raise ValueError(f"{self.voices} names two weight files; the bench needs a converted model folder.")
        return weights

    @cached_property
    def engine(self) -> Engine:
        """An engine with the voice loaded."""
        return Engine.from_config(self.voices, replace(self.settings, voices=self.voices, seed=0))

    @cached_property
    def voice(self) -> Voice:
        """The voice to speak with; random weights end their texts by count."""
        voice = self.engine.load_voice()
        return voice if self.shipped else replace(voice, t2s=Paced(voice.t2s, len(voice.prompt_ids)))

    @cached_property
    def t2s(self) -> Endless:
        """The voice's T2S network, without ends."""
        runner = self.voice.t2s
        return Endless(runner.runner if isinstance(runner, Endless) else runner)

    @cached_property
    def model(self) -> Model:
        """The networks in MLX, float32, for what is measured of MLX itself."""
        return load_model(self.weights)

    @cached_property
    def encoders(self) -> Path:
        """A folder with random encoders of the released sizes."""
        folder = self.folder / "encoders"
        write_random_encoders(folder)
        return folder

    def phones(self, count: int) -> np.ndarray:
        """Random phones, int32 [count]."""
        return np.random.default_rng(count).integers(1, self.t2s.config.phones, count, dtype=np.int32)

    @cached_property
    def prompt(self) -> np.ndarray:
        """Codes of a prompt, int32 [n]."""
        codes = self.voice.codes
        return codes if len(codes) else random_codes(PROMPT_CODES)


def random_codes(count: int) -> np.ndarray:
    """Codes int32 [count]."""
    return np.random.default_rng(count).integers(0, 1024, count, dtype=np.int32)


def noise(seconds: float, rate: int) -> np.ndarray:
    """A recording of noise whose loudness varies as speech does, float32 [n]."""
    count = round(seconds * rate)
    swell = 0.5 + 0.5 * np.sin(np.arange(count) * (2 * np.pi * 3 / rate))
    return (0.1 * swell * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def write_random_voice(folder: Path, size: str) -> Path:
    """A model with random weights, a recording of noise and codes for it; returns the voices.json."""
    write_random_model(folder / "model", size)
    write_audio(folder / "reference.wav", noise(REFERENCE_SECONDS, REFERENCE_RATE), REFERENCE_RATE)
    random_codes(PROMPT_CODES).astype("<i4").tofile(folder / "codes.bin")
    if size.startswith("v2Pro"):
        write_random_encoder(folder / "model", "speaker")
    voice = {"ref_audio": "reference.wav", "ref_text": PROMPT_TEXT, "codes_path": "codes.bin", "prompt_lang": "en"}
    path = folder / "voices.json"
    path.write_text(json.dumps({"model": "model", "voices": {"random": voice}}), encoding="utf-8")
    return path


def write_random_encoders(folder: Path) -> None:
    """HuBERT, RoBERTa and the speaker model of the released sizes with random weights."""
    for kind in ("hubert", "roberta", "speaker"):
        write_random_encoder(folder, kind)


def write_random_encoder(folder: Path, kind: str) -> None:
    """One of them, with a tokenizer of one token a character for RoBERTa."""
    networks = {
        "hubert": lambda: Hubert(HUBERT),
        "roberta": lambda: Roberta(ROBERTA),
        "speaker": lambda: Speaker(SPEAKER),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(random_weights(networks[kind](), np.random.default_rng(0)), folder / f"{kind}.safetensors")
    if kind == "roberta":
        vocabulary = {token: index for index, token in enumerate(_tokens(ROBERTA.vocabulary))}
        Tokenizer(WordPiece(vocabulary, unk_token="[UNK]")).save(str(folder / TOKENIZER_FILE))


def _tokens(count: int) -> Iterator[str]:
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    yield from special
    yield from (chr(FIRST_SIGN + index) for index in range(count - len(special)))
