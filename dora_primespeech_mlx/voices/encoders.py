"""The encoders a voice may need: recordings to content features and voice vectors, Mandarin to prosody features.

Each is optional and works without the others; it is loaded when first asked for, from the files that
`weights.official_encoders` wrote.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from dora_primespeech_mlx.audio import fbank
from dora_primespeech_mlx.voices.encoder_networks import EncoderFile, Ready
from dora_primespeech_mlx.weights.source import CheckpointError
from dora_primespeech_mlx.weights.whole import TOKENIZER_FILE

if TYPE_CHECKING:
    from dora_primespeech_mlx.text import Phones

HOW_TO_CONVERT = {
    "hubert": "primespeech convert --hubert chinese-hubert-base --out {folder}",
    "roberta": "primespeech convert --roberta chinese-roberta-wwm-ext-large --out {folder}",
    "speaker": "primespeech convert --speaker pretrained_eres2netv2w24s4ep4.ckpt --out {folder}",
    "content": "primespeech convert --content content.pth --out {folder}",
}
WEIGHT_FILES = {
    "hubert": ("hubert.safetensors",),
    "roberta": ("roberta.safetensors", "bert.safetensors"),
    "speaker": ("speaker.safetensors",),
    "content": ("content.safetensors",),
}
TOKENIZER_FILES = (TOKENIZER_FILE, "bert-tokenizer/tokenizer.json", "chinese-roberta-tokenizer/tokenizer.json")
"""Names in a folder of encoders: this package's first, then those of its predecessors."""
TOKEN_BUCKET = 32
"""Counts of tokens and codes are rounded up to a multiple of this on MLX, whose devices prepare each new length."""
CONTENT_EDGE = 120
"""Samples in front of the first filter bank and behind the last, so that four of them sit in the middle of a code."""
COREML_SIZES = {"hubert": (224, 384, 544), "roberta": (32, 64, 128, 256, 512)}
"""Blocks of 20 ms, and tokens, for which a CoreML package has a function each."""
COREML_PACKAGE = "{kind}.mlpackage"

logger = logging.getLogger(__name__)


