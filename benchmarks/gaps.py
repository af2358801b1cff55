"""How often a listener hears nothing where there should be speech, while other programs keep the machine busy.

    python benchmarks/gaps.py [--texts 200] [--busy 0,2,4] [--voices FILE] [--json FILE]

Sentences are played one after the other as a player does: from the first chunk on, without waiting for more. At most
`AHEAD` seconds are made before they are played; what would then be waited is not, the player's clock is put forward
instead. `busy` is how many processes compute without end beside it; `load` is that of the machine, with all else on it.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np

from dora_primespeech_mlx import Engine, Settings
from dora_primespeech_mlx.commands.bench.machine import processor
from dora_primespeech_mlx.commands.bench.streams import AHEAD, LATE, TEXTS
from dora_primespeech_mlx.runtime.onnx.session import default_threads

VOICES = Path(__file__).parents[1] / "voices.json"


@dataclass
class Player:
    """What a listener got.

    Attributes:
        skipped: seconds of waiting that were left out.
        first: seconds to the first audio of each text.
        gaps: seconds of each silence within a text that does not belong there.
        work: seconds spent on all texts.
        audio: seconds heard.
    """

    skipped: float = 0.0
    first: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    work: float = 0.0
    audio: float = 0.0

    def hear(self, engine: Engine, text: str, seed: int) -> None:
        """Plays one text."""
        began = self._now()
        played_until: float | None = None
        for chunk in engine.stream(text, language="auto", seed=seed):
            now, duration = self._now(), len(chunk.samples) / chunk.sample_rate
            if played_until is None:
                self.first.append(now - began)
                played_until = now
            if now > played_until + LATE:
                self.gaps.append(now - played_until)
            played_until = max(played_until, now) + duration
            self.audio += duration
            self.skipped += max(0.0, played_until - now - AHEAD)
        self.work = time.perf_counter() - self._started

    def __post_init__(self) -> None:
        self._started = time.perf_counter()

    def _now(self) -> float:
        return time.perf_counter() + self.skipped


def keep_busy() -> None:
    """Counts without end."""
    sum(itertools.repeat(1))


def measure(engine: Engine, texts: int, busy: int) -> dict:
    """What a listener of so many texts got beside so many busy processes."""
    beside = [multiprocessing.get_context("spawn").Process(target=keep_busy, daemon=True) for _ in range(busy)]
    for process in beside:
        process.start()
    try:
        time.sleep(3.0 if busy else 0.0)
        player = Player()
        sentences = [part for text in TEXTS for part in re.split(r"(?<=[.。]) ?", text) if part]
        numbered = (text.replace("#", str(number)) for number, text in enumerate(itertools.cycle(sentences)))
        for number, text in enumerate(itertools.islice(numbered, texts)):
            player.hear(engine, text, number)
    finally:
        for process in beside:
            process.terminate()
            process.join()
    low, middle, high = np.percentile(np.array(player.first) * 1e3, (50, 95, 100))
    return {
        "busy": busy,
        "load": os.getloadavg()[0],
        "texts": texts,
        "real-time factor": player.work / player.audio,
        "gaps": len(player.gaps),
        "longest gap, ms": max(player.gaps, default=0.0) * 1e3,
        "first audio, ms": [float(low), float(middle), float(high)],
    }


def table(rows: Sequence[dict], on: dict) -> dict:
    """What `tables.py` prints."""
    numbers = [
        [
            str(row["busy"]),
            f"{row['real-time factor']:.3g}",
            f"{row['gaps']} in {row['texts']}",
            f"{row['longest gap, ms']:.0f}",
            "{:.0f}, {:.0f}, {:.0f}".format(*row["first audio, ms"]),
        ]
        for row in rows
    ]
    head = ["busy beside it", "real-time factor", "gaps", "longest, ms", "first audio, ms: half, 95 of 100, all"]
    how = (
        f"{on['cores']} core(s) of {on['processor']}, onnxruntime {on['onnxruntime']}; the voice that ships. "
        "`python benchmarks/gaps.py`"
    )
    return {"head": head, "rows": numbers, "how": how}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints, a line for each number of busy processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--busy", default="0,2,4")
    parser.add_argument("--voices", type=Path, default=VOICES)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    engine = Engine.from_config(asked.voices, Settings(voices=asked.voices, seed=0))
    engine.warm_up()
    rows = []
    for busy in map(int, asked.busy.split(",")):
        rows.append(measure(engine, asked.texts, busy))
        print(json.dumps(rows[-1]), flush=True)
    if asked.json:
        on = {"processor": processor(), "cores": default_threads(), "onnxruntime": version("onnxruntime")}
        found = {"machine": on, "rows": rows, "tables": {"gaps": table(rows, on)}}
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
