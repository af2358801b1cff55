"""What amounts of money, measures, fractions and codes are in English words.

In the texts that come here the commas between thousands are GROUP signs.
"""

import re

from dora_primespeech_mlx.text.english.numbers import (
    GROUP,
    GROUPING,
    cardinal,
    decimal,
    digits,
    fraction,
    general,
    in_pairs,
    year,
)
from dora_primespeech_mlx.text.rules import after, before, regex
from dora_primespeech_mlx.text.tables import currencies, mapping, words
from dora_primespeech_mlx.text.units import english_unit

NUMBER = r"\d+(?:\.\d+)?"
WHOLE = rf"(?:\d|{GROUP})+"
GROUPED = rf"{WHOLE}(?:\.\d+)?"
COMMAS = r"\d+(?:,\d{3})*(?:\.\d+)?"
"""A number before its commas are GROUP signs."""
SCALE = r"(?:k|K|m|M|b|B|T|bn|mn|tn|thousand|million|billion|trillion|lakh|crore)\b"
PARTS = "½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
AMOUNTS = {
    "k": "thousand",
    "m": "million",
    "b": "billion",
    "bn": "billion",
    "mn": "million",
    "tn": "trillion",
    "t": "trillion",
}
CODE_WORDS = (
    r"(?:codes?|pins?|otp|chmod(?: -R)?|cv[vc]|https?|error"
    r"|passcode|password|zip|isbn(?:-1[03])?|pmid|imei|ssn|extension|ext\.?|(?:phone|account|order|serial"
    r"|invoice|tracking|ticket|reference|ref|case|confirmation|booking|reservation|policy|member(?:ship)?|customer|card"
    r"|passport|room|flight|student|employee|license|plate|registration|contact|hotline)"
    r"(?: (?:number|no\.?|id|code)| ?#))"
)
"""Words that announce digits which stand for something and count nothing."""
VOTES = regex(r"(?i)\b(?:vot\w+|record|went|won|lost|drew|scored?)(?: \w+){0,2} $")
LONG_CODE_WORDS = (
    r"(?:orders?|invoice|ticket|tracking|account|reference|ref|case|confirmation|booking|id|ending(?: in)?|ends in)"
)
PRESSURE_WORDS = regex(r"(?i)blood pressure|\bBP\b|systolic|diastolic|hypertens|mmHg")
RATING_WORDS = regex(
    r"(?i)\b(?:rat(?:e[sd]?|ing)|scor(?:e[sd]?|ing)|grade[sd]?|stars?|review(?:s|ed)?|pain|got|gets?|give(?:s|n)?|gave"
    r"|passed|correct|marks?|index|overall|verdict|quality|value|design|performance|difficulty|taste)\b[^.!?,;]{0,24}$"
)


SECONDS_BEFORE = regex(
    r"(?i)(?:\b(?:for|every|after|within|took|takes?|lasts?|waits?|hold|rest|timeout(?: of| is)?|about|than|under|each"
    r"|another|first|last|final|remaining)|[~≈<>]|\b\d+ to) $"
)
SECONDS_AFTER = regex(
    r"(?: |-)(?:rest|run|walk|jog|easy|hard|recovery|ride|row|plank"
    r"|on\b|off\b|plank|hold|holds|work|intervals?|sprints?|delay|timeout|timer|breaks?|pause|countdown"
    r"|clip|video|apart|later|per\b|each\b)"
)
"""What stands around seconds, so that 90s is no decade."""

INGREDIENTS = (
    "butter|sugar|oil|flour|milk|water|salt|vanilla|honey|vinegar|cream|soy|lemon|lime|olive|brown|chopped|minced|fresh"
    "|grated|baking|cornstarch|yeast|cocoa|syrup|mayo|mustard|ketchup|parsley|garlic|onion|ginger|paprika|cumin"
)
"""What a tablespoon, a large T, holds."""
RUNS = regex(
    r"(?i)\b(?:runs?|ran|running|runners?|races?|raced|racing|marathon|finish\w*|jog\w*|couch|treadmill|PB|parkrun)\b"
)
"""What goes with distances that are called by their kilometres: a 10K."""


def cups(match: re.Match[str]) -> str:
    """The c. of a recipe."""
    return "cup" if _is_one(before(match)) else "cups"


def tablespoons(match: re.Match[str]) -> str:
    """The T of a recipe."""
    return "tablespoon" if _is_one(before(match)) else "tablespoons"


def _is_one(left: str) -> bool:
    """Whether the number that `left` ends with is one or a part of one."""
    return re.search(r"(?:^|[^\d./ ] ?)(?:1|\d/\d|[½¼¾⅓⅔]) $", left) is not None


