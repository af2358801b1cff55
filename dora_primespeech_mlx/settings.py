"""Environment and arguments -> one frozen `Settings`, bounds checked.

This module is the only reader of the environment. `VARIABLES` is the whole table: which names are read, into which
field, and what each allows; docs/interface.md repeats it and a test compares the two. Where predecessors of this node
used several names for one thing, the first name that is set wins.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Self

from dora_primespeech_mlx.names.slips import nearest
from dora_primespeech_mlx.names.values import (
    Bound,
    Choice,
    File,
    Flag,
    Folders,
    Kind,
    Language,
    Name,
    Number,
    Rate,
    Seed,
    Steps,
    Words,
    expand,
    parse,
    unquoted,
)
from dora_primespeech_mlx.speech import SAMPLING_NAMES, Wishes

PACKAGE = Path(str(resources.files("dora_primespeech_mlx")))
INSTALLED_VOICES = PACKAGE / "shipped" / "voices.json"
SHIPPED_VOICES = INSTALLED_VOICES if INSTALLED_VOICES.is_file() else PACKAGE.parent / "voices.json"
"""The voices that ship: inside an installed package, at the top of a checkout."""
OWN_VOICES = "~/.dora/primespeech"
"""The folder of what a user adds: voices beside an installed package, and files that messages name."""
PROJECT = "dora-primespeech-mlx"
NATIVE_SAMPLE_RATE = 32000
ALIKE = 0.88
"""How like two variables are, 0 to 1, which share their longer parts, for one to be taken for a slip of the other."""


@dataclass(frozen=True)
class Variable:
    """One row of the table: environment `names` in order of precedence, the `field` they set, what it is for."""

    names: tuple[str, ...]
    field: str
    kind: Kind
    meaning: str


LANGUAGES = Language(
    ("auto", "zh", "en", "ja", "ko", "yue", "auto_yue"),
    synonyms=(("all_zh", "zh"), ("all_ja", "ja"), ("all_ko", "ko"), ("all_yue", "yue")),
)
RUNTIMES = Choice(("auto", "mlx", "onnx"), synonyms=(("cpu", "onnx"), ("onnxruntime", "onnx")))
PRECISIONS = Choice(
    ("auto", "fp32", "fp16", "int8"),
    synonyms=(
        ("float32", "fp32"),
        ("f32", "fp32"),
        ("float16", "fp16"),
        ("f16", "fp16"),
        ("half", "fp16"),
        ("q8", "int8"),
    ),
)
AUDIO_FORMATS = Choice(
    ("flat", "list", "int16"), synonyms=(("float32", "flat"), ("f32", "flat"), ("pcm16", "int16"), ("s16le", "int16"))
)
LOG_LEVELS = Choice(
    ("DEBUG", "INFO", "WARNING", "ERROR"),
    synonyms=(("trace", "debug"), ("warn", "warning"), ("critical", "error"), ("fatal", "error")),
)
SPLIT_METHODS = Choice(("sentence", "cut0", "cut1", "cut2", "cut3", "cut4", "cut5"))
STEPS = Steps(1, 32, integer=True)
SPEED = Number(0.5, 2.0)
PITCH = Number(-12.0, 12.0)
VOLUME = Number(0.0, 200.0)
SEED = Seed(0, 2**32 - 1, integer=True)

VARIABLES = (
    Variable(("VOICES_CONFIG",), "voices", File(), "the voices.json that lists the voices"),
    Variable(
        ("GPT_SOVITS_MODEL_DIR", "PRIMESPEECH_MODEL_DIR"),
        "voices",
        File(("voices/voices.json", "voices.json")),
        "a model folder in a predecessor's layout, if VOICES_CONFIG is not set",
    ),
    Variable(("VOICE_NAME", "VOICE_CHARACTER"), "voice", Name(), "the voice; the file's default if not set"),
    Variable(("VOICE_STYLE",), "style", Name(), "a style of the voice, or a voice whose prosody it follows"),
    Variable(("TEXT_LANG",), "language", LANGUAGES, "the language of the texts; auto looks at each"),
    Variable(("G2PW_DIR",), "g2pw_dir", File(), "folder of G2PWModel_1.1, for characters of several readings"),
    Variable(("RUNTIME",), "runtime", RUNTIMES, "where the networks run: mlx on a GPU, onnx on a CPU"),
    Variable(("PRECISION",), "precision", PRECISIONS, "number format of the weights"),
    Variable(("GRAPH_CACHE",), "graph_cache", File(), "folder where the CPU's graphs are kept, made once for a model"),
    Variable(("NUM_THREADS",), "threads", Number(1, 256, integer=True), "threads of the CPU executor"),
    Variable(("TOP_K",), "top_k", Number(1, 1025, integer=True), "tokens the sampler chooses from"),
    Variable(("TOP_P",), "top_p", Number(0.01, 1.0), "probability mass the sampler keeps"),
    Variable(("TEMPERATURE",), "temperature", Number(0.01, 5.0), "sampling temperature"),
    Variable(("REPETITION_PENALTY",), "repetition_penalty", Number(0.5, 5.0), "penalty on repeated tokens"),
    Variable(("NOISE_SCALE",), "noise_scale", Number(0.0, 2.0), "scale of the decoder's noise"),
    Variable(("SAMPLE_STEPS",), "steps", STEPS, "steps of a diffusion decoder (v3, v4): 8 on a GPU, 4 on a CPU"),
    Variable(("SPEED_FACTOR",), "speed", SPEED, "speed of speech; the voice's own if not set"),
    Variable(("SEED",), "seed", SEED, "fixed seed, so that a text always sounds the same"),
    Variable(("TEXT_SPLIT_METHOD",), "split_method", SPLIT_METHODS, "how a text is cut into sentences"),
    Variable(("STRIP_MARKUP",), "strip_markup", Flag(), "leave out Markdown, emoji, tool calls and speaker tags"),
    Variable(("FRAGMENT_INTERVAL",), "fragment_interval", Number(0.0, 10.0), "seconds of silence after a sentence"),
    Variable(("RETURN_FRAGMENT",), "return_fragment", Flag(), "false sends each text as one audio message"),
    Variable(("SAMPLE_RATE",), "sample_rate", Rate(8000, 48000, integer=True), "samples per second of the output"),
    Variable(
        ("AUDIO_FORMAT",),
        "audio_format",
        AUDIO_FORMATS,
        "flat float32, list of one float32 array (MoFA's Python player), or flat int16",
    ),
    Variable(("AUDIO_GAIN",), "gain", Number(0.0, 4.0), "factor on every sample"),
    Variable(("SEND_INTERVAL_MS",), "send_interval_ms", Number(1.0, 1000.0), "least time between two audio messages"),
    Variable(
        ("MAX_AUDIO_AHEAD",),
        "max_ahead",
        Bound(0.5, 600.0),
        "seconds audio may run ahead of its playing; players with small queues drop what comes sooner",
    ),
    Variable(("BUFFER_PAUSE",), "buffer_pause", Number(1.0, 100.0), "percent of `buffer_status` that pauses sending"),
    Variable(("BUFFER_RESUME",), "buffer_resume", Number(0.0, 99.0), "percent of `buffer_status` that resumes it"),
    Variable(
        ("TEXT_MODE",),
        "text_mode",
        Choice(("auto", "whole", "partial")),
        "auto: a message with `fin` is a piece of a text; whole: each message is a text; partial: each is a piece",
    ),
    Variable(
        ("PARTIAL_TEXT_TIMEOUT",),
        "partial_timeout",
        Number(0.1, 600.0),
        "seconds without a new piece after which a partial text counts as complete",
    ),
    Variable(("VOICE_DIRS",), "voice_dirs", Folders(), "where VOICE:CUSTOM and VOICE:TRAINED may read files"),
    Variable(("VOICE_PATHS",), "voice_paths", Choice(("confined", "any")), "any lets them read files everywhere"),
    Variable(("PASS_METADATA",), "pass_metadata", Words(), "more metadata names to hand through to the outputs"),
    Variable(("MAX_TEXT_CHARS",), "max_text_chars", Number(1, 10_000_000, integer=True), "longest text, in characters"),
    Variable(("MAX_PENDING",), "max_pending", Number(1, 1_000_000, integer=True), "texts that may wait"),
    Variable(
        ("MAX_SESSIONS",),
        "max_sessions",
        Number(1, 10_000, integer=True),
        "texts spoken at once; as many as the machine carries, by its own measure, if not set",
    ),
    Variable(
        ("LOG_LEVEL",),
        "log_level",
        LOG_LEVELS,
        "least level of the `log` output",
    ),
)

KINDS: Mapping[str, Kind] = {variable.field: variable.kind for variable in VARIABLES}
"""Field of `Settings` -> what it allows."""
MANNER_NAMES = ("voice", "style", "language", "speed", "seed", "noise_scale", *SAMPLING_NAMES)
"""Fields of `Settings` that say how to speak."""

IGNORED = {
    "USE_GPU": "RUNTIME chooses the executor",
    "DEVICE": "RUNTIME chooses the executor",
    "USE_MLX_VITS": "RUNTIME chooses the executor",
    "PROMPT_LANG": "the voice's entry in voices.json says it",
    "PROMPT_TEXT": "the voice's entry in voices.json says it",
    "REF_AUDIO": "the voice's entry in voices.json says it",
    "REF_TEXT": "the voice's entry in voices.json says it",
    "CODES_PATH": "the voice's entry in voices.json says it",
    "T2S_WEIGHTS": "the voice's entry in voices.json says it",
    "VITS_WEIGHTS": "the voice's entry in voices.json says it",
    "HUBERT_WEIGHTS": "encoders lie in a folder `encoders` with the voice's weights or beside voices.json",
    "BERT_WEIGHTS": "encoders lie in a folder `encoders` with the voice's weights or beside voices.json",
    "BERT_TOKENIZER": "encoders lie in a folder `encoders` with the voice's weights or beside voices.json",
    "BATCH_SIZE": "sentences are spoken one after the other",
    "SPLIT_BUCKET": "sentences are spoken one after the other",
    "FRAGMENT_MIN_CHARS": "sentences are spoken as soon as they are complete",
    "SYNTHESIS_TIMEOUT_SECS": "the control input cancels a text",
}


@dataclass(frozen=True)
class Settings:
    """Everything one can choose. ValueError for a value out of bounds; units are those of `VARIABLES`.

    Texts are read as those of the environment are: `Settings(voices="mine/voices.json", language="English")`.
    None means: the file's default (`voice`), the voice's own (`style`, `speed`, `noise_scale`, `top_k`, ...), a fresh
    one for every text (`seed`), the executor's choice (`threads`), dictionaries alone (`g2pw_dir`), no bound
    (`max_ahead`), or as many as the machine carries (`max_sessions`).
    """

    voices: Path = SHIPPED_VOICES
    voice: str | None = None
    style: str | None = None
    language: str = "auto"
    g2pw_dir: Path | None = None
    runtime: str = "auto"
    precision: str = "auto"
    graph_cache: Path = field(default_factory=lambda: cache_folder() / "graphs")
    threads: int | None = None
    top_k: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    noise_scale: float | None = None
    steps: int | None = None
    speed: float | None = None
    seed: int | None = None
    split_method: str = "sentence"
    strip_markup: bool = True
    fragment_interval: float = 0.3
    return_fragment: bool = True
    sample_rate: int = NATIVE_SAMPLE_RATE
    audio_format: str = "flat"
    gain: float = 1.0
    send_interval_ms: float = 1.0
    max_ahead: float | None = 1.5
    buffer_pause: float = 60.0
    buffer_resume: float = 30.0
    text_mode: str = "auto"
    partial_timeout: float = 10.0
    voice_dirs: tuple[Path, ...] = ()
    voice_paths: str = "confined"
    pass_metadata: tuple[str, ...] = ()
    max_text_chars: int = 1_000_000
    max_pending: int = 10_000
    max_sessions: int | None = None
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        for variable in VARIABLES:
            object.__setattr__(self, variable.field, _settled(variable, getattr(self, variable.field)))
        if self.buffer_resume >= self.buffer_pause:
            raise ValueError(
                f"BUFFER_RESUME ({self.buffer_resume:g}) must be less than BUFFER_PAUSE ({self.buffer_pause:g})"
            )

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read `VARIABLES` from `env`; unset and empty ones keep the default.

        Raises:
            ValueError: a value is not allowed; the message names the variable, the value and what is.
        """
        values: dict[str, Any] = {}
        for variable in VARIABLES:
            for name in variable.names:
                raw = unquoted(env.get(name, "").strip())
                if raw and variable.field not in values:
                    values[variable.field] = parse(name, raw, variable.kind, variable.meaning)
        return cls(**values)

    @property
    def wishes(self) -> Wishes:
        """What is said here of how to speak: fields of `Manner`. The language "auto" says nothing."""
        said = {name: getattr(self, name) for name in MANNER_NAMES}
        return {name: value for name, value in said.items() if value not in (None, "auto")}


