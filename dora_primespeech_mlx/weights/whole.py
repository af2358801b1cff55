"""A folder of files that belong together is always whole: the old set, or the new one, never some of each.

A set is its *manifest*, a JSON file that names the others with their sizes and hashes. A writer puts the new files
beside the old ones under names that hold their hash, and then exchanges the manifest in one step: from there on the
folder is the new set. Only then do the files get their own names. Whoever reads looks for a file under both names and
checks it against the manifest that it read; a set that was exchanged meanwhile is read once more. So a writer may be
killed at any moment, the next one tidies up, and a reader needs no right to write.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from dora_primespeech_mlx.weights.safetensors_file import Stamp, StampError, read_safetensors
from dora_primespeech_mlx.weights.source import CheckpointError, Source, read_json

T2S_FILE, SOVITS_FILE, CONFIG_FILE = "t2s.safetensors", "sovits.safetensors", "config.json"
"""The files of a model folder; the last is its manifest."""
TOKENIZER_FILE = "roberta_tokenizer.json"
"""Lies beside a RoBERTa."""
FILES = "files"
"""The manifest's key for what it says of the other files."""
LOCK = ".lock"
"""The file that is locked where folders cannot be."""
ATTEMPTS = 20
_HASH_IN_NAME = 16


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits until no other process of this computer writes in a folder, and keeps others waiting meanwhile."""
    if sys.platform == "win32":
        import msvcrt

        with (folder / LOCK).open("ab") as file:
            while True:
                with suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
            yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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


def write_synced(path: Path, data: bytes) -> None:
    """Writes a file whose bytes are on the disk when this returns; OSError says where there was no room, and how much.

    It is a draft until it is renamed: a reader must never see a part of it.
    """
    try:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free
            raise OSError(
                f"there is no room for {path.parent}: {len(data) / 1e6:,.1f} MB are needed and {free / 1e6:,.1f} MB "
                "are free; nothing that was there is changed. Make room, or write somewhere else"
            ) from error
        raise


def make_folder(folder: Path) -> None:
    """Makes a folder to write into where there is none; OSError where there cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise FileExistsError(f"{folder} is a file, or lies under one: name a folder to write into") from None


def check_place(path: Path) -> None:
    """Before there is anything to write, whether a file can be written there.

    Raises:
        IsADirectoryError: it is a folder.
        FileNotFoundError: its folder is not there.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name the file to write")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is no folder that is there: make it, or name another")


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file in one step: what was there stays until all of it is on the disk. A link stays a link.

    Raises:
        OSError: it cannot be written, naming `path`, or there is no room.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():  # a pipe, or a folder, which says that it is one
        path.write_bytes(data)
        return
    draft = path.with_name(f".{os.getpid()}-{path.name[:40]}.draft")
    try:
        write_synced(draft, data)
        os.replace(draft, path)
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            draft.unlink()


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
        way = (
            f" Convert it and the other file of the voice: {conversion(folder.with_suffix(''))}" if is_official else ""
        )
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
