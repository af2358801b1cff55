"""A `voices.json` that takes voices: what is in it, where its paths begin, and how a voice is put into it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import replace_file
from dora_primespeech_mlx.names.paths import real
from dora_primespeech_mlx.settings import SHIPPED_VOICES
from dora_primespeech_mlx.speech import SAMPLING_NAMES
from dora_primespeech_mlx.voices.book import list_voices
from dora_primespeech_mlx.voices.entry import folded
from dora_primespeech_mlx.voices.fields import resolve

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
        self.base = resolve(path.parent, self.content.get("models_base_path") or ".")
        self.taken = _taken(self.content, name)

    @property
    def model(self) -> Path | None:
        """The folder of the model that the file names for all its voices."""
        return resolve(self.base, self.content["model"]) if self.content.get("model") else None

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
        self.content["voices"] = kept | {name: entry}
        default = self.content.get("default_voice")
        if default == self.taken if default else not kept:
            self.content["default_voice"] = name

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
    default = content.get("voices", {}).get(content.get("default_voice"), {})
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
    if not voices.exists():
        return {"voices": {}}
    content = read_json(voices, "a list of voices")
    if content == {}:
        return {"voices": {}}
    if not isinstance(content, dict) or not isinstance(content.get("voices"), dict):
        raise ValueError(
            f"{voices} has the layout of a predecessor (no map `voices`), which is read but not added to; "
            "name another file with --voices, it is made new"
        )
    if content["voices"]:
        _, problems = list_voices(voices)
        for problem in problems.values():
            raise ValueError(f"{problem} Mend that before a voice is added")
    taken = _taken(content, name)
    if taken is not None and not replace:
        raise ValueError(f"{voices} has a voice {taken!r} already; choose another name or add --replace")
    for other, entry in content["voices"].items():
        aliases = entry.get("aliases") or []
        if other != taken and any(
            folded(alias) == folded(name) for alias in ([aliases] if isinstance(aliases, str) else aliases)
        ):
            raise ValueError(f"{voices}: {name!r} is an alias of the voice {other!r}; choose another name")
    return content


def _taken(content: dict[str, Any], name: str) -> str | None:
    return next((known for known in content["voices"] if folded(known) == folded(name)), None)
