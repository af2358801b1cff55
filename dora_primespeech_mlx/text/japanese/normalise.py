"""Written Japanese -> what Open JTalk reads: Japanese characters, letters, digits and the marks `! ? … , . -`."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.japanese.numbers import (
    KANJI_DIGITS,
    arabic,
    clock,
    date,
    digit_names,
    fraction,
    version,
    without_commas,
)
from dora_primespeech_mlx.text.rules import any_of, regex
from dora_primespeech_mlx.text.tables import currencies, mapping

NUMBER = r"\d+(?:\.\d+)?"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30ff"
HAN = "々〆\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U000323af"
WORD = f"{KANA}{HAN}A-Za-z0-9"
# Signs that compatibility normalisation would take apart, or that a rule here reads: marks, powers, Roman numbers.
KEPT = frozenset("，…‥½⅓⅔¼¾²³⁰¹⁴⁵⁶⁷⁸⁹℃℉㎡㎥～\u3000´¨゛゜\u2160-") | frozenset(map(chr, range(0x2160, 0x2180)))
SQUARES = {
    "㎡": "m²",
    "㎥": "m³",
    "㎠": "cm²",
    "㎢": "km²",
    "㎤": "cm³",
    "㈱": "株式会社",
    "㈲": "有限会社",
    "№": "No.",
    "℡": "電話",
}
MONEY = {"¥": "円", "$": "ドル", "US$": "ドル", "€": "ユーロ", "£": "ポンド", "₩": "ウォン", "HK$": "香港ドル",
         "₹": "ルピー", "₽": "ルーブル", "฿": "バーツ", "CA$": "カナダドル", "AU$": "豪ドル"}  # fmt: skip
MARKS = str.maketrans("：；:;，、。．！？⋯‥\n", ",,,,,,..!?……,")
COUNTED = (
    r"(?:[人分秒時日月年週回個本枚歳才度円倍名件点割世泊歩杯種社問行語曲話巻冊匹頭軒階%a-zA-Z℃°]"
    r"|営業|パーセント|ページ|メートル|キロ)"
)
SCORE = regex(r"(?:勝|敗|負け|破っ|下し|引き分|リード|スコア|得点|同点)")
RATIO = regex(r"(?:比|比率|割合|スコア|縦横|アスペクト|オッズ|配合)[^。！？,.!?\d]{0,4}$")
TELEPHONE = regex(r"(?:電話|番号|TEL|Tel|FAX|内線|暗証|コード|パスワード)[^\d。！？]{0,6}$")

BEYOND = {">=": "以上", "≥": "以上", "≧": "以上", "<=": "以下", "≤": "以下", "≦": "以下", ">": "超", "<": "未満"}
"""What is said behind a number that a comparison stands before, with nothing that is compared."""

# What is counted in twos or threes; 日 is にち there.
FEW = (
    "(?:[人年回十個本枚匹台点件時分秒度週泊階歳杯冊軒倍千百万億割行語曲問社校%]|[かカヶケ箇]月|[かカヶケ箇]所|か国"
    "|メートル|キロ|センチ|グラム|ページ|パーセント|km|kg|cm)"
)
NEXT_TO = ("", "いち", "に", "さん", "し", "ご", "ろく", "しち", "はち")
WEEKDAYS = {
    "月": "げつ",
    "火": "か",
    "水": "すい",
    "木": "もく",
    "金": "きん",
    "土": "ど",
    "日": "にち",
    "祝": "しゅく",
}
DAYS = "".join(WEEKDAYS)

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def spoken_japanese(text: str) -> str:
    """Normalise `text`. Numbers stay in digits where Open JTalk reads them right with the counter behind them."""
    text = _compatible(text)
    for pattern, say in _rules():
        text = pattern.sub(say, text)
    for sign, said in mapping("ja_signs.tsv").items():
        if sign in text:
            text = text.replace(sign, said)
    text = text.translate(MARKS)
    text = re.sub(r"(?<=[A-Za-z])[ \u3000]+(?=[A-Za-z])", "\u0001", text)
    text = re.sub(rf"[^{WORD}{chr(1)}\u2160-\u217f!?…,.\-]+", "", text).replace("\u0001", " ")
    text = re.sub(r"(?<![A-Za-z0-9])[-,]+(?=[-,.!?…])|(?<=[!?…,.])-+", "", text)
    return re.sub(r"[!?…,.](?:[!?…,.-])+", _strongest, text).lstrip(",-")


def _compatible(text: str) -> str:
    """Half-width kana and full-width letters, digits and signs in their usual form; circled numbers as numbers."""
    text = re.sub(r"[\uff61-\uff9f]+", lambda kana: unicodedata.normalize("NFKC", kana.group()), text)
    text = re.sub(
        r"[\u2460-\u2473](?![番のはがをとにでも〜~～])",
        lambda number: f"、{unicodedata.normalize('NFKC', number.group())},",
        text,
    )
    text = "".join(SQUARES.get(sign, sign) for sign in text)
    text = "".join(sign if sign in KEPT else unicodedata.normalize("NFKC", sign) for sign in text)
    text = unicodedata.normalize("NFC", text)
    return re.sub(r"[−‐‑]", "-", re.sub(r"[~～]", "〜", text))


def _strongest(match: re.Match[str]) -> str:
    """One mark for a run of them: the first that is more than a pause; full stops in a row trail off."""
    run = match.group()
    if run.startswith("..") or "…" in run and not re.search("[!?]", run):
        return "…"
    return next((mark for mark in run if mark in "!?.…"), ",")


@cache
def _rules() -> tuple[Rule, ...]:
    """Every reading of something written in digits or signs, in the order they have to be looked for."""
    units = any_of(mapping("ja_units.tsv"))
    money = any_of(currencies() | MONEY)
    time = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?"
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"\d{21,}", lambda match: digit_names(match.group())),
        (rf"[{KANJI_DIGITS}]*〇[{KANJI_DIGITS}]+|[一二三四五六七八九]〇+", lambda match: arabic(match.group())),
        (r"(?m)^\s*(\d{1,2})[.)]\s+", lambda match: f"{match[1]},"),
        (r"\d+(?:,\d{3})+(?!\d)", lambda match: without_commas(match.group())),
        (
            rf"(?<![A-Za-z0-9])({'|'.join(map(re.escape, mapping('ja_latin_words.tsv')))})(?![A-Za-z0-9])",
            lambda match: mapping("ja_latin_words.tsv")[match[1]],
        ),
        (r"(?i)(?<![A-Za-z])No\.?\s*(?=\d)|#(?=[A-Z]?-?\d)", lambda match: "ナンバー"),
        (r"(?<![A-Za-z])pp?\.\s?(\d+(?:[-–〜]\d+)?)", lambda match: f"{match[1]}ページ"),
        (
            r"((?:座席|席|ゲート|搭乗口)(?:番号)?[はが:]?)(\d{1,3})([A-K])(?![A-Za-z])",
            lambda match: f"{match[1]}{match[2]}の{match[3]}",
        ),
        (r"(?<=[A-Za-z])\+\+", lambda match: "プラスプラス"),
        (r"(?<=[A-Z])#", lambda match: "シャープ"),
        (r"#(?=\w)", lambda match: ",ハッシュタグ"),
        (r"\(([月火水木金土日])(?=[)・祝])", lambda match: f"({match[1]}曜日"),
        (rf"(?:(?<=毎週)|(?<![{HAN}\d]))(?:[{DAYS}]・)+[{DAYS}](?=曜|[^{HAN}]|$)", _weekdays),
        (
            r"(?<![\d一-鿿])([月火水木金土日])〜([月火水木金土日])(?![一-鿿])",
            lambda match: f"{match[1]}曜から{match[2]}曜",
        ),
        (
            r"(?<!\d)((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2([12]\d|3[01]|0?[1-9])(?![\d.])",
            lambda match: date(match[1], match[3], match[4]),
        ),
        (
            r"(?<![\d/])(0?[1-9]|1[0-2])/([12]\d|3[01]|0?[1-9])(?![\d/])"
            r"(?=\s*\((?:月|火|水|木|金|土|日)|(?<=\([\d/]{3})\)|(?<=\([\d/]{4})\)|(?<=\([\d/]{5})\)|(?:開催|発売|締|から開|開始|公開))",
            lambda match: f"{int(match[1])}月{int(match[2])}日",
        ),
        (
            r"(?<![\d/])(0?[1-9]|1[0-2])/(1[3-9]|2\d|3[01])(?![\d/.])(?=[にはもまか〜](?!(?:確|割)))",
            lambda match: f"{int(match[1])}月{int(match[2])}日",
        ),
        (
            rf"(?i)(?<![A-Za-z])([ap])\.?m\.?\s*{time}(?![\d:])",
            lambda match: clock(match[2], match[3], match[4], match[1]),
        ),
        (
            r"(?<![\d:])(1[0-2]|0?[1-9])\s*([AaPp])\.?[Mm](?![A-Za-z])\.?",
            lambda match: clock(match[1], "0", None, match[2]),
        ),
        (rf"(?<![\d:]){time}\s*(?:([AaPp])\.?[Mm](?![A-Za-z])\.?)?(?![\d:])", _clock),
        (r"(?<![\d:.])(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?![\d:])", lambda match: f"{match[1]}対{match[2]}"),
        (r"〒\s*(\d{3})-(\d{4})", lambda match: f"郵便番号{digit_names(match[1])}の{digit_names(match[2])}"),
        (r"(?<![\d-])(?:\+\d{1,3}-)?0\d{1,4}-\d{1,4}-\d{3,4}(?![\d-])|(?<!\d)\+\d[\d-]{6,}\d", _telephone),
        (r"(?<![\d.])0\d{8,}(?![\d.])", lambda match: digit_names(match.group())),
        (
            r"((?:番号|コード|パスワード|内線)[はが:]?\s?[「\[(]?)(\d{3,}(?:-\d{2,})*)(?!\d|[.,-]\d)",
            lambda match: match[1] + ",".join(map(digit_names, match[2].split("-"))),
        ),
        (r"(?<![\d.-])(\d{1,4})-(\d{1,4})-(\d{1,4})(?![\d.-])", lambda match: f"{match[1]}の{match[2]}の{match[3]}"),
        (rf"({money})\s?({NUMBER})([万億兆千百]*)(K|M|B)?(?![A-Za-z])", _money),
        (rf"({NUMBER}[万億兆千百]*)\s?({money})", lambda match: match[1] + _currency(match[2])),
        (r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: version(match[1])),
        (
            rf"([{KANJI_DIGITS[1:9]}]|(?<![\d.])(?<!\d,)[1-8])[、，,]?\s?([{KANJI_DIGITS[2:]}]|[2-9]0{{,3}})(日|(?={FEW}))",
            _one_or_the_next,
        ),
        (
            r"(?<=率)(?:は|が)?(?:0|〇)?\.(\d)(\d)(\d)(?!\d)",
            lambda match: f"は{match[1]}割{match[2]}分{match[3]}厘",
        ),
        (r"(?<![A-Za-z\d.])\.(?=\d)", lambda match: "0."),
        (r"(?<![\d./])(\d+)\s+(\d+)/(\d+)(?![\d/])", lambda match: f"{match[1]}と{fraction(match[2], match[3])}"),
        (rf"(?<=[\dA-Za-z)])\^([-−]?{NUMBER}|[a-zA-Z](?![A-Za-z]))", _power),
        (rf"(?<=時速)({NUMBER})\s?km/h(?![A-Za-z0-9])", lambda match: f"{match[1]}km"),
        (rf"(?<=秒速)({NUMBER})\s?m/s(?![A-Za-z0-9²])", lambda match: f"{match[1]}メートル"),
        (rf"(?<=[\d万億兆乗])\s?({units})(?![A-Za-z0-9²³])", lambda match: mapping("ja_units.tsv")[match[1]]),
        (r"(?<=血圧[はが:])(\d{2,3})/(\d{2,3})|(\d{2,3})/(\d{2,3})(?=\s?mmHg)", _pressure),
        (r"(?<=\d)\s+(?=[a-zA-Z]{1,3}(?![A-Za-z]))", lambda match: ""),
        (r"(?<=\d)\s+(?=\d)", lambda match: "、"),
        (r"(?<=[\w²³)])\s-\s(?=[\dA-Za-z(])", lambda match: "マイナス"),
        (r"(?<=[時分])\s*-\s*(?=\d{1,2}時)", lambda match: "から"),
        (rf"(?<=[{HAN}A-Za-z])〜(?=約?\d)", lambda match: "から"),
        (r"(?<=[\d%月火水木金土日時分年)])\s*[〜–—]\s*(?=[\d月火水木金土日午-])", lambda match: "から"),
        (r"(?<![A-Za-z])([A-Za-z])\s*[〜–—]\s*(?=[A-Za-z](?![A-Za-z]))", lambda match: f"{match[1]}から"),
        (rf"(?<=[{HAN}])〜(?=[{HAN}])", lambda match: "から"),
        (r"(?<=\d)\s*[-–]\s*(?=\d+\s*=)", lambda match: "ひく"),
        (rf"(?<![\d.-])({NUMBER})[-–]({NUMBER})(?![\d.-])", _between),
        (
            rf"(?<![\w.)])-(?={NUMBER})|(?<=[はがをにで度温=])-(?={NUMBER})|(?<=[{HAN}])-(?={NUMBER}\s?[%℃度ポ])"
            rf"|[△▲](?={NUMBER}\s?(?:%|[千万億兆]|円|ポイント))|(?<=UTC|GMT)-(?=\d)",
            lambda match: "マイナス",
        ),
        (r"(?<=\d)\s*/\s*(?=\d+\s*=)", lambda match: "わる"),
        (r"(?<![\d./])(\d+)/(\d+)(?![\d/])", lambda match: fraction(match[1], match[2])),
        (r"(?<=[\w)])\s*\+\s*(?=[\w(])|\+(?=\d)", lambda match: "プラス"),
        (r"(?<=[\w)²³])\s*(?:!==?|≠)\s*(?=[\w(-])", lambda match: "ノットイコール"),
        (
            rf"(?<![\w)²³])(>=|<=|[≥≧≤≦<>])\s*({NUMBER}(?:[%人円個回点度年日分秒時]|パーセント)?)",
            lambda match: match[2] + BEYOND[match[1]],
        ),
        (r"(?<=[\w)²³])\s*[≥≧]\s*(?=[\d(])|(?<=[A-Za-z0-9)])\s*>=\s*(?=[\w(])", lambda match: "大なりイコール"),
        (r"(?<=[\w)²³])\s*[≤≦]\s*(?=[\d(])|(?<=[A-Za-z0-9)])\s*<=\s*(?=[\w(])", lambda match: "小なりイコール"),
        (
            rf"(?<=[\dA-Za-z)²³])\s*==?\s*(?=[\dA-Za-z(\-マ])|(?<=[{HAN}{KANA}\d])\s*=\s*(?={money}|[\d-])",
            lambda match: "イコール",
        ),
        (
            r"(?<=[\d円個本枚人回台点度mgl%)])\s*[×xX*]\s*(?=[\d(])|(?<=[\dA-Za-z])\s*×\s*(?=[\dA-Za-z])",
            lambda match: "かける",
        ),
        (r"(?<![A-Za-z])([a-z])\s?-\s?(?=[a-z](?![A-Za-z]))", lambda match: f"{match[1]}マイナス"),
        (rf"(?<=[\w²³)])\s*÷\s*(?=[\d({HAN}{KANA}])", lambda match: "わる"),
        (rf"(?<=[{HAN}{KANA}])×(?=[{HAN}{KANA}\d])", _product_of_words),
        (r"(?<=[A-Za-z)])\s*>\s*(?=[\w(\-])|(?<=[\w%])\s*>\s*(?=[\d\-マ])", lambda match: "大なり"),
        (r"(?<=[A-Za-z)])\s*<\s*(?=[\w(\-])|(?<=[\w%])\s*<\s*(?=[\d\-マ])", lambda match: "小なり"),
        (r"(?<=[円回件])/(?=[月日年週])|(?<=[回拍歩円])/(?=[分秒時])", lambda match: "毎"),
        (r"(?<=\d[個本枚台人杯錠匹通歩点])/([日月年週分秒])", _each),
        (r"(?<=[円回件本個])/([人個本回件台枚])", lambda match: f"、1{match[1]}あたり"),
        (r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])", lambda match: "ドット"),
        (r"(?<=[A-Za-z0-9])²", lambda match: "の二乗"),
        (r"(?<=[A-Za-z0-9])³", lambda match: "の三乗"),
        (r"×(?=[\s、。,.!?」]|$)", lambda match: "バツ"),
        (r"[)）](?=(?:[はがをにのともへや]|で(?!き)|から|まで|より|など)(?![ぁ-ん]?[)）]))", lambda match: ""),
        (r"[(（\[【〔〈《)）\]】〕〉》\u3000／/→⇒|]+|」「|』『|[―—–─]{2,}", lambda match: ","),
        (rf"(?<=[{KANA}A-Za-z])-(?=[{KANA}A-Za-z])|(?<=[{KANA}A-Z])-(?=\d)", lambda match: ""),
        (r"(?<![\d.])0(?=[時度](?!間))", lambda match: "レー"),
        (r"(?<=[時分])着", lambda match: "ちゃく"),
        (r"(?<=[たねよなすだるいんかさ!?…])[wW]+(?=[\s。、,.!?」)]|$)", lambda match: ""),
    ]
    return tuple((re.compile(pattern), say) for pattern, say in rules)


def _clock(match: re.Match[str]) -> str:
    if RATIO.search(match.string[: match.start()][-10:]):
        return f"{int(match[1])}対{int(match[2])}"
    return clock(match[1], match[2], match[3], match[4])


def _telephone(match: re.Match[str]) -> str:
    return ",".join(digit_names(part) for part in match.group().split("-"))


def _currency(sign: str) -> str:
    return MONEY.get(sign, currencies().get(sign, ("",))[0])


def _money(match: re.Match[str]) -> str:
    scale = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}.get(match[4] or "")
    amount = f"{round(float(match[2]) * scale)}" if scale else match[2] + match[3]
    return amount + _currency(match[1])


def _power(match: re.Match[str]) -> str:
    return f"の{match[1].replace('-', 'マイナス').replace('−', 'マイナス')}乗"


def _pressure(match: re.Match[str]) -> str:
    """Blood pressure: the upper and the lower value."""
    return f"{match[1] or match[3]}の{match[2] or match[4]}"


def _product_of_words(match: re.Match[str]) -> str:
    """The sign between two words, where something is calculated: 底辺×高さ÷2."""
    return "かける" if re.search(r"[=÷\d]|わる|イコール", match.string) else match.group()


def _weekdays(match: re.Match[str]) -> str:
    """Days of the week in a row by their short names: 月・水・金 is げつ、すい、きん."""
    *days, last = match.group().split("・")
    is_whole = match.string[match.end() :].startswith("曜")
    return "、".join([*(WEEKDAYS[day] for day in days), last if is_whole else WEEKDAYS[last]])


def _each(match: re.Match[str]) -> str:
    return f"、1{'か月' if match[1] == '月' else match[1] + '間' if match[1] in '年週' else match[1]}あたり"


def _one_or_the_next(match: re.Match[str]) -> str:
    """Two numbers in a row for about so many: 2、3日 and 二三日 are にさん日; other pairs stay as they are."""
    first, second = (arabic(digit) if digit in KANJI_DIGITS else digit for digit in (match[1], match[2]))
    if int(second[0]) != int(first) + 1:
        return match.group()
    # Without a comma between them, digits are one number: 23日.
    is_number = match[1].isascii() and not re.search("[、，,]", match.group())
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    if is_number or before and before in f"{KANJI_DIGITS}十百千万0123456789.":
        return match.group()
    is_many = len(second) > 1 or after and after in "十百千"
    return NEXT_TO[int(first)] + ("、" if is_many else "") + second + ("にち" if match[3] else "")


def _between(match: re.Match[str]) -> str:
    """What the hyphen between two numbers says: a score, a range, or a place in a plan."""
    before, after = match.string[: match.start()][-10:], match.string[match.end() :][:8]
    if TELEPHONE.search(before):
        return f"{digit_names(match[1])}の{digit_names(match[2])}"
    if SCORE.search(before) or SCORE.search(after):
        return f"{match[1]}対{match[2]}"
    return f"{match[1]}{'から' if re.match(COUNTED, after) else 'の'}{match[2]}"
