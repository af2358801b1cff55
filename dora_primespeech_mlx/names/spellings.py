"""How people write the name of a language, in the files they bring: EN, zh-CN, cn, Chinese, 中文."""

SPELLINGS = {
    "auto": ("auto", "multilingual", "mixed", "mix", "multi", "多语种混合", "多語種混合"),
    "zh": (
        "zh",
        "all_zh",
        "cn",
        "cmn",
        "chinese",
        "mandarin",
        "中文",
        "汉语",
        "普通话",
        "国语",
        "國語",
        "中国語",
        "중국어",
        "中英混合",
        "中英",
        "zh_en",
    ),
    "en": ("en", "eng", "english", "英文", "英语", "英語", "영어"),
    "ja": ("ja", "all_ja", "jp", "japanese", "日文", "日语", "日語", "日本語", "일본어", "日英混合"),
    "ko": ("ko", "all_ko", "kr", "korean", "韩文", "韩语", "韓文", "韓語", "韓国語", "한국어", "韩英混合"),
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
REGIONS = frozenset("cn tw sg hans hant us gb uk au ca in nz ie za jp kr".split())  # noqa: SIM905
"""What may stand behind a code without changing the language; Chinese of Hong Kong (zh-HK) is another."""
_CODES = {spelling: code for code, spellings in SPELLINGS.items() for spelling in spellings}


def language_code(name: str) -> str:
    """The code of a language in any spelling, case and region; what is not known is given back as it is."""
    folded = name.strip().casefold().replace("-", "_")
    if folded in _CODES:
        return _CODES[folded]
    language, *regions = folded.split("_")
    return _CODES.get(language, name) if set(regions) <= REGIONS else name
