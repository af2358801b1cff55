"""Arabic numbers -> English words, without "and" and with a comma between thousands, as the official phones have it.

Numbers may have commas between their thousands, or the GROUP signs that stand for these while a text is read.
"""

from dora_primespeech_mlx.text.tables import lines

SMALL = tuple(lines("en_numbers.txt")[0].split())
TENS = tuple(lines("en_numbers.txt")[1].split())
SCALES = tuple(lines("en_numbers.txt")[2].split())
LONGEST = 3 * (len(SCALES) + 1)
GROUP = "\u0001"
"""Stands for a comma between thousands, which must not be heard as one."""
GROUPING = str.maketrans("", "", f",{GROUP}")
IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def digits(number: str) -> str:
    """Digit by digit: "207" -> two zero seven. Other characters are left out."""
    return " ".join(SMALL[int(character)] for character in number if character in "0123456789")


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    parts = [f"{SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        tens, ones = divmod(rest, 10)
        parts.append(SMALL[rest] if rest < 20 else TENS[tens] + (f"-{SMALL[ones]}" if ones else ""))
    return " ".join(parts)


def cardinal(number: str) -> str:
    """A whole number in words: "1234" -> one thousand, two hundred thirty-four; very long ones digit by digit."""
    number = number.translate(GROUPING).lstrip("0") or "0"
    if len(number) > LONGEST:
        return digits(number)
    value = int(number)
    if value == 0:
        return SMALL[0]
    parts: list[str] = []
    for scale in range(len(SCALES), -1, -1):
        group = value // 1000**scale % 1000
        if group:
            parts.append(_below_thousand(group) + (f" {SCALES[scale - 1]}" if scale else ""))
    return ", ".join(parts)


def ordinal(number: str) -> str:
    """A whole number as an ordinal: "21" -> twenty-first."""
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + last


def year(number: str) -> str:
    """A number of four digits as a year: "1995" -> nineteen ninety-five, "2007" -> two thousand seven."""
    value = int(number)
    century, rest = divmod(value, 100)
    if value % 1000 == 0 or (century == 20 and rest < 10):
        return cardinal(number).replace(",", "")
    if rest == 0:
        return f"{cardinal(str(century))} hundred"
    return f"{cardinal(str(century))} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def in_pairs(number: str) -> str:
    """A number that names something, by its first two digits and the rest: eighty eighty, thirteen seven hundred."""
    if number.startswith("0") or (len(number) == 5 and number[2] == "0" and not number.endswith("00")):
        return digits(number)
    if len(number) == 4:
        return year(number)
    return cardinal(number) if number.endswith("000") else f"{cardinal(number[:2])} {cardinal(number[2:])}"


def decimal(number: str) -> str:
    """A number with an optional fraction: "3.14" -> three point one four."""
    whole, point, fraction = number.partition(".")
    words = cardinal(whole)
    return f"{words} point {digits(fraction)}" if point and fraction else words


def general(number: str) -> str:
    """A number as it stands in running text: four digits between 1001 and 2999 are read as a year."""
    if len(number) > 1 and number.startswith("0") and "." not in number:
        return digits(number)
    if len(number) == 4 and number.isdigit() and 1000 < int(number) < 3000:
        return year(number)
    return decimal(number)


def fraction(above: str, below: str) -> str:
    """A fraction of whole numbers: "3", "4" -> three fourths; "1", "2" -> one half."""
    one, many = ("half", "halves") if int(below) == 2 else (ordinal(below), ordinal(below) + "s")
    return f"{cardinal(above)} {one if above == '1' else many}"
