"""Compares v3 and v4 with stored outputs of the official implementation (see parity.py).

A folder holds base models `s2_NAME_v3.pth` or `s2_NAME_v4.pth` with `stages_VERSION.npz` and its `.json`, LoRAs
`s2_NAME_VERSION_lora.pth`, vocoders (a folder `bigvgan_*`, a file `vocoder_*.pth`), recordings, and
`e2e_VERSION.npz` with its `.json`. Whole texts are made from their stored codes and phones with the stored noise.

Three things are left out where the official code is wrong and this project is not: sentences that share one stretch
("parallel_infer"), their zeros behind a sentence, and v4's last frame of zeros at a speed other than 1, which is
put back here for the comparison.
"""

import copy
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from parity_measures import Golden, Report, rows_last, snr, worst

from dora_primespeech_mlx.audio import mel_spectrogram, reference_spectrogram, resample
from dora_primespeech_mlx.files.sounds import pcm16, read_audio
from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES, mel_positions
from dora_primespeech_mlx.nets.dit import time_vectors
from dora_primespeech_mlx.runtime.factory import diffusion_runner
from dora_primespeech_mlx.runtime.interface import DiffusionRunner
from dora_primespeech_mlx.synthesis.diffusion import DiffusionAudio
from dora_primespeech_mlx.voices.prompt import DiffusionPrompt, diffusion_prompt
from dora_primespeech_mlx.weights.checkpoint import read_checkpoint
from dora_primespeech_mlx.weights.load import build_sovits
from dora_primespeech_mlx.weights.official import read_sovits
from dora_primespeech_mlx.weights.official_v34 import Companions, merge

SILENCE = 9600
"""Zeros that the official code puts behind a sentence for a pause of 0.3 s, at any rate."""
UI_FULL_SCALE = 32767
PROMPT_FRAMES = 40
"""Frames of the stored `cfm_prompt` and of the prompts of the stored loops."""


def drawn(seed: int, shape: list[int]) -> np.ndarray:
    """The stored noise [B, bands, T]."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def sentence_noise(calls: list[tuple[int, list[int], int]]) -> Callable[[int, int], np.ndarray]:
    """Noise by frame of the sentence from stored calls: seed, shape, frames of the prompt."""
    rows = np.concatenate([drawn(seed, shape)[0, :, known:].T for seed, shape, known in calls])
    return lambda start, stop: rows[start:stop]


def finished(steps: Generator[None, None, Any]) -> Any:
    """What steps return when all are done."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class Zeroed:
    """A runner whose features end in frames of zeros, as the official ones may."""

    def __init__(self, runner: DiffusionRunner, frames: int):
        self._runner, self._frames = runner, frames

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def features(self, *arguments: Any) -> np.ndarray:
        """As the runner's, with the zeros behind."""
        return np.pad(self._runner.features(*arguments), ((0, self._frames), (0, 0)))


def mel_numbers(golden: Golden, version: str, rates: tuple[int, int]) -> Iterator[tuple[str, float]]:
    """Resampling and mel of both stored recordings; mels as magnitudes, since their floor is loud in logarithms."""
    base = MEL_BASES[version]
    for name, mono, rate in (("ref", golden["ref_wav"][0], rates[0]), ("ref2", golden["ref2_mono"][0], rates[1])):
        samples = resample(mono, rate, base.rate)
        yield f"{name}_resampled", worst(samples, golden[f"{name}_resampled"])
        mel = mel_spectrogram(samples, base.rate, base.window, base.hop, golden[f"{name}_mel"].shape[1])
        yield f"{name}_mel", worst(np.exp((mel + 1) * 7 - 12), np.exp(rows_last(golden[f"{name}_mel"])))


def feature_numbers(runner: DiffusionRunner, golden: Golden, ge: np.ndarray) -> Iterator[tuple[str, float]]:
    """Features of prompt and sentence, for every stored speed and length; frames the official code zeroes left out."""

    def of(codes: np.ndarray, phones: np.ndarray, speed: float) -> np.ndarray:
        ids = codes.astype(np.int32), phones.astype(np.int32)
        return runner.features(*ids, ge, mel_positions(len(codes), speed, runner.config.mel))

    codes, phones = golden["codes"][0, 0], golden["phones"][0]
    yield (
        "fea_ref",
        worst(of(golden["codes_prompt"][0, 0], golden["phones_prompt"][0], 1.0), rows_last(golden["fea_ref"])),
    )
    yield "fea_todo", worst(of(codes, phones, 1.0), rows_last(golden["fea_todo"]))
    for name in golden:
        if not name.startswith(("fea_speed", "fea_short")):
            continue
        count = int(name.removeprefix("fea_short").split("_")[0]) if name.startswith("fea_short") else len(codes)
        ours, stored = (
            of(codes[:count], phones, float(name.split("speed")[1].replace("p", "."))),
            rows_last(golden[name]),
        )
        zeroed = len(stored) > 1 and not stored[-1].any()
        yield name, worst(ours, stored[:-1] if zeroed else stored)


