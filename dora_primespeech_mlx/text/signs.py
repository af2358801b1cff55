"""What each sign of a text is, by its context: a range, a minus, a comparison, a step of a menu, a placeholder ...

One pass over the whole sentence, before it is split by language, while every sign is still there. A sign that a rule
reads becomes words, a pause, or the one spelling that the rules for numbers know (`3-5` for a range, `-8` for a
negative number). What no rule reads stays, and each language makes a pause of it or nothing.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from dora_primespeech_mlx.text import sign_readings as readings
from dora_primespeech_mlx.text.english import numbers as english
from dora_primespeech_mlx.text.english.identifiers import in_hundreds
from dora_primespeech_mlx.text.english.roman import numeral_value
from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.rules import Rules, regex, with_any
from dora_primespeech_mlx.text.sign_readings import HAN, MONEY
from dora_primespeech_mlx.text.tables import currencies, mapping, words
from dora_primespeech_mlx.text.units import EACH, mandarin_unit, mandarin_units

WIDE = str.maketrans(
    "＜＞＝＋％＆＊／＾｜＄＃＠～〜∼＿－﹣‐‑‒⩽⩾≦≧∶∆∕⁄∗∣µÅ₀₁₂₃₄₅₆₇₈₉₊₋",
    "<>=+%&*/^|$#@~~~_-----≤≥≤≥:Δ//*|μÅ0123456789+-",
) | {0x2474 + at: f"（{at + 1}）" for at in range(20)}
"""Signs with several forms -> the form that the rules are written for."""
KAOMOJI = regex(
    r"m[(（](?:_ ?_| ?)[)）]m|[╯╰ノヽ┻┳━︵︶ヾ٩۶¯\\/oσ三]*[(（](?=[^()（）]*[\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•ᗜᴗ˘])"
    rf"[^()（）A-Za-z0-9{HAN}α-ψ.。]{{2,14}}[)）][╯╰ノヽ┻┳━︵︶シﾉ۶٩و三✧_/¯\\~っづつง]*"
    r"|¯\\*_?\(ツ\)_?/?¯"
)
FACE = regex("[(（][^()（）]*[\\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•ᗜᴗ˘]|m[(（] ?[)）]m")
EYES = regex(r"[:;=]['’]?-?[()DPp|/\\]|</?3|\^\^|[>T;=\-^oO]_|[xX]D|\\o/|Q[Aw]Q|TwT|OwO|orz")
EMOTICON = regex(
    r"(?<![A-Za-z0-9}])(?:[:;=]['’]?-?[()DPp|](?![\w(\\{])|:-?[/\\](?=\s|$)|[>T;=\-^oO]_+[<T;=\-^oO](?!\w)|\^\^(?!\w))"
    rf"|(?<![\d,=>{HAN}])(?<!\d )(?<!\b[A-Za-z])(?<!\b[A-Za-z] )(?<!\w\))(?<!\w\) )"
    r"(?<![^\W你您们哦呀啦吧呢A-Za-z] )</?3+(?:\s*</?3+)*(?=\s*(?:$|[.,!?。！？]|[:;=]['’]?-?[()DPp|]|\^[_^]|[xX]D\b))"
    r"|(?<!\w)\\o/(?!\w)|(?<=\byou )</?3+(?!\w)|(?<=\blove )</?3+(?!\w)"
    r"|(?<![A-Za-z0-9])(?:[xX]D+(?=\s*(?:$|[^\w\s]))|Q[Aw]Q|TwT|OwO|orz)(?![A-Za-z0-9])"
)
ANY = regex(
    r"[^\w\s,，.。!！?？、:：;；'’“”()（）]|\.[A-Za-z_]|_|[\dA-Ha-h][)）]|\.\d+:\d|\d：\d|\d\. \d"
    r"|†|![A-Za-z_(]|[A-Za-z)][2-9]|[a-zHK](?:Cl|Br|OH|O|F|I|S)\b|\d[Ww万亿]|[①-⑳]|每\s?[A-Za-zμ]|\d\s?[AaPp]\.?[Mm](?![A-Za-z])"
    r"|\d\s?[AJNK](?![A-Za-z])|\d(?:h|m|min)\s?\d|[A-Z]\d{3,4}次|[一-鿿][(（][A-Za-zμ]{1,4}[)）]"
    r"|(?<!\w)[OfghP]\(|[一-鿿][)）]\d|[A-Z]{3}\s?\d|[A-Z][a-z]{1,3}\.\d|\d[a-z]?[+d]"
    r"|\d[smghltx](?![A-Za-z0-9])|KN9\d|N9\d|\s[B-H][.．、]|\d[万亿]\s?[A-Za-zμ㎡㎥]|\dm\d\d|\d[余多]\s?[A-Za-z]|(?:II|IV|VI|IX|I[期型级])|[½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]|\s[二三四五六七八九十Ⅱ-Ⅹ]{1,2}、|\d\s?[A-Za-z%℃℉]{0,2}[（(]\d"
    r"|\d['′](?![a-z])|[a-z]\s?:\d+:\d|[;,] and \(|^and \(|[Pp]\.\s?\d|\d{4}:\d"
)
"""Whether a text has anything for this pass."""
METALS = "Fe|Cu|Na|Mg|Al|Zn|Ag|Ca|Ba|Pb|Hg|Mn|Cr|Ni|Li|Si|Cl|Br|He"
"""Elements that stand alone in a reaction."""
ELEMENT = (
    "(?:He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Ag|Cd|Sn|Sb|Ba|Pt|Au|Hg|Pb|Bi"
    "|[HBCNOFPSKIUVW])"
)
CHEMICAL = (
    rf"(?:(?<![A-Za-z0-9.])|(?<=(?<![A-Za-z0-9.])[2-9]))(?=[A-Za-z0-9()]*(?:[a-z]|SO|NO|OH|PO|HI|CO))(?=[A-Za-z()]*[2-9])"
    rf"{ELEMENT}(?:\(?{ELEMENT}(?:[2-9]|1\d)?\)?(?:[2-9]|1\d)?|[2-9]|1\d){{1,8}}(?![A-Za-z0-9])"
)
"""A formula with a number, where capitals alone would be read as a word, or small letters as one."""
SIGN_NAMES = {"$": "美元符号", "&": "和号", "*": "星号", "!": "感叹号", "+": "加号", "=": "等号", "^": "尖号"}
"""What a sign that is spoken of is called, where that is not what it is called in an address."""
MODELS = "iPhone|iPad|小米|红米|荣耀|魅族|坚果|乐视|Redmi|Mate|Nova|Nexus|Find|Note"
"""Names of telephones, whose numbers a letter may follow: iPhone 6s."""
TONE = "的呀哦啊呢吧啦嘛哈哟咯噢哒喔哇呐了好嗯呵嘿"
"""Characters that `~` draws out; after any other one, `~` before a number means about."""

Placed = str | Callable[[re.Match[str], str], str]
"""What a rule says: a template, or a function of the match and the language of its place ("zh" or "en")."""


def without_faces(text: str) -> str:
    """`text` without emoticons and kaomoji, some of which have letters of other scripts."""
    if FACE.search(text):
        text = KAOMOJI.sub(" ", text)
    return EMOTICON.sub(" ", text) if EYES.search(text) else text


def speak_signs(text: str, language: str) -> str:
    """`text` with its signs in words of `language`, or of English within an English clause."""
    if not ANY.search(text):
        return text
    return _rules(language)(text)


def language_at(text: str, at: int, language: str) -> str:
    """The language that reads a sign: English within an English clause of a Mandarin text, else `language`."""
    if language != "zh" or not _has_english_clause(text):
        return language
    start = max((match.end() for match in re.finditer(f"[{HAN}]", text[max(0, at - 200) : at])), default=0)
    before = text[max(0, at - 200) + start : at]
    after = re.match(f"[^{HAN}]*", text[at : at + 200])
    found = re.findall(r"(?<![A-Za-z_])[A-Za-z]{2,}(?![A-Za-z_])", before + " " + (after.group() if after else ""))
    # The NO of a reaction is no word.
    has_words = any(word.lower() in words("en_function_words.txt") and not word.isupper() for word in found)
    return "en" if has_words and len(found) > 2 else "zh"


@lru_cache(maxsize=16)
def _has_english_clause(text: str) -> bool:
    """Whether there are English words in a row in `text`, at all."""
    return bool(re.search(r"[A-Za-z]{2}[,;:]? [A-Za-z]{2}", text))


@cache
def _rules(language: str) -> Rules:
    """What a sign is, in the order in which it has to be asked: the signs, where, in Mandarin, and in English."""
    codes = "|".join(sign for sign in currencies() if sign.isalpha())
    rows: list[tuple[str, str, Placed, Placed]] = [
        # A mark of where an answer found something.
        ("†", r"【\d+[:：]?\d*†[^】]{0,40}】", " ", " "),
        # A moment as programs write it, and a network of computers.
        (
            "T",
            r"((?:19|20)\d\d-\d\d-\d\d)T(\d\d:\d\d)(?::00(?:\.0+)?|(:\d\d)(?:\.\d+)?)?(?:(Z|[+-]00:?00)|([-+−])(0\d|1[0-4]):?([0-5]\d))?(?![\d:])",
            readings.moment,
            readings.moment,
        ),
        ("+-−", r"(?<=\d:\d\d:\d\d)\s?([-+−])(0\d|1[0-4]):?([0-5]\d)(?![\d:])", readings.offset, readings.offset),
        ("/", r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})/(?=\d{1,2}(?!\d))", r"\1斜杠", r"\1 slash "),
        # The number of a publication; a Japanese postal code; a line and a column of a file.
        ("/", r"(?<![\d.])(10\.\d{4,9})/(?=\w)", r"\1斜杠", r"\1 slash "),
        ("〒", r"〒\s?(\d{3})(?:-?(\d{4}))?(?!\d)", readings.postal_code, readings.postal_code),
        (":", r"((?:\bdot |点)[a-z]{1,4})\s?:(\d{1,5}):(\d{1,4})(?![\w:])", r"\1，\2，\3", r"\1, \2, \3"),
        # Money with a comma before its cents, as on the continent: €1.299,00.
        (
            "€",
            r"(?<=€)(\s?\d{1,3}(?:\.\d{3})*|\s?\d+),(\d\d)(?![\d,])|(?<![\d.,])(\d{1,3}(?:\.\d{3})*|\d+),(\d\d)(?=\s?€)",
            readings.decimal_comma,
            readings.decimal_comma,
        ),
        # How a word sounds, in signs that no language here reads; a number without end before what it is equal to.
        (
            "əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ",
            r"/[^/\[\]\n]{0,40}[əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ][^/\[\]\n]{0,40}/|\[[^/\[\]\n]{0,40}[əɛɪʊæɑɔθðŋʃʒˈˌːɜʌɹɒ][^/\[\]\n]{0,40}\]",
            " ",
            " ",
        ),
        ("…", r"(?<=\d)…(?=\s?[=≈])", "", ""),
        ("-−–", r"(UTC|GMT)\s?[-−–]\s?(?=\d)", r"\1减", lambda m, where: m.group()),
        (
            "=≈",
            r"(?<![A-Za-z])([A-Z])([A-Z])(?=\s?[=≈]\s?\d)",
            lambda m, where: f"{m[1]} {m[2]}",
            lambda m, where: f"{m[1]} {m[2]}",
        ),
        # A page; minutes of a match or of a rest; a share of each of two.
        (".", r"(?<![A-Za-z])[Pp]{1,2}\.\s?(\d+(?:[-–]\d+)?)(?![\d.])", r"第\1页", lambda m, where: m.group()),
        (
            "'′",
            rf"(?<![\d.'′])(\d{{1,3}}(?:\+\d)?)['′](?=[）)，。、；：]|$|[{HAN}])",
            readings.minutes,
            lambda m, where: m.group(),
        ),
        (
            "=",
            r"(?<![A-Za-z])((?:[A-Z]+_)?PORT)\s?=\s?(\d{2,5})(?!\d)",
            lambda m, where: f"{m[1]}等于{digits(m[2]) if len(m[2]) > 2 else cardinal(m[2])}",
            lambda m, where: m.group(),
        ),
        (":：", r"(?<=\d%)[:：](?=\d+(?:\.\d+)?%)", "比", " to "),
        # A colour, and money that is owed.
        (
            "#",
            r"#(?=[0-9A-Fa-f]*\d)([0-9A-Fa-f]{6})(?![0-9A-Za-z])",
            lambda m, where: "井号" + "".join(digits(sign) or f" {sign.upper()} " for sign in m[1]),
            lambda m, where: m.group(),
        ),
        ("-−", r"(?<![\w)\]])[-−](?=[¥￥$€£]\s?\d)", "负", lambda m, where: m.group()),
        # A cell of a sheet that stays, and one of another sheet; when a program runs; a length less another.
        ("$", r"\$([A-Z]{1,2})\$(\d{1,5})(?![\d.])", r"\1\2", r"\1\2"),
        ("!", r"(?<=\w)!(?=[A-Z]{1,2}(?:\d|:[A-Z]))", "，", ", "),
        ("*", r"(?<![\w*/,-])((?:[\d*/,-]{1,9} ){4}[\d*/,-]{1,9})(?![\w*/,-])", readings.schedule, readings.schedule),
        ("-", r"(?<=\d%) - (?=\d+(?:px|r?em|v[hw])\b)", "减", " minus "),
        # All columns of a table; a division without its rest.
        # A version before the one that counts; where a program writes what it has to say.
        (
            ".",
            r"(?<=\d)-(alpha|beta|rc|dev|preview|post|canary|nightly|next)\.?(?=\d)",
            r" \1 ",
            r" \1 ",
        ),
        (">", r"(?<![A-Za-z0-9).])([12&]?)>>?\s?&([12])(?![A-Za-z0-9])", r"\1重定向到\2", r"\1 redirected to \2 "),
        (
            ">",
            r"(?<![A-Za-z0-9).])([12&])>>?(?=\s{0,2}(?:/|slash\b|斜杠|[A-Za-z_]\w*\s?(?:\.[a-z]|dot\b|点)))",
            readings.redirected,
            readings.redirected,
        ),
        (
            "*",
            r"(?<=SELECT )\*(?=[\s，。；,;]|$)|(?<=select )\*(?=[\s，。；,;]|$)|(?<=COUNT\()\*|(?<=count\()\*",
            " 星号 ",
            " star ",
        ),
        ("/", r"(?<=[\w)]) // (?=[\w(])", "整除", " floor divided by "),
        (".", r"(?<![A-Za-z])(Vol|Ver|Lv|Ch|Ep|Op|Pt|Sec|Chap|Eq|Nr|Art)\.(?=\d)", r"\1 ", r"\1 "),
        ("@", r"\s?@\s?(?=\d)", "，", " at "),
        # Rows of one sign are lines; a gap to be filled in is a pause.
        ("=*#^~-", r"={4,}|\*{3,}|#{2,}|\^{3,}|~{3,}|-{4,}", " ", " "),
        ("=", r"(?<![\w=])==(?=[^\s=])([^=\n]{1,60})(?<=\S)==(?![\w=])", r" \1 ", r" \1 "),
        ("<", r"(?<=[A-Za-z])<>(?=[(\s])", " ", " "),
        ("_", r"(?<!\w)__([A-Za-z]+)__(?!\w)", r" \1 ", r" \1 "),
        ("_", r"_{2,}", "，", ", "),
        ("§", r"§§\s?", "第", "sections "),
        ("_", r"(?<![\w.])\d{1,3}(?:_\d{3})+(?!\w)", readings.ungrouped, readings.ungrouped),
        # <your-name> stands for a word; vector<int> names a kind. a<b and c>d has values outside, and is neither.
        ("<", rf"(?<![\w<])</?([A-Za-z{HAN}][\w .:/-]{{0,40}})>(?![A-Za-z0-9])", r" \1 ", r" \1 "),
        (
            "<",
            r"(?<=[A-Za-z])<([A-Za-z_]\w*(?:<\w+>)?(?:\s?,\s?[A-Za-z_]\w*(?:<\w+>)?)*)>(?![A-Za-z0-9_])",
            readings.generic,
            readings.generic,
        ),
        ("<", r"(?<=[a-z0-9)]) ?<< ?(?=\d|[a-z](?![A-Za-z]))", "左移", " shifted left by "),
        (">", r"(?<=[a-z0-9)]) ?>> ?(?=\d)", "右移", " shifted right by "),
        ("/", r"(?<=\w)\s*//=\s*", "整除等于", " floor divided by equals "),
        ("<>", r"(?<=\s)<-(?=\s)|\s*(?:<<+|>>+)\s*", "，", ", "),
        (">→⟶⇒➔➜➡►▶▸⟹↔⇔←", r"\s*(?:<?--?>|<?==?>(?!=)|[→⟶⇒➔➜➡►▶▸⟹↔⇔←]\ufe0f?)\s*", readings.to, readings.to),
        ("›»", r"(?<=\S)\s[›»]\s(?=\S)", "，", ", "),
        ("≤<", r"\s*(?:<=|=<|≤)\s*", readings.sign("≤"), readings.sign("≤")),
        ("≥>", r"\s*(?:>=|≥)\s*", readings.sign("≥"), readings.sign("≥")),
        ("≠!=<", r"\s*(?:!==?|≠|=/=|(?<=[\w\s])<>(?=[\w\s]))\s*", readings.sign("≠"), readings.sign("≠")),
        ("=", r"\s*={2,3}\s*", readings.equality, readings.equality),
        ("<", rf"\s*<\s*(?=[-+−~]?[\w{MONEY}.(\"'“√])", readings.sign("<"), readings.sign("<")),
        (">", rf"\s*>\s*(?=[-+−~]?[\w{MONEY}.(\"'“‘「【\[√])", readings.greater, readings.greater),
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
        (
            "~",
            rf"(?<![A-Za-z0-9_~%‰℃°℉{TONE}])(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})~\s?(?=[{MONEY}]?\d)",
            readings.about,
            readings.about,
        ),
        ("+", r"(?<=[\d%CF°℃℉])(\s?~\s?)\+(?=\d)", r"\1", r"\1"),
        ("~", r"(?<=[\d%CF°℃℉])\s?~\s?(?=\d)", "~", " to "),
        # Formulas of chemistry, letter by letter: Fe2O3, NaCl, SO4.
        ("△Δ", r"\s?=+\s?[△Δ]\s?=*\s?", "，加热生成", " heated gives "),
        ("23456789", CHEMICAL, readings.letters, readings.letters),
        ("NC", r"(?<=[2-9])(?:NO|CO)(?![A-Za-z0-9])", readings.letters, readings.letters),
        (
            "+→",
            rf"(?<![A-Za-z])(?:{METALS})(?=\s?(?:\+\s|→)|\s(?:solid|liquid|gas|aqueous)\b|固体|液体|气体|溶液)"
            rf"|(?:(?<=\+ )|(?<=→ ))(?:{METALS})(?![A-Za-z0-9])",
            readings.letters,
            readings.letters,
        ),
        (
            "lrOHFIS",
            r"(?<![A-Za-z0-9])(?:H|K|Na|Ca|Mg|Al|Cu|Fe|Zn|Ag|Li|Ba|Pb|Mn|Ti|Si)(?:Cl|Br|OH|O|F|I|S)(?![A-Za-z0-9])",
            readings.letters,
            readings.letters,
        ),
        # More than so many ten thousands; a whole number and a part.
        (
            "Ww",
            r"(\d)(?:w(?![A-Za-z0-9])|W(?=\+?\s?(?:阅读|播放|点赞|粉丝|用户|人|次|浏览|关注|收藏|下载|元|块|\+)))",
            r"\1万",
            r"\1W",
        ),
        ("+", r"(?<![\d.])(\d+)([万亿])\+", readings.more, r"\1\2+"),
        ("+", r"(\d\.\d+[万亿])\+", r"\1多", r"\1+"),
        ("+", r"(?:(?<=\d%)|(?<=\d[岁年天])|(?<=\d小时))\+(?!\s?[\d(])", "以上", "+"),
        ("/", rf"(\d\s?[%‰])/(?=(?:{EACH})(?:的|(?![{HAN}])))", r"\1每", r"\1/"),
        ("-", r"(?<=[A-Z]{2})-(?=\d+(?:\.\d+)?%)", "负", " negative "),
        ("-", r"(?<=[A-Z]{2})\s?-\s?(?=\d+(?:\.\d+)?\s?(?:[Bb][Pp][Ss]?|个基点)(?![A-Za-z]))", "减", " minus "),
        (
            "+",
            rf"((?:[{HAN}]|[A-Za-z]\s)\d+(?:\.\d+)*)\+(?=[，。；、,;！)）和或及与的才]|[.。]?$)",
            readings.and_above,
            r"\1+",
        ),
        (
            ":",
            r"(?<![A-Za-z0-9:.])(?=[0-9A-Fa-f:]*\d)(?=[0-9:]*(?:::|[A-Fa-f]))(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}"
            r"(?![A-Za-z0-9:])",
            readings.groups_of_hex,
            lambda m, where: m.group(),
        ),
        (
            "×xX*",
            r"(?<=\d[gmLlsVAWhNJ])\s?[×xX*]\s?(?=\d)(?!\d+\s?(?:days?|d|weeks?|wks?|months?|doses?|nights?|[天周日晚次])\b)",
            "乘",
            " times ",
        ),
        ("d", r"(?<=\d)d(?![A-Za-z0-9]|打印|动画|模型|建模|效果|图)", "天", "d"),
        ("/", r"(?<![\d/.])(\d{1,3}) (\d{1,2})/(\d{1,2})(?![\d/.])", readings.mixed_number, r"\1 \2/\3"),
        (
            "/",
            r"(?<![\d/.-])(\d{1,3})-(\d{1,2})/(2|3|4|8|16)(?![\d/.])",
            readings.mixed_number,
            readings.hyphened_number,
        ),
        # From one to another of a kind, each with its unit or its part.
        (
            "-~–—",
            rf"(?<![\d.{MONEY}])(\d+(?:\.\d+)?([A-Za-z]{{1,4}}))\s?[-~–—]\s?(?=\d+(?:\.\d+)?\2(?![A-Za-z]))",
            r"\1到",
            r"\1 to ",
        ),
        ("-~–—", r"(?<![\d/-])(\d{1,3}/\d{1,3})\s?[-~–—]\s?(?=\d{1,3}/\d{1,3}(?![\d/-]))", r"\1到", r"\1 to "),
        # One quantity divided by another, in an equation: 12 V / 0.5 A = 24 Ω.
        (
            "/",
            r"(?<=\d)(\s{0,2}[A-Za-zμΩ°℃²³]{1,5})(\s?/\s?)(\d[\d.]*)\s{0,2}([A-Za-zμΩ°℃²³]{1,5})(?![A-Za-z/])",
            readings.quotient,
            readings.quotient,
        ),
        # Several sizes, of which none is of another.
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
        (
            "AaPp",
            r"(?<![\d:.])(\d{1,2})((?::[0-5]\d)?)\s?([AaPp])\.?[Mm](?![A-Za-z])\.?",
            readings.half_of_day,
            lambda m, where: m.group(),
        ),
        # A letter behind the number of a model is no unit: iPhone 6s.
        (
            "smghlt",
            rf"((?<![A-Za-z])(?:{MODELS})\s?\d+)([smghlt])(?![A-Za-z0-9/²³])",
            lambda m, where: m[1] + m[2].upper(),
            r"\1\2",
        ),
        (
            "NA",
            r"(?<![A-Za-z0-9])(K?N(?=9\d)|AK(?=-?47))-?(\d\d)(?![\d.])",
            lambda m, where: m[1] + digits(m[2]),
            lambda m, where: m.group(),
        ),
        (".", r"(?<![A-Za-z])N[Oo]\.\s?(?=\d)", "number ", lambda m, where: m.group()),
        # Numbers of contracts, orders and parts; a speed behind a name: HT-2024-0012, DDR5-6400.
        (
            "-",
            r"(?<![A-Za-z0-9-])([A-Z]{2,}(?:-[A-Z]+)*)(-\d{2,}(?:-\d{2,})+)(?![A-Za-z0-9-])",
            readings.code,
            readings.code,
        ),
        ("-", r"(?<![A-Za-z0-9-])([A-Z]{2,}\d{1,2})(-\d{3,5})(?![A-Za-z0-9-])", readings.code, readings.code),
        # A standard and its year.
        (
            "-",
            r"(?<![A-Za-z])([A-Z]{2,5}(?:/[TZ])?)\s?(\d+(?:\.\d+)?)-((?:19|20)\d\d)(?![\d-])",
            lambda m, where: f"{m[1]} {digits(m[2], telephone=True) if m[2].isdigit() else m[2]}，{digits(m[3])}",
            r"\1 \2, \3",
        ),
        (
            ":",
            r"(?<![A-Za-z])((?:ISO|IEC|IEEE|ANSI|EN)(?:/[A-Z]{2,4})?)\s?(\d{3,5}):((?:19|20)\d\d)(?![\d:])",
            lambda m, where: f"{m[1]} {digits(m[2], telephone=True)}，{digits(m[3])}",
            r"\1 \2, \3",
        ),
        # A sign that is spoken of.
        (
            "#$%&*!?_+=~^",
            r"(?<=[、（(如和或：])([#$%&*!?_+=~^])(?=[、）)，。和或等])",
            lambda m, where: (SIGN_NAMES.get(m[1]) or mapping("zh_address_signs.tsv")[m[1]]) if where == "zh" else m[1],
            r"\1",
        ),
        # A height, a score between two teams, and a number in brackets behind another.
        ("m", r"(?<![A-Za-z0-9.])(\d)m(\d\d)(?![\d:A-Za-z])", r"\1米\2", r"\1m\2"),
        (
            "-–",
            rf"(?<=[{HAN}]) (\d{{1,3}})\s?[-–]\s?(\d{{1,3}}) (?=[{HAN}])",
            lambda m, where: f" {cardinal(m[1])}比{cardinal(m[2])} ",
            r" \1-\2 ",
        ),
        (
            "(（",
            r"(?<=[高初小大])([1-6一二三四五六])[(（](\d{1,2})[)）](?=班)",
            lambda m, where: (cardinal(m[1]) if m[1].isdigit() else m[1]) + cardinal(m[2]),
            lambda m, where: m.group(),
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
            lambda m, where: m.group(),
        ),
        ("余多", rf"(?<=\d[余多])\s?({mandarin_units()})(?![A-Za-z0-9])", lambda m, where: mandarin_unit(m[1]), r"\1"),
        ("(（", r"(?<=\d)(?:(\s?[A-Za-z%℃℉]{1,2})[(（]|（)(?=\d)", r"\1，", lambda m, where: m.group()),
        ("·•⋅", r"(?<=[A-Za-z\d)])\s?[·•⋅]\s?(?=\d{0,2}H2O)", "，", " dot "),
        # Many pieces, each with many of it; so many ten thousands of a unit.
        ("/", rf"(?<=\d[瓶盒片罐袋包支粒件个箱张条块双套台])/(?=[{HAN}](?![{HAN}]))", "每", "/"),
        (
            "万亿",
            rf"(?<=\d[万亿])\s?({mandarin_units()})(?![A-Za-z0-9²³])",
            lambda m, where: mandarin_unit(m[1]),
            r"\1",
        ),
        (
            "-",
            r"(?<=[A-Za-z]\d)-(\d{4,5})(?=[A-Z]{0,2}(?![A-Za-z0-9-]))",
            lambda m, where: f"，{digits(m[1])}",
            r"-\1",
        ),
        # The letter of a quantity less a number: n-1.
        ("-", r"(?<![A-Za-z_'’.-])((?<!\d)[b-z]|(?<=\d)[knxy])-(?=\d{1,3}(?![\dA-Za-z.-]))", r"\1减", r"\1 minus "),
        (".．、", r"(?<=[^\s，。,.；;：:、])\s+([B-H])[.．、]\s?(?=\S)", readings.other_choice, readings.other_choice),
        (
            "、",
            r"(?<=[^\s，。,.；;：:、])\s+([二三四五六七八九十]{1,2}|[ⅡⅢⅣⅤⅥⅦⅧⅨⅩ])、(?=\S)",
            r"，\1，",
            r", \1, ",
        ),
        (
            "-",
            r"(?<=%)\s?-\s?(?=\d+(?:\.\d+)?\s?(?:[Bb][Pp][Ss]?|个基点)(?![A-Za-z]))",
            "减",
            " minus ",
        ),
        ('"″', r"(?<![\d.'′’])(\d{1,2})[\"″](\d{1,2})(?![\d.\"″])", r"\1秒\2", lambda m, where: m.group()),
        (
            ":",
            r"(?<![\d:.])(\d{4,5}):(\d{2,5})(?![\d:]|\.\d)",
            lambda m, where: f"{digits(m[1])}冒号{digits(m[2]) if len(m[2]) > 2 else cardinal(m[2])}",
            lambda m, where: m.group(),
        ),
        ("'′’", r"(?<![\d.])(\d{1,2})['′’]([0-5]\d)(?:[\"″”]|['′’]{2})(/km|/公里)?", readings.pace, readings.pace),
        # A size in the name of a model: Llama-3.1-8B.
        (
            "-",
            r"(?<=[A-Za-z])(-?\d+(?:\.\d+)?)-(?=\d{1,3}(?:\.\d+)?[BbMKk](?![A-Za-z0-9]))",
            r"\1，",
            r"\1, ",
        ),
        # The sizes of a tyre, a kind of oil, a multiple.
        (
            "R",
            r"(?<![\d/])(\d{3})/(\d\d)\s?(Z?R)(\d\d)(?!\d)",
            lambda m, where: f"{digits(m[1])}，{digits(m[2])}，{m[3]}{cardinal(m[4])}",
            lambda m, where: f"{in_hundreds(m[1])} {m[2]} {m[3]} {m[4]}",
        ),
        (
            "W",
            r"(?<![A-Za-z0-9])(\d{1,2})W-(\d{1,2})(?!\d|\.\d|[A-Za-z])",
            lambda m, where: f"{cardinal(m[1])}W{cardinal(m[2])}",
            lambda m, where: f"{english.cardinal(m[1])} W {english.cardinal(m[2])}",
        ),
        (
            "x",
            r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)x(?=[，。；、,;）)]|\.?$)",
            readings.multiple,
            lambda m, where: m.group(),
        ),
        (
            "/",
            r"(?<=GPA)([为是：:，,\s]{0,2})(\d\.\d+)/([45]\.\d+)(?!\d)",
            r"\1\2，满分\3",
            r"\1\2 out of \3",
        ),
        (
            "IVX",
            r"(?<![A-Za-z0-9])(I{1,3}|IV|VI{1,3}|IX)(?=[期型级类度段相章卷部](?![A-Za-z]))",
            lambda m, where: cardinal(str(numeral_value(m[1]))) if where == "zh" else m.group(),
            lambda m, where: m.group(),
        ),
        ("·", r"(?<=[A-Za-z])·(?=\d)", "，", " "),
        # A whole number and a part of one.
        ("½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", r"(?<![\d.])(\d+)\s?(?=[½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", r"\1又", r"\1"),
        # Masses, radii and brightness as those of the sun or the earth.
        (
            "⊕☉⊙",
            r"(?<=\d)(\s?)(?:[MRL])([⊕☉⊙])",
            lambda m, where: (
                "倍" + {"⊕": "地球", "☉": "太阳", "⊙": "太阳"}[m[2]] + readings.OF_STARS[m.group().strip()[0]][0]
            ),
            lambda m, where: f" {'Earth' if m[2] == '⊕' else 'solar'} {readings.OF_STARS[m.group().strip()[0]][1]} ",
        ),
        ("♯♭♮", r"(?<![A-Za-z])([A-G])([♯♭♮])", lambda m, where: f"{readings.spoken(m[2], where)}{m[1]}", r"\1\2"),
        (
            "/",
            r"(?<=\d)(\s?)([A-Za-zμ]+/[A-Za-z]+)/([A-Za-z]{1,4})(?![A-Za-z/])",
            readings.per_third,
            readings.per_third,
        ),
        # Cells of a sheet; a folder that is the one where one is; a grade; the number of an aircraft or a missile.
        (":", r"(?<![A-Za-z])(?<!coli )([A-Z]{1,2}\d{1,4}):(?=[A-Z]{1,2}\d{1,4}(?![A-Za-z0-9]))", r"\1到", r"\1 to "),
        (
            ".",
            r"(?<![A-Za-z])(git add|docker build|pip install(?: -e)?|git restore|find|ruff check|mypy|ls) \."
            r"(?=[\s。，,`]|$)",
            r"\1 点",
            r"\1 dot",
        ),
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
        (
            "-",
            rf"(?<=[{HAN}])(?<!\d[{HAN}])(?<![年月日号点分时周第到至版比])-(?=\d{{1,3}}分(?![钟之\d]))",
            "负",
            "-",
        ),
        ("-", r"(?<=[得了是考评为：])([A-D])-(?=[，。、；！,.]|$)", r"\1减", r"\1-"),
        ("-", r"(?<=[歼轰运强教直苏图红旗风浪击伊尔格安])-(?=\d{1,3}(?![\d.%℃]))", "", "-"),
        # A volume of a journal behind its year, its number, and pages: 2019, 568: 123-130.
        (
            ":：",
            r"(?:(?<=[12]\d\d\d[,，;] )|^(?=\d+\())(\d{1,4})(?:\((\d{1,4})\))?[:：]\s?(\d{1,5})[-–](\d{1,5})(?!\d)",
            readings.pages_of_volume,
            readings.pages_of_volume,
        ),
        # The derivative of what follows; infinity with its sign; an end of a strand of DNA.
        ("/", r"(?<![A-Za-z])d/d([a-z])\s?(?=[(\[A-Za-z])", r"对\1求导", r"d d \1 of "),
        ("+", r"(?<![\w)\]])\+(?=∞)", "正", "plus "),
        ("'′’", r"(?<!\d)([35])['′’](?=-|端|到|→|末端)", r"\1撇", lambda m, where: m.group()),
        ("+", r"(?<=[A-Za-z)]\d)\s?\+\s?(?=\d{0,2}[A-Z])", "加", " plus "),
        # The whole number below or above, and the length of a vector; what rises and falls.
        ("⌊", r"⌊([^⌊⌋]{1,60})⌋", r"\1向下取整", r" floor of \1 "),
        ("⌈", r"⌈([^⌈⌉]{1,60})⌉", r"\1向上取整", r" ceiling of \1 "),
        ("‖", r"‖([^‖]{1,60})‖", r"\1的范数", r" norm of \1 "),
        ("↑↓", r"\s?([↑↓])\s?", readings.up_or_down, readings.up_or_down),
        ("-", r"(?<=[a-z_)\]]) - (?=\d{1,3}[\])])", "减", " minus "),
        ("?", r"(?<=[\w)\]'\"]) \?\? (?=[\w('\"])", "双问号", " double question mark "),
        (
            "°",
            r"(?<=Δ[GHSE])°(?:([′'])|(?![CF\d]))",
            lambda m, where: "标准" + "撇" * bool(m[1]),
            lambda m, where: " naught" + " prime" * bool(m[1]),
        ),
        ("-", r"(?<=\breturn )-(?=[a-z(])", "负", "negative "),
        ("ⁿ", r"(?<=[\dA-Za-z)])ⁿ", "的N次方", " to the power of n"),
        ("_", r"([A-Za-z])_\{(\w{1,3})\}", lambda m, where: f"{m[1]} {m[2]}".upper(), r"\1 \2"),
        ("|", r"(?<![A-Za-z|\d])([a-z])\|([a-z]|\d+)(?![A-Za-z|\d])", readings.divides, readings.divides),
        ("∇", r"∇\s?[·⋅•]\s?", "散度", " divergence of "),
        ("∇", r"∇\s?×\s?", "旋度", " curl of "),
        ("~", r"(?<=[A-Z])\s?~\s?(?=[△三t](?:riangle|角形)?)", "相似于", " similar to "),
        ("~", r"(?<=[A-Za-z])\s*~\s*(?=[A-Z][a-z]{0,8}(?:\(|\s(?:of\s)?[\dα-ωa-z]))", "服从", " follows "),
        # A revision of git.
        ("~", r"(?<=[A-Z]{3})~(?=\d)", "波浪号", " tilde "),
        ("-", r"(?<![\w)\]-])-(?=(?:sin|cos|tan|log|ln|√|π|∞)(?![a-z-]))", "负", "negative "),
        ("-", rf"(?<=[{HAN}])-(?=(?:sin|cos|tan|log|ln|√|π|∞)(?![a-z]))", "负", " negative "),
        (
            "#*",
            r"(?:^|(?<=[;,，；] )|(?<=\bor )|(?<=\band ))([#*])(?= (?:to|for|key)\b)",
            r"\1",
            readings.key_of_telephone,
        ),
        # Options of a command.
        ("-", r"(?<![A-Za-z0-9-])--(?=[A-Za-z])", "杠杠", "dash dash "),
        (
            "-",
            r"(?<=[A-Za-z\d一二三四五六七八九零] )\s?-(?=[A-Za-z]{1,2}(?![A-Za-z0-9_'’-]))"
            r"|(?<![A-Za-z0-9-])-(?=[A-Za-z]{1,2}(?:参数|选项|标志|开关))",
            "杠",
            "dash ",
        ),
        # A blank before a dash and none behind it: the sign of a number. A dash in GPT-4-turbo is none.
        ("-", rf"(?<=[{HAN}]) -(?=\d+(?:\.\d+)?(?![\d%‰℃°℉度.~-]))", "负", " -"),
        # A currency before its amount: CNY 200.
        (
            "YDRPBFK",
            rf"(?<![A-Za-z])({codes})\s?(\d[\d,]*(?:\.\d+)?[万亿]?)(?![\d.%])",
            readings.in_currency,
            readings.in_currency,
        ),
        # Behind a word, and counted or with a fraction: 利润-1.2亿元, but 方案-2, and degrees are below zero.
        (
            "-",
            rf"(?<=[{HAN}])(?<!\d[{HAN}])(?<![年月日号点分时周第到至版])-(?=\d+(?:\.\d+)?(?:[百千万亿元%‰]|个百分点)"
            r"|\d+\.\d+(?![\d.~-]|\s?[℃°℉度摄]))",
            "负",
            "-",
        ),
        ("-", r"(?<=[A-Za-z]\d|\.\d)-(?=[A-Za-z]{2})|(?<=[A-Za-z]-\d)-(?=[A-Za-z]{2})", " ", "-"),
        # Dots of names, and full stops without a blank.
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
        ("_", r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "下划线", " underscore "),
        ("：", r"(?<=\d)：(?=\d)", ":", ":"),
        (".", r"(?:^|(?<=[\s；;。]))(\d{1,2})\. (?=\d)", r"\1，", r"\1, "),
        ("-–—~", rf"(第\d+[{HAN}]{{0,2}})\s?[-–—~]\s?(?=第\d)", r"\1到", r"\1-"),
        ("-–", r"\b([A-Z])(\d{1,2})\s?[-–]\s?(?=\1\d)", r"\1\2到", r"\1\2 to "),
        ("-", r"(?<=[Α-Ωα-ω])-(?=[\dA-Za-zΑ-Ωα-ω])", " ", " "),
        # Two signs that are one operator.
        ("&", r"\s*&&\s*", "且", " and "),
        ("|", r"\s*\|\|\s*", "或", " or "),
        # What is not so, in the condition of a program.
        (
            "!",
            rf"(?:(?<=[(=&|{HAN}])|(?<=[=,] )|(?<=\bif )|(?<=\bor )|(?<=\band )|(?<=\bwhile )|(?<=\breturn ))"
            r"!(?=[A-Za-z_(])",
            "非",
            "not ",
        ),
        # What one command hands on to the next.
        (
            "|",
            r"(?<=\S) \| (?=(?:grep|awk|sed|sort|uniq|wc|head|tail|less|more|xargs|jq|tee|cut|tr|bash|sh|cat"
            r"|find|python3?|node)\b)",
            "管道",
            " pipe ",
        ),
        ("*", r"(?<=\w)\s*\*=\s*", "乘等于", " times equals "),
        ("|", r"(?<=[\w\])]) \| (?=(?:None|null|undefined|[a-z]|\d+)(?!\w))", "或", " or "),
        ("-", r"(?<=\w)\s*-=\s*", "减等于", " minus equals "),
        ("/", r"(?<=\w)\s*/=\s*", "除等于", " divided by equals "),
        ("-", r"(?<![\w-])([a-z]|\d+) - ([a-z]|(?<=[a-z] - )\d+)(?![\w-])", r"\1减\2", r"\1 minus \2"),
        # A quotient of values of functions, or of what stands in brackets; a derivative.
        ("/", r"(?<=[A-Za-zα-ω]\))\s?/\s?(?=\()", "除以", " divided by "),
        ("/", r"(?<=\))\s?/\s?(?=[A-Z]\()", "除以", " over "),
        (
            "/",
            r"(?<![A-Za-z])d([a-z])/d([a-z])(?![A-Za-z])",
            lambda m, where: f" D{m[1]} D{m[2]} ".upper(),
            r"d \1 d \2",
        ),
        ("d", r"(?<![A-Za-z])d([xyzt])(?![A-Za-z])", lambda m, where: f" D{m[1]} ".upper(), lambda m, where: m.group()),
        ("(", r"(?<![\w])([OfghP])\((?=[^()]{1,40}\))", r"\1(", r"\1 of ("),
        (":", r"(\d{1,3}(?:\.\d{1,3}){3}):(?=\d{2,5}\b)", r"\1端口", r"\1 port "),
        # Kinds that share a name: HPV16/18, USB3.0/3.1.
        ("/", r"((?<![A-Za-z])(?:[A-Z]|[A-Za-z]{2,10})\d+(?:\.\d+)?)/(?=\d)", r"\1，", r"\1 "),
        # Times and units.
        (
            "hm",
            r"(?<![A-Za-z0-9.])(\d{1,3})\s?h\s?(\d{1,2})\s?m(?:in)?\s?(\d{1,2})\s?s(?:ec)?(?![A-Za-z])",
            r"\1小时\2分\3秒",
            r"\1 hours, \2 minutes and \3 seconds",
        ),
        (
            "hm",
            r"(?<![A-Za-z0-9.])(\d{1,3})\s?(h|min|m)\s?(\d{1,2})\s?(min|m|s|sec|分钟?|秒)(?![A-Za-z])",
            readings.lasting,
            readings.lasting,
        ),
        (
            "次",
            r"(?<![A-Za-z])([GDCZTKYLS])(\d{3,4})(?=次)",
            lambda m, where: m[1] + digits(m[2], telephone=True),
            r"\1\2",
        ),
        ("JNK", r"(?<=\d)\s?([JNK])(?![A-Za-z0-9])", readings.physical, readings.physical),
        ("(（", rf"(?<=[{HAN}])[(（]({mandarin_units()})[)）]", readings.unit_in_brackets, r"(\1)"),
        ("/", rf"(\d\s?(?:{mandarin_units()}))/d(?![A-Za-z0-9])", r"\1每天", r"\1 per day "),
        # A number behind a bracket that would go on the one before it.
        (")）", rf"(?<=[{HAN}])[)）](?=\d)", "，", ")"),
        ("〕】", r"(?<=\d)[〕】](?=\d)", "，", "] "),
        # So much for each: 50元/kg, 20MB/秒, $2/1M tokens.
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
            lambda m, where: f"每{mandarin_unit(m[1])}" if where == "zh" else m.group(),
            r"/\1",
        ),
        ("/", rf"(?<![A-Za-z])({codes}|BTC|ETH)/(?=(?:{codes}|USDT)(?![A-Za-z]))", r"\1 ", r"\1 "),
        ("/", r"(?<=[A-Za-z0-9_)])/(?=[A-Za-z]\s?=)|(?<=[A-Z]{2})/(?=[A-Z]{2,5}\s?[=≈<>])", "除以", " over "),
        # Cards; what stands beside another value or word.
        ("♠♥♦♣", r"(?<![A-Za-z0-9])(10|[2-9AKQJT])([♠♥♦♣])\ufe0f?", readings.card, readings.card),
        ("♠♥♦♣", r"(?<=[♠♥♦♣\w])(10|[2-9AKQJT])([♠♥♦♣])\ufe0f?", readings.card, readings.card),
        ("/", r"(?<=[a-z]{3})/(?=\d+(?:\.\d+)?\s?[A-Za-z]{1,3}(?![A-Za-z]))", "，", ", "),
        # Operators between words.
        ("/", r"(?<=[\d)])\s+/\s+(?=[\d(])", "除以", " divided by "),
        (
            "/",
            rf"(?<=[A-Za-zΑ-ω{HAN})）])\s?/\s?(?=[A-Za-zΑ-ω{HAN}])",
            readings.operation("除以", " divided by "),
            readings.operation("除以", " divided by "),
        ),
        (
            "-–",
            rf"(?<=[{HAN}])\s?[-–]\s?(?=[{HAN}])|(?<=\w) [-–] (?=\w)",
            readings.operation("减", " minus "),
            readings.operation("减", " minus "),
        ),
        ("*", r"(?<=[\w)])\s?\*\s?(?=[\w(])", readings.operation("乘", " times "), readings.operation("乘", " times ")),
        ("+", r"(?<=[比跌化动为是约幅率报年月周日天季度益])\+(?=\d+(?:\.\d+)?%)", "正", "+"),
        ("(", r"(?<=\d)\((?=\d+\.\d+\)\^)", "乘(", " times ("),
        ("^", r"(?<=\))\^(\d{1,3})(?![\d.])", readings.power, readings.power),
        ("^", rf"\^(?=[(（]?[{HAN}])([(（]?)([{HAN}]{{1,6}})[)）]?", r"的\2次方", r" to the power of \2"),
        ("+", r"(?<=[涨升增])\+(?=\d+(?:\.\d+)?%)", "", "+"),
        ("A", r"(?<=\d)\s?A(?![A-Za-z0-9级类股]|\.[A-Z])", readings.amperes, readings.amperes),
        ("+", r"(?<![\w)])\+(?=\d+(?:\.\d+)?\s?%)", "正", "plus "),
        (")", r"(?:(?<=[;,] and )|(?<=^and ))\(([2-9]|[b-h])\)\s*(?=\S)", r"\1，", r"\1, "),
        (
            ")）",
            r"(?:^|(?<=[。；;:：，,.]\s)|(?<=[。；;:：，,]))[(（](\d{1,2}|[a-h]|[一二三四五六七八九十])[)）]\s*(?=\S)",
            r"\1，",
            r"\1, ",
        ),
        # Items of a list in one line: （1）切块（2）焯水, ①洗净②切块.
        (
            "(（②③④⑤⑥⑦⑧⑨",
            rf"(?<=[{HAN}])(?:[(（](\d)[)）]|([②-⑨]))\s?(?!第)(?=[{HAN}])",
            readings.next_item,
            lambda m, where: m.group(),
        ),
        (
            "".join(map(chr, range(0x2460, 0x2474))),
            r"(^(?=①[^①-⑳]*[\s；;，,、。]②)|^(?=[②-⑳])|[\s。；;:：，,、])([①-⑳])\s*(?=\S)",
            readings.circled,
            readings.circled,
        ),
        (")）", r"(^|[\s。；;:：，,])(\d{1,2}|[a-hA-H])[)）]\s*(?=\S)", readings.list_mark, readings.list_mark),
        (
            "°",
            r"(?<![\d.])(\d+(?:\.\d+)?)°\s?(?:(\d+)[′'’]\s?)?(?:(\d+(?:\.\d+)?)[″\"”])?\s?([NSEW])(?![A-Za-z])",
            readings.latitude,
            lambda m, where: m.group(),
        ),
        ("°", r"(?<![\d.])(\d+)°\s?(\d+)[′'’]\s?(?:(\d+(?:\.\d+)?)[″\"”])?", readings.arc, readings.arc),
        (
            '"″',
            r"(?<![\w.'’′])(\d+(?:\.\d+)?(?:又|\s?)[½¼¾⅓⅔⅛⅜⅝⅞]|[½¼¾⅓⅔⅛⅜⅝⅞]|(?:\d+ )?\d/\d{1,2}|\d+(?:\.\d+)?)(\"|″)",
            readings.inches,
            readings.inches,
        ),
        (
            "=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝±∞≪≫∵∴∠△⊙∀∃∫∑∏∂∇∅",
            r"\s*([=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝≪≫∵∴∠△⊙∀∃∫∑∏∂∇∅]|[±](?=\d))\s*",
            lambda m, where: readings.spoken(m[1], where),
            lambda m, where: readings.spoken(m[1], where),
        ),
    ]
    return Rules((with_any(signs), pattern, _said(zh, en, language)) for signs, pattern, zh, en in rows)


def _said(mandarin: Placed, english: Placed, language: str) -> Callable[[re.Match[str]], str]:
    """What a rule says where `language` reads, or English within an English clause."""

    def said(match: re.Match[str]) -> str:
        place = language_at(match.string, match.start(), language)
        say = mandarin if place == "zh" else english
        return match.expand(say) if isinstance(say, str) else say(match, place)

    return said
