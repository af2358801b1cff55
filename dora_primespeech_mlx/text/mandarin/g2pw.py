"""Readings of Mandarin characters with several, by the G2PW model (an ONNX file that the user brings)."""

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dora_primespeech_mlx.files.contents import HEAD, stand_in
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin
from dora_primespeech_mlx.text.mandarin.simplified import converter
from dora_primespeech_mlx.text.tables import words

if TYPE_CHECKING:
    import onnxruntime

MODELS = ("g2pW.onnx", "g2pw.onnx")
FILES = ("POLYPHONIC_CHARS.txt", "bopomofo_to_pinyin_wo_tune_dict.json")
VOCABULARIES = ("tokenizer.json", "vocab.txt")
SPECIAL = UNKNOWN, FIRST, LAST = "[UNK]", "[CLS]", "[SEP]"
INPUTS = {"input_ids", "token_type_ids", "attention_mask", "phoneme_mask", "char_ids", "position_ids"}
CONTEXT = 16
LONGEST = 510

Part = TypeVar("Part")


class G2PW:
    """The released model (version 1.1): a BERT over traditional characters, asked for one character at a time."""

    def __init__(self, folder: Path) -> None:
        """Load the model of `folder`.

        Raises:
            FileNotFoundError: as `check_files`.
            ValueError: a file is damaged or of another model.
        """
        check_files(folder)
        model, characters, spellings, vocabulary = (
            next(folder / name for name in names if (folder / name).is_file())
            for names in (MODELS, *((name,) for name in FILES), VOCABULARIES)
        )
        pairs = _read(characters, _pairs)
        labels = sorted({label for _, label in pairs})
        self._readings = _read(spellings, partial(_spelled, labels=labels))
        self._vocabulary = _read(vocabulary, _vocabulary)
        self._character_ids = {
            character: index for index, character in enumerate(sorted({first for first, _ in pairs}))
        }
        self._masks = np.zeros((len(self._character_ids), len(labels)), np.float32)
        for character, label in pairs:
            self._masks[self._character_ids[character], labels.index(label)] = 1
        self._session = _read(model, _session)

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
        unknown = self._vocabulary[UNKNOWN]
        tokens = [self._vocabulary.get(character, unknown) for character in text.lower()]
        row = np.array([self._vocabulary[FIRST], *tokens, self._vocabulary[LAST]], np.int64)
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
    """The model of `folder`, loaded once for all voices; errors as `G2PW`."""
    return G2PW(folder)


def _read(path: Path, read: Callable[[Path], Part]) -> Part:
    """A part of the model; ValueError with the way out where its file cannot be read as such."""
    try:
        return read(path)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        with path.open("rb") as file:
            kind = stand_in(file.read(HEAD)) or "damaged, or of another model: unpack G2PWModel_1.1 there again"
        raise ValueError(f"{path} is {kind}") from error


def _pairs(path: Path) -> list[tuple[str, str]]:
    """Characters of several readings, each with one of them, a bopomofo syllable with its tone digit."""
    rows = [row.split("\t") for row in path.read_text(encoding="utf-8").split("\n") if "\t" in row]
    if not rows:
        raise ValueError("no character has a reading")
    return [(row[0], row[1].strip()) for row in rows]


def _spelled(path: Path, labels: list[str]) -> list[tuple[str, int]]:
    """(syllable, tone) of each bopomofo syllable."""
    spelled = json.loads(path.read_text(encoding="utf-8"))
    return [parse_pinyin(spelled[label[:-1]] + label[-1]) for label in labels]


def _vocabulary(path: Path) -> dict[str, int]:
    """Token -> id, from tokenizer.json or vocab.txt."""
    text = path.read_text(encoding="utf-8")
    table: dict[str, int]
    if path.suffix == ".json":
        table = json.loads(text)["model"]["vocab"]
    else:
        table = {token: index for index, token in enumerate(text.splitlines())}
    if any(token not in table for token in SPECIAL):
        raise ValueError("it lacks special tokens")
    return table


def _session(path: Path) -> "onnxruntime.InferenceSession":
    """The network, ready to be asked."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    if {entry.name for entry in session.get_inputs()} != INPUTS:
        raise ValueError("it has other inputs")
    return session
