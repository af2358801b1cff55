"""How many machines some sessions need, from measured costs: a small simulation of nodes behind a dispatcher.

    python benchmarks/capacity.py [--costs results/capacity.json] [--sessions 100,1000,10000]

A session hears a text, thinks, and asks for the next. It stays with the node that had the fewest sessions when it
began, as dataflows/nodes/share.py does it, so nodes do not touch each other and one of them is simulated. A node keeps
what is heard from running dry before it begins anything new; what that leaves of its time goes to the first audio of
texts in the order they came. The costs are of `results/capacity.json`; "at" there says how many texts a cost was
measured with, between which it is interpolated.
"""

import argparse
import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TEXT_SECONDS, TEXT_SPREAD = 6.0, 0.5
"""Median length of a text, and the deviation of its logarithm."""
THINKING = 2.0
"""Mean seconds between the end of a text and the next."""
MOST_LOAD = 0.8
"""Share of a node's time that may go to what is heard."""


@dataclass(frozen=True)
class Machine:
    """What work costs on one kind of machine, in milliseconds; costs by number of texts are (texts, ms) pairs.

    Attributes:
        name: of the machine.
        first: from a text that has come to its first audio, with nothing else to do.
        second: of a second of audio for each text, by how many are made at once.
        limit: first audio that 99 of 100 texts must have.
    """

    name: str
    first: float
    second: Sequence[tuple[int, float]]
    limit: float

    @classmethod
    def read(cls, name: str, costs: Mapping) -> "Machine":
        """From a table of costs."""
        return cls(name, costs["first_ms"], [tuple(pair) for pair in costs["second_ms_at"]], costs["limit_ms"])

    def load(self, heard: float) -> float:
        """Share of the machine's time that so many texts take that are heard at once."""
        texts, costs = zip(*self.second, strict=True)
        return heard * float(np.interp(heard, texts, costs)) / 1e3


@dataclass(frozen=True)
class Found:
    """What so many sessions of a node find: milliseconds to first audio, and the load."""

    p50: float
    p99: float
    load: float


def simulate(machine: Machine, sessions: int, texts: int = 4000, seed: int = 1) -> Found:
    """One node with so many sessions, over so many texts."""
    chance = np.random.default_rng(seed)
    asks = [(float(chance.uniform(0.0, TEXT_SECONDS + THINKING)), number) for number in range(sessions)]
    heapq.heapify(asks)
    heard: list[float] = []  # when each text that is heard ends
    free, waits, loads = 0.0, [], []
    for _ in range(texts):
        now, number = heapq.heappop(asks)
        while heard and heard[0] <= now:
            heapq.heappop(heard)
        load = machine.load(len(heard) + 1)
        loads.append(load)
        left = max(0.02, 1.0 - load)
        free = max(free, now) + machine.first / 1e3 / left
        waits.append(free - now)
        ends = free + TEXT_SECONDS * float(np.exp(TEXT_SPREAD * chance.standard_normal()))
        heapq.heappush(heard, ends)
        heapq.heappush(asks, (ends + float(chance.exponential(THINKING)), number))
    steady = 1e3 * np.array(waits[texts // 4 :])
    return Found(float(np.percentile(steady, 50)), float(np.percentile(steady, 99)), float(np.mean(loads)))


def most_sessions(machine: Machine) -> int:
    """How many sessions a node carries: 99 of 100 texts begin in time, and what is heard leaves room."""
    most, step = 1, 1 << 12
    while step:
        found = simulate(machine, most + step)
        if found.p99 <= machine.limit and found.load <= MOST_LOAD:
            most += step
        else:
            step //= 2
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costs", type=Path, default=HERE / "results" / "capacity.json")
    parser.add_argument("--sessions", default="100,1000,10000")
    args = parser.parse_args()
    costs = json.loads(args.costs.read_text(encoding="utf-8"))
    counts = [int(count) for count in args.sessions.split(",")]
    print("| machine | sessions of a node | p50, ms | p99, ms |" + "".join(f" for {count} |" for count in counts))
    print("| --- " * (4 + len(counts)) + "|")
    for name, each in costs["machines"].items():
        machine = Machine.read(name, each)
        most = most_sessions(machine)
        found = simulate(machine, most)
        machines = "".join(f" {-(-count // most)} |" for count in counts)
        print(f"| {name} | {most} | {found.p50:.0f} | {found.p99:.0f} |{machines}")
    wire = costs["wire"]
    for count in counts:
        heard = count * TEXT_SECONDS / (TEXT_SECONDS + THINKING)
        messages, bits = heard * wire["messages_a_second"], heard * wire["bytes_a_second"] * 8
        print(
            f"{count} sessions: {heard:.0f} heard at once, {messages:.0f} audio messages a second, "
            f"{bits / 1e9:.2f} Gbit/s, {messages * wire['dispatcher_us'] / 1e6:.2f} dispatchers' time in its own code, "
            f"{messages * wire['dora_us'] / 1e6:.2f} with dora's"
        )


if __name__ == "__main__":
    main()
