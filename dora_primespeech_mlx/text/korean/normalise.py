"""Written Korean -> spoken Korean: Hangul, blanks and the marks `! ? … , . -`; quotes and brackets are short stops."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.korean.hanja import in_hangul
from dora_primespeech_mlx.text.korean.numbers import cardinal, decimal, digits, native
from dora_primespeech_mlx.text.korean.syllables import has_coda
from dora_primespeech_mlx.text.korean.tagger import hanja_words
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.rules import any_of, regex
from dora_primespeech_mlx.text.tables import currencies, mapping, words

NUMBER = r"\d+(?:\.\d+)?"
MARKS = str.maketrans("：；:;，、。．！？⋯‥·ㆍ・–—―", ",,,,,,..!?……,,,---")
STOPS = '"“”‘’「」『』《》〈〉()（）[]【】/~〜～*'
KEPT = frozenset("，…½⅓⅔¼¾²³℃℉㎡㈜·")
# What names something that is said digit by digit: 비밀번호는 1234, and numbers in an emergency: 119에 신고.
CODE = r"((?:번호|코드|내선)[는은가이:]?\s?[\[(\"']?[A-Z]{0,3}-?)(\d{3,}(?:-\d{2,})*)(?!\d|[.,-]\d)"
EMERGENCY = (
    r"(?<!\d)(11[0-9]|12[0-9]|182|911)(?=로 ?(?:신고|전화|연락|문의)|에 ?(?:신고|전화|연락)"
    r"|번?으로 ?(?:신고|전화|연락)|이?나 ?11|\s?(?:구급|신고|상황실|소방))"
)
# After these a wave only draws out: 안녕하세요~반갑습니다.
DRAWN = "[요다네와아오야음예자까죠어앗응우지군걸래게님용당잉랑]"
MONEY = {"₩": "원", "￦": "원", "$": "달러", "US$": "달러", "€": "유로", "¥": "엔", "£": "파운드", "HK$": "홍콩달러",
         "元": "위안"}  # fmt: skip
ROUND_TENS = regex(r"[1-9]0대(?![를의]? ?(?:판매|생산|차|자동차|컴퓨터))")
MACHINES = regex(
    "(?:차|버스|트럭|컴퓨터|노트북|휴대폰|전화기|TV|텔레비전|비행기|자전거|오토바이|피아노|카메라|기계|로봇|에어컨|냉장고|세탁기|드론|기차|서버|대)"
    r"[가는은를도]?\s*$"
)
LABEL_NOUNS = (
    "(?:출구|버스|문제|홈|트랙|선수|타자|게이트|국도|테이블|좌석|채널|칸|플랫폼|노선|마을버스|창구"
    "|지문|보기|항|방|레인|코스|도로)"
)
PEOPLE = regex(r"(?:손님|고객|선생님|어르신|어른|관객|참가자|교수님|기자|직원)[은는이가도]?\s*$")
BOOKS = regex(r"(?:책|만화|소설|노트|잡지|도서|교재|공책|사전|앨범|시집)\S{0,3}\s*$")
CLOVES = regex(r"(?:마늘|생강|귤|오렌지|자몽)\s*$")
SCORE = regex(r"(?:점수|스코어|승리|이겼|졌|경기|비율|득점)\D{0,4}$")
SCORE_AFTER = regex(r"로? ?(?:승리|이겼|이기|졌|지|앞서|비겼|무승부|역전|패)")
# One or two, two or three, ... before a counter of native numbers.
PAIRS = ("", "한두", "두세", "서너", "네다섯", "대여섯", "예닐곱", "일고여덟", "여덟아홉")

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def spoken_korean(text: str) -> str:
    """Normalise `text`; Latin letters are said by their Korean names."""
    text = re.sub(r"[\u2460-\u2473](?=번|항|호)", lambda match: cardinal(unicodedata.normalize("NFKC", match[0])), text)
    text = re.sub(
        r"\s*([\u2460-\u2473])(?!과|와|의|은|는|이|가|을|를|에|로)\s*",
        lambda match: f", {unicodedata.normalize('NFKC', match[1])}, ",
        text,
    ).lstrip(", ")
    text = "".join(
        sign if sign in KEPT or "ㄱ" <= sign <= "ㆎ" else unicodedata.normalize("NFKC", sign) for sign in text
    )
    text = unicodedata.normalize("NFC", text).replace("−", "-")
    text = re.sub(rf"([가-힣]+)\(([{HAN}]+)\)", _once, re.sub(r"\s+", " ", text))
    text = in_hangul(text, hanja_words)
    for pattern, say in _rules():
        text = pattern.sub(say, text)
    for sign, said in mapping("ko_signs.tsv").items():
        if sign in text:
            text = text.replace(sign, said)
    text = re.sub(r"(?<![ㄱ-ㅎㅏ-ㅣ])[ㄱ-ㅎㅏ-ㅣ](?![ㄱ-ㅎㅏ-ㅣ])|[A-Za-z]", _letter, text)
    text = text.translate(MARKS)
    text = re.sub(rf"[^가-힣ㄱ-ㅎㅏ-ㅣ !?…,.\-{re.escape(STOPS)}]+", "", text)
    text = re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)
    return re.sub(r"\s+(?=[!?…,.])", "", re.sub(r" {2,}", " ", text)).strip()


def _once(match: re.Match[str]) -> str:
    """A word without the Hanja it is written in, which stand in brackets behind it: 한자(漢字)."""
    return match[1] if match[1].endswith(in_hangul(match[2], hanja_words)) else match.group()


def _letter(match: re.Match[str]) -> str:
    return mapping("ko_letters.tsv").get(match.group().upper(), match.group())


@cache
def _rules() -> tuple[Rule, ...]:
    """Every reading of something written in digits or signs, in the order they have to be looked for."""
    units = any_of(mapping("ko_units.tsv"))
    latin = any_of(mapping("ko_latin_words.tsv"))
    money = any_of(currencies() | MONEY)
    clock = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?"
    month, day = r"(0?[1-9]|1[0-2])", r"([12]\d|3[01]|0?[1-9])"
    number = rf"(?<![\d.])({NUMBER})"
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"\d{21,}", lambda match: digits(match.group())),
        (CODE, lambda match: match[1] + _in_groups(match[2])),
        (EMERGENCY, lambda match: digits(match[1], telephone=True)),
        (r"(혈압[은이:]?\s)(\d+)/(\d+)", lambda match: f"{match[1]}{cardinal(match[2])}에 {match[3]}"),
        (rf"(?<![A-Za-z0-9])({latin})(?![A-Za-z0-9+#])", lambda match: mapping("ko_latin_words.tsv")[match[1]]),
        (r"(?<=\d),(?=\d{3}(?!\d))", lambda match: ""),
        (r"(?m)^\s*(\d{1,2})[.)]\s+(?=\D)", lambda match: f"{cardinal(match[1])}, "),
        (r"(?<!\d)(\d{1,2})·(\d{1,2})(?!\d)", _anniversary),
        (
            r"(?<![\d.])(\d{1,2})\.(\d{1,2})(?=\s?(?:전쟁|사변|광복절|절|혁명|운동|민주화|사태|항쟁))",
            _anniversary,
        ),
        (
            rf"(?<![\d/]){month}/{day}\s?[~∼〜～-]\s?{month}/{day}(?![\d/])",
            lambda match: " ".join(
                (
                    f"{_month(match[1])}월",
                    f"{cardinal(match[2])}일에서",
                    f"{_month(match[3])}월",
                    f"{cardinal(match[4])}일",
                )
            ),
        ),
        (
            r"(?<![\d-])(\d{1,4})-(\d{1,4})(?=\s?번지)|(?<=[동리가로] )(\d{1,4})-(\d{1,4})(?![\d-])",
            lambda match: f"{cardinal(match[1] or match[3])} 다시 {cardinal(match[2] or match[4])}",
        ),
        (r"\(주\)\s?", lambda match: "주식회사 "),
        (
            r"((?:좌석|자리|게이트|탑승구)[은는이가:]?\s?\d{1,3})([A-L])(?![A-Za-z])",
            lambda match: f"{match[1]} {mapping('ko_letters.tsv')[match[2]]}",
        ),
        (r"(?<=\d)\s*/\s*(?=\d+\s*=)", lambda match: " 나누기 "),
        (r"(?<=[A-Za-z])\+\+", lambda match: " 플러스플러스"),
        (r"(?<=[A-Za-z])-(?=\d)", lambda match: " "),
        (r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])", lambda match: " 점 "),
        (r"(?<![\d.])1(?=[백천만](?![가-힣]*[년월일호]))", lambda match: ""),
        (r"(?i)(?<![A-Za-z])No\.?\s?(?=\d)|#(?=\d)", lambda match: "넘버 "),
        (
            rf"(?<!\d)((?:19|20)\d\d)([-/.])\s?{month}\2\s?{day}\.?(?!\d)",
            lambda match: f"{cardinal(match[1])}년 {_month(match[3])}월 {cardinal(match[4])}일",
        ),
        (
            rf"(?<![\d/]){month}/{day}(?=\s?\((?:월|화|수|목|금|토|일))",
            lambda match: f"{_month(match[1])}월 {cardinal(match[2])}일",
        ),
        (
            rf"(?<=\(){month}/{day}(?=\))"
            rf"|(?<![\d/]){month}/(1[3-9]|2\d|3[01])(?=까지|부터|에 |은 |는 |\s?(?:마감|출시|오픈|회의))",
            lambda match: f"{_month(match[1] or match[3])}월 {cardinal(match[2] or match[4])}일",
        ),
        (r"\(([월화수목금토일])\)", lambda match: f"({match[1]}요일)"),
        (r"(?<![\d.])(0?6|10)(?=월)", lambda match: _month(match[1])),
        (rf"(?i)(?<![\d:]){clock}\s?([ap])\.?m\.?(?![a-z])", lambda match: _half(match[4]) + _moment(match)),
        (
            r"(?i)(?<![\d:])(1[0-2]|0?[1-9])\s?([ap])\.?m\.?(?![a-z])",
            lambda match: f"{_half(match[2])}{native(match[1])}시",
        ),
        (rf"(?i)(?<![A-Za-z])([ap])\.?m\.?\s?(?={clock})", lambda match: _half(match[1])),
        (rf"(?<![\d:]){clock}\s?[-–]\s?(?=\d\d?:\d\d)", lambda match: _moment(match) + "에서 "),
        (rf"(?<![\d:]){clock}(?![\d:])", _clock),
        (r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda match: f"{cardinal(match[1])} 대 {cardinal(match[2])}"),
        (r"(?<![\d.])(0\d{1,2})[.)]\s?(\d{3,4})[.-](\d{4})(?![\d-])", _telephone),
        (r"(?<![\d.])(?:\+82-?)?\d{2,4}-\d{3,4}(?:-\d{4})?(?![\d-])|\+\d{1,3}(?:-\d{2,4}){2,}", _telephone),
        (r"(?<![\d.-])(?=[\d-]*\d{6}|\d+-\d+-)\d{2,}(?:-\d{2,})+(?!-|\.?\d)", lambda match: _in_groups(match.group())),
        (r"(?<![\d.])0\d{8,}(?!\d)", lambda match: digits(match.group(), telephone=True)),
        (rf"({money})\s?({NUMBER})([십백천만억조]*)([KMB](?![A-Za-z]))?(?:원)?", _money),
        (rf"{number}([십백천만억조]*)\s?({money})", lambda match: decimal(match[1]) + match[2] + _currency(match[3])),
        (r"(?<![\d.])(\d+(?:\.\d+){2,})", lambda match: " 점 ".join(cardinal(part) for part in match[1].split("."))),
        (rf"(?<=[\dA-Za-z)])\^([-−]?)({NUMBER}|[a-zA-Z](?![A-Za-z]))", _power),
        (rf"(?<![\w.)])-({NUMBER})(?=\s?(?:℃|°C|도))", lambda match: f"영하 {match[1]}"),
        (rf"(?<![\w.)])-(?={NUMBER})", lambda match: "마이너스 "),
        (rf"(?:시속 )?(?<!\^){number}\s?km/h", lambda match: f"시속 {decimal(match[1])}킬로미터"),
        (rf"(?:초속 )?(?<!\^){number}\s?m/s(?![²\d])", lambda match: f"초속 {decimal(match[1])}미터"),
        (rf"(?<=[\d천만억조곱])\s?({units})(?![A-Za-z0-9²³])", lambda match: mapping("ko_units.tsv")[match[1]]),
        (
            r"(?<![\d+])([12])\+1(?=\s?(?:행사|이벤트|증정|상품|할인|프로모션|구매))",
            lambda match: f"{'원' if match[1] == '1' else '투'} 플러스 원",
        ),
        (r"(?<=\d)\s*\+\s*(?=\d)", lambda match: " 더하기 "),
        (r"(?<=[\d)])\s*[×xX*]\s*(?=[\d(])", lambda match: " 곱하기 "),
        (r"(?<=[\d)])\s*÷\s*(?=[\d(])", lambda match: " 나누기 "),
        (r"(?<![A-Za-z])([a-z])\s?-\s?(?=[a-z](?![A-Za-z]))", lambda match: f"{match[1]} 빼기 "),
        (r"(?<=\d)\s*-\s*(?=\d+\s*=)|(?<=[\w²³)])\s[-−]\s(?=[\dA-Za-z(])", lambda match: " 빼기 "),
        (rf"({NUMBER})\s*=\s*(?=[\d가-힣])", _equals),
        (r"(?<=[A-Za-z0-9)가-힣])²", lambda match: " 제곱"),
        (r"(?<=[A-Za-z0-9)가-힣])³", lambda match: " 세제곱"),
        (r"\s?(?:>=|[≥≧])\s?", lambda match: " 크거나 같음 "),
        (r"\s?(?:<=|[≤≦])\s?", lambda match: " 작거나 같음 "),
        (r"\s?(?:!=|≠)\s?", lambda match: " 같지 않음 "),
        (r"(?<=[\w)%])\s?>\s?(?=[\dA-Za-z(-])", lambda match: " 크다 "),
        (r"(?<=[\w)%])\s?<\s?(?=[\dA-Za-z(-])", lambda match: " 작다 "),
        (r"\+", lambda match: " 플러스 "),
        (r"(?<=[\w)])\s?[→⇒➜]\s?(?=[\w(])", lambda match: ", "),
        (r"=+", lambda match: " 이퀄 "),
        (r"(?<![\d/])(\d+)/(\d+)(?![\d/])", lambda match: f"{cardinal(match[2])}분의 {cardinal(match[1])}"),
        (rf"{number}[~∼〜～–-]({NUMBER})(?![\d.])", _range),
        (
            rf"(?<=[가-힣])(?<!{DRAWN})[~∼〜～](?=[\d가-힣])|(?<=[가-힣])\s[~∼〜～]\s(?=[\d가-힣])",
            lambda match: "에서 ",
        ),
        (r"(?<![\d.])(\d{1,2})\s?번째", lambda match: ("첫" if match[1] == "1" else native(match[1])) + " 번째"),
        (r"제\s?(\d+)", lambda match: f"제{cardinal(match[1])}"),
        (r"(?<![\d.])(\d{1,2})(?=\s?시(?![가-힣]{2,}[동청])(?!간|즌|리즈|대|도|민|작|험))", _hour),
        (r"(?<![\d.])(\d{1,2})(\s?)시간", lambda match: (_up_to(match[1], 20)) + match[2] + "시간"),
        (r"(?<![\d.])(\d+)(\s?)([가-힣]+)", _counted),
        (r"(?<![\d.])0\d+(?!\.?\d)", lambda match: digits(match.group(), telephone=True)),
        (NUMBER, lambda match: decimal(match.group())),
    ]
    return tuple((re.compile(pattern), say) for pattern, say in rules)


def _month(number: str) -> str:
    """A month's number: 6 is 유, 10 is 시."""
    return {6: "유", 10: "시"}.get(int(number)) or cardinal(number)


