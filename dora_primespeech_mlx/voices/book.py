"""`voices.json`: which voices there are, and where the files of each lie.

Three layouts are read. The first is a flat map of names to entries with `gpt`, `sovits`, `reference`, `prompt_text`,
`language` and `speed_factor`, whose codes lie as `prompt_semantic.npy` beside the SoVITS weights.
The second has a `voices` map of entries with `ref_audio` (or `ref_audios`), `ref_text`, `codes_path`, `text_lang`,
`prompt_lang`, `speed_factor`, `volume`, `aliases` and `styles` (names to objects with `ref_audio` or `codes_path`,
`ref_text` and `prompt_lang`), and beside it `default_voice`, `models_base_path` and `model`, the folder of converted
weights. An entry may name its own `model`, or weights of a predecessor as `gpt` and `sovits` (also called
`gpt_weights` and `vits_weights`).
The third is the `custom_voices.json` of MoFA and Moxin: a `voices` list, recordings in `custom_voices` beside it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any
from unicodedata import normalize

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.names.paths import perhaps, there
from dora_primespeech_mlx.speech import SAMPLING_NAMES, Style
from dora_primespeech_mlx.voices.fields import Fields, alike, shown
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE

__all__ = ["VoiceBook", "VoiceEntry", "folded", "list_voices", "read_lexicon", "read_voices"]

T2S_KEYS = ("gpt", "gpt_weights")
SOVITS_KEYS = ("sovits", "vits_weights", "sovits_weights")
NOTES = ("_", "//", "#", "$")
"""What the names of entries begin with that are notes, where they hold a text: "_comment"."""
COMMON = ("model", "default_voice", "models_base_path")
"""What the second layout says for all voices, beside their map."""
CUSTOM_FOLDER = "custom_voices"


@dataclass(frozen=True)
class VoiceEntry:
    """One voice as the file describes it, paths resolved.

    Attributes:
        name: as listed.
        weights: a converted model folder, or the two files (T2S, SoVITS) of a predecessor.
        references: recordings of the voice; the first is the one whose text and codes are known.
        prompt_text: what the first reference says; empty for a voice without a prompt.
        prompt_language: its language.
        language: of texts when the caller does not say; "auto" looks at each text.
        languages: what the voice speaks; empty for all that its model's phones have.
        speed: 1 is the model's own.
        volume: percent of what the model gives.
        codes: file of the prompt's semantic codes, or None.
        aliases: other names.
        sampling: sampling options of this voice, a subset of top_k, top_p, temperature, repetition_penalty,
            noise_scale.
        lexicon: file of pronunciations (word to pinyin or ARPAbet), or None.
        styles: recordings whose prosody it can follow.
        steps: of a diffusion decoder (v3, v4); None for the executor's.
        slips: sentences on fields whose names are nearly those of fields that are read.
        vocoder: a vocoder that `primespeech export --onnx` wrote, used on CPUs when it is there, or None.
    """

    name: str
    weights: Path | tuple[Path, Path]
    references: tuple[Path, ...]
    prompt_text: str
    prompt_language: str
    language: str
    speed: float
    codes: Path | None
    aliases: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sampling: Mapping[str, float] = field(default_factory=dict)
    lexicon: Path | None = None
    vocoder: Path | None = None
    steps: int | None = None
    volume: float = 100.0
    styles: tuple[Style, ...] = ()
    slips: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the weights lie."""
        return self.weights if isinstance(self.weights, Path) else self.weights[1].parent

    def files(self) -> Iterator[Path]:
        """Every file the voice needs."""
        if isinstance(self.weights, Path):
            yield from (self.weights / name for name in (T2S_FILE, SOVITS_FILE, CONFIG_FILE))
        else:
            yield from self.weights
        yield from self.references
        yield from (path for path in (self.codes, self.lexicon) if path is not None)
        yield from (path for style in self.styles if (path := style.codes or style.recording) is not None)

    def style(self, name: str) -> Style | None:
        """The style of that name, found as voices are; None if there is none."""
        return next((style for style in self.styles if folded(style.name) == folded(name)), None)


