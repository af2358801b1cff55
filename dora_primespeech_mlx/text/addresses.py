"""Web and mail addresses in the words people use for them."""

from __future__ import annotations

import re

from dora_primespeech_mlx.text.tables import mapping

ADDRESS = re.compile(
    r"(?<![A-Za-z0-9@._-])(?:(?:https?|ftp)://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+"
    r"|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|(?:[A-Za-z0-9-]+\.)+(?:com|org|net|edu|gov|io|ai|cn|dev|app|co|uk|de|jp|me|info|tv|cc|html?|xyz)(?![A-Za-z0-9_])"
    r"(?:/[A-Za-z0-9_~%./?=&#-]*)?)"
)
SIGNS = {language: mapping(f"{language}_address_signs.tsv") for language in ("en", "zh", "ja", "ko", "yue")}
SPELLED = frozenset(
    ("www", "http", "https", "ftp", "cn", "io", "ai", "uk", "de", "jp", "tv", "cc", "xyz", "html", "htm")
)


def speak_addresses(text: str, language: str) -> str:
    """`text` with each web and mail address in words of `language`; letters of names stay Latin."""
    return ADDRESS.sub(lambda match: _address(match.group(), language), text)


def _address(address: str, language: str) -> str:
    whole = address.rstrip(".,!?;:'*")
    closing = address[len(whole) :]
    address = re.sub(r"^(?:https?|ftp)://", "", whole).rstrip("/")
    spoken = []
    for part in re.findall(r"[A-Za-z]+|\d+|.", address):
        if part.isascii() and part.isalpha():
            spoken.append(" ".join(part.upper()) if part.lower() in SPELLED else part.lower())
        elif part.isdigit():
            spoken.append(" ".join(part) if language == "en" else part)
        elif part in SIGNS[language]:
            spoken.append(SIGNS[language][part])
    return f" {' '.join(spoken)}{closing or ' '}"
