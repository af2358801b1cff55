"""How the parts of a formula are worded, in Mandarin or English."""

import re
from dataclasses import dataclass

from dora_primespeech_mlx.text.english import numbers as english
from dora_primespeech_mlx.text.mandarin import numbers as mandarin
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import sign_words
from dora_primespeech_mlx.text.units import english_unit, english_units, mandarin_unit, mandarin_units

ARCS = frozenset(("sine", "cosine", "tangent", "cotangent", "secant", "cosecant"))
"""Functions whose inverse has a name of its own."""
IN_MANDARIN = {
    "if": "如果", "otherwise": "其他", "else": "其他", "and": "且", "or": "或", "where": "其中", "for all": "对任意",
    "when": "当",
}  # fmt: skip
"""English words within a formula of a Mandarin text."""
POWERS = {"1": "", "2": "²", "3": "³"}
UNIT_BELOW = regex(r"([A-Za-z]+)\s*(?:\\[,; ]|[·\s])\s*([A-Za-z]+)\^\{-([123])\}")
"""A unit and one that it is divided by."""
LOWERED_OR_CHARGE = regex(r"_\{?(\d{1,2})\}?|\^\{?(\d?)([-+])\}?")
AT_POWER = regex(r"(?:次方|squared|cubed|to the power of [a-z -]+)$")
"""The end of a number in words, behind which a unit is in words too."""
ROOTS = {"three": "cube", "four": "fourth", "five": "fifth"}


@dataclass(frozen=True)
class Item:
    """One thing of a formula: its `words`, and what it is, by which the next thing is read.

    `what` is one of number, letter, function, operator, relation, group (in brackets), fraction, words, pause. `source`
    is the letter or the digits that it was written with.
    """

    words: str
    what: str
    source: str = ""


def joined(items: list[Item]) -> str:
    """The words of `items`."""
    return " ".join(item.words for item in items if item.words)


def shape(items: list[Item]) -> str:
    """What binds `items`: "sum" for + alone, "difference" for − alone, "mixed", or "simple" for no operator."""
    signs = {item.words for item in items[1:] if item.what in {"operator", "relation"}}
    if not signs:
        return "simple"
    if signs <= {"加", "plus"}:
        return "sum"
    return "difference" if signs <= {"减", "minus"} else "mixed"


