"""Read official checkpoints without torch and without running anything they contain.

`read_checkpoint` reads the two files a GPT-SoVITS voice consists of (s1 `.ckpt`, s2 `.pth`), `read_torch` reads a plain
state dict (`pytorch_model.bin`, a speaker model's `.ckpt`) or a `.safetensors` file. Both return NumPy arrays.

A torch file is a zip archive holding one pickle and one stored member per tensor storage; before torch 1.6 it was a row
of pickles with the numbers behind them. `pickled` reads a pickle without running it, and only the tensors that are
asked for are read from the file. Some s2 files carry a two-byte version tag in place of the zip's first two bytes;
members are found through the directory at the end of the archive, so the tag needs no repair.
"""

import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from dora_primespeech_mlx.files.contents import DOWNLOAD_AGAIN
from dora_primespeech_mlx.weights.described import Instance, PickleError, StorageRef, TensorRef, Unusable
from dora_primespeech_mlx.weights.kinds import OURS, of_another_program
from dora_primespeech_mlx.weights.pickled import LONGEST, plain, read_pickle
from dora_primespeech_mlx.weights.safetensors_file import BFLOAT16, decoded, read_safetensors
from dora_primespeech_mlx.weights.source import CheckpointError, Source, is_safetensors, other_kind

__all__ = ["Checkpoint", "CheckpointError", "read_checkpoint", "read_torch"]

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_EXPORTED = "use the file the training exported for inference (in GPT_weights or SoVITS_weights)"
_TYPES = {
    "Half": "<f2",
    "float16": "<f2",
    "Float": "<f4",
    "float32": "<f4",
    "Double": "<f8",
    "float64": "<f8",
    "BFloat16": BFLOAT16,
    "bfloat16": BFLOAT16,
    "Long": "<i8",
    "int64": "<i8",
    "Int": "<i4",
    "int32": "<i4",
    "Short": "<i2",
    "int16": "<i2",
    "Char": "<i1",
    "int8": "<i1",
    "Byte": "<u1",
    "uint8": "<u1",
    "Bool": "|b1",
    "bool": "|b1",
}
_GROWTH = 20
_ALLOWANCE = 64 << 20
"""An archive may unpack to so many times its size, and so many bytes more: weights hardly shrink, bombs do."""


