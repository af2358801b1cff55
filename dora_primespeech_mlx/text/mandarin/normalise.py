"""Written Mandarin -> spoken Mandarin: Han characters and the six marks `! ? … , . -` only."""

import re
from decimal import Decimal
from functools import cache

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, counted, decimal, digits, year
from dora_primespeech_mlx.text.mandarin.simplified import simplified
from dora_primespeech_mlx.text.rules import Row, Rules, after, any_of, before, regex, with_any
from dora_primespeech_mlx.text.tables import currencies, signs, words
from dora_primespeech_mlx.text.units import EACH, mandarin_unit, mandarin_units

HAN = "〇\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U000323af"
NUMBER = r"\d+(?:\.\d+)?"
# Stands after a number that counts the Latin unit behind it: 128 GB.
QUANTITY = "\u2060"
TELEPHONE_WORDS = regex(
    r"(?:电话|号码|编号|密码|验证码|拨打?|致电|热线|尾号|账号|卡号|邮编|房间?|航班|代码|工号|学号|车牌|QQ|微信)\D{0,4}$"
)
SCORE_WORDS = regex(
    r"(?:比赛[^，。！？,.!?第]{0,4}|比分|战胜|获胜|击败|大胜|险胜|领先|落后|逼平|战平|取胜|赢|输|负|胜)[^，。！？,.!?]{0,4}$"
)
SCORE_WORDS_AFTER = regex(r"获胜|战胜|击败|大胜|险胜|完胜|取胜|领先|落后|小胜|惨败|不敌|力克|横扫")
SCORE_VERBS = regex(r"(?:[负平]|[大小险完]?胜)(?![均米方面时数责载担荷以约任利率算地])")
"""What a team does right behind its score: 112-104胜凯尔特人."""
SCORES_BEFORE = regex(r"(?:比分|局分)[^，。！？,.!?\d]{0,4}(?:\d{1,2}[-–:：]\d{1,2}(?:\(\d+\))?[、，, ]\s?)+$")
"""The scores of the sets before this one."""
SET = r"(?<![\d.])(\d{1,2})[-–](\d{1,2})(?![\d.%-])"
SPORTS = regex(
    "比赛|决赛|联赛|破门|扳平|进球|绝杀|点球|射门|半场|补时|加时|助攻|篮板|\\d分\\d+助|英超|西甲|欧冠|世界杯|网球|乒乓球|羽毛球|足球|篮球|排球|[男女]单|[男女混]双|帽子戏法|客场|主场|对阵"
)
RATIO_WORDS = regex(
    r"(?:比分|比例|比率|之比|配比|赔率|射[门正]|角球|犯规|黄牌|抢断|射门数)[^，。！？,.!?\d]{0,4}$"
    r"|[水肉料粉液长宽高面茶固气盘横纵糖盐油醋胶米豆药]比[为是约]?$"
)
RATIO_WORDS_AFTER = regex(r"的?(?:比例|比率|稀释|兑|混合|勾兑|配制|配比|调配|调制|溶解)")
LASTING_WORDS = regex(r"(?:纪录|记录|成绩|用时|耗时|历时|完赛|跑完|时长|半马|全马|杆位|圈速)[^，。！？,.!?\d]{0,4}$")
ERAS = regex(
    "(?:民国|令和|平成|昭和|大正|明治|宣统|光绪|同治|咸丰|道光|嘉庆|乾隆|雍正|康熙|顺治|崇祯|万历|嘉靖|永乐|洪武|贞观|开元)$"
)
DURATION_BEFORE = frozenset("了近约共满第过整这超逾达每")
LASTED = regex("(?:在位|历时|长达|为期|耗时|执政|服役|任职|从业|结婚|相伴|陪伴|延续|持续)了?$")
DURATION_AFTER = ("前", "来", "间", "历史", "以", "之", "后", "的时", "时间", "内", "左右", "多")
PUNCTUATION = str.maketrans(
    {"：": ",", "；": ",", "，": ",", "、": ",", "·": ",", ":": ",", ";": ",", "/": ",", "。": ".", "．": ".", "｡": ".",
     "\n": ".", "！": "!", "？": "?", "—": "-", "–": "-", "~": "…", "～": "…", "〜": "…", "⋯": "…", "٫": ".", "､": ","}
)  # fmt: skip
MONTH = r"((?:19|20)\d\d)\.(0?[1-9]|1[0-2])"
FULL_DATE = r"(1\d{3}|20\d\d)\.(1[0-2]|0?[1-9])\.([12]\d|3[01]|0?[1-9])"
SPOKEN = "[零一二三四五六七八九十百千万亿两幺点]"
BETWEEN_NUMBERS = regex(
    rf"(?<=[十百千万亿])\s+(?={SPOKEN})|(?<={SPOKEN})\s+(?=十|{SPOKEN}{{1,2}}[十百千万亿])"
    rf"|(?<=(?<!{SPOKEN}){SPOKEN})\s+(?={SPOKEN})"
)
"""A blank between two numbers that would else be one, but not between the groups of a long one."""
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
PRESSURE_WORDS = regex(r"血压|高压|低压|收缩压|舒张压|mmHg|毫米汞柱")
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
CURRENCY_NAMES = "(?:人民币|[美欧日港韩澳加台新]元|美金|英镑|港币|卢布|法郎|[美欧日港韩澳加台新]币)"
RANKS = {
    "年": "级", "分": "之", "级": "(?!台阶|阶梯)", "世": "(?!纪)", "两": "", "胎": "", "代": "(?!人|同堂|单传)",
    "次": "方|函数|元|曲线|型|方程|项|多项式|加工|开发|创业|感染|分配|谐波|回路|供|污染|利用|创作|革命|曝光|打击",
    "元": "[一二三]次|论|函数|对立|化", "本": "院校|线|大学|学生", "人": "世界|转|间|房|台", "排": r"\d",
    "类": "疫苗|医疗|器械|卡|户|商标", "度": "烧伤|烫伤|创作|开发|冻伤|房室",
}  # fmt: skip
"""Measures before which 2 is no count but a rank or a part of a word, and what follows them then: 二年级, 二次函数."""
SCALES = {"K": 1000, "k": 1000, "M": 1_000_000, "m": 1_000_000, "B": 1_000_000_000, "b": 1_000_000_000}
TEMPERATURES = {"°C": "度", "℃": "度", "度": "度", "摄氏度": "摄氏度", "°F": "华氏度", "℉": "华氏度"}


