"""The node with an engine that computes nothing, to be run by dora. Environment: FAKE_* set the engine.

FAKE_PID names a file for the process id, FAKE_MEMORY one for the memory in use at each text, in bytes.
"""

import os
import time
from pathlib import Path

from node_fakes import FakeEngine

from dora_primespeech_mlx.node.main import open_node, run
from dora_primespeech_mlx.settings import Settings


class Watched(FakeEngine):
    def speak(self, text, manner, voice=None, schedule=None, cancelled=None):
        if "FAKE_MEMORY" in os.environ:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            with open(os.environ["FAKE_MEMORY"], "a") as file:
                print(pages * os.sysconf("SC_PAGE_SIZE"), file=file)
        self.calls.clear()
        return super().speak(text, manner, voice, schedule, cancelled)


def make_engine(settings: Settings) -> FakeEngine:
    time.sleep(float(os.environ.get("FAKE_LOAD", "0")))
    if "FAKE_PID" in os.environ:
        Path(os.environ["FAKE_PID"]).write_text(str(os.getpid()))
    return Watched(
        chunks=int(os.environ.get("FAKE_CHUNKS", "3")),
        chunk_seconds=float(os.environ.get("FAKE_CHUNK_SECONDS", "0.2")),
        delay=float(os.environ.get("FAKE_DELAY", "0.002")),
    )


run(open_node, make_engine, Settings.from_env())
