"""What a sign says where a row of `signs` has found it: functions of the match and the language of its place."""

import re
import unicodedata
from collections.abc import Callable

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.rules import after, before, regex
from dora_primespeech_mlx.text.tables import currencies, sign_words, words
from dora_primespeech_mlx.text.units import english_unit, english_units, mandarin_unit, mandarin_units

Placed = str | Callable[[re.Match[str], str], str]
"""What a rule says: a template, or a function of the match and the language of its place ("zh" or "en")."""
SignRow = tuple[str, str, Placed, Placed]
"""Signs of which a text must hold one, the pattern, and what is said in Mandarin and in English."""
HAN = "\u4e00-\u9fff"
MONEY = "$€£¥￥₹₩"
NUMBER_AHEAD = rf"[{MONEY}]?\.?\d"
FIRST_STEPS = regex(
    r"(?i)\b(?:go|open|click|select|choose|navigate|tap|press|under|via|menu|settings?|preferences|options|tools|file"
    r"|edit|view|tab|path|visit|find|head)\b|打开|进入|点击|点开|单击|选择|前往|依次|设置|菜单|路径|通过|找到|右键"
)
"""What introduces the steps of a menu."""
PHYSICAL = {
    "J": ("焦耳", "joule", r"功|能|热|焦|\benerg|\bwork\b|\bheat|\bjoule|\d N\b|\bE = "),
    "N": (
        "牛",
        "newton",
        r"力|重|压|牛|kg|m/s|\bforce|\bweigh|\bnewton|\btension|\bfriction|\bthrust|\bF ?=|\d J\b",
    ),
    "K": ("开尔文", "kelvin", r"开尔文|绝对|热力学|[°℃]|\b[Kk]elvin|\babsolute|\btemperature|\batm\b|\bT ?= ?\d"),
}
"""Letters behind a number that are units where it is about what they measure."""
LARGER_MODELS = regex(r"(?:小米|红米|荣耀|魅族|华为|Note|Mate|Nova|Galaxy|Redmi|Find|Honor)\s?$")
"""Names of telephones, of which a + behind the number is the larger one."""
OF_STARS = {"M": ("质量", "masses"), "R": ("半径", "radii"), "L": ("光度", "luminosities")}
"""What stars and planets are measured by."""
SUITS = {"♠": ("黑桃", "spades"), "♥": ("红桃", "hearts"), "♦": ("方块", "diamonds"), "♣": ("梅花", "clubs")}
AFTER_LENGTHS = frozenset(("wide", "tall", "long", "high", "deep", "thick", "across", "apart", "away", "off"))


def as_written(match: re.Match[str], language: str) -> str:
    """What stands there, for a later row or for the rules of the language."""
    return match.group()


def to(match: re.Match[str], language: str) -> str:
    """An arrow: the way from one number to another, else a pause."""
    left, right = before(match).rstrip(), after(match)
    is_short_form = re.search(r"[A-Za-z]\.$", left) is not None
    if not left or (left[-1] in ",，.。:：;；!?！？、\n" and not is_short_form) or not right.strip():
        return " "
    if re.search("°[CF]$|[℃℉]$", left) and re.match("°[CF]|[℃℉]", right):
        return "到" if language == "zh" else " to "
    if language != "zh" and re.search(r"(?<![A-Za-z])[A-Z]{3}$", left) and re.match(r"[A-Z]{3}(?![A-Za-z])", right):
        return " to "
    if re.search(r"(?<![A-Za-z_\d])[A-Za-zα-ω]$", left) and re.match(r"[-+±]?(?:\d|∞|无穷)", right):
        return "趋于" if language == "zh" else " approaches "
    if re.search(rf"\d[\w%‰°℃℉/]*\s?[{HAN}]{{0,2}}$", left) and re.match(rf"[-+~约]?{NUMBER_AHEAD}", right):
        return "到" if language == "zh" else " to "
    return "，" if language == "zh" else ", "


def greater(match: re.Match[str], language: str) -> str:
    """`>`: a pause between the steps of a menu, else a comparison."""
    left, right = before(match), after(match)
    if not left.strip() and not re.match(rf"[-+~]?{NUMBER_AHEAD}", right):
        return " "
    if _is_step(left, right):
        return "，" if language == "zh" else ", "
    return spoken(">", language)