def spoken_mandarin(text: str) -> str:
    """Normalise `text`, which may hold digits, signs and marks but no Latin words (they are lost here)."""
    text = re.sub(r"(?<![\d二])\s+|\s+(?!\d)", "", simplified(text).translate(_full_width()))
    text = BETWEEN_NUMBERS.sub("，", _rules()(text))
    for sign in set(text) & signs("zh").keys():
        text = text.replace(sign, signs("zh")[sign])
    text = re.sub(r"[《》【】<>{}()（）#@“”\"‘’'^_|\\「」『』〈〉\[\]…—–]*", _quote_or_mark, text)
    text = text.replace("嗯", "恩").replace("呣", "母").replace("〇", "零").replace("...", "…").translate(PUNCTUATION)
    text = re.sub(rf"[^{HAN}!?…,.\-]+", "", text)
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)


@cache
def _full_width() -> dict[int, str]:
    """Full-width letters, digits and ASCII signs -> half width, but for the marks, which have their own table."""
    marks = "！，：；？．～"
    return {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in marks}


def _quote_or_mark(match: re.Match[str]) -> str:
    """Quotation marks and brackets are silent, so is a double dash; an ellipsis among them stays."""
    return "…" if "…" in match.group() else ""


@cache
def _rules() -> Rules:
    """Every reading of something written in digits or signs, in the order they have to be looked for."""
    units = mandarin_units()
    measures = any_of(words("zh_measures.txt"))
    money = any_of(currencies())
    money_needed = with_any((sign[-1] for sign in currencies()), "0")
    days = "|".join(DAYS_OF_NAME).replace(".", "[.·]")
    clock = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?分?"
    rows: list[Row] = [
        ("0.", r"(?<![\w.)）%])\.(?=\d)", "0."),
        ("】", r"(^|[。！？；.!?])【([^【】]{1,12})】(?=[^\s，。、：:,.])", r"\1\2，"),
        ("·", r"(?<=[一二三四五六七八九])·(?=[一二三四五六七八九])", ""),
        ("0.", rf"(?<=\d)\.00(?={CURRENCY_NAMES}|元|块)", ""),
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
        ("0,", r"(?<!\d)\d{1,3}(?:,\d{3})+(?!\d)(?=([,，。、；;!?！？)）]|\.(?!\d)|$)?)", _grouped),
        ("0.|0·", rf"(?<![\d.])({days})(?={NAMED_DAYS})", _named_day),
        ("0款|0届", r"(?<!\d)(?:19|20)\d\d(?=款|届[毕学的高])", lambda match: year(match.group())),
        ("0年)|0年）", r"(?<=[，,])([1-9]\d\d)年(?=[)）])", lambda match: f"{year(match[1])}年"),
        ("0.", r"(?<![\d.第])(3\.8|5\.1|6\.1|5\.4|9\.9|10\.1)(?=节(?![课点省目]))", _named_day),
        ("0.", r"(?<![\d.])802\.(\d\d?)(?!\d)", lambda match: f"八零二点{digits(match[1])}"),
        ("0栋|0幢|0座", r"(?<=[号区院苑城园村期])2(?=[栋幢座])", lambda match: "二"),
        (
            "0-围",
            r"(?<=三围)([是为：:]?)(\d{2,3})-(\d\d)-(\d{2,3})(?![\d-])",
            lambda match: match[1] + "、".join(cardinal(match[at]) for at in (2, 3, 4)),
        ),
        ("0·", rf"(?<=[“\"「])({days})(?=[”\"」])", _named_day),
        ("0", r"(?<!\d)(985)?[/、和与]?(211)(?=[院高大学]|工程|毕业)", _kinds_of_universities),
        ("0", r"(?<!\d)985(?=[院高大学]|工程|毕业)", lambda match: "九八五"),
        (
            "0/",
            r"(?<=绩点)([为是：:，,]?)(\d\.\d+)/([45]\.\d+)",
            lambda match: f"{match[1]}{decimal(match[2])}，满分{decimal(match[3])}",
        ),
        ("0期", r"(?<![\d.])\d{5,7}(?=期(?![限间货刊末待]))", lambda match: digits(match.group())),
        ("0.", r"(?<=[价额])([\d,]+)\.00(?!\d)", r"\1"),
        ("0", r"(?<!\d)315(?=晚会|曝光|打假|消费|维权|投诉|活动)", lambda match: "三幺五"),
        ("0《", r"(?<=《)(?:19|20)\d\d(?!\d)", lambda match: year(match.group())),
        ("0式", r"(?<!\d)[5-9]\d(?=式[步机自轰冲手坦装狙火枪战])", lambda match: digits(match.group())),
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
        ("0-", r"(?<![\d.-])\d(?:-\d){2,4}(?![\d.-]|室|房|号)", lambda match: digits(match.group())),
        ("0-", r"(?<=满)(\d{2,5})-(?=\d{1,4}(?![\d元个人天岁]))", r"\1减"),
        ("0-", r"(?<![\d.-])7-11(?=便利|店|超市|门店|买|里|吃)", lambda match: "七十一"),
        ("0-", r"(?<!\d)(\d+)-(\d+)-(\d+)(?=室|房|号[^码线])", _rooms),
        ("0-", r"(?<![\d-])(\d{1,2})-(\d{1,2})-(\d{3,4})(?![\d-])", _rooms),
        ("0/", r"(?<=[一-鿿A-Za-z²³])/(?=\d)", "，"),
        ("0-", r"(?<=[栋座幢楼])(\d+)-(\d{3,4})(?![\d-])", _rooms),
        ("0-", r"(?<!\d)(\d+)-(\d{3,})(?=室|房|号(?![码线])|单元|户)", _rooms),
        (
            "0月",
            r"(?<![\d.年])(\d{1,2})[-~～—–至到](\d{1,2})(?=月(?!\d))|(?<=年)(\d{1,2})[-~～—–至到](\d{1,2})(?=月(?!\d))",
            lambda match: f"{_plain_cardinal(match[1] or match[3])}到{_plain_cardinal(match[2] or match[4])}",
        ),
        ("0后", r"(?<![\d:：.])([0-9][05])后(?![面来的天])", lambda match: f"{digits(match[1])}后"),
        ("0、", rf"(?<!\d)(\d)、(\d)(?={measures})", _two_counts),
        ("0米|0秒", rf"(?:(?<=秒)|(?<=[^小]米))(\d\d)(?![\d.:~%-]|{measures}|[时分])", lambda match: digits(match[1])),
        (
            "0-",
            rf"(?:(?<=波音)|(?<![\d.])(?=7[0-8]7-(?:[789]|10|[2-9]00)(?![\d.%]|{measures})))(\d{{3}})-(?=\d)",
            lambda match: f"{digits(match[1])}，",
        ),
        (
            "0号",
            r"(?<![\d.])(?:8[39]|9\d)(?=号[^，。！？,.!?]{0,4}油)|(?<=加)9\d(?=号)",
            lambda match: digits(match.group()),
        ),
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
        (
            "0步",
            r"(?<=步骤)(\d{1,2})/(\d{1,2})(?!\d)",
            lambda match: f"{_plain_cardinal(match[1])}，共{match[2]}步",
        ),
        (
            "0第",
            r"第(\d+)/(\d+)(页|章|步|题|部分|张|集|关|轮|节|课|篇)",
            lambda match: f"第{match[1]}{match[3]}，共{match[2]}{match[3]}",
        ),
        (
            "0-年|0-)|0-）|0~年|0—年|0–年|0–）|0—）|0到",
            r"(?<=[(（])([1-9]\d{2})(年?)\s?[-~～—–到]\s?([1-9]\d{2,3})(?=年?[)），,])",
            lambda match: f"{year(match[1])}{match[2]}到{year(match[3])}",
        ),
        (
            "0~-|0～-|0至-|0到-",
            r"(?<![\d-])((?:19|20)\d\d)-(0[1-9]|1[0-2])[~～至到](0[1-9]|1[0-2])(?![\d-])",
            lambda match: f"{_month_of_year(match[1], match[2])}到{_plain_cardinal(match[3])}月",
        ),
        ("0)|0）", r"(?<=[(（])(1[5-9]\d\d|20\d\d)(?=[)）])", lambda match: year(match[1])),
        (
            "0-约|0~约|0—约|0–约",
            r"(?<=[(（])约?(1\d{3}|20\d\d)\s?[-~～—–]\s?约?(1\d{3}|20\d\d)(?=[)）])",
            lambda match: f"约{year(match[1])}到约{year(match[2])}",
        ),
        (
            "0-|0~|0～|0—|0–|0至|0到",
            r"(?<![\d.])(\d{3,4})[-~～—–至到](\d{4})(?=年|赛季|学年|财年|[，。,、；;）)\s]|$)",
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
            lambda match: f"{_plain_cardinal(match[1])}月{_plain_cardinal(match[2])}日",
        ),
        ("0-", r"(?<=[图表式例])(\d+)-(\d+)(?![\d-])", _numbered),
        ("0年", r"(?<![\d.])(\d{4}|\d\d)年(?:(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])([日号]))?)?", _date),
        ("0月", r"(?<![\d.])(0?[1-9]|1[0-2])月(?:([12]\d|3[01]|0?[1-9])([日号]))?(?!\d)", _month),
        (
            "0比",
            r"(?<![\d.第])(\d{1,3})比(\d{1,3})(?![\d.%年])",
            lambda match: f"{cardinal(match[1])}比{cardinal(match[2])}",
        ),
        ("0:", r"(?<![\d:.])\d+(?:\.\d+)?(?::\d+(?:\.\d+)?){2,}(?![\d:])", _proportion),
        (
            "0:.",
            r"(?<![\d:.])(\d{1,2}):([0-5]\d)\.(\d{1,3})(?!\d)",
            lambda match: f"{_plain_cardinal(match[1])}分{_plain_cardinal(match[2])}秒{digits(match[3])}",
        ),
        ("0:", rf"(?<!\d){clock}[-~～—–]{clock}(?!\d)", _clock_range),
        ("0:", rf"(?<!\d){clock}(?![\d:])", _clock),
        (
            "0:",
            r"(?<![\d:.])(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?![\d:])",
            _ratio,
        ),
        ("0", r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)", _mobile),
        ("0+-", r"\+\d{1,3}(?:[- ]\d{2,4}){2,}(?!\d)", lambda match: _telephone(match).lstrip("，")),
        ("0", r"(?<![\d.])\d{2,}(?:-\d{2,}){2,}(?!\d)|(?<!\d)(?:0\d{2,3}|[48]00)-?\d{3,4}[- ]?\d{4}(?!\d)", _telephone),
        ("0-", r"(?<![\d-])\d+(?:-\d+){3,}(?![\d-])", _telephone),
        (
            money_needed,
            rf"({money})({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)[-~～—–](?:({money}))?({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)(?:元|块)?",
            _money_range,
        ),
        (money_needed, rf"({money})({NUMBER})([KkMBbm](?![A-Za-z])|[十百千万亿]*)(?:元|块)?", _money),
        (
            money_needed,
            rf"(?<![\d.])({NUMBER})([十百千万亿]*)({money})",
            lambda match: f"{decimal(match[1])}{match[2]}{currencies()[match[3]][0]}",
        ),
        ("0.", r"(?<![\d.])(\d+(?:\.\d+){2,})", _version),
        (
            "0℃|0°|0℉|0摄|0度",
            r"(?<![\d.])(-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉)[-~～—–]",
            lambda match: _temperature(match) + "到",
        ),
        (
            "0℃|0°|0℉|0摄|0度",
            r"(?<![\d.])(-?)(\d+(?:\.\d+)?)[~～–-](-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉|度)",
            _temperatures,
        ),
        ("0℃|0°|0℉|0摄|0度", r"(?<!\d)(-?)(\d+(?:\.\d+)?)(摄氏度|°C|℃|°F|℉|度)", _temperature),
        ("0°", rf"(?<![\d.])(-?)({NUMBER})°(?![CF])", lambda match: f"{'负' if match[1] else ''}{decimal(match[2])}度"),
        (
            "0/",
            rf"(?<![\d./])({NUMBER})/(\d+)分(?![之钟])",
            lambda match: f"{decimal(match[1])}分，满分{decimal(match[2])}分",
        ),
        (
            "0/",
            rf"(?<=[评得打]分|分数|星级)([为是：:，,]?)({NUMBER})/(5|10|100)(?:\.0)?(?![\d分]|\.\d)",
            lambda match: f"{match[1]}{decimal(match[2])}分，满分{decimal(match[3])}分",
        ),
        (
            "0./",
            r"(?<![\d./])(\d\.\d)/(5|10)(?![\d./分])",
            lambda match: f"{decimal(match[1])}分，满分{decimal(match[2])}分",
        ),
        ("0s", r"(?<!\d)((?:19|20)\d0)s(?![A-Za-z])", lambda match: f"{year(match[1])}年代"),
        (
            "0-|0~|0～|0—|0–",
            rf"(?<![\d.])({NUMBER})(%|‰|{units})[-~～—–](?={NUMBER}(?:%|‰|{units}))",
            lambda match: f"{match[1]}{match[2]}到",
        ),
        ("0-|0~|0～|0—|0–", rf"(?<![\d.])({NUMBER})[-~～—–]({NUMBER})(%|‰)", _percent_range),
        ("0%|0‰|0％", rf"(?<![\d.])(-?)({NUMBER})([%‰％])", _percent),
        ("0", rf"(?<=\d)({units})(?![A-Za-z0-9²³])", _unit),
        ("0/", r"(?<![\d/])24/7(?![\d/])", lambda match: "二十四小时"),
        ("0+|0×|0÷|0=|0*|0x|0X", r"(?<=\d)\s*([+×÷=*xX])\s*(?=[-\d(])", _operator),
        (
            "-",
            r"(?<=\d)-(?=\d+(?:\.\d+)?(?:等于|加(?![速时油班仑])|减(?![速肥少])|乘|除(?![外了])))|(?<=等于)-",
            lambda match: "减" if match.start() and match.string[match.start() - 1].isdigit() else "负",
        ),  # fmt: skip
        (
            with_any("⁰¹²³⁴⁵⁶⁷⁸⁹"),
            r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)",
            lambda match: f"的{cardinal(match[1].translate(SUPERSCRIPTS))}次方",
        ),
        ("0/次", r"(?<=试)(\d{1,2})/(\d{1,2})次", r"\1次，共\2次"),
        (
            "0/",
            r"(?<![\d./])([2-5]\d\d)/([2-5]\d\d)(?![\d./%])",
            lambda match: f"{digits(match[1])}，{digits(match[2])}",
        ),
        ("0/", r"(-?)(?<![\d./])(\d+)/(\d+)(?![\d./])", _slash),
        ("0/", r"(?<=视力)([为是：:]?)(\d\.\d)/(?=\d\.\d)", lambda match: f"{match[1]}{decimal(match[2])}，"),
        ("0./", r"(?:(?<=\.\d)|(?<=\.\d\d))/(?=\d+\.\d)", lambda match: "，"),
        ("0/", r"(?<=\d)/(?=\d)", lambda match: "比"),
        ("0-|0~|0～|0—|0–", rf"(?<![\d.])({NUMBER})[-~～—–]({NUMBER})(?!\d|\.\d)(?=({measures}|{QUANTITY})?)", _range),
        (
            "0-",
            rf"(?<![\dA-Za-zΑ-ω{HAN}])-(?={NUMBER})|(?<=[是为达到于约值回出得从取设成和与或即果拔幅差率润益额])-(?={NUMBER})",
            lambda match: "负",
        ),
        ("0第", r"第(\d+)(?!\d|\.\d)", lambda match: f"第{_ordinal(match[1])}"),
        ("0.", r"(?<![\d.])(\d+\.\d+)", lambda match: decimal(match[1])),
        ("0+", r"(?<![\d.])(\d{2,}|[3-9])\+(?=[个 ]?$)", lambda match: f"{decimal(match[1])}多"),
        ("0", rf"(?<![\d.])(\d+)([多余几+](?!百分之|千分之))?({measures})", _quantity),
        ("0+", r"(?<![\d.])(\d{1,6}0)\+(?!百分之|千分之)(?=[一-鿿])", lambda match: f"{cardinal(match[1])}多"),
        ("0", rf"(?<!\d)(\d+){QUANTITY}", lambda match: counted(match[1])),
        ("0", r"\d+", _bare_number),
        (
            "/",
            rf"(?<=[元米克吨次块度人个升斤里瓦时天年月分秒钟页节位字])/(?=[一-鿿])(?!{CURRENCY_NAMES})|(?<=[一-鿿])/(?=(?:{EACH})(?![一-鿿]))",
            lambda match: "每",
        ),
        ("+", r"(?<=[一-鿿])\+", lambda match: "加"),
    ]
    return Rules(rows)


