"""Random messages, sensible and not, for the inputs of the node."""

import json
import random
from typing import Any

import pyarrow as pa

WORDS = [
    "hello",
    "你好",
    "42",
    "null",
    "。",
    "!",
    "...",
    "explode",
    "\U0001f600",
    "\x00",
    "VOICE:",
    "|",
    '"',
    "{",
    "}",
    "\n",
]
COMMANDS = [
    "reset", "stop", "cancel", "stats", "list_voices", "change_voice:Bo", "change_voice:Nobody", "set speed 1.2",
    "set seed x", "speed=9", "dance", "", "{}", '{"command": "cancel"}', '{"set": {"top_k": 4}}', '{"command": 5}',
    '{"command": "reset", "question_id": 3}', "[" * 2000, "set", "change_voice:", "set top_p", "\x00",
]  # fmt: skip


def text(chance: random.Random) -> str:
    """Something between a sentence and rubbish."""
    return " ".join(chance.choices(WORDS, k=chance.randint(0, 12)))


def scalar(chance: random.Random) -> Any:
    return chance.choice(
        [None, True, 1, -1, 0.5, 1e308, 10**30, "", "1.5", "nan", "x", [], [1], {}, {"a": 1}, text(chance)]
    )


def wrapped(chance: random.Random, depth: int = 0) -> Any:
    """A JSON object that may hold a prompt."""
    keys = ["prompt", "text", "speed", "pitch", "volume", "voice", "language", "seed", "command", "action", "x"]
    content = {key: scalar(chance) for key in chance.sample(keys, chance.randint(0, 5))}
    if chance.random() < 0.6:
        inner: Any = text(chance)
        if depth < 7 and chance.random() < 0.4:
            inner = wrapped(chance, depth + 1)
            inner = inner if chance.random() < 0.5 else json.dumps(inner)
        content["prompt"] = inner
    return content


def prefixed(chance: random.Random) -> str:
    name = chance.choice(["Ada", "Bo", "Nobody", "CUSTOM", "TRAINED", "", "cus\x00tom"])
    return f"VOICE:{name}|" + "|".join(text(chance) for _ in range(chance.randint(0, 7)))


def payload(chance: random.Random) -> pa.Array:
    """An Arrow array of almost any kind."""
    kind = chance.random()
    if kind < 0.3:
        return pa.array([text(chance)])
    if kind < 0.5:
        return pa.array([json.dumps(wrapped(chance))])
    if kind < 0.6:
        return pa.array([json.dumps(wrapped(chance))[: chance.randint(0, 40)]])
    if kind < 0.75:
        return pa.array([prefixed(chance)])
    return chance.choice(
        [
            pa.array([], type=pa.string()),
            pa.array([None], type=pa.string()),
            pa.array([None, None]),
            pa.array(["a", "b"]),
            pa.array([42]),
            pa.array([1.5, 2.5]),
            pa.array([True]),
            pa.array([b"\xff\xfe", b"x"]),
            pa.array(list(b"raw bytes \xf0"), type=pa.uint8()),
            pa.array([[1, 2], []]),
            pa.array([{"prompt": "x"}]),
            pa.array(["large"], type=pa.large_string()),
            pa.array(["x" * 20_000]),
            pa.array(["a", "b", "a"]).dictionary_encode(),
            pa.array([], type=pa.float32()),
        ]
    )


def metadata(chance: random.Random) -> dict[str, Any]:
    """Metadata as upstream nodes send it, right or wrong; without `fin`, so that each message is a text."""
    values: list[Any] = ["q1", 3, "", "ended", "started", 0.5, True, [1, 2], "\U0001f600"]
    names = ["question_id", "session_id", "session_status", "segment_index", "request_id", "speaker", "other"]
    chosen = {name: chance.choice(values) for name in chance.sample(names, chance.randint(0, 4))}
    return chosen | ({"flush": chance.choice([True, "true", 1])} if chance.random() < 0.02 else {})
