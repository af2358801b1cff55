"""Choosing the next semantic code from its scores, the same on every executor.

The functions take the array namespace (`numpy` or `mlx.core`) and use only what both have, so that one definition
serves the device and the host. The order of operations is the official one: repetition penalty, top-p, temperature,
top-k, softmax, and the exponential race `argmax(p / q)`, whose noise the caller supplies.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from types import ModuleType
from typing import Any

Array = Any


@dataclass(frozen=True)
class Sampling:
    """How codes are chosen.

    Attributes:
        top_k: codes kept, at least 1; 1 is greedy.
        top_p: probability mass kept, in 0..1; 1 keeps all.
        temperature: above 0; below 1 sharpens.
        repetition_penalty: divides the score of codes already spoken (multiplies negative scores); 1 is off.
    """

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            kind, what = (Integral, "a whole number") if name == "top_k" else (Real, "a number")
            if not isinstance(value, kind) or isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it must be {what}.")
        if self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; it must be at least 1 (1 is greedy).")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1.")
        if not 0 < self.temperature <= 10:
            raise ValueError(f"temperature is {self.temperature}; it must be above 0 and at most 10.")
        if not 0.5 <= self.repetition_penalty <= 5:
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; it must be between 0.5 and 5.")


def penalise(xp: ModuleType, logits: Array, seen: Array, penalty: float) -> Array:
    """Makes codes marked in `seen` (bool, as logits) less likely."""
    return xp.where(seen, xp.where(logits < 0, logits * penalty, logits / penalty), logits)


def softmax(xp: ModuleType, logits: Array) -> Array:
    """Probabilities over the last axis."""
    powers = xp.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def probabilities(xp: ModuleType, logits: Array, sampling: Sampling) -> Array:
    """Probabilities left by top-p, temperature and top-k. Logits [..., vocabulary], already penalised.

    As in the official code, top-p removes the code that crosses the threshold too (but never the first), and works
    before the temperature.
    """
    if sampling.top_p < 1:
        ranked = -xp.sort(-logits, axis=-1)
        kept = (xp.cumsum(softmax(xp, ranked), axis=-1) <= sampling.top_p).sum(axis=-1, keepdims=True)
        logits = xp.where(logits >= xp.take_along_axis(ranked, xp.maximum(kept - 1, 0), axis=-1), logits, -xp.inf)
    logits = logits / max(sampling.temperature, 1e-5)
    if sampling.top_k < logits.shape[-1]:
        ranked = -xp.sort(-logits, axis=-1)
        logits = xp.where(logits >= ranked[..., sampling.top_k - 1 : sampling.top_k], logits, -xp.inf)
    return softmax(xp, logits)


def draw(xp: ModuleType, logits: Array, seen: Array, noise: Array, end: int, sampling: Sampling) -> tuple[Array, Array]:
    """Draws the next code of each row.

    Args:
        xp: namespace of the arrays.
        logits: float32 [B, vocabulary].
        seen: bool [B, vocabulary], codes of the prompt and those spoken so far.
        noise: exponential noise of rate 1, float32 [B, vocabulary].
        end: the end-of-sequence code.
        sampling: how.

    Returns:
        the codes, and whether each sequence ends with its own (drawn, or the most likely after the penalty); [B] both.
    """
    logits = penalise(xp, logits, seen, sampling.repetition_penalty)
    codes = xp.argmax(probabilities(xp, logits, sampling) / noise, axis=-1)
    return codes, xp.logical_or(codes == end, xp.argmax(logits, axis=-1) == end)
