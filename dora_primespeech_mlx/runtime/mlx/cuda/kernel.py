"""Kernels of this package, from their text to what MLX launches on a CUDA device."""

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx

GRID = Path(__file__).with_name("grid.cuh")
"""The wait of a whole grid, which goes before what uses it."""

COMMENT = re.compile(r"^\s*//.*\n|^\s+", re.MULTILINE)
"""What a compiler does not need, and MLX would look through at every call."""


def kernel(
    name: str, inputs: Iterable[str], outputs: Iterable[str], body: str, header: str = "", contiguous: bool = True
) -> Callable[..., list[mx.array]]:
    """A kernel with this body, whose arguments have these names and what types the arrays have.

    Unless arrays may have gaps they are copied to be `contiguous` first.
    """
    return _made(_named(name, header + body), inputs, outputs, body, header, 0, contiguous)


def structure(
    name: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    casts: Mapping[str, str],
    layers: int,
    header: str,
    bounds: str,
    shared: int,
) -> Callable[..., list[mx.array]]:
    """A kernel that is a structure: each argument is a field of it, and `run` is what it does.

    Args:
        name: of the kernel.
        inputs: the arguments and their types, which MLX derives from the arrays.
        outputs: likewise.
        casts: types of fields that have another than their argument.
        layers: of the network.
        header: ends with `using Kernel = ...`.
        bounds: what is said of the kernel where it is declared.
        shared: bytes of shared memory.
    """
    fields = [f"kernel.{each} = {f'({casts[each]})' if each in casts else ''}{each};" for each in (*inputs, *outputs)]
    body = "\n".join(["Kernel kernel;", f"kernel.layers = {layers};", *fields, "kernel.run();"])
    name = _named(name, header + body)
    arguments = [f"const {kind}* {each}" for each, kind in inputs.items()]
    arguments += [f"{kind}* {each}" for each, kind in outputs.items()]
    # MLX writes the kernel itself: declared before, it keeps what is said of it here.
    declared = f"__global__ void {bounds} custom_kernel_{name}({', '.join(arguments)});"
    header += f"namespace mlx::core::cu {{\n{declared}\n}}\n"
    return _made(name, inputs, outputs, body, header, shared)


def _named(name: str, text: str) -> str:
    """MLX keeps compiled kernels by name, on disk too, so the name must change with the text."""
    return f"{name}_{zlib.crc32(text.encode()):08x}"


def _made(
    name: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    body: str,
    header: str,
    shared: int,
    contiguous: bool = True,
) -> Callable[..., list[mx.array]]:
    made: Any = mx.fast.cuda_kernel(
        name=name,
        input_names=list(inputs),
        output_names=list(outputs),
        source=body,
        header=COMMENT.sub("", header),
        ensure_row_contiguous=contiguous,
        shared_memory=shared,
    )
    return made
