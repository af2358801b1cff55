"""Checks and measures T2S codes on one CUDA device, beside torch's CUDA graph of the same network.

    python benchmarks/cuda_t2s.py [--json FILE] [--size v2] [--parts NAME,...] [--codes 2000]

Needs mlx, numpy and safetensors, and for the part "torch" also torch. Weights are random, of the released size. Each
part runs in a process of its own; its last line is its result.
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dora_primespeech_mlx  # noqa: F401 - first: MLX reads its settings when it starts  # isort: skip
import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.commands.bench.closeness import closeness
from dora_primespeech_mlx.commands.bench.timing import measure
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE
from dora_primespeech_mlx.nets.dimensions.t2s import sine_table
from dora_primespeech_mlx.runtime.factory import sovits_runner
from dora_primespeech_mlx.runtime.interface import Newcomer, T2SRunner
from dora_primespeech_mlx.runtime.mlx.cuda.clusters import (
    ClusterRows,
    ClusterT2SRunner,
    CodesKernel,
    OperationsPrefill,
    plan,
    prefilled_rows,
)
from dora_primespeech_mlx.runtime.mlx.cuda.device import first_device
from dora_primespeech_mlx.runtime.mlx.cuda.prefill import PrefillKernel
from dora_primespeech_mlx.runtime.mlx.cuda.rows import ManyKernel, fits
from dora_primespeech_mlx.runtime.mlx.cuda.step import CudaT2SRunner
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner, MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import CODES_A_LAUNCH, MINIMUM_CODES, Guard, Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import SentenceAudio, stream_sentence
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.random_weights import SIZES, write_random_model

PHONES, PROMPT = 120, 100
PAST = PHONES + PROMPT
LIKELIEST = 200
LENGTHS = 200
ROWS = (1, 2, 4, 8)
WARM, REPEATS = 5, 25
PRODUCT, PRODUCTS = 8192, 8
LAUNCHES = 3
"""Launches of codes, and products of so large matrices, that a device needs longer for than a host to submit a call."""

Report = dict[str, Any]


def clusters(folder: Path, many: bool = False) -> ClusterT2SRunner:
    """The runner of the package, with the kernel for many texts only where that is asked for."""
    model = load_model(folder, precision="fp16").t2s
    device = first_device()
    how = plan(model.config, device.multiprocessors, device.shared) if device and device.clusters else None
    if device is None or how is None or not fits(model.config, device.multiprocessors, device.shared):
        sys.exit(f"{device} has no clusters that {model.config} fits.")
    rows = ManyKernel(model, device.multiprocessors)
    return ClusterT2SRunner(CodesKernel(model, how), PrefillKernel(model, rows), rows if many else None)


def vocoders(folder: Path) -> MlxSovitsRunner:
    """SoVITS as the package runs it."""
    sovits = sovits_runner(load_model(folder, precision="fp16").sovits, "mlx")
    assert isinstance(sovits, MlxSovitsRunner)
    return sovits


def row(seed: int, vocabulary: int, phones: int = PHONES) -> Row:
    ids = np.random.default_rng(seed).integers(1, 700, phones, dtype=np.int32)
    return Row(ids, None, NoiseTable("exponential", vocabulary, (seed,)), own_phones=1000, prompt=prompt())


def prompt() -> np.ndarray:
    return np.random.default_rng(PROMPT).integers(0, 1024, PROMPT, dtype=np.int32)


def decode(runner: T2SRunner, rows: Sequence[Row], limit: int, guard: Guard | None = None) -> list[float]:
    """Decodes rows in the token loop; the times at which their codes came."""
    for each in rows:
        each.limit, each.guard = limit, guard
    return [time.perf_counter() for _ in generate_many(runner, rows)]


def made_audio(sovits: MlxSovitsRunner, phones: np.ndarray) -> SentenceAudio:
    """What a sentence of such phones sounds like, with a timbre that is always the same."""
    config = sovits.config.vocoder
    ge = np.random.default_rng(0).standard_normal(config.gin_channels).astype(np.float32)
    return SentenceAudio(sovits, phones, ge, NoiseTable("normal", config.inter_channels, (0,)), 0.5, 1.0)


def heard(runner: T2SRunner, own: Row, audio: SentenceAudio) -> Iterator[np.ndarray]:
    """The samples of a sentence while its codes are made."""
    codes = (code for (code,) in generate_many(runner, [own]) if code is not None)
    return stream_sentence(audio, codes, audio.schedule)


def rates(folder: Path, codes: int) -> Report:
    """Codes a second through the token loop, with sampling and guard, by texts at once."""
    runner, report = clusters(folder), {}
    for count in ROWS:
        every = []
        for _ in range(3):
            times = decode(runner, [row(seed, runner.config.vocabulary) for seed in range(count)], 601, Guard())
            every.append(count * (len(times) - 50) / (times[-1] - times[49]))
        report[f"loop, {count} texts, codes_per_s"] = sorted(every)
    for count in (8, 16):
        session, noise = (
            runner.start([(row(0, 1025).phones, None)], prompt()),
            mx.random.uniform(0.1, 2, (count, 1, 1025)),
        )
        timed = measure(lambda s=session, n=noise: s.codes(n, Sampling(), 1024, MINIMUM_CODES), warm_up=3, repeats=15)
        report[f"launch of {count} read at once, codes_per_s"] = count / timed.median
    step = CudaT2SRunner(load_model(folder, precision="fp16").t2s)
    times = decode(step, [row(0, step.config.vocabulary)], 301, Guard())
    report["step kernel, loop, codes_per_s"] = (len(times) - 50) / (times[-1] - times[49])
    return report


def many(folder: Path, codes: int) -> Report:
    """The kernel for many texts: codes a second by texts, and its codes beside those of clusters, of texts alone."""
    runner, with_many = clusters(folder), clusters(folder, many=True)
    rows = [row(seed, runner.config.vocabulary) for seed in range(12)]
    decode(with_many, rows, 100)
    report: Report = {"same codes as alone, of 100": []}
    for seed, each in enumerate(rows):
        alone = row(seed, runner.config.vocabulary)
        decode(runner, [alone], 100)
        report["same codes as alone, of 100"].append(sum(a == b for a, b in zip(each.codes, alone.codes, strict=True)))
    for count in (16, 32, 64):
        times = decode(with_many, [row(seed, runner.config.vocabulary) for seed in range(count)], 301)
        report[f"loop, {count} texts, codes_per_s"] = count * (len(times) - 50) / (times[-1] - times[49])
    return report


def prefills(folder: Path, codes: int) -> Report:
    """Prefills in one launch and by operations, of some texts at once: milliseconds, and how far from float32."""
    runner, exact = clusters(folder), load_model(folder, precision="fp32").t2s
    operations = OperationsPrefill(runner._kernel, load_model(folder, precision="fp16").t2s)
    report: Report = {}
    for count in (1, 4, 16):
        texts = [row(seed, 1025, PHONES - 5 * (seed % 4)).phones for seed in range(count)]
        newcomers = [Newcomer((phones, None), prompt(), Sampling(), 1024, MINIMUM_CODES) for phones in texts]
        expected, rows_of = prefilled_rows(exact, [each.text for each in newcomers], [prompt()] * count)
        for name, prefill in (("kernel", runner._prefill), ("operations", operations)):
            times, submitted = [], []
            for _ in range(12):
                rows = ClusterRows(runner._kernel, prefill)
                mx.synchronize()
                began = time.perf_counter()
                rows.join(newcomers)
                submitted.append(1e3 * (time.perf_counter() - began))
                mx.eval(rows.logits)
                times.append(1e3 * (time.perf_counter() - began))
            report[f"{count} texts, {name}, ms"] = sorted(times[2:])
            report[f"{count} texts, {name}, ms to submit"] = sorted(submitted[2:])
            report[f"{count} texts, {name}, scores off"] = mx.abs(rows.logits - expected).max().item()
            off = [
                mx.abs(rows._cache[slot, :, :, :, : own.shape[3]].astype(mx.float32) - own).max().item()
                for slot, own in zip(rows._slots, rows_of, strict=True)
            ]
            report[f"{count} texts, {name}, rows off"] = max(off)
    return report


def equality(folder: Path, codes: int) -> Report:
    """Codes of the kernel beside those of the loop: the step kernel's, and float32's by operations."""
    runner = clusters(folder)
    ways = {
        "step kernel": CudaT2SRunner(load_model(folder, precision="fp16").t2s),
        "float32 operations": MlxT2SRunner(load_model(folder, precision="fp32").t2s, True),
    }
    own = row(3, runner.config.vocabulary)
    decode(runner, [own], codes)
    report: Report = {}
    for name, way in ways.items():
        other = row(3, runner.config.vocabulary)
        decode(way, [other], codes)
        same = [a == b for a, b in zip(own.codes, other.codes, strict=True)]
        report[name] = {
            "same_of": [sum(same), len(same)],
            "first_difference": same.index(False) if False in same else None,
        }
        print(json.dumps(report), flush=True)
    return report


def likeliest(folder: Path, codes: int) -> Report:
    """Likeliest codes beside float32's, all fed those that float32 chooses."""
    exact = MlxT2SRunner(load_model(folder, precision="fp32").t2s, True)
    ids = row(0, exact.config.vocabulary).phones
    found = closeness(exact, {"clusters": clusters(folder)}, ids, prompt(), LIKELIEST)["clusters"]
    return {"same_of": [found.same, LIKELIEST], "worst_score_difference": found.worst}


