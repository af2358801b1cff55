"""Payloads: what the node says as Arrow, and what comes as Arrow as text."""

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

import numpy as np
import pyarrow as pa

from dora_primespeech_mlx.files.sounds import pcm16
from dora_primespeech_mlx.node.messages import encodable, said_in


def to_arrow(payload: str | np.ndarray, audio_format: str) -> pa.Array:
    """A text -> one string; samples float32 [n] -> float32 [n] ("flat"), one list ("list") or int16 [n] ("int16")."""
    if isinstance(payload, str):
        return pa.array([encodable(payload)])
    if audio_format == "list":
        return pa.array([payload], type=pa.list_(pa.float32()))
    return pa.array(pcm16(payload) if audio_format == "int16" else payload)


def to_text(value: Any) -> str:
    """The text in a payload: strings, bytes, or one number. ValueError for anything that is no text.

    Marks of byte order and zeros, as other languages end their strings with, are left out. Bytes that are not UTF-8
    are lone surrogates, as Python has them: they may be a part of a character whose other bytes come later.
    """
    if value is None:
        return ""
    kind = getattr(value, "type", None)
    if kind is not None and _are_bytes(kind) and len(value) > 1:
        text = _decoded(_bytes(value))
    elif kind is not None and len(value) > 1 and pa.types.is_primitive(kind):
        raise ValueError(f"a text was expected, and {kind} [{len(value)}] came; send one string")
    else:
        if kind is not None and _is_list(kind) and _are_bytes(kind.value_type):
            items: list[Any] = [
                "" if part is None else _decoded(_bytes(part)) for part in (cell.values for cell in value)
            ]
        else:
            items = [_readable(item) for item in items_of(value)]
        text = "\n".join(_item_text(item, len(items) == 1) for item in items)
    return text.removeprefix("\ufeff").replace("\0", "")


def settled(text: str) -> str:
    """What `to_text` gives, with U+FFFD for bytes that are not UTF-8 and none follow."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def items_of(value: Any) -> list[Any]:
    """The items of a payload as Python has them; ValueError for those that it has not, as times beyond its years."""
    try:
        return value.to_pylist()
    except Exception as error:
        raise ValueError(f"{value.type} that cannot be read came: {error}; send one string") from error


def _are_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_uint8(kind) or pa.types.is_int8(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _bytes(array: pa.Array) -> bytes:
    """The bytes that an array of 8-bit numbers holds; 0 where it holds nothing."""
    return bytes(item or 0 for item in array.cast(pa.uint8(), safe=False).to_pylist())


def _decoded(content: bytes) -> str:
    """Bytes of a text: in UTF-8, or in UTF-16 where a mark says so."""
    if content[:2] in (BOM_UTF16_LE, BOM_UTF16_BE):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "surrogateescape")


def _readable(item: Any) -> Any:
    """An item with all bytes in it decoded."""
    if isinstance(item, bytes):
        return _decoded(item)
    if isinstance(item, list | tuple):
        return type(item)(_readable(part) for part in item)
    return {name: _readable(part) for name, part in item.items()} if isinstance(item, dict) else item


def _item_text(item: Any, is_alone: bool) -> str:
    """The text of one item of a payload; an object that `is_alone` stays one, since more than its prompt is read."""
    if isinstance(item, list) and item and all(isinstance(part, tuple) for part in item):  # a map of Arrow
        item = dict(item)
    if isinstance(item, list) and item and all(isinstance(part, str | dict | list | None) for part in item):
        return "\n".join(_item_text(part, len(item) == 1) for part in item)
    if isinstance(item, dict) and not is_alone:
        return said_in(item)
    if isinstance(item, str):
        return item
    return "" if item is None else json.dumps(item, ensure_ascii=False, default=str)
