"""Tags in a text: which are real, where one ends, and what its attributes are.

A function that looks at text that is still coming gives None while what follows decides, and -1 for what is no tag.
"""

import html
import re

from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.tables import mapping

NOT = -1
LONGEST_NAME = 40
LONGEST_TAG = 600
LONGEST_PLACEHOLDER = 30
NAME = regex(r"[A-Za-z][\w:-]*(?:\.[\w:-]+)*")
BARE_ATTRIBUTES = frozenset(
    ("async", "autoplay", "checked", "controls", "defer", "disabled", "hidden", "loop", "multiple", "muted", "nowrap",
     "open", "readonly", "required", "reversed", "selected")
)  # fmt: skip
JOINING_WORDS = regex(r"\b(?:and|or|if|then|else|is|are)\b|[且或并而与和则，]")
WORDS_OF_PLACEHOLDER = regex(r"[\w./@\u4e00-\u9fff -]+")
ATTRIBUTE = regex(r"""([\w:@.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>/]+))""")


def tag_kind(name: str) -> str:
    """What the tag does (see `markup_tags.tsv`); "" when there is no such tag."""
    return mapping("markup_tags.tsv").get(name.lower(), "")


THINGS = frozenset(
    ("title", "time", "label", "address", "data", "caption", "summary", "section", "source", "link", "map", "menu",
     "object", "output", "option", "param", "header", "footer", "main", "article", "button", "input", "area", "base",
     "body", "head", "track", "video", "audio", "form", "details", "dialog", "table", "template", "style", "select",
     "figure", "token", "voice", "sentence", "paragraph", "speed", "volume", "emotion")
)  # fmt: skip
"""Names of tags that are as often what a placeholder stands for."""


def is_thing(name: str, tag: str) -> bool:
    """Whether a tag in a sentence may be a placeholder: enter <name> and <title>."""
    return name in THINGS and tag == f"<{name}>"


def is_silent(name: str, tag: str) -> bool:
    """Whether nothing from the opening `tag` of that name to its end is said."""
    kind = tag_kind(name)
    return not tag.endswith("/>") and (kind == "silent" or (kind == "named" and tag.rstrip(">").strip() != f"<{name}"))


def attributes(tag: str) -> dict[str, str]:
    """Attributes of a tag, names in lower case, entities read."""
    return {
        name.lower(): html.unescape(double or single or bare)
        for name, double, single, bare in ATTRIBUTE.findall(tag)
    }  # fmt: skip


def tag_end(text: str) -> int | None:
    """How long the tag is that `text` begins with.

    A tag has a name of the list, or is shaped as only a tag can be: with quoted attributes, or closing itself.
    """
    if len(text) > LONGEST_TAG and ">" not in text[:LONGEST_TAG]:
        return NOT
    if text.startswith("</"):
        return _closing_end(text)
    name = NAME.match(text, 1)
    if name is None:
        return NOT if len(text) > 1 else None
    if name.end() == len(text):
        return None if len(name.group()) < LONGEST_NAME else NOT
    kind, position, quoted = tag_kind(name.group()), name.end(), False
    if text[position] == "=" and kind == "named":
        end = text.find(">", position)
        return end + 1 if end >= 0 else None
    if text[position] not in " \t\n/>":
        return NOT
    while True:
        position = _skipped(text, position)
        if position == len(text):
            return None
        if text[position] == ">":
            return position + 1 if kind or quoted else NOT
        if text[position] == "/":
            if position + 1 == len(text):
                return None
            is_whole = text[position + 1] == ">" and (kind or quoted or text[position - 1] != "<")
            return position + 2 if is_whole else NOT
        attribute = _attribute_end(text, position, bool(kind))
        if attribute is None or attribute[0] == NOT:
            return None if attribute is None else NOT
        position, quoted = attribute[0], quoted or attribute[1]


def _closing_end(text: str) -> int | None:
    whole = re.match(r"</[A-Za-z][\w:.=-]*\s*>", text)
    if whole:
        return whole.end()
    is_open = re.fullmatch(r"</(?:[A-Za-z][\w:.=-]*\s*)?", text) and len(text) <= LONGEST_NAME
    return None if is_open else NOT


