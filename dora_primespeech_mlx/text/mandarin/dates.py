"""Days, months and years in spoken Mandarin."""

import re

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, counted, digits, plain_cardinal, year
from dora_primespeech_mlx.text.rules import Row, after, before, regex

MONTH = r"((?:19|20)\d\d)\.(0?[1-9]|1[0-2])"
FULL_DATE = r"(1\d{3}|20\d\d)\.(1[0-2]|0?[1-9])\.([12]\d|3[01]|0?[1-9])"
ERAS = regex(
    "(?:民国|令和|平成|昭和|大正|明治|宣统|光绪|同治|咸丰|道光|嘉庆|乾隆|雍正|康熙|顺治|崇祯|万历|嘉靖|永乐|洪武|贞观|开元)$"
)
DURATION_BEFORE = frozenset("了近约共满第过整这超逾达每")
LASTED = regex("(?:在位|历时|长达|为期|耗时|执政|服役|任职|从业|结婚|相伴|陪伴|延续|持续)了?$")
DURATION_AFTER = ("前", "来", "间", "历史", "以", "之", "后", "的时", "时间", "内", "左右", "多")
DAYS_OF_NAME = (
    "10.1",
    "5.1",
    "6.1",
    "9.3",
    "3.15",
    "6.18",
    "5.12",
    "9.18",
    "7.7",
    "5.4",
    "8.1",
    "3.8",
    "12.13",
    "11.11",
    "12.12",
    "9.11",
    "12.9",
)
NAMED_DAYS = (
    "国庆|黄金周|小?长假|假期|节日|劳动节|儿童节|阅兵|晚会|大促|购物节|促销|地震|事变|事件"
    "|公祭|运动|青年节|建军节|妇女节"
)
"""Days that are called by their numbers, before what they are known for: 9.3阅兵."""


def year_rules() -> list[Row]:
    """Months of years, years in a row, and years before what shows that they are years."""
    return [
        (
            "0.-|0.~|0.～|0.至|0.到",
            rf"(?<![\d.]){MONTH}\s?[-~～至到]\s?{MONTH}(?![\d.%])",
            lambda match: f"{_month_of_year(match[1], match[2])}到{_month_of_year(match[3], match[4])}",
        ),
        (
            "0.",
            r"(?<![\d.])((?:19|20)\d\d)\.(0[1-9])(?![\d.%元点米倍个万亿块])",
            lambda match: _month_of_year(match[1], match[2]),
        ),
        (
            "0年",
            r"(?<!\d)(?:19|20)\d\d(?=(?:[、，,和及]\s?(?:19|20)\d\d(?!\d))+年)",
            lambda match: year(match.group()),
        ),
        ("0年", r"(?<!\d)(\d0)[-~～—–](?=\d0年代)", lambda match: f"{cardinal(match[1])}到"),
        ("0款|0届", r"(?<!\d)(?:19|20)\d\d(?=款|届[毕学的高])", lambda match: year(match.group())),
        ("0年)|0年）", r"(?<=[，,(（])([1-9]\d\d)年(?=[)）])", lambda match: f"{year(match[1])}年"),
        ("0《", r"(?<=《)(?:19|20)\d\d(?!\d)", lambda match: year(match.group())),
    ]


def named_day_rules() -> list[Row]:
    """Days that are called by their numbers."""
    days = "|".join(DAYS_OF_NAME).replace(".", "[.·]")
    return [
        ("0.|0·", rf"(?<![\d.])({days})(?={NAMED_DAYS})", _named_day),
        ("0.", r"(?<![\d.第])(3\.8|5\.1|6\.1|5\.4|9\.9|10\.1)(?=节(?![课点省目]))", _named_day),
        ("0·", rf"(?<=[“\"「])({days})(?=[”\"」])", _named_day),
        ("0", r"(?<!\d)315(?=晚会|曝光|打假|消费|维权|投诉|活动)", lambda match: "三幺五"),
    ]


