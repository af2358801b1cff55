"""pypinyin with its phrases, in a third of the memory that it would take: equal readings of a character are one list.

It is told to begin without phrases, which it would read at its import, and is given them through its own
`load_phrases_dict`. Who imports pypinyin later in this process has them too; where it came first, it has its own.
"""

import json
import os
import re
import sys

from dora_primespeech_mlx.text.tables import package_file

_WITHOUT = "PYPINYIN_NO_PHRASES"


def shared_phrases() -> dict[str, list[list[str]]]:
    """Phrase -> what each of its characters is read as, from pypinyin's file."""
    text = package_file("pypinyin", "phrases_dict.json").read_text("utf-8")
    readings: dict[str, list[str]] = {}

    def reading(written: str) -> list[str]:
        if written not in readings:
            readings[written] = json.loads(f"{written}]")
        return readings[written]

    entries = re.finditer(r'"([^"]+)"\s*:\s*\[([^:]*?)\]\s*\]', text)
    phrases = {entry[1]: [reading(written) for written in entry[2].strip().split("],")] for entry in entries}
    return phrases if len(phrases) == text.count(":") else json.loads(text)


if "pypinyin" not in sys.modules:
    os.environ[_WITHOUT] = "1"
    try:
        import pypinyin
    finally:
        del os.environ[_WITHOUT]
    pypinyin.load_phrases_dict(shared_phrases())

from pypinyin import Style, lazy_pinyin  # noqa: E402
from pypinyin.pinyin_dict import pinyin_dict  # noqa: E402
from pypinyin.seg.mmseg import seg  # noqa: E402
from pypinyin.style import convert  # noqa: E402

__all__ = ["Style", "convert", "lazy_pinyin", "pinyin_dict", "seg"]
