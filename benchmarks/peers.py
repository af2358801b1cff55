"""The same work through this project and through other implementations on the same machine, in turn.

    python benchmarks/peers.py S1.ckpt S2.pth [--genie PYTHON] [--cpufast PYTHON] [--rounds N] [--core N] [--json FILE]

S1 and S2 are official checkpoints (v2 or v2ProPlus). `--genie` is the interpreter of an environment with the packages
genie-tts and torch, `--cpufast` one with gpt-sovits-cpufast. Each runs in its own process, in one thread, and all of
them on one core with `--core`; tasks go round in turn, so that what else the machine does hits all alike.

Tasks: `t2s` decodes a fixed number of codes for a 12-word sentence (after 4 s of reference); `sovits` turns codes
into audio; `whole` does both; `speak` does both in the order the implementation streams and notes when the first
samples are there (peers that speak whole sentences only: `whole` again). Figures are medians over the rounds, and
ratios are medians of the ratios within a round; times are processor seconds of the one thread, wall seconds beside
them. With Genie's figures at hand, the bars this project sets itself are checked and `passed` says whether all are
met.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.commands.bench.machine import describe
from dora_primespeech_mlx.runtime.onnx import openvino as openvino_session

HERE = Path(__file__).parent
TASKS = ("t2s", "sovits", "whole", "speak")
CODES = 100
PROMPT_CODES = 100
HOP = 640
Report = dict[str, float]


@dataclass(frozen=True)
class Bar:
    """A ratio of ours to Genie's and the most (or least) it may be."""

    name: str
    task: str
    key: str
    limit: float
    at_least: bool = False


def bars(bfloat: bool) -> list[Bar]:
    """What is asked for on one core; `bfloat` where OpenVINO computes in bf16."""
    return [
        Bar("T2S codes a second, ours over Genie's", "t2s", "rate", 3.5, at_least=True),
        Bar("SoVITS time, ours over Genie's", "sovits", "time", 0.40 if bfloat else 0.95),
        Bar("real-time factor of a whole sentence, ours over Genie's", "whole", "time", 0.45 / 1.3),
        Bar("first audio, ours over Genie's", "speak", "first", 1 / 8),
    ]


def write_work(path: Path) -> None:
    """One reference and one sentence of random ids, features and samples."""
    random = np.random.default_rng(0)
    recording = (random.standard_normal(PROMPT_CODES * 2 * HOP) * 0.05).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(recording, 704, mode="reflect"), 2048)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(2049)[:-1])).T.astype(np.float32)
    np.savez(
        path,
        prompt_phones=random.integers(100, 300, 50),
        phones=random.integers(100, 300, 45),
        prompt_codes=random.integers(0, 1024, PROMPT_CODES),
        codes=random.integers(0, 1024, CODES),
        features=random.standard_normal((768, 2 * PROMPT_CODES + 1)).astype(np.float32),
        recording=recording,
        spectrum=spectrum,
        speaker=random.standard_normal(20480).astype(np.float32),
    )