def _half(letter: str) -> str:
    return "오전 " if letter in "Aa" else "오후 "


def _up_to(number: str, most: int) -> str:
    return native(number) if 1 <= int(number) <= most else cardinal(number)


def _moment(match: re.Match[str]) -> str:
    spoken = f"{_up_to(match[1], 12)}시"
    if int(match[2]) or (match[3] and int(match[3])):
        spoken += f" {cardinal(match[2])}분"
    return spoken + (f" {cardinal(match[3])}초" if match[3] and int(match[3]) else "")


def _clock(match: re.Match[str]) -> str:
    if SCORE.search(match.string[: match.start()][-10:]):
        return f"{cardinal(match[1])} 대 {cardinal(match[2])}"
    return _moment(match)


def _hour(match: re.Match[str]) -> str:
    return _up_to(match[1], 12)


def _telephone(match: re.Match[str]) -> str:
    parts = re.findall(r"\d+", match.group())
    is_number = len(parts) > 2 or match.group().startswith(("0", "1")) and len(parts[-1]) == 4
    after = match.string[match.end() :]
    if not is_number or re.match(r"\s?(?:년|월|일|명|개|원|점)", after):
        return match.group() if len(parts) == 2 else ", ".join(map(cardinal, parts))
    return ", ".join(digits(part, telephone=True) for part in parts)


