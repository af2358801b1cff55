"""What the node's messages say: payloads and metadata in, plain values out. Pure functions, no dora, no Arrow.

The forms are those of the `text` and `control` inputs of dora-primespeech and its successors. Upstream nodes are many
and careless, so whatever can be spoken is spoken: "42", "null" and `[1]` are texts, numbers may come as strings, values
out of bounds are brought back into them and noted.
"""

import json
import math
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.names.slips import nearest
from dora_primespeech_mlx.names.synonyms import COMMANDS, as_key, command_named, same_thing
from dora_primespeech_mlx.names.values import Flag, Number, parse
from dora_primespeech_mlx.node.outputs import HANDED_ON
from dora_primespeech_mlx.settings import KINDS, LANGUAGES, MANNER_NAMES, PITCH, SPEED, VOLUME
from dora_primespeech_mlx.speech import Style, Wishes

LONGEST_METADATA = 1024
"""Characters, or items of a list, of a value that is handed on; what is longer is cut."""
DEEPEST_WRAPPING = 6
"""How often a text may be wrapped in `{"prompt": ...}`: MoFA's prompt bridge wraps once, others look six deep."""

TEXT_KEYS = ("prompt", "text", "content")
COMMAND_KEYS = ("command", "action", "cmd", "control")
CONTROL_KEYS = (*COMMAND_KEYS, "type", "event")
"""On the `control` input these tell a command too; on `text` they tell what sort of message an object is."""
NEVER_HANDED_ON = ("flush", "timestamp", "open_telemetry_context", "seq", "fin", "goal_id", "goal_status")
ENDED = ("ended", "completed", "complete", "finished", "final", "done", "error")
CANCELLED = ("cancelled", "canceled")

MetadataValue = bool | int | float | str | list[int] | list[float] | list[str]
Metadata = dict[str, Any]


SETTABLE = {**{name: KINDS[name] for name in MANNER_NAMES}, "pitch": PITCH, "volume": VOLUME}
"""What `set` and parameter updates may change: name -> kind."""


def _known(name: str) -> str:
    """The name in `SETTABLE` that a name stands for, or the name itself."""
    return same_thing(name, SETTABLE) or as_key(name)


@dataclass(frozen=True)
class VoiceFiles:
    """A voice that a message describes by files: a `reference` recording of `text`, and weights for a trained voice."""

    reference: str
    text: str
    language: str
    t2s: str | None = None
    sovits: str | None = None


@dataclass(frozen=True)
class Command:
    """A control command. `question_id` narrows reset and cancel; `changes` are those of `set`, as written."""

    name: str
    question_id: str | None = None
    changes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class TextMessage:
    """A message of the `text` input.

    `wishes`: how to speak it. `notes`: what was brought back into bounds or left out, as sentences. `command`: a
    control object that reached the text input.
    """

    text: str
    wishes: Wishes = field(default_factory=dict)
    voice_files: VoiceFiles | None = None
    command: Command | None = None
    notes: tuple[str, ...] = ()


WISHES = ("speed", "pitch", "volume", "voice", "style", "language", "lang", "seed")
"""Keys beside the text that say how to speak it."""
OF_METADATA = ("session_id", "question_id", "segment_id", "fin", "flush")
"""Names that are read in a text's metadata alone."""
LOOKS_LIKE_JSON = re.compile(r"""\s*\{\s*(["'])\w+\1\s*:""")
NULLS = ("null", "none")
"""Words that stand for no value in a command."""


