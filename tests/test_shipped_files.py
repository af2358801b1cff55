"""What is shipped for others to use: workflow, container, manifest, dataflows."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from dataflow_tools import DATAFLOWS, dora

ROOT = Path(__file__).parents[1]
FLOWS = sorted(DATAFLOWS.glob("*.yml"))


@pytest.mark.parametrize(
    "path", [ROOT / ".github" / "workflows" / "tests.yml", ROOT / "Dockerfile"], ids=lambda p: p.name
)
def test_files_that_are_named_are_there(path):
    named = re.findall(r"\b(?:tests|dataflows)/[\w./]+\.(?:py|yml|txt)\b", path.read_text(encoding="utf-8"))
    assert len(named) > 1
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_manifest_is_one_that_dora_takes(tmp_path):
    ran = dora("validate", "--node-manifest", str(ROOT / "dora-node.yml"), folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    manifest = yaml.safe_load((ROOT / "dora-node.yml").read_text(encoding="utf-8"))
    interface = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
    assert [name for name in (*manifest["inputs"], *manifest["outputs"]) if f"`{name}`" not in interface] == []


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_no_queue_drops_texts_or_audio_and_a_node_that_dies_comes_back(path):
    nodes = yaml.safe_load(path.read_text(encoding="utf-8"))["nodes"]
    for node in nodes:
        for name, wire in node.get("inputs", {}).items():
            source = wire if isinstance(wire, str) else wire["source"]
            if not source.startswith("dora/timer/"):
                assert wire["queue_policy"] == "backpressure", f"{node['id']}/{name}"
                assert wire["queue_size"] >= 100, f"{node['id']}/{name}"
        if node["path"] == "dora-primespeech-mlx":
            assert (node["restart_policy"], node["max_restarts"]) == ("on-failure", 5)
    assert any(node["path"] == "dora-primespeech-mlx" for node in nodes)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_dora_finds_nothing_wrong_in_a_dataflow(tmp_path, path):
    ran = dora("validate", "--strict-types", str(path), folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_oldest_versions_that_are_tried_are_those_that_are_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = project["dependencies"] + project["optional-dependencies"]["ja"]
    allowed = {re.match(r"[\w-]+", line)[0].lower(): re.search(r">=([\w.]+)", line)[1] for line in required}
    lines = (ROOT / ".ci" / "oldest.txt").read_text("utf-8").splitlines()
    tried = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    assert tried.keys() == allowed.keys()
    assert all(f"{tried[name]}.".startswith(f"{allowed[name]}.") for name in allowed)