def company(folder: Path, codes: int) -> Report:
    """Whether a text has the same bits alone and among others."""
    runner = clusters(folder)
    lengths = (120, 17, 450, 60, 33, 700, 5, 256)
    texts = [(row(seed, 1025, length).phones, None) for seed, length in enumerate(lengths)]
    noise = mx.array(np.stack([NoiseTable("exponential", 1025, (seed,))(0, 48) for seed in range(len(texts))], axis=1))

    def run(which: list[int]) -> tuple[np.ndarray, np.ndarray]:
        session = runner.start([texts[index] for index in which], prompt())
        own = noise[:, mx.array(which)]
        drawn = [
            session.codes(own[at : at + CODES_A_LAUNCH], Sampling(), 1024, MINIMUM_CODES)
            for at in range(0, 48, CODES_A_LAUNCH)
        ]
        return np.array(mx.concatenate(drawn)), np.array(session.logits)

    drawn, scores = run(list(range(len(texts))))
    report = {}
    for which in ([0], [1, 2], [3, 4, 5, 6], [7, 2, 0, 5, 1, 6, 4, 3]):
        own = run(which)
        equal = np.array_equal(own[0], drawn[:, :, which]) and np.array_equal(own[1], scores[which])
        report[str(which)] = bool(equal)
    return report


