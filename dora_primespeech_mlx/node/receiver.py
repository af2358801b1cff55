"""The events of a node, told to the desk: which inputs are read, and what a message of each does."""

import json
import math
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.names.synonyms import command_named
from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.messages import (
    Command,
    cancels,
    ends,
    handed_on,
    has_flag,
    is_true,
    parse_control,
    parse_text,
    stream_key,
)
from dora_primespeech_mlx.node.payloads import items_of, to_text

UTF8 = getincrementaldecoder("utf-8")
TEXT = "text"
"""What the name of every input begins with that takes texts."""


@dataclass
class Receiver:
    """Reads the events of a node and tells the desk."""

    desk: Desk
    voice_names: list[str]
    _told: set[str] = field(default_factory=set)
    """Inputs of which was said that nothing reads them."""
    _begun: dict[tuple[str, ...], IncrementalDecoder] = field(default_factory=dict)
    """Of partial texts whose last piece ended within a character: what its bytes are read on with."""

    def serve(self, node: Any) -> None:
        """Until the stream ends, or a manual stop; then no more texts come, and those at the desk are spoken.

        A stop because all inputs are closed may overtake texts that are still queued, so it does not end anything.
        """
        try:
            while (event := node.next()) is not None:
                if _part(event, "type") == "STOP" and _part(event, "id") == "MANUAL":
                    self.desk.cancel_all()
                    break
                self.handle(event)
        except KeyboardInterrupt:
            self.desk.cancel_all()
        self.desk.drain()

    def handle(self, event: Any) -> None:
        """One event. Never raises: a message that makes no sense is answered and logged."""
        kind, name = _part(event, "type"), str(_part(event, "id") or "")
        if kind == "INPUT":
            self._input(name, _part(event, "value"), _part(event, "metadata") or {})
        elif kind == "INPUT_CLOSED":
            self.desk.input_closed(name)
            if name == "buffer_status":
                self.desk.buffered(0.0)
        elif kind in ("PARAM_UPDATE", "PARAM_DELETED"):
            self._change(name, _part(event, "value") if kind == "PARAM_UPDATE" else None, {})
        elif kind == "ERROR":
            self.desk.log("WARNING", f"dora says: {_part(event, 'error')}")

    def _input(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        if is_true(metadata.get("flush")):
            self.desk.cancel_all(session=_session(metadata))
        meant = input_named(name)
        if meant is not None:
            INPUTS[meant](self, name, value, metadata)
        elif name not in self._told:
            self._told.add(name)
            self.desk.log("WARNING", f"input {name!r} is not known; known are {', '.join(INPUTS)}")

    def _text(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        key = stream_key(name, metadata)
        try:
            request = parse_text(self._in_characters(to_text(value), key, metadata), metadata)
        except Exception as error:  # noqa: BLE001 - whatever a text is, it is answered
            self.desk.fail(sentence(error), dict(metadata))
            return
        for note in request.notes:
            self.desk.log("WARNING", note, handed_on(metadata))
        if request.command is not None:
            self._obey(request.command, metadata)
            self.desk.skip(dict(metadata))
        elif self._is_piece(key, metadata):
            self.desk.piece(key, request, dict(metadata))
        else:
            self.desk.say(request, dict(metadata))

    def _in_characters(self, text: str, key: tuple[str, ...], metadata: Mapping[str, Any]) -> str:
        """A text in whole characters: bytes at the end of a piece wait for those with which the next one begins."""
        self._begun = {other: decoder for other, decoder in self._begun.items() if self.desk.is_open(other)}
        decoder = self._begun.pop(key, None) or UTF8("replace")
        goes_on = self._is_piece(key, metadata) and not (ends(metadata) or cancels(metadata))
        characters = decoder.decode(text.encode("utf-8", "surrogateescape"), final=not goes_on)
        if decoder.getstate()[0]:
            self._begun[key] = decoder
        return characters

    def _is_piece(self, key: tuple[str, ...], metadata: Mapping[str, Any]) -> bool:
        mode = self.desk.settings.text_mode
        return mode == "partial" or (mode == "auto" and (has_flag(metadata, "fin") or self.desk.is_open(key)))

    def _control(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        try:
            command = parse_control(to_text(value))
        except Exception as error:  # noqa: BLE001 - whatever a command is, it is answered
            self._refuse(error, metadata)
        else:
            self._obey(command, metadata)

    def _command(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        """An input whose every message is the command of its name."""
        self._obey(Command(str(input_named(name))), metadata)

    def _obey(self, command: Command, metadata: Mapping[str, Any]) -> None:
        question = command.question_id
        if question is None and metadata.get("question_id") is not None:
            question = str(metadata["question_id"])
        session = _session(metadata)
        if command.name == "reset":
            self.desk.cancel_all(question, session)
        elif command.name == "stop":
            self.desk.cancel_all(session=session)
        elif command.name == "cancel":
            self.desk.cancel(question, session)
        elif command.name == "stats":
            self._answer(command.name, self.desk.statistics(), metadata)
        elif command.name == "list_voices":
            self._answer(command.name, {"voices": self.voice_names}, metadata)
        for setting, value in command.changes:
            self._change(setting, value, metadata)

    def _change(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        try:
            if hasattr(value, "to_pylist"):
                value = next(iter(items_of(value)), None)
            self.desk.change(name, value)
        except ValueError as error:
            self._refuse(error, metadata)
        else:
            self._answer("set", {name: value}, metadata)

    def _refuse(self, error: Exception, metadata: Mapping[str, Any]) -> None:
        """Says why a command or a change is not obeyed."""
        self.desk.log("WARNING", sentence(error), handed_on(metadata))
        self.desk.status(f"error: {sentence(error)}", handed_on(metadata))

    def _answer(self, command: str, content: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        text = json.dumps({"command": command, **content}, ensure_ascii=False, default=str)
        self.desk.status(text, handed_on(metadata))
        self.desk.log("INFO", text, handed_on(metadata))

    def _buffer_status(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        percent = _number(value)
        if math.isfinite(percent):
            self.desk.buffered(percent, _session(metadata))
        else:
            self.desk.log("WARNING", "buffer_status must be one number, the player's buffer in percent")

    def _played(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        seconds = _number(value)
        if math.isfinite(seconds) and seconds >= 0.0:
            self.desk.played(seconds, _session(metadata), metadata.get("segment_id"))
        else:
            self.desk.log("WARNING", "played must be one number, the seconds of a text that its player has played")

    def _tick(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        self.desk.alive()


INPUTS: dict[str, Callable[[Receiver, str, Any, Mapping[str, Any]], None]] = {
    TEXT: Receiver._text,
    "control": Receiver._control,
    "reset": Receiver._command,
    "stop": Receiver._command,
    "cancel": Receiver._command,
    "buffer_status": Receiver._buffer_status,
    "played": Receiver._played,
    "tick": Receiver._tick,
}
"""Every input that is read, and what reads a message of it."""


def input_named(name: str) -> str | None:
    """The one of `INPUTS` that the name of an input stands for, which may be another program's; None for none."""
    if name.startswith(TEXT):
        return TEXT
    meant = name if name in INPUTS else command_named(name)
    return meant if meant in INPUTS else None


def _number(value: Any) -> float:
    """The one number of a payload; not a number if it is none."""
    try:
        return float(to_text(value))
    except ValueError:
        return math.nan


def _session(metadata: Mapping[str, Any]) -> str | None:
    """The session that a message is about; None if it says none."""
    session = metadata.get("session_id")
    return None if session is None else str(session)


def _part(event: Any, name: str) -> Any:
    """A part of an event; None where this version of dora has none."""
    try:
        return event[name]
    except (KeyError, TypeError):
        return None
