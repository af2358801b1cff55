"""How far a result is from a stored one: what the parity scripts share."""

from collections.abc import Mapping

import numpy as np

Golden = Mapping[str, np.ndarray]
Report = dict[str, float]


def worst(ours: object, golden: np.ndarray) -> float:
    """Largest absolute difference; infinite when the shapes differ."""
    array, golden = np.squeeze(np.array(ours, dtype=np.float32)), np.squeeze(golden)
    return float(np.abs(array - golden).max()) if array.shape == golden.shape else float("inf")


def snr(ours: np.ndarray, golden: np.ndarray) -> float:
    """Signal-to-noise ratio in dB, at most 200."""
    golden = np.squeeze(golden)
    error = float(((ours - golden) ** 2).sum()) if ours.shape == golden.shape else float("inf")
    return 10 * float(np.log10((golden**2).sum() / max(error, 1e-20)))


def differing(ours: list[int], golden: np.ndarray) -> int:
    """Tokens that differ, missing and surplus ones counted."""
    stored = golden.reshape(-1).tolist()
    return sum(a != b for a, b in zip(ours, stored, strict=False)) + abs(len(ours) - len(stored))


def rows_last(array: np.ndarray) -> np.ndarray:
    """Official [1, C, T] to [T, C]."""
    return np.ascontiguousarray(array[0].T)
