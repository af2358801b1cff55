"""Trains the content encoder from teacher speech that arrives while it trains.

    python -m training.train_content CONTENT_PACK.npz SPEECH_FOLDER OUT --seconds 480

OUT/content.pth, rewritten every minute, holds the averaged weights, half precision, for `primespeech convert --content`
and to go on from (--init). Held-out voices speaking held-out sentences are the judge.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training import content, steps
from training.disturb import SPEED_RANGE, Chosen, Disturbance, normalised

CROP = 100  # codes, 4 s
LEAST = 600.0  # seconds of speech before training starts
LABELS = 80  # a second


class Speech:
    """What has been spoken so far, on the device."""

    def __init__(self, folder: Path, hours: float, device: str):
        self.folder, self.device = folder, device
        self.read: set[str] = set()
        rooms = int(hours * 3600 * LABELS)
        self.audio = torch.zeros(rooms * 300, dtype=torch.int16, device=device)
        self.phone, self.tone = (torch.zeros(rooms, dtype=torch.uint8, device=device) for _ in range(2))
        self.pitch, self.energy = (torch.zeros(rooms, dtype=torch.float16, device=device) for _ in range(2))
        self.used, self.rooms = 0, rooms
        self.rows: list[tuple] = []  # offset, length, statistics, held out, language
        self.training, self.judging = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.table = np.zeros((0, 6), np.float64)

    def refresh(self) -> float:
        """Takes in what has arrived; returns seconds of speech to train on."""
        for path in sorted(self.folder.glob("part_*.npz")):
            if path.name in self.read:
                continue
            self.read.add(path.name)
            with np.load(path) as data:
                part = {name: data[name] for name in data.files}
            total = len(part["phone"])
            if self.used + total > self.rooms:
                continue
            place = slice(self.used, self.used + total)
            self.audio[300 * self.used : 300 * (self.used + total)] = torch.from_numpy(part["audio"]).to(self.device)
            for name in ("phone", "tone", "pitch", "energy"):
                getattr(self, name)[place] = torch.from_numpy(part[name]).to(self.device)
            offset = self.used + np.concatenate([[0], np.cumsum(part["length"])[:-1]])
            self.rows += list(
                zip(offset, part["length"], part["voice"], part["held_out"], part["language"], strict=True)
            )
            self.used += total
        if len(self.rows) > len(self.table):
            self.table = np.array([(o, n, *v) for o, n, v, _, _ in self.rows], np.float64)
            kept = np.array([row[3] for row in self.rows], bool)
            self.training, self.judging = np.flatnonzero(~kept), np.flatnonzero(kept)
        return float(self.table[self.training, 1].sum()) / LABELS if len(self.training) else 0.0


class Trainer:
    """Network, data and one step."""

    def __init__(self, args: argparse.Namespace):
        self.device = args.device
        with np.load(args.pack) as pack:
            centres = pack["centres"].astype(np.float32)
            phones = np.unique(pack["lab"])
        self.phones = np.union1d(phones, [0])
        sizes = content.ContentSizes(len(self.phones), codes=len(centres), width=args.width, inner=3 * args.width)
        self.network = content.ContentEncoder(sizes, args.dropout).to(self.device)
        self.disturbance = Disturbance(centres, self.phones, CROP, args.batch, self.device)
        self.speech = Speech(args.speech, args.hours, self.device)
        decay = 0.02
        self.optimiser = steps.Optimiser(self.network.parameters(), (0.9, 0.98), decay, self.device)
        self.picked = torch.zeros(args.batch, 5, dtype=torch.float32, device=self.device)  # begin, speed, statistics
        self.picked[:, [1, 4]] = 1.0
        self.place = torch.zeros(args.batch, 2, dtype=torch.long, device=self.device)
        self.batch = args.batch

    def choose(self, rows: np.ndarray, begin: np.ndarray, speed: np.ndarray) -> None:
        """Puts a batch's places on the device."""
        table = self.speech.table[rows]
        self.place.copy_(torch.from_numpy(table[:, :2].astype(np.int64)), non_blocking=True)
        values = np.concatenate([begin[:, None], speed[:, None], table[:, 2:5]], 1).astype(np.float32)
        self.picked.copy_(torch.from_numpy(values), non_blocking=True)

    def draw(self) -> None:
        """A random batch: crops begin up to half a second before an utterance and end somewhat behind it."""
        rows = steps.RANDOM.choice(self.speech.training, self.batch)
        length = self.speech.table[rows, 1]
        speed = np.where(
            steps.RANDOM.random(self.batch) < 0.6, steps.RANDOM.uniform(*SPEED_RANGE, self.batch), np.ones(self.batch)
        )
        room = np.maximum(length - CROP * 3.2 * speed, 0)
        begin = steps.RANDOM.uniform(-0.4, 1, self.batch) * LABELS + steps.RANDOM.random(self.batch) * room
        self.choose(rows, np.minimum(begin, room + 24), speed)

    def chosen(self) -> Chosen:
        """The batch on the device."""
        p = self.picked
        return Chosen(self.place[:, 0], self.place[:, 1], p[:, 0], p[:, 1], p[:, 2:5])

    def target(self) -> content.Target:
        """Its labels."""
        s = self.speech
        return self.disturbance.target(s.phone, s.tone, s.pitch, s.energy, self.chosen())

    def step(self) -> Tensor:
        """One step; returns what `content.loss` counts, in order, behind the loss."""
        d = self.disturbance
        with torch.no_grad():
            x = d.disturbed(d.sound(self.speech.audio, self.chosen()))
            banks = d.masked(normalised(d.banks(x, True)))
            target = self.target()
        total, seen = content.loss(self.network(banks), target)
        self.optimiser.update(torch.autograd.grad(total, self.optimiser.parameters), clip=2.0)
        return torch.stack([total.detach(), *seen.values()])

    @torch.no_grad()
    def judge(self, noisy: bool) -> dict[str, float]:
        """What averaged weights hear in held-out voices speaking held-out sentences, by language."""
        weights = [p.detach().clone() for p in self.optimiser.parameters]
        torch._foreach_copy_(self.optimiser.parameters, self.optimiser.average)
        self.network.eval()
        rows = self.speech.judging
        found: dict[str, float] = {}
        language = np.array([row[4] for row in self.speech.rows])
        for name, number in (("en", 0), ("zh", 1)):
            own = rows[language[rows] == number]
            values = []
            for first in range(0, len(own) - len(own) % self.batch or len(own), self.batch):
                batch = np.resize(own[first : first + self.batch], self.batch)
                self.choose(batch, np.zeros(self.batch), np.ones(self.batch))
                x = self.disturbance.sound(self.speech.audio, self.chosen())
                x = self.disturbance.disturbed(x) if noisy else x
                heard = self.network(normalised(self.disturbance.banks(x, False)))
                target = self.target()
                talk = target.energy > -3
                values.append(
                    [
                        float((heard.phones.argmax(-1) == target.phones.argmax(-1))[talk].float().mean()),
                        float((heard.codes.argmax(-1) == target.codes)[talk].float().mean()),
                        float(
                            target.near.gather(-1, heard.codes.argmax(-1, keepdim=True))[..., 0][talk]
                            .gt(0)
                            .float()
                            .mean()
                        ),
                        float(12 * (heard.pitch[..., 0] - target.pitch).abs()[target.voiced > 0.5].median()),
                    ]
                )
            if values:
                found |= dict(
                    zip((f"{name}_{k}" for k in ("phone", "code", "near", "pitch")), np.mean(values, 0), strict=True)
                )
        self.network.train()
        torch._foreach_copy_(self.optimiser.parameters, weights)
        return found

    def judged(self) -> str:
        """Of undisturbed and of disturbed sound."""
        found = {name: self.judge(noisy) for name, noisy in (("clean", False), ("noisy", True))}
        return str({name: {k: round(float(v), 3) for k, v in values.items()} for name, values in found.items()})

    def save(self, folder: Path) -> None:
        """Averaged weights, for `convert` and to go on with."""
        names = [name for name, _ in self.network.named_parameters()]
        average = (value.half().cpu() for value in self.optimiser.average)
        steps.save(dict(zip(names, average, strict=True)), folder / "content.pth")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("speech", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=208)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--hours", type=float, default=14)
    parser.add_argument("--least", type=float, default=LEAST)
    parser.add_argument("--every", type=float, default=30)
    parser.add_argument("--init", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eager", action="store_true", help="no CUDA graph")
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    began = time.time()
    args.out.mkdir(exist_ok=True, parents=True)
    stream = steps.set_up(args.device, args.seed)
    trainer = Trainer(args)
    optimiser = trainer.optimiser
    if args.init is not None:
        content.go_on(trainer.network, torch.load(args.init, map_location=args.device))
        torch._foreach_copy_(optimiser.average, [p.detach() for p in optimiser.parameters])
    print(f"{content.parameters(trainer.network):.2f} M parameters, {len(trainer.phones)} phones", flush=True)
    optimiser.schedule(0.0, 0)
    run = steps.captured(trainer.step, None if args.eager else stream)
    optimiser.forget()
    print(f"{time.time() - began:.0f} s: captured", flush=True)
    while (seconds := trainer.speech.refresh()) < args.least:
        time.sleep(1)
        if time.time() - began > args.seconds:
            raise SystemExit(f"only {seconds:.0f} s of speech came")
    print(f"{time.time() - began:.0f} s: {seconds / 60:.1f} min of speech, training begins", flush=True)
    started, step, shown, refreshed, saved = time.time(), 0, time.time(), time.time(), time.time()
    sums, counted = torch.zeros(5, device=args.device), 0
    while (now := time.time()) - began < args.seconds:
        done = (now - started) / max(args.seconds - (started - began), 1)
        optimiser.schedule(steps.rate_at(done, step, args.rate, 300, flat=0.35, floor=0.02), step)
        trainer.draw()
        sums += run()
        step, counted = step + 1, counted + 1
        if step % 20:
            continue
        if now - refreshed > 5:
            seconds, refreshed = trainer.speech.refresh(), now
        if now - shown > args.every:
            seen = [round(v, 3) for v in (sums / counted).tolist()]
            print(f"{now - began:.0f} s, step {step}, {seconds / 3600:.2f} h: {seen} {trainer.judged()}", flush=True)
            counted, shown = 0, now
            sums.zero_()
        if now - saved > 60:
            trainer.save(args.out)
            saved = now
    trainer.save(args.out)
    print(f"end: step {step}, {trainer.judged()}", flush=True)


if __name__ == "__main__":
    main()
