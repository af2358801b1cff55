"""Numbers that Open JTalk cannot read as they are written -> digits and words that it reads."""

import re

KANJI_DIGITS = "〇一二三四五六七八九"


def arabic(kanji: str) -> str:
    """Kanji digits in a row as Arabic ones: 二〇二四 -> 2024."""
    return "".join(str(KANJI_DIGITS.index(digit)) for digit in kanji)


def digit_names(number: str) -> str:
    """Digit by digit, in katakana, as in telephone numbers: 2 ニー and 5 ゴー are long; other signs are left out."""
    names = ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー")
    return "".join(names[int(digit)] for digit in number if digit.isdigit())


def version(number: str) -> str:
    """Numbers between full stops: 3.11.7 -> 3テン11テン7."""
    return "テン".join(number.split("."))


def clock(hour: str, minute: str, second: str | None, half: str | None) -> str:
    """A time of day: 10, 30 -> 10時30分. `half` is "am" or "pm" in any case, or None."""
    said = {"a": "午前", "p": "午後"}[half[0].lower()] if half else ""
    said += f"{int(hour)}時"
    if int(minute) or (second and int(second)):
        said += f"{int(minute)}分"
    return said + (f"{int(second)}秒" if second and int(second) else "")


def fraction(above: str, below: str) -> str:
    """Above / below: 1, 2 -> 2分の1."""
    return f"{below}分の{above}"


def date(year: str, month: str, day: str) -> str:
    """A date in digits: 2024年5月17日."""
    return f"{year}年{int(month)}月{int(day)}日"


def without_commas(text: str) -> str:
    """`text` with the commas between thousands taken out."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
