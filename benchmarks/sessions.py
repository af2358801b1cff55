"""Many sessions on one accelerator in virtual time: the scheduler itself, over networks that only take their time.

    python benchmarks/sessions.py [--costs results/capacity.json] [--sessions 8,64,128,216] [--texts 3] [--kinds]

Texts, sentences, needs, rows and chunks are those of `primespeech bench --streams`; what the networks cost is read from
a table, and what Python costs between them is a number there. So a policy can be tried, and found wrong, without a
device; two runs give the same.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from dora_primespeech_mlx.commands.bench.streams import SPREAD, Session, converse
from dora_primespeech_mlx.commands.bench.workshop import CODES_PER_PHONE, PROMPT_TEXT, random_codes
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.runtime.interface import EncodeRow, FlowRow, Newcomer, VocodeRow
from dora_primespeech_mlx.runtime.later import Later
from dora_primespeech_mlx.runtime.transfers import Transfers
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.needs import Need
from dora_primespeech_mlx.synthesis.scheduler import Scheduler
from dora_primespeech_mlx.text import Frontend, Phones
from dora_primespeech_mlx.voices.library import Voice
from dora_primespeech_mlx.voices.prompt import Prompt

HERE = Path(__file__).resolve().parent
HOP = 640
T2S = T2SConfig(512, 16, 24, 2048, 732, 1025, 1024, 32, 32, 54)


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a call of so many rows of so many units each: `host` to submit it, then of the device.

    Attributes:
        host: of the call.
        host_row: of each row.
        device: of the call.
        row: of each row.
        step: of each unit (frame, code).
        unit: of each unit of a row.
    """

    host: float = 0.0
    host_row: float = 0.0
    device: float = 0.0
    row: float = 0.0
    step: float = 0.0
    unit: float = 0.0


def read_costs(path: Path) -> dict[str, Cost]:
    """The costs of `results/capacity.json`."""
    table = json.loads(path.read_text(encoding="utf-8"))["calls"]
    return {kind: Cost(**cost) for kind, cost in table["costs"].items()}


@dataclass
class Machine:
    """A host and a device that works off what it is given, in virtual time.

    Attributes:
        costs: of each kind of call.
        now: seconds.
        free: when the device has nothing left to do.
        spent: calls, rows and seconds by kind.
    """

    costs: Mapping[str, Cost]
    now: float = 0.0
    free: float = 0.0
    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0.0]))

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Nothing is done for so long."""
        self.now += seconds

    def submit(self, kind: str, rows: int, units: float = 0.0, padded: int | None = None) -> float:
        """A call that is not waited for; when it is done."""
        cost = self.costs[kind]
        self.now += 1e-3 * (cost.host + cost.host_row * rows)
        size = padded or rows
        device = 1e-3 * (cost.device + cost.row * size + (cost.step + cost.unit * size) * units)
        self.free = max(self.now - 0.5e-3 * cost.host, self.free) + device
        entry = self.spent[kind]
        entry[0], entry[1], entry[2] = entry[0] + 1, entry[1] + rows, entry[2] + device
        return self.free

    def later(self, kind: str, results: Sequence[Any], units: float = 0.0) -> Later[Any]:
        """A call that is waited for when its results are looked at; rows are filled up to a power of four."""
        rows = len(results)
        done = self.submit(kind, rows, units, 4 ** (((rows - 1).bit_length() + 1) // 2))

        def wait() -> Sequence[Any]:
            self.read(done)
            return results

        return Later(wait, rows)

    def read(self, done: float) -> None:
        """Waits until then."""
        self.now = max(self.now, done)


@dataclass(frozen=True)
class Drawn:
    """Codes on their way, which are waited for where they are read."""

    machine: Machine
    codes: np.ndarray
    done: float

    def tolist(self) -> list:
        """The codes."""
        self.machine.read(self.done)
        return self.codes.tolist()


class TimedRows:
    """Texts that come and go; see `runtime.interface.DrawingRows`. Each ends after `CODES_PER_PHONE`."""

    def __init__(self, machine: Machine, prompt_phones: int, most: int, most_joins: int):
        self.most, self.most_joins, self.transfers = most, most_joins, Transfers(np)
        self._machine, self._prompt_phones = machine, prompt_phones
        self._left: list[int] = []

    def join(self, newcomers: Sequence[Newcomer]) -> None:
        """See `runtime.interface.DrawingRows`."""
        size = 1 << (len(newcomers) - 1).bit_length()
        self._machine.submit("join", len(newcomers), padded=size)
        for each in newcomers:
            phones = max(8, len(each.text[0]) - self._prompt_phones)
            self._left.append(round(CODES_PER_PHONE * phones))

    def leave(self, row: int) -> None:
        """See `runtime.interface.DrawingRows`."""
        del self._left[row]

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.DrawingRows`; nothing follows the phones here."""
        raise NotImplementedError

    def codes(self, rows: Sequence[int], noise: np.ndarray) -> Drawn:
        """See `runtime.interface.DrawingRows`."""
        count = len(noise)
        done = self._machine.submit("codes" if len(rows) > 8 else "few codes", len(rows), count)
        left = np.array([self._left[row] for row in rows])
        ends = left <= np.arange(count)[:, None]
        for row in rows:
            self._left[row] -= count
        codes = (np.arange(count)[:, None] * 7 + left * 11) % 1000
        return Drawn(self._machine, np.stack([codes, ends], axis=1), done)


