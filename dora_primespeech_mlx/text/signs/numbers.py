"""Dashes, plus signs and `~` that belong to numbers."""

from dora_primespeech_mlx.text.english.roman import numeral_value
from dora_primespeech_mlx.text.mandarin.numbers import cardinal
from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import HAN, MONEY, SignRow
from dora_primespeech_mlx.text.units import mandarin_unit, mandarin_units

TONE = "的呀哦啊呢吧啦嘛哈哟咯噢哒喔哇呐了好嗯呵嘿"
"""Characters that `~` draws out; after any other one, `~` before a number means about."""


def dashes() -> list[SignRow]:
    """What a dash or `~` between or before numbers is: a range, a sign, about so many."""
    return [
        ("-−", r"(?<=[年月周季])[-−](?=\d+(?:\.\d+)?[%‰])", "负", "-"),
        ("-−", r"(?<=°)\s?[-−]\s?(?=∠)", "减", " minus "),
        (
            "/",
            r"(?<![\d:：/-])\d{1,2}([:：-])\d{1,2}(?:/\d{1,2}\1\d{1,2})+(?![\d:：/A-Za-z-])",
            readings.games,
            readings.games,
        ),
        ("-−", r"(?<=%)\s?[-−]\s?(?=\d+(?:\.\d+)?\s?=)", "减", " minus "),
        # Ranges: a dash between two numbers, each with or without its unit; between days of the week.
        (
            "–—―",
            rf"(\d(?:\s?(?:[A-Za-zμµΩ]{{1,5}}|[%‰°℃℉％]C?|[{HAN}]{{1,3}}|[AaPp]\.[Mm]\.))?)\s?[–—―]\s?(?=[{MONEY}]?[-−]?\d)",
            r"\1-",
            r"\1-",
        ),
        ("—–", r"(?<=\d)[—–]{2}(?=\d)|(?<=[周期][一二三四五六])[–—](?=[周星])", "-", "-"),
        # A dash that touches the number behind it alone is its sign.
        ("–", r"(?<![^\s(（\[:：,，、是为到至达于约=])(?<!\d\s)–(?=\d)", "−", "−"),
        ("−", r"(\s?)−\s?(?=[\w.(√∞$€£¥￥])", readings.minus, readings.minus),
        # About so many, a range, a revision of git.
        (
            "~",
            rf"(?<![A-Za-z0-9_~%‰℃°℉{TONE}])(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})~\s?(?=[{MONEY}]?\d)",
            readings.about,
            readings.about,
        ),
        ("+", r"(?<=[\d%CF°℃℉])(\s?~\s?)\+(?=\d)", r"\1", r"\1"),
        ("~", r"(?<=[\d%CF°℃℉])\s?~\s?(?=\d)", "~", " to "),
        ("~", r"(?<=[A-Z]{3})~(?=\d)", "波浪号", " tilde "),
        # From one to another of a kind, each with its unit or its part.
        (
            "-~–—",
            rf"(?<![\d.{MONEY}])(\d+(?:\.\d+)?([A-Za-z]{{1,4}}))\s?[-~–—]\s?(?=\d+(?:\.\d+)?\2(?![A-Za-z]))",
            r"\1到",
            r"\1 to ",
        ),
        ("-~–—", r"(?<![\d/-])(\d{1,3}/\d{1,3})\s?[-~–—]\s?(?=\d{1,3}/\d{1,3}(?![\d/-]))", r"\1到", r"\1 to "),
        (
            "-–—~",
            r"(?<![A-Za-z0-9])([A-Z])\s?[-–—~]\s?([A-Z])(?=[座区栋组级班楼层排厅馆幢室门款档轮号类](?!别))",
            r"\1到\2",
            r"\1 to \2",
        ),
        (
            "—–",
            r"(?<=[一二三四五六七八九十])[—–](?=[一二三四五六七八九十]{1,3}(?:年级|[楼层月日号班级期章节环线等]))",
            "到",
            " to ",
        ),
        ("-–—~", r"([初高大小研])([一二三四五六])\s?[-–—~]\s?(?=\1[一二三四五六])", r"\1\2到", r"\1\2-"),
        ("-–—~", rf"(第\d+[{HAN}]{{0,2}})\s?[-–—~]\s?(?=第\d)", r"\1到", r"\1-"),
    ]


