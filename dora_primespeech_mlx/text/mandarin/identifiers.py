"""Numbers that name something and count nothing: telephones, rooms, issues, aircraft."""

import re

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits, plain_cardinal
from dora_primespeech_mlx.text.rules import Row, any_of
from dora_primespeech_mlx.text.tables import words


def name_rules() -> list[Row]:
    """Numbers that name something: standards, universities, issues, weapons, shops, aircraft, petrol, generations."""
    measures = any_of(words("zh_measures.txt"))
    return [
        ("0.", r"(?<![\d.])802\.(\d\d?)(?!\d)", lambda match: f"八零二点{digits(match[1])}"),
        (
            "0-围",
            r"(?<=三围)([是为：:]?)(\d{2,3})-(\d\d)-(\d{2,3})(?![\d-])",
            lambda match: match[1] + "、".join(cardinal(match[at]) for at in (2, 3, 4)),
        ),
        ("0", r"(?<!\d)(985)?[/、和与]?(211)(?=[院高大学]|工程|毕业)", _kinds_of_universities),
        ("0", r"(?<!\d)985(?=[院高大学]|工程|毕业)", lambda match: "九八五"),
        ("0期", r"(?<![\d.])\d{5,7}(?=期(?![限间货刊末待]))", lambda match: digits(match.group())),
        ("0式", r"(?<!\d)[5-9]\d(?=式[步机自轰冲手坦装狙火枪战])", lambda match: digits(match.group())),
        ("0-", r"(?<![\d.-])\d(?:-\d){2,4}(?![\d.-]|室|房|号)", lambda match: digits(match.group())),
        ("0-", r"(?<![\d.-])7-11(?=便利|店|超市|门店|买|里|吃)", lambda match: "七十一"),
        ("0后", r"(?<![\d:：.])([0-9][05])后(?![面来的天])", lambda match: f"{digits(match[1])}后"),
        ("0米|0秒", rf"(?:(?<=秒)|(?<=[^小]米))(\d\d)(?![\d.:~%-]|{measures}|[时分])", lambda match: digits(match[1])),
        (
            "0-",
            rf"(?:(?<=波音)|(?<![\d.])(?=7[0-8]7-(?:[789]|10|[2-9]00)(?![\d.%]|{measures})))(\d{{3}})-(?=\d)",
            lambda match: f"{digits(match[1])}，",
        ),
        (
            "0号",
            r"(?<![\d.])(?:8[39]|9\d)(?=号[^，。！？,.!?]{0,4}油)|(?<=加)9\d(?=号)",
            lambda match: digits(match.group()),
        ),
    ]


def room_rules() -> list[Row]:
    """Buildings and rooms."""
    return [
        ("0栋|0幢|0座", r"(?<=[号区院苑城园村期])2(?=[栋幢座])", lambda match: "二"),
        ("0-", r"(?<!\d)(\d+)-(\d+)-(\d+)(?=室|房|号[^码线])", _rooms),
        ("0-", r"(?<![\d-])(\d{1,2})-(\d{1,2})-(\d{3,4})(?![\d-])", _rooms),
        ("0-", r"(?<=[栋座幢楼])(\d+)-(\d{3,4})(?![\d-])", _rooms),
        ("0-", r"(?<!\d)(\d+)-(\d{3,})(?=室|房|号(?![码线])|单元|户)", _rooms),
    ]


def telephone_rules() -> list[Row]:
    """Numbers of figures, and telephones."""
    return [
        ("0-", r"(?<=[图表式例])(\d+)-(\d+)(?![\d-])", _numbered),
        ("0", r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)", _mobile),
        ("0+-", r"\+\d{1,3}(?:[- ]\d{2,4}){2,}(?!\d)", lambda match: _telephone(match).lstrip("，")),
        ("0(-|0（-", r"[(（](0\d{1,3})[)）]\s?(\d{3,4})[- ](\d{4})(?!\d)", _telephone),
        ("0", r"(?<![\d.])\d{2,}(?:-\d{2,}){2,}(?!\d)|(?<!\d)(?:0\d{2,3}|[48]00)-?\d{3,4}[- ]?\d{4}(?!\d)", _telephone),
        ("0-", r"(?<![\d-])\d+(?:-\d+){3,}(?![\d-])", _telephone),
    ]


def _kinds_of_universities(match: re.Match[str]) -> str:
    """Names of two lists of universities, digit by digit: 985/211院校."""
    return "九八五，二幺幺" if match[1] else "二幺幺"


def _rooms(match: re.Match[str]) -> str:
    """Building, unit and room: small numbers as numbers, those of rooms digit by digit."""
    return "杠".join(plain_cardinal(part) if len(part) < 3 else digits(part, telephone=True) for part in match.groups())


def _numbered(match: re.Match[str]) -> str:
    """A chapter and the number of a figure in it, which no range can be: 图3-1."""
    is_range = int(match[1]) < int(match[2])
    return match.group() if is_range else f"{plain_cardinal(match[1])}杠{plain_cardinal(match[2])}"


def _mobile(match: re.Match[str]) -> str:
    return digits("".join(match.groups()), telephone=True)


def _telephone(match: re.Match[str]) -> str:
    return "，".join(digits(part, telephone=True) for part in re.findall(r"\d+", match.group()))
