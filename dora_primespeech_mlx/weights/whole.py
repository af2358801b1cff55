"""A folder of files that belong together is always whole: the old set, or the new one, never some of each.

A set is its *manifest*, a JSON file that names the others with their sizes and hashes. A writer puts the new files
beside the old ones under names that hold their hash, and then exchanges the manifest in one step: from there on the
folder is the new set. Only then do the files get their own names. Whoever reads looks for a file under both names and
checks it against the manifest that it read; a set that was exchanged meanwhile is read once more. So a writer may be
killed at any moment, the next one tidies up, and a reader needs no right to write.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import locked, make_folder, write_synced
from dora_primespeech_mlx.weights.safetensors_file import Stamp, StampError, read_safetensors
from dora_primespeech_mlx.weights.source import CheckpointError, Source

T2S_FILE, SOVITS_FILE, CONFIG_FILE = "t2s.safetensors", "sovits.safetensors", "config.json"
"""The files of a model folder; the last is its manifest."""
TOKENIZER_FILE = "roberta_tokenizer.json"
"""Lies beside a RoBERTa."""
FILES = "files"
"""The manifest's key for what it says of the other files."""
ATTEMPTS = 20
_HASH_IN_NAME = 16


def write_whole(
    folder: Path, manifest: str, content: Mapping[str, Any], files: Mapping[str, Callable[[], bytes]]
) -> None:
    """Writes a set of files into a folder, which is made if it is not there; other files in it are left alone.

    Args:
        folder: where.
        manifest: name of the manifest.
        content: the rest of what the manifest says.
        files: name -> what gives the file's bytes.

    Raises:
        OSError: the folder cannot be written or is full; the set that was there is still whole then.
    """
    make_folder(folder)
    with locked(folder):
        _settle(folder, manifest, files)
        drafts: list[Path] = []
        stamps: dict[str, dict[str, Any]] = {}
        try:
            for name, make in files.items():
                data = make()
                stamp = Stamp(len(data), hashlib.sha256(data).hexdigest())
                stamps[name] = {"size": stamp.size, "sha256": stamp.sha256}
                drafts += [_draft(folder, name, stamp), folder / f".{name}.draft"]
                write_synced(drafts[-1], data)
                os.replace(drafts[-1], drafts[-2])  # under a name with a hash lies nothing that is not complete
            drafts.append(folder / f".{manifest}.draft")
            text = json.dumps({**content, FILES: stamps}, indent=1, ensure_ascii=False) + "\n"
            write_synced(drafts[-1], text.encode())
            os.replace(drafts[-1], folder / manifest)
        except BaseException:
            for draft in drafts:
                draft.unlink(missing_ok=True)
            raise
        _settle(folder, manifest, files)


def _draft(folder: Path, name: str, stamp: Stamp) -> Path:
    return folder / f".{name}.{stamp.sha256[:_HASH_IN_NAME]}"


def _settle(folder: Path, manifest: str, names: Mapping[str, Any]) -> None:
    """Gives files of the present set their own names, and removes what writers that were killed left behind."""
    with suppress(OSError, ValueError):
        for name, stamp in stamps_of(read_json(folder / manifest, "a manifest")).items():
            draft = _draft(folder, name, stamp)
            if draft.is_file() and draft.stat().st_size == stamp.size:
                os.replace(draft, folder / name)
    for path in folder.iterdir():
        name, _, mark = path.name.removeprefix(".").rpartition(".")
        left = mark == "draft" or len(mark) == _HASH_IN_NAME
        if path.name.startswith(".") and left and name in (manifest, *names):
            path.unlink(missing_ok=True)


def stamps_of(content: Any) -> dict[str, Stamp]:
    """What a manifest says of its files; empty for one of before there were sizes and hashes, or of another hand."""
    files = content.get(FILES) if isinstance(content, dict) else None
    stamps = {}
    for name, entry in files.items() if isinstance(files, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("size"), int) and isinstance(entry.get("sha256"), str):
            stamps[name] = Stamp(entry["size"], entry["sha256"])
    return stamps


