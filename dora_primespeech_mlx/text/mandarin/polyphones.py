"""Mandarin characters whose reading the words around them decide: 为, 长, 重, 得 and 地."""

import re
from collections.abc import Callable, Sequence

from dora_primespeech_mlx.text.mandarin.words import word_tag
from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import words

Tagged = tuple[str, str]
Reading = tuple[str, int]
# As far as one looks for what a 为 is about, in words.
LONGEST_CLAUSE = 50
DE = ("de", 5)
MUST = ("dei", 3)
GROUND = ("di", 4)
GAIN = ("de", 2)
HEAVY, AGAIN = ("zhong", 4), ("chong", 2)
NOT_GAINED = frozenset("值记觉晓舍懂显免省认变")
"""What a word of four characters ends with before a 得 that is no gain: 值不值得, 依稀记得."""
HOLDING = ("zhe", 5)
WITH_HANDS = frozenset("拉牵握空挥招举摆搓拍插携挽甩捏抓攥抄背垂")
"""Verbs of what hands do, behind which 着手 is no beginning: 拉着手."""
GAINED = frozenset("失分利主志胜罪益宜意奖瓜豆税手法水道逞救")
"""What is gained, or well done, behind 得 within a word: 利弊得失, 渔翁得利, 种瓜得瓜."""
COMPLEMENTED = ("变", "忙", "睡", "闲", "打", "忍受", "感觉")
"""Verbs and adjectives before 得 and what they lead to, within what the dictionary has as an idiom."""
# Last characters of verbs with their object, which no complement follows: 做饭, 上班.
OBJECTS = frozenset("饭房车班觉澡病门书课钱菜衣话信歌舞球步货酒药题照票证学泳山账单税人")
TIMES = ("前", "后", "期间", "时", "的话", "起来")
# Last characters of nouns that are a subject and what it is or does: 脸红, 头疼.
COMPLEMENT_ENDS = frozenset(
    "红白黑绿黄饿渴痛疼热冷胖瘦高低快慢好坏美丑累困忙乱亮暗响长短重轻深浅远近早晚贵香臭甜苦辣酸咸脆软硬唱跳跑走笑哭吓"
)
MARKS = frozenset(",.!?…-")


REPEATED = regex(r"一(.{1,2})(?:又|比)?一\1$")
"""What is done again and again, before a 地 that a word with another meaning may begin with: 一点一点地学."""


def early_readings(tagged: Sequence[Tagged]) -> dict[int, Reading]:
    """Position -> (syllable, tone) of the characters of a clause that are read before tones change."""
    return _positions(tagged, {"为": _wei, "长": _chang, "重": _chong})


def final_readings(tagged: Sequence[Tagged]) -> dict[int, Reading]:
    """Position -> (syllable, tone) of the characters that no tone change touches: 得 as must, 地 at a word's end."""
    found: dict[int, Reading] = {}
    start = 0
    for index, (text, tag) in enumerate(tagged):
        end = start + len(text)
        is_no_word = text.startswith("得") and len(text) > 1 and word_tag(text) is None
        if text[:3] in {"重重", "重重的", "重重地"}:
            found[start] = found[start + 1] = HEAVY if _is_heavy(tagged, index) else AGAIN
        if text == "着手" and _text(tagged, index - 1)[-1:] in WITH_HANDS:
            found[start] = HOLDING
        if (text in words("must_words.txt") or text.startswith("得")) and _is_must(tagged, index):
            found[start if text.startswith("得") else end - 1] = MUST
        elif is_no_word or (text.startswith("地") and REPEATED.search(_clause_before(tagged, index))):
            found[start] = DE
        elif text.endswith("地"):
            found[end - 1] = DE if _is_adverbial(tagged, index) else GROUND
        elif (inside := text[1:-1].find("得") + 1) and text[inside - 1] != "不":
            found[start + inside] = GAIN if _is_gained(text, tag, inside) else DE
        elif len(text) > 3 and text.endswith("得") and text[-2] not in NOT_GAINED:
            found[end - 1] = GAIN
        start = end
    return found


def _positions(
    tagged: Sequence[Tagged], deciders: dict[str, Callable[[Sequence[Tagged], int], Reading]]
) -> dict[int, Reading]:
    found: dict[int, Reading] = {}
    start = 0
    for index, (text, _) in enumerate(tagged):
        if decide := deciders.get(text):
            found[start] = decide(tagged, index)
        start += len(text)
    return found


def _tag(tagged: Sequence[Tagged], index: int) -> str:
    """First letter of a tag; "x", that of marks, beyond the ends."""
    return tagged[index][1][:1] if 0 <= index < len(tagged) else "x"


def _text(tagged: Sequence[Tagged], index: int) -> str:
    return tagged[index][0] if 0 <= index < len(tagged) else ""


