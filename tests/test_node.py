import json
import logging
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from node_fakes import FakeEngine, FakeNode, start

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.node.main import run
from dora_primespeech_mlx.node.payloads import to_arrow, to_text
from dora_primespeech_mlx.settings import Settings


def test_a_text_becomes_audio_and_one_completion():
    running = start()
    running.node.give("text", "Hello there. And more.", question_id="q7", session_status="started", segment_index="3")
    running.finish()
    audio = running.node.of("audio")
    assert [message.metadata["seq"] for message in audio] == list(range(6))
    assert [message.metadata["fin"] for message in audio] == [False] * 5 + [True]
    assert all(len(message.value) == 3200 and message.value.type == pa.float32() for message in audio)
    first = audio[0].metadata
    assert first["question_id"] == "q7"
    assert (first["session_status"], first["segment_index"], first["segment_id"]) == ("started", "3", 1)
    assert (first["sample_rate"], first["duration"]) == (32000, 0.1)
    assert (first["text"], first["text_start"], first["text_end"]) == ("Hello there. ", 0, 13)
    assert [message.metadata["sentence"] for message in audio] == [0, 0, 0, 1, 1, 1]
    assert all(message.metadata["synthetic"] is True and message.metadata["model"] == "Sine" for message in audio)
    assert running.node.outcomes() == ["completed"]
    done = running.node.of("segment_complete")[0].metadata
    assert (done["chunks"], done["audio_seconds"], done["question_id"]) == (6, pytest.approx(0.6), "q7")


def test_the_engine_is_warm_before_the_node_connects_and_lives_on_another_thread():
    order = []

    class Engine(FakeEngine):
        def warm_up(self):
            order.append("warm")
            assert threading.get_ident() != main_thread

    def open_node():
        order.append("open")
        node = FakeNode()
        node.end()
        return node

    main_thread = threading.get_ident()
    run(open_node, lambda settings: Engine(), Settings())
    assert order == ["warm", "open"]


def test_an_engine_that_cannot_be_built_ends_the_node_with_its_error():
    def make_engine(settings):
        raise FileNotFoundError("voices.json is not there")

    with pytest.raises(FileNotFoundError, match="not there"):
        run(FakeNode, make_engine, Settings())


def test_the_process_ends_well_though_the_engine_used_mlx():
    pytest.importorskip("mlx.core")
    script = Path(__file__).parent / "exit_cleanly.py"
    running = [subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 4


def test_texts_received_are_spoken_after_their_sender_has_gone():
    running = start(delay=0.001)
    for number in range(20):
        running.node.give("text", f"Text {number}.", segment_id=number)
    running.node.event("INPUT_CLOSED", "text")
    running.node.event("STOP", "ALL_INPUTS_CLOSED")
    running.finish()
    assert running.node.outcomes() == ["completed"] * 20
    assert [message.metadata["segment_id"] for message in running.node.of("segment_complete")] == list(range(20))
    assert len(running.node.of("audio")) == 60


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("42", "completed"), ("null", "completed"), ("[1]", "completed"), ('"hi"', "completed"), ("true", "completed"),
        ("", "skipped"), ("...", "skipped"), ('{"x": 1}', "skipped"), (None, "skipped"), ("explode", "error"),
        ('{"prompt": "hi", "speed": "1.5"}', "completed"), ('{"prompt": "{\\"prompt\\": \\"hi\\"}"}', "completed"),
        ("VOICE:Bo|hi|there", "completed"), ("VOICE:Nobody|hi", "error"), ("VOICE:CUSTOM|a.wav", "error"),
        (pa.array([], type=pa.string()), "skipped"), (pa.array([7]), "completed"), (b"bytes", "completed"),
        (pa.array(np.zeros(99, np.float32)), "error"), (pa.array(np.frombuffer(b"raw", np.uint8)), "completed"),
        (pa.array([{"a": 1}]), "skipped"), ("a" * 100_000, "completed"), ("\N{GRINNING FACE}", "skipped"),
    ],
)  # fmt: skip
def test_every_text_is_completed_exactly_once(value, outcome):
    running = start(chunks=1)
    running.node.give("text", value)
    running.finish()
    assert running.node.outcomes() == [outcome]
    done = running.node.of("segment_complete")[0].metadata
    if outcome == "error":
        assert done["session_status"] == "error"
        assert len(done["error"]) > 10
    assert (
        running.node.of("status")[-1]
        .value[0]
        .as_py()
        .startswith({"completed": "done", "error": "error: "}.get(outcome, outcome))
    )