def cancel(folder: Path, codes: int) -> Report:
    """Milliseconds until the device is free after the token loop was left."""
    runner, times = clusters(folder), []
    for repeat in range(10):
        steps = generate_many(runner, [row(repeat, 1025)])
        for _ in range(60 + repeat):
            next(steps)
        began = time.perf_counter()
        steps.close()
        mx.synchronize()
        times.append(1e3 * (time.perf_counter() - began))
    return {"ms": sorted(times)}


def sentence(folder: Path, codes: int) -> Report:
    """First audio and real-time factor of sentences of 100 codes; the first one also compiles."""
    runner, sovits = clusters(folder), vocoders(folder)
    first_ms, factors = [], []
    for _ in range(16):
        own, first, samples = row(0, runner.config.vocabulary), 0.0, 0
        own.limit = 100
        began = time.perf_counter()
        audio = made_audio(sovits, own.phones[-40:])
        for chunk in heard(runner, own, audio):
            first = first or time.perf_counter() - began
            samples += len(chunk)
        factors.append((time.perf_counter() - began) / (samples / (FRAME_RATE * audio.hop)))
        first_ms.append(1e3 * first)
    return {"first_ms": first_ms, "real_time_factor": factors}


def lengths(folder: Path, codes: int) -> Report:
    """Whole sentences of 200 lengths, of phones and of codes: each ends, and all numbers are finite."""
    runner, sovits = clusters(folder), vocoders(folder)
    seconds, done = 0.0, 0
    for number in range(LENGTHS):
        own = row(number, runner.config.vocabulary, 20 + 2 * number)
        own.limit = 5 + number
        audio = made_audio(sovits, own.phones)
        samples = np.concatenate(list(heard(runner, own, audio)))
        done += bool(np.isfinite(samples).all() and len(samples) == audio.hop * audio.frames(len(own.codes)))
        seconds += len(samples) / (FRAME_RATE * audio.hop)
    return {"done_of": [done, LENGTHS], "audio_s": seconds}