def _wei(tagged: Sequence[Tagged], index: int) -> Reading:
    """为 is wèi (for) before who or what is acted for, wéi (be) between two nouns and before a number."""
    following = [text for text, _ in tagged[index + 1 : index + 1 + LONGEST_CLAUSE]]
    is_for = (
        _tag(tagged, index + 1) in {"r", "v"}
        or "而" in following
        or any(verb in "".join(following) for verb in words("wei_verbs.txt"))
        or (
            _tag(tagged, index - 1) in "rdcx"
            and _tag(tagged, index + 1) == "n"
            and "v" in map(_first, tagged[index + 2 : index + 2 + LONGEST_CLAUSE])
        )
    )
    return ("wei", 4 if is_for and _tag(tagged, index + 1) != "m" else 2)


def _first(pair: Tagged) -> str:
    return pair[1][:1]


def _chang(tagged: Sequence[Tagged], index: int) -> Reading:
    """长 alone is zhǎng (grow, head of) before what says how it grows or behind an office, else cháng (long)."""
    following = _text(tagged, index + 1)
    is_head = _tag(tagged, index - 1) == "n" and (_tag(tagged, index + 1) == "x" or tagged[index + 1][1] == "nr")
    return ("zhang", 3) if is_head or following[:1] in set("得出成满着了大高胖起在") else ("chang", 2)


def _chong(tagged: Sequence[Tagged], index: int) -> Reading:
    """重 alone is chóng (again) before a verb, else zhòng (heavy)."""
    return ("chong", 2) if _tag(tagged, index + 1) == "v" else ("zhong", 4)


def _is_must(tagged: Sequence[Tagged], index: int) -> bool:
    """Whether 得 means must (děi): behind a subject or an adverb, not a verb or adjective, and before a predicate."""
    text, before, before_tag = tagged[index][0], _text(tagged, index - 1), _tag(tagged, index - 1)
    if before in words("complement_words.txt") or (before_tag == "n" and before[-1:] in COMPLEMENT_ENDS):
        return False
    if text.startswith("得") and len(text) > 1:
        is_loose = text in words("must_words.txt") or word_tag(text) is None
        return tagged[index][1] == "v" and before_tag in ("rdtxn" if is_loose else "rdtx")
    after, after_tag = _text(tagged, index + 1), _tag(tagged, index + 1)
    is_degree = after in words("degree_adverbs.txt") and _tag(tagged, index + 2) != "v"
    if after_tag == "x" or after[:1] in MARKS or is_degree or after[:1] in set("了过着的"):
        return False
    if text != "得" or before_tag in "rd" or before in words("before_must.txt"):
        return True
    has_object = len(before) > 1 and before[-1] in OBJECTS
    if not has_object and before_tag not in "ntscx" and not before.endswith(TIMES):
        return False
    is_predicate = after_tag in "vpdcilb" or after in {"有", "先", "多"} or (len(after) > 1 and after[0] in "早少常")
    return is_predicate or has_object or before_tag == "t" or _tag(tagged, index + 2) == "v"


def _is_gained(text: str, tag: str, inside: int) -> bool:
    """Whether the 得 within a word means to gain, as in idioms (如鱼得水), and leads to no complement."""
    if text[inside + 1] in GAINED and len(text) > 3:
        return True
    return tag == "i" and len(text) > 3 and text[:inside] not in COMPLEMENTED


def _is_heavy(tagged: Sequence[Tagged], index: int) -> bool:
    """Whether 重重 is heavily, and not one after the other: 重重地, 重重的包袱, 重重一击; but 困难重重的局面."""
    after = tagged[index][0][2:] or _text(tagged, index + 1)
    if after[:1] == "的":
        return _tag(tagged, index - 1) != "n"
    return after[:1] in {*"地一摔打砸敲拍踢撞跌捶叹击点压"}


def _clause_before(tagged: Sequence[Tagged], index: int) -> str:
    """The four words before the one at `index`, without borders."""
    return "".join(text for text, _ in tagged[max(0, index - 4) : index])


def _is_adverbial(tagged: Sequence[Tagged], index: int) -> bool:
    """Whether 地 at the end of a word makes an adverb (de), and is not the ground."""
    text, tag = tagged[index]
    if text in words("adverbs_with_de.txt"):
        return True
    if len(text) > 1:
        return len(text) > 2 and (text[0] == text[1] or tag in {"d", "z"})
    before, before_tag = _text(tagged, index - 1), _tag(tagged, index - 1)
    clause = _clause_before(tagged, index)
    if re.search(r"(.{1,4})\1$", clause) or REPEATED.search(clause):
        return True
    if len(before) < 2:
        return False
    if before_tag in "adzil" or before[-1] in "性度式般样" or _is_doubled(before):
        return True
    if before in words("complement_words.txt") or before in words("adverb_stems.txt"):
        return True
    return before_tag in "vbomnq" and _tag(tagged, index + 1) in "vpdarzilc"


def _is_doubled(text: str) -> bool:
    """慢慢, 高高兴兴, 静悄悄, 一步一步."""
    return bool(re.fullmatch(r".*(.)\1|(..)\2|一(.)一\3", text))
