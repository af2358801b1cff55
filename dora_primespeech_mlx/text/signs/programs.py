"""What programs, shells and sheets write."""

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import HAN, SignRow


def networks() -> list[SignRow]:
    """Networks and machines."""
    return [
        # A network and its length; a port as it is set; groups of hexadecimal digits.
        ("/", r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})/(?=\d{1,2}(?!\d))", r"\1斜杠", r"\1 slash "),
        (
            "=",
            r"(?<![A-Za-z])((?:[A-Z]+_)?PORT)\s?=\s?(\d{2,5})(?!\d)",
            lambda m, where: f"{m[1]}等于{digits(m[2]) if len(m[2]) > 2 else cardinal(m[2])}",
            readings.as_written,
        ),
        (
            ":",
            r"(?<![A-Za-z0-9:.])(?=[0-9A-Fa-f:]*\d)(?=[0-9:]*(?:::|[A-Fa-f]))(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}"
            r"(?![A-Za-z0-9:])",
            readings.groups_of_hex,
            readings.as_written,
        ),
    ]


def sheets() -> list[SignRow]:
    """Cells of a sheet: one that stays, one of another sheet, all from one to another."""
    return [
        ("$", r"\$([A-Z]{1,2})\$(\d{1,5})(?![\d.])", r"\1\2", r"\1\2"),
        ("!", r"(?<=\w)!(?=[A-Z]{1,2}(?:\d|:[A-Z]))", "，", ", "),
        (":", r"(?<![A-Za-z])(?<!coli )([A-Z]{1,2}\d{1,4}):(?=[A-Z]{1,2}\d{1,4}(?![A-Za-z0-9]))", r"\1到", r"\1 to "),
    ]


def commands() -> list[SignRow]:
    """What a shell is told."""
    return [
        ("-", r"(?<![A-Za-z])(head|tail|kill) -(?=\d)", r"\1 杠", r"\1 dash "),
        (":", r"(?<=[a-z])(?<![Xx]iv):(?=\d+\.\d+(?:\.\d+)*(?![\d:]))", "，", ", "),
        # When it runs; where it writes what it has to say.
        ("*", r"(?<![\w*/,-])((?:[\d*/,-]{1,9} ){4}[\d*/,-]{1,9})(?![\w*/,-])", readings.schedule, readings.schedule),
        (">", r"(?<![A-Za-z0-9).])([12&]?)>>?\s?&([12])(?![A-Za-z0-9])", r"\1重定向到\2", r"\1 redirected to \2 "),
        (
            ">",
            r"(?<![A-Za-z0-9).])([12&])>>?(?=\s{0,2}(?:/|slash\b|斜杠|[A-Za-z_]\w*\s?(?:\.[a-z]|dot\b|点)))",
            readings.redirected,
            readings.redirected,
        ),
        # The folder where one is; what one command hands on to the next.
        (
            ".",
            r"(?<![A-Za-z])(git add|docker build|pip install(?: -e)?|git restore|find|ruff check|mypy|ls) \."
            r"(?=[\s。，,`]|$)",
            r"\1 点",
            r"\1 dot",
        ),
        (
            "|",
            r"(?<=\S) \| (?=(?:grep|awk|sed|sort|uniq|wc|head|tail|less|more|xargs|jq|tee|cut|tr|bash|sh|cat"
            r"|find|python3?|node)\b)",
            "管道",
            " pipe ",
        ),
    ]


def code() -> list[SignRow]:
    """Placeholders, kinds, divisions and shifts of programs."""
    return [
        ("~", r"(?<=[\])])\s?~\s?(?=[A-Za-z])", "到", " to "),
        ("v", r"(?<![A-Za-z])([A-Z]{3,})v(?=\d)", r"\1 v", r"\1 v"),
        # All columns of a table. <your-name> stands for a word; vector<int> names a kind. a<b and c>d is neither.
        (
            "*",
            r"(?<=SELECT )\*(?=[\s，。；,;]|$)|(?<=select )\*(?=[\s，。；,;]|$)|(?<=COUNT\()\*|(?<=count\()\*",
            " 星号 ",
            " star ",
        ),
        ("<", r"(?<=[A-Za-z])<>(?=[(\s])", " ", " "),
        ("<", rf"(?<![\w<])</?([A-Za-z{HAN}][\w .:/-]{{0,40}})>(?![A-Za-z0-9])", r" \1 ", r" \1 "),
        (
            "<",
            r"(?<=[A-Za-z])<([A-Za-z_]\w*(?:<\w+>)?(?:\s?,\s?[A-Za-z_]\w*(?:<\w+>)?)*)>(?![A-Za-z0-9_])",
            readings.generic,
            readings.generic,
        ),
        # Divisions without a rest and shifts; a colour and a length of a style sheet.
        ("/", r"(?<=[\w)]) // (?=[\w(])", "整除", " floor divided by "),
        ("<", r"(?<=[a-z0-9)]) ?<< ?(?=\d|[a-z](?![A-Za-z]))", "左移", " shifted left by "),
        (">", r"(?<=[a-z0-9)]) ?>> ?(?=\d)", "右移", " shifted right by "),
        ("/", r"(?<=\w)\s*//=\s*", "整除等于", " floor divided by equals "),
        (
            "#",
            r"#(?=[0-9A-Fa-f]*\d)([0-9A-Fa-f]{6})(?![0-9A-Za-z])",
            lambda m, where: "井号" + "".join(digits(sign) or f" {sign.upper()} " for sign in m[1]),
            readings.as_written,
        ),
        ("-", r"(?<=\d%) - (?=\d+(?:px|r?em|v[hw])\b)", "减", " minus "),
    ]


