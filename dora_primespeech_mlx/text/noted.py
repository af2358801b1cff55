"""Notes of a writer worked into a text: readings that win over every dictionary, and numbers said in a given way."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from dora_primespeech_mlx.text.english import numbers as english
from dora_primespeech_mlx.text.inband import KEPT
from dora_primespeech_mlx.text.mandarin import numbers as mandarin
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.mandarin.simplified import simplified
from dora_primespeech_mlx.text.notation import Note

Reading = tuple[str, int]


@dataclass(frozen=True)
class Noted:
    """A text with its notes worked in.

    Attributes:
        text: as the front end reads it: `KEPT` stands after every character whose reading is given, and a word of no
            language for every word whose phones are given.
        readings: syllable and tone for each `KEPT`, in order.
        words: phones of those words, and what each stands for.
    """

    text: str
    readings: tuple[Reading, ...] = ()
    words: Mapping[str, tuple[tuple[str, ...], str]] | None = None

    def shown(self, said: str) -> str:
        """What is said, with the words of the writer in place of those of no language."""
        for word, (_, written) in (self.words or {}).items():
            said = said.replace(word, written)
        return said


def noted(text: str, notes: Iterable[Note], language: str) -> Noted:
    """`text` with its `notes` worked in; `language` ("zh" or "en") says numbers."""
    parts: list[str] = []
    readings: list[Reading] = []
    words: dict[str, tuple[tuple[str, ...], str]] = {}
    done = 0
    for note in sorted(notes, key=lambda note: (note.start, -note.end)):
        if note.start < done:
            continue
        written = text[note.start : note.end]
        parts.append(text[done : note.start])
        done = note.end
        if note.kind == "say-as":
            parts.append(said_as(written, note.value, language))
        elif note.kind == "pinyin":
            given = [parse_pinyin(part) for part in note.value.split()]
            carriers = written if _fits(written, given) else "".join(_carrier(syllable) for syllable, _ in given)
            parts += [character + KEPT for character in carriers]
            readings += given
        else:
            word = _word(len(words))
            words[word] = (tuple(note.value.split()), written.strip())
            parts.append(word)
    return Noted("".join(parts) + text[done:], tuple(readings), words)


def _fits(written: str, given: list[Reading]) -> bool:
    return len(written) == len(given) and re.fullmatch(f"[{HAN}]+", written) is not None


def _word(number: int) -> str:
    """A word that no dictionary has and no rule takes apart."""
    return "qzj" + chr(ord("a") + number // 26 % 26) + chr(ord("a") + number % 26) + "zq"


@cache
def _carriers() -> dict[str, str]:
    from dora_primespeech_mlx.text.mandarin.dictionary import Style, convert, pinyin_dict

    found: dict[str, str] = {}
    for code in range(0x4E00, 0x9FA6):
        if code in pinyin_dict:
            first = pinyin_dict[code].split(",")[0]
            found.setdefault(convert(first, Style.NORMAL, strict=False), chr(code))
    return found


def _carrier(syllable: str) -> str:
    """A character with that syllable, which stands where the text has none."""
    return _carriers().get(syllable, "某")


def places_after(text: str, said: str) -> list[int]:
    """Where the characters before each `KEPT` of a Mandarin `text` stand in what is `said`; -1 for one that is gone."""
    marked: list[int] = []
    plain = ""
    for character in text:
        if character == KEPT:
            marked.append(len(plain) - 1)
        else:
            plain += character
    where: dict[int, int] = {}
    for block in SequenceMatcher(None, simplified(plain), said, autojunk=False).get_matching_blocks():
        where |= {block.a + at: block.b + at for at in range(block.size)}
    return [where.get(at, -1) for at in marked]


def said_as(written: str, value: str, language: str) -> str:
    """Digits, letters, a number or a date as `say-as` wants them; what is none of these stays as written."""
    way, _, form = value.partition(" ")
    numbers = re.findall(r"\d+", written)
    if way in {"characters", "spell", "spell-out", "verbatim"}:
        return _spelled(written, language)
    if way in {"digits", "id"} and numbers:
        return _digit_by_digit(written, language, telephone=False)
    if way == "telephone" and numbers:
        return _digit_by_digit(written, language, telephone=True)
    number = written.replace(",", "").replace("，", "").strip()
    if way in {"cardinal", "number", "value"} and re.fullmatch(r"-?\d+(?:\.\d+)?", number):
        sign = ("负" if language == "zh" else "minus ") if number.startswith("-") else ""
        of = mandarin.decimal if language == "zh" else english.decimal
        return sign + of(number.lstrip("-"))
    if way == "ordinal" and number.isdigit():
        return "第" + mandarin.cardinal(number) if language == "zh" else english.ordinal(number)
    return _date(written, numbers, form) if way == "date" else written


def _spelled(written: str, language: str) -> str:
    said = []
    for character in written:
        if character.isdigit():
            said.append(mandarin.digits(character) if language == "zh" else english.digits(character))
        elif not character.isspace():
            said.append(character.upper())
    return " ".join(said)


def _digit_by_digit(written: str, language: str, telephone: bool) -> str:
    """The digits of `written`, a pause where it has other signs."""
    groups = re.findall(r"\d+", written)
    if language == "zh":
        return "，".join(mandarin.digits(group, telephone=telephone) for group in groups)
    return ", ".join(english.digits(group) for group in groups)


def _date(written: str, numbers: list[str], form: str) -> str:
    """A date in the order that every rule for dates knows: year, month, day."""
    order = re.sub(r"(.)\1+", r"\1", form.replace("/", "").replace("-", "")) or "ymd"
    if len(numbers) == 1 and len(numbers[0]) == 8 and order == "ymd":
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    parts = dict(zip(order, numbers, strict=False))
    if sorted(order) != ["d", "m", "y"] or len(numbers) != 3 or len(parts["y"]) != 4:
        return written
    return f"{parts['y']}-{parts['m'].zfill(2)}-{parts['d'].zfill(2)}"
