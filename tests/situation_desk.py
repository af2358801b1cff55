"""A folder with the files of a voice, the commands run in it, and what each run ended with."""

import contextlib
import io
import json
import logging
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from weight_files import content_of, save, stored

from dora_primespeech_mlx.commands.main import main

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "golden"
S1, S2 = GOLDEN / "s1_tiny.ckpt", GOLDEN / "s2_tiny_v2.pth"


@dataclass(frozen=True)
class Outcome:
    """One run: what was tried, whether it went through, and what it said."""

    tried: str
    done: bool
    said: str


@dataclass(frozen=True)
class Situation:
    """A row: its number in the list of cases, what it is, how it is run, and what each run is expected to end with.

    `expected` has for each run whether it goes through, and a pattern of what is said.
    """

    number: str
    what: str
    run: "Callable[[Desk], Iterator[Outcome]]"
    expected: tuple[tuple[bool, str], ...]


class Desk:
    """A folder with good files of a voice, and the commands run in it."""

    def __init__(self, folder: Path, model: Path):
        self.folder, self.model = folder, model
        shutil.copy(GOLDEN / "e2e_tiny_ref.wav", folder / "ref.wav")
        codes = np.load(GOLDEN / "e2e_tiny.npz")["prompt_semantic"].reshape(-1).astype("<i4")
        (folder / "codes.bin").write_bytes(codes.tobytes())

    def run(self, tried: str, *arguments: object) -> Outcome:
        out = io.StringIO()
        logging.disable(logging.WARNING)  # what is logged goes on; only what is said is looked at
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                status = main([str(argument) for argument in arguments])
        finally:
            logging.disable(logging.NOTSET)
        lines = [line for line in out.getvalue().splitlines() if line.strip()]
        return Outcome(
            tried, status == 0, "\n".join(lines).replace(str(self.folder), ".").replace(str(self.model), "models/mine")
        )

    def convert(self, tried: str, t2s: Path = S1, sovits: Path = S2, *more: object, out: str = "out") -> Outcome:
        return self.run(tried, "convert", "--t2s", t2s, "--sovits", sovits, "--out", self.folder / out, *more)

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def t2s(self, name: str = "voice.ckpt", change: "Callable[[dict], dict] | None" = None, **entries: Any) -> Path:
        return self._saved(S1, name, change, entries)

    def sovits(self, name: str = "voice.pth", change: "Callable[[dict], dict] | None" = None, **entries: Any) -> Path:
        return self._saved(S2, name, change, entries)

    def _saved(self, source: Path, name: str, change: Any, entries: dict[str, Any]) -> Path:
        weights = dict(stored(source).weights)
        header = entries.pop("header", b"PK")
        packing = entries.pop("packing", zipfile.ZIP_STORED)
        content = content_of(source, change(weights) if change else weights, **entries)
        for key in [key for key, value in entries.items() if value is ...]:
            del content[key]
        return save(self.folder / name, content, header, packing)

    def voices(self, tried: str, content: Any, name: str = "voices.json") -> Outcome:
        """The voices command on a file of this content: bytes, or what becomes JSON."""
        raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        return self.run(tried, "voices", "--voices", self.file(name, raw))

    def entry(self, **changes: Any) -> dict[str, Any]:
        """A voices.json with the voice Ada, fields replaced; ... takes one out."""
        entry = {
            "ref_audio": "ref.wav",
            "ref_text": "This is the reference text.",
            "codes_path": "codes.bin",
            "text_lang": "en",
        } | changes
        entry = {key: value for key, value in entry.items() if value is not ...}
        return {"model": str(self.model), "voices": {"Ada": entry}}

    def sound(self, name: str, seconds: float = 4.0, rate: int = 32000, **options: Any) -> Path:
        time = np.arange(int(seconds * rate)) / rate
        noise = np.random.default_rng(1).standard_normal(len(time)) * (0.6 + 0.4 * np.sin(8 * np.pi * time))
        samples = options.pop("change", lambda x: x)(0.3 * noise / max(1e-9, np.abs(noise).max(initial=0)))
        soundfile.write(self.folder / name, samples, rate, **options)
        return self.folder / name

    def add(self, tried: str, name: str, *recordings: Path, **options: Any) -> Outcome:
        more = [part for key, value in options.items() for part in (f"--{key}", value)]
        given = [] if "model" in options else ["--model", self.model]
        return self.run(tried, "voice", "add", name, *recordings, "--voices", self.folder / "own.json", *given, *more)
