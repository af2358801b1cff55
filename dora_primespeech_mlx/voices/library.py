"""Loaded voices: their networks (shared by voices of one model) and everything that can be computed once per voice."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from dora_primespeech_mlx.audio import read_audio
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM
from dora_primespeech_mlx.runtime.factory import accelerated, choose
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, PrebuiltVocoder, SovitsRunner, T2SRunner
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Wishes
from dora_primespeech_mlx.text import Frontend, Phones
from dora_primespeech_mlx.text.cuts import CLAUSE_MARKS
from dora_primespeech_mlx.voices.book import VoiceBook, VoiceEntry, read_codes, read_lexicon
from dora_primespeech_mlx.voices.encoders import Encoders, Ready
from dora_primespeech_mlx.voices.models import LoadedModel, load_on_mlx, load_on_onnx
from dora_primespeech_mlx.voices.prompt import DiffusionPrompt, diffusion_prompt
from dora_primespeech_mlx.voices.recording import reference_from_recordings

KEPT_MODELS = 2
"""Models whose weights the voices.json does not name, that are kept loaded."""
ENCODER_FOLDERS = ("encoders", "../encoders", "../../encoders")
STEPS_ON_DEVICE, STEPS_ON_CPU = 8, 4
"""Steps of the diffusion where nobody says: what the official interface offers for v4, and its fewest."""

ModelKey = tuple[Path | tuple[Path, Path], tuple[int, ...]]
"""Where weights lie, and when each file was written."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Voice:
    """A voice, ready to speak.

    Attributes:
        name: as listed.
        wishes: how it speaks when nobody says otherwise.
        t2s: the T2S network.
        sovits: the s2 network.
        frontend: text to phones.
        encoders: prosody features for Mandarin, where their files are present; None for a model that takes none.
        codes: the prompt's semantic codes, int32 [m]; empty without a prompt.
        prompt: the prompt's phones, or None.
        prompt_bert: their features, float32 [n, 1024], or None for zeros.
        ge: timbre, float32 [gin].
        diffusion: what a v3 or v4 voice hears before each sentence; None for the others.
        model: what its networks are called, with their folder: "GPT-SoVITS v2 (demo)".
    """

    name: str
    wishes: Wishes
    t2s: T2SRunner
    sovits: SovitsRunner | DiffusionRunner
    frontend: Frontend
    encoders: Encoders | None
    codes: np.ndarray
    prompt: Phones | None
    prompt_bert: np.ndarray | None
    ge: np.ndarray
    diffusion: DiffusionPrompt | None = None
    model: str = "GPT-SoVITS"

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self.sovits.config.sample_rate

    @property
    def prompt_ids(self) -> np.ndarray:
        """Phone ids of the prompt, int32 [n]; empty without a prompt."""
        return np.zeros(0, np.int32) if self.prompt is None else self.prompt.ids

    def prosody(self, phones: Phones) -> np.ndarray | None:
        """Features of the prompt's phones and then the text's, float32 [n, 1024]; None when all are zero."""
        features = _features(self.encoders, phones)
        if features is None and self.prompt_bert is None:
            return None
        before = (
            np.zeros((len(self.prompt_ids), BERT_DIM), np.float32) if self.prompt_bert is None else self.prompt_bert
        )
        after = np.zeros((len(phones.ids), BERT_DIM), np.float32) if features is None else features
        return np.concatenate([before, after])


def _features(encoders: Encoders | None, phones: Phones) -> np.ndarray | None:
    features = None if encoders is None else encoders.prosody([phones])[0]
    if features is not None and features.shape[1] != BERT_DIM:
        raise ValueError(
            f"The RoBERTa here gives {features.shape[1]} numbers a character and the voice takes {BERT_DIM}: "
            "convert chinese-roberta-wwm-ext-large"
        )
    return features


def _with_vocoder(runner: SovitsRunner | DiffusionRunner, entry: VoiceEntry) -> SovitsRunner | DiffusionRunner:
    """The runner with the vocoder file a voice names, where that is there, fits and has a use."""
    if entry.vocoder is None or not entry.vocoder.is_file() or not isinstance(runner, PrebuiltVocoder):
        return runner
    try:
        return runner.with_vocoder(entry.vocoder)
    except ValueError as error:
        logger.warning("The voice %r uses its own vocoder: %s", entry.name, error)
        return runner