def run_of_kilometers(match: re.Match[str]) -> str:
    """A distance that runners call by its number: a 5K; elsewhere so many thousand."""
    sentence = re.split(r"[.!?]\s", before(match))[-1] + re.split(r"[.!?]\s", after(match))[0]
    counts = re.match(r" (?!races|runs)[a-z]+s\b", after(match))
    return f"{cardinal(match[1])} K" if RUNS.search(sentence) and not counts else match.group()


def emergency(match: re.Match[str]) -> str:
    """The number of another service that may be called: 911 or 112."""
    asks = re.search(r"(?i)\b(?:call|dial|phone|emergency|text|ring)\b", before(match))
    return digits(match.group()) if asks else match.group()


def telephone(match: re.Match[str]) -> str:
    """The groups of a telephone number, digit by digit."""
    extension = match["extension"]
    groups = [group for group in match.groups() if group]
    said = ", ".join(digits(group) for group in groups[: len(groups) - bool(extension)])
    return f"{said}, extension {digits(extension)}" if extension else said


def digit_groups(match: re.Match[str]) -> str:
    """Groups of digits, digit by digit; single digits with hyphens, as 9-1-1, in one breath."""
    groups = re.findall(r"\d+", match.group())
    are_counts = len(groups) > 2 and max(map(len, groups)) == 2 and not any(group.startswith("0") for group in groups)
    if are_counts and not re.search(r"(?i)\b(?:code|number|combination|lock|pin)\b", before(match)):
        return " ".join(map(cardinal, groups))
    if VOTES.search(before(match)):
        return " to ".join(map(cardinal, groups))
    return (" " if all(len(group) == 1 for group in groups) else ", ").join(digits(group) for group in groups)


def code(match: re.Match[str]) -> str:
    """Digits after a word for a code, one by one; a round number (status code 500) stays a number."""
    if match[2].endswith("00") and len(match[2]) == 3:
        return match.group()
    return f"{match[1]}{digits(match[2])}"


def long_code(match: re.Match[str]) -> str:
    """As `code`, after words that also stand before years and quantities: a year stays one."""
    is_year = re.fullmatch("(?:19|20)..", match[2]) and "ending" not in match[1].lower()
    return match.group() if is_year else code(match)


def amount(sign: str, number: str) -> str:
    """An amount of money: "$", "5.50" -> five dollars and fifty cents."""
    one, many, small_one, small_many = currencies()[sign][1:]
    whole, _, part = number.partition(".")
    if not part or not small_one or len(part) > 2:
        return f"{decimal(number)} {one if number == '1' else many}"
    large = f"{cardinal(whole)} {one if whole == '1' else many}" if int(whole or 0) else ""
    cents = int(part.ljust(2, "0"))
    small = f"{cardinal(str(cents))} {small_one if cents == 1 else small_many}" if cents else ""
    return " and ".join(part for part in (large, small) if part) or f"zero {many}"


def money(match: re.Match[str]) -> str:
    """A sign of money, a number, and perhaps its power of a thousand: $5M."""
    number, scale = match[2].translate(GROUPING), match[3]
    if scale:
        unit = currencies()[match[1]][1 if _counts_noun(match, r"an?|the|this|that|its|their|our|his|her|\w+'s") else 2]
        return f"{decimal(number)} {AMOUNTS.get(scale.lower(), scale)} {unit}"
    if "." not in number and _counts_noun(match, "an?"):
        return f"{decimal(number)} {currencies()[match[1]][1]}"
    return amount(match[1], number)


def _counts_noun(match: re.Match[str], articles: str) -> bool:
    """Whether an amount is one word of a noun, as in "a $5 fee": behind an article, before a noun."""
    noun = re.match(r"[ -]([A-Za-z]{2,})\b", after(match))
    return bool(
        noun
        and noun[1].lower() not in words("en_function_words.txt")
        and re.search(rf"(?i)\b(?:{articles})\s+$", before(match))
    )


def money_range(match: re.Match[str]) -> str:
    """Two amounts with one sign: $5-10, $1.5-2 million."""
    sign, low, low_scale, high, scale = match.groups()
    said = [decimal(low), decimal(high)]
    if low_scale:
        said[0] += f" {AMOUNTS.get(low_scale.lower(), low_scale)}"
    if scale:
        said[1] += f" {AMOUNTS.get(scale.lower(), scale)}"
    return f"{said[0]} to {said[1]} {currencies()[sign][2]}"


def measure(match: re.Match[str]) -> str:
    """A number and a unit, many of it (5 km) or, in front of what is as large (a 5 km run), one."""
    number = match[1].translate(GROUPING)
    thing = None if re.search(r"\d\s", match.group()) else re.match(r" ([A-Za-z]+)", after(match))
    is_of_thing = thing is not None and thing[1].lower().removesuffix("s") in words("en_things.txt")
    is_one = number == "1" or is_of_thing or _counts_noun(match, "an?")
    return f"{decimal(number)} {english_unit(match[2], is_one)}"


