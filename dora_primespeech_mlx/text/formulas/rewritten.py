r"""What LaTeX writes with several signs and people say as one thing: `\frac{d}{dx}`, `\nabla^2`, `\lfloor x\rfloor`."""

from dora_primespeech_mlx.text.rules import regex

INNER = r"((?:(?!\\{}).){{1,200}}?)"
D = r"\{\s*(?:\\(?:mathrm|text)\s*\{d\}|d)\s*"
REWRITTEN = (
    # The derivative of what follows.
    (regex(rf"\\[dt]?frac\s*{D}\}}\s*{D}(\\?[A-Za-z]+)\s*\}}"), r"\\derivative{\1} "),
    (regex(r"\\nabla\s*\\cdot(?![A-Za-z])"), r"\\divergence "),
    (regex(r"\\nabla\s*\\times(?![A-Za-z])"), r"\\curl "),
    (regex(r"\\nabla\s*\^\s*(?:2|\{2\})"), r"\\laplacian "),
    (regex(r"\\chi\s*\^\s*(?:2|\{2\})"), r"\\chisquared "),
    # The value of what stands before, at a place or between two.
    (regex(r"(?:\\right|\\[Bb]igg?[lr]?)\s*(?:\||\\[lr]?vert(?![A-Za-z]))\s*(?=_)"), r"\\evaluated "),
    (regex(r"\\[lr]vert(?![A-Za-z])"), "|"),
    (regex(r"\\[lr]Vert(?![A-Za-z])|\\Vert(?![A-Za-z])"), r"\\|"),
    (regex(rf"\\lfloor\s*{INNER.format('rfloor')}\s*\\rfloor(?![A-Za-z])"), r"\\floor{\1}"),
    (regex(rf"\\lceil\s*{INNER.format('rceil')}\s*\\rceil(?![A-Za-z])"), r"\\ceiling{\1}"),
    # A variable and its distribution.
    (
        regex(r"\\sim\s*(?=\\(?:mathcal|text|mathrm|operatorname)(?![A-Za-z])|[A-Z][a-z]*(?:_\w)?\s*(?:\\left)?\()"),
        r"\\follows ",
    ),
)  # fmt: skip


def rewritten(source: str) -> str:
    """`source`, the inside of a formula, with a command of our own for each such thing."""
    if "\\" not in source:
        return source
    for pattern, command in REWRITTEN:
        source = pattern.sub(command, source)
    return source
