"""What the node must stand, under the real dora: a short version of each in every run, the long one behind `soak`."""

import random
import shutil
import statistics
from collections import Counter

import fuzz
import pyarrow as pa
import pytest
from dataflow_tools import TESTS, faked, rows, run, written
from node_fakes import start

from dora_primespeech_mlx.settings import Settings


def long_or_short(short, long):
    """Both versions of a test; the long one only with `pytest -m soak`."""
    return pytest.mark.parametrize("count", [short, pytest.param(long, marks=pytest.mark.soak)])


def wire(source: str) -> dict:
    return {"source": source, "queue_size": 100_000, "queue_policy": "backpressure"}


def flow_around(folder, driver: str, listens: dict[str, str], **env: str):
    """A dataflow: tests/drive.py DRIVER - the node - tests/listen.py, which writes heard.jsonl."""
    inputs = {"text": wire("driver/text"), "control": wire("driver/control")}
    return written(
        {
            "nodes": [
                {
                    "id": "driver",
                    "path": str(TESTS / "drive.py"),
                    "args": driver,
                    "inputs": {"status": wire("tts/status"), "segment_complete": wire("tts/segment_complete")},
                    "outputs": ["text", "control"],
                },
                {
                    "id": "tts",
                    "path": str(TESTS / "fake_tts.py"),
                    "inputs": inputs,
                    "outputs": ["audio", "segment_complete", "status", "metrics"],
                    "env": {"MAX_AUDIO_AHEAD": "0", **env},
                },
                {
                    "id": "listener",
                    "path": str(TESTS / "listen.py"),
                    "inputs": {name: wire(source) for name, source in listens.items()},
                    "env": {"LISTEN_FILE": "heard.jsonl"},
                },
            ]
        },
        folder / "test.yml",
    )


@long_or_short(2, 200)
def test_a_burst_of_sixty_chunks_arrives_whole_and_in_order(tmp_path, count):
    for number in range(count):
        folder = tmp_path / str(number)
        folder.mkdir()
        flow = faked("say.yml", folder, tts={"FAKE_CHUNKS": "60", "FAKE_DELAY": "0"})
        (folder / "say.txt").write_text("One burst.\n")
        assert "12.00 s of speech" in run(flow)
        shutil.rmtree(folder)


def test_a_hundred_texts_are_spoken_when_their_sender_has_long_gone(tmp_path):
    flow = faked("say.yml", tmp_path, tts={"FAKE_CHUNKS": "2", "FAKE_DELAY": "0.01", "FAKE_LOAD": "0.5"})
    (tmp_path / "say.txt").write_text("".join(f"Text {number}.\n" for number in range(100)))
    assert "40.00 s of speech" in run(flow)


@long_or_short(1_000, 10_000)
def test_rubbish_is_answered_once_for_each_text(count):
    chance = random.Random(count)
    running = start(Settings(max_ahead=None, log_level="ERROR"), chunks=1, chunk_seconds=0.01)
    for number in range(count):
        running.node.give("text", fuzz.payload(chance), **fuzz.metadata(chance), segment_id=number)
        if chance.random() < 0.2:
            running.node.give("control", chance.choice(fuzz.COMMANDS))
        if chance.random() < 0.02:
            running.node.give("buffer_status", chance.choice([10.0, "x", pa.array([1, 2]), None]))
        if chance.random() < 0.01:
            running.node.event("PARAM_UPDATE", chance.choice(["speed", "voice", "x"]), fuzz.scalar(chance))
    running.finish()
    completed = Counter(message.metadata["segment_id"] for message in running.node.of("segment_complete"))
    assert completed == Counter(range(count))
    assert {"completed", "skipped", "error"} <= set(running.node.outcomes())


@long_or_short(500, 10_000)
def test_rubbish_through_dora_is_answered_once_for_each_text(tmp_path, count):
    listens = {"segment_complete": "tts/segment_complete"}
    flow = flow_around(tmp_path, f"rubbish {count}", listens, FAKE_CHUNKS="1", FAKE_DELAY="0", LOG_LEVEL="ERROR")
    run(flow, timeout=600.0)
    completed = Counter(row["segment_id"] for row in rows(tmp_path / "heard.jsonl"))
    assert completed == Counter(range(count))


