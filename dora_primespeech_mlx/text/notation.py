"""What a writer says about the reading: `[重](zhong4)庆`, `[GIF](JH IH1 F)`, and the tags of SSML."""

import re
import unicodedata
from dataclasses import dataclass

from dora_primespeech_mlx.text.english.ipa import CONSONANTS, VOWELS, arpabet_of_ipa
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin, syllables
from dora_primespeech_mlx.text.rules import regex

FULL_TONES = "\u0304\u0301\u030c\u0300"
ALPHABETS = {
    "pinyin": "pinyin", "py": "pinyin", "x-pinyin": "pinyin", "x-amazon-pinyin": "pinyin", "sapi": "pinyin",
    "arpabet": "arpabet", "x-arpabet": "arpabet", "cmu": "arpabet", "cmu-arpabet": "arpabet", "cmudict": "arpabet",
    "ipa": "ipa", "": "",
}  # fmt: skip
SAY_AS = frozenset(
    ("address", "cardinal", "characters", "currency", "date", "digits", "fraction", "id", "measure", "name", "net",
     "number", "ordinal", "score", "spell", "spell-out", "telephone", "time", "unit", "value", "verbatim")
)  # fmt: skip
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
SLOWEST, FASTEST = 0.5, 2.0
LONGEST_BREAK = 10.0
STRENGTHS = {"none": 0, "x-weak": 1, "weak": 1, "medium": 1, "strong": 2, "x-strong": 2}
TARGET = regex(r"[A-Za-z0-9üÜǖǘǚǜāáǎàēéěèīíǐìōóǒòūúǔùńňǹ:]+(?:[ '][A-Za-z0-9üÜǖǘǚǜāáǎàēéěèīíǐìōóǒòūúǔùńňǹ:]+)*")


@dataclass(frozen=True)
class Note:
    """How a part of a sentence is said.

    Attributes:
        start: its first character in the sentence.
        end: behind its last.
        kind: "pinyin", "arpabet" or "say-as".
        value: syllables with tone digits, phones, or how it is said ("digits", "date ymd").
    """

    start: int
    end: int
    kind: str
    value: str


def reading(said: str, alphabet: str = "") -> tuple[str, str]:
    """The kind and value of a `Note` for a reading, in pinyin, ARPAbet or the IPA of English.

    Raises:
        ValueError: no such alphabet, or a sound that does not exist.
    """
    kind = ALPHABETS.get(alphabet.strip().lower())
    if kind is None:
        raise ValueError(f"the alphabet {alphabet!r} is not known: use pinyin, arpabet or ipa")
    if not said.strip():
        raise ValueError("a reading is empty: write pinyin such as 'zhong4' or ARPAbet such as 'JH IH1 F'")
    if kind == "pinyin" or (not kind and not said.isupper() and said.isascii()) or (not kind and _has_tone_mark(said)):
        return "pinyin", pinyin(said)
    if kind == "arpabet" or (not kind and said.isascii()):
        return "arpabet", arpabet(said)
    return "arpabet", arpabet_of_ipa(said)


def pinyin(said: str) -> str:
    """Syllables with tone digits, of `zhong4 qing4`, `zhong 4`, `Zhong4Qing4` or `zhòng qìng`; ValueError if not."""
    plain = re.sub(r"(?<=[a-zü:])\s+(?=[1-5](?![A-Za-z0-9]))", "", said.strip().lower().replace("'", " "))
    parts = re.sub(r"(?<=[0-9])(?=[a-zü])", " ", plain).replace(",", " ").replace("-", " ").split()
    return " ".join(_syllable(part) for part in parts)


def _syllable(written: str) -> str:
    marks = [mark for mark in unicodedata.normalize("NFD", written) if mark in FULL_TONES]
    if marks:
        bare = "".join(mark for mark in unicodedata.normalize("NFD", written) if mark not in FULL_TONES)
        written = unicodedata.normalize("NFC", bare) + str(FULL_TONES.index(marks[0]) + 1)
    elif not written[-1:].isdigit():
        raise ValueError(f"{written!r} has no tone: write a digit from 1 to 5 after it, as in 'zhong4'")
    syllable, tone = parse_pinyin(written)
    return f"{syllable}{tone}"


