"""The networks of the voice that ships, on this computer, beside stored numbers: does it compute what it should?

The stored numbers were made in float32 on a CPU by `benchmarks/parity_expected.py`, whose networks agree with the
official code (`benchmarks/parity.py`). Every stage starts from stored inputs, so that one that is wrong is seen alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from dora_primespeech_mlx.commands.bench.machine import device, processor
from dora_primespeech_mlx.commands.installed import version_of
from dora_primespeech_mlx.runtime.factory import accelerated, choose
from dora_primespeech_mlx.runtime.interface import SovitsRunner, T2SRunner
from dora_primespeech_mlx.runtime.onnx import openvino
from dora_primespeech_mlx.settings import SHIPPED_VOICES, Settings
from dora_primespeech_mlx.synthesis.decoding import Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.library import Library, Voice

EXPECTED = "expected.npz"
"""Beside the model's weights."""
PHONES, PROMPT, FED, DRAWN = 40, 24, 8, 48
CODES = 12
HEARD = slice(1, 13)
"""Frames that the vocoder gives, of those that the codes stand for: as many as have their context behind them.

OpenVINO gives no others where there are so few.
"""
HALF_OR_FULL = {"fp16": "float16", "fp32": "float32"}
LEAST_DB = {"float32": 80.0, "float16": 40.0, "bfloat16": 25.0, "8 bits": 15.0}
"""How far the error must lie below the numbers, by what the executor computes in."""


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        subject: what was computed.
        found: how it came out.
        wanted: what it should be at least.
        passed: whether it is.
    """

    subject: str
    found: str
    wanted: str
    passed: bool


def inputs(t2s: T2SRunner, sovits: SovitsRunner) -> dict[str, np.ndarray]:
    """What all computers are given, from a generator of random numbers whose stream is promised never to change."""
    random = np.random.RandomState(0)
    phones = t2s.config.phones
    return {
        "phones": random.randint(1, phones, PHONES).astype(np.int32),
        "prompt": random.randint(0, t2s.config.end, PROMPT).astype(np.int32),
        "fed": random.randint(0, t2s.config.end, FED).astype(np.int32),
        "codes": random.randint(0, t2s.config.end, CODES).astype(np.int32),
        "spectrum": np.abs(random.standard_normal((30, sovits.config.spectrum_bins))).astype(np.float32),
        "prior": random.standard_normal((2 * CODES, sovits.config.vocoder.inter_channels)).astype(np.float32),
        "ge": 0.3 * random.standard_normal(sovits.config.vocoder.gin_channels).astype(np.float32),
    }


def scores(t2s: T2SRunner, given: dict[str, np.ndarray], rows: int = 1) -> np.ndarray:
    """Scores after the prefill and after each code that is fed, of the first of so many rows, [1 + FED, vocabulary]."""
    texts = [(given["phones"][3 * row :], None) for row in range(rows)]
    session = t2s.start(texts, given["prompt"])
    found = [np.array(session.logits)[0]]
    for code in given["fed"]:
        session.step(t2s.xp.array([int(code)] * rows, dtype=t2s.xp.uint32))
        found.append(np.array(session.logits)[0])
    return np.stack(found).astype(np.float32)


def drawn(t2s: T2SRunner, given: dict[str, np.ndarray]) -> np.ndarray:
    """Codes of the token loop as texts are spoken with it, int32."""
    noise = NoiseTable("exponential", t2s.config.vocabulary, (7,))
    row = Row(given["phones"], None, noise, prompt=given["prompt"], limit=DRAWN)
    list(generate_many(t2s, [row]))
    return np.array(row.codes, np.int32)


def stages(sovits: SovitsRunner, given: dict[str, np.ndarray]) -> dict[str, Callable[[], np.ndarray]]:
    """Each stage of the decoder, as a function that computes it."""
    own, ge = given["phones"][-12:], given["ge"]
    return {
        "timbre": lambda: sovits.timbre([given["spectrum"]]),
        "prior": lambda: np.concatenate(sovits.encode(given["codes"], sovits.read(own), ge), axis=-1),
        "latents": lambda: sovits.flow(given["prior"], ge),
        "samples": lambda: sovits.vocode(given["prior"], ge, HEARD.start, HEARD.stop),
    }


def computed(t2s: T2SRunner, sovits: SovitsRunner) -> dict[str, np.ndarray]:
    """Everything that is stored, computed here."""
    given = inputs(t2s, sovits)
    found = {"scores": scores(t2s, given), "drawn": drawn(t2s, given)}
    return found | {name: stage() for name, stage in stages(sovits, given).items()}


def decibels(found: np.ndarray, expected: np.ndarray) -> float:
    """How far the error lies below what was expected; -inf for numbers that are none."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return -np.inf
    error = float(np.mean((found - expected) ** 2))
    return 10 * np.log10(float(np.mean(expected**2)) / error) if error else np.inf


