"""A language model that answers in pieces as it writes: a server that speaks OpenAI's protocol, or a script.

Environment: LLM_URL, such as http://localhost:8080/v1 (llama.cpp, Ollama, vLLM or OpenAI itself), with LLM_MODEL,
LLM_KEY and LLM_PROMPT; without LLM_URL the lines of LLM_SCRIPT are the answers, at LLM_RATE words a second. Inputs:
`question`, and `control`, which ends the answer being written. Output: `text`, pieces with `fin`; the last is empty.
"""

import itertools
import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import dora
import pyarrow as pa
from variables import variable

from dora_primespeech_mlx.files.texts import read_text
from dora_primespeech_mlx.names.values import Name, Number
from dora_primespeech_mlx.node.payloads import settled, to_text

TIMEOUT = 60.0
REMEMBERED = 41
"""Questions and answers that a model is told, a question first and last: a talk may be longer than it can read."""


def scripted(question: str, answers: Iterator[str], rate: float) -> Iterator[str]:
    """The next line of the script, word by word."""
    for word in re.findall(r"\S+\s*|\s+", next(answers)):
        time.sleep(1.0 / rate)
        yield word


def served(question: str, url: str, history: list[dict[str, str]]) -> Iterator[str]:
    """A server's answer as it comes; `history` is the conversation so far, which grows but for what is long ago.

    The question is in it when this returns, so that one asked afterwards stands behind it.
    """
    history.append({"role": "user", "content": question})
    del history[int(history[0]["role"] == "system") : -REMEMBERED]
    asked = json.dumps({"model": os.environ.get("LLM_MODEL", ""), "messages": history, "stream": True}).encode()
    answer = {"role": "assistant", "content": ""}
    history.append(answer)
    return _answered(url, asked, answer)


def _answered(url: str, asked: bytes, answer: dict[str, str]) -> Iterator[str]:
    """The pieces of the answer to a request, which also come to stand in `answer`."""
    request = urllib.request.Request(
        url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions",
        asked,
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('LLM_KEY', '')}"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        for line in response:
            data = line.decode("utf-8", "replace").strip().removeprefix("data:").strip()
            if not data.startswith("{"):
                continue
            said = json.loads(data)
            if "error" in said:
                raise ValueError(f"it says {said['error']}")
            for choice in said.get("choices") or []:
                piece = (choice.get("delta") or {}).get("content") or ""
                answer["content"] += piece
                yield piece


class Answer:
    """An answer on its way to `node`. Its last piece is sent once, by whoever ends it first: its writer or `end`."""

    def __init__(self, node: dora.Node, question_id: str):
        self._node, self._question_id = node, question_id
        self._sending = threading.Lock()
        self.over = False

    def add(self, piece: str) -> None:
        """Send the next piece; nothing, if the answer is over."""
        self._send(piece, False)

    def end(self) -> None:
        """Send the last piece, which is empty."""
        self._send("", True)

    def _send(self, piece: str, last: bool) -> None:
        with self._sending:
            if not self.over:
                self.over = last
                metadata = {"question_id": self._question_id, "fin": last}
                self._node.send_output("text", pa.array([piece]), metadata)


class Writer:
    """Writes one answer at a time, each on a thread of its own, so that it can be interrupted.

    Nobody waits for the thread of an answer that was given up: it may read of a server that says nothing for a while.
    """

    def __init__(self, node: dora.Node):
        self._node = node
        self._answer: Answer | None = None
        self._history = [{"role": "system", "content": os.environ["LLM_PROMPT"]}] if "LLM_PROMPT" in os.environ else []
        self._url, self._rate = variable("LLM_URL", Name(), ""), variable("LLM_RATE", Number(0.1, 1000.0), "20")
        if self._url and not self._url.startswith(("http://", "https://")):
            raise SystemExit(f"LLM_URL={self._url!r} is no address of a server; write it as http://localhost:8080/v1")
        self._answers = itertools.cycle([] if self._url else _script())

    def write(self, question: str, question_id: str) -> None:
        """Begin an answer."""
        self.give_up()
        self._answer = Answer(self._node, question_id)
        if self._url:
            pieces = served(question, self._url, self._history)
        else:
            pieces = scripted(question, self._answers, self._rate)
        threading.Thread(target=self._write, args=(pieces, self._answer), daemon=True).start()

    def give_up(self) -> None:
        """End the answer being written."""
        if self._answer is not None:
            self._answer.end()

    def _write(self, pieces: Iterator[str], answer: Answer) -> None:
        try:
            for piece in pieces:
                if answer.over:
                    return
                if piece:
                    answer.add(piece)
        except (OSError, ValueError, HTTPException) as error:
            if not answer.over:
                print(f"the language model at {self._url} does not answer: {error}", flush=True)
        answer.end()


def _script() -> list[str]:
    """The lines of LLM_SCRIPT; SystemExit where there are none."""
    script = Path(variable("LLM_SCRIPT", Name(), "chat.txt"))
    if not script.is_file():
        raise SystemExit(f"the script {script.resolve()} is not there; set LLM_SCRIPT to one that is, or LLM_URL")
    try:
        lines = [line for line in read_text(script).splitlines() if line.strip()]
    except ValueError as error:
        raise SystemExit(str(error)) from error
    if not lines:
        raise SystemExit(f"the script {script.resolve()} has no line; write an answer a line, or set LLM_URL")
    return lines


def question_in(value: pa.Array | None) -> str:
    """What a message asks; "" for nothing, as speech recognition sends of silence, and for what is no text."""
    try:
        return settled(to_text(value)).strip()
    except ValueError as error:
        print(f"a question is left out: {error}", flush=True)
        return ""


def main() -> None:
    """Answer questions until nobody can ask any more."""
    node = dora.Node()
    writer = Writer(node)
    asked = 0
    while (event := node.next()) is not None:
        if event["type"] == "INPUT" and event["id"] == "question":
            if question := question_in(event["value"]):
                asked += 1
                writer.write(question, event["metadata"].get("question_id", f"q{asked}"))
        elif event["type"] == "INPUT" and event["id"] == "control":
            writer.give_up()
    writer.give_up()


if __name__ == "__main__":
    main()
