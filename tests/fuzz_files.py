"""Damages checkpoints and lists of voices at random: each loads or is refused with a sentence, soon, in little memory.

`python tests/fuzz_files.py checkpoints 2000` and `python tests/fuzz_files.py voices 2000`; test_fuzz_files runs a few.
"""

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weight_files import content_of, save, save_legacy

from dora_primespeech_mlx.voices.book import list_voices, read_voices
from dora_primespeech_mlx.weights.official import read_sovits, read_t2s

GOLDEN = Path(__file__).parent / "data" / "golden"
SECONDS, MEGABYTES = 2.0, 500
ODD: list[Any] = [
    None, True, 0, -1, 1e308, float("nan"), 10**400, 2**63, "", " ", "\0", "\ud800", "../..", "x" * 5000, [], [[]], {},
    {"a": 1}, "C:\\x", "file:///x", "~", "$HOME", "ja", "\u202e",
]  # fmt: skip
VOICES: dict[str, Any] = {
    "schema_version": 2, "default_voice": "Ada", "models_base_path": ".", "model": "m",
    "voices": {
        "Ada": {"ref_audios": ["a.wav", "b.wav"], "ref_text": "Hello.", "codes_path": "c.npy", "text_lang": "en",
                "prompt_lang": "en", "speed_factor": 1.0, "aliases": ["One", "Two"], "top_k": 5, "noise_scale": 0.5,
                "styles": {"Calm": {"ref_audio": "d.wav", "ref_text": "Slowly.", "codes_path": "e.npy"}}},
        "Bob": {"ref_audio": "a.wav", "gpt": "g.safetensors", "sovits": "s.safetensors", "lexicon": "l.json"},
    },
}  # fmt: skip
FLAT = {
    "Eve": {"gpt": "g", "sovits": "s", "reference": "r.wav", "prompt_text": "x", "language": "zh", "speed_factor": 1.1}
}
LISTED = {
    "version": "1.0",
    "model": "m",
    "voices": [{"id": "a_1", "name": "Ada", "language": "zh", "reference_audio_path": "a/ref.wav"}],
}


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut, repeated, moved or taken out; more often near the ends, where the tables are."""
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        size = len(data)
        low, high = dice.choice(((0, size), (0, min(size, 70_000)), (max(0, size - 60_000), size)))
        if high <= low:
            break
        at = dice.randrange(low, high)
        act = dice.randrange(6)
        if act == 0:
            data[at] = dice.randrange(256)
        elif act == 1:
            data[at] ^= 1 << dice.randrange(8)
        elif act == 2:
            del data[at : at + dice.choice((1, 4, 100, 10_000))]
        elif act == 3:
            data[at:at] = data[at : at + dice.choice((1, 8, 300))]
        elif act == 4:
            data[at : at + 8] = dice.choice((b"\xff" * 8, bytes(8), (1 << 62).to_bytes(8, "little")))
        elif dice.random() < 0.2:
            del data[at:]
    return bytes(data)


def checkpoints(folder: Path) -> Callable[[random.Random], None]:
    """What damages one of some good files and reads it."""
    good = [(GOLDEN / "s1_tiny.ckpt").read_bytes(), (GOLDEN / "s2_tiny_v2.pth").read_bytes()]
    for source in (GOLDEN / "s1_tiny.ckpt", GOLDEN / "s2_tiny_v2.pth"):
        read = content_of(source)
        good.append(save_legacy(folder / "legacy", read).read_bytes())
        good.append(save(folder / "packed", read, packing=8).read_bytes())

    def one(dice: random.Random) -> None:
        number = dice.randrange(len(good))
        path = folder / "damaged.pth"
        path.write_bytes(damaged(good[number], dice))
        (read_t2s if number in (0, 2, 3) else read_sovits)(path)

    return one


def changed(value: Any, dice: random.Random) -> Any:
    """JSON with some values of another type, keys that are gone, and keys that are new."""
    if dice.random() < 0.08:
        return dice.choice(ODD)
    if isinstance(value, dict):
        items = {key: changed(item, dice) for key, item in value.items() if dice.random() > 0.05}
        if dice.random() < 0.2:
            items[dice.choice(("ada", "A d-a", "", "gpt_weights", "vits_weights", "voices", "x\ud800", "aliases"))] = (
                dice.choice([*ODD, dict(items)])
            )
        return items
    if isinstance(value, list):
        return [changed(item, dice) for item in value for _ in range(dice.choice((0, 1, 1, 1, 2)))]
    return value


def voices(folder: Path) -> Callable[[random.Random], None]:
    """What damages a list of voices and reads it."""

    def one(dice: random.Random) -> None:
        text = json.dumps(changed(dice.choice((VOICES, VOICES, FLAT, LISTED)), dice), ensure_ascii=dice.random() < 0.5)
        content = text.encode("utf-8", "surrogatepass")
        if dice.random() < 0.3:
            content = damaged(content, dice)
        if dice.random() < 0.1:
            content = dice.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"[" * 100_000)) + content
        path = folder / "voices.json"
        path.write_bytes(content)
        book, problems = list_voices(path)
        for sentence in problems.values():
            assert str(path) in sentence
            sentence.encode()
        if book is not None:
            for entry in book.entries.values():
                list(entry.files())
        if not problems:
            read_voices(path)

    return one


def fuzz(make: Callable[[Path], Callable[[random.Random], None]], times: int, seed: int = 0) -> tuple[int, float, int]:
    """Runs so many damages.

    Returns:
        how many were refused, the longest in seconds, and the most memory of the process in MB.
    """
    refused, longest = 0, 0.0
    with tempfile.TemporaryDirectory() as place:
        one = make(Path(place))
        for number in range(times):
            dice, began = random.Random(f"{seed} {number}"), time.process_time()
            try:
                one(dice)
            except (ValueError, FileNotFoundError) as error:
                assert place in str(error), f"{number}: the file is not named: {error}"
                assert "\n" not in str(error), f"{number}: more than a sentence: {error}"
                assert type(error).__name__ in ("CheckpointError", "ValueError", "TwiceError", "FileNotFoundError"), (
                    f"{number}: {error!r}"
                )
                refused += 1
            except Exception as error:
                raise AssertionError(f"{number} ends in {error!r}") from error
            longest = max(longest, time.process_time() - began)
    return refused, longest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    kind, times = sys.argv[1], int(sys.argv[2])
    refused, longest, memory = fuzz(
        {"checkpoints": checkpoints, "voices": voices}[kind], times, *map(int, sys.argv[3:])
    )
    print(f"{times} {kind}: {refused} refused, longest {longest:.2f} s, {memory} MB")
    assert longest < SECONDS
    assert memory < MEGABYTES