def _in_groups(number: str) -> str:
    """A number in groups that names something, an account or a person, digit by digit."""
    return ", ".join(digits(part, telephone=True) for part in number.split("-"))


def _power(match: re.Match[str]) -> str:
    exponent = match[2] if match[2].isalpha() else decimal(match[2])
    return f"의 {'마이너스 ' if match[1] else ''}{exponent}제곱"


def _anniversary(match: re.Match[str]) -> str:
    """A day that history knows by its date: 6·25 육이오, 10·26 십이육, 12·12 십이십이."""
    return cardinal(match[1]) + (cardinal if match[1] == match[2] and len(match[1]) > 1 else digits)(match[2])


def _currency(sign: str) -> str:
    return MONEY.get(sign, currencies().get(sign, ("",))[0])


def _money(match: re.Match[str]) -> str:
    scale = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}.get(match[4] or "")
    amount = str(round(float(match[2]) * scale)) if scale else match[2]
    return decimal(amount) + match[3] + _currency(match[1])


def _equals(match: re.Match[str]) -> str:
    said = decimal(match[1])
    return f"{said}{'은' if has_coda(said[-1]) else '는'} "


def _range(match: re.Match[str]) -> str:
    before, after = match.string[: match.start()][-10:], match.string[match.end() :]
    if "-" in match.group() and (SCORE.search(before) or SCORE_AFTER.match(after)):
        return f"{cardinal(match[1])} 대 {cardinal(match[2])}"
    counter = re.match(r"\s?([가-힣]+)", after)
    if counter is None or "." in match[1] + match[2]:
        return f"{decimal(match[1])}에서 {match[2]}"
    # Tens are native in no range: 이십에서 삼십 명.
    if int(match[1]) >= 20 and _number_before(match[1], counter[1], before, after):
        return f"{cardinal(match[1])}에서 {cardinal(match[2])}"
    first = _number_before(match[1], counter[1], before, after)
    if len(match[2]) == 1 and int(match[2]) == int(match[1]) + 1:
        return PAIRS[int(match[1])] if first else f"{cardinal(match[1])}{cardinal(match[2])}"
    return f"{first or decimal(match[1])}에서 {match[2]}"


