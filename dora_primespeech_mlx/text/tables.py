"""Data files of the front end: read once, kept for the life of the process."""

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DATA = Path(__file__).parent / "data"


@cache
def lines(name: str) -> tuple[str, ...]:
    """Lines of the data file `name`, without empty lines and `#` comments.

    Raises:
        FileNotFoundError: the installation lacks the file.
    """
    text = (DATA / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip() and not line.startswith("# "))


@cache
def words(name: str) -> frozenset[str]:
    """All words of the data file `name`, which holds any number of them a line."""
    return frozenset(word for line in lines(name) for word in line.split())


@cache
def mapping(name: str) -> dict[str, str]:
    """The data file `name` as key -> value, one pair a line with a tab between."""
    return dict(line.split("\t", 1) for line in lines(name))


def package_file(package: str, name: str) -> Path:
    """The file `name` inside the installed `package`, which is not imported; FileNotFoundError when it is missing."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed: pip install {package}")
    return Path(spec.submodule_search_locations[0]) / name


@cache
def currencies() -> dict[str, tuple[str, ...]]:
    """Currency sign -> (Mandarin, English singular, plural, hundredth singular, plural); "" where there is none."""
    rows = (line.split("\t") for line in lines("currencies.tsv"))
    return {sign: tuple("" if name == "-" else name for name in names) for sign, *names in rows}


@cache
def signs(language: str) -> dict[str, str]:
    """Sign -> the words that `language` ("zh" or "en") has for it; without those that are left to its rules."""
    column = ("zh", "en").index(language) + 1
    rows = (line.split("\t") for line in lines("signs.tsv"))
    return {row[0]: row[column] for row in rows if row[column] != "-"}


def sign_words(sign: str, language: str) -> str:
    """The words of a single sign; "" for one that is silent or unknown."""
    return signs(language).get(sign, "")


class SortedWords:
    """A sorted word list kept as one block of bytes: `word<tab>value`, one a line.

    A look-up is a binary search over the bytes, about 20 microseconds; the list costs its file size in memory and
    nothing to build, which a Python dict of 126,000 pronunciations does not.
    """

    def __init__(self, name: str) -> None:
        """Read the gzip-compressed data file `name`, sorted by the bytes of its words."""
        self._block = gzip.decompress((DATA / name).read_bytes())

    def get(self, word: str) -> str | None:
        """The value of `word`, None when it is not in the list."""
        block, key = self._block, word.encode("utf-8")
        low, high = 0, len(block)
        while low < high:
            start = block.rfind(b"\n", 0, (low + high) // 2) + 1
            end = block.find(b"\n", start)
            found, _, value = block[start:end].partition(b"\t")
            if found == key:
                return value.decode("utf-8")
            if found < key:
                low = end + 1
            else:
                high = start
        return None
