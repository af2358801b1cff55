"""Environment and arguments -> one frozen `Settings`, bounds checked.

This module is the only reader of the environment. `VARIABLES` is the whole table: which names are read, into which
field, and what each allows; docs/interface.md repeats it and a test compares the two. Where predecessors of this node
used several names for one thing, the first name that is set wins.
"""

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from dora_primespeech_mlx.names.slips import nearest
from dora_primespeech_mlx.names.spellings import language_code
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
LONGEST_SHOWN = 80
"""Characters of a wrong value that are repeated to who wrote it."""
SAMPLE_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True)
class Number:
    """A finite number between `low` and `high`, both allowed."""

    low: float
    high: float
    integer: bool = False

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.integer:
            return f"a whole number from {self.low:.0f} to {self.high:.0f}"
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, raw: str) -> float:
        """Text -> number. ValueError if it is none; "15.0" is a whole number."""
        number = float(raw)
        if self.integer and math.isfinite(number):
            if not number.is_integer():
                raise ValueError(raw)
            return int(number)
        return number

    def accepts(self, value: Any) -> bool:
        """Whether `value` is such a number."""
        kinds = (int,) if self.integer else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Seed(Number):
    """A whole number; -1 means "a fresh one for every text"."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{super().allowed}, or -1 for a fresh one for every text"

    def read(self, raw: str) -> Any:
        """Text -> number, or None for -1."""
        number = super().read(raw)
        return None if number == -1 else number


@dataclass(frozen=True)
class Bound(Number):
    """A number; 0 means "no bound"."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{super().allowed}, or 0 for no bound"

    def read(self, raw: str) -> Any:
        """Text -> number, or None for 0."""
        return super().read(raw) or None


@dataclass(frozen=True)
class Rate(Number):
    """One of `SAMPLE_RATES`, in Hz."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return "one of " + ", ".join(map(str, SAMPLE_RATES))

    def accepts(self, value: Any) -> bool:
        """Whether `value` is one of the rates."""
        return super().accepts(value) and value in SAMPLE_RATES


@dataclass(frozen=True)
class Steps(Number):
    """A power of two."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"a power of two from {self.low:.0f} to {self.high:.0f}"

    def accepts(self, value: Any) -> bool:
        """Whether `value` is such a power."""
        return super().accepts(value) and value.bit_count() == 1


@dataclass(frozen=True)
class Choice:
    """One of a few words; `synonyms` are read as one of them."""

    options: tuple[str, ...]
    synonyms: tuple[tuple[str, str], ...] = ()

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return "one of " + ", ".join(self.options)

    def read(self, raw: str) -> str:
        """Any case -> the option as listed."""
        folded = dict(self.synonyms).get(raw.casefold(), raw.casefold())
        return next((option for option in self.options if option.casefold() == folded), raw)

    def accepts(self, value: Any) -> bool:
        """Whether `value` is one of the options."""
        return value in self.options


@dataclass(frozen=True)
class Language(Choice):
    """A language, in any usual spelling: zh-CN, English, 日本語."""

    def read(self, raw: str) -> str:
        """Any spelling -> the option as listed."""
        plain = super().read(raw)
        return plain if plain in self.options else super().read(language_code(raw))


@dataclass(frozen=True)
class Flag:
    """True or false, in the spellings people use in YAML and shells."""

    allowed: str = "true or false"

    def read(self, raw: str) -> bool:
        """Text -> bool. ValueError for anything else."""
        folded = raw.casefold()
        if folded in ("true", "1", "yes", "on"):
            return True
        if folded in ("false", "0", "no", "off"):
            return False
        raise ValueError(raw)

    def accepts(self, value: Any) -> bool:
        """Whether `value` is a bool."""
        return isinstance(value, bool)


@dataclass(frozen=True)
class Name:
    """Any text."""

    allowed: str = "a name"

    def read(self, raw: str) -> str:
        """The text itself."""
        return raw

    def accepts(self, value: Any) -> bool:
        """Whether `value` is text."""
        return isinstance(value, str)


@dataclass(frozen=True)
class File:
    """A path; `~` and `$NAME` are expanded. With `inside`, the file of that name in the folder that is given."""

    inside: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return "a folder with a " + " or ".join(self.inside) if self.inside else "a path"

    def read(self, raw: str) -> Path:
        """Text -> path. With `inside`, the first candidate that exists, or else the first."""
        path = expand(raw)
        candidates = [path / name for name in self.inside]
        return (
            next((candidate for candidate in candidates if candidate.exists()), candidates[0]) if candidates else path
        )

    def accepts(self, value: Any) -> bool:
        """Whether `value` is a path."""
        return isinstance(value, Path)


@dataclass(frozen=True)
class Folders:
    """Folders, separated as PATH is; `~` and `$NAME` are expanded."""

    allowed: str = f"folders separated by '{os.pathsep}'"

    def read(self, raw: str) -> tuple[Path, ...]:
        """Text -> paths."""
        return tuple(expand(part) for part in raw.split(os.pathsep) if part.strip())

    def accepts(self, value: Any) -> bool:
        """Whether `value` is a tuple of paths."""
        return isinstance(value, tuple) and all(isinstance(path, Path) for path in value)


@dataclass(frozen=True)
class Words:
    """Names, separated by commas."""

    allowed: str = "names separated by commas"

    def read(self, raw: str) -> tuple[str, ...]:
        """Text -> names."""
        return tuple(part.strip() for part in raw.split(",") if part.strip())

    def accepts(self, value: Any) -> bool:
        """Whether `value` is a tuple of names."""
        return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


Kind = Number | Choice | Flag | Name | File | Folders | Words


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
            value = getattr(self, variable.field)
            if value is not None and not variable.kind.accepts(value):
                raise ValueError(f"{variable.field} is {value!r}; allowed is {variable.kind.allowed}")
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


def unquoted(raw: str) -> str:
    """A value without the quotation marks around it that files of variables and Windows' `set` leave in it."""
    return raw[1:-1].strip() if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'" else raw


def parse(name: str, raw: str, kind: Kind, meaning: str = "") -> Any:
    """Text -> checked value of `kind`. ValueError naming `name`, the text, what is allowed and what for."""
    try:
        value = kind.read(raw)
    except ValueError:
        value = raw
    if (value is None and isinstance(kind, Seed | Bound)) or kind.accepts(value):
        return value
    shown = repr(raw if len(raw) <= LONGEST_SHOWN else f"{raw[:LONGEST_SHOWN]}...")
    raise ValueError(f"{name}={shown} is not allowed; it must be {kind.allowed}{f' ({meaning})' if meaning else ''}")


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
        near[name] = longer or nearest(name.upper(), alike, ALIKE)
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


def expand(raw: str) -> Path:
    """Path with `~` and `$NAME` expanded; an address `file://...` is one too.

    Where the system knows no home, as for a user of a container that has a number and no name, nothing is in it and
    nothing can be written there.
    """
    raw = unquote(urlsplit(raw.strip()).path) if raw.strip().startswith("file://") else raw
    path = os.path.expanduser(os.path.expandvars(raw.strip()))
    return Path(os.devnull, path) if path.split("/")[0] == "~" else Path(path)