@long_or_short(20, 1_000)
def test_a_cancel_at_any_moment_is_followed_by_nothing_stale(tmp_path, count, record_property):
    chunk = 0.1
    listens = {"audio": "tts/audio", "segment_complete": "tts/segment_complete", "control": "driver/control"}
    flow = flow_around(
        tmp_path,
        f"interrupt {count} 0.15",
        listens,
        FAKE_CHUNKS="1000",
        FAKE_CHUNK_SECONDS=str(chunk),
        FAKE_DELAY="0.01",
    )
    run(flow, timeout=900.0)
    heard = rows(tmp_path / "heard.jsonl")
    outcomes = [(row["segment_id"], row["text"]) for row in heard if row["id"] == "segment_complete"]
    assert outcomes == [(number, "cancelled") for number in range(count)]
    cancelled = {row["number"]: row["sent"] for row in heard if row["id"] == "control"}
    last: dict[int, float] = {}
    flushed: set[int] = set()
    for row in heard:
        if row["id"] == "audio":
            assert row["segment_id"] not in flushed, "a chunk came after the marker that flushes it"
            assert row["segment_id"] >= max(last, default=0), "a chunk came after one of a later text"
            if row.get("flush"):
                flushed.add(row["segment_id"])
            else:
                last[row["segment_id"]] = row["sent"]
    waits = sorted(max(0.0, last[number] - cancelled[number]) for number in last)
    p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
    report = f"{len(waits)} cancels after audio began: last chunk sent p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms"
    print(report, f"max {waits[-1] * 1e3:.2f} ms")
    record_property("cancels", report)
    assert count < 1_000 or waits[-1] <= chunk
    assert len(flushed) > len(last) / 2  # a marker that waits in a queue is flushed by the next one


@long_or_short(150, 2_000)
def test_memory_and_latency_stay_flat(tmp_path, count, record_property):
    flow = faked(
        "say.yml",
        tmp_path,
        tts={"FAKE_CHUNKS": "2", "FAKE_DELAY": "0.005", "FAKE_MEMORY": "memory.txt", "SAMPLE_RATE": "24000"},
        recorder={"LISTEN_FILE": "heard.jsonl"},
    )
    (tmp_path / "say.txt").write_text("".join(f"This is utterance {number}.\n" for number in range(count)))
    listening = flow.read_text().replace(
        str(TESTS.parent / "dataflows" / "nodes" / "record.py"), str(TESTS / "listen.py")
    )
    flow.write_text(listening)
    run(flow, timeout=600.0)
    memory = [int(line) for line in (tmp_path / "memory.txt").read_text().split()]
    done = [row for row in rows(tmp_path / "heard.jsonl") if row["id"] == "segment_complete"]
    assert len(memory) == len(done) == count
    first, last = (statistics.median(row["ttfb_ms"] for row in part) for part in (done[:100], done[-100:]))
    report = f"memory {memory[100] / 1e6:.1f} -> {memory[-1] / 1e6:.1f} MB, latency {first:.2f} -> {last:.2f} ms"
    print(report)
    record_property("flat", report)
    assert memory[-1] <= 1.05 * memory[100]
    assert count < 1_000 or last <= 1.1 * first


def test_a_killed_node_comes_back_and_the_lost_text_is_known(tmp_path):
    flow = flow_around(
        tmp_path,
        "kill pid.txt",
        {"segment_complete": "tts/segment_complete"},
        FAKE_PID="pid.txt",
        FAKE_CHUNKS="20",
        FAKE_DELAY="0.05",
    )
    flow.write_text(flow.read_text().replace("- id: tts\n", "- id: tts\n  restart_policy: on-failure\n"))
    printed = run(flow)
    assert "lost [2]" in printed
    assert "completed [1, 2, 3]" in printed
    assert [row["segment_id"] for row in rows(tmp_path / "heard.jsonl")] == [1, 2, 3]
