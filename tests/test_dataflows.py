import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import soundfile
import yaml
from dataflow_tools import DATAFLOWS, TESTS, dora, environment, faked, rows, run, written


def test_say_writes_a_wav(tmp_path):
    flow = faked("say.yml", tmp_path)
    (tmp_path / "say.txt").write_text("One. Two.\n\n你好。\n")
    printed = run(flow)
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert (rate, len(samples)) == (32000, 9 * 6400)
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)
    assert "1.80 s of speech" in printed


def test_say_fails_on_a_chunk_that_is_missing(tmp_path):
    flow = faked("say.yml", tmp_path)
    (tmp_path / "say.txt").write_text("One.\n")
    loose = yaml.safe_load(flow.read_text())
    loose["nodes"][1]["outputs"].remove("audio")
    loose["nodes"][2]["inputs"].pop("audio")
    ran = dora("run", str(written(loose, flow)), folder=tmp_path)
    assert ran.returncode == 1
    assert "text 0 has 3 chunks, and 0 came" in ran.stdout + ran.stderr


def test_speak_gives_the_device_what_it_takes(tmp_path):
    flow = faked("speak.yml", tmp_path, speaker={"LISTEN_FILE": "heard.jsonl", "KIND": "int16"})
    (tmp_path / "say.txt").write_text("One. Two.\nThree.\n")
    run(flow)
    heard = rows(tmp_path / "heard.jsonl")
    assert [row["count"] for row in heard] == [6400] * 9
    assert [(row["segment_id"], row["seq"]) for row in heard] == [(0, number) for number in range(6)] + [
        (1, number) for number in range(3)
    ]


def test_chat_speaks_before_the_answer_is_written_and_can_be_interrupted(tmp_path):
    flow = faked(
        "chat.yml",
        tmp_path,
        speaker={"LISTEN_FILE": "heard.jsonl", "KIND": "int16"},
        llm={"LLM_SCRIPT": str(DATAFLOWS / "chat.txt"), "LLM_RATE": "12"},
        tts={"FAKE_CHUNKS": "5", "FAKE_CHUNK_SECONDS": "0.2", "FAKE_DELAY": "0.02"},
    )
    dataflow = yaml.safe_load(flow.read_text())
    wires = {"pieces": "llm/text", "outcome": "tts/segment_complete"}
    dataflow["nodes"][3]["inputs"] |= {
        name: {"source": source, "queue_size": 1000, "queue_policy": "backpressure"} for name, source in wires.items()
    }
    run(written(dataflow, flow))
    heard = rows(tmp_path / "heard.jsonl")
    pieces = [row for row in heard if row["id"] == "pieces" and row["question_id"] == "q1"]
    ends = [row["sent"] for row in pieces if row["text"].strip().endswith(".")]
    first = [row for row in heard if row["id"] == "audio" and row["question_id"] == "q1"]
    assert first[0]["sent"] < ends[1]
    flush = next(index for index, row in enumerate(first) if row.get("flush"))
    assert flush == len(first) - 1
    spoken = {row["sentence"] for row in first[:flush]}
    assert spoken == {0, 1, 2}
    assert sum(row["sentence"] == 2 for row in first[:flush]) < 5
    outcomes = [(row["question_id"], row["text"]) for row in heard if row["id"] == "outcome"]
    assert outcomes == [("q1", "cancelled"), ("q2", "completed")]
    assert [row["fin"] for row in heard if row["id"] == "audio" and row["question_id"] == "q2"][-1] is True


class Model(BaseHTTPRequestHandler):
    """A language model's server, in the protocol that all of them speak."""

    asked: list[dict] = []

    def do_POST(self):
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()
        for piece in ("Hello", " there.", None, " Good", "bye."):
            self.wfile.write(f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *arguments):
        pass


def test_chat_takes_a_real_model(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flow = faked(
        "chat.yml",
        tmp_path,
        speaker={"LISTEN_FILE": "heard.jsonl"},
        llm={"LLM_URL": f"http://127.0.0.1:{server.server_port}/v1", "LLM_MODEL": "some-model"},
        user={"QUESTIONS": "Who?|And?", "BARGE_IN": "9"},
        tts={"MAX_AUDIO_AHEAD": "0"},
    )
    run(flow)
    server.shutdown()
    heard = rows(tmp_path / "heard.jsonl")
    said = [(row["question_id"], row["text_start"]) for row in heard if row["id"] == "audio"]
    assert {question for question, _ in said} == {"q1", "q2"}
    assert [message["role"] for message in Model.asked[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert Model.asked[1]["messages"][2]["content"] == "Hello there. Goodbye."
    assert Model.asked[0]["model"] == "some-model"


def test_serve_gives_the_server_what_it_takes(tmp_path):
    flow = faked("serve.yml", tmp_path, server={"LISTEN_FILE": "heard.json"})
    run(flow)
    heard = json.loads((tmp_path / "heard.json").read_text())
    assert {row["kind"] for row in heard["rows"]} == {"float"}
    assert {row["sample_rate"] for row in heard["rows"]} == {24000}
    assert heard["seconds"] == pytest.approx(1.2, abs=1e-3)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_fleet_shares_sessions_between_two_daemons(tmp_path):
    flow = faked("fleet.yml", tmp_path, recorder={"FOLDER": str(tmp_path)})
    (tmp_path / "say.txt").write_text("".join(f"Text {number}.\n" for number in range(12)))
    dataflow = yaml.safe_load(flow.read_text())
    listener = {**dataflow["nodes"][-1], "id": "listener", "path": str(TESTS / "listen.py")}
    dataflow["nodes"].append({**listener, "env": {"LISTEN_FILE": "heard.jsonl"}})
    written(dataflow, flow)
    port = str(free_port())
    env = environment(tmp_path)
    started: list[subprocess.Popen] = []

    def start(*arguments: str) -> None:
        log = (tmp_path / f"{len(started)}.log").open("w")
        started.append(subprocess.Popen(["dora", *arguments], cwd=tmp_path, env=env, stdout=log, stderr=log))

    try:
        start("coordinator", "--port", port, "--store", "memory")
        for name in ("first", "second"):
            local = ["--local-listen-port", str(free_port()), "--zenoh-config-overlay", str(DATAFLOWS / "zenoh.json5")]
            start("daemon", "--machine-id", name, "--coordinator-port", port, *local)
        for _ in range(100):
            connected = dora("cluster", "status", "--coordinator-port", port, folder=tmp_path).stdout
            if "first-" in connected and "second-" in connected:
                break
            time.sleep(0.1)
        ran = dora("start", str(flow), "--coordinator-port", port, "--attach", folder=tmp_path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(10)
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert len(samples) == 12 * 3 * 6400
    heard = rows(tmp_path / "heard.jsonl")
    sessions = [{row["session_id"] for row in heard if row["id"] == f"audio_{name}"} for name in ("first", "second")]
    assert [len(names) for names in sessions] == [2, 2]
    assert not sessions[0] & sessions[1]


def test_say_speaks_with_the_real_engine(tmp_path, tiny_voices):
    flow = faked("say.yml", tmp_path, tts={"VOICES_CONFIG": str(tiny_voices), "SEED": "1"})
    dataflow = yaml.safe_load(flow.read_text())
    dataflow["nodes"][1] |= {"path": sys.executable, "args": "-m dora_primespeech_mlx.node"}
    written(dataflow, flow)
    (tmp_path / "say.txt").write_text("Hello there, and good day. This is real.\n...\nVOICE:Tiny One|{}\nBye.\n")
    run(flow)
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert rate == 32000
    assert 0.5 < len(samples) / rate < 120
