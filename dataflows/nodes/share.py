"""Shares texts among nodes that speak, so that they look like one. dispatch.py decides; this is its way to dora.

A session stays with its node. The texts of a node that is not heard of any more go to another one, from where their
audio stopped; every text is answered once, and no audio comes twice. `status` says who is missing and who is back.

Inputs: `text` and `control` of the sender; `tick`, a timer of dora; `audio_NAME`, `segment_complete_NAME` and
`status_NAME` of each node, whose own `tick` input makes it say that it is alive. Outputs: `text_NAME` for each node;
`audio`, `segment_complete` and `status` as a node that speaks has them. Environment: NAMES, separated by commas;
MISSING_AFTER, seconds of silence after which a node counts as missing (5); GIVE_UP_AFTER, seconds without any node
after which texts are answered with an error (60); TEXT_MODE, if the nodes have another than auto; and dora's own
DORA_COORDINATOR_ADDR and DORA_COORDINATOR_PORT, if the coordinator is not on this machine.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

import dora
import pyarrow as pa
from dispatch import Dispatcher, Metadata, Patience
from variables import variable

from dora_primespeech_mlx.names.values import Number, Words
from dora_primespeech_mlx.settings import KINDS

FROM_NODES = ("audio", "segment_complete", "status")
SECONDS = Number(0.1, 86400.0)


def handle(dispatcher: Dispatcher, event: dict, now: float) -> None:
    """One event of dora."""
    kind, source = event["type"], str(event["id"]) if "id" in event else ""
    what = next((what for what in FROM_NODES if source.startswith(f"{what}_")), source)
    name = source.removeprefix(f"{what}_")
    if kind == "INPUT_CLOSED" and what == "text":
        dispatcher.closed(now)
    elif kind == "INPUT_CLOSED" and what == "status":
        dispatcher.gone(name, now)
    elif kind != "INPUT":
        return
    elif what == "text":
        dispatcher.text(event["value"], event["metadata"], now)
    elif what == "control":
        dispatcher.control(event["value"], event["metadata"], now)
    elif what == "tick":
        dispatcher.tick(now)
    elif what == "audio":
        dispatcher.audio(name, event["value"], event["metadata"], now)
    elif what == "segment_complete":
        dispatcher.complete(name, event["value"][0].as_py(), event["metadata"], now)
    elif what == "status":
        dispatcher.status(name, event["value"][0].as_py(), event["metadata"], now)


def unwired(names: Sequence[str], config: Mapping[str, Any]) -> list[str]:
    """The inputs and outputs that a dataflow lacks for the nodes of these names."""
    inputs, outputs = config.get("inputs") or {}, config.get("outputs") or ()
    lacks = [f"input {what}_{name}" for name in names for what in FROM_NODES if f"{what}_{name}" not in inputs]
    return lacks + [f"output text_{name}" for name in names if f"text_{name}" not in outputs]


def stop(dataflow: str) -> None:
    """`dora stop`, which outlives this process.

    Nodes on a machine that was away may never hear that their inputs are closed, and would keep the dataflow running.
    """
    quiet = subprocess.DEVNULL
    subprocess.Popen(["dora", "stop", dataflow], stdout=quiet, stderr=quiet, start_new_session=True)


def main() -> None:
    """Share until the sender has gone and all its texts are answered."""
    names = variable("NAMES", Words())
    patience = Patience(
        missing=variable("MISSING_AFTER", SECONDS, "5"), nobody=variable("GIVE_UP_AFTER", SECONDS, "60")
    )
    mode = variable("TEXT_MODE", KINDS["text_mode"], "auto")
    node = dora.Node()
    if lacks := unwired(names, node.node_config()):
        raise SystemExit(f"NAMES is {', '.join(names)}, and the dataflow lacks here {', '.join(lacks)}: add them")

    def send(output: str, value: pa.Array, metadata: Metadata) -> None:
        if output == "status":
            print(value[0].as_py(), flush=True)
        node.send_output(output, value, metadata)

    dispatcher = Dispatcher(names, send, time.monotonic(), patience, mode)
    while not dispatcher.finished(time.monotonic()) and (event := node.next()) is not None:
        if event["type"] == "STOP" and event["id"] == "MANUAL":
            break
        handle(dispatcher, event, time.monotonic())
    if dispatcher.missing() and dispatcher.finished(time.monotonic()):
        stop(str(node.dataflow_id()))


if __name__ == "__main__":
    main()
