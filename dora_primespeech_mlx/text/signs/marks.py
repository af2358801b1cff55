"""Marks around and between words: silent ones, references, brackets, items of a list."""

from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import HAN, SignRow
from dora_primespeech_mlx.text.tables import mapping

SIGN_NAMES = {"$": "美元符号", "&": "和号", "*": "星号", "!": "感叹号", "+": "加号", "=": "等号", "^": "尖号"}
"""What a sign that is spoken of is called, where that is not what it is called in an address."""


def references() -> list[SignRow]:
    """Where something is found: publications, places, pages, lines of a file."""
    return [
        ("#", r"(?<=\d{4})\s?#\s?(\d{1,5})(?!\d)", r"，分机\1", r", extension \1"),
        # A work of music.
        (
            "O",
            r"(?<![A-Za-z])Op\.?\s?(\d{1,3})(?:,?\s?No\.?\s?(\d{1,2}))?(?!\d)",
            lambda m, where: f"作品{m[1]}" + (f"第{m[2]}号" if m[2] else ""),
            lambda m, where: f"Op. {m[1]}" + (f", No. {m[2]}" if m[2] else ""),
        ),
        # The number of a publication; a Japanese postal code; a line and a column of a file.
        ("/", r"(?<![\d.])(10\.\d{4,9})/(?=\w)", r"\1斜杠", r"\1 slash "),
        ("〒", r"〒\s?(\d{3})(?:-?(\d{4}))?(?!\d)", readings.postal_code, readings.postal_code),
        (":", r"((?:\bdot |点)[a-z]{1,4})\s?:(\d{1,5}):(\d{1,4})(?![\w:])", r"\1，\2，\3", r"\1, \2, \3"),
        # Short forms before a number, and what stands at one.
        (".", r"(?<![A-Za-z])[Pp]{1,2}\.\s?(\d+(?:[-–]\d+)?)(?![\d.])", r"第\1页", readings.as_written),
        (".", r"(?<![A-Za-z])(Vol|Ver|Lv|Ch|Ep|Op|Pt|Sec|Chap|Eq|Nr|Art)\.(?=\d)", r"\1 ", r"\1 "),
        ("§", r"§§\s?", "第", "sections "),
        ("@", r"\s?@\s?(?=\d)", "，", " at "),
    ]


def plainer() -> list[SignRow]:
    """What is silent, and what has a plainer spelling that later rows and the rules for numbers know."""
    return [
        # A sign that only says that it is done: 收到√.
        ("√", rf"(?<=[{HAN}])√(?=\s|[，。；！,;!]|$)", "，", ", "),
        # One or both; who is not named: ××市.
        ("/", r"(?<=[和与及并])/(?=或)", "，", ""),
        ("×", rf"(?<![\dA-Za-z×])×{{2,3}}(?=[{HAN}])|(?<=[{HAN}])×{{2,3}}(?![\dA-Za-z×])", "某某", " "),
        # What someone does while speaking: (laughs) Well.
        ("(", r"(?:^|(?<=[.!?] ))\(([a-z][a-z ,'’-]{2,40})\)(?= [A-Z])", r"\1,", r"\1,"),
        (
            "(（",
            rf"^[(（](?![一二三四五六七八九十]+[)）])([{HAN}，、]{{1,14}})[)）](?=[“‘「A-Za-z{HAN}])",
            r"\1，",
            r"\1, ",
        ),
        # Where an answer found something; how a word sounds, in signs that no language here reads.
        ("†", r"【\d+[:：]?\d*†[^】]{0,40}】", " ", " "),
        (
            "əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ",
            r"/[^/\[\]\n]{0,40}[əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ][^/\[\]\n]{0,40}/|\[[^/\[\]\n]{0,40}[əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ][^/\[\]\n]{0,40}\]",
            " ",
            " ",
        ),
        # Rows of one sign are lines, signs around a word set it off, a gap to be filled in is a pause.
        ("=*#^~-", r"={4,}|\*{3,}|#{2,}|\^{3,}|~{3,}|-{4,}", " ", " "),
        ("=", r"(?<![\w=])==(?=[^\s=])([^=\n]{1,60})(?<=\S)==(?![\w=])", r" \1 ", r" \1 "),
        ("_", r"(?<!\w)__([A-Za-z]+)__(?!\w)", r" \1 ", r" \1 "),
        ("_", r"_{2,}", "，", ", "),
        ("›»", r"(?<=\S)\s[›»]\s(?=\S)", "，", ", "),
        # A number without end before its equals sign, cents of the continent (€1.299,00), money owed, 1_000, versions.
        ("….", r"(?<=\d)(?:…|\.{3})(?=\s?[=≈])", "", ""),
        (
            "€",
            r"(?<=€)(\s?\d{1,3}(?:\.\d{3})*|\s?\d+),(\d\d)(?![\d,])|(?<![\d.,])(\d{1,3}(?:\.\d{3})*|\d+),(\d\d)(?=\s?€)",
            readings.decimal_comma,
            readings.decimal_comma,
        ),
        ("-−", r"(?<![\w)\]])[-−](?=[¥￥$€£]\s?\d)", "负", readings.as_written),
        ("_", r"(?<![\w.])\d{1,3}(?:_\d{3})+(?!\w)", readings.ungrouped, readings.ungrouped),
        (
            ".",
            r"(?<=\d)-(alpha|beta|rc|dev|preview|post|canary|nightly|next)\.?(?=\d)",
            r" \1 ",
            r" \1 ",
        ),
    ]


