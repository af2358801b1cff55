"""`voices.json`: which voices there are, found by name. `layouts` says what such a file may look like."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.names.paths import perhaps, there
from dora_primespeech_mlx.voices.entry import VoiceEntry, folded
from dora_primespeech_mlx.voices.fields import Fields, is_note, shown
from dora_primespeech_mlx.voices.layouts import Reader, layout
from dora_primespeech_mlx.weights.whole import T2S_FILE


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
    voices, read = layout(path, content, common)
    if not voices:
        raise ValueError(f"{path} lists no voice.")
    entries, problems = _entries(path, voices, read)
    default = None
    if voices is not content:
        default = common.text("default_voice")
        common.note("voices")
        if entries:
            entries[0] = replace(entries[0], slips=(*common.slips(), *entries[0].slips))
    if problems and default is not None and default not in (name for entry in entries for name in _names(entry)):
        default = None
    return VoiceBook(entries, default, path) if entries else None, problems


def _entries(path: Path, voices: dict[str, Any], read: Reader) -> tuple[list[VoiceEntry], dict[str, str]]:
    """The voices that are right, and what is wrong with the others: {name: sentence}."""
    entries: list[VoiceEntry] = []
    problems: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name, item in voices.items():
        if is_note(name, item):
            continue
        try:
            fields = Fields(path, item, name)
            entry = read(name, fields)
            _claim(entry, owners, fields.where)
            entries.append(replace(entry, slips=fields.slips()))
        except ValueError as error:
            problems[name] = str(error)
    return entries, problems


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
