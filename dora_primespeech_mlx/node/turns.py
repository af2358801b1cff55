"""What versions of dora differ in: nodes before 0.4 refuse to send on one thread while another one receives."""

import threading
import time
from typing import Any

WAIT = 0.01
"""Seconds of one turn of receiving; sending waits for its end."""
PAUSE = 0.0005


class TakingTurns:
    """A node whose receiving is cut into short waits, so that other threads can send in between."""

    def __init__(self, node: Any):
        self._node = node
        self._in_use = threading.Lock()
        self._counting = threading.Lock()
        self._senders = 0

    def next(self) -> Any:
        """The next event, or None when the stream has ended."""
        while True:
            while self._senders:
                time.sleep(PAUSE)
            with self._in_use:
                event = self._node.next(timeout=WAIT)
            if event is None or event["type"] != "ERROR" or "timed out" not in str(event["error"]):
                return event

    def send_output(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None:
        """Send, after the turn that is on."""
        with self._counting:
            self._senders += 1
        with self._in_use:
            with self._counting:
                self._senders -= 1
            self._node.send_output(output_id, data, metadata)


def must_take_turns(version: str) -> bool:
    """Whether a version of dora is one that needs it."""
    return _numbers(version) < [0, 4]


def has_queue_policies(version: str) -> bool:
    """Whether a version of dora lets a dataflow say what a full queue does."""
    return _numbers(version) >= [1, 0]


def _numbers(version: str) -> list[int]:
    """Major and minor number of a version; [0, 9] for one that cannot be read."""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return numbers if len(numbers) == 2 else [0, 9]
