"""Tokens of the whole pack without making sound, and the codebook they come from.

    python -m training.prosody PACK.npz kokoro_int8.onnx TOKENS.npz --turns 0 2 4 --workers 2

Only the teacher's front half runs (durations, pitch, energy), 8-bit on CPU cores, about 60 ms a sentence.  In each turn
every sentence goes to another voice.  When PACK.npz has no codebook yet, it is fitted first and written into the pack.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from training import tokens
from training.speak import Pack, voice_for
from training.teacher import TAPS, style_for

CLASSES = 1024
FITTED = 2500  # utterances the codebook is fitted to
STUDENT_COMMA = 1

Spoken = tuple[int, int, np.ndarray, np.ndarray, np.ndarray]  # sentence, voice, durations, pitch, energy


def front_half(source: Path, target: Path) -> None:
    """Writes the part of the teacher's graph that the taps need."""
    model = onnx.load(source)
    needed, kept = set(TAPS), []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    constants = [t for t in model.graph.initializer if t.name in needed]
    del model.graph.node[:], model.graph.initializer[:], model.graph.output[:]
    model.graph.node.extend(reversed(kept))
    model.graph.initializer.extend(constants)
    float_type = onnx.TensorProto.FLOAT
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, float_type, None) for name in TAPS)
    onnx.save(model, target)


class SilentTeacher:
    """The front half of the teacher on one CPU core."""

    def __init__(self, graph: str):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: np.ndarray, styles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Token ids [n] and the rows of a voice -> durations, pitch, energy."""
        inputs = {"tokens": ids[None], "style": style_for(styles, len(ids)), "speed": np.ones(1, np.float32)}
        durations, pitch, energy = (x.reshape(-1) for x in self._session.run(list(TAPS), inputs))
        return durations.round().astype(np.int16), pitch, energy


def speak_silently(pack_path: str, graph: str, jobs: list[tuple[int, int]]) -> list[Spoken]:
    """Durations, pitch and energy for (sentence, voice) pairs."""
    with np.load(pack_path) as pack:
        ids, offset, styles = pack["tok"].astype(np.int64), pack["tok_off"], pack["styles"].astype(np.float32)
    teacher, out = SilentTeacher(graph), []
    for sentence, voice in jobs:
        row = ids[offset[sentence] : offset[sentence + 1]]
        out.append((sentence, voice, *teacher(row, styles[voice])))
    return out


def fit(pack_path: str, spoken: list[Spoken]) -> None:
    """Statistics of the voices and the classes of a token, written into the pack."""
    with np.load(pack_path) as pack:
        content = dict(pack)
    statistics = []
    for voice in range(len(content["styles"])):
        own = [s for s in spoken if s[1] == voice]
        statistics.append(tokens.VoiceStatistics.of(*(np.concatenate([s[i] for s in own]) for i in (3, 4))))
    chosen = np.random.default_rng(0).choice(len(spoken), min(FITTED, len(spoken)), replace=False)
    rows = []
    for sentence, voice, durations, pitch, energy in (spoken[i] for i in chosen):
        place = slice(content["tok_off"][sentence], content["tok_off"][sentence + 1])
        labels = content["lab"][place].astype(int), content["tone"][place].astype(int)
        rows.append(tokens.features(durations, *labels, pitch, energy, statistics[voice], *tokens.spoken(energy)))
    stacked = np.concatenate(rows)
    centres = np.zeros((CLASSES, stacked.shape[1]), np.float32)
    varying = stacked.std(0) > 0
    centres[:, varying] = tokens.cluster(stacked[:, varying], CLASSES)
    content["centres"] = centres
    content["statistics"] = np.array([[s.pitch, s.energy, s.energy_deviation] for s in statistics], np.float32)
    np.savez_compressed(pack_path, **content)


def first_clause(
    teacher: np.ndarray, student: np.ndarray, comma: int, durations: np.ndarray, first: int, count: int
) -> tuple[int, int]:
    """Codes and phones up to and with the first comma, (0, 0) where there is none that both sides agree on."""
    spoken, written = np.flatnonzero(teacher == comma), np.flatnonzero(student == STUDENT_COMMA)
    if len(spoken) == 0 or len(spoken) != len(written):
        return 0, 0
    codes = round(float(durations[: spoken[0] + 1].sum()) / tokens.TEACHER_FRAMES * tokens.TOKENS) - first
    phones = int(written[0]) + 1
    return (codes, phones) if 8 < codes < count - 6 and 3 < phones < len(student) - 2 else (0, 0)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--turns", type=int, nargs="+", default=[0, 2, 4])
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    graph = args.model.with_name("prosody_int8.onnx")
    front_half(args.model, graph)
    with np.load(args.pack) as data:
        count, voices = len(data["tok_off"]) - 1, len(data["styles"])
        teacher, student, fitted = (data["tok"], data["tok_off"]), (data["ids"], data["ids_off"]), "centres" in data
        comma = int(data["comma"])
    jobs = [(s, voice_for(s, voices, turn)) for turn in args.turns for s in range(count)]
    blocks = [jobs[i : i + 250] for i in range(0, len(jobs), 250)]
    with ProcessPoolExecutor(args.workers) as pool:
        work = [pool.submit(speak_silently, args.pack, str(graph), block) for block in blocks]
        spoken = [item for job in work for item in job.result()]
    if not fitted:
        fit(args.pack, spoken)
    pack = Pack(args.pack)
    found: dict[str, list] = {k: [] for k in ("codes", "idx", "voice", "n", "cut_codes", "cut_phones")}
    for sentence, voice, durations, pitch, energy in spoken:
        first, codes = pack.codes(sentence, voice, durations, pitch, energy)
        sides = [values[offset[sentence] : offset[sentence + 1]] for values, offset in (teacher, student)]
        cut = first_clause(*sides, comma, durations, first, len(codes))
        for name, value in zip(found, (codes.astype(np.int16), sentence, voice, len(codes), *cut), strict=True):
            found[name].append(value)
    arrays = {k: np.concatenate(v) if k == "codes" else np.array(v, np.int32) for k, v in found.items()}
    np.savez_compressed(args.out, **arrays)
    print(f"{len(spoken)} utterances, {len(arrays['codes']) / tokens.TOKENS / 3600:.1f} h", flush=True)


if __name__ == "__main__":
    main()
