"""A bench run as one HTML page: plots as inline SVG, every figure in a table, nothing fetched."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from dora_primespeech_mlx.commands.bench.figures import Figure, Results, short
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE

PAGE = "index.html"
WIDTH, HEIGHT, MARGIN = 720, 300, 56
LABEL_WIDTH = 160
COLOURS = ("#2f6fb0", "#c25b2e", "#3b8f5a", "#8a5aa8", "#8a7a2e")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; margin: .5rem 0; } td, th { padding: .15rem .9rem .15rem 0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr:nth-child(even) td { background: #f5f5f3; }
svg { width: 100%; height: auto; background: #fbfbfa; border: 1px solid #ddd; }
svg text { font: 12px system-ui, sans-serif; fill: #444; } .note { color: #666; max-width: 46rem; }
"""


def write_report(results: Results, folder: str | Path) -> Path:
    """Writes the page into a folder, made if it is not there; returns the page."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    page.write_text(html(results), encoding="utf-8")
    return page


def html(results: Results) -> str:
    """The page."""
    plots = [
        ("Real-time factor by length", factor_plot(results), FACTOR_NOTE),
        ("One utterance, from text to last chunk", timeline_plot(results), TIMELINE_NOTE),
        ("Time of a code against the bytes it needs", roofline_plot(results), ROOFLINE_NOTE),
    ]
    parts = [f"<h2>{escape(title)}</h2>{svg}<p class=note>{escape(note)}</p>" for title, svg, note in plots if svg]
    facts = {**results.machine, **results.options}
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>primespeech bench</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body><h1>primespeech bench</h1>'
        f"{_table((name, str(value)) for name, value in facts.items() if value is not None)}"
        f"{''.join(parts)}<h2>All figures</h2>{_figures(results.figures)}</body></html>\n"
    )


FACTOR_NOTE = (
    "Seconds of work for a second of audio; below the dashed line speech is made faster than it is heard. "
    "SoVITS alone (codes to samples) by length, and whole texts with all stages. Bars show the 10th to 90th percentile."
)
TIMELINE_NOTE = (
    "Above: when each chunk of audio came after the text was given. Below: when it is heard if playing starts with the "
    "first one; a gap there would be heard as a stall. Colours are sentences, pale is the pause after one."
)
ROOFLINE_NOTE = (
    "Every step must read all weights and the cache, so bytes over bandwidth (the line) is the least time a code can "
    "take on this machine; dots are measured steps by number format."
)


class Axes:
    """Data to places in the picture, on linear or logarithmic scales."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], logarithmic: bool = False):
        self._scale = math.log10 if logarithmic else float
        self._x, self._y = tuple(map(self._scale, x)), tuple(map(self._scale, y))

    def x(self, value: float) -> float:
        """Distance from the left."""
        low, high = self._x
        return MARGIN + (self._scale(value) - low) / (high - low) * (WIDTH - 1.5 * MARGIN)

    def y(self, value: float) -> float:
        """Distance from the top."""
        low, high = self._y
        return HEIGHT - MARGIN + (self._scale(value) - low) / (high - low) * (1.6 * MARGIN - HEIGHT)

    def frame(self, x_label: str, y_label: str, x_ticks: Iterable[float], y_ticks: Iterable[float]) -> str:
        """Axes, ticks and names."""
        left, bottom = MARGIN, HEIGHT - MARGIN
        lines = [
            _line(left, bottom, WIDTH - MARGIN / 2, bottom, "#888"),
            _line(left, bottom, left, MARGIN * 0.6, "#888"),
        ]
        lines += [_text(self.x(tick), bottom + 18, short(tick), "middle") for tick in x_ticks]
        for tick in y_ticks:
            lines.append(_line(left, self.y(tick), WIDTH - MARGIN / 2, self.y(tick), "#e4e4e0"))
            lines.append(_text(left - 8, self.y(tick) + 4, short(tick), "end"))
        lines.append(_text(WIDTH / 2, HEIGHT - 14, x_label, "middle"))
        lines.append(_text(left, 20, y_label, "start"))
        return "".join(lines)


def factor_plot(results: Results) -> str:
    """Real-time factor over seconds of audio; empty without figures."""
    stages = [(f.at["frames"] / FRAME_RATE, f) for f in results.find("sovits", "real-time factor")]
    texts = []
    for figure in results.find("speech", "real-time factor"):
        audio = results.first("speech", "audio", **figure.at)
        if audio is not None:
            texts.append((audio.value, figure))
    if not stages and not texts:
        return ""
    everything = stages + texts
    longest, worst = max(x for x, _ in everything), max(1.0, *(f.high for _, f in everything))
    axes = Axes((0, longest * 1.05), (0, worst * 1.1))
    marks = [axes.frame("seconds of audio", "real-time factor", ticks(longest), ticks(worst * 1.1))]
    marks.append(_line(axes.x(0), axes.y(1), axes.x(longest * 1.05), axes.y(1), "#b33", "6 4"))
    points = [(axes.x(x), axes.y(figure.value)) for x, figure in sorted(stages, key=lambda point: point[0])]
    marks.append(_path(points, COLOURS[0]))
    marks += [_dot(*point, COLOURS[0], "SoVITS alone") for point in points]
    beside, lift = 0.0, 0
    for x, figure in sorted(texts, key=lambda point: point[0]):
        lift = 26 if axes.x(x) - beside < LABEL_WIDTH and lift == 10 else 10
        beside = axes.x(x)
        name = f"{figure.at['language']}, {figure.at['of']}: {short(figure.value)}"
        marks.append(_line(axes.x(x), axes.y(figure.low), axes.x(x), axes.y(figure.high), COLOURS[1]))
        marks.append(_dot(axes.x(x), axes.y(figure.value), COLOURS[1], name))
        marks.append(_text(beside, axes.y(figure.high) - lift, name, "end" if x > longest * 0.7 else "start"))
    marks.append(_legend((("SoVITS alone", COLOURS[0]), ("whole texts", COLOURS[1]))))
    return _svg(marks)


