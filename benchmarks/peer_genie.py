"""Driver of `peers.py` for genie-tts: its own converter, sessions and loop, held to one thread.

Genie checks for a data folder when it is imported and offers to download it; the parts measured here need none of it,
so empty stand-ins are enough. Its converter needs torch in the same interpreter.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from peer_tools import Clock, Work, serve, steps_report


def stand_in_data(folder: Path) -> None:
    """The files whose presence Genie asks for at import."""
    (folder / "chinese-hubert-base").mkdir(parents=True)
    (folder / "speaker_encoder.onnx").touch()
    os.environ["GENIE_DATA_DIR"] = str(folder)


class Stopper:
    """The step session, telling Genie's loop to stop after so many steps and noting the time of each."""

    def __init__(self, session, steps: int):
        self.session, self.steps, self.marks, self.clock = session, steps, [], Clock()

    def get_inputs(self):
        """Those of the session."""
        return self.session.get_inputs()

    def run(self, names, feed):
        """A step of the session, with the stop flag replaced."""
        self.marks.append(self.clock.read())
        codes, embedded, _, *cache = self.session.run(names, feed)
        done = len(self.marks) >= self.steps
        return [codes, embedded, np.array(done), *cache]


def main() -> None:
    work = Work.read(sys.argv[1])
    folder = Path(tempfile.mkdtemp())
    stand_in_data(folder / "GenieData")
    os.chdir(folder)
    import onnxruntime

    made = onnxruntime.InferenceSession

    def one_thread(model, providers=None, sess_options=None, **options):
        sess_options = sess_options or onnxruntime.SessionOptions()
        sess_options.intra_op_num_threads = sess_options.inter_op_num_threads = 1
        return made(model, sess_options=sess_options, providers=providers, **options)

    onnxruntime.InferenceSession = one_thread
    import genie_tts.ModelManager
    from genie_tts.Converter.Converter import convert
    from genie_tts.Core.Inference import tts_client

    genie_tts.ModelManager.InferenceSession = one_thread
    convert(sys.argv[2], sys.argv[3], str(folder / "model"))
    if not genie_tts.ModelManager.model_manager.load_character("peer", str(folder / "model"), language="English"):
        raise SystemExit("Genie could not load what it converted.")
    model = genie_tts.ModelManager.model_manager.get("peer")
    timbre = {}
    if model.PROMPT_ENCODER is not None:
        feed = {"ref_audio": work.recording[None], "sv_emb": work.speaker[None]}
        timbre = dict(zip(("ge", "ge_advanced"), model.PROMPT_ENCODER.run(None, feed), strict=True))
    else:
        timbre = {"ref_audio": work.recording[None]}

    def decode() -> tuple[np.ndarray, Stopper]:
        stopper = Stopper(model.T2S_STAGE_DECODER, work.steps)
        ids = {"ref_seq": work.prompt_phones[None], "text_seq": work.phones[None]}
        rows = {"ref_bert": len(work.prompt_phones), "text_bert": len(work.phones)}
        codes = tts_client.t2s_cpu(
            **ids,
            **{name: np.zeros((count, 1024), np.float32) for name, count in rows.items()},
            ssl_content=work.features[None],
            encoder=model.T2S_ENCODER,
            first_stage_decoder=model.T2S_FIRST_STAGE_DECODER,
            stage_decoder=stopper,
        )
        return codes, stopper

    def t2s_task() -> dict[str, float]:
        _, stopper = decode()
        return steps_report([*stopper.marks, stopper.clock.read()])

    def vocode(codes: np.ndarray) -> int:
        feed = {"text_seq": work.phones[None], "pred_semantic": codes, **timbre}
        return model.VITS.run(None, feed)[0].size

    def sovits_task() -> dict[str, float]:
        clock = Clock()
        samples = vocode(work.codes[None, None])
        return {**clock.read(), "seconds": samples / 32000}

    def speak_task() -> dict[str, float]:
        clock = Clock()
        decode()
        samples = vocode(work.codes[None, None])
        total = clock.read()
        return {**total, **{f"first_{name}": value for name, value in total.items()}, "seconds": samples / 32000}

    serve({"t2s": t2s_task, "sovits": sovits_task, "speak": speak_task, "whole": speak_task})


if __name__ == "__main__":
    main()
