"""Compares the networks with stored outputs of the official implementation.

    python benchmarks/parity.py DIR [--runtime mlx|onnx] [--precision fp32|fp16|int8]

DIR holds official checkpoints beside the outputs they gave: any `s1_NAME.ckpt` with `t2s_NAME.npz` and any
`s2_NAME.pth` with `s2_NAME.npz`. Prints one JSON object: the largest absolute difference of each quantity (and the
signal-to-noise ratio of audio in dB), and for token sequences how many differ. Encoders and the sound front end are
compared as far as their files are there (see parity_encoders.py), and so are v3 and v4 (see parity_diffusion.py).
"""

import argparse
import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from parity_diffusion import diffusion_report
from parity_encoders import encoders_report
from parity_measures import Golden, Report, differing, rows_last, snr, worst

from dora_primespeech_mlx.audio import reference_spectrogram
from dora_primespeech_mlx.nets.dimensions.sovits import resample_positions
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S, prefill_mask
from dora_primespeech_mlx.runtime.factory import sovits_runner, t2s_runner
from dora_primespeech_mlx.runtime.interface import SovitsRunner, T2SRunner
from dora_primespeech_mlx.sampling import Sampling, penalise, probabilities
from dora_primespeech_mlx.synthesis.decoding import MAXIMUM_CODES, Row, generate, generate_many
from dora_primespeech_mlx.weights.load import build_sovits, build_t2s
from dora_primespeech_mlx.weights.official import read_sovits, read_t2s

GREEDY = Sampling(top_k=1)
SAMPLED = {
    "sampled_a": Sampling(),
    "sampled_b": Sampling(top_k=5, top_p=0.8, temperature=0.7),
    "sampled_c": Sampling(top_k=50, top_p=0.95, temperature=1.3, repetition_penalty=1.1),
}
PROBABILITIES = {
    "probs_k15": Sampling(),
    "probs_k5p8": Sampling(top_k=5, top_p=0.8),
    "probs_k50p6": Sampling(top_k=50, top_p=0.6),
    "probs_p9": Sampling(top_k=2000, top_p=0.9, repetition_penalty=1.0),
}


class T2SCase:
    """One stored T2S model: its inputs, and tokens made from them."""

    def __init__(self, golden: Golden):
        self.golden = golden
        self.phones, self.prompt = golden["x"][0].astype(np.int32), golden["prompts"][0].astype(np.int32)
        self.bert = rows_last(golden["bert"])

    def noise(self, start: int, stop: int) -> np.ndarray:
        """The stored exponential noise, used cyclically."""
        rows = self.golden["exp_noise"]
        return rows[np.arange(start, stop) % len(rows)]

    def tokens(
        self, runner: T2SRunner, sampling: Sampling, limit: int = MAXIMUM_CODES, prompt: np.ndarray | None = None
    ) -> list[int]:
        """Generated tokens."""
        prompt = self.prompt if prompt is None else prompt
        return list(generate(runner, self.phones, self.bert, prompt, sampling=sampling, noise=self.noise, limit=limit))


def t2s_numbers(case: T2SCase, model: T2S, runner: T2SRunner) -> Report:
    """Differences of embedding, hidden states, logits and probabilities."""
    golden, phones, prompt = case.golden, case.phones, case.prompt
    audio = model.embed_audio(mx.array(prompt)[None], mx.arange(len(prompt)))
    x = mx.concatenate([model.embed_text(mx.array(phones)[None], mx.array(case.bert)[None]), audio], axis=1)
    hidden = model(x, mx.array(prefill_mask(len(phones), len(prompt))))
    session = runner.start([(phones, case.bert)], prompt)
    steps = [np.array(session.logits)]
    steps += [np.array(session.step(runner.xp.array([int(token)]))) for token in golden["greedy_tokens"]]
    report = {
        "embedding": worst(x.astype(mx.float32), golden["xy_emb"]),
        "hidden": worst(hidden.astype(mx.float32), golden["prefill_hidden"]),
        "prefill_logits": worst(steps[0], golden["prefill_logits"]),
        "prefill_logits_noprompt": worst(
            runner.start([(phones, case.bert)], prompt[:0]).logits, golden["prefill_logits_noprompt"]
        ),
        "greedy_step_logits": worst(np.stack(steps), golden["greedy_step_logits"]),
    }
    seen = np.isin(np.arange(model.config.vocabulary), golden["probs_prev"])
    for name, sampling in PROBABILITIES.items():
        logits = penalise(np, golden["probs_logits"][0], seen, sampling.repetition_penalty)
        report[name] = worst(probabilities(np, logits, sampling), golden[name])
    return report


