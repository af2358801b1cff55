"""Written Cantonese -> spoken Cantonese: traditional characters and the six marks `! ? … , . -` only."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.cantonese.numbers import counted, decimal, digits
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.numbers import QUANTITY
from dora_primespeech_mlx.text.mandarin.simplified import converter, only_simplified
from dora_primespeech_mlx.text.rules import any_of, regex
from dora_primespeech_mlx.text.tables import currencies, mapping, words

NUMBER = r"\d+(?:\.\d+)?"
MARKS = str.maketrans("：；:;，、。．｡！？⋯‥\n~～〜—–·／/", ",,,,,,...!?……,………--,,,")
MONEY = {"$": "蚊", "HK$": "蚊", "NT$": "蚊台幣", "US$": "美金", "¥": "元", "€": "歐羅", "£": "英鎊", "₩": "韓圜"}
# Simplified characters that Hong Kong writes in Cantonese words of its own.
KEPT = frozenset("吓")
SCORE = regex(r"(?:比數|贏|輸|勝|負|領先|打成|打和)[^，。！？,.!?]{0,4}$")
SCORE_AFTER = regex(r"贏|輸|勝|負|領先|打成|打和|擊敗")
TELEPHONE = regex(r"(?:電話|號碼|密碼|編號|房|室|座|巴士|航班|WhatsApp|戶口|號)\D{0,4}$")

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def spoken_cantonese(text: str) -> str:
    """Normalise `text`, which may hold digits, signs and marks but no Latin words (they are lost here)."""
    text = "".join(sign if sign in "，…½⅓⅔¼¾²³℃℉㎡" else unicodedata.normalize("NFKC", sign) for sign in text)
    text = traditional(re.sub(r"\s*\n\s*", "\n", text).replace("−", "-"))
    text = re.sub(r"(?<!\d)[ \t\u3000]+|[ \t\u3000]+(?!\d)", "", text)
    text = re.sub(r"(?<=[\d%年月日號點樓])[—–](?=[\d$])", "-", text)
    for pattern, say in _rules():
        text = pattern.sub(say, text)
    for sign, said in mapping("yue_signs.tsv").items():
        if sign in text:
            text = text.replace(sign, said)
    text = text.replace("〇", "零").translate(MARKS)
    text = re.sub(rf"[^{HAN}!?…,.\-]+", "", text)
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)


def traditional(text: str) -> str:
    """`text` in the characters of Hong Kong where it is written in simplified ones, else as it is.

    A text counts as simplified when it has a character that is only simplified: the traditional forms of others
    (后, 里, 只) are words of their own, which a traditional text would lose.
    """
    if not any(only_simplified(character) for character in text):
        return text
    return "".join(
        converter("s2hk")(part) if part not in KEPT else part for part in re.split(f"([{''.join(KEPT)}])", text)
    )


@cache
def _rules() -> tuple[Rule, ...]:
    """Every reading of something written in digits or signs, in the order they have to be looked for."""
    units = any_of(mapping("yue_units.tsv"))
    measures = any_of(words("yue_measures.txt"))
    money = any_of(currencies() | MONEY)
    clock = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?"
    number = rf"(?<![\d.])({NUMBER})"
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"\d{21,}", lambda match: digits(match.group())),
        (r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)", _amount),
        (r"(?m)^(\d{1,2})[.)、](?!\d)", lambda match: f"{decimal(match[1])},"),
        (
            r"(?<!\d)((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])(?![\d.])",
            lambda match: f"{digits(match[1])}年{decimal(match[3])}月{decimal(match[4])}號",
        ),
        (
            r"(?<!\d)([12]\d|3[01]|0?[1-9])/(0?[1-9]|1[0-2])/((?:19|20)\d\d)(?!\d)",
            lambda match: f"{digits(match[3])}年{decimal(match[2])}月{decimal(match[1])}號",
        ),
        (r"(?<![\d.])(\d{4})[-~～–至到/](\d{4}|\d{2})(?=年)", lambda match: f"{digits(match[1])}至{digits(match[2])}"),
        (r"(?<![\d.])((?:1\d|20)\d\d|0\d)(?=年(?![前後間]))", lambda match: digits(match[1])),
        (
            r"(?<![\d.])(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])(?=[日號]))?",
            lambda match: f"{decimal(match[1])}月{decimal(match[2]) if match[2] else ''}",
        ),
        (rf"(?<!\d){clock}\s*([AaPp])\.?[Mm]\.?", lambda match: _half(match[4]) + _moment(match)),
        (
            r"(?<![\d:])(1[0-2]|0?[1-9])\s*([AaPp])\.?[Mm]\.?(?![A-Za-z])",
            lambda match: f"{_half(match[2])}{counted(str(int(match[1])))}點",
        ),
        (r"(?<=點)\s*[-~～–]\s*(?=[上下]晝)", lambda match: "至"),
        (rf"(?<!\d){clock}[-~～–至](?=\d\d?:\d\d)", lambda match: _moment(match) + "至"),
        (rf"(?<!\d){clock}(?![\d:])", _clock),
        (r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda match: f"{decimal(match[1])}比{decimal(match[2])}"),
        (r"(?<![\d.-])\d{4}(?:[- ]\d{4}){2,}(?!\d)|\+(?!852)\d{1,3}(?:[- ]\d{2,}){2,}", _telephone),
        (
            rf"(?<![\d.])(?:\+?852[- ]?)?([2-9]\d{{3}})[- ]?(\d{{4}})(?![\d.{QUANTITY}])(?!年|月|日|蚊|元)",
            _telephone,
        ),
        (rf"(?<![\d.$€£¥])(\d{{3,}})(?:[- ](\d{{3,}}))+(?![\d{QUANTITY}])", _telephone),
        (
            rf"({money})\s?({NUMBER})[-~～–至到]({NUMBER})(?![\d.%])(?:蚊|元)?",
            lambda match: f"{counted(match[2])}至{counted(match[3])}{_currency(match[1])}",
        ),
        (rf"(?<=\d)-(?={money})|(?<=\d%)-(?=\d)|(?<=\d[年月日號點樓])-(?=\d)", lambda match: "至"),
        (rf"({money})\s?({NUMBER})([十百千萬億]*)([KMB](?![A-Za-z]))?(?:蚊|元)?", _money),
        (rf"{number}([十百千萬億]*)\s?({money})", lambda match: counted(match[1]) + match[2] + _currency(match[3])),
        (r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: "點".join(digits(part) for part in match[1].split("."))),
        (rf"(?<![\d.])-({NUMBER})\s?(?:℃|°C?|度)", lambda match: f"零下{decimal(match[1])}度"),
        (rf"(?<![\d.])-({NUMBER})(?=[至到~～-]-?{NUMBER}\s?(?:℃|°C?|度))", lambda match: f"零下{decimal(match[1])}"),
        (rf"(?<=[\dA-Za-z)])\^(-?)({NUMBER})", lambda match: f"嘅{'負' if match[1] else ''}{decimal(match[2])}次方"),
        (rf"{number}[-~～–至到]({NUMBER})%", lambda match: f"百分之{decimal(match[1])}至{decimal(match[2])}"),
        (rf"(-?)(?<![\d.])({NUMBER})%", lambda match: f"{'負' if match[1] else ''}百分之{decimal(match[2])}"),
        (rf"(?<=\d)\s?({units})(?![A-Za-z0-9²³])", lambda match: mapping("yue_units.tsv")[match[1]]),
        (r"(?<=[\d)])\s*([+×÷=*xX])\s*(?=[-\d(])", _operator),
        (r"(?<=\d)\s*-\s*(?=\d+\s*(?:=|等於))", lambda match: "減"),
        (r"(血壓[係為:]?)(\d+)/(\d+)", lambda match: f"{match[1]}{decimal(match[2])},{decimal(match[3])}"),
        (
            r"(?<![\d/.])(\d+\.\d+)/(\d+)(?![\d/.])",
            lambda match: f"{decimal(match[1])}分,滿分{decimal(match[2])}分",
        ),
        (r"(?<![\d/.])(\d+)/(\d+)(?![\d/.])", lambda match: f"{decimal(match[2])}分之{decimal(match[1])}"),
        (rf"{number}[-~～–]({NUMBER})(?![\d.])(?=({measures})?)", _range),
        (rf"(?<![\d.])(?<!\d,)([1-8])[、，,]([2-9])(?=[十百千萬]?(?:{measures}))", _one_or_the_next),
        (rf"(?<![\dA-Za-z{HAN}])-(?={NUMBER})|(?<=[係到為])-(?={NUMBER})", lambda match: "負"),
        (r"第(\d+)", lambda match: f"第{decimal(match[1])}"),
        (r"(?<![\d.])(\d{1,2})(?=點)", lambda match: counted(match[1])),
        (r"(?<![\d.])(\d+)([月號樓層班年級座室]|年級)(?<!層)", _label),
        (rf"{number}([幾多]?)(?={measures})", lambda match: counted(match[1]) + match[2]),
        (r"(?<=[蚊元磅圜金次下步字頁])[/／](?=[月年日人次件位晚個支斤磅分秒週周])", lambda match: "每"),
        (rf"(?<![\d.])(\d+){QUANTITY}", lambda match: decimal(match[1])),
        (r"(?<![\d.])(\d+\.\d+)", lambda match: decimal(match[1])),
        (r"\d+", _bare_number),
    ]
    return tuple((re.compile(pattern), say) for pattern, say in rules)


def _half(letter: str) -> str:
    return "上晝" if letter in "Aa" else "下晝"


def _moment(match: re.Match[str]) -> str:
    hour, minute, second = match[1], match[2], match[3]
    spoken = f"{counted(str(int(hour)))}點"
    if minute == "30" and not second:
        return spoken + "半"
    if int(minute) or (second and int(second)):
        spoken += f"{'零' if 0 < int(minute) < 10 else ''}{decimal(minute)}分"
    return spoken + (f"{decimal(second)}秒" if second and int(second) else "")


def _clock(match: re.Match[str]) -> str:
    if SCORE.search(match.string[: match.start()][-10:]):
        return f"{decimal(match[1])}比{decimal(match[2])}"
    return _moment(match)


def _amount(match: re.Match[str]) -> str:
    """A number with commas between thousands: a quantity, also where nothing stands behind it that it counts."""
    number = match.group().replace(",", "")
    before, after = match.string[: match.start()].rstrip()[-1:], match.string[match.end() :].lstrip()[:1]
    is_bare = (
        not after
        or after in "。，！？,!?；;、)）」"
        or after == "."
        and not match.string[match.end() + 1 :][:1].isdigit()
    )
    return number + QUANTITY * (is_bare and before not in currencies().keys() | MONEY.keys())


def _telephone(match: re.Match[str]) -> str:
    return ",".join(digits(part) for part in re.findall(r"\d+", match.group()))


def _currency(sign: str) -> str:
    return MONEY.get(sign, currencies().get(sign, ("",))[0])


def _money(match: re.Match[str]) -> str:
    scale = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}.get(match[4] or "")
    amount = str(round(float(match[2]) * scale)) if scale else match[2]
    if "." in amount and not match[3]:
        amount = amount.rstrip("0").rstrip(".")
    return counted(amount) + match[3] + _currency(match[1])


def _operator(match: re.Match[str]) -> str:
    return {"+": "加", "=": "等於", "÷": "除"}.get(match[1], "乘")


def _one_or_the_next(match: re.Match[str]) -> str:
    """Two numbers in a row for about so many: 2、3個 is 兩三個; others stay as they are."""
    if int(match[2]) != int(match[1]) + 1:
        return match.group()
    return counted(match[1]) + decimal(match[2])


def _range(match: re.Match[str]) -> str:
    if SCORE.search(match.string[: match.start()][-10:]) or SCORE_AFTER.match(match.string, match.end()):
        return f"{decimal(match[1])}比{decimal(match[2])}"
    say = counted if match[3] else decimal
    return f"{say(match[1])}至{say(match[2])}"


def _label(match: re.Match[str]) -> str:
    """A number that names something: a month, a day, a floor, a room. Long ones go digit by digit."""
    number, noun = match[1], match[2]
    if noun == "年":
        return counted(number) + noun
    is_row = len(number) > 2 and noun in "號室座" and not number.endswith("00")
    return (digits(number) if is_row else decimal(number)) + noun


def _bare_number(match: re.Match[str]) -> str:
    """Digits without a measure word: small and round numbers as numbers, longer ones digit by digit."""
    number = match.group()
    is_round = number.endswith("00") and len(number) < 10 or len(number) == 3 and number.endswith("0")
    is_label = bool(TELEPHONE.search(match.string[: match.start()][-10:]))
    if number[0] != "0" and (len(number) < 3 or is_round and not is_label) or number == "0":
        return decimal(number)
    return digits(number)
