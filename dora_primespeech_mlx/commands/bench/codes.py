"""Figures of the T2S network: prefill, steps, batches, attention, caches, number formats, compilation, bandwidth."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.commands.bench.closeness import closeness
from dora_primespeech_mlx.commands.bench.figures import Figure, counted, from_timed
from dora_primespeech_mlx.commands.bench.primitives import step_primitives
from dora_primespeech_mlx.commands.bench.static import StaticCache, static_step
from dora_primespeech_mlx.commands.bench.timing import finish, measure
from dora_primespeech_mlx.commands.bench.workshop import PROMPT_CODES, Endless, Workshop, random_codes
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S, prefill_mask
from dora_primespeech_mlx.runtime.factory import accelerated, t2s_runner
from dora_primespeech_mlx.runtime.interface import T2SRunner
from dora_primespeech_mlx.runtime.mlx.cache import KVCache
from dora_primespeech_mlx.runtime.onnx.t2s import OnnxT2SRunner
from dora_primespeech_mlx.runtime.onnx.trace_t2s import RecordedCache, step_graph
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import generate
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.weights.load import load_model

BLOCK = 10
"""Codes timed at a time."""
POSITION = 256
"""Rows in the cache where a single step is looked at."""


def decoding(shop: Workshop) -> Iterator[Figure]:
    """Prefill by phones, codes by phones and by how many there are already."""
    for phones in shop.lengths(20, 60, 200):
        ids = shop.phones(phones)
        yield shop.watch("t2s", "prefill", partial(scores, shop, ids), {"phones": phones})
    for phones in shop.lengths(20, 60, 200):
        source, made = codes_of(shop.t2s, shop.phones(phones), shop.prompt), 1
        next(source)
        for tokens in shop.lengths(50, 100, 250, 500):
            blocks = max(1, min(shop.watch.repeats, (tokens - made) // BLOCK))
            skipped = tokens - made - blocks * BLOCK
            list(islice(source, skipped))
            timed = measure(partial(some, source), warm_up=0, repeats=blocks)
            yield from_timed("t2s", "code", timed, BLOCK, {"phones": phones, "tokens": tokens})
            made = tokens


def scores(shop: Workshop, phones: np.ndarray) -> Any:
    """Scores of a text's first code."""
    return shop.t2s.start([(phones, None)], shop.prompt).logits


def some(source: Iterator[int]) -> list[int]:
    """The next codes of a text."""
    return list(islice(source, BLOCK))


def codes_of(runner: T2SRunner, phones: np.ndarray, prompt: np.ndarray) -> Iterator[int]:
    """Codes of a text through the token loop, with sampling as in use."""
    noise = NoiseTable("exponential", runner.config.vocabulary, (0,))
    return generate(runner, phones, None, prompt, sampling=Sampling(), noise=noise)


def batches(shop: Workshop) -> Iterator[Figure]:
    """Steps of several texts at once."""
    for batch in shop.lengths(1, 4, 16):
        session = shop.t2s.start([(shop.phones(60), None)] * batch, shop.prompt)
        codes = shop.t2s.xp.array(random_codes(batch))
        figure = shop.watch("batch", "step", partial(session.step, codes), {"texts": batch})
        yield figure
        yield counted("batch", "codes a second", "1/s", 1e3 * batch / figure.value, {"texts": batch})


def step(model: T2S, tokens: mx.array, caches: Sequence[Any]) -> mx.array:
    """Scores after one more code, tokens [B, 1]."""
    return model.logits(model(model.embed_audio(tokens, mx.array([PROMPT_CODES])), None, caches)[:, 0])


def filled_caches(model: T2S, rows: int, kind: Callable[[], Any]) -> list[Any]:
    """A cache for each layer that holds so many rows."""
    config, dtype = model.config, model.ar_audio_embedding.word_embeddings.weight.dtype
    shape = (1, config.heads, rows, config.head_width)
    caches = [kind() for _ in range(config.layers)]
    for cache in caches:
        finish(cache.update_and_fetch(*(mx.random.normal(shape).astype(dtype) for _ in range(2))))
    return caches


