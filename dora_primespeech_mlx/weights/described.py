"""What a pickle describes: names, objects, tensors; and the few calls that checkpoints make, carried out on paper.

Nothing here imports or calls what a file names. A name that could run something when the file is loaded elsewhere is
refused at sight, any other that is called and not known when it is called.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PLAIN_KEYS = str | int | float | bool | bytes | None


class PickleError(ValueError):
    """A pickle cannot be read; the message is the end of a sentence that begins with the file's name."""


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Instance:
    """An object of a class: what it was made from, its attributes, and its items if it is a mapping or a list."""

    of: Name
    args: tuple[Any, ...] = ()
    state: dict[Any, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class StorageRef:
    """Numbers that several tensors may share: their type as torch names it, the key of their place, how many."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class TensorRef:
    """A tensor: where its numbers lie, in steps of a number; `kind` is a type as torch names it ("Half", "float16")."""

    storage: StorageRef
    kind: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Unusable:
    """A tensor of a sort that no voice has; `what` says which."""

    what: str


def is_small(value: Any) -> bool:
    """Whether a value is an integer of at most 64 bits."""
    return isinstance(value, int) and value.bit_length() <= 64


def as_text(value: Any) -> str:
    """A value as a text: names and numbers as they are written, others by their type."""
    if isinstance(value, str):
        return value
    if isinstance(value, Name | float | bool | None) or is_small(value):
        return str(value)
    return f"<{type(value).__name__}>"


def plain_key(key: Any) -> Any:
    """A key of a mapping. Only plain ones: comparing others can take for ever."""
    if isinstance(key, tuple) and len(key) <= 8 and all(isinstance(part, PLAIN_KEYS) for part in key):
        return key
    return key if isinstance(key, PLAIN_KEYS) else as_text(key)


# --- names -----------------------------------------------------------------------------------------------------------

_DATA_BUILTINS_TEXT = "set frozenset list tuple dict bytearray bytes complex str int float bool object slice range"
_DATA_BUILTINS = frozenset(_DATA_BUILTINS_TEXT.split())
_ATTACKS_TEXT = (
    "os posix nt subprocess sys runpy importlib imp pty socket shutil ctypes _ctypes code codeop commands "
    "webbrowser multiprocessing threading _thread asyncio pickle _pickle marshal operator _operator "
    "timeit cProfile profile pdb bdb trace inspect io _io pip setuptools distutils requests urllib "
    "httplib http ftplib smtplib signal atexit site zipimport venv ensurepip pkgutil popen2 builtins "
    "__builtin__ dill cloudpickle joblib pydoc"
)
_ATTACKS = frozenset(_ATTACKS_TEXT.split())
_ATTACK_NAMES_TEXT = (
    "eval exec execfile compile __import__ open getattr setattr delattr globals locals vars input "
    "breakpoint system popen Popen call check_output check_call run spawn fork load loads "
    "_load_from_bytes run_path run_module import_module FunctionType CodeType MethodType"
)
_ATTACK_NAMES = frozenset(_ATTACK_NAMES_TEXT.split())


def named(module: Any, name: Any) -> Name:
    """A name of the pickle; PickleError if loading it elsewhere could run something."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError("a name that is no text")
    found = Name(module, name)
    root, harmless = module.split(".")[0], str(found) in _CALLS or str(found) in _CLASSES
    builtin = module in ("builtins", "__builtin__") and name in _DATA_BUILTINS
    if not harmless and not builtin and (root in _ATTACKS or name in _ATTACK_NAMES or "__" in name):
        raise PickleError(
            f"asks for {found}, which runs a program when the file is loaded in the usual way. This is an attack, not "
            "a voice: it was refused and nothing was run. Delete it, open it with no other program, and get the voice "
            "from its author"
        )
    return found


def refused(name: Any) -> PickleError:
    """The error for a call of a name that is not known."""
    return PickleError(
        f"asks for {name}, which no voice needs: it was refused and nothing was run. Get the file that the training "
        "exported (a .ckpt in GPT_weights, a .pth in SoVITS_weights), or the voice from its author"
    )


def made(of: Any, args: Any) -> Any:
    """An object of a class, made without calling it."""
    if not isinstance(of, Name) or not isinstance(args, tuple):
        raise TypeError("an object of something that is no class")
    return called(of, args) if str(of) in _CALLS else Instance(of, args)


def called(function: Any, args: Any) -> Any:
    """What a call of a named function or class makes, on paper; PickleError for one that is not known."""
    if not isinstance(function, Name) or not isinstance(args, tuple):
        raise TypeError("a call of something that is no function")
    call = _CALLS.get(str(function))
    if call is not None:
        return call(*args)
    if function.module in ("builtins", "__builtin__"):
        return _builtin(function, args)
    if str(function) in _CLASSES or function.name == "HParams":
        instance = Instance(function, args)
        instance.items += list(args[0].items()) if args and isinstance(args[0], dict) else []
        return instance
    raise refused(function)


def _builtin(function: Name, args: tuple[Any, ...]) -> Any:
    if function.name in ("dict", "list", "set", "frozenset", "tuple") and len(args) <= 1:
        empty: Any = {} if function.name == "dict" else []
        return args[0] if args and isinstance(args[0], list | tuple | dict) else empty
    return Instance(function, args)


# --- torch and NumPy -------------------------------------------------------------------------------------------------


def storage_of(pid: Any) -> StorageRef:
    """The storage that a persistent id of torch stands for."""
    if isinstance(pid, tuple) and pid and pid[0] == "module":
        raise PickleError("holds a whole program module, not weights: get the file that the training exported")
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], Name):
        raise PickleError("refers to something that is not a tensor's numbers: download or copy it again")
    if len(pid) > 5 and pid[5] is not None:
        raise PickleError("shares numbers in a way of torch before 0.4: get the voice in a newer file")
    kind, key, count = pid[1].name.removesuffix("Storage"), pid[2], pid[4]
    if not isinstance(key, str) or type(count) is not int or count < 0:
        raise TypeError("a storage without a key or a size")
    return StorageRef(kind, key, count)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_details: Any) -> TensorRef:
    return _tensor_as(storage, storage.kind, offset, size, stride)