def t2s_tokens(case: T2SCase, runner: T2SRunner, always_ends: T2SRunner) -> Report:
    """Tokens that differ, for every stored sequence."""
    golden, prompt = case.golden, case.prompt
    report = {"greedy_tokens": differing(case.tokens(runner, GREEDY), golden["greedy_tokens"])}
    free = case.tokens(runner, Sampling(top_k=1, repetition_penalty=1.0), 61)
    report["greedy_rp1_tokens"] = differing(free, golden["greedy_rp1_full"][len(prompt) :])
    report["earlystop20_tokens"] = differing(case.tokens(runner, GREEDY, 21), golden["earlystop20_full"][len(prompt) :])
    report["noprompt_tokens"] = differing(case.tokens(runner, GREEDY, 41, prompt[:0]), golden["noprompt_full"])
    for name, sampling in SAMPLED.items():
        report[f"{name}_tokens"] = differing(case.tokens(runner, sampling, 51), golden[name])
    report["eos_always_tokens"] = differing(case.tokens(always_ends, GREEDY), golden["eos_always_tokens"])
    texts = [
        Row(
            golden[f"batch_x{i}"].astype(np.int32),
            golden[f"batch_bert{i}"].T,
            case.noise,
            prompt=prompt,
            sampling=GREEDY,
        )
        for i in range(sum(name.startswith("batch_x") for name in golden))
    ]
    together: list[list[int]] = [[] for _ in texts]
    for codes in generate_many(runner, texts):
        for row, code in zip(together, codes, strict=True):
            row += [] if code is None else [code]
    for index, (text, row) in enumerate(zip(texts, together, strict=True)):
        expected = golden[f"batch_y{index}"][len(prompt) :]
        alone = list(generate(runner, text.phones, text.bert, prompt, sampling=GREEDY, noise=case.noise))
        report[f"text{index}_tokens"] = differing(alone, expected)
        report[f"batch_text{index}_tokens"] = differing(row, expected)
    return report


def t2s_report(checkpoint: Path, golden: Golden, runtime: str, precision: str) -> Report:
    """All of one s1 file."""
    weights, config = read_t2s(checkpoint)
    stored = "fp16" if precision == "fp16" else "fp32"
    model = build_t2s(weights, config, stored)
    case, runner = T2SCase(golden), t2s_runner(model, runtime, precision)
    head = weights["ar_predict_layer.weight"].copy()
    head[model.config.end] = golden["eos_always_row"]
    ending = build_t2s({**weights, "ar_predict_layer.weight": head}, config, stored)
    always_ends = t2s_runner(ending, runtime, precision)
    return t2s_numbers(case, model, runner) | t2s_tokens(case, runner, always_ends)


def encoder_numbers(model: Sovits, golden: Golden, ge: mx.array) -> Report:
    """Differences of the text encoder's inner stages, computed by MLX."""
    encoder, kind = model.enc_p, model.enc_p.proj.weight.dtype
    features = model.quantizer(mx.array(golden["codes"][0].astype(np.int32)))
    frames = mx.repeat(encoder.ssl_proj(features), 2, axis=1)
    ssl = encoder.encoder_ssl(frames)
    text = encoder.encoder_text(encoder.text_embedding(mx.array(golden["text"].astype(np.int32))))
    mrte = encoder.mrte(ssl, text, model.text_timbre(ge), None)
    out = {
        "quantized": features,
        "encp_ssl_proj": frames,
        "encp_encoder_ssl": ssl,
        "encp_encoder_text": text,
        "encp_mrte": mrte,
        "encp_encoder2": encoder.encoder2(mrte),
    }
    report = {name: worst(value[0].astype(mx.float32), rows_last(golden[name])) for name, value in out.items()}
    ssl_features = mx.array(rows_last(golden["ssl"]))[None].astype(kind)
    report["ssl_proj_out"] = worst(
        model.ssl_proj(ssl_features)[0].astype(mx.float32), rows_last(golden["ssl_proj_out"])
    )
    codes = np.array(model.extract_codes(ssl_features)).reshape(-1).tolist()
    report["extract_latent_codes"] = differing(codes, golden["extract_latent"])
    return report