def attention(shop: Workshop) -> Iterator[Figure]:
    """One layer's attention in MLX, over whole texts and over one new row."""
    layer, width = shop.model.t2s.h.layers[0].self_attn, shop.model.t2s.config.hidden
    for rows in shop.lengths(64, 128, 256, 512, 1024):
        x, mask = mx.random.normal((1, rows, width)), mx.array(prefill_mask(rows // 2, rows - rows // 2))
        finish([x, mask])
        yield shop.watch("attention", "prefill", partial(layer, x, mask, None), {"rows": rows})
        caches = filled_caches(shop.model.t2s, rows, KVCache)
        yield shop.watch("attention", "step", partial(layer, x[:, :1], None, caches[0]), {"rows": rows})


def caches(shop: Workshop) -> Iterator[Figure]:
    """A step in MLX with a cache that is written in place, with one that is concatenated, and with none."""
    model, tokens = shop.model.t2s, mx.array([[1]])
    for rows in shop.lengths(128, 512):
        for name, kind in (("in place", KVCache), ("concatenated", RecordedCache)):
            held = filled_caches(model, rows, kind)
            yield shop.watch("cache", name, partial(step, model, tokens, held), {"rows": rows})
        x = mx.random.normal((1, rows, model.config.hidden))
        mask = mx.array(prefill_mask(rows // 2, rows - rows // 2))
        yield shop.watch("cache", "none", partial(model, x, mask), {"rows": rows})


def formats(shop: Workshop) -> Iterator[Figure]:
    """A step in each number format, and what its weights weigh."""
    if shop.runtime == "onnx":
        threads = shop.settings.threads
        runners = {name: t2s_runner(shop.model.t2s, "onnx", name, threads) for name in ("fp32", "int8")}
        for name, runner in runners.items():
            yield _step_of(shop, Endless(runner), name)
            moved = step_megabytes(runner.config, name, isinstance(runner, OnnxT2SRunner) and runner.rounded)
            yield counted("format", "bytes a code", "MB", moved, {"numbers": name})
        exact, count = runners.pop("fp32"), 10 if shop.quick else 200
        for name, found in closeness(exact, runners, shop.phones(60), shop.prompt, count).items():
            same = 100 * found.same / count
            yield counted("format", "likeliest codes equal to fp32's", "%", same, {"numbers": name})
            yield counted("format", "error of the scores", "%", 100 * found.error, {"numbers": name})
        return
    for name in ("fp32", "fp16", "int8", "int4"):
        model = model_in(shop, name)
        held = filled_caches(model, POSITION, KVCache)
        yield shop.watch("format", "step", partial(step, model, mx.array([[1]]), held), {"numbers": name})
        yield counted("format", "weights", "MB", megabytes(model), {"numbers": name})
        yield counted("format", "bytes a code", "MB", step_megabytes(model.config, name), {"numbers": name})


def _step_of(shop: Workshop, runner: T2SRunner, name: str) -> Figure:
    source = codes_of(runner, shop.phones(60), shop.prompt)
    next(source)
    return shop.watch("format", "step", partial(some, source), {"numbers": name}, per=BLOCK)


def model_in(shop: Workshop, name: str) -> T2S:
    """The T2S network in "fp32", "fp16", or with 8- or 4-bit layers (16-bit beside them on a device)."""
    stored = "fp16" if name == "fp16" or (name != "fp32" and accelerated()) else "fp32"
    model = load_model(shop.weights, precision=stored, wide=accelerated()).t2s
    if name.startswith("int"):
        nn.quantize(model.h, group_size=64, bits=int(name.removeprefix("int")))
        mx.eval(model.parameters())
    return model


def megabytes(module: nn.Module) -> float:
    """What a module's parameters take."""
    return sum(value.nbytes for value in dict(tree_flatten(module.parameters())).values()) / 1e6


def compilation(shop: Workshop) -> Iterator[Figure]:
    """Steps and the vocoder with and without `mx.compile`; a compiled step needs a cache of one size, and a mask."""
    model, tokens = shop.model.t2s, mx.array([[1]])
    held = filled_caches(model, POSITION, KVCache)
    yield shop.watch("compile", "step, growing cache", partial(step, model, tokens, held), {"compiled": False})
    fixed = StaticCache.of(model, 2 * POSITION)
    position = mx.array([POSITION])
    for compiled in (False, True):
        run = static_step(model, compiled)
        yield shop.watch(
            "compile",
            "step, cache of 512 rows",
            partial(run, tokens, position, fixed.keys, fixed.values),
            {"compiled": compiled},
        )
    vocoder = shop.model.sovits.dec
    heard = [mx.random.normal((1, 50, vocoder.conv_pre.weight.shape[2]))]
    if "cond" in vocoder:
        heard.append(mx.random.normal((1, 1, vocoder.cond.weight.shape[1])))
    for compiled in (False, True):
        call: Callable[..., Any] = vocoder.__call__
        render = mx.compile(call) if compiled else call
        yield shop.watch("compile", "vocoder, 50 frames", partial(render, *heard), {"compiled": compiled})


def dispatches(shop: Workshop) -> Iterator[Figure]:
    """Operations of one step, counted in its traced graph."""
    counts = step_primitives(shop.model.t2s)
    yield counted("dispatches", "operations that compute", "", sum(counts.values()))
    for name, count in counts.most_common():
        yield counted("dispatches", name, "", count)
    if shop.runtime == "onnx":
        yield counted("dispatches", "nodes of the ONNX graph", "", len(step_graph(shop.model.t2s).nodes))


def roofline(shop: Workshop) -> Iterator[Figure]:
    """Bytes a step must move, the bandwidth there is, and so the least time of a step."""
    speed = bandwidth(shop)
    yield speed
    numbers = shop.settings.precision
    if numbers == "auto":
        numbers = "int8" if shop.runtime == "onnx" else "fp16" if accelerated() else "fp32"
    runner = shop.t2s.runner
    moved = step_megabytes(runner.config, numbers, isinstance(runner, OnnxT2SRunner) and runner.rounded)
    yield counted("roofline", "bytes a code", "MB", moved, {"numbers": numbers, "rows": POSITION})
    yield counted("roofline", "least time of a code", "ms", moved / speed.value, {"numbers": numbers})
    source = codes_of(shop.t2s, shop.phones(60), shop.prompt)
    next(source)
    yield shop.watch("roofline", "code", partial(some, source), {"numbers": numbers}, per=BLOCK)


def step_megabytes(config: T2SConfig, numbers: str, rounded: bool = False) -> float:
    """What one step must read: the layers' weights, the last layer in float32, and `POSITION` rows of the cache.

    Rounded: the cache holds bytes.
    """
    size = {"fp32": 4, "fp16": 2, "int8": 1, "int4": 0.5}[numbers]
    cached = 1 if rounded else 2 if numbers == "fp16" else 4
    layer = 4 * config.hidden * config.heads * config.head_width + 2 * config.hidden * config.feed_forward
    weights = config.layers * layer * size + config.hidden * config.vocabulary * 4
    rows = 2 * config.layers * config.heads * config.head_width * POSITION * cached
    return (weights + rows) / 1e6


def bandwidth(shop: Workshop) -> Figure:
    """Bytes read and written a second by the copy of an array too large for caches."""
    count = (1 << 26) if not shop.quick else (1 << 23)
    if shop.runtime == "onnx" or not accelerated():
        source, target = np.ones(count, np.float32), np.ones(count, np.float32)
        timed = measure(lambda: np.copyto(target, source), repeats=shop.watch.repeats)
    else:
        array = mx.ones(count)
        finish(array)
        timed = measure(lambda: array + 1, repeats=shop.watch.repeats)
    moved = 2 * 4 * count / 1e9
    return Figure(
        "roofline", "bandwidth", "GB/s", moved / timed.median, moved / timed.high, moved / timed.low, timed.repeats
    )
