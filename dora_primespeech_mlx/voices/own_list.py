"""A `voices.json` that takes voices: what is in it, where its paths begin, and how a voice is put into it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import replace_file
from dora_primespeech_mlx.names.paths import real, there
from dora_primespeech_mlx.settings import SHIPPED_VOICES
from dora_primespeech_mlx.speech import SAMPLING_NAMES
from dora_primespeech_mlx.voices.book import list_voices
from dora_primespeech_mlx.voices.entry import VoiceEntry, folded
from dora_primespeech_mlx.voices.fields import Fields, is_note, resolve

RECORDINGS = "recordings"
_LONGEST_FOLDER = 60


class OwnList:
    """The content of a `voices.json` with a map of voices, which may take one of some name.

    Attributes:
        path: the file.
        content: what it says; a file that is not there has no voices.
        base: where its relative paths begin.
        taken: the name under which it has that voice, None where it has none.
    """

    def __init__(self, path: Path, name: str, replace: bool):
        """Read the file, if it is there.

        Raises:
            IsADirectoryError: it is a folder.
            ValueError: it is of a predecessor, something in it is wrong, or the name is taken and not to be replaced.
        """
        self.path = path
        self.content = _known(path, name, replace)
        self.base = resolve(path.parent, _written(self.content, "models_base_path") or ".")
        self.taken = _taken(self.content, name)

    @property
    def model(self) -> Path | None:
        """The folder of the model that the file names for all its voices."""
        written = _written(self.content, "model")
        return resolve(self.base, written) if written else None

    @property
    def languages(self) -> tuple[str, ...]:
        """What all its voices speak; empty where it does not say."""
        fields = Fields(self.path, self.content)
        return fields.languages(fields)

    def has_another_model(self, folder: Path) -> bool:
        """Whether the file names a model that is not the one in `folder`."""
        return self.model is not None and real(self.model) != real(folder)

    def relative(self, path: Path) -> str:
        """A path as an entry gives it: from the base where it lies below, else absolute."""
        path, base = real(path), real(self.base)
        return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)

    def put(self, name: str, entry: dict[str, Any]) -> None:
        """Put a voice in, in the place of the one it replaces.

        The first voice of a list without a default is its default, and stays it.
        """
        kept = {name if key == self.taken else key: value for key, value in self.content["voices"].items()}
        default = self.content.get("default_voice")
        if not _named(self.content) or (default and default == self.taken):
            self.content["default_voice"] = name
        self.content["voices"] = kept | {name: entry}

    def write(self) -> None:
        """Write the file, in one step."""
        text = json.dumps(self.content, indent=2, ensure_ascii=False) + "\n"
        replace_file(self.path, text.encode("utf-8"))


def shipped_list() -> tuple[dict[str, Any], Path]:
    """The list of the voices that ship, and the folder of their model."""
    content = read_json(SHIPPED_VOICES, "a list of voices")
    return content, resolve(resolve(SHIPPED_VOICES.parent, content["models_base_path"]), content["model"])


def sampling_of(content: dict[str, Any]) -> dict[str, Any]:
    """How the default voice of a list draws codes, as far as its entry says."""
    default = content.get("voices", {}).get(content.get("default_voice"))
    if not isinstance(default, dict):
        return {}
    return {name: default[name] for name in (*SAMPLING_NAMES, "noise_scale") if name in default}


def copy_recordings(root: Path, name: str, recordings: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Copies recordings into a folder of their own, which no other voice has and no other set of recordings.

    All are read before one is written, so that the copies of a voice can be given again in another order.
    """
    contents = [recording.read_bytes() for recording in recordings]
    digest = hashlib.sha256(folded(name).encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    safe = "".join(c if c.isalnum() else "_" for c in name)[:_LONGEST_FOLDER]
    place = root / f"{safe}-{digest.hexdigest()[:8]}"
    place.mkdir(parents=True, exist_ok=True)
    copies = [place / f"{number}{path.suffix.lower()}" for number, path in enumerate(recordings)]
    for copy, content in zip(copies, contents, strict=True):
        replace_file(copy, content)
    return place, copies


def _known(voices: Path, name: str, replace: bool) -> dict[str, Any]:
    """The content of the file, with a map of voices that may take one of this name."""
    if voices.is_dir():
        raise IsADirectoryError(f"{voices} is a folder: name the voices.json in it")
    if not voices.exists() or (there(voices) and not voices.read_bytes().strip()):
        return {"voices": {}}
    content = read_json(voices, "a list of voices")
    if isinstance(content, dict) and content.get("voices") is None and not content.keys() - {"voices"}:
        return {"voices": {}}
    if not isinstance(content, dict) or not isinstance(content.get("voices"), dict):
        raise ValueError(
            f"{voices} has the layout of a predecessor (no map `voices`), which is read but not added to; "
            "name another file with --voices, it is made new"
        )
    _check_common(Fields(voices, content), voices.parent)
    taken = _taken(content, name)
    for entry in _entries(voices, content):
        if entry.name != taken and folded(name) in map(folded, entry.aliases):
            raise ValueError(f"{voices}: {name!r} is an alias of the voice {entry.name!r}; choose another name")
    if taken is not None and not replace:
        raise ValueError(f"{voices} has a voice {taken!r} already; choose another name or add --replace")
    return content


def _written(content: dict[str, Any], key: str) -> str:
    """A text of a list that was checked; "" where it says nothing."""
    return (content.get(key) or "").strip()


def _check_common(common: Fields, folder: Path) -> None:
    """ValueError if what a list says for all its voices could not be read again."""
    common.text("default_voice")
    common.path(folder, "model")
    common.path(folder, "models_base_path")
    common.languages(common)


def _entries(voices: Path, content: dict[str, Any]) -> Iterable[VoiceEntry]:
    """The voices of a list; ValueError if one of them is wrong."""
    if not _named(content):
        return ()
    book, problems = list_voices(voices)
    for problem in problems.values():
        raise ValueError(f"{problem} Mend that before a voice is added")
    return () if book is None else book.entries.values()


def _named(content: dict[str, Any]) -> list[str]:
    """The names of the voices of a list, notes left out."""
    return [name for name, entry in content["voices"].items() if not is_note(name, entry)]


def _taken(content: dict[str, Any], name: str) -> str | None:
    return next((known for known in _named(content) if folded(known) == folded(name)), None)
