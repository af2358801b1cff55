"""Web and mail addresses, files, paths and telephone numbers abroad in the words people use for them."""

import re

from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.rules import before, regex
from dora_primespeech_mlx.text.tables import mapping

ENDINGS = (
    "py|js|jsx|ts|tsx|md|txt|json|ya?ml|toml|csv|tsv|xlsx?|docx?|pptx?|pdf|html?|css|cpp|hpp|cc|rs|go|java|kt|rb|sh|bat"
    "|exe|dll|zip|gz|tar|log|ini|cfg|conf|env|lock|sql|db|xml|svg|png|jpe?g|gif|mp3|mp4|wav|ipynb|tex|bib|swift|php|vue"
)
FOLDERS = "src|bin|usr|etc|home|var|tmp|lib|opt|docs|tests?|app|api|config|node_modules|dist|build|public|assets|models"
STORES = "s3|gs|wss?|git|file|redis|mongodb|postgres|postgresql|mysql|hdfs|amqp|tcp|udp"
"""What names a store or a way in the place of http, and is said."""
NAME = r"[A-Za-z0-9_.@-]"
ADDRESS = regex(
    r"(?<![A-Za-z0-9@._-])(?:(?:<(?=(?:https?://|mailto:|[^<>\s@]+@)))?(?:mailto:)?"
    rf"(?:(?:https?|ftp|{STORES})://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+"
    r"|(?i:doi):\s?10\.\d{4,9}/[A-Za-z0-9._;()/:-]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|(?:[A-Za-z0-9-]+\.)+(?:com|org|net|edu|gov|io|ai|cn|dev|app|co|uk|de|jp|me|info|tv|cc|html?|xyz)(?![A-Za-z0-9_])"
    r"(?:/[A-Za-z0-9_~%./?=&#-]*)?)>?)"
)
PATH = regex(
    rf"(?<![\w/\\.~<$%¢×²³⁰¹⁴-⁹Α-ω)])(?:(?:~|\.{{1,2}}|\$[A-Z_]{{2,20}})/(?:{NAME}+/)*{NAME}*"
    rf"|[A-Za-z]:\\(?:{NAME}+(?: {NAME}+)*\\)*{NAME}*"
    rf"|/(?!or\b|and\b)(?=[A-Za-z_.])(?:{NAME}+/)*{NAME}*[A-Za-z0-9_]/?|(?:{FOLDERS})/(?:{NAME}+/)*{NAME}*"
    rf"|(?:{NAME}+/)*[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?:{ENDINGS}))(?![\w/])",
    re.ASCII,
)
ABROAD = regex(r"(?<![\w+])\+(\d{1,3})[- ](\d{1,4})[- ](\d{7,8})(?![\d-])")
"""A telephone number with the code of its country."""
SIGNS = {language: mapping(f"{language}_address_signs.tsv") for language in ("en", "zh", "ja", "ko", "yue")}
ALL_FILES = {"en": " star dot ", "zh": "星号点"}
PORT = regex(r"([^/:@]+):(\d{2,5}(?:/.*)?$)")
PORTS = {"en": "port", "zh": "端口", "ja": "ポート", "ko": "포트", "yue": "端口"}
SPELLED = frozenset(
    ("www", "doi", "http", "https", "ftp", "cn", "io", "ai", "uk", "de", "jp", "tv", "cc", "xyz", "html", "htm")
)


def speak_addresses(text: str, language: str) -> str:
    """`text` with each web and mail address and each path of a file in words of `language`.

    Letters of names stay Latin; those of files keep their capitals.
    """
    if language == "zh" and "+" in text:
        text = ABROAD.sub(lambda match: "，".join(digits(part, telephone=True) for part in match.groups()), text)
    if "." in text or "@" in text or "://" in text:
        text = ADDRESS.sub(lambda match: _address(match.group(), language), text)
    if "*." in text and language in ALL_FILES:
        text = re.sub(r"\*\.(?=[A-Za-z0-9]{1,6}(?![A-Za-z0-9]))", ALL_FILES[language], text)
    if "/" in text or "\\" in text or "." in text:
        text = PATH.sub(lambda match: _path(match, language), text)
    return text


def _address(address: str, language: str) -> str:
    address = address.removeprefix("<").removesuffix(">").removeprefix("mailto:")
    whole = address.rstrip(".,!?;:'*")
    closing = address[len(whole) :]
    address = re.sub(r"^(?:https?|ftp)://", "", whole)
    address = address.replace("://", " ").rstrip("/")
    port = PORT.match(address)
    said = _in_words(port[1] if port else address, language, lower=True)
    if port:
        said += f" {PORTS[language]} {_in_words(port[2], language, lower=True)}"
    return f" {said}{closing or ' '}"


def _path(match: re.Match[str], language: str) -> str:
    path = match.group()
    whole = re.sub(r"(?<!\w)__([A-Za-z]+)__", r"\1", path.rstrip("."))
    # A number before a slash is counted by what follows: $20 /month.
    if re.search(r"\d[\u4e00-\u9fff\"″”]{0,3}\s*$", before(match)) and path.startswith("/"):
        return path
    # One of two names: 基因/ORF1ab.
    if re.search("[\u4e00-\u9fff]$", before(match)) and re.fullmatch("/[A-Z][A-Za-z0-9]*", path):
        return path
    # Node.js is a name, index.js a file.
    if re.fullmatch(r"[A-Z][A-Za-z]*\.js", path):
        return path
    return f" {_in_words(whole, language, lower=False)}{path[len(path.rstrip('.')) :] or ' '}"


def _number(number: str, language: str, in_address: bool) -> str:
    """Digits of an address or a path: those of long ones one by one."""
    if language == "zh":
        return digits(number, telephone=True) if len(number) > 2 else cardinal(number)
    return " ".join(number) if language == "en" and in_address else number


def _in_words(address: str, language: str, lower: bool) -> str:
    spoken = []
    for part in re.findall(r"[A-Za-z]+|\d+|.", address):
        if part.isascii() and part.isalpha():
            is_spelled = lower and part.lower() in SPELLED
            spoken.append(" ".join(part.upper()) if is_spelled else part.lower() if lower else part)
        elif part.isdigit():
            spoken.append(_number(part, language, lower))
        elif part in SIGNS[language]:
            spoken.append(SIGNS[language][part])
    return " ".join(spoken)
