"""The dora node: events in, events out. The only module that knows dora and Arrow.

The engine is loaded and warm before the node connects, so that dora's ready barrier holds all texts back until it is.
This thread receives, so that a cancel is seen at once; one other thread speaks. What was received is spoken to its end
when the senders have gone.
"""

import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import dora
import numpy as np
import pyarrow as pa

from dora_primespeech_mlx.files.sounds import pcm16
from dora_primespeech_mlx.names.paths import in_words, is_folder
from dora_primespeech_mlx.names.synonyms import command_named
from dora_primespeech_mlx.names.values import Folders
from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.messages import (
    Command,
    Metadata,
    clean,
    encodable,
    handed_on,
    has_flag,
    is_true,
    parse_control,
    parse_text,
    said_in,
    stream_key,
)
from dora_primespeech_mlx.node.outputs import READY
from dora_primespeech_mlx.node.turns import TakingTurns, has_queue_policies, must_take_turns
from dora_primespeech_mlx.node.wiring import INPUTS, TEXT, losses
from dora_primespeech_mlx.node.worker import Worker, sentence
from dora_primespeech_mlx.settings import Settings, ignored_variables

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine

COMMAND_INPUTS = ("reset", "stop", "cancel")
"""Commands that are given by every message of an input of their name, or of another name for them."""

logger = logging.getLogger(__name__)


def main() -> None:
    """Console script: settings from the environment, the engine of this package, a node of the running dataflow."""
    from dora_primespeech_mlx.engine import Engine

    # Warnings are in dora's log of this node too, whether anything is wired to the log output or not.
    said = logging.StreamHandler()
    said.setLevel(logging.WARNING)
    said.setFormatter(logging.Formatter("dora-primespeech-mlx: %(message)s"))
    logging.getLogger("dora_primespeech_mlx").addHandler(said)
    try:
        settings = Settings.from_env()
        run(open_node, lambda chosen: Engine.from_config(chosen.voices, chosen), settings, ignored_variables())
    except (ValueError, OSError, ImportError) as error:
        raise SystemExit(f"dora-primespeech-mlx: {in_words(error) if isinstance(error, OSError) else error}") from error


def open_node() -> Any:
    """The node that this process is in the running dataflow; ConnectionError says why it is none."""
    try:
        node = dora.Node()
    except RuntimeError as error:
        raise ConnectionError(not_connected(str(error))) from None
    return TakingTurns(node) if must_take_turns(version("dora-rs")) else node


def not_connected(report: str) -> str:
    """A sentence of what dora reports when it does not let a node in: the innermost of its causes."""
    if "DORA_NODE_CONFIG" in report:
        return (
            "this is a node, and it was not started by dora: name it in a dataflow (path: dora-primespeech-mlx) and "
            "run that with dora run; or speak without dora, with primespeech say TEXT"
        )
    causes = filter(str.strip, report.partition("Caused by:")[2].partition("Location:")[0].splitlines())
    stated = [re.sub(r"^\d+: ", "", cause.strip()) for cause in causes] or report.splitlines()[:1]
    return f"dora does not let this node into the dataflow: {stated[-1] if stated else 'it does not say why'}"


def end_process(error: BaseException) -> None:
    """Ends the process at once with the error as a sentence: the thread that receives waits inside dora, untold."""
    print(f"dora-primespeech-mlx: {sentence(error)}", file=sys.stderr, flush=True)
    os._exit(1)


def run(
    connect: Callable[[], Any],
    make_engine: "Callable[[Settings], Engine]",
    settings: Settings,
    ignored: Mapping[str, str] | None = None,
    give_up: Callable[[BaseException], None] = end_process,
) -> None:
    """Load the engine, connect, and serve until the event stream ends and everything received is spoken.

    Args:
        connect: makes the node.
        make_engine: makes the engine, on the thread that will own it.
        settings: of the node.
        ignored: environment names that are set and have no effect, with the reason; said on the `log` output.
        give_up: called with what ended the thread that speaks, while this one waits for messages.

    Raises:
        BaseException: what `make_engine` raises, or what ended the thread that speaks.
    """
    desk = Desk(settings)
    warnings = LogOutput(desk)
    logging.getLogger("dora_primespeech_mlx").addHandler(warnings)
    try:
        worker = Worker(make_engine, desk, give_up)
        worker.start()
        node = connect()
        _greet(node, desk, ignored or {})
        warnings.flow()
        Receiver(desk, worker.voice_names).serve(node)
        worker.join()
    finally:
        logging.getLogger("dora_primespeech_mlx").removeHandler(warnings)


