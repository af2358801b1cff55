"""The graphs of the s2 network of v3 and v4, traced: a stage each, with open lengths."""

import mlx.core as mx

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.quantise import quantise
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input


def timbre_graph(model: DiffusionSovits) -> Graph:
    """Spectrum [1, T, bins] to timbre [1, 1, gin]."""
    return translate(model.style, [Input("spectrum", (1, "frames", model.config.spectrum_bins))], ["ge"])


def features_graph(model: DiffusionSovits) -> Graph:
    """Codes [1, T], phones [1, S], ge [1, 1, gin] and positions [F] to features [1, F, C]."""
    inputs = [
        Input("codes", (1, "codes"), mx.int32),
        Input("phones", (1, "phones"), mx.int32),
        Input("ge", (1, 1, model.config.gin)),
        Input("lower", ("out",), mx.int32),
        Input("upper", ("out",), mx.int32),
        Input("weight", ("out",)),
    ]

    def features(codes: mx.array, phones: mx.array, ge: mx.array, *positions: mx.array) -> mx.array:
        return model.features(codes, phones, ge, (positions[0], positions[1], positions[2]))

    return translate(features, inputs, ["features"])


def condition_graph(model: DiffusionSovits) -> Graph:
    """Features [1, T, C] and prompt [1, T, bands] to what all steps share [1, T, dim]."""
    dit = model.config.dit
    inputs = [Input("features", (1, "frames", dit.text)), Input("prompt", (1, "frames", dit.mel))]
    return translate(model.estimator.condition, inputs, ["condition"])


def velocity_graph(model: DiffusionSovits, precision: str = "fp32") -> Graph:
    """State [1, T, bands], condition [1, T, dim] and row of the step [1] to velocity [1, T, bands]."""
    dit = model.config.dit
    inputs = [
        Input("x", (1, "frames", dit.mel)),
        Input("condition", (1, "frames", dit.dim)),
        Input("row", (1,), mx.int32),
    ]
    graph = translate(model.estimator.velocity, inputs, ["velocity"])
    return quantise(graph) if precision == "int8" else graph


def mel_vocoder_graph(model: DiffusionSovits) -> Graph:
    """Log mel [1, F, bands] to samples [1, F * hop]."""
    return translate(model.dec, [Input("mel", (1, "frames", model.config.dit.mel))], ["samples"])
