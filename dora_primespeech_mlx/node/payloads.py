"""Payloads: what the node says as Arrow, and what comes as Arrow as text."""

import json
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
    """The text in a payload: strings, bytes, or one number. ValueError for anything that is no text."""
    if value is None:
        return ""
    kind = getattr(value, "type", None)
    if kind is not None and (pa.types.is_uint8(kind) or pa.types.is_int8(kind)) and len(value) > 1:
        return bytes(item or 0 for item in value.cast(pa.uint8(), safe=False).to_pylist()).decode("utf-8", "replace")
    if kind is not None and len(value) > 1 and pa.types.is_primitive(kind):
        raise ValueError(f"a text was expected, and {kind} [{len(value)}] came; send one string")
    items = items_of(value)
    return "\n".join(_item_text(item, len(items) == 1) for item in items)


def items_of(value: Any) -> list[Any]:
    """The items of a payload as Python has them; ValueError for those that it has not, as times beyond its years."""
    try:
        return value.to_pylist()
    except Exception as error:
        raise ValueError(f"{value.type} that cannot be read came: {error}; send one string") from error


def _item_text(item: Any, is_alone: bool) -> str:
    """The text of one item of a payload; an object that `is_alone` stays one, since more than its prompt is read."""
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    if isinstance(item, list) and item and all(isinstance(part, tuple) for part in item):  # a map of Arrow
        item = dict(item)
    if isinstance(item, list) and item and all(isinstance(part, str | dict | None) for part in item):
        return "\n".join(_item_text(part, len(item) == 1) for part in item)
    if isinstance(item, dict) and not is_alone:
        return said_in(item)
    if isinstance(item, str):
        return item
    return "" if item is None else json.dumps(item, ensure_ascii=False, default=str)
