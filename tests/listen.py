"""A node that writes down what it gets, one JSON object a line.

Environment: LISTEN_FILE; KIND, the audio it takes; PLAYS, to take as long over audio as it lasts.

It stands in for a loudspeaker, which would play; audio of another kind, or longer than a second, ends it with an error.
"""

import json
import os
import time

import dora


def main() -> None:
    node = dora.Node()
    with open(os.environ["LISTEN_FILE"], "w", encoding="utf-8") as file:
        while (event := node.next()) is not None:
            if event["type"] != "INPUT":
                continue
            value, metadata = event["value"], event["metadata"]
            stamp = metadata.pop("timestamp", None)
            kind = str(value.type)
            if event["id"].startswith("audio") and (
                kind != os.environ.get("KIND", kind) or len(value) > metadata["sample_rate"]
            ):
                raise SystemExit(f"this device does not take {len(value)} samples of {kind}")
            row = {
                "id": event["id"],
                "kind": kind,
                "count": len(value),
                "text": value[0].as_py() if kind == "string" and len(value) else "",
                "sent": stamp.timestamp() if stamp is not None else 0.0,
                "heard": time.time(),
                **metadata,
            }
            print(json.dumps(row), file=file, flush=True)
            if "PLAYS" in os.environ:
                time.sleep(metadata.get("duration", 0.0))


main()
