"""The encoders a voice may need: recordings to content features and voice vectors, Mandarin to prosody features.

Each is optional, loaded from its files (see `convert_encoders`) when first asked for, and works without the others.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np
from tokenizers import Tokenizer

from dora_primespeech_mlx.audio import fbank
from dora_primespeech_mlx.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.convert_encoders import TOKENIZER_FILE, build_encoder
from dora_primespeech_mlx.nets.hubert import Hubert
from dora_primespeech_mlx.nets.roberta import Roberta
from dora_primespeech_mlx.nets.speaker import Speaker

if TYPE_CHECKING:
    from dora_primespeech_mlx.frontend import Phones

HOW_TO_CONVERT = {
    "hubert": "primespeech convert --hubert chinese-hubert-base --out {folder}",
    "roberta": "primespeech convert --roberta chinese-roberta-wwm-ext-large --out {folder}",
    "speaker": "primespeech convert --speaker pretrained_eres2netv2w24s4ep4.ckpt --out {folder}",
}
TOKEN_BUCKET = 32
"""Token counts are rounded up to a multiple of this."""

logger = logging.getLogger(__name__)


class Encoders:
    """The encoders found in some folders, the first folder that has a file wins.

    One thread uses them. Results are NumPy arrays, float32.
    """

    def __init__(self, folders: Iterable[Path], precision: str = "fp32"):
        """Looks for files; loads nothing.

        Args:
            folders: where to look.
            precision: "fp32" or "fp16", for RoBERTa; the others decide codes and timbre and always run in fp32.
        """
        self._folders = tuple(folders)
        self._precision = precision
        self._warned = False

    def has(self, kind: str) -> bool:
        """Whether the files of "hubert", "roberta" or "speaker" are there."""
        return self._find(f"{kind}.safetensors") is not None

    def content(self, samples: np.ndarray) -> np.ndarray:
        """Content features [N, hidden] of a 16 kHz recording [n], 50 per second.

        Raises:
            FileNotFoundError: there are no HuBERT files.
            ValueError: the recording is too short for one feature.
        """
        blocks = self._hubert.config.blocks([samples])
        return self._run_hubert(*blocks)[0, : self._hubert.config.features(len(samples))]

    def voice_vector(self, samples: np.ndarray) -> np.ndarray:
        """Voice vector [dim] of a 16 kHz recording [n], for v2Pro and v2ProPlus.

        Raises:
            FileNotFoundError: there are no files of the speaker model.
            ValueError: the recording is shorter than one window.
        """
        return self._run_speaker(fbank(samples)[None])[0]

    def prosody(self, phones: "Sequence[Phones]") -> list[np.ndarray | None]:
        """Prosody features [n_phones, hidden] for each of some texts; None for one without Mandarin.

        Rows of phones outside Mandarin are zero. Without RoBERTa files all are None, and a warning says so once.

        Raises:
            CheckpointError: the files are damaged.
        """
        runs = [
            (i, span) for i, one in enumerate(phones) for span in one.spans if span.language == "zh" and span.word2ph
        ]
        results: list[np.ndarray | None] = [None] * len(phones)
        if not runs:
            return results
        if not self.has("roberta"):
            if not self._warned:
                self._warned = True
                logger.warning("Mandarin is spoken with flatter prosody, for %s", self._missing("roberta"))
            return results
        for (i, span), rows in zip(runs, self.characters([span.text for _, span in runs]), strict=True):
            features = results[i]
            if features is None:
                features = results[i] = np.zeros((len(phones[i].ids), rows.shape[1]), np.float32)
            features[span.start : span.end] = np.repeat(rows, span.word2ph or (), axis=0)
        return results

    def characters(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Features [len(text), hidden] of texts, one row a character.

        A text longer than the model's positions is read in windows.

        Raises:
            FileNotFoundError: there are no RoBERTa files.
        """
        window = self._roberta.config.positions - 2
        parts = [text[start : start + window] for text in texts for start in range(0, len(text), window)]
        rows = iter(self._windows(parts))
        joined = ([next(rows) for _ in range(0, len(text), window)] for text in texts)
        empty = np.zeros((0, self._roberta.config.hidden), np.float32)
        return [np.concatenate(some) if some else empty for some in joined]

    def _windows(self, texts: Sequence[str]) -> list[np.ndarray]:
        if not texts:
            return []
        first, last, unknown = (self._token(name) for name in ("[CLS]", "[SEP]", "[UNK]"))
        longest = max(len(text) for text in texts) + 2
        size = min(-(-longest // TOKEN_BUCKET) * TOKEN_BUCKET, self._roberta.config.positions)
        ids = np.zeros((len(texts), size), np.int32)
        for row, text in zip(ids, texts, strict=True):
            tokens = (self._tokenizer.token_to_id(character.lower()) for character in text)
            row[: len(text) + 2] = [first, *(unknown if token is None else token for token in tokens), last]
        mask = np.arange(size) < np.array([len(text) + 2 for text in texts])[:, None]
        hidden = self._run_roberta(ids, mask.astype(np.float32))
        return [row[1 : len(text) + 1] for row, text in zip(hidden, texts, strict=True)]

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise CheckpointError(f"{self._find(TOKENIZER_FILE)} has no token {name}: convert RoBERTa again")
        return token

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self._require(TOKENIZER_FILE, "roberta")))

    @cached_property
    def _hubert(self) -> Hubert:
        return self._load("hubert", "fp32")

    @cached_property
    def _roberta(self) -> Roberta:
        return self._load("roberta", self._precision)

    @cached_property
    def _speaker(self) -> Speaker:
        return self._load("speaker", "fp32")

    @cached_property
    def _run_hubert(self) -> Callable[..., np.ndarray]:
        return _on_mlx(self._hubert)

    @cached_property
    def _run_roberta(self) -> Callable[..., np.ndarray]:
        return _on_mlx(self._roberta)

    @cached_property
    def _run_speaker(self) -> Callable[..., np.ndarray]:
        return _on_mlx(self._speaker)

    def _load(self, kind: str, precision: str) -> Any:
        path = self._require(f"{kind}.safetensors", kind)
        settings_file = path.with_suffix(".json")
        try:
            settings = json.loads(settings_file.read_text("utf-8")) if settings_file.is_file() else {}
            weights = read_torch(path)
            network = build_encoder(kind, weights, settings)
        except CheckpointError as error:
            raise CheckpointError(f"{path} cannot be used: {error}") from error
        except ValueError as error:
            raise CheckpointError(f"{settings_file} is damaged ({error}): convert the encoder again") from error
        dtype = {"fp32": mx.float32, "fp16": mx.float16}[precision]
        network.load_weights([(name, mx.array(value).astype(dtype)) for name, value in weights.items()], strict=True)
        mx.eval(network.parameters())
        return network

    def _find(self, name: str) -> Path | None:
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)

    def _require(self, name: str, kind: str) -> Path:
        path = self._find(name)
        if path is None:
            raise FileNotFoundError(self._missing(kind))
        return path

    def _missing(self, kind: str) -> str:
        looked = " or ".join(str(folder) for folder in self._folders) or "any folder"
        how = HOW_TO_CONVERT[kind].format(folder=self._folders[0] if self._folders else "FOLDER")
        return f"there is no {kind}.safetensors in {looked}; make it with: {how}"


def _on_mlx(network: Callable[..., mx.array]) -> Callable[..., np.ndarray]:
    def run(*arrays: np.ndarray) -> np.ndarray:
        return np.array(network(*map(mx.array, arrays)).astype(mx.float32))

    return run
