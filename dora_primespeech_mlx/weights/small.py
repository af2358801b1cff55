"""Weights in 8 bits on disk: the numbers of a row as multiples of one step, for networks that lose nothing by it."""

from collections.abc import Mapping

import numpy as np

STEP = ".step"
"""Behind the name of a tensor in bytes: the name of its steps, one a row."""
LEVELS = 127
LEAST = 4096
"""Smaller tensors stay as they are, and so do vectors."""


def in_bytes(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors [rows, ...] as int8 with steps float16 [rows]; vectors and small tensors unchanged."""
    stored = {}
    for name, value in weights.items():
        if value.ndim < 2 or value.size < LEAST:
            stored[name] = value
            continue
        rows = value.astype(np.float32).reshape(len(value), -1)
        step = np.maximum(np.abs(rows).max(axis=1) / LEVELS, np.finfo(np.float16).tiny).astype(np.float16)
        levels = np.rint(rows / step.astype(np.float32)[:, None]).clip(-LEVELS, LEVELS)
        stored[name], stored[name + STEP] = levels.astype(np.int8).reshape(value.shape), step
    return stored


def from_bytes(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `in_bytes` was given, float32 where it was rounded; tensors without steps unchanged."""
    weights = {}
    for name, value in stored.items():
        step = stored.get(name + STEP)
        if step is not None:
            value = value.astype(np.float32) * step.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
        if not name.endswith(STEP):
            weights[name] = value
    return weights
