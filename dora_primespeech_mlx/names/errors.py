"""Errors in words, as people read them in a terminal, a log or a message."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dora_primespeech_mlx.names.paths import RIGHTS, perhaps

GONE = "the folder in which you are is not there any more: go to another one (cd)"


def sentence(error: BaseException) -> str:
    """An error on one line: our own are sentences already, others have their kind before them."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; close other programs, or use a smaller model"
    text = _of_the_system(error) if isinstance(error, OSError) else str(error)
    text = " ".join(filter(None, map(str.strip, text.splitlines())))
    return text if isinstance(error, ValueError | OSError | ImportError) and text else f"{type(error).__name__}: {text}"


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Errors of the system that come up within it have the name of a file, which those of reading and writing lack."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def _of_the_system(error: OSError) -> str:
    """What the system says of a file, as a sentence that begins with its name; our own errors are sentences already."""
    if not (error.strerror and error.filename):
        return GONE if error.errno == errno.ENOENT and not _is_somewhere() else str(error)
    reason = {
        errno.EACCES: f"may not be read or written by you: {RIGHTS}",
        errno.EPERM: f"may not be read or written by you: {RIGHTS}",
        errno.EROFS: "is read-only: use another place",
        errno.ENOSPC: "has no room left: make room, or use another place",
        errno.EISDIR: "is a folder: name a file",
        errno.ELOOP: "is a link that leads back to itself: make it anew",
        errno.ENAMETOOLONG: "has too long a name: give it a shorter one",
    }.get(error.errno or 0, f"cannot be used: {error.strerror}")
    if error.errno == errno.ENOENT:
        reason = f"is not there; {perhaps(Path(error.filename)) or 'check the path'}"
    return f"{error.filename} {reason}"


def _is_somewhere() -> bool:
    """Whether the folder in which the process is still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True
