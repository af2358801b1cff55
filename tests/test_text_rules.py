"""The tables of rules that read written text: every subject is asked, once, and in the order that matters."""

import inspect
import random
import re
from collections.abc import Callable
from types import ModuleType

import pytest
from matching import matched_texts

from dora_primespeech_mlx.text import signs
from dora_primespeech_mlx.text.english import (
    abbreviations,
    amounts,
    chess,
    dates,
    identifiers,
    law,
    measures,
    medicine,
    music,
    normalise,
    places,
    roman,
    scripture,
    sports,
)
from dora_primespeech_mlx.text.mandarin import amounts as zh_amounts
from dora_primespeech_mlx.text.mandarin import clocks, scores
from dora_primespeech_mlx.text.mandarin import dates as zh_dates
from dora_primespeech_mlx.text.mandarin import identifiers as zh_identifiers
from dora_primespeech_mlx.text.mandarin import normalise as zh_normalise
from dora_primespeech_mlx.text.mandarin import quantities as zh_quantities
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.rules import Row
from dora_primespeech_mlx.text.signs import marks, models, numbers, programs, quantities, science
from dora_primespeech_mlx.text.tables import mapping
from dora_primespeech_mlx.text.units import english_unit, mandarin_unit

ENGLISH = [
    abbreviations,
    amounts,
    chess,
    dates,
    identifiers,
    law,
    measures,
    medicine,
    music,
    places,
    roman,
    scripture,
    sports,
]


ASKED = {
    signs.SUBJECTS: [marks, models, numbers, programs, quantities, science],
    normalise.SUBJECTS: ENGLISH,
    zh_normalise.SUBJECTS: [zh_amounts, clocks, zh_dates, zh_identifiers, zh_quantities, scores],
}


@pytest.mark.parametrize(
    ("asked", "room"),
    [pytest.param(asked, room, id=room.__name__) for asked, rooms in ASKED.items() for room in rooms],
)
def test_every_subject_is_asked_once(asked: tuple[object, ...], room: ModuleType) -> None:
    written = [function for _, function in inspect.getmembers(room, inspect.isfunction) if is_subject(function, room)]
    assert written
    assert [asked.count(subject) for subject in written] == [1] * len(written)


def is_subject(function: object, room: ModuleType) -> bool:
    """Whether `room` has written the function, and it gives rows."""
    given = inspect.get_annotations(function).get("return")  # type: ignore[arg-type]
    return getattr(function, "__module__", "") == room.__name__ and given in (list[Row], list[signs.readings.SignRow])


def test_a_sign_belongs_to_the_subject_that_is_asked_first() -> None:
    assert (
        signs.speak_signs("D0:B2:44:11:0F:A9", "zh") == " D 零冒号 B 二冒号四四冒号一一冒号零 F 冒号 A 九"
    )  # no cells
    assert signs.speak_signs("A -B座", "zh") == "A到B座"  # no option
    assert signs.speak_signs("9.8N/kg", "zh") == "9.8牛每千克"


def test_digits_belong_to_the_subject_that_is_asked_first() -> None:
    assert normalise.spoken_english("Rest 60-90s") == "Rest sixty to ninety seconds"  # no decade
    assert normalise.spoken_english("(fl. 1850)") == "flourished eighteen fifty"  # no floor
    assert normalise.spoken_english("in time signature 6/8") == "in time signature six eight"  # no fraction
    assert zh_normalise.spoken_mandarin("步骤2/5") == "步骤二,共五步"  # no day
    assert zh_normalise.spoken_mandarin("10-15个人") == "十到十五个人"
    assert zh_normalise.spoken_mandarin("比赛以10-15结束") == "比赛以十比十五结束"


def test_any_two_units_with_a_slash_between_are_said() -> None:
    """Also where one has a slash of its own whose sides alone are no units: 50元/kB/s/GWh."""
    names = mapping("zh_units.tsv")
    for above in names:
        for below in names:
            said = mandarin_unit(f"{above}/{below}")
            assert "每" in said or f"{above}/{below}" in names, (above, below)
    assert signs.speak_signs("50元/kB/s/GWh", "zh") == "50元每千字节每秒每吉瓦时"
    assert english_unit("MB/s/km", is_one=False) == "megabytes per second per kilometer"
    assert normalise.spoken_english("The jerk in cm/s² is low.") == "The jerk in centimeters per second squared is low."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1,500%", "one thousand, five hundred percent"),
        ("1,500-1,600%", "one thousand, five hundred to one thousand, six hundred percent"),
        ("$1,500-2,000", "one thousand, five hundred to two thousand dollars"),
        ("1,500k", "one thousand, five hundred thousand"),
        ("1,500.5K", "one thousand, five hundred point five thousand"),
        ("1,500M users", "one thousand, five hundred million users"),
        ("about 1,500M", "about one thousand, five hundred million"),
        ("1,500:1", "one thousand, five hundred to one"),
        ("1,500/2,000", "one thousand, five hundred over two thousand"),
        ("1,500 1/2 cups", "one thousand, five hundred and one half cups"),
        ("1,500½ cups", "one thousand, five hundred and one half cups"),
        ("1,500 in. wide", "one thousand, five hundred inches wide"),
        ("1,500' tall", "one thousand, five hundred feet tall"),
        ("1,500-km", "one thousand, five hundred kilometer"),
        ("1,500th", "one thousand, five hundredth"),
    ],
)
def test_commas_of_thousands_are_of_the_number_whatever_stands_behind_it(written: str, said: str) -> None:
    assert normalise.spoken_english(f"It is {written} now.") == f"It is {said} now."


ENGLISH_TEXT = re.compile(r"[A-Za-z' ,.?!\-]*")
MANDARIN_TEXT = re.compile(rf"[{HAN}!?…,.\-]*")


@pytest.mark.parametrize(
    "subject", [subject for asked in ASKED for subject in asked], ids=lambda each: f"{each.__module__}.{each.__name__}"
)
def test_whatever_a_rule_applies_to_becomes_words(subject: Callable[[], list[Row]]) -> None:
    """Texts made up from each pattern: what is read of them are letters or characters and marks, and nothing raises."""
    chance = random.Random(subject.__name__)
    made = [text for _, pattern, *_ in subject() for text in matched_texts(pattern, 5, chance)]
    assert made
    for text in made:
        assert ENGLISH_TEXT.fullmatch(normalise.spoken_english(signs.speak_signs(text, "en"))), text
        assert MANDARIN_TEXT.fullmatch(zh_normalise.spoken_mandarin(signs.speak_signs(text, "zh"))), text
