"""Kernels of CUDA compiled for the CPU, with the emulation of their threads."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from pathlib import Path

import pytest

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.runtime.mlx.cuda.clusters import SOURCE, Plan

EMULATION = Path(__file__).with_name("cluster_emulation.cpp")
OPTIONS = ("-std=c++17", "-O1", "-U_FORTIFY_SOURCE", "-fno-strict-aliasing", "-shared", "-fPIC")


def emulation(folder: Path, shape: tuple[T2SConfig, Plan], *defines: str, sources: Path = SOURCE.parent) -> ctypes.CDLL:
    """The emulation of the kernel of T2S codes for a shape, and of those that `defines` ask for.

    Args:
        folder: where it is compiled.
        shape: of the network and how it is cut.
        defines: as a compiler takes them after `-D`.
        sources: where the kernels are.
    """
    config, plan = shape
    own = f"KERNEL_SIZES={joined([*sizes(config), *astuple(plan)])}", f"KERNEL_SHARED={plan.shared(config)}"
    made = folder / "emulation.so"
    command = [_compiler(), *OPTIONS, f"-I{sources}", *(f"-D{each}" for each in (*own, *defines)), "-o", str(made)]
    done = subprocess.run([*command, str(EMULATION)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    library = ctypes.CDLL(str(made))
    library.run.restype = ctypes.c_bool
    return library


def sizes(config: T2SConfig) -> tuple[int, int, int, int]:
    """The dimensions that every kernel of T2S is told first."""
    return config.hidden, config.heads, config.feed_forward, config.vocabulary


def joined(numbers: Sequence[int]) -> str:
    """Numbers as a template takes them."""
    return ",".join(map(str, numbers))


@cache
def _compiler() -> str:
    """A g++ that can compile it, without which the test is skipped."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    asked = "#include <ucontext.h>\n_Float16 half; ucontext_t context;\n"
    done = subprocess.run([compiler, "-fsyntax-only", "-x", "c++", "-"], input=asked, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("needs a g++ that knows _Float16, and ucontext")
    return compiler