@dataclass(frozen=True)
class TimedT2S:
    """See `runtime.interface.T2SRunner`."""

    machine: Machine
    prompt_phones: int
    most: int
    most_joins: int
    config: T2SConfig = T2S
    xp: ModuleType = np
    pipelined: bool = True
    exact_batches: bool = True
    apart: bool = False

    def beside(self) -> None:
        """See `runtime.interface.T2SRunner`."""

    def open(self) -> TimedRows:
        """See `runtime.interface.T2SRunner`."""
        return TimedRows(self.machine, self.prompt_phones, self.most, self.most_joins)


class TimedSovits:
    """See `runtime.interface.SovitsRunner`."""

    flow_context, history = 32, 0
    launch_bound = True
    reads_beside = False
    threads = 1

    def __init__(self, machine: Machine, most_rows: int):
        self.most_rows, self._machine = most_rows, machine
        vocoder = SimpleNamespace(inter_channels=4, upsample_rates=(HOP,), context=11)
        self.config = SimpleNamespace(vocoder=vocoder, sample_rate=HOP * FRAME_RATE)

    def beside(self) -> None:
        """See `runtime.interface.SovitsRunner`."""

    def read_rows(self, rows: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return self._machine.later("read phones", [np.zeros((len(phones), 4), np.float32) for phones in rows])

    def encode_rows(self, rows: Sequence[EncodeRow]) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """See `runtime.interface.SovitsRunner`."""
        longest = -(-max(len(codes) for codes, *_ in rows) // 64)
        found = [(np.zeros((2 * len(codes), 4), np.float32),) * 2 for codes, *_ in rows]
        return self._machine.later("encode", found, longest)

    def flow_rows(self, rows: Sequence[FlowRow]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return self._machine.later("flow", [prior for prior, _ in rows], max(len(prior) for prior, _ in rows))

    def vocode_rows(self, rows: Sequence[VocodeRow]) -> Sequence[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        samples = [np.zeros((stop - start) * HOP, np.float32) for _, _, start, stop in rows]
        return self._machine.later("vocode", samples, max(len(latent) for latent, *_ in rows))

    def fit(self, frames: int) -> int:
        """See `runtime.interface.SovitsRunner`."""
        return 96 + -(-max(0, frames - 96) // 64) * 64


class TimedEngine(Engine):
    """An engine whose texts take what Python costs each time they are resumed."""

    machine: Machine

    def speak(self, *args: Any, **options: Any) -> Generator[AudioChunk | Need | None, None, None]:
        """See `Engine.speak`."""
        for unit in super().speak(*args, **options):
            self.machine.submit("resume", 1)
            yield unit


def opened(machine: Machine, most: int = 64, most_joins: int = 16, most_rows: int = 16) -> tuple[Engine, Voice]:
    """An engine and a voice of timed networks, with so many rows in each call."""
    frontend = Frontend()

    def read(*args: Any, **options: Any) -> Phones:
        machine.submit("read", 1)
        return frontend(*args, **options)

    prompt = Prompt(random_codes(100), frontend(PROMPT_TEXT, "en"))
    t2s, sovits = TimedT2S(machine, len(prompt.ids), most, most_joins), TimedSovits(machine, most_rows)
    voice = Voice("timed", {}, t2s, sovits, read, None, prompt, np.zeros(4, np.float32))
    library = SimpleNamespace(voice=lambda name: voice, styled=lambda voice, style: voice)
    engine = TimedEngine(library, Settings(voices=HERE))
    engine.machine = machine
    return engine, voice


def heard(machine: Machine, count: int, texts: int, **rows: int) -> dict[str, float]:
    """What so many sessions hear."""
    engine, voice = opened(machine, **rows)
    scheduler: Scheduler[Session] = Scheduler(count, machine.clock)
    sessions, took = converse(engine, voice, count, texts, SPREAD, scheduler, machine.wait)
    first = 1e3 * np.array([seconds for session in sessions for seconds in session.first])
    gaps = np.array([gap for session in sessions for gap in session.gaps])
    percentiles = {f"p{percent}": round(float(np.percentile(first, percent))) for percent in (50, 90, 99)}
    audio = sum(session.audio for session in sessions)
    without = round(float((gaps == 0).mean()), 4)
    return {"sessions": count, **percentiles, "no gap": without, "audio a second": round(audio / took, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costs", type=Path, default=HERE / "results" / "capacity.json")
    parser.add_argument("--sessions", default="8,64,128,216")
    parser.add_argument("--texts", type=int, default=3, help="of each session")
    parser.add_argument("--kinds", action="store_true", help="print calls, rows and the device's seconds by kind")
    for name, value in (("most", 64), ("joins", 16), ("rows", 16)):
        parser.add_argument(
            f"--{name}", type=int, default=value, help="rows of a call: of codes, of prefills, of others"
        )
    args = parser.parse_args()
    costs = read_costs(args.costs)
    for count in map(int, args.sessions.split(",")):
        machine = Machine(costs)
        found = heard(machine, count, args.texts, most=args.most, most_joins=args.joins, most_rows=args.rows)
        print(json.dumps(found), flush=True)
        for kind, (calls, rows, seconds) in sorted(machine.spent.items(), key=lambda each: -each[1][2]):
            if args.kinds:
                print(f"    {kind}: {calls:.0f} calls of {rows / calls:.1f} rows, {seconds:.2f} s of the device")


if __name__ == "__main__":
    main()
