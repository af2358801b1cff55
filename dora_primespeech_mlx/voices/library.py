"""Loaded voices: their networks (shared by voices of one model) and everything that can be computed once per voice."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from dora_primespeech_mlx.audio import HOP, REFERENCE_RATE
from dora_primespeech_mlx.files.sounds import read_audio
from dora_primespeech_mlx.names.paths import there
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM
from dora_primespeech_mlx.runtime.alignment import Head
from dora_primespeech_mlx.runtime.factory import accelerated, choose
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, PrebuiltVocoder, SovitsRunner, T2SRunner
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Style, Wishes
from dora_primespeech_mlx.voices.book import VoiceBook, read_lexicon
from dora_primespeech_mlx.voices.codes import read_codes
from dora_primespeech_mlx.voices.encoders import Encoders, Ready
from dora_primespeech_mlx.voices.entry import VoiceEntry
from dora_primespeech_mlx.voices.models import LoadedModel, load_on_mlx, load_on_onnx
from dora_primespeech_mlx.voices.prompt import NO_PROMPT, DiffusionPrompt, Prompt, diffusion_prompt
from dora_primespeech_mlx.voices.recording import (
    Reference,
    S2Network,
    advise_codes,
    advise_pace,
    codes_from_recording,
    reference_from_recordings,
)

if TYPE_CHECKING:
    from dora_primespeech_mlx.text import Frontend, Phones

KEPT_MODELS = 2
"""Models whose weights the voices.json does not name, that are kept loaded."""
KEPT_STYLES = 16
"""Prompts of styles that are kept."""
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
        prompt: the recording whose prosody it follows.
        ge: timbre, float32 [gin].
        diffusion: what a v3 or v4 voice hears before each sentence; None for the others.
        head: of T2S's attention, which tells when words are spoken; None where none does.
        model: what its networks are called, with their folder: "GPT-SoVITS v2 (demo)".
        entry: what the file says of it.
    """

    name: str
    wishes: Wishes
    t2s: T2SRunner
    sovits: SovitsRunner | DiffusionRunner
    frontend: "Frontend"
    encoders: Encoders | None
    prompt: Prompt
    ge: np.ndarray
    diffusion: DiffusionPrompt | None = None
    head: Head | None = None
    model: str = "GPT-SoVITS"
    entry: VoiceEntry | None = None

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self.sovits.config.sample_rate

    @property
    def launch_bound(self) -> bool:
        """See `runtime.interface.SovitsRunner`; nothing of v3 and v4 is done for several texts at once."""
        return self.diffusion is None and cast(SovitsRunner, self.sovits).launch_bound

    @property
    def threads(self) -> int:
        """See `runtime.interface.SovitsRunner`, likewise for v3 and v4."""
        return 1 if self.diffusion is not None else cast(SovitsRunner, self.sovits).threads

    @property
    def codes(self) -> np.ndarray:
        """The prompt's semantic codes, int32 [m]; empty without a prompt."""
        return self.prompt.codes

    @property
    def prompt_ids(self) -> np.ndarray:
        """Phone ids of the prompt, int32 [n]; empty without a prompt."""
        return self.prompt.ids

    @property
    def gain(self) -> float:
        """What samples of the model are multiplied by."""
        return 1.0 if self.entry is None else self.entry.volume / 100.0

    def prosody(self, phones: "Phones") -> np.ndarray | None:
        """Features of the prompt's phones and then the text's, float32 [n, 1024]; None when all are zero."""
        features = _features(self.encoders, phones)
        before = self.prompt.bert
        if features is None and before is None:
            return None
        before = np.zeros((len(self.prompt_ids), BERT_DIM), np.float32) if before is None else before
        after = np.zeros((len(phones.ids), BERT_DIM), np.float32) if features is None else features
        return np.concatenate([before, after])