class VoiceBook:
    """The voices of one file, found by name or alias without regard to case, spaces, underscores and hyphens."""

    def __init__(self, entries: list[VoiceEntry], default: str | None, path: Path):
        if not entries:
            raise ValueError(f"{path} lists no voice.")
        self.path = path
        self.entries = {entry.name: entry for entry in entries}
        self._names = {folded(alias): entry for entry in entries for alias in entry.aliases}
        self._names |= {folded(entry.name): entry for entry in entries}
        if default and folded(default) not in self._names:
            raise ValueError(
                f"{path} has default_voice {shown(default)}, and there is no voice {shown(default)}. "
                f"Known voices: {', '.join(map(_bare, self.entries))}."
            )
        self.default = self.find(default).name if default else entries[0].name

    @property
    def names(self) -> list[str]:
        """Names in the order of the file."""
        return list(self.entries)

    def __contains__(self, name: str) -> bool:
        """Whether a voice has this name or alias."""
        return folded(name) in self._names

    def find(self, name: str | None) -> VoiceEntry:
        """The voice of that name or alias; None is the default.

        Raises:
            ValueError: no such voice; the message lists the known ones.
        """
        if name is None:
            return self.entries[self.default]
        entry = self._names.get(folded(name))
        if entry is None:
            raise ValueError(f"There is no voice {name!r}. Known voices: {', '.join(map(_bare, self.names))}.")
        return entry


def folded(name: str) -> str:
    """A name as it is compared."""
    composed = normalize("NFKC", normalize("NFKC", name).casefold())
    return "".join(c for c in composed if c not in " _-\t")


def _bare(name: str) -> str:
    return shown(name)[1:-1]


def read_voices(path: str | Path) -> VoiceBook:
    """Reads a `voices.json` of any layout; relative paths start at its folder (or its `models_base_path`).

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, or a field is missing or wrong, or two voices have one name; the message names them.
    """
    book, problems = list_voices(path)
    for problem in problems.values():
        raise ValueError(problem)
    assert book is not None, "a file without problems makes a book"
    return book


def list_voices(path: str | Path) -> tuple[VoiceBook | None, dict[str, str]]:
    """What `read_voices` reads, with all that is wrong with the entries: {name of the voice: sentence}.

    The book holds the voices that are right; it is None if none is.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file as a whole is wrong.
    """
    path = Path(path)
    if not there(path):
        raise FileNotFoundError(_no_file(path))
    content = read_json(path, "a list of voices")
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object that maps names to voices.")
    if "symbols" in content and "version" in content:
        raise ValueError(
            f"{path} is the config of a model, not a list of voices: name a voices.json, whose voices have "
            f'"model": {json.dumps(str(path.parent))}.'
        )
    common = Fields(path, content)
    default, voices = None, content
    folder = common.path(path.parent, "models_base_path") or path.parent
    if isinstance(content.get("voices"), dict):
        default, voices = common.text("default_voice"), content["voices"]
    elif isinstance(content.get("voices"), list):
        voices = _named(path, content["voices"])
    elif "voices" in content:
        raise ValueError(f"{path} has voices {shown(content['voices'])}; it must be an object of names to voices.")
    else:
        for key, value in content.items():
            parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
            if alike(key, ["voices"]) and parts and all(isinstance(part, dict) for part in parts):
                raise ValueError(f"{path} has {shown(key)}, which is not read: rename it, 'voices' is meant.")
        if beside := next((key for key in COMMON if isinstance(content.get(key), str)), None):
            raise ValueError(
                f'{path} has {shown(beside)} beside its voices and no object "voices": write them into one, '
                '"voices": {"Ada": {...}}.'
            )
    entries: list[VoiceEntry] = []
    problems: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name, item in voices.items():
        if name.startswith(NOTES) and not isinstance(item, dict):
            continue
        try:
            fields = Fields(path, item, name)
            if voices is content:
                entry = _flat(path.parent, name, fields)
            elif isinstance(content["voices"], list):
                entry = _custom(path.parent, name, fields, common)
            else:
                entry = _entry(folder, name, fields, common)
            _claim(entry, owners, fields.where)
            entries.append(replace(entry, slips=fields.slips()))
        except ValueError as error:
            problems[name] = str(error)
    if not voices:
        raise ValueError(f"{path} lists no voice.")
    if voices is not content and entries:
        common.note("voices")
        entries[0] = replace(entries[0], slips=(*common.slips(), *entries[0].slips))
    if problems and default is not None and default not in (name for entry in entries for name in _names(entry)):
        default = None
    return VoiceBook(entries, default, path) if entries else None, problems