def checks(voice: Voice, expected: dict[str, np.ndarray], numbers: dict[str, str]) -> Iterator[Check]:
    """The comparisons, one after the other.

    Args:
        voice: on its executor.
        expected: what is stored.
        numbers: what T2S, what the decoder, and what its vocoder is computed in: keys of `LEAST_DB`.
    """
    t2s, sovits = voice.t2s, cast(SovitsRunner, voice.sovits)
    given, own = inputs(t2s, sovits), numbers["t2s"]
    loosely = own == "8 bits"
    yield _near("T2S: scores of prefill and steps", lambda: scores(t2s, given), expected["scores"], own)
    if t2s.exact_batches:
        yield _near("T2S: the same among 4 texts", lambda: scores(t2s, given, 4), expected["scores"], own)
    likeliest = expected["scores"].argmax(axis=-1)
    yield _equal("T2S: likeliest codes", lambda: scores(t2s, given).argmax(axis=-1), likeliest, loosely)
    yield _equal("T2S: codes drawn as in speech", lambda: drawn(t2s, given), expected["drawn"], loosely)
    subjects = {"timbre": "timbre", "prior": "codes to prior", "latents": "flow", "samples": "vocoder"}
    for name, stage in stages(sovits, given).items():
        part = "vocoder" if name == "samples" else "sovits"
        yield _near(f"SoVITS: {subjects[name]}", stage, expected[name], numbers[part])


def _near(subject: str, compute: Callable[[], np.ndarray], expected: np.ndarray, numbers: str) -> Check:
    least = LEAST_DB[numbers]
    found = _tried(lambda: decibels(compute(), expected))
    if isinstance(found, str):
        return Check(subject, found, f"{least:.0f} dB", False)
    return Check(subject, f"{found:.0f} dB", f"{least:.0f} dB", found >= least)


def _equal(subject: str, compute: Callable[[], np.ndarray], expected: np.ndarray, loosely: bool) -> Check:
    """Equal from the start: of codes that follow from each other, 8 bits may change one early."""
    least = 1 if loosely else len(expected)
    found = _tried(compute)
    if isinstance(found, str):
        return Check(subject, found, f"{least} of {len(expected)}", False)
    length = min(len(found), len(expected))
    same = int(np.cumprod(found[:length] == expected[:length]).sum())
    return Check(subject, f"{same} of {len(expected)}", f"{least} of {len(expected)}", same >= least)


def _tried(compute: Callable[[], Any]) -> Any:
    """What it gives, or the error that it ends in, in words."""
    try:
        return compute()
    except Exception as error:  # noqa: BLE001 - one stage that breaks is a finding, and the others are looked at
        return f"failed: {error}"


def shipped_checks(settings: Settings) -> list[Check]:
    """All comparisons for the voice that ships, with the executor and precision of the settings.

    Raises:
        FileNotFoundError: the voice, or the stored numbers, are not installed.
    """
    book = read_voices(SHIPPED_VOICES)
    path = book.entries[book.default].folder / EXPECTED
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; it comes with the package: install it again.")
    with np.load(path) as stored:
        expected = dict(stored)
    library = Library(book, settings)
    return list(checks(library.voice(None), expected, _numbers(library.precision)))


def _numbers(precision: str) -> dict[str, str]:
    """What T2S, what the decoder, and what its vocoder is computed in at a precision of `Library`: of `LEAST_DB`."""
    if precision in HALF_OR_FULL:
        return dict.fromkeys(("t2s", "sovits", "vocoder"), HALF_OR_FULL[precision])
    return {"t2s": "8 bits", "sovits": "float32", "vocoder": "bfloat16" if openvino.pays() else "float32"}


def table(found: Sequence[Check]) -> str:
    """The comparisons as lines of a table."""
    rows = [("", "what", "here", "at least"), *((_mark(c), c.subject, c.found, c.wanted) for c in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _mark(check: Check) -> str:
    return "ok" if check.passed else "WRONG"


def where(settings: Settings) -> str:
    """The computer, executor and precision of a table, in one line."""
    runtime = choose(settings.runtime)
    library = Library(read_voices(SHIPPED_VOICES), settings)
    names = ("mlx",) if runtime == "mlx" else ("onnxruntime", "openvino")
    versions = ", ".join(f"{name} {version}" for name in names if (version := version_of(name)))
    return f"{device() if runtime == 'mlx' and accelerated() else processor()}, {versions}, {library.precision}"
