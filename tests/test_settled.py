"""Forms of the networks that devices are fast at: the same numbers, told apart from the stored form by construction."""

import logging
import math
import os
from dataclasses import replace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, T2S_CONFIG, VOCODER, random_weights

from dora_primespeech_mlx.commands.bench.primitives import step_primitives
from dora_primespeech_mlx.nets.bigvgan import BigVGAN, BigVGANConfig
from dora_primespeech_mlx.nets.sovits import Flow, Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.nets.vocoder import Phases, Vocoder
from dora_primespeech_mlx.runtime import memory
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner, MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis import decoding
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.weights.random_weights import SIZES

BIGVGAN = BigVGANConfig(6, 48, (4, 2), (8, 4), (3, 5), ((1, 3), (1, 3)), bounded=False, final_bias=True)
GENERATORS = {
    "timbre": (Vocoder, VOCODER),
    "of a mel": (Vocoder, replace(VOCODER, gin_channels=0, final_bias=True, initial_channels=48)),
    "BigVGAN": (BigVGAN, BIGVGAN),
}
WIDE = 16


@pytest.fixture(autouse=True)
def seeded() -> None:
    mx.random.seed(7)


def close(found: mx.array, expected: mx.array, part: float = 2e-5) -> None:
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=part * float(mx.abs(expected).max()))


@pytest.mark.parametrize(("rate", "kernel"), [(10, 16), (10, 20), (8, 16), (8, 8), (2, 8), (2, 2), (3, 5), (5, 11)])
def test_a_transposed_convolution_in_phases_is_the_same(rate, kernel):
    up = random_weights(nn.ConvTranspose1d(5, 7, kernel, stride=rate, padding=(kernel - rate) // 2))
    x = mx.random.normal((2, 9, 5))
    close(Phases(up)(x), up(x))


def test_sixteen_thousand_frames_are_those_of_a_few():
    up = random_weights(nn.ConvTranspose1d(4, 4, 16, stride=8, padding=4))
    phases, x = Phases(up), mx.random.normal((1, 16_000, 4))
    whole = phases(x)
    for start in (0, 7_900, 15_900):
        close(whole[:, 8 * (start + 2) : 8 * (start + 98)], up(x[:, start : start + 100])[:, 16:784])


@pytest.mark.parametrize("multiple", [1, WIDE])
@pytest.mark.parametrize("kind", GENERATORS)
def test_a_settled_generator_sounds_the_same(kind, multiple):
    make, config = GENERATORS[kind]
    generator = random_weights(make(config))
    heard = [mx.random.normal((1, 11, generator.conv_pre.weight.shape[2]))]
    if "cond" in generator:
        places = mx.arange(3, 40)[None], mx.zeros((1, 20), mx.int32), mx.arange(5, 25)[None]
        heard += [mx.random.normal((1, 1, config.gin_channels)), places]
    expected = generator(*heard)
    generator.settle(multiple)
    assert all(isinstance(up, Phases) for up in generator.ups)
    close(generator(*heard), expected)


@pytest.mark.parametrize("size", SIZES)
def test_no_convolution_of_a_vocoder_takes_the_slow_way_on_metal(size):
    config = replace(SIZES[size][1].vocoder, resblock_kernels=(3,), dilations=((1,),))
    generator = (BigVGAN if isinstance(config, BigVGANConfig) else Vocoder)(config)

    def slow() -> list[str]:
        """Layers that Metal's direct convolutions do not take: other than 1 to 4 or a multiple of 16 channels."""
        found = []
        for name, layer in generator.named_modules():
            if isinstance(layer, nn.ConvTranspose1d):
                found.append(name)
            elif isinstance(layer, nn.Conv1d | Phases):
                out, _, inputs = layer.weight.shape
                if (inputs > 4 and inputs % WIDE) or (out > WIDE and out % WIDE):
                    found.append(name)
        return found

    before = slow()
    generator.settle(WIDE)
    assert before and slow() == ([] if generator.conv_pre.weight.shape[2] % WIDE == 0 else ["conv_pre"])


@pytest.mark.parametrize("layers", [4, 3])
def test_a_flow_without_reversals_is_the_same(layers):
    flow = random_weights(Flow(replace(SOVITS_CONFIG, flow_layers=layers)))
    x, ge = mx.random.normal((1, 20, 8)), mx.random.normal((1, 1, 16))
    expected = flow(x, ge)
    flow.settle()
    close(flow(x, ge), expected)


def test_a_settled_step_has_the_same_scores_and_at_most_250_operations():
    network = random_weights(T2S(T2S_CONFIG))
    phones, codes = mx.array([[1, 2, 3]]), mx.array([[5, 6]])
    features = mx.random.normal((1, 3, 1024))

    def scores() -> mx.array:
        rows = mx.concatenate([network.embed_text(phones, features), network.embed_audio(codes, mx.arange(2))], axis=1)
        return network.logits(network(rows, None))

    expected, layers = scores(), T2S_CONFIG.layers
    network.settle()
    close(scores(), expected)
    operations = sum(step_primitives(network).values())
    assert operations == 10 * layers + 5
    assert 10 * SIZES["v2"][0].layers + 5 <= 250


def test_numbers_beyond_16_bits_are_made_again_in_float32(caplog):
    network = random_weights(Sovits(SOVITS_CONFIG))
    for layer in (network.dec.conv_pre, network.dec.ups[0]):
        layer.weight *= 300
    latent, ge = (np.random.default_rng(0).standard_normal(shape).astype(np.float32) for shape in ((20, 8), (16,)))
    heard = mx.array(latent)[None], mx.array(ge)[None, None]
    exact = np.array(network.dec(*heard)[0])
    network.set_dtype(mx.float16)
    assert not mx.isfinite(network.dec(*(part.astype(mx.float16) for part in heard))).all()
    runner = MlxSovitsRunner(network, bucket=True)
    with caplog.at_level(logging.WARNING):
        found = runner.vocode(latent, ge)
        again = runner.vocode(latent, ge)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, again)
    assert np.corrcoef(found, exact)[0, 1] > 0.99
    assert [("float32" in record.message) for record in caplog.records] == [True]


def test_the_choice_of_codes_is_built_once_for_all_sentences(monkeypatch):
    built = []
    monkeypatch.setattr(mx, "compile", lambda function: built.append(function) or function)
    decoding._chooser.cache_clear()
    runner = MlxT2SRunner(random_weights(T2S(T2S_CONFIG)), accelerated=True)
    phones, prompt = np.arange(5, dtype=np.int32), np.zeros(3, np.int32)
    for seed in range(3):
        noise = NoiseTable("exponential", T2S_CONFIG.vocabulary, (seed,))
        list(decoding.generate(runner, phones, None, prompt, sampling=Sampling(), noise=noise, limit=2))
    decoding._chooser.cache_clear()
    assert len(built) == 1


@pytest.mark.parametrize(("described", "limit"), [({"memory_size": 16 << 30}, 1 << 30), ({}, memory.LEAST_CACHE)])
def test_what_mlx_holds_free_is_bounded(monkeypatch, described, limit):
    said: list[int] = []
    monkeypatch.setattr(mx, "device_info", lambda: described)
    monkeypatch.setattr(mx, "set_cache_limit", said.append)
    assert memory.bound_cache() == limit
    assert said == [limit]


def test_products_of_float32_are_of_float32():
    assert os.environ["MLX_ENABLE_TF32"] == "0"
    assert math.isclose(float((mx.array([[1 + 2**-20, 0]]) @ mx.array([[1.0], [0]]))[0, 0]), 1 + 2**-20, rel_tol=1e-7)