def test_audio_that_an_error_cuts_short_has_an_end():
    running = start()
    running.node.give("text", "Hello. Now explode. Never said.")
    running.finish()
    assert running.node.outcomes() == ["error"]
    assert [message.metadata["fin"] for message in running.node.of("audio")] == [False] * 3 + [True]
    assert running.node.of("audio")[-1].metadata["model"] == "Sine"


class Garbling(FakeEngine):
    """Makes, of a text with "garble", samples that are none, after so many good chunks."""

    def _units(self, text, cancelled):
        for chunk in super()._units(text, cancelled):
            garbled = chunk is not None and "garble" in chunk.text and chunk.index == 2
            yield replace(chunk, samples=np.array(["noise"])) if garbled else chunk


def test_audio_that_cannot_be_shaped_ends_its_text_alone():
    running = start(build=Garbling)
    running.node.give("text", "Please garble.", session_id="a")
    running.node.give("text", "Hello.", session_id="b")
    running.node.wait("segment_complete", 2)
    running.node.give("text", "Still here.", session_id="a")
    running.finish()
    told = [(sent.value[0].as_py(), sent.metadata["session_id"]) for sent in running.node.of("segment_complete")]
    assert sorted(told[:2]) == [("completed", "b"), ("error", "a")] and told[2] == ("completed", "a")
    garbled = [sent for sent in running.node.of("audio") if sent.metadata["segment_id"] == 1]
    assert [sent.metadata["fin"] for sent in garbled] == [False] * 2 + [True]
    assert not running.errors


def test_the_real_engine_is_cancelled_and_speaks_on(tiny_voices):
    settings = Settings(voices=tiny_voices, runtime="mlx", precision="fp32", seed=1)
    running = start(settings, build=lambda: Engine.from_config(tiny_voices, settings))
    running.node.give("text", "A long sentence that goes on and on, about nothing at all. " * 20, segment_id=1)
    running.node.wait("audio", 2)
    running.node.give("control", "reset")
    for piece in ("Good ", "day, and", " good bye."):
        running.node.give("text", piece, fin=piece.endswith("."), segment_id=2)
    running.finish()
    assert running.node.outcomes() == ["cancelled", "completed"]
    audio = running.node.of("audio")
    flush = next(index for index, message in enumerate(audio) if message.metadata.get("flush"))
    assert {message.metadata["segment_id"] for message in audio[:flush]} == {1}
    after = audio[flush + 1 :]
    assert {message.metadata["segment_id"] for message in after} == {2}
    assert [message.metadata["fin"] for message in after] == [False] * (len(after) - 1) + [True]
    assert after[0].metadata["text"].startswith("Good day")


def test_a_text_says_how_it_is_spoken():
    running = start()
    running.node.give("text", '{"prompt": "VOICE:Bo|hi", "speed": 0.1, "pitch": 12, "volume": "50", "style": "calm"}')
    running.finish()
    manner = running.engine.calls[0]["manner"]
    assert (manner.voice, manner.style) == ("Bo", "calm")
    assert manner.pace == pytest.approx(0.25)  # 0.5, the least allowed, an octave up
    samples = np.concatenate([message.value.to_numpy() for message in running.node.of("audio")])
    assert np.abs(samples).max() == pytest.approx(0.2, abs=0.02)
    assert len(samples) == pytest.approx(9600 / 2, abs=2)
    about = running.node.of("audio")[0].metadata
    assert (about["voice"], about["speed"], about["pitch"], about["volume"]) == ("Bo", 0.5, 12.0, 50.0)
    assert about["style"] == "calm"
    assert "out of bounds" in running.node.of("log")[0].metadata["message"]


