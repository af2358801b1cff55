"""Trains SoVITS on teacher speech: spectral loss first, then discriminators; each kind of step is one CUDA graph.

    python -m training.train_sovits PACK.npz SPEECH_DIR OUT_DIR --seconds 1300 --spectral 250

The network is trained end to end exactly as it runs at inference (codes, phones and voice -> latents -> samples), with
linear heads on the latents that must give the mel spectrum and the pitch of the whole utterance.  Speech may
still arrive in SPEECH_DIR.  OUT_DIR/s2.pth is rewritten every --every seconds; start again with --init s2.pth to go on.
Further processes (--port P --processes 2 --rank 1 --device cuda:1) may join the first one (--port P --processes 2):
they begin when SPEECH_DIR/done is there, weights of all are averaged every --meet steps, and the first one decides when
to end.

With --kernels 3 7 the vocoder has residual blocks of these widths alone, with --pairs 3 3 1 one pair of convolutions in
the widest, and weights of --init lose the others; with --only dec. everything in front of the vocoder stays as it is.
With --like MODEL.pth such a vocoder learns to give the samples that the vocoder of that model gives from the same
latents; what comes before it has to be that model's, and stays.
With --keep MODEL.pth the vocoder is that of another model and stays as it is, and so do the voices that ship: what
comes before the vocoder learns strangers, and for the six it has to give what that model gives.
With --recall MODEL.pth everything is trained, but the voices that ship shall sound as that model makes them of the same
codes, phones and noise, and of the reference as it was before any microphone, not as the teacher speaks.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training import official
from training import sovits as nets
from training.discriminators import Discriminators, MelLoss, mel_bank
from training.disturb import Microphone
from training.speech_corpus import CODE, MOST_CODES, REFERENCE_CODES, Item, SpeechCorpus
from training.steps import Optimiser, captured, rate_at, save, set_up
from training.strangers import NUMBERS
from training.together import Together

MELS = 100
MEL_WEIGHT = 45
LOSSES = ("mel", "heads", "timbre", "kept", "samples", "disc", "gen", "features")
DISTURBED_SHARE = 0.3  # of references
HEADS_STEPS = 500  # until the heads, which begin with nothing, may teach the rest at full weight
QUIETEST = 0.2  # of a reference's peak at full scale


class Heads(nn.Module):
    """Linear readings: log-mel, pitch in octaves and voicing of the latents; what a voice is, of its vector.

    Only used while training.
    """

    def __init__(self, channels: int, gin: int):
        super().__init__()
        self.read = nn.Conv1d(channels, MELS + 2, 1)
        self.timbre = nn.Linear(gin, NUMBERS)
        self.register_buffer("bank", mel_bank(nets.RATE, nets.FFT, MELS), persistent=False)

    def forward(self, z: Tensor, spectrum: Tensor, pitch: Tensor, mask: Tensor) -> Tensor:
        """z [B, C, T], spectrum [B, 1025, T], pitch [B, T] in Hz, mask [B, 1, T] -> loss."""
        out = self.read(z)
        mel = (self.bank @ spectrum).clamp(min=1e-4).log()
        voiced = (pitch > 20).float()
        octaves = pitch.clamp(min=20).log2() - 7.3
        frames = mask.sum()
        loss = ((out[:, :MELS] - mel).abs().mean(1, keepdim=True) * mask).sum() / frames
        loss = loss + 2 * ((out[:, MELS] - octaves).abs() * voiced * mask[:, 0]).sum() / frames
        bits = F.binary_cross_entropy_with_logits(out[:, MELS + 1], voiced, reduction="none")
        return loss + 0.2 * (bits * mask[:, 0]).sum() / frames

    def voice(self, voice: Tensor, timbre: Tensor) -> Tensor:
        """Vectors of voices [B, gin, 1] and numbers of them [B, NUMBERS], NaN where unknown -> loss."""
        known = timbre.isfinite()
        distance = F.smooth_l1_loss(self.timbre(voice.squeeze(2)), timbre.nan_to_num(), reduction="none")
        return (distance * known).sum() / known.sum().clamp(min=1)


def cut(z: Tensor, frames: Tensor) -> Tensor:
    """Latents [B, C, 1, T] -> those of `frames` [B, n], as a vocoder likes them to lie: [B, C, 1, n]."""
    part = z.gather(3, frames[:, None, None].expand(-1, z.shape[1], -1, -1))
    return part.contiguous(memory_format=torch.channels_last)


class Trainer:
    """Networks, optimisers and the two kinds of step."""

    def __init__(self, corpus: SpeechCorpus, config: nets.SoVITSConfig, args: argparse.Namespace):
        self.corpus, self.config, self.segment = corpus, config, args.segment
        self.sounding = args.batch - (corpus.apart if args.keep else 0)  # items that become sound, the first ones
        self.judged = args.judged or self.sounding
        self.device, self.cuda = args.device, args.device.startswith("cuda")
        self.stream = set_up(args.device, 1 + args.rank)
        self.net = nets.SoVITS(config).to(self.device)
        with torch.no_grad():
            self.net.codebook.copy_(torch.from_numpy(corpus.table(config.ssl_dim)))
        self.heads = Heads(config.inter_channels, config.gin_channels).to(self.device)
        self.microphone = Microphone(args.batch, REFERENCE_CODES * CODE, nets.RATE, self.device)
        self.disc = Discriminators().to(self.device)
        self.mel = MelLoss().to(self.device)
        if args.init:
            held, state = official.read(torch.load(args.init, map_location="cpu", weights_only=False))
            self.net.load_state_dict(official.fewer_convolutions(state, held, config))
        if args.init_discriminators:
            parts = torch.load(args.init_discriminators, map_location="cpu", weights_only=False)
            if "disc" in parts:
                self.disc.load_state_dict({k: v.float() for k, v in parts["disc"].items()})
            self.heads.load_state_dict({k: v.float() for k, v in parts["heads"].items()})
        self.kept = self._still(args.keep) if args.keep else None
        if self.kept is not None:
            self.net.dec.load_state_dict(self.kept.dec.state_dict())
            self.net.dec.requires_grad_(False)
        self.recalled = self._still(args.recall) if args.recall else None
        self.model = self._still(args.like).dec if args.like else None
        for name, p in self.net.named_parameters():
            if not name.startswith("dec." if args.like else args.only):
                p.requires_grad_(False)
        self.names = [name for name, p in self.net.named_parameters() if p.requires_grad]
        trained = [p for p in (*self.net.parameters(), *self.heads.parameters()) if p.requires_grad]
        self.generator = Optimiser(trained, (0.8, 0.99), 0.01, self.device)
        self.critic = Optimiser(self.disc.parameters(), (0.8, 0.99), 0.01, self.device)
        self.head_weight = torch.tensor(10.0, device=self.device)
        self.samples_weight = args.samples
        self.latents, self.decode, self.judge = self._latents, self.net.dec.forward, self.disc.forward
        if args.compile:
            self.latents = torch.compile(self._latents)
            self.decode = torch.compile(self.net.dec.forward)
            self.judge = torch.compile(self.disc.forward)

    def _still(self, path: str) -> nets.SoVITS:
        """The network of an official s2 file, which is not trained."""
        held, state = official.read(torch.load(path, map_location="cpu", weights_only=False))
        network = nets.SoVITS(held)
        network.load_state_dict(state)
        return network.to(self.device).requires_grad_(False)

    def precision(self) -> torch.autocast:
        """bfloat16 on CUDA, float32 elsewhere."""
        return torch.autocast("cuda" if self.cuda else "cpu", torch.bfloat16, enabled=self.cuda, cache_enabled=False)

    def _latents(
        self, codes: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, ref: Tensor, ref_mask: Tensor, drawn: Tensor
    ) -> tuple[Tensor, Tensor]:
        voice = self.net.ref_enc(ref, ref_mask)
        return self.net.latents(codes, mask, text, text_mask, voice, drawn=drawn), voice

    def heard(self, reference: Tensor) -> Tensor:
        """References [B, n] as they are recorded: some by cheap microphones, all at any level."""
        m = self.microphone
        x = torch.where(m.chance(DISTURBED_SHARE) > 0, m.disturbed(reference), reference)
        return x * m.uniform(math.log(QUIETEST), 0).exp()

    def voiced(self, reference: Tensor, mask: Tensor) -> Tensor:
        """References [B, n] and their masks of frames -> what the reference encoder takes of them."""
        return nets.spectrogram(reference)[:, : self.config.ref_bins] * mask

    def distance(self, z: Tensor, voice: Tensor, item: Item, reference: Tensor) -> Tensor:
        """How far what the vocoder takes is from what it takes in the kept model, for the last items, in shares."""
        if self.kept is None:
            return torch.zeros((), device=self.device)
        rows = slice(self.sounding, None)
        mask = item.mask[rows]
        with torch.no_grad(), self.precision():
            own = self.kept.ref_enc(reference[rows], item.reference_mask[rows])
            latents = self.kept.latents(item.codes[rows], mask, item.text[rows], item.text_mask[rows], own)
            wanted = self.kept.dec.begin(latents, own.unsqueeze(2)).float() * mask.unsqueeze(2)
        with self.precision():
            made = self.net.dec.begin(z[rows], voice[rows].unsqueeze(2)).float() * mask.unsqueeze(2)
        return (made - wanted).abs().sum() / wanted.abs().sum()

    def recall(self, item: Item, frames: Tensor, drawn: Tensor) -> Tensor:
        """What the recalled model makes of the last items in `frames` [B, segment] with the same noise: [b, n]."""
        rows = slice(-self.corpus.apart, None)
        assert self.recalled is not None
        with torch.no_grad(), self.precision():
            mask = item.reference_mask[rows]
            voice = self.recalled.ref_enc(self.voiced(item.reference[rows], mask), mask)
            text, text_mask = item.text[rows], item.text_mask[rows]
            z = self.recalled.latents(item.codes[rows], item.mask[rows], text, text_mask, voice, drawn=drawn[rows])
            return self.recalled.dec(cut(z, frames[rows]), voice.unsqueeze(2)).flatten(1).float()

    def sound(self, z: Tensor, voice: Tensor, spoken: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents [B, C, 1, T], voices [B, gin, 1, 1], the teacher's samples -> samples made, samples wanted [B, n].

        The third value says how far the vocoder is from the model that it shall be like: the sum over its stages and
        its samples of shares of what that model gives.
        """
        with self.precision():
            if self.model is None:
                return self.decode(z, voice).flatten(1).float(), spoken, torch.zeros((), device=self.device)
            made, wanted = self.net.dec.steps(z, voice), self.model.steps(z, voice)
        pairs = [(a.flatten(1).float(), b.flatten(1).float()) for a, b in zip(made, wanted, strict=True)]
        return *pairs[-1], sum((a - b).abs().sum() / b.abs().sum() for a, b in pairs)

    def forward(self) -> tuple[Tensor, Tensor, Tensor]:
        """The batch chosen by the corpus -> samples made, samples wanted [B, n], losses, as LOSSES up to samples."""
        c, segment, sounding = self.corpus, self.segment, self.sounding
        with torch.no_grad():
            item = c.load()
            spectrum = nets.spectrogram(item.audio)
            reference = self.voiced(self.heard(item.reference), item.reference_mask)
            start = item.start[:sounding, None]
            wanted = item.audio[:sounding].gather(
                1, start * nets.HOP + torch.arange(segment * nets.HOP, device=self.device)
            )
            frames = start + torch.arange(segment, device=self.device)
            drawn = torch.randn(len(item.codes), self.config.inter_channels, item.mask.shape[2], device=self.device)
            if self.recalled is not None:
                wanted = torch.cat([wanted[: -c.apart], self.recall(item, frames, drawn)])
        with self.precision():
            z, voice = self.latents(
                item.codes, item.mask, item.text, item.text_mask, reference, item.reference_mask, drawn
            )
            part = cut(z[:sounding], frames)
        made, wanted, samples = self.sound(part, voice[:sounding].unsqueeze(2), wanted)
        heads = self.heads(z.squeeze(2).float(), spectrum, item.pitch, item.mask)
        timbre = self.heads.voice(voice.float(), item.timbre)
        kept = self.distance(z, voice, item, reference)
        return made, wanted, torch.stack([self.mel(made, wanted), heads, timbre, kept, samples])

    def total(self, losses: Tensor) -> Tensor:
        """What the generator minimises beside the discriminators' verdicts."""
        mel, heads, timbre, kept, samples = losses
        return MEL_WEIGHT * (mel + kept) + self.samples_weight * samples + self.head_weight * (heads + timbre)

    def spectral_step(self) -> Tensor:
        """Reconstruction only."""
        _, _, losses = self.forward()
        self.generator.update(torch.autograd.grad(self.total(losses), self.generator.parameters), 100.0)
        return torch.cat([losses.detach(), torch.zeros(3, device=self.device)])

    def adversarial_step(self) -> Tensor:
        """Discriminators and generator from the same forward pass."""
        made, wanted, losses = self.forward()
        half = self.judged
        fake = made[:half].detach().requires_grad_()
        inputs = self.disc.prepare(torch.cat([wanted[:half], fake]))
        with self.precision():
            outputs = self.judge(inputs)
        verdicts = [layers[-1].float() for layers in outputs]
        disc = sum(((1 - v[:half]) ** 2).mean() + (v[half:] ** 2).mean() for v in verdicts)
        critic_gradients = torch.autograd.grad(disc, self.critic.parameters, retain_graph=True)
        gen = sum(((1 - v[half:]) ** 2).mean() for v in verdicts)
        pairs = [layer for layers in outputs for layer in layers[:-1]]
        features = sum((x[:half].detach().float() - x[half:].float()).abs().mean() for x in pairs)
        (pull,) = torch.autograd.grad(gen + 2 * features, fake)
        pull = F.pad(pull, (0, 0, 0, len(made) - half))
        loss = self.total(losses)
        gradients = torch.autograd.grad((loss, made), self.generator.parameters, (torch.ones_like(loss), pull))
        self.generator.update(gradients, 1000.0)
        self.critic.update(critic_gradients, 1000.0)
        return torch.cat([losses.detach(), torch.stack([disc, gen, features]).detach()])

    def tensors(self) -> list[Tensor]:
        """All that training changes, in float32."""
        return [*self.generator.tensors(), *self.critic.tensors()]

    def state(self) -> dict[str, Tensor]:
        """Averaged weights of the network."""
        averages = dict(zip(self.names, self.generator.average[: len(self.names)], strict=True))
        return {name: averages.get(name, p.detach()) for name, p in self.net.named_parameters()}

    def save(self, folder: Path, step: int) -> None:
        """The official file with averaged weights, and beside it what is needed to go on."""
        save(official.written(self.state(), self.config, step), folder / "s2.pth")
        rest = {"disc": self.disc.state_dict(), "heads": self.heads.state_dict()}
        halves = {part: {k: v.detach().half().cpu() for k, v in s.items()} for part, s in rest.items()}
        save(halves, folder / "s2_rest.pt")


