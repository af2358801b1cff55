"""Random models load as any model does."""

import numpy as np
import pytest

from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.random_weights import SIZES, write_random_model


def test_model_of_a_size_loads_and_has_its_dimensions(tmp_path):
    write_random_model(tmp_path, "demo")
    model = load_model(tmp_path)
    assert (model.t2s.config, model.sovits.config) == SIZES["demo"]
    assert model.symbols == "v2"
    assert not np.array(model.t2s.ar_predict_layer.weight)[model.t2s.config.end].any()


def test_unknown_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="huge"):
        write_random_model(tmp_path, "huge")
