"""English words that their sentence decides: homographs, capitals, Roman numerals."""

from pathlib import Path

import pytest

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.contexts import read_rules
from dora_primespeech_mlx.text.english.capitals import speak_capitals
from dora_primespeech_mlx.text.english.homographs import SHORTHANDS
from dora_primespeech_mlx.text.english.phones import English
from dora_primespeech_mlx.text.rules import compile_all
from dora_primespeech_mlx.text.symbols import symbol_table

DATA = Path(__file__).parent / "data"


def lines(name: str) -> list[str]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def word_lists() -> dict[str, list[str]]:
    """Section of capitals.txt -> its words."""
    found: dict[str, list[str]] = {}
    for line in lines("capitals.txt"):
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
        else:
            section += line.split()
    return found


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize("line", lines("homographs.tsv"))
def test_a_homograph_is_said_as_its_sentence_wants(frontend: Frontend, line: str) -> None:
    text, right = line.split("\t")
    said = f" {' '.join(frontend(text, 'en', guard=False).names)} "
    assert any(f" {phones} " in said for phones in right.split("|")), said


@pytest.mark.parametrize("word", word_lists()["words"] + word_lists()["said"])
def test_a_word_in_capitals_is_said_as_a_word(word: str) -> None:
    assert speak_capitals(f"this is {word} here") == f"this is {word.lower()} here"


@pytest.mark.parametrize("word", word_lists()["spelled"])
def test_initials_are_spelled(word: str) -> None:
    assert speak_capitals(f"this is {word} here") == f"this is {' '.join(word)} here"


def test_two_hundred_words_and_two_hundred_initials_are_tried() -> None:
    found = word_lists()
    assert len(found["words"]) >= 200
    assert len(found["spelled"]) >= 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("You DON'T need it, I CAN'T.", "You don't need it, I can't."),
        ("TELL US NOW, the US is here.", "tell us now, the U S is here."),
        ("WHO says IT is fine?", "W H O says I T is fine?"),
        ("NASA's plan and the FBI's.", "nasa's plan and the F B I's."),
        ("the CEOs and PDFs", "the C E O's and P D F's"),
        ("HTTP-ONLY and READ-ONLY", "H T T P-only and read-only"),
        ("Both THE US AND UK", "Both the U S and U K"),
        ("A VERY good day", "a very good day"),
        ("McDonald on macOS", "mcdonald on mac O S"),
        ("NO WAY, STOP IT NOW!", "no way, stop it now!"),
    ],
)
def test_capitals_beside_others(text: str, said: str) -> None:
    assert speak_capitals(text) == said


def test_words_of_the_user_stay_whole_in_capitals() -> None:
    assert speak_capitals("the XQZ of KYBD", {"xqz"}) == "the xqz of K Y B D"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Super Bowl LVIII and Chapter XL.", "Super Bowl fifty-eight and Chapter forty."),
        ("Pope Leo X and Louis XIV.", "Pope Leo the tenth and Louis the fourteenth."),
        ("Henry I of England, King George V.", "Henry the first of England, King George the fifth."),
        ("Louis the XIV ruled.", "Louis the fourteenth ruled."),
        ("the XIX century", "the nineteenth century"),
        ("Copyright MMXXIV", "Copyright twenty twenty-four"),
        ("Rocky IV and World War II", "Rocky four and World War two"),
        ("With Mary I went home.", "With Mary I went home."),
        ("George V. Higgins and Malcolm X", "George V. Higgins and Malcolm X"),
        ("Vitamin C, Part C, the IV drip, an XL shirt", "Vitamin C, Part C, the I V drip, an X L shirt"),
        ("Windows XP, a CD, DC IV", "Windows X P, a C D, D C I V"),
        ("Project X and Generation X", "Project X and Generation X"),
    ],
)
def test_roman_numerals(frontend: Frontend, text: str, said: str) -> None:
    assert frontend(text, "en", guard=False).text == said


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("tokenization", "T OW1 K AH0 N AH0 Z EY1 SH AH0 N"),
        ("containerized", "K AH0 N T EY1 N ER0 AY2 Z D"),
        ("explainability", "IH0 K S P L EY1 N AH0 B IH1 L AH0 T IY0"),
        ("pretrained", "P R IY0 T R EY1 N D"),
        ("refactoring", "R IY0 F AE1 K T ER0 IH0 NG"),
        ("denoise", "D IY0 N OY1 Z"),
        ("hyperparameters", "HH AY2 P ER0 P ER0 AE1 M AH0 T ER0 Z"),
        ("codebases", "K OW1 D B EY2 S AH0 Z"),
    ],
)
def test_a_word_with_a_prefix_or_an_ending_has_the_sound_of_its_stem(word: str, phones: str) -> None:
    assert " ".join(English().word(word)) == phones


def test_every_rule_is_read_and_says_phones_that_exist() -> None:
    for rules in read_rules("en_contexts.tsv", SHORTHANDS).values():
        assert all(phone in symbol_table("v1") for rule in rules for phone in rule.reading.split())
    assert compile_all() > 100


def test_the_lexicon_wins_over_every_rule() -> None:
    own = Frontend(lexicon={"read": "R EH1 D"})
    assert "R EH1 D" in " ".join(own("Please read it.", "en", guard=False).names)