def profile(trainer: Trainer, adversarial: bool) -> None:
    """Prints the time of a captured step and the kernels of an eager one."""
    step = trainer.adversarial_step if adversarial else trainer.spectral_step
    began = time.time()
    replay = captured(step, trainer.stream)
    print(f"capture {time.time() - began:.1f} s", flush=True)
    times = []
    for _ in range(15):
        trainer.corpus.choose()
        torch.cuda.synchronize()
        began = time.time()
        replay()
        torch.cuda.synchronize()
        times.append(time.time() - began)
    peak = torch.cuda.max_memory_allocated() / 2**30
    print(f"STEP adversarial={adversarial} {1000 * float(np.median(times)):.1f} ms, {peak:.1f} GiB", flush=True)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as record:
        replay()
        torch.cuda.synchronize()
    table = record.key_averages().table(sort_by="cuda_time_total", row_limit=28, max_name_column_width=90)
    keep = [line[:92] + line[-60:] for line in table.splitlines()]
    print("\n".join(keep), flush=True)


def train(trainer: Trainer, args: argparse.Namespace, born: float) -> None:
    """Captures the steps and repeats them until --seconds have passed since `born`, alone or with other processes."""
    began = time.time()
    spectral = captured(trainer.spectral_step, trainer.stream) if args.spectral > 0 else None
    adversarial = captured(trainer.adversarial_step, trainer.stream)
    trainer.generator.forget()
    trainer.critic.forget()
    print(f"captured in {time.time() - began:.1f} s", flush=True)
    # what all processes must agree on: born, seconds, end of the spectral phase, step, first adversarial step, over
    beginning = [born, args.seconds, time.time() + args.spectral, 0, 0, 0]
    clock = torch.tensor(beginning, dtype=torch.float64, device=trainer.device)
    together = Together(args.rank, args.processes, args.port, args.device) if args.port else None
    if together and args.rank:
        while not (args.speech / "done").exists():
            time.sleep(0.5)
        trainer.corpus.refresh()
        together.join(trainer.tensors(), clock)
    born, seconds, adversarial_at, step, first, over = clock.tolist()
    marked = saved = time.time()
    counted = step
    while not over:
        now = time.time()
        warm = spectral is not None and now < adversarial_at
        if not warm and not first:
            first = max(step, 1)
            print(f"adversarial from step {step:.0f}", flush=True)
        rate = rate_at((now - born) / seconds, step, args.rate, 300)
        trainer.head_weight.fill_((4.0 if first else 10.0) * min(1.0, (step + 1) / HEADS_STEPS))
        trainer.generator.schedule(rate, step)
        trainer.critic.schedule(rate * min(1.0, (step - first + 1) / 200) if first else 0.0, step)
        trainer.corpus.choose()
        losses = (spectral if warm and spectral else adversarial)()
        step += 1
        if step % args.meet == 0:
            over = now - born > seconds or step >= args.steps
            if together:
                clock.copy_(torch.tensor([born, seconds, adversarial_at, step, first, over], dtype=torch.float64))
                together.meet(trainer.tensors(), clock)
                born, seconds, adversarial_at, step, first, over = clock.tolist()
            elif trainer.cuda:
                torch.cuda.synchronize()
        if step % (250 if trainer.cuda else 1) == 0:
            speed = (step - counted) / (time.time() - marked)
            values = " ".join(f"{n} {v:.3f}" for n, v in zip(LOSSES, losses.tolist(), strict=True))
            state = "together" if together and together.joined else "alone"
            print(
                f"step {step:.0f} {state} t {time.time() - born:.0f} {speed:.1f}/s rate {rate:.1e} "
                f"n {trainer.corpus.count} {values}",
                flush=True,
            )
            counted = step
            trainer.corpus.refresh()
            marked = time.time()
        if args.rank == 0 and time.time() - saved > args.every:
            trainer.save(args.out, int(step))
            saved = time.time()
    if args.rank == 0:
        trainer.save(args.out, int(step))
    if together:
        together.leave()
    print(f"done, {step:.0f} steps, most codes {MOST_CODES}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("speech", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1300)
    parser.add_argument("--spectral", type=float, default=250, help="seconds without discriminators")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--judged", type=int, default=0, help="items of a batch that discriminators hear; 0 is all")
    parser.add_argument("--shipped", type=float, default=0.0, help="least share of a batch in the voices that ship")
    parser.add_argument("--keep", help="official s2 file whose vocoder and whose sound of the voices that ship stay")
    parser.add_argument("--recall", help="official s2 file whose sound the voices that ship shall have")
    parser.add_argument("--only", default="", help="train only parameters whose names begin so, such as dec.")
    parser.add_argument(
        "--like", help="official s2 file whose samples the vocoder, all that is trained, learns to give"
    )
    parser.add_argument("--samples", type=float, default=10.0, help="with --like, the weight of samples and stages")
    parser.add_argument("--kernels", type=int, nargs="+", default=[3, 7, 11], help="of the vocoder's residual blocks")
    parser.add_argument("--pairs", type=int, nargs="+", help="of convolutions in these blocks, 3 if not given")
    parser.add_argument("--segment", type=int, default=32, help="frames of 20 ms that are turned into sound per item")
    parser.add_argument("--rate", type=float, default=2.5e-4)
    parser.add_argument("--every", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--hours", type=float, default=11, help="room for speech on the device")
    parser.add_argument("--least", type=int, default=400, help="utterances to wait for before the first step")
    parser.add_argument("--patience", type=float, default=180, help="seconds to wait for them")
    parser.add_argument("--meet", type=int, default=20, help="steps between looks at clock and other processes")
    parser.add_argument("--port", type=int, default=0, help="where processes meet")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--init")
    parser.add_argument("--init-discriminators")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--profile", choices=("spectral", "adversarial"))
    args = parser.parse_args()
    born = time.time()
    if args.compile:
        torch._dynamo.config.cache_size_limit = 32
    args.out.mkdir(exist_ok=True, parents=True)
    corpus = SpeechCorpus(
        args.pack,
        args.speech,
        args.batch,
        args.segment,
        args.hours,
        args.device,
        args.shipped,
        bool(args.keep or args.recall),
    )
    if args.recall and (args.keep or not corpus.apart):
        parser.error("--recall wants a share of a batch for the voices that ship (--shipped), and not --keep")
    while corpus.refresh() < args.least:
        if time.time() - born > args.patience:
            parser.error(
                f"{args.speech} holds {corpus.count} utterances after {args.patience:.0f} s; is training.speak running?"
            )
        time.sleep(1)
    corpus.choose()
    pairs = args.pairs or [3] * len(args.kernels)
    if len(pairs) != len(args.kernels) or not all(1 <= n <= 3 for n in pairs):
        parser.error(f"--pairs wants a number from 1 to 3 for each of the {len(args.kernels)} kernels")
    config = nets.SoVITSConfig(
        resblock_kernel_sizes=tuple(args.kernels), resblock_dilation_sizes=tuple((1, 3, 5)[:n] for n in pairs)
    )
    if args.keep:
        config, _ = official.read(torch.load(args.keep, map_location="cpu", weights_only=False))
    trainer = Trainer(corpus, config, args)
    counts = [sum(p.numel() for p in m.parameters()) / 1e6 for m in (trainer.net, trainer.disc)]
    print(f"SoVITS {counts[0]:.2f} M, discriminators {counts[1]:.2f} M parameters", flush=True)
    if args.profile:
        profile(trainer, args.profile == "adversarial")
        return
    train(trainer, args, born)


if __name__ == "__main__":
    main()