def _is_step(left: str, right: str) -> bool:
    """Whether `>` stands between two steps of a menu: names after a word that leads there, or three names in a row."""
    name = rf"[\"'“‘「【(\[]*(?:[{HAN}]|[A-Z.][\w&.+-]+)"
    if not re.search(rf"(?:[{HAN}]|[A-Za-z][\w&.+-]+)[\"'”’」】)\]]*$", left) or not re.match(name, right):
        return False
    clause = re.split(r"[。！？!?\n]|\.\s", left)[-1]
    goes_on = re.match(rf"[^>，。,!?]*[A-Za-z{HAN}\"”'」】]\s*>\s*{name}", right)
    return bool(
        goes_on
        or re.search(r"[A-Za-z\u4e00-\u9fff][\"'”’」】)\]]*\s*>[^>，。,!?]*$", clause)
        or FIRST_STEPS.search(clause)
    )


def spoken(sign: str, language: str) -> str:
    """The words of a sign, apart from what stands around it."""
    said = sign_words(sign, language)
    return said if language == "zh" else f" {said} "


def divides(match: re.Match[str], language: str) -> str:
    """A bar between two whole numbers, where it is about what divides what."""
    about = r"整除|互[质素]|[因约倍质素]数|同余|gcd|\bdivi[ds]|\bprime|\binteger|\bmod\b|\bfactor"
    if not re.search(about, before(match) + after(match)):
        return match.group()
    return f"{match[1]}整除{match[2]}" if language == "zh" else f"{match[1]} divides {match[2]}"


def redirected(match: re.Match[str], language: str) -> str:
    """Where a program writes its output or its errors: 2>/dev/null."""
    number = match[1].replace("&", "")
    return f"{number}重定向到" if language == "zh" else f"{number} redirected to "


def sign(sign: str) -> Callable[[re.Match[str], str], str]:
    """A rule that says a sign wherever it stands."""
    return lambda match, language: spoken(sign, language)


def equality(match: re.Match[str], language: str) -> str:
    """`==` and `===`: a comparison between two values, or the name of the sign where it is spoken of."""
    left, right = before(match), after(match)
    word, following = re.search(r"[A-Za-z]{2,}$", left), re.match(r"[A-Za-z]{2,}", right)
    named_before = re.search(r"(?:^|[,，、;；(（用和与是的即把])$", left) or (
        word and word.group().lower() in words("en_function_words.txt") | {"use", "between", "operator"}
    )
    named_behind = re.match(rf"[,，、;；.。?？)）{HAN}]|$", right) or (
        following and following.group().lower() in words("en_behind_signs.txt")
    )
    if not (named_before and named_behind):
        return spoken("=", language)
    is_double = len(match.group().strip()) == 2
    if language == "zh":
        return "双等号" if is_double else "三等号"
    return " double equals " if is_double else " triple equals "


def minus(match: re.Match[str], language: str) -> str:
    """The minus sign: an operator between two values, else the sign of a number."""
    left, right = before(match).rstrip(), after(match)
    is_sign = match[1] and match.group().endswith("−") and re.search(r"[A-Z]{2}$", left) and right[:1].isdigit()
    if re.search(r"[A-Za-z0-9)\]%²³℃°]$", left) and not is_sign:
        return "减" if language == "zh" else " minus "
    if not re.match(NUMBER_AHEAD, right):
        return "负" if language == "zh" else " negative "
    if language == "zh" and not re.match(r"\d+(?:\.\d+)?\s?(?:[-~至到]-?−?\d+(?:\.\d+)?\s?)?(?:[%‰°℃℉度]|摄氏)", right):
        return "负"
    return f"{match[1]}-"


def about(match: re.Match[str], language: str) -> str:
    """`~` before a number: about, unless a word says so already."""
    left = before(match).rstrip()
    if left.endswith("约") or left.lower().endswith(("about", "approximately", "around")):
        return " "
    return "约" if language == "zh" else " about "