def test_pieces_are_spoken_before_the_text_is_complete():
    running = start(chunks=2)
    for piece in ("Hel", "lo. ", "Second"):
        running.node.give("text", piece, fin=False, question_id="q")
    first = running.node.wait("audio", 2)
    assert first[0].metadata["text"] == "Hello. "
    assert running.node.outcomes() == []
    running.node.give("text", " one", fin=True, question_id="q")
    running.node.wait("segment_complete")
    running.finish()
    assert running.node.outcomes() == ["completed"]
    audio = running.node.of("audio")
    assert [message.metadata["text"] for message in audio[2:4]] == ["Second one"] * 2
    assert [message.metadata["fin"] for message in audio] == [False] * (len(audio) - 1) + [True]
    assert [message.metadata["seq"] for message in audio] == list(range(len(audio)))


def test_waiting_for_pieces_is_neither_computing_nor_delay():
    running = start(chunks=1)
    running.node.give("text", "Not yet", fin=False)
    running.node.wait("status", 2)
    time.sleep(0.3)
    running.node.give("text", " done.", fin=True)
    running.finish()
    numbers = running.node.of("segment_complete")[0].metadata
    assert numbers["latency_ms"] >= 300.0
    assert numbers["ttfb_ms"] < numbers["latency_ms"] - 250.0
    assert numbers["synthesis_seconds"] < 0.25


@pytest.mark.parametrize("ending", ["status", "input", "stream", "timeout"])
def test_pieces_without_a_last_one_are_closed_by_what_follows(ending):
    running = start(Settings(max_ahead=None, text_mode="partial", partial_timeout=0.2 if ending == "timeout" else 60.0))
    for piece in ("One. ", "Two"):
        running.node.give("text", piece)
    if ending == "status":
        running.node.give("text", "", session_status="ended")
    elif ending == "input":
        running.node.event("INPUT_CLOSED", "text")
        running.node.give("text", " and a half")
    if ending != "stream":
        running.node.wait("segment_complete")
    running.finish()
    assert running.node.outcomes() == ["completed"]
    assert {message.metadata["text"] for message in running.node.of("audio")} == {
        "One. ",
        "Two and a half" if ending == "input" else "Two",
    }


def test_pieces_of_two_sessions_do_not_mix():
    running = start()
    for piece, fin in (("A one", False), ("A two.", True)):
        running.node.give("text", piece, fin=fin, session_id="a")
        running.node.give("text", piece.replace("A", "B"), fin=fin, session_id="b")
    running.finish()
    for session, text in (("a", "A oneA two."), ("b", "B oneB two.")):
        audio = [message.metadata for message in running.node.of("audio") if message.metadata["session_id"] == session]
        assert [about["seq"] for about in audio] == [0, 1, 2, 3]
        assert {about["text"] for about in audio} == {text}
    assert running.node.outcomes() == ["completed"] * 2


def test_a_piece_that_asks_for_another_voice_than_its_text_is_noted():
    running = start()
    for piece, fin in (
        ("VOICE:Bo|One ", False),
        ('{"text": "two ", "voice": "Bo"}', False),
        ("VOICE:Ada|three.", True),
    ):
        running.node.give("text", piece, fin=fin)
    running.finish()
    assert [call["manner"].voice for call in running.engine.calls] == ["Bo"]
    assert {sent.metadata["text"] for sent in running.node.of("audio")} == {"One two three."}
    noted = [sent.metadata["message"] for sent in running.node.of("log") if sent.metadata["level"] == "WARNING"]
    assert noted == ["a piece asks for another voice than its text began with: say so in the first one"]