class Peer:
    """A driver in its own process."""

    def __init__(self, name: str, interpreter: str, arguments: list[str], core: int | None):
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if "ours" not in name.split():
            environment.pop("PYTHONPATH", None)
        pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
        command = [interpreter, str(HERE / f"peer_{name.split()[0]}.py"), *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=pin
        )
        while (line := self._answer()) != "ready":  # libraries print while they load
            if not line:
                raise SystemExit(f"{name} did not start; what it says is above.")

    def _answer(self) -> str:
        """The next line with anything on it; nothing at the end."""
        assert self._process.stdout is not None
        return next((text for line in self._process.stdout if (text := line.strip())), "")

    def do(self, task: str) -> Report:
        """One task, measured by the driver."""
        assert self._process.stdin is not None
        self._process.stdin.write(task + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if not answer:
            raise SystemExit(f"{self.name} ended during {task}; what it says is above.")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def median(reports: list[Report]) -> Report:
    """Medians, and the spread (half the distance of the quartiles over the median) of each time."""
    summary = {key: float(np.median([report[key] for report in reports])) for key in reports[0]}
    for key in reports[0]:
        low, middle, high = np.percentile([report[key] for report in reports], (25, 50, 75))
        summary[f"{key}_spread"] = float((high - low) / 2 / middle) if middle else 0.0
    return summary


def figures(measured: dict[str, Report], clock: str) -> dict[str, float]:
    """The numbers worth printing, from the medians of one implementation."""
    t2s, sovits, whole, speak = (measured[task] for task in TASKS)
    return {
        "t2s_codes_per_second": 1 / t2s[f"step_{clock}"],
        "t2s_prefill_seconds": t2s[f"prefill_{clock}"],
        "sovits_real_time_factor": sovits[clock] / sovits["seconds"],
        "real_time_factor": whole[clock] / whole["seconds"],
        "streamed_real_time_factor": speak[clock] / speak["seconds"],
        "first_audio_seconds": speak[f"first_{clock}"],
    }


def ratio(bar: Bar, ours: Report, theirs: Report, clock: str) -> float:
    """Ours over theirs in one round: codes a second for a rate, else seconds (to first audio, or for one of audio)."""
    if bar.key == "rate":
        return theirs[f"step_{clock}"] / ours[f"step_{clock}"]
    if bar.key == "first":
        return ours[f"first_{clock}"] / theirs[f"first_{clock}"]
    return (ours[clock] / ours["seconds"]) / (theirs[clock] / theirs["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("t2s", type=Path)
    parser.add_argument("sovits", type=Path)
    parser.add_argument("--genie", help="interpreter with genie-tts and torch")
    parser.add_argument("--cpufast", help="interpreter with gpt-sovits-cpufast")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="core to pin every process to")
    parser.add_argument("--clock", choices=("processor", "wall"), default="processor")
    parser.add_argument("--fp32", action="store_true", help="ours with fp32 weights and arithmetic too")
    parser.add_argument("--json", type=Path, dest="out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.npz"
        write_work(work)
        inputs = [str(work), str(args.t2s.resolve()), str(args.sovits.resolve())]
        peers = [Peer("ours", sys.executable, inputs, args.core)]
        if args.fp32:
            peers.append(Peer("ours fp32", sys.executable, [*inputs, "fp32"], args.core))
        others = {"genie": args.genie, "cpufast": args.cpufast}
        peers += [Peer(name, interpreter, inputs, args.core) for name, interpreter in others.items() if interpreter]
        for peer in peers:
            for task in TASKS:
                peer.do(task)
        reports: dict[str, dict[str, list[Report]]] = {peer.name: {task: [] for task in TASKS} for peer in peers}
        for _ in range(args.rounds):
            for task in TASKS:
                for peer in peers:
                    reports[peer.name][task].append(peer.do(task))
        for peer in peers:
            peer.close()
    measured = {name: {task: median(runs) for task, runs in tasks.items()} for name, tasks in reports.items()}
    bfloat = openvino_session.pays()
    result: dict[str, Any] = {
        "machine": {**describe(), "bf16": bfloat},
        "options": {"version": args.sovits.stem, "rounds": args.rounds},
        "figures": {name: figures(tasks, args.clock) for name, tasks in measured.items()},
        "wall_figures": {name: figures(tasks, "wall") for name, tasks in measured.items()},
        "measured": measured,
        "clock": args.clock,
    }
    for name, numbers in result["figures"].items():
        print(name, *(f"{key} {value:.3f}" for key, value in numbers.items()), sep="\n  ")
    if "genie" in measured:
        result["ratios"], result["passed"] = {}, True
        for bar in bars(bfloat):
            rounds = zip(reports["ours"][bar.task], reports["genie"][bar.task], strict=True)
            value = float(np.median([ratio(bar, ours, genie, args.clock) for ours, genie in rounds]))
            met = value >= bar.limit if bar.at_least else value <= bar.limit
            result["ratios"][bar.name] = {"value": value, "limit": bar.limit, "met": met}
            result["passed"] &= met
            sign = "at least" if bar.at_least else "at most"
            print(f"{bar.name}: {value:.3f} ({sign} {bar.limit:.3f}: {'met' if met else 'missed'})")
        print("passed" if result["passed"] else "failed")
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