def beside(folder: Path, codes: int) -> Report:
    """Milliseconds of the vocoder alone, and while codes are made on a stream of their own."""
    runner, sovits = clusters(folder), vocoders(folder)
    config, random = sovits.config.vocoder, np.random.default_rng(0)
    ge = random.standard_normal(config.gin_channels).astype(np.float32)
    noise, own = mx.random.uniform(0.1, 2, (CODES_A_LAUNCH, 1, 1025)), mx.new_stream(mx.default_device())
    mx.eval(noise)
    report: Report = {}
    for frames in (64, 160):
        latent = random.standard_normal((frames, config.inter_channels)).astype(np.float32)
        for name, launches in (("alone", 0), ("beside codes", 12)):
            times = []
            for _ in range(20):
                with mx.stream(own):
                    session = runner.start([(row(0, 1025).phones, None)], prompt())
                    mx.eval(session.logits)
                    drawn = [session.codes(noise, Sampling(), 1024, MINIMUM_CODES) for _ in range(launches)]
                mx.async_eval(*drawn)
                began = time.perf_counter()
                sovits.vocode(latent, ge)
                times.append(1e3 * (time.perf_counter() - began))
                mx.eval(*drawn)
                ended = time.perf_counter() - began
            report[f"{frames} frames {name}, ms"] = sorted(times[5:])
            report[f"{frames} frames {name}, codes after ms"] = 1e3 * ended
    return report


def within(folder: Path, codes: int) -> Report:
    """Calls of SoVITS on the one stream that the package has, from submission to samples in NumPy, in milliseconds.

    As sentences make them while their codes are made, and each again with nothing else on the device; then the vocoder
    on an idle stream and behind a launch of codes, whose end tells waiting from work; and what is left of a call once
    the launches before it are done, which its kernels take where the host has submitted all of them by then: behind
    codes and behind products of matrices.
    """
    runner, sovits = clusters(folder), vocoders(folder)
    return {"sentence": within_sentences(runner, sovits), "queued": queued(runner, sovits)}


def within_sentences(runner: T2SRunner, sovits: MlxSovitsRunner) -> Report:
    """The calls of sentences of 100 codes, by stage, frames and whether a launch has been submitted and not read."""
    report: Report = {}
    for repeat in range(WARM + REPEATS):
        own = row(0, runner.config.vocabulary)
        calls: list[Any] = []
        own.limit = 100
        for _ in heard(runner, own, made_audio(watched(sovits, own, calls), own.phones[-40:])):
            pass
        for stage, rows, under_way, took in calls if repeat >= WARM else []:
            frames = len(rows[0][0]) * (2 if stage == "encode" else 1)
            key = f"{stage}, {frames} frames, {'codes under way' if under_way else 'all codes read'}"
            mx.synchronize()
            again, _ = timed_call(getattr(sovits, f"{stage}_rows"), rows)
            for kind, ms in (("in a sentence", took), ("again, alone", again)):
                report.setdefault(f"{key}, {kind}, ms", []).append(ms)
    return {key: sorted(values) for key, values in report.items()}


