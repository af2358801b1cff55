"""Arabic numbers -> Korean words, Sino-Korean and native."""

DIGITS = "영일이삼사오육칠팔구"
PLACES = ("", "십", "백", "천")
GROUPS = ("", "만", "억", "조", "경")
LONGEST = 4 * len(GROUPS)
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")


def digits(number: str, telephone: bool = False) -> str:
    """Digit by digit: "0012" -> 영영일이; `telephone` says 공 for 0. Other characters are left out."""
    spoken = "".join(DIGITS[int(digit)] for digit in number if digit.isdigit())
    return _six(spoken.replace("영", "공") if telephone else spoken)


def cardinal(number: str) -> str:
    """A whole number in Sino-Korean: "113386" -> 십일만삼천삼백팔십육; very long ones digit by digit.

    1 is silent before 십, 백 and 천, and before 만 where nothing stands before it.
    """
    number = number.lstrip("0")
    if not number:
        return "영"
    if len(number) > LONGEST:
        return digits(number)
    spoken = ""
    for index in range((len(number) - 1) // 4, -1, -1):
        end = len(number) - 4 * index
        group = _group(number[max(0, end - 4) : end])
        if group == "일" and index == 1 and not spoken:
            group = " "
        spoken += group + GROUPS[index] if group else ""
    return _six(spoken.replace(" ", ""))


def _group(number: str) -> str:
    """Up to four digits: "0305" -> 삼백오."""
    spoken = ""
    for place, digit in zip(range(len(number) - 1, -1, -1), number, strict=True):
        if digit != "0":
            spoken += ("" if digit == "1" and place else DIGITS[int(digit)]) + PLACES[place]
    return spoken


def _six(spoken: str) -> str:
    """육 after 십, 백 and other codas that ask for an ㄴ: 십육 is said as if 십뉵."""
    for before in "십백삼육":
        spoken = spoken.replace(f"{before}육", f"{before}뉵")
    return spoken.replace("뉵육", "뉵뉵")


def decimal(number: str) -> str:
    """A number with an optional fraction: "3.14" -> 삼 점 일사."""
    whole, point, fraction = number.partition(".")
    return f"{cardinal(whole)} 점 {digits(fraction)}" if point and fraction else cardinal(whole)


def native(number: str) -> str:
    """A number from 1 to 99 as it stands before a counter: "3" -> 세, "20" -> 스무, "25" -> 스물다섯."""
    value = int(number)
    if value == 20:
        return "스무"
    return NATIVE_TENS[value // 10] + NATIVE_ONES[value % 10]
