"""Times of day, how long something lasts, and proportions in spoken Mandarin."""

import re

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, counted, decimal, digits, plain_cardinal
from dora_primespeech_mlx.text.rules import Row, before, regex

RATIO_WORDS = regex(
    r"(?:比分|比例|比率|之比|配比|赔率|射[门正]|角球|犯规|黄牌|抢断|射门数)[^，。！？,.!?\d]{0,4}$"
    r"|[水肉料粉液长宽高面茶固气盘横纵糖盐油醋胶米豆药]比[为是约]?$"
)
RATIO_WORDS_AFTER = regex(r"的?(?:比例|比率|稀释|兑|混合|勾兑|配制|配比|调配|调制|溶解)")
LASTING_WORDS = regex(r"(?:纪录|记录|成绩|用时|耗时|历时|完赛|跑完|时长|半马|全马|杆位|圈速)[^，。！？,.!?\d]{0,4}$")


def clock_rules() -> list[Row]:
    """What a colon between numbers is: a ratio, a time, how long something lasts."""
    clock = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?分?"
    return [
        (
            "0比",
            r"(?<![\d.第])(\d{1,3})比(\d{1,3})(?![\d.%年])",
            lambda match: f"{cardinal(match[1])}比{cardinal(match[2])}",
        ),
        ("0:~|0:-", r"(?<=\d:\d)[~-](?=\d(?:\.\d)?:\d)|(?<=:\d\.\d)[~-](?=\d(?:\.\d)?:\d)", "到"),
        ("0:", r"(?<![\d:.])\d+(?:\.\d+)?(?::\d+(?:\.\d+)?){2,}(?![\d:])", _proportion),
        (
            "0:.",
            r"(?<![\d:.])(\d{1,2}):([0-5]\d)\.(\d{1,3})(?!\d)",
            lambda match: f"{plain_cardinal(match[1])}分{plain_cardinal(match[2])}秒{digits(match[3])}",
        ),
        ("0:", rf"(?<!\d){clock}[-~～—–]{clock}(?!\d)", _clock_range),
        ("0:", rf"(?<!\d){clock}(?![\d:])", _clock),
        (
            "0:",
            r"(?<![\d:.])(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?![\d:])",
            _ratio,
        ),
    ]


def _proportion(match: re.Match[str]) -> str:
    """Three numbers or more that are parts and no time of day: 1:2:3."""
    parts = match.group().split(":")
    if len(parts) == 3 and all(len(part) == 2 and part < "60" for part in parts[1:]):
        return match.group()
    return "比".join(map(decimal, parts))


def _clock_range(match: re.Match[str]) -> str:
    return f"{_moment(match[1], match[2], match[3])}至{_moment(match[4], match[5], match[6])}"


def _clock(match: re.Match[str]) -> str:
    if RATIO_WORDS.search(before(match, 12)) or RATIO_WORDS_AFTER.match(match.string, match.end()):
        return f"{cardinal(match[1])}比{cardinal(match[2])}"
    if match[3] and LASTING_WORDS.search(before(match, 12)):
        return f"{counted(match[1])}小时{plain_cardinal(match[2])}分{plain_cardinal(match[3])}秒"
    if LASTING_WORDS.search(before(match, 12)):
        return f"{counted(match[1])}分{plain_cardinal(match[2])}秒"
    return _moment(match[1], match[2], match[3])


def _moment(hour: str, minute: str, second: str | None) -> str:
    spoken = f"{counted(hour)}点"
    if second is None and minute == "30":
        return spoken + "半"
    if int(minute) or (second and int(second)):
        spoken += ("零" if minute[0] == "0" and int(minute) else "") + f"{cardinal(minute)}分"
    if second and int(second):
        spoken += ("零" if second[0] == "0" else "") + f"{cardinal(second)}秒"
    return spoken


def _ratio(match: re.Match[str]) -> str:
    """Two numbers with a colon: parts, or minutes and seconds where it is about how long something took."""
    if re.fullmatch(r"\d\d?:[0-5]\d", match.group()) and LASTING_WORDS.search(before(match, 12)):
        return f"{plain_cardinal(match[1])}分{plain_cardinal(match[2])}秒"
    return f"{decimal(match[1])}比{decimal(match[2])}"