def dot(match: re.Match[str], language: str) -> str:
    """A dot between letters: of a name, or a full stop without the blank that belongs behind it."""
    left, right = re.findall(r"[A-Za-z0-9]*.$", before(match, 40))[0], match[1]
    is_play = re.fullmatch(r"[IVX]+.", left) and re.fullmatch("[ivx]+", right) and after(match, 1) == "."
    if is_play or re.fullmatch(r"[A-Za-z]", left) or right == "js" or re.fullmatch(r"[A-Z]", right):
        return match.group()
    is_name = right[0].islower() or right[0] == "_" or right.isupper() or not left.islower() or after(match, 1) == "("
    if not is_name or (right[0].isupper() and right.lower() in words("en_function_words.txt")):
        return f". {right}"
    return f"点{right}" if language == "zh" else f" dot {right}"


def list_mark(match: re.Match[str], language: str) -> str:
    """`1)` and `a)` with no bracket open before them mark the items of a list."""
    left = before(match) + match[1]
    if len(re.findall("[(（]", left)) > len(re.findall("[)）]", left)):
        return match.group()
    pause = match[1].isspace() and left.strip() and left.rstrip()[-1] not in ",，.。:：;；!?！？、"
    if language == "zh":
        return f"{'，' if pause else ''}{match[1]}{match[2]}，"
    return f"{',' if pause else ''}{match[1]}{match[2].upper()}, "


def generic(match: re.Match[str], language: str) -> str:
    """The parameters of a type, apart."""
    return f" {re.sub('[<>]', ' ', match[1])} "


def arc(match: re.Match[str], language: str) -> str:
    """Degrees, minutes and seconds of an angle."""
    names = ("度", "分", "秒") if language == "zh" else (" degrees ", " minutes ", " seconds ")
    values = ["0" if value == "00" else value for value in match.groups()]
    return "".join(f"{value}{name}" for value, name in zip(values, names, strict=True) if value)


def latitude(match: re.Match[str], language: str) -> str:
    """A latitude or a longitude, which Mandarin names before its degrees."""
    names = {"N": "北纬", "S": "南纬", "E": "东经", "W": "西经"}
    said = "".join(f"{value}{name}" for value, name in zip(match.groups(), ("度", "分", "秒"), strict=False) if value)
    return names[match[4]] + said


def multiple(match: re.Match[str], language: str) -> str:
    """`15.6x` behind what has many times of it, and no x of an equation."""
    clause = re.split(r"[，。；！？,;!?\n]", before(match))[-1]
    return match.group() if re.search(r"[=+−*/^-]|等于|函数|方程|\bx", clause) else f"{match[1]}倍"


def inches(match: re.Match[str], language: str) -> str:
    """`12"` is inches where no quotation is open."""
    if match[2] == '"' and len(re.findall(r'(?<![\d½¼¾⅓⅔⅛⅜⅝⅞])"', before(match))) % 2:
        return match.group()
    if language == "zh":
        return f"{match[1]}英寸"
    is_one = re.fullmatch(r"1|\D|\d/\d+", match[1]) is not None
    noun = re.match(r" ([a-z]{3,})", after(match))
    is_of_noun = bool(noun and noun[1] not in words("en_function_words.txt") | AFTER_LENGTHS)
    is_of_noun = is_of_noun or re.match(r" [A-Z]{2,}\b", after(match)) is not None
    is_named = re.search(r"(?:^|\b(?:[Aa]n?|[Tt]he|[Mm]y|[Yy]our|[Tt]his|[Nn]ew|[Oo]ur|or|vs\.?) )$", before(match))
    is_of_noun = is_of_noun or bool(is_named and re.match(r" [A-Z][A-Za-z]", after(match)))
    return f"{match[1]} inch" if after(match, 1) == "-" or is_one or is_of_noun else f"{match[1]} inches"


def amperes(match: re.Match[str], language: str) -> str:
    """A behind a number, where it is about electricity: 5A, but 5A景区."""
    is_electric = re.search(
        r"电流|安培|充电|额定|输出|输入|保险丝|插座|欧姆?|伏|\d\s?V|\d\s?Ω|(?<![A-Za-z])I\d?\s?(?:=|等于|equals)|\bcurrent\b|\b[Aa]mp|\bcircuit|\bfuse\b|\bbreaker",
        before(match) + after(match),
    )
    if not is_electric:
        return match.group()
    return "安" if language == "zh" else f" amp{'' if _is_of_thing(match) else 's'}"


