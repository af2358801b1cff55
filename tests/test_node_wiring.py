"""A dataflow that would lose texts or audio is told so at the start, with the line to write."""

import os

import pytest
from node_fakes import FakeNode

from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.main import _greet, not_connected
from dora_primespeech_mlx.node.turns import has_queue_policies
from dora_primespeech_mlx.node.wiring import losses
from dora_primespeech_mlx.settings import Settings

GOOD = {"source": "llm/text", "queue_size": 1000, "queue_policy": "backpressure"}


class Node:
    """What dora says of the wires of a dataflow with this node, `tts`, and a player."""

    def __init__(self, inputs, outputs=("audio", "status"), player=None):
        self.inputs, self.outputs, self.player = inputs, outputs, player

    def node_config(self):
        return {"inputs": self.inputs, "outputs": list(self.outputs)}

    def dataflow_descriptor(self):
        tts = {"id": "tts", "inputs": self.inputs, "outputs": list(self.outputs)}
        return {"nodes": [tts, {"id": "player", "inputs": {"sound": self.player}}, {"id": "llm", "inputs": {}}]}


@pytest.mark.parametrize(
    ("wire", "holds"),
    [
        ("llm/text", 10),
        ({"source": "llm/text"}, 10),
        ({"source": "llm/text", "queue_size": 5}, 5),
        ({"source": "llm/text", "queue_size": 1000, "queue_policy": "drop_oldest"}, 1000),
    ],
)
def test_an_input_that_drops_texts_is_named_with_the_line_to_write(wire, holds):
    assert list(losses(Node({"text": wire, "control": "ui/control"}), is_bounded=True, has_policies=True)) == [
        f"the input text holds {holds} messages, and dora drops the oldest when more come: "
        "write text: {source: llm/text, queue_size: 1000, queue_policy: backpressure}"
    ]
    assert list(losses(Node({"text": wire}), is_bounded=True, has_policies=False)) == []


def test_a_player_that_drops_audio_is_named_where_nothing_holds_audio_back():
    node = Node({"text": GOOD}, player="tts/audio")
    assert list(losses(node, is_bounded=True, has_policies=True)) == []
    (said,) = losses(node, is_bounded=False, has_policies=True)
    assert said.startswith("the input sound of player holds 10 messages")
    assert said.endswith("write sound: {source: tts/audio, queue_size: 1000, queue_policy: backpressure}")
    held = Node({"text": GOOD}, player=GOOD | {"source": "tts/audio"})
    assert list(losses(held, is_bounded=False, has_policies=True)) == []


def test_a_node_without_text_or_audio_is_told_so():
    said = list(losses(Node({"tick": "dora/timer/millis/100"}, outputs=["status"]), is_bounded=True, has_policies=True))
    assert [sentence.partition(",")[0] for sentence in said] == [
        "the output audio is not declared",
        "there is no input text",
    ]
    (said,) = losses(Node({"tts_text": "llm/text"}), is_bounded=True, has_policies=True)
    assert said.endswith("so nothing will be spoken: write text: llm/text in place of tts_text under inputs")
    wires = {"text": GOOD, "interrupt": "vad/start", "data": "a/b", "Tick": "dora/timer/secs/1"}
    (said,) = losses(Node(wires), is_bounded=True, has_policies=True)
    assert said.startswith("nothing reads data, Tick: rename such inputs to one of text, control, reset")
    assert list(losses(object(), is_bounded=False, has_policies=True)) == []


def test_a_folder_of_voices_that_is_not_there_is_told_at_the_start(tmp_path):
    node, lost = FakeNode(), tmp_path / "a;b"
    _greet(node, Desk(Settings(voice_dirs=(tmp_path, lost))), {})
    (said,) = (sent.metadata["message"] for sent in node.of("log"))
    assert said == f"VOICE_DIRS has {lost}, which is not there; it must be folders separated by {os.pathsep!r}"


def test_why_dora_lets_no_node_in_is_one_sentence():
    report = (
        "Could not initiate node from environment variable. For dynamic node, please add a node id.\n\nCaused by:\n"
        "   0: internal error\n   1: failed to init event stream\n   2: subscribe failed: Node source exited\n\n"
        "Location:\n    apis/python/node/src/lib.rs:192:39\n\nStack backtrace:\n   0: <unknown>\n"
    )
    assert (
        not_connected(report) == "dora does not let this node into the dataflow: subscribe failed: Node source exited"
    )
    alone = (
        "Could not initiate node\n\nCaused by:\n    initialization failed: DORA_NODE_CONFIG env variable is not set\n"
    )
    assert "was not started by dora: name it in a dataflow" in not_connected(alone)
    assert not_connected("").endswith("it does not say why")


@pytest.mark.parametrize(("version", "has"), [("0.3.12", False), ("1.0.0", True), ("1.1.0", True), ("odd", False)])
def test_queue_policies_came_with_dora_1(version, has):
    assert has_queue_policies(version) is has
