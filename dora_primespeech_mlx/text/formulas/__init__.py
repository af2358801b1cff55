r"""Formulas -> words, as people read them aloud: LaTeX (`$x^2$`, `\frac{1}{2}`) and plain ones (`n <= 100`, `x² + 1`).

A formula is read before its sentence is split by language, while every sign is still there.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from functools import cache

from dora_primespeech_mlx.text.formulas.reader import FUNCTION_NAMES, known_commands, read
from dora_primespeech_mlx.text.formulas.rewritten import rewritten
from dora_primespeech_mlx.text.formulas.tokens import LOWERED, RAISED
from dora_primespeech_mlx.text.mandarin.numbers import cardinal
from dora_primespeech_mlx.text.rules import after, before, regex
from dora_primespeech_mlx.text.signs import HAN, language_at
from dora_primespeech_mlx.text.signs.science import ELEMENT
from dora_primespeech_mlx.text.tables import mapping, words
from dora_primespeech_mlx.text.units import (
    COMPOUND_ONLY,
    compound_unit,
    compound_units,
    english_unit,
    english_units,
    mandarin_unit,
    mandarin_units,
)

SPELLINGS = (
    ("<->", "⇔"), ("<=>", "⇔"), ("-->", "→"), ("==>", "⇒"), ("->", "→"), ("=>", "⇒"), ("<=", "≤"), ("=<", "≤"),
    (">=", "≥"), ("!=", "≠"), ("=/=", "≠"), ("===", "="), ("==", "="), ("+/-", "±"), ("**", "^"), ("-", "−"),
    ("–", "−"), ("*", "⋅"), ("·", "⋅"), ("⩽", "≤"), ("⩾", "≥"), ("≦", "≤"), ("≧", "≥"),
)  # fmt: skip
"""Signs typed with the keys at hand, and the sign that each stands for."""
LONGEST_FORMULA = 600

LETTERS_IN_A_ROW = (
    r"(?<=[A-Zp]=)[A-Za-z]{2,3}(?![A-Za-z])|(?<=[A-Zp]\s=\s)[A-Za-z]{2,3}(?![A-Za-z])"
    r"|(?<=[α-ωΔ])[a-z]{2}(?![A-Za-z])|(?<=[πωεη])[A-Z]{2,3}(?![A-Za-z])"
    r"|(?<=[=+−*/(-])[a-z]{2}(?=\s?[-+−*/)=])|(?<=[=+−*/(-]\s)[a-z]{2}(?=\s[-+−*/)=]|\(\d)|(?<=[\da-z}][+=])[a-z]{2}(?=[，。；、]|$)"
    r"|(?<=\d)(?![KMGT]B)[A-Z]{2}(?=[/²³^])"
)
"""What F = ma or y = kx + b multiplies."""
UNIT_IN_BRACKETS = regex(r"(=\s?[-−]?\d+(?:\.\d+)?)\s?[(（]([^\s\d()（）=+-]{1,6}[23²³]?)[)）]")
"""What a result is measured in, behind it in brackets: =2(h)."""
SCIENTIFIC = regex(r"(?<![A-Za-z0-9_.])(\d+(?:\.\d+)?)[eE]([-+−]?\d{1,3})(?![A-Za-z0-9_]|\.\d)")
MODULO = regex(r"(?<=[A-Za-z)\]]) % (?=\d|[A-Za-z]\b|\()|(?<=\d) % (?=\d)|(?<=[A-Za-z_)\]])%(?=\d+(?![\w%]))")
"""The rest of a division, as programs write it: n % 2."""
REMAINDER = regex(r"(?<=\d)\s?(?:…{1,2}|⋯{1,2}|\.{3,6})\s?(?=\d)")
"""What a division leaves: 10÷3=3……1."""
STATE = regex(r"(?<=[A-Za-z\d⁺⁻])\((g|l|aq|s)\)(?=\s*(?:[+→⇌,;.，。；]|->|$))")
STATES = {
    "zh": {"g": "气体", "l": "液体", "s": "固体", "aq": "溶液"},
    "en": {"g": " gas", "l": " liquid", "s": " solid", "aq": " aqueous"},
}
"""What a substance of a reaction is: Cu(s)."""
POWER_OF_TEN = regex(
    r"(?<=\d)\s?[–-]\s?(?=\d+(?:\.\d+)?\s?[×x]\s?10\^)|(?:(?<=10\^\d)|(?<=10\^\d\d)|(?<=10[²³⁴-⁹])|(?<=10[¹²][⁰¹²³⁴-⁹]))/([mdμµu]?[Ll]|[mc]m³|mol|kg)(?![A-Za-z0-9])"
)
"""A range before a power of ten, and what such a number is in each of: 4.5–11 × 10^9/L."""
PROPORTION = regex(
    r"(?<![\w.:：])(\w{1,8})\s?[:：]\s?(\w{1,8})\s?=\s?(\d+(?:\.\d+)?|[A-Za-z])\s?[:：]\s?(\d+(?:\.\d+)?|[A-Za-z])(?![\w:：])"
)
OF_VARIABLE = regex(
    r"(?:(?<=[A-Za-z\d]\))\s?|(?<![A-Za-z'’])([b-hj-z])\s)(k?m/h|m/s²?|[mk]?g/L|km|cm|kg)(?![A-Za-z/²³0-9])"
)
"""What a variable, or what stands in brackets, is measured in: x km/h, (x+5)km."""
LEFT_OUT = regex(
    r"\s?([+×⋅·*])\s?(?:…{1,2}|\.{3,6}|⋯{1,2})\s?\1\s?(?=[\w(])"
    r"|(?<=[\w)₀-₉])\s?([,，、])\s?(?:…{1,2}|\.{3,6}|⋯{1,2})\s?\2\s?(?=[\w(])"
)
LEFT_OUT_WORDS = {
    "+": ("一直加到", " plus dot dot dot plus "),
    ",": ("，一直到", ", dot dot dot, "),
    "×": ("一直乘到", " times dot dot dot times "),
}
"""What is left out of a sum, of a row and of a product, in Mandarin and English: 1 + 2 + … + n."""
OVERLINED = regex("(?<![A-Za-z])([A-Za-zμθ])([\u0304\u0305\u0302])(?![A-Za-z])|(?<![A-Za-z])([ŷȳ])(?![A-Za-z])")
OVERLINES = {"\u0304": "bar", "\u0305": "bar", "\u0302": "hat"}
"""A letter with a bar or a hat: x̄, p̂."""
STANDARD = regex(
    r"(?<=Δ[GHSE])°(?:(['′])|(?![CF\w])|(?=rxn|comb|vap|fus|f(?![A-Za-z])))|(?<=(?<![A-Za-z0-9])E)°(['′])?(?![CF\w])"
)
"""The sign of the standard state, which is no degree: ΔH°, E°."""
BETWEEN_BOUNDS = regex(rf"\[([^\[\]]{{1,60}})\](-?\d{{1,3}})([{RAISED}]{{1,3}})")
"""What is taken between two bounds: [x³/3]₀¹."""
PROPORTIONS = regex(
    r"(?<![\w:：])([A-Za-z](?:\s?[:：]\s?[A-Za-z]){2,3})(\s?=\s?)(\d+(?:\s?[:：]\s?\d+){2,3})(?![\w:：])"
)
"""Several quantities and their parts: a:b:c = 8:12:15."""
SERIES = regex(r"(?<![\w/.,])(?!(?:19|20)\d\d/)\d{1,4}(?:\.\d+)?(?:/\d{1,4}(?:\.\d+)?){3,}(?!\d|/|\.\d)")
"""Values one after another, which nothing divides: 40/65/90/115/140."""
MULTIPLE = regex(
    r"((?<![A-Za-z])[A-Z]{1,2}/[A-Z]{1,6}\s?(?:[=≈:：]|of|is|为|约|是)?\s?[~约]?\s?\d+(?:\.\d+)?)x(?![A-Za-z0-9])"
)
"""How many times one figure of a firm is another: P/E = 22.4x."""
BARS = regex(
    r"(?:(?<![A-Za-z0-9|])|(?<=ln)|(?<=log))\|([-+−]?(?:\d+(?:\.\d+)?[a-z]?|[A-Za-z]\d?)(?:\s?[-+−*/×÷·]\s?(?:\d+(?:\.\d+)?[a-z]?|[A-Za-z]\d?)){0,3})\|(?![\w|])"
)
"""An absolute value."""
LONG_BARS = regex(
    r"(?<![A-Za-z0-9|])\|(?=\S)([A-Za-z0-9()+*/^ .,'’ε-ωΑ-Ω_−×÷·°-]{1,40})(?<=\S)\|(?=\s*[<>=≤≥≠≈+−*/^²)]|\s-\s)"
)
GIVEN = regex(r"((?<!\w)P ?\([^()|]{1,30}?)\s?\|\s?(?=[^()|]{1,30}\))")
"""The probability of one event where another is so."""
SUCH_THAT = regex(r"\{\s?([A-Za-z](?:\s?∈\s?[A-Zℝℤℕℚℂ])?)\s?\|\s?(?=[^{}|]{1,40}\})")
"""A set of what has a property: {x | x > 2}."""
INNER = r"([^⟨⟩|,<>$]{1,24}?)"
BRACKETS = (
    (regex(rf"(?:\\langle|⟨)\s*{INNER}\s*(?:\\?\||\\mid|\\vert|,)\s*{INNER}\s*(?:\\rangle|⟩)"), r"\\braket{\1}{\2}"),
    (regex(rf"\\braket\{{{INNER}\|{INNER}\}}"), r"\\braket{\1}{\2}"),
    (regex(rf"(?<![A-Za-z0-9|])\|\s*{INNER}\s*(?:\\rangle|⟩)"), r"\\ket{\1}"),
    (regex(rf"(?:\\langle|⟨)\s*{INNER}\s*\|(?!\w)"), r"\\bra{\1}"),
)
"""Two states in angle brackets with a bar or a comma between, and one of them alone."""
UNIT_BELOW = regex(
    r"(\d\s|[⁰¹²³⁴-⁹]\s?|(?<![A-Za-z])(?:[kMGmμn]?(?:g|m|s|J|L|l|N|W|Pa|eV|mol|cal|A|V|C|K|min|h|d)[²³]?)[ ·⋅]?)"
    r"(mol|kg|mL|dL|cm|mm|nm|km|min|s|m|L|K|h|g|d)(?:⁻([¹²³])|\^-([123])|\^\{-([123])\})(?!\w|\.\d)"
)
"""A unit that another is divided by, as it is written with an exponent: m s⁻², 6×10²³ mol⁻¹."""
LIMIT = regex(
    r"(?<![A-Za-z\\])lim\s?_?[({]?\s?([A-Za-z]|Δ[a-z])\s?(?:→|->)\s?"
    r"([-+−]?(?:∞|\d+(?:\.\d+)?|[a-z](?![A-Za-z])))[)}]?\s?"
)
TAKEN_TOGETHER = regex(
    r"(?<![A-Za-z\\])(?:(?:sin|cos|tan|cot|sec|csc)(?=[xθαβφω](?:(?![A-Za-z])|(?=sin|cos|tan)))|(?:log|ln|lg)(?=[nNx](?![A-Za-z])))"
    r"|(?<![A-Za-z])n\s?log\s?(?=n(?![A-Za-z]))"
)
"""A function and what it is taken of without a blank between: sinx, nlogn."""
PHYSICAL = {sign: names for sign, names in COMPOUND_ONLY.items() if len(sign) == 1} | {
    "M": ("摩尔每升", "molar", "molar")
}
"""What a letter alone is behind a power of ten: 1.6×10⁻¹⁹ C."""
FOLLOWS = regex(
    r"(?<=[A-Za-z}\d])\s*~\s*(?=(?:N|U|B|P|E|F|t|Exp|Poi[a-z]*|Bin[a-z]*|Ber[a-z]*|Beta|Gamma|Normal|Uniform|Geo[a-z]*|χ²?)\()"
)
"""What stands between a random variable and its distribution."""
SHELLS = regex(r"(?<![A-Za-z0-9])\d[spdf][¹²³⁴⁵⁶⁷⁸⁹⁰]{1,2}(?:\s?\d[spdf][¹²³⁴⁵⁶⁷⁸⁹⁰]{1,2})+(?![A-Za-z0-9])")
"""How many electrons each shell of an atom has: 1s² 2s² 2p⁶."""
SIZES = regex(
    r"\(?\d+(?:\.\d+)?[gmLlsVAWhNJ]?(?:\s?[×x*]\s?\d+(?:\.\d+)?[gmLlsVAWhNJ]?)+\)?"
    r"|\d+(?:\.\d+)?([gmLlsVAWhNJ])(?:\s?[+±]\s?\d+(?:\.\d+)?\1)+|\d+(?:\.\d+)?\s?±\s?\d+(?:\.\d+)?[gmLlsVAWhNJ]"
)
"""Numbers, each with or without its unit, and nothing that says what they are equal to: 0.3g×20, 60g+20g."""
FACTORIAL = regex(r"(?<![\w.])(\d{1,2})!=(\d+)")
LETTER = rf"(?:{FUNCTION_NAMES}(?![A-Za-z])\s?|[Α-Ωα-ω∞ℏ]|[A-Za-z](?![A-Za-z])|[A-Za-z]{{2}}(?=[{RAISED}^]))"
EXPONENT = r"\d+(?:\.\d+)?(?:(?![A-Za-z\d]|\.\d)|(?=\d[A-Za-z]))"
"""Its digits are read in one way only, since each formula of many such would have so many readings: 2^12 2^12."""
SCRIPT = (
    rf"(?:[{RAISED}]|\^(?:\{{[^{{}}$]{{1,40}}\}}|\([^()$]{{1,40}}\)|[-+−]?(?:{EXPONENT}|[A-Za-zπθ](?![A-Za-z])))"
    r"|_(?:\{[^{}$]{1,40}\}|[A-Za-z0-9](?![A-Za-z0-9])))"
)
ATOM = (
    rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?(?!\d|\.\d)|[½¼¾⅓⅔](?![A-Za-z])|(?<![A-Za-z]){LETTER}\d?|(?<=\d)[a-z]{{2}}(?![A-Za-z])|{LETTERS_IN_A_ROW})"
    rf"{SCRIPT}{{0,3}}(?:!|°(?!\s?\d+\s?[′'’])|(?<!\d)['’′]{{1,3}})?"
)
CLOSED = rf"(?:[)\]]{{1,4}}{SCRIPT}{{0,3}}(?:!(?=\s?[-+−*/×·=)\]])[)\]]{{0,3}})?)?"
OPERAND = (
    rf"[(\[]{{0,3}}[-+−±√∑]?\s?[(\[]{{0,3}}{ATOM}{CLOSED}"
    rf"(?:(?:[(\[]{{1,3}}[-−]?)?{ATOM}(?:,\s?(?={ATOM}))?{CLOSED}){{0,12}}"
)
OPERATOR = r"(?:<->|<=>|==?>|-?->|<=|=<|>=|!=|=/=|===?|\+/-|\*\*|(?<!\d)–|–(?!\d)|[-+−*/·⋅×÷=<>≤≥≠≈≡±∓∈∝→⩽⩾≦≧∪∩])"
PLAIN = regex(
    rf"(?<![A-Za-z0-9_.$€£¥￥#@&%℃°\\^/·{RAISED}–-])(?<!\d[,:])(?<![A-Za-z]['’])(?>{OPERAND}\s?{OPERATOR}\s?){{0,40}}{OPERAND}"
    rf"(?![A-Za-z0-9_\\{RAISED}]|[-.]\w|/\w|:\d\d|\s*[×*=+^<>](?!\s?[$€£¥]))"
)
"""Operands with operators between, each read once: many of them have many readings, which would all be tried."""
ION = regex(
    rf"(?<![A-Za-z0-9])((?:{ELEMENT}\d?)+)([²³⁴]?)([⁺⁻])(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(Na|Ca|Mg|Cu|Fe|Zn|Al|Ba|Pb|Ag|Li|Mn|NH4|Cl|OH|NO3|HCO3)([23]?)([+-])(?![\w+-]|\s?[A-Z\d(])"
)
"""Elements with a charge: Fe³⁺, SO₄²⁻ (its index on the line), Ca2+."""
ISOTOPE = regex(rf"(?<![A-Za-z0-9米里尺寸)\]{RAISED}])([⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}})({ELEMENT})(?![a-z])")
"""An element with the number of its nucleons before it: ²³⁵U."""
CHARGES = {"+": ("正", "plus"), "⁺": ("正", "plus"), "-": ("负", "minus"), "⁻": ("负", "minus")}
LARGE = {"∫": "\\int", "∑": "\\sum", "∏": "\\prod"}
LOGARITHM = regex(r"(?<![A-Za-z])log_(?:(\d+)|\{([^{}]{1,9})\})\s*(?=[\dA-Za-z(])")
BOUNDS = regex(rf"([∫∑∏])([0-9−₋ₙᵢₐₖⱼ₌-]*)([{RAISED}]+)")
LOWERED_THEN_TYPED = regex(r"([∫∑∏])([0-9−₋ₙᵢₐₖⱼ₌-]+)\^([πθ∞]|[A-Za-z0-9]+)")
"""An integral, a sum or a product whose upper bound alone is typed: ∫₀^π."""
LOWER = str.maketrans("₋₌ₙᵢₐₖⱼ", "−=niakj")
UNCLOSED = regex(rf"([^()]*)\((\d+(?:\.\d+)?\s?[×⋅·]\s?10(?:[{RAISED}]+|\^[-−]?\d+))\s?")
"""A power of ten behind a bracket that nothing of the formula closes."""
STRONG = regex(
    rf"[=<>≤≥≠≈≡+×÷⋅±∓√^*∈∝→⩽⩾≦≧{RAISED}]|\d\s/\s\d|\)\s?/\s?\(|log_\{{"
    rf"|(?<![A-Za-z0-9])(?:[xyznkm]/\d|\d/[xyzn](?![A-Za-z]))|π/\d"
    rf"|(?:sin|cos|tan|log|ln) [a-zθ]\s?/|-[a-z]/\(?\d[a-z](?![A-Za-z])|(?<![A-Za-z0-9])[A-Za-z]_[A-Za-z0-9](?!\w)"
    rf"|[a-z]['’′]{{0,3}}\([a-z0-9]!?(?:,\s?[a-z0-9])*\)|[a-z)]!(?=\s?[/)(=])|O\([a-z]!\)"
)
"""What makes a formula of operands that might be a date, a range or a name."""
NEEDED = regex(
    rf"[…⋯|%·\\$=<>≤≥≠≈+×÷*^±√∫∑∏(/→∈⩽⩾≦≧_{RAISED}]"
    rf"|[,+] ?\.{{3}}|\d[eE][-−]?\d|[a-z][23]?-|(?:sin|cos|tan|log|ln)[xnθ]\b"
)
DELIMITED = regex(
    r"\$\$(?P<display>.{1,2000}?)\$\$|\\\[(?P<square>.{1,2000}?)\\\]|\\\((?P<round>.{1,600}?)\\\)"
    r"|(?P<block>\\begin\{(?P<name>[A-Za-z]{1,20}\*?)\}.{1,2000}?\\end\{(?P=name)\})"
    r"|(?<![\\$A-Za-z0-9])\$(?P<inline>(?=[^\s$])[^$\n]{0,300}?(?<![\s\\]))\$(?![\d$])",
    re.DOTALL,
)
ENDING = regex(r"(?<=[^\s\\.。])([.。])\s*$")
"""The full stop of the sentence that a formula ends."""
TWO_LETTERS = regex(r"(?<=[-+*/=^({])\s*(?:at|as|am|is|it|if|in|an|do|so|us|we|me|my|be|by|he|go)\s*(?=[-+*/=^)}]|$)")
"""A product of two letters that looks like a word: v_0 + at."""
IN_PROGRAM = regex(r"\b(?:const|let|var|return|await|function)\b|\w\($")
"""What stands before an arrow that makes a function."""
UNIT_POWER = regex(
    r"(\d\s?(?:[A-Za-zμ]+/)?(?:[kcdmμ]?m|s|ft|in|mi|yd)|(?<![\w^])(?:[A-Za-z]+/)(?:[kcdm]?m|s))\^([23])(?!\d|\.\d)"
)
BARE = regex(
    r"(?:\\(?:text|mathrm|operatorname|textbf|mathbf|begin|end)\{[^{}]*\}|(?<![\w:\\.])\\[A-Za-z]+(?:\\[A-Za-z]+)*|(?<=[\d}\])])\\[A-Za-z]+"
    r"|\\\\|\\[,;:!%{}|]|(?<![A-Za-z])(?:[A-Za-z]|d[a-zθ])(?![A-Za-z])|\d+(?:\.\d+)?"
    rf"|[-+−*/=<>^_{{}}()\[\]|!'{RAISED}&]|[ \t]){{1,400}}"
)


@cache
def _units() -> re.Pattern[str]:
    return re.compile(rf"(?:^|\d\s?/?\s?)({english_units()}|{mandarin_units()})(?![A-Za-z0-9²³])")


@cache
def _compounds() -> re.Pattern[str]:
    return re.compile(rf"(?<![\d.])(\d+(?:\.\d+)?)?([{RAISED}]|\^[-−]?\d+|(?<=\d)[百千万亿]?)\s?({compound_units()})")


def _compound(match: re.Match[str], language: str) -> str:
    """A product or a quotient of units behind a number: J/(kg·℃)."""
    if not (match[1] or match[2]):
        return match.group()
    if match[3] in mapping("zh_units.tsv"):
        return match.group()
    said = compound_unit(match[3], language, match[1] == "1" and not match[2])
    return f"{match[1] or ''}{match[2]}{said}" if language == "zh" else f"{match[1] or ''}{match[2]} {said} "


def _proportion(match: re.Match[str], language: str) -> str:
    """Two ratios that are equal; what may be a time of day is none."""
    if re.fullmatch(r"(?:[01]?\d|2[0-4]):[0-5]\d", f"{match[3]}:{match[4]}"):
        return match.group()
    to = "比" if language == "zh" else " to "
    return f"{match[1]}{to}{match[2]}={match[3]}{to}{match[4]}"


def _proportions(match: re.Match[str], language: str) -> str:
    """As `_proportion`, of more than two."""
    to = "比" if language == "zh" else " to "
    names, parts = (re.sub(r"\s?[:：]\s?", to, match[at]) for at in (1, 3))
    return f"{names}{match[2]}{parts}"


def _has_unit(source: str) -> bool:
    """Whether there is a unit of more than a letter, behind a number or alone: it is no product of letters."""
    return any(len(match[1]) > 1 for match in _units().finditer(source))


NAME_GOES_ON = "\u2061"
"""Stands in Mandarin before the letters of a formula that has begun, which need no pause before them."""


def speak_formulas(text: str, language: str) -> str:
    """`text` with each formula in words of `language` ("zh" or "en"); what is no formula stays as it is."""
    if not NEEDED.search(text):
        return text
    if "→" in text or "⇌" in text or "->" in text:
        states = STATES["zh" if language == "zh" else "en"]
        text = STATE.sub(lambda match: states[match[1]], text)
    if "⁻" in text or "^-" in text or "^{-" in text:
        for _ in range(3):
            text = UNIT_BELOW.sub(lambda match: _divided(match, language), text)
        text = re.sub(r"(?<=\d )([A-Za-zμ]{1,4})/([A-Za-z]{1,3})/([A-Za-z]{1,3})(?![A-Za-z/])", r"\1/(\2·\3)", text)
    if "⟩" in text or "⟨" in text:
        for pattern, said in BRACKETS:
            text = pattern.sub(rf" ${said}$ ", text)
    if language == "zh" and ("(" in text or "（" in text) and "=" in text:
        text = UNIT_IN_BRACKETS.sub(_result, text)
    if "~" in text:
        text = FOLLOWS.sub("服从" if language == "zh" else " follows ", text)
    if "χ" in text and language == "zh":
        text = re.sub(r"χ(?:²|\^2)", "卡方", text)
    text = OF_VARIABLE.sub(lambda match: _of_variable(match, language), text)
    if "√" in text:
        # A sign at the end only says that it is right: 28×0.35=9.8√
        text = re.sub(r"(?<=\d)\s?√(?=\s*(?:$|[。，；,;]|\.$))", "", text)
    if "/" in text:
        comma = "，" if language == "zh" else ", "
        text = SERIES.sub(lambda match: match.group().replace("/", comma), text)
    if "x" in text and "/" in text:
        text = MULTIPLE.sub(r"\1倍" if language == "zh" else r"\1 times", text)
    if "…" in text or "..." in text or "⋯" in text:
        text = LEFT_OUT.sub(lambda match: _left_out(match)[language != "zh"], text)
    text = OVERLINED.sub(_overlined, text)
    if "°" in text:
        prime = {"zh": "撇"}.get(language, " prime")
        standard = "标准" if language == "zh" else " naught"
        text = STANDARD.sub(
            lambda match: standard + prime * bool(match[1] or match[2]) + " " * after(match, 1).isalpha(), text
        )
    if "″" in text:
        text = re.sub(r"(?<=[a-zA-Z])″(?=\()", "′′", text)
    if "]" in text:
        text = BETWEEN_BOUNDS.sub(lambda match: _between(match, language), text)
    if "Σ" in text:
        text = re.sub(r"(?<![A-Za-zΑ-Ωα-ω])Σ(?=\s?[(a-z√])", "∑", text)
    if "ħ" in text:
        text = re.sub(r"(?<![a-zA-Z]{2})ħ(?![a-z])", "ℏ", text)
    if "∂" in text:
        text = re.sub(r"∂([a-zα-ω])/∂([a-z])", r"\1对\2的偏导" if language == "zh" else r" partial \1 by \2 ", text)
    if "÷" in text:
        text = REMAINDER.sub("余" if language == "zh" else " remainder ", text)
    if "%" in text:
        text = MODULO.sub("模" if language == "zh" else " mod ", text)
    if "·" in text or "/" in text:
        text = _compounds().sub(lambda match: _compound(match, language), text)
    if "x" in text or "X" in text:
        text = re.sub(r"(?<=[1-9\d])(?<!\b0)\s?[xX]\s?(?=\d+(?:\.\d+)?\s?=)", "×", text)
    if "^" in text:
        text = re.sub(r"(?<=[\w)\]]) \^ (?=[-\w(])", "^", text)
        text = re.sub(r"\^([A-Za-z0-9+−-]{1,6})\^(?!\w)", r"^\1 ", text)
    if "|" in text:
        text = _outside(text, _without_bars, language)
    if ":" in text or "：" in text:
        text = PROPORTIONS.sub(lambda match: _proportions(match, language), text)
        text = PROPORTION.sub(lambda match: _proportion(match, language), text)
    if "lim" in text:
        text = LIMIT.sub(r" \\lim_{\1 \\to \2} ", text).replace("∞}", r"\infty}")
    text = TAKEN_TOGETHER.sub(lambda match: "n log " if match.group()[0] == "n" else f"{match.group()} ", text)
    text = SHELLS.sub(_shells, text)
    text = SCIENTIFIC.sub(lambda match: f"{match[1]}×10^{match[2].lstrip('+')}", text)
    if "√" in text:
        text = re.sub(r"(?<![\w)])([³⁴⁵⁶ⁿ])√", _root_of, text)
    if "10" in text:
        text = _power_units(language).sub(lambda match: _measured(match, language), text)
    text = ISOTOPE.sub(lambda match: f"{' '.join(match[2].upper())}-{unicodedata.normalize('NFKC', match[1])}", text)
    if any(sign in text for sign in CHARGES):
        text = ION.sub(lambda match: _ion(match, language), text)
    if any(sign in text for sign in LARGE):
        text = LOWERED_THEN_TYPED.sub(_with_typed_bound, text)
        text = re.sub(r"([∫∑∏])(?=[_^])", lambda match: LARGE[match[1]], text)
        text = BOUNDS.sub(_with_bounds, text)
        text = re.sub(r"(\}\s+)(sin|cos|tan|ln|log|exp)(?=[ (]?[a-zθ])", r"\1\\\2 ", text)
    if "½" in text:
        half = "二分之一" if language == "zh" else " one half "
        text = re.sub(r"½(?=[A-Za-z]{1,3}[²³^])", half, text)
    if "log" in text:
        text = re.sub(r"(?<![A-Za-z])log(2|10)(?=\()", r"log_{\1}", text)
        text = LOGARITHM.sub(lambda match: f"log_{{{match[1] or match[2]}}}", text)
    if "10" in text:
        text = POWER_OF_TEN.sub(lambda match: _at_power(match, language), text)
    if "=" in text:
        text = FACTORIAL.sub(_factorial, text)
    if "$" in text or "\\" in text:
        text = DELIMITED.sub(lambda match: _delimited(match, language), text)
    if "\\" in text:
        text = BARE.sub(lambda match: _bare(match.group(), language), text)
    text = UNIT_POWER.sub(lambda match: f"{match[1]}{'²³'[int(match[2]) - 2]}", text)
    return PLAIN.sub(lambda match: spoken_plain(match, language), text)


def _outside(text: str, say: Callable[[str, str], str], language: str) -> str:
    """`text` as `say` has it, but for its delimited formulas."""
    said, start = [], 0
    for match in DELIMITED.finditer(text) if "$" in text or "\\" in text else ():
        if is_formula(match):
            said += [say(text[start : match.start()], language), match.group()]
            start = match.end()
    return "".join([*said, say(text[start:], language)])


def _without_bars(text: str, language: str) -> str:
    """Conditions, sets and absolute values in words."""
    text = GIVEN.sub(r"\1给定" if language == "zh" else r"\1 given ", text)
    text = SUCH_THAT.sub(r"{\1，满足" if language == "zh" else r"{\1 such that ", text)
    for bars in (BARS, LONG_BARS):
        text = bars.sub(r"\1的绝对值" if language == "zh" else r" absolute value of \1", text)
    return text


def _result(match: re.Match[str]) -> str:
    """A result and what it is measured in, without the brackets."""
    is_unit = re.fullmatch(mandarin_units(), match[2]) or re.search(rf"[{HAN}]", match[2])
    return match[1] + match[2] if is_unit else match.group()


def _root_of(match: re.Match[str]) -> str:
    """A root whose degree is raised before it: ³√27."""
    return "∛" if match[1] == "³" else rf"\sqrt[{match[1].translate(LOWERED)}]"


def _divided(match: re.Match[str], language: str) -> str:
    """A unit with a negative exponent as one behind a slash; behind a number it is so many of each."""
    first, unit, power = match[1], match[2], match[3] or match[4] or match[5]
    power = {"1": "", "¹": "", "2": "²", "3": "³"}.get(power, power)
    if first[0].isalpha() or first[0] == "μ":
        return f"{first.rstrip(' ·⋅')}/{unit}{power}"
    if power:
        return match.group()
    return (
        f"{first.rstrip()}每{mandarin_unit(unit)}"
        if language == "zh"
        else f"{first.rstrip()} per {english_unit(unit, True)} "
    )


@cache
def _power_units(language: str) -> re.Pattern[str]:
    units = (mandarin_units() if language == "zh" else english_units()) + "|" + "|".join(PHYSICAL)
    return re.compile(rf"(?<!\d)(10(?:\^[-−+]?\d+|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))\s?({units})(?![A-Za-z0-9²³·/^])")


def _measured(match: re.Match[str], language: str) -> str:
    """A power of ten and its unit: 1.5×10⁻³ mol/L."""
    if match[2] in PHYSICAL:
        zh, _, en = PHYSICAL[match[2]]
        return f"{match[1]}{zh}" if language == "zh" else f"{match[1]} {en}"
    if language == "zh":
        return f"{match[1]}{mandarin_unit(match[2])}"
    return f"{match[1]} {english_unit(match[2], False)}"


def _ion(match: re.Match[str], language: str) -> str:
    """An ion, letter by letter, with its charge behind it: F E three plus."""
    elements, number, sign = (match[at] or match[at + 3] for at in (1, 2, 3))
    spelled = re.sub(r"(?<=[A-Za-z])(?=[A-Za-z])", " ", elements).upper()
    charge = CHARGES[sign][language != "zh"]
    number = (number or "").translate(LOWERED)
    return (
        f"{spelled}{cardinal(number) if number else ''}{charge}"
        if language == "zh"
        else f" {spelled} {number} {charge} "
    )


def _at_power(match: re.Match[str], language: str) -> str:
    if match[1]:
        unit = re.sub("[µu]", "μ", match[1])
        return f"每{mandarin_unit(unit)}" if language == "zh" else f" per {english_unit(unit, True)}"
    return "到" if language == "zh" else " to "


def _with_bounds(match: re.Match[str]) -> str:
    """An integral, a sum or a product with lowered and raised signs behind it: ∫₀¹."""
    below, above = match[2].translate(LOWER), match[3].translate(LOWERED)
    return LARGE[match[1]] + (f"_{{{below}}}" if below else "") + (f"^{{{above}}} " if above else " ")


def _of_variable(match: re.Match[str], language: str) -> str:
    """A unit in words, behind what it measures."""
    if language == "zh":
        return f"{match[1] or ''} {mandarin_unit(match[2])}"
    return f"{match[1] or ''} {english_unit(match[2], False)}"


def _overlined(match: re.Match[str]) -> str:
    """A letter and what is over it, as LaTeX has them."""
    letters = unicodedata.normalize("NFD", match.group())
    return f"\\{OVERLINES[letters[1]]}{{{letters[0]}}}"


def _left_out(match: re.Match[str]) -> tuple[str, str]:
    """The words for what is left out, in Mandarin and in English."""
    return LEFT_OUT_WORDS["," if match[2] else "+" if match[1] == "+" else "×"]


def _between(match: re.Match[str], language: str) -> str:
    """What is taken between two bounds, with its bounds in words."""
    below, above = match[2], match[3].translate(LOWERED)
    if language == "zh":
        return f"{match[1]} 从{below}到{above}的值 "
    return f"{match[1]} evaluated from {below} to {above} "


def _with_typed_bound(match: re.Match[str]) -> str:
    """As `_with_bounds`, with the upper one behind its sign."""
    above = {"π": "\\pi", "θ": "\\theta", "∞": "\\infty"}.get(match[3], match[3])
    return f"{LARGE[match[1]]}_{{{match[2].translate(LOWER)}}}^{{{above}}} "


def _shells(match: re.Match[str]) -> str:
    """Each shell and its number, with a pause between: 1 s 2, 2 s 2."""
    shells = re.findall(rf"(\d)([spdf])([{RAISED}]+)", match.group())
    return ", ".join(f"{shell} {letter.upper()} {count.translate(LOWERED)}" for shell, letter, count in shells)


def _factorial(match: re.Match[str]) -> str:
    """`5!=120`: a factorial where that is what it comes to, else not equal."""
    is_factorial = int(match[1]) < 20 and math.factorial(int(match[1])) == int(match[2])
    return f"{match[1]}! = {match[2]}" if is_factorial else match.group()


def without_formulas(text: str) -> str:
    """`text` without its delimited formulas, whose letters belong to no language."""
    return (
        DELIMITED.sub(lambda match: " " if is_formula(match) else match.group(), text)
        if "$" in text or "\\" in text
        else text
    )


def spoken_formula(source: str, language: str) -> str:
    """A formula in words of `language`; letters stay letters, in capitals in Mandarin."""
    source = re.sub(r"\s*\*\*\s*", "^", source)
    source = rewritten(source)
    if "langle" in source or "rangle" in source or "⟩" in source or "braket" in source:
        for pattern, said in BRACKETS:
            source = pattern.sub(said, source)
    for typed, sign in SPELLINGS:
        source = source.replace(typed, sign)
    said = re.sub(r"\s+", " ", read(source, language)).strip()
    return re.sub(r"(?<=[^A-Za-z\s,\d/])\s*(?=[A-Za-z])", NAME_GOES_ON, said) if language == "zh" else said


def _delimited(match: re.Match[str], language: str) -> str:
    left, right = without_formulas(before(match)), without_formulas(after(match))
    language = language_at(f"{left} {right}", len(left), language)
    if not is_formula(match):
        return match.group()
    source = next(match[name] for name in ("display", "square", "round", "block", "inline") if match[name] is not None)
    mark = ENDING.search(source)
    closing = mark[1] if mark else ""
    return f" {spoken_formula(source.removesuffix(mark.group()) if mark else source, language)}{closing} "


def is_formula(match: re.Match[str]) -> bool:
    """Whether what stands between two dollar signs is a formula and not the text between two prices."""
    inline = match["inline"]
    if inline is None:
        return True
    if re.search(r"[\u4e00-\u9fff]", inline):
        return bool(re.search(r"\\[A-Za-z]|=", inline))
    if (
        any(
            word.lower() in words("en_function_words.txt")
            for word in re.findall(r"(?<![\\A-Za-z])[A-Za-z]{2,}", TWO_LETTERS.sub(" ", inline))
        )
        and "\\" not in inline
    ):
        return False
    has_command = bool(re.search(r"\\[A-Za-z%{]", inline))
    prose = re.search(
        r"(?<![\\A-Za-z])(?:[a-z]{3,}|[A-Za-z][a-z]{3,})", re.sub(r"\\[A-Za-z]+(?:\{[A-Za-z ]*\})?", " ", inline)
    )
    if prose and not has_command:
        return bool(re.fullmatch(FUNCTION_NAMES, prose.group())) or "_" in inline or "^" in inline
    return has_command or bool(re.search(r"[A-Za-z^_=<>+*/(]", inline)) or bool(re.fullmatch(r"[-−]?[\d.,%:]+", inline))


def _bare(source: str, language: str) -> str:
    commands = re.findall(r"\\([A-Za-z]+)", source)
    if not any(command in known_commands() for command in commands):
        return source
    inner = source.strip()
    return f" {spoken_formula(inner, language)} " if inner else source


def spoken_plain(match: re.Match[str], language: str) -> str:
    """A match of `PLAIN` in words of "zh" or "en", or as it is written where it is no formula."""
    source = match.group()
    opens, closes = source.count("("), source.count(")")
    # A bracket around several things, of which this is the first or the last: (-b/2a, c).
    if opens == closes + 1 and source.startswith("(") and not UNCLOSED.fullmatch(source):
        return "(" + _inner(source[1:], match, language)
    last = source.rfind("(")
    if opens == closes + 1 and re.search(r"[=<>≤≥≠≈∈]\s?\($", source[: last + 1]) and ")" not in source[last:]:
        return f"{_inner(source[:last], match, language)}({_inner(source[last + 1 :], match, language)}"
    if closes == opens + 1 and re.search(r"[\w)²³]\s?[-+−/*×=].*\)$", source):
        return _inner(source[:-1], match, language) + ")"
    return _inner(source, match, language)


def _inner(source: str, match: re.Match[str], language: str) -> str:
    if "=>" in source and IN_PROGRAM.search(before(match)):
        return ", ".join(_inner(part.strip(), match, language) for part in source.split("=>"))
    if re.search(r"=\s?\d{2,}!$", source) and not re.search("[A-Za-z]", source):
        # The mark of a sentence: 6×7=42!
        return f"{_inner(source[:-1], match, language)}!"
    steps = re.split(r"\s?→\s?", source)
    if len(steps) > 1 and all(map(str.strip, steps)) and any(re.search("[=<>≤≥≠≈]", step) for step in steps[1:]):
        # From one equation to the next.
        comma = "，" if language == "zh" else ", "
        return comma.join(_inner(step, match, language) for step in steps)
    language = language_at(match.string, match.start(), language)
    if not STRONG.search(source) or len(source) > LONGEST_FORMULA:
        return source
    if source.count("(") == source.count(")") + 1 and (power := UNCLOSED.fullmatch(source)):
        # What is in brackets goes on with its unit: c = (3×10⁸ m/s)/2.
        return f" {spoken_formula(power[1], language)} ({spoken_formula(power[2], language)} "
    if source.count("(") != source.count(")"):
        return source
    if re.fullmatch(r"[+\s]*\d+[½¼¾⅓⅔]", source) or re.search(r"\b(?:I|US|CA|SR)-\d", source):
        # A mixed number that is added; a road.
        return source
    if re.fullmatch(r"\s?\d+[smh](?:\s?→\s?\d+[smh])+", source):
        # One time after another: 1s→2s→4s.
        return source
    if re.fullmatch(r"\s?\d{1,2}\s?[×x]\s?\d{1,2}[-–]\d{1,2}", source) and not re.match(r"\s?[=≈]", after(match, 2)):
        # So many times from one number to another: 4×8-12.
        return source
    if re.fullmatch(r"[\d()/,\s–-]+", source) and re.search(r"\d[-–]\d{1,2}/\d{1,2}[-–]\d", source):
        # Sets of a match: 2-0(6-2/6-3).
        return source
    # Letters behind a digit or before a power are a product: 2as, at².
    letters = re.findall(rf"(?<![\dA-Za-z+=])[A-Za-z]{{2,}}(?![A-Za-z{RAISED}^])", source)
    if any(word in words("en_function_words.txt") for word in letters) or re.search(r"\d{4}-\d\d-\d\d", source):
        return source
    if re.search(r"\d\s?[VAWΩ]\s?±\s?\d|\bq\d{1,2}h\b", source):
        return source
    if re.search(r"\d\s?[kM]$", source) and after(match, 1) == "Ω":
        return source
    if re.search(r"\d\s?[kM]?Ω", source) or (source[0] == "Ω" and re.search(r"\d\s?$", before(match, 3))):
        return source
    if _has_unit(source) or SIZES.fullmatch(source.strip(" +")) or re.search(r"(?<![\w.])0[bxo][0-9A-Fa-f]", source):
        return source
    # The letter behind the last number is its unit where it is no variable: t = 2.5s.
    unit = re.search(r"=\s*[-−]?\d+(?:\.\d+)?([smghVWJNLAKTFΩ])$", source)
    if unit and source.count(unit[1]) == 1:
        return source
    alone = re.fullmatch(r"[-+−±]?\s?[\d.,]+[WVAhmsgLl]?|\+\d{1,3}(?:-\d{2,4}){2,}", source.strip(" ()"))
    if re.fullmatch(r"\d{1,4}\(\d{1,3}\)", source.strip()) and re.match(
        r",\s(?:\d{1,5}[-–]\d|e\d|pp?\.)", after(match, 12)
    ):
        # The volume and the number of a journal, before its pages.
        return source
    is_minute = re.fullmatch(r"(?:45|90|105|120)\+\d{1,2}", source.strip()) and after(match, 1) in {*"'’′"}
    if alone or is_minute or re.fullmatch(r"[A-Za-z]\d?", source.strip()):
        return source
    # The last number stays in digits where a unit, a sign or a measure word counts it.
    last = re.search(r"(?<![\w.^_,])(?<!\^[-−+])\d+(?:\.\d+)?$", source)
    following = after(match, 12)
    if (
        last
        and re.match(rf"\s?(?:[%‰°℃℉{HAN}µμΩ/]|[A-Za-z]{{1,5}}(?![A-Za-z0-9]))", following)
        and not following.startswith(" /")
    ):
        head = spoken_formula(source[: last.start()], language)
        return f" {head} {last.group()}" if head else source
    return f" {spoken_formula(source, language)} "
