import threading
import time

import pytest

from dora_primespeech_mlx.node.turns import TakingTurns, must_take_turns


class Exclusive:
    """Refuses to be used by two threads at a time; its stream ends after 300 sends."""

    def __init__(self):
        self.busy = threading.Lock()
        self.sent = []

    def next(self, timeout):
        assert self.busy.acquire(blocking=False), "already borrowed"
        time.sleep(timeout / 10)
        self.busy.release()
        if len(self.sent) == 300:
            return None
        return {"type": "ERROR", "error": "Receiver timed out"}

    def send_output(self, output_id, data, metadata):
        assert self.busy.acquire(blocking=False), "already borrowed"
        self.sent.append(data)
        self.busy.release()


def test_sending_and_receiving_take_turns():
    exclusive = Exclusive()
    node = TakingTurns(exclusive)
    senders = [
        threading.Thread(target=lambda start=start: [node.send_output("x", start + n, {}) for n in range(100)])
        for start in (0, 1000, 2000)
    ]
    for sender in senders:
        sender.start()
    assert node.next() is None
    for sender in senders:
        sender.join()
    assert [number for number in exclusive.sent if number < 100] == list(range(100))
    assert len(exclusive.sent) == 300


@pytest.mark.parametrize(
    ("version", "must"), [("0.3.12", True), ("0.3.13", True), ("0.4.0", False), ("0.5.0", False), ("1.1.0", False)]
)
def test_only_old_versions_need_it(version, must):
    assert must_take_turns(version) is must
