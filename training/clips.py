"""Reference clips for each voice: sound, text and codes, all from the teacher.

    python -m training.clips PACK.npz kokoro_float.onnx vocab.json ../models/demo/voices

Writes NAME.flac (English) and NAME_zh.flac (Mandarin), 32 kHz mono, and the codes of the first as NAME.npy (int32 at
25 Hz); the texts are in CLIPS.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly

from training import tokens
from training.speak import OUTPUTS, Pack, of_tokens
from training.teacher import Teacher, style_for
from training.text import TeacherTokens, labels

CLIPS = {
    "mira": (
        "The kettle is on and the window is open, so come in and sit down with us.",
        "水已经烧开了，窗户也开着，快进来和我们坐一会儿吧。",
    ),
    "thea": (
        "We walked along the river until the lamps came on, and nobody wanted to go home.",
        "我们沿着河边一直走到路灯亮起来，谁也不想回家。",
    ),
    "lumi": (
        "Look at this little paper boat, it has been sailing around the pond all morning.",
        "你看这只小纸船，它已经在池塘里转了一个上午了。",
    ),
    "corin": (
        "Before we leave the harbour, let me check the map and the weather one more time.",
        "离开港口之前，让我再看一遍地图和今天的天气。",
    ),
    "alder": (
        "The old clock in the hall has stopped again, and I rather like the quiet it leaves.",
        "大厅里的老钟又停了，我倒是很喜欢这样的安静。",
    ),
    "yuno": (
        "I put the blue notebook on your desk, because you will need it for the class tomorrow.",
        "我把蓝色的笔记本放在你的桌子上了，明天上课的时候你会用到它。",
    ),
}


class Reader:
    """The teacher reading a text in one of the pack's voices."""

    def __init__(self, pack: str, model: str, vocabulary: Path):
        self.pack, self.teacher, self.tokens = Pack(pack), Teacher(model, "cpu", OUTPUTS), TeacherTokens(vocabulary)

    def __call__(self, voice: int, text: str, language: str) -> tuple[np.ndarray, np.ndarray]:
        """Samples at 32 kHz without the silence around them, and their codes."""
        pack, ids = self.pack, self.tokens(text, language)
        style = torch.from_numpy(style_for(pack.styles[voice], len(ids)))
        outputs = self.teacher(tokens=torch.tensor([ids]), style=style, speed=torch.ones(1))
        audio, durations, pitch, energy = (x.reshape(-1).float().numpy() for x in outputs)
        phones, tones = (np.array(row) for row in labels(ids, self.tokens.vocabulary))
        first, codes = pack.classes(phones, tones, voice, durations.round().astype(int), pitch, energy)
        sound = resample_poly(of_tokens(audio, first, len(codes)), 4, 3)
        return sound * min(1, 0.95 / np.abs(sound).max()), codes


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model")
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    read = Reader(args.pack, args.model, args.vocabulary)
    args.out.mkdir(parents=True, exist_ok=True)
    for voice, (name, texts) in enumerate(CLIPS.items()):
        for ending, language, text in zip(("", "_zh"), ("en", "zh"), texts, strict=True):
            sound, codes = read(voice, text, language)
            soundfile.write(args.out / f"{name}{ending}.flac", sound, 32000, subtype="PCM_16")
            if language == "en":
                np.save(args.out / f"{name}.npy", codes.astype(np.int32))
            print(f"{name}{ending}: {len(codes) / tokens.TOKENS:.2f} s", flush=True)


if __name__ == "__main__":
    main()
