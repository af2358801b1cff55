"""Sizes that follow the lengths of a function's inputs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Affine:
    """`constant` plus the sum of factor * length over named lengths."""

    constant: int
    factors: tuple[tuple[str, int], ...]


Dim = int | Affine | None  # None: a size that no affine rule describes (a product of lengths)
Shape = tuple[Dim, ...]
