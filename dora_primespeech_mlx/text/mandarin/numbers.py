"""Arabic numbers -> Mandarin words."""

DIGITS = "零一二三四五六七八九"
PLACES = ("", "十", "百", "千")
GROUPS = ("", "万", "亿", "万亿", "亿亿")
LONGEST = 4 * len(GROUPS)
NUMBER = r"\d+(?:\.\d+)?"
QUANTITY = "\u2060"
"""Stands after a number that counts the Latin unit behind it: 128 GB."""


def digits(number: str, telephone: bool = False) -> str:
    """Digit by digit: "2024" -> 二零二四; `telephone` says 幺 for 1. Other characters are left out."""
    spoken = "".join(DIGITS[int(character)] for character in number if character in "0123456789")
    return spoken.replace("一", "幺") if telephone else spoken


def _group(value: int) -> str:
    """Words of 1..9999, with 零 for inner gaps: 1005 -> 一千零五."""
    spoken, gap = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit:
            spoken += ("零" if gap and spoken else "") + DIGITS[digit] + PLACES[place]
            gap = False
        else:
            gap = True
    return spoken


def cardinal(number: str) -> str:
    """A whole number in words: "12" -> 十二, "2024" -> 两千零二十四, "100" -> 一百; very long ones digit by digit."""
    number = number.lstrip("0")
    if not number:
        return "零"
    if len(number) > LONGEST:
        return digits(number)
    spoken, gap = "", False
    for index in range((len(number) - 1) // 4, -1, -1):
        end = len(number) - 4 * index
        value = int(number[max(0, end - 4) : end])
        if value:
            spoken += ("零" if spoken and (gap or value < 1000) else "") + _group(value) + GROUPS[index]
        gap = not value
    if spoken.startswith("一十"):
        spoken = spoken[1:]
    if spoken[0] == "二" and spoken[1:2] in set("千万亿"):
        spoken = "两" + spoken[1:]
    return spoken


def decimal(number: str) -> str:
    """A number with an optional fraction: "3.14" -> 三点一四, ".5" -> 零点五, "12" -> 十二."""
    whole, point, fraction = number.partition(".")
    spoken = cardinal(whole)
    return f"{spoken}点{digits(fraction)}" if point and fraction else spoken


def year(number: str) -> str:
    """A year digit by digit: "1995" -> 一九九五."""
    return digits(number)


def counted(number: str) -> str:
    """A number before a measure word: 2 is 两, everything else as `decimal`."""
    return "两" if number.lstrip("0") == "2" else decimal(number)


def plain_cardinal(number: str) -> str:
    """A cardinal that keeps 二: months, days and ordinals."""
    return "二" if number.lstrip("0") == "2" else cardinal(number)