def test_bytes_of_a_character_that_a_sender_has_cut_are_joined():
    text = "\u4f60\u597d, \U0001f600 caf\u00e9."
    running = start()
    for start_at in range(0, len(text.encode()), 2):
        piece = text.encode()[start_at : start_at + 2]
        for session in "ab":  # two texts at the same time, each in its own characters
            running.node.give("text", pa.array([piece]), fin=False, session_id=session)
    for session in "ab":
        running.node.give("text", pa.array([b"\xe4"]), fin=True, session_id=session)  # what is never whole is one sign
    running.node.give("text", pa.array([b"Caf\xe9."]))
    running.finish()
    spoken = {(sent.metadata.get("session_id"), sent.metadata["text"]) for sent in running.node.of("audio")}
    assert spoken == {("a", f"{text}"), ("b", f"{text}"), (None, "Caf\ufffd.")}
    noted = [sent for sent in running.node.of("log") if "U+FFFD" in sent.metadata["message"]]
    assert [sent.metadata.get("session_id") for sent in noted] == ["a", "b", None]


def test_pieces_after_a_cancel_are_dropped_until_the_text_ends():
    running = start(delay=0.02, chunks=20)
    running.node.give("text", "A long one. ", fin=False)
    running.node.wait("audio")
    running.node.give("control", "stop")
    running.node.wait("segment_complete")
    running.node.give("text", "Still the old one. ", fin=False)
    running.node.give("text", "Its end.", fin=True)
    running.node.give("text", "A new one.", fin=True)
    running.finish()
    assert running.node.outcomes() == ["cancelled", "completed"]
    assert {message.metadata.get("text") for message in running.node.of("audio")} == {
        "A long one. ",
        "A new one.",
        None,
    }


@pytest.mark.parametrize("how", ["reset", "stop", "cancel", "flush", "input", "json", "text"])
def test_a_cancel_flushes_and_nothing_stale_follows(how):
    running = start(delay=0.005, chunks=1000)
    running.node.give("text", "Long.", segment_id=1)
    running.node.wait("audio", 3)
    if how == "flush":
        running.node.give("text", "", flush=True, segment_id=5)
    elif how == "input":
        running.node.give("stop", None)
    elif how == "text":
        running.node.give("text", '{"action": "reset"}', segment_id=5)
    else:
        running.node.give("control", '{"command": "reset"}' if how == "json" else how)
    running.node.wait("segment_complete")
    running.node.give("text", '{"prompt": "Next."}', segment_id=2)
    running.node.wait("audio", len(running.node.of("audio")) + 20)
    running.node.give("control", "stop")
    running.finish()
    audio = running.node.of("audio")
    flush = next(index for index, message in enumerate(audio) if message.metadata.get("flush"))
    assert {message.metadata["segment_id"] for message in audio[: flush + 1]} == {1}
    assert {message.metadata["segment_id"] for message in audio[flush + 1 :]} == {2}
    assert len(audio[flush].value) == 0
    assert audio[flush].metadata["flush"] is True
    completed = [(m.metadata["segment_id"], m.value[0].as_py()) for m in running.node.of("segment_complete")]
    assert completed[0] == (1, "cancelled")
    assert completed[-1] == (2, "cancelled")
    assert len(completed) == (3 if how in ("flush", "text") else 2)


def test_reset_keeps_the_texts_of_its_question():
    running = start(delay=0.01, chunks=50)
    for question in ("old", "old", "new", "old", "new"):
        running.node.give("text", "Some text.", question_id=question)
    running.node.wait("audio")
    running.node.give("control", "reset", question_id="new")
    running.finish()
    assert sorted(running.node.outcomes()) == ["cancelled"] * 3 + ["completed"] * 2
    for message in running.node.of("segment_complete"):
        assert (message.metadata["question_id"] == "new") == (message.value[0].as_py() == "completed")


