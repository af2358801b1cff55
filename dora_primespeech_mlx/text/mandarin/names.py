"""Surnames that are read otherwise than the character is elsewhere: 任 rén, 曾 zēng, 单 shàn."""

from collections.abc import Callable, Sequence
from functools import cache

from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.mandarin.words import in_word_list, word_tag
from dora_primespeech_mlx.text.tables import mapping, words

Tagged = tuple[str, str]
LONGEST_NAME = 3
# Surnames that are also verbs or other common words: only a given name that is no word makes a name of these.
COMMON = frozenset("任单解查区盖曲")
# Before a surname that stands alone: 姓单, 小任, 老曾.
BEFORE_SURNAME = frozenset("姓小老阿")
# Before a name in two words: 和解海龙.
BEFORE_NAME = frozenset(("", *"和与及、由对向是找请"))
# Before a name of any shape: 我叫任强.
NAMED = frozenset(("叫", "名叫", "叫做", "姓名", "名为"))
# After these a character is a verb and no surname: 我想查老师的电话.
BEFORE_VERB = frozenset("要想帮去来能会可在再请先就也都不没被把给我你他她您们")


@cache
def surnames() -> dict[str, tuple[str, int]]:
    """Surname -> (syllable, tone)."""
    return {name: parse_pinyin(said) for name, said in mapping("surnames.tsv").items()}


@cache
def _beginnings() -> frozenset[str]:
    """First characters of the words that a surname can stand in."""
    return BEFORE_SURNAME | surnames().keys()


def surname_readings(tagged: Sequence[Tagged], is_phrase: Callable[[str], bool]) -> dict[int, tuple[str, int]]:
    """Position -> (syllable, tone) of the surnames in the words of a clause.

    A surname begins a word that is tagged as a person's name and that no dictionary has (`is_phrase`), or stands before
    a title or a given name, or behind 姓, 小, 老.
    """
    found: dict[int, tuple[str, int]] = {}
    start = 0
    for index, (text, _) in enumerate(tagged):
        if text[0] not in _beginnings():
            pass
        elif text[0] in BEFORE_SURNAME and text[1:] in surnames() and not is_phrase(text):
            found[start + 1] = surnames()[text[1:]]
        elif text[0] in surnames() and _begins_with_surname(tagged, index, is_phrase):
            found[start] = surnames()[text[0]]
        start += len(text)
    return found


def _begins_with_surname(tagged: Sequence[Tagged], index: int, is_phrase: Callable[[str], bool]) -> bool:
    text, tag = tagged[index]
    before = tagged[index - 1][0] if index else ""
    after, after_tag = tagged[index + 1] if index + 1 < len(tagged) else ("", "")
    if (text + after)[:2] in words("not_surnames.txt"):
        return False
    if before in NAMED and len(text) <= LONGEST_NAME and not is_phrase(text):
        return True
    if len(text) > 1:
        is_titled = any(text.startswith(title, 1) for title in words("titles.txt"))
        return is_titled or (tag == "nr" and _is_name(text, is_phrase))
    if before[-1:] == "姓" or before in BEFORE_SURNAME:
        return True
    if after in words("titles.txt") or after[:2] in words("titles.txt"):
        return before[-1:] not in BEFORE_VERB
    is_given = len(after) == 2 and after_tag in {"nr", "nz"} and not is_phrase(after) and before[-1:] in BEFORE_NAME
    return is_given and (text not in COMMON or text in "解单")


def _is_name(text: str, is_phrase: Callable[[str], bool]) -> bool:
    """Whether `text`, tagged as a name, is one, and its first character no word before another."""
    if len(text) > LONGEST_NAME or is_phrase(text):
        return False
    given_tag = word_tag(text[1:])
    if text[0] not in COMMON:
        return (given_tag or "n")[0] not in "vdp"
    return in_word_list(text) if len(text) == 2 else given_tag in {None, "nr"}
