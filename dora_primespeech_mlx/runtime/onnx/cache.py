"""Finished graphs on disk, written once and mapped into memory from then on.

An entry is a folder named after what its graphs were made of: the content of the weights, the precision, and the code
that traces. It is written under another name and renamed when it is whole, so that neither two processes at once nor
one that is killed leave half an entry where another reads. A folder that cannot be written, or is full, only means that
graphs are made anew.
"""

import hashlib
import json
import logging
import mmap
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import write_synced
from dora_primespeech_mlx.runtime.onnx.fitting import form
from dora_primespeech_mlx.runtime.onnx.graph import StoredGraph
from dora_primespeech_mlx.weights.whole import stamps_of

TABLE, NUMBERS = "graphs.json", "graphs.bin"
ALIGNED = 64
"""Every array begins at a multiple of so many bytes."""
KEPT_DAYS = 60
"""Entries that nobody has read for so long are removed when another is written."""
_CODE = ("nets", "runtime/onnx", "runtime/trace")
_DRAFT = ".draft-"

logger = logging.getLogger(__name__)


@cache
def code_digest() -> str:
    """What the modules that make graphs are: SHA-256 in hexadecimal."""
    package, digest = Path(__file__).parents[2], hashlib.sha256()
    for path in sorted(path for part in _CODE for path in (package / part).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def key_of(*parts: str) -> str:
    """The name of the entry for weights and circumstances, for this kind of computer and the code of today."""
    own = code_digest(), form()
    return hashlib.sha256("\0".join((*parts, *own)).encode()).hexdigest()[:32]


class GraphCache:
    """Entries in a folder, which is made when the first is written."""

    def __init__(self, folder: Path):
        self._folder = folder

    def digest(self, path: Path) -> str:
        """SHA-256 of a file; read only if it is not the one, by name, size and time, that was read before.

        Raises:
            OSError: the file cannot be read.
        """
        state = path.stat()
        seen = f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}\0{state.st_ino}"
        note = self._folder / "files" / hashlib.sha256(seen.encode()).hexdigest()[:32]
        with suppress(OSError):
            if len(known := note.read_text("ascii")) == 64:
                return known
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            draft = note.with_name(f"{_DRAFT}{os.getpid()}-{note.name}")
            draft.write_text(found, "ascii")
            os.replace(draft, note)
        return found

    def content(self, folder: Path, manifest: str, names: Sequence[str]) -> tuple[str, ...]:
        """What a set of files is (see `weights.whole`): a digest of each that is there, the manifest's first.

        Empty where one is missing or is not what the manifest says: whoever reads the set tells what is wrong with it.
        """
        with suppress(OSError, ValueError):
            said = folder / manifest
            stamps = stamps_of(read_json(said, "a manifest")) if said.is_file() else {}
            digests = {name: self.digest(folder / name) for name in names}
            if all(name not in stamps or stamps[name].sha256 == digest for name, digest in digests.items()):
                return self.digest(said) if said.is_file() else "", *digests.values()
        return ()

    def read(self, key: str) -> tuple[dict[str, Any], dict[str, StoredGraph]] | None:
        """What was written under a key: what was said of the graphs, and the graphs; None if there is no such entry."""
        folder = self._folder / key
        try:
            table = json.loads((folder / TABLE).read_text("utf-8"))
            if (folder / NUMBERS).stat().st_size != table["size"]:
                raise ValueError("it is cut short")
            with (folder / NUMBERS).open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            graphs = {name: _stored(content, entry) for name, entry in table["graphs"].items()}
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("The graphs in %s cannot be read and are made anew: %s", folder, error)
            shutil.rmtree(folder, ignore_errors=True)
            return None
        with suppress(OSError):
            os.utime(folder / TABLE)
        return table["said"], graphs

    def write(self, key: str, said: Mapping[str, Any], graphs: Mapping[str, StoredGraph]) -> bool:
        """Writes an entry, unless there is one; whether it is there now.

        Args:
            key: of `key_of`.
            said: what belongs to the graphs, as JSON takes it.
            graphs: by name. Weights that several share are written once.
        """
        folder, draft = self._folder / key, self._folder / f"{_DRAFT}{os.getpid()}-{key}"
        try:
            draft.mkdir(parents=True, exist_ok=True)
            try:
                _write(draft, said, graphs)
                with suppress(OSError):
                    os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            logger.info("Graphs are not kept, since %s cannot be written: %s", self._folder, error)
            return False
        self._tidy()
        return (folder / TABLE).is_file()

    def _tidy(self) -> None:
        """Removes entries nobody has read for long, and drafts of processes that were killed."""
        now = time.time()
        with suppress(OSError):
            for path in self._folder.iterdir():
                mark, days = (path, 1) if path.name.startswith(_DRAFT) else (path / TABLE, KEPT_DAYS)
                if path.is_dir() and mark.exists() and now - mark.stat().st_mtime > days * 86400:
                    shutil.rmtree(path, ignore_errors=True)


def _write(folder: Path, said: Mapping[str, Any], graphs: Mapping[str, StoredGraph]) -> None:
    entries: dict[str, Any] = {}
    places: dict[str, int] = {}
    with (folder / NUMBERS).open("wb") as file:
        file.write(bytes(ALIGNED))  # an empty file cannot be mapped

        def put(data: Any) -> int:
            """Where bytes are written, or were."""
            mark = hashlib.sha256(data).hexdigest()
            if mark not in places:
                file.write(bytes(-file.tell() % ALIGNED))
                places[mark] = file.tell()
                file.write(data)
            return places[mark]

        for name, graph in graphs.items():
            weights = {}
            for weight, value in graph.weights.items():
                value = np.ascontiguousarray(value)
                weights[weight] = [put(value.reshape(-1).view(np.uint8).data), value.dtype.str, list(value.shape)]
            entries[name] = {"model": [put(graph.model), len(graph.model)], "weights": weights}
        size = file.tell()
        file.flush()
        os.fsync(file.fileno())
    write_synced(folder / TABLE, json.dumps({"size": size, "said": said, "graphs": entries}).encode())


def _stored(content: mmap.mmap, entry: Mapping[str, Any]) -> StoredGraph:
    start, size = entry["model"]
    numbers = np.frombuffer(content, np.uint8)
    weights = {name: _array(numbers, *place) for name, place in entry["weights"].items()}
    return StoredGraph(content[start : start + size], weights, content)


def _array(content: np.ndarray, start: int, kind: str, shape: Iterable[int]) -> np.ndarray:
    dtype, shape = np.dtype(kind), tuple(shape)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    return content[start : start + size].view(dtype).reshape(shape)
