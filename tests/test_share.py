"""The dispatcher alone: a clock that is handed in, nodes that only count, and a link that loses what it likes."""

import json
import random
import sys
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pytest
from dataflow_tools import DATAFLOWS

sys.path.append(str(DATAFLOWS / "nodes"))
from dispatch import Dispatcher, Patience
from share import unwired

CHUNK = 8
CHUNKS = 6


def speech(text: str) -> np.ndarray:
    """What a text sounds like: numbers that are only its own."""
    return (zlib.crc32(text.encode()) % 100_000 + np.arange(CHUNK * CHUNKS)).astype(np.float32)


@dataclass
class Node:
    """A node that speaks one chunk a step, and what it has said on its way to the dispatcher."""

    name: str
    waiting: list[tuple[str, dict]] = field(default_factory=list)
    said: list[tuple[str, object, dict]] = field(default_factory=list)
    chunk: int = 0
    restarts: int = 0

    def hear(self, value: pa.Array, metadata: dict) -> None:
        text = value[0].as_py()
        command = json.loads(text) if text.startswith("{") else {}
        if not command:
            self.waiting.append((text, metadata))
            return
        question = command.get("question_id")
        for _, given in [given for given in self.waiting if question in (None, given[1]["question_id"])]:
            self.complete("cancelled", given)
        self.complete("skipped", metadata)

    def complete(self, outcome: str, metadata: dict, chunks: int = 0) -> None:
        if self.waiting and self.waiting[0][1] is metadata:
            self.chunk = 0
        self.waiting = [given for given in self.waiting if given[1] is not metadata]
        self.said.append(("segment_complete", outcome, {**metadata, "outcome": outcome, "chunks": chunks}))

    def step(self) -> None:
        if not self.waiting:
            return
        text, metadata = self.waiting[0]
        samples = speech(text)[self.chunk * CHUNK : (self.chunk + 1) * CHUNK]
        self.chunk += 1
        sentence = {"sentence": (self.chunk - 1) // 3, "sentence_final": self.chunk % 3 == 0}
        about = {"seq": self.chunk - 1, "fin": self.chunk == CHUNKS, "sample_rate": 8000, **sentence}
        self.said.append(("audio", pa.array(samples), {**metadata, **about}))
        if self.chunk == CHUNKS:
            self.complete("completed", metadata, CHUNKS)

    def tick(self) -> None:
        texts = [metadata["segment_id"] for _, metadata in self.waiting]
        self.said.append(("status", "alive", {"pending": len(texts), "texts": texts}))

    def die(self) -> None:
        self.waiting, self.said, self.chunk = [], [], 0
        self.restarts += 1
        self.said.append(("status", "ready", {"restart_count": self.restarts}))


class World:
    """A dispatcher and its nodes, in steps of a tenth of a second."""

    def __init__(self, names="first,second", seed=0, loss=0.0, **patience):
        self.now = 0.0
        self.nodes = {name: Node(name) for name in names.split(",")}
        self.cut: set[str] = set()
        self.loss = loss
        self.chance = random.Random(seed)
        self.sent: list[tuple[str, pa.Array, dict]] = []
        self.given: list[tuple[str, str]] = []
        self.dispatcher = Dispatcher(self.nodes, self.send, self.now, Patience(**patience))

    def send(self, output: str, value: pa.Array, metadata: dict) -> None:
        if not output.startswith("text_"):
            self.sent.append((output, value, metadata))
            return
        name = output.removeprefix("text_")
        self.given.append((name, value[0].as_py()))
        if name not in self.cut and self.chance.random() >= self.loss:
            self.nodes[name].hear(value, metadata)

    def ask(self, text: str, **metadata) -> None:
        self.dispatcher.text(pa.array([text]), metadata, self.now)

    def deliver(self, name: str) -> None:
        node = self.nodes[name]
        said, node.said = node.said, []
        for what, value, metadata in said:
            if name in self.cut or self.chance.random() < self.loss:
                continue
            if what == "audio":
                self.dispatcher.audio(name, value, metadata, self.now)
            elif what == "segment_complete":
                self.dispatcher.complete(name, value, metadata, self.now)
            else:
                self.dispatcher.status(name, value, metadata, self.now)

    def run(self, seconds: float, until=lambda: False) -> Self:
        for step in range(round(seconds * 10)):
            self.now += 0.1
            for name, node in self.nodes.items():
                node.step()
                if step % 10 == 0:
                    node.tick()
                self.deliver(name)
            if step % 5 == 0:
                self.dispatcher.tick(self.now)
            if until():
                break
        return self

    def outcomes(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for output, value, metadata in self.sent:
            if output == "segment_complete":
                found.setdefault(metadata["segment_id"], []).append(value[0].as_py())
        return found

    def heard(self, number: int) -> np.ndarray:
        chunks = [(value, metadata) for output, value, metadata in self.sent if output == "audio"]
        mine = [(value, metadata) for value, metadata in chunks if metadata["segment_id"] == number]
        assert [metadata["seq"] for _, metadata in mine] == list(range(len(mine)))
        assert [metadata["fin"] for _, metadata in mine] == [False] * (len(mine) - 1) + [True] * bool(mine)
        return np.concatenate([np.asarray(value) for value, _ in mine]) if mine else np.zeros(0)

    def markers(self) -> list[dict]:
        return [metadata for output, value, metadata in self.sent if output == "audio" and not len(value)]

    def statuses(self) -> list[str]:
        return [value[0].as_py() for output, value, _ in self.sent if output == "status"]

    def all_is_well(self, texts: dict[int, str]) -> None:
        """Each text is answered once, and each sample of it was passed on once."""
        assert self.outcomes() == dict.fromkeys(texts, ["completed"])
        for number, text in texts.items():
            np.testing.assert_array_equal(self.heard(number), speech(text))


def ask_many(world: World, count: int, sessions: int = 4) -> dict[int, str]:
    texts = {number: f"Text {number}." for number in range(count)}
    for number, text in texts.items():
        world.ask(text, segment_id=number, session_id=f"session {number % sessions}", question_id="q")
    return texts


def test_sessions_are_spread_and_each_stays_with_its_node():
    world = World()
    texts = ask_many(world, 12)
    world.run(8)
    world.all_is_well(texts)
    assert Counter(name for name, _ in world.given) == {"first": 6, "second": 6}
    for session in range(4):
        mine = {name for name, text in world.given if int(text[5:-1]) % 4 == session}
        assert len(mine) == 1


def test_names_and_metadata_of_the_sender_come_back():
    world = World()
    world.ask("Hello.", question_id="q7", session_id="s", user_id="u")
    world.run(1)
    answer = next(metadata for output, _, metadata in world.sent if output == "segment_complete")
    assert (answer["question_id"], answer["session_id"], answer["user_id"]) == ("q7", "s", "u")
    assert (answer["segment_id"], answer["chunks"], answer["attempts"]) == (1, CHUNKS, 1)
    assert all(metadata["question_id"] == "q7" for output, _, metadata in world.sent if output == "audio")


def test_an_answer_waits_for_the_audio_that_it_overtook():
    world = World("only")
    world.ask("Hello.", segment_id=5)
    node = world.nodes["only"]
    for _ in range(CHUNKS):
        node.step()
    node.said.sort(key=lambda message: message[0] == "audio")
    world.deliver("only")
    assert [output for output, _, _ in world.sent] == ["audio"] * CHUNKS + ["segment_complete"]


def test_the_texts_of_a_machine_that_vanishes_go_on_at_another_from_where_they_stopped():
    world = World()
    texts = ask_many(world, 20)
    world.run(0.9)
    assert len(world.nodes["second"].waiting) == 9
    world.cut.add("second")
    world.run(20)
    world.all_is_well(texts)
    assert world.statuses() == ["second has been silent for 5 s; 9 of its texts go to others"]


def test_a_text_that_moves_within_a_sentence_is_cut_at_the_sample():
    world = World("first,second")
    world.ask("Hello.", segment_id=0)
    world.nodes["first"].step()
    world.deliver("first")
    world.dispatcher.gone("first", world.now)
    _, given = world.nodes["second"].waiting[0]
    about = {"seq": 0, "fin": True, "sample_rate": 8000, "sentence": 0, "sentence_final": True, "offset": 0.0}
    about |= {"words": ["a", "b", "c"], "words_start": [0, 2, 4], "words_begin_ms": [0, 1, 2]}
    whole = pa.array([speech("Hello.")], pa.list_(pa.float32()))
    world.dispatcher.audio("second", whole, given | about, world.now)
    _, rest, metadata = world.sent[-1]
    assert (rest.type, len(rest)) == (whole.type, 1)
    np.testing.assert_array_equal(rest[0].as_py(), speech("Hello.")[CHUNK:])
    assert metadata["duration"] == pytest.approx((CHUNKS - 1) * CHUNK / 8000)
    assert (metadata["seq"], metadata["fin"], metadata["offset"]) == (1, True, CHUNK / 8000)
    assert (metadata["words"], metadata["words_start"], metadata["words_begin_ms"]) == (["b", "c"], [2, 4], [1, 2])


def test_a_text_whose_audio_was_all_heard_still_ends():
    world = World("first,second")
    world.ask("Hello.", segment_id=0)
    first, second = world.nodes.values()
    for _ in range(CHUNKS):
        first.step()
    first.said = [(what, value, {**about, "fin": False}) for what, value, about in first.said if what == "audio"]
    world.deliver("first")
    world.dispatcher.gone("first", world.now)
    world.run(2)
    assert world.outcomes() == {0: ["completed"]}
    audio = [(len(value), metadata["fin"]) for output, value, metadata in world.sent if output == "audio"]
    assert audio == [(CHUNK, False)] * CHUNKS + [(1, True)]
    assert second.waiting == []


def test_a_machine_that_returns_forgets_its_old_texts_and_gets_new_ones():
    world = World()
    texts = ask_many(world, 40)
    world.run(0.9)
    world.cut.add("second")
    world.run(5.5)
    assert len(world.nodes["second"].waiting) > 1
    world.cut.clear()
    world.run(1.2)
    assert world.nodes["second"].waiting == []
    assert world.statuses()[-1] == "second is back"
    before = len(world.given)
    world.ask("Text 50.", segment_id=50, session_id="a new one")
    assert world.given[before][0] == "second"
    world.run(40)
    world.all_is_well(texts | {50: "Text 50."})


def test_what_a_machine_says_of_texts_that_were_taken_from_it_is_dropped():
    world = World(missing=2.0)
    world.ask("Hello.", segment_id=0, session_id="a")
    kept = world.nodes["first"]
    kept.step()
    late = list(kept.said)
    kept.said.clear()
    world.cut.add("first")
    world.run(4)
    world.cut.clear()
    for _, value, metadata in late:
        world.dispatcher.audio("first", value, metadata, world.now)
    world.run(4)
    world.all_is_well({0: "Hello."})


def test_a_node_that_was_started_again_gets_its_texts_again():
    world = World("only")
    texts = ask_many(world, 4)
    world.run(0.9)
    world.nodes["only"].die()
    world.run(10)
    world.all_is_well(texts)


def test_a_text_that_kills_its_node_each_time_ends_with_an_error_and_the_others_are_spoken():
    world = World("only", attempts=3)
    texts = ask_many(world, 3, sessions=1)
    for _ in range(60):
        world.run(0.3)
        if world.nodes["only"].waiting and world.nodes["only"].waiting[0][0] == "Text 0.":
            world.nodes["only"].die()
    assert world.outcomes() == {0: ["error"], 1: ["completed"], 2: ["completed"]}
    error = next(metadata["error"] for output, _, metadata in world.sent if output == "segment_complete")
    assert error == "it was given 3 times without success; the last time, only was started again"
    assert len(texts) == 3


def test_texts_wait_for_a_node_and_are_answered_when_none_comes():
    world = World("only", nobody=20.0)
    texts = ask_many(world, 10)
    world.run(1)
    world.cut.add("only")
    world.run(15)
    assert world.outcomes() == {0: ["completed"]}
    world.cut.clear()
    world.run(8)
    world.all_is_well(texts)
    world.ask("Too late.", segment_id=10)
    world.cut.add("only")
    world.run(30)
    assert world.outcomes()[10] == ["error"]


def test_a_text_that_waited_comes_before_a_later_one_of_its_session():
    world = World("only")
    world.cut.add("only")
    world.run(6)
    world.ask("One.", session_id="s")
    world.cut.clear()
    world.run(3, until=lambda: world.statuses()[-1] == "only is back")
    world.ask("Two.", session_id="s")
    assert [text for _, text in world.given if not text.startswith("{")] == ["One.", "Two."]


def test_a_session_keeps_its_order_when_audio_of_a_text_is_lost():
    world = World("only")
    texts = ask_many(world, 3, sessions=1)
    world.run(0.2)
    world.nodes["only"].step()
    world.nodes["only"].said.clear()
    world.run(10)
    world.all_is_well(texts)
    assert list(world.outcomes()) == [0, 1, 2]


def test_it_ends_when_all_is_answered_and_not_before():
    world = World()
    ask_many(world, 4)
    world.dispatcher.closed(world.now)
    ends = []
    world.run(20, until=lambda: world.dispatcher.finished(world.now) and not ends.append(world.now))
    assert len(world.outcomes()) == 4
    assert ends and ends[0] > 2.0


def test_a_text_that_comes_after_the_news_that_its_sender_went_is_spoken():
    world = World()
    world.dispatcher.closed(world.now)
    world.run(1.5)
    world.ask("Late.", segment_id=0)
    world.run(1.5)
    assert not world.dispatcher.finished(world.now)
    world.run(2)
    assert world.dispatcher.finished(world.now)
    world.all_is_well({0: "Late."})


def test_the_end_does_not_wait_for_a_machine_that_is_missing():
    world = World()
    world.dispatcher.closed(world.now)
    world.cut.add("second")
    world.run(1.5)
    assert not world.dispatcher.finished(world.now)
    assert world.dispatcher.missing() == []
    world.run(6)
    assert world.dispatcher.finished(world.now)
    assert world.dispatcher.missing() == ["second"]


def test_nobody_is_missing_because_the_dispatcher_slept():
    world = World()
    texts = ask_many(world, 4)
    world.run(1)
    world.now += 60.0
    world.dispatcher.tick(world.now)
    world.run(10)
    world.all_is_well(texts)
    assert world.statuses() == []


def test_pieces_of_a_text_stay_together_and_move_together():
    world = World(missing=2.0)
    for number, piece in enumerate(["One ", "two ", "three."]):
        world.ask(piece, question_id="q", session_id="s", fin=number == 2)
    first = [name for name, _ in world.given]
    assert first == ["first"] * 3
    assert len({metadata["segment_id"] for _, metadata in world.nodes["first"].waiting}) == 1
    world.ask("Another text.", question_id="q", session_id="s", segment_id=9)
    world.cut.add("first")
    world.run(3)
    moved = [text for name, text in world.given if name == "second"]
    assert moved == ["One ", "two ", "three.", "Another text."]


def test_a_text_that_its_node_closed_takes_no_more_pieces():
    world = World("only")
    world.ask("One ", question_id="q", fin=False)
    world.run(2)
    assert world.outcomes() == {1: ["completed"]}
    world.ask("A whole text.", question_id="q")
    world.ask("Begun ", question_id="q", fin=False)
    world.ask("Begun anew.", question_id="q", fin=True, session_status="started")
    world.run(3)
    assert world.outcomes() == {number: ["completed"] for number in (1, 2, 3, 4)}


def test_pieces_of_a_cancelled_text_are_dropped_until_it_ends():
    world = World("only")
    world.ask("One ", question_id="q", fin=False)
    world.dispatcher.control(pa.array(["stop"]), {}, world.now)
    world.ask("two ", question_id="q")
    world.ask("three.", question_id="q", fin=True)
    world.ask("Next, ", question_id="q", fin=False)
    world.dispatcher.control(pa.array(["stop"]), {}, world.now)
    world.run(12)
    world.ask("and last.", question_id="q")
    world.run(2)
    assert world.outcomes() == {1: ["cancelled"], 2: ["cancelled"], 3: ["completed"]}
    assert [text for _, text in world.given if not text.startswith("{")] == ["One ", "Next, ", "and last."]


def test_a_reset_answers_all_but_the_question_that_goes_on_and_flushes_what_plays():
    world = World("only")
    for number, question in enumerate(["q1", "q1", "q2"]):
        world.ask(f"Text {number}.", segment_id=number, question_id=question)
    world.run(0.3)
    world.dispatcher.control(pa.array(["reset"]), {"question_id": "q2"}, world.now)
    marker = [metadata for output, value, metadata in world.sent if output == "audio" and not len(value)]
    assert [(metadata["flush"], metadata["segment_id"]) for metadata in marker] == [(True, 0)]
    world.sent.remove(next(sent for sent in world.sent if sent[2] is marker[0]))
    world.run(5)
    assert world.outcomes() == {0: ["cancelled"], 1: ["cancelled"], 2: ["completed"]}
    np.testing.assert_array_equal(world.heard(2), speech("Text 2."))
    world.dispatcher.control(pa.array(["stats"]), {}, world.now)
    assert world.statuses() == ["error: stats is for one node, and here are 1; send it to each"]


def test_a_reset_of_one_session_is_marked_so_while_another_is_heard():
    world = World()
    world.ask("Hello.", segment_id=0, question_id="a", session_id="one")
    world.ask("Hello there.", segment_id=1, question_id="b", session_id="two")
    world.run(0.3)
    world.dispatcher.control(pa.array(["cancel"]), {"question_id": "a"}, world.now)
    markers = [metadata for output, value, metadata in world.sent if output == "audio" and not len(value)]
    assert [(marker.get("flush"), marker["flush_session"]) for marker in markers] == [(None, "one")]
    world.run(3)
    assert world.outcomes() == {0: ["cancelled"], 1: ["completed"]}
    np.testing.assert_array_equal(world.heard(1), speech("Hello there."))


@pytest.mark.parametrize("command", ["stop", "reset", "cancel"])
def test_a_command_of_a_session_is_about_its_texts_alone(command):
    world = World()
    world.ask("Hello.", segment_id=0, question_id="a", session_id=1)
    world.ask("Hello there.", segment_id=1, question_id="b", session_id=2)
    world.run(0.3)
    world.dispatcher.control(pa.array([command]), {"session_id": 2}, world.now)
    assert [marker["flush_session"] for marker in world.markers()] == ["2"]
    world.run(3)
    assert world.outcomes() == {0: ["completed"], 1: ["cancelled"]}


def test_a_stop_flushes_what_was_sent_to_its_end_while_it_plays():
    world = World("only")
    world.ask("Hello.", segment_id=0)
    world.run(1.0, until=lambda: world.outcomes() == {0: ["completed"]})
    world.dispatcher.control(pa.array(["stop"]), {}, world.now - 0.3)  # a listener has some of it left
    assert [(marker["flush"], marker["segment_id"]) for marker in world.markers()] == [(True, 0)]
    world.dispatcher.control(pa.array(["stop"]), {}, world.now)
    assert len(world.markers()) == 1
    assert world.outcomes() == {0: ["completed"]}


def test_a_text_with_flush_comes_after_a_stop():
    world = World("only")
    world.ask("Hello.", segment_id=0)
    world.run(0.3)
    world.ask("Hello there.", segment_id=1, flush=True)
    world.run(3)
    assert world.outcomes() == {0: ["cancelled"], 1: ["completed"]}


@pytest.mark.parametrize("value", [pa.array([], pa.string()), pa.array([1.5, 2.0]), pa.array([None], pa.string())])
def test_a_command_that_is_none_is_answered(value):
    world = World("only")
    world.dispatcher.control(value, {}, world.now)
    assert len(world.statuses()) == 1 and world.statuses()[0].startswith("error: ")


def test_a_cancelled_text_is_not_spoken_by_another_when_its_machine_vanishes():
    world = World()
    world.ask("Hello.", segment_id=0, question_id="q")
    world.cut.add("first")
    world.dispatcher.control(pa.array(["cancel"]), {"question_id": "q"}, world.now)
    world.run(12)
    assert world.outcomes() == {0: ["cancelled"]}
    assert [name for name, text in world.given if text == "Hello."] == ["first"]


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_lost_each_text_is_answered_once_and_heard_once(seed):
    chance = random.Random(seed)
    world = World("first,second,third", seed, loss=0.02, attempts=50, missing=3.0, lost=4.0)
    texts: dict[int, str] = {}
    for number in range(40):
        texts[number] = f"Text {number}."
        world.ask(texts[number], segment_id=number, session_id=str(number % 5))
        world.run(chance.uniform(0.0, 1.0))
        event = chance.random()
        if event < 0.1:
            world.nodes[chance.choice(["first", "second"])].die()
        elif event < 0.25:
            world.cut.add(chance.choice(["first", "second"]))
        elif event < 0.4:
            world.cut.clear()
    world.cut.clear()
    world.dispatcher.closed(world.now)
    world.run(400, until=lambda: world.dispatcher.finished(world.now))
    assert world.dispatcher.finished(world.now)
    world.all_is_well(texts)


def test_names_that_the_dataflow_has_no_wires_for_are_told() -> None:
    inputs = dict.fromkeys(("text", "audio_a", "segment_complete_a", "status_a", "audio_b"), "x/y")
    config = {"inputs": inputs, "outputs": ["text_a", "audio"]}
    assert unwired(["a"], config) == []
    assert unwired(["a", "b"], config) == ["input segment_complete_b", "input status_b", "output text_b"]