def _kinds_of_universities(match: re.Match[str]) -> str:
    """Names of two lists of universities, digit by digit: 985/211院校."""
    return "九八五，二幺幺" if match[1] else "二幺幺"


def _iso_date(match: re.Match[str]) -> str:
    return f"{year(match[1])}年{cardinal(match[3])}月{cardinal(match[4])}日"


def _lifetime(match: re.Match[str]) -> str:
    """From one day to another, each with its year: 1881.9.25—1936.10.19."""
    parts = match.groups()
    days = (f"{year(parts[at])}年{cardinal(parts[at + 1])}月{cardinal(parts[at + 2])}日" for at in (0, 3))
    return "到".join(days)


def _named_day(match: re.Match[str]) -> str:
    """A day that is called by its numbers: 十一, 九三, 三一五, 双十一."""
    month, day = re.split("[.·]", match[1])
    if month == day and len(day) == 2:
        return f"双{cardinal(day)}"
    return (cardinal(month) if month == "10" else digits(month)) + digits(day)


def _month_of_year(number: str, month: str) -> str:
    return f"{year(number)}年{_plain_cardinal(month)}月"


def _plain_date(match: re.Match[str]) -> str:
    """A day in eight digits: 20240315."""
    return f"{year(match[1])}年{cardinal(match[2])}月{cardinal(match[3])}日"