def watched(sovits: MlxSovitsRunner, own: Row, calls: list[Any]) -> MlxSovitsRunner:
    """The runner, which adds its calls: the stage, the rows, whether codes of the text are under way, and how long."""

    def call(stage: str, rows: Sequence[Any]) -> list[Any]:
        under_way = own.launched > len(own.codes)
        took, made = timed_call(getattr(sovits, f"{stage}_rows"), rows)
        calls.append((stage, rows, under_way, took))
        return made

    watching = copy.copy(sovits)
    for stage in ("encode", "flow", "vocode"):
        setattr(watching, f"{stage}_rows", partial(call, stage))
    return watching


def timed_call(call: Callable[[Sequence[Any]], Sequence[Any]], rows: Sequence[Any]) -> tuple[float, list[Any]]:
    """Milliseconds until the results of a call are there, and they."""
    began = time.perf_counter()
    made = list(call(rows))
    return 1e3 * (time.perf_counter() - began), made


def queued(runner: ClusterT2SRunner, sovits: MlxSovitsRunner) -> Report:
    """The vocoder behind what is on the stream already, in turns; see `within`."""
    config, random = sovits.config.vocoder, np.random.default_rng(0)
    ge = random.standard_normal(config.gin_channels).astype(np.float32)
    noise = mx.random.uniform(0.1, 2, (2 * CODES_A_LAUNCH, 1, 1025))
    square = mx.random.normal((PRODUCT, PRODUCT), scale=PRODUCT**-0.5).astype(mx.float16)
    mx.eval(noise, square)

    def launches(count: int, length: int) -> list[mx.array]:
        session = runner.start([(row(0, 1025).phones, None)], prompt())
        mx.eval(session.logits)
        return [session.codes(noise[:length], Sampling(), 1024, MINIMUM_CODES) for _ in range(count)]

    def products() -> list[mx.array]:
        made = square
        for _ in range(PRODUCTS):
            made = made @ square
        mx.async_eval(made)
        return [made]

    def one_unread() -> list[mx.array]:
        first, second = launches(2, CODES_A_LAUNCH)
        first.tolist()  # as the token loop does, with the next one on its way
        return [second]

    before: dict[str, Callable[[], list[mx.array]]] = {
        "alone": list,
        "behind a launch": one_unread,
        "behind many codes": lambda: launches(LAUNCHES, 2 * CODES_A_LAUNCH),
        "behind products": products,
    }
    report: Report = {}
    for frames in (64, 160):
        latent = random.standard_normal((frames, config.inter_channels)).astype(np.float32)
        for repeat in range(WARM + REPEATS):
            for name, submitted in before.items():
                mx.synchronize()
                ahead = submitted()
                began = time.perf_counter()
                samples = sovits.vocode_rows([(latent, ge, 0, frames)])
                times = [time.perf_counter()]
                mx.eval(ahead)
                times.append(time.perf_counter())
                list(samples)
                times.append(time.perf_counter())
                for what, ended in zip(("submitted", "what was before is done", "samples"), times, strict=True):
                    if repeat >= WARM:
                        report.setdefault(f"{frames} frames {name}, {what}, ms", []).append(1e3 * (ended - began))
                if repeat >= WARM:
                    report.setdefault(f"{frames} frames {name}, rest, ms", []).append(1e3 * (times[2] - times[1]))
    return report


