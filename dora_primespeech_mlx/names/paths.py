"""Paths that users write: whether they lead to a file, and what may be meant where they do not."""

import errno
import os
import re
from pathlib import Path
from unicodedata import normalize

from dora_primespeech_mlx.names.slips import nearest

UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".aria2", ".incomplete", ".!ut", ".!qb")
"""Endings that programs give to what they have not downloaded whole."""
UNFINISHED_HINT = "a download that is not finished"
MOST_NAMES = 5000
"""Files of a folder that are looked at."""

RIGHTS = "give yourself the right to (chmod), or use another place"
"""What to do about a file or a folder that the system keeps closed."""


def there(path: Path) -> bool:
    """Whether there is such a file; False too for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_absent(path: Path) -> bool:
    """Whether there is no such file, as far as one may look: what lies in a folder that is closed may be there."""
    try:
        return not path.is_file()
    except PermissionError:
        return False
    except (OSError, ValueError):  # a name that no file can have
        return True


def real(path: Path) -> Path:
    """A path without the links in it; OSError for links that lead back to themselves."""
    if _is_circular(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return path.resolve()


def is_file_name(text: str) -> bool:
    """Whether what stands where words are expected is the path of a file that is there."""
    return len(Path(text).suffix) > 1 and not text.strip().endswith(".") and there(Path(text))


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, as far as one may look."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def elsewhere(written: str) -> str:
    """What a path is that leads to another computer, with what to do; "" for one that may lead to a file here."""
    if written.startswith("data:"):
        return "a file written out as text: save it as a file and give its path"
    if re.match(r"(?!file:)[a-z][a-z0-9+.-]+:/", written, re.IGNORECASE):
        return "an address in the web, and nothing is fetched here: download the file and give its path"
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]|\\\\|%[A-Za-z]{3,}%", written):
        return "a path of Windows: give the path on this computer, with /"
    return ""


def perhaps(path: Path) -> str:
    """Why there is no file at `path`, or which one may be meant: the end of a sentence, "" where nothing shows it."""
    if away := elsewhere(str(path)):
        return f"it is {away}"
    try:
        if path.is_dir():
            return ""
        if path.exists():
            return "it is a device or a pipe: give a file"
        if path.is_symlink():
            lost = "which leads back to it" if _is_circular(path) else "which is not there"
            return f"it is a link to {os.readlink(path)}, {lost}: make it anew"
        if "$" in str(path):
            return "it names a variable that is not set: set it, or write the path out"
        below = path
        while not below.parent.exists():
            below = below.parent
        if below.parent.is_file():
            return f"{below.parent} is a file, not a folder: check the path"
        if below != path:
            return f"there is no folder {below}: check the path"
        names = sorted(os.listdir(path.parent))[:MOST_NAMES]
    except PermissionError:
        return f"{path.parent} may not be looked into by you: {RIGHTS}"
    except (OSError, ValueError):
        return ""
    found = _same(path.name, names) or nearest(path.name, names)
    if not found:
        return ""
    if found[0].lower().endswith(UNFINISHED):
        return f"{path.with_name(found[0])} is {UNFINISHED_HINT}: wait for it, or begin it again"
    return f"write {path.with_name(found[0])} if that is meant"


def _is_circular(link: Path) -> bool:
    """Whether a link leads back to itself."""
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _same(name: str, names: list[str]) -> list[str]:
    """The names that differ in case, blanks or writing alone, or only in their ending."""
    wanted = _folded(name)
    by_stem = [other for other in names if _folded(Path(other).stem) in {wanted, _folded(Path(name).stem)}]
    return [other for other in names if _folded(other) == wanted] or (by_stem if len(by_stem) == 1 else [])


def _folded(name: str) -> str:
    return normalize("NFKC", name).casefold().strip()