def read_whole(folder: Path, manifest: str, names: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, np.ndarray]]]:
    """The manifest's content, empty where there is none, and the tensors of each named file: all of one set.

    Raises:
        FileNotFoundError: a file is not there.
        StampError: a file is not the one that belongs to the manifest.
        CheckpointError: a file is damaged.
        ValueError: the manifest is no JSON object.
    """
    for attempt in range(ATTEMPTS):
        content = _manifest(folder / manifest)
        stamps = stamps_of(content)
        try:
            with ExitStack() as stack:
                # All are opened before one is read: an open file stays what it is while others take its name.
                sources = [stack.enter_context(_current(folder, name, stamps.get(name))) for name in names]
                return content, [
                    read_safetensors(source, stamps.get(name)) for source, name in zip(sources, names, strict=True)
                ]
        except FileNotFoundError:
            if attempt > 1 and _manifest(folder / manifest) == content:
                raise
        except StampError as error:
            if _manifest(folder / manifest) == content:
                raise StampError(
                    f"{error}; {manifest} beside it belongs to another one. Convert it again; or, if you changed it on "
                    f'purpose, take "{FILES}" out of {folder / manifest}'
                ) from None
    raise CheckpointError(f"{folder} is being written again and again: wait until that is done")


def read_model(folder: Path) -> tuple[dict[str, Any], list[dict[str, np.ndarray]]]:
    """The config of a model folder, and the tensors of T2S and SoVITS.

    Raises:
        FileNotFoundError, CheckpointError: as `read_whole`; the message says with which command the folder is made.
    """
    how = conversion(folder)
    if folder.is_file():
        is_official = folder.suffix in {".ckpt", ".pth"}
        way = ""
        if is_official:
            way = f" Convert it and the other file of the voice: {conversion(folder.with_suffix(''))}"
        elif (folder.parent / CONFIG_FILE).is_file():
            way = f" Name its folder, {folder.parent}."
        raise CheckpointError(f"{folder} is a file; a model is the folder that primespeech convert wrote.{way}")
    if not (folder / CONFIG_FILE).is_file():
        raise FileNotFoundError(f"{folder / CONFIG_FILE} is missing. Make the folder with: {how}")
    try:
        return read_whole(folder, CONFIG_FILE, (T2S_FILE, SOVITS_FILE))
    except FileNotFoundError as error:
        names = [name for name in (T2S_FILE, SOVITS_FILE) if name in str(error)] or [T2S_FILE]
        name = min(names, key=str(error).find)  # behind it others may be named that are there
        raise FileNotFoundError(f"{folder / name} is missing. Make the folder with: {how}") from None
    except StampError:
        raise
    except CheckpointError as error:
        raise CheckpointError(f"{error}; or convert the model again: {how}") from error
    except ValueError as error:
        raise CheckpointError(f"{error}. Convert the model again: {how}") from error


def conversion(folder: Path) -> str:
    """The command that makes a model folder, of the official files that lie in it where there is one of each."""
    given = []
    for ending, usual in ((".ckpt", "S1.ckpt"), (".pth", "S2.pth")):
        found = sorted(folder.glob(f"*{ending}"))
        given.append(quote(str(found[0])) if len(found) == 1 else usual)
    return f"primespeech convert --t2s {given[0]} --sovits {given[1]} --out {quote(str(folder))}"


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = read_json(path, "what convert writes")
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is not what convert writes: convert again")
    return content


def _current(folder: Path, name: str, stamp: Stamp | None) -> Source:
    """The file of that name in the present set, open, whether it has its own name already or not."""
    if stamp is not None:
        with suppress(FileNotFoundError):
            return Source(_draft(folder, name, stamp))
    return Source(folder / name)
