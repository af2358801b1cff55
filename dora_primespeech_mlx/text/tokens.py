"""Tokens that models leave in their text: what opens reasoning or the call of a tool, and what stands for nothing."""

import re
from dataclasses import dataclass
from functools import cache

from dora_primespeech_mlx.text.calls import call_length
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import mapping

LONGEST = 64
LONGEST_HEADER = 200
SIGNS = frozenset("<[{◁✿\ue200")
NAMED = regex(r"<[|｜]([^<>|｜\n]{1,60})[|｜]>")
OPEN_NAMED = regex(r"<[|｜][^<>|｜\n]{0,60}[|｜]?")
TWIN = regex(r"<\|([a-z_]+)>")
MESSAGE = "<|message|>"
CHANNEL_END = regex(r"<\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)")


@dataclass(frozen=True)
class Token:
    """A token: its length, and what closes the silence that it opens, if it opens one.

    `parts` is whether what stands before the silence and behind it are two sentences.
    """

    length: int
    closer: re.Pattern[str] | None = None
    parts: bool = True


NONE = Token(0)
"""There is no token here."""


@cache
def _openers() -> dict[str, re.Pattern[str]]:
    """Each opener in small letters, and what closes it, in the signs of every model."""
    return {
        opener.lower(): re.compile(closer.replace("\\|", "[|｜]").replace("_", "[_▁]"), re.IGNORECASE)
        for opener, closer in mapping("silent_tokens.tsv").items()
    }


def token(held: str, final: bool) -> Token | None:
    """The token at the head of `held`, `NONE` for none; None while what follows decides."""
    if held[0] not in SIGNS:
        return NONE
    if held[0] == "\ue200":  # a citation, in the signs of one family of models
        return Token(1, re.compile("\ue201"), parts=False)
    lowered = held[:LONGEST].lower().replace("｜", "|").replace("▁", "_")
    for opener, closer in _openers().items():
        if lowered.startswith(opener):
            return Token(len(opener), closer)
        if not final and opener.startswith(lowered):
            return None
    if held[0] in "{[":
        length = call_length(held, final)
        return None if length is None else Token(length) if length else NONE
    return _named(held, final) if lowered.startswith("<|") else NONE


def _named(held: str, final: bool) -> Token | None:
    """`<|name|>` and what some models make of it, `<|name>…<name|>`; the headers of channels."""
    if twin := TWIN.match(held):
        return Token(twin.end(), re.compile(rf"<{twin[1]}\|>"))
    named = NAMED.match(held)
    if named is None:
        return None if OPEN_NAMED.fullmatch(held) and not final else NONE
    if named[1] != "channel":
        return Token(named.end())
    header, message, _ = held[named.end() :].partition(MESSAGE)
    if not message:
        return None if not final and len(header) < LONGEST_HEADER else Token(named.end())
    is_spoken = header.strip() in {"final", "commentary"}
    return Token(named.end() + len(header) + len(message), None if is_spoken else CHANNEL_END)
