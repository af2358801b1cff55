"""Runs dataflows under the real dora, with the node that speaks exchanged for one with a fake engine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

TESTS = Path(__file__).parent
DATAFLOWS = TESTS.parent / "dataflows"
STAND_INS = {
    "dora-primespeech-mlx": TESTS / "fake_tts.py",
    "dora-pyaudio": TESTS / "listen.py",
    "dora-openai-websocket": TESTS / "stub_server.py",
}


def faked(name: str, folder: Path, **env: dict[str, str]) -> Path:
    """A copy of dataflows/NAME in `folder` with stand-ins for what computes or has a device; `env` by node id."""
    flow = yaml.safe_load((DATAFLOWS / name).read_text())
    for node in flow["nodes"]:
        node["path"] = str(STAND_INS.get(node["path"], DATAFLOWS / node["path"]))
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