def _features(encoders: Encoders | None, phones: "Phones") -> np.ndarray | None:
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
        self._prompts: OrderedDict[tuple[object, ...], Prompt] = OrderedDict()

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
        frontend = self._frontend(entry, loaded)
        encoders = self._encoders_of(entry)
        reference, codes = _reference(entry, encoders, loaded.sovits)
        prosody = encoders if loaded.takes_prosody else None
        prompt = NO_PROMPT
        if entry.prompt_text and codes is not None:
            whose = f"The reference text of the voice {entry.name!r}"
            prompt = _prompt(codes, entry.prompt_text, entry.prompt_language, frontend, prosody, whose)
            name, lasts = str(entry.references[0]), len(reference.spectra[0]) * HOP / REFERENCE_RATE
            _warn(advise_codes(len(codes), lasts, name) or advise_pace(len(prompt.ids), lasts, name))
        ge = sovits.timbre(reference.spectra, reference.voice_vectors)
        if len(prompt.codes) and not loaded.finder.over:
            session = loaded.t2s.start([(prompt.ids, prompt.bert)], prompt.codes)
            loaded.finder.find(partial(session.cached, 0), len(prompt.ids), len(prompt.codes))
        return Voice(
            name=entry.name,
            wishes={"language": entry.language, "speed": entry.speed, **_typed(entry.sampling)},
            t2s=loaded.t2s,
            sovits=sovits,
            frontend=frontend,
            encoders=prosody,
            prompt=prompt,
            ge=ge,
            diffusion=self._diffusion(entry, sovits, prompt, ge),
            head=loaded.finder.found,
            model=f"GPT-SoVITS {loaded.sovits.config.version} ({entry.folder.resolve().name})",
            entry=entry,
        )

    def _frontend(self, entry: VoiceEntry, loaded: LoadedModel) -> "Frontend":
        """What reads texts for a voice."""
        # The rules of all languages are read while sessions are made.
        from dora_primespeech_mlx.text import Frontend

        lexicon = read_lexicon(entry.lexicon) if entry.lexicon else None
        frontend = Frontend(loaded.symbols, lexicon, self._settings.g2pw_dir, entry.home, entry.languages)
        frontend.check(entry.language)
        return frontend

    def styled(self, voice: Voice, style: str | Style | None) -> Voice:
        """The voice with the prosody of a style; its timbre stays. None is its own.

        Args:
            voice: one that this library loaded.
            style: the name of a style of the voice or of another voice of its model, or a style itself.

        Raises:
            ValueError: no such style, or it cannot be used.
            FileNotFoundError: a file of it is missing, or the model has no content encoder and it no codes.
        """
        if style is None or voice.entry is None:
            return voice
        if isinstance(style, str):
            named = voice.entry.style(style)
            if named is None:
                return replace(voice, prompt=self._of_another(voice, voice.entry, style))
            style = named
        source = style.codes or style.recording
        key = voice.entry.name, style, source and there(source) and source.stat().st_mtime_ns
        if key not in self._prompts:
            self._prompts[key] = self._prompt_of(voice, voice.entry, style)
        self._prompts.move_to_end(key)
        if len(self._prompts) > KEPT_STYLES:
            self._prompts.popitem(last=False)
        return replace(voice, prompt=self._prompts[key])

    def _of_another(self, voice: Voice, entry: VoiceEntry, name: str) -> Prompt:
        """The prompt of the voice of that name, which has the same model."""
        others = [each.name for each in self._book.entries.values() if each.weights == entry.weights]
        try:
            found = self._book.find(name)
        except ValueError:
            own = ", ".join(style.name for style in entry.styles) or "none"
            raise ValueError(
                f"There is no style {name!r} of the voice {entry.name!r}. Its styles: {own}. "
                f"Voices whose prosody it can follow: {', '.join(others)}."
            ) from None
        if found.weights != entry.weights:
            raise ValueError(f"The voice {entry.name!r} cannot follow {found.name!r}, which speaks with another model.")
        prompt = self.voice(found.name).prompt
        if prompt.phones is None:
            raise ValueError(
                f"The voice {entry.name!r} cannot follow {found.name!r}, which has no recording whose words are known."
            )
        return prompt

    def _prompt_of(self, voice: Voice, entry: VoiceEntry, style: Style) -> Prompt:
        network = self._model(entry).sovits
        if style.codes is not None:
            codes = read_codes(style.codes, network.config.code_count)
        elif style.recording is not None:
            codes = codes_from_recording(style.recording, self._encoders_of(entry), network)
        else:
            raise ValueError(f"The style {style.name!r} names neither a recording nor codes; it needs one.")
        whose = f"The text of the style {style.name!r}"
        return _prompt(codes, style.text, style.language, voice.frontend, voice.encoders, whose)

    def _encoders_of(self, entry: VoiceEntry) -> Encoders:
        folders, settings = encoder_folders(entry.folder, self._book.path.parent), self._settings
        return Encoders(folders, self._runtime, self._precision, settings.threads, self._encoders, settings.graph_cache)

    def _diffusion(
        self, entry: VoiceEntry, sovits: SovitsRunner | DiffusionRunner, prompt: Prompt, ge: np.ndarray
    ) -> DiffusionPrompt | None:
        """What a v3 or v4 voice hears before each sentence; None for the others."""
        if not isinstance(sovits.config, DiffusionConfig):
            return None
        if prompt.phones is None:
            raise words_lack(entry.name, sovits.config.version)
        steps = self._settings.steps or entry.steps or (STEPS_ON_DEVICE if self._on_device else STEPS_ON_CPU)
        return diffusion_prompt(sovits, *read_audio(entry.references[0]), prompt.codes, prompt.ids, ge, steps)

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


