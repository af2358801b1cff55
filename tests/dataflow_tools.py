"""Runs dataflows under the real dora, with the node that speaks exchanged for one with a fake engine."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import yaml
from machines import Machine

TESTS = Path(__file__).parent
DATAFLOWS = TESTS.parent / "dataflows"
STAND_INS = {
    "dora-primespeech-mlx": TESTS / "fake_tts.py",
    "dora-pyaudio": TESTS / "listen.py",
    "dora-openai-websocket": TESTS / "stub_server.py",
    "dora-microphone": TESTS / "stub_ears.py",
    "dora-vad": TESTS / "stub_ears.py",
    "dora-distil-whisper": TESTS / "stub_ears.py",
}


def faked(name: str, folder: Path, **env: dict[str, str]) -> Path:
    """A copy of dataflows/NAME in `folder` with stand-ins for what computes or has a device; `env` by node id."""
    flow = yaml.safe_load((DATAFLOWS / name).read_text())
    for node in flow["nodes"]:
        program = Path(node["path"]).name
        if STAND_INS.get(program) == TESTS / "stub_ears.py":
            node["args"] = program
        node["path"] = str(STAND_INS.get(program, DATAFLOWS / node["path"]))
        node.pop("build", None)
        if "deploy" in node:
            node["deploy"]["working_dir"] = str(folder)
        node.setdefault("env", {}).update(env.get(node["id"], {}))
    return written(flow, folder / name)


def written(flow: dict[str, Any], path: Path) -> Path:
    """A dataflow as a file."""
    path.write_text(yaml.safe_dump(flow, sort_keys=False, allow_unicode=True))
    return path


def environment(folder: Path, **env: str) -> dict[str, str]:
    """An environment with the Python that runs the tests first on PATH."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PWD": str(folder), **env}


