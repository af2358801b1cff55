"""Numbers that count or order something, and numbers of which nothing else is known."""

import re

from dora_primespeech_mlx.text.mandarin.numbers import QUANTITY, cardinal, counted, decimal, digits, plain_cardinal
from dora_primespeech_mlx.text.rules import Row, after, any_of, before, regex, with_any
from dora_primespeech_mlx.text.tables import words

TELEPHONE_WORDS = regex(
    r"(?:电话|号码|编号|密码|验证码|拨打?|致电|热线|尾号|账号|卡号|邮编|房间?|航班|代码|工号|学号|车牌|QQ|微信)\D{0,4}$"
)
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
QUANTITY_WORDS = regex(
    r"(?:[加减乘约共近达超仅]|除以|百分之[零一二三四五六七八九十百点]+的"
    r"|(?:答案|结果|得数|次方|[之总]和|[乘差]积|[差积商]|余数|[平立]方|阶乘|总数|平均数)[是为]|等于|大于|小于|不到|至少|最多|超过|达到|高达|多达|总计|合计|共计|增加到|增至|降至|减少到|平均)$"
)
CHANGED_WORDS = regex(
    r"(?:[改设调置增减升降]成|[改设置调升降]为|设置?[为成]|(?:调整|修改|提高|增加|减少|扩大|限制)[到为成至])$"
)
"""What a number is changed to, which is a quantity unless it is the number of something."""
NAMED_NUMBERS = regex("端口|密码|口令|编号|年份?|版本|频道|状态码|错误码|代码|区号|[门房]号|尾号")
MEASURED_WORDS = regex(
    r"(?:心率|步频|体重|身高|智商|总分|得分|考了|价格|单价|数量|人数|总数|库存|余额|音量|亮度|托福|雅思|满分|(?:到手|[售原现定房均报底标特总])价|时速|温度|海拔|转速|功率|销量"
    r"|产量|播放量|点赞数?|粉丝数?|步数|次数|高度|长度|宽度|深度|重量|面积|体积|容量|指数|热量|年龄|数值|阈值|上限|下限|最大值"
    r"|最小值|总和|平均值)[为是：:,，]?$"
)
"""What is measured or counted, so that the number behind it is a quantity."""
QUANTITY_WORDS_AFTER = regex(
    r"好汉|罗汉|将(?![来会在于要被与军])|加|减|乘|除以|等于|大于|小于|约等于|不等于|的\S{1,6}次方"
    r"|的(?:[一二三四五六七八九十百]+(?:分之|倍)|百分之|[平立]方)|分之|多(?!少)|余|左右|以上|以下|以内"
)
RANKS = {
    "年": "级", "分": "之", "级": "(?!台阶|阶梯)", "世": "(?!纪)", "两": "", "胎": "", "代": "(?!人|同堂|单传)",
    "次": "方|函数|元|曲线|型|方程|项|多项式|加工|开发|创业|感染|分配|谐波|回路|供|污染|利用|创作|革命|曝光|打击",
    "元": "[一二三]次|论|函数|对立|化", "本": "院校|线|大学|学生", "人": "世界|转|间|房|台", "排": r"\d",
    "类": "疫苗|医疗|器械|卡|户|商标", "度": "烧伤|烫伤|创作|开发|冻伤|房室",
}  # fmt: skip
"""Measures before which 2 is no count but a rank or a part of a word, and what follows them then: 二年级, 二次函数."""


def plain_rules() -> list[Row]:
    """A zero left out before a point, a heading in brackets, a dot between characters, commas of thousands."""
    return [
        ("0.", r"(?<![\w.)）%])\.(?=\d)", "0."),
        ("】", r"(^|[。！？；.!?])【([^【】]{1,12})】(?=[^\s，。、：:,.])", r"\1\2，"),
        ("·", r"(?<=[一二三四五六七八九])·(?=[一二三四五六七八九])", ""),
        ("0,", r"(?<!\d)(?<!\d,)\d{1,3}(?:,\d{3})+(?!\d)(?=([,，。、；;!?！？)）]|\.(?!\d)|$)?)", _grouped),
    ]


def span_rules() -> list[Row]:
    """From one to another where what stands around says so, less so many, two or three."""
    measures = any_of(words("zh_measures.txt"))
    return [
        (
            "0-",
            r"(?<![\d.])-(\d+(?:\.\d+)?)(?=[至到]-?\d+(?:\.\d+)?(?:摄氏度|°C|℃|度))",
            lambda match: f"零下{decimal(match[1])}",
        ),
        (
            "-|~|～|—|–",
            rf"(?<=[年月日号点分时周])[-~～—–](?=[\d周星]|[次翌今明]年)|(?<=点[半钟整])[-~～—–](?=\d)|(?<=\d)[-~～—–](?=[次翌隔第当][日天晚二]|公元)|(?<=\d)([^\x00-\x7f，。、～—–]{{1,3}})[-~～—–](?=\d+\1)|(?<=[周期][一二三四五六])[-~～—–](?=[周星])"
            rf"|(?<=\d)([十百千万亿]*(?:{measures}))[-~](?=\d+(?:\.\d+)?[十百千万亿]*(?:{measures}))",
            lambda match: f"{match[1] or match[2] or ''}到",
        ),
        ("0-", r"(?<=满)(\d{2,5})-(?=\d{1,4}(?![\d元个人天岁]))", r"\1减"),
        ("0/", r"(?<=[一-鿿A-Za-z²³])/(?=\d)", "，"),
        (
            "0月",
            r"(?<![\d.年])(\d{1,2})[-~～—–至到](\d{1,2})(?=月(?!\d))|(?<=年)(\d{1,2})[-~～—–至到](\d{1,2})(?=月(?!\d))",
            lambda match: f"{plain_cardinal(match[1] or match[3])}到{plain_cardinal(match[2] or match[4])}",
        ),
        ("0、", rf"(?<!\d)(\d)、(\d)(?={measures})", _two_counts),
    ]


