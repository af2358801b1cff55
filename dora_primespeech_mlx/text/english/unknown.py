"""Pronunciation of English words that no dictionary has: the sequence-to-sequence model that ships inside g2p_en.

Only its weights are read. Importing g2p_en itself would look for NLTK corpora and try to download them.
"""

from functools import cache, lru_cache

import numpy as np

from dora_primespeech_mlx.text.tables import lines, package_file

LETTERS = "abcdefghijklmnopqrstuvwxyz"
UNKNOWN_LETTER, END_LETTER, FIRST_LETTER = 1, 2, 3
START_PHONE, END_PHONE = 2, 3
LONGEST = 20


@cache
def _phones() -> list[str]:
    return [phone for line in lines("en_model_phones.txt") for phone in line.split()]


@cache
def _weights() -> dict[str, np.ndarray]:
    with np.load(package_file("g2p_en", "checkpoint20.npz")) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def _gru(side: str, row: np.ndarray, state: np.ndarray) -> np.ndarray:
    """One step of the gated unit `side` ("enc" or "dec"): input [64], state [128] -> state [128]."""
    weights = _weights()
    entry = weights[f"{side}_w_ih"] @ row + weights[f"{side}_b_ih"]
    memory = weights[f"{side}_w_hh"] @ state + weights[f"{side}_b_hh"]
    size = state.shape[0]
    gates = 1 / (1 + np.exp(-(entry[: 2 * size] + memory[: 2 * size])))
    reset, update = gates[:size], gates[size:]
    fresh = np.tanh(entry[2 * size :] + reset * memory[2 * size :])
    mixed: np.ndarray = (1 - update) * fresh + update * state
    return mixed


@lru_cache(maxsize=5_000)
def predict(word: str) -> tuple[str, ...]:
    """ARPAbet phones of the lower-case word `word`, at most twenty of them."""
    weights = _weights()
    state = np.zeros(weights["enc_w_hh"].shape[1], np.float32)
    for letter in word:
        index = LETTERS.find(letter)
        state = _gru("enc", weights["enc_emb"][index + FIRST_LETTER if index >= 0 else UNKNOWN_LETTER], state)
    state = _gru("enc", weights["enc_emb"][END_LETTER], state)
    phones: list[str] = []
    token = START_PHONE
    for _ in range(LONGEST):
        state = _gru("dec", weights["dec_emb"][token], state)
        token = int(np.argmax(weights["fc_w"] @ state + weights["fc_b"]))
        if token == END_PHONE:
            break
        phones.append(_phones()[token])
    # The inventory of the checkpoints has no unstressed "UW" without a digit.
    return tuple(phone for phone in phones if not phone.startswith("<") and phone != "UW")
