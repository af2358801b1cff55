"""Text -> runs of one language each, by script, with digits and marks given to the neighbour that reads them."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from dora_primespeech_mlx.text import scripts
from dora_primespeech_mlx.text.addresses import speak_addresses
from dora_primespeech_mlx.text.formulas import NAME_GOES_ON, speak_formulas, without_formulas
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.numbers import QUANTITY, digits
from dora_primespeech_mlx.text.rules import any_of, before, regex
from dora_primespeech_mlx.text.signs import WIDE, speak_signs
from dora_primespeech_mlx.text.signs.faces import without_faces
from dora_primespeech_mlx.text.spelled_code import speak_code
from dora_primespeech_mlx.text.tables import currencies, words
from dora_primespeech_mlx.text.units import mandarin_units
from dora_primespeech_mlx.text.unspoken import check_scripts

LONGEST_CLAUSE = 100
"""Words and what stands between them, on each side of a number."""
WORD = regex(r"[A-Za-z]{2,}|(?<![A-Za-z])(?:I(?=['’]|\s[a-z])|[Aa](?= [A-Za-z]{2}))")
"""Latin words: not the letters of a formula, of which `a` and `i` might be words."""
CHINESE_MARKS = regex(r"[，；：、。？！](?=\S)|(?<=[^\d\s])[，；：、]$")
"""Marks that a text of letters and numbers is written with in Mandarin: x=1，y=2。"""
CLOSING = frozenset('”"’」』》)）,.!?，。！？')
NOTE_NUMBER = regex(
    r"(?:(?<=[A-Za-z][a-z]{3})|(?<=[a-z][.,]))[¹²³⁰⁴-⁹]{1,2}(?=[\s,.;:!?)”\"]|$)"
    r"|(?<=[^\W\dA-Za-z_])[¹²³⁰⁴-⁹]{1,2}(?=[，。；、！？：]|$)|(?:^|(?<=\s))[¹²³⁰⁴-⁹]{1,2}(?=[A-Z][a-z]{2}|[一-鿿])"
)
"""The raised number of a note, behind a word or its mark, or before what the note says."""
UNIT_WORDS = ("meter", "meters", "metre", "metres", "second", "seconds", "feet", "foot", "inch", "inches", "mile",
              "miles", "yard", "yards", "hour", "hours")  # fmt: skip
COMMAND = regex(r"\\[A-Za-z]+")
CALCULATED = regex("[=+×÷√≈<>]")
DIVIDES = regex(r"(?<=[\da-z]) ∣ (?=[\da-z])")
"""The bar between a number and a multiple of it, which is no other bar: 3 ∣ 9."""
LOWERED = regex("(?<![A-Za-z])(log|[A-Za-z])((?<=log)[₀-₉]+|[₀-₉₊₋]*[ₐₑₒₓₕ-ₜᵢⱼ][₀-₉₊₋ₐₑₒₓₕ-ₜᵢⱼ]*)")
"""The base of a logarithm, and an index with a letter, which the forms of digits would hide."""
BASE = regex(r"(?<![A-Za-z0-9.])(\d+)([₀-₉]{1,2})(?![A-Za-z0-9₀-₉])")
"""A number in a base that is not ten, or may not be: 1010₂."""
LANGUAGES = {"auto": "auto", "zh": "zh", "all_zh": "zh", "en": "en", "ja": "ja", "all_ja": "ja", "ko": "ko",
             "all_ko": "ko", "yue": "yue", "all_yue": "yue", "auto_yue": "auto_yue"}  # fmt: skip
NO_HABITS = scripts.Habits()


@dataclass(frozen=True)
class Run:
    """A token of the text, as written, and the language ("zh", "en", "ja", "ko" or "yue") that reads it.

    `within_name` is true of letters that go on a name or formula after a number or sign in it: the N of H1N1.
    """

    language: str
    text: str
    within_name: bool = False


def checked_language(language: str) -> str:
    """`language` as "auto", "zh", "en", "ja", "ko", "yue" or "auto_yue"; ValueError with the choices for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}: use one of {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def split_languages(text: str, language: str = "auto", habits: scripts.Habits = NO_HABITS) -> list[Run]:
    """Runs of `text` in order; empty when it holds nothing but blanks.

    `language` says who reads Han characters, digits and the signs that stand between: a language, "auto" (what the
    text shows of itself) or "auto_yue" (the same, with Cantonese in the place of Mandarin). Letters are always read by
    the language of their script. `habits` are the voice's.
    """
    language = checked_language(language)
    text = without_faces(text)
    check_scripts(text)
    text = re.sub("[\ud800-\udfff]", "", text)
    text = re.sub(r"\s{2,}", lambda blanks: "\n" if "\n" in blanks.group() else " ", text)
    text = re.sub(r"\d", lambda digit: str(unicodedata.decimal(digit.group())), text)
    text = re.sub(r"(?<=\d)．(?=\d)", ".", text)
    text = scripts.with_mandarin_particles(text, language)
    if not scripts.concern(text, language, habits):
        return _mandarin_and_english(text, language)
    runs: list[Run] = []
    found = scripts.stretches(text, language, habits)
    for at, stretch in enumerate(found):
        if stretch.language:
            runs.append(Run(stretch.language, stretch.text))
        else:
            beside = {language, *(other.language for other in found[max(0, at - 1) : at + 2])}
            is_name = beside & scripts.UNITS.keys() and re.search(rf"^[^{HAN}]*[A-Za-z][^{HAN}]*$", stretch.text)
            reader = language if language in {"zh", "en"} else "en" if is_name else "auto"
            runs += _mandarin_and_english(stretch.text, reader)
    return [run for run in runs if run.text.strip()]


def _mandarin_and_english(text: str, language: str) -> list[Run]:
    """Runs of a text that only these two read."""
    text = speak_code(text, _matrix(text, language))
    text = BASE.sub(lambda match: _in_base(match, _matrix(text, language)), text)
    if not CALCULATED.search(text):
        text = NOTE_NUMBER.sub(_note_number, text)
    text = DIVIDES.sub("整除" if _matrix(text, language) == "zh" else " divides ", text)
    text = LOWERED.sub(_with_braces, text).translate(WIDE)
    matrix = _matrix(text, language)
    for speak in (speak_addresses, speak_formulas, speak_signs):
        text = speak(text, matrix)
    tokens = [(match.lastgroup or "mark", match.group()) for match in _scanner().finditer(text)]
    owners = _owners(tokens, matrix)
    runs: list[Run] = []
    since_han = 0
    for owner, group in groupby(range(len(tokens)), owners.__getitem__):
        indices = list(group)
        spoken = (_in_mandarin(tokens, at, owner) if matrix == "zh" else tokens[at][1] for at in indices)
        goes_on = since_han > 1 or bool(runs and runs[-1].text.endswith(NAME_GOES_ON))
        runs.append(Run(owner, "".join(spoken), within_name=owner == "en" and goes_on))
        since_han = 0 if any(tokens[at][0] == "han" for at in indices) else since_han + 1
    return [run for run in runs if run.text.strip()]


def _note_number(match: re.Match[str]) -> str:
    """Nothing for the number of a note; behind a unit it is a power."""
    word = re.search(r"[a-z]*$", before(match))
    is_unit = word is not None and word.group().endswith(UNIT_WORDS)
    return match.group() if is_unit else ""


def _in_base(match: re.Match[str], language: str) -> str:
    """A number with its base lowered behind it, digit by digit."""
    base = unicodedata.normalize("NFKC", match[2])
    if language == "zh":
        return ("" if before(match, 2) == "进制" else f"{base}进制的") + digits(match[1])
    return f"{' '.join(match[1])} base {base}"


def _with_braces(match: re.Match[str]) -> str:
    """A lowered index as LaTeX has it: `a_{n-1}`."""
    return f"{match[1]}_{{{unicodedata.normalize('NFKC', match[2]).replace('−', '-')}}}"


def check_readable(text: str, language: str) -> None:
    """ValueError if nothing of `text` can be spoken in `language`, found out without reading it."""
    if not any(c.isalnum() for run in split_languages(text, language) for c in run.text):
        raise ValueError(f"there is nothing to say in {text[:40]!r}: it has no word and no number")


def _matrix(text: str, language: str) -> str:
    """The language that reads what both could."""
    if language != "auto":
        return language
    is_chinese = _has_chinese_marks(text)
    text = unicodedata.normalize("NFKC", text)
    han = len(re.findall(rf"[{HAN}]", text))
    if not han:
        has_letters = re.search("[A-Za-z]", text)
        text = _without_commands(text)
        # Between marks of Mandarin, IT is an abbreviation and the it of 9b-it part of a name.
        whole = re.findall("(?<![A-Za-z0-9+=×/*-])[A-Za-z]{2,}(?![A-Za-z0-9+=×/*²³-])", text)
        found = [word for word in whole if not word.isupper()] if is_chinese else re.findall("[A-Za-z]{2,}", text)
        has_words = any(word.lower() in words("en_function_words.txt") for word in found)
        return "en" if has_words or (not is_chinese and has_letters) else "zh"
    latin = WORD.findall(without_formulas(text))
    # The NO of a reaction is no word.
    written = [word for word in latin if len(word) == 1 or not word.isupper()]
    is_clause = any(word.lower() in words("en_function_words.txt") for word in written)
    return "en" if is_clause and len(latin) > han else "zh"


def _has_chinese_marks(text: str) -> bool:
    """Whether the marks of `text` are those of Mandarin, also one at its end behind letters or a formula."""
    if CHINESE_MARKS.search(text):
        return True
    line = text.removesuffix("\n").rpartition("\n")[2]
    if line[-1:] not in {*"，；：、"}:
        return False
    return bool(re.search("[=≈<>]", line) or (line[-2:-1].isdigit() and re.search("[A-Za-z]", line)))


def _without_commands(text: str) -> str:
    r"""`text` without formulas between their signs and without commands of LaTeX: the `\in` of one is no word."""
    return COMMAND.sub(" ", without_formulas(text)) if "\\" in text or "$" in text else text


def matrix_language(text: str, language: str) -> str:
    """The language, "zh" or "en", that reads the numbers of `text`; `language` as for `split_languages`."""
    return _matrix(text, checked_language(language))


def evident_language(text: str) -> str:
    """The language that the words of `text` show; "" without Han, kana, Hangul and without a word of a clause."""
    if re.search(f"[{scripts.KANA}]", text):
        return "ja" if scripts.may_be_japanese(text) else "zh"
    if re.search(f"[{scripts.HANGUL}]", text):
        return "ko"
    if re.search(rf"[{HAN}]", text):
        return _matrix(text, "auto")
    found = re.findall(r"[A-Za-z]{2,}|\b(?:I|[Aa](?= [A-Za-z]))\b", _without_commands(text))
    if any(word.lower() in words("en_function_words.txt") for word in found):
        return "en"
    return "zh" if _has_chinese_marks(text) else ""


@cache
def _scanner() -> re.Pattern[str]:
    """Han characters, numbers with their signs and units, Latin words, and everything between."""
    units = mandarin_units()
    money = any_of(currencies())
    digits, sign = r"\d+", r"(?:(?<![A-Za-z0-9])[-−+])"
    joint = rf"(?:[.,:/~～×÷=*^–-][-−]?(?:{money})?|(?<=\d)\+|(?:{units})[-~～])"
    core = rf"{digits}(?:{joint}{digits}|[²³⁰¹⁴-⁹]+(?:[-+=×÷]{digits})?)*"
    after = rf"(?:\s?(?:{units}|℃|℉|°[CF]?)(?![A-Za-z0-9])|[%‰％](?:[-~～]{digits}[%％])?|{money})"
    latin = r"[A-Za-zＡ-Ｚａ-ｚÀ-ÖØ-öø-ɏḀ-ỿ]"
    amount = rf"(?:{money})[-−]?{core}(?:(?:[KMBkbm][-~](?:{money})?{core})?[KMBkbm](?![A-Za-z0-9]))?"
    # The letter behind a number in a name is no unit: A4L, K8s.
    named = rf"(?<=[A-Za-z]){digits}(?=[A-Za-z](?![A-Za-z0-9/²³]))"
    number = rf"{amount}|{named}|{sign}?{core}{after}?|[Α-Ωα-ω①-⑩℃℉]"
    word = rf"{latin}+(?:['’.&-]{latin}+)*(?:['’](?={latin})|\+\+|\#|-(?=\d))?"
    return re.compile(rf"(?P<han>[{HAN}]+)|(?P<number>{number})|(?P<latin>{word})|(?P<mark>\s+|.)", re.DOTALL)


def _in_mandarin(tokens: list[tuple[str, str]], index: int, owner: str) -> str:
    """The token at `index` as it is read within Mandarin: letters alone are spelled, units of data are counted."""
    kind, token = tokens[index]
    before, after = _neighbour(tokens, index, -1), _neighbour(tokens, index, 1)
    if kind == "latin" and len(token) == 1 and "latin" not in {side[0] for side in (before, after) if side}:
        return token.upper()
    if token == "2" and owner == "zh" and index and tokens[index - 1][0] == "latin":
        return "二"
    if token == "2" and owner == "zh" and after and (after[1] == "K" or _names_network(tokens, index)):
        return "二"
    if kind == "number" and owner == "zh" and after and after[1].split("-")[0] in words("data_units.txt"):
        return token + QUANTITY
    return token


def _names_network(tokens: list[tuple[str, str]], index: int) -> bool:
    """Whether the number is that of a generation of telephones: 2G网络, but 2G流量."""
    letter, noun = tokens[index + 1 : index + 2], tokens[index + 2 : index + 3]
    return bool(letter and noun and letter[0][1] == "G" and noun[0][1].startswith(("网", "时代", "手机", "信号")))


def _owners(tokens: list[tuple[str, str]], matrix: str) -> list[str]:
    """The language of each token: letters by script, numbers by context, marks with the token before them."""
    owners: list[str | None] = [{"han": "zh", "latin": "en"}.get(kind) for kind, _ in tokens]
    for index, (kind, token) in enumerate(tokens):
        if kind == "number":
            owners[index] = _number_owner(tokens, index, matrix)
        elif token in "+×÷⁰¹²³⁴⁵⁶⁷⁸⁹" and matrix == "zh":
            owners[index] = "zh"
    last: str | None = None
    for index, owner in enumerate(owners):
        last = owner or last
        owners[index] = last
    first = next((owner for owner in owners if owner), matrix)
    return [owner or first for owner in owners]


def _number_owner(tokens: list[tuple[str, str]], index: int, matrix: str) -> str:
    before, after = _neighbour(tokens, index, -1), _neighbour(tokens, index, 1)
    if matrix == "en":
        touching = index + 1 < len(tokens) and tokens[index + 1][0] == "han"
        return "zh" if touching and (before is None or before[0] == "han") else "en"
    goes_on = after is None or after[0] == "latin" or after[1] in CLOSING
    if before and before[0] == "latin" and goes_on and _inside_english_clause(tokens, index):
        return "en"
    return "zh"


def _neighbour(tokens: list[tuple[str, str]], index: int, step: int) -> tuple[str, str] | None:
    """The nearest token on one side that is more than blanks."""
    index += step
    while 0 <= index < len(tokens):
        if tokens[index][1].strip():
            return tokens[index]
        index += step
    return None


def _inside_english_clause(tokens: list[tuple[str, str]], index: int) -> bool:
    """Whether the Latin run around a number is a clause (it has a function word) and not a product name."""
    start = index
    while start and index - start < LONGEST_CLAUSE and tokens[start - 1][0] != "han":
        start -= 1
    end = index
    while end + 1 < len(tokens) and end - index < LONGEST_CLAUSE and tokens[end + 1][0] != "han":
        end += 1
    # The A of A2 or Na is no article, the i of i7 no person and the AM of AM 639 no verb.
    return any(
        token.lower() in words("en_function_words.txt")
        for at, (_, token) in enumerate(tokens[start : end + 1], start)
        if not (token.isupper() and len(token) > 1)
        and not (token == "a" and at + 1 < len(tokens) and tokens[at + 1][0] == "number")
        and (
            token not in {"A", "i"}
            or (len((_neighbour(tokens, at, 1) or ("", ""))[1]) > 1 and tokens[at + 1][1].isspace())
        )
    )
