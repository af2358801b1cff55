"""Writing a file in one step, so that what was there stays until all of the new one is on the disk."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dora_primespeech_mlx.names.paths import real

LOCK = ".lock"
"""The file that is locked where folders cannot be."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits until no other process of this computer writes in a folder, and keeps others waiting meanwhile."""
    if sys.platform == "win32":
        import msvcrt

        with (folder / LOCK).open("ab") as file:
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                except OSError as error:
                    if error.errno == errno.EDEADLK:  # it gives up after ten seconds
                        continue
                break  # some network file systems lock nothing
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


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file in one step: what was there stays until all of it is on the disk. A link stays a link.

    Raises:
        OSError: it cannot be written, naming `path`, or there is no room.
    """
    path = real(path)
    if path.exists() and not path.is_file():  # a pipe, or a folder, which says that it is one
        path.write_bytes(data)
        return
    draft = path.with_name(f".{os.getpid()}-{path.name[:40]}.draft")
    try:
        write_synced(draft, data)
        os.replace(draft, path)
    except OSError as error:
        if error.errno is None:  # a sentence of our own
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            draft.unlink()


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
        PermissionError: nothing may be written into its folder.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name the file to write")
    folder = real(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder that is there: make it, or name another")
    if not path.exists() and not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