class Encoders:
    """The encoders found in some folders; the first folder that has a file wins.

    One thread uses them. Results are NumPy arrays, float32. A CoreML package beside an encoder's weights (see
    `export_coreml`) runs in their place on macOS.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        runtime: str = "mlx",
        precision: str = "fp32",
        threads: int | None = None,
        loaded: dict[Path, Ready] | None = None,
        cache: Path | None = None,
    ):
        """Looks for files; loads nothing.

        Args:
            folders: where to look.
            runtime: "mlx" or "onnx".
            precision: of RoBERTa: "fp32", with MLX also "fp16", with ONNX Runtime also "int8". The others decide codes
                and timbre and always run in fp32.
            threads: of ONNX Runtime; None for its own choice.
            loaded: encoders by file, shared with others of the same runtime and precision.
            cache: folder of graphs, see `runtime.onnx.cache`; None to trace each time.
        """
        self._folders = tuple(folders)
        self._runtime, self._precision, self._threads = runtime, precision, threads
        self._loaded = {} if loaded is None else loaded
        self._cache = cache
        self._tokenizer: Any = None
        self._warned = False

    def has(self, kind: str) -> bool:
        """Whether the files of "hubert", "roberta", "speaker" or "content" are there."""
        return self._find(*WEIGHT_FILES[kind]) is not None

    def reads_recordings(self) -> bool:
        """Whether codes of a recording can be had: with a model's own content encoder, or with HuBERT."""
        return self.has("content") or self.has("hubert")

    def codes(self, samples: np.ndarray) -> np.ndarray:
        """Codes int32 [N] of a 16 kHz recording [n], 25 per second, from a model's own content encoder.

        Raises:
            FileNotFoundError: there are no files of a content encoder.
            ValueError: the recording is too short for one code.
        """
        content = self.ready("content")
        banks = fbank(np.pad(samples, CONTENT_EDGE))
        count = len(banks) // content.config.windows
        bucket = TOKEN_BUCKET if self._runtime == "mlx" else 1
        scores = content.run(*content.config.blocks(banks, -(-count // bucket) * bucket))[0]
        return scores[:count].argmax(axis=1).astype(np.int32)

    def content(self, samples: np.ndarray) -> np.ndarray:
        """Content features [N, hidden] of a 16 kHz recording [n], 50 per second.

        Raises:
            FileNotFoundError: there are no HuBERT files.
            ValueError: the recording is too short for one feature.
        """
        hubert = self.ready("hubert")
        return hubert.run(*hubert.config.blocks([samples]))[0, : hubert.config.features(len(samples))]

    def voice_vector(self, samples: np.ndarray) -> np.ndarray:
        """Voice vector [dim] of a 16 kHz recording [n], for v2Pro and v2ProPlus.

        Raises:
            FileNotFoundError: there are no files of the speaker model.
            ValueError: the recording is shorter than one window.
        """
        return self.ready("speaker").run(fbank(samples)[None])[0]

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
                logger.warning("Mandarin is spoken with flatter prosody: %s", self.missing("roberta"))
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
        config = self.ready("roberta").config
        window = config.positions - 2
        parts = [text[start : start + window] for text in texts for start in range(0, len(text), window)]
        rows = iter(self._windows(parts))
        joined = ([next(rows) for _ in range(0, len(text), window)] for text in texts)
        empty = np.zeros((0, config.hidden), np.float32)
        return [np.concatenate(some) if some else empty for some in joined]

    def _windows(self, texts: Sequence[str]) -> list[np.ndarray]:
        if not texts:
            return []
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(self._require("roberta", TOKENIZER_FILES)))
        roberta, look_up = self.ready("roberta"), self._tokenizer.token_to_id
        first, last, unknown = (_known(look_up(name), name) for name in ("[CLS]", "[SEP]", "[UNK]"))
        bucket = TOKEN_BUCKET if self._runtime == "mlx" else 1
        longest = max(len(text) for text in texts) + 2
        size = min(-(-longest // bucket) * bucket, roberta.config.positions)
        ids = np.zeros((len(texts), size), np.int32)
        for row, text in zip(ids, texts, strict=True):
            tokens = (look_up(character.lower()) for character in text)
            row[: len(text) + 2] = [first, *(unknown if token is None else token for token in tokens), last]
        mask = np.arange(size) < np.array([len(text) + 2 for text in texts])[:, None]
        hidden = roberta.run(ids, mask.astype(np.float32))
        return [row[1 : len(text) + 1] for row, text in zip(hidden, texts, strict=True)]

    def ready(self, kind: str) -> Ready:
        """The encoder of a kind, loaded if it is not yet.

        Raises:
            FileNotFoundError: its files are not there.
            CheckpointError: its files are damaged.
        """
        path = self._require(kind, WEIGHT_FILES[kind])
        if path not in self._loaded:
            self._loaded[path] = self._load(kind, path)
        return self._loaded[path]

    def _load(self, kind: str, path: Path) -> Ready:
        file = EncoderFile(kind, path, self.how(kind))
        package = self._find(COREML_PACKAGE.format(kind=kind))
        if package is not None:
            from dora_primespeech_mlx.runtime import coreml

            if coreml.can_run():
                return Ready(file.network().config, coreml.open_package(package))
        if self._runtime == "mlx":
            return file.on_mlx(self._precision)
        return file.on_onnx(self._precision, self._threads, self._cache)

    def export_coreml(self, folder: Path, precision: str = "fp16") -> list[Path]:
        """Write CoreML packages of HuBERT and RoBERTa, as far as their files are there.

        Args:
            folder: where to write; to be used, a package lies in a folder where encoders are looked for.
            precision: "fp16" or "fp32", what the packages compute in.

        Returns:
            the packages.

        Raises:
            ImportError: coremltools is not installed.
            FileNotFoundError: there is neither HuBERT nor RoBERTa.
        """
        kinds = [kind for kind in COREML_SIZES if self.has(kind)]
        if not kinds:
            raise FileNotFoundError(self.missing(next(iter(COREML_SIZES))))
        from dora_primespeech_mlx.runtime import coreml
        from dora_primespeech_mlx.voices.encoder_networks import inputs_of

        packages = []
        for kind in kinds:
            path = self._require(kind, WEIGHT_FILES[kind])
            network = EncoderFile(kind, path, self.how(kind)).network()
            package = Path(folder) / COREML_PACKAGE.format(kind=kind)
            limit = getattr(network.config, "positions", max(COREML_SIZES[kind]))
            sizes = {size: inputs_of(kind, network.config, 1, size) for size in COREML_SIZES[kind] if size <= limit}
            coreml.export_package(network, sizes, package, precision, "Gelu" if kind == "hubert" else None)
            packages.append(package)
        return packages

    def _find(self, *names: str) -> Path | None:
        candidates = (folder / name for folder in self._folders for name in names)
        return next((path for path in candidates if path.exists()), None)

    def _require(self, kind: str, names: Sequence[str]) -> Path:
        path = self._find(*names)
        if path is None:
            raise FileNotFoundError(self.missing(kind))
        return path

    def missing(self, kind: str) -> str:
        """A sentence that says which file is not there, and how to make it."""
        present = [str(folder) for folder in self._folders if folder.is_dir()]
        looked = " or ".join(present or map(str, self._folders[:1])) or "any folder"
        return f"there is no {kind}.safetensors in {looked}; make it with: {self.how(kind)}"

    def how(self, kind: str) -> str:
        """The command that makes the files of a kind."""
        return HOW_TO_CONVERT[kind].format(folder=quote(str(self._folders[0])) if self._folders else "FOLDER")


def _known(token: int | None, name: str) -> int:
    if token is None:
        raise CheckpointError(f"{TOKENIZER_FILE} has no token {name}: convert RoBERTa again")
    return token
