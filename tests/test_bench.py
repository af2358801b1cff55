"""Measurements evaluate what they time."""

import importlib.util
import json
import re
import types
import xml.dom.minidom
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from node_fakes import FakeEngine

from dora_primespeech_mlx.commands.bench.closeness import Closeness, closeness
from dora_primespeech_mlx.commands.bench.codes import POSITION, step_megabytes
from dora_primespeech_mlx.commands.bench.figures import Results, as_text
from dora_primespeech_mlx.commands.bench.primitives import step_primitives
from dora_primespeech_mlx.commands.bench.report import html
from dora_primespeech_mlx.commands.bench.static import StaticCache, static_step
from dora_primespeech_mlx.commands.bench.streams import Session, converse
from dora_primespeech_mlx.commands.bench.timing import finish, measure, spread
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.factory import t2s_runner
from dora_primespeech_mlx.runtime.mlx.cache import KVCache
from dora_primespeech_mlx.runtime.onnx.trace_t2s import t2s_graphs
from dora_primespeech_mlx.weights.random_weights import SIZES


@dataclass(frozen=True)
class Holder:
    array: mx.array


class Plain:
    def __init__(self, array: mx.array):
        self.hidden = {"deep": [array]}


class Watched:
    """Whether a lazily made array has been computed, seen through the memory that it takes."""

    def __init__(self) -> None:
        self.array = mx.random.normal((512, 1024)) + 1

    def computed(self) -> bool:
        before = mx.get_active_memory()
        mx.eval(self.array)
        return mx.get_active_memory() == before


@pytest.mark.parametrize(
    "wrap",
    [
        lambda a: a,
        lambda a: [a],
        lambda a: ({"x": (a, None)}, "text", 3),
        Holder,
        Plain,
        lambda a: (item for item in [a]),
        lambda a: iter([[Holder(a)]]),
    ],
)
def test_everything_in_a_result_is_computed(wrap):
    watched = Watched()
    finish(wrap(watched.array))
    assert watched.computed()


def test_an_array_is_lazy_before_it_is_finished():
    assert not Watched().computed()


def test_a_lazy_function_is_caught_since_its_time_grows_with_its_work():
    matrix = mx.random.normal((64, 64))
    mx.eval(matrix)

    def lazy(products: int) -> mx.array:
        x = matrix
        for _ in range(products):
            x = mx.matmul(x, matrix) * 1e-2
        return x

    short, long = (measure(lambda n=n: lazy(n), repeats=3).low for n in (2, 60))
    assert long > 5 * short


def test_results_that_hold_themselves_are_finished():
    loop: list = [mx.ones(3) * 2]
    loop.append(loop)
    assert finish(loop) is loop


def test_spread_is_median_and_percentiles():
    timed = spread([float(i) for i in range(101)])
    assert (timed.low, timed.median, timed.high, timed.repeats) == (10, 50, 90, 101)


