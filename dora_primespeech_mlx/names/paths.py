"""Paths that users write: whether they lead to a file, and what may be meant where they do not."""

import os
import re
from pathlib import Path
from unicodedata import normalize

from dora_primespeech_mlx.names.slips import nearest

UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".aria2", ".incomplete", ".!ut", ".!qb")
"""Endings that programs give to what they have not downloaded whole."""
MOST_NAMES = 5000
"""Files of a folder that are looked at."""


def there(path: Path) -> bool:
    """Whether there is such a file; False too for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


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
    if re.match(r"https?:/", written):
        return "an address in the web, and nothing is fetched here: download the file and give its path"
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]|\\\\", written):
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
            return f"it is a link to {os.readlink(path)}, which is not there: make it anew"
        lost = path
        while not lost.parent.exists():
            lost = lost.parent
        if lost.parent.is_file():
            return f"{lost.parent} is a file, not a folder: check the path"
        if lost != path:
            return f"there is no folder {lost}: check the path"
        names = sorted(os.listdir(path.parent))[:MOST_NAMES]
    except PermissionError:
        return f"{path.parent} may not be looked into by you"
    except (OSError, ValueError):
        return ""
    found = _same(path.name, names) or nearest(path.name, names)
    if not found:
        return ""
    if found[0].lower().endswith(UNFINISHED):
        return f"{path.with_name(found[0])} is a download that is not finished: wait for it, or begin it again"
    return f"write {path.with_name(found[0])} if that is meant"


def _same(name: str, names: list[str]) -> list[str]:
    """The names that differ in case, blanks or writing alone, or only in their ending."""
    wanted = _folded(name)
    by_stem = [other for other in names if _folded(Path(other).stem) in {wanted, _folded(Path(name).stem)}]
    return [other for other in names if _folded(other) == wanted] or (by_stem if len(by_stem) == 1 else [])


def _folded(name: str) -> str:
    return normalize("NFKC", name).casefold().strip()
