"""The tokens of a formula, and a place among them."""

import re

from dora_primespeech_mlx.text.rules import regex

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ"
LOWERED = str.maketrans(RAISED, "0123456789+−=()ni")
"""Raised signs -> what they are on the line."""
TOKEN = regex(rf"\\[A-Za-z]+\*?|\\.|\d+(?:,\d{{3}})+(?!\d)|\d+(?:\.\d+)?|\.\d+|[{RAISED}]+|:=|.", re.DOTALL)


class Tokens:
    """The tokens of a formula from left to right; blanks are stepped over where nothing else is said."""

    def __init__(self, source: str) -> None:
        self._tokens = TOKEN.findall(source)
        self._at = 0

    def peek(self, over_blanks: bool = True) -> str:
        """The next token, which is not taken; "" at the end."""
        at = self._after_blanks() if over_blanks else self._at
        return self._tokens[at] if at < len(self._tokens) else ""

    def next(self) -> str:
        """The next token, which is taken; "" at the end."""
        token = self.peek()
        self._at = self._after_blanks() + 1
        return token

    def skip(self, wanted: str) -> bool:
        """Take the next token if it is `wanted`; whether it was."""
        found = self.peek() == wanted
        if found:
            self.next()
        return found

    def is_ahead(self, token: str) -> bool:
        """Whether `token` comes at all."""
        return token in self._tokens[self._at :]

    def rest(self, count: int) -> list[str]:
        """The next tokens with their blanks, `count` at most."""
        return self._tokens[self._at : self._at + count]

    def last(self, count: int) -> list[str]:
        """The tokens before the one just taken, without blanks, nearest last."""
        return [token for token in self._tokens[: max(0, self._at - 1)] if not token.isspace()][-count:]

    def back(self) -> None:
        """Give back the token just taken."""
        self._at -= 1

    def split(self) -> str:
        """Take a number just taken apart into digits; the first of them, the others come next."""
        digits = list(self._tokens[self._at - 1])
        self._tokens[self._at - 1 : self._at] = digits
        return digits[0]

    def replace(self, token: str, other: str) -> None:
        """Put `other` in place of `token` wherever it comes."""
        self._tokens[self._at :] = [other if each == token else each for each in self._tokens[self._at :]]

    def raw(self) -> str:
        """The source between the braces that come next, as it is written; a single token without braces."""
        if not self.skip("{"):
            return self.next()
        depth, start = 1, self._at
        while self._at < len(self._tokens) and depth:
            depth += {"{": 1, "}": -1}.get(self._tokens[self._at], 0)
            self._at += 1
        return "".join(self._tokens[start : self._at - (0 if depth else 1)])

    def _after_blanks(self) -> int:
        at = self._at
        while at < len(self._tokens) and self._tokens[at].isspace():
            at += 1
        return at
