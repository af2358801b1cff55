"""Read official checkpoints without torch and without running anything they contain.

`read_checkpoint` reads the two files a GPT-SoVITS voice consists of (s1 `.ckpt`, s2 `.pth`), `read_torch` reads a plain
state dict (`pytorch_model.bin`, a speaker model's `.ckpt`) or a `.safetensors` file. Both return NumPy arrays;
`write_weights` is the way back.

A torch file is a zip archive holding one pickle and one stored member per tensor storage. The pickle is read by an
unpickler that knows six names and refuses all others, so a file cannot run code. Tensors are views of the memory-mapped
file. Some s2 files carry a two-byte version tag in place of the zip's first two bytes; members are found through the
directory at the end of the archive, so the tag needs no repair.
"""

import json
import math
import mmap
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

ZIP_HEADER = "PK"
_DOWNLOAD_AGAIN = "download or copy it again"
_RESAVE = "load it with torch and save it again with torch.save"
_BFLOAT16 = "bfloat16"
_STORAGE_TYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}
_SAFETENSORS_TYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": _BFLOAT16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "|b1",
}


class CheckpointError(ValueError):
    """A weight file cannot be used; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class Checkpoint:
    """One official s1 or s2 file.

    `weights` maps tensor names to arrays in the stored layout and type (bfloat16 becomes float32); they may be
    read-only views of the file. `config` is the stored configuration as plain dicts and lists, `info` the training
    note, `header` the first two characters of the file ("PK", or a version tag such as "05"), `lora_rank` the rank of
    a file that holds only an adapter.
    """

    weights: dict[str, np.ndarray]
    config: dict[str, Any]
    info: str
    header: str
    lora_rank: int | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read an official s1 `.ckpt` or s2 `.pth` inference file.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is damaged, something else, or its pickle names anything a checkpoint has no need of.
    """
    path = Path(path)
    data = _map(path)
    content = _read_archive(path, data)
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a GPT-SoVITS checkpoint")
    missing = [key for key in ("weight", "config") if key not in content]
    if missing:
        raise CheckpointError(f"{path} is not a GPT-SoVITS inference checkpoint: {_what_else(content)}")
    try:
        config = _as_builtins(content["config"])
    except RecursionError:
        raise CheckpointError(f"{path}: its 'config' contains itself: {_DOWNLOAD_AGAIN}") from None
    info, rank = content.get("info", ""), content.get("lora_rank")
    if not isinstance(config, dict) or not isinstance(info, str) or not isinstance(rank, int | None):
        raise CheckpointError(f"{path}: its 'config', 'info' or 'lora_rank' is not what GPT-SoVITS writes there")
    weights = _tensors(path, content["weight"], "weight")
    return Checkpoint(weights, config, info, header=bytes(data[:2]).decode("latin-1"), lora_rank=rank)


def read_torch(path: Path, inside: str | None = None) -> dict[str, np.ndarray]:
    """Read a plain torch state dict (zip format) or a `.safetensors` file; {name: array}, bfloat16 as float32.

    A state dict that lies one level down under the name `inside` is read from there.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: as `read_checkpoint`.
    """
    path = Path(path)
    data = _map(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path, data)
    content = _read_archive(path, data)
    if inside is not None and isinstance(content, Mapping) and inside in content:
        content = content[inside]
    return _tensors(path, content, "the file")


def write_weights(weights: Mapping[str, np.ndarray], path: Path) -> None:
    """Writes a `.safetensors` file that others may read as far as the umask lets them.

    (`safetensors.numpy.save_file` leaves it to its owner alone, so a node under another user could not open it.)
    """
    Path(path).write_bytes(save({name: np.ascontiguousarray(value) for name, value in weights.items()}))


def _map(path: Path) -> mmap.mmap:
    if not path.is_file():
        hint = "a folder, not a file" if path.is_dir() else "not there; check the path"
        raise FileNotFoundError(f"The weight file {path} is {hint}")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty: {_DOWNLOAD_AGAIN}")
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _what_else(content: Mapping[Any, Any]) -> str:
    if "state_dict" in content:
        return "it is a training checkpoint (it has 'state_dict'); use the file the training exported for inference"
    if "optimizer" in content:
        return "it is a training checkpoint (it has 'optimizer'); use the file the training exported for inference"
    names = ", ".join(repr(key) for key in list(content)[:4])
    return f"'weight' and 'config' are expected at the top, it has {names or 'nothing'}"