def _numbered(match: re.Match[str]) -> str:
    """A chapter and the number of a figure in it, which no range can be: 图3-1."""
    is_range = int(match[1]) < int(match[2])
    return match.group() if is_range else f"{_plain_cardinal(match[1])}杠{_plain_cardinal(match[2])}"


def _two_counts(match: re.Match[str]) -> str:
    """Two or three: 2、3个; but 第1、2、3名."""
    if re.search(r"(?:第|\d、)$", before(match, 12)):
        return f"{_plain_cardinal(match[1])}、{_plain_cardinal(match[2])}"
    return counted(match[1]) + digits(match[2])


def _american_date(match: re.Match[str]) -> str:
    return f"{year(match[3])}年{cardinal(match[1])}月{cardinal(match[2])}日"


def _plain_cardinal(number: str) -> str:
    """A cardinal that keeps 二: months, days and ordinals."""
    return "二" if number.lstrip("0") == "2" else cardinal(number)


def _date(match: re.Match[str]) -> str:
    number, month, day, sign = match[1], match[2], match[3], match[4]
    spoken = (year(number) if month or _is_calendar_year(match) else counted(number)) + "年"
    if month:
        spoken += f"{_plain_cardinal(month)}月"
    if day:
        spoken += f"{_plain_cardinal(day)}{sign}"
    return spoken


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
    spoken = f"{_plain_cardinal(match[1])}月"
    return spoken + (f"{_plain_cardinal(match[2])}{match[3]}" if match[2] else "")