@dataclass(frozen=True)
class Checkpoint:
    """One official s1 or s2 file.

    `weights` maps tensor names to arrays in the stored layout and type (bfloat16 becomes float32); they may be
    read-only. `config` is the stored configuration as plain dicts and lists, empty where the file has none, `info` the
    training note, `header` the first two characters of the file ("PK", or a version tag such as "05"), `lora_rank` the
    rank of a file that holds only an adapter.
    """

    weights: dict[str, np.ndarray]
    config: dict[str, Any]
    info: str
    header: str
    lora_rank: int | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read an official s1 `.ckpt` or s2 `.pth` inference file, or the same tensors without a config.

    A state dict alone, or a `.safetensors` file, has no config.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is damaged, something else, or its pickle names anything a checkpoint has no need of.
    """
    with Source(path) as source:
        if is_safetensors(source.head()):
            return Checkpoint(_named_tensors(source.path, read_safetensors(source)), {}, "", "")
        archive = _open(source)
        content = archive.content
        if isinstance(content, Instance):
            raise CheckpointError(
                f"{path} holds a whole {content.of} object, not the weights of one: {_EXPORTED}, or save its state_dict"
            )
        if not isinstance(content, Mapping):
            raise CheckpointError(f"{path} holds {_shown(content)}, not a GPT-SoVITS checkpoint: {_EXPORTED}")
        config, info, rank = _settings(source.path, content)
        weights = content.get("weight", content if "config" not in content else None)
        if not isinstance(weights, Mapping) or not any(isinstance(value, TensorRef) for value in weights.values()):
            raise CheckpointError(f"{path} is not a GPT-SoVITS inference checkpoint: {_what_else(content)}")
        header = bytes(source.read(0, 2)).decode("latin-1")
        return Checkpoint(archive.tensors(weights), config, info, header, rank)


def read_torch(
    path: Path, inside: str | None = None, wanted: str = "an encoder: give it with --t2s or --sovits"
) -> dict[str, np.ndarray]:
    """Read a plain torch state dict or a `.safetensors` file; {name: array}, bfloat16 as float32.

    A state dict that lies one level down under the name `inside` is read from there. `wanted` is what a voice model,
    which is refused, is not, and what to do.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: as `read_checkpoint`.
    """
    with Source(path) as source:
        if source.path.suffix == ".safetensors" or is_safetensors(source.head()):
            return _named_tensors(source.path, read_safetensors(source))
        archive = _open(source)
        if isinstance(archive.content, Mapping) and inside is not None and inside in archive.content:
            archive = replace(archive, content=archive.content[inside])
        if isinstance(archive.content, Mapping) and isinstance(archive.content.get("weight"), Mapping):
            raise CheckpointError(
                f"{path} is a voice (it has 'weight' and {'config' if 'config' in archive.content else 'no config'}), "
                f"not {wanted}"
            )
        if not isinstance(archive.content, Mapping):
            raise CheckpointError(f"{path} holds {_shown(archive.content)}, not named tensors: {DOWNLOAD_AGAIN}")
        return archive.tensors(archive.content)


def _settings(path: Path, content: Mapping[Any, Any]) -> tuple[dict[str, Any], str, int | None]:
    try:
        config = plain(content.get("config") or {}) if "weight" in content else {}
    except PickleError as error:
        raise CheckpointError(f"{path} {error}") from None
    info, rank = (content.get("info", ""), content.get("lora_rank")) if "weight" in content else ("", None)
    if not isinstance(config, dict) or not isinstance(info, str) or not isinstance(rank, int | None):
        if program := _other_program(content):
            raise CheckpointError(f"{path} is not a GPT-SoVITS inference checkpoint: {program}")
        raise CheckpointError(
            f"{path}: its 'config', 'info' or 'lora_rank' is not what GPT-SoVITS writes there: {_EXPORTED}"
        )
    return config, info, rank


def _other_program(content: Mapping[Any, Any]) -> str:
    """What a file of another program is, with the way out, by the names in it; "" if that is not known."""
    parts = (part for part in content.values() if isinstance(part, Mapping))
    program = of_another_program(str(name) for part in (content, *parts) for name in part)
    return f"it is a model of {program}: {OURS}" if program else ""


def _shown(content: Any) -> str:
    kinds = {TensorRef: "a single tensor", list: "a list", tuple: "a list", str: "a text", dict: "an object"}
    return kinds.get(type(content), "a value")


def _what_else(content: Mapping[Any, Any]) -> str:
    if program := _other_program(content):
        return program
    for key in ("state_dict", "optimizer"):
        if key in content:
            return f"it is a training checkpoint (it has {key!r}); {_EXPORTED}"
    names = ", ".join(repr(key)[:40] for key in list(content)[:4])
    return f"it has {names or 'nothing'} where named tensors are expected: {_EXPORTED}"


def _named_tensors(path: Path, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not tensors:
        raise CheckpointError(f"{path} has no tensor in it: {DOWNLOAD_AGAIN}")
    return tensors


# --- torch's formats -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Archive:
    """A torch file: what its pickle describes, and where the numbers of a storage are."""

    source: Source
    content: Any
    numbers: Callable[[StorageRef, str], np.ndarray]
    """The bytes of a storage, uint8 [n], for a storage and the name of the tensor that needs it."""

    def tensors(self, described: Mapping[Any, Any]) -> dict[str, np.ndarray]:
        """The tensors of a mapping, read from the file; CheckpointError for an entry that is none."""
        path, storages = self.source.path, dict[str, np.ndarray]()
        _named_tensors(path, dict(described))
        room = _GROWTH * self.source.size + _ALLOWANCE
        found: dict[str, np.ndarray] = {}
        for name, value in described.items():
            if isinstance(value, np.ndarray) and isinstance(name, str):
                found[name] = value
                continue
            ref = self._usable(name, value)
            if ref.storage.key not in storages:
                storages[ref.storage.key] = self.numbers(ref.storage, name)
            found[name] = _view(path, name, ref, storages[ref.storage.key])
            room -= found[name].size * found[name].itemsize
            if room < 0:
                raise CheckpointError(f"{path} repeats its numbers in too many tensors: it was refused")
        return found

    def _usable(self, name: Any, value: Any) -> TensorRef:
        path = self.source.path
        if isinstance(value, Unusable):
            raise CheckpointError(
                f"{path}: the tensor {name} is {value.what}; get the voice in 16 or 32-bit floats, as it was exported"
            )
        if not isinstance(name, str) or not isinstance(value, TensorRef):
            kind = type(value).__name__
            raise CheckpointError(f"{path} has the entry {name!r}, a {kind} where a tensor is expected: {_EXPORTED}")
        if value.kind not in _TYPES:
            raise CheckpointError(
                f"{path}: the tensor {name} is of type {value.kind}; get the voice in 16 or 32-bit floats, as it was "
                "exported"
            )
        return value


def _view(path: Path, name: str, ref: TensorRef, content: np.ndarray) -> np.ndarray:
    kind = _TYPES[ref.kind]
    width = 2 if kind == BFLOAT16 else np.dtype(kind).itemsize
    numbers = decoded(content[: len(content) // width * width], kind)
    last = ref.offset + sum((extent - 1) * step for extent, step in zip(ref.size, ref.stride, strict=True))
    count = math.prod(ref.size)
    if count == 0:
        return np.empty(ref.size, numbers.dtype)
    if last >= len(numbers):
        raise CheckpointError(f"{path}: the tensor {name} reaches outside its data: {DOWNLOAD_AGAIN}")
    if count > len(numbers):
        raise CheckpointError(f"{path}: the tensor {name} is larger than its data ({count:,} numbers): it was refused")
    steps = tuple(step * numbers.itemsize for step in ref.stride)
    return np.lib.stride_tricks.as_strided(numbers[ref.offset :], ref.size, steps, writeable=False)


def _open(source: Source) -> _Archive:
    """The archive in a file, of either format."""
    try:
        with zipfile.ZipFile(source.file) as archive:
            members = {member.filename: member for member in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, struct.error, OverflowError) as error:
        if source.head()[:1] == b"\x80":
            return _open_legacy(source)
        raise _no_archive(source, error) from None
    return _open_zip(source, members)


def _no_archive(source: Source, error: Exception) -> CheckpointError:
    path, head = source.path, source.head()
    end = _end_of_archive(source)
    if end is not None and end < source.size:
        return CheckpointError(
            f"{path} has {source.size - end:,} bytes behind its end, so its download was not finished properly: "
            f"{DOWNLOAD_AGAIN}, or cut it: truncate -s {end} {quote(str(path))}"
        )
    if head[:2] == b"PK" or head[2:4] == b"\x03\x04":
        if end is not None:
            return CheckpointError(f"{path} has a damaged directory ({error}): {DOWNLOAD_AGAIN}")
        return CheckpointError(f"{path} is cut short (the end of the archive is missing): {DOWNLOAD_AGAIN}")
    kind = other_kind(head, path) or f"not a torch file, or it is cut short: {DOWNLOAD_AGAIN}"
    return CheckpointError(f"{path} is {kind}")


def _end_of_archive(source: Source) -> int | None:
    """Where the zip archive in a file ends, if its end record is within the last 16 MiB."""
    start = max(0, source.size - (16 << 20))
    tail = source.read(start, source.size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        return None
    return start + at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little")


def _open_zip(source: Source, members: Mapping[str, zipfile.ZipInfo]) -> _Archive:
    path = source.path
    pickles = [name for name in members if name.endswith("data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise CheckpointError(
            f"{path} is a zip archive without torch's data.pkl: unpack it and give the weight file itself"
        )
    prefix = pickles[0].removesuffix("data.pkl")
    if any(name.startswith(f"{prefix}code/") for name in members):
        raise CheckpointError(f"{path} is a TorchScript program, not weights: {_EXPORTED}")
    order = members.get(f"{prefix}byteorder")
    if order is not None and _member(source, order).tobytes() != b"little":
        raise CheckpointError(f"{path} was saved on a big-endian machine: get the voice from one of the usual kind")
    table = members[pickles[0]]
    if table.file_size > LONGEST:
        raise CheckpointError(f"{path} has a table of contents of {table.file_size >> 20} MiB: it was refused")
    content = _described(source, BytesIO(_member(source, table).tobytes()))

    def numbers(storage: StorageRef, name: str) -> np.ndarray:
        member = members.get(f"{prefix}data/{storage.key}")
        if member is None:
            raise CheckpointError(f"{path} lacks the numbers of the tensor {name}: {DOWNLOAD_AGAIN}")
        return _member(source, member)

    return _Archive(source, content, numbers)


def _described(source: Source, stream: BytesIO) -> Any:
    try:
        return read_pickle(stream)
    except PickleError as error:
        raise CheckpointError(f"{source.path} {error}") from error


def _member(source: Source, member: zipfile.ZipInfo) -> np.ndarray:
    """The bytes of one archive member, uint8 [n]."""
    path, name = source.path, member.filename
    lengths = source.read(member.header_offset + 26, 4, name)
    start = member.header_offset + 30 + sum(struct.unpack("<HH", lengths))
    content = np.frombuffer(source.read(start, member.compress_size, name), np.uint8)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        if member.file_size > _GROWTH * source.size + _ALLOWANCE:
            raise CheckpointError(f"{path} unpacks to far more than its size at {name}: it was refused")
        try:
            content = np.frombuffer(zlib.decompressobj(-15).decompress(content.data, member.file_size), np.uint8)
        except zlib.error:
            content = np.zeros(0, np.uint8)
    elif member.compress_type != zipfile.ZIP_STORED:
        raise CheckpointError(f"{path} is packed in an unusual way ({name}): unpack it and pack it with plain zip")
    if len(content) != member.file_size or zlib.crc32(content.data) != member.CRC:
        raise CheckpointError(f"{path} is damaged at {name}: {DOWNLOAD_AGAIN}")
    return content


def _open_legacy(source: Source) -> _Archive:
    """torch's format before 1.6: magic number, version, machine, content and keys as pickles, then the numbers."""
    stream = BytesIO(source.read(0, min(source.size, LONGEST)))
    path = source.path
    if _described(source, stream) != LEGACY_MAGIC:
        raise CheckpointError(f"{path} is a pickle, but not one that torch wrote: {_EXPORTED}")
    _version, machine = _described(source, stream), _described(source, stream)
    if isinstance(machine, Mapping) and machine.get("little_endian") is False:
        raise CheckpointError(f"{path} was saved on a big-endian machine: get the voice from one of the usual kind")
    content, keys = _described(source, stream), _described(source, stream)
    widths = {ref.key: _width(ref) for ref in _storages(content)}
    places, at = dict[str, tuple[int, int]](), stream.tell()
    for key in keys if isinstance(keys, list) else []:
        count, width = int.from_bytes(source.read(at, 8, "its numbers"), "little"), widths.get(key)
        if width is None:
            raise CheckpointError(f"{path} has numbers of an unknown type: {_EXPORTED}")
        places[key] = (at + 8, count * width)
        at += 8 + count * width

    def numbers(storage: StorageRef, name: str) -> np.ndarray:
        if storage.key not in places:
            raise CheckpointError(f"{path} lacks the numbers of the tensor {name}: {DOWNLOAD_AGAIN}")
        return np.frombuffer(source.read(*places[storage.key], name), np.uint8)

    return _Archive(source, content, numbers)


def _width(storage: StorageRef) -> int | None:
    kind = _TYPES.get(storage.kind)
    return None if kind is None else 2 if kind == BFLOAT16 else np.dtype(kind).itemsize


def _storages(content: Any) -> list[StorageRef]:
    """All storages that a content refers to, each visited once however often it is shared."""
    found, seen, waiting = dict[str, StorageRef](), set[int](), [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, TensorRef):
            found[value.storage.key] = value.storage
        elif isinstance(value, StorageRef):
            found[value.key] = value
        elif isinstance(value, dict | list | tuple | Instance) and id(value) not in seen:
            seen.add(id(value))
            waiting += _children(value)
    return list(found.values())


def _children(value: Any) -> list[Any]:
    if isinstance(value, Instance):
        return [value.state, value.items, value.args]
    return list(value.values() if isinstance(value, dict) else value)
