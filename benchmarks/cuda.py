"""Measures MLX on one CUDA device, with random weights of the released size, and compares ways to run it faster.

    python benchmarks/cuda.py [--json FILE] [--size v2] [--parts NAME,...] [--budget SECONDS]

Needs mlx, numpy and safetensors only. Each part runs in a process of its own, with its own environment and time limit,
so that one that fails or hangs costs the others nothing; the most telling parts come first.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import mlx.core as mx
import numpy as np
from cuda_vocoder import UnfoldedVocoder

from dora_primespeech_mlx.commands.bench.closeness import closeness
from dora_primespeech_mlx.commands.bench.primitives import step_primitives
from dora_primespeech_mlx.commands.bench.static import StaticCache, static_step
from dora_primespeech_mlx.commands.bench.timing import finish, measure, spread
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE
from dora_primespeech_mlx.runtime.factory import accelerated
from dora_primespeech_mlx.runtime.interface import T2SRunner
from dora_primespeech_mlx.runtime.mlx.cuda.step import CudaT2SRunner, fits
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner, MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import generate
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from dora_primespeech_mlx.weights.load import Model, load_model
from dora_primespeech_mlx.weights.random_weights import SIZES, write_random_model

PHONES, PROMPT = 120, 100
BLOCK, BLOCKS = 50, 4
FRAMES = (50, 200, 1000)
LENGTHS = 200
GRIDS = (64, 128, 132)

Report = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One measurement: what it does, in which environment, and how long it may take."""

    run: Callable[[Path], Report]
    seconds: int = 40
    environment: dict[str, str] = field(default_factory=dict)


def phones(count: int = PHONES) -> np.ndarray:
    return np.random.default_rng(count).integers(1, 700, count, dtype=np.int32)


def prompt(count: int = PROMPT) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 1024, count, dtype=np.int32)


def codes(runner: T2SRunner, sampling: Sampling, limit: int, count: int = PHONES) -> Iterator[int]:
    noise = NoiseTable("exponential", runner.config.vocabulary, (0,))
    return generate(runner, phones(count), None, prompt(), sampling=sampling, noise=noise, limit=limit)


def steps_a_second(source: Iterator[int]) -> Report:
    """Codes a second over blocks of codes, after a first one."""
    list(islice(source, BLOCK))
    seconds = []
    for _ in range(BLOCKS):
        began = time.perf_counter()
        made = len(list(islice(source, BLOCK)))
        seconds.append((time.perf_counter() - began) / max(made, 1))
    timed = spread(seconds)
    return {"codes_per_s": 1 / timed.median, "slow": 1 / timed.high, "fast": 1 / timed.low, "ms": 1e3 * timed.median}


def loop(runner: T2SRunner) -> Report:
    """The token loop, with sampling."""
    return {"loop": steps_a_second(codes(runner, Sampling(), BLOCK * (BLOCKS + 1) + 1))}


def decode(folder: Path, precision: str, wide: bool) -> Report:
    model = load_model(folder, precision=precision, wide=wide).t2s
    report = loop(MlxT2SRunner(model, accelerated=True))
    if precision == "fp32":
        counts = step_primitives(model)
        report["operations"] = {"step": sum(counts.values()), **counts}
    return report


def decode_kernel(folder: Path) -> Report:
    model = load_model(folder, precision="fp16").t2s
    if not fits(model.config):
        return {"skipped": f"the kernel does not take {model.config}"}
    report: Report = {}
    for blocks in GRIDS:
        runner = CudaT2SRunner(model, blocks)
        report[f"{blocks} blocks"] = {**loop(runner), "step": bare_steps(runner)}
        print(json.dumps(report), flush=True)
    return report


def bare_steps(runner: T2SRunner) -> Report:
    """Steps without sampling, each waiting for the one before it only on the device."""
    session, code = runner.start([(phones(), None)], prompt()), mx.array([3], mx.uint32)

    def some() -> mx.array:
        for _ in range(BLOCK):
            logits = session.step(code)
        return logits

    timed = measure(some, repeats=BLOCKS)
    return {"ms": 1e3 * timed.median / BLOCK, "steps_per_s": BLOCK / timed.median}


def decode_static(folder: Path) -> Report:
    """A compiled step over a cache of one size; the next code is the likeliest, so that nothing waits for the host."""
    model = load_model(folder, precision="fp16", wide=True).t2s
    report = {}
    for compiled in (False, True):
        run, cache = static_step(model, compiled), StaticCache.of(model, 512)

        def some(run: Callable[..., Any] = run, cache: StaticCache = cache) -> mx.array:
            token, keys, values = mx.array([[3]]), cache.keys, cache.values
            for row in range(BLOCK):
                logits, keys, values = run(token, mx.array([200 + row]), keys, values)
                token = mx.argmax(logits, axis=-1)[None]
                mx.async_eval(token, keys, values)
            return token

        timed = measure(some, repeats=BLOCKS)
        report["compiled" if compiled else "plain"] = {
            "ms": 1e3 * timed.median / BLOCK,
            "steps_per_s": BLOCK / timed.median,
        }
    return report