def _names(entry: VoiceEntry) -> Iterator[str]:
    yield entry.name
    yield from entry.aliases


def _claim(entry: VoiceEntry, owners: dict[str, str], where: str) -> None:
    """Notes whose the names of an entry are; ValueError if one of them is another voice's."""
    if not folded(entry.name):
        raise ValueError(f"{where} has no letter in its name; give it one.")
    for name in _names(entry):
        owner = owners.setdefault(folded(name), entry.name)
        if owner != entry.name:
            raise ValueError(
                f"{where} is called {shown(name)}, and so is the voice {shown(owner)} (case, spaces, underscores and "
                "hyphens do not count): rename one, or take the alias out."
            )


def _word(path: Path) -> str:
    return quote(str(path))


def _predecessor(base: Path, path: Path) -> str:
    """What to do with a model folder of dora-primespeech in Python, if `base` is one; "" otherwise."""
    for root in (base / "moyoyo", base):
        t2s = min(root.glob("GPT_weights*/*.ckpt"), default=None)
        sovits = min(root.glob("SoVITS_weights*/*.pth"), default=None)
        if t2s is not None and sovits is not None:
            return (
                f"{base} is a model folder of dora-primespeech in Python, and has no voices.json. Convert the two "
                f"files of each voice, and add the voice: primespeech convert --t2s {_word(t2s)} --sovits "
                f"{_word(sovits)} --out {_word(base / 'converted')}; primespeech voice add NAME RECORDING --text WORDS "
                f"--model {_word(base / 'converted')} --voices {_word(path)}"
            )
    return ""


def _no_file(path: Path) -> str:
    with suppress(OSError):
        if way := _predecessor(path.parent.parent if path.parent.name == "voices" else path.parent, path):
            return way
    if path.is_dir():
        if there(path / T2S_FILE):
            return (
                f"{path} is the folder of a model, which lists no voices. Add one: primespeech voice add NAME "
                f"RECORDING --text WORDS --model {_word(path)} --voices VOICES.json"
            )
        inside = path / "voices.json"
        way = f"Name {inside}" if there(inside) else "Name the voices.json"
        return f"{path} is a folder. {way}, with VOICES_CONFIG or --voices."
    hint = perhaps(path)
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    named = f"{path} does not exist{place}{f': {hint}' if hint else ''}"
    return f"{named}. Name the voices.json to use, with VOICES_CONFIG or --voices."


def _weights(folder: Path, fields: Fields, common: Fields | None) -> Path | tuple[Path, Path]:
    """The weights that an entry names, or that the file names for all."""
    for part in (fields, common):
        if part is None:
            continue
        t2s, sovits = part.path(folder, *T2S_KEYS), part.path(folder, *SOVITS_KEYS)
        model = part.path(folder, "model")
        if t2s is not None and sovits is not None:
            return weights_of(t2s, sovits)
        if model is not None:
            return model
        if t2s is not None or sovits is not None:
            there_is, lacks = ("gpt", "sovits") if t2s is not None else ("sovits", "gpt")
            raise ValueError(
                f"{part.where} names its {there_is} weights and no {lacks} weights; a voice needs both"
                f"{part.renamed(lacks)}. "
                'Add them, or "model": the folder that primespeech convert wrote.'
            )
    raise ValueError(f'{fields.where} names no weights. Add "model": the folder that primespeech convert wrote.')


def weights_of(t2s: Path, sovits: Path) -> Path | tuple[Path, Path]:
    """Two weight files, or their folder if they are those that `primespeech convert` wrote into it."""
    written = (t2s.name, sovits.name) == (T2S_FILE, SOVITS_FILE) and t2s.parent == sovits.parent
    return t2s.parent if written and there(t2s.parent / CONFIG_FILE) else (t2s, sovits)


