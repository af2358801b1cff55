"""ONNX Runtime sessions over translated graphs."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime

from dora_primespeech_mlx.runtime.memory import trim_heap
from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph

BUILDER = ThreadPoolExecutor(2, "onnx-session")
"""Makes sessions while the next graph is traced; ONNX Runtime gives the interpreter free meanwhile."""

AWAKE = 30
"""Microseconds that a thread waits for more work before it falls asleep: within a graph there is more by then.

Waking one costs as much. Longer waits take the time of other programs, and of the thread that is waited for.
"""

GraphOf = Callable[[str], Graph | StoredGraph]
"""Gives the graph of a stage by its name."""


class Function(Protocol):
    """A compiled graph."""

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Results in the order of the outputs, for arrays in the order of the inputs."""
        ...


def default_threads() -> int:
    """Threads of the CPU executor when nothing is asked for: as many as the process has cores, up to four."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(4, allowed, _quota())))


def _quota() -> float:
    """Cores whose time a container may use."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return float(most) / float(period)
    except (OSError, ValueError):
        return math.inf


@lru_cache
def _share_memory() -> None:
    """Makes one store of memory for all sessions of the process, where each would keep one of its own."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    # It grows as its own stores do: the least memory at most, room for twice as much each time.
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(0, 0, -1, -1))


def session_options(threads: int | None) -> onnxruntime.SessionOptions:
    """Options every session shares.

    Threads fall asleep soon after their work: a waiting process uses no CPU. No plan of the memory is kept for each
    length that came, for there is no end of them. What is free of it is there for all sessions.
    """
    _share_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(AWAKE))
    return options


class OnnxFunction:
    """A graph as a function of numpy arrays, run by ONNX Runtime."""

    def __init__(self, graph: Graph | StoredGraph | Path, threads: int | None = None):
        """Makes the session of an ONNX file, or begins to make that of a graph, which the first use waits for.

        Weights of a graph are not copied into the model but stay in memory that this object holds.
        """
        self._made = BUILDER.submit(self._make, graph, threads)
        if isinstance(graph, Path):
            self._made.result()

    @property
    def ready(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._made.done()

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The finished session."""
        return self._made.result()

    @cached_property
    def _inputs(self) -> list[str]:
        return [port.name for port in self.session.get_inputs()]

    def _make(self, graph: Graph | StoredGraph | Path, threads: int | None) -> onnxruntime.InferenceSession:
        options = session_options(threads)
        model: bytes | Path = graph if isinstance(graph, Path) else self._declare(graph, options)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        if isinstance(graph, StoredGraph):
            graph.let_go()
        trim_heap()
        return session

    def _declare(self, graph: Graph | StoredGraph, options: onnxruntime.SessionOptions) -> bytes:
        """The model of a graph, with the options told where its weights are."""
        stored = graph.stored() if isinstance(graph, Graph) else graph
        outside = {name: np.ascontiguousarray(value) for name, value in stored.weights.items()}
        self._held = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in outside.values()]
        if outside:
            options.add_external_initializers(list(outside), self._held)
        return stored.model

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Results in the order of the outputs, for arrays in the order of the inputs."""
        return self.session.run(None, dict(zip(self._inputs, arrays, strict=True)))
