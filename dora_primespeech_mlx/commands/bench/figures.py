"""What a bench run produces: figures with their spread and circumstances, as JSON and as text."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from dora_primespeech_mlx.commands.bench.timing import Timed, measure

SCHEMA = 1

At = dict[str, Any]
"""Circumstances of a figure."""


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        section: what part of the bench gave it.
        name: what it is of.
        unit: "ms", "MB", "GB/s", ...
        value: the median where it was timed.
        low, high: 10th and 90th percentile; equal to `value` for what is not timed.
        repeats: how often it was timed; 0 for what is counted, not timed.
        at: the circumstances, e.g. {"phones": 60}.
    """

    section: str
    name: str
    unit: str
    value: float
    low: float
    high: float
    repeats: int
    at: At = field(default_factory=dict)


def counted(section: str, name: str, unit: str, value: float, at: At | None = None) -> Figure:
    """A figure that is counted or computed."""
    return Figure(section, name, unit, value, value, value, 0, at or {})


def from_timed(section: str, name: str, timed: Timed, per: float = 1, at: At | None = None) -> Figure:
    """A figure in milliseconds for one `per`-th of what was timed."""
    median, low, high = (1e3 * seconds / per for seconds in (timed.median, timed.low, timed.high))
    return Figure(section, name, "ms", median, low, high, timed.repeats, at or {})


@dataclass(frozen=True)
class Stopwatch:
    """Times functions with the run's number of repeats."""

    repeats: int
    budget: float

    def __call__(
        self, section: str, name: str, function: Callable[[], Any], at: At | None = None, *, per: float = 1
    ) -> Figure:
        """The time of `function` in milliseconds, divided by `per`."""
        timed = measure(function, repeats=self.repeats, budget=self.budget)
        return from_timed(section, name, timed, per, at)


@dataclass(frozen=True)
class Results:
    """A whole run: the machine, the options, the figures, and the moments of one utterance."""

    machine: dict[str, Any]
    options: dict[str, Any]
    figures: tuple[Figure, ...]
    timeline: tuple[dict[str, Any], ...] = ()

    def find(self, section: str, name: str | None = None, **at: Any) -> Iterator[Figure]:
        """Figures of a section, with that name and those circumstances."""
        for figure in self.figures:
            if (figure.section, name or figure.name) == (section, figure.name) and at.items() <= figure.at.items():
                yield figure

    def first(self, section: str, name: str, **at: Any) -> Figure | None:
        """The first such figure, or None."""
        return next(self.find(section, name, **at), None)

    def write(self, path: str | Path) -> None:
        """Writes the run as JSON."""
        content = {"schema": SCHEMA, **asdict(self)}
        text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Reads what `write` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file is not a bench result.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8"))
            if content["schema"] != SCHEMA:
                raise ValueError(f"schema {content['schema']}")
            figures = tuple(Figure(**figure) for figure in content["figures"])
            return cls(content["machine"], content["options"], figures, tuple(content["timeline"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is no result of primespeech bench --json ({error}).") from error


def as_text(results: Results) -> str:
    """The run as lines for a terminal."""
    lines = [f"{key}: {value}" for key, value in {**results.machine, **results.options}.items()]
    for section in dict.fromkeys(figure.section for figure in results.figures):
        lines += ["", section]
        lines += _rows([figure for figure in results.figures if figure.section == section])
    return "\n".join(lines)


def _rows(figures: Sequence[Figure]) -> list[str]:
    rows = [
        (
            figure.name,
            ", ".join(f"{key} {value}" for key, value in figure.at.items()),
            f"{short(figure.value)} {figure.unit}",
            f"{short(figure.low)} - {short(figure.high)}" if figure.repeats > 1 else "",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def short(value: float) -> str:
    """A number with three or four digits that matter."""
    if value and abs(value) < 10:
        return f"{value:.3g}"
    return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
