"""Pickles read on paper: what a file describes, without importing, calling or building anything that it names.

A pickle is a program for a small machine. `read_pickle` runs it with a machine whose every instruction makes plain
data: a class that is named becomes a `Name`, an object of it an `Instance` with its attributes, a tensor a `TensorRef`
that says where its numbers lie. Only calls of the few functions that `described` knows are understood; any other name
that is called is refused. Work and memory are bounded by the number of instructions, which is bounded too.
"""

import pickletools
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np

from dora_primespeech_mlx.weights.described import (
    NUMPY_ARRAYS,
    Instance,
    Name,
    PickleError,
    as_text,
    called,
    is_small,
    made,
    named,
    numpy_array,
    plain_key,
    refused,
    storage_of,
)

MOST_STEPS = 300_000
"""Instructions in one pickle; the largest model that is published has about 40,000."""
LONGEST = 16 << 20
"""Bytes of one pickle."""
DEEPEST = 64
MOST_VALUES = 200_000
MOST_WORK = 8_000_000
"""Items and characters that all calls of one pickle may copy."""


def read_pickle(stream: BytesIO) -> Any:
    """What the pickle at the stream's position describes; the stream is then behind it.

    Raises:
        PickleError: it is damaged, hostile or larger than any checkpoint's.
    """
    machine = _Machine()
    try:
        for number, (code, argument, _) in enumerate(pickletools.genops(stream)):
            if number >= MOST_STEPS:
                raise PickleError(f"takes more than {MOST_STEPS:,} steps to read, which no voice does: it was refused")
            if code.name == "STOP":
                return machine.stack.pop()
            machine.step(code.name, argument)
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError, UnicodeError) as error:
        raise PickleError(f"has a damaged table of contents ({error}): download or copy it again") from error
    raise PickleError("has a table of contents that does not end: download or copy it again")


def plain(value: Any) -> Any:
    """Configuration as plain dicts, lists, texts and numbers, all the way down; names and other things as text.

    Raises:
        PickleError: it holds itself, is nested deeply, or repeats its parts so often that writing it out is endless.
    """
    budget = [MOST_VALUES]

    def flat(value: Any, depth: int) -> Any:
        budget[0] -= 1 + (len(value) // 16 if isinstance(value, str) else value.size if _is_array(value) else 0)
        if depth > DEEPEST or budget[0] < 0:
            raise PickleError("has a 'config' without end (it holds itself or repeats its parts): it was refused")
        if isinstance(value, Instance):
            value = value.state or (dict(value.items) if _pairs(value.items) else value.items) or list(value.args)
        if isinstance(value, Mapping):
            return {as_text(key): flat(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [flat(item, depth + 1) for item in value]
        if _is_array(value):
            return flat(value.tolist(), depth)
        return value if isinstance(value, str | float | bool | None) or is_small(value) else as_text(value)

    return flat(value, 0)


def _pairs(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, tuple) and len(item) == 2 for item in items)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


# --- the machine -----------------------------------------------------------------------------------------------------


class _Machine:
    """The stack, the marks and the memo of a pickle; `step` carries out one instruction."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._work = 0

    def step(self, code: str, argument: Any) -> None:
        """One instruction by its name in `pickletools`; PickleError for one that no checkpoint has."""
        if code in _CONSTANTS:
            self.stack.append(_CONSTANTS[code]())
        elif code in _VALUES:
            self.stack.append(argument)
        elif code in _MEMO_PUTS:
            self._memo[len(self._memo) if argument is None else argument] = self.stack[-1]
        elif code in _MEMO_GETS:
            self.stack.append(self._memo[argument])
        elif code not in ("PROTO", "FRAME"):
            action = getattr(self, f"_{code.lower()}", None)
            if action is None:
                raise PickleError(f"uses {code} in its table of contents, which no voice does: it was refused")
            action(argument)

    def _since_mark(self) -> list[Any]:
        at = self._marks.pop()
        values, self.stack[at:] = self.stack[at:], []
        return values

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self.stack))

    def _pop(self, _: Any) -> None:
        if self._marks and self._marks[-1] == len(self.stack):
            self._marks.pop()
        else:
            self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _some(self, count: int) -> None:
        values, self.stack[-count:] = tuple(self.stack[-count:]), []
        if len(values) < count:
            raise IndexError("stack underflow")
        self.stack.append(values)

    def _tuple1(self, _: Any) -> None:
        self._some(1)

    def _tuple2(self, _: Any) -> None:
        self._some(2)

    def _tuple3(self, _: Any) -> None:
        self._some(3)

    def _list(self, _: Any) -> None:
        self.stack.append(self._since_mark())

    _frozenset = _list

    def _dict(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append({})
        self._put(values)

    def _append(self, _: Any) -> None:
        value = self.stack.pop()
        _items(self.stack[-1]).append(value)

    def _appends(self, _: Any) -> None:
        values = self._since_mark()
        _items(self.stack[-1]).extend(values)

    _additems = _appends

    def _setitem(self, _: Any) -> None:
        values, self.stack[-2:] = self.stack[-2:], []
        self._put(values)

    def _setitems(self, _: Any) -> None:
        self._put(self._since_mark())

    def _put(self, values: list[Any]) -> None:
        pairs = [(plain_key(key), value) for key, value in zip(values[::2], values[1::2], strict=True)]
        owner = self.stack[-1]
        if isinstance(owner, dict):
            owner.update(pairs)
        else:
            _items(owner).extend(pairs)

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(named(module, name))

    def _stack_global(self, _: Any) -> None:
        module, name = self.stack[-2:]
        self.stack[-2:] = [named(module, name)]

    def _inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        args = tuple(self._since_mark())
        self._spend(args)
        self.stack.append(made(named(module, name), args))

    def _obj(self, _: Any) -> None:
        of, *args = self._since_mark()
        self._spend(args)
        self.stack.append(made(of, tuple(args)))

    def _newobj(self, _: Any) -> None:
        of, args = self.stack[-2:]
        self._spend(args)
        self.stack[-2:] = [made(of, args)]

    def _newobj_ex(self, _: Any) -> None:
        of, args, _options = self.stack[-3:]
        self._spend(args)
        self.stack[-3:] = [made(of, args)]

    def _reduce(self, _: Any) -> None:
        function, args = self.stack[-2:]
        self._spend(args)
        self.stack[-2:] = [called(function, args)]

    def _spend(self, args: Any) -> None:
        """Counts what a call may copy of its arguments, which may be shared and large."""
        self._work += sum(len(part) for part in args if isinstance(part, str | bytes | list | tuple | dict))
        if self._work > MOST_WORK:
            raise PickleError("repeats its parts without end in its table of contents: it was refused")

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        owner = self.stack[-1]
        if isinstance(owner, Instance) and str(owner.of) in NUMPY_ARRAYS:
            self.stack[-1] = numpy_array(state)
            return
        if isinstance(owner, Name):
            raise refused(owner)
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        self._spend(parts)
        for part in parts:
            if isinstance(owner, Instance) and isinstance(part, dict):
                owner.state.update(part)

    def _binpersid(self, _: Any) -> None:
        self.stack.append(storage_of(self.stack.pop()))


_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
}
_VALUES_TEXT = (
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE "
    "BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
)
_VALUES = frozenset(_VALUES_TEXT.split())
_MEMO_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
_MEMO_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))


def _items(owner: Any) -> list[Any]:
    if isinstance(owner, list):
        return owner
    if isinstance(owner, Instance):
        return owner.items
    raise TypeError(f"items for a {type(owner).__name__}")