def physical(match: re.Match[str], language: str) -> str:
    """J, N and K behind a number, where it is about energy, forces or absolute temperatures."""
    name, one, about = PHYSICAL[match[1]]
    left, right = before(match), after(match)
    if match.group() == "K" and language != "zh" and not re.search(r"\.\d+$", left):
        return match.group()
    sentence = re.split(r"[.!?]\s|[。！？]", left)[-1] + re.split(r"[.!?](?:\s|$)|[。！？]", right)[0]
    if not re.search(about, sentence) or right[:1] in {*"型级号区景类系"}:
        return match.group()
    if language == "zh":
        return name
    is_one = re.search(r"(?:^|[^\d.])1$", left) or _is_of_thing(match)
    return f" {one}{'' if is_one else 's'}"


def _is_of_thing(match: re.Match[str]) -> bool:
    """Whether a unit is that of a thing behind it: a 5 N force."""
    return bool(re.search(r"\b[Aa]n? [\d.,]+$", before(match)) and re.match(" [a-z]", after(match)))


def quotient(match: re.Match[str], language: str) -> str:
    """A slash between two quantities: a division where something is calculated, else two of them."""
    unit, slash, number, other = match.groups()
    clause = re.split(r"[，。；！？,;!?\n]", before(match))[-1] + re.split(r"[，。；！？,;!?\n]", after(match))[0]
    if re.search("=|等于| equals ", clause):
        return f"{unit}{'除以' if language == 'zh' else ' divided by '}{number} {other}"
    return f"{unit}{'，' if language == 'zh' else ', '}{number} {other}" if slash == " / " else match.group()


def power(match: re.Match[str], language: str) -> str:
    """A power of what stands in brackets."""
    if language == "zh":
        return f"的{match[1]}次方"
    return {"2": " squared", "3": " cubed"}.get(match[1], f" to the power of {match[1]}")


def power_in_words(exponent: str) -> str:
    """English for a power, by its exponent: "2" is squared."""
    value = exponent.replace("−", "-")
    said = f"negative {value[1:]}" if value.startswith("-") else value
    return {"2": " squared", "3": " cubed"}.get(value, f" to the power of {said}")


def power_in_brackets(match: re.Match[str], language: str) -> str:
    """A power whose exponent is in brackets, of what is: (2/1)^(1/10)."""
    over = "除以" if language == "zh" else " over "
    exponent = match[1].replace("/", over)
    return f"的{exponent}次方" if language == "zh" else f" to the power of {exponent}"


def pages_of_volume(match: re.Match[str], language: str) -> str:
    """A volume, its number and pages, as references have them."""
    volume, number, first, last = match.groups()
    if language == "zh":
        return f"第{volume}卷{f'第{number}期' if number else ''}，{first}-{last}页"
    return f"volume {volume}{f', number {number}' if number else ''}, pages {first} to {last}"


def card(match: re.Match[str], language: str) -> str:
    """A playing card: the ace of spades is A♠."""
    suit = SUITS[match[2]]
    if language == "zh":
        return f"{suit[0]}{match[1]} "
    rank = {"A": "ace", "K": "king", "Q": "queen", "J": "jack", "T": "ten"}.get(match[1], match[1])
    return f" {rank} of {suit[1]}, "


def score_of_teams(match: re.Match[str], language: str) -> str:
    """Two numbers between the names of two teams of a league."""
    is_score = re.search(r"CBA|NBA|联赛|[中英西德意法]超|[西德意法]甲|欧冠|世界杯|亚洲杯|决赛", match.string)
    return f"{cardinal(match[1])}比{cardinal(match[2])}" if is_score else match.group()


def up_or_down(match: re.Match[str], language: str) -> str:
    """An arrow up or down: a change, a value out of its bounds, a key; behind a formula of chemistry it is silent."""
    left = before(match)
    is_up = match[1] == "↑"
    if re.search(
        r"[A-Z](?:[a-z]|\s?\d)?$|(?<![A-Za-z])[A-Z](?: [A-Z])?(?:\s?[二三四]| two| three| four)?\s*$", left
    ) and not re.search(r"\b[A-Z]{3,}$", left):
        return " "
    if language != "zh":
        return f" {'up' if is_up else 'down'} "
    if re.search("按|键|方向", left[-4:]) or after(match).startswith("键"):
        return "上" if is_up else "下"
    return ("上升" if is_up else "下降") + ("" if re.match(r"\d|[。，,;；.]|$", after(match)) else "，")