def _moment(hour: str, minute: str, second: str | None) -> str:
    spoken = f"{counted(hour)}点"
    if second is None and minute == "30":
        return spoken + "半"
    if int(minute) or (second and int(second)):
        spoken += ("零" if minute[0] == "0" and int(minute) else "") + f"{cardinal(minute)}分"
    if second and int(second):
        spoken += ("零" if second[0] == "0" else "") + f"{cardinal(second)}秒"
    return spoken


def _clock(match: re.Match[str]) -> str:
    if RATIO_WORDS.search(before(match, 12)) or RATIO_WORDS_AFTER.match(match.string, match.end()):
        return f"{cardinal(match[1])}比{cardinal(match[2])}"
    if match[3] and LASTING_WORDS.search(before(match, 12)):
        return f"{counted(match[1])}小时{_plain_cardinal(match[2])}分{_plain_cardinal(match[3])}秒"
    if LASTING_WORDS.search(before(match, 12)):
        return f"{counted(match[1])}分{_plain_cardinal(match[2])}秒"
    return _moment(match[1], match[2], match[3])


def _ratio(match: re.Match[str]) -> str:
    """Two numbers with a colon: parts, or minutes and seconds where it is about how long something took."""
    if re.fullmatch(r"\d\d?:[0-5]\d", match.group()) and LASTING_WORDS.search(before(match, 12)):
        return f"{_plain_cardinal(match[1])}分{_plain_cardinal(match[2])}秒"
    return f"{decimal(match[1])}比{decimal(match[2])}"


