import numpy as np

from dora_primespeech_mlx.synthesis.noise import NoiseTable


def test_exponential_noise_is_never_zero_and_of_rate_one():
    drawn = np.random.default_rng([11, len("exponential")]).standard_exponential((256, 1025), dtype=np.float32)
    assert (drawn == 0).any()  # a float32 of this distribution is zero about once in three million
    noise = NoiseTable("exponential", 1025, (11,))(0, 256)
    assert np.array_equal(noise[drawn > 0], drawn[drawn > 0])
    assert (noise > 0).all()
    assert abs(noise.mean() - 1.0) < 0.01
