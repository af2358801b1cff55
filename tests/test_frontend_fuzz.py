"""Random texts: phones, or a ValueError that says why not."""

import random

import pytest

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.sentences import MarkupStripper, SentenceSplitter, split, strip_markup
from dora_primespeech_mlx.text.symbols import SIZES, symbol_table

PIECES = [
    "你好", "2024年", "Hello ", "GPT-4", "3.5G", "http://a.b", "me@x.com", "\ud800", "\x00",
    "한국", "の", "é", "Ⅷ", "①", "α", "😀", "３", "㎏",
    "\u200b", "\u2060", "\u0001", "嗯", "呣", "欸", "儿", "一", "不",
    "第2", "$5", "-7", "½", "²", "١٢", "˙",
    "こんにちは", "カナ", "ｶﾅ", "ー", "々", "〆", "〇", "3本", "¥1,200", "10:30", "1/2",
    "안녕하세요", "3시 25분", "5권", "大韓", "값이", "ㄱ", "ㅄ", "佢哋", "㗎", "𨋢", "120蚊",
    "「", "」", "、", "〜", "・", "　", "USB", "Wi-Fi", "x²", "8·15", "嗤", "训", "ヴ",
    "$x^2$", "\\frac{1}{2}", "a<b", "n>=1", "10–20元", "x_1", "f(x)", "−8℃", "~30",
    "A > B", "→", "{", "}", "\\(", "\\)", "3/4", "120/80", "5mg/L", "(1)", "2)", "<your-name>",
    ":)", "5!", "|x|", "√2", "./a.py",
]  # fmt: skip
# Where kana, full-width and half-width forms, letters of Hangul, signs and rare Han characters begin.
BLOCKS = (0x3000, 0x3040, 0xFF00, 0xFF60, 0x1100, 0x3130, 0x3200, 0x3300, 0x20000, 0xF900)


SIGNS = [
    "**", "*", "_", "`", "```", "<think>", "</think>", "[", "](", ")", "#", "- ",
    "\n", "|", "~~", "!", "ab ", "好", "😀", "1. ",
]  # fmt: skip
# Texts of one thing over and over: some of them once took time with the square of their length, or a call for each.
REPEATED = [
    "1k-", "x=1k-",
    "a", "'", "'s", "a'", "a-", "a.", "A.", "word ", "Word", "GPT", "(", "[(", "--", "$", "$1", "1", "1,", "1.", "1-",
    "1:", "1/", "1%", "+", "+1 ", "1 pm ", "Jan 1 ", "1½", "x²", "@", "a@", "http://", "a.com", "www.", "😀", "\x00",
    "e\u0301", "好", "一", "不", "儿", "第", "为", "得", "嗯", "呣嗯", "2024年", "今天天气真好，",
    "用iPhone 15的camera，", "。，！", ".,!?-", "…", "—", " ", "\n", "\ud800", "好\udc00a\ud83d1",
    "This is a sentence. 今天天气真好。",
    "a=", "x^", "<a", "a<b>", "A > B ", "1~", "\\frac", "\\frac{1}", "{", "$x", "$x$ ", "\\(x", "|x", "1–", "−", "a→",
    "(1)", "a.b", "_", "a_", "/a", "~/a", "1\"", "1°", "√2", "1x", "n!", "2*", "5 kg-", "1/2 tsp ", "(≧▽≦)", ":)", "<3",
    "【1†a】", "code 1234 ", "3-202室", "120/80/a1e1x", "3^12",
]  # fmt: skip
HUGE = {
    "one word": "a" * 100_000,
    "only marks": "。，！？…—、；：" * 3_700,
    "characters that no word has": "嗯呣" * 16_700,
    "unpaired surrogates": "好\ud800a\udfff1" * 9_000,
    "blanks between words": "a" + " " * 100_000 + "b",
    "one letter with accents": "a" + "\u0301" * 50_000,
}


