"""One reader for every value of a `voices.json`: its kind, its bounds, and a sentence that names file, voice and field.

A value of null is as if the field were not there.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.names.paths import elsewhere, is_file_name, there
from dora_primespeech_mlx.names.slips import nearest
from dora_primespeech_mlx.names.synonyms import as_key, is_known, same_thing
from dora_primespeech_mlx.names.values import Number, expand
from dora_primespeech_mlx.settings import LANGUAGES, SPEED, VARIABLES, VOLUME
from dora_primespeech_mlx.speech import SAMPLING_NAMES

NUMBERS: Mapping[str, Number] = {
    "speed_factor": SPEED,
    "volume": VOLUME,
    **{
        variable.field: variable.kind
        for variable in VARIABLES
        if isinstance(variable.kind, Number) and variable.field in (*SAMPLING_NAMES, "noise_scale", "steps")
    },
}
"""Fields that hold numbers -> what they allow, which is what the environment allows."""
SPOKEN = tuple(code for code in LANGUAGES.options if not code.startswith("auto"))
NOTES = ("_", "//", "#", "$")
"""What the names of entries begin with that are notes, where they hold a text: "_comment"."""
LONGEST_TEXT = 2000
MOST_PATHS = 64


class Fields:
    """Typed access to the fields of one entry, or of the file itself. All errors are ValueErrors.

    `read` has the names of the fields that were looked for.
    """

    def __init__(self, path: Path | str, item: Any, name: str | None = None, kind: str = "the voice"):
        """Take the fields of the `kind` of thing `name`, or with None those of the file at `path`."""
        self.where = f"{path}" if name is None else f"{path}: {kind} {shown(name)}"
        if name is not None:
            self._checked("a name", name)
            if any(c < " " for c in name):
                raise ValueError(f"{self.where} has a line break or another control sign in its name: take it out.")
        if not isinstance(item, dict):
            raise ValueError(f"{self.where} must be a JSON object, with its fields between {{ and }}.")
        self._item: dict[str, Any] = item
        self.read: set[str] = set()
        self._parts: list[Fields] = []

    def slips(self) -> tuple[str, ...]:
        """A sentence for each field that nothing reads and whose name is nearly that of one that was looked for."""
        absent = sorted(self.read - self._item.keys())
        near = {key: _meant(key, absent) for key in self._item if key not in self.read}
        own = (
            f"{self.where} has {shown(key)}, which is not read: rename it if {found[0]!r} is meant, or take it out"
            for key, found in near.items()
            if found
        )
        return (*own, *(slip for part in self._parts for slip in part.slips()))

    def note(self, *keys: str) -> None:
        """These fields are read, by whoever gave them."""
        self.read.update(keys)

    def parts(self, key: str) -> list[tuple[str, "Fields"]]:
        """The names and fields of an object of objects; none without it."""
        value = self._value(key)
        parts = {} if value is None else value
        if not isinstance(parts, dict) or len(parts) > MOST_PATHS:
            raise ValueError(
                f"{self.where} has {key} {shown(value)}; it must be an object of at most {MOST_PATHS} objects."
            )
        kind = f"the {key.removesuffix('s')}"
        found = [
            (name, Fields(self.where, part, name, kind))
            for name, part in parts.items()
            if part is not None and not is_note(name, part)
        ]
        self._parts += [part for _, part in found]
        return found

    def text(self, *keys: str) -> str | None:
        """The first of some fields that is there, or None."""
        self.read.update(keys)
        for key in keys:
            value = self._item.get(key)
            if value is not None:
                return self._checked(key, value)
        return None

    def required(self, key: str) -> str:
        """A field that must be there and not be empty."""
        value = self.text(key)
        if not value or not value.strip():
            raise self.lacks(key)
        return value

    def lacks(self, key: str) -> ValueError:
        """The error for a field that must be there and is not, or is empty."""
        return ValueError(f"{self.where} lacks {key!r}{self.renamed(key)}.")

    def words(self, folder: Path, key: str) -> str:
        """What a recording says, "" without the field; ValueError for the name of a file from `folder`."""
        value = (self.text(key) or "").strip()
        if is_file_name(str(resolve(folder, value))):
            raise ValueError(f"{self.where} has {key} {shown(value)}, the name of a file: write the words in it.")
        return value

    def renamed(self, key: str) -> str:
        """What to do about a field that lacks, where another is there under a name that stands for it; else ""."""
        own = next((name for name in self._item if name not in self.read and _meant(name, [key])), None)
        return "" if own is None else f"; rename {own!r}, which is not read here, if that is meant"

    def texts(self, key: str) -> tuple[str, ...]:
        """A field with a list of texts, or one text, less empty ones; empty without it."""
        value = self._value(key)
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or len(values) > MOST_PATHS:
            raise ValueError(
                f"{self.where} has {key} {shown(value)}; it must be text, or a list of at most {MOST_PATHS} texts."
            )
        return tuple(text for part in values if (text := self._checked(key, part)).strip())

    def path(self, folder: Path, *keys: str) -> Path | None:
        """The first of some fields that is there as a path, relative ones from `folder`; None for none or "" ."""
        value = self.text(*keys)
        key = next((key for key in keys if self._item.get(key) is not None), keys[0])
        return self.resolved(folder, key, value) if value and value.strip() else None

    def resolved(self, folder: Path, key: str, value: str) -> Path:
        """A path that the field `key` gives."""
        if away := elsewhere(value):
            raise ValueError(f"{self.where} has {key} {shown(value)}, {away}.")
        if any(c < " " for c in value.strip()):
            raise ValueError(
                f"{self.where} has {key} {shown(value)}, and JSON reads \\n, \\t, \\r, \\b and \\f as signs that no "
                "path has: write / in place of \\."
            )
        return resolve(folder, value)

    def number(self, key: str) -> float | None:
        """A number within the bounds of `NUMBERS`, or None."""
        value, kind = self._value(key), NUMBERS[key]
        if value is None:
            return None
        if kind.integer and isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.where} has {key} {shown(value)}; it must be a number.")
        if not kind.accepts(value):
            raise ValueError(f"{self.where} has {key} {shown(value)}; it must be {kind.allowed}.")
        return value

    def language(self, key: str, default: str) -> str:
        """A language in any usual spelling as its code."""
        value = self.text(key)
        if not value or not value.strip():
            return default
        code = LANGUAGES.read(value)
        if not LANGUAGES.accepts(code):
            from dora_primespeech_mlx.text.languages import checked_language

            try:
                return checked_language(code)
            except ValueError as error:
                raise ValueError(f"{self.where} has {key} {shown(value)}: {error}.") from None
        return code

    def languages(self, common: "Fields") -> tuple[str, ...]:
        """The languages a voice speaks, its own list or that of the file; empty if neither says."""
        own = self._value("languages")
        fields, value = (common, common._value("languages")) if own is None else (self, own)
        names = [] if value is None else value
        listed = names if isinstance(names, list) else [names]
        listed = [LANGUAGES.read(name) if isinstance(name, str) else name for name in listed]
        unknown = [name for name in listed if not isinstance(name, str) or name not in SPOKEN]
        if unknown or not isinstance(names, list):
            wrong = shown((unknown or listed)[0])
            raise ValueError(f"{fields.where} has languages {wrong}; it must be a list of {', '.join(SPOKEN)}.")
        return tuple(dict.fromkeys(listed))

    def _value(self, key: str) -> Any:
        self.read.add(key)
        return self._item.get(key)

    def _checked(self, key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{self.where} has {key} {shown(value)}; it must be text.")
        if len(value) > LONGEST_TEXT or "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise ValueError(
                f"{self.where} has {key} {shown(value)}; it must be text of at most {LONGEST_TEXT} characters, none of "
                "them broken."
            )
        return value


def _meant(key: str, absent: Sequence[str]) -> list[str]:
    """The one of the `absent` fields that a key stands for: it has that name in another program, or nearly that."""
    if meant := same_thing(key, absent):
        return [meant]
    return [] if is_known(key) else alike(key, absent)


def is_note(name: str, item: Any) -> bool:
    """Whether an entry of that name is a note of whoever wrote the file."""
    return name.startswith(NOTES) and not isinstance(item, dict)


def alike(key: str, names: Sequence[str]) -> list[str]:
    """The one of `names` that a key is a slip of, in a list; empty if it is of none."""
    return nearest(as_key(key), names)


def shown(value: Any) -> str:
    """A value as messages show it: short, and with nothing that a terminal cannot print."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 256 else "a huge number"
    return (text if len(text) <= 80 else text[:77] + "...").encode("utf-8", "backslashreplace").decode("utf-8")


def resolve(folder: Path, value: str) -> Path:
    """A path from a voices.json, as `expand` reads it, relative ones from `folder`.

    Backslashes are read as slashes where there is no file of that name and one with slashes.
    """
    path = folder / expand(value)
    slashed = folder / expand(value.replace("\\", "/"))
    return slashed if "\\" in value and not there(path) and there(slashed) else path
