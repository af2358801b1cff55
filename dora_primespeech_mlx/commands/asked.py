"""What several commands ask for: the settings, the standard input, and a way to advise."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from dora_primespeech_mlx.settings import Settings, misspelt_variables


def settings_of(voices: Path | None) -> Settings:
    """The settings of the environment, with the list of voices that the command line names, if it names one."""
    settings = Settings.from_env()
    advise([f"{name} has no effect here: {reason}" for name, reason in misspelt_variables().items()])
    return settings if voices is None else replace(settings, voices=voices)


def advise(sentences: Sequence[str]) -> None:
    """Say some sentences on standard error, each on a line."""
    for sentence in sentences:
        print(f"primespeech: {sentence}", file=sys.stderr)


def standard_input() -> BinaryIO:
    """The bytes of standard input; ValueError where there is none."""
    if sys.stdin is None:
        raise ValueError("There is no standard input here; give the text as an argument.")
    return sys.stdin.buffer


def lines() -> Iterator[str]:
    """The lines of standard input as they come."""
    from dora_primespeech_mlx.files.texts import decoded

    for line in standard_input():
        yield decoded(line, "standard input").rstrip("\r\n")
