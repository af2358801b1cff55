"""Variables of the environment for the nodes of these dataflows: read, checked, and refused in a sentence."""

import os
from typing import Any

from dora_primespeech_mlx.names.values import Kind, parse


def variable(name: str, kind: Kind, default: str | None = None) -> Any:
    """The value of a variable; SystemExit says what is allowed where it is another, or not set and has no default."""
    raw = os.environ.get(name, "").strip() or default
    if raw is None:
        raise SystemExit(f"{name} is not set; it must be {kind.allowed}")
    try:
        return parse(name, raw, kind)
    except ValueError as error:
        raise SystemExit(str(error)) from None
