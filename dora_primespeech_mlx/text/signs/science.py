"""Arrows, comparisons, formulas of chemistry and mathematics."""

import unicodedata

from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import HAN, MONEY, SignRow

METALS = "Fe|Cu|Na|Mg|Al|Zn|Ag|Ca|Ba|Pb|Hg|Mn|Cr|Ni|Li|Si|Cl|Br|He"
"""Elements that stand alone in a reaction."""
ELEMENT = (
    "(?:He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Ag|Cd|Sn|Sb|Ba|Pt|Au|Hg|Pb|Bi"
    "|[HBCNOFPSKIUVW])"
)
CHEMICAL = (
    rf"(?:(?<![A-Za-z0-9.])|(?<=(?<![A-Za-z0-9.])[2-9]))(?=[A-Za-z0-9()]*(?:[a-z]|SO|NO|OH|PO|HI|CO))(?=[A-Za-z()]*[2-9])"
    rf"{ELEMENT}(?:\(?{ELEMENT}(?:[2-9]|1\d)?\)?(?:[2-9]|1\d)?|[2-9]|1\d){{1,8}}(?![A-Za-z0-9])"
)
"""A formula with a number, where capitals alone would be read as a word, or small letters as one."""


def arrows() -> list[SignRow]:
    """Arrows: a way, a change, or what rises and falls."""
    return [
        ("<>", r"(?<=\s)<-(?=\s)|\s*(?:<<+|>>+)\s*", "，", ", "),
        (">→⟶⇒➔➜➡►▶▸⟹↔⇔←", r"\s*(?:<?--?>|<?==?>(?!=)|[→⟶⇒➔➜➡►▶▸⟹↔⇔←]\ufe0f?)\s*", readings.to, readings.to),
        ("↑↓", r"\s?([↑↓])\s?", readings.up_or_down, readings.up_or_down),
    ]


def comparisons() -> list[SignRow]:
    """Signs that compare, of one or more characters."""
    return [
        # Equations by the signs that they were given: ②-①.
        ("①②③④⑤", r"([①-⑤])\s?([-−+])\s?([①-⑤])", readings.equations, readings.equations),
        # What a reaction needs, written on its sign.
        (
            "=",
            r"\s?=+\s?[(（]?((?:高温|加热|点燃|通电|电解|光照|催化剂|煅烧|放电|高压|微热|[、，]){1,4})[)）]?\s?=+\s?",
            r"，\1生成",
            r", \1, ",
        ),
        ("≤<", r"\s*(?:<=|=<|≤)\s*", readings.sign("≤"), readings.sign("≤")),
        ("≥>", r"\s*(?:>=|≥)\s*", readings.sign("≥"), readings.sign("≥")),
        ("≠!=<", r"\s*(?:!==?|≠|=/=|(?<=[\w\s])<>(?=[\w\s]))\s*", readings.sign("≠"), readings.sign("≠")),
        ("=", r"\s*={2,3}\s*", readings.equality, readings.equality),
        ("<", rf"\s*<\s*(?=[-+−~]?[\w{MONEY}.(\"'“√])", readings.sign("<"), readings.sign("<")),
        (">", rf"\s*>\s*(?=[-+−~]?[\w{MONEY}.(\"'“‘「【\[√])", readings.greater, readings.greater),
    ]


def chemistry() -> list[SignRow]:
    """Formulas and reactions of chemistry."""
    return [
        # How strong a solution is.
        (
            "M",
            r"(?<=\d)\s?M(?= (?:[A-Z][A-Za-z]?[A-Za-z0-9]*[A-Z0-9][A-Za-z0-9]*\b(?! of)|solution|aqueous"
            r"|\w+ (?:acid|hydroxide|chloride|sulfate|nitrate)\b))",
            "摩尔每升",
            " molar",
        ),
        # What is heated; then letter by letter: Fe2O3, CO, Na, NaCl.
        ("△Δ", r"\s?=+\s?[△Δ]\s?=*\s?", "，加热生成", " heated gives "),
        ("23456789", CHEMICAL, readings.letters, readings.letters),
        ("NC", r"(?<=[2-9])(?:NO|CO)(?![A-Za-z0-9])", readings.letters, readings.letters),
        (
            "+→",
            rf"(?<![A-Za-z])(?:{METALS})(?=\s?(?:\+\s|→)|\s(?:solid|liquid|gas|aqueous)\b|固体|液体|气体|溶液)"
            rf"|(?:(?<=\+ )|(?<=→ ))(?:{METALS})(?![A-Za-z0-9])",
            readings.letters,
            readings.letters,
        ),
        (
            "lrOHFIS",
            r"(?:(?<![A-Za-z0-9])|(?<=(?<![A-Za-z0-9.])[2-9]))(?:H|K|Na|Ca|Mg|Al|Cu|Fe|Zn|Ag|Li|Ba|Pb|Mn|Ti|Si)"
            r"(?:Cl|Br|OH|O|F|I|S)(?![A-Za-z0-9])",
            readings.letters,
            readings.letters,
        ),
        # Water that belongs to a salt; what is added to what; a standard state.
        ("·•⋅", r"(?<=[A-Za-z\d)])\s?[·•⋅]\s?(?=\d{0,2}H2O)", "，", " dot "),
        ("+", r"(?<=[A-Za-z)]\d)\s?\+\s?(?=\d{0,2}[A-Z])", "加", " plus "),
    ]