def operator_rules() -> list[Row]:
    """Signs of arithmetic, and powers."""
    return [
        ("0+|0×|0÷|0=|0*|0x|0X", r"(?<=\d)\s*([+×÷=*xX])\s*(?=[-\d(])", _operator),
        (
            "-",
            r"(?<=\d)-(?=\d+(?:\.\d+)?(?:等于|加(?![速时油班仑])|减(?![速肥少])|乘|除(?![外了])))|(?<=等于)-",
            lambda match: "减" if match.start() and match.string[match.start() - 1].isdigit() else "负",
        ),
        (
            with_any("⁰¹²³⁴⁵⁶⁷⁸⁹"),
            r"(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)",
            lambda match: f"的{'负' if match[1] else ''}{cardinal(match[2].translate(SUPERSCRIPTS))}次方",
        ),
    ]


def number_rules() -> list[Row]:
    """Numbers that no other rule has read: ordinals, decimals, quantities, digits."""
    measures = any_of(words("zh_measures.txt"))
    return [
        ("0第", r"第(\d+)(?!\d|\.\d)", lambda match: f"第{_ordinal(match[1])}"),
        ("0.", r"(?<![\d.])(\d+\.\d+)", lambda match: decimal(match[1])),
        ("0+", r"(?<![\d.])(\d{2,}|[3-9])\+(?=[个 ]?$)", lambda match: f"{decimal(match[1])}多"),
        (
            "0",
            rf"(?<![\d.])(\d+)([多余几+](?!百分之|千分之|[一-鿿]{{1,6}}\d))?({measures})(?<!批(?=[价发评准改示]))",
            _quantity,
        ),
        (
            "0+",
            r"(?<![\d.])(\d{1,6}0)\+(?!百分之|千分之)(?=[一-鿿]{1,2}(?:[，。、；！？,.!?;）)的]|$))",
            lambda match: f"{cardinal(match[1])}多",
        ),
        ("0", rf"(?<!\d)(\d+){QUANTITY}", lambda match: counted(match[1])),
        ("0", r"\d+", _bare_number),
    ]


def _grouped(match: re.Match[str]) -> str:
    """A number with commas between thousands: a quantity, whatever stands behind it."""
    return match.group().replace(",", "") + (QUANTITY if match[1] is not None else "")


def _two_counts(match: re.Match[str]) -> str:
    """Two or three: 2、3个; but 第1、2、3名."""
    if re.search(r"(?:第|\d、)$", before(match, 12)):
        return f"{plain_cardinal(match[1])}、{plain_cardinal(match[2])}"
    return counted(match[1]) + digits(match[2])


def _operator(match: re.Match[str]) -> str:
    return {"+": "加", "=": "等于", "÷": "除以"}.get(match[1], "乘")


def _ordinal(number: str) -> str:
    return digits(number) if len(number) > 4 else plain_cardinal(number)


def _quantity(match: re.Match[str]) -> str:
    number, more, measure = match[1], match[2] or "", match[3]
    said = "多" if more == "+" else more
    if number.startswith("0") and len(number) > 1:
        return f"{digits(number)}{said}{measure}"
    ranks = number == "2" and not said and is_rank(measure, before(match, 1), after(match, 4))
    return f"{decimal(number) if said or ranks else counted(number)}{said}{measure}"


def is_rank(measure: str, left: str, right: str) -> bool:
    """Whether a number before `measure`, between `left` and `right`, is a rank or in a word: 二级, 升了两级."""
    if measure == "级" and left in {*"升降跳差低高超连了"}:
        return False
    return measure in RANKS and re.match(RANKS[measure], right) is not None


def _bare_number(match: re.Match[str]) -> str:
    """Digits without a measure word: small and round numbers as numbers, longer ones digit by digit."""
    number = match.group()
    if len(number) < 3 and not (number.startswith("0") and len(number) > 1):
        return plain_cardinal(number)
    left = before(match, 6)
    if len(number) == 6 and left[-1:] in {"", *"(（"} and after(match, 1) in {*")）"}:
        return digits(number, telephone=True)
    counts = (
        QUANTITY_WORDS.search(left)
        or MEASURED_WORDS.search(left)
        or QUANTITY_WORDS_AFTER.match(match.string, match.end())
        or (CHANGED_WORDS.search(left) and not _is_named(before(match, 40)))
    )
    if counts and not number.startswith("0") and not TELEPHONE_WORDS.search(before(match, 12)):
        return cardinal(number)
    is_round = number.endswith("00") and not number.startswith("0") and len(number) < 10
    if is_round and not TELEPHONE_WORDS.search(before(match, 12)):
        return cardinal(number)
    return digits(number, telephone=True)


def _is_named(left: str) -> bool:
    """Whether the number that something is changed to names it, by its clause or, of a short one, by the one before."""
    *others, clause = re.split("[，。；,.;]", left)
    is_bare = len(clause) < 6 and others
    return NAMED_NUMBERS.search(others[-1] + clause if is_bare else clause) is not None