def _has_tone_mark(said: str) -> bool:
    return any(mark in FULL_TONES for mark in unicodedata.normalize("NFD", said))


def arpabet(said: str) -> str:
    """Phones with blanks between; vowels without stress get the first. ValueError for what is no phone."""
    phones = [phone + "1" if phone in VOWELS else phone for phone in said.upper().split()]
    wrong = [phone for phone in phones if not is_phone(phone)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no phone of ARPAbet such as 'JH', 'IH1' or 'F'")
    return " ".join(phones)


def is_phone(written: str) -> bool:
    """Whether `written` is a phone of ARPAbet, a vowel with its stress."""
    return written in CONSONANTS or (written[:-1] in VOWELS and written[-1] in "012")


def inline(word: str, target: str) -> tuple[str, str] | None:
    """The reading that `[word](target)` gives, None when it is a link.

    Raises:
        ValueError: it is meant as a reading and is none.
    """
    if not TARGET.fullmatch(target) or not word.strip() or len(word) > 40:
        return None
    parts = target.split()
    is_han = re.fullmatch(r"[\u3400-\u9fff〇\U00020000-\U000323af]+", word) is not None
    if target.isupper() and not is_han or (len(parts) > 1 and target.isupper()):
        if len(parts) == 1 and not is_phone(target):
            return None
        return "arpabet", arpabet(target)
    if not is_han and len(parts) > 1 and all(is_phone(part.upper()) for part in parts):
        return "arpabet", arpabet(target)
    is_marked = all(re.search(r"\d$", part) or _has_tone_mark(part) for part in parts)
    bare = [re.sub(r"\d+$", "", part) for part in parts]
    is_bare = is_han and len(parts) == len(word) and all(part.lower() in syllables() for part in bare)
    if not (is_marked and (is_han or len(parts) > 1 or _is_syllable(target))) and not is_bare:
        return None
    said = pinyin(target)
    if is_han and len(said.split()) != len(word):
        raise ValueError(f"{word!r} has {len(word)} characters, {target!r} has {len(said.split())} syllables")
    return "pinyin", said


def _is_syllable(written: str) -> bool:
    try:
        pinyin(written)
    except ValueError:
        return False
    return True


def seconds(time: str) -> float:
    """The length of a break, `500ms` or `1.5s`, at most ten seconds; ValueError for another form."""
    found = re.fullmatch(r"\+?(\d+(?:\.\d*)?|\.\d+)\s*(ms|s)", time.strip().lower())
    if found is None:
        raise ValueError(f"{time!r} is no time: write it as '500ms' or '1.5s'")
    return min(LONGEST_BREAK, float(found[1]) / (1000 if found[2] == "ms" else 1))


def rate(written: str) -> float:
    """The factor of a speed, `slow`, `120%`, `+20%` or `1.2`, from 0.5 to 2; ValueError for another form."""
    word = written.strip().lower()
    if word in RATES:
        return RATES[word]
    found = re.fullmatch(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(%?)", word)
    if found is None:
        raise ValueError(f"{written!r} is no speed: use one of {', '.join(RATES)}, '120%', '+20%' or '1.2'")
    value = float(found[2]) / (100 if found[3] else 1)
    if found[1]:
        value = 1 + value if found[1] == "+" else 1 - value
    return max(SLOWEST, min(FASTEST, value))


def say_as(interpret: str, form: str = "") -> str:
    """The value of a "say-as" `Note`; ValueError for a way that is not known."""
    way = interpret.strip().lower().removeprefix("vxml:")
    if way not in SAY_AS:
        raise ValueError(f"say-as {interpret!r} is not known: use one of {', '.join(sorted(SAY_AS))}")
    return f"{way} {form.strip().lower()}".strip()
