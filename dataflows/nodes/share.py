"""Shares texts among nodes that speak: a session stays with its node, a new one goes to the node with the fewest texts.

Input: `text`. Outputs: `text_NAME`. Environment: NAMES, separated by commas.
"""

import os
from collections import Counter

import dora

LATEST_SESSIONS = 10_000


def main() -> None:
    """Share until the stream ends."""
    given = Counter(dict.fromkeys(os.environ["NAMES"].split(","), 0))
    sessions: dict[str, str] = {}
    node = dora.Node()
    while (event := node.next()) is not None:
        if event["type"] != "INPUT":
            continue
        metadata = {name: value for name, value in event["metadata"].items() if name != "timestamp"}
        session = str(metadata.get("session_id", ""))
        name = sessions.pop(session, None) or min(given, key=given.__getitem__)
        sessions[session] = name
        if len(sessions) > LATEST_SESSIONS:
            sessions.pop(next(iter(sessions)))
        given[name] += 1
        node.send_output(f"text_{name}", event["value"], metadata)


if __name__ == "__main__":
    main()
