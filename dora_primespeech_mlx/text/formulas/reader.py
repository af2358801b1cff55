"""A formula, LaTeX or plain, read from left to right into words."""

import re
from functools import cache

from dora_primespeech_mlx.text.formulas.tokens import LOWERED, RAISED, Tokens
from dora_primespeech_mlx.text.formulas.wording import Item, Wording, joined, shape
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import lines, mapping, words

FUNCTION_NAMES = r"(?:(?:arc)?(?:sin|cos|tan)h?|log|ln|lg|exp|sqrt|lim|max|min|det|gcd|lcm|Var|Cov)"
"""Names of functions that are also written without a backslash."""
RELATIONS = frozenset("=≠<>≤≥≪≫≈≃≅≡∼∝∈∉∋⊂⊆⊃⊇∥⊥")
OPERATORS = frozenset("+−×⋅÷±∓∪∩⊕⊗∘∧∨")
TAKEN_OF = frozenset("∑∏∫∮∇")
FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac", "sfrac"))
BINOMIALS = frozenset(("binom", "dbinom", "tbinom"))
IN_WORDS = frozenset(
    ("text", "mathrm", "operatorname", "textbf", "textit", "textrm", "textsf", "mbox", "mathsf", "mathtt", "ce")
)
"""Commands whose argument is words, or a unit, and no product of letters."""
UNSEEN = frozenset(("label", "tag", "hspace", "vspace", "phantom", "color", "vphantom", "hphantom"))
BOUNDED = frozenset(
    ("sum", "prod", "int", "iint", "iiint", "oint", "lim", "max", "min", "sup", "inf", "argmax", "argmin")
)
"""Commands with something below and above them."""
FUNCTION_LETTERS = frozenset("fghFGHPEOTVpu")
"""Letters that name a function when brackets follow: f(x), P(A), O(n)."""
STARTS = frozenset(("operator", "relation", "pause"))
"""What a minus sign or a bar begins something behind."""
MARKS = {
    "\\circ": "degrees", "\\degree": "degrees", "°": "degrees", "\\prime": "prime", "'": "prime",
    "*": "star", "⋅": "star", "\\ast": "star", "\\dagger": "dagger", "\\top": "T",
}  # fmt: skip
"""What is raised and is no power."""
INVERSE = regex(r"\^\s*(?:\{\s*[-−]\s*1\s*\}|[-−]\s*1(?!\d))|⁻¹(?![⁰¹²³⁴-⁹])")
"""What makes the inverse of a function."""
CHARGE = regex(r"\s*(?:\{\s*\d{0,2}\s*[-+−]\s*\}|[-+−](?!\s?[\w\\({.]))")
"""What is raised and ends with a sign: the charge of an ion, the side from which a limit is."""
SUPERSCRIPT = regex(r"\s*[(\[]\s*\w{1,3}\s*[)\]]\s*\}")
"""What is raised in brackets, the number of an example or a layer."""
SPOKEN_WORD = regex(r"(?=.*[aeiou])[a-z]{4,}")
"""Letters in a row that are a name and no product: softmax."""
DEEPEST = 40


@cache
def commands() -> dict[str, tuple[str, str]]:
    """LaTeX command -> (Mandarin, English); a single sign stands for its own words."""
    rows = (line.split("\t") for line in lines("latex.tsv"))
    return {command: (zh, en) for command, zh, en in rows}


@cache
def known_commands() -> frozenset[str]:
    """Every command that shows that a text is LaTeX."""
    return (
        frozenset(commands())
        | FRACTIONS
        | BINOMIALS
        | BOUNDED
        | {"sqrt", "begin", "braket"}
        | mapping("latex_accents.tsv").keys()
    )


def read(source: str, language: str) -> str:
    """A formula in words of `language` ("zh" or "en")."""
    return read_with(source, Wording(language))


def read_with(source: str, wording: Wording) -> str:
    """A formula in the words of `wording`."""
    return joined(Reader(source, wording).row())


