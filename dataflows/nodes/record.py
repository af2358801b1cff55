"""Writes what it hears into a sound file (.wav, .flac, .ogg), and fails if any is missing, repeated or out of order.

Environment: WAV, the file; FOLDER, where a relative one lies. Inputs: `audio...` and `segment_complete...` of the nodes
that speak, and `text`, what they were sent, if every text must be answered.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import dora
import numpy as np
from variables import variable

from dora_primespeech_mlx.files.sounds import audio_file, written_as
from dora_primespeech_mlx.files.writing import check_place, replace_file
from dora_primespeech_mlx.names.values import Name


@dataclass
class Take:
    """What came of one text."""

    chunks: list[np.ndarray] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    final: list[bool] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    promised: int = 0

    def problems(self, name: int) -> list[str]:
        """What is wrong with it, as sentences."""
        found = []
        if len(self.outcomes) != 1:
            found.append(f"text {name} was completed {len(self.outcomes)} times")
        if self.numbers != list(range(len(self.numbers))):
            found.append(f"the chunks of text {name} came as {self.numbers}")
        if self.outcomes == ["completed"] and len(self.numbers) != self.promised:
            found.append(f"text {name} has {self.promised} chunks, and {len(self.numbers)} came")
        if self.outcomes == ["completed"] and self.final != [False] * (self.promised - 1) + [True]:
            found.append(f"the last chunk of text {name} is not the one marked as last")
        if "error" in self.outcomes:
            found.append(f"text {name} could not be spoken")
        return found


@dataclass
class Recorder:
    """Takes by text, in the order in which the texts began."""

    takes: dict[int, Take] = field(default_factory=dict)
    sample_rate: int = 0
    model: str = ""

    def take(self, metadata: dict) -> Take:
        """The take of the text that the metadata speak of."""
        return self.takes.setdefault(metadata["segment_id"], Take())

    def hear(self, value: object, metadata: dict) -> None:
        """One audio message. What is flushed is forgotten."""
        take = self.take(metadata)
        if metadata.get("flush"):
            take.chunks.clear()
            return
        samples = np.asarray(value)
        take.chunks.append(samples if samples.dtype == np.float32 else samples.astype(np.float32) / 32768.0)
        take.numbers.append(metadata["seq"])
        take.final.append(metadata["fin"])
        self.sample_rate, self.model = metadata["sample_rate"], metadata.get("model", "")

    def complete(self, outcome: str, metadata: dict) -> None:
        """One `segment_complete`."""
        take = self.take(metadata)
        take.outcomes.append(outcome)
        take.promised = metadata.get("chunks", 0)
        if outcome == "error":
            print(metadata.get("error"), file=sys.stderr)

    def samples(self) -> np.ndarray:
        """All audio, float32 [n]."""
        return np.concatenate(
            [np.zeros(0, np.float32), *(chunk for take in self.takes.values() for chunk in take.chunks)]
        )

    def problems(self) -> list[str]:
        """What is wrong, as sentences."""
        found = [problem for name, take in self.takes.items() for problem in take.problems(name)]
        return found if len(self.samples()) else [*found, "there is no audio"]


def main() -> None:
    """Record until the stream ends, write, and exit with 1 if something is wrong."""
    path = Path(variable("FOLDER", Name(), ".")) / variable("WAV", Name())
    try:
        check_place(path)
        written_as(path)
    except (ValueError, OSError) as error:
        raise SystemExit(f"{error}; set WAV and FOLDER") from error
    node, recorder = dora.Node(), Recorder()
    while (event := node.next()) is not None:
        if event["type"] != "INPUT":
            continue
        if event["id"].startswith("audio"):
            recorder.hear(event["value"], event["metadata"])
        elif event["id"].startswith("segment_complete"):
            recorder.complete(event["value"][0].as_py(), event["metadata"])
        elif event["id"] == "text":
            recorder.take(event["metadata"])
    samples, problems = recorder.samples(), recorder.problems()
    if len(samples):
        try:
            replace_file(path, audio_file(path, samples, recorder.sample_rate, recorder.model))
        except OSError as error:
            raise SystemExit(str(error)) from error
        print(f"{path}: {len(samples) / recorder.sample_rate:.2f} s of speech", flush=True)
    if problems:
        raise SystemExit("; ".join(problems))


if __name__ == "__main__":
    main()
