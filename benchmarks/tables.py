"""Writes the tables of measured numbers into Markdown pages, from stored results, so that no number is typed.

    python benchmarks/tables.py [--check] [PAGE...]

A page asks for a table between two comments: `<!-- bench: FILE TABLE -->` and `<!-- /bench -->`, where FILE lies in
benchmarks/results and TABLE is a key of `TABLES` or `REPORTS`, or of the tables that the file itself holds. With
`--check` nothing is written, and the exit status is 1 if a page differs from what its results say.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from dora_primespeech_mlx.commands.bench.figures import Figure, Results, short
from dora_primespeech_mlx.commands.bench.speech import PROCESSOR, WHOLE

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "benchmarks" / "results"
PAGES = ("README.md", "benchmarks/README.md", "models/README.md", "training/README.md", "docs/*.md")
PLACE = re.compile(r"(<!-- bench: (\S+) (\S+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
LANGUAGES = {"zh": "Mandarin", "en": "English"}
LENGTHS = {"sentence": "a short sentence", "text": "a text"}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def spread(figure: Figure | None, factor: float = 1) -> str:
    if figure is None:
        return ""
    value, low, high = (short(factor * number) for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})" if figure.repeats > 1 else value


def origin(results: Results) -> str:
    """The line under a table: what it was measured on, and how to repeat it."""
    machine, options = results.machine, results.options
    versions = ", ".join(f"{name} {machine[name]}" for name in ("mlx", "onnxruntime", "openvino") if machine.get(name))
    device = machine["device"] if machine["device"] != "CPU" else f"{machine['cores']} cores of {machine['processor']}"
    return (
        f"\n{device}, {machine['system']}, {versions}; weights: {options['weights']}; "
        f"load {machine['load']}; commit {machine['commit']}, {machine['time'][:10]}. "
        f"`primespeech bench --runtime {options['runtime']} --size {options['size']}`\n"
    )


def speech(results: Results) -> str:
    rows = []
    for first in results.find("speech", "first audio"):
        factor = results.first("speech", "real-time factor", **first.at)
        audio = results.first("speech", "audio", **first.at)
        what = f"{LANGUAGES[first.at['language']]}, {LENGTHS[first.at['of']]}"
        length = f" of {audio.value:.1f} s" if audio else ""
        whole = results.first("speech", WHOLE, **first.at)
        used = results.first("speech", PROCESSOR, **first.at)
        rows.append((what + length, *(spread(figure) for figure in (first, factor, whole, used))))
    head = ("warm", "first audio, ms", "real-time factor, streamed", "not streamed", "processor time, streamed")
    return markdown(head, rows) + origin(results)


def networks(results: Results) -> str:
    return markdown(("what", "median (10 to 90 %)"), _network_rows(results)) + origin(results)


def _network_rows(results: Results) -> Iterator[tuple[str, str]]:
    for figure in results.find("t2s", "code", phones=60):
        if figure.at["tokens"] in (100, 500):
            rate = f"{1e3 / figure.value:.0f} ({1e3 / figure.high:.0f} to {1e3 / figure.low:.0f})"
            yield f"T2S, codes a second (25 are real time), after {figure.at['tokens']}", rate
    yield "T2S, prefill of 60 phones, ms", spread(results.first("t2s", "prefill", phones=60))
    for figure in results.find("batch", "codes a second"):
        if figure.at["texts"] > 1:
            yield f"T2S, codes a second of {figure.at['texts']} texts at once", spread(figure)
    for figure in results.find("format", numbers="int8"):
        if figure.unit == "%":
            yield f"8-bit T2S, {figure.name}, %", spread(figure)
    for figure in results.find("sovits", "real-time factor"):
        yield f"SoVITS, real-time factor for {figure.at['frames'] / 50:g} s", spread(figure)
    for figure in results.find("start"):
        yield f"new process: {figure.name}, s", spread(figure, 1e-3)
    for figure in results.find("memory"):
        if figure.name.startswith("resident"):
            yield f"memory, {figure.name}, MB", spread(figure)
    for figure in results.find("dispatches", "operations that compute"):
        yield "operations of one T2S step", f"{figure.value:.0f}"


def encoders(results: Results) -> str:
    rows = []
    for load in results.find("encoders", "load"):
        of = load.at["of"]
        work = next(f for f in results.find("encoders", of=of) if f.name.startswith("ms "))
        size = results.first("encoders", "weights on disk (16 bits)", of=of)
        rows.append((of, spread(size), spread(load), f"{spread(work)} {work.name.removeprefix('ms ')}"))
    return markdown(("encoder", "MB", "load, ms", "ms"), rows) + origin(results)


def cuda(report: dict[str, Any]) -> str:
    """The results of cuda.py, whose parts differ: a row for each way to decode, form of the vocoder, and so on."""
    return markdown(("what", "median"), cuda_rows(report)) + cuda_origin(report)


def cuda_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(name, rate) for part in report if part.startswith("codes") for name, rate in _rates(part, report[part])]
    for part, suffix in (("vocoder", ""), ("vocoder, graphs", ", graphs")):
        for key, value in report.get(part, {}).items():
            if isinstance(value, float) and re.search(r" (50|1000)$", key):
                rows.append((f"vocoder, {key} frames{suffix}, ms", short(value)))
    for part in report:
        for name, found in report[part].items() if part.startswith("sentence") else ():
            if isinstance(found, dict):
                rows.append((f"first audio, {part}, {name}, ms", short(found["warm"]["first_ms"])))
                rows.append((f"real-time factor, {part}, {name}", short(found["warm"]["real_time_factor"])))
    for name, found in report.get("agreement", {}).items():
        if isinstance(found, dict):
            rows.append((f"likeliest codes equal to fp32's, {name}", "{} of {}".format(*found["same_of"])))
    for part, found in report.items():
        if part.startswith("lengths"):
            done = f"{found['seconds']:.0f} s" if "seconds" in found else found["failed"]
            rows.append(
                (f"200 sentences of different lengths, {part.removeprefix('lengths').strip(', ') or 'as is'}", done)
            )
    return rows


def cuda_origin(report: dict[str, Any]) -> str:
    device = report.get("device", {})
    name = device.get("info", {}).get("device_name", "")
    return f"\n{name}, mlx {device.get('mlx', '')}; random weights of the released size. `python benchmarks/cuda.py`\n"


def _rates(part: str, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, inner in found.items():
        if name.startswith("loop"):
            yield f"{part}, {name}, codes a second", short(inner["codes_per_s"])
        elif name.endswith("blocks"):
            yield from _rates(f"{part}, {name}", inner)


def clusters(report: dict[str, Any]) -> str:
    """The results of cuda_t2s.py, those of its parts that ran."""
    parts: dict[str, Callable[[Any], list[tuple[str, str]]]] = {
        "rates": _cluster_rates,
        "many": lambda many: [
            (f"T2S, codes a second of {name.split()[1]} texts at once", short(value))
            for name, value in many.items()
            if name.endswith("codes_per_s")
        ],
        "torch": lambda torch: [
            ("T2S, codes a second, torch's CUDA graph", short(torch["graph, codes_per_s"])),
            ("torch's, each code read", short(torch["graph and a read, codes_per_s"])),
        ],
        "prefills": lambda prefills: [
            (f"prefills, {name}", spread_of(values)) for name, values in prefills.items() if name.endswith(", ms")
        ],
        "sentence": lambda sentence: [
            ("first audio of a sentence, ms", spread_of(sentence["first_ms"][1:])),
            ("real-time factor of a sentence", spread_of(sentence["real_time_factor"][1:])),
            ("the first sentence after an installation, s", short(sentence["first_ms"][0] / 1e3)),
        ],
        "beside": lambda beside: [
            (f"vocoder, {name.replace('codes', 'codes of another stream')}", spread_of(values))
            for name, values in beside.items()
            if isinstance(values, list)
        ],
        "cancel": lambda cancel: [("cancelled within, ms", spread_of(cancel["ms"]))],
        "equality": lambda equality: [
            ("codes equal to those of the step kernel", "{} of {}".format(*equality["step kernel"]["same_of"])),
            ("codes equal to float32's", "{} of {}".format(*equality["float32 operations"]["same_of"])),
        ],
        "likeliest": lambda likeliest: [
            ("likeliest codes equal to float32's", "{} of {}".format(*likeliest["same_of"]))
        ],
        "company": lambda company: [
            ("groups of texts that keep their bits in company", f"{sum(company.values())} of {len(company)}")
        ],
        "lengths": lambda lengths: [("sentences of other lengths, whole", "{} of {}".format(*lengths["done_of"]))],
    }
    rows = [row for part, rows_of in parts.items() if part in report for row in rows_of(report[part])]
    return markdown(("what", "median (least to most)"), rows) + (
        f"\n{report['device']}, mlx {report['mlx']}; random weights of the released size. "
        "`python benchmarks/cuda_t2s.py`\n"
    )


def clusters_in_short(report: dict[str, Any]) -> str:
    """Of `clusters` what a reader asks first."""
    many, sentence = report["many"], report["sentence"]
    last = max((name for name in many if name.endswith("codes_per_s")), key=lambda name: int(name.split()[1]))
    rows = [
        (
            "T2S, codes a second of one text (25 are real time)",
            spread_of(report["rates"]["loop, 1 texts, codes_per_s"]),
        ),
        ("the same network in torch's CUDA graph", short(report["torch"]["graph, codes_per_s"])),
        (f"T2S, codes a second of {last.split()[1]} texts at once", short(many[last])),
        ("first audio of a sentence, ms", spread_of(sentence["first_ms"][1:])),
        ("real-time factor of a sentence", spread_of(sentence["real_time_factor"][1:])),
    ]
    return markdown(("what", "median (least to most)"), rows) + (
        f"\n{report['device']}, mlx {report['mlx']}; random weights of the released size. "
        "`python benchmarks/cuda_t2s.py`\n"
    )


def within(report: dict[str, Any]) -> str:
    """What cuda_t2s.py found of calls of SoVITS on the stream of codes: beside them, and by themselves."""
    sentence, queued = report["within"]["sentence"], report["within"]["queued"]
    rows = []
    for key, inside in sentence.items():
        call, found, _ = key.rpartition(", in a sentence, ms")
        if found:
            rows.append((f"in a sentence: {call}", inside, sentence[f"{call}, again, alone, ms"]))
    for frames in (64, 160):
        called = [queued[f"{frames} frames {name}, samples, ms"] for name in ("behind a launch", "alone")]
        left = [queued[f"{frames} frames {name}, rest, ms"] for name in ("behind many codes", "behind products")]
        rows.append((f"samples of {frames} frames, with a launch of 8 codes ahead", *called))
        rows.append((f"samples of {frames} frames, from the end of 48 codes or of products", *left))
    table = [
        (what, spread_of(beside), spread_of(alone), short(median(beside) / median(alone)))
        for what, beside, alone in rows
    ]
    rates, spoken = report["rates"]["loop, 1 texts, codes_per_s"], report["sentence"]
    first, factors = spoken["first_ms"][1:], spoken["real_time_factor"][1:]
    return markdown(("ms, median (least to most)", "with codes", "without", "ratio"), table) + (
        f"\n{report['device']}, mlx {report['mlx']}; random weights of the released size. In the same run "
        f"{spread_of(rates)} codes a second of one text, first audio of a sentence {spread_of(first)} ms, real-time "
        f"factor {spread_of(factors)}. `python benchmarks/cuda_t2s.py --parts within,rates,prefills,sentence`\n"
    )


def _cluster_rates(rates: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (f"T2S, codes a second of {texts} text{'s' * (texts > 1)} at once, drawn in the kernel", spread_of(rates[key]))
        for texts in (1, 2, 4, 8)
        if (key := f"loop, {texts} texts, codes_per_s") in rates
    ]
    return [*rows, ("T2S, codes a second, one kernel a step", short(rates["step kernel, loop, codes_per_s"]))]


def spread_of(numbers: Sequence[float]) -> str:
    return f"{short(median(numbers))} ({short(min(numbers))} to {short(max(numbers))})"


TABLES: dict[str, Callable[[Results], str]] = {"speech": speech, "networks": networks, "encoders": encoders}


def peers(report: dict[str, Any]) -> str:
    keys = {
        "t2s_codes_per_second": "T2S, codes a second",
        "sovits_real_time_factor": "SoVITS, real-time factor",
        "real_time_factor": "a whole sentence, real-time factor",
        "first_audio_seconds": "first audio, s",
    }
    rows = [(name, *(short(numbers[key]) for key in keys)) for name, numbers in report["figures"].items()]
    ratios = (f"{name} {short(bar['value'])}" for name, bar in report["ratios"].items())
    machine = report["machine"]
    return (
        markdown(("processor time", *keys.values()), rows)
        + f"\n{'; '.join(ratios)} (medians of {report['options']['rounds']} rounds).\n"
        + f"\nOne core of {machine['processor']}, onnxruntime {machine['onnxruntime']}"
        + (f", openvino {machine['openvino']}" if machine.get("openvino") else "")
        + f"; {report['options']['version']}, random weights; load {machine['load']}; commit {machine['commit']}, "
        + f"{machine['time'][:10]}. `python benchmarks/peers.py`\n"
    )


REPORTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "cuda": cuda,
    "clusters": clusters,
    "clusters-in-short": clusters_in_short,
    "within": within,
    "peers": peers,
}


def table(name: str, kind: str) -> str:
    path = STORED / name
    written = json.loads(path.read_text("utf-8")).get("tables", {})
    if kind in written:
        return markdown(written[kind]["head"], written[kind]["rows"]) + f"\n{written[kind]['how']}\n"
    if kind in REPORTS:
        return REPORTS[kind](json.loads(path.read_text("utf-8")))
    if kind not in TABLES:
        raise ValueError(f"There is no table {kind!r}; choose one of {', '.join((*TABLES, *REPORTS))}.")
    return TABLES[kind](Results.read(path))


def filled(text: str) -> str:
    """A page with its tables as the results say."""
    return PLACE.sub(lambda found: f"{found[1]}{table(found[2], found[3])}{found[4]}", text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("pages", nargs="*", type=Path)
    args = parser.parse_args(arguments)
    stale = []
    for page in args.pages or [page for name in PAGES for page in sorted(ROOT.glob(name))]:
        text = page.read_text("utf-8")
        if filled(text) != text:
            stale.append(page)
            if not args.check:
                page.write_text(filled(text), encoding="utf-8")
    for page in stale:
        print(
            f"{page}: {'differs from the stored results; run python benchmarks/tables.py' if args.check else 'written'}"
        )
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
