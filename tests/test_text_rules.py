"""The tables of rules that read written text: every subject is asked, once."""

import inspect
from types import ModuleType

import pytest

from dora_primespeech_mlx.text import signs
from dora_primespeech_mlx.text.signs import marks, models, numbers, programs, quantities, science


@pytest.mark.parametrize(
    "room", [marks, models, numbers, programs, quantities, science], ids=lambda room: room.__name__
)
def test_every_subject_of_signs_is_asked_once(room: ModuleType) -> None:
    written = [function for _, function in inspect.getmembers(room, inspect.isfunction) if is_subject(function, room)]
    assert written
    assert [signs.SUBJECTS.count(subject) for subject in written] == [1] * len(written)


def is_subject(function: object, room: ModuleType) -> bool:
    """Whether `room` has written the function, and it gives rows."""
    return getattr(function, "__module__", "") == room.__name__ and "list[" in str(inspect.signature(function))  # type: ignore[arg-type]


def test_a_sign_belongs_to_the_subject_that_is_asked_first() -> None:
    assert (
        signs.speak_signs("D0:B2:44:11:0F:A9", "zh") == " D 零冒号 B 二冒号四四冒号一一冒号零 F 冒号 A 九"
    )  # no cells
    assert signs.speak_signs("A -B座", "zh") == "A到B座"  # no option
    assert signs.speak_signs("9.8N/kg", "zh") == "9.8牛每千克"