def _proportion(match: re.Match[str]) -> str:
    """Three numbers or more that are parts and no time of day: 1:2:3."""
    parts = match.group().split(":")
    if len(parts) == 3 and all(len(part) == 2 and part < "60" for part in parts[1:]):
        return match.group()
    return "比".join(map(decimal, parts))


def _clock_range(match: re.Match[str]) -> str:
    return f"{_moment(match[1], match[2], match[3])}至{_moment(match[4], match[5], match[6])}"


def _mobile(match: re.Match[str]) -> str:
    return digits("".join(match.groups()), telephone=True)


def _telephone(match: re.Match[str]) -> str:
    return "，".join(digits(part, telephone=True) for part in re.findall(r"\d+", match.group()))


def _money(match: re.Match[str]) -> str:
    return _amount(match[2], match[3]) + currencies()[match[1]][0]


def _money_range(match: re.Match[str]) -> str:
    """Two amounts, with one sign (¥3000-5000) or with one each."""
    unit = currencies()[match[1]][0]
    first = _amount(match[2], match[3]) + (unit if match[4] else "")
    return f"{first}到{_amount(match[5], match[6])}{currencies()[match[4] or match[1]][0]}"


def _amount(number: str, scale: str) -> str:
    number = number.rstrip("0").rstrip(".") if "." in number else number
    if scale in SCALES:
        return cardinal(str(int(Decimal(number) * SCALES[scale])))
    return decimal(number) + scale if scale else counted(number)