def spoken_of() -> list[SignRow]:
    """A sign that is spoken of, and a key of a telephone."""
    return [
        (
            "#$%&*!?_+=~^",
            r"(?<=[、（(如和或：])([#$%&*!?_+=~^])(?=[、）)，。和或等])",
            lambda m, where: SIGN_NAMES.get(m[1]) or mapping("zh_address_signs.tsv")[m[1]],
            r"\1",
        ),
        (
            '"“「‘',
            r"(?<!\d)[\"“「‘]([/\\#@%_+=&~^?*-])[\"”」’]",
            lambda m, where: SIGN_NAMES.get(m[1]) or mapping("zh_address_signs.tsv")[m[1]],
            lambda m, where: f" {mapping('en_address_signs.tsv').get(m[1], 'star')} ",
        ),
        (
            "#*",
            r"(?:^|(?<=[;,，；] )|(?<=\bor )|(?<=\band ))([#*])(?= (?:to|for|key)\b)",
            r"\1",
            readings.key_of_telephone,
        ),
    ]


def brackets() -> list[SignRow]:
    """Brackets that keep a number apart from the one before them."""
    return [
        (")）", r"(?<=\d)[)）](?=[一二三四五六七八九十]{1,3}(?![)）]))", "，", ") "),
        (")）", rf"(?<=\d\d)[)）](?=\d+[{HAN}])", "，", ")"),
        ("(（", r"(?<=\d)(?:(\s?[A-Za-z%℃℉]{1,2})[(（]|（)(?=\d)", r"\1，", readings.as_written),
        (")）", rf"(?<=[{HAN}])[)）](?=\d)", "，", ")"),
        ("〕】", r"(?<=\d)[〕】](?=\d)", "，", "] "),
    ]


def lists() -> list[SignRow]:
    """Choices and items of a list in one line, and a volume of a journal with its pages."""
    return [
        # Another choice, another item in numerals of Han or of Rome, a number with a full stop.
        (".．、", r"(?<=[^\s，。,.；;：:、])\s+([B-H])[.．、]\s?(?=\S)", readings.other_choice, readings.other_choice),
        (
            "、",
            r"(?<=[^\s，。,.；;：:、])\s+([二三四五六七八九十]{1,2}|[ⅡⅢⅣⅤⅥⅦⅧⅨⅩ])、(?=\S)",
            r"，\1，",
            r", \1, ",
        ),
        (".", r"(?:^|(?<=[\s；;。]))(\d{1,2})\. (?=\d)", r"\1，", r"\1, "),
        # Items of a list in one line: （1）切块（2）焯水, ①洗净②切块.
        (")", r"(?:(?<=[;,] and )|(?<=^and ))\(([2-9]|[b-h])\)\s*(?=\S)", r"\1，", r"\1, "),
        (
            ")）",
            r"(?:^|(?<=[。；;:：，,.]\s)|(?<=[。；;:：，,]))[(（](\d{1,2}|[a-h]|[一二三四五六七八九十])[)）]\s*(?=\S)",
            r"\1，",
            r"\1, ",
        ),
        (
            "(（②③④⑤⑥⑦⑧⑨",
            rf"(?<=[{HAN}])(?:[(（](\d)[)）]|([②-⑨]))\s?(?!第)(?=[{HAN}])",
            readings.next_item,
            readings.as_written,
        ),
        (
            "".join(map(chr, range(0x2460, 0x2474))),
            r"(^(?=①[^①-⑳]*[\s；;，,、。]②)|^(?=[②-⑳])|[\s。；;:：，,、])([①-⑳])\s*(?=\S)",
            readings.circled,
            readings.circled,
        ),
        (")）", r"(^|[\s。；;:：，,])(\d{1,2}|[a-hA-H])[)）]\s*(?=\S)", readings.list_mark, readings.list_mark),
        # A volume of a journal behind its year, its number, and pages: 2019, 568: 123-130.
        (
            ":：",
            r"(?:(?<=[12]\d\d\d[,，;] )|(?<=[12]\d\d\d[,，;])|^(?=\d+\())(\d{1,4})(?:\((\d{1,4})\))?"
            r"[:：]\s?(\d{1,5})[-–](\d{1,5})(?!\d)",
            readings.pages_of_volume,
            readings.pages_of_volume,
        ),
        (
            ",",
            r"(?<=[,.;] )(\d{1,4})\((\d{1,3})\),\s(\d{1,5})[-–](\d{1,5})(?!\d)",
            readings.pages_of_volume,
            readings.pages_of_volume,
        ),
    ]