def cfm_numbers(
    runner: DiffusionRunner, golden: Golden, about: Mapping[str, Any], names: tuple[str, ...], mu: np.ndarray
):
    """Mels of the stored calls, and their signal-to-noise ratio."""
    prompt = rows_last(golden["cfm_prompt"])
    for name in names:
        seed, shape = about[name]["noise_seed"], about[name].get("noise_shape", about["cfm_out4"]["noise_shape"])
        steps = about[name].get("steps", 4)
        ours = finished(runner.sample(drawn(seed, shape)[0, :, len(prompt) :].T, mu, prompt, steps))
        stored = rows_last(golden[name])[len(prompt) :]
        yield name, worst(ours, stored)
        yield f"{name}_snr", snr(ours, stored)


def time_numbers(weights: Mapping[str, np.ndarray], golden: Golden) -> Iterator[tuple[str, float]]:
    """Embeddings of times and step lengths."""
    estimator = {name.removeprefix("cfm.estimator."): value for name, value in weights.items()}
    for name, network, value in (
        ("dit_t", "time_embed", 0.0),
        ("dit_t_half", "time_embed", 0.5),
        ("dit_d", "d_embed", 0.25),
    ):
        yield name, worst(time_vectors(estimator, network, np.array([value])), golden[name])


def vocoder_numbers(runner: DiffusionRunner, golden: Golden) -> Iterator[tuple[str, float]]:
    """Audio of a stored mel, of five frames of it and of the same made in pieces with context."""
    mel, hop = rows_last(golden["voc_mel"]), runner.config.hop
    audio = runner.vocode(mel)
    yield "voc_audio", worst(audio, golden["voc_audio"])
    yield "voc_audio_snr", snr(audio, golden["voc_audio"])
    yield "voc_audio_5frames", worst(runner.vocode(mel[10:15]), golden["voc_audio_5frames"])
    stop = min(len(mel), 3 + runner.config.vocoder.context)
    yield "voc_audio_streamed", worst(runner.vocode(mel[:stop], 0, 3), golden["voc_audio"][..., : 3 * hop])


def loop_numbers(runner: DiffusionRunner, golden: Golden, about: Mapping[str, Any], ge: np.ndarray):
    """The stored loop over several stretches, with its short prompt and window."""
    loop, config = about["loop"], runner.config
    short = copy.copy(runner)
    short.config = replace(config, mel=replace(config.mel, reference=loop["T_ref"], span=loop["T_chunk"]))
    ids = golden["codes_prompt"][0, 0].astype(np.int32), golden["phones_prompt"][0].astype(np.int32)
    prompt = diffusion_prompt(short, golden["ref_wav"][0], about["ref_sr"], *ids, ge, loop["steps"])
    bands = config.dit.mel
    noise = sentence_noise([(c["seed"], [1, bands, c["total"]], c["prompt"]) for c in loop["cfm_calls"]])
    audio = DiffusionAudio(prompt, golden["phones"][0].astype(np.int32), ge, noise, 1.0)
    finished(audio.complete(golden["loop_codes"][0, 0].tolist()))
    yield "loop_mel", worst(audio.mel, rows_last(golden["loop_mel"]))
    samples = np.round(audio.render(0, audio.frozen) * UI_FULL_SCALE)
    yield "loop_audio_int16_steps", worst(samples, golden["loop_audio_i16"])


def lora_numbers(base: Path, lora: Path, golden: Golden, about: Mapping[str, Any], runner: DiffusionRunner):
    """Merged weights, their norms, and what the merged model gives."""
    merged = merge(read_checkpoint(lora), lora, read_checkpoint(base).weights)
    for name in golden:
        if name.startswith("lora_transformer_blocks"):
            ours = merged[f"cfm.estimator.{name.removeprefix('lora_')}.weight"].astype(np.float32)
            yield name, worst(ours, golden[name])
    norms = {
        name.replace("cfm.base_model.model.", "cfm.").replace(".base_layer", ""): value
        for name, value in about.get("lora_norms", {}).items()
    }
    both = [name for name in norms if name in merged]
    if norms:
        yield "lora_norms_compared", len(both)
        away = [abs(float(np.linalg.norm(merged[n].astype(np.float64))) / norms[n] - 1) for n in both if norms[n]]
        yield "lora_norms", max(away)
    ge = runner.timbre([rows_last(golden["refer_spec"])])
    yield "lora_ge", worst(ge, golden["lora_ge"])
    features = []
    for name, part in (("lora_fea_ref", "_prompt"), ("lora_fea_todo", "")):
        ids = golden[f"codes{part}"][0, 0].astype(np.int32), golden[f"phones{part}"][0].astype(np.int32)
        features.append(runner.features(*ids, ge, mel_positions(len(ids[0]), 1.0, runner.config.mel)))
        yield name, worst(features[-1], rows_last(golden[name]))
    mu = np.concatenate([features[0][:PROMPT_FRAMES], features[1]])
    yield from cfm_numbers(runner, golden, about, ("lora_cfm_out4",), mu)


