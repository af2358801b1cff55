"""Which pronunciation of an English homograph is meant, from the words around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dora_primespeech_mlx.text.contexts import Rule, read_rules
from dora_primespeech_mlx.text.english.tagger import tag_of
from dora_primespeech_mlx.text.tables import mapping, package_file, words

# As far as the rules look, in words.
REACH = 10
ADVERBS = (
    "not also just still even only already never ever always often all both once now then so usually sometimes really "
    "recently actually simply quickly carefully"
)
STARTERS = (
    "then first second third next now always never just also finally instead simply carefully lastly again so well ok "
    "okay yes no later afterwards and or but"
)
PAST_VERBS = (
    "was were had did said went found thought felt cried came saw told knew liked loved laughed smiled wrote learned "
    "realized noticed stopped"
)
AUXILIARIES = frozenset(
    ("do", "does", "did", "can", "could", "will", "would", "should", "may", "might", "must", "shall", "let", "lets")
    + ("help", "helps", "make", "makes")
)
ASKED = frozenset(("i", "you", "we", "they", "he", "she", "it", "me", "us", "them", "him"))
"""Who does it, between an auxiliary and its verb: can you, lets them."""
DOERS = frozenset(("i", "we", "they"))
"""What a verb follows, unless a form of be stands before it: they present, but are they present."""
SHORTHANDS = {
    "<to>": "(?:to|" + "|".join(sorted(words("en_before_verbs.txt"))) + ")",
    "<be>": "(?:"
    + "|".join(sorted(words("en_be_forms.txt") - {"have", "has", "had", "having"}))
    + "|(?:is|are|was|were)n't)",
    "<have>": r"(?:have|has|had|having|haven't|hasn't|hadn't|\w+'ve|\w+'d|(?:he|she|it|who)'s)",
    "<adverb>": "(?:" + ADVERBS.replace(" ", "|") + r"|\w+ly)",
    "<starter>": "(?:" + STARTERS.replace(" ", "|") + "|do not|don't|at least)",
    "<past>": r"\b(?:yesterday|ago|earlier|already|once|last (?:week|night|year|month|summer|winter|time|\w+day)"
    r"|when i was|in (?:nineteen|twenty|two thousand)|" + PAST_VERBS.replace(" ", "|") + r")\b",
    "<stop>": "[.!?] ",
    "<mark>": "[,.!?-]",
}


@dataclass(frozen=True)
class Homograph:
    """Two pronunciations: `first` when the part of speech starts with one of `tags`, else `second`."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    tags: tuple[str, ...]


@cache
def homographs() -> dict[str, Homograph]:
    """Lower-case word -> its pronunciations: the list of g2p_en, with our corrections and additions."""
    found: dict[str, Homograph] = {}
    for line in package_file("g2p_en", "homographs.en").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word, first, second, tag = line.split("|")
            found[word.lower()] = Homograph(tuple(first.split()), tuple(second.split()), (tag,))
    for word, entry in mapping("en_homographs.tsv").items():
        first, second, tags = entry.split("\t")
        found[word] = Homograph(tuple(first.split()), tuple(second.split()), tuple(tags.split()))
    return found


@cache
def _rules() -> dict[str, tuple[Rule, ...]]:
    return read_rules("en_contexts.tsv", SHORTHANDS, whole_words=True)


def pronounced(tokens: Sequence[str], index: int) -> tuple[str, ...] | None:
    """The pronunciation of the token at `index` among the sentence's `tokens`; None when it is no homograph."""
    word = tokens[index].lower()
    if (by_context := _by_context(word, tokens, index)) is not None:
        return by_context
    entry = homographs().get(word)
    if entry is None:
        return None
    return entry.first if _is_first(entry, tokens, index) else entry.second


def _by_context(word: str, tokens: Sequence[str], index: int) -> tuple[str, ...] | None:
    """The pronunciation that a rule finds in the words around the token at `index`."""
    rules = _rules().get(tokens[index], _rules().get(word))
    if rules is None:
        return None
    before = "".join(f"{token.lower()} " for token in tokens[max(0, index - REACH) : index])
    after = "".join(f" {token.lower()}" for token in tokens[index + 1 : index + 1 + REACH])
    text, end = before + word + after, len(before) + len(word)
    for rule in rules:
        if rule.fits(text, max(0, len(before) - 1), min(end + 1, len(text))):
            return tuple(rule.reading.split())
    return None


def _is_first(entry: Homograph, tokens: Sequence[str], index: int) -> bool:
    before = tokens[index - 1].lower() if index else ""
    after = tokens[index + 1].lower() if index + 1 < len(tokens) else ""
    asked = tokens[index - 2].lower() if index > 1 and before in ASKED else ""
    is_command = before in {"", ".", "!", "?", ","} and after in words("en_objects.txt")
    asks = tokens[index - 2].lower() if index > 1 else ""
    is_done = before in DOERS and asks not in words("en_be_forms.txt")
    if is_command or is_done or before in words("en_before_verbs.txt") or asked in AUXILIARIES:
        return "V".startswith(tuple(tag[:1] for tag in entry.tags))
    return tag_of(tokens, index).startswith(entry.tags)
