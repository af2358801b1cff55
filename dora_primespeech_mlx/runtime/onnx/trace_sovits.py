"""The SoVITS network's graphs, traced: a stage each, with open lengths."""

import mlx.core as mx

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input


def timbre_graph(model: Sovits) -> Graph:
    """Spectrum [1, T, bins] (and speaker [1, speaker_dim]) to timbre [1, 1, gin]."""
    inputs = [Input("spectrum", (1, "frames", model.config.spectrum_bins))]
    if model.config.speaker_dim:
        inputs.append(Input("speaker", (1, model.config.speaker_dim)))
    return translate(model.timbre, inputs, ["ge"])


def codes_graph(model: Sovits | DiffusionSovits) -> Graph:
    """Features [1, N, ssl_dim] of a recording to its codes, int32 [1, N // 2]."""

    def codes(features: mx.array) -> mx.array:
        return model.extract_codes(features).astype(mx.int32)

    return translate(codes, [Input("features", (1, "features", model.config.ssl_dim))], ["codes"])


def read_graph(model: Sovits) -> Graph:
    """Phones [1, S] to what `encode_graph` looks at, [1, S, hidden]."""
    return translate(model.read, [Input("phones", (1, "phones"), mx.int32)], ["text"])


def encode_graph(model: Sovits, resampled: bool) -> Graph:
    """Codes [1, T], text of `read_graph`, ge [1, 1, gin] (and where to resample) to mean and deviation [1, F, C]."""
    inputs = [
        Input("codes", (1, "codes"), mx.int32),
        Input("text", (1, "phones", model.config.hidden_channels)),
        Input("ge", (1, 1, model.config.vocoder.gin_channels)),
    ]
    if resampled:
        inputs += [Input("lower", ("out",), mx.int32), Input("upper", ("out",), mx.int32), Input("weight", ("out",))]

    def encode(codes: mx.array, text: mx.array, ge: mx.array, *resample: mx.array) -> tuple[mx.array, mx.array]:
        return model.encode(codes, text, ge, resample=resample or None)  # type: ignore[arg-type]

    return translate(encode, inputs, ["mean", "log_deviation"])


def flow_graph(model: Sovits) -> Graph:
    """Prior samples [1, F, inter] and ge [1, 1, gin] to latents [1, F, inter]."""
    return translate(model.flow, _latent_inputs(model), ["flowed"])


def vocoder_graph(model: Sovits) -> Graph:
    """Latents [1, F, inter], ge [1, 1, gin] and what the later stages render (see `nets.vocoder`) to samples."""
    kept = [("kept", ("windows", "kept")), ("row", ("parts", "width")), ("place", ("parts", "width"))]

    def vocode(latent: mx.array, ge: mx.array, *kept: mx.array) -> mx.array:
        return model.dec(latent, ge, kept)  # type: ignore[arg-type]

    inputs = [*_latent_inputs(model), *(Input(name, shape, mx.int32) for name, shape in kept)]
    return translate(vocode, inputs, ["samples"])


def _latent_inputs(model: Sovits) -> list[Input]:
    vocoder = model.config.vocoder
    return [Input("latent", (1, "frames", vocoder.inter_channels)), Input("ge", (1, 1, vocoder.gin_channels))]
