"""What each sign of a text is, by its context: a range, a minus, a comparison, a step of a menu, a placeholder ...

One pass over the whole sentence, before it is split by language, while every sign is still there. A sign that a rule
reads becomes words, a pause, or the one spelling that the rules for numbers know (`3-5` for a range, `-8` for a
negative number). What no rule reads stays, and each language makes a pause of it or nothing.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import chain

from dora_primespeech_mlx.text.rules import Rules, regex, with_any
from dora_primespeech_mlx.text.signs import marks, models, numbers, programs, quantities, science
from dora_primespeech_mlx.text.signs.readings import HAN, Placed
from dora_primespeech_mlx.text.tables import words

WIDE = str.maketrans(
    "＜＞＝＋％＆＊／＾｜＄＃＠～〜∼＿－﹣‐‑‒⩽⩾≦≧∶∆∕⁄∗∣µÅ₀₁₂₃₄₅₆₇₈₉₊₋⟺⟸",
    "<>=+%&*/^|$#@~~~_-----≤≥≤≥:Δ//*|μÅ0123456789+-⇔←",
) | {0x2474 + at: f"（{at + 1}）" for at in range(20)}
"""Signs with several forms -> the form that the rules are written for."""
ANY = regex(
    r"[^\w\s,，.。!！?？、:：;；'’“”()（）]|\.[A-Za-z_]|_|[\dA-Ha-h][)）]|\.\d+:\d|\d：\d|\d\. \d"
    r"|†|![A-Za-z_(]|[A-Za-z)][2-9]|[a-zHK](?:Cl|Br|OH|O|F|I|S)\b|\d[Ww万亿]|[①-⑳]|每\s?[A-Za-zμ]|\d\s?[AaPp]\.?[Mm](?![A-Za-z])"
    r"|\d\s?[AJNK](?![A-Za-z])|\d(?:h|m|min)\s?\d|[A-Z]\d{3,4}次|[一-鿿][(（][A-Za-zμ]{1,4}[)）]"
    r"|(?<!\w)[OfghP]\(|[一-鿿][)）]\d|[A-Z]{3}\s?\d|[A-Z][a-z]{1,3}\.\d|\d[a-z]?[+d]"
    r"|\d[smghltx](?![A-Za-z0-9])|KN9\d|N9\d|\s[B-H][.．、]|\d[万亿]\s?[A-Za-zμ㎡㎥]|\dm\d\d|\d[余多]\s?[A-Za-z]|(?:II|IV|VI|IX|I[期型级])|[½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]|\s[二三四五六七八九十Ⅱ-Ⅹ]{1,2}、|\d\s?[A-Za-z%℃℉]{0,2}[（(]\d"
    r"|\d['′](?![a-z])|[a-z]\s?:\d+[:.]\d|(?:PB|PR|SB|WR)[是为：:\s]|[;,] and \(|^and \("
    r"|^[(（][a-z一-鿿]|[.!?] \([a-z]|[Pp]\.\s?\d|\d{4}:\d"
)
"""Whether a text has anything for this pass."""
SUBJECTS = (
    quantities.moments,
    marks.references,
    programs.networks,
    programs.sheets,
    programs.commands,
    marks.plainer,
    programs.code,
    science.arrows,
    science.comparisons,
    science.chemistry,
    numbers.dashes,
    marks.spoken_of,
    numbers.counts,
    numbers.scores,
    quantities.times,
    quantities.shares,
    quantities.currencies,
    models.named,
    programs.conditions,
    quantities.units,
    numbers.signed,
    science.enclosed,
    programs.options,
    programs.names,
    quantities.each,
    marks.brackets,
    science.formulas,
    science.operations,
    marks.lists,
    quantities.angles,
    science.named,
)
"""Rows of one subject each, in the order in which they have to be asked.

A sign that one subject reads is words for those behind it: the hyphen of a standard is none of a range by then.
"""


def speak_signs(text: str, language: str) -> str:
    """`text` with its signs in words of `language`, or of English within an English clause."""
    if not ANY.search(text):
        return text
    return _rules(language)(text)


def language_at(text: str, at: int, language: str) -> str:
    """The language that reads a sign: English within an English clause of a Mandarin text, else `language`."""
    if language != "zh" or not _has_english_clause(text):
        return language
    start = max((match.end() for match in re.finditer(f"[{HAN}]", text[max(0, at - 200) : at])), default=0)
    before = text[max(0, at - 200) + start : at]
    after = re.match(f"[^{HAN}]*", text[at : at + 200])
    found = re.findall(r"(?<![A-Za-z_])[A-Za-z]{2,}(?![A-Za-z_])", before + " " + (after.group() if after else ""))
    # The NO of a reaction is no word.
    has_words = any(word.lower() in words("en_function_words.txt") and not word.isupper() for word in found)
    return "en" if has_words and len(found) > 2 else "zh"


@lru_cache(maxsize=16)
def _has_english_clause(text: str) -> bool:
    """Whether there are English words in a row in `text`, at all."""
    return bool(re.search(r"[A-Za-z]{2}[,;:]? [A-Za-z]{2}", text))


@cache
def _rules(language: str) -> Rules:
    """What a sign is: every row of every subject, in their order."""
    rows = chain.from_iterable(subject() for subject in SUBJECTS)
    return Rules((with_any(signs), pattern, _said(zh, en, language)) for signs, pattern, zh, en in rows)


def _said(mandarin: Placed, english: Placed, language: str) -> Callable[[re.Match[str]], str]:
    """What a rule says where `language` reads, or English within an English clause."""

    def said(match: re.Match[str]) -> str:
        place = language_at(match.string, match.start(), language)
        say = mandarin if place == "zh" else english
        return match.expand(say) if isinstance(say, str) else say(match, place)

    return said