class Wording:
    """The words of one language for what a formula is made of."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.is_mandarin = language == "zh"

    def either(self, zh: str, en: str) -> str:
        """The one of two wordings that is of this language."""
        return zh if self.is_mandarin else en

    def sign(self, sign: str) -> str:
        """A single sign."""
        return sign_words(sign, self.language)

    def number(self, number: str) -> str:
        """A number with or without a fraction."""
        whole = "0" + number if number.startswith(".") else number
        return mandarin.decimal(whole) if self.is_mandarin else english.decimal(whole)

    def share(self, above: str, below: str) -> str:
        """A fraction of whole numbers: one half, 二分之一."""
        if self.is_mandarin:
            return f"{mandarin.cardinal(below)}分之{mandarin.cardinal(above)}"
        return english.fraction(above, below)

    def fraction(self, above: list[Item], below: list[Item]) -> Item:
        """What stands above and below a line."""
        whole = [part[0].source for part in (above, below) if len(part) == 1 and part[0].what == "number"]
        if len(whole) == 2 and all(part.isdigit() for part in whole) and 1 < int(whole[1]) <= 100:
            return Item(self.share(*whole), "fraction")
        top, bottom = joined(above), joined(below)
        if self.is_mandarin:
            return Item(f"{bottom}分之{top}", "words")
        bottom = bottom if shape(below) == "simple" else f"the quantity {bottom}"
        return Item(f"{top} over {bottom}" if shape(above) == "simple" else f"{top}, all over {bottom}", "words")

    def root(self, inside: str, degree: str) -> str:
        """A root; `degree` is "" or "two" for the square one."""
        if degree in {"", "二", "two"}:
            return f"{self.sign('√')} {inside}"
        return self.either(f"{degree}次根号{inside}", f"{ROOTS.get(degree, degree + '-th')} root of {inside}")

    def percent(self, number: str) -> str:
        """A number of hundredths."""
        return self.either(f"百分之{mandarin.decimal(number)}", f"{english.decimal(number)} percent")

    def power(self, said: str) -> str:
        """What is raised behind something: squared, 的三次方."""
        if said == "T":
            return self.mark("T")
        if said == "th":
            return said
        if self.is_mandarin:
            return f"的{said}次方"
        return {"two": " squared", "three": " cubed"}.get(said, f" to the power of {said}")

    def mark(self, name: str) -> str:
        """What is raised and is no power: prime, star, dagger, or the T of a transpose."""
        marks = {"T": ("的转置", " transpose"), "prime": ("撇", " prime"), "star": ("星", " star")}
        return self.either(*marks.get(name, (name, f" {name}")))

    def inverse(self, said: str) -> str:
        """The inverse of a function: inverse sine of, arc sine."""
        return self.either(f"arc {said}" if said in ARCS else f"{said}的反函数", f"inverse {said}")

    def charge(self, charge: str) -> str:
        """What is raised and ends with a sign: three plus, 三正."""
        number, sign = charge[:-1], charge[-1]
        name = self.either(*({"+": ("正", "plus")}.get(sign, ("负", "minus"))))
        if self.is_mandarin:
            return f"{mandarin.cardinal(number) if number else ''}{name}"
        return f" {english.cardinal(number)} {name}" if number else f" {name}"

    def superscript(self, said: str) -> str:
        """The number of an example or of a layer, raised in brackets."""
        return self.either(f"上标{said}", f" superscript {said}")

    def upright(self, source: str, before: Item | None, power: str) -> str:
        """Words or a unit in upright letters, `power` of which ("²") is written behind them."""
        said = re.sub(r"\s*\\cdot\s*", "·", source.replace("−", "-")).strip()
        said = UNIT_BELOW.sub(lambda match: f"{match[1]}/{match[2]}{POWERS[match[3]]}", said)
        said = LOWERED_OR_CHARGE.sub(lambda match: match[1] or f" {self.charge(match[2] + match[3])} ", said)
        said = re.sub(r"\^\{?([23])\}?", lambda match: POWERS[match[1]], said) + power
        if before is not None and AT_POWER.search(before.words):
            if self.is_mandarin and re.fullmatch(mandarin_units(), said):
                return mandarin_unit(said)
            if not self.is_mandarin and re.fullmatch(english_units(), said):
                return english_unit(said, is_one=False)
        return IN_MANDARIN.get(said, said) if self.is_mandarin else said

    def per(self, unit: str) -> str:
        """Behind a number, for each of a unit; "" where `unit` is none."""
        if not re.fullmatch(self.either(mandarin_units(), english_units()), unit):
            return ""
        return f"每{mandarin_unit(unit)}" if self.is_mandarin else f"per {english_unit(unit, is_one=True)}"

    def degrees(self, scale: str) -> str:
        """A raised circle, and the scale behind it, "C", "F" or ""."""
        names = {"C": ("摄氏度", " degrees celsius"), "F": ("华氏度", " degrees fahrenheit")}
        return self.either(*names.get(scale, ("度", " degrees")))

    def index(self, index: list[Item]) -> str:
        """What is lowered behind something: x one, X下标N加一."""
        said = joined(index)
        if shape(index) == "simple":
            return said if self.is_mandarin and not said[:1].isascii() else f" {said}"
        return self.either(f"下标{said}", f" sub {said}")

    def limits(self, said: str, below: str, above: str) -> str:
        """A sum, an integral or another function with its bounds."""
        if self.is_mandarin:
            return (f"从{below}到{above}" if below and above else f"对{below}" if below else "") + said
        scope = f" from {below} to {above}" if below and above else f" over {below}" if below else ""
        return f"{said.removesuffix(' of')}{scope} of"

    def limit(self, below: str) -> str:
        """The limit as something goes somewhere."""
        if not below:
            return self.either("极限", "limit of")
        return self.either(f"{below}时的极限", f"limit as {below} of")

    def bracketed(self, inner: list[Item], is_factor: bool, before: str) -> str:
        """What stands in brackets and is no argument; `before` is what is just before it ("" for nothing)."""
        said, kind = joined(inner), shape(inner)
        if kind == "simple":
            return f"{self.either('乘', 'times ')}{said}" if before == "number" else said
        times = self.either("乘", "times ") if before in {"letter", "number", "group", "fraction"} else ""
        if self.is_mandarin:
            ending = {"sum": "的和", "difference": "的差"}.get(kind, "") if is_factor else ""
            return f"{times}{said}{ending}"
        return f"{times}{'' if said.startswith('the quantity ') else 'the quantity '}{said}"