def decode_batch(folder: Path) -> Report:
    runner = MlxT2SRunner(load_model(folder, precision="fp16", wide=True).t2s, accelerated=True)
    report = {}
    for batch in (1, 4, 16):
        session = runner.start([(phones(), None)] * batch, prompt())
        picked = mx.array(prompt(batch))
        timed = measure(lambda session=session, picked=picked: [session.step(picked) for _ in range(10)][-1], repeats=5)
        report[str(batch)] = {"ms": 1e2 * timed.median, "codes_per_s": 10 * batch / timed.median}
    return report


def agreement(folder: Path) -> Report:
    """Likeliest codes of each way to run a step, all fed the codes that float32 chooses."""
    exact = load_model(folder, precision="fp32").t2s
    runners: dict[str, T2SRunner] = {
        "fp16, wide heads": MlxT2SRunner(load_model(folder, precision="fp16", wide=True).t2s, True),
        "fp16": MlxT2SRunner(load_model(folder, precision="fp16").t2s, True),
        "fp32, wide heads": MlxT2SRunner(load_model(folder, precision="fp32", wide=True).t2s, True),
    }
    small = load_model(folder, precision="fp16").t2s
    if accelerated() and fits(small.config):
        runners["kernel"] = CudaT2SRunner(small)
    steps = BLOCK * BLOCKS
    found = closeness(MlxT2SRunner(exact, True), runners, phones(), prompt(), steps)
    return {name: {"same_of": [each.same, steps], "worst_score_difference": each.worst} for name, each in found.items()}


def vocoder(folder: Path) -> Report:
    """Milliseconds of the generator by frames, in both precisions and every form."""
    report: Report = {}
    for precision in ("fp32", "fp16"):
        model = load_model(folder, precision=precision).sovits
        config, dtype = model.config.vocoder, model.enc_p.proj.weight.dtype
        ge = mx.random.normal((1, 1, config.gin_channels)).astype(dtype)
        unfolded = UnfoldedVocoder(model.dec)
        forms = {
            "plain": model.dec.__call__,
            "compiled": mx.compile(model.dec.__call__),
            "unfolded": unfolded.__call__,
            "unfolded, compiled": mx.compile(unfolded.__call__),
        }
        for name, form in forms.items():
            for frames in FRAMES:
                latent = mx.random.normal((1, frames, config.inter_channels)).astype(dtype)
                finish([latent, ge])
                timed = measure(functools.partial(form, latent, ge), warm_up=3, repeats=15, budget=2.0)
                report[f"{precision}, {name}, {frames}"] = 1e3 * timed.median
            print(json.dumps(report), flush=True)
        latent = mx.random.normal((1, 50, config.inter_channels)).astype(dtype)
        difference = mx.abs(unfolded(latent, ge) - model.dec(latent, ge)).max() / mx.abs(model.dec(latent, ge)).max()
        report[f"{precision}, unfolded differs by"] = float(difference)
    return report


def speak(t2s: T2SRunner, model: Model, count: int = PHONES, limit: int = 100) -> Report:
    """Time to the first samples and real-time factor of one sentence of `limit` codes."""
    sovits = MlxSovitsRunner(model.sovits, bucket=True, compiled=accelerated())
    config = sovits.config.vocoder
    ge = np.random.default_rng(0).standard_normal(config.gin_channels).astype(np.float32)
    noise = NoiseTable("normal", config.inter_channels, (0,))
    began, first, samples = time.perf_counter(), 0.0, 0
    audio = SentenceAudio(sovits, phones(count)[-40:], ge, noise, 0.5, 1.0)
    for chunk in stream_sentence(audio, codes(t2s, Sampling(), limit, count), Schedule()):
        first = first or time.perf_counter() - began
        samples += len(chunk)
    seconds = time.perf_counter() - began
    length = samples / (FRAME_RATE * audio.hop)
    return {"first_ms": 1e3 * first, "real_time_factor": seconds / length, "audio_s": length}


def sentence(folder: Path) -> Report:
    model = load_model(folder, precision="fp16", wide=True)
    ways: dict[str, T2SRunner] = {"operations": MlxT2SRunner(model.t2s, accelerated=True)}
    narrow = load_model(folder, precision="fp16").t2s
    if accelerated() and fits(narrow.config):
        ways["kernel"] = CudaT2SRunner(narrow)
    report: Report = {}
    for name, runner in ways.items():
        runs = [speak(runner, model) for _ in range(4)]
        warm = runs[1:]
        report[name] = {"cold": runs[0], "warm": {key: float(np.median([run[key] for run in warm])) for key in warm[0]}}
    return report


