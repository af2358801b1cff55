"""Which stretch of a text Japanese, Korean and Cantonese read: by script, and by what stands beside it."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby

from dora_primespeech_mlx.text.addresses import ADDRESS, speak_addresses
from dora_primespeech_mlx.text.formulas.east import speak_delimited
from dora_primespeech_mlx.text.korean.hanja import can_read
from dora_primespeech_mlx.text.mandarin.han import HAN
from dora_primespeech_mlx.text.mandarin.simplified import only_simplified
from dora_primespeech_mlx.text.rules import any_of, regex
from dora_primespeech_mlx.text.spelled_code import speak_code
from dora_primespeech_mlx.text.tables import currencies, mapping, words

NAMES = {"zh": "Mandarin", "en": "English", "ja": "Japanese", "ko": "Korean", "yue": "Cantonese"}
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f"
HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3\ua960-\ua97c\ud7b0-\ud7fb"
CHINESE = ("zh", "yue")
# What Han characters behind Cantonese or Japanese are, with a voice that speaks it, and else as "auto" has them.
AFTER_CANTONESE, AFTER_JAPANESE = "auto after yue", "auto after ja"
AFTER = {AFTER_CANTONESE: ("yue", "auto_yue"), AFTER_JAPANESE: ("ja", "ja")}
# Units that each room says; Open JTalk knows those of the Mandarin table too.
UNITS = {"ja": ("zh_units.tsv", "ja_units.tsv"), "ko": ("ko_units.tsv",), "yue": ("yue_units.tsv",)}
# How No. is said before a number.
NUMBER_WORDS = {"ja": "ナンバー", "ko": "넘버 "}
# Raised numbers but for a single ² or ³, which units have too.
SUPERSCRIPTS = regex("(?<=[A-Za-z0-9)])(?:(⁻?[⁰¹²³⁴-⁹]{2,})|(⁻[⁰¹²³⁴-⁹]|[⁰¹⁴-⁹]))")
CLAUSE_ENDS = frozenset(",;、，；")
QUOTED = regex('「[^」]*」|『[^』]*』|“[^”]*”|"[^"]*"|‘[^’]*’|《[^》]*》|[（(][^）)]*[）)]')
ABOUT_WORDS = regex("[的是係系叫説说說讀读念寫写]|[日韓韩英中法德][文語语]")
# Words that only Cantonese writes in characters of all; Mandarin has 重點解決, 聽日本歌 and 而家人.
CANTONESE = regex(
    "呢[個个度位間间啲部隻只條条張张架件份支枝杯碗首段句款種种棵粒塊块套排班]|(?<![這这那兩两旁身右左半])邊[個度位]|(?<![重要觀优優缺特地])點解(?![決釋析答開除放讀說碼])"
    "|(?<![一重要觀優缺特地])點樣|[聽尋琴]日(?![本文語記])|[尋聽琴]晚|聽朝|屋企|鍾意|幾多錢|傾偈|返工(?!作)|梗係|係咪|係唔|都係|即係|係因為|係咁"
    "|[上下]晝|朝早|出街|同埋|一陣間|仲有|點算|細佬|家姐|得閒|幾多(?:分鐘|[個人蚊])|[行試坐玩等飲食企]吓"
    r"|[\d一二兩三四五六七八九十百千幾]蚊(?![子香帳帐])"
)
# Comparisons between what may be compared, as Cantonese says them.
COMPARISONS = {
    "<=": "細過或者等於", "≤": "細過或者等於", ">=": "大過或者等於", "≥": "大過或者等於", "!=": "唔等於", "≠": "唔等於",
    "==": "等於", "=": "等於", "<": "細過", ">": "大過",
}  # fmt: skip
COMPARISON = regex(
    r"(?<=[\w%℃°)])\s?(<=|>=|!=|==|[≤≥≠<>=])\s?(?=[-−$]?[\dA-Za-z])|(?<![\w%℃°)])(<=|>=|[≤≥<>])\s?(?=\d)"
)
# 而家 is "now" in Cantonese, and in Mandarin 而 before a name or a word with 家.
NOW = regex("(?<![然進因從反])而家(?![人庭長裡裏])")
# 係 is "to be" in Cantonese, and in Mandarin a part of words and what the language of offices begins a reason with.
TO_BE = regex("(?<![關关聯联干體体維维譜谱派星此乃])係(?![數数統统列屬指因由為以經依採將於基對])")
NOT_CANTONESE = regex("[的嗎吗這这那沒没們们您麼么在是]")
# A sentence ends behind these; a full stop needs a blank.
INNER = r"[!?](?=[A-Za-z0-9=/&_])"
SENTENCE = regex(
    rf"(?:[^。！？!?\n]|{INNER})+?(?:(?:(?!{INNER})[。！？!?…\n])+[」』”’）)]*|\.(?=\s)|$)|[。！？!?…\n]+", re.DOTALL
)
ACRONYM = regex(
    r"[A-Za-z](?:\+\+|#)?|[a-z](?:-[a-z])+|[a-z]?[A-Z]{2,}s?(?:[-&][A-Z]+)*(?:-?\d+(?:\.\d+)?)?|[A-Z]-?\d{1,5}|\d+[A-Z]{1,2}"
    r"|[A-Z]\d[A-Z]|w{2,}|pH\d*(?:\.\d+)?|v\d+(?:\.\d+)*"
)
# Capitals that are a word and not letters to spell: LOVE, STOP.
SHOUTED = regex(r"(?=[A-Z]{4})[A-Z]*[AEIOU][A-Z]*")
CONSONANTS = regex(r"[^AEIOUY]{4}|[AEIOU]{3}")


@dataclass(frozen=True)
class Habits:
    """What a voice brings to the choice.

    `home` reads Han characters of "auto" where a text shows no language, `speaks` are the languages of the voice, and
    `spelled` are words in Latin letters for which the user gave a reading in kana or Hangul.
    """

    home: str = "zh"
    speaks: tuple[str, ...] = tuple(NAMES)
    spelled: frozenset[str] = frozenset()

    def hear_cantonese(self, text: str) -> bool:
        """Whether "auto" takes `text` for Cantonese."""
        return "yue" in self.speaks and (self.home == "yue" or _is_cantonese(text))

    def see_japanese(self, text: str) -> bool:
        """Whether "auto" takes `text`, which has no kana, for Japanese."""
        return "ja" in self.speaks and any(only_japanese(character) for character in text) and may_be_japanese(text)

    def resolved(self, language: str) -> str:
        """`language` as the official codes have it, where it is what the text around leaves open."""
        spoken, code = AFTER.get(language, ("", language))
        return code if not spoken or spoken in self.speaks else "auto"


@dataclass
class Stretch:
    """A piece of the text and the language that reads it; "" leaves it to Mandarin and English."""

    language: str
    text: str


@dataclass
class Token:
    """A run of one kind of characters: kana, hangul, han, number, measure (with its unit), latin or mark."""

    kind: str
    text: str
    owner: str = ""


def concern(text: str, language: str, habits: Habits) -> bool:
    """Whether a text of `language` may have anything for Japanese, Korean or Cantonese to read."""
    if language in {"ja", "ko", "yue", "auto_yue"} or re.search(f"[{KANA}{HANGUL}]", text):
        return True
    return language == "auto" and (
        habits.home in {"ja", "ko"} or habits.hear_cantonese(text) or habits.see_japanese(text)
    )


def with_mandarin_particles(text: str, language: str) -> str:
    """`text` with の between Han characters as 的 where it is an ornament of Mandarin: no other kana, and Chinese."""
    if language not in {"zh", "auto"} or not re.search("[のノ]", text):
        return text
    mandarin = re.sub(rf"(?<=[{HAN}])[のノ](?=[{HAN}])", "的", text)
    is_chinese = language == "zh" or any(_only_chinese(character) for character in text)
    return mandarin if is_chinese and not re.search(f"[{KANA}]", mandarin) else text


def stretches(text: str, language: str, habits: Habits) -> list[Stretch]:
    """`text` cut by the language that reads it: "ja", "ko", "yue", or "" for Mandarin and English.

    Kana are Japanese and Hangul is Korean whatever `language` says; a named one reads all Han characters. With "auto"
    and "auto_yue" the sentence decides on them, and the voice's home where nothing in it does. Numbers go with the
    word they touch on the right, else on the left. Nothing is lost: the stretches joined are the text.
    """
    text = re.sub("[Ａ-Ｚａ-ｚ]+", lambda letters: unicodedata.normalize("NFKC", letters.group()), text.strip())
    text = re.sub(r"(?<=[\w)])\s?!==?\s?(?=[\w(-])", "≠", text)
    found: list[Stretch] = []
    numbers = ""
    sentences = SENTENCE.findall(text)
    for at, sentence in enumerate(sentences):
        numbers += sentence
        # The number of an item is said with it: 1. 電源を入れる; and No. with its number.
        if re.search(r"(?i)^\s*\d{1,3}\.\s*$|(?<![a-z])no\.$", numbers) and at + 1 < len(sentences):
            continue
        sentence, numbers = numbers, ""
        for stretch in _sentence(sentence, language, habits):
            if found and found[-1].language == stretch.language:
                found[-1].text += stretch.text
            else:
                found.append(stretch)
    return found


def _sentence(sentence: str, language: str, habits: Habits) -> list[Stretch]:
    reader = _han_reader(sentence, language, habits)
    if reader in UNITS:
        sentence = speak_delimited(speak_code(sentence, reader), reader)
    if ADDRESS.search(sentence):
        sentence = speak_addresses(sentence, reader if language != "en" else "en")
    sentence = SUPERSCRIPTS.sub(lambda raised: f"^{unicodedata.normalize('NFKC', raised[1] or raised[2])}", sentence)
    if reader == "yue":
        sentence = COMPARISON.sub(lambda match: COMPARISONS[match[1] or match[2]], sentence)
        sentence = re.sub(r"(?i)(?<![A-Za-z])([ap])\.?m\.?\s?(\d{1,2}:\d\d)", r"\2\1m", sentence)
    if reader in NUMBER_WORDS:
        sentence = re.sub(r"(?i)(?<![A-Za-z])no\.\s*(?=\d)", NUMBER_WORDS[reader], sentence)
    tokens = [Token(match.lastgroup or "mark", match.group()) for match in _scanner(reader).finditer(sentence)]
    _own_letters(tokens, language, reader, habits)
    _own_latin(tokens, habits, language)
    _own_numbers(tokens, reader)
    owner = next((token.owner for token in tokens if token.owner), reader)
    for token in tokens:
        owner = token.owner = token.owner or owner
    runs = groupby(tokens, lambda token: token.owner if token.owner in {"ja", "ko", "yue"} else "")
    return [Stretch(owner, "".join(token.text for token in run)) for owner, run in runs]


def _han_reader(sentence: str, language: str, habits: Habits) -> str:
    """The language that reads Han characters of the sentence which nothing beside them decides."""
    if language in {"zh", "ja", "ko", "yue"}:
        return language
    outside = QUOTED.sub("", sentence)
    if ABOUT_WORDS.search(outside) and not re.search(f"[{KANA}{HANGUL}]", outside):
        # A word of another language is what is told about: 韓文係「감사합니다」.
        sentence = outside
    chinese = "yue" if language == "auto_yue" or habits.hear_cantonese(sentence) else "zh"
    if any(_only_chinese(character) for character in sentence):
        return chinese
    if re.search(f"[{KANA}]", sentence) or habits.see_japanese(sentence):
        return "ja"
    if re.search(f"[{HANGUL}]", sentence):
        return "ko"
    return habits.home if language == "auto" and habits.home in {"ja", "ko"} else chinese


def _own_letters(tokens: list[Token], language: str, reader: str, habits: Habits) -> None:
    """Kana, Hangul and Han characters by script; Han characters beside kana or Hangul with those."""
    for at, token in enumerate(tokens):
        if token.kind in {"kana", "hangul"}:
            token.owner = {"kana": "ja", "hangul": "ko"}[token.kind]
        elif token.kind == "han":
            token.owner = reader
            if reader in {"ja", "ko"} and "zh" in habits.speaks and _is_told_about(tokens, at, reader):
                token.owner = "zh"
            elif language not in {"zh", "ja", "ko", "yue"}:
                token.owner = _by_neighbours(tokens, at, reader)


def _is_told_about(tokens: list[Token], at: int, reader: str) -> bool:
    """Whether a named `reader` cannot read the Han characters: Korean without a reading, Japanese in quotes."""
    text = tokens[at].text
    if reader == "ko":
        return not can_read(text)
    around = [token.text for token in (tokens[at - 1 : at] + tokens[at + 1 : at + 2])]
    is_quoted = len(around) == 2 and around[0][-1] in "「『“\"‘'" and around[1][0] in "」』”\"’'"
    return is_quoted and any(_only_chinese(character) for character in text)


def _by_neighbours(tokens: list[Token], at: int, reader: str) -> str:
    token = tokens[at]
    beside = {other.kind for other in (tokens[at - 1 : at] + tokens[at + 1 : at + 2])}
    if "hangul" in beside:
        return "ko"
    if any(_only_chinese(character) for character in token.text):
        return reader if reader in CHINESE else "zh"
    if "kana" in beside or any(only_japanese(character) for character in token.text):
        return "ja"
    return reader


def _own_latin(tokens: list[Token], habits: Habits, language: str) -> None:
    """Letters to spell with the Japanese or Korean around them, else with that named; words in English.

    Letters beside words are English too.
    """
    lefts, rights = _owners_around(tokens)
    groups: list[list[int]] = []
    last = -2
    for at, token in enumerate(tokens):
        if token.kind == "latin":
            if last >= 0 and all(not other.text.strip() for other in tokens[last + 1 : at]):
                groups[-1].append(at)
            else:
                groups.append([at])
            last = at
    for group in groups:
        beside = [token.owner for token in (tokens[group[0] - 1 : group[0]] + tokens[group[-1] + 1 : group[-1] + 2])]
        around = [*beside, lefts[group[0]], rights[group[-1]], language]
        owner = next((owner for owner in around if owner in {"ja", "ko"}), "")
        is_spelled = owner and all(
            tokens[at].text in habits.spelled or _is_spelled(tokens[at].text, owner) for at in group
        )
        for at in group:
            tokens[at].owner = owner if is_spelled else "en"


def _is_spelled(word: str, language: str) -> bool:
    if word in mapping(f"{language}_latin_words.tsv"):
        return True
    is_word = SHOUTED.fullmatch(word) and not CONSONANTS.search(word)
    return bool(ACRONYM.fullmatch(word)) and not is_word


def _own_numbers(tokens: list[Token], reader: str) -> None:
    """Numbers with the word they touch on the right, else on the left; between blanks with the words around."""
    lefts, rights = _owners_around(tokens)
    numbers = [at for at, token in enumerate(tokens) if token.kind in {"number", "measure"}]
    for at in numbers:
        after, before = tokens[at + 1 : at + 2], tokens[at - 1 : at] if at else []
        touching = [other.owner for other in after + before if other.owner]
        left, right = lefts[at], rights[at]
        if reader == "yue" and left != "en":
            owner = reader
        elif touching:
            owner = touching[0]
        elif tokens[at].kind == "measure":
            owner = reader
        elif left and before and before[0].text.isspace() and (_ends_clause(after) or _is_named(tokens, at, right)):
            owner = left
        elif left == "en" and right:
            is_name = before and before[0].text.isspace() and not (after and after[0].text.strip())
            owner = "en" if is_name and right != "ko" else right
        else:
            owner = right or left or reader
        tokens[at].owner = owner


def _ends_clause(after: list[Token]) -> bool:
    return bool(after) and after[0].text in CLAUSE_ENDS


def _is_named(tokens: list[Token], at: int, right: str) -> bool:
    """Whether letters that Japanese or Korean spells name the number at `at`, before English: iOS 17, Android 14."""
    before = tokens[max(0, at - 2) : at - 1]
    return right == "en" and bool(before) and before[0].kind == "latin" and before[0].owner in {"ja", "ko"}


def _owners_around(tokens: list[Token]) -> tuple[list[str], list[str]]:
    """For each token, the owner of the nearest owned one up to it, and from it on; "" where there is none."""
    owners = [token.owner for token in tokens]
    return list(accumulate(owners, _later)), list(accumulate(reversed(owners), _later))[::-1]


def _later(owner: str, next_owner: str) -> str:
    return next_owner or owner


def _is_cantonese(text: str) -> bool:
    """Whether the text has a character that only Cantonese writes.

    Mandarin has 唔 before a mark, an exclamation, and 咩 beside particles and words of its own.
    """
    text = re.sub(r"唔+(?=[，。！？,.!?…\s]|$)", "", text)
    if "咩" in text and re.search("[的了吗嗎吧这這那很没沒她们們羊]", text):
        text = text.replace("咩", "")
    if (
        (NOW.search(text) or TO_BE.search(text))
        and not NOT_CANTONESE.search(text)
        and not any(map(only_simplified, text))
    ):
        return True
    return CANTONESE.search(text) is not None or any(
        character in words("cantonese_characters.txt") for character in text
    )


def may_be_japanese(text: str) -> bool:
    """Whether `text`, which has Han characters, may be Japanese: it has none that only Chinese writes, and no 你."""
    return not any(_only_chinese(character) for character in text) and not re.search(
        "[你她它很]|的是|了$|了[。，]", text
    )


def is_cantonese(text: str, around: bool = False) -> bool:
    """Whether `text` shows that it is Cantonese; with Cantonese `around`, that it is not Mandarin."""
    if around and not re.search("[的嗎吗這这那很沒没們们您麼么]|了[。，！？,!?]|了$", text):
        return True
    return _is_cantonese(text)


def only_japanese(character: str) -> bool:
    """Whether Chinese does not write this character."""
    return character in words("japanese_characters.txt")


@cache
def _only_chinese(character: str) -> bool:
    """Whether Japanese does not write this character: it is in Chinese sets of characters and not in Shift JIS."""
    if character in words("chinese_characters.txt"):
        return True
    if not "\u4e00" <= character <= "\u9fff" or _fits(character, "cp932"):
        return False
    return _fits(character, "gb2312") or _fits(character, "big5")


def _fits(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _scanner(reader: str) -> re.Pattern[str]:
    """Letters of one script each, numbers with the signs and units that `reader` knows, Latin words, and the rest."""
    signs = sorted({sign for table in UNITS.get(reader, ()) for sign in mapping(table)} - {"in", "K", "A", "B"})
    units = any_of(signs)
    money = any_of(currencies())
    lettered = "|".join(re.escape(sign) for sign in currencies() if re.match("[A-Z]+[$¥]", sign))
    joint = r"[.,:/~～〜×÷=+*–−-]"
    core = rf"\d+(?:\s?{joint}\s?[-−]?\d+)*"
    measure = rf"(?:(?<![A-Za-z0-9])[-−+±])?{core}[千万億兆萬천만억조]*\s?(?:{units})(?![A-Za-z0-9])"
    number = (
        rf"(?:{money})\s?{core}[KMB](?![A-Za-z])|(?:(?:{money})\s?)?(?:(?<![A-Za-z0-9])[-−+±])?{core}"
        rf"(?:\s?(?:{money}|[%％‰])|\s?[AaPp]\.?[Mm](?![A-Za-z])\.?)?"
    )
    latin = r"[A-Za-zÀ-ÖØ-öø-ɏ]"
    numbered = "" if reader == "yue" else r"\d+[A-Z]{1,2}(?![A-Za-z])|"
    word = (
        rf"{numbered}(?!(?:{lettered})\s?\d){latin}+"
        rf"(?:(?:['’&.-]|(?=\d)|(?<=\d)){latin}+|-?\d+(?:\.\d+)*)*(?:\+\+|\#)?"
    )
    kinds = f"(?P<kana>[{KANA}]+)|(?P<hangul>[{HANGUL}]+)|(?P<han>[{HAN}々〆]+)"
    return re.compile(
        rf"{kinds}|(?P<measure>{measure})|(?P<latin>{word})|(?P<number>{number})|(?P<mark>\s+|.)", re.DOTALL
    )