def key_of_telephone(match: re.Match[str], language: str) -> str:
    """A key of a telephone: # to repeat."""
    return "pound" if match[1] == "#" else "star"


def per_third(match: re.Match[str], language: str) -> str:
    """A unit per another per a third: km/s/Mpc."""
    patterns = (mandarin_units, english_units)[language != "zh"]()
    if not all(re.fullmatch(patterns, unit) for unit in match.groups()[1:]):
        return match.group()
    if language == "zh":
        return f"{mandarin_unit(match[2])}每{mandarin_unit(match[3])}"
    return f" {english_unit(match[2], False)} per {english_unit(match[3], True)} "


def unit_in_brackets(match: re.Match[str], language: str) -> str:
    """What a quantity is counted in: 体重(kg). A letter alone is the sign of the quantity but in lengths."""
    if len(match[1]) == 1 and not re.search("[高长宽深厚离径程拔]$", before(match, 2)):
        return match.group()
    return mandarin_unit(match[1])


def in_currency(match: re.Match[str], language: str) -> str:
    """A currency's code before its amount, which Mandarin says behind it."""
    return match[2] + currencies()[match[1]][0] if language == "zh" else match.group()


def offset(match: re.Match[str], language: str) -> str:
    """How far the clocks of a moment are from those of the world: 09:30:00-05:00."""
    return f" UTC{match[1].replace('−', '-')}{int(match[2])}{'' if match[3] == '00' else ':' + match[3]}"


def cards_by_suit(match: re.Match[str], language: str) -> str:
    """Cards with their suits before their ranks: ♠A♥K."""
    cards = re.sub(r"([♠♥♦♣])\ufe0f?(10|.)", r"\2\1", match.group())
    return re.sub("(10|[2-9AKQJT])([♠♥♦♣])", lambda one: card(one, language), cards).rstrip(", ")


def years_in_a_row(match: re.Match[str], language: str) -> str:
    """Years, all but the first with two digits: 2009/10/11/12."""
    years = re.findall(r"\d\d", match[2])
    if language == "zh":
        return "，".join([digits(match[1]), *map(digits, years)])
    return ", ".join([match[1], *(str(int(number)) if number[0] != "0" else f"oh {number[1]}" for number in years)])


def day_behind_arrow(match: re.Match[str], language: str) -> str:
    """A day with a dot, where days with dots have been: 2024.5.3→6.2."""
    return f"{match[1]}月{match[2]}日" if re.search(r"\d{4}\.\d{1,2}\.\d", before(match)) else match.group()


def games(match: re.Match[str], language: str) -> str:
    """Games of a match of two, which no time is: 21:19/20:22/21:15."""
    about = "[男女混][双单]|[单双]打|羽毛球|乒乓|排球|网球|胜|负|击败|不敌|横扫|局分"
    about += "|badminton|tennis|volleyball|sets?|games?"
    to, comma = ("比", "，") if language == "zh" else (" to ", ", ")
    if not re.search(about, before(match) + after(match)):
        return match.group() if match[1] == "-" else match.group().replace("/", comma)
    return comma.join(re.sub("[:：-]", to, game) for game in match.group().split("/"))


def equations(match: re.Match[str], language: str) -> str:
    """One equation less another, or with it, by their numbers in circles."""
    first, second = (int(unicodedata.numeric(match[at])) for at in (1, 3))
    is_sum = match[2] == "+"
    if language == "zh":
        return f"{first}式{'加' if is_sum else '减'}{second}式"
    return f"equation {first} {'plus' if is_sum else 'minus'} equation {second}"


def wide_colon(match: re.Match[str], language: str) -> str:
    """A colon of Mandarin between digits: of a time or a score, else the end of a name: PM10：58μg/m³."""
    named = re.search(r"[A-Za-z]\d*(?:\.\d+)?$|\.\d+$", before(match, 12))
    measured = re.match(r"\d+(?:\.\d+)?\s?(?:[A-Za-zμ%℃℉°]|[元万亿])", after(match, 16))
    return ("，" if language == "zh" else ", ") if named or measured else ":"


def days_with_dots(match: re.Match[str], language: str) -> str:
    """From one day to another, each with a dot between its month and its number."""
    word, month, day, last_month, last_day = match.groups()
    return f"{word}{month}月{int(day)}日到{last_month}月{int(last_day)}日"