def _skipped(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\n":
        position += 1
    return position


def _attribute_end(text: str, position: int, is_known: bool) -> tuple[int, bool] | None:
    """Where an attribute ends, and whether its value is in quotes."""
    name = re.compile(r"[A-Za-z_:@][\w:@.-]*").match(text, position)
    if name is None:
        return NOT, False
    after = _skipped(text, name.end()) if is_known else name.end()
    if after == len(text):
        return None
    if text[after] != "=":
        is_bare = is_known and (name.group().lower() in BARE_ATTRIBUTES)
        return (name.end(), False) if is_bare else (NOT, False)
    start = _skipped(text, after + 1)
    if start == len(text):
        return None
    if text[start] in "\"'":
        end = text.find(text[start], start + 1)
        return None if end < 0 else (end + 1, True)
    value = re.compile(r"[^\s\"'<>]+").match(text, start)
    if value is None or not is_known:
        return NOT, False
    return None if value.end() == len(text) else (value.end(), False)


def placeholder(text: str, before: str, final: bool) -> tuple[int, str] | None:
    """What stands for something else between < and > at the head of `text`: its length and the words to say.

    `<your-name>`, `<你的名字>` after a blank, and `<int>` of `vector<int>` after a word. (-1, "") when the signs
    compare: `a<b and c>d`. `before` is the character that stands before the sign.
    """
    if _is_word(before):
        return _generic(text, final)
    found = WORDS_OF_PLACEHOLDER.match(text, 1)
    content, end = (found.group(), found.end()) if found else ("", 1)
    if (
        not content
        or content[0] in " -./@"
        or len(content) > LONGEST_PLACEHOLDER
        or JOINING_WORDS.search(content)
        or ". " in content
    ):
        return NOT, ""
    if end == len(text):
        return (NOT, "") if final else None
    if text[end] != ">" or content[0].isdigit() or content.count(" ") > 3 or content[-1] == " ":
        return NOT, ""
    return end + 1, content


def _is_word(character: str) -> bool:
    return bool(re.match(r"[A-Za-z0-9_>)\]]", character))


def _generic(text: str, final: bool) -> tuple[int, str] | None:
    """The parameters of a type, as in `Map<String, List<int>>`."""
    depth = 0
    for position, character in enumerate(text[: 2 * LONGEST_PLACEHOLDER]):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if depth == 0:
            if position + 1 == len(text) and not final:
                return None
            if _is_word(text[position + 1 : position + 2]) or position < 2:
                return NOT, ""
            return position + 1, " " + re.sub(r"[<>\[\]*&?, ]+", " ", text[1:position]).strip()
        if position and not re.match(r"[\w:<>\[\]*&?, ]", character):
            return NOT, ""
        if position == 1 and not (character.isalpha() and character.isascii()):
            return NOT, ""
        if character == " " and text[position - 1] != ",":
            return NOT, ""
    return (NOT, "") if final or len(text) >= 2 * LONGEST_PLACEHOLDER else None


def address_end(text: str) -> int | None:
    """The length of an address in pointed brackets, `<https://…>` or `<me@there.org>`."""
    whole = re.match(r"<(?:(?:https?|ftp)://|mailto:|tel:)[^\s<>]+>|<[\w.+-]+@[\w-]+(?:\.[\w-]+)+>", text)
    if whole:
        return whole.end()
    is_open = re.fullmatch(
        r"<(?:h(?:t(?:t(?:p(?:s)?)?)?)?|f(?:t(?:p)?)?|(?:https?|ftp):/?|(?:https?|ftp)://[^\s<>]*"
        r"|(?:mailto|tel):[^\s<>]*|[\w.+-]{1,64}(?:@[\w.-]{0,80})?)?",
        text,
    )
    return None if is_open and len(text) < LONGEST_TAG else NOT


def target_end(text: str, at: int) -> int | None:
    """Where the target of a link ends whose "(" is at `at`: an address or one word, with a title or without."""
    found = re.compile(r"\(\s*(?:<[^<>\n]*>|(?:[^\s()<>]|\([^\s()]*\))*)").match(text, at)
    if found is None:
        return NOT
    target = found.group()[1:].strip()
    if re.search(r"[\u3000-\u9fff\uff00-\uffef]", target) and not re.match(r"<|[a-z]+:|www\.|[/#.]", target):
        return NOT
    if len(target) > LONGEST_TAG * 4:
        return NOT
    rest = text[found.end() :]
    if rest.startswith(")"):
        return found.end() + 1
    title = re.match(r"""[ \t]+(?:"[^"\n]*"|'[^'\n]*')[ \t]*\)""", rest)
    if title:
        return found.end() + title.end()
    is_open = re.fullmatch(r"""\([^\s()]*|<[^<>\n]*|[ \t]*|[ \t]+(?:"[^"\n]*"?|'[^'\n]*'?)[ \t]*""", rest)
    return None if is_open else NOT
