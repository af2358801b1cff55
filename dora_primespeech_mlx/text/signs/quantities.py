"""Quantities: times, units, so much for each, money, angles."""

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import HAN, MONEY, SignRow
from dora_primespeech_mlx.text.tables import currencies as money_signs
from dora_primespeech_mlx.text.units import EACH, mandarin_unit, mandarin_units


def moments() -> list[SignRow]:
    """Moments, and minutes of a match: first, since they hold signs of all other subjects."""
    return [
        # Years of one century, a day of the week behind a date, days with dots behind the first: 2024.5.3→6.2.
        ("/", r"(?<![\d/])((?:19|20)\d\d)((?:/\d\d){3,})(?![\d/])", readings.years_in_a_row, readings.years_in_a_row),
        ("(（", r"(?<=\d)[(（]([一二三四五六日])[)）](?!班)", r"，周\1", readings.as_written),
        (
            "/",
            r"(?<![\d/.])(1[0-2]|0?[1-9])/([12]\d|3[01]|0?[1-9])(?=，周[一二三四五六日])",
            r"\1月\2日",
            readings.as_written,
        ),
        (
            "→",
            rf"(?<=→)(1[0-2]|[1-9])\.([12]\d|3[01]|[1-9])(?=[{HAN}])",
            readings.day_behind_arrow,
            readings.as_written,
        ),
        # A day of a journey before its places.
        ("→-", rf"^(D\d{{1,2}}) (?=[{HAN}])", r"\1，", readings.as_written),
        # Days with dots, behind a word that announces them: 行程：6.1-6.3.
        (
            ".",
            r"((?:行程|日期|时间|档期|活动|假期|排期|旅行|请假|出行)[是为：:]?\s?)(1[0-2]|[1-9])\.([12]\d|3[01]|0?[1-9])\s?[-~–—至到]\s?"
            r"(1[0-2]|[1-9])\.([12]\d|3[01]|0?[1-9])(?!\s?(?:[\d.%]|[个小天周年元万亿分秒次倍米hmgk]))",
            readings.days_with_dots,
            readings.as_written,
        ),
        # A moment as programs write it, its zone, and a clock behind another.
        (
            "T",
            r"((?:19|20)\d\d-\d\d-\d\d)T(\d\d:\d\d)(?::00(?:\.0+)?|(:\d\d)(?:\.\d+)?)?(?:(Z|[+-]00:?00)|([-+−])(0\d|1[0-4]):?([0-5]\d))?(?![\d:])",
            readings.moment,
            readings.moment,
        ),
        ("+-−", r"(?<=\d:\d\d:\d\d)\s?([-+−])(0\d|1[0-4]):?([0-5]\d)(?![\d:])", readings.offset, readings.offset),
        ("-−–", r"(UTC|GMT)\s?[-−–]\s?(?=\d)", r"\1减", readings.as_written),
        # Minutes of a match or of a rest.
        (
            "'′",
            rf"(?<![\d.'′])(\d{{1,3}}(?:\+\d)?)['′](?=[）)，。、；：]|$|[{HAN}])",
            readings.minutes,
            readings.as_written,
        ),
    ]


