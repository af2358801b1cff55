"""Writes torch files as torch writes them, good and hostile ones, without torch."""

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from dora_primespeech_mlx.weights.checkpoint import Checkpoint, read_checkpoint

DATA = Path(__file__).parent / "data"
STORAGES = {
    "float16": "HalfStorage",
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "int64": "LongStorage",
    "int8": "CharStorage",
}


class Name:
    """A class or function by its name, which need not exist here."""

    def __init__(self, name: str):
        self.module, _, self.name = name.rpartition(".")


class Call:
    """What calling a named function gives."""

    def __init__(self, function: str, *args: Any):
        self.function, self.args = Name(function), args


class Made:
    """An object of a named class with attributes."""

    def __init__(self, of: str, state: Any):
        self.of, self.state = Name(of), state


class Storage:
    """Numbers of a torch type."""

    def __init__(self, kind: str, content: np.ndarray):
        self.kind, self.content = kind, content


class Tensor:
    """A tensor of a storage, described as torch describes it."""

    def __init__(self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]):
        self.args = (storage, offset, size, stride, False, OrderedDict())


def tensor(array: np.ndarray, kind: str | None = None) -> Tensor:
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(Storage(kind or STORAGES[str(array.dtype)], array), 0, array.shape, strides)


class TorchPickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """A pickler that can write names of things that are not there, and torch's tensors."""

    def __init__(self, file: Any, storages: dict[int, tuple[str, Storage]], protocol: int = 2, legacy: bool = False):
        super().__init__(file, protocol)
        self.storages, self.legacy = storages, legacy

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Name):
            self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.args)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Made):
            self.save(obj.of)
            self.save(())
            self.write(pickle.NEWOBJ)
            self.save(obj.state)
            self.write(pickle.BUILD)
        elif isinstance(obj, Tensor):
            self.save(Name("torch._utils._rebuild_tensor_v2"))
            self.save(obj.args)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Storage):
            key, _ = self.storages.setdefault(id(obj), (str(len(self.storages)), obj))
            pid = ("storage", Name(f"torch.{obj.kind}"), key, "cpu", obj.content.size)
            self.save(pid + ((None,) if self.legacy else ()))
            self.write(pickle.BINPERSID)
        else:
            super().save(obj, save_persistent_id)


def pickled(content: Any, storages: dict[int, tuple[str, Storage]], legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    TorchPickler(buffer, storages, legacy=legacy).dump(content)
    return buffer.getvalue()


def save(path: Path, content: object, header: bytes = b"PK", packing: int = zipfile.ZIP_STORED) -> Path:
    """A file as `torch.save` writes it, with the first two bytes replaced."""
    storages: dict[int, tuple[str, Storage]] = {}
    return save_archive(path, pickled(content, storages), storages, header, packing)


def save_archive(
    path: Path,
    table: bytes,
    storages: Mapping[int, tuple[str, Storage]] | None = None,
    header: bytes = b"PK",
    packing: int = zipfile.ZIP_STORED,
) -> Path:
    """The same for a pickle that is written already."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("name/data.pkl", table)
        archive.writestr("name/byteorder", "little")
        for key, storage in (storages or {}).values():
            archive.writestr(f"name/data/{key}", storage.content.tobytes())
    path.write_bytes(header + path.read_bytes()[2:])
    return path


def save_legacy(path: Path, content: object) -> Path:
    """A file as torch wrote it before version 1.6."""
    storages: dict[int, tuple[str, Storage]] = {}
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps(machine, 2)]
    parts += [pickled(content, storages, legacy=True)]
    parts += [pickle.dumps([key for key, _ in storages.values()], 2)]
    for _, storage in storages.values():
        parts += [storage.content.size.to_bytes(8, "little"), storage.content.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


@cache
def stored(path: Path) -> Checkpoint:
    """A checkpoint of the stored data, read once: no test changes such a file."""
    return read_checkpoint(path)


def content_of(path: Path, weights: Mapping[str, np.ndarray] | None = None, **changes: Any) -> dict[str, Any]:
    """What a checkpoint holds, ready to be saved again, with other weights or entries."""
    read = stored(path) if path.is_relative_to(DATA) else read_checkpoint(path)
    tensors = OrderedDict((name, tensor(value)) for name, value in (weights or read.weights).items())
    return {"weight": tensors, "config": read.config, "info": read.info} | changes


def unstamped(folder: Path, manifest: str = "config.json") -> Path:
    """A folder whose manifest no longer says what its files are, as the folders of earlier versions."""
    path = folder / manifest
    content = json.loads(path.read_text("utf-8"))
    content.pop("files", None)
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def never_ending(model: Path, seconds: int) -> Path:
    """A model folder whose T2S ends no sentence by itself, and stops after an allowance of so many seconds."""
    weights = load_file(model / "t2s.safetensors")
    weights["ar_predict_layer.weight"][1024] = 0
    save_file(weights, model / "t2s.safetensors")
    path = model / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config["t2s"]["data"]["max_sec"] = seconds
    path.write_text(json.dumps(config), encoding="utf-8")
    return model