def _counted(match: re.Match[str]) -> str:
    number, space, word = match[1], match[2], match[3]
    said = _number_before(number, word, match.string[: match.start()][-12:], match.string[match.start(3) :])
    return f"{said or _plain(number)}{space}{word}"


def _plain(number: str) -> str:
    return digits(number) if number[0] == "0" and len(number) > 1 else cardinal(number)


def _number_before(number: str, word: str, before: str, after: str) -> str | None:
    """The native number before the counter that begins `word`; None where Sino-Korean is right.

    `before` and `after` are the text on both sides, `after` with the word itself.
    """
    if number[0] == "0" or not 1 <= int(number) <= 99:
        return None
    if _is_native(number, word, before, after.strip()):
        return native(number)
    return None


def _is_native(number: str, word: str, before: str, after: str) -> bool:
    if word.startswith(("입니", "이에요", "이고", "이며", "인데")):
        return False
    if word.startswith("번"):
        is_label = re.search(r"반\s?$", before) or re.match(
            rf"번(?:은|이 |이다|을|입니다|이에요|이요|과|와|의|으로|에서|까지|부터|\s?{LABEL_NOUNS})", after
        )
        return not is_label and not re.match(r"번[가-힣]*[지호]", word)
    if word.startswith("분"):
        return bool(PEOPLE.search(before)) or bool(
            re.match(r"분(?:이|께서|을|은|의)?\s?(?:오셨|오시|계|모시|손님|고객)", after)
        )
    if word.startswith("권"):
        return bool(BOOKS.search(before)) or not re.match(r"권(?:에서|은|의|부터|까지|과|와|에)", word)
    if word.startswith("대"):
        is_thing = MACHINES.search(before) or re.match(
            r"대(?:[를는도만씩]|$|[.,!?]| (?:중|있|더|이상|정도|샀|구입))", after
        )
        return bool(is_thing) and not (ROUND_TENS.match(number + after) and not MACHINES.search(before))
    if word.startswith("장"):
        return not re.match(r"장(?:에서|의|부터|까지|\s?\d+절)", after)
    if re.match(r"자(?:간| ?(?:회담|구도|대결|협의|통화))", after):
        return False
    if word.startswith("쪽"):
        return bool(CLOVES.search(before))
    if word.startswith(tuple(words("ko_sino_counters.txt"))):
        return False
    return word.startswith(tuple(words("ko_native_counters.txt")))
