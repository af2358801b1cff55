"""Several sessions at one node: none waits for another, none touches another's audio, each keeps its order."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from node_fakes import FakeEngine, FakeNode, start

from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.main import run
from dora_primespeech_mlx.node.messages import TextMessage
from dora_primespeech_mlx.settings import Settings


def audio_of(running, session: str) -> list[dict]:
    return [message.metadata for message in running.node.of("audio") if message.metadata["session_id"] == session]


def test_a_language_model_that_hangs_in_one_session_delays_no_other():
    running = start(Settings(max_ahead=None, partial_timeout=60.0))
    running.node.give("text", "One word", fin=False, session_id="slow")
    running.node.wait("status", 2)
    asked = time.monotonic()
    running.node.give("text", "Hello there.", session_id="quick")
    running.node.wait("segment_complete")
    assert time.monotonic() - asked < 5.0
    assert [message.metadata["session_id"] for message in running.node.of("segment_complete")] == ["quick"]
    running.node.give("text", " more.", fin=True, session_id="slow")
    running.finish()
    assert running.node.outcomes() == ["completed"] * 2


def test_audio_that_may_not_run_ahead_in_one_session_delays_no_other():
    running = start(Settings(max_ahead=0.5, max_sessions=8), chunks=8, chunk_seconds=0.25)
    for name in "abcd":
        running.node.give("text", "Hello.", session_id=name)
    running.node.wait("segment_complete", 4)
    running.finish()
    firsts = {name: audio_of(running, name) for name in "abcd"}
    assert all([about["seq"] for about in firsts[name]] == list(range(8)) for name in "abcd")
    first = [message.metadata["session_id"] for message in running.node.of("audio")][:8]
    assert set(first) == set("abcd")
    assert all(message.metadata["stalls"] == 0 for message in running.node.of("segment_complete"))


def test_texts_of_one_session_keep_their_order_and_do_not_overlap():
    running = start(Settings(max_ahead=None, max_sessions=8), delay=0.001)
    for number in range(12):
        running.node.give("text", "Some text. And more.", session_id="ab"[number % 2], segment_id=number)
    running.finish()
    for name, expected in (("a", [0, 2, 4, 6, 8, 10]), ("b", [1, 3, 5, 7, 9, 11])):
        segments = [about["segment_id"] for about in audio_of(running, name)]
        assert segments == sorted(segments)
        assert sorted(set(segments)) == expected


def test_a_session_that_cannot_begin_is_told_its_place_and_what_to_expect():
    running = start(Settings(max_ahead=None, max_sessions=1), delay=0.01, chunks=5)
    for number, name in enumerate("abc"):
        running.node.give("text", "Hello.", session_id=name, segment_id=number)
    running.finish()
    waiting = [message.metadata for message in running.node.of("status") if message.value[0].as_py() == "queued"]
    assert [(about["session_id"], about["position"]) for about in waiting] == [("b", 1), ("c", 2)]
    assert all(about["expected_wait_ms"] >= 0.0 for about in waiting)
    assert [message.metadata["session_id"] for message in running.node.of("segment_complete")] == ["a", "b", "c"]


def test_a_cancel_of_one_session_leaves_the_others_their_audio():
    running = start(Settings(max_ahead=None, max_sessions=8), delay=0.005, chunks=40)
    for name in "ab":
        running.node.give("text", "Hello.", session_id=name)
    running.node.wait("audio", 6)
    running.node.give("control", "cancel", session_id="a")
    running.finish()
    assert {m.metadata["session_id"]: m.value[0].as_py() for m in running.node.of("segment_complete")} == {
        "a": "cancelled",
        "b": "completed",
    }
    assert [about["seq"] for about in audio_of(running, "b")] == list(range(40))
    marker = audio_of(running, "a")[-1]
    assert (marker["flush_session"], marker["fin"], "flush" in marker) == ("a", True, False)


def test_a_cancel_that_names_no_session_flushes_that_of_the_text_it_gives_up():
    running = start(Settings(max_ahead=None), chunks=50, delay=0.01)
    for name in ("a", "b"):
        running.node.give("text", "Hello.", session_id=name)
    running.node.wait("audio", 8)
    running.node.give("control", "cancel")
    running.node.wait("segment_complete", 2)
    running.finish()
    (marker,) = [message.metadata for message in running.node.of("audio") if not len(message.value)]
    assert (marker["session_id"], marker["flush_session"]) == ("a", "a")
    outcomes = {message.metadata["session_id"]: message.metadata["outcome"] for message in running.node.of("metrics")}
    assert outcomes == {"a": "cancelled", "b": "completed"}


def test_a_flush_of_the_only_session_that_is_heard_is_a_flush():
    running = start(delay=0.005, chunks=1000)
    running.node.give("text", "Hello.", session_id="a")
    running.node.wait("audio", 3)
    running.node.give("text", "", flush=True, session_id="a")
    running.node.wait("segment_complete", 2)
    running.finish()
    assert audio_of(running, "a")[-1]["flush"] is True


def test_a_full_player_of_one_session_pauses_that_session_alone():
    running = start(Settings(max_ahead=None, max_sessions=8))
    running.node.give("buffer_status", 90.0, session_id="a")
    for name in "ab":
        running.node.give("text", "Hello.", session_id=name)
    running.node.wait("segment_complete")
    assert audio_of(running, "a") == []
    running.node.give("buffer_status", 10.0, session_id="a")
    running.finish()
    assert running.node.outcomes() == ["completed"] * 2


@pytest.mark.parametrize("count", [300])
def test_random_joins_and_cancels_complete_each_text_once_and_touch_no_other(count):
    chance = random.Random(count)
    running = start(Settings(max_ahead=None, max_sessions=6), chunks=4, chunk_seconds=0.01)
    given, cancelled = {}, set()
    for number in range(count):
        name = f"s{chance.randrange(8)}"
        given[number] = name
        running.node.give("text", "One. Two.", session_id=name, question_id=f"q{number}", segment_id=number)
        if chance.random() < 0.4:
            victim = chance.choice(list(given))
            cancelled.add(victim)
            running.node.give("control", f"cancel:q{victim}", session_id=given[victim])
    running.finish()
    outcomes = {m.metadata["segment_id"]: m.value[0].as_py() for m in running.node.of("segment_complete")}
    assert len(running.node.of("segment_complete")) == count
    assert set(outcomes) == set(given)
    assert all(outcomes[number] == "completed" for number in given if number not in cancelled)
    heard = {}
    for message in running.node.of("audio"):
        if "flush" not in message.metadata and "flush_session" not in message.metadata:
            heard.setdefault(message.metadata["segment_id"], []).append(message.metadata["seq"])
    for number in given:
        if outcomes[number] == "completed":
            assert heard[number] == list(range(8))


def test_a_speed_of_the_environment_holds_when_a_message_sets_a_pitch():
    running = start(said={"speed": 0.5})
    running.node.give("text", '{"prompt": "Hello.", "pitch": 7.02}')
    running.finish()
    manner = running.engine.calls[0]["manner"]
    assert (manner.speed, manner.pitch) == (0.5, 7.02)
    assert manner.pace == pytest.approx(0.5 / 1.5, abs=1e-3)


class Refusing(FakeNode):
    """A node that can send nothing but its greeting."""

    def send_output(self, output_id, data, metadata):
        if output_id != "status" or data[0].as_py() != "ready":
            raise ValueError("the daemon is gone")
        super().send_output(output_id, data, metadata)


def test_what_ends_the_worker_ends_the_node_with_that_error():
    node = Refusing()
    node.give("text", "Hello.")
    with pytest.raises(ValueError, match="the daemon is gone"):
        run(lambda: node, lambda settings: FakeEngine(), Settings(), give_up=lambda error: node.end())


def test_a_process_whose_worker_ended_exits_with_the_sentence_at_once():
    script = Path(__file__).parent / "exit_broken.py"
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == "dora-primespeech-mlx: the daemon is gone"


def test_a_worker_that_dies_answers_what_is_left():
    class Breaking(FakeEngine):
        def settle(self, wishes, voice=None):
            raise KeyboardInterrupt

    running = start(build=Breaking)
    running.node.give("text", "Hello.", segment_id=1)
    running.thread.join(20.0)
    assert running.node.outcomes() == ["error"]
    assert isinstance(running.errors[0], KeyboardInterrupt)


def test_what_cannot_be_sent_of_one_text_keeps_no_other_from_its_end():
    desk, sent = Desk(Settings()), []
    for number in (1, 2, 3):
        desk.say(TextMessage("Hello."), {"segment_id": number})

    def output(output_id, payload, metadata):
        if metadata.get("segment_id") == 1:
            raise ValueError("too long for a message")
        sent.append((output_id, metadata.get("segment_id")))

    desk.output = output
    desk.abandon("nobody speaks any more")
    assert [number for output_id, number in sent if output_id == "segment_complete"] == [2, 3]
    assert desk.statistics()["pending"] == 0


def test_warnings_while_loading_and_warming_up_reach_the_log_output():
    import logging

    class Warning(FakeEngine):
        def warm_up(self):
            super().warm_up()
            logging.getLogger("dora_primespeech_mlx.voices.library").warning("%s has no codes", "Ada")

    running = start(build=Warning)
    running.finish()
    assert [message.metadata["message"] for message in running.node.of("log")] == ["Ada has no codes"]


def test_sentences_left_out_or_cut_short_are_named_at_the_end():
    from dataclasses import replace

    from dora_primespeech_mlx.speech import Omission

    class Omitting(FakeEngine):
        def _units(self, text, cancelled):
            for chunk in super()._units(text, cancelled):
                told = (Omission("A.", "left out", "it has no word"), Omission("B.", "cut short", "a loop"))
                yield replace(chunk, omissions=told) if chunk.final else chunk

    running = start(build=Omitting)
    running.node.give("text", "Hello.")
    running.finish()
    about = running.node.of("segment_complete")[0].metadata
    assert (about["left_out"], about["cut_short"]) == (["A. (it has no word)"], ["B. (a loop)"])
