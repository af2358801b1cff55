"""Japanese, Korean and Cantonese against the phones of the official code, and against readings that are right."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import languages
from dora_primespeech_mlx.settings import LANGUAGES, Settings
from dora_primespeech_mlx.text import Frontend, Phones
from dora_primespeech_mlx.text.sentences import SentenceSplitter, sentences_of, split, spoken_length
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.library import Library

pytest.importorskip("pyopenjtalk", reason="the extra ja is not installed")
pytest.importorskip("mecab", reason="the extra ko is not installed")

DATA = Path(__file__).parent / "data"
DIFFERENCES = json.loads((DATA / "language_differences.json").read_text(encoding="utf-8"))


def as_lists(value: Any) -> Any:
    """The stored golden file has phones as text, to be short."""
    if isinstance(value, dict):
        names = ("phones", "right_phones", "must_contain_phones", "must_not_contain")
        return {
            key: item.split() if key in names and isinstance(item, str) else as_lists(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [as_lists(item) for item in value]
    return value


GOLDEN = as_lists(json.loads((DATA / "golden_languages.json").read_text(encoding="utf-8")))
for bug in GOLDEN["official_bugs"]:
    bug["also_right_phones"] = [names.split() for names in bug.get("also_right_phones", ())]


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


def heard(frontend: Frontend, text: str, language: str) -> str:
    """Phones without marks and prosody."""
    return " ".join(languages.plain(frontend(text, language, guard=False).names))


def spans(phones: Phones) -> list[tuple[str, str]]:
    return [(span.language, span.text) for span in phones.spans]


@pytest.mark.parametrize(("group", "counted"), [("ja", 61), ("ko", 58), ("yue", 52)])
def test_a_room_says_what_the_official_code_says_or_what_is_right(group: str, counted: int) -> None:
    found = languages.compare_room(group, GOLDEN, DIFFERENCES, languages.rooms()[group])
    assert found.counted == counted >= languages.BARS[group]
    assert {text for text, _, _ in found.exempt + found.different} == set(DIFFERENCES[group])


def test_mixed_texts_are_read_by_the_languages_of_the_official_code_or_the_right_ones() -> None:
    found = languages.compare_mixed(GOLDEN, DIFFERENCES)
    assert found.counted == 39 >= languages.BARS["mixed"]
    assert {text for text, _, _ in found.exempt + found.different} == set(DIFFERENCES["mixed"])


def test_listed_misreadings_of_the_official_code_are_read_right() -> None:
    say = languages.rooms()
    assert [text for text, _, _ in languages.bugs_left(GOLDEN, say)] == ["GoogleでPythonの使い方を検索した。"]
    assert languages.reports_left(GOLDEN, say) == []


@pytest.mark.parametrize("report", GOLDEN["public_routes"], ids=lambda report: report["text"][:8])
def test_texts_that_users_reported_go_to_the_right_language(frontend: Frontend, report: dict[str, Any]) -> None:
    found = [span.language for span in frontend(report["text"], report["mode"]).spans]
    assert found == report["expected_languages"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("気温は-5℃です", "k i o N w a m a i n a s u g o d o d e s u"),
        ("8個を8分で", "h a cl k o o h a cl p u N d e"),
        ("8枚を8年で", "h a ch i m a i o h a ch i n e N d e"),
        ("電話は03-1234-5678", "d e N w a w a z e r o s a N i ch i n i i s a N y o N g o o r o k u n a n a h a ch i"),
        ("3-2で勝った", "s a N t a i n i d e k a cl t a"),
        ("10-20分", "j u u k a r a n i j u cl p u N"),
        ("丸の内1-9-1", "m a r u n o u ch i i ch i n o ky u u n o i ch i"),
        ("1/2カップ", "n i b u N n o i ch i k a cl p u"),
        ("5/17にリリース", "g o g a ts u j u u sh i ch i n i ch i n i r i r i i s u"),
        ("10:05から", "j u u j i g o f u N k a r a"),
        ("比率は16:9", "h i r i ts u w a j u u r o k u t a i ky u u"),
        ("二〇二四年", "n i s e N n i j u u y o n e N"),
        ("①卵②塩", "i ch i t a m a g o n i sh i o"),
        ("12/24(火)", "j u u n i g a ts u n i j u u y o cl k a k a y o o b i"),
        ("ﾃｽﾄとＯＫ", "t e s u t o t o o o k e e"),
        ("C++と", "sh i i p u r a s u p u r a s u"),
        ("「はい」と（笑）", "h a i t o w a r a i"),
        ("は？ 彼は", "h a k a r e w a"),
        ("学校に行った。会議を行った。道を行った先", "g a cl k o o n i i cl t a k a i g i o o k o n a cl t a"),
        ("人気のない店", "n i N k i n o n a i m i s e"),
        ("お腹が空いた、席が空いた", "o n a k a g a s u i t a s e k i g a a i t a"),
        ("タバコを止める、車を止める", "t a b a k o o y a m e r u k u r u m a o t o m e r u"),
        ("多くの方々", "o o k u n o k a t a g a t a"),
        ("5000円/月", "g o s e N e N m a i ts u k i"),
        ("辛い思い出", "ts u r a i o m o i d e"),
        ("训练", "k u N r e N"),
        ("2、3日", "n i s a N n i ch i"),
        ("四、五人で二三日", "sh i g o n i N d e n i s a N n i ch i"),
        ("七、八百人", "sh i ch i h a cl py a k u n i N"),
        ("23日", "n i j u u s a N n i ch i"),
        ("15:08着", "j u u g o j i h a cl p u N ch a k u"),
        ("0:15", "r e e j i j u u g o f u N"),
        ("5pmまで", "g o g o g o j i m a d e"),
        ("血圧は120/80", "k e ts u a ts u w a hy a k u n i j u u n o h a ch i j u u"),
        ("打率は.315", "d a r i ts u w a s a N w a r i i ch i b u g o r i N"),
        ("1ドル＝150円", "i ch i d o r u i k o o r u hy a k u g o j u u e N"),
        ("3個×5＝15", "s a N k o k a k e r u g o i k o o r u j u u g o"),
        ("x>0", "e cl k u s u d a i n a r i z e r o"),
        ("10^8", "j u u n o h a ch i j o o"),
        ("1 1/2カップ", "i ch i t o n i b u N n o i ch i k a cl p u"),
        ("p.45", "y o N j u u g o p e e j i"),
        ("前年比-3.2%", "z e N n e N h i m a i n a s u s a N t e N n i p a a s e N t o"),
        ("3-5営業日", "s a N k a r a g o e e gy o o b i"),
        ("約30万km", "y a k u s a N j u u m a N k i r o m e e t o r u"),
        ("月・水・金", "g e ts u s u i k i N"),
        ("火・木曜日", "k a m o k u y o o b i"),
        ("暗証番号は1234", "a N sh o o b a N g o o w a i ch i n i i s a N y o N"),
        ("①卵 ②塩", "i ch i t a m a g o n i sh i o"),
        ("お手数ですが", "o t e s u u d e s u g a"),
        ("八百、八百屋", "h a cl py a k u y a o y a"),
        ("終わった後、その後", "o w a cl t a a t o s o n o"),
        ("怒りを、帽子を被る", "i k a r i o b o o sh i o k a b u r u"),
        ("値を返す。値を上げる", "a t a i o k a e s u n e o a g e r u"),
        ("ドアが開く、花が開く", "d o a g a a k u h a n a g a h i r a k u"),
        ("1店舗、11店舗", "i cl t e N p o j u u"),
        ("すごいw", "s u g o i"),
        ("40，600円", "y o N j u u r o cl py a k u e N"),
        ("有り難う、此処、9回表", "a r i g a t o o k o k o ky u u k a i o m o t e"),
        ("以下の表を、表1、表情", "i k a n o hy o o o hy o o i ch i hy o o j o o"),
        ("項目、値", "k o o m o k u a t a i"),
        ("GMT-5", "j i i e m u t i i m a i n a s u g o"),
        ("▲3.2億円", "m a i n a s u s a N t e N n i o k u e N"),
        ("強いる、強い", "sh i i r u ts u y o i"),
        ("座席は12A", "z a s e k i w a j u u n i n o e e"),
        ("6/2=3", "r o k u w a r u n i i k o o r u s a N"),
        ("がんばって٩(ˊᗜˋ*)و", "g a N b a cl t e"),
        ("浅草寺（せんそうじ）、", "s e N s o o j i"),
        ("東雲（しののめ）駅", "sh i n o n o m e e k i"),
        ("生（なま）の読み方（よみかた）は", "n a m a n o y o m i k a t a w a"),
        ("犬（など）", "i n u n a d o"),
        ("AI（人工知能）は", "e e a i j i N k o o ch i n o o w a"),
        ("会議（6/10）は", "k a i g i r o k u g a ts u t o o k a w a"),
        ("内線101", "n a i s e N i ch i z e r o i ch i"),
        ("x-y=2", "e cl k u s u m a i n a s u w a i i k o o r u n i"),
        ("答えは③番", "k o t a e w a s a N b a N"),
        ("カード番号1234-5678", "k a a d o b a N g o o i ch i n i i s a N y o N g o o r o k u n a n a h a ch i"),
        ("10⁸m/s", "j u u n o h a ch i j o o m e e t o r u m a i by o o"),
        ("10²³、x²", "j u u n o n i j u u s a N j o o e cl k u s u n o n i j o o"),
    ],
)
def test_japanese_readings(frontend: Frontend, text: str, said: str) -> None:
    assert heard(frontend, text, "ja").startswith(said)


def test_japanese_prosody_marks_and_borders_of_accent_phrases(frontend: Frontend) -> None:
    assert " ".join(frontend("雨が降る。飴をなめる。", "ja").names) == (
        "a ] m e g a UNK f u ] r u . a [ m e o UNK n a [ m e ] r u ."
    )
    v1 = Frontend("v1")("雨が降る。", "ja")
    assert v1.ids.tolist() == [96, 86, 225, 129, 156, 96, 86, 155, 254, 86, 248, 254, 3]


@pytest.mark.parametrize(
    ("sound", "phones"), [("クォ", "k u o"), ("グァ", "g u a"), ("フュ", "f y u"), ("テュ", "ch u")]
)
def test_sounds_that_no_model_has_are_said_with_those_it_has(frontend: Frontend, sound: str, phones: str) -> None:
    assert heard(frontend, f"{sound}です", "ja") == f"{phones} d e s u"


def test_a_kanji_that_nothing_can_read_is_named(frontend: Frontend, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert heard(frontend, "乊です", "ja") == "d e s u"
    assert "乊" in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3시 25분", "세시 이시보분"),
        ("15시", "시보시"),
        ("20권 넘게", "스무권 넘께"),
        ("책 20권", "책 쓰무권"),
        ("2권에서", "이궈네서"),
        ("3번 출구", "삼번 출구"),
        ("3번 읽었다", "세번 일걷따"),
        ("정답은 3번입니다", "정다븐 삼버님니다"),
        ("손님 3분이 오셨어요", "손님 세부니 오셔써요"),
        ("3분 기다려", "삼분 기다려"),
        ("20대 여성", "이십때 여성"),
        ("3개월과 3개", "삼개월과 세개"),
        ("6월 10일, 10월", "유월 시빌, 시월"),
        ("11만", "시빌만"),
        ("1만 원", "만 원"),
        ("16일", "심뉴길"),
        ("-5도", "영하 오도"),
        ("3:2로 이겼다", "삼 대 이로 이겯따"),
        ("1+1=2", "일 더하기 이른 이"),
        ("010-1234-5678", "공일공, 이리삼사, 오육칠팔"),
        ("+32-79-06원", "삼시비, 칠십꾸, 유권"),
        ("8·15", "파리로"),
        ("서울·부산", "서울, 부산"),
        ("4대 보험, 자동차 4대", "사대 보험, 자동차 네대"),
        ("12·12, 10·26", "시비시비, 시비육"),
        ("02)123-4567", "공이, 이리삼, 사오육칠"),
        ("2~3명, 2~3분", "두세명, 이삼분"),
        ("맏형, 닫혔다", "마텽, 다첟따"),
        ("할게요, 알게요", "할께요, 알게요"),
        ("읽고 읽지", "일꼬 익찌"),
        ("여덟도 여덟이", "여덜도 여덜비"),
        ("밟는다 넓네", "밤는다 널레"),
        ("붙여 닫혀", "부처 다처"),
        ("꽃 한 송이", "꼬 탄 송이"),
        ("강남역 번역", "강남녁 뻐녁"),
        ("女子와 男女", "여자와 남녀"),
        ("比率, 不動産, 不可能", "비율, 부동산, 불가능"),
        ("金大中, 金屬", "김대중, 금속"),
        ("ㄱ과 ㅋㅋ", "기역꽈 ㅋㅋ"),
        ("KBS와 3D", "케이비에스와 쓰리디"),
        ("네~ 알겠습니다", "네| 알겓씀니다"),
        ("안녕하세요~반갑습니다", "안녕하세요|반갑씀니다"),
        ("서울~부산, 1월 ~ 3월", "서우레서 부산, 이뤄레서 사뭘"),
        ("20~30명", "이시베서 삼심명"),
        ("2^10, x²", "이의 십쩨곱, 엑쓰 제곱"),
        ("x<=5, a > b", "엑쓰 작꺼나 가틈 오, 에이 크다 비"),
        ("① 준비 ② 실행", "일, 준비, 이, 실행"),
        ("비밀번호는 1234", "비밀번호는 이리삼사"),
        ("계좌번호 110-123-456789", "계좌번호 이릴공, 이리삼, 사오육칠팔구"),
        ("119에 신고", "이릴구에 신꼬"),
        ("혈압은 120/80", "혀라븐 배기시베 팔십"),
        ("시속 100km/h", "시속 빽킬로미터"),
        ("3만 km", "삼만킬로미터"),
        ("5pm까지", "오후 다섣씨까지"),
        ("3장 2절, 사진 3장", "삼장 이절, 사진 세장"),
        ("2학년 3반 15번", "이항년 삼반 시보번"),
        ("설탕 1큰술", "설탕 한큰술"),
        ("부산역, 판교역, 지역, 번역", "부산녁, 판교역, 지역, 버녁"),
        ("밀가루 점수 솔직히 짓밟다", "밀까루 점쑤 솔찌키 짇빱따"),
        ("국민연금", "궁민년금"),
        ("金氏", "김씨"),
        ("좌석 12A", "좌석 씨비 에이"),
        ("P2P", "피투피"),
        ("40，600원, 1,200원", "사십, 육빼권, 처니배권"),
        ("정답은 ③번", "정다븐 삼번"),
        ("(3+4)×2=14", "|삼 더하기 사| 고파기 이는 십싸"),
        ("x-y=2", "엑쓰 빼기 와이 이퀄 이"),
        ("3글자", "세글짜"),
        ("123-45번지", "배기십쌈 다시 사시보번지"),
        ("1/15~2/3", "이뤌 시보이레서 이월 사밀"),
        ("내일(6/10)", "내일|유월 시빌|"),
        ("12/25까지, 1/2컵", "시비월 이시보일까지, 이부늬 일컵"),
        ("내선 101", "내선 일공일"),
        ("10⁸m/s, 10²³", "시븨 팔제곰미터 퍼 세컨드, 시븨 이십쌈제곱"),
        ("13:00-14:00", "십쌈시에서 십싸시"),
        ("1+1 행사, 1+1=2", "원 플러스 원 행사, 일 더하기 이른 이"),
        ("+1-800-555-0199", "일, 팔공공, 오오오, 공일구구"),
        ("학교(學校)와 한국(中國)", "학꾜와 한국|중국|"),
        ("6자 회담, 6자", "육짜 회담, 여섣짜"),
        ("(주)카카오", "주시쾨사 카카오"),
        ("예약 번호는 A1234", "예약 뻔호는 에이이리삼사"),
        ("주문 번호 20240517-0012", "주문 번호 이공이사공오일칠, 공공이리"),
    ],
)
def test_korean_readings(frontend: Frontend, text: str, said: str) -> None:
    from dora_primespeech_mlx.text.korean.phones import _letters
    from dora_primespeech_mlx.text.korean.syllables import Syllable, is_syllable

    wanted = [phone for sign in said for phone in _letters(Syllable(sign) if is_syllable(sign) else sign)]
    assert heard(frontend, text, "ko") == " ".join(languages.plain(wanted))


@pytest.mark.parametrize(
    ("text", "jyutping"),
    [
        ("120蚊同$2", "jat1 baak3 ji6 sap6 man1 tung4 loeng5 man1"),
        ("第2，2月2號，2個", "dai6 ji6 ji6 jyut6 ji6 hou6 loeng5 go3"),
        ("12:30，2點", "sap6 ji6 dim2 bun3 loeng5 dim2"),
        ("1998年，2年", "jat1 gau2 gau2 baat3 nin4 loeng5 nin4"),
        ("2000蚊，2024", "loeng5 cin1 man1 ji6 ling4 ji6 sei3"),
        ("1,234-2,345", "jat1 cin1 ji6 baak3 saam1 sap6 sei3 zi3 ji6 cin1 saam1 baak3 sei3 sap6 ng5"),
        ("1,500/2,000", "ji6 cin1 fan6 zi1 jat1 cin1 ng5 baak3"),
        ("-5度，5%", "ling4 haa6 ng5 dou6 baak3 fan6 zi1 ng5"),
        ("3-2贏咗，3-2日", "saam1 bei2 ji6 jeng4 zo2 saam1 zi3 loeng5 jat6"),
        ("我个女好乖，一個女人", "ngo5 go3 neoi2 hou2 gwaai1 jat1 go3 neoi5 jan2"),
        ("后天去皇后大道", "hau6 tin1 heoi3 wong4 hau6 daai6 dou6"),
        ("吓？里面冇云", "haa2 leoi5 min6 mou5 wan4"),
        ("五呎，卅日", "ng5 cek3 saa1 jat6"),
        ("2-3個，2湯匙", "loeng5 zi3 saam1 go3 loeng5 tong1 ci4"),
        (
            "銷量係12,345。2,500蚊",
            ("siu1 loeng6 hai6 jat1 maan6 ji6 cin1 saam1 baak3 sei3 sap6 ng5 loeng5 cin1 ng5 baak3 man1"),
        ),
        ("2024-25年度", "ji6 ling4 ji6 sei3 zi3 ji6 ng5 nin4 dou6"),
        ("5pm前", "haa6 zau3 ng5 dim2 cin4"),
        ("9am-6pm", "soeng6 zau3 gau2 dim2 zi3 haa6 zau3 luk6 dim2"),
        ("-2℃，5℃", "ling4 haa6 ji6 dou6 ng5 dou6"),
        ("10-15℃，氣溫-5至3度", ("sap6 zi3 sap6 ng5 dou6 hei3 wan1 ling4 haa6 ng5 zi3 saam1 dou6")),
        ("10⁸", "sap6 ge3 baat3 ci3 fong1"),
        (
            "每呎$40，600呎即係$24,000",
            ("mui5 cek3 sei3 sap6 man1 luk6 baak3 cek3 zik1 hai6 loeng5 maan6 sei3 cin1 man1"),
        ),
        ("上壓150，密碼120", "soeng6 aat3 jat1 baak3 ng5 sap6 mat6 maa5 jat1 ji6 ling4"),
        ("血壓係120/80", "hyut3 aat3 hai6 jat1 baak3 ji6 sap6 baat3 sap6"),
        ("細女，用電量", "sai3 neoi2 jung6 din6 loeng6"),
        ("1234-5678-9012", "jat1 ji6 saam1 sei3 ng5 luk6 cat1 baat3 gau2 ling4 jat1 ji6"),
        ("AM 9:00", "soeng6 zau3 gau2 dim2"),
        ("3房2廳", "saam1 fong2 loeng5 teng1"),
        ("2、3個，1、3個", "loeng5 saam1 go3 jat1 saam1 go3"),
        ("$1.2M", "jat1 baak3 ji6 sap6 maan6 man1"),
        ("HK$1,200", "jat1 cin1 ji6 baak3 man1"),
    ],
)
def test_cantonese_readings(frontend: Frontend, text: str, jyutping: str) -> None:
    from dora_primespeech_mlx.text.cantonese.phones import split_syllable

    wanted = [phone for syllable in jyutping.split() for phone in split_syllable(syllable)]
    assert heard(frontend, text, "yue") == " ".join(wanted)


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        ("gwong2", ("Ygw", "Yong2")), ("aai3", ("Yaa", "Yi3")), ("m4", ("Ym", "Ym4")), ("ng5", ("Yng", "Yg5")),
        ("uk1", ("Yuk", "Yk1")), ("ong1", ("Yng", "Yong1")), ("gep6", ("Yg", "Yip6")),
    ],
)  # fmt: skip
def test_syllables_are_split_as_in_the_official_tables(syllable: str, phones: tuple[str, str]) -> None:
    from dora_primespeech_mlx.text.cantonese.phones import split_syllable

    assert split_syllable(syllable) == phones


def test_two_syllables_of_one_character_have_four_phones(frontend: Frontend) -> None:
    span = frontend("兛係好重㗎。", "yue").spans[0]
    assert span.word2ph is not None
    assert sum(span.word2ph) == span.end - span.start
    assert set(span.word2ph) <= {1, 2, 4}


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("最近、僕は忙しい。你好！", "auto", ["ja", "zh"]),
        ("今天我学会了「すみません」这个词。", "auto", ["zh", "ja", "zh"]),
        ("今天我学会了「すみません」这个词。", "ja", ["ja"]),
        ("日本の首都", "auto", ["ja"]),
        ("这是日本の首都", "auto", ["zh"]),
        ("我の家", "zh", ["zh"]),
        ("大韓民國 만세", "zh", ["zh", "ko"]),
        ("大韓民國 만세", "auto", ["ko"]),
        ("你好，안녕", "auto", ["zh", "ko"]),
        ("佢喺邊度？", "auto", ["yue"]),
        ("唔，我想想。", "auto", ["zh"]),
        ("他很忧郁，好嘞，真的咩？", "auto", ["zh"]),
        ("食咩？", "auto", ["yue"]),
        ("무게는 2.5kg, 시속 120km/h.", "auto", ["ko"]),
        ("1. 電源を入れる", "auto", ["ja"]),
        ("PM2.5の濃度は35μg/m³です。", "auto", ["ja"]),
        ("Windows 11、Python 3.12。", "ja", ["en"]),
        ("你喺邊度？", "zh", ["zh"]),
        ("你好", "auto_yue", ["yue"]),
        ("A社とB2Bの話", "ja", ["ja"]),
        ("USBをMacBookに", "auto", ["ja", "en", "ja"]),
        ("I love 東京タワー", "auto", ["en", "ja"]),
        ("Let it be は名曲", "ja", ["en", "ja"]),
        ("AIと話す", "auto", ["ja"]),
        ("AI 시대", "auto", ["ko"]),
        ("Samsung Galaxy S24 출시", "ko", ["en", "ko"]),
        ("iPhone 15を買った", "auto", ["en", "ja"]),
        ("Room 101で会う", "auto", ["en", "ja"]),
        ("LOVEとPEACE", "ja", ["en", "ja", "en"]),
        ("Hello, world.", "ja", ["en"]),
        ("2024", "ko", ["ko"]),
        ("我住18樓A座", "yue", ["yue", "en", "yue"]),
        ("RAM 16GB、SSD 512GB、", "ja", ["ja"]),
        ("No.1のサービス", "ja", ["ja"]),
        ("iOS 17、Android 14。", "ko", ["ko", "en"]),
        ("mRNAとHK$100", "ja", ["ja"]),
        ("気温25℃", "auto", ["ja"]),
        ("日剧《半沢直树》很好看", "auto", ["zh"]),
        ("The word 桜 means cherry.", "auto", ["en", "ja", "en"]),
        ("韩语里“안녕하세요”是你好的意思。", "auto", ["zh", "ko", "zh"]),
        ("呢個字，你鍾意邊個？", "auto", ["yue"]),
        ("下晝出街", "auto", ["yue"]),
        ("重點解決，然而家人聽日本歌", "auto", ["zh"]),
        ("중국어 '你好'는 안녕", "ko", ["ko", "zh", "ko"]),
        ("中国語の「你好」です", "ja", ["ja", "zh", "ja"]),
        ("계좌번호 110-123-456789, Kakao", "ko", ["ko", "en"]),
    ],
)
def test_scripts_and_the_sentence_choose_the_language(
    frontend: Frontend, text: str, language: str, found: list[str]
) -> None:
    assert [span.language for span in frontend(text, language).spans] == found


def test_what_comes_behind_cantonese_is_cantonese_until_it_shows_that_it_is_not() -> None:
    text = "呢間餐廳啲嘢食好正，一定要試吓！價錢：$100。这是一本书。"
    for voice, languages_of_them in ((Frontend(), "yue yue yue zh"), (Frontend(speaks=("zh", "en")), "zh zh zh zh")):
        read = [voice(each.text, each.language) for each in sentences_of(text) if each]
        assert " ".join(phones.spans[0].language for phones in read) == languages_of_them
    read = [Frontend()(each.text, each.language) for each in sentences_of("最高気温25℃です、湿度60%。") if each]
    assert {span.language for phones in read for span in phones.spans} == {"ja"}


def test_two_or_three_of_something_stay_in_one_sentence() -> None:
    for text in ("ここから歩いて大体2、3分です。", "我们大概需要三、四个人。"):
        splitter = SentenceSplitter()
        found = [sentence.text for character in text for sentence in splitter.push(character)]
        assert [*found, *(sentence.text for sentence in splitter.finish())] == [text]


def test_the_voice_reads_what_the_text_leaves_open() -> None:
    assert spans(Frontend(home="ja")("了解。東京。"))[0][0] == "ja"
    assert spans(Frontend(home="ja")("你好吗？"))[0][0] == "zh"
    assert spans(Frontend(home="yue")("你好嗎？"))[0][0] == "yue"
    assert spans(Frontend(speaks=("zh", "en"))("佢喺邊度？"))[0][0] == "zh"


def test_a_voice_says_which_languages_it_speaks(tiny_voices: Path, tmp_path: Path) -> None:
    only = Frontend(speaks=("zh", "en"))
    for text, name in [("こんにちは", "Japanese"), ("안녕", "Korean")]:
        with pytest.raises(ValueError, match=f"does not speak {name}: it speaks Mandarin and English"):
            only(text)
    for language, name in [("ko", "Korean"), ("yue", "Cantonese")]:
        with pytest.raises(ValueError, match=f"does not speak {name}"):
            Frontend("v1").check(language)
    Frontend("v1").check("ja")
    shipped = read_voices(Path(__file__).parents[1] / "voices.json")
    assert {entry.languages for entry in shipped.entries.values()} == {("zh", "en")}


def test_a_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dora_primespeech_mlx.text.find_spec", lambda name: None)
    for language, text, way in [
        ("ja", "こんにちは", r"pip install 'dora-primespeech-mlx\[ja\]'"),
        ("ko", "안녕하세요", r"pip install 'dora-primespeech-mlx\[ko\]'"),
        ("yue", "你好", "pip install ToJyutping"),
    ]:
        with pytest.raises(ValueError, match=way):
            Frontend()(text, language)
        with pytest.raises(ValueError, match=way):
            Frontend().check(language)
    assert Frontend()("Hello, world.").spans[0].language == "en"
    Frontend().check("auto")


def test_a_voice_whose_language_is_not_spoken_does_not_load(
    tiny_voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(tiny_voices.read_text("utf-8")) | {"models_base_path": str(tiny_voices.parent)}
    entry = next(iter(content["voices"].values()))
    entry["text_lang"] = "ko"
    voices = tmp_path / "voices.json"
    voices.write_text(json.dumps(content), "utf-8")
    library = Library(read_voices(voices), Settings())
    monkeypatch.setattr("dora_primespeech_mlx.text.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Korean needs"):
        library.voice(None)
    for wrong, shown in ((["zh", "klingon"], "klingon"), ([["zh"]], "a list"), ("zh", "zh")):
        entry["languages"] = wrong
        voices.write_text(json.dumps(content), "utf-8")
        with pytest.raises(ValueError, match=f"languages .*{shown}.*must be a list of zh, en, ja"):
            read_voices(voices)


def test_the_lexicon_has_kana_hangul_and_jyutping() -> None:
    words = {
        "東雲": "しののめ",
        "Google": "グーグル",
        "독립문": "동님문",
        "油麻地": "jau4 maa4 dei6",
        "yue:你": "nei6",
        "重庆": "zhong4 qing4",
    }
    frontend = Frontend(lexicon=words)
    assert heard(frontend, "東雲でGoogle", "ja") == "sh i n o n o m e d e g u u g u r u"
    assert heard(frontend, "你去油麻地", "yue").endswith("Yj Yau4 Ym Yaa4 Yd Yei6")
    assert heard(frontend, "你", "yue") == "Yn Yei6"
    assert heard(frontend, "重庆", "zh") == "zh ong4 q ing4"
    for word, said in [("東雲", "shinonome"), ("油麻地", "jau4 maa4"), ("독립문", "동님")]:
        with pytest.raises(ValueError, match=f"{word}|{said}"):
            Frontend(lexicon={word: said})


def test_every_code_of_users_is_known() -> None:
    for code in ("auto", "zh", "all_zh", "en", "ja", "all_ja", "ko", "all_ko", "yue", "all_yue", "auto_yue"):
        assert LANGUAGES.read(code) in LANGUAGES.options
        assert LANGUAGES.read(code.upper()) == LANGUAGES.read(code)
        Frontend()("你好，世界。", code)


def test_sentences_of_japanese_and_korean_come_as_early_as_of_mandarin() -> None:
    assert spoken_length("こんにちは") == pytest.approx(3.0)
    assert spoken_length("안녕하세요") == pytest.approx(3.5)
    splitter = SentenceSplitter()
    text = "今日の東京はとてもいい、そんな天気です。「はい、そうですよね。」｢それでいこうね｣｡行こう"
    found = [sentence.text for character in text for sentence in splitter.push(character)]
    found += [sentence.text for sentence in splitter.finish()]
    assert found == [
        "今日の東京はとてもいい、",
        "そんな天気です。",
        "「はい、そうですよね。",
        "｢それでいこうね｣｡",
        "行こう。",
    ]
    splitter = SentenceSplitter()
    korean = "오늘은 날씨가 좋네요.그래서 3.5킬로미터를 걸었어요. 정말요?"
    found = [sentence.text for character in korean for sentence in splitter.push(character)]
    found += [sentence.text for sentence in splitter.finish()]
    assert found == ["오늘은 날씨가 좋네요.", "그래서 3.5킬로미터를 걸었어요.", "정말요?"]


def test_a_comma_ends_a_piece_of_cut5_once() -> None:
    assert [sentence.text for sentence in split("吾輩の家は、丘の上にある。", "cut5", "ja")] == [
        "吾輩の家は、",
        "丘の上にある。",
    ]


def test_ids_are_those_of_the_table(frontend: Frontend) -> None:
    phones = frontend("안녕하세요, 만나서 반갑습니다.", "ko")
    assert phones.ids.dtype == np.int32
    assert phones.ids[:8].tolist() == [335, 343, 326, 326, 350, 345, 335, 342]
