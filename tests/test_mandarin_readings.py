"""Mandarin characters with several readings, in sentences of the sorts that language models write."""

import re
from pathlib import Path

import pytest

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.contexts import read_rules
from dora_primespeech_mlx.text.mandarin.contexts import SHORTHANDS, context_readings
from dora_primespeech_mlx.text.mandarin.names import surnames
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin, spelled

DATA = Path(__file__).parent / "data"
MARKED = re.compile(r"\{(.)\|([a-z]+[1-5])\}")


def lines(name: str) -> list[str]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


def readings(frontend: Frontend, text: str) -> list[tuple[str, str]]:
    """(Character, pinyin) of each Han character of `text` as it is said."""
    phones = frontend(text, guard=False)
    found = []
    for span in phones.spans:
        at = span.start
        for character, count in zip(span.text, span.word2ph or (), strict=span.language == "zh"):
            if count == 2:
                found.append((character, spelled(phones.names[at], phones.names[at + 1])))
            at += count
    return found


@pytest.mark.parametrize("line", lines("polyphones.txt"))
def test_a_character_is_read_as_its_sentence_wants(frontend: Frontend, line: str) -> None:
    wanted = MARKED.findall(line)
    said = iter(readings(frontend, MARKED.sub(r"\1", line)))
    marked = iter(MARKED.split(line))
    seen = []
    for plain, character, _ in zip(marked, marked, marked, strict=False):
        for han in re.findall("[一-鿿]", plain):
            next(pair for pair in said if pair[0] == han)
        seen.append(next(pair for pair in said if pair[0] == character))
    assert seen == wanted


def test_the_first_rule_that_fits_decides() -> None:
    assert context_readings("这行代码") == {1: ("hang", 2)}
    assert context_readings("这行不行") == {}
    assert context_readings("行报错", follows_latin=True) == {0: ("hang", 2)}
    assert 0 not in context_readings("行报错")


def test_every_rule_is_read_and_says_a_syllable() -> None:
    for rules in read_rules("reading_rules.tsv", SHORTHANDS).values():
        assert all(parse_pinyin(rule.reading) for rule in rules if rule.reading != "-")
    assert surnames()["任"] == ("ren", 2)


def test_the_lexicon_wins_over_every_rule() -> None:
    own = Frontend(lexicon={"这行": "zhe4 xing2", "任正非": "ren4 zheng4 fei1"})
    assert readings(own, "这行代码，任正非。")[:2] == [("这", "zhe4"), ("行", "xing2")]
    assert ("任", "ren4") in readings(own, "任正非来了。")


def test_a_one_that_touches_the_letters_before_it_names_something_and_keeps_its_tone(frontend: Frontend) -> None:
    assert ("一", "yi1") in readings(frontend, "坐G1次列车。")
    assert ("一", "yi1") in readings(frontend, "在T1航站楼。")
    assert ("一", "yi2") in readings(frontend, "买LED 1个。")
    assert ("一", "yi2") in readings(frontend, "用Python一定要快。")
