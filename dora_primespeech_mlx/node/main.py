"""The dora node: how its process starts, connects and ends.

The engine is loaded and warm before the node connects, so that dora's ready barrier holds all texts back until it is.
This thread receives, so that a cancel is seen at once; one other thread speaks. What was received is spoken to its end
when the senders have gone.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import dora
import numpy as np

from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.names.paths import is_folder
from dora_primespeech_mlx.names.values import Folders
from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.messages import Metadata, clean
from dora_primespeech_mlx.node.outputs import READY
from dora_primespeech_mlx.node.payloads import to_arrow
from dora_primespeech_mlx.node.receiver import Receiver
from dora_primespeech_mlx.node.turns import TakingTurns, has_queue_policies, must_take_turns
from dora_primespeech_mlx.node.wiring import losses
from dora_primespeech_mlx.node.worker import Worker
from dora_primespeech_mlx.settings import Settings, ignored_variables

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine

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
    except (ValueError, OSError, ImportError, MemoryError) as error:
        raise SystemExit(f"dora-primespeech-mlx: {sentence(error)}") from error


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
        data = to_arrow(payload, self._format)
        try:
            self._node.send_output(output_id, data, clean(metadata))
        except RuntimeError as error:
            logger.error("a message of the output %s could not be sent: %s", output_id, error)
