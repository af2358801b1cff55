"""Errors in words, as people read them in a terminal, a log or a message."""

import errno
from pathlib import Path

from dora_primespeech_mlx.names.paths import perhaps


def sentence(error: BaseException) -> str:
    """An error on one line: our own are sentences already, others have their kind before them."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; close other programs, or use a smaller model"
    text = _of_the_system(error) if isinstance(error, OSError) else str(error)
    text = " ".join(filter(None, map(str.strip, text.splitlines())))
    return text if isinstance(error, ValueError | OSError | ImportError) and text else f"{type(error).__name__}: {text}"


def _of_the_system(error: OSError) -> str:
    """What the system says of a file, as a sentence that begins with its name; our own errors are sentences already."""
    if not (error.strerror and error.filename):
        return str(error)
    reason = {
        errno.EACCES: "may not be read or written by you",
        errno.EPERM: "may not be read or written by you",
        errno.EROFS: "is read-only",
        errno.ENOSPC: "has no room left",
        errno.EISDIR: "is a folder: name a file",
    }.get(error.errno or 0, f"cannot be used: {error.strerror}")
    if error.errno == errno.ENOENT:
        reason = f"is not there; {perhaps(Path(error.filename)) or 'check the path'}"
    return f"{error.filename} {reason}"
