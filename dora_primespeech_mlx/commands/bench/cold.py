"""One new process that loads a voice and speaks; `speech.starts` runs it and reads the JSON it prints.

python -m dora_primespeech_mlx.commands.bench.cold VOICES RUNTIME PRECISION THREADS random|shipped BEGAN
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

SENTENCE = "Hello there, it is a fine day to go out for a walk."
MORE = 4


def main(arguments: Sequence[str]) -> None:
    """Prints seconds since `BEGAN` (of `time.time`) and resident megabytes at each stage."""
    voices, runtime, precision, threads, kind, began = arguments
    from dora_primespeech_mlx.commands.bench.machine import resident_megabytes
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.settings import Settings

    seconds: dict[str, float] = {}
    megabytes: dict[str, float] = {}

    def stamp(stage: str) -> None:
        seconds[stage], megabytes[stage] = time.time() - float(began), resident_megabytes()

    stamp("imported")
    settings = Settings(voices=Path(voices), runtime=runtime, precision=precision, threads=int(threads) or None, seed=0)
    engine = Engine.from_config(voices, settings)
    voice = engine.load_voice()
    if kind == "random":
        from dora_primespeech_mlx.commands.bench.workshop import Paced  # its imports are not part of a start

        voice = replace(voice, t2s=Paced(voice.t2s, len(voice.prompt_ids)))
    stamp("loaded")
    for number, _ in enumerate(engine.stream(SENTENCE, voice=voice, language="en")):
        if number == 0:
            stamp("first audio")
    for _ in range(MORE):
        for _ in engine.stream(SENTENCE, voice=voice, language="en"):
            pass
    stamp("after 5 sentences")
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main(sys.argv[1:])
