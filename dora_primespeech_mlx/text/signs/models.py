"""Names that hold numbers and signs."""

from dora_primespeech_mlx.text.english import numbers as english
from dora_primespeech_mlx.text.english.identifiers import in_hundreds
from dora_primespeech_mlx.text.mandarin.numbers import cardinal, digits
from dora_primespeech_mlx.text.signs import readings
from dora_primespeech_mlx.text.signs.readings import SignRow

MODELS = "iPhone|iPad|小米|红米|荣耀|魅族|坚果|乐视|Redmi|Mate|Nova|Nexus|Find|Note"
"""Names of telephones, whose numbers a letter may follow: iPhone 6s."""


def named() -> list[SignRow]:
    """Names with numbers: models, parts, standards, sizes, trains."""
    return [
        # Graphics cards that share a name.
        (
            "/",
            r"((?<![A-Za-z])[A-Z]{2,4}\s?)(\d{4})/(\d{4})(?![\d/])",
            lambda m, where: f"{m[1]}{digits(m[2])}，{digits(m[3])}",
            lambda m, where: f"{m[1]}{english.in_pairs(m[2])}, {english.in_pairs(m[3])}",
        ),
        # A letter behind the number of a model is no unit: iPhone 6s.
        (
            "smghlt",
            rf"((?<![A-Za-z])(?:{MODELS})\s?\d+)([smghlt])(?![A-Za-z0-9/²³])",
            lambda m, where: m[1] + m[2].upper(),
            r"\1\2",
        ),
        (
            "NA",
            r"(?<![A-Za-z0-9])(K?N(?=9\d)|AK(?=-?47))-?(\d\d)(?![\d.])",
            lambda m, where: m[1] + digits(m[2]),
            readings.as_written,
        ),
        (".", r"(?<![A-Za-z])N[Oo]\.\s?(?=\d)", "number ", readings.as_written),
        # Numbers of contracts, orders and parts; a speed behind a name: HT-2024-0012, DDR5-6400.
        (
            "-",
            r"(?<![A-Za-z0-9-])([A-Z]{2,}(?:-[A-Z]+)*)(-\d{2,}(?:-\d{2,})+)(?:(?![A-Za-z0-9-])|(?=-[A-Z](?![A-Za-z0-9-])))",
            readings.code,
            readings.code,
        ),
        ("-", r"(?<![A-Za-z0-9-])([A-Z]{2,}\d{1,2})(-\d{3,5})(?![A-Za-z0-9-])", readings.code, readings.code),
        # A standard and its year.
        (
            "-",
            r"(?<![A-Za-z])([A-Z]{2,5}(?:/[TZ])?)\s?(\d+(?:\.\d+)?)-((?:19|20)\d\d)(?![\d-])",
            lambda m, where: f"{m[1]} {digits(m[2], telephone=True) if m[2].isdigit() else m[2]}，{digits(m[3])}",
            r"\1 \2, \3",
        ),
        (
            ":",
            r"(?<![A-Za-z])((?:ISO|IEC|IEEE|ANSI|EN)(?:/[A-Z]{2,4})?)\s?(\d{3,5}):((?:19|20)\d\d)(?![\d:])",
            lambda m, where: f"{m[1]} {digits(m[2], telephone=True)}，{digits(m[3])}",
            r"\1 \2, \3",
        ),
        # A processor; ports; a size in the name of a language model: Llama-3.1-8B.
        (
            "-",
            r"(?<=[A-Za-z]\d)-(\d{4,5})(?=[A-Z]{0,2}(?![A-Za-z0-9-]))",
            lambda m, where: f"，{digits(m[1])}",
            r"-\1",
        ),
        (
            ":",
            r"(?<![\d:.])(\d{4,5}):(\d{2,5})(?![\d:]|\.\d)",
            lambda m, where: f"{digits(m[1])}冒号{digits(m[2]) if len(m[2]) > 2 else cardinal(m[2])}",
            readings.as_written,
        ),
        (
            "-",
            r"(?<=[A-Za-z])(-?\d+(?:\.\d+)?)-(?=\d{1,3}(?:\.\d+)?[BbMKk](?![A-Za-z0-9]))",
            r"\1，",
            r"\1, ",
        ),
        # The sizes of a tyre, a kind of oil, a multiple; a note, an aircraft or a missile, an end of a strand of DNA.
        (
            "R",
            r"(?<![\d/])(\d{3})/(\d\d)\s?(Z?R)(\d\d)(?!\d)",
            lambda m, where: f"{digits(m[1])}，{digits(m[2])}，{m[3]}{cardinal(m[4])}",
            lambda m, where: f" {in_hundreds(m[1])} {m[2]} {m[3]} {m[4]}",
        ),
        (
            "W",
            r"(?<![A-Za-z0-9])(\d{1,2})W-(\d{1,2})(?!\d|\.\d|[A-Za-z])",
            lambda m, where: f"{cardinal(m[1])}W{cardinal(m[2])}",
            lambda m, where: f"{english.cardinal(m[1])} W {english.cardinal(m[2])}",
        ),
        (
            "x",
            r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)x(?=[，。；、,;）)]|\.?$)",
            readings.multiple,
            readings.as_written,
        ),
        ("·", r"(?<=[A-Za-z])·(?=\d)", "，", " "),
        ("♯♭♮", r"(?<![A-Za-z])([A-G])([♯♭♮])", lambda m, where: f"{readings.spoken(m[2], where)}{m[1]}", r"\1\2"),
        ("-", r"(?<=[歼轰运强教直苏图红旗风浪击伊尔格安])-(?=\d{1,3}(?![\d.%℃]))", "", "-"),
        ("'′’", r"(?<!\d)([35])['′’](?=-|端|到|→|末端)", r"\1撇", readings.as_written),
        # What goes on behind a number, from one to another, kinds that share a name (HPV16/18, USB3.0/3.1); trains.
        ("-", r"(?<=[A-Za-z]\d|\.\d)-(?=[A-Za-z]{2})|(?<=[A-Za-z]-\d)-(?=[A-Za-z]{2})", " ", "-"),
        ("-–", r"\b([A-Z])(\d{1,2})\s?[-–]\s?(?=\1\d)", r"\1\2到", r"\1\2 to "),
        ("-", r"(?<=[Α-Ωα-ω])-(?=[\dA-Za-zΑ-Ωα-ω])", " ", " "),
        (":", r"(\d{1,3}(?:\.\d{1,3}){3}):(?=\d{2,5}\b)", r"\1端口", r"\1 port "),
        ("/", r"((?<![A-Za-z])(?:[A-Z]|[A-Za-z]{2,10})\d+(?:\.\d+)?)/(?=\d)", r"\1，", r"\1 "),
        (
            "次",
            r"(?<![A-Za-z])([GDCZTKYLS]|[A-Z]{2}(?=\d{4}))(\d{3,4})(?=次)",
            lambda m, where: m[1] + digits(m[2], telephone=True),
            r"\1\2",
        ),
    ]
