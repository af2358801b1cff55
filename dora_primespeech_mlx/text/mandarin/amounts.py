"""Money, degrees, percentages and units in spoken Mandarin."""

import re
from decimal import Decimal

from dora_primespeech_mlx.text.mandarin.numbers import NUMBER, QUANTITY, cardinal, counted, decimal, digits
from dora_primespeech_mlx.text.rules import Row, any_of, with_any
from dora_primespeech_mlx.text.tables import currencies, words
from dora_primespeech_mlx.text.units import EACH, mandarin_unit, mandarin_units

CURRENCY_NAMES = "(?:人民币|[美欧日港韩澳加台新]元|美金|英镑|港币|卢布|法郎|[美欧日港韩澳加台新]币)"
SCALES = {"K": 1000, "k": 1000, "M": 1_000_000, "m": 1_000_000, "B": 1_000_000_000, "b": 1_000_000_000}
TEMPERATURES = {"°C": "度", "℃": "度", "度": "度", "摄氏度": "摄氏度", "°F": "华氏度", "℉": "华氏度"}


def cent_rules() -> list[Row]:
    """Amounts of money without cents."""
    return [
        ("0.", rf"(?<=\d)\.00(?={CURRENCY_NAMES}|元|块)", ""),
        ("0.", r"(?<=[价额])([\d,]+)\.00(?!\d)", r"\1"),
    ]


def money_rules() -> list[Row]:
    """Money, with its sign before or behind it."""
    money = any_of(currencies())
    needed = with_any((sign[-1] for sign in currencies()), "0")
    return [
        (
            needed,
            rf"({money})({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)[-~～—–](?:({money}))?({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)(?:元|块)?",
            _money_range,
        ),
        (needed, rf"({money})({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)(?:元|块)?", _money),
        (
            needed,
            rf"(?<![\d.])({NUMBER})([十百千万亿]*)({money})",
            lambda match: f"{decimal(match[1])}{match[2]}{currencies()[match[3]][0]}",
        ),
    ]


def temperature_rules() -> list[Row]:
    """Versions, before their points are those of decimals, and degrees."""
    return [
        ("0.", r"(?<![\d.])(\d+(?:\.\d+){2,})", _version),
        (
            "0℃|0°|0℉|0摄|0度",
            r"(?<![\d.])(-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉)[-~～—–]",
            lambda match: _temperature(match) + "到",
        ),
        (
            "0℃|0°|0℉|0摄|0度",
            r"(?<![\d.])(-?)(\d+(?:\.\d+)?)[~～–-](-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉|度)",
            _temperatures,
        ),
        ("0℃|0°|0℉|0摄|0度", r"(?<!\d)(-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉|度)", _temperature),
        ("0°", rf"(?<![\d.])(-?)({NUMBER})°(?![CF])", lambda match: f"{'负' if match[1] else ''}{decimal(match[2])}度"),
    ]


def percent_rules() -> list[Row]:
    """Percentages and units."""
    units = mandarin_units()
    return [
        (
            "0-|0~|0～|0—|0–",
            rf"(?<![\d.])({NUMBER})(%|‰|{units})[-~～—–](?={NUMBER}(?:%|‰|{units}))",
            lambda match: f"{match[1]}{match[2]}到",
        ),
        ("0-|0~|0～|0—|0–", rf"(?<![\d.])({NUMBER})[-~～—–]({NUMBER})(%|‰)", _percent_range),
        ("0%|0‰|0％", rf"(?<![\d.])(-?)({NUMBER})([%‰％])", _percent),
        ("0", rf"(?<=\d)({units})(?![A-Za-z0-9²³])", _unit),
    ]


def each_rules() -> list[Row]:
    """So much for each, and what is added."""
    return [
        (
            "/",
            rf"(?<=[元米克吨次块度人个升斤里瓦时天年月分秒钟页节位字])/(?=[一-鿿])(?!{CURRENCY_NAMES})|(?<=[一-鿿])/(?=(?:{EACH})(?![一-鿿]))",
            lambda match: "每",
        ),
        ("+", r"(?<=[一-鿿])\+", lambda match: "加"),
    ]


def _money_range(match: re.Match[str]) -> str:
    """Two amounts, with one sign (¥3000-5000) or with one each."""
    unit = currencies()[match[1]][0]
    first = _amount(match[2], match[3]) + (unit if match[4] else "")
    return f"{first}到{_amount(match[5], match[6])}{currencies()[match[4] or match[1]][0]}"


def _money(match: re.Match[str]) -> str:
    return _amount(match[2], match[3]) + currencies()[match[1]][0]


def _amount(number: str, scale: str) -> str:
    number = number.rstrip("0").rstrip(".") if "." in number else number
    if scale in SCALES:
        return cardinal(str(int(Decimal(number) * SCALES[scale])))
    return decimal(number) + scale if scale else counted(number)


def _version(match: re.Match[str]) -> str:
    return "点".join(digits(part) for part in match[1].split("."))


def _temperature(match: re.Match[str]) -> str:
    return f"{'零下' if match[1] else ''}{decimal(match[2])}{TEMPERATURES[match[3]]}"


def _temperatures(match: re.Match[str]) -> str:
    below = ["零下" if sign else "" for sign in (match[1], match[3])]
    return f"{below[0]}{decimal(match[2])}到{below[1]}{decimal(match[4])}{TEMPERATURES[match[5]]}"


def _percent_range(match: re.Match[str]) -> str:
    share = "千分之" if match[3] == "‰" else "百分之"
    return f"{share}{decimal(match[1])}到{decimal(match[2])}"


def _percent(match: re.Match[str]) -> str:
    share = "千分之" if match[3] == "‰" else "百分之"
    return f"{'负' if match[1] else ''}{share}{decimal(match[2])}"


def _unit(match: re.Match[str]) -> str:
    """A unit behind a number, which then is a quantity also where no measure word says so."""
    said = mandarin_unit(match[1])
    is_whole = re.search(r"(?<![\d.])\d+$", match.string[max(0, match.start() - 20) : match.start()])
    known = any(said.startswith(measure) for measure in words("zh_measures.txt"))
    return said if known or not is_whole else QUANTITY + said
