"""Trains T2S: one to four utterances of a voice in a row, every code predicted from all phones and the codes before it.

    python -m training.train_t2s PACK.npz TOKENS.npz OUT_DIR --seconds 400

A prompt and its continuation at inference are two utterances in a row, a long text is several.  Some rows end at a
comma, as the first piece of a streamed sentence does: without those the network does not know how to stop there.  Some
input codes are replaced at random, so that it keeps to the text when its own samples stray.  OUT_DIR/s1.ckpt is
rewritten every --every seconds; --init s1.ckpt goes on from there.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training import t2s as nets
from training.steps import RANDOM, Optimiser, captured, held_out, rate_at, save, set_up

PHONES, CODES, UTTERANCES = 192, 352, 4
CLAUSES = 0.4  # share of last utterances with a comma that end at it; half as many begin after it


class TokenCorpus:
    """Codes and phones of all utterances on the device."""

    def __init__(self, pack: str, tokens: str, device: str):
        with np.load(pack) as data:
            ids, ids_offset = data["ids"].astype(np.int64), data["ids_off"]
        with np.load(tokens) as data:
            codes, self.sentence, self.voice = data["codes"].astype(np.int64), data["idx"], data["voice"]
            self.length = data["n"].astype(np.int64)
            self.cut_codes, self.cut_phones = data["cut_codes"].astype(np.int64), data["cut_phones"].astype(np.int64)
        self.offset = np.concatenate([[0], np.cumsum(self.length)])[:-1]
        self.phones = (ids_offset[1:] - ids_offset[:-1])[self.sentence]
        self.phone_offset = ids_offset[self.sentence]
        self.codes = torch.from_numpy(np.concatenate([codes, np.zeros(CODES, np.int64)])).to(device)
        self.ids = torch.from_numpy(np.concatenate([ids, np.zeros(PHONES, np.int64)])).to(device)
        held = held_out(self.sentence)
        self.pools = {
            part: {v: np.flatnonzero((self.voice == v) & keep) for v in np.unique(self.voice)}
            for part, keep in (("train", ~held), ("held", held))
        }
        print(f"{len(codes) / 90000:.1f} h of tokens, {(~held).sum()} utterances, {held.sum()} held out", flush=True)

    def draw(self, batch: int, part: str) -> np.ndarray:
        """[5, batch, UTTERANCES]: code offset, code count, phone offset, phone count, kept (0 or 1)."""
        pools = self.pools[part]
        voices = RANDOM.choice(list(pools), batch)
        chosen = np.stack([pools[v][RANDOM.integers(len(pools[v]), size=UTTERANCES)] for v in voices])
        wanted = RANDOM.choice([1, 2, 3, 4], batch, p=[0.1, 0.45, 0.25, 0.2])
        kept = np.arange(UTTERANCES)[None] < wanted[:, None]
        length, phones = self.length[chosen], self.phones[chosen]
        last = np.arange(UTTERANCES)[None] == wanted[:, None] - 1
        cut, phone_cut = self.cut_codes[chosen], self.cut_phones[chosen]
        fate = RANDOM.random((batch, 1))
        head, tail = (cut > 0) & last & (fate < CLAUSES), (cut > 0) & last & (fate > 1 - CLAUSES / 2)
        start, phone_start = np.where(tail, cut, 0), np.where(tail, phone_cut, 0)
        length = np.where(head, cut, length - start)
        phones = np.where(head, phone_cut, phones - phone_start)
        kept &= (np.cumsum(length, 1) <= CODES) & (np.cumsum(phones, 1) <= PHONES)
        rows = (self.offset[chosen] + start, length, self.phone_offset[chosen] + phone_start, phones, kept)
        return np.stack(rows).astype(np.int64)


def in_a_row(values: Tensor, offset: Tensor, count: Tensor, kept: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Pieces of `values` one behind the other: offset, count, kept [B, U] -> [B, width] and the totals [B]."""
    count = count * kept
    ends = count.cumsum(1)
    starts = ends - count
    at = torch.arange(width, device=values.device)[None]
    out = torch.zeros(len(offset), width, dtype=values.dtype, device=values.device)
    for u in range(offset.shape[1]):
        place = (offset[:, u, None] + at - starts[:, u, None]).clamp(0, len(values) - 1)
        inside = (at >= starts[:, u, None]) & (at < ends[:, u, None])
        out = torch.where(inside, values[place], out)
    return out, ends[:, -1]