def enclosed() -> list[SignRow]:
    """The whole number below or above, and the length of a vector."""
    return [
        ("⌊", r"⌊([^⌊⌋]{1,60})⌋", r"\1向下取整", r" floor of \1 "),
        ("⌈", r"⌈([^⌈⌉]{1,60})⌉", r"\1向上取整", r" ceiling of \1 "),
        ("‖", r"‖([^‖]{1,60})‖", r"\1的范数", r" norm of \1 "),
    ]


def formulas() -> list[SignRow]:
    """Functions, derivatives, differences and quotients as they stand in plain text."""
    return [
        ("/", r"(?<=π)/(?=\d)", "除以", " over "),
        ("/", r"(?<=\d)\s?/\s?(?=\(\d)", "除以", " divided by "),
        (
            "=≈",
            r"(?<![A-Za-z])([A-Z])([a-z])(?=\s?(?:[=≈]|等于|约等于))",
            lambda m, where: f"{m[1]} {m[2].upper()}",
            readings.as_written,
        ),
        (
            "=",
            r"(?<=(?<![A-Za-z])[A-Za-z]=)([A-Za-z]{2,3})(?==)",
            lambda m, where: " ".join(m[1].upper()),
            lambda m, where: " ".join(m[1]),
        ),
        ("/", r"(?<=\])\s?/\s?(?=\[)", "除以", " over "),
        ("-−–", rf"([(（]\d+(?:\.\d+)?)\s?[-−–]\s?(?=[{HAN}]{{1,8}}[)）])", r"\1减", r"\1 minus "),
        # Two quantities side by side; the derivative of what follows; less a number at the end of an index.
        (
            "=≈",
            r"(?<![A-Za-z0-9])([A-Z])([A-Z])(?=\s?[=≈]\s?\d)",
            lambda m, where: f"{m[1]} {m[2]}",
            lambda m, where: f"{m[1]} {m[2]}",
        ),
        ("/", r"(?<![A-Za-z])d/d([a-z])\s?(?=[(\[A-Za-z])", r"对\1求导", r"d d \1 of "),
        ("-", r"(?<=[a-z_)\]]) - (?=\d{1,3}[\])])|(?<=[\])]) - (?=\d{1,3}(?![\d/:-]| [-–]))", "减", " minus "),
        # A power, what divides what, what a field does, what is similar to what or how it is distributed.
        ("ⁿ", r"(?<=[\dA-Za-z)])ⁿ", "的N次方", " to the power of n"),
        ("|", r"(?<![A-Za-z|\d])([a-z])\|([a-z]|\d+)(?![A-Za-z|\d])", readings.divides, readings.divides),
        ("∇", r"∇\s?[·⋅•]\s?", "散度", " divergence of "),
        ("∇", r"∇\s?×\s?", "旋度", " curl of "),
        ("~", r"(?<=[A-Z])\s?~\s?(?=[△三t](?:riangle|角形)?)", "相似于", " similar to "),
        ("~", r"(?<=[A-Za-z])\s*~\s*(?=[A-Z][a-z]{0,8}(?:\(|\s(?:of\s)?[\dα-ωa-z]))", "服从", " follows "),
        # A difference; a quotient of values of functions, or of what stands in brackets; a derivative.
        ("-", r"(?<![\w-])([a-z]|\d+) - ([a-z]|(?<=[a-z] - )\d+)(?![\w-])", r"\1减\2", r"\1 minus \2"),
        ("/", r"(?<=[A-Za-zα-ω]\))\s?/\s?(?=\()", "除以", " divided by "),
        ("/", r"(?<=\))\s?/\s?(?=[A-Z]+\()", "除以", " over "),
        (
            "/",
            r"(?<![A-Za-z])d([a-z])/d([a-z])(?![A-Za-z])",
            lambda m, where: f" D{m[1]} D{m[2]} ".upper(),
            r"d \1 d \2",
        ),
        ("d", r"(?<![A-Za-z])d([xyzt])(?![A-Za-z])", lambda m, where: f" D{m[1]} ".upper(), readings.as_written),
        ("(", r"(?<![\w])([OfghP])\((?=[^()]{1,40}\))", r"\1(", r"\1 of ("),
        (
            "/",
            r"(?<=[A-Za-z0-9_)])/(?=[A-Za-z]\s?=)|(?<=[A-Z]{2})/(?=[A-Z]{2,7}\s?(?:[=≈<>]|equals|等于))",
            "除以",
            " over ",
        ),
        ("(", r"(?<=\d)\((?=\d+\.\d+\)\^)", "乘(", " times ("),
    ]