def torch_graph(folder: Path, codes: int) -> Report:
    """The same network in torch: one CUDA graph a step, static cache of 320 rows, top-k 15 and the draw inside."""
    sys.path.remove(str(Path(__file__).resolve().parent))  # whose cuda.py would hide NVIDIA's package from torch
    import torch
    from torch.nn.functional import layer_norm, linear, relu, scaled_dot_product_attention

    model = load_model(folder, precision="fp16").t2s
    config = model.config
    hidden, heads = config.hidden, config.heads

    def moved(array: mx.array, kind: Any = torch.float16) -> Any:
        return torch.from_numpy(np.array(array.astype(mx.float32))).cuda().to(kind)

    layers = [
        [
            moved(array)
            for part in (layer.self_attn.in_proj, layer.self_attn.out_proj, layer.linear1, layer.linear2)
            + (layer.norm1, layer.norm2)
            for array in (part.weight, part.bias)
        ]
        for layer in model.h.layers
    ]
    embedding = moved(model.ar_audio_embedding.word_embeddings.weight)
    head = moved(model.ar_predict_layer.weight, torch.float32)
    positions = torch.from_numpy(sine_table(4000, hidden)).cuda().half()
    cache = torch.zeros(config.layers, 2, 1, heads, 320, hidden // heads, device="cuda", dtype=torch.float16)
    token, at, filled = (torch.full((1,), value, device="cuda") for value in (3, 100, 200))
    rows, noise = torch.arange(320, device="cuda"), torch.empty(15, device="cuda").exponential_()

    def step() -> None:
        x = embedding[token] + positions[at]
        mask = (rows <= filled)[None, None, None]
        for index, (iw, ib, ow, ob, uw, ub, dw, db, g1, b1, g2, b2) in enumerate(layers):
            q, k, v = linear(x, iw, ib).view(3, 1, heads, 1, -1)
            cache[index, 0].index_copy_(2, filled, k)
            cache[index, 1].index_copy_(2, filled, v)
            joined = scaled_dot_product_attention(q, cache[index, 0], cache[index, 1], attn_mask=mask)
            x = layer_norm(x + linear(joined.reshape(1, hidden), ow, ob), (hidden,), g1, b1)
            x = layer_norm(x + linear(relu(linear(x, uw, ub)), dw, db), (hidden,), g2, b2)
        best, codes = torch.topk(linear(x.float(), head)[0], 15)
        chosen = torch.argmax(torch.softmax(best, 0) / noise, dim=0, keepdim=True)
        token.copy_(codes.gather(0, chosen))
        at.add_(1)

    side = torch.cuda.Stream()
    with torch.no_grad(), torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        step()

    def timed(read: bool) -> float:
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(300):
            graph.replay()
            if read:
                token.item()
        torch.cuda.synchronize()
        return 300 / (time.perf_counter() - began)

    timed(False)
    return {"graph, codes_per_s": timed(False), "graph and a read, codes_per_s": timed(True)}


PARTS: dict[str, Callable[[Path, int], Report]] = {
    "rates": rates,
    "many": many,
    "prefills": prefills,
    "torch": torch_graph,
    "likeliest": likeliest,
    "equality": equality,
    "company": company,
    "cancel": cancel,
    "sentence": sentence,
    "lengths": lengths,
    "beside": beside,
    "within": within,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--size", default="v2", choices=sorted(SIZES))
    parser.add_argument("--parts", default=",".join(PARTS), help="names separated by commas (default: all)")
    parser.add_argument("--codes", type=int, default=2000, help="codes that are compared")
    parser.add_argument("--seconds", type=float, default=120, help="most for a part")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(PARTS[args.part](args.folder, args.codes)))
        return
    report: Report = {"size": args.size, "mlx": mx.__version__, "device": str(mx.device_info().get("device_name"))}
    with tempfile.TemporaryDirectory() as folder:
        write_random_model(folder, args.size)
        for name in args.parts.split(","):
            began = time.perf_counter()
            command = [sys.executable, __file__, "--part", name, "--folder", folder, "--codes", str(args.codes)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=args.seconds, check=False)
                lines, error = done.stdout.strip().splitlines(), done.stderr[-1500:] if done.returncode else ""
            except subprocess.TimeoutExpired as stopped:
                lines, error = (stopped.stdout or b"").decode().strip().splitlines(), "not done in time"
            report[name] = {**(json.loads(lines[-1]) if lines else {}), **({"failed": error} if error else {})}
            print(f"{time.perf_counter() - began:6.1f} s  {name}: {json.dumps(report[name])}", flush=True)
            if args.json:
                args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
