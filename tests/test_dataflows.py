import json
import runpy
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import yaml
from dataflow_tools import DATAFLOWS, TESTS, Fleet, all_was_heard, dora, faked, fleet_flow, rows, run, written


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


@pytest.mark.parametrize(
    ("node", "variables", "said"),
    [
        ("record.py", {"WAV": "none/a.wav"}, "none is no folder that is there: make it, or name another; set WAV"),
        ("record.py", {"WAV": "a.mp3"}, r"a\.mp3 is no name for a sound file here: end it in \.wav"),
        ("record.py", {}, "WAV is not set; it must be a name"),
        ("read_text.py", {"TEXT_FILE": "latin.txt"}, r"latin\.txt is not written in UTF-8"),
        (
            "read_text.py",
            {"TEXT_FILE": "latin.txt", "SESSIONS": "0"},
            "SESSIONS='0' is not allowed; it must be a whole",
        ),
        ("share.py", {}, "NAMES is not set; it must be names separated by commas"),
        ("share.py", {"NAMES": "a,b", "MISSING_AFTER": "5s"}, "MISSING_AFTER='5s' is not allowed; it must be a number"),
        ("user.py", {"QUESTIONS": "Hi?", "BARGE_IN": "first"}, "BARGE_IN='first' is not allowed"),
    ],
)
def test_a_file_that_cannot_be_is_said_before_anything_is_spoken(tmp_path, monkeypatch, node, variables, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(DATAFLOWS / "nodes")
    (tmp_path / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=said):
        runpy.run_path(str(DATAFLOWS / "nodes" / node), run_name="__main__")


def test_a_wrong_setting_is_said_and_ends_the_dataflow(tmp_path):
    flow = faked("say.yml", tmp_path, tts={"TOP_K": "many"})
    (tmp_path / "say.txt").write_text("One.\n")
    dataflow = yaml.safe_load(flow.read_text())
    dataflow["nodes"][1]["max_restarts"] = 1
    ran = dora("run", str(written(dataflow, flow)), folder=tmp_path)
    assert ran.returncode == 1
    assert "TOP_K='many' is not allowed; it must be a whole number from 1 to 1025" in ran.stdout + ran.stderr


def test_speak_gives_the_device_what_it_takes(tmp_path):
    flow = faked("speak.yml", tmp_path, speaker={"LISTEN_FILE": "heard.jsonl", "KIND": "int16"})
    (tmp_path / "say.txt").write_text("One. Two.\nThree.\n")
    run(flow)
    heard = rows(tmp_path / "heard.jsonl")
    assert sum(row["count"] for row in heard) == 9 * 6400
    assert {row["count"] for row in heard} <= {6400, 12800}, "a chunk as it comes, or two that waited"
    for segment in (0, 1):
        seqs = [row["seq"] for row in heard if row["segment_id"] == segment]
        assert seqs == list(range(len(seqs)))


@pytest.mark.parametrize(("ahead", "all_is_heard"), [({}, True), ({"MAX_AUDIO_AHEAD": "0"}, False)])
def test_a_player_with_the_queues_of_dora_hears_everything_unless_audio_comes_sooner(tmp_path, ahead, all_is_heard):
    chunks = {"FAKE_CHUNKS": "13", "FAKE_CHUNK_SECONDS": "0.3"}
    flow = yaml.safe_load(faked("say.yml", tmp_path, tts=chunks | ahead).read_text())
    if not ahead:
        del flow["nodes"][1]["env"]["MAX_AUDIO_AHEAD"]
    env = {"LISTEN_FILE": str(tmp_path / "heard.jsonl"), "PLAYS": "1"}
    flow["nodes"][2] = {"id": "player", "path": str(TESTS / "listen.py"), "inputs": {"audio": "tts/audio"}, "env": env}
    (tmp_path / "say.txt").write_text("Thirteen chunks, of which a queue of dora holds ten.\n")
    run(written(flow, tmp_path / "say.yml"))
    heard = sum(row["count"] for row in rows(tmp_path / "heard.jsonl"))
    assert (heard == 13 * 9600) == all_is_heard


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
    # The user has heard the third; what of it waits before the speaker when the flush comes, dora takes away.
    assert {0, 1} <= spoken <= {0, 1, 2}
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


def test_who_has_one_question_hears_its_answer_to_the_end(monkeypatch):
    import dora as api

    events = [
        {"type": "INPUT", "id": name, "metadata": {"question_id": "q1", "sentence": 4}}
        for name in ("audio", "segment_complete")
    ]
    sent = []
    node = SimpleNamespace(next=lambda: events.pop(0), send_output=lambda name, *_: sent.append(name))
    monkeypatch.setattr(api, "Node", lambda: node)
    monkeypatch.setenv("QUESTIONS", "Who?")
    monkeypatch.setenv("BARGE_IN", "2")
    monkeypatch.syspath_prepend(str(DATAFLOWS / "nodes"))
    runpy.run_path(str(DATAFLOWS / "nodes" / "user.py"), run_name="__main__")
    assert sent == ["question"] and not events


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


def test_a_long_talk_is_remembered_from_its_latest_turns():
    sys.path.append(str(DATAFLOWS / "nodes"))
    from llm import REMEMBERED, served

    server = HTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Model.asked.clear()
    for history in ([{"role": "system", "content": "Be brief."}], []):
        first = history[:]
        for number in range(REMEMBERED):
            list(served(f"Question {number}?", f"http://127.0.0.1:{server.server_port}/v1", history))
        last = Model.asked[-1]["messages"]
        assert last[: len(first)] == first
        assert len(last) == len(first) + REMEMBERED
        assert last[len(first)]["role"] == "user"
        assert last[-1] == {"role": "user", "content": f"Question {REMEMBERED - 1}?"}
        assert len(history) == len(first) + REMEMBERED + 1
    server.shutdown()


class _Broken(BaseHTTPRequestHandler):
    """A server that says something, then what `end` is, and goes."""

    protocol_version = "HTTP/1.1"
    end = b""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._say(b'data: {"choices": [{"delta": {"content": "Hello."}}]}\n\n')
        self._say(self.end)
        self.wfile.write(b"50\r\ndata: {")
        self.close_connection = True

    def _say(self, line):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize(
    "end", [b"data: \n", b'data: {"choices": [{"delta": null}]}\n', b'data: {"choices": null, "usage": {}}\n']
)
def test_an_answer_that_breaks_off_ends_its_text(end, monkeypatch, capsys):
    sys.path.append(str(DATAFLOWS / "nodes"))
    from llm import Writer

    server = HTTPServer(("127.0.0.1", 0), type("Broken", (_Broken,), {"end": end}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LLM_URL", f"http://127.0.0.1:{server.server_port}/v1")
    node = Listening()
    Writer(node).write("Who?", "q1")
    assert node.said(2) == [("Hello.", False), ("", True)]
    server.shutdown()
    assert "does not answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "question"),
    [
        (pa.array(["  Who? "]), "Who?"),
        (pa.array([b"Caf\xe9?"]), "Caf\ufffd?"),
        (pa.array(["Who", "is it?"]), "Who\nis it?"),
        (pa.array([], pa.string()), ""),
        (pa.array([None], pa.string()), ""),
        (None, ""),
        (pa.array([1, 2]), ""),
    ],
)
def test_a_question_is_read_in_any_form(value, question, capsys):
    sys.path.append(str(DATAFLOWS / "nodes"))
    from llm import question_in

    assert question_in(value) == question
    assert ("a question is left out" in capsys.readouterr().out) == (value is not None and value.type == pa.int64())


class Listening:
    """A node that keeps what is sent: (piece, whether it is the last)."""

    def __init__(self):
        self.sent, self.news = [], threading.Condition()

    def send_output(self, name, value, metadata):
        with self.news:
            self.sent.append((value[0].as_py(), metadata["fin"]))
            self.news.notify_all()

    def said(self, count):
        """What was sent, once there is so much."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.sent) >= count, 20.0), self.sent
            return self.sent[:]


def test_an_interruption_does_not_wait_for_a_server_that_says_nothing(monkeypatch):
    sys.path.append(str(DATAFLOWS / "nodes"))
    from llm import Writer

    goes_on = threading.Event()

    class Hanging(_Broken):
        @property
        def end(self):
            goes_on.wait(30.0)
            return b'data: {"choices": [{"delta": {"content": "Late."}}]}\n'

    server = HTTPServer(("127.0.0.1", 0), Hanging)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LLM_URL", f"http://127.0.0.1:{server.server_port}/v1")
    node = Listening()
    writer = Writer(node)
    writer.write("Who?", "q1")
    assert node.said(1) == [("Hello.", False)]
    interruption = threading.Thread(target=writer.give_up)
    interruption.start()
    assert node.said(2) == [("Hello.", False), ("", True)]
    interruption.join(20.0)
    assert not interruption.is_alive() and not goes_on.is_set()
    goes_on.set()
    server.shutdown()
    assert node.sent == [("Hello.", False), ("", True)]


def test_a_script_without_a_line_is_refused(tmp_path, monkeypatch):
    sys.path.append(str(DATAFLOWS / "nodes"))
    from llm import Writer

    (tmp_path / "chat.txt").write_text("\n")
    monkeypatch.delenv("LLM_URL", raising=False)
    monkeypatch.setenv("LLM_SCRIPT", str(tmp_path / "chat.txt"))
    with pytest.raises(SystemExit, match="has no line"):
        Writer(None)


def test_talk_hears_answers_and_can_be_interrupted(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flow = faked(
        "talk.yml",
        tmp_path,
        ears={"QUESTIONS": "Who are you?|And who am I?"},
        llm={"LLM_URL": f"http://127.0.0.1:{server.server_port}/v1"},
        speaker={"LISTEN_FILE": "heard.jsonl", "KIND": "int16"},
        tts={"FAKE_CHUNKS": "10", "FAKE_DELAY": "0.05"},
    )
    dataflow = yaml.safe_load(flow.read_text())
    microphone, speaker = dataflow["nodes"][0], dataflow["nodes"][-1]
    microphone["inputs"] |= {"audio": "tts/audio", "segment_complete": "tts/segment_complete"}
    speaker["inputs"]["outcome"] = {"source": "tts/segment_complete", "queue_size": 100, "queue_policy": "backpressure"}
    Model.asked.clear()
    run(written({**dataflow, "exit_when_nodes_finish": True}, flow))
    server.shutdown()
    heard = rows(tmp_path / "heard.jsonl")
    assert [asked["messages"][-1]["content"] for asked in Model.asked] == ["Who are you?", "And who am I?"]
    outcomes = [row for row in heard if row["id"] == "outcome"]
    assert [(row["question_id"], row["text"]) for row in outcomes] == [("q1", "cancelled"), ("q2", "completed")]
    last = [row for row in heard if row["id"] == "audio" and row["question_id"] == "q2"]
    assert [row["seq"] for row in last] == list(range(outcomes[1]["chunks"]))
    assert last[-1]["fin"] is True
    assert any(row["id"] == "interrupt" for row in heard)


def test_serve_gives_the_server_what_it_takes(tmp_path):
    flow = faked("serve.yml", tmp_path, server={"LISTEN_FILE": "heard.json"})
    run(flow)
    heard = json.loads((tmp_path / "heard.json").read_text())
    assert {row["kind"] for row in heard["rows"]} == {"float"}
    assert {row["sample_rate"] for row in heard["rows"]} == {24000}
    assert heard["seconds"] == pytest.approx(1.2, abs=1e-3)


def test_fleet_shares_sessions_between_two_daemons(tmp_path):
    flow = fleet_flow(tmp_path, 12, 0.05)
    with Fleet(tmp_path) as fleet:
        assert fleet.run(flow).wait(180) == 0
        assert all_was_heard(tmp_path, 12) == []
        samples, _ = soundfile.read(tmp_path / "speech.wav")
        assert len(samples) == 12 * 5 * 6400


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