def _reference(entry: VoiceEntry, encoders: Encoders, sovits: S2Network) -> tuple[Reference, np.ndarray | None]:
    """What the recordings of a voice give, and its codes: stored ones, or the recording's; None for timbre alone."""
    stored = None if entry.codes is None else read_codes(entry.codes, sovits.config.code_count)
    with_codes = stored is None and bool(entry.prompt_text)
    lacks = ""
    if stored is not None and not entry.prompt_text:
        lacks = "it has codes and no text; give ref_text, exactly what the recording says"
    elif with_codes and not encoders.reads_recordings():
        lacks, with_codes = f"it has no codes, and {encoders.missing('hubert')}", False
    if lacks:
        logger.warning("The voice %r takes only the timbre of its recording: %s", entry.name, lacks)
    reference = reference_from_recordings(entry.references, encoders, sovits, with_codes)
    if stored is not None:
        return reference, stored
    _warn(reference.advice)
    return reference, reference.codes


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        logger.warning("%s", sentence)


def _prompt(
    codes: np.ndarray, text: str, language: str, frontend: "Frontend", encoders: Encoders | None, whose: str
) -> Prompt:
    """The prompt of codes that say a text; ValueError naming `whose` it is if that cannot be read."""
    try:
        phones = frontend(closed(text, language), language, guard=False)
    except ValueError as error:
        raise ValueError(f"{whose} cannot be read: {error}") from error
    return Prompt(codes, phones, _features(encoders, phones))


def encoder_folders(model: Path, voices: Path) -> list[Path]:
    """Where the encoders of a model may lie: with its weights, and beside the folder of the `voices.json`."""
    return [model, *(model / name for name in ENCODER_FOLDERS), voices / "encoders"]


def closed(text: str, language: str) -> str:
    """A prompt's text on one line, ending in a mark: one that ends in none lets the model run on into the next text."""
    from dora_primespeech_mlx.text.cuts import CLAUSE_MARKS

    text = " ".join(text.split())
    if not text or text[-1] in CLAUSE_MARKS:
        return text
    return text + ("." if language == "en" or text.isascii() else "。")


def words_lack(name: str, version: str) -> ValueError:
    """The error for a voice of v3 or v4 whose recording has no words, or no codes and nothing that makes them."""
    return ValueError(
        f"The voice {name!r} is of a {version} model, which takes a voice from a recording whose words it knows: give "
        "it ref_text, exactly what ref_audio says, and codes or HuBERT"
    )


def _typed(sampling: Mapping[str, float]) -> dict:
    return {key: int(value) if key == "top_k" else value for key, value in sampling.items()}