def text_numbers(
    runners: Mapping[bool, DiffusionRunner], golden: Golden, cases: Mapping[str, Any], folder: Path
) -> Iterator[tuple[str, float]]:
    """Whole texts from codes and phones to int16: the largest difference in steps, and the signal-to-noise ratio."""
    for name, case in cases.items():
        if case["request"]["parallel_infer"]:
            continue
        runner, reference = runners[case["lora"]], f"ref.{case['reference']}"
        samples, rate = read_audio(folder / case["request"]["ref_audio_path"])
        ge = runner.timbre([np.array(reference_spectrogram(resample(samples, rate, 32000)))[0]])
        ids = (golden[f"{reference}.{part}"].reshape(-1).astype(np.int32) for part in ("prompt_codes", "prompt_phones"))
        prompt = diffusion_prompt(runner, samples, rate, *ids, ge, case["request"]["sample_steps"])
        pieces, calls = [], list(zip(case["noise"], case["cfm_calls"], strict=True))
        speed = float(case["request"].get("speed_factor", 1.0))
        for index in range(sum(key.startswith(f"{name}.codes") for key in golden)):
            codes = golden[f"{name}.codes{index}"].reshape(-1).tolist()
            phones = golden[f"{name}.phones{index}"].reshape(-1).astype(np.int32)
            frames = len(mel_positions(len(codes), speed, runner.config.mel)[0])
            taken, made = [], 0
            while made < frames:
                noise, call = calls.pop(0)
                taken.append((noise["seed"], noise["shape"], call["prompt"]))
                made += call["total"] - call["prompt"]
            heard = DiffusionPrompt(Zeroed(runner, made - frames), prompt.mel, prompt.features, prompt.steps)
            audio = DiffusionAudio(heard, phones, ge, sentence_noise(taken), speed)
            finished(audio.complete(codes))
            pieces += [pcm16(audio.render(0, audio.frozen)), np.zeros(SILENCE, np.int16)]
        ours, stored = np.concatenate(pieces), golden[f"{name}.audio0"]
        yield f"{name}_int16_steps", worst(ours, stored.astype(np.float32))
        yield f"{name}_snr", snr(ours.astype(np.float32), stored.astype(np.float32))


def diffusion_report(folder: Path, runtime: str, precision: str, texts: bool = True) -> dict[str, Report]:
    """All that a folder holds of v3 and v4, whole texts where they are asked for."""
    reports: dict[str, Report] = {}
    for version in MEL_BASES:
        stored = folder / f"stages_{version}.npz"
        found = sorted(folder.glob(f"s2_*_{version}.pth"))
        if not stored.exists() or not found:
            continue
        golden, about = np.load(stored), json.loads(stored.with_suffix(".json").read_text("utf-8"))
        vocoder = next(iter(sorted(folder.glob("bigvgan_*/" if version == "v3" else "vocoder_*.pth"))))
        load = partial(_runner, found[0], vocoder, version, runtime, precision)
        runner = load(found[0])
        ge = runner.timbre([rows_last(golden["refer_spec"])])
        report = {
            "spectrogram": worst(
                np.array(reference_spectrogram(golden["ref_wav"][0])), golden["refer_spec"].transpose(0, 2, 1)
            )
        }
        report["ge"] = worst(ge, golden["ge"])
        report |= dict(mel_numbers(golden, version, (about["ref_sr"], about["ref2_sr"])))
        report |= dict(time_numbers(read_checkpoint(found[0]).weights, golden))
        report |= dict(feature_numbers(runner, golden, ge))
        counts = tuple(f"cfm_out{n}" for n in (1, 4, 8, 32))
        report |= dict(cfm_numbers(runner, golden, about, counts, golden["cfm_mu"][0]))
        report |= dict(vocoder_numbers(runner, golden))
        report |= dict(loop_numbers(runner, golden, about, ge))
        runners = {False: runner}
        for lora in sorted(folder.glob(f"s2_*_{version}_lora.pth"))[:1]:
            runners[True] = load(lora)
            report |= dict(lora_numbers(found[0], lora, golden, about, runners[True]))
        reports[stored.stem] = report
        spoken = folder / f"e2e_{version}.npz"
        if texts and spoken.exists():
            cases = json.loads(spoken.with_suffix(".json").read_text("utf-8"))
            reports[spoken.stem] = dict(text_numbers(runners, np.load(spoken), cases, folder))
    return reports


def _runner(base: Path, vocoder: Path, version: str, runtime: str, precision: str, checkpoint: Path) -> DiffusionRunner:
    companions = Companions(None, vocoder, version) if checkpoint == base else Companions(base, vocoder, None)
    weights, config, version = read_sovits(checkpoint, companions)
    model = build_sovits(weights, config, version, "fp16" if precision == "fp16" else "fp32")
    mx.eval(model.parameters())
    return diffusion_runner(model, runtime, precision)
