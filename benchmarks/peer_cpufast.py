"""Driver of `peers.py` for gpt-sovits-cpufast: its T2S decoder and synthesiser loaded as its pipeline loads them.

The modules of that package import each other as top-level names, so its folder goes on the path. Needs only what they
import: torch, torchaudio is not among it.
"""

import importlib.util
import io
import sys

import numpy as np
from peer_tools import Clock, Work, serve, steps_report


def read_checkpoint(torch, path: str) -> dict:
    """An official file; a version tag in place of the zip magic is put right."""
    with open(path, "rb") as file:
        content = file.read()
    return torch.load(io.BytesIO(b"PK" + content[2:]), map_location="cpu", weights_only=False)


def main() -> None:
    work = Work.read(sys.argv[1])
    found = importlib.util.find_spec("GPT_SoVITS")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("gpt-sovits-cpufast is not installed here.")
    sys.path.insert(0, found.submodule_search_locations[0])
    sys.path.insert(0, found.submodule_search_locations[0] + "/..")
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    from AR.models.t2s_lightning_module import Text2SemanticLightningModule
    from module.models import SynthesizerTrn

    stored = read_checkpoint(torch, sys.argv[2])
    lightning = Text2SemanticLightningModule(
        stored["config"], "", is_train=False, build_t2s_transformer=False, build_h_module=False
    )
    lightning.load_inference_only_state_dict(stored["weight"])
    lightning.model.release_inference_only_unused_modules()
    t2s = lightning.eval().float().model

    stored = read_checkpoint(torch, sys.argv[3])
    data, model = stored["config"]["data"], {**stored["config"]["model"], "semantic_frame_rate": "25hz"}
    sovits = SynthesizerTrn(data["filter_length"] // 2 + 1, 32, n_speakers=data["n_speakers"], **model)
    sovits.load_state_dict(stored["weight"], strict=False)
    sovits.dec.remove_weight_norm()
    sovits = sovits.eval().float()

    phones = torch.from_numpy(np.concatenate([work.prompt_phones, work.phones]))[None]
    prompt, spectrum = torch.from_numpy(work.prompt_codes)[None], torch.from_numpy(work.spectrum)[None]
    speakers = [torch.from_numpy(work.speaker)[None]] if getattr(sovits, "is_v2pro", False) else None
    ge, ge_text = sovits.build_decode_condition([spectrum], speakers)
    codes, text = torch.from_numpy(work.codes)[None, None], torch.from_numpy(work.phones)[None]

    def decode() -> list[dict[str, float]]:
        clock, marks = Clock(), []
        made = t2s.infer_panel_naive(
            phones,
            torch.tensor([phones.shape[1]]),
            prompt,
            torch.zeros(1, 1024, phones.shape[1]),
            top_k=15,
            top_p=1.0,
            early_stop_num=-1,
            streaming_mode=True,
            chunk_length=1,
        )
        for _ in made:
            marks.append(clock.read())
            if len(marks) == work.steps:
                return marks
        raise SystemExit(f"The sequence ended after {len(marks)} codes; use another checkpoint.")

    def vocode() -> int:
        return sovits.decode(codes, text, [spectrum], noise_scale=0.5, ge=ge, ge_text=ge_text).numel()

    def sovits_task() -> dict[str, float]:
        clock = Clock()
        samples = vocode()
        return {**clock.read(), "seconds": samples / 32000}

    def speak_task() -> dict[str, float]:
        clock = Clock()
        decode()
        samples = vocode()
        total = clock.read()
        return {**total, **{f"first_{name}": value for name, value in total.items()}, "seconds": samples / 32000}

    serve({"t2s": lambda: steps_report(decode()), "sovits": sovits_task, "speak": speak_task, "whole": speak_task})


if __name__ == "__main__":
    main()