def sovits_audio(model: SovitsRunner, golden: Golden, ge: np.ndarray, two_ge: np.ndarray) -> Report:
    """Differences and signal-to-noise ratios of audio for every stored noise, speed and reference."""
    codes, text = golden["codes"][0, 0].astype(np.int32), golden["text"][0].astype(np.int32)
    report: Report = {}
    for name, noise_name, scale, speed, timbre in (
        ("audio_nonoise", "noise", 0.0, 1.0, ge),
        ("audio_noise0p5", "noise", 0.5, 1.0, ge),
        ("audio_noise0p35", "noise", 0.35, 1.0, ge),
        ("audio_speed1p25", "noise_speed1p25", 0.5, 1.25, ge),
        ("audio_speed0p8", "noise_speed0p8", 0.5, 0.8, ge),
        ("audio_tworefs", "noise", 0.5, 1.0, two_ge),
    ):
        resample = None if speed == 1 else resample_positions(2 * len(codes), speed)
        mean, log_deviation = model.encode(codes, model.read(text), timbre, resample)
        prior = mean + rows_last(golden[noise_name]) * np.exp(log_deviation) * np.float32(scale)
        latent = model.flow(prior, timbre)
        samples = model.vocode(latent, timbre)
        report[name] = worst(samples, golden[name])
        report[f"{name}_snr"] = snr(samples, golden[name])
        if name == "audio_nonoise":
            report["m_p"] = worst(mean, rows_last(golden["m_p"]))
            report["logs_p"] = worst(log_deviation, rows_last(golden["logs_p"]))
            report["flow_out_nonoise"] = worst(latent, rows_last(golden["flow_out_nonoise"]))
    return report


def sovits_report(checkpoint: Path, golden: Golden, runtime: str, precision: str) -> Report:
    """All of one s2 file."""
    weights, config, version = read_sovits(checkpoint)
    model = build_sovits(weights, config, version, "fp16" if precision == "fp16" else "fp32")
    runner = sovits_runner(model, runtime, precision)
    spectra = [rows_last(golden[name]) for name in ("refer_spec", "refer2_spec")]
    speakers = [golden[f"sv_emb{i}"][0] for i in range(2) if f"sv_emb{i}" in golden]
    ge, two_ge = runner.timbre(spectra[:1], speakers[:1]), runner.timbre(spectra, speakers)
    kind = model.enc_p.proj.weight.dtype
    ge_row = mx.array(ge)[None, None].astype(kind)
    report = {
        "spectrogram": worst(np.array(reference_spectrogram(golden["ref_wav"][0]))[0], spectra[0]),
        "ref_enc_out": worst(
            model.ref_enc(mx.array(spectra[0])[None, :, : model.config.spectrum_bins].astype(kind)).astype(mx.float32),
            golden["ref_enc_out"],
        ),
        "ge": worst(ge, golden["ge"]),
    }
    if "ge512" in golden:
        report["ge512"] = worst(model.text_timbre(ge_row).astype(mx.float32), golden["ge512"])
    return report | encoder_numbers(model, golden, ge_row) | sovits_audio(runner, golden, ge, two_ge)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runtime", choices=("mlx", "onnx"), default="mlx")
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32")
    args = parser.parse_args()
    reports: dict[str, Report] = {}
    for checkpoint in sorted(args.folder.glob("s1_*.ckpt")):
        stored = args.folder / f"t2s_{checkpoint.stem.removeprefix('s1_')}.npz"
        if stored.exists():
            reports[stored.stem] = t2s_report(checkpoint, np.load(stored), args.runtime, args.precision)
    for checkpoint in sorted(args.folder.glob("s2_*.pth")):
        stored = checkpoint.with_suffix(".npz")
        if stored.exists():
            reports[stored.stem] = sovits_report(checkpoint, np.load(stored), args.runtime, args.precision)
    reports |= diffusion_report(args.folder, args.runtime, args.precision)
    reports |= encoders_report(args.folder, args.runtime, args.precision)
    if not reports:
        raise SystemExit(
            f"{args.folder} holds no checkpoint with a stored output (s1_*.ckpt + t2s_*.npz, s2_*.pth + .npz, "
            "s2_*_v3.pth + stages_v3.npz, s2_*_v4.pth + stages_v4.npz)."
        )
    print(json.dumps(reports, indent=1))


if __name__ == "__main__":
    main()
