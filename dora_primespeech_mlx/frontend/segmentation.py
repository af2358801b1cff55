"""Mandarin words with their parts of speech."""

from __future__ import annotations

import logging

import jieba
import jieba.posseg

jieba.setLogLevel(logging.ERROR)


def tagged_words(text: str) -> list[tuple[str, str]]:
    """Words of `text` with the part-of-speech tags of jieba, in order; joined they are `text`."""
    return [(pair.word, pair.flag) for pair in jieba.posseg.cut(text)]


def halves(word: str) -> tuple[str, str]:
    """`word` cut in two around its shortest dictionary part: 老虎口 -> 老虎, 口."""
    parts = sorted(jieba.cut_for_search(word), key=len)
    shortest = parts[0]
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest
