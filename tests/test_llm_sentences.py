"""What a language model writes is read right: whole sentences, and what each rule must not touch."""

from pathlib import Path

import pytest

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.formulas import speak_formulas, spoken_formula
from dora_primespeech_mlx.text.languages import split_languages
from dora_primespeech_mlx.text.rules import Rules
from dora_primespeech_mlx.text.sentences import sentences_of
from dora_primespeech_mlx.text.signs import speak_signs

FILE = Path(__file__).parent / "data" / "llm_sentences.tsv"
SENTENCES = [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
EXTRAS = {"ja": "pyopenjtalk", "ko": "mecab"}


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize(("language", "sort", "text", "said"), SENTENCES)
def test_sentence_of_an_answer_is_said_right(
    frontend: Frontend, language: str, sort: str, text: str, said: str
) -> None:
    if language in EXTRAS:
        pytest.importorskip(EXTRAS[language], reason=f"the extra {language} is not installed")
    if sort == "table":
        rows = filter(None, sentences_of(text.replace("\\n", "\n"), language))
        assert " / ".join(frontend(row.text, row.language, guard=False).text for row in rows) == said
    else:
        assert frontend(text, language, guard=False).text == said, sort


def test_the_sentences_are_of_many_sorts() -> None:
    assert len(SENTENCES) > 300
    assert len({sort for _, sort, _, _ in SENTENCES}) >= 10


@pytest.mark.parametrize(
    ("language", "formula", "said"),
    [
        ("en", r"\frac{a+b}{2}", "a plus b, all over two"),
        ("en", r"\frac12 x", "one half x"),
        ("en", r"2\frac{1}{2}", "two and one half"),
        ("en", r"\sqrt[3]{x}", "cube root of x"),
        ("en", r"(a+b)^2", "the quantity a plus b squared"),
        ("en", r"x_{n+1}", "x sub n plus one"),
        ("en", r"\sin^2 x", "sine squared of x"),
        ("en", r"\binom{n}{k}", "n choose k"),
        ("en", r"P(A|B)", "P of A given B"),
        ("en", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "matrix one , two , three , four ,"),
        ("en", r"A^T \neq A^{-1}", "A transpose not equal to A to the power of negative one"),
        ("en", r"25^\circ C", "twenty-five degrees celsius"),
        ("en", r"5\,\text{km/h}", "5 km/h"),
        ("en", r"\unknown{x}", "unknown x"),
        ("en", r"f: A \to B", "f , A to B"),
        ("zh", r"\frac{a+b}{2}", "二分之\u2061A 加\u2061B"),
        ("zh", r"\sqrt[3]{x}", "三次根号\u2061X"),
        ("zh", r"x^{-3}", "X的负 三次方"),
        ("zh", r"(a+b)^2", "A 加\u2061B的和的二次方"),
        ("zh", r"2\frac{1}{2}", "二 又 二分之一"),
    ],
)
def test_formula_is_read_as_people_read_it(language: str, formula: str, said: str) -> None:
    assert spoken_formula(formula, language) == said


@pytest.mark.parametrize(
    "formula", ["", "{", "}", "\\frac", "\\frac{1}", "x^", "x_", "(", "|", "\\left(", "^^^", "\\\\", "&"]
)
def test_broken_formula_is_read_without_nonsense(formula: str) -> None:
    for language in ("zh", "en"):
        said = spoken_formula(formula, language)
        assert not set(said) & set("\\{}^_$&")


@pytest.mark.parametrize(
    "text",
    [
        "The coffee is $5 and the cake is $10.",
        "It costs $5, or 5$.",
        "From $5-$10 to US$20.",
        "Call 555-1234 on 2024-05-01 at 10:30.",
        "Open C:\\Users\\alpha first.",
        "GPT-4-turbo beats GPT-3.",
        "It is 5 m² and 9.8 m/s².",
        "A B C, x and y.",
    ],
)
def test_what_is_no_formula_stays(text: str) -> None:
    assert speak_formulas(text, "en") == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A well-known T-shirt, e-mail and state-of-the-art."),
        ("en", "Pages 3-5, Dr. Smith, U.S., e.g. this, 3.5 and 1,000."),
        ("en", "He said (twice) that it's fine; really?"),
        ("en", "Plan (a) and list(s), see (b) there."),
        ("zh", "他说“你好”，然后（悄悄地）走了。"),
        ("zh", "3-5天，2:1，1/3，50%，20℃。"),
        ("zh", "啊——好的……真的？"),
    ],
)
def test_signs_that_the_rules_for_numbers_or_nobody_reads_stay(language: str, text: str) -> None:
    assert speak_signs(text, language) == text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("设a=3，b=4。", "zh"),
        ("取i=1，则a<b。", "zh"),
        ("公式$a = b \\text{ if } c$很有名。", "zh"),
        ("I bought a book in 北京.", "en"),
        ("a cat 和狗", "zh"),
    ],
)
def test_letters_of_a_formula_do_not_choose_the_language(text: str, language: str) -> None:
    numbers = [run.language for run in split_languages(text + " 3") if "3" in run.text or "三" in run.text]
    assert (numbers or [language])[-1] == language


def test_a_rule_is_tried_only_where_what_it_needs_is_there() -> None:
    rules = Rules([("0-|0–", r"\d", "N"), ("", r"x$", "y")])
    assert [rules(text) for text in ("1x", "1-x", "1–x", "a-x")] == ["1y", "N-y", "N–y", "a-y"]
