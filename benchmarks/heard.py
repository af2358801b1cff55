"""Whether a real player plays every block that the node sends: a dataflow with dora-pyaudio on a virtual sound card.

    python benchmarks/heard.py dataflows/chat.yml OUT      # docs/field.md says how to set up the card

The dataflow runs as it is, with two additions: a node that keeps what is sent on `audio` (with times), and a list of
what dora-pyaudio writes to the card, which it does in order. What the card plays is recorded by `parec`. Each block
that was sent is then one of these:

- equal: recorded, to the bit;
- silent: written by the player, and nothing but silence;
- ran dry: recorded in order, with gaps within it, where the card had nothing to play;
- flushed: not written, and neither was anything between it and a marker with `flush`;
- lost: all else.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SINK = "card.monitor"
RATE = 32000
SILENT = 3
"""Steps of 16 bits that are silence."""
PIECE = 160
"""Samples of the pieces in which a block with gaps is looked for."""
ON_THE_WAY = 0.05
"""Seconds that a marker takes to the player."""


def keep() -> None:
    """The node that keeps what is sent."""
    import dora

    node, rows, blocks = dora.Node(), [], []
    while (event := node.next()) is not None:
        if event["type"] != "INPUT":
            continue
        about = event["metadata"]
        row = {"id": event["id"], "sent": about.pop("timestamp").timestamp()}
        if event["id"] == "audio":
            blocks.append(event["value"].to_numpy().copy())
            row |= {name: about[name] for name in ("question_id", "seq", "flush", "flush_session") if name in about}
        else:
            row["text"] = event["value"][0].as_py()
        rows.append(row)
    np.savez("sent.npz", *blocks)
    Path("sent.json").write_text(json.dumps(rows), "utf-8")


def play() -> None:
    """dora-pyaudio, with a list of what it writes and when."""
    import pyaudio
    from dora_pyaudio.main import main

    stream = pyaudio.PyAudio.Stream
    real = stream.write

    def write(self: Any, frames: bytes, *rest: Any) -> None:
        with Path("written.jsonl").open("a", encoding="utf-8") as written:
            print(json.dumps([time.time(), hashlib.md5(frames).hexdigest()]), file=written)
        real(self, frames, *rest)

    stream.write = write
    main()


def prepared(flow: Path, out: Path) -> Path:
    """The dataflow with both additions."""
    import yaml

    dataflow = yaml.safe_load(flow.read_text("utf-8"))
    nodes = dataflow["nodes"]
    for node in nodes:
        node.pop("build", None)
        if node["path"] == "dora-pyaudio":
            audio = node["inputs"]["audio"]
            source = audio if isinstance(audio, str) else audio["source"]
            node |= {"path": sys.executable, "args": f"{Path(__file__).resolve()} --as play"}
        elif (flow.parent / node["path"]).exists():
            node["path"] = str((flow.parent / node["path"]).resolve())
        for name in ("LLM_SCRIPT", "TEXT_FILE"):
            if name in node.get("env", {}):
                node["env"][name] = str((flow.parent / node["env"][name]).resolve())
    speaker = source.split("/")[0]
    inputs = {"audio": source, "done": f"{speaker}/segment_complete"}
    queue = {"queue_size": 1000, "queue_policy": "backpressure"}
    keeper = {"id": "keeper", "path": sys.executable, "args": f"{Path(__file__).resolve()} --as keep"}
    nodes.append(keeper | {"inputs": {name: {"source": source, **queue} for name, source in inputs.items()}})
    (out / "flow.yml").write_text(yaml.safe_dump(dataflow, sort_keys=False, allow_unicode=True), "utf-8")
    return out / "flow.yml"


def run(flow: Path, out: Path) -> None:
    """Runs the dataflow and records the card."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "recorded.raw").open("wb") as recorded:
        command = ["parec", f"--device={SINK}", "--format=s16le", f"--rate={RATE}", "--channels=1"]
        recorder = subprocess.Popen(command, stdout=recorded)
        time.sleep(0.5)
        try:
            environment = {"PULSE_LATENCY_MSEC": "200", **os.environ}
            subprocess.run(["dora", "run", str(prepared(flow, out).resolve())], cwd=out, env=environment, check=True)
        finally:
            time.sleep(1.5)
            recorder.send_signal(signal.SIGTERM)
            recorder.wait()


def as_played(block: np.ndarray) -> np.ndarray:
    """A block as dora-pyaudio gives it to the card."""
    return (block * 70_000).astype(np.int16) if np.issubdtype(block.dtype, np.floating) else block


def found(samples: np.ndarray, recorded: bytes, start: int) -> int:
    """Where samples begin in a recording from byte `start` on; -1 if nowhere."""
    at = recorded.find(samples.tobytes(), start)
    while at % 2 and at >= 0:
        at = recorded.find(samples.tobytes(), at + 1)
    return at


def account(out: Path) -> Iterator[tuple[int, str, float]]:
    """What became of each block: its number, that, and for one that was flushed the seconds before its marker."""
    audio = [row for row in json.loads((out / "sent.json").read_text("utf-8")) if row["id"] == "audio"]
    sent = np.load(out / "sent.npz")
    written = [json.loads(line) for line in (out / "written.jsonl").read_text("utf-8").splitlines()]
    recorded, place, next_written = (out / "recorded.raw").read_bytes(), 0, 0
    markers = [(at, row["sent"]) for at, row in enumerate(audio) if row.get("flush") or row.get("flush_session")]
    for at, (row, name) in enumerate(zip(audio, sent.files, strict=True)):
        block = as_played(sent[name])
        if not len(block):
            continue
        marker = next((when for number, when in markers if number > at), None)
        until = np.inf if marker is None else marker + ON_THE_WAY
        digest = hashlib.md5(block.tobytes()).hexdigest()
        mine = (k for k in range(next_written, len(written)) if written[k] == [written[k][0], digest])
        written_as = next((k for k in mine if written[k][0] < until), None)
        if written_as is None:
            yield at, "lost" if marker is None else "flushed", 0.0 if marker is None else marker - row["sent"]
            continue
        next_written = written_as + 1
        if np.abs(block).max() <= SILENT:
            yield at, "silent", 0.0
            continue
        here = found(block, recorded, place)
        if here >= 0:
            place = here + block.nbytes
            yield at, "equal", 0.0
            continue
        pieces = [block[k : k + PIECE] for k in range(0, len(block) - PIECE + 1, PIECE)]
        pieces, heard, start = [piece for piece in pieces if np.abs(piece).max() > SILENT], 0, place
        for piece in pieces:
            here = found(piece, recorded, start)
            if here >= 0:
                heard, start = heard + 1, here + piece.nbytes
        dry = heard >= 0.8 * len(pieces)
        place = start if dry else place
        yield at, "ran dry" if dry else "lost", 0.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flow", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--as", dest="role", choices=["keep", "play"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.role:
        {"keep": keep, "play": play}[args.role]()
        return
    run(args.flow, args.out)
    blocks = list(account(args.out))
    print(dict(Counter(what for _, what, _ in blocks)), "of", len(blocks))
    flushed = [at for at, what, _ in blocks if what == "flushed"]
    for at, what, before in blocks:
        if what in ("flushed", "lost", "ran dry"):
            print(f"block {at}: {what}{f', sent {before:.3f} s before the marker' if at in flushed else ''}")


if __name__ == "__main__":
    main()
