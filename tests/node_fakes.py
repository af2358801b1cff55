"""An engine that computes nothing, and a node without dora, for tests of the node's manners."""

import queue
import re
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dora_primespeech_mlx.node.outputs import names_on
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk, Manner, Wishes

RATE = 32000
SENTENCE = re.compile(r"[^.!?。！？]*[.!?。！？]+\s*")


class FakeEngine:
    """The interface of `Engine`, emitting `chunks` sine chunks of `chunk_seconds` for each sentence.

    `delay` seconds of computing for each chunk; a text with "explode" raises; known voices are Ada and Bo.
    """

    voice_names = ("Ada", "Bo")
    threads = 1

    def __init__(self, chunks: int = 3, chunk_seconds: float = 0.1, delay: float = 0.0, said: Wishes | None = None):
        self.chunks, self.chunk_seconds, self.delay, self.said = chunks, chunk_seconds, delay, said or {}
        self.thread = threading.get_ident()
        self.warm = False
        self.calls: list[dict] = []

    def warm_up(self) -> None:
        assert threading.get_ident() == self.thread
        self.warm = True

    def load_voice(self, name=None):
        if name is not None and name not in self.voice_names:
            raise ValueError(f"voice {name!r} is not known; known are {', '.join(self.voice_names)}")

    def settle(self, wishes: Wishes, voice=None) -> Manner:
        self.load_voice(wishes.get("voice"))
        return Manner.settled(wishes, self.said)

    def speak(
        self, text: str | Iterable[str | None], manner: Manner, voice=None, schedule=None, cancelled=None
    ) -> Generator[AudioChunk | None, None, None]:
        assert threading.get_ident() == self.thread
        self.calls.append({"text": text, "manner": manner})
        return self._units(text, cancelled)

    def _units(self, text, cancelled) -> Generator[AudioChunk | None, None, None]:
        index = number = 0
        for found in split([text] if isinstance(text, str) else text):
            if found is None:
                yield None
                continue
            sentence, start = found
            if "explode" in sentence:
                raise RuntimeError("the engine exploded")
            for count in range(self.chunks):
                if cancelled is not None and cancelled():
                    return
                time.sleep(self.delay)
                final = isinstance(text, str) and start + len(sentence) == len(text) and count == self.chunks - 1
                yield AudioChunk(
                    self._sine(index), RATE, index, final, number, count == self.chunks - 1,
                    sentence, start, start + len(sentence), model="Sine",
                )  # fmt: skip
                index += 1
            number += 1

    def _sine(self, index: int) -> np.ndarray:
        count = round(self.chunk_seconds * RATE)
        return (0.4 * np.sin(2 * np.pi * 440.0 * (index * count + np.arange(count)) / RATE)).astype(np.float32)


def split(texts: Iterable[str | None]) -> Iterator[tuple[str, int] | None]:
    """Speakable sentences with where they start, as soon as they are complete; None where nothing has come."""
    rest, start = "", 0
    for text in texts:
        if text is None:
            yield None
            continue
        rest += text
        while match := SENTENCE.match(rest):
            if any(character.isalnum() for character in match[0]):
                yield match[0], start
            rest, start = rest[match.end() :], start + match.end()
    if any(character.isalnum() for character in rest):
        yield rest, start


@dataclass
class Sent:
    output: str
    value: object
    metadata: dict
    at: float


@dataclass
class FakeNode:
    """Events in by `give`, what was sent in `sent`; metadata are checked as dora would take them."""

    events: queue.Queue = field(default_factory=queue.Queue)
    sent: list[Sent] = field(default_factory=list)
    outputs: tuple[str, ...] = ("audio", "segment_complete", "status", "log", "metrics")
    news: threading.Condition = field(default_factory=threading.Condition)

    def next(self):
        return self.events.get()

    def node_config(self):
        return {"inputs": [], "outputs": list(self.outputs)}

    def send_output(self, output_id, data, metadata):
        assert isinstance(data, pa.Array)
        assert set(metadata) <= names_on(output_id) | {"room"}, f"{set(metadata)} on {output_id}"
        for name, value in metadata.items():
            assert type(name) is str
            assert type(value) in (bool, int, float, str, list), (name, value)
        with self.news:
            self.sent.append(Sent(output_id, data, dict(metadata), time.monotonic()))
            self.news.notify_all()

    def give(self, input_id: str, value, **metadata) -> None:
        value = value if value is None or isinstance(value, pa.Array) else pa.array([value])
        self.events.put({"type": "INPUT", "id": input_id, "value": value, "metadata": metadata})

    def event(self, kind: str, name: str = "", value=None) -> None:
        self.events.put({"type": kind, "id": name, "value": value})

    def end(self) -> None:
        self.events.put(None)

    def of(self, output: str) -> list[Sent]:
        with self.news:
            return [sent for sent in self.sent if sent.output == output]

    def wait(self, output: str, count: int = 1, timeout: float = 20.0) -> list[Sent]:
        """The messages of an output, once there are so many."""
        with self.news:
            ready = self.news.wait_for(lambda: sum(sent.output == output for sent in self.sent) >= count, timeout)
        assert ready, f"{len(self.of(output))} of {count} messages on {output}"
        return self.of(output)

    def outcomes(self) -> list[str]:
        return [sent.value[0].as_py() for sent in self.of("segment_complete")]


@dataclass
class Running:
    node: FakeNode
    engine: FakeEngine
    thread: threading.Thread
    errors: list[BaseException]

    def finish(self) -> list[Sent]:
        """No message follows; everything sent, once the node has ended."""
        self.node.end()
        self.thread.join(30.0)
        assert not self.thread.is_alive()
        return self.node.sent


def start(settings: Settings | None = None, build=FakeEngine, **engine_options) -> Running:
    """A node that runs on a thread, with the engine that `build` makes."""
    from dora_primespeech_mlx.node.main import run

    node, engines = FakeNode(), []

    def make_engine(_: Settings):
        engines.append(build(**engine_options))
        return engines[0]

    errors: list[BaseException] = []

    def serve():
        try:
            run(lambda: node, make_engine, settings or Settings(max_ahead=None), give_up=lambda error: node.end())
        except BaseException as error:  # noqa: BLE001 - it is handed to the test
            errors.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    node.wait("status", timeout=60.0)
    return Running(node, engines[0], thread, errors)