def random_text(chance: random.Random) -> str:
    size = chance.choice([0, 1, 2, 3, 5, 8, 13, 40])
    kind = chance.randrange(11)
    if kind == 0:
        return "".join(chr(chance.randrange(0x110000)) for _ in range(size))
    if kind == 1:
        return "".join(chr(chance.randrange(0x4E00, 0xA000)) for _ in range(size))
    if kind == 2:
        return "".join(chr(chance.randrange(32, 127)) for _ in range(size))
    if kind == 3:
        return "".join(chance.choices("0123456789.,:/-~+×÷=%°℃¥$€年月日个米kmgGB第2²³½ ", k=size))
    if kind == 4:
        return "".join(chance.choices("嗯呣嗯欸哼儿一不个了着过得地，。！？…—～.,!?-“”《》()", k=size))
    if kind == 5:
        return "".join(chance.choices("abcdefgXYZ'-. ’&@/\n\t", k=2 * size))
    if kind == 6:
        return "".join(chr(chance.randrange(0x3040, 0x3100)) for _ in range(size))
    if kind == 7:
        return "".join(chr(chance.randrange(0xAC00, 0xD7A4)) for _ in range(size))
    if kind == 8:
        return "".join(chr(chance.choice(BLOCKS) + chance.randrange(0x60)) for _ in range(size))
    return "".join(chance.choices(PIECES, k=size))


def check(frontend: Frontend, text: str, language: str, version: str) -> None:
    try:
        phones = frontend(text, language)
    except ValueError:
        return
    assert len(phones.ids) == len(phones.names)
    assert 0 <= phones.ids.min() <= phones.ids.max() < SIZES[version]
    assert sum(span.end - span.start for span in phones.spans) == len(phones.ids)
    assert all(name in symbol_table("v2") for name in phones.names)
    for span in phones.spans:
        # What an accent phrase of Japanese ends with has no name in the table.
        assert span.language == "ja" or "UNK" not in phones.names[span.start : span.end]
        if span.language in {"zh", "yue"}:
            assert span.word2ph is not None
            assert sum(span.word2ph) == span.end - span.start
            assert len(span.word2ph) == len(span.text)


def fuzz(count: int, seed: int) -> None:
    chance = random.Random(seed)
    frontends = {version: Frontend(version) for version in SIZES}
    for _ in range(count):
        version = chance.choice(list(SIZES))
        check(
            frontends[version],
            random_text(chance),
            chance.choice(["auto", "zh", "en", "ja", "ko", "yue", "auto_yue"]),
            version,
        )


def test_random_texts() -> None:
    fuzz(400, seed=1)


@pytest.mark.soak
def test_twenty_thousand_random_texts() -> None:
    fuzz(20_000, seed=2)


def repeated(text: str, size: int) -> str:
    """About `size` bytes of `text` over and over."""
    return text * (size // len(text.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("text", REPEATED)
def test_repeated_texts(text: str) -> None:
    for language in ("zh", "en"):
        check(Frontend(), repeated(text, 3_000), language, "v2")


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_texts_of_100_kilobytes(text: str) -> None:
    assert len(text.encode("utf-8", "surrogatepass")) > 95_000
    check(Frontend(), text, "auto", "v2")


@pytest.mark.soak
@pytest.mark.parametrize("language", ["auto", "zh", "en"])
@pytest.mark.parametrize(
    "text", [*(repeated(text, 100_000) for text in REPEATED), *HUGE.values()], ids=[*map(ascii, REPEATED), *HUGE]
)
def test_every_text_of_100_kilobytes(text: str, language: str) -> None:
    check(Frontend(), text, language, "v2")


def random_cuts(text: str, chance: random.Random) -> list[str]:
    pieces, start = [], 0
    while start < len(text):
        end = start + chance.choice([1, 1, 2, 3, 7])
        pieces.append(text[start:end])
        start = end
    return pieces


def test_sentences_of_random_texts() -> None:
    chance = random.Random(3)
    for _ in range(1_500):
        text = random_text(chance) + random_text(chance)
        splitter = SentenceSplitter()
        found = [
            sentence for piece in random_cuts(text, chance) for sentence in splitter.push(piece)
        ] + splitter.finish()
        for method in ("cut0", "cut1", "cut2", "cut3", "cut4", "cut5", "sentence"):
            for sentences in (found, split(text, method)):
                assert all(0 <= sentence.start < sentence.end <= len(text) for sentence in sentences)
                assert all(a.end <= b.start for a, b in zip(sentences, sentences[1:], strict=False))
                spoken = "".join(text[sentence.start : sentence.end] for sentence in sentences)
                wanted = [letter for letter in text if letter.isalnum()]
                assert [letter for letter in spoken if letter.isalnum()] == wanted


def test_markup_of_random_texts_in_pieces() -> None:
    chance = random.Random(4)
    for _ in range(1_500):
        text = "".join(chance.choices(SIGNS, k=chance.randrange(12)))
        stripper = MarkupStripper()
        pieces = "".join(stripper.push(piece) for piece in random_cuts(text, chance)) + stripper.finish()
        assert "<think>" not in pieces
        assert pieces.count("好") == strip_markup(text).count("好")