def listed_share(match: re.Match[str], language: str) -> str:
    """The number of a share before the dot and the sign of where it is listed: 600519.SH."""
    return f"{digits(match[1], telephone=True) if match[1].isdigit() else match[1]}点"


def moment(match: re.Match[str], language: str) -> str:
    """A day and a time with a T between them."""
    zone = ("协调世界时", " U T C")[language != "zh"] if match[4] else ""
    if match[5]:
        ahead, hours = match[5] == "+", str(int(match[6]))
        minutes = "" if match[7] == "00" else match[7]
        if language == "zh":
            zone = f"，{'东' if ahead else '西'}{cardinal(hours)}区" + "半" * bool(minutes)
        else:
            zone = f" U T C {'plus' if ahead else 'minus'} {hours}{' ' * bool(minutes)}{minutes}"
    return f"{match[1]}{' ' if language == 'zh' else ', '}{match[2]}{match[3] or ''}{zone}"


def letters(match: re.Match[str], language: str) -> str:
    """The signs of elements as letters: F E 2 O 3."""
    return re.sub(r"(?<=[A-Za-z])(?=[A-Za-z])", " ", match.group()).upper()


def postal_code(match: re.Match[str], language: str) -> str:
    """A postal code of Japan, digit by digit in its two groups."""
    if language == "zh":
        return "，".join(digits(group) for group in match.groups() if group)
    return ", ".join(" ".join(group) for group in match.groups() if group)


def decimal_comma(match: re.Match[str], language: str) -> str:
    """An amount with points between its thousands and a comma before its cents."""
    whole, cents = match[1] or match[3], match[2] or match[4]
    return f"{whole.replace('.', '')}.{cents}"


def schedule(match: re.Match[str], language: str) -> str:
    """The five fields that say when a program runs, 0 5 * * 1-5; a product of numbers is none."""
    if not re.search(r"\* \*|\*/", match[1]):
        return match.group()
    star, of, to = ("星号", "斜杠", "到") if language == "zh" else ("star", " slash ", " to ")
    fields = match[1].split(" ")
    said = (field.replace("*", star).replace("/", of).replace("-", to) for field in fields)
    return ("，" if language == "zh" else ", ").join(said)


def ungrouped(match: re.Match[str], language: str) -> str:
    """A number with underscores between its thousands, as programs write it."""
    return match.group().replace("_", "")


def mixed_number(match: re.Match[str], language: str) -> str:
    """A whole number and a part: 1 1/4."""
    if not 0 < int(match[2]) < int(match[3]):
        return match.group()
    return f"{match[1]}又{match[2]}/{match[3]}"


def hyphened_number(match: re.Match[str], language: str) -> str:
    """A whole number and a part with a hyphen between: 3-1/2."""
    return f"{match[1]} {match[2]}/{match[3]}" if 0 < int(match[2]) < int(match[3]) else match.group()


def more(match: re.Match[str], language: str) -> str:
    """More than so many ten thousands: 五十多万, but 五万多."""
    return f"{match[1]}多{match[2]}" if match[1].endswith("0") else f"{match[1]}{match[2]}多"


def half_of_day(match: re.Match[str], language: str) -> str:
    """A time with am or pm in Mandarin, which says the part of the day before it."""
    hour, is_late = int(match[1]), match[3] in "Pp"
    if not 1 <= hour <= 12:
        return match.group()
    hour = hour % 12 + 12 * is_late
    parts = ((5, "凌晨"), (8, "早上"), (11, "上午"), (12, "中午"), (17, "下午"), (23, "晚上"))
    part = next(name for last, name in parts if hour <= last)
    left = before(match, 4).rstrip()
    known = left.endswith(("凌晨", "早上", "上午", "中午", "下午", "晚上", "傍晚", "清晨", "早", "晚"))
    return f"{'' if known else part}{match[1]}{match[2] or '点'}"


def minutes(match: re.Match[str], language: str) -> str:
    """A number with a stroke: the minute of a match (第23'), or how long (约10'); not where a quotation is open."""
    left = before(match)
    if len(re.findall(r"(?<!\d)['‘]", left)) % 2 or re.search("身高|英尺|[°度–-]$", left):
        return match.group()
    return f"{match[1].replace('+', '加')}分钟"