class Reader:
    """Reads one formula; what it does not know it reads sign by sign."""

    def __init__(self, source: str, wording: Wording) -> None:
        self._tokens = Tokens(source)
        self._wording = wording
        self._depth = 0

    def row(self, closer: str = "") -> list[Item]:
        """Items up to `closer`, which is taken too; without one to the end."""
        items: list[Item] = []
        self._depth += 1
        while token := self._tokens.peek():
            if token == closer:
                self._tokens.next()
                break
            item = self._item(items[-1] if items else None)
            if item is None:
                continue
            is_product = items and items[-1].what == "group" and item.what in {"letter", "number"}
            if is_product and not re.match(r"[dD] [a-zA-Zθ]$", item.words):
                items.append(Item(self._wording.either("乘", "times"), "operator"))
            if item.what == "fraction" and items and items[-1].what == "number" and items[-1].source.isdigit():
                items.append(Item(self._wording.either("又", "and"), "words"))
            items.append(item)
        self._depth -= 1
        return items

    def _item(self, before: Item | None) -> Item | None:
        """The next thing with its powers and indices; None when nothing is said."""
        token = self._tokens.next()
        item = self._thing(token, before) if self._depth < DEEPEST else None
        return item if item is None or item.what in {"relation", "pause"} else self._with_scripts(item)

    def _thing(self, token: str, before: Item | None) -> Item | None:
        if token.startswith("\\") and len(token) > 1:
            return self._command(token[1:].rstrip("*"), before)
        if token[:1].isdecimal() or (token[:1] == "." and len(token) > 1):
            return self._number(token)
        if token.isalpha() and token.isascii():
            return self._letters(token)
        if token == "{":
            inner = self.row("}")
            return inner[0] if len(inner) == 1 else Item(joined(inner), "words" if inner else "pause")
        if token in {"(", "["}:
            return self._brackets(")" if token == "(" else "]", before)
        if token == "|":
            return self._bars("|", before)
        return self._sign(token, before)

    def _sign(self, token: str, before: Item | None) -> Item | None:
        say = self._wording.either
        if token == "−" and (before is None or before.what in STARTS):
            return Item(say("负", "negative"), "operator")
        if token == "/":
            return Item(say("除以", "divided by" if self._is_between_numbers() else "over"), "operator")
        if token == "→":
            comes_near = before is not None and before.what in {"letter", "words"} and not before.words.endswith("次方")
            if comes_near and re.match(r"[\d.∞+−±]|\\infty|\\pm|$", self._tokens.peek()):
                return Item(say("趋于", "approaches"), "relation")
            if "=" in self._since("→") and "=" in self._tokens.rest(40):
                return Item(",", "pause")
            return Item(say("到", "to"), "relation")
        if token in {",", ";", "、", "，"} or (token == ":" and not self._is_between_numbers()):
            return Item(",", "pause")
        fixed = {
            ":": ("比", "to", "relation"),
            ":=": ("定义为", "is defined as", "relation"),
            "⇒": ("推出", "implies", "relation"),
            "⇔": ("等价于", "if and only if", "relation"),
            "'": ("撇", "prime", "words"),
            "!": ("的阶乘", "factorial", "group"),
        }
        if token == "⊙" and before is not None and before.what not in STARTS:
            return Item(say("乘", "times"), "operator")
        if token in fixed:
            zh, en, what = fixed[token]
            return Item(say(zh, en), what)
        if token in {"√", "∛"}:
            return Item(f"{self._wording.sign(token)} {joined(self._argument())}", "words")
        said = token if "\u4e00" <= token <= "\u9fff" else self._wording.sign(token)
        if not said:
            return None
        what = "relation" if token in RELATIONS else "operator" if token in OPERATORS else "letter"
        return Item(said, "function" if token in TAKEN_OF else what)

    def _since(self, token: str) -> list[str]:
        """The tokens before the one just taken, back to another `token`."""
        last = self._tokens.last(40)
        return last[len(last) - last[::-1].index(token) :] if token in last else last

    def _is_between_numbers(self) -> bool:
        """Whether the token just taken stands between two numbers."""
        before = self._tokens.last(1)
        return bool(before and before[0][-1:].isdecimal() and self._tokens.peek()[:1].isdecimal())

    def _number(self, token: str) -> Item:
        number = token.replace(",", "")
        line, below, follows, behind = ([*self._tokens.rest(4), "", "", "", ""])[:4]
        follows = behind if follows == ")" and behind[:1].isalpha() else follows
        is_share = line == "/" and number.isdecimal() and below.isdecimal() and 1 < int(below) <= 100
        # Above one only where it multiplies a letter: 4/3 pi.
        is_share = is_share and (int(number) < int(below) or (int(below) < 10 and follows[:1].isalpha()))
        if is_share and self._tokens.last(1) != ["/"] and follows not in {"/", "^", "!"}:
            self._tokens.next()
            self._tokens.next()
            return Item(self._wording.share(number, below), "fraction")
        # A unit in upright letters is left to the rules for units, and so is its number.
        if re.match(r"(?:\s|\\[,; ])*\\(?:text|mathrm)\s?\{", "".join(self._tokens.rest(8))):
            return Item(number, "words")
        if self._tokens.skip("\\%"):
            return Item(self._wording.percent(number), "words")
        return Item(self._wording.number(number), "number", number)

    def _letters(self, token: str) -> Item:
        while (following := self._tokens.peek(False)).isascii() and following.isalpha():
            token += self._tokens.next()
        if re.fullmatch(FUNCTION_NAMES, token):
            return self._command(token, None) or Item("", "words")
        if SPOKEN_WORD.fullmatch(token):
            takes = self._tokens.peek() == "(" and not self._wording.is_mandarin
            return Item(f"{token} of" if takes else token, "function" if self._tokens.peek() == "(" else "words")
        letters = list(token.upper() if self._wording.is_mandarin else token)
        if len(letters) > 1 and self._tokens.peek(False)[:1] in {"^", "_", *RAISED}:
            # Only the last of several letters has the power: mc².
            letters.pop()
            self._tokens.back()
        return Item(" ".join(letters), "letter", letters[-1])

    def _brackets(self, closer: str, before: Item | None) -> Item:
        inner = self.row(closer)
        if closer == "]" and self._tokens.peek(False) == "_":
            return Item(joined(inner) + self._between(), "words")
        what = before.what if before else ""
        if what == "function":
            return Item(joined(inner), "words")
        is_raised = self._tokens.peek(False)[:1] in {"^", *RAISED} and shape(inner) != "simple"
        if (
            before is not None
            and what == "letter"
            and not is_raised
            and not re.fullmatch("(?:[A-Za-z] )+[A-Za-z]", before.words)
            and (before.source in FUNCTION_LETTERS or shape(inner) == "simple")
        ):
            return Item(self._wording.either(joined(inner), f"of {joined(inner)}"), "words")
        following = self._tokens.peek(False)[:1]
        is_factor = bool(what and what not in STARTS) or following in {"^", "(", *RAISED} or following.isalnum()
        is_alone = before is None and not self._tokens.peek()
        if is_alone or any(item.what == "relation" for item in inner):
            return Item(joined(inner), "group")
        return Item(self._wording.bracketed(inner, is_factor, what), "group")

    def _bars(self, closer: str, before: Item | None) -> Item:
        """`|x|` is an absolute value; one bar alone, as in P(A|B), is a condition."""
        goes_on = before is not None and before.what == "group" and self._tokens.last(1) == [closer]
        opens = before is None or goes_on or before.what in STARTS | {"number"}
        if not opens or not self._tokens.is_ahead(closer):
            return self._condition()
        said = joined(self.row(closer))
        if closer == "\\|":
            return self._norm(said)
        is_vector = said.startswith(self._wording.either("向量", "vector "))
        name = self._wording.either(*(("模", "magnitude") if is_vector else ("绝对值", "absolute value")))
        return Item(self._wording.either(f"{said}的{name}", f"{name} of {said}"), "group")

    def _norm(self, said: str) -> Item:
        """The length of a vector, with the number that says which: two norm of x."""
        which = joined(self._argument()) if self._tokens.skip("_") else ""
        return Item(self._wording.either(f"{said}的{which}范数", f"{which} norm of {said}".strip()), "group")

    def _condition(self) -> Item:
        """A bar alone: a condition in brackets, what a set has in common, else what divides another."""
        opened: list[str] = []
        for token in self._tokens.last(60):
            if token in {"(", "[", "\\{"}:
                opened.append(token)
            elif token in {")", "]", "\\}"} and opened:
                opened.pop()
        zh, en = {"": ("整除", "divides"), "\\{": ("满足", "such that")}.get(
            opened[-1] if opened else "", ("给定", "given")
        )
        return Item(self._wording.either(zh, en), "relation")

    def _between(self) -> str:
        """From where to where something is taken, or at which place, after `_`."""
        self._tokens.next()
        below = joined(self._argument())
        if not self._tokens.skip("^"):
            return self._wording.either(f"在{below}处的值", f" at {below}")
        above = joined(self._argument())
        return self._wording.either(f"从{below}到{above}", f" from {below} to {above}")

    def _argument(self) -> list[Item]:
        """What a command is about: a group in braces, or one thing."""
        if self._tokens.skip("{"):
            return self.row("}")
        token = self._tokens.next()
        if not token or self._depth >= DEEPEST:
            return []
        self._depth += 1
        argument = self._one_thing(token)
        self._depth -= 1
        return argument

    def _one_thing(self, token: str) -> list[Item]:
        if token.isdecimal() and len(token) > 1 and self._tokens.last(1)[-1:] and self._takes_digits():
            token = self._tokens.split()
        item = self._thing(token, None)
        if item is None:
            return []
        if item.what == "operator":
            return [item, *self._argument()]
        return [self._with_scripts(item) if token in {"\\sqrt", "√"} else item]

    def _takes_digits(self) -> bool:
        r"""Whether a command before takes one digit at a time: `\frac12`."""
        return self._tokens.last(1)[0].lstrip("\\") in FRACTIONS

    def _command(self, name: str, before: Item | None) -> Item | None:
        if name in FRACTIONS:
            return self._wording.fraction(self._argument(), self._argument())
        if name == "sqrt":
            return self._root()
        if name in BINOMIALS:
            above, below = joined(self._argument()), joined(self._argument())
            return Item(self._wording.either(f"{above}选{below}", f"{above} choose {below}"), "words")
        if name == "braket":
            first, second = joined(self._argument()), joined(self._argument())
            said = self._wording.either(f"{first}与{second}的内积", f"inner product of {first} and {second}")
            return Item(said, "words")
        if name in mapping("latex_accents.tsv"):
            template = self._wording.either(*mapping("latex_accents.tsv")[name].split("\t"))
            return Item(template.replace("{}", joined(self._argument())), "letter")
        if name in IN_WORDS:
            return self._upright(before)
        if name == "mid":
            return self._condition()
        if name == "evaluated":
            return Item(self._between().strip(), "words")
        if name == "when":
            is_told = re.match(r"(?:\s|\\(?:q?quad|[,; ]))*\\(?:text|mathrm|mbox)", "".join(self._tokens.rest(12)))
            return None if is_told else Item(self._wording.either(",当", ", if"), "pause")
        if name in UNSEEN or name in words("latex_silent.txt"):
            self._unseen(name)
            return None
        if name in {"begin", "end"}:
            return self._environment(self._tokens.raw(), name)
        if name == "not":
            self._tokens.next()
            return Item(self._wording.sign("≠"), "relation")
        if name == "|":
            return self._bars("\\|", before)
        if name in BOUNDED:
            return self._bounded(name)
        if name in {"log", "ln", "lg"} and self._tokens.peek() == "_":
            return self._logarithm()
        return self._named(name, before)

    def _upright(self, before: Item | None) -> Item:
        """Words, a unit, or the elements of a substance."""
        source, power = self._tokens.raw(), self._power_of_unit()
        if self._tokens.peek(False) == "_" and re.fullmatch("(?:[A-Z][a-z]?)+", source):
            return Item(" ".join(source.upper()), "words")
        if re.match(r"\^\{[-−]1\}", "".join(self._tokens.rest(5))) and (unit := self._wording.per(source)):
            self._tokens.next()
            self._tokens.raw()
            return Item(unit, "words")
        return Item(self._wording.upright(source, before, power), "words")

    def _power_of_unit(self) -> str:
        """The power of what has just been written upright, where it is one of a unit: "²", "³" or ""."""
        power = re.match(r"\^(?:([23])(?!\d)|\{([23])\})", "".join(self._tokens.rest(4)))
        if power is None:
            return ""
        self._tokens.next()
        self._tokens.raw()
        return {"2": "²", "3": "³"}[power[1] or power[2]]

    def _named(self, name: str, before: Item | None) -> Item | None:
        """A command that has words of its own; an unknown one is read as it is written."""
        zh, en = commands().get(name, (name, name) if len(name) > 1 else ("", ""))
        said = self._wording.either(zh, en)
        if len(said) == 1 and not said.isascii() or said in {"<", ">", "%", "&", "#", ","}:
            return self._sign(said, before)
        if not said:
            return None
        if en.endswith(" of"):
            return self._function(said)
        is_relation = name.endswith(("arrow", "iff", "implies", "mod", "follows"))
        return Item(said, "letter" if len(said) == 1 else "relation" if is_relation else "words")

    def _unseen(self, name: str) -> None:
        if name in UNSEEN | {"overset", "underset", "stackrel"}:
            self._tokens.raw()
        if name in {"left", "right", "middle"}:
            self._tokens.skip(".")

    def _function(self, said: str) -> Item:
        """The name of a function, with its power before what it is taken of: sin² x."""
        if self._is_inverse():
            return Item(self._wording.inverse(said), "function")
        if self._tokens.peek()[:1] in {"^", *RAISED}:
            power = self._raised()
            said = self._wording.either(f"{said}{power}", f"{said.removesuffix(' of')}{power} of")
        return Item(said, "function")

    def _logarithm(self) -> Item:
        self._tokens.next()
        base = joined(self._argument())
        if not self._wording.is_mandarin:
            return Item(f"log base {base} of", "function")
        argument = self._item(Item("", "function"))
        return Item(f"以{base}为底{argument.words if argument else ''}的对数", "words")

    def _root(self) -> Item:
        degree = joined(self.row("]")) if self._tokens.skip("[") else ""
        inside = joined(self.row(")") if self._tokens.skip("(") else self._argument())
        return Item(self._wording.root(inside, degree), "words")

    def _bounded(self, name: str) -> Item:
        below = above = ""
        while self._tokens.peek() in {"_", "^", "\\limits"}:
            token = self._tokens.next()
            if token == "_":
                below = joined(self._argument())
            elif token == "^":
                above = joined(self._argument())
        if name == "lim":
            return Item(self._wording.limit(below), "function")
        said = self._wording.either(*commands()[name])
        said = self._wording.sign(said) if len(said) == 1 else said
        return Item(self._wording.limits(said, below, above), "function")

    def _environment(self, name: str, edge: str) -> Item | None:
        if edge == "end":
            return Item(",", "pause")
        if name.startswith("array"):
            self._tokens.raw()
        is_matrix = "matrix" in name
        self._tokens.replace("&", "\\\\" if is_matrix else "\\when" if "cases" in name else " ")
        return Item(self._wording.either("矩阵", "matrix"), "words") if is_matrix else None

    def _with_scripts(self, item: Item) -> Item:
        said, what = item.words, item.what
        while (token := self._tokens.peek(False)) and token[0] in {"_", "^", "'", "’", "′", *RAISED}:
            if token == "_":
                self._tokens.next()
                said += self._wording.index(self._argument())
            elif token in {"'", "’", "′"}:
                said += self._primes()
            elif item.source.lower() in {"f", "g", "h"} and what == "letter" and self._is_inverse("("):
                said += self._wording.either("的反函数", " inverse")
            else:
                said += self._raised()
                what = "letter" if what == "letter" else "words"
        return Item(said, what, item.source)

    def _primes(self) -> str:
        """Take the strokes that come; what they say."""
        count = 0
        while (token := self._tokens.peek(False)) and token[0] in {"'", "’", "′"}:
            self._tokens.next()
            count += 1
        return self._wording.either("撇" * count, {1: " prime", 2: " double prime"}.get(count, " triple prime"))

    def _is_inverse(self, before: str = "") -> bool:
        """Take the power of an inverse, if it comes and stands before `before`; whether it was taken."""
        ahead = "".join(self._tokens.rest(8))
        if not re.match(rf"\s*(?:{INVERSE.pattern})\s*{re.escape(before)}", ahead):
            return False
        if self._tokens.next() == "^" and len(self._tokens.raw()) == 1:
            self._tokens.next()
        return True

    def _raised(self) -> str:
        """What is raised, after `^` or in raised digits, as it is said behind its base."""
        token = self._tokens.next()
        if token != "^" and (lowered := token.translate(LOWERED))[-1] in "+−" and len(lowered) < 4:
            return self._wording.charge(lowered)
        if token != "^":
            return self._wording.power(read_with(token.translate(LOWERED), self._wording))
        if self._tokens.skip("("):
            return self._wording.power(joined(self.row(")")))
        if CHARGE.match("".join(self._tokens.rest(8))):
            return self._wording.charge(self._tokens.raw().replace(" ", ""))
        in_braces = self._tokens.skip("{")
        if in_braces and SUPERSCRIPT.match("".join(self._tokens.rest(8))):
            return self._wording.superscript(joined(self.row("}")))
        mark = self._tokens.peek()
        if mark in MARKS:
            self._tokens.next()
            if in_braces:
                self.row("}")
            is_degrees = MARKS[mark] == "degrees"
            return self._wording.degrees(self._scale()) if is_degrees else self._wording.mark(MARKS[mark])
        if not in_braces and re.fullmatch("[A-Za-z]", mark):
            self._tokens.next()
            return self._wording.power(mark if mark == "T" or not self._wording.is_mandarin else mark.upper())
        return self._wording.power(joined(self.row("}") if in_braces else self._argument()))

    def _scale(self) -> str:
        """Take the scale of a temperature behind its raised circle, upright or not: "C", "F" or ""."""
        scale = re.match(r"\s*(?:\\(?:text|mathrm|rm)\s*\{\s*)?([CF])(?![A-Za-z])", "".join(self._tokens.rest(8)))
        if scale is None:
            return ""
        if self._tokens.next().startswith("\\"):
            self._tokens.raw()
        return scale[1]
