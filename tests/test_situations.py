"""Every situation of the table ends as it is expected to, and every refusal says what and what to do."""

import re
from pathlib import Path

import numpy as np
import pytest
from situation_desk import Desk, Situation
from situations import SITUATIONS, comparable, listed

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.synthesis import sentence

WAYS_OUT = re.compile(
    r"\b(give|convert|download|take|use|make|add|write|save|rename|record|set|delete|get|choose|mend|export|keep|cut|wait|"
    r"open|fetch|unpack|name|check|leave|must|lacks|missing|lists|known voices|only mandarin, english|is not JSON|"
    r"was refused|not supported yet|Was the file made|there is no voice)\b",
    re.IGNORECASE,
)

PAGE = comparable((Path(__file__).parents[1] / "docs" / "refusals.md").read_text("utf-8"))


@pytest.fixture
def desk(tmp_path: Path, tiny_model: Path) -> Desk:
    return Desk(tmp_path, tiny_model)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.number)
def test_a_situation_ends_as_expected(situation: Situation, desk: Desk) -> None:
    outcomes = list(situation.run(desk))
    assert len(outcomes) == len(situation.expected)
    for outcome, (done, said) in zip(outcomes, situation.expected, strict=True):
        assert outcome.done == done, f"{outcome.tried}: {outcome.said}"
        assert re.search(said, outcome.said, re.DOTALL), f"{outcome.tried}: {outcome.said}"
        assert "Traceback" not in outcome.said
        assert not re.search(r"with torch\b(?!\.)", outcome.said)
        if not done:
            assert WAYS_OUT.search(outcome.said), f"a dead end: {outcome.said}"
            assert comparable(listed(outcome)) in PAGE, "run: python tests/situations.py > docs/refusals.md"


def test_the_table_has_every_case() -> None:
    assert len(SITUATIONS) == len({situation.number for situation in SITUATIONS}) == 118


def test_samples_that_are_not_numbers_are_never_audio(tiny_voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine.from_config(tiny_voices)
    assert len(engine.synthesize("Hello.", seed=1).audio)
    monkeypatch.setattr(sentence, "sentence_units", lambda *_: iter([np.full(100, np.nan, np.float32)]))
    with pytest.raises(ValueError, match="voice 'tiny' gives samples that are not numbers: speak with PRECISION"):
        engine.synthesize("Hello.", seed=1)
