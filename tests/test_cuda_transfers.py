"""Transfers through memory that stays with the host, on the CPU, where a copy stands for the kernel that writes."""

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, random_weights

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.mlx.cuda import transfers as cuda_transfers
from dora_primespeech_mlx.runtime.mlx.cuda.transfers import LEAST, StayingTransfers
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner
from dora_primespeech_mlx.synthesis import decoding
from dora_primespeech_mlx.synthesis.decoding import Row


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(inputs, output_shapes, output_dtypes, grid, threadgroup):
        x, to = inputs
        mx.eval(x, to)
        assert grid[0] % threadgroup[0] == 0
        np.array(to, copy=False)[: x.size] = np.array(x.astype(mx.float32)).reshape(-1)
        return [mx.ones((1,), mx.int32)]

    monkeypatch.setattr(cuda_transfers, "_put", lambda: put)


def staying(told: list[tuple[int, int]] | None = None) -> StayingTransfers:
    return StayingTransfers(lambda address, size: told is None or told.append((address, size)) is None)


def test_a_network_gives_what_it_gives_with_mlx_s_transfers(written):
    network, chance = random_weights(Sovits(SOVITS_CONFIG)), np.random.default_rng(0)
    told: list[tuple[int, int]] = []
    ways = [MlxSovitsRunner(network, True, launch_bound=True, transfers=each) for each in (None, staying(told))]
    ge = chance.standard_normal(16).astype(np.float32)
    latents = [(chance.standard_normal((length, 8)).astype(np.float32), ge, 2, length - 3) for length in (40, 96, 17)]
    for _ in range(3):
        found, expected = (list(way.vocode_rows(latents)) for way in reversed(ways))
        for own, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(own, other)
            assert own.base is None  # not the buffer, in which the next results will be
    assert len(told) == 3  # for latents, timbres and samples, once for all calls
    assert all(size >= 4 * LEAST for _, size in told)


def test_buffers_are_used_again_only_when_a_call_has_ended(written):
    transfers = staying()
    first, second = transfers.begin(), transfers.begin()
    rows = [np.full((3, 2), 7, np.float32), np.full((1, 2), 8, np.float32)]
    one = first.given(rows, 4)
    other = second.given([np.zeros((3, 2), np.float32)], 4)
    assert one.tolist() == [[[7, 7]] * 3 + [[0, 0]], [[8, 8]] + [[0, 0]] * 3]
    assert mx.abs(other).max() == 0
    assert not transfers.free[LEAST]
    first.end()
    assert len(transfers.free[LEAST]) == 1
    first.end()
    assert len(transfers.free[LEAST]) == 1


def test_buffers_of_calls_that_nobody_read_are_used_again_and_not_given_to_mlx(written, monkeypatch):
    told: list[tuple[int, int]] = []
    transfers, waited = staying(told), []
    monkeypatch.setattr(mx, "synchronize", lambda: waited.append(len(told)))
    for _ in range(3):
        transfer = transfers.begin()
        transfer.given([np.ones((3, 2), np.float32)], 4)
        transfer.taken(mx.ones((LEAST + 1,)))
        del transfer
    assert [size for _, size in told] == [4 * LEAST, 8 * LEAST]
    assert waited == [2, 2]  # a device may still be at what nobody read
    assert len(transfers.forgotten) == 2


def test_where_memory_cannot_stay_mlx_s_way_is_taken(monkeypatch):
    monkeypatch.setattr(cuda_transfers, "stays", lambda address, size: False)
    cuda_transfers.transfers.cache_clear()
    assert type(cuda_transfers.transfers()) is cuda_transfers.MlxTransfers
    cuda_transfers.transfers.cache_clear()


def test_noise_of_a_launch_is_not_written_over_before_it_is_read(written):
    transfers = staying()
    launch = decoding._Launch(
        [row := Row(np.zeros(1, np.int32), None, None)], mx.array([[[5], [0]]]), transfers.begin()
    )
    launch.transfer.room((2, 3))
    assert not transfers.free[LEAST]
    assert list(launch.of(row)) == [(5, False)]
    assert len(transfers.free[LEAST]) == 1
