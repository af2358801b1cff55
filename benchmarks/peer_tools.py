"""What the drivers of `peers.py` share. Runs in each peer's interpreter: standard library and numpy only.

A driver is a program `driver.py WORK T2S SOVITS`: it loads the checkpoints, says "ready", then answers each line it
reads (the name of a task) with one line of JSON, the seconds that task took.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass
class Work:
    """The same input for everyone: a reference and a sentence, as the networks see them."""

    prompt_phones: np.ndarray  # int64 [p]
    phones: np.ndarray  # int64 [n]
    prompt_codes: np.ndarray  # int64 [c]
    codes: np.ndarray  # int64 [t], what the vocoder task speaks
    features: np.ndarray  # float32 [768, 2 c + 1], from which Genie takes its prompt codes
    recording: np.ndarray  # float32 [samples] at 32 kHz
    spectrum: np.ndarray  # float32 [1025, frames] of it
    speaker: np.ndarray  # float32 [20480], for models that take one

    @classmethod
    def read(cls, path: str) -> Self:
        """Reads what `peers.write_work` wrote."""
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in arrays.files})

    @property
    def steps(self) -> int:
        """Codes a task generates."""
        return len(self.codes)


class Clock:
    """Wall and processor seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Both, by name."""
        return {"wall": time.perf_counter() - self.wall, "processor": time.process_time() - self.processor}


def steps_report(marks: list[dict[str, float]]) -> dict[str, float]:
    """Seconds of the prefill and of the median step from the time after the prefill and after every step."""
    report = {f"prefill_{name}": value for name, value in marks[0].items()}
    for name in marks[0]:
        times = np.array([mark[name] for mark in marks])
        report[f"step_{name}"] = float(np.median(np.diff(times)))
        report[f"codes_{name}"] = float(times[-1])
    return report


def serve(tasks: dict[str, Callable[[], dict[str, float]]]) -> None:
    """Answers tasks until the input ends; what a library prints goes to the error output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write("ready\n")
    for line in sys.stdin:
        answers.write(json.dumps(tasks[line.strip()]()) + "\n")
