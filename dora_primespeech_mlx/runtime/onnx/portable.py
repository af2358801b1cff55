"""Graphs of a model without its weights: a small file beside them, from which a computer without MLX makes them whole.

Every array of a graph is some tensor of the model with its numbers in another order, maybe with zeros between them, and
maybe rounded to 8 bits. The file, `graphs.zip`, holds the ONNX models, and for each array where its numbers come from.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.nets.dimensions.t2s import sine_table
from dora_primespeech_mlx.runtime.onnx.cache import code_digest
from dora_primespeech_mlx.runtime.onnx.graph import StoredGraph
from dora_primespeech_mlx.runtime.onnx.quantise import WEIGHTS
from dora_primespeech_mlx.weights.source import CheckpointError
from dora_primespeech_mlx.weights.whole import read_model, stamps_of

FILE, TABLE, FORMAT = "graphs.zip", "graphs.json", 1
Recipe = dict[str, Any]
"""Where the numbers of an array come from:

    of, order          a tensor, and the entry that says which of its numbers stand where (see `written_order`);
    kind, shape        what they are then
    rounded, part, of  one part of what a function of `quantise.WEIGHTS` makes of the array with another recipe
    sine, shape        `sine_table` of that shape
    raw, kind, shape   an entry with the numbers themselves
"""


def written_order(places: np.ndarray) -> bytes:
    """Places [n] in a tensor, counted from 1, or 0 for a zero: each as its distance from the one before it."""
    return np.diff(places.reshape(-1).astype("<i4"), prepend=np.int32(0)).tobytes()


def read_order(content: bytes) -> np.ndarray:
    """What `written_order` wrote."""
    return np.cumsum(np.frombuffer(content, "<i4"), dtype=np.int32)


@dataclass
class Kitchen:
    """Makes arrays by their recipes, each once.

    Attributes:
        tensors: of the model, by file and name.
        entry: gives the content of an entry of the file.
    """

    tensors: Mapping[str, np.ndarray]
    entry: Any
    _made: dict[str, np.ndarray] = field(default_factory=dict)

    def array(self, recipe: Recipe) -> np.ndarray:
        """The array. KeyError for a recipe of another format."""
        key = json.dumps(recipe, sort_keys=True)
        if key not in self._made:
            self._made[key] = self._make(recipe)
        return self._made[key]

    def _make(self, recipe: Recipe) -> np.ndarray:
        if "sine" in recipe:
            return sine_table(*recipe["shape"])
        if "rounded" in recipe:
            parts = WEIGHTS[recipe["rounded"]](self.array(recipe["of"]))
            for part, array in enumerate(parts):
                self._made[json.dumps({**recipe, "part": part}, sort_keys=True)] = array
            return parts[recipe["part"]]
        if "raw" in recipe:
            return np.frombuffer(self.entry(recipe["raw"]), recipe["kind"]).reshape(recipe["shape"])
        numbers = np.concatenate([np.zeros(1, np.float32), self.tensors[recipe["of"]].reshape(-1).astype(np.float32)])
        found = numbers[read_order(self.entry(recipe["order"]))].reshape(recipe["shape"])
        return found.astype(recipe["kind"], copy=False)


def read_portable(folder: Path, precision: str, any_code: bool) -> tuple[dict[str, Any], dict[str, StoredGraph]] | None:
    """What is to be known of a model, and its graphs by name, as `runtime.onnx.cache.GraphCache.read` gives them.

    Args:
        folder: the model's.
        precision: "int8" or "fp32".
        any_code: also of a file that another version of this package wrote, which may be slower than today's.

    Returns:
        None where there is no such file, or it was made for other weights or by other code.

    Raises:
        FileNotFoundError, CheckpointError: the weights are missing or damaged.
    """
    if not (folder / FILE).is_file():
        return None
    config, (t2s, sovits) = read_model(folder)
    try:
        with zipfile.ZipFile(folder / FILE) as file:
            table = json.loads(file.read(TABLE))
            stamps = {name: stamp.sha256 for name, stamp in stamps_of(config).items()}
            wanted = {"format": FORMAT, "precision": precision, "weights": stamps}
            if not stamps or any(table.get(key) != value for key, value in wanted.items()):
                return None
            if table.get("code") != code_digest() and not any_code:
                return None
            return table["said"], _graphs(file, table, tensors_of(t2s, sovits))
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{folder / FILE} is damaged: remove it, or convert the model again") from error


def _graphs(
    file: zipfile.ZipFile, table: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
) -> dict[str, StoredGraph]:
    kitchen = Kitchen(tensors, file.read)
    return {
        name: StoredGraph(
            file.read(f"{name}.onnx"), {weight: kitchen.array(recipe) for weight, recipe in recipes.items()}
        )
        for name, recipes in table["graphs"].items()
    }


def tensors_of(t2s: Mapping[str, np.ndarray], sovits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors of both files under names that tell them apart."""
    return {f"{kind}/{name}": value for kind, part in (("t2s", t2s), ("s2", sovits)) for name, value in part.items()}