def times() -> list[SignRow]:
    """Hours of the day, and how long something lasts."""
    return [
        # How long something took, behind the name of a record.
        (
            ":：",
            r"((?<![A-Za-z])(?:PB|PR|SB|WR)[是为：:\s]{0,2})(\d{1,2})[:：]([0-5]\d)[:：]([0-5]\d)(?![\d:])",
            r"\1\2小时\3分\4秒",
            readings.as_written,
        ),
        # Feet and inches, of one side before another and of ten feet and more.
        (
            "'’′",
            r"(?<![\d.'’′])(\d{1,3})['’′]\s?(\d{1,2})(?:[\"″”]|'')\s?[x×]\s?(?=\d{1,3}['’′])",
            r"\1英尺\2英寸乘",
            r"\1 foot \2 by ",
        ),
        (
            "'’′",
            r"(?<![\d.'’′])(?<!°)(?<!° )(\d\d)['’′]\s?(\d{1,2})(?:[\"″”]|'')(?!\d)",
            readings.as_written,
            r"\1 foot \2",
        ),
        # An hour of half a day; a height, seconds of a lap, a pace.
        (
            "AaPp",
            r"(?<![\d:.])(\d{1,2})((?::[0-5]\d)?)\s?([AaPp])\.?[Mm](?![A-Za-z])\.?",
            readings.half_of_day,
            readings.as_written,
        ),
        ("m", r"(?<![A-Za-z0-9.])(\d)m(\d\d)(?![\d:A-Za-z])", r"\1米\2", r"\1m\2"),
        ('"″', r"(?<![\d.'′’])(\d{1,2})[\"″](\d{1,2})(?![\d.\"″])", r"\1秒\2", readings.as_written),
        ("'′’", r"(?<![\d.])(\d{1,2})['′’]([0-5]\d)(?:[\"″”]|['′’]{2})(/km|/公里)?", readings.pace, readings.pace),
        # How long something lasts.
        (
            "hm",
            r"(?<![A-Za-z0-9.])0?(\d{1,3})\s?h\s?0?(\d{1,2})\s?m(?:in)?\s?0?(\d{1,2})\s?s(?:ec)?(?![A-Za-z])",
            r"\1小时\2分\3秒",
            r"\1 hours, \2 minutes and \3 seconds",
        ),
        (
            "hm",
            r"(?<![A-Za-z0-9.])(\d{1,3})\s?(h|min|m)\s?(\d{1,2})\s?(min|m|s|sec|分钟?|秒)(?![A-Za-z])",
            readings.lasting,
            readings.lasting,
        ),
    ]


def shares() -> list[SignRow]:
    """What a slash between quantities is: sizes beside one another, a quotient, so much for each."""
    return [
        # Two limits of speed, two prices.
        (
            "/",
            r"(?<![\d./])(\d{2,5})/(?=\d{2,5}元(?!/))|(?<=限速)(\d{2,3})/(\d{2,3})(?![\d/])",
            lambda m, where: f"{cardinal(m[1] or m[2])}，{cardinal(m[3]) if m[3] else ''}",
            readings.as_written,
        ),
        ("q", r"(?<![A-Za-z])q(\d{1,2})h(?![A-Za-z0-9])", r"每\1小时", readings.as_written),
        ("/", r"(\d,\d{3})/(?=\d{1,3},\d{3})", r"\1，", r"\1, "),
        ("/", rf"(?<=[元{HAN}])/(?=[≈~约]\d)", "，", ", "),
        ("/", rf"(?<=元)/(?=[{HAN}]{{1,2}}\d)", "，", "/"),
        # The sizes of clothes: 165/88A.
        (
            "/",
            r"(?<![\d/])(1[4-9]\d)/(\d{2,3})([ABCY])(?![A-Za-z])",
            lambda m, where: f"{digits(m[1])}，{digits(m[2])}{m[3]}",
            r"\1, \2\3",
        ),
        (
            "×xX*",
            rf"(\d\s?(?:{mandarin_units()}))\s?[×xX*]\s?(?=\d+\s?[{HAN}])",
            r"\1乘",
            readings.as_written,
        ),
        ("/", r"(\d\s?V)/(?=\d+(?:\.\d+)?\s?A(?![A-Za-z]))", r"\1，", r"\1, "),
        ("/", r"(\d\s?k?Hz)/(?=\d+[- ]?(?:bit|位))", r"\1，", r"\1, "),
        ("/", r"(?<=[A-Z]{2})/(?=\d+[ -]?(?:yrs?|mos?|years?|months?|days?)\b)", "，", ", "),
        ("/", r"(\d\s?(?:℃|℉|°[CF]?))\s?/\s?(?=-?\d+(?:\.\d+)?\s?[℃℉°])", r"\1，", r"\1, "),
        ("/", r"(?<=/min)/(?=1\.73\s?m)", "每", " per "),
        # So much for each; one quantity divided by another, in an equation: 12 V / 0.5 A = 24 Ω.
        ("/", rf"(\d\s?[%‰])/(?=(?:{EACH})(?:的|(?![{HAN}])))", r"\1每", r"\1/"),
        (
            "/",
            r"(?<=\d)(\s{0,2}[A-Za-zμΩ°℃²³]{1,5})(\s?/\s?)(\d[\d.]*)\s{0,2}([A-Za-zμΩ°℃²³]{1,5})(?![A-Za-z/])",
            readings.quotient,
            readings.quotient,
        ),
        # Several sizes, of which none is of another, and money for so many.
        (
            "/",
            r"(?<![\d/.])(\d{2,4})/(?=\d{2,4}\s?(?:km|mm|cm|nm|W|Wh|mAh|Hz|V)(?![A-Za-z/²]|\s?Hg))",
            lambda m, where: f"{cardinal(m[1])}，",
            r"\1, ",
        ),
        (
            "/",
            rf"([{MONEY}]\s?\d[\d.]*)\s?/\s?M(?!\w)",
            r"\1每百万",
            r"\1 per million ",
        ),
        ("/", r"(?<=[a-z]{3})/(?=\d+\s?(?:h|hrs?|hours|days?|min)(?![A-Za-z]))", "每", " per "),
        ("/", r"(\d\s?[KMGT]i?B)/(?=\d)", r"\1，", r"\1, "),
        ("/", r"(?<![\d/.])(?!1/)(\d{1,4})/(?=\d{1,4}\s?[KMGT]i?B(?![A-Za-z]))", r"\1，", r"\1, "),
        (
            "/",
            rf"(?<=[⁰¹²³⁴-⁹])/({mandarin_units()})(?![A-Za-z0-9])",
            lambda m, where: "每" + mandarin_unit(m[1]),
            r"/\1",
        ),
        ("/", r"(?<=\d)(\s?c?m)/(?=\d{2,3}(?:\.\d)?\s?kg)", r"\1，", r"\1, "),
        ("/", rf"(\d\s?(?:{mandarin_units()}))/(?=\d+\s?(?:{mandarin_units()})(?![A-Za-z]))", r"\1每", r"\1 per "),
        ("每", rf"每\s?({mandarin_units()})(?![A-Za-z0-9])", lambda m, where: "每" + mandarin_unit(m[1]), r"每\1"),
    ]