def _entry(folder: Path, name: str, fields: Fields, common: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, common)
    references = fields.texts("ref_audios") or fields.texts("ref_audio") or (fields.required("ref_audio"),)
    language = fields.language("text_lang", "auto")
    sampling = {key: fields.number(key) for key in (*SAMPLING_NAMES, "noise_scale")}
    return VoiceEntry(
        name=name,
        weights=weights,
        references=tuple(fields.resolved(folder, "ref_audio", reference) for reference in references),
        prompt_text=fields.words(folder, "ref_text"),
        prompt_language=fields.language("prompt_lang", language),
        language=language,
        speed=fields.number("speed_factor") or 1.0,
        codes=fields.path(folder, "codes_path"),
        aliases=fields.texts("aliases"),
        languages=fields.languages(common),
        sampling={key: value for key, value in sampling.items() if value is not None},
        lexicon=fields.path(folder, "lexicon"),
        vocoder=fields.path(folder, "vits_onnx"),
        steps=None if (steps := fields.number("steps")) is None else int(steps),
        volume=100.0 if (volume := fields.number("volume")) is None else volume,
        styles=tuple(_style(folder, style, part, language) for style, part in fields.parts("styles")),
    )


def _style(folder: Path, name: str, fields: Fields, language: str) -> Style:
    recording, codes = fields.path(folder, "ref_audio"), fields.path(folder, "codes_path")
    if recording is None and codes is None:
        raise ValueError(f"{fields.where} names neither 'ref_audio' nor 'codes_path'; a style is a recording.")
    fields.required("ref_text")
    return Style(name, fields.words(folder, "ref_text"), fields.language("prompt_lang", language), recording, codes)


def _flat(folder: Path, name: str, fields: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, None)
    sovits = fields.path(folder, *SOVITS_KEYS)
    codes = (weights if isinstance(weights, Path) else (sovits or weights[1]).parent) / "prompt_semantic.npy"
    fields.required("language")
    fields.required("prompt_text")
    language = fields.language("language", "auto")
    return VoiceEntry(
        name=name,
        weights=weights,
        references=(fields.resolved(folder, "reference", fields.required("reference")),),
        prompt_text=fields.words(folder, "prompt_text"),
        prompt_language=language,
        language=language,
        speed=fields.number("speed_factor") or 1.0,
        codes=codes if there(codes) else None,
    )


def _named(path: Path, items: list[Any]) -> dict[str, Any]:
    """The entries of a list by their names, or by their ids where two have one name."""
    named: dict[str, Any] = {}
    for number, item in enumerate(items):
        fields = Fields(path, item, f"number {number + 1}")
        if fields.text("ref_audio") is not None:
            raise ValueError(
                f'{path} has voices as a list, where names stand before them: write {{"Ada": {{...}}}} in place of '
                f"[{{...}}], with the name of each voice."
            )
        name = fields.text("name") or fields.required("id")
        named[fields.required("id") if name in named else name] = item
    return named


def _custom(folder: Path, name: str, fields: Fields, common: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, common)
    language = fields.language("language", "auto")
    reference = fields.resolved(folder / CUSTOM_FOLDER, "reference_audio_path", fields.required("reference_audio_path"))
    identity = fields.text("id")
    return VoiceEntry(
        name=name,
        weights=weights,
        references=(reference,),
        prompt_text=fields.words(folder, "prompt_text"),
        prompt_language=language,
        language=language,
        speed=1.0,
        codes=None,
        aliases=(identity,) if identity and folded(identity) != folded(name) else (),
    )


def read_lexicon(path: Path) -> Mapping[str, str]:
    """Pronunciations from a JSON object of words to how they are said.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such an object, or a pronunciation is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The lexicon {path} does not exist: give its path, or take it out of the voice.")
    lexicon = read_json(path, "a lexicon")
    if not isinstance(lexicon, dict) or not all(isinstance(said, str) for said in lexicon.values()):
        raise ValueError(f"The lexicon {path} must be a JSON object of words to pinyin or ARPAbet.")
    from dora_primespeech_mlx.text.lexicon import parse_lexicon

    try:
        parse_lexicon(lexicon)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; mend it there") from None
    return lexicon