def circled(match: re.Match[str], language: str) -> str:
    """A number in a circle marks an item of a list."""
    pause = "，" if language == "zh" else ", "
    left = before(match).rstrip()
    opens = pause if match[1].isspace() and left and left[-1] not in ",，.。:：;；!?！？、" else match[1]
    return f"{opens}{int(unicodedata.numeric(match[2]))}{pause}"


def next_item(match: re.Match[str], language: str) -> str:
    """The number of the next item of a list, where the one before it has been."""
    number = int(match[1] or unicodedata.numeric(match[2]))
    last = number - 1
    marks = rf"[(（]{last}[)）]|{last}[.．、，]|{chr(0x245F + last)}" if last else "$."
    begun = re.search(r"(?:^|[\s：:，。；;])(?:[(（]1[)）]|1[.．、，]|①)", before(match))
    return f"，{number}，" if begun and re.search(marks, before(match)) else match.group()


def and_above(match: re.Match[str], language: str) -> str:
    """`3.8+` of a version or of a quantity: that and more; but a Note 10+ is a telephone."""
    is_larger = LARGER_MODELS.search(before(match) + match[1].rstrip("0123456789."))
    return match.group() if is_larger else f"{match[1]}以上"


def groups_of_hex(match: re.Match[str], language: str) -> str:
    """An address of IPv6: letters and digits one by one, with the colons."""
    said = (digits(sign) or {":": "冒号"}.get(sign, f" {sign.upper()} ") for sign in match.group())
    return "".join(said)


def lasting(match: re.Match[str], language: str) -> str:
    """A time in two units without a blank: 4h20min, 5m30s."""
    first, one, second, two = match.groups()
    if (one == "h") == (two in {"s", "sec", "秒"}):
        return match.group()
    if language == "zh":
        return f"{first}{'小时' if one == 'h' else '分'}{second}{'分钟' if one == 'h' else '秒'}"
    large, small = ("hour", "minute") if one == "h" else ("minute", "second")
    return f"{first} {large}{'s' * (first != '1')} {second} {small}{'s' * (second != '1')}"


def code(match: re.Match[str], language: str) -> str:
    """The number of a contract, an order or a part: letters and groups of digits, with a pause between each."""
    if language == "zh":
        return match[1] + match[2].replace("-", "，")
    groups = re.findall(r"\d+", match[2])
    is_long = [len(groups) > 1 and len(group) > 3 and not re.fullmatch("(?:19|20)..", group) for group in groups]
    return "".join(
        [match[1], *(f", {' '.join(group) if long else group}" for group, long in zip(groups, is_long, strict=True))]
    )


def other_choice(match: re.Match[str], language: str) -> str:
    """The letter of a choice after A, on the same line: `A. 北京  B. 上海`."""
    comma = "，" if language == "zh" else ", "
    return f"{comma}{match[1]}{comma}" if re.search(r"(?<![A-Za-z])A[.．、]", before(match)) else match.group()


def pace(match: re.Match[str], language: str) -> str:
    """Minutes and seconds, 5'30", which in English and of a person's height are feet and inches."""
    is_height = language != "zh" or re.search("身高|高度|英尺", before(match, 12))
    if is_height:
        return match.group()
    return f"{match[1]}分{match[2]}秒{'每公里' if match[3] else ''}"


def per_unit(match: re.Match[str], language: str) -> str:
    """So much for each of a unit."""
    return f"{match[1]}每{mandarin_unit(match[2])}"


def operation(zh: str, en: str) -> Callable[[re.Match[str], str], str]:
    """An operator between words, where the clause is an equation."""

    def say(match: re.Match[str], language: str) -> str:
        clause = re.split(r"[，。；！？,;!?\n]", before(match))[-1]
        is_counted = re.search(rf"\d\s?(?:[A-Za-zμ²³]{{0,4}}|[{HAN}]{{1,2}})$", clause)
        is_path = match.group() == "/" and (re.search(r"\w/\w+$", clause) or re.match(r"\w+/\w", after(match)))
        if (
            is_counted
            or is_path
            or re.search(r"[$\"'~]|\bexport\b", clause)
            or not re.search("=|等于| equals ", clause)
        ):
            return match.group()
        return zh if language == "zh" else en

    return say