def _greet(node: Any, desk: Desk, ignored: Mapping[str, str]) -> None:
    """Connects the desk to the node, and says that it is ready."""
    settings = desk.settings
    desk.output = Sender(node, settings.audio_format)
    for name, reason in ignored.items():
        desk.log("WARNING", f"{name} has no effect here: {reason}")
    for loss in losses(node, settings.max_ahead is not None, has_queue_policies(version("dora-rs"))):
        desk.log("WARNING", loss)
    for folder in settings.voice_dirs:
        if not is_folder(folder):
            desk.log("WARNING", f"VOICE_DIRS has {folder}, which is not there; it must be {Folders().allowed}")
    restarts = node.restart_count() if hasattr(node, "restart_count") else 0
    desk.status(READY, {"restart_count": restarts, "sample_rate": settings.sample_rate})
    if restarts:
        desk.log("WARNING", f"restarted {restarts} times; texts without a segment_complete are lost, send them again")


class LogOutput(logging.Handler):
    """Says on the `log` output what other modules of this package warn of; the desk's own lines are there already.

    Warnings that come before `flow`, while there is no output yet, are kept until then.
    """

    def __init__(self, desk: Desk):
        super().__init__(logging.WARNING)
        self._desk = desk
        self._kept: list[logging.LogRecord] | None = []
        self.addFilter(lambda record: record.name not in (logger.name, Desk.__module__))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        if self._kept is not None:
            self._kept.append(record)
            return
        self._desk.tell("ERROR" if record.levelno >= logging.ERROR else "WARNING", record.getMessage())

    def flow(self) -> None:
        """There is an output now."""
        kept, self._kept = self._kept or [], None
        for record in kept:
            self.emit(record)


class Sender:
    """Payloads -> Arrow, in the audio format that is set; outputs that the dataflow does not declare are left out."""

    def __init__(self, node: Any, audio_format: str):
        self._node = node
        self._format = audio_format
        declared = node.node_config().get("outputs") if hasattr(node, "node_config") else None
        self._declared = None if declared is None else set(declared)

    def __call__(self, output_id: str, payload: str | np.ndarray, metadata: Metadata) -> None:
        """Send; what cannot be sent because the dataflow is gone is logged."""
        if self._declared is not None and output_id not in self._declared:
            return
        data = pa.array([encodable(payload)]) if isinstance(payload, str) else to_arrow(payload, self._format)
        try:
            self._node.send_output(output_id, data, clean(metadata))
        except RuntimeError as error:
            logger.error("a message of the output %s could not be sent: %s", output_id, error)


def to_arrow(samples: np.ndarray, audio_format: str) -> pa.Array:
    """Samples float32 [n] -> float32 [n] ("flat"), list of float32 [1] ("list") or int16 [n] ("int16")."""
    if audio_format == "list":
        return pa.array([samples], type=pa.list_(pa.float32()))
    return pa.array(pcm16(samples) if audio_format == "int16" else samples)


def to_text(value: Any) -> str:
    """The text in a payload: strings, bytes, or one number. ValueError for anything that is no text."""
    if value is None:
        return ""
    kind = getattr(value, "type", None)
    if kind is not None and (pa.types.is_uint8(kind) or pa.types.is_int8(kind)) and len(value) > 1:
        return bytes(item or 0 for item in value.cast(pa.uint8(), safe=False).to_pylist()).decode("utf-8", "replace")
    if kind is not None and len(value) > 1 and pa.types.is_primitive(kind):
        raise ValueError(f"a text was expected, and {kind} [{len(value)}] came; send one string")
    items = items_of(value)
    return "\n".join(_item_text(item, len(items) == 1) for item in items)


