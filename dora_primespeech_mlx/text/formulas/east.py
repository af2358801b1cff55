r"""Formulas between their signs (`$x^2$`, `\(\frac12\)`) in words of Japanese, Korean and Cantonese."""

import re
from functools import cache

from dora_primespeech_mlx.text.cantonese.normalise import traditional
from dora_primespeech_mlx.text.formulas import DELIMITED, PLAIN, is_formula, spoken_formula, spoken_plain
from dora_primespeech_mlx.text.formulas.reader import FRACTIONS, IN_WORDS, commands
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import lines, mapping, words

OF_TWO = regex(rf"\\(?:{'|'.join(FRACTIONS)})\s*(?:{{([^{{}}]*)}}|(\d))\s*(?:{{([^{{}}]*)}}|(\d))")
ROOT = regex(r"\\sqrt\s*(?:\[([^\]]*)\])?\s*(?:\{([^{}]*)\}|(\w))")
BOUNDED = regex(
    r"\\(sum|prod|int|lim)(?![A-Za-z])\s*(?:\\limits)?(?:\s*_\s*(?:\{([^{}]*)\}|(\w)))?(?:\s*\^\s*(?:\{([^{}]*)\}|(\w|\\infty)))?"
)
NAMED = regex(rf"\\(?:{'|'.join(IN_WORDS | words('latex_silent.txt'))})\s*\{{([^{{}}]*)\}}")
RAISED = regex(r"\^\s*(?:\{([^{}]*)\}|([\w*′'∞]|\\[A-Za-z]+))|([²³])")
LOWERED = regex(r"_\s*(?:\{([^{}]*)\}|(\w))")
COMMAND = regex(r"\\([A-Za-z]+)")
LETTERS = regex(r"(?<![A-Za-z])[A-Za-z]{1,4}(?![A-Za-z])")
DEEPEST = 12
IN_CANTONESE = (
    ("的", "嘅"), ("不等", "唔等"), ("小於等於", "細過或者等於"), ("大於等於", "大過或者等於"), ("小於", "細過"),
    ("大於", "大過"),
)  # fmt: skip


def speak_delimited(text: str, language: str) -> str:
    """`text` with each formula between its signs in words of `language` ("ja", "ko" or "yue")."""
    if language == "yue" and re.search("[=<>^²³≤≥≠]", text):
        text = PLAIN.sub(_in_cantonese, text)
    if "$" not in text and "\\" not in text:
        return text
    return DELIMITED.sub(lambda match: _said(match, language) if is_formula(match) else match.group(), text)


def _said(match: re.Match[str], language: str) -> str:
    source = next(match[name] for name in ("display", "square", "round", "block", "inline") if match[name] is not None)
    return _cantonese(spoken_formula(source, "zh")) if language == "yue" else in_words(source, language)


def _cantonese(said: str) -> str:
    """Words of Mandarin for a formula as Cantonese writes them."""
    said = traditional(f"{said}这")[:-1]
    for mandarin, cantonese in IN_CANTONESE:
        said = said.replace(mandarin, cantonese)
    return said


def _in_cantonese(match: re.Match[str]) -> str:
    said = spoken_plain(match, "zh")
    return said if said == match.group() else _cantonese(said)


def in_words(source: str, language: str) -> str:
    r"""A formula, LaTeX without its outer signs, in words of "ja" or "ko"; letters are capitals."""
    say = _words(language)
    source = re.sub(r"\\(?:left|right|,|;|!|quad|displaystyle)(?![A-Za-z])", " ", source)
    for _ in range(DEEPEST):
        before = source
        source = BOUNDED.sub(lambda match: _bounded(match, say), source)
        source = NAMED.sub(r"\1", source)
        source = OF_TWO.sub(
            lambda match: say["frac"].format(match[1] or match[2] or "", match[3] or match[4] or ""), source
        )
        source = ROOT.sub(lambda match: _root(match, say), source)
        source = RAISED.sub(lambda match: _raised(match, say), source)
        source = LOWERED.sub(lambda match: f" {match[1] or match[2]}", source)
        if source == before:
            break
    source = COMMAND.sub(lambda match: _command(match[1], say), source)
    source = re.sub(r"\s*=\s*", "=", source)
    source = re.sub(r"[(\[](\w)[)\]]", r" \1 ", source)
    if language == "ko":
        names = mapping("ko_letters.tsv")
        source = LETTERS.sub(lambda match: "".join(names[letter] for letter in match.group().upper()), source)
    else:
        source = LETTERS.sub(lambda match: match.group().upper(), source)
    said = "".join(say.get(sign, sign) for sign in source if sign not in "{}\\$&")
    said = re.sub(r"\s+", " ", said).strip()
    return f" {said}" if language == "ko" else said.replace(" ", "")


def _root(match: re.Match[str], say: dict[str, str]) -> str:
    inside = match[2] or match[3] or ""
    return say["root"].format(match[1], inside) if match[1] else say["√"] + inside


def _bounded(match: re.Match[str], say: dict[str, str]) -> str:
    """A sum, a product, an integral or a limit, and from where to where it goes."""
    below, above = match[2] or match[3] or "", match[4] or match[5] or ""
    if match[1] == "lim":
        name, _, end = below.replace("\\to", "→").replace("\\rightarrow", "→").partition("→")
        return say["lim"].format(name.strip(), end.strip()) if end else say["limit"]
    scope = say["from"].format(below, above) if below and above else below
    return f" {scope}{say[match[1]]} "


def _raised(match: re.Match[str], say: dict[str, str]) -> str:
    power = match[1] or match[2] or {"²": "2", "³": "3"}[match[3]]
    if power.strip() in {"\\circ", "′", "'", "\\prime"}:
        return say["\\circ" if "circ" in power else "'"]
    return say["T"] if power.strip() in {"T", "\\top"} else say["power"].format(power)


def _command(name: str, say: dict[str, str]) -> str:
    """The words of a command; an unknown one is read as it is written."""
    if said := say.get("\\" + name):
        return f" {said} "
    sign = commands().get(name, ("",))[0]
    if len(sign) == 1 and not "\u4e00" <= sign <= "\u9fff":
        return sign
    return "" if name in words("latex_silent.txt") else f" {name} "


@cache
def _words(language: str) -> dict[str, str]:
    column = ("ja", "ko").index(language) + 1
    rows = (line.split("\t") for line in lines("formula_words.tsv"))
    return {row[0]: row[column].replace("_", " ") for row in rows}
