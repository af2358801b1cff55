"""Folders of a model as its authors release them: weights beside a `config.json`, or a hub's cache of such a folder."""

from pathlib import Path
from typing import Any

from dora_primespeech_mlx.files.texts import read_json

SETTINGS_FILE = "config.json"
_SNAPSHOTS = "snapshots"


def released(folder: Path) -> Path:
    """The folder itself; of a hub's cache (`models--AUTHOR--NAME`) the snapshot in it, the newest of several."""
    if (folder / SETTINGS_FILE).is_file() or not (folder / _SNAPSHOTS).is_dir():
        return folder
    snapshots = [path for path in (folder / _SNAPSHOTS).iterdir() if path.is_dir()]
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=folder)


def read_settings(folder: Path, give: str) -> Any:
    """What the `config.json` of a folder says; `give` is what to do where it cannot be read.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no JSON.
    """
    path = folder / SETTINGS_FILE
    if folder.is_file():
        raise FileNotFoundError(f"{folder} is a file; {give}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {give}")
    try:
        return read_json(path, "a model's settings")
    except ValueError as error:
        raise ValueError(f"{error}; {give}") from error