def currencies() -> list[SignRow]:
    """Codes of currencies: one before its amount (CNY 200), and a pair of them."""
    codes = "|".join(sign for sign in money_signs() if sign.isalpha())
    return [
        (
            "YDRPBFK",
            rf"(?<![A-Za-z])({codes})\s?(\d[\d,]*(?:\.\d+)?[万亿]?)(?![\d.%])",
            readings.in_currency,
            readings.in_currency,
        ),
        ("/", rf"(?<![A-Za-z])({codes}|BTC|ETH)/(?=(?:{codes}|USDT)(?![A-Za-z]))", r"\1 ", r"\1 "),
    ]


def units() -> list[SignRow]:
    """Letters behind a number that are a unit."""
    return [
        # Hundredths of a percent; a size times another; days.
        ("-", r"(?<=[A-Z]{2})\s?-\s?(?=\d+(?:\.\d+)?\s?(?:[Bb][Pp][Ss]?|个基点)(?![A-Za-z]))", "减", " minus "),
        (
            "×xX*",
            r"(?<=\d[gmLlsVAWhNJ])\s?[×xX*]\s?(?=\d)(?!\d+\s?(?:days?|d|weeks?|wks?|months?|doses?|nights?|[天周日晚次])\b)",
            "乘",
            " times ",
        ),
        ("d", r"(?<=\d)d(?![A-Za-z0-9]|打印|动画|模型|建模|效果|图)", "天", "d"),
        (
            "-",
            r"(?<=%)\s?-\s?(?=\d+(?:\.\d+)?\s?(?:[Bb][Pp][Ss]?|个基点)(?![A-Za-z]))",
            "减",
            " minus ",
        ),
        # Behind more than so many or tens of thousands; as those of the sun or the earth; what physics measures.
        ("余多", rf"(?<=\d[余多])\s?({mandarin_units()})(?![A-Za-z0-9])", lambda m, where: mandarin_unit(m[1]), r"\1"),
        (
            "万亿",
            rf"(?:(?<=\d[万亿])|(?<=\d万亿))\s?({mandarin_units()})(?![A-Za-z0-9²³])",
            lambda m, where: mandarin_unit(m[1]),
            r"\1",
        ),
        (
            "⊕☉⊙",
            r"(?<=\d)(\s?)(?:[MRL])([⊕☉⊙])",
            lambda m, where: (
                "倍" + {"⊕": "地球", "☉": "太阳", "⊙": "太阳"}[m[2]] + readings.OF_STARS[m.group().strip()[0]][0]
            ),
            lambda m, where: f" {'Earth' if m[2] == '⊕' else 'solar'} {readings.OF_STARS[m.group().strip()[0]][1]} ",
        ),
        ("JNK", r"(?<=\d)\s?([JNK])(?![A-Za-z0-9])", readings.physical, readings.physical),
        ("(（", rf"(?<=[{HAN}])[(（]({mandarin_units()})[)）]", readings.unit_in_brackets, r"(\1)"),
    ]