def _typed_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, kind: Any, *_: Any
) -> Any:
    return _tensor_as(storage, kind.name, offset, size, stride)


def _tensor_as(storage: Any, kind: str, offset: Any, size: Any, stride: Any) -> TensorRef:
    numbers = (offset, *size, *stride)
    if not isinstance(storage, StorageRef) or not all(type(number) is int for number in numbers):
        raise TypeError("a tensor without numbers")
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
    if len(size) > 8 or min(numbers) < 0:
        raise PickleError("has a tensor that reaches outside its data: download or copy it again")
    return TensorRef(storage, kind, offset, tuple(size), tuple(stride)) if last >= 0 else _empty(storage, kind)


def _empty(storage: StorageRef, kind: str) -> TensorRef:
    return TensorRef(storage, kind, 0, (0,), (1,))


def _first(value: Any, *_details: Any) -> Any:
    return value


def _of_type(function: Any, _kind: Any, args: Any, _state: Any = None) -> Any:
    return called(function, args)


def _unusable(what: str) -> Callable[..., Unusable]:
    return lambda *_: Unusable(what)


def _reconstructed(of: Any, _base: Any = None, state: Any = None) -> Instance:
    instance = made(of, ())
    if isinstance(instance, Instance) and isinstance(state, dict):
        instance.items += list(state.items())
    return instance


def _new_object(of: Any, *args: Any) -> Any:
    return made(of, args)


def _mapping(items: Any = (), *_: Any) -> dict[Any, Any]:
    pairs = list(items.items()) if isinstance(items, dict) else list(items)
    return {plain_key(key): value for key, value in pairs}


def _default_mapping(_factory: Any = None, items: Any = (), *_: Any) -> dict[Any, Any]:
    return _mapping(items)


def _listed(items: Any = (), *_: Any) -> list[Any]:
    return list(items) if isinstance(items, list | tuple) else []


def _path(*parts: Any) -> str:
    return "/".join(str(part) for part in parts if isinstance(part, str))


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    return str(text).encode("utf-8" if encoding == "utf-8" else "latin-1")


def _numpy_type(code: Any, *_: Any) -> Instance:
    return Instance(Name("numpy", "dtype"), (str(code),))


def _numpy_kind(value: Any) -> np.dtype:
    code = value.args[0] if isinstance(value, Instance) and value.args else "O"
    kind = np.dtype(code[-8:]) if code.lstrip("<>=|")[:1] in "fiub" else np.dtype("O")
    if kind.hasobject or kind.itemsize > 16:
        raise TypeError("a NumPy value of a type that is no number")
    return kind


def _numpy_scalar(kind: Any, content: Any = b"") -> Any:
    if isinstance(content, str):
        content = content.encode("latin-1")
    return np.frombuffer(content, _numpy_kind(kind), 1)[0].item()


def numpy_array(state: Any) -> np.ndarray:
    """The array that a state of `numpy.ndarray` holds."""
    _version, shape, kind, columns_first, content = state
    if isinstance(content, str):
        content = content.encode("latin-1")
    numbers = np.frombuffer(content, _numpy_kind(kind))
    return numbers.reshape(tuple(shape), order="F" if columns_first else "C")


NUMPY_ARRAYS = frozenset(("numpy.ndarray",))


def _new_numpy_array(*_: Any) -> Instance:
    return Instance(Name("numpy", "ndarray"))


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _mapping,
    "collections.Counter": _mapping,
    "collections.defaultdict": _default_mapping,
    "collections.deque": _listed,
    "torch.Size": _first,
    "torch.device": lambda *parts: ":".join(map(str, parts)),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._utils._rebuild_qtensor": _unusable("quantised"),
    "torch._utils._rebuild_sparse_tensor": _unusable("sparse"),
    "torch._utils._rebuild_sparse_csr_tensor": _unusable("sparse"),
    "torch._utils._rebuild_meta_tensor_no_storage": _unusable("empty of numbers"),
    "torch._utils._rebuild_device_tensor_from_numpy": _first,
    "copyreg._reconstructor": _reconstructed,
    "copy_reg._reconstructor": _reconstructed,
    "copyreg.__newobj__": _new_object,
    "copy_reg.__newobj__": _new_object,
    "_codecs.encode": _encoded,
    "numpy.dtype": _numpy_type,
}
for _room in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _CALLS |= {f"{_room}.scalar": _numpy_scalar, f"{_room}._reconstruct": _new_numpy_array}
for _room in ("pathlib", "pathlib._local"):
    for _name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"):
        _CALLS[f"{_room}.{_name}"] = _path
_CLASSES_TEXT = (
    "argparse.Namespace types.SimpleNamespace easydict.EasyDict addict.addict.Dict box.box.Box "
    "munch.Munch datetime.datetime datetime.date datetime.timedelta decimal.Decimal uuid.UUID "
    "fractions.Fraction"
)
_CLASSES = frozenset(_CLASSES_TEXT.split())
