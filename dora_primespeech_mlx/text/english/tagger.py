"""Parts of speech of English words: a greedy averaged perceptron with Penn Treebank tags.

The weights are those of M. Honnibal's tagger (textblob-aptagger, MIT), the small ones left out, in half units.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache

from dora_primespeech_mlx.text.tables import SortedWords

BEFORE = ("-START-", "-START2-")
AFTER = ("-END-", "-END2-")
REACH = 6


@cache
def _model() -> SortedWords:
    return SortedWords("en_tagger.txt.gz")


@lru_cache(maxsize=20_000)
def _weights(feature: str) -> tuple[tuple[str, int], ...]:
    parts = (_model().get(feature) or "").split()
    return tuple((tag, int(weight)) for tag, weight in zip(parts[::2], parts[1::2], strict=True))


def tag_of(tokens: Sequence[str], index: int) -> str:
    """The tag of the token at `index`, from it and the `REACH` tokens before it, two after it."""
    start = max(0, index - REACH)
    shapes = [*BEFORE, *("!HYPHEN" if "-" in token[1:] else token.lower() for token in tokens[start:]), *AFTER]
    previous, before_previous = BEFORE
    for at in range(start, index + 1):
        tag = _model().get(f"w {tokens[at]}") or _best(tokens[at], shapes, at - start + 2, previous, before_previous)
        previous, before_previous = tag, previous
    return previous


def _best(word: str, shapes: list[str], at: int, previous: str, before_previous: str) -> str:
    scores: dict[str, int] = defaultdict(int)
    for feature in (
        "bias",
        f"i suffix {word[-3:]}",
        f"i pref1 {word[0]}",
        f"i-1 tag {previous}",
        f"i-2 tag {before_previous}",
        f"i tag+i-2 tag {previous} {before_previous}",
        f"i word {shapes[at]}",
        f"i-1 tag+i word {previous} {shapes[at]}",
        f"i-1 word {shapes[at - 1]}",
        f"i-1 suffix {shapes[at - 1][-3:]}",
        f"i-2 word {shapes[at - 2]}",
        f"i+1 word {shapes[at + 1]}",
        f"i+1 suffix {shapes[at + 1][-3:]}",
        f"i+2 word {shapes[at + 2]}",
    ):
        for tag, weight in _weights(feature):
            scores[tag] += weight
    return max(scores, key=lambda tag: (scores[tag], tag), default="NN")