def each() -> list[SignRow]:
    """So much for each, behind amounts and units in words."""
    return [
        # So much for each: 50元/kg, 20MB/秒, $2/1M tokens.
        ("/", rf"(?<=\d[瓶盒片罐袋包支粒件个箱张条块双套台])/(?=[{HAN}](?![{HAN}]))", "每", "/"),
        (
            "/",
            r"(?<=\d)(\s?)([A-Za-zμ]+/[A-Za-z]+)/([A-Za-z]{1,4})(?![A-Za-z/])",
            readings.per_third,
            readings.per_third,
        ),
        ("/", rf"(\d\s?(?:{mandarin_units()}))/d(?![A-Za-z0-9])", r"\1每天", r"\1 per day "),
        ("/", rf"([{MONEY}]\s?\d[\d.,]*)\s?/\s?(?=\d+\s?[A-Za-z百千万亿])", r"\1每", r"\1 per "),
        (
            "/",
            rf"((?:\d[{HAN}]{{1,3}}|[{MONEY}]\s?\d[\d.,]*))/({mandarin_units()})(?![A-Za-z0-9])",
            readings.per_unit,
            r"\1/\2",
        ),
        ("/", rf"(?<=\d)(\s?[A-Za-z]{{1,8}})/(?=(?:{EACH})(?![{HAN}]))", r"\1每", r"\1/"),
        (
            "/",
            r"(?<=[a-z]{3})/(s|sec|min|h)(?![A-Za-z]|\s?=)",
            lambda m, where: f"每{mandarin_unit(m[1])}",
            r"/\1",
        ),
        # What stands beside another value or word; amperes.
        ("/", r"(?<=[a-z]{3})/(?=\d+(?:\.\d+)?\s?[A-Za-z]{1,3}(?![A-Za-z]))", "，", ", "),
        ("A", r"(?<=\d)\s?A(?![A-Za-z0-9级类股]|\.[A-Z])", readings.amperes, readings.amperes),
    ]


def angles() -> list[SignRow]:
    """Degrees, minutes and inches."""
    return [
        (
            "°",
            r"(?<![\d.])(\d+(?:\.\d+)?)°\s?(?:(\d+)[′'’]\s?)?(?:(\d+(?:\.\d+)?)[″\"”])?\s?([NSEW])(?![A-Za-z])",
            readings.latitude,
            readings.as_written,
        ),
        ("°", r"(?<![\d.])(\d+)°\s?(\d+)[′'’]\s?(?:(\d+(?:\.\d+)?)[″\"”])?", readings.arc, readings.arc),
        (
            '"″',
            r"(?<![\w.'’′])(\d+(?:\.\d+)?(?:又|\s?)[½¼¾⅓⅔⅛⅜⅝⅞]|[½¼¾⅓⅔⅛⅜⅝⅞]|(?:\d+ )?\d/\d{1,2}|\d+(?:\.\d+)?)(\"|″)",
            readings.inches,
            readings.inches,
        ),
    ]
