"""Languages that are not spoken here are named; a foreign word or an accent in a text is no reason to refuse it."""

import re

import pytest

from dora_primespeech_mlx.names.spellings import language_code
from dora_primespeech_mlx.text.languages import check_readable, split_languages
from dora_primespeech_mlx.text.unspoken import check_scripts


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет, как дела?", "Russian"),
        ("สวัสดีครับ", "Thai"),
        ("مرحبا بالعالم", "Arabic"),
        ("שלום עולם", "Hebrew"),
        ("नमस्ते दुनिया", "Hindi"),
        ("Tôi là người Việt Nam và tôi thích điều đó", "Vietnamese"),
    ],
)
@pytest.mark.parametrize("chosen", ["auto", "zh", "en"])
def test_a_text_in_another_language_is_refused_by_its_name(text: str, language: str, chosen: str) -> None:
    with pytest.raises(ValueError, match=f"nothing to say in .*only Mandarin.*this is {re.escape(language)}"):
        split_languages(text, chosen)


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world.",
        "你好，世界。",
        "The word привет means hello in a language I do not speak.",
        "Café, naïve, façade, jalapeño, Dvořák and Øresund.",
        "Nguyễn Phú Trọng met the ministers of four other countries in the capital on Monday.",
        "The angle α is π over two.",
        "",
    ],
)
def test_texts_with_foreign_words_are_spoken(text: str) -> None:
    check_scripts(text)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EN", "en"), ("en-US", "en"), ("en_GB", "en"), ("English", "en"), ("zh-CN", "zh"), ("zh_Hans_CN", "zh"),
        ("cn", "zh"), ("all_zh", "zh"), ("中文", "zh"), ("Auto", "auto"), ("zh-HK", "yue"), ("auto_yue", "yue"),
        ("ja-JP", "ja"), ("zh-Klingon", "zh-Klingon"), ("fr", "fr"), ("auto-matic", "auto-matic"), ("", ""),
        ("zh-Hant-HK", "yue"), ("zh-MO", "yue"), ("yue-HK", "yue"), ("yue-Hant-HK", "yue"), ("en-HK", "en"),
        ("zho", "zh"), ("en_US.UTF-8", "en"), ("zh_CN.UTF-8", "zh"), ("ja_JP@x", "ja"), ("en-NG", "en"),
        ("es-419", "es-419"), ("en-001", "en"), ("en_zh", "en_zh"), ("auto-us", "auto-us"), ("C.UTF-8", "C.UTF-8"),
        ("fr-HK", "fr-HK"), ("zh_en", "zh"),
    ],
)  # fmt: skip
def test_languages_have_many_spellings(name: str, code: str) -> None:
    assert language_code(name) == code


def test_whether_a_text_can_be_read_is_known_before() -> None:
    check_readable("Hello.", "auto")
    for text in ("...", "", "  "):
        with pytest.raises(ValueError, match="nothing to say"):
            check_readable(text, "auto")