def _tensors(path: Path, content: object, where: str) -> dict[str, np.ndarray]:
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: {where} holds a {type(content).__name__}, not named tensors")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            kind = type(value).__name__
            raise CheckpointError(f"{path}: {where} has the entry {name!r}, a {kind} where a tensor is expected")
    if not content:
        raise CheckpointError(f"{path}: {where} has no tensor in it")
    return dict(content)


# --- torch's zip format ----------------------------------------------------------------------------------------------


def _read_archive(path: Path, data: mmap.mmap) -> Any:
    legacy = data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05"
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = {member.filename: member for member in archive.infolist()}
    except zipfile.BadZipFile:
        if legacy:
            raise CheckpointError(f"{path} is in torch's old format from before version 1.6: {_RESAVE}") from None
        if data[:2] == ZIP_HEADER.encode():
            raise CheckpointError(
                f"{path} is cut short (the end of the archive is missing): {_DOWNLOAD_AGAIN}"
            ) from None
        raise CheckpointError(
            f"{path} is not a torch file, or it is cut short: {_DOWNLOAD_AGAIN}{_pointer_hint(data)}"
        ) from None
    except (ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path} has a damaged directory ({error}): {_DOWNLOAD_AGAIN}") from None
    pickles = [name for name in members if name.endswith("data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise CheckpointError(f"{path} is a zip archive without torch's data.pkl: give the weight file itself")
    prefix = pickles[0].removesuffix("data.pkl")
    order = members.get(f"{prefix}byteorder")
    if order is not None and _member(path, data, order).tobytes() != b"little":
        raise CheckpointError(f"{path} was saved on a big-endian machine: {_RESAVE} on a usual one")
    unpickler = _Unpickler(path, data, members, prefix)
    try:
        return unpickler.load()
    except CheckpointError:
        raise
    except Exception as error:  # a hostile or damaged pickle can raise anything
        raise CheckpointError(f"{path}: its pickle cannot be read ({error}): {_DOWNLOAD_AGAIN}") from error


def _pointer_hint(data: mmap.mmap) -> str:
    if data[:7] == b"version":
        return " (it looks like a Git LFS pointer: fetch the real file with git lfs pull)"
    if data[:1] == b"<":
        return " (it looks like a web page saved in place of the file)"
    return ""


def _member(path: Path, data: mmap.mmap, member: zipfile.ZipInfo) -> np.ndarray:
    """The bytes of one archive member, uint8 [n]; a view of the file where the member is stored uncompressed."""
    start = member.header_offset + 30
    if 30 <= start <= len(data):
        start += sum(struct.unpack_from("<HH", data, start - 4))
    if not 30 <= start <= len(data) - member.compress_size:
        raise CheckpointError(f"{path} is cut short inside {member.filename}: {_DOWNLOAD_AGAIN}")
    content = np.frombuffer(data, np.uint8, member.compress_size, start)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-15)
        content = np.frombuffer(inflater.decompress(content.data, member.file_size), np.uint8)
    elif member.compress_type != zipfile.ZIP_STORED:
        raise CheckpointError(f"{path} is packed in an unusual way ({member.filename}): {_RESAVE}")
    if len(content) != member.file_size or zlib.crc32(content.data) != member.CRC:
        raise CheckpointError(f"{path} is damaged at {member.filename}: {_DOWNLOAD_AGAIN}")
    return content


@dataclass(frozen=True)
class _StorageType:
    name: str


class _Unpickler(pickle.Unpickler):
    """Reads torch's pickle. Six names are known; each stands for a harmless thing of this module or of NumPy."""

    def __init__(self, path: Path, data: mmap.mmap, members: Mapping[str, zipfile.ZipInfo], prefix: str):
        super().__init__(BytesIO(_member(path, data, members[f"{prefix}data.pkl"]).tobytes()), encoding="utf-8")
        self._path, self._data, self._members, self._prefix = path, data, members, prefix
        self._storages: dict[str, np.ndarray] = {}
        self._names = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_parameter": self._parameter,
            "torch.Size": tuple,
            "utils.HParams": type("HParams", (), {"hyper_parameters": True}),
        }

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for `module.name`; CheckpointError for any name a state dict does not need."""
        if module == "torch" and name in _STORAGE_TYPES:
            return _StorageType(name)
        try:
            return self._names[f"{module}.{name}"]
        except KeyError:
            raise CheckpointError(
                f"{self._path} asks for {module}.{name}, which a checkpoint does not need: it was refused and nothing "
                f"was run. If you trust the file, load it with torch and save its tensors alone"
            ) from None

    def persistent_load(self, pid: Any) -> np.ndarray:
        """The storage [numel] that a tensor of the pickle refers to."""
        kind, storage_type, key, _location, count = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise CheckpointError(f"{self._path} refers to something that is not a tensor's storage: {_RESAVE}")
        if key not in self._storages:
            member = self._members.get(f"{self._prefix}data/{key}")
            if member is None:
                raise CheckpointError(f"{self._path} lacks the tensor data {key}: {_DOWNLOAD_AGAIN}")
            self._storages[key] = _decode(
                _member(self._path, self._data, member), _STORAGE_TYPES[storage_type.name], int(count), self._path
            )
        return self._storages[key]

    def _tensor(
        self, storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_details: object
    ) -> np.ndarray:
        last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
        whole = offset >= 0 and all(extent >= 0 for extent in size) and all(step >= 0 for step in stride)
        if not whole or (math.prod(size) > 0 and last >= len(storage)):
            raise CheckpointError(f"{self._path} has a tensor that reaches outside its data: {_DOWNLOAD_AGAIN}")
        if math.prod(size) == 0:
            return np.empty(size, storage.dtype)
        steps = tuple(step * storage.itemsize for step in stride)
        return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)

    def _parameter(self, tensor: np.ndarray, *_details: object) -> np.ndarray:
        return tensor


def _decode(content: np.ndarray, kind: str, count: int, path: Path) -> np.ndarray:
    width = 2 if kind == _BFLOAT16 else np.dtype(kind).itemsize
    if count * width > len(content):
        raise CheckpointError(f"{path} has {len(content)} bytes where {count * width} are expected: {_DOWNLOAD_AGAIN}")
    content = content[: count * width]
    if kind == _BFLOAT16:
        return (content.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return content.view(kind)


def _as_builtins(value: object) -> Any:
    """Hyper-parameter objects, mappings and sequences as plain dicts and lists, all the way down."""
    if getattr(type(value), "hyper_parameters", False):
        return _as_builtins(vars(value))
    if isinstance(value, Mapping):
        return {key: _as_builtins(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_builtins(item) for item in value]
    return value


# --- safetensors -----------------------------------------------------------------------------------------------------


def _read_safetensors(path: Path, data: mmap.mmap) -> dict[str, np.ndarray]:
    try:
        (size,) = struct.unpack_from("<Q", data, 0)
        table = json.loads(data[8 : 8 + size]) if 8 + size <= len(data) else None
    except (struct.error, ValueError):
        table = None
    if not isinstance(table, dict):
        raise CheckpointError(f"{path} is not a safetensors file, or it is cut short: {_DOWNLOAD_AGAIN}")
    tensors = {}
    for name, entry in table.items():
        if name != "__metadata__":
            try:
                tensors[name] = _safetensor(path, data, 8 + size, name, entry)
            except (KeyError, TypeError, ValueError) as error:
                if isinstance(error, CheckpointError):
                    raise
                raise CheckpointError(f"{path} is damaged where it describes {name}: {_DOWNLOAD_AGAIN}") from error
    return _tensors(path, tensors, "the file")


def _safetensor(path: Path, data: mmap.mmap, origin: int, name: str, entry: Mapping[str, Any]) -> np.ndarray:
    start, stop = (origin + offset for offset in entry["data_offsets"])
    if not origin <= start <= stop <= len(data):
        raise CheckpointError(f"{path} is cut short inside {name}: {_DOWNLOAD_AGAIN}")
    if entry["dtype"] not in _SAFETENSORS_TYPES:
        raise CheckpointError(f"{path}: the tensor {name} is of type {entry['dtype']}: use float or integer weights")
    shape = tuple(entry["shape"])
    content = np.frombuffer(data, np.uint8, stop - start, start)
    return _decode(content, _SAFETENSORS_TYPES[entry["dtype"]], math.prod(shape), path).reshape(shape)