def items_of(value: Any) -> list[Any]:
    """The items of a payload as Python has them; ValueError for those that it has not, as times beyond its years."""
    try:
        return value.to_pylist()
    except Exception as error:
        raise ValueError(f"{value.type} that cannot be read came: {error}; send one string") from error


def _item_text(item: Any, is_alone: bool) -> str:
    """The text of one item of a payload; an object that `is_alone` stays one, since more than its prompt is read."""
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    if isinstance(item, list) and item and all(isinstance(part, tuple) for part in item):  # a map of Arrow
        item = dict(item)
    if isinstance(item, list) and item and all(isinstance(part, str | dict | None) for part in item):
        return "\n".join(_item_text(part, len(item) == 1) for part in item)
    if isinstance(item, dict) and not is_alone:
        return said_in(item)
    if isinstance(item, str):
        return item
    return "" if item is None else json.dumps(item, ensure_ascii=False, default=str)


@dataclass
class Receiver:
    """Reads the events of a node and tells the desk."""

    desk: Desk
    voice_names: list[str]
    _told: set[str] = field(default_factory=set)
    """Inputs of which was said that nothing reads them."""

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
        if name.startswith(TEXT):
            self._text(name, value, metadata)
        elif name == "control" or command_named(name) in COMMAND_INPUTS:
            self._control(name, value, metadata)
        elif name == "buffer_status":
            self._buffer_status(value, metadata)
        elif name == "played":
            self._played(value, metadata)
        elif name == "tick":
            self.desk.alive()
        elif name not in self._told:
            self._told.add(name)
            self.desk.log("WARNING", f"input {name!r} is not known; known are {', '.join(INPUTS)}")

    def _text(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        try:
            request = parse_text(to_text(value))
        except Exception as error:  # noqa: BLE001 - whatever a text is, it is answered
            self.desk.fail(str(error), dict(metadata))
            return
        for note in request.notes:
            self.desk.log("WARNING", note, handed_on(metadata))
        key = stream_key(name, metadata)
        if request.command is not None:
            self._obey(request.command, metadata)
            self.desk.skip(dict(metadata))
        elif self._is_piece(key, metadata):
            self.desk.piece(key, request, dict(metadata))
        else:
            self.desk.say(request, dict(metadata))

    def _is_piece(self, key: tuple[str, ...], metadata: Mapping[str, Any]) -> bool:
        mode = self.desk.settings.text_mode
        return mode == "partial" or (mode == "auto" and (has_flag(metadata, "fin") or self.desk.is_open(key)))

    def _control(self, name: str, value: Any, metadata: Mapping[str, Any]) -> None:
        try:
            named = command_named(name)
            command = Command(named) if named in COMMAND_INPUTS else parse_control(to_text(value))
        except Exception as error:  # noqa: BLE001 - whatever a command is, it is answered
            self.desk.log("WARNING", str(error), handed_on(metadata))
            self.desk.status(f"error: {error}", handed_on(metadata))
        else:
            self._obey(command, metadata)

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
            self.desk.log("WARNING", str(error), handed_on(metadata))
            self.desk.status(f"error: {error}", handed_on(metadata))
        else:
            self._answer("set", {name: value}, metadata)

    def _answer(self, command: str, content: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        text = json.dumps({"command": command, **content}, ensure_ascii=False, default=str)
        self.desk.status(text, handed_on(metadata))
        self.desk.log("INFO", text, handed_on(metadata))

    def _buffer_status(self, value: Any, metadata: Mapping[str, Any]) -> None:
        percent = _number(value)
        if math.isfinite(percent):
            self.desk.buffered(percent, _session(metadata))
        else:
            self.desk.log("WARNING", "buffer_status must be one number, the player's buffer in percent")

    def _played(self, value: Any, metadata: Mapping[str, Any]) -> None:
        seconds = _number(value)
        if math.isfinite(seconds) and seconds >= 0.0:
            self.desk.played(seconds, _session(metadata), metadata.get("segment_id"))
        else:
            self.desk.log("WARNING", "played must be one number, the seconds of a text that its player has played")


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


if __name__ == "__main__":
    main()
