"""The tables of what the node reads and sends, and the page and the manifest that repeat them."""

import re
from pathlib import Path

import pytest
import yaml

from dora_primespeech_mlx.node.outputs import FIELDS, HANDED_ON, OUTPUTS, names_on
from dora_primespeech_mlx.node.receiver import INPUTS
from dora_primespeech_mlx.settings import VARIABLES, Settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
MANIFEST = yaml.safe_load((ROOT / "dora-node.yml").read_text(encoding="utf-8"))
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_the_page_has_each_output(output):
    assert [f"`{output.name}`", output.payload, output.when] in ROWS


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.names[0])
def test_the_page_has_each_field(field):
    outputs = ", ".join(name if name == "all" else f"`{name}`" for name in field.outputs)
    assert [outputs, ", ".join(f"`{name}`" for name in field.names), field.kind, field.meaning] in ROWS


def test_the_page_names_what_is_handed_on():
    (row,) = [row for row in ROWS if row[-1].startswith("the text's own; `question_id`")]
    assert row[1] == ", ".join(f"`{name}`" for name in HANDED_ON) + ", and `PASS_METADATA`"


def test_the_page_has_no_row_that_the_tables_lack():
    start, end = PAGE.index("## Outputs"), PAGE.index("`flush` and `timestamp` of a text are never handed on.")
    rows = [line for line in PAGE[start:end].splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == len(OUTPUTS) + len(FIELDS) + 3  # two heads, and what is handed on


def test_the_manifest_names_the_same_inputs_and_outputs():
    assert set(MANIFEST["inputs"]) == set(INPUTS)
    assert set(MANIFEST["outputs"]) == {output.name for output in OUTPUTS}


@pytest.mark.parametrize("name", MANIFEST["env"])
def test_what_the_manifest_says_of_a_variable_is_so(name):
    (variable,) = [variable for variable in VARIABLES if name in variable.names]
    told = MANIFEST["env"][name]
    if "default" in told:
        assert told["default"] == getattr(Settings(), variable.field)
    for option in getattr(variable.kind, "options", ()):
        assert option in re.findall(r"\w+", told["description"])


def test_fields_are_on_the_outputs_they_say():
    assert "fin" in names_on("audio")
    assert "fin" not in names_on("metrics")
    assert "segment_id" in names_on("log")
