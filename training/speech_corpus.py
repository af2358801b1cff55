"""Teacher speech on the device: grows while parts arrive, hands out batches by index so that a step can be captured."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.steps import RANDOM, held_out
from training.strangers import NUMBERS, SHIPPED
from training.tokens import codebook

MOST_CODES = 176  # of one item, 7.04 s; an item is one utterance or two of the same voice
MOST_PHONES = 128
ONE_CODES = 144
LEAST_CODES = 8
REFERENCE_CODES = 128
LEAST_REFERENCE = 48  # codes; clips at inference are 3 s and longer
CODE = 1280  # samples of one code at 32 kHz


class Item(NamedTuple):
    """A batch: audio [B, n], codes [B, T], mask [B, 1, 2T], text [B, L], pitch [B, 2T], segment start [B], ...

    The reference is sound [B, m] with its mask of frames; timbre [B, NUMBERS] is NaN where nobody knows it.
    """

    audio: Tensor
    codes: Tensor
    mask: Tensor
    text: Tensor
    text_mask: Tensor
    pitch: Tensor
    start: Tensor
    reference: Tensor
    reference_mask: Tensor
    timbre: Tensor


class SpeechCorpus:
    """All utterances of LEAST_CODES to ONE_CODES codes that are not held out."""

    def __init__(
        self,
        pack: str,
        folder: Path,
        batch: int,
        segment: int,
        hours: float,
        device: str,
        shipped: float = 0.0,
        apart: bool = False,
    ):
        self.folder, self.batch, self.segment, self.device = folder, batch, segment, device
        self.least = round(shipped * batch)  # items of a batch that are in voices that ship
        self.apart = self.least if apart else 0  # of those the last ones, which then stay; the others are strangers
        with np.load(pack) as data:
            self.ids, self.ids_offset = data["ids"].astype(np.int64), data["ids_off"]
            self.centres = data["centres"]
        self.read: set[str] = set()
        rooms = int(hours * 3600 * 25)
        self.audio = torch.zeros(rooms * CODE + MOST_CODES * CODE, dtype=torch.int16, device=device)
        self.codes = torch.zeros(rooms + MOST_CODES, dtype=torch.long, device=device)
        self.pitch = torch.zeros(2 * (rooms + MOST_CODES), dtype=torch.float16, device=device)
        self.rooms, self.used, self.count = rooms, 0, 0
        most = rooms // 30
        self.text = torch.zeros(most, MOST_PHONES, dtype=torch.long, device=device)
        self.length = torch.zeros(most, dtype=torch.long, device=device)
        self.phones = torch.zeros(most, dtype=torch.long, device=device)
        self.offset = torch.zeros(most, dtype=torch.long, device=device)
        self.timbre = torch.full((most, NUMBERS), float("nan"), device=device)
        self.host_length, self.host_phones = np.zeros(most, np.int64), np.zeros(most, np.int64)
        self.voices: dict[int, list[int]] = {}
        self.strangers: list[int] = []
        self.clips: dict[int, list[int]] = {}  # those long enough to be a reference
        self.voice_of = np.zeros(most, np.int64)
        self.picked = torch.zeros(5, batch, dtype=torch.long, device=device)  # first, second, has second, voice, start

    def table(self, width: int) -> np.ndarray:
        """Codebook entries [codes, width]: the class means, projected."""
        return codebook(self.centres, width)

    def refresh(self) -> int:
        """Takes in the parts that have arrived; returns the number of utterances."""
        for path in sorted(self.folder.glob("part_*.npz")):
            if path.name in self.read:
                continue
            self.read.add(path.name)
            with np.load(path) as part:
                audio, codes, pitch = part["audio"], part["codes"], part["pitch"]
                timbre = part["timbre"] if "timbre" in part else np.full((len(part["length"]), NUMBERS), np.nan)
                rows = list(
                    zip(part["sentence"].tolist(), part["voice"].tolist(), part["length"].tolist(), strict=True)
                )
            total = len(codes)
            if self.used + total > self.rooms:
                continue
            base = self.used
            self.audio[base * CODE : (base + total) * CODE] = torch.from_numpy(audio).to(self.device)
            self.codes[base : base + total] = torch.from_numpy(codes.astype(np.int64)).to(self.device)
            self.pitch[2 * base : 2 * (base + total)] = torch.from_numpy(pitch).to(self.device)
            self.used += total
            self._add(rows, base, timbre.astype(np.float32))
        return self.count

    def _add(self, rows: list[tuple[int, int, int]], base: int, timbre: np.ndarray) -> None:
        start, kept = self.count, []
        for row, (sentence, voice, length) in enumerate(rows):
            ids = self.ids[self.ids_offset[sentence] : self.ids_offset[sentence + 1]]
            fits = LEAST_CODES <= length <= ONE_CODES and len(ids) <= MOST_PHONES
            if fits and not held_out(np.array(sentence)) and self.count < len(self.host_length):
                k = self.count
                self.text[k, : len(ids)] = torch.from_numpy(ids).to(self.device)
                self.host_length[k], self.host_phones[k], self.voice_of[k] = length, len(ids), voice
                self.offset[k] = base
                kept.append(row)
                self.voices.setdefault(voice, []).append(k)
                if voice >= SHIPPED:
                    self.strangers.append(k)
                if length >= LEAST_REFERENCE:
                    self.clips.setdefault(voice, []).append(k)
                self.count += 1
            base += length
        new = slice(start, self.count)
        self.length[new] = torch.from_numpy(self.host_length[new]).to(self.device)
        self.timbre[new] = torch.from_numpy(timbre[kept]).to(self.device)
        self.phones[new] = torch.from_numpy(self.host_phones[new]).to(self.device)

    def choose(self) -> None:
        """Draws the next batch: utterances, some with a second of the voice, references, where segments start.

        Segments may start before the item and end behind it and are then moved inside: beginnings and ends, which few
        segments would hold, are heard as often as the middle.
        """
        first = RANDOM.choice(self.strangers if self.apart and self.strangers else self.count, self.batch)
        own = [k for voice in range(SHIPPED) for k in self.voices.get(voice, [])]
        if own:
            first[self.batch - self.least :] = RANDOM.choice(own, self.least)
            RANDOM.shuffle(first[: self.batch - self.apart])  # discriminators may hear the first ones alone
        mates = self._of_voices(self.clips, first)
        second = self._of_voices(self.voices, first)
        fits = (self.host_length[first] + self.host_length[second] <= MOST_CODES) & (RANDOM.random(self.batch) < 0.5)
        fits &= self.host_phones[first] + self.host_phones[second] <= MOST_PHONES
        total = self.host_length[first] + fits * self.host_length[second]
        start = RANDOM.integers(1 - self.segment, 2 * total)
        start = np.maximum(0, np.minimum(start, 2 * total - self.segment))
        rows = np.stack([first, second, fits.astype(np.int64), mates, start])
        self.picked.copy_(torch.from_numpy(rows), non_blocking=True)

    def _of_voices(self, pools: dict[int, list[int]], first: np.ndarray) -> np.ndarray:
        """For every utterance another of the same voice from its pool, or itself where the pool holds no other."""

        def another(pool: list[int], k: int) -> int:
            place = RANDOM.integers(len(pool)) if pool else 0
            return pool[place] if pool and pool[place] != k else pool[place - 1] if pool else k

        return np.array([another(pools.get(v, []), k) for v, k in zip(self.voice_of[first], first, strict=True)])

    def _pieces(self, places: Tensor, first: Tensor, split: Tensor, second: Tensor, scale: int) -> Tensor:
        """Places in the store of places in an item whose first utterance ends at `split`, in units of scale."""
        a = self.offset[first][:, None] * scale + places
        b = self.offset[second][:, None] * scale + places - split[:, None]
        return torch.where(places < split[:, None], a, b)

    def load(self) -> Item:
        """The chosen batch; only reads tensors of fixed shape, so it can be part of a captured step."""
        first, second, both, mate, start = self.picked
        device = self.device
        split = self.length[first]
        total = split + both * self.length[second]
        codes_at = torch.arange(MOST_CODES, device=device)[None]
        samples_at = torch.arange(MOST_CODES * CODE, device=device)[None]
        frames_at = torch.arange(2 * MOST_CODES, device=device)[None]
        audio = self.audio[self._pieces(samples_at, first, split * CODE, second, CODE)].float() / 32768
        audio = audio * (samples_at < total[:, None] * CODE)
        codes = self.codes[self._pieces(codes_at, first, split, second, 1)]
        pitch = self.pitch[self._pieces(frames_at, first, 2 * split, second, 2)].float()
        mask = (frames_at < 2 * total[:, None]).float().unsqueeze(1)
        text_at = torch.arange(MOST_PHONES, device=device)[None]
        border = self.phones[first][:, None]
        behind = self.text[second].gather(1, (text_at - border).clamp(min=0))
        text = torch.where(text_at < border, self.text[first], behind)
        text_total = border + both[:, None] * self.phones[second][:, None]
        text_mask = (text_at < text_total).float().unsqueeze(1)
        reference_at = torch.arange(REFERENCE_CODES * CODE, device=device)[None]
        length = self.length[mate].clamp(max=REFERENCE_CODES)[:, None]
        reference = self.audio[self.offset[mate][:, None] * CODE + reference_at].float() / 32768
        reference = reference * (reference_at < length * CODE)
        frame = torch.arange(2 * REFERENCE_CODES, device=device)[None]
        reference_mask = (frame < 2 * length).float().unsqueeze(1)
        return Item(audio, codes, mask, text, text_mask, pitch, start, reference, reference_mask, self.timbre[first])