def day_rules() -> list[Row]:
    """Days and months in digits and with their characters, spans of years, decades."""
    return [
        # In digits.
        (
            "0",
            r"(?<=[期日于生为：:])((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)",
            _plain_date,
        ),
        ("0.-|0.~|0.～|0.—|0.–|0.至|0.到", rf"(?<![\d.]){FULL_DATE}\s?[-~～—–至到]\s?{FULL_DATE}(?![\d.])", _lifetime),
        ("0", r"(?<!\d)((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])(?![\d.])", _iso_date),
        ("0/", r"(?<!\d)(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])/((?:19|20)\d\d)(?!\d)", _american_date),
        ("0/", r"(?<!\d)((?:19|20)\d\d)/(\d{1,2}|(?:19|20)\d\d)(?![\d/.])", _year_part),
        (
            "0/到",
            r"(?<![\d/.])(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])到(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])(?![\d/.%])",
            _days_of_months,
        ),
        ("0/", r"(?<![\d/.])(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])(?![\d/.%])", _short_date),
        # Years from one to another, in brackets, before what they are of.
        (
            "0-年|0-)|0-）|0~年|0—年|0–年|0–）|0—）|0到",
            r"(?<=[(（])([1-9]\d{2})(年?)\s?[-~～—–到]\s?([1-9]\d{2,3})(?=年?[)），,]|年\d{1,2}月)",
            lambda match: f"{year(match[1])}{match[2]}到{year(match[3])}",
        ),
        (
            "0~-|0～-|0至-|0到-",
            r"(?<![\d-])((?:19|20)\d\d)-(0[1-9]|1[0-2])[~～至到](0[1-9]|1[0-2])(?![\d-])",
            lambda match: f"{_month_of_year(match[1], match[2])}到{plain_cardinal(match[3])}月",
        ),
        ("0)|0）", r"(?<=[(（])(1[5-9]\d\d|20\d\d)(?=[)）])", lambda match: year(match[1])),
        (
            "0-约|0~约|0—约|0–约",
            r"(?<=[(（])约?(1\d{3}|20\d\d)\s?[-~～—–]\s?约?(1\d{3}|20\d\d)(?=[)）])",
            lambda match: f"约{year(match[1])}到约{year(match[2])}",
        ),
        (
            "0-|0~|0～|0—|0–|0至|0到",
            r"(?<![\d.])(\d{3,4})[-~～—–至到](\d{4})(?=年|赛季|学年|财年|留学|就读|任|求学|[，。,、；;）)\s]|$)",
            _years,
        ),
        (
            "0-",
            r"(?<![\dA-Za-z.-])((?:19|20)\d\d)-(0[1-9]|1[0-2])(?![\d.%-]|\s?(?:[=年个]|等于))",
            lambda match: _month_of_year(match[1], match[2]),
        ),
        (
            "0.",
            r"(?<![\d.])(1[0-2]|0?[1-9])\.([12]\d|3[01]|0?[1-9])(?=[早晚上下中]午|[早晚]上|凌晨|当[天晚]|[一-鿿]{1,3}节(?![课目省点]))",
            lambda match: f"{plain_cardinal(match[1])}月{plain_cardinal(match[2])}日",
        ),
        # With 年, 月 and 日.
        ("0年", r"(?<![\d.])(\d{4}|\d\d)年(?:(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])([日号]))?)?", _date),
        ("0月", r"(?<![\d.])(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])([日号]))?(?!\d)", _month),
        ("0s", r"(?<!\d)((?:19|20)\d0)s(?![A-Za-z])", lambda match: f"{year(match[1])}年代"),
    ]


def _named_day(match: re.Match[str]) -> str:
    """A day that is called by its numbers: 十一, 九三, 三一五, 双十一."""
    month, day = re.split("[.·]", match[1])
    if month == day and len(day) == 2:
        return f"双{cardinal(day)}"
    return (cardinal(month) if month == "10" else digits(month)) + digits(day)


def _month_of_year(number: str, month: str) -> str:
    return f"{year(number)}年{plain_cardinal(month)}月"


def _plain_date(match: re.Match[str]) -> str:
    """A day in eight digits: 20240315."""
    return f"{year(match[1])}年{cardinal(match[2])}月{cardinal(match[3])}日"


def _iso_date(match: re.Match[str]) -> str:
    return f"{year(match[1])}年{cardinal(match[3])}月{cardinal(match[4])}日"


def _lifetime(match: re.Match[str]) -> str:
    """From one day to another, each with its year: 1881.9.25—1936.10.19."""
    parts = match.groups()
    days = (f"{year(parts[at])}年{cardinal(parts[at + 1])}月{cardinal(parts[at + 2])}日" for at in (0, 3))
    return "到".join(days)


def _american_date(match: re.Match[str]) -> str:
    return f"{year(match[3])}年{cardinal(match[1])}月{cardinal(match[2])}日"


