"""Writes what `portable` reads.

Which numbers stand where is found out by tracing the model three times: as it is, with every tensor filled with its own
number, and with every tensor holding the places of its numbers.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.files.writing import write_synced
from dora_primespeech_mlx.nets.dimensions.t2s import sine_table
from dora_primespeech_mlx.runtime.onnx.cache import code_digest
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.portable import FILE, FORMAT, TABLE, Kitchen, Recipe, tensors_of, written_order

LARGEST = 1 << 24
"""Numbers of a tensor up to which float32 counts them."""
Traced = Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray], str], Mapping[str, Graph]]
"""Traces the graphs of a model from the tensors of its two files, in a precision."""


@dataclass
class _Finder:
    """Finds the recipe of each array of a model's graphs."""

    names: list[str]
    sizes: list[int]
    entries: dict[str, bytes] = field(default_factory=dict)

    def recipe(self, real: np.ndarray, which: np.ndarray, where: np.ndarray) -> Recipe:
        """Of an array as it is, as numbers of tensors, and as places in them."""
        shape = list(real.shape)
        if _is_sine_table(real):
            return {"sine": True, "shape": shape}
        number = int(which.max()) if which.size and which.dtype.kind == "f" else 0
        if number and self.sizes[number - 1] < LARGEST and np.isin(which, (0, number)).all():
            if real.dtype == np.float16:  # which cannot count; it is a tensor as it is
                where = np.arange(1, real.size + 1)
            order = self._entry(written_order(where))
            return {"of": self.names[number - 1], "order": order, "kind": real.dtype.str, "shape": shape}
        return {"raw": self._entry(np.ascontiguousarray(real).tobytes()), "kind": real.dtype.str, "shape": shape}

    def _entry(self, content: bytes) -> str:
        name = f"numbers/{hashlib.sha256(content).hexdigest()[:24]}"
        self.entries[name] = content
        return name


def _is_sine_table(array: np.ndarray) -> bool:
    if array.dtype != np.float32 or array.ndim != 2 or array.shape[1] % 2 or tuple(array[0, :2]) != (0, 1):
        return False
    return np.array_equal(array, sine_table(*array.shape))


def write_portable(
    folder: Path,
    traced: Traced,
    tensors: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
    about: Mapping[str, Any],
) -> Path:
    """Writes the file of a model and returns its path.

    Args:
        folder: the model's.
        traced: see `Traced`.
        tensors: of T2S and of the s2 network.
        about: what `portable.read_portable` compares and gives: precision, weights and said.

    Raises:
        OSError: the folder cannot be written.
        ValueError: an array that the file gives is not the one that was traced.
    """
    known = tensors_of(*tensors)
    finder = _Finder(list(known), [value.size for value in known.values()])
    index = {name: number for number, name in enumerate(known, 1)}

    def of(numbers: Callable[[str, np.ndarray], np.ndarray], precision: str) -> Mapping[str, Graph]:
        t2s, s2 = (
            {name: numbers(f"{kind}/{name}", value) for name, value in part.items()}
            for kind, part in zip(("t2s", "s2"), tensors, strict=True)
        )
        return traced(t2s, s2, precision)

    real = of(lambda _, value: value, about["precision"])
    plain = of(lambda _, value: value, "fp32")
    which = of(lambda name, value: np.full(value.shape, index[name], np.float32), "fp32")
    where = of(lambda _, value: np.arange(1, value.size + 1, dtype=np.float32).reshape(value.shape), "fp32")
    recipes: dict[str, dict[str, Recipe]] = {}
    for name, graph in real.items():
        sources = plain[name].constants, which[name].constants, where[name].constants
        recipes[name] = {}
        for weight in graph.stored().weights:
            source, form, part = graph.rounded.get(weight, (weight, "", 0))
            found = finder.recipe(*(constants[source] for constants in sources))
            recipes[name][weight] = {"rounded": form, "part": part, "of": found} if form else found
    kitchen = Kitchen(known, finder.entries.__getitem__)
    for name, graph in real.items():
        for weight, recipe in recipes[name].items():
            if not np.array_equal(kitchen.array(recipe), graph.constants[weight]):
                raise ValueError(f"{folder}: {weight} of the graph {name} cannot be made from the weights")
    table = {**about, "format": FORMAT, "code": code_digest(), "graphs": recipes}
    contents = {TABLE: json.dumps(table).encode(), **finder.entries}
    contents |= {f"{name}.onnx": graph.stored().model for name, graph in real.items()}
    return _write_zip(folder / FILE, contents)


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> Path:
    """Writes a zip file in one step, the same bytes for the same contents."""
    draft = path.with_name(f".{path.name}.draft")
    with zipfile.ZipFile(draft, "w") as file:
        for name, content in contents.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_LZMA)
    data = draft.read_bytes()
    write_synced(draft, data)
    draft.replace(path)
    return path