def lengths(folder: Path) -> Report:
    """Sentences of many different lengths, one after the other, without an abort."""
    model = load_model(folder, precision="fp16", wide=True)
    runner = MlxT2SRunner(model.t2s, accelerated=True)
    began, slowest = time.perf_counter(), 0.0
    for index in range(LENGTHS):
        start = time.perf_counter()
        speak(runner, model, 45 + index, 12 + index % 30)
        slowest = max(slowest, time.perf_counter() - start)
    return {
        "lengths": LENGTHS,
        "seconds": time.perf_counter() - began,
        "slowest_s": slowest,
        "peak_MB": mx.get_peak_memory() / 1e6,
    }


def device(folder: Path) -> Report:
    count = 1 << 28
    array = mx.ones(count)
    finish(array)
    timed = measure(lambda: array + 1, repeats=10)
    tiny = mx.ones(8)

    def chain() -> mx.array:
        x = tiny
        for _ in range(1000):
            x = mx.abs(x)
        return x

    launch = measure(chain, repeats=10)
    info = mx.device_info() if accelerated() else {"device_name": "CPU"}
    return {
        "info": {key: str(value) for key, value in info.items()},
        "mlx": mx.__version__,
        "bandwidth_GB_s": 8 * count / 1e9 / timed.median,
        "microseconds_an_operation": 1e3 * launch.median,
    }


GRAPHS = {"MLX_USE_CUDA_GRAPHS": "1"}
LONG_GRAPHS = {**GRAPHS, "MLX_MAX_OPS_PER_BUFFER": "1000", "MLX_MAX_MB_PER_BUFFER": "100000"}
SMALL_CACHES = {**GRAPHS, "MLX_CUDA_CONV_CACHE_SIZE": "128", "MLX_CUDA_GRAPH_CACHE_SIZE": "400"}
EXACT = {"MLX_ENABLE_TF32": "0"}

wide = functools.partial(decode, precision="fp16", wide=True)
narrow = functools.partial(decode, precision="fp16", wide=False)
exact = functools.partial(decode, precision="fp32", wide=True)

PARTS = {
    "device": Part(device, 30),
    "sentence": Part(sentence, 60),
    "codes, kernel": Part(decode_kernel, 60),
    "lengths": Part(lengths, 150),
    "codes, fp16, wide heads": Part(wide),
    "agreement": Part(agreement, 60, EXACT),
    "codes, kernel, graphs": Part(decode_kernel, 60, GRAPHS),
    "codes, fp16, wide heads, graphs": Part(wide, 40, GRAPHS),
    "codes, fp16, wide heads, long graphs": Part(wide, 40, LONG_GRAPHS),
    "codes, fp16, graphs": Part(narrow, 40, GRAPHS),
    "codes, fp32, wide heads": Part(exact),
    "vocoder": Part(vocoder, 120),
    "vocoder, graphs": Part(vocoder, 90, GRAPHS),
    "sentence, graphs, small caches": Part(sentence, 60, SMALL_CACHES),
    "codes, fixed cache, graphs": Part(decode_static, 40, GRAPHS),
    "batch, graphs": Part(decode_batch, 40, GRAPHS),
    "lengths, graphs": Part(lengths, 90, GRAPHS),
    "lengths, graphs, small caches": Part(lengths, 90, SMALL_CACHES),
}
"""The environment of a part is the package's own (see its `__init__`) but for what the part sets."""


def run_part(name: str, folder: Path, seconds: float) -> Report:
    """Runs a part in a new process; the last line it printed, or what went wrong, is its result."""
    part, began = PARTS[name], time.perf_counter()
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **part.environment},
            capture_output=True,
            text=True,
            timeout=min(part.seconds, seconds),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        so_far = (error.stdout or b"").decode().strip().splitlines()
        report = json.loads(so_far[-1]) if so_far else {}
        return {**report, "failed": f"not done after {min(part.seconds, seconds):.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"failed": f"status {done.returncode}", "error": done.stderr[-1500:]}
    return {**json.loads(lines[-1]), "took_s": round(time.perf_counter() - began, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--size", default="v2", choices=sorted(SIZES))
    parser.add_argument("--parts", default="", help="names separated by semicolons (default: all)")
    parser.add_argument("--budget", type=float, default=140.0, help="seconds after which no part is started")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(PARTS[args.part].run(args.folder)))
        return
    began = time.perf_counter()
    report: Report = {"size": args.size, "weights": "random, of the released size"}
    names = [name.strip() for name in args.parts.split(";") if name.strip()] or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        write_random_model(folder, args.size)
        for name in names:
            left = args.budget - (time.perf_counter() - began)
            report[name] = run_part(name, Path(folder), left) if left > 3 else {"skipped": "no time left"}
            print(f"{time.perf_counter() - began:6.1f} s  {name}: {json.dumps(report[name])}", flush=True)
            if args.json:
                args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