def test_cancel_gives_up_one_text_and_keeps_the_queue():
    running = start(delay=0.01, chunks=50)
    for number in range(3):
        running.node.give("text", "Some text.", segment_id=number, question_id=number)
    running.node.wait("audio")
    running.node.give("control", "cancel")
    running.node.give("control", '{"command": "cancel", "question_id": 2}')
    running.finish()
    assert [(m.metadata["segment_id"], m.value[0].as_py()) for m in running.node.of("segment_complete")] == [
        (0, "cancelled"),
        (2, "cancelled"),
        (1, "completed"),
    ]


def test_a_cancel_of_texts_that_wait_leaves_the_one_being_spoken_alone():
    running = start(delay=0.005, chunks=40)
    for number in range(3):
        running.node.give("text", "Some text.", question_id=number)
    running.node.wait("audio")
    running.node.give("control", "cancel:1")
    running.node.give("control", "reset", question_id=0)
    running.finish()
    assert running.node.outcomes() == ["cancelled", "cancelled", "completed"]
    assert [message.metadata["seq"] for message in running.node.of("audio")] == list(range(40))
    assert not any(message.metadata.get("flush") for message in running.node.of("audio"))


def test_a_cancel_flushes_what_was_sent_already():
    running = start()
    running.node.give("text", "Short.")
    running.node.wait("segment_complete")
    running.node.give("control", "cancel")
    running.node.give("control", "stop")
    running.finish()
    assert [message.metadata.get("flush", False) for message in running.node.of("audio")] == [False] * 3 + [True]
    assert running.node.outcomes() == ["completed"]


def test_a_manual_stop_cancels_everything():
    running = start(delay=0.01, chunks=1000)
    for _ in range(5):
        running.node.give("text", "Long.")
    running.node.wait("audio")
    running.node.event("STOP", "MANUAL")
    running.finish()
    assert running.node.outcomes() == ["cancelled"] * 5


def test_a_flush_or_a_timestamp_is_never_handed_on():
    running = start()
    running.node.give("text", "Hello.", flush=True, timestamp=7, goal_id="g", request_id="r", seq=9)
    running.finish()
    for message in running.node.sent:
        assert not {"flush", "timestamp", "goal_id"} & set(message.metadata)
    assert all("request_id" not in message.metadata for message in running.node.of("audio"))
    assert running.node.of("segment_complete")[0].metadata["request_id"] == "r"


def test_commands_are_answered():
    running = start()
    for command in ("list_voices", "stats", "change_voice:Bo", "set speed 1.5", '{"set": {"top_k": 3}}', "dance"):
        running.node.give("control", command)
    running.node.wait("status", 7)
    running.node.give("text", "Hi.")
    running.finish()
    answers = [message.value[0].as_py() for message in running.node.of("status")]
    assert json.loads(answers[1]) == {"command": "list_voices", "voices": ["Ada", "Bo"]}
    assert json.loads(answers[2])["completed"] == 0
    assert "known are reset" in next(answer for answer in answers if answer.startswith("error"))
    manner = running.engine.calls[0]["manner"]
    assert (manner.voice, manner.speed, manner.sampling.top_k) == ("Bo", 1.5, 3)


def test_no_message_ends_the_node_whatever_it_holds():
    running = start()
    far_away = pa.array([10**17], pa.timestamp("s"))
    running.node.give("control", '{"set": {"voice": "Bo\\ud800"}}')
    for name in ("played", "buffer_status", "control", "text"):
        running.node.give(name, far_away)
    running.node.event("PARAM_UPDATE", "voice", "\ud800")
    running.node.event("PARAM_UPDATE", "speed", far_away)
    running.node.give("control", "set voice null")
    running.node.give("text", "Hi.")
    running.finish()
    assert not running.errors
    assert running.node.outcomes() == ["error", "completed"]
    said = [message.value[0].as_py() for message in running.node.of("status")]
    assert '{"command": "set", "voice": "Bo?"}' in said
    assert any("error: timestamp[s] that cannot be read came" in sentence for sentence in said)