def encodable(text: str) -> str:
    """`text` with lone surrogates replaced, so that it can travel as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def parse_text(raw: str, metadata: Container[str] = ()) -> TextMessage:
    """A `text` payload in any of its forms: plain, JSON with a prompt (nested or not), with or without a VOICE: prefix.

    Names that the `metadata` of its message have are not noted where the text has them too.

    Raises:
        ValueError: a VOICE: prefix lacks fields; the message says the form.
    """
    text = encodable(raw)
    wishes: dict[str, Any] = {}
    notes: list[str] = []
    for _ in range(DEEPEST_WRAPPING):
        wrapped = _json_object(text)
        if wrapped is None:
            break
        notes += _misplaced(wrapped, metadata)
        found = _collect_wishes(wrapped, notes)
        wishes = {**wishes, **found}
        inner = next((wrapped[key] for key in TEXT_KEYS if key in wrapped), None)
        if inner is None:
            command = _command_in(wrapped)
            if command is None and wrapped:
                notes.append(f"{_why_silent(wrapped)}, so nothing of it is said")
            return TextMessage("", wishes, command=command, notes=tuple(notes))
        text = encodable(json.dumps(inner, ensure_ascii=False) if isinstance(inner, dict) else said_in(inner))
    if LOOKS_LIKE_JSON.match(text):
        notes.append(
            "the text looks like an object of JSON and is none, so it is said as it stands: send json.dumps(...)"
        )
    if "\ufffd" in text:
        notes.append("the text has U+FFFD, in place of bytes that are not UTF-8: send a string, or its bytes in UTF-8")
    return _with_voice_prefix(text, wishes, tuple(notes))


def _why_silent(wrapped: Mapping[str, Any]) -> str:
    """Why there is nothing to say in an object."""
    empty = next((key for key in TEXT_KEYS if key in wrapped), None)
    if empty is not None:
        return f"the message has null as its {empty}"
    has = encodable(", ".join(map(repr, wrapped))[:80])
    return f"the message has {has} and none of {', '.join(TEXT_KEYS)}"


def _json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is, or None: other JSON values are things to say."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def said_in(value: Any) -> str:
    """What is to be said of a value of JSON: of objects their prompt, of lists all that their items say."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return next((said_in(value[key]) for key in TEXT_KEYS if key in value), "")
    if isinstance(value, list):
        return " ".join(filter(None, map(said_in, value)))
    return "" if value is None or isinstance(value, bool) else str(value)


def _misplaced(wrapped: Mapping[str, Any], metadata: Container[str]) -> list[str]:
    """A sentence on each name of metadata that an object with a text has, and its message has not."""
    if not any(key in wrapped for key in TEXT_KEYS):
        return []
    found = [key for key in OF_METADATA if wrapped.get(key) is not None and key not in metadata]
    return [f"{key!r} is read in the metadata of a message, not in its text: give it there" for key in found]


