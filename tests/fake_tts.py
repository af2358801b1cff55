"""The node with an engine that computes nothing, to be run by dora. Environment: FAKE_* set the engine."""

import os
import time

import dora
from node_fakes import FakeEngine

from dora_primespeech_mlx.node import run
from dora_primespeech_mlx.settings import Settings


def make_engine(settings: Settings) -> FakeEngine:
    time.sleep(float(os.environ.get("FAKE_LOAD", "0")))
    return FakeEngine(
        chunks=int(os.environ.get("FAKE_CHUNKS", "3")),
        chunk_seconds=float(os.environ.get("FAKE_CHUNK_SECONDS", "0.2")),
        delay=float(os.environ.get("FAKE_DELAY", "0.002")),
    )


run(dora.Node, make_engine, Settings.from_env())
