"""Runs dataflows under the real dora, with the node that speaks exchanged for one with a fake engine."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

TESTS = Path(__file__).parent
DATAFLOWS = TESTS.parent / "dataflows"


def faked(name: str, folder: Path, env: dict[str, dict[str, str]] | None = None) -> Path:
    """A copy of dataflows/NAME in `folder` with a fake engine; `env` adds variables to nodes by their id."""
    flow = yaml.safe_load((DATAFLOWS / name).read_text())
    for node in flow["nodes"]:
        path = str(node["path"])
        node["path"] = str(TESTS / "fake_tts.py" if path == "dora-primespeech-mlx" else DATAFLOWS / path)
        node.setdefault("env", {}).update((env or {}).get(node["id"], {}))
    return written(flow, folder / name)


def written(flow: dict, path: Path) -> Path:
    """A dataflow as a file."""
    path.write_text(yaml.safe_dump(flow, sort_keys=False))
    return path


def dora(*arguments: str, folder: Path, timeout: float = 60.0, **env: str) -> subprocess.CompletedProcess:
    """`dora ARGUMENTS` in `folder`, with the Python that runs the tests first on PATH."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        ["dora", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PWD": str(folder), **env},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
