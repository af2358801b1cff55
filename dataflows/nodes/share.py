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

import os
import subprocess
import time

import dora
import pyarrow as pa
from dispatch import Dispatcher, Metadata, Patience

FROM_NODES = ("audio", "segment_complete", "status")


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


def stop(dataflow: str) -> None:
    """`dora stop`, which outlives this process.

    Nodes on a machine that was away may never hear that their inputs are closed, and would keep the dataflow running.
    """
    quiet = subprocess.DEVNULL
    subprocess.Popen(["dora", "stop", dataflow], stdout=quiet, stderr=quiet, start_new_session=True)


def main() -> None:
    """Share until the sender has gone and all its texts are answered."""
    names = [name.strip() for name in os.environ["NAMES"].split(",")]
    patience = Patience(
        missing=float(os.environ.get("MISSING_AFTER", "5")), nobody=float(os.environ.get("GIVE_UP_AFTER", "60"))
    )
    node = dora.Node()

    def send(output: str, value: pa.Array, metadata: Metadata) -> None:
        if output == "status":
            print(value[0].as_py(), flush=True)
        node.send_output(output, value, metadata)

    dispatcher = Dispatcher(names, send, time.monotonic(), patience, os.environ.get("TEXT_MODE", "auto"))
    while not dispatcher.finished(time.monotonic()) and (event := node.next()) is not None:
        if event["type"] == "STOP" and event["id"] == "MANUAL":
            break
        handle(dispatcher, event, time.monotonic())
    if dispatcher.missing() and dispatcher.finished(time.monotonic()):
        stop(str(node.dataflow_id()))


if __name__ == "__main__":
    main()
