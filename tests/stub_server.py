"""Stands in for dora-openai-websocket: sends two texts, takes flat float32 only. LISTEN_FILE: what it got, as JSON."""

import json
import os

import dora
import pyarrow as pa


def main() -> None:
    node = dora.Node()
    node.send_output("text", pa.array(["Hello there."]), {})
    node.send_output("response.create", pa.array(["And hello again."]), {})
    seconds, finals, rows = 0.0, 0, []
    while finals < 2 and (event := node.next()) is not None:
        if event["type"] == "INPUT":
            rows.append({"kind": str(event["value"].type), "count": len(event["value"]), **event["metadata"]})
            rows[-1].pop("timestamp", None)
            seconds += len(event["value"]) / 24000
            finals += event["metadata"]["fin"]
    with open(os.environ["LISTEN_FILE"], "w", encoding="utf-8") as file:
        json.dump({"seconds": seconds, "rows": rows}, file)


main()
