"""Stand-ins for dora-microphone, dora-vad and dora-distil-whisper: their inputs, outputs and payloads, without sound.

The first argument says which. The microphone "hears" the two lines of QUESTIONS, the second one as soon as `audio` of
the answer to the first comes; a sample is 0 in silence, and the number of the line, from 1, while somebody speaks.
"""

import os
import sys
import time

import dora
import numpy as np
import pyarrow as pa

BLOCK = 1600


def microphone() -> None:
    """Float32 blocks of a tenth of a second, without metadata, until two texts were completed."""
    node = dora.Node()
    plan = [0] * 2 + [1] * 4 + [0] * 3
    heard: list[str] = []
    while heard.count("segment_complete") < 2:
        while (event := node.try_recv()) is not None:
            if event["type"] == "INPUT" and event["id"] == "audio" and "audio" not in heard:
                plan.extend([2] * 4 + [0] * 3)
            heard.append(event["id"] if event["type"] == "INPUT" else "")
        node.send_output("audio", pa.array(np.full(BLOCK, plan.pop(0) if plan else 0, np.float32)))
        time.sleep(0.02)


def vad() -> None:
    """`timestamp_start` with each block of speech; after two blocks of silence the `audio` and `timestamp_end`."""
    node, speech, silence = dora.Node(), [], 0
    while (event := node.next()) is not None:
        if event["type"] != "INPUT":
            continue
        audio = event["value"].to_numpy()
        silence = 0 if audio.any() else silence + 1
        if audio.any():
            speech.append(audio)
            node.send_output("timestamp_start", pa.array([0]))
        elif speech and silence == 2:
            node.send_output("audio", pa.array(np.concatenate(speech)), metadata={"sample_rate": 16000})
            node.send_output("timestamp_end", pa.array([BLOCK * len(speech)]))
            speech = []


def whisper() -> None:
    """The line that was spoken, on `text` and `speech_started`."""
    questions = os.environ["QUESTIONS"].split("|")
    node = dora.Node()
    while (event := node.next()) is not None:
        if event["type"] == "INPUT":
            text = questions[int(event["value"].to_numpy()[0]) - 1]
            node.send_output("text", pa.array([text]), {"language": "english", "primitive": "text"})
            node.send_output("speech_started", pa.array([text]))


{"dora-microphone": microphone, "dora-vad": vad, "dora-distil-whisper": whisper}[sys.argv[1]]()
