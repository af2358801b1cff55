"""Nodes that put the one that speaks to the test, chosen by the first argument; what they need comes as arguments."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import dora
import fuzz
import pyarrow as pa


def rubbish(count: str) -> None:
    """Sends random messages to both inputs; without `flush`, which makes dora drop the texts that wait before it."""
    chance = random.Random(1)
    node = dora.Node()
    for number in range(int(count)):
        metadata = fuzz.metadata(chance) | {"segment_id": number}
        metadata.pop("flush", None)
        node.send_output("text", fuzz.payload(chance), metadata)
        if chance.random() < 0.2:
            node.send_output("control", pa.array([chance.choice(fuzz.COMMANDS)]), {})
        time.sleep(0.0005)


def interrupt(count: str, longest: str) -> None:
    """Sends a long text, and interrupts it after at most `longest` seconds; so many times."""
    chance = random.Random(2)
    node = dora.Node()
    for number in range(int(count)):
        node.send_output("text", pa.array(["Long."]), {"segment_id": number, "question_id": number})
        time.sleep(chance.uniform(0.0, float(longest)))
        node.send_output("control", pa.array([chance.choice(["reset", "stop", "cancel"])]), {"number": number})
        time.sleep(0.002)


def kill(pid_file: str) -> None:
    """Kills the node in its second text, and sends again what was not completed when dora says it is back."""
    node = dora.Node()
    open_texts = {}
    completed: list[int] = []

    def send(number: int, text: str) -> None:
        open_texts[number] = text
        node.send_output("text", pa.array([text]), {"segment_id": number})

    send(1, "First.")
    while len(completed) < 3 and (event := node.next()) is not None:
        if event["type"] == "NODE_RESTARTED" or (event["type"] == "INPUT" and event["id"] == "status"):
            if event["type"] == "INPUT" and event["metadata"].get("restart_count", 0) > 0:
                print("lost", sorted(open_texts), flush=True)
                for number, text in list(open_texts.items()):
                    send(number, text)
        elif event["type"] == "INPUT" and event["id"] == "segment_complete":
            number = event["metadata"]["segment_id"]
            completed.append(number)
            del open_texts[number]
            if completed == [1]:
                send(2, "Second.")
                time.sleep(0.1)
                os.kill(int(Path(pid_file).read_text()), signal.SIGKILL)
            elif completed == [1, 2]:
                send(3, "Third.")
    print("completed", completed, flush=True)


def stream(texts: str) -> None:
    """Sends the texts of a file, [{"voice": NAME, "pieces": [...]}], piece by piece, each when the last is done."""
    node = dora.Node()
    for number, text in enumerate(json.loads(Path(texts).read_text(encoding="utf-8"))):
        for at, piece in enumerate(text["pieces"], 1):
            metadata = {"segment_id": number, "voice": text["voice"], "fin": at == len(text["pieces"])}
            node.send_output("text", pa.array([piece]), metadata)
        while (event := node.next()) is not None:
            if event["type"] == "INPUT" and event["id"] == "segment_complete":
                break


{"rubbish": rubbish, "interrupt": interrupt, "kill": kill, "stream": stream}[sys.argv[1]](*sys.argv[2:])
