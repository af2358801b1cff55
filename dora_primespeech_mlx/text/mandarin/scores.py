"""Marks, scores, fractions and ranges: two numbers with a slash or a dash between them."""

import re

from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.numbers import (
    NUMBER,
    QUANTITY,
    cardinal,
    counted,
    decimal,
    digits,
    plain_cardinal,
)
from dora_primespeech_mlx.text.mandarin.quantities import MEASURED_WORDS, is_rank
from dora_primespeech_mlx.text.rules import Row, after, any_of, before, regex
from dora_primespeech_mlx.text.tables import words

SCORE_WORDS = regex(
    r"(?:比赛[^，。！？,.!?第]{0,4}|比分|战胜|获胜|击败|大胜|险胜|领先|落后|逼平|战平|取胜|赢|输|负|胜)[^，。！？,.!?]{0,4}$"
)
SCORE_WORDS_AFTER = regex(r"获胜|战胜|击败|大胜|险胜|完胜|取胜|领先|落后|小胜|惨败|不敌|力克|横扫")
SCORE_VERBS = regex(r"(?:[负平]|[大小险完]?胜)(?![均米方面时数责载担荷以约任利率算地])")
"""What a team does right behind its score: 112-104胜凯尔特人."""
SCORES_BEFORE = regex(r"(?:比分|局分)[^，。！？,.!?\d]{0,4}(?:\d{1,2}[-–:：]\d{1,2}(?:\(\d+\))?[、，, ]\s?)+$")
"""The scores of the sets before this one."""
SET = r"(?<![\d.])(\d{1,2})[-–](\d{1,2})(?![\d.%-])"
SPORTS = regex(
    "比赛|决赛|联赛|破门|扳平|进球|绝杀|点球|射门|半场|补时|加时|助攻|篮板|\\d分\\d+助|英超|西甲|欧冠|世界杯|网球|乒乓球|羽毛球|足球|篮球|排球|[男女]单|[男女混]双|帽子戏法|客场|主场|对阵"
)
PRESSURE_WORDS = regex(r"血压|高压|低压|收缩压|舒张压|mmHg|毫米汞柱")


def part_rules() -> list[Row]:
    """A mean of marks, a step of several, a page of a chapter of several."""
    return [
        (
            "0/",
            r"(?<=绩点)([为是：:，,]?)(\d\.\d+)/([45]\.\d+)",
            lambda match: f"{match[1]}{decimal(match[2])}，满分{decimal(match[3])}",
        ),
        (
            "0步",
            r"(?<=步骤)(\d{1,2})/(\d{1,2})(?!\d)",
            lambda match: f"{plain_cardinal(match[1])}，共{match[2]}步",
        ),
        (
            "0第",
            r"第(\d+)/(\d+)(页|章|步|题|部分|张|集|关|轮|节|课|篇)",
            lambda match: f"第{match[1]}{match[3]}，共{match[2]}{match[3]}",
        ),
    ]


def rating_rules() -> list[Row]:
    """Marks of as many as there are."""
    return [
        (
            "0/",
            rf"(?<![\d./])({NUMBER})/(\d+)分(?![之钟])",
            lambda match: f"{decimal(match[1])}分，满分{decimal(match[2])}分",
        ),
        (
            "0/",
            rf"(?<=[评得打]分|分数|星级)([为是：:，,]?)({NUMBER})/(5|10|100)(?:\.0)?(?![\d分]|\.\d)",
            lambda match: f"{match[1]}{decimal(match[2])}分，满分{decimal(match[3])}分",
        ),
        (
            "0./",
            r"(?<![\d./])(\d\.\d)/(5|10)(?![\d./分])",
            lambda match: f"{decimal(match[1])}分，满分{decimal(match[2])}分",
        ),
    ]


