"""Which pronunciation of an English homograph is meant, from the words around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dora_primespeech_mlx.text.english.tagger import tag_of
from dora_primespeech_mlx.text.tables import mapping, package_file, words


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


def pronounced(tokens: Sequence[str], index: int) -> tuple[str, ...] | None:
    """The pronunciation of the token at `index` among the sentence's `tokens`; None when it is no homograph."""
    word = tokens[index].lower()
    entry = homographs().get(word)
    if entry is None:
        return None
    return entry.first if _is_first(word, entry, tokens, index) else entry.second


def _is_first(word: str, entry: Homograph, tokens: Sequence[str], index: int) -> bool:
    before = tokens[index - 1].lower() if index else ""
    after = tokens[index + 1].lower() if index + 1 < len(tokens) else ""
    if word == "read":
        return not _is_past(tokens, index, before)
    if word == "used":
        return not (after == "to" and before not in words("en_be_forms.txt"))
    if word == "lead":
        return after not in words("en_lead_metal.txt") and before not in {"of", "contains"}
    is_command = before in {"", ".", "!", "?", ","} and after in words("en_objects.txt")
    if is_command or before in words("en_before_verbs.txt"):
        return "V".startswith(tuple(tag[:1] for tag in entry.tags))
    return tag_of(tokens, index).startswith(entry.tags)


def _is_past(tokens: Sequence[str], index: int, before: str) -> bool:
    """Whether `read` is the past tense or the participle."""
    if before in {"he", "she", "it"} or before in words("en_be_forms.txt") or before.endswith(("'ve", "'d")):
        return True
    tag = tag_of(tokens, index)
    if tag in {"VBD", "VBN"}:
        return True
    return tag == "VBP" and any(token.lower() in words("en_past_words.txt") for token in tokens)