def test_a_budget_stops_after_the_call_that_passes_it():
    calls = []
    assert measure(lambda: calls.append(1), warm_up=2, repeats=10, budget=1e-9).repeats == 1
    assert len(calls) == 3
    with pytest.raises(ValueError, match="at least 1"):
        measure(lambda: None, repeats=0)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A quick run of the sections that the plots need, through the command."""
    path = tmp_path_factory.mktemp("bench") / "demo.json"
    sections = "t2s,format,dispatches,roofline,sovits,speech"
    options = ["--runtime", "onnx", "--quick", "--only", sections, "--json", str(path), "--report", str(path.parent)]
    assert main(["bench", *options]) == 0
    return Results.read(path)


def test_a_run_holds_what_it_measured_and_on_what(results: Results):
    assert {"device", "processor", "python", "mlx", "onnxruntime", "commit"} <= results.machine.keys()
    assert results.options["runtime"] == "onnx"
    assert {figure.section for figure in results.figures} == {
        "t2s", "format", "dispatches", "roofline", "sovits", "speech"
    }  # fmt: skip
    for figure in results.figures:
        assert 0 < figure.low <= figure.value <= figure.high
        assert figure.repeats or figure.low == figure.high


def test_a_code_takes_longer_than_its_bytes_need(results: Results):
    names = ("bytes a code", "bandwidth", "least time of a code", "code")
    moved, speed, least, real = (results.first("roofline", name) for name in names)
    assert moved is not None and speed is not None and least is not None and real is not None
    assert least.value == pytest.approx(moved.value / speed.value)
    assert real.high > moved.value / speed.high / 2


def test_scores_of_8_bits_are_near_those_of_float32(results: Results):
    equal, error = (
        results.first("format", name) for name in ("likeliest codes equal to fp32's", "error of the scores")
    )
    assert equal is not None and error is not None
    assert equal.value >= 80
    assert 0 < error.value < 5


def test_the_timeline_is_the_speech(results: Results):
    moments = results.timeline
    assert [moment["at"] for moment in moments] == sorted(moment["at"] for moment in moments)
    assert moments[-1]["pause"] and not moments[0]["pause"]
    assert sum(moment["seconds"] for moment in moments) > 1


def test_the_page_stands_alone_and_has_every_plot(results: Results):
    page = html(results)
    assert page.count("<svg") == 3
    assert all(f"<h2>{title}" in page for title in ("Real-time", "One utterance", "Time of a code", "All figures"))
    assert not re.search(r"(src|href)=.(?!data:)|@import|<script", page)
    assert page.count("<tr><td>t2s") == len(list(results.find("t2s")))
    parsed = xml.dom.minidom.parseString(page[page.index("<svg") : page.index("</svg>") + 6])
    assert parsed.getElementsByTagName("circle")


def test_a_page_without_figures_has_no_plots():
    assert "<svg" not in html(Results({"device": "CPU"}, {}, ()))


def test_words_of_a_run_are_short(results: Results):
    lines = as_text(results).splitlines()
    assert any("vocoder" in line and "frames 50" in line for line in lines)
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "tts"], "no section 'tts'"),
        (["--only", "cache", "--runtime", "onnx"], "add --runtime mlx"),
        (["--size", "v9"], "'v9' is not a size"),
    ],
)
def test_what_cannot_be_measured_is_said(options: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert main(["bench", *options]) == 1
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_result_is_refused(tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text('{"schema": 7}')
    with pytest.raises(ValueError, match="is no result"):
        Results.read(path)


def test_sessions_are_heard_one_text_after_the_other_and_all_at_once():
    engine = FakeEngine(chunks=4, chunk_seconds=0.05)
    sessions, took = converse(engine, None, 3, texts=2)  # type: ignore[arg-type]
    assert [len(session.first) for session in sessions] == [2, 2, 2]
    assert [session.audio for session in sessions] == pytest.approx([0.6, 0.6, 0.4])
    assert [session.texts for session in sessions] == [[], [], []]
    assert 0.2 <= took < sum(session.audio for session in sessions)


def test_audio_that_comes_after_a_player_has_run_dry_is_a_gap():
    session = Session(["one"], asked=10.0)
    session.hear(1.0, now=10.2)
    session.hear(1.0, now=11.2)
    session.hear(0.5, now=12.5)
    assert (session.first, session.gaps) == ([pytest.approx(0.2)], [1])
    assert (session.played_until, session.audio) == (13.0, 2.5)


def test_a_runner_is_as_near_to_itself_as_can_be_and_another_is_not():
    networks = []
    for _ in range(2):
        networks.append(T2S(SIZES["demo"][0]))
        finish(networks[-1].parameters())
    own, other = (t2s_runner(network, "onnx", "fp32", threads=1) for network in networks)
    phones, prompt = np.arange(1, 9, dtype=np.int32), np.zeros(4, np.int32)
    found = closeness(own, {"itself": own, "another": other}, phones, prompt, 5)
    assert found["itself"] == Closeness(5, 0.0, 0.0)
    assert found["another"].error > 0.1 and found["another"].worst > 0


@pytest.mark.parametrize("rounded", [False, True])
def test_bytes_a_code_are_those_the_session_holds(rounded: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dora_primespeech_mlx.runtime.onnx.trace_t2s.LARGE", 0 if rounded else 1 << 40)
    network = T2S(SIZES["demo"][0])
    finish(network.parameters())
    runner = t2s_runner(network, "onnx", "int8", threads=1)
    step = t2s_graphs(network, "int8")[1]
    weights = sum(
        step.constants[name].nbytes for node in step.nodes for name in node.inputs[1:2] if "MatMul" in node.operator
    )
    session = runner.start([(np.arange(1, 9, dtype=np.int32), None)], np.zeros(4, np.int32))
    rows = session.cache.nbytes * POSITION / session.cache.shape[3]
    assert step_megabytes(runner.config, "int8", runner.rounded) == pytest.approx((weights + rows) / 1e6, rel=1e-3)


def test_operations_of_a_step_are_counted_as_a_device_runs_them():
    network = T2S(SIZES["demo"][0])
    finish(network.parameters())
    counts, layers = step_primitives(network), network.config.layers
    assert counts["LayerNorm"] == 2 * layers
    assert counts["Attention"] == layers
    assert counts["AddMM"] == 4 * layers
    assert counts["SliceUpdate"] == 2 * layers


def test_a_step_over_a_fixed_cache_is_the_step_as_in_use():
    network = T2S(SIZES["demo"][0])
    finish(network.parameters())
    rows, token = 40, mx.array([[7]])
    fixed = StaticCache.of(network, 64)
    growing = []
    for keys, values in zip(fixed.keys, fixed.values, strict=True):
        growing.append(KVCache())
        growing[-1].update_and_fetch(keys[:, :, :rows], values[:, :, :rows])
    expected = network.logits(network(network.embed_audio(token, mx.array([rows])), None, growing)[:, 0])
    found, _, _ = static_step(network, compiled=False)(token, mx.array([rows]), fixed.keys, fixed.values)
    assert np.allclose(np.array(found), np.array(expected), atol=1e-4)


@pytest.fixture(scope="module")
def tables() -> types.ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "tables.py"
    spec = importlib.util.spec_from_file_location("tables", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_of_the_pages_are_what_the_stored_results_say(tables: types.ModuleType):
    assert "<!-- bench:" in (tables.ROOT / "README.md").read_text("utf-8")
    assert tables.main(["--check"]) == 0


@pytest.mark.parametrize("page", ["docs/words.md", "docs/field.md"])
def test_all_numbers_in_the_tables_of_a_page_are_stored(tables: types.ModuleType, page: str):
    rest = tables.PLACE.sub("", (tables.ROOT / page).read_text("utf-8"))
    assert not re.findall(r"^\|.*\d.*\|$", rest, re.MULTILINE)


def test_every_block_of_a_player_is_accounted_for(tables: types.ModuleType):
    player = json.loads((tables.STORED / "field.json").read_text("utf-8"))["tables"]["player"]
    assert player["head"][2] == "blocks sent"
    for row in player["rows"]:
        assert int(row[2]) == sum(map(int, row[3:]))


def test_a_typed_number_is_found(
    tables: types.ModuleType, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tables, "STORED", tmp_path)
    results.write(tmp_path / "run.json")
    page = tmp_path / "page.md"
    page.write_text("# Numbers\n<!-- bench: run.json speech -->\n914 tokens/s\n<!-- /bench -->\nEnd\n", "utf-8")
    assert tables.main(["--check", str(page)]) == 1
    assert tables.main([str(page)]) == 0
    text = page.read_text("utf-8")
    assert "914" not in text and "first audio, ms" in text and text.endswith("<!-- /bench -->\nEnd\n")
    assert tables.main(["--check", str(page)]) == 0


def test_a_table_of_cuda_results(tables: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "STORED", tmp_path)
    loop = {"loop": {"codes_per_s": 500.0}}
    report = {
        "size": "v2",
        "device": {"info": {"device_name": "GPU"}, "mlx": "1"},
        "codes, kernel": {"128 blocks": loop, "failed": "not done after 40 s"},
        "codes, fp16": loop,
        "vocoder": {"fp16, plain, 50": 5.5, "fp16, unfolded differs by": 0.1, "took_s": 3.0},
        "sentence": {"kernel": {"cold": {}, "warm": {"first_ms": 90.0, "real_time_factor": 0.05}}},
        "agreement": {"failed": "status 1"},
        "lengths": {"failed": "not done after 90 s"},
        "lengths, graphs": {"seconds": 49.3},
    }
    (tmp_path / "cuda.json").write_text(json.dumps(report))
    text = tables.table("cuda.json", "cuda")
    assert "| codes, kernel, 128 blocks, loop, codes a second | 500 |" in text
    assert "| vocoder, fp16, plain, 50 frames, ms | 5.5 |" in text
    assert "| first audio, sentence, kernel, ms | 90.0 |" in text
    assert "| 200 sentences of different lengths, graphs | 49 s |" in text
    with pytest.raises(ValueError, match="no table 'other'"):
        tables.table("cuda.json", "other")