class Library:
    """Voices by name, loaded when first asked for and kept."""

    def __init__(self, book: VoiceBook, settings: Settings):
        self._book, self._settings = book, settings
        self._runtime = choose(settings.runtime)
        self._on_device = self._runtime == "mlx" and accelerated()
        self._precision = settings.precision
        if self._precision == "auto":
            self._precision = "fp16" if self._on_device else "int8" if self._runtime == "onnx" else "fp32"
        self._encoders: dict[Path, Ready] = {}
        self._listed = {entry.weights for entry in book.entries.values()}
        self._models: OrderedDict[ModelKey, LoadedModel] = OrderedDict()
        self._voices: dict[str, Voice] = {}

    @property
    def precision(self) -> str:
        """What networks are computed in: "fp32", "fp16", or "int8", which is of T2S on ONNX Runtime."""
        return self._precision

    @property
    def names(self) -> list[str]:
        """Names of all voices."""
        return list(self._book.names)

    def voice(self, name: str | None) -> Voice:
        """The voice of that name or alias; None is the default.

        Raises:
            ValueError: no such voice, or its files do not fit each other.
            FileNotFoundError: a file of it is missing.
        """
        if name in self._voices:
            return self._voices[name]
        entry = self._book.find(name)
        if entry.name not in self._voices:
            self._voices[entry.name] = self.load(entry)
        return self._voices[entry.name]

    def entry(self, name: str | None) -> VoiceEntry:
        """What the book says of the voice of that name or alias; ValueError if there is none."""
        return self._book.find(name)

    def load(self, entry: VoiceEntry) -> Voice:
        """Loads a voice, whether it is in the book or not. Errors as `voice`."""
        loaded = self._model(entry)
        sovits = _with_vocoder(loaded.sovits, entry)
        sovits.prepare()
        folder = entry.weights if isinstance(entry.weights, Path) else entry.weights[1].parent
        folders = encoder_folders(folder, self._book.path.parent)
        settings = self._settings
        encoders = Encoders(
            folders, self._runtime, self._precision, settings.threads, self._encoders, settings.graph_cache
        )
        lexicon = read_lexicon(entry.lexicon) if entry.lexicon else None
        home = entry.prompt_language if entry.language == "auto" else entry.language
        frontend = Frontend(loaded.symbols, lexicon, self._settings.g2pw_dir, home, entry.languages)
        frontend.check(entry.language)
        stored = None if entry.codes is None else read_codes(entry.codes, loaded.sovits.config.code_count)
        with_codes = stored is None and bool(entry.prompt_text)
        if with_codes and not encoders.has("hubert"):
            logger.warning(
                "The voice %r takes only the timbre of its recording: it has no codes, and %s",
                entry.name,
                encoders.missing("hubert"),
            )
            with_codes = False
        reference = reference_from_recordings(entry.references, encoders, loaded.sovits, with_codes)
        codes = reference.codes if stored is None else stored
        if stored is None:
            for sentence in reference.advice:
                logger.warning("%s", sentence)
        prosody = encoders if loaded.takes_prosody else None
        prompt = None
        if entry.prompt_text and codes is not None:
            try:
                prompt = frontend(closed(entry.prompt_text, entry.prompt_language), entry.prompt_language, guard=False)
            except ValueError as error:
                raise ValueError(f"The reference text of the voice {entry.name!r} cannot be read: {error}") from error
        ge = sovits.timbre(reference.spectra, reference.voice_vectors)
        return Voice(
            name=entry.name,
            wishes={"language": entry.language, "speed": entry.speed, **_typed(entry.sampling)},
            t2s=loaded.t2s,
            sovits=sovits,
            frontend=frontend,
            encoders=prosody,
            codes=np.zeros(0, np.int32) if prompt is None or codes is None else codes,
            prompt=prompt,
            prompt_bert=None if prompt is None else _features(prosody, prompt),
            ge=ge,
            diffusion=self._prompt(entry, sovits, codes, prompt, ge),
            model=f"GPT-SoVITS {loaded.sovits.config.version} ({folder.resolve().name})",
        )

    def _prompt(
        self,
        entry: VoiceEntry,
        sovits: SovitsRunner | DiffusionRunner,
        codes: np.ndarray | None,
        prompt: Phones | None,
        ge: np.ndarray,
    ) -> DiffusionPrompt | None:
        """What a v3 or v4 voice hears before each sentence; None for the others."""
        if not isinstance(sovits.config, DiffusionConfig):
            return None
        if prompt is None or codes is None:
            raise ValueError(
                f"The voice {entry.name!r} is of a {sovits.config.version} model, which takes a voice from a recording "
                "whose words it knows: give it ref_text, exactly what ref_audio says, and codes or HuBERT"
            )
        steps = self._settings.steps or entry.steps or (STEPS_ON_DEVICE if self._on_device else STEPS_ON_CPU)
        runner = cast(DiffusionRunner, sovits)
        return diffusion_prompt(runner, *read_audio(entry.references[0]), codes, prompt.ids, ge, steps)

    def keeps(self, voice: Voice) -> bool:
        """Whether the model of a voice is still loaded for others; if not, the voice is better loaded anew."""
        return any(model.t2s is voice.t2s for model in self._models.values())

    def use(self, voice: Voice) -> None:
        """The model of a voice is in use: it is not the next to be dropped."""
        for key in [key for key, model in self._models.items() if model.t2s is voice.t2s]:
            self._models.move_to_end(key)

    def _model(self, entry: VoiceEntry) -> LoadedModel:
        """The networks of a voice, read anew if its files have changed."""
        weights = entry.weights
        files = [path for path in entry.files() if path.suffix == ".safetensors"]
        key = weights, tuple(path.stat().st_mtime_ns for path in files if path.is_file())
        if key not in self._models:
            self._models = OrderedDict((old, model) for old, model in self._models.items() if old[0] != weights)
            self._models[key] = self._read(weights)
        self._models.move_to_end(key)
        others = [old for old in self._models if old[0] not in self._listed]
        for old in others[:-KEPT_MODELS]:
            del self._models[old]
        return self._models[key]

    def _read(self, weights: Path | tuple[Path, Path]) -> LoadedModel:
        if self._runtime == "onnx":
            return load_on_onnx(weights, self._precision, self._settings.threads, self._settings.graph_cache)
        return load_on_mlx(weights, "fp16" if self._precision == "fp16" else "fp32")


def encoder_folders(model: Path, voices: Path) -> list[Path]:
    """Where the encoders of a model may lie: with its weights, and beside the folder of the `voices.json`."""
    return [model, *(model / name for name in ENCODER_FOLDERS), voices / "encoders"]


def closed(text: str, language: str) -> str:
    """A prompt's text on one line, ending in a mark: one that ends in none lets the model run on into the next text."""
    text = " ".join(text.split())
    if not text or text[-1] in CLAUSE_MARKS:
        return text
    return text + ("." if language == "en" or text.isascii() else "。")


def _typed(sampling: Mapping[str, float]) -> dict:
    return {key: int(value) if key == "top_k" else value for key, value in sampling.items()}
