"""How a dataflow has wired this node, and what would be lost: dora drops the oldest of a burst unless it is told."""

from collections.abc import Iterator, Mapping
from typing import Any

from dora_primespeech_mlx.node.receiver import INPUTS, TEXT, input_named

AUDIO = "audio"
QUEUE_SIZE = 10
"""Messages that an input of dora holds where the dataflow does not say."""
TIMER = "dora/"
"""What the sources begin with that dora itself sends."""


def losses(node: Any, is_bounded: bool, has_policies: bool) -> Iterator[str]:
    """A sentence for each wire on which something would be lost, with the line to write instead.

    Args:
        node: of dora; older ones do not know their wires.
        is_bounded: whether audio runs ahead of its playing only so far that a player's queue can hold it.
        has_policies: whether this dora knows `queue_policy`.
    """
    config = node.node_config() if hasattr(node, "node_config") else {}
    inputs = config.get("inputs")
    if not isinstance(inputs, Mapping):
        return
    if AUDIO not in (config.get("outputs") or ()):
        yield "the output audio is not declared, so nothing will be heard: add audio to the outputs"
    unread = {name: wire for name, wire in inputs.items() if input_named(name) is None}
    texts = [name for name in inputs if input_named(name) == TEXT]
    if not texts:
        meant, wire = next(iter(unread.items()), (None, "SENDER/OUTPUT"))
        instead = "" if meant is None else f" in place of {meant}"
        yield f"there is no input text, so nothing will be spoken: write text: {_source(wire)}{instead} under inputs"
    elif unread:
        names = ", ".join(unread)
        yield f"nothing reads {names}: rename such inputs to one of {', '.join(INPUTS)}, or take them out"
    if not has_policies:
        return
    for name in texts:
        yield from _dropping(f"the input {name}", name, inputs[name])
    if is_bounded or not hasattr(node, "dataflow_descriptor"):
        return
    nodes = node.dataflow_descriptor().get("nodes") or []
    sounds = {f"{each['id']}/{AUDIO}" for each in nodes if each.get("inputs") == inputs}
    for each in nodes:
        for name, wire in (each.get("inputs") or {}).items():
            if _source(wire) in sounds:
                yield from _dropping(f"the input {name} of {each['id']}", name, wire)


def _source(wire: Any) -> str:
    return str(wire.get("source", "")) if isinstance(wire, Mapping) else str(wire)


def _dropping(what: str, name: str, wire: Any) -> Iterator[str]:
    """The sentence for a wire that drops messages; none for one that does not, or that dora's timer feeds."""
    given = wire if isinstance(wire, Mapping) else {}
    if given.get("queue_policy") == "backpressure" or _source(wire).startswith(TIMER):
        return
    yield (
        f"{what} holds {given.get('queue_size') or QUEUE_SIZE} messages, and dora drops the oldest when more come: "
        f"write {name}: {{source: {_source(wire)}, queue_size: 1000, queue_policy: backpressure}}"
    )