def _year_part(match: re.Match[str]) -> str:
    """A year and what follows its slash: the next year of a season, or a month."""
    first, second, right = match[1], match[2], after(match, 4)
    is_next = int(second) == (int(first) + 1) % (100 if len(second) == 2 else 10_000)
    if is_next and (len(second) == 4 or int(second) > 12 or re.match("赛季|学年|财年|年度", right)):
        return f"{year(first)}{'' if len(second) == 2 else '到'}{year(second)}"
    if len(second) < 3 and 1 <= int(second) <= 12:
        return f"{year(first)}年{plain_cardinal(second)}月"
    return match.group() if len(second) < 4 else f"{year(first)}到{year(second)}"


def _days_of_months(match: re.Match[str]) -> str:
    """Days from one to another, later one: 6/20-6/21."""
    first, second = (int(match[1]), int(match[2])), (int(match[3]), int(match[4]))
    if not first < second or second[0] - first[0] > 1:
        return match.group()
    days = [f"{plain_cardinal(match[at])}月{plain_cardinal(match[at + 1])}日" for at in (1, 3)]
    return "到".join(days)


def _short_date(match: re.Match[str]) -> str:
    """Two numbers with a slash as a month and a day, where a zero or what stands around says so."""
    has_zero = match[1].startswith("0") or match[2].startswith("0")
    announced = re.search(
        r"(?:日期|截止|截至|时间|生日|节日|预计|计划|改到|定于|定在|将于|拟于)[^，。,.]{0,4}$"
        r"|(?:周|星期|礼拜)[一二三四五六日天][（(，, ]?$",
        before(match, 12),
    )
    named = re.match(
        r"[日号（(]?(?:送达|到货|发货|送到|入住|退房|面试|交付|交稿|上线|开售|放假|教师节|情人节|母亲节|父亲节|开学|上映|发布|举行|考试|出发前?|[之以]?前后?|[之以]后|起|开始|截止|出发|到期|当天|当晚|晚上|早上|上午|下午|凌晨|圣诞|元旦|国庆|劳动节|儿童节|周|星期)",
        after(match),
    )
    # In brackets, and no part of anything: (10/1).
    is_bracketed = before(match, 1) in {*"(（，"} and after(match, 1) in {*")）"} and int(match[1]) > int(match[2])
    if not (has_zero or announced or named or is_bracketed):
        return match.group()
    return f"{plain_cardinal(match[1])}月{plain_cardinal(match[2])}日"


def _years(match: re.Match[str]) -> str:
    """Two years; other numbers of four digits only where 年 says so."""
    is_year = match.string.startswith(("年", "赛季", "学年", "财年"), match.end())
    if len(match[1]) == 3:
        counts = match[2].endswith("00") and before(match, 2) != "公元"
        second = match[2] if counts else year(match[2])
        return f"{cardinal(match[1]) if counts else year(match[1])}到{second}" if is_year else match.group()
    is_year = is_year or before(match, 2) in {"在位", "生卒", "任期"}
    first, second = int(match[1]), int(match[2])
    is_life = before(match, 1) in {*"(（"} and 1000 < first < second < min(2100, first + 120)
    are_near = {match[1][:2], match[2][:2]} <= {"19", "20"} and first < second
    return f"{year(match[1])}到{year(match[2])}" if is_year or is_life or are_near else match.group()


def _date(match: re.Match[str]) -> str:
    number, month, day, sign = match[1], match[2], match[3], match[4]
    spoken = (year(number) if month or _is_calendar_year(match) else counted(number)) + "年"
    if month:
        spoken += f"{plain_cardinal(month)}月"
    if day:
        spoken += f"{plain_cardinal(day)}{sign}"
    return spoken


def _is_calendar_year(match: re.Match[str]) -> bool:
    """Whether digits before 年 name a year (一九九八年) and do not count years (二十年)."""
    number, right, left = match[1], after(match), before(match, 1)
    value = int(number)
    if number.startswith("0"):
        return True
    if ERAS.search(before(match, 2)):
        return False
    if len(number) == 4:
        round_number = value % 100 == 0 and right.startswith(DURATION_AFTER) and not right.startswith("前后")
        return 1000 < value < 3000 and not (round_number or left in DURATION_BEFORE and value % 100 == 0)
    lasts = left in DURATION_BEFORE or LASTED.search(before(match, 4)) or right.startswith(DURATION_AFTER)
    return value > 60 and value % 10 != 0 and not lasts


def _month(match: re.Match[str]) -> str:
    spoken = f"{plain_cardinal(match[1])}月"
    return spoken + (f"{plain_cardinal(match[2])}{match[3]}" if match[2] else "")