def _version(match: re.Match[str]) -> str:
    return "点".join(digits(part) for part in match[1].split("."))


def _temperature(match: re.Match[str]) -> str:
    return f"{'零下' if match[1] else ''}{decimal(match[2])}{TEMPERATURES[match[3]]}"


def _temperatures(match: re.Match[str]) -> str:
    below = ["零下" if sign else "" for sign in (match[1], match[3])]
    return f"{below[0]}{decimal(match[2])}到{below[1]}{decimal(match[4])}{TEMPERATURES[match[5]]}"


def _percent(match: re.Match[str]) -> str:
    share = "千分之" if match[3] == "‰" else "百分之"
    return f"{'负' if match[1] else ''}{share}{decimal(match[2])}"


def _percent_range(match: re.Match[str]) -> str:
    share = "千分之" if match[3] == "‰" else "百分之"
    return f"{share}{decimal(match[1])}到{decimal(match[2])}"


def _operator(match: re.Match[str]) -> str:
    return {"+": "加", "=": "等于", "÷": "除以"}.get(match[1], "乘")


def _grouped(match: re.Match[str]) -> str:
    """A number with commas between thousands: a quantity, whatever stands behind it."""
    return match.group().replace(",", "") + (QUANTITY if match[1] is not None else "")


def _rooms(match: re.Match[str]) -> str:
    """Building, unit and room: small numbers as numbers, those of rooms digit by digit."""
    return "杠".join(
        _plain_cardinal(part) if len(part) < 3 else digits(part, telephone=True) for part in match.groups()
    )


def _year_part(match: re.Match[str]) -> str:
    """A year and what follows its slash: the next year of a season, or a month."""
    first, second, right = match[1], match[2], after(match, 4)
    is_next = int(second) == (int(first) + 1) % (100 if len(second) == 2 else 10_000)
    if is_next and (len(second) == 4 or int(second) > 12 or re.match("赛季|学年|财年|年度", right)):
        return f"{year(first)}{'' if len(second) == 2 else '到'}{year(second)}"
    if len(second) < 3 and 1 <= int(second) <= 12:
        return f"{year(first)}年{_plain_cardinal(second)}月"
    return match.group() if len(second) < 4 else f"{year(first)}到{year(second)}"


def _days_of_months(match: re.Match[str]) -> str:
    """Days from one to another, later one: 6/20-6/21."""
    first, second = (int(match[1]), int(match[2])), (int(match[3]), int(match[4]))
    if not first < second or second[0] - first[0] > 1:
        return match.group()
    days = [f"{_plain_cardinal(match[at])}月{_plain_cardinal(match[at + 1])}日" for at in (1, 3)]
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
    return f"{_plain_cardinal(match[1])}月{_plain_cardinal(match[2])}日"


