"""What each sign of a text is, by its context: a range, a minus, a comparison, a step of a menu, a placeholder ...

One pass over the whole sentence, before it is split by language, while every sign is still there. A sign that a rule
reads becomes words, a pause, or the one spelling that the rules for numbers know (`3-5` for a range, `-8` for a
negative number). What no rule reads stays, and each language makes a pause of it or nothing.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from dora_primespeech_mlx.text.mandarin.numbers import digits
from dora_primespeech_mlx.text.rules import Rules, after, before, with_any
from dora_primespeech_mlx.text.tables import sign_words, words
from dora_primespeech_mlx.text.units import EACH, mandarin_unit, mandarin_units

HAN = "\u4e00-\u9fff"
WIDE = str.maketrans(
    "＜＞＝＋％＆＊／＾｜＄＃＠～〜∼＿－﹣‐‑‒⩽⩾≦≧₀₁₂₃₄₅₆₇₈₉₊₋", "<>=+%&*/^|$#@~~~_-----≤≥≤≥0123456789+-"
)
"""Signs with several forms -> the form that the rules are written for."""
KAOMOJI = re.compile(
    r"[╯╰ノヽ┻┳━︵︶ヾ٩۶¯\\/o]*[(（](?=[^()（）]*[\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•])"
    rf"[^()（）A-Za-z0-9{HAN}α-ψ\s,，.。]{{2,12}}[)）][╯╰ノヽ┻┳━︵︶シﾉ۶٩_/¯\\]*"
    r"|¯\\?_\(ツ\)_/¯"
)
FACE = re.compile("[(（][^()（）]*[\\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•]")
EYES = re.compile(r"[:;=]['’]?-?[()DPp|/\\]|</?3|\^\^|[>T;=\-^oO]_")
EMOTICON = re.compile(
    r"(?<![A-Za-z0-9])(?:[:;=]['’]?-?[()DPp|](?![\w(])|:-?[/\\](?=\s|$)|[>T;=\-^oO]_+[<T;=\-^oO](?!\w)|\^\^(?!\w))"
    rf"|(?<![\d{HAN}])(?<!\d )(?<!\b[A-Za-z])(?<!\b[A-Za-z] )(?<!\w\))(?<!\w\) )"
    r"(?<![^\W你您们哦呀啦吧呢A-Za-z] )</?3+(?=\s*(?:$|[.,!?。！？]))"
    r"|(?<=\byou )</?3+(?!\w)|(?<=\blove )</?3+(?!\w)"
)
MONEY = "$€£¥￥₹₩"
NUMBER_AHEAD = rf"[{MONEY}]?\.?\d"
ANY = re.compile(
    r"[^\w\s,，.。!！?？、:：;；'’“”()（）]|\.[A-Za-z_]|_|[\dA-Ha-h][)）]|\.\d+:\d|\d：\d|\d\. \d"
    r"|†|\d\s?[AJN](?![A-Za-z])|\d(?:h|m|min)\s?\d|[A-Z]\d{3,4}次|[一-鿿][(（][A-Za-zμ]{1,4}[)）]"
)
"""Whether a text has anything for this pass."""
FIRST_STEPS = re.compile(
    r"(?i)\b(?:go|open|click|select|choose|navigate|tap|press|under|via|menu|settings?|preferences|options|tools|file"
    r"|edit|view|tab|path|visit|find|head)\b|打开|进入|点击|点开|单击|选择|前往|依次|设置|菜单|路径|通过|找到|右键"
)
"""What introduces the steps of a menu."""
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
    return "en" if any(word.lower() in words("en_function_words.txt") for word in found) and len(found) > 2 else "zh"


@lru_cache(maxsize=16)
def _has_english_clause(text: str) -> bool:
    """Whether there are English words in a row in `text`, at all."""
    return bool(re.search(r"[A-Za-z]{2}[,;:]? [A-Za-z]{2}", text))


def _to(match: re.Match[str], language: str) -> str:
    """An arrow: the way from one number to another, else a pause."""
    left, right = before(match).rstrip(), after(match)
    if not left or left[-1] in ",，.。:：;；!?！？、\n" or not right.strip():
        return " "
    if re.search(r"(?<![A-Za-z_])[A-Za-zα-ω]$", left) and re.match(r"[-+±]?(?:\d|∞|无穷)", right):
        return "趋于" if language == "zh" else " approaches "
    if re.search(rf"\d[\w%‰°℃℉/]*\s?[{HAN}]{{0,2}}$", left) and re.match(rf"[-+~约]?{NUMBER_AHEAD}", right):
        return "到" if language == "zh" else " to "
    return "，" if language == "zh" else ", "


def _greater(match: re.Match[str], language: str) -> str:
    """`>`: a pause between the steps of a menu, else a comparison."""
    left, right = before(match), after(match)
    if not left.strip() and not re.match(rf"[-+~]?{NUMBER_AHEAD}", right):
        return " "
    if _is_step(left, right):
        return "，" if language == "zh" else ", "
    return _words(">", language)


def _is_step(left: str, right: str) -> bool:
    """Whether `>` stands between two steps of a menu: names after a word that leads there, or three names in a row."""
    name = rf"[\"'“‘「【(\[]*(?:[{HAN}]|[A-Z.][\w&.+-]+)"
    if not re.search(rf"(?:[{HAN}]|[A-Za-z][\w&.+-]+)[\"'”’」】)\]]*$", left) or not re.match(name, right):
        return False
    clause = re.split(r"[。！？!?\n]|\.\s", left)[-1]
    goes_on = re.match(rf"[^>，。,!?]*[A-Za-z{HAN}\"”'」】]\s*>\s*{name}", right)
    return bool(goes_on or re.search(r"[A-Za-z\u4e00-\u9fff]\s*>[^>，。,!?]*$", clause) or FIRST_STEPS.search(clause))


def _words(sign: str, language: str) -> str:
    said = sign_words(sign, language)
    return said if language == "zh" else f" {said} "


def _sign(sign: str) -> Callable[[re.Match[str], str], str]:
    return lambda match, language: _words(sign, language)


def _minus(match: re.Match[str], language: str) -> str:
    """The minus sign: an operator between two values, else the sign of a number."""
    left, right = before(match).rstrip(), after(match)
    if re.search(r"[A-Za-z0-9)\]%²³℃°]$", left):
        return "减" if language == "zh" else " minus "
    if not re.match(NUMBER_AHEAD, right):
        return "负" if language == "zh" else " negative "
    if language == "zh" and not re.match(r"\d+(?:\.\d+)?\s?(?:[-~至到]-?−?\d+(?:\.\d+)?\s?)?(?:[%‰°℃℉度]|摄氏)", right):
        return "负"
    return f"{match[1]}-"


def _about(match: re.Match[str], language: str) -> str:
    left = before(match).rstrip()
    if left.endswith("约") or left.lower().endswith(("about", "approximately", "around")):
        return " "
    return "约" if language == "zh" else " about "


def _dot(match: re.Match[str], language: str) -> str:
    """A dot between letters: of a name, or a full stop without the blank that belongs behind it."""
    left, right = re.findall(r"[A-Za-z0-9]*.$", before(match, 40))[0], match[1]
    if re.fullmatch(r"[A-Za-z]", left) or right == "js" or re.fullmatch(r"[A-Z]", right):
        return match.group()
    is_name = right[0].islower() or right[0] == "_" or right.isupper() or not left.islower()
    if not is_name or (right[0].isupper() and right.lower() in words("en_function_words.txt")):
        return f". {right}"
    return f"点{right}" if language == "zh" else f" dot {right}"


def _list_mark(match: re.Match[str], language: str) -> str:
    """`1)` and `a)` with no bracket open before them mark the items of a list."""
    left = before(match) + match[1]
    if len(re.findall("[(（]", left)) > len(re.findall("[)）]", left)):
        return match.group()
    pause = match[1].isspace() and left.strip() and left.rstrip()[-1] not in ",，.。:：;；!?！？、"
    if language == "zh":
        return f"{'，' if pause else ''}{match[1]}{match[2]}，"
    return f"{',' if pause else ''}{match[1]}{match[2].upper()}, "


def _generic(match: re.Match[str], language: str) -> str:
    return f" {re.sub('[<>]', ' ', match[1])} "


def _arc(match: re.Match[str], language: str) -> str:
    """Degrees, minutes and seconds of an angle."""
    names = ("度", "分", "秒") if language == "zh" else (" degrees ", " minutes ", " seconds ")
    return "".join(f"{value}{name}" for value, name in zip(match.groups(), names, strict=True) if value)


def _inches(match: re.Match[str], language: str) -> str:
    """`12"` is inches where no quotation is open."""
    if match[2] == '"' and len(re.findall(r'(?<!\d)"', before(match))) % 2:
        return match.group()
    if language == "zh":
        return f"{match[1]}英寸"
    return f"{match[1]} inch" if after(match, 1) == "-" or match[1] == "1" else f"{match[1]} inches"


def _amperes(match: re.Match[str], language: str) -> str:
    """A behind a number, where it is about electricity: 5A, but 5A景区."""
    is_electric = re.search(r"电流|安培|充电|额定|输出|输入|保险丝|插座|\dV", before(match) + after(match))
    return "安" if language == "zh" and is_electric else match.group()


def _physical(match: re.Match[str], language: str) -> str:
    """J and N behind a number, where it is about work or forces."""
    names = {"J": ("焦耳", "功|能|热|焦"), "N": ("牛", "力|重|压|牛")}
    name, about = names[match[1]]
    is_meant = re.search(about, before(match) + after(match)) and after(match, 1) not in {*"型级号区景类系"}
    return name if language == "zh" and is_meant else match.group()


def _unit_in_brackets(match: re.Match[str], language: str) -> str:
    """What a quantity is counted in: 体重(kg). A letter alone is the sign of the quantity but in lengths."""
    if len(match[1]) == 1 and not re.search("[高长宽深厚离径程拔]$", before(match, 2)):
        return match.group()
    return mandarin_unit(match[1])


def _lasting(match: re.Match[str], language: str) -> str:
    """A time in two units without a blank: 4h20min, 5m30s."""
    first, one, second, two = match.groups()
    if (one == "h") == (two in {"s", "sec", "秒"}):
        return match.group()
    if language == "zh":
        return f"{first}{'小时' if one == 'h' else '分'}{second}{'分钟' if one == 'h' else '秒'}"
    large, small = ("hour", "minute") if one == "h" else ("minute", "second")
    return f"{first} {large}{'s' * (first != '1')} {second} {small}{'s' * (second != '1')}"


def _per_unit(match: re.Match[str], language: str) -> str:
    return f"{match[1]}每{mandarin_unit(match[2])}"


def _operation(zh: str, en: str) -> Callable[[re.Match[str], str], str]:
    """An operator between words, where the clause is an equation."""

    def say(match: re.Match[str], language: str) -> str:
        clause = re.split(r"[，。；！？,;!?\n]", before(match))[-1]
        if not re.search("=|等于| equals ", clause) or re.search(r"\d\s?[A-Za-zμ²³]{0,4}$", clause):
            return match.group()
        return zh if language == "zh" else en

    return say


@cache
def _rules(language: str) -> Rules:
    """What a sign is, in the order in which it has to be asked: the signs, where, in Mandarin, and in English."""
    rows: list[tuple[str, str, Placed, Placed]] = [
        # A mark of where an answer found something.
        ("†", r"【\d+[:：]?\d*†[^】]{0,40}】", " ", " "),
        # Rows of one sign are lines; a gap to be filled in is a pause.
        ("=*#^~-", r"={4,}|\*{3,}|#{2,}|\^{3,}|~{3,}|-{4,}", " ", " "),
        ("=", r"(?<![\w=])==(?=[^\s=])([^=\n]{1,60})(?<=\S)==(?![\w=])", r" \1 ", r" \1 "),
        ("<", r"(?<=[A-Za-z])<>(?=[(\s])", " ", " "),
        ("_", r"(?<!\w)__([A-Za-z]+)__(?!\w)", r" \1 ", r" \1 "),
        ("_", r"_{2,}", "，", ", "),
        # <your-name> stands for a word; vector<int> names a kind. a<b and c>d has values outside, and is neither.
        ("<", rf"(?<![\w<])</?([A-Za-z{HAN}][\w .:/-]{{0,40}})>(?![A-Za-z0-9])", r" \1 ", r" \1 "),
        (
            "<",
            r"(?<=[A-Za-z])<([A-Za-z_]\w*(?:<\w+>)?(?:\s?,\s?[A-Za-z_]\w*(?:<\w+>)?)*)>(?![A-Za-z0-9_])",
            _generic,
            _generic,
        ),
        ("<>", r"(?<=\s)<-(?=\s)|\s*(?:<<+|>>+)\s*", "，", ", "),
        (">→⟶⇒➔➜➡►▶▸⟹↔⇔←", r"\s*(?:<?--?>|<?==?>(?!=)|[→⟶⇒➔➜➡►▶▸⟹↔⇔←]\ufe0f?)\s*", _to, _to),
        ("›»", r"(?<=\S)\s[›»]\s(?=\S)", "，", ", "),
        ("≤<", r"\s*(?:<=|=<|≤)\s*", _sign("≤"), _sign("≤")),
        ("≥>", r"\s*(?:>=|≥)\s*", _sign("≥"), _sign("≥")),
        ("≠!=<", r"\s*(?:!==?|≠|=/=|(?<=[\w\s])<>(?=[\w\s]))\s*", _sign("≠"), _sign("≠")),
        ("=", r"\s*={2,3}\s*", _sign("="), _sign("=")),
        ("<", rf"\s*<\s*(?=[-+−~]?[\w{MONEY}.(\"'“√])", _sign("<"), _sign("<")),
        (">", rf"\s*>\s*(?=[-+−~]?[\w{MONEY}.(\"'“‘「【\[√])", _greater, _greater),
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
        ("−", r"(\s?)−\s?(?=[\w.(√∞$€£¥￥])", _minus, _minus),
        ("~", rf"(?<![A-Za-z0-9_~%‰℃°℉{TONE}])(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})~\s?(?=[{MONEY}]?\d)", _about, _about),
        ("~", r"(?<=[\d%CF°℃℉])\s?~\s?(?=\d)", "~", " to "),
        # A size in the name of a model: Llama-3.1-8B.
        ("-", r"(?<=[A-Za-z])(-?\d+(?:\.\d+)?)-(?=\d+(?:\.\d+)?[BbMKk]\b)", r"\1 ", r"\1 "),
        # A revision of git.
        ("~", r"(?<=[A-Z]{3})~(?=\d)", "波浪号", " tilde "),
        # Options of a command.
        ("-", r"(?<![A-Za-z0-9-])--(?=[A-Za-z])", "杠杠", "dash dash "),
        (
            "-",
            r"(?<=[A-Za-z\d] )-(?=[A-Za-z]{1,2}(?![\w'’-]))|(?<![A-Za-z0-9-])-(?=[A-Za-z]{1,2}(?:参数|选项|标志|开关))",
            "杠",
            "dash ",
        ),
        # A blank before a dash and none behind it: the sign of a number. A dash in GPT-4-turbo is none.
        ("-", rf"(?<=[{HAN}]) -(?=\d+(?:\.\d+)?(?![\d%‰℃°℉度.~-]))", "负", " -"),
        ("-", r"(?<=[A-Za-z]\d|\.\d)-(?=[A-Za-z]{2})|(?<=[A-Za-z]-\d)-(?=[A-Za-z]{2})", " ", "-"),
        # Dots of names, and full stops without a blank.
        (".", r"(?<=[\s(\[“\"'‘`])\.(?=[a-z]|[A-Z]{2})", "点", "dot "),
        (".", rf"(?<=[{HAN}])\.(?=[a-z]{{2}}|[A-Z]{{3}})", "点", "dot "),
        (".", r"(?<=[A-Za-z_)])\.([A-Za-z_][A-Za-z]*)", _dot, _dot),
        (".", r"(?<=\d)\.(?=x\b)", "点", " dot "),
        ("_", r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "下划线", " underscore "),
        ("：", r"(?<=\d)：(?=\d)", ":", ":"),
        (".", r"(?:^|(?<=[\s；;。]))(\d{1,2})\. (?=\d)", r"\1，", r"\1, "),
        ("-–—~", rf"(第\d+[{HAN}]{{0,2}})\s?[-–—~]\s?(?=第\d)", r"\1到", r"\1-"),
        ("-–", r"\b([A-Z])(\d{1,2})\s?[-–]\s?(?=\1\d)", r"\1\2到", r"\1\2 to "),
        ("-", r"(?<=[Α-Ωα-ω])-(?=\d)", " ", " "),
        # Two signs that are one operator.
        ("&", r"\s*&&\s*", "且", " and "),
        ("|", r"\s*\|\|\s*", "或", " or "),
        ("-", r"(?<=\w)\s*-=\s*", "减等于", " minus equals "),
        ("/", r"(?<=\w)\s*/=\s*", "除等于", " divided by equals "),
        ("-", r"(?<![\w-])([a-z]|\d+) - ([a-z]|(?<=[a-z] - )\d+)(?![\w-])", r"\1减\2", r"\1 minus \2"),
        ("(", r"(?<![\w])([OfghP])\((?=[^()]{1,40}\))", r"\1(", r"\1 of ("),
        (":", r"(\d{1,3}(?:\.\d{1,3}){3}):(?=\d{2,5}\b)", r"\1端口", r"\1 port "),
        # Kinds that share a name: HPV16/18, USB3.0/3.1.
        ("/", r"((?<![A-Za-z])[A-Z][A-Za-z]{0,8}\d+(?:\.\d+)?)/(?=\d)", r"\1，", r"\1 "),
        # Times and units.
        (
            "hm",
            r"(?<![A-Za-z0-9.])(\d{1,3})\s?(h|min|m)\s?(\d{1,2})\s?(min|m|s|sec|分钟?|秒)(?![A-Za-z])",
            _lasting,
            _lasting,
        ),
        (
            "次",
            r"(?<![A-Za-z])([GDCZTKYLS])(\d{3,4})(?=次)",
            lambda m, where: m[1] + digits(m[2], telephone=True),
            r"\1\2",
        ),
        ("JN", r"(?<=\d)\s?([JN])(?![A-Za-z0-9])", _physical, _physical),
        ("(（", rf"(?<=[{HAN}])[(（]({mandarin_units()})[)）]", _unit_in_brackets, r"(\1)"),
        ("/", rf"(\d\s?(?:{mandarin_units()}))/d(?![A-Za-z0-9])", r"\1每天", r"\1 per day "),
        # So much for each: 50元/kg, 20MB/秒, $2/1M tokens.
        ("/", rf"([{MONEY}]\s?\d[\d.,]*)\s?/\s?(?=\d+\s?[A-Za-z百千万亿])", r"\1每", r"\1 per "),
        (
            "/",
            rf"((?:\d[{HAN}]{{1,3}}|[{MONEY}]\s?\d[\d.,]*))/({mandarin_units()})(?![A-Za-z0-9])",
            _per_unit,
            r"\1/\2",
        ),
        ("/", rf"(?<=\d)(\s?[A-Za-z]{{1,8}})/(?=(?:{EACH})(?![{HAN}]))", r"\1每", r"\1/"),
        (
            "/",
            r"(?<=[a-z]{3})/(s|sec|min|h)(?![A-Za-z])",
            lambda m, where: f"每{mandarin_unit(m[1])}" if where == "zh" else m.group(),
            r"/\1",
        ),
        # Operators between words.
        ("/", r"(?<=[\d)])\s+/\s+(?=[\d(])", "除以", " divided by "),
        (
            "/",
            rf"(?<=[A-Za-z{HAN}])\s?/\s?(?=[A-Za-z{HAN}])",
            _operation("除以", " divided by "),
            _operation("除以", " divided by "),
        ),
        (
            "-–",
            rf"(?<=[{HAN}])\s?[-–]\s?(?=[{HAN}])|(?<=\w) [-–] (?=\w)",
            _operation("减", " minus "),
            _operation("减", " minus "),
        ),
        ("*", r"(?<=[\w)])\s?\*\s?(?=[\w(])", _operation("乘", " times "), _operation("乘", " times ")),
        ("+", r"(?<=[比跌化动为是约幅率报])\+(?=\d+(?:\.\d+)?%)", "正", "+"),
        ("^", rf"\^(?=[(（]?[{HAN}])([(（]?)([{HAN}]{{1,6}})[)）]?", r"的\2次方", r" to the power of \2"),
        ("+", r"(?<=[涨升增])\+(?=\d+(?:\.\d+)?%)", "", "+"),
        ("A", r"(?<=\d)\s?A(?![A-Za-z0-9级类股])", _amperes, "A"),
        ("+", r"(?<![\w)])\+(?=\d+(?:\.\d+)?\s?%)", "正", "plus "),
        (
            ")）",
            r"(?:^|(?<=[。；;:：，,.]\s)|(?<=[。；;:：，,]))[(（](\d{1,2}|[a-h]|[一二三四五六七八九十])[)）]\s*(?=\S)",
            r"\1，",
            r"\1, ",
        ),
        (")）", r"(^|[\s。；;:：，,])(\d{1,2}|[a-hA-H])[)）]\s*(?=\S)", _list_mark, _list_mark),
        ("°", r"(?<![\d.])(\d+)°\s?(\d+)[′'’]\s?(?:(\d+(?:\.\d+)?)[″\"”])?", _arc, _arc),
        ('"″', r"(?<![\w.'’′])(\d+(?:\.\d+)?)(\"|″)", _inches, _inches),
        (
            "=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝±∞≪≫",
            r"\s*([=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝≪≫]|[±](?=\d))\s*",
            lambda m, where: _words(m[1], where),
            lambda m, where: _words(m[1], where),
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