def counts() -> list[SignRow]:
    """More than so many, less a number, and a whole number with a part."""
    return [
        (
            "+",
            rf"(?<![\d.])(\d{{1,6}}0)\s?({mandarin_units()})\+(?=[的，。；、！,;]|$)",
            lambda m, where: f"{cardinal(m[1])}多{mandarin_unit(m[2])}",
            readings.as_written,
        ),
        ("-−", rf"(?<=[{HAN}])[-−](?=\d{{1,2}}价)", "负", "-"),
        ("-", r"-满减(?=\s?[\d一二三四五六七八九十百千万])", "减", "-"),
        ("+", rf"(?<![\d.{MONEY}])([1-9])\+(年|周|天|岁|小时|分钟)(?![{HAN}]{{0,1}}\d)", r"\1\2多", r"\1+\2"),
        ("+", r"(?<![\d.])([1-9])\+个月", r"\1个多月", readings.as_written),
        (
            "+",
            r"(?<![\d.A-Za-z])(\d{1,5}0)\s?h\+(?![\d(])",
            lambda m, where: f"{cardinal(m[1])}多小时",
            r"\1+ hours",
        ),
        # More than so many; the letter of a quantity less a number: n-1.
        (
            "Ww",
            r"(\d)(?:w(?![A-Za-z0-9])|W(?=\+?\s?(?:阅读|播放|点赞|粉丝|用户|人|次|浏览|关注|收藏|下载|元|块|\+)))",
            r"\1万",
            r"\1W",
        ),
        ("+", r"(?<![\d.])(\d+)([万亿])\+", readings.more, r"\1\2+"),
        ("+", r"(\d\.\d+[万亿])\+", r"\1多", r"\1+"),
        ("+", r"(?:(?<=\d%)|(?<=\d[岁年天])|(?<=\d小时))\+(?!\s?[\d(])", "以上", "+"),
        (
            "+",
            rf"((?:[{HAN}]|[A-Za-z]\s)\d+(?:\.\d+)*)\+(?=[，。；、,;！)）和或及与的才]|[.。]?$)",
            readings.and_above,
            r"\1+",
        ),
        ("-", r"(?<![A-Za-z_'’.-])((?<!\d)[b-z]|(?<=\d)[knxy])-(?=\d{1,3}(?![\dA-Za-z.-]))", r"\1减", r"\1 minus "),
        # A whole number and a part.
        ("½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", r"(?<![\d.])(\d+)\s?(?=[½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", r"\1又", r"\1"),
        ("/", r"(?<![\d/.])(\d{1,3}) (\d{1,2})/(\d{1,2})(?![\d/.])", readings.mixed_number, r"\1 \2/\3"),
        (
            "/",
            r"(?<![\d/.-])(\d{1,3})-(\d{1,2})/(2|3|4|8|16)(?![\d/.])",
            readings.mixed_number,
            readings.hyphened_number,
        ),
    ]


def scores() -> list[SignRow]:
    """Scores, shares and grades."""
    return [
        # Between two teams; shares of two.
        (
            "-–",
            rf"(?<=[{HAN}]) (\d{{1,3}})\s?[-–]\s?(\d{{1,3}}) (?=[{HAN}])",
            lambda m, where: f" {cardinal(m[1])}比{cardinal(m[2])} ",
            r" \1-\2 ",
        ),
        (
            "-–",
            r"(?<=[A-Z\d]) (\d{1,3})\s?[-–]\s?(\d{1,3}) (?=[A-Z]{2,5}(?![A-Za-z\d]))",
            lambda m, where: f" {cardinal(m[1])}比{cardinal(m[2])} ",
            r" \1-\2 ",
        ),
        (
            "-–",
            rf"(?<=[{HAN}]{{2}})(\d{{2,3}})\s?[-–]\s?(\d{{2,3}})(?=[{HAN}]{{2}})",
            readings.score_of_teams,
            readings.as_written,
        ),
        (":：", r"(?<=\d%)[:：](?=\d+(?:\.\d+)?%)", "比", " to "),
        # A mean of marks, a class of a year, a degree.
        (
            "/",
            r"(?<=GPA)([为是：:，,\s]{0,2})(\d\.\d+)/([45]\.\d+)(?!\d)",
            r"\1\2，满分\3",
            r"\1\2 out of \3",
        ),
        (
            "(（",
            r"(?<=[高初小大])([1-6一二三四五六])[(（](\d{1,2})[)）](?=班)",
            lambda m, where: (cardinal(m[1]) if m[1].isdigit() else m[1]) + cardinal(m[2]),
            readings.as_written,
        ),
        (
            "IVX",
            r"(?<![A-Za-z0-9])(I{1,3}|IV|VI{1,3}|IX)(?=[期型级类度段相章卷部](?![A-Za-z]))",
            lambda m, where: cardinal(str(numeral_value(m[1]))),
            readings.as_written,
        ),
    ]


def signed() -> list[SignRow]:
    """Numbers below or above nothing that stand behind words, capitals or brackets."""
    return [
        # Behind capitals and in marks; a grade less good.
        ("-", r"(?<=[A-Z]{2})-(?=\d+(?:\.\d+)?%)", "负", " negative "),
        (
            "-",
            rf"(?<=[{HAN}])(?<!\d[{HAN}])(?<![年月日号点分时周第到至版比])-(?=\d{{1,3}}分(?![钟之\d]))",
            "负",
            "-",
        ),
        ("-", r"(?<=[得了是考评为：])([A-D])-(?=[，。、；！,.]|$)", r"\1减", r"\1-"),
        # Before a function, a root or what has no end.
        ("-", r"(?<![\w)\]-])-(?=(?:sin|cos|tan|log|ln|√|π|∞)(?![a-z-]))", "负", "negative "),
        ("-", rf"(?<=[{HAN}])-(?=(?:sin|cos|tan|log|ln|√|π|∞)(?![a-z]))", "负", " negative "),
        ("+", r"(?<![\w)\]])\+(?=∞)", "正", "plus "),
        # A blank before a dash and none behind it: the sign of a number. A dash in GPT-4-turbo is none.
        ("-", rf"(?<=[{HAN}]) -(?=\d+(?:\.\d+)?(?![\d%‰℃°℉度.~-]))", "负", " -"),
        # Behind a word, and counted or with a fraction: 利润-1.2亿元, but 方案-2, and degrees are below zero.
        (
            "-",
            rf"(?<=[{HAN}])(?<!\d[{HAN}])(?<![年月日号点分时周第到至版])-(?=\d+(?:\.\d+)?(?:[百千万亿元%‰]|个百分点)"
            r"|\d+\.\d+(?![\d.~-]|\s?[℃°℉度摄]))",
            "负",
            "-",
        ),
        # What has risen.
        ("+", r"(?<=[比跌化动为是约幅率报年月周日天季度益])\+(?=\d+(?:\.\d+)?%)", "正", "+"),
        ("+", r"(?<=[涨升增])\+(?=\d+(?:\.\d+)?%)", "", "+"),
        ("+", r"(?<![\w)])\+(?=\d+(?:\.\d+)?\s?%)", "正", "plus "),
    ]