def test_a_voice_that_is_not_known_is_refused_and_the_old_one_stays():
    running = start()
    running.node.give("control", "change_voice:Nobody")
    running.node.wait("status", 3)
    running.node.give("text", "Hi.")
    running.finish()
    assert running.node.outcomes() == ["completed"]
    assert running.engine.calls[0]["manner"].voice is None
    assert any("known are Ada, Bo" in message.value[0].as_py() for message in running.node.of("status"))


def test_parameters_change_live():
    running = start()
    running.node.event("PARAM_UPDATE", "voice", "Bo")
    running.node.event("PARAM_UPDATE", "speed", 1.25)
    running.node.event("PARAM_UPDATE", "speed", "fast")
    running.node.give("text", "One.")
    running.node.event("PARAM_DELETED", "speed")
    running.node.give("text", "Two.")
    running.finish()
    manners = [call["manner"] for call in running.engine.calls]
    assert [(manner.voice, manner.speed) for manner in manners] == [("Bo", 1.25), ("Bo", 1.0)]


def test_a_text_too_long_and_a_queue_too_long_are_errors_at_once():
    running = start(Settings(max_ahead=None, max_text_chars=10, max_pending=2), delay=0.02)
    running.node.give("text", "longer than ten")
    for _ in range(4):
        running.node.give("text", "Short.")
    for _ in range(4):
        running.node.give("text", "four", fin=False, question_id="p")
    running.finish()
    errors = [m.metadata["error"] for m in running.node.of("segment_complete") if "error" in m.metadata]
    assert "MAX_TEXT_CHARS" in errors[0]
    assert "MAX_PENDING" in errors[1]
    assert running.node.outcomes().count("completed") == 2
    assert len(running.node.outcomes()) == 6


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_other_rates_have_no_seams(rate):
    running = start(Settings(max_ahead=None, sample_rate=rate), chunks=10)
    running.node.give("text", "Hello.")
    running.finish()
    audio = running.node.of("audio")
    samples = np.concatenate([message.value.to_numpy() for message in audio])
    assert len(samples) == rate
    expected = 0.4 * np.sin(2 * np.pi * 440.0 * np.arange(rate) / rate)
    inner = slice(rate // 50, -rate // 50)
    assert np.abs(samples[inner] - expected[inner]).max() < 2e-3
    assert {message.metadata["sample_rate"] for message in audio} == {rate}
    assert sum(message.metadata["duration"] for message in audio) == pytest.approx(1.0)


def test_audio_formats():
    samples = np.array([0.0, 0.5, -1.0], np.float32)
    assert to_arrow(samples, "flat").equals(pa.array(samples))
    assert to_arrow(samples, "list").to_pylist() == [[0.0, 0.5, -1.0]]
    assert to_arrow(samples, "int16").equals(pa.array(np.array([0, 16384, -32768], np.int16)))
    assert len(to_arrow(np.zeros(0, np.float32), "list")) == 1


def test_whole_texts_can_be_one_message_and_long_chunks_are_cut():
    running = start(Settings(max_ahead=None, return_fragment=False), chunks=4)
    running.node.give("text", "Hello. You.")
    running.finish()
    assert [(len(m.value), m.metadata["fin"]) for m in running.node.of("audio")] == [(25600, True)]
    running = start(chunks=1, chunk_seconds=2.5)
    running.node.give("text", "Hello.")
    running.finish()
    assert [(m.metadata["duration"] <= 1.0, m.metadata["fin"]) for m in running.node.of("audio")] == [
        (True, False),
        (True, False),
        (True, True),
    ]


def test_undeclared_outputs_are_left_out():
    node = FakeNode(outputs=("audio",))
    node.give("text", "Hello.")
    node.end()
    run(lambda: node, lambda settings: FakeEngine(), Settings())
    assert {message.output for message in node.sent} == {"audio"}


def test_a_full_player_pauses_and_a_gone_one_resumes():
    running = start(delay=0.001, chunks=30)
    running.node.give("buffer_status", 75.0)
    running.node.give("buffer_status", "what")
    running.node.give("text", "Hello.")
    running.node.wait("log")
    assert running.node.of("audio") == []
    running.node.event("INPUT_CLOSED", "buffer_status")
    running.node.wait("audio", 30)
    running.finish()
    assert running.node.outcomes() == ["completed"]


def test_a_paused_text_can_be_cancelled():
    running = start()
    running.node.give("buffer_status", 75.0)
    running.node.give("text", "Hello.")
    running.node.wait("status", 2)
    running.node.give("control", "cancel")
    running.node.wait("segment_complete")
    running.finish()
    assert running.node.outcomes() == ["cancelled"]
    assert running.node.of("audio") == []


def test_warnings_of_other_modules_are_on_the_log_output():
    running = start()
    logging.getLogger("dora_primespeech_mlx.voices.library").warning("%s has no codes", "Ada")
    logging.getLogger("elsewhere").warning("not ours")
    running.node.give("control", "dance")
    running.finish()
    messages = [message.metadata["message"] for message in running.node.of("log")]
    assert messages[0] == "Ada has no codes"
    assert len(messages) == 2


def test_metrics_count():
    running = start(delay=0.002)
    running.node.give("text", "Hello there.")
    running.finish()
    numbers = json.loads(running.node.of("metrics")[0].value[0].as_py())
    assert (numbers["outcome"], numbers["cancelled"], numbers["characters"], numbers["chunks"]) == (
        "completed",
        False,
        12,
        3,
    )
    assert numbers["audio_seconds"] == pytest.approx(0.3)
    assert 2.0 <= numbers["ttfb_ms"] <= numbers["latency_ms"]
    assert numbers["rtf"] == pytest.approx(numbers["synthesis_seconds"] / numbers["audio_seconds"], abs=1e-3)


def test_text_of_payloads():
    assert to_text(None) == ""
    assert to_text(pa.array(["a", None, "b"])) == "a\n\nb"
    text = "H\u00e9llo, \u4f60\u597d."
    bom = text.encode("utf-8-sig")
    for sent in (
        pa.array([bom]), pa.array(list(bom), pa.uint8()), pa.array([f"\ufeff{text}"]), pa.array([f"{text}\0\0"]),
        pa.array([text.encode("utf-16")]), pa.array(list(text.encode("utf-16")), pa.uint8()),
        pa.array([[text.encode()]]), pa.array([list(text.encode())], pa.list_(pa.uint8())),
        pa.array([list(text.encode()), None], pa.large_list(pa.uint8())).slice(0, 1),
        pa.array([[[text]]]),
    ):  # fmt: skip
        assert to_text(sent) == text, sent.type
    assert to_text(pa.array([[["a"], ["b", "c"]]])) == "a\nb\nc"
    assert to_text(pa.array([{"text": b"a", "voice": b"Bo"}])) == '{"text": "a", "voice": "Bo"}'
    assert to_text(pa.array([{"text": b"a"}, {"text": b"b"}])) == "a\nb"
    assert to_text(pa.array([b"\xff"])) == "\udcff"
    assert to_text(pa.array([[1, 2]])) == "[1, 2]"
    assert to_text(pa.array([["a", "b"]])) == to_text(pa.array([{"text": "a"}, {"text": "b"}])) == "a\nb"
    assert to_text(pa.array([[("text", "a")]], pa.map_(pa.string(), pa.string()))) == '{"text": "a"}'
    row = pa.struct([("text", pa.string()), ("speed", pa.int64())])
    assert to_text(pa.array([{"text": "a", "speed": 2}], row)) == '{"text": "a", "speed": 2}'
    assert to_text(pa.array(["a"]).dictionary_encode()) == to_text(pa.array(["a"], pa.large_string())) == "a"
    with pytest.raises(ValueError, match=r"int64 \[2\]"):
        to_text(pa.array([1, 2]))