def _collect_wishes(wrapped: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    wishes: dict[str, Any] = {}
    for name, kind in (("speed", SPEED), ("pitch", PITCH), ("volume", VOLUME)):
        if wrapped.get(name) is not None:
            number = _bounded(name, wrapped[name], kind, notes)
            if number is not None:
                wishes[name] = number
    meant = {key: _meant(key) for key in wrapped}
    notes += [
        f"{encodable(key)[:40]!r} is not read; write {name} if that is meant"
        for key, name in meant.items()
        if name and name not in wrapped
    ]
    style = wrapped.get("style")
    if isinstance(style, dict):
        wishes |= _style(style, notes)
        wrapped = {**wrapped, "style": None}
    for key, name in (
        ("voice", "voice"),
        ("style", "style"),
        ("language", "language"),
        ("lang", "language"),
        ("seed", "seed"),
    ):
        if wrapped.get(key) not in (None, ""):
            try:
                wishes[name] = parse(key, encodable(str(wrapped[key])), SETTABLE[name])
            except ValueError as error:
                notes.append(str(error))
    return wishes


def _meant(key: str) -> str | None:
    """The wish that a key nearly names, or names as other programs do; None for one that is read, and for others."""
    written = key.casefold()
    if written in (*WISHES, *TEXT_KEYS):
        return None if key in (*WISHES, *TEXT_KEYS) else written
    return same_thing(written, WISHES) or next(iter(nearest(written, WISHES)), None)


def _style(described: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """A recording whose prosody is wished; its path is as written. Nothing, with a note, if a part is missing."""
    given = {key: value for key, value in described.items() if isinstance(value, str) and value.strip()}
    recording, text, language = (
        next((encodable(value) for key, value in given.items() if same_thing(key, names)), None)
        for names in (("recording",), ("text",), ("language", "prompt_lang"))
    )
    if recording is None or text is None:
        notes.append("style is left out; it must be a name, or an object with recording and text, what it says")
        return {}
    name = Path(recording).stem
    return {"style": Style(name, text, LANGUAGES.read(language or "auto"), Path(recording))}


def _bounded(name: str, value: Any, kind: Number, notes: list[str]) -> float | None:
    """A number or a string of one, brought into the bounds of `kind`; None, with a note, if it is neither."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        notes.append(f"{name} {encodable(str(value))[:40]!r} is left out; it must be {kind.allowed}")
        return None
    bounded = min(max(number, kind.low), kind.high)
    if bounded != number:
        notes.append(f"{name} {number:g} is out of bounds and taken as {bounded:g}; it must be {kind.allowed}")
    return bounded


def _command_in(wrapped: Mapping[str, Any]) -> Command | None:
    """The command of an object that says it is one; settings alone do not make a text a command."""
    if not any(isinstance(wrapped.get(key), str) for key in COMMAND_KEYS):
        return None
    try:
        return _command_from_object(wrapped)
    except ValueError:
        return None


VOICE_PREFIX = "VOICE:"
VOICE_LIKE = re.compile(r"voice\s*[:：]\s*[^|｜\n]{1,60}[|｜]", re.IGNORECASE)
"""What is nearly the prefix of a voice: in small letters, or with signs of full width."""
VOICE_FORMS = {
    "CUSTOM": "VOICE:CUSTOM|reference file|its text|language|text",
    "TRAINED": "VOICE:TRAINED|t2s weights|sovits weights|reference file|its text|language|text",
}


def _with_voice_prefix(text: str, wishes: dict[str, Any], notes: tuple[str, ...]) -> TextMessage:
    stripped = text.lstrip()
    head, bar, rest = stripped.partition("|")
    name = head[len(VOICE_PREFIX) :].strip()
    if not (stripped.startswith(VOICE_PREFIX) and bar and name):
        if VOICE_LIKE.match(stripped):
            notes = (*notes, f"the text is said as it stands: write {VOICE_PREFIX}NAME|TEXT so if a voice is meant")
        return TextMessage(text, wishes, notes=notes)
    form = VOICE_FORMS.get(name)
    if form is None:
        return TextMessage(rest, {**wishes, "voice": name}, notes=notes)
    files = 2 if name == "TRAINED" else 0
    parts = rest.split("|", files + 3)
    if len(parts) < files + 4 or not all(part.strip() for part in parts[: files + 1]):
        raise ValueError(f"the message starts with {VOICE_PREFIX}{name} but lacks fields; the form is {form}")
    *weights, reference, spoken, language, remainder = (part.strip() for part in parts)
    t2s, sovits = weights or (None, None)
    language = LANGUAGES.read(language or "auto")
    return TextMessage(remainder, wishes, VoiceFiles(reference, spoken, language, t2s, sovits), notes=notes)


def parse_control(raw: str) -> Command:
    """A `control` payload: a command as plain text ("reset", "change_voice:NAME", "set speed 1.2") or as JSON.

    Raises:
        ValueError: anything else; the message names the commands.
    """
    text = encodable(raw).strip()
    wrapped = _json_object(text)
    if wrapped is not None:
        command = _command_from_object(wrapped)
        if command is None:
            raise _unknown(text)
        return command
    return _command_from_words(text.strip("\"' \t\r\n"))


def _command_from_words(text: str) -> Command:
    """Reads `NAME`, `NAME:ARGUMENT`, `NAME ARGUMENT`, `set NAME VALUE` or `NAME = VALUE`."""
    name, *rest = re.split(r"\s*[:=\s]\s*", text, maxsplit=1)
    name, argument = name.casefold(), "".join(rest).strip("\"' \t")
    if name in ("change_voice", "voice") and argument:
        return Command("set", changes=(("voice", argument),))
    if name == "set":
        name, _, argument = argument.replace("=", " ").replace(":", " ", 1).strip().partition(" ")
        name = name.casefold()
    if _known(name) in SETTABLE and argument:
        value = None if argument.casefold() in NULLS else argument.strip("\"' ")
        return Command("set", changes=((_known(name), value),))
    command = command_named(name)
    if command is not None and command not in ("set", "change_voice"):
        return Command(command, argument or None)
    raise _unknown(text)


def _unknown(text: str) -> ValueError:
    return ValueError(
        f"control {text[:80]!r} is not known; known are {', '.join(COMMANDS)}, "
        f"and set takes one of {', '.join(SETTABLE)} with a value"
    )


def _command_from_object(wrapped: Mapping[str, Any]) -> Command | None:
    """The command in a JSON object; None if it has none. ValueError for an unknown one."""
    question = wrapped.get("question_id")
    question_id = None if question is None else encodable(said_in(question))
    changes = wrapped["set"] if isinstance(wrapped.get("set"), dict) else wrapped
    settable = tuple((_known(name), value) for name, value in changes.items() if _known(name) in SETTABLE)
    if settable and changes is not wrapped:  # the others are told that they cannot be set
        settable = tuple((_known(name), value) for name, value in changes.items())
    written = next((wrapped[key] for key in CONTROL_KEYS if isinstance(wrapped.get(key), str)), None)
    if written is None:
        return Command("set", question_id, settable) if settable else None
    name = encodable(written).strip()
    if name.casefold() == "change_voice" and not settable:
        settable = tuple(("voice", wrapped[key]) for key in ("name", "value") if isinstance(wrapped.get(key), str))[:1]
    elif name.casefold() == "set" and "value" in wrapped and isinstance(wrapped.get("name"), str):
        settable = ((_known(wrapped["name"]), wrapped["value"]),)
    if name.casefold() in ("set", "change_voice") and settable:
        return Command("set", question_id, settable)
    command = _command_from_words(name)
    return command if question_id is None else replace(command, question_id=question_id)


def changed(wishes: Wishes, name: str, value: Any) -> Wishes:
    """`wishes` with one of `SETTABLE` changed; None takes it back.

    Raises:
        ValueError: no such name, or a value out of bounds; the message says what is allowed.
    """
    name = _known(name)
    if name not in SETTABLE:
        raise ValueError(f"{name[:80]!r} cannot be set; {', '.join(SETTABLE)} can")
    if value is not None:
        if not (value := encodable(str(value)).strip()):
            raise ValueError(f"{name} must not be empty")
        value = parse(name, value, SETTABLE[name])
    others = {other: wish for other, wish in wishes.items() if other != name}
    return others if value is None else {**others, name: value}


def handed_on(metadata: Mapping[str, Any], extra: Iterable[str] = ()) -> Metadata:
    """The part of a text's metadata that its outputs carry too, cleaned; with the defaults MoFA's nodes expect."""
    names = [name for name in ("segment_id", *HANDED_ON, *extra) if name not in NEVER_HANDED_ON]
    kept = clean({name: _short(metadata[name]) for name in names if name in metadata})
    return {"question_id": "default", "session_status": "unknown", **kept}


def _short(value: Any) -> Any:
    return value[:LONGEST_METADATA] if isinstance(value, str | list | tuple) else value


def clean(metadata: Mapping[str, Any]) -> Metadata:
    """Only what survives a dora message: bool, int of 64 bits, float, str, and lists of one of int, float or str.

    Numpy scalars become Python's; everything else is left out.
    """
    cleaned = {encodable(str(name)): _clean_value(value) for name, value in metadata.items()}
    return {name: value for name, value in cleaned.items() if value is not None}


def _clean_value(value: Any) -> MetadataValue | None:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, list | tuple):
        items = [_clean_value(item) for item in value]
        for kind in (int, float, str):
            if all(isinstance(item, kind) and not isinstance(item, bool) for item in items):
                return items  # type: ignore[return-value]
    return None


def flag(value: Any) -> bool | None:
    """A flag of metadata: true or false, 1 or 0, or a string that says so; None for what is no flag."""
    if isinstance(value, bool | int | float):
        return bool(value) if value in (0, 1) else None
    try:
        return Flag().read(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def is_true(value: Any) -> bool:
    """Whether a metadata flag is set."""
    return flag(value) is True


def has_flag(metadata: Mapping[str, Any], name: str) -> bool:
    """Whether a metadata flag is there at all, true or false."""
    return flag(metadata.get(name)) is not None


def ends(metadata: Mapping[str, Any]) -> bool:
    """Whether a piece of partial text is its last: `fin`, or a `session_status` that ends the session."""
    return is_true(metadata.get("fin")) or str(metadata.get("session_status", "")).casefold() in ENDED


def cancels(metadata: Mapping[str, Any]) -> bool:
    """Whether the sender of partial text gave it up."""
    return str(metadata.get("session_status", "")).casefold() in CANCELLED


def stream_key(input_id: str, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What the pieces of one partial text have in common."""
    return (input_id, *(str(metadata.get(name, "")) for name in ("session_id", "question_id")))
