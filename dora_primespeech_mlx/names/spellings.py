"""How people write the name of a language, in the files they bring: EN, zh-CN, cn, Chinese, 中文."""

import re

SPELLINGS = {
    "auto": ("auto", "multilingual", "mixed", "mix", "multi", "多语种混合", "多語種混合"),
    "zh": (
        "zh",
        "all_zh",
        "cn",
        "cmn",
        "zho",
        "chi",
        "chinese",
        "mandarin",
        "中文",
        "汉语",
        "普通话",
        "普通話",
        "国语",
        "國語",
        "中国語",
        "중국어",
        "中英混合",
        "中英",
        "zh_en",
    ),
    "en": ("en", "eng", "english", "英文", "英语", "英語", "영어"),
    "ja": ("ja", "all_ja", "jp", "jpn", "japanese", "日文", "日语", "日語", "日本語", "일본어", "日英混合"),
    "ko": ("ko", "all_ko", "kr", "kor", "korean", "韩文", "韩语", "韓文", "韓語", "韓国語", "한국어", "韩英混合"),
    "yue": (
        "yue",
        "all_yue",
        "auto_yue",
        "zh_hk",
        "zh_yue",
        "cantonese",
        "粤语",
        "粵語",
        "广东话",
        "廣東話",
        "粤英混合",
        "多语种混合(粤语)",
    ),
}
"""Code of a language -> its spellings, casefolded, with _ for - ."""
_CODES = {spelling: code for code, spellings in SPELLINGS.items() for spelling in spellings}
_CANTONESE = frozenset(("hk", "mo"))
"""Regions whose Chinese is Cantonese: Hong Kong and Macao."""


def language_code(name: str) -> str:
    """The code of a language in any spelling, case, script and region; what is not known is given back as it is.

    Tags and locales are read too: zh-Hans-CN, en_US.UTF-8.
    """
    folded = re.split("[.@]", name.strip())[0].casefold().replace("-", "_")
    if folded in _CODES:
        return _CODES[folded]
    language, *parts = folded.split("_")
    code = _CODES.get(language)
    if code in (None, "auto") or not all(map(_is_part, parts)):
        return name
    return "yue" if code == "zh" and _CANTONESE & set(parts) else code


def _is_part(part: str) -> bool:
    """Whether that may stand behind a language without changing it: a script (hant), a region (sg, 419)."""
    return part not in SPELLINGS and re.fullmatch("[a-z]{4}|[a-z]{2}|[0-9]{3}", part) is not None