def _settled(variable: Variable, value: Any) -> Any:
    """A value of a field of `Settings` as it is kept; ValueError for one that is not allowed."""
    kind, has_no_bound = variable.kind, isinstance(variable.kind, Seed | Bound)
    if value is None and (has_no_bound or variable.field in _OPTIONAL):
        return None
    read = value
    if isinstance(value, str) or has_no_bound:
        with suppress(ValueError):
            read = kind.read(str(value))
    if value is None or not (kind.accepts(read) or (has_no_bound and read is None)):
        raise ValueError(f"{variable.field} is {value!r}; allowed is {kind.allowed}")
    return read


_OPTIONAL = frozenset(each.name for each in fields(Settings) if each.default is None)
"""Fields that may say nothing."""


def checked(name: str, value: Any) -> Any:
    """A value of a field of `Settings`, or a text of one, as `parse` reads it and with its errors."""
    return parse(name, str(value), KINDS[name])


def ignored_variables(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Names in `env` that predecessors read and this node does not, or that are misspelt, each with the reason."""
    return {name: IGNORED[name] for name in IGNORED if env.get(name, "").strip()} | misspelt_variables(env)


def misspelt_variables(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Names in `env` that are nearly one of `VARIABLES` that is not set, each with the one that may be meant."""
    known = [name for variable in VARIABLES for name in variable.names]
    unset = [name for name in known if not env.get(name, "").strip()]
    strange = [name for name in env if name not in known and name not in IGNORED and env[name].strip()]
    near = {}
    for name in strange:
        alike = [other for other in unset if other[0] == name[0].upper()]
        longer = [other for other in unset if other.startswith(f"{name.upper()}_")]
        shorter = [other for other in unset if name.upper().startswith(other) and name[len(other) :].isalpha()]
        near[name] = longer or shorter or nearest(name.upper(), alike, ALIKE)
    return {name: f"{found[0]} may be meant" for name, found in near.items() if found}


def cache_folder(env: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder for what can be made anew, where the system has it."""
    if platform == "win32":
        home = expand(env.get("LOCALAPPDATA", "").strip() or "~/AppData/Local")
        return home / PROJECT / "cache"
    if platform == "darwin":
        return expand("~/Library/Caches") / PROJECT
    return expand(env.get("XDG_CACHE_HOME", "").strip() or "~/.cache") / PROJECT


def writable_voices(voices: Path) -> Path:
    """The list that a voice is added to: `voices`, but the user's own for the one inside an installed package."""
    return expand(OWN_VOICES) / "voices.json" if voices == INSTALLED_VOICES else voices