def timeline_plot(results: Results) -> str:
    """Chunks as they came and as they are heard; empty without a timeline."""
    moments = results.timeline
    if not moments:
        return ""
    heard: list[tuple[float, float]] = []
    for moment in moments:
        begin = max(moment["at"], heard[-1][1] if heard else 0.0)
        heard.append((begin, begin + moment["seconds"]))
    axes = Axes((0, heard[-1][1]), (0, 1))
    marks = [axes.frame("seconds after the text", "", ticks(heard[-1][1]), ())]
    middle, tall = HEIGHT / 2 - 12, 54
    marks += [
        _text(MARGIN - 6, middle - tall / 2, "comes", "end"),
        _text(MARGIN - 6, middle + 40 + tall / 2, "heard", "end"),
    ]
    before = 0.0
    for moment, (begin, end) in zip(moments, heard, strict=True):
        colour, opacity = COLOURS[moment["sentence"] % len(COLOURS)], 0.35 if moment["pause"] else 0.85
        marks.append(_box(axes.x(before), middle - tall, axes.x(moment["at"]), colour, opacity, tall, "made"))
        marks.append(_box(axes.x(begin), middle + 40, axes.x(end), colour, opacity, tall, f"{short(end - begin)} s"))
        before = moment["at"]
    first = axes.x(moments[0]["at"])
    marks.append(_line(first, middle - tall - 4, first, middle + 40 + tall, "#333", "3 3"))
    marks.append(_text(first + 5, middle + 14, f"first audio after {1e3 * moments[0]['at']:.0f} ms"))
    return _svg(marks)


def roofline_plot(results: Results) -> str:
    """Milliseconds of a code over megabytes it needs, with the line of the bandwidth; empty without figures."""
    speed = results.first("roofline", "bandwidth")
    if speed is None:
        return ""
    points = [(size, figure) for figure in results.find("format", "step") if (size := _bytes(results, figure))]
    current = results.first("roofline", "code")
    moved = results.first("roofline", "bytes a code")
    if current is not None and moved is not None:
        points.append((moved.value, current))
    if not points:
        return ""
    sizes, times = [size for size, _ in points], [figure.value for _, figure in points]
    low, high = min(sizes) / 1.6, max(sizes) * 1.6
    bottom, top = min(*times, low / speed.value) / 1.6, max(*times, high / speed.value) * 1.6
    axes = Axes((low, high), (bottom, top), logarithmic=True)
    marks = [axes.frame("MB a code", "ms a code", decades(low, high), decades(bottom, top))]
    line = [(axes.x(x), axes.y(x / speed.value)) for x in (low, high)]
    marks.append(_path(line, "#b33"))
    marks.append(_text(line[0][0] + 8, line[0][1] - 14, f"{short(speed.value)} GB/s"))
    for size, figure in points:
        colour = COLOURS[1] if figure.section == "roofline" else COLOURS[0]
        name = f"{figure.at['numbers']}: {short(figure.value)} ms" + (", as in use" if colour == COLOURS[1] else "")
        marks.append(_dot(axes.x(size), axes.y(figure.value), colour, name))
        above = colour == COLOURS[1]
        marks.append(_text(axes.x(size) + 8, axes.y(figure.value) + (-8 if above else 16), name))
    return _svg(marks)


def _bytes(results: Results, step: Figure) -> float:
    found = results.first("format", "bytes a code", numbers=step.at["numbers"])
    return found.value if found is not None else 0.0


def ticks(most: float) -> list[float]:
    """About five round numbers from 0 to `most`."""
    rough = most / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [round(index * step, 10) for index in range(int(most / step) + 1)]


def decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within bounds."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]


def _svg(marks: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg">{"".join(marks)}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "none") -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-dasharray="{dashes}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _dot(x: float, y: float, colour: str, name: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>{escape(name)}</title></circle>'


def _box(left: float, top: float, right: float, colour: str, opacity: float, tall: float, name: str) -> str:
    place = f'x="{left:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" height="{tall}"'
    return f'<rect {place} fill="{colour}" opacity="{opacity}"><title>{escape(name)}</title></rect>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    marks = []
    for index, (name, colour) in enumerate(entries):
        x = WIDTH - 250 + 125 * index
        marks.append(f'<circle cx="{x}" cy="16" r="4.5" fill="{colour}"/>' + _text(x + 9, 20, name))
    return "".join(marks)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return "<table>" + "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in rows) + "</table>"


def _figures(figures: Sequence[Figure]) -> str:
    head = "<tr><th>section</th><th>of</th><th>at</th><th>median</th><th></th><th>10 to 90 %</th><th>repeats</th></tr>"
    rows = []
    for figure in figures:
        at = ", ".join(f"{key} {value}" for key, value in figure.at.items())
        spread = f"{short(figure.low)} to {short(figure.high)}" if figure.repeats > 1 else ""
        rows.append(
            f"<tr><td>{escape(figure.section)}</td><td>{escape(figure.name)}</td><td>{escape(at)}</td>"
            f'<td class="number">{short(figure.value)}</td><td>{escape(figure.unit)}</td><td>{spread}</td>'
            f'<td class="number">{figure.repeats or ""}</td></tr>'
        )
    return f"<table>{head}{''.join(rows)}</table>"