def operations() -> list[SignRow]:
    """Operators between words, numbers and brackets."""
    return [
        ("^", r"(?<=\))\^\(([\w/+.−-]{1,12})\)", readings.power_in_brackets, readings.power_in_brackets),
        (
            "⁰¹²³⁴⁵⁶⁷⁸⁹",
            r"(?<![\d.,])(10|\d)(⁻?[⁰¹²³⁴-⁹]{1,3})(?![⁰¹²³⁴-⁹])",
            readings.as_written,
            lambda m, where: m[1] + readings.power_in_words(unicodedata.normalize("NFKC", m[2])),
        ),
        ("/", r"(?<=[\d)])\s+/\s+(?=[\d(])", "除以", " divided by "),
        (
            "/",
            rf"(?<=[A-Za-zΑ-ω{HAN})）])\s?/\s?(?=[A-Za-zΑ-ω{HAN}])",
            readings.operation("除以", " divided by "),
            readings.operation("除以", " divided by "),
        ),
        (
            "-–",
            rf"(?<=[{HAN}])\s?[-–]\s?(?=[{HAN}])|(?<=\w) [-–] (?=\w)",
            readings.operation("减", " minus "),
            readings.operation("减", " minus "),
        ),
        ("*", r"(?<=[\w)])\s?\*\s?(?=[\w(])", readings.operation("乘", " times "), readings.operation("乘", " times ")),
        ("^", r"(?<=\))\^(\d{1,3})(?![\d.])", readings.power, readings.power),
        ("^", rf"\^(?=[(（]?[{HAN}])([(（]?)([{HAN}]{{1,6}})[)）]?", r"的\2次方", r" to the power of \2"),
        ("-−–", r"(?<=次方)\s?[-−–]\s?(?=\d)", "减", " minus "),
    ]


def named() -> list[SignRow]:
    """Signs that have one name wherever they stand."""
    return [
        (
            "♠♥♦♣",
            r"(?<![A-Za-z0-9♠♥♦♣])(?:[♠♥♦♣]\ufe0f?(?:10|[2-9AKQJT])){1,13}(?![♠♥♦♣])",
            readings.cards_by_suit,
            readings.cards_by_suit,
        ),
        # Cards; signs of sets, of logic and of geometry.
        ("♠♥♦♣", r"(?<![A-Za-z0-9])(10|[2-9AKQJT])([♠♥♦♣])\ufe0f?", readings.card, readings.card),
        ("♠♥♦♣", r"(?<=[♠♥♦♣\w])(10|[2-9AKQJT])([♠♥♦♣])\ufe0f?", readings.card, readings.card),
        (
            "=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝±∞≪≫∵∴∠△⊙∀∃∫∑∏∂∇∅",
            r"\s*([=≈≡≌∽⊥∥≠∈∉⊂⊆∩∪∝≪≫∵∴∠△⊙∀∃∫∑∏∂∇∅]|[±](?=\d))\s*",
            lambda m, where: readings.spoken(m[1], where),
            lambda m, where: readings.spoken(m[1], where),
        ),
    ]
