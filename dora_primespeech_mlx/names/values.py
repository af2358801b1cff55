"""Kinds of values that users write in variables, messages and lists: how each is read, and what is allowed."""

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dora_primespeech_mlx.names.paths import there
from dora_primespeech_mlx.names.spellings import language_code

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
        """Text -> path. With `inside`, the path itself if it is a file, else the first there is, or else the first."""
        path = expand(raw)
        candidates = [] if there(path) else [path / name for name in self.inside]
        return next(filter(there, candidates), candidates[0]) if candidates else path

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


def unquoted(raw: str) -> str:
    """A value without the quotation marks around it that files of variables and Windows' `set` leave in it."""
    return raw[1:-1].strip() if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'" else raw


def addressed(raw: str) -> str:
    """The path that an address stands for: `file:///my%20list.json`, `file:a.wav`, `file:///C:/a.wav`; others stay."""
    address = re.match(r"file:(?://(?:localhost(?=/))?)?(.+)", raw, re.IGNORECASE | re.DOTALL)
    if address is None:
        return raw
    path = unquote(address[1])
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def expand(raw: str) -> Path:
    """Path with `~` and `$NAME` expanded; an address `file://...` is one too.

    Where the system knows no home, as for a user of a container that has a number and no name, nothing is in it and
    nothing can be written there.
    """
    path = os.path.expanduser(os.path.expandvars(addressed(raw.strip())))
    return Path(os.devnull, path) if path.split("/")[0] == "~" else Path(path)
