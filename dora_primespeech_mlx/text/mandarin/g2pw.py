"""Readings of Mandarin characters with several, by the G2PW model (an ONNX file that the user brings)."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.mandarin.simplified import converter
from dora_primespeech_mlx.text.tables import words

MODELS = ("g2pW.onnx", "g2pw.onnx")
FILES = ("POLYPHONIC_CHARS.txt", "bopomofo_to_pinyin_wo_tune_dict.json")
VOCABULARIES = ("tokenizer.json", "vocab.txt")
CONTEXT = 16
LONGEST = 510


class G2PW:
    """The released model (version 1.1): a BERT over traditional characters, asked for one character at a time."""

    def __init__(self, folder: Path) -> None:
        """Load the model of `folder`; FileNotFoundError as `check_files`."""
        import onnxruntime

        check_files(folder)
        model = next(folder / name for name in MODELS if (folder / name).is_file())
        self._vocabulary = _vocabulary(folder)
        rows = (folder / "POLYPHONIC_CHARS.txt").read_text(encoding="utf-8").split("\n")
        pairs = [(row.split("\t")[0], row.split("\t")[1].strip()) for row in rows if "\t" in row]
        labels = sorted({label for _, label in pairs})
        spelled = json.loads((folder / "bopomofo_to_pinyin_wo_tune_dict.json").read_text(encoding="utf-8"))
        self._readings = [parse_pinyin(spelled[label[:-1]] + label[-1]) for label in labels]
        self._character_ids = {
            character: index for index, character in enumerate(sorted({first for first, _ in pairs}))
        }
        self._masks = np.zeros((len(self._character_ids), len(labels)), np.float32)
        for character, label in pairs:
            self._masks[self._character_ids[character], labels.index(label)] = 1
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def readings(self, text: str) -> dict[int, tuple[str, int]]:
        """Position -> (syllable, tone) of the characters of `text` that have several readings."""
        traditional = converter("s2tw")(text)
        if len(traditional) != len(text):
            return {}
        asked = [
            index
            for index, character in enumerate(traditional)
            if character in self._character_ids and text[index] not in words("g2pw_left_out.txt")
        ]
        found: dict[int, tuple[str, int]] = {}
        while asked:
            start = max(0, asked[0] - CONTEXT)
            batch = [index for index in asked if index + CONTEXT < start + LONGEST]
            window = traditional[start : batch[-1] + CONTEXT + 1]
            found.update(zip(batch, self._ask(window, [index - start for index in batch]), strict=True))
            asked = asked[len(batch) :]
        return found

    def _ask(self, text: str, positions: list[int]) -> list[tuple[str, int]]:
        """Readings of the characters of `text` at `positions`."""
        unknown = self._vocabulary["[UNK]"]
        tokens = [self._vocabulary.get(character, unknown) for character in text.lower()]
        row = np.array([self._vocabulary["[CLS]"], *tokens, self._vocabulary["[SEP]"]], np.int64)
        count = len(positions)
        characters = np.array([self._character_ids[text[position]] for position in positions], np.int64)
        (probabilities,) = self._session.run(
            None,
            {
                "input_ids": np.tile(row, (count, 1)),
                "token_type_ids": np.zeros((count, len(row)), np.int64),
                "attention_mask": np.ones((count, len(row)), np.int64),
                "phoneme_mask": self._masks[characters],
                "char_ids": characters,
                "position_ids": np.array(positions, np.int64) + 1,
            },
        )
        return [self._readings[index] for index in np.argmax(probabilities, axis=1)]


def check_files(folder: Path) -> None:
    """FileNotFoundError that names the first file of the model that `folder` lacks.

    It has g2pW.onnx, POLYPHONIC_CHARS.txt, bopomofo_to_pinyin_wo_tune_dict.json and the tokenizer.json (or vocab.txt)
    of bert-base-chinese.
    """
    for names in (MODELS, *((name,) for name in FILES)):
        if not any((folder / name).is_file() for name in names):
            raise FileNotFoundError(f"no {names[0]} in {folder}: unpack G2PWModel_1.1 there")
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise FileNotFoundError(f"no {' or '.join(VOCABULARIES)} of bert-base-chinese in {folder}: copy one there")


@cache
def shared_model(folder: Path) -> G2PW:
    """The model of `folder`, loaded once for all voices; FileNotFoundError as `check_files`."""
    return G2PW(folder)


def _vocabulary(folder: Path) -> dict[str, int]:
    """Token -> id, from tokenizer.json or vocab.txt."""
    if (folder / "tokenizer.json").is_file():
        table: dict[str, int] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        return table
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {token: index for index, token in enumerate(lines)}