def conditions() -> list[SignRow]:
    """Operators of conditions and assignments."""
    return [
        # Two signs that are one operator; what is not so; one or another.
        ("?", r"(?<=[\w)\]'\"]) \?\? (?=[\w('\"])", "双问号", " double question mark "),
        ("-", r"(?<=\breturn )-(?=[a-z(])", "负", "negative "),
        ("&", r"\s*&&\s*", "且", " and "),
        ("|", r"\s*\|\|\s*", "或", " or "),
        (
            "!",
            rf"(?:(?<=[(=&|{HAN}])|(?<=[=,] )|(?<=\bif )|(?<=\bor )|(?<=\band )|(?<=\bwhile )|(?<=\breturn ))"
            r"!(?=[A-Za-z_(])",
            "非",
            "not ",
        ),
        ("|", r"(?<=[\w\])]) \| (?=(?:None|null|undefined|[a-z]|\d+)(?!\w))", "或", " or "),
        # A variable that changes.
        ("*", r"(?<=\w)\s*\*=\s*", "乘等于", " times equals "),
        ("-", r"(?<=\w)\s*-=\s*", "减等于", " minus equals "),
        ("/", r"(?<=\w)\s*/=\s*", "除等于", " divided by equals "),
    ]


def options() -> list[SignRow]:
    """Options of a command."""
    return [
        ("-", r"(?<![A-Za-z0-9-])--(?=[A-Za-z])", "杠杠", "dash dash "),
        (
            "-",
            r"(?<=[A-Za-z\d一二三四五六七八九零] )\s?-(?=[A-Za-z]{1,2}(?![A-Za-z0-9_'’-]))"
            r"|(?<![A-Za-z0-9-])-(?=[A-Za-z]{1,2}(?:参数|选项|标志|开关))",
            "杠",
            "dash ",
        ),
    ]


def names() -> list[SignRow]:
    """Dots and underscores within names, and full stops without a blank."""
    return [
        ("_", r"(?<![\w.])([A-Z])_([a-z]{2,4})(?=\s?(?:[=≈<>]|等于|equals))", r"\1 \2", r"\1 \2"),
        (".", r"(?<=[(（])([A-Z]{1,5}|\d{4,6})\.(?=[A-Z]{1,2}[)）])", readings.listed_share, r"\1 dot "),
        # A subscript in braces.
        ("_", r"([A-Za-z])_\{(\w{1,3})\}", lambda m, where: f"{m[1]} {m[2]}".upper(), r"\1 \2"),
        # A name that begins with a dot, a move of chess behind its number, what belongs to what.
        (".", r"(?<=[\s(\[“\"'‘`、，：；])\.(?=[a-z]|[A-Z]{2})", "点", "dot "),
        (".", rf"(?<=[{HAN}])\.(?=[a-z]{{2}}|[A-Z]{{3}})", "点", "dot "),
        (
            ".",
            r"(?<![\w.])(\s?)(\d{1,2})\.(?=[a-h][1-8](?![A-Za-z0-9])|[KQRBN][a-h][1-8])",
            lambda m, where: f"{'，' if m[1] and m.start() else m[1]}{m[2]}，",
            lambda m, where: f"{', ' if m[1] and m.start() else m[1]}{m[2]}, ",
        ),
        (".", r"(?<=[A-Za-z_)\]])\.([A-Za-z_][A-Za-z]*)", readings.dot, readings.dot),
        (".", r"(?<![\d.])(\d+)\.(?=x(?![A-Za-z0-9_]))", lambda m, where: f"{cardinal(m[1])}点", r"\1 dot "),
        # A name of several words; a colon of Chinese type between digits.
        ("_", r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "下划线", " underscore "),
        ("：", r"(?<=\d)：(?=\d)", readings.wide_colon, readings.wide_colon),
    ]