def dora(*arguments: str, folder: Path, timeout: float = 60.0, **env: str) -> subprocess.CompletedProcess[str]:
    """`dora ARGUMENTS` in `folder`."""
    return subprocess.run(
        ["dora", *arguments],
        cwd=folder,
        env=environment(folder, **env),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def run(flow: Path, timeout: float = 60.0) -> str:
    """What `dora run` prints; it must succeed."""
    ran = dora("run", str(flow), folder=flow.parent, timeout=timeout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def rows(path: Path) -> list[dict[str, Any]]:
    """What tests/listen.py wrote."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def fleet_commands() -> dict[str, list[str]]:
    """What dataflows/fleet.yml says must be run, by what it starts: coordinator, first, second, flow."""
    lines = (DATAFLOWS / "fleet.yml").read_text().splitlines()
    commands = [shlex.split(line.removeprefix("#   dora ")) for line in lines if line.startswith("#   dora ")]
    return dict(zip(("coordinator", "first", "second", "flow"), commands, strict=True))


class Fleet:
    """A coordinator and two daemons, started by the commands of fleet.yml, and ended with the block.

    They run on `machines`, or on this one with `ports` of their own. When the block fails, what they logged is shown.
    """

    def __init__(self, folder: Path, machines: dict[str, Machine] | None = None):
        self.folder = folder
        self._machines = machines
        self._address = machines["first"].address if machines else "127.0.0.1"
        self._ports = [] if machines else [str(free_port()) for _ in range(3)]
        self._started: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> Self:
        for name in ("coordinator", "first", "second"):
            self.start(name)
        for _ in range(30):
            connected = self._dora("cluster", "status", "--coordinator-addr", self._address, *self._coordinator_port())
            if "first-" in connected and "second-" in connected:
                return self
            time.sleep(0.4)
        self.__exit__(TimeoutError)
        raise TimeoutError("the daemons did not find the coordinator")

    def __exit__(self, failed: Any, *rest: Any) -> None:
        for process in reversed(self._started.values()):
            process.terminate()
            process.wait(20)
        for log in sorted(self.folder.glob("*.log")) if failed else ():
            print(f"--- {log}", *log.read_text(errors="replace").splitlines()[-40:], sep="\n")

    def start(self, name: str) -> None:
        """The coordinator, or the daemon of that name."""
        ports = dict(zip(("coordinator", "first", "second"), self._ports, strict=False))
        extra = ["--store", "memory"] if name == "coordinator" else []
        if ports and name == "coordinator":
            extra += ["--port", ports[name]]
        elif ports:
            extra += ["--coordinator-port", ports["coordinator"], "--local-listen-port", ports[name]]
        self._start(name, [*fleet_commands()[name], *extra])

    def run(self, flow: Path) -> subprocess.Popen:
        """`dora start` of a dataflow, which ends with it; its log is flow.log."""
        command = [str(flow) if word.endswith("fleet.yml") else word for word in fleet_commands()["flow"]]
        return self._start("flow", [*command, *self._coordinator_port()])

    def _coordinator_port(self) -> list[str]:
        return ["--coordinator-port", self._ports[0]] if self._ports else []

    def _command(self, name: str, words: list[str]) -> list[str]:
        places = {"192.168.1.1": self._address, "dataflows/zenoh.json5": str(DATAFLOWS / "zenoh.json5")}
        if not self._machines:
            places["0.0.0.0"] = "127.0.0.1"
        command = ["dora", *(places.get(word, word) for word in words)]
        machine = (self._machines or {}).get("second" if name == "second" else "first")
        return machine.command(self.folder, *command) if machine else command

    def _environment(self) -> dict[str, str]:
        return environment(self.folder, HOME=str(self.folder), RUST_LOG="info,zenoh_transport=debug")

    def _start(self, name: str, words: list[str]) -> subprocess.Popen:
        with (self.folder / f"{name}.log").open("a") as log:
            self._started[name] = subprocess.Popen(
                self._command(name, words), cwd=self.folder, env=self._environment(), stdout=log, stderr=log
            )
        return self._started[name]

    def _dora(self, *words: str) -> str:
        command = self._command("status", list(words))
        ran = subprocess.run(command, cwd=self.folder, env=self._environment(), capture_output=True, text=True)
        return ran.stdout


def fleet_flow(folder: Path, texts: int, seconds: float, **share: str) -> Path:
    """fleet.yml with `texts` of five chunks that take `seconds` each to make, and a listener; `share` is its env."""
    env = {"FAKE_CHUNKS": "5", "FAKE_DELAY": str(seconds / 5)}
    recorder = {"FOLDER": str(folder)}
    flow = faked("fleet.yml", folder, recorder=recorder, first_tts=env, second_tts=env, share=share)
    (folder / "say.txt").write_text("".join(f"Text {number}.\n" for number in range(texts)))
    dataflow = yaml.safe_load(flow.read_text())
    listener = {**dataflow["nodes"][-1], "id": "listener", "path": str(TESTS / "listen.py")}
    news = {"source": "share/status", "queue_size": 1000, "queue_policy": "backpressure"}
    listener["inputs"] = {**listener["inputs"], "status": news}
    dataflow["nodes"].append({**listener, "env": {"LISTEN_FILE": "heard.jsonl"}})
    return written(dataflow, flow)


def all_was_heard(folder: Path, texts: int) -> list[str]:
    """Asserts that each text of `fleet_flow` was completed once and each chunk heard once; what `share` had to say."""
    heard = rows(folder / "heard.jsonl")
    answers = Counter((row["segment_id"], row["text"]) for row in heard if row["id"] == "segment_complete")
    assert answers == Counter((number, "completed") for number in range(texts))
    chunks = Counter((row["segment_id"], row["seq"]) for row in heard if row["id"] == "audio")
    assert chunks == Counter((number, chunk) for number in range(texts) for chunk in range(5))
    assert sum(row["count"] for row in heard if row["id"] == "audio") == texts * 5 * 6400
    return [row["text"] for row in heard if row["id"] == "status"]