class Trainer:
    """Network, optimiser and the step."""

    def __init__(self, corpus: TokenCorpus, config: nets.T2SConfig, args: argparse.Namespace):
        self.corpus, self.config, self.args = corpus, config, args
        self.cuda = args.device.startswith("cuda")
        self.stream = set_up(args.device)
        self.net = nets.T2S(config).to(args.device)
        if args.init:
            _, state = nets.from_official_t2s(torch.load(args.init, map_location="cpu", weights_only=False))
            self.net.load_state_dict(state)
        trained = [p for p in self.net.parameters() if p.requires_grad]
        self.optimiser = Optimiser(trained, (0.9, 0.98), 0.05, args.device)
        self.rows = torch.zeros(5, args.batch, UTTERANCES, dtype=torch.long, device=args.device)

    def choose(self, part: str = "train") -> None:
        """Draws the next batch."""
        self.rows.copy_(torch.from_numpy(self.corpus.draw(self.args.batch, part)), non_blocking=True)

    def loss(self, dropout: float, stray: float) -> tuple[Tensor, Tensor]:
        """Mean cross entropy and accuracy over all codes and the end."""
        offset, count, phone_offset, phone_count, kept = self.rows
        phones, phone_total = in_a_row(self.corpus.ids, phone_offset, phone_count, kept, PHONES)
        codes, total = in_a_row(self.corpus.codes, offset, count, kept, CODES)
        end = self.config.EOS
        at = torch.arange(CODES + 1, device=codes.device)[None]
        target = F.pad(codes, (0, 1)).masked_fill(at >= total[:, None], end)
        noise = torch.rand(codes.shape, device=codes.device) < stray
        seen = torch.where(noise, torch.randint_like(codes, end), codes)
        with torch.autocast("cuda" if self.cuda else "cpu", torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            logits = self.net(phones, phone_total, seen, total, dropout)
        entropy = F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
        valid = (at <= total[:, None]).float()
        right = (logits.argmax(-1) == target).float()
        return (entropy * valid).sum() / valid.sum(), (right * valid).sum() / valid.sum()

    def step(self) -> Tensor:
        """One optimiser step; returns loss and accuracy."""
        loss, right = self.loss(self.args.dropout, self.args.stray)
        self.optimiser.update(torch.autograd.grad(loss, self.optimiser.parameters), 1.0)
        return torch.stack([loss.detach(), right.detach()])

    @torch.no_grad()
    def held(self) -> list[float]:
        """Loss and accuracy on held-out sentences, without noise."""
        self.net.eval()
        self.choose("held")
        values = [round(float(v), 3) for v in self.loss(0.0, 0.0)]
        self.net.train()
        return values

    def save(self, folder: Path) -> None:
        """The official file with averaged weights."""
        state = self.net.state_dict()
        names = [n for n, p in self.net.named_parameters() if p.requires_grad]
        state.update(zip(names, self.optimiser.average, strict=True))
        save(nets.official_t2s(state, self.config), folder / "s1.ckpt")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("tokens")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--stray", type=float, default=0.06, help="share of input codes replaced at random")
    parser.add_argument("--every", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--init")
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True, parents=True)
    trainer = Trainer(TokenCorpus(args.pack, args.tokens, args.device), nets.T2SConfig(), args)
    print(f"T2S {sum(p.numel() for p in trainer.net.parameters()) / 1e6:.2f} M parameters", flush=True)
    trainer.choose()
    born = time.time()
    replay = captured(trainer.step, trainer.stream)
    trainer.optimiser.forget()
    print(f"captured in {time.time() - born:.1f} s", flush=True)
    began = saved = time.time()
    step = 0
    while (now := time.time()) - born < args.seconds and step < args.steps:
        trainer.optimiser.schedule(rate_at((now - born) / args.seconds, step, args.rate, 1000, flat=0.2), step)
        trainer.choose()
        values = replay()
        step += 1
        if step % 20 == 0 and trainer.cuda:
            torch.cuda.synchronize()
        if step % (500 if trainer.cuda else 1) == 0:
            speed = step / (time.time() - began)
            shown = [round(v, 3) for v in values.tolist()]
            print(f"t2s {step} t {now - born:.0f} {speed:.1f}/s train {shown} held {trainer.held()}", flush=True)
        if time.time() - saved > args.every:
            trainer.save(args.out)
            saved = time.time()
    trainer.save(args.out)
    print(f"t2s done, {step} steps", flush=True)


if __name__ == "__main__":
    main()
