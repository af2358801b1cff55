"""`.safetensors` files: a JSON table of names, types and places, and the numbers behind it."""

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from dora_primespeech_mlx.files.contents import DOWNLOAD_AGAIN, HEAD
from dora_primespeech_mlx.weights.source import CheckpointError, Source, other_kind

BFLOAT16 = "bfloat16"
_TYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": BFLOAT16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "|b1",
}
_LONGEST_TABLE = 16 << 20
MARK = {"written_by": "dora-primespeech-mlx"}
"""In the header of files written here: one that another program wrote since has it no longer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stamp:
    """What a file was when it was written: its bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


class StampError(CheckpointError):
    """A file is not the one that its manifest names."""


def write_weights(weights: Mapping[str, np.ndarray], path: Path) -> None:
    """Writes a `.safetensors` file that others may read as far as the umask lets them.

    (`safetensors.numpy.save_file` leaves it to its owner alone, so a node under another user could not open it.)
    """
    Path(path).write_bytes(as_safetensors(weights))


def as_safetensors(weights: Mapping[str, np.ndarray]) -> bytes:
    """The content of a `.safetensors` file, marked as written here."""
    return save({name: np.ascontiguousarray(value) for name, value in weights.items()}, metadata=MARK)


def read_safetensors(source: Source, stamp: Stamp | None = None) -> dict[str, np.ndarray]:
    """The tensors of an open file, bfloat16 as float32.

    Args:
        source: the file.
        stamp: what the file must be; None where that is not known. A whole file that another program wrote in its
            place is taken, and logged.

    Raises:
        StampError: the file is another one, or damaged.
        CheckpointError: it is cut short, or no such file.
    """
    path = source.path
    data = source.read(0, source.size)
    content = np.frombuffer(data, np.uint8)
    size = int.from_bytes(content[:8].tobytes(), "little")
    try:
        table = json.loads(content[8 : 8 + size].tobytes()) if 8 + size <= len(content) else None
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict) or size > _LONGEST_TABLE:
        kind = other_kind(content[:HEAD].tobytes(), path) if content[8:9].tobytes() != b"{" else None
        raise CheckpointError(f"{path} is {kind or f'not a safetensors file, or it is cut short: {DOWNLOAD_AGAIN}'}")
    mark = table.pop("__metadata__", None)
    tensors, room = {}, len(content) - 8 - size
    for name, entry in table.items():
        tensors[name] = _tensor(path, content[8 + size :], name, entry)
        room -= tensors[name].nbytes // (2 if entry["dtype"] == "BF16" else 1)
        if room < 0:
            raise CheckpointError(f"{path} describes more numbers than it holds: {DOWNLOAD_AGAIN}")
    if stamp is not None and stamp != Stamp(len(data), hashlib.sha256(data).hexdigest()):
        if mark == MARK:
            raise StampError(f"{path} is not the file that was written there: it was exchanged or damaged")
        logger.warning("%s was written anew by another program since it was converted; it is taken as it is", path)
    return tensors


def _tensor(path: Path, content: np.ndarray, name: str, entry: Any) -> np.ndarray:
    try:
        kind, shape, (start, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, start, stop)) and start <= stop
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise CheckpointError(f"{path} is damaged where it describes {name}: {DOWNLOAD_AGAIN}")
    if stop > len(content):
        raise CheckpointError(f"{path} is cut short inside {name}: {DOWNLOAD_AGAIN}")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise CheckpointError(f"{path}: the tensor {name} is of type {kind}: use float or integer weights")
    count, width = math.prod(shape), 2 if kind == "BF16" else np.dtype(_TYPES[kind]).itemsize
    if count * width != stop - start:
        raise CheckpointError(
            f"{path} has {stop - start} bytes for {name} where {count * width} are expected: {DOWNLOAD_AGAIN}"
        )
    return decoded(content[start:stop], _TYPES[kind]).reshape(shape)


def decoded(content: np.ndarray, kind: str) -> np.ndarray:
    """Bytes [n * width] as numbers [n] of a NumPy type, or of "bfloat16", which become float32."""
    if kind == BFLOAT16:
        return (content.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return content.view(kind)
