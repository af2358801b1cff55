"""A whole bench run: sections in turn, figures as they come."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dora_primespeech_mlx.commands.bench import codes, sound, speech, streams
from dora_primespeech_mlx.commands.bench.figures import Figure, Results
from dora_primespeech_mlx.commands.bench.machine import describe
from dora_primespeech_mlx.commands.bench.workshop import Workshop
from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.runtime.factory import choose
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.weights.random_weights import SIZES


@dataclass(frozen=True)
class Section:
    """A part of the bench.

    Attributes:
        measure: gives its figures.
        title: what it is about.
        of_mlx: it measures MLX itself, and is left out on ONNX Runtime.
        on_request: it takes long, and is left out unless it is named.
    """

    measure: Callable[[Workshop], Iterator[Figure]]
    title: str
    of_mlx: bool = False
    on_request: bool = False


SECTIONS = {
    "t2s": Section(codes.decoding, "T2S: prefill and codes"),
    "batch": Section(codes.batches, "T2S: several texts at once"),
    "attention": Section(codes.attention, "attention of one layer", of_mlx=True),
    "cache": Section(codes.caches, "cache strategies", of_mlx=True),
    "format": Section(codes.formats, "number formats of T2S"),
    "compile": Section(codes.compilation, "mx.compile on and off", of_mlx=True),
    "dispatches": Section(codes.dispatches, "operations of one step"),
    "roofline": Section(codes.roofline, "bytes over bandwidth"),
    "sovits": Section(sound.stages, "SoVITS by length"),
    "reference": Section(sound.references, "a reference recording"),
    "encoders": Section(sound.encoders, "encoders"),
    "memory": Section(sound.weights, "weights"),
    "speech": Section(speech.texts, "whole texts"),
    "start": Section(speech.starts, "a new process"),
    "streams": Section(streams.streams, "many sessions at once", on_request=True),
}


def run(
    size: str = "demo",
    settings: Settings | None = None,
    only: Sequence[str] = (),
    quick: bool = False,
) -> Results:
    """Measures.

    Args:
        size: "demo" (the voice that ships, or its like with random weights), "v2", "v2ProPlus", "v3"
            or "v4" (random weights).
        settings: runtime, precision and threads; the rest is not looked at.
        only: names of `SECTIONS`; empty for all that the runtime has.
        quick: few lengths and repeats.

    Raises:
        ValueError: for an unknown size, or a section that is unknown or not of this runtime.
    """
    settings = settings or Settings()
    runtime = choose(settings.runtime)
    if size not in SIZES:
        raise ValueError(f"{size!r} is not a size of model; choose one of {', '.join(SIZES)}.")
    names = chosen(only, runtime)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, Progress("bench", len(names)) as progress:
        shop = Workshop(Path(folder), size, replace(settings, runtime=runtime), runtime, quick)
        for name in names:
            progress.say(SECTIONS[name].title)
            figures += SECTIONS[name].measure(shop)
            progress.step()
        moments = tuple(speech.timeline(shop)) if "speech" in names else ()
        options = {
            "size": size,
            "weights": "the voice that ships" if shop.shipped else "random, of the released size",
            "runtime": runtime,
            "precision": settings.precision,
            "threads": settings.threads,
            "quick": quick,
        }
    return Results(describe(), options, tuple(figures), moments)


def chosen(only: Sequence[str], runtime: str) -> list[str]:
    """The sections to run; errors as `run`."""
    unknown = [name for name in only if name not in SECTIONS]
    if unknown:
        raise ValueError(f"There is no section {unknown[0]!r}; choose from {', '.join(SECTIONS)}.")
    barred = [name for name in only if SECTIONS[name].of_mlx and runtime != "mlx"]
    if barred:
        raise ValueError(f"The section {barred[0]!r} measures MLX itself; add --runtime mlx.")
    return [
        name
        for name, section in SECTIONS.items()
        if (name in only if only else not section.on_request) and (runtime == "mlx" or not section.of_mlx)
    ]
