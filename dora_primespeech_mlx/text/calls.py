"""The call of a tool as bare JSON, as models write it that have no tokens for it: {"name": "find", "arguments": {}}."""

import json
from typing import Any

from dora_primespeech_mlx.text.rules import any_of, regex

WHO = frozenset(("name", "tool", "tool_name", "function", "action"))
"""Fields that name the tool."""
WITH = frozenset(("arguments", "parameters", "action_input", "tool_input"))
"""Fields with what the tool is given: an object, or its JSON as a string."""
LONGEST = 8000
BEGINS = regex(r'\[?\s*\{\s*"(?:name|tool|tool_name|function|action|arguments|parameters|tool_calls?|type|id)"\s*:')
MAY_BEGIN = regex(r'\[?\s*(?:\{\s*(?:"[a-z_]{0,10}(?:"\s*)?)?)?')
GIVEN = regex(rf'"(?:{any_of(WITH)})"\s*:')


def call_length(text: str, final: bool) -> int | None:
    """How many characters at the head of `text` are the call of a tool, 0 if none are; None while that is open.

    With `final` nothing follows, and a call that breaks off is as long as the text.
    """
    if BEGINS.match(text) is None:
        return None if not final and MAY_BEGIN.fullmatch(text) else 0
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return 0
    except json.JSONDecodeError as error:
        breaks_off = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()) - len("false")
        if not breaks_off or len(text) > LONGEST:
            return 0
        return None if not final else len(text) if GIVEN.search(text) else 0
    return end if _is_call(value) else 0


def _is_call(value: Any) -> bool:
    """Whether a value of JSON calls a tool, or several."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_call, value))
    if not isinstance(value, dict):
        return False
    for wrapped in ("tool_calls", "tool_call", "function"):
        if isinstance(value.get(wrapped), list | dict):
            return _is_call(value[wrapped])
    is_named = any(isinstance(value.get(field), str) for field in WHO)
    return is_named and any(isinstance(value.get(field), dict | str) for field in WITH)