def _unit(match: re.Match[str]) -> str:
    """A unit behind a number, which then is a quantity also where no measure word says so."""
    said = mandarin_unit(match[1])
    is_whole = re.search(r"(?<![\d.])\d+$", match.string[max(0, match.start() - 20) : match.start()])
    known = any(said.startswith(measure) for measure in words("zh_measures.txt"))
    return said if known or not is_whole else QUANTITY + said


def _slash(match: re.Match[str]) -> str:
    """Two numbers with a slash: a blood pressure, shares of a hundred, or a fraction."""
    sign, above, below = "负" if match[1] else "", match[2], match[3]
    high, low = int(above), int(below)
    if (above, below) == ("9", "11") and match.string.startswith(("事件", "恐怖"), match.end()):
        return "九一一"
    is_pressure = high > low >= 30 and PRESSURE_WORDS.search(before(match) + after(match))
    if is_pressure or not low or (high + low == 100 and not high % 5) or (high >= low > 9):
        return f"{sign}{cardinal(above)}比{cardinal(below)}"
    return f"{sign}{cardinal(below)}分之{cardinal(above)}"


def _range(match: re.Match[str]) -> str:
    score = SCORE_WORDS.search(before(match, 12)) or SCORE_WORDS_AFTER.match(match.string, match.end())
    if not match[3]:
        score = score or SCORE_VERBS.match(match.string, match.end())
    score = score or SCORES_BEFORE.search(before(match)) or _of_set(match)
    ends = re.match("[，。、；！？,.;!?()（）]|$", after(match, 1)) and not MEASURED_WORDS.search(before(match, 6))
    if ends and before(match, 1) != "第" and float(match[1]) < 200:
        score = score or SPORTS.search(match.string)
    if not match[3] and match[1].isdigit() and match[2].isdigit() and int(match[2]) < int(match[1]) < 200:
        # No range goes down.
        score = score or re.match("", "")
    if "~" not in match.group() and score and not (match[3] and "赛" in score.group()):
        return f"{decimal(match[1])}比{decimal(match[2])}"
    right = match.string[match.end() + len(match[3] or "") :][:4]
    counts = match[3] and before(match, 1) != "第" and not _is_rank(match[3], before(match, 1), right)
    return f"{decimal(match[1])}到{counted(match[2]) if counts else decimal(match[2])}"


def _of_set(match: re.Match[str]) -> re.Match[str] | None:
    """A match if this is a score among those of other sets, of which one goes down: 25-22、19-25、25-20."""
    pairs = rf"(?:{SET}[、，,;； ]\s?)*"
    left = re.search(rf"{pairs}$", before(match))
    right = re.match(rf"(?:[、，,;； ]\s?{SET})*", after(match))
    found = re.findall(SET, f"{left and left.group()} {match.group()} {right and right.group()}")
    goes_down = any(int(first) > int(second) for first, second in found)
    return re.match("", "") if len(found) > 2 and goes_down else None


def _ordinal(number: str) -> str:
    return digits(number) if len(number) > 4 else _plain_cardinal(number)


def _quantity(match: re.Match[str]) -> str:
    number, more, measure = match[1], match[2] or "", match[3]
    said = "多" if more == "+" else more
    if number.startswith("0") and len(number) > 1:
        return f"{digits(number)}{said}{measure}"
    is_rank = number == "2" and not said and _is_rank(measure, before(match, 1), after(match, 4))
    return f"{decimal(number) if said or is_rank else counted(number)}{said}{measure}"


def _is_rank(measure: str, left: str, right: str) -> bool:
    """Whether a number before `measure`, between `left` and `right`, is a rank or in a word: 二级, 升了两级."""
    if measure == "级" and left in {*"升降跳差低高超连了"}:
        return False
    return measure in RANKS and re.match(RANKS[measure], right) is not None


def _is_named(left: str) -> bool:
    """Whether the number that something is changed to names it, by its clause or, of a short one, by the one before."""
    *others, clause = re.split("[，。；,.;]", left)
    is_bare = len(clause) < 6 and others
    return NAMED_NUMBERS.search(others[-1] + clause if is_bare else clause) is not None


def _bare_number(match: re.Match[str]) -> str:
    """Digits without a measure word: small and round numbers as numbers, longer ones digit by digit."""
    number = match.group()
    if len(number) < 3 and not (number.startswith("0") and len(number) > 1):
        return _plain_cardinal(number)
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
