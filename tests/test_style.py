"""The linter, the formatter and the type checker find nothing, and what they cannot look for is not there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOUBLED = re.compile("(?<!`)`{2}(?!`)")
LOOSE = re.compile(r"\s*((Raises|Returns|Yields) [A-Z]\w+|:(param|raises|returns?)\b)")
"""What a docstring says in a sentence or in another style that has a section: `Raises:`."""


@pytest.mark.parametrize("tool", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_tool_finds_nothing(tool: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("room", ["dora_primespeech_mlx", "tests", "benchmarks", "training", "dataflows"])
def test_prose_has_one_style_and_nothing_is_imported_from_the_future(room: str) -> None:
    found = [
        f"{path}:{number}: {line}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if DOUBLED.search(line) or LOOSE.match(line) or line.startswith("from __future__")
    ]
    assert found == []