def slash_rules() -> list[Row]:
    """What a slash between numbers is: tries of several, scores of tests, a fraction, a proportion."""
    return [
        ("0/", r"(?<![\d/])24/7(?![\d/])", lambda match: "二十四小时"),
        ("0/次", r"(?<=试)(\d{1,2})/(\d{1,2})次", r"\1次，共\2次"),
        (
            "0/",
            r"(?<![\d./])([2-5]\d\d)/([2-5]\d\d)(?![\d./%])",
            lambda match: f"{digits(match[1])}，{digits(match[2])}",
        ),
        ("0/", r"(-?)(?<![\d./])(\d+)/(\d+)(?![\d./])", _slash),
        ("0/", r"(?<=视力)([为是：:]?)(\d\.\d)/(?=\d\.\d)", lambda match: f"{match[1]}{decimal(match[2])}，"),
        ("0./", r"(?:(?<=\.\d)|(?<=\.\d\d))/(?=\d+\.\d)", lambda match: "，"),
        ("0/", r"(?<=\d)/(?=\d)", lambda match: "比"),
    ]


def range_rules() -> list[Row]:
    """What a dash between numbers is: a score or a range; and the sign of a negative number."""
    measures = any_of(words("zh_measures.txt"))
    return [
        ("0-|0~|0～|0—|0–", rf"(?<![\d.])({NUMBER})[-~～—–]({NUMBER})(?!\d|\.\d)(?=({measures}|{QUANTITY})?)", _range),
        (
            "0-",
            rf"(?<![\dA-Za-zΑ-ω{HAN}])-(?={NUMBER})|(?<=[是为达到于约值回出得从取设成和与或即果拔幅差率润益额])-(?={NUMBER})",
            lambda match: "负",
        ),
    ]


def _slash(match: re.Match[str]) -> str:
    """Two numbers with a slash: a blood pressure, shares of a hundred, or a fraction."""
    sign, above, below = "负" if match[1] else "", match[2], match[3]
    high, low = int(above), int(below)
    if (above, below) == ("9", "11") and match.string.startswith(("事件", "恐怖"), match.end()):
        return "九一一"
    is_pressure = high > low >= 30 and PRESSURE_WORDS.search(before(match) + after(match))
    if is_pressure or not low or (high + low == 100 and not high % 5) or (high >= low > 9):
        return f"{sign}{cardinal(above)}比{cardinal(below)}"
    return f"{sign}{cardinal(below)}分之{cardinal(above)}"


def _range(match: re.Match[str]) -> str:
    score = SCORE_WORDS.search(before(match, 12)) or SCORE_WORDS_AFTER.match(match.string, match.end())
    if not match[3]:
        score = score or SCORE_VERBS.match(match.string, match.end())
    score = score or SCORES_BEFORE.search(before(match)) or _of_set(match)
    ends = re.match("[，。、；！？,.;!?()（）]|$", after(match, 1)) and not MEASURED_WORDS.search(before(match, 6))
    if ends and before(match, 1) != "第" and float(match[1]) < 200:
        score = score or SPORTS.search(match.string)
    if not match[3] and match[1].isdigit() and match[2].isdigit() and int(match[2]) < int(match[1]) < 200:
        # No range goes down.
        score = score or re.match("", "")
    if "~" not in match.group() and score and not (match[3] and "赛" in score.group()):
        return f"{decimal(match[1])}比{decimal(match[2])}"
    right = match.string[match.end() + len(match[3] or "") :][:4]
    counts = match[3] and before(match, 1) != "第" and not is_rank(match[3], before(match, 1), right)
    return f"{decimal(match[1])}到{counted(match[2]) if counts else decimal(match[2])}"


def _of_set(match: re.Match[str]) -> re.Match[str] | None:
    """A match if this is a score among those of other sets, of which one goes down: 25-22、19-25、25-20."""
    pairs = rf"(?:{SET}[、，,;； ]\s?)*"
    left = re.search(rf"{pairs}$", before(match))
    right = re.match(rf"(?:[、，,;； ]\s?{SET})*", after(match))
    found = re.findall(SET, f"{left and left.group()} {match.group()} {right and right.group()}")
    goes_down = any(int(first) > int(second) for first, second in found)
    return re.match("", "") if len(found) > 2 and goes_down else None