def feet(match: re.Match[str]) -> str:
    """`8'` is feet where no quotation is open."""
    if re.search(r"(?:^|[\s(])'[^']*$", before(match)):
        return match.group()
    return f"{cardinal(match[1])} {'foot' if match[1] == '1' else 'feet'}"


def part_of_unit(match: re.Match[str]) -> str:
    """A fraction and a unit, with or without a whole number: 1/2 tsp, 2 1/2 lbs."""
    whole, above, below, unit = match.groups()
    if not int(below) or (int(above) >= int(below) and int(below) > 16):
        return match.group()
    before = f"{cardinal(whole)} and " if whole else ""
    return f"{before}{fraction(above, below)} {english_unit(unit, not whole and int(above) <= int(below))}"


def sign_of_unit(match: re.Match[str]) -> str:
    """As `part_of_unit`, with the sign of a fraction: 2½ cups of any unit."""
    whole, sign, unit = match.groups()
    before = f"{cardinal(whole)} and " if whole else ""
    return f"{before}{sign} {english_unit(unit, not whole)}"


def per(match: re.Match[str]) -> str:
    """A slash after a number of something: $20/month, 3 times/week."""
    names = mapping("en_per.tsv")
    return " per ".join((match[1].rstrip(), *(names.get(part, part) for part in match[2].split("/"))))


def postal_code(match: re.Match[str]) -> str:
    """A state of the USA and its postal code, digit by digit: MO 63101."""
    if match[1] not in words("en_states.txt"):
        return match.group()
    return f"{match[1]} {digits(match[2])}" + (f", {digits(match[3])}" if match[3] else "")


def all_of(match: re.Match[str]) -> str:
    """A number with a slash and itself: ten out of ten, but a share of fifty fifty."""
    between = " out of " if match[1] in {"5", "10", "100"} else " "
    return f"{cardinal(match[1])}{between}{cardinal(match[1])}"


def slash(match: re.Match[str]) -> str:
    """Two numbers with a slash: a blood pressure, a rating, shares of a hundred, or a fraction."""
    above, below = match[1], match[2]
    if "." in above + below:
        return f"{decimal(above)} out of {decimal(below)}"
    if GROUP in above + below:
        return f"{cardinal(above)} {'out of' if RATING_WORDS.search(before(match)) else 'over'} {cardinal(below)}"
    if (above, below) == ("24", "7"):
        return "twenty-four seven"
    high, low = int(above), int(below)
    left, right = before(match), after(match)
    if high + low == 100 and not high % 5:
        return f"{cardinal(above)} {cardinal(below)}"
    if 60 <= high <= 260 and 30 <= low < high and (PRESSURE_WORDS.search(left + right) or low > 40):
        return f"{cardinal(above)} over {cardinal(below)}"
    if (
        low in {5, 10, 20, 100}
        and high <= low
        and (RATING_WORDS.search(left) or re.match(r"\s?(?:stars?|points?)\b", right))
    ):
        return f"{cardinal(above)} out of {cardinal(below)}"
    counted = re.match(r" ([a-z]+s|people|children)\b", right)
    if low > 2 and 1 < high < low and counted and counted[1] not in words("en_measured.txt"):
        return f"{cardinal(above)} out of {cardinal(below)}"
    if low > 100 and high > 1:
        return f"{general(above)} {'out of' if RATING_WORDS.search(left) else 'over'} {general(below)}"
    if low < 2 or (high > low and low > 9):
        return f"{cardinal(above)} over {cardinal(below)}"
    return fraction(above, below)


def decade(match: re.Match[str]) -> str:
    """Years in tens: the 1990s, the 80s."""
    if "00" in {match[2], match[3]}:
        return "two thousands"
    if match[3] and (SECONDS_BEFORE.search(before(match)) or SECONDS_AFTER.match(after(match))):
        return f"{cardinal(match[3])} seconds"
    said = year(match[1]) if match[1] else cardinal(match[2] or match[3])
    return plural(said)


def plural(said: str) -> str:
    """Number words in the plural: nineties, sixes."""
    if said.endswith("x"):
        return said + "es"
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def spaced(match: re.Match[str]) -> str:
    """A number in words, kept apart from letters that touch the digits: 221B, GPT-4."""
    text, start, end = match.string, match.start(), match.end()
    number = match[1]
    touches = text[start - 1 : start].isalpha() or text[end : end + 1].isalpha()
    said = in_pairs(number) if touches and len(number) == 4 else digits(number) if touches and len(number) > 4 else None
    before = " " if start and (text[start - 1].isalpha() or text[start - 1] == "-") else ""
    after = " " if end < len(text) and (text[end].isalpha() or text[end] == "-") else ""
    return before + (said or general(number)) + after
