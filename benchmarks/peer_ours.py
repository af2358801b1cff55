"""Driver of `peers.py` for this project: networks as the engine runs them, one thread."""

import sys

import numpy as np
from peer_tools import Clock, Work, serve, steps_report

from dora_primespeech_mlx.nets.dimensions.sovits import FRAMES_PER_CODE
from dora_primespeech_mlx.runtime.factory import sovits_runner, t2s_runner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import generate
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from dora_primespeech_mlx.weights.load import build_sovits, build_t2s
from dora_primespeech_mlx.weights.official import read_sovits, read_t2s

NOISE_SCALE = 0.5


def main() -> None:
    work = Work.read(sys.argv[1])
    precision = sys.argv[4] if len(sys.argv) > 4 else "auto"
    t2s = t2s_runner(build_t2s(*read_t2s(sys.argv[2])), "onnx", precision, threads=1)
    weights, config, version = read_sovits(sys.argv[3])
    sovits = sovits_runner(build_sovits(weights, config, version), "onnx", precision, threads=1)
    speakers = [work.speaker] if sovits.config.speaker_dim else []
    ge = sovits.timbre([work.spectrum.T], speakers)
    phones = np.concatenate([work.prompt_phones, work.phones])

    def codes():
        noise = NoiseTable("exponential", t2s.config.vocabulary, (0,))
        return generate(t2s, phones, None, work.prompt_codes, sampling=Sampling(), noise=noise, limit=work.steps)

    def audio() -> SentenceAudio:
        noise = NoiseTable("normal", sovits.config.vocoder.inter_channels, (0,))
        return SentenceAudio(sovits, work.phones, ge, noise, NOISE_SCALE, 1.0)

    def whole(codes: list[int]) -> np.ndarray:
        frames = FRAMES_PER_CODE * len(codes)
        return np.concatenate(list(stream_sentence(audio(), codes, Schedule(first=frames, largest=frames))))

    def t2s_task() -> dict[str, float]:
        clock = Clock()
        marks = [clock.read() for _ in codes()]
        if len(marks) < work.steps:
            raise SystemExit(f"The sequence ended after {len(marks)} codes; use another checkpoint.")
        return steps_report(marks)

    def sovits_task() -> dict[str, float]:
        clock = Clock()
        samples = whole(work.codes.tolist())
        return {**clock.read(), "seconds": len(samples) / 32000}

    def speak_task() -> dict[str, float]:
        clock, first, count = Clock(), {}, 0
        for samples in stream_sentence(audio(), codes(), Schedule()):
            first = first or {f"first_{name}": value for name, value in clock.read().items()}
            count += len(samples)
        return {**clock.read(), **first, "seconds": count / 32000}

    def whole_task() -> dict[str, float]:
        clock = Clock()
        samples = whole(list(codes()))
        return {**clock.read(), "seconds": len(samples) / 32000}

    serve({"t2s": t2s_task, "sovits": sovits_task, "speak": speak_task, "whole": whole_task})


if __name__ == "__main__":
    main()
