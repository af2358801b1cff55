"""What users bring, and what the commands say to it: a table of situations, each built small and run.

`python tests/situations.py` prints docs/refusals.md: every situation with what is said now. `test_situations` runs the
same table and compares each outcome with what is expected.
"""

import contextlib
import json
import pickle
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from safetensors.numpy import load_file, save_file
from situation_desk import DATA, GOLDEN, S1, S2, Desk, Outcome, Situation
from weight_files import (
    Call,
    Made,
    Name,
    Storage,
    Tensor,
    content_of,
    save,
    save_archive,
    save_legacy,
    tensor,
)

from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.text.symbols import symbol_table
from dora_primespeech_mlx.weights.checkpoint import read_checkpoint

PHONES, SYMBOLS = "model.ar_text_embedding.word_embeddings.weight", "enc_p.text_embedding.weight"
LAUGHS = pickle.dumps(0, 2)[:2] + b"}(X\x06\x00\x00\x00weight}X\x06\x00\x00\x00config]q\x01" + b"".join(
    b"0]q" + bytes([n + 2]) + b"(h" + bytes([n + 1]) + b"h" + bytes([n + 1]) + b"e" for n in range(34)
) + b"u."  # fmt: skip


def rows(count: int, name: str) -> Callable[[dict], dict]:
    def change(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        value = weights[name]
        grown = np.concatenate([value, value])[:count]
        return weights | {name: grown}

    return change


def renamed(rename: Callable[[str], str]) -> Callable[[dict], dict]:
    return lambda weights: {rename(name): value for name, value in weights.items()}


def with_value(name: str, value: float) -> Callable[[dict], dict]:
    def change(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        changed = weights[name].astype(np.float32).copy()
        changed.reshape(-1)[0] = value
        return weights | {name: changed}

    return change


def pro(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tiny v2 model as a v2Pro one: a speaker embedding, and a text encoder with a width of its own."""
    gin, mrte = weights["dec.cond.weight"].shape[1], weights["enc_p.mrte.c_pre.weight"].shape[0]
    more = {"sv_emb.weight": (gin, 32), "sv_emb.bias": (gin,), "ge_to512.weight": (mrte, gin),
            "ge_to512.bias": (mrte,), "prelu.weight": (gin,)}  # fmt: skip
    return weights | {name: np.full(shape, 0.01, np.float16) for name, shape in more.items()}


def unfolded(weights: dict[str, np.ndarray], newer: bool) -> dict[str, np.ndarray]:
    """The weights with their weight norm removed, or under torch's newer names."""
    changed = {}
    for name, value in weights.items():
        if name.endswith("weight_g"):
            if newer:
                changed[name.replace("weight_g", "parametrizations.weight.original0")] = value
        elif name.endswith("weight_v"):
            if newer:
                changed[name.replace("weight_v", "parametrizations.weight.original1")] = value
            else:
                gain = weights[name[:-1] + "g"].astype(np.float32)
                axes = tuple(i for i, n in enumerate(gain.shape) if n == 1)
                norm = np.sqrt((value.astype(np.float32) ** 2).sum(axis=axes, keepdims=True))
                changed[name[: -len("_v")]] = (gain * value / norm).astype(np.float32)
        else:
            changed[name] = value
    return changed


def unfinished_models(desk: Desk) -> Iterator[Outcome]:
    model = desk.folder / "out"
    for tried, spoil in (
        ("a download that goes on", lambda path: path.rename(path.with_name(f"{path.name}.crdownload"))),
        ("a link that leads nowhere", lambda path: (path.unlink(), path.symlink_to("gone.safetensors"))),
    ):
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(desk.model, model)
        spoil(model / "sovits.safetensors")
        yield desk.voices(tried, desk.entry() | {"model": "out"})


def once(act: Callable[[Desk], Outcome]) -> Callable[[Desk], Iterator[Outcome]]:
    """A situation of one run."""

    def run(desk: Desk) -> Iterator[Outcome]:
        yield act(desk)

    return run


def each(*acts: Callable[[Desk], Outcome]) -> Callable[[Desk], Iterator[Outcome]]:
    """A situation of several runs."""

    def run(desk: Desk) -> Iterator[Outcome]:
        for act in acts:
            yield act(desk)

    return run


def voices_of(tried: str, **changes: Any) -> Callable[[Desk], Outcome]:
    return lambda desk: desk.voices(tried, desk.entry(**changes))


def sovits_of(tried: str, **entries: Any) -> Callable[[Desk], Outcome]:
    return lambda desk: desk.convert(tried, sovits=desk.sovits("voice.pth", **entries))


def bytes_as(tried: str, name: str, content: bytes | Callable[[], bytes]) -> Callable[[Desk], Outcome]:
    return lambda desk: desk.convert(
        tried, sovits=desk.file(name, content if isinstance(content, bytes) else content())
    )


CONVERTED = (True, "parameters")
SPOKEN = (True, "s of speech in")
FINE = (True, r"Ada +\w+ +[\d.]+ +ok")


def config_with(path: Path, **model: Any) -> dict[str, Any]:
    config = read_checkpoint(path).config
    return config | {"model": config["model"] | model}


def attacks(desk: Desk) -> Iterator[Outcome]:
    for name in ("posix.system", "__builtin__.eval", "builtins.exec", "builtins.getattr", "subprocess.Popen",
                 "runpy.run_path", "torch.load", "numpy.load", "importlib.import_module"):  # fmt: skip
        yield desk.convert(f"config calls {name}", sovits=desk.sovits("bad.pth", config=Call(name, "touch was_run")))
    for tried, table in (
        ("protocol 0, INST", b"(S'touch was_run'\nios\nsystem\n."),
        ("an extension", b"\x80\x02\x82\x01."),
        ("a dotted name", b"\x80\x04\x8c\x0bcollections\x8c\x20OrderedDict.__init__.__globals__\x93."),
        ("a class that is built", b"\x80\x02ccollections\nOrderedDict\n}b."),
    ):
        yield desk.convert(tried, sovits=save_archive(desk.folder / "bad.pth", table))
    assert not (desk.folder / "was_run").exists()


def odd_archives(desk: Desk) -> Iterator[Outcome]:
    path = desk.folder / "odd.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside", "x")
        archive.writestr("name/data.pkl", b"\x80\x02}.")
    yield desk.convert("names that lead out of the folder", sovits=path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("b/data.pkl", b"\x80\x02}.")
    yield desk.convert("two tables of contents", sovits=path)
    for tried, table in (
        ("a place in the memo far away", b"\x80\x02Nr\xff\xff\xff\x7f."),
        ("text of two gigabytes", b"\x80\x02X\xff\xff\xff\x7f."),
        ("nested 100,000 deep", LAUGHS[:2] + b"}(X\x06\x00\x00\x00weight}X\x06\x00\x00\x00config"
         + b"]" * 100_000 + b"a" * 99_999 + b"u."),
        ("itself", b"\x80\x02}q\x01(X\x06\x00\x00\x00weighth\x01X\x06\x00\x00\x00configh\x01u."),
    ):  # fmt: skip
        yield desk.convert(tried, sovits=save_archive(path, table))


def stride_zero(desk: Desk) -> Iterator[Outcome]:
    for tried, source, name in (("T2S phones", S1, PHONES), ("SoVITS symbols", S2, SYMBOLS)):
        content = content_of(source)
        width = read_checkpoint(source).weights[name].shape[1]
        content["weight"][name] = Tensor(
            Storage("HalfStorage", np.zeros(width, np.float16)), 0, (2 * 10**9, width), (0, 1)
        )
        path = save(desk.folder / f"wide{source.suffix}", content)
        yield desk.convert(tried, *((path, S2) if source is S1 else (S1, path)))


def half_converted(desk: Desk) -> Iterator[Outcome]:
    folder = desk.folder / "out"
    for tried, damage in (
        ("0 bytes", lambda content: b""),
        ("a Git LFS pointer", lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"),
        ("half", lambda content: content[: len(content) // 2]),
        ("one bit flipped", lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]),
    ):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(desk.model, folder)
        path = folder / "sovits.safetensors"
        path.write_bytes(damage(path.read_bytes()))
        yield desk.voices(f"sovits.safetensors: {tried}", desk.entry() | {"model": "out"})


def mixed(desk: Desk) -> Outcome:
    desk.convert("", S1, desk.sovits("b.pth", with_value("dec.conv_post.weight", 0.5)), out="b")
    folder = shutil.copytree(desk.model, desk.folder / "out")
    shutil.copy(desk.folder / "b" / "sovits.safetensors", folder)
    return desk.voices("the SoVITS of one conversion with the T2S of another", desk.entry() | {"model": "out"})


def twice(desk: Desk) -> Iterator[Outcome]:
    yield desk.convert("into a folder with a model", S1, S2)
    yield desk.convert("again", S1, S2, "--half")
    yield desk.voices("", desk.entry() | {"model": "out"})


def unwritable(desk: Desk) -> Iterator[Outcome]:
    desk.file("taken", b"x")
    yield desk.convert("--out is a file", out="taken")
    yield desk.convert("--out lies under a file", out="taken/below")


def flat(desk: Desk, gpt: str, sovits: str, **changes: Any) -> dict[str, Any]:
    item = {"gpt": gpt, "sovits": sovits, "reference": "ref.wav", "prompt_text": "This is the reference text.",
            "language": "en", "speed_factor": 1.0}  # fmt: skip
    return {"Ada": item | changes}


def predecessor(desk: Desk) -> Iterator[Outcome]:
    save_file(
        {k: np.ascontiguousarray(v) for k, v in read_checkpoint(S1).weights.items()}, desk.folder / "gpt.safetensors"
    )
    save_file(
        {k: np.ascontiguousarray(v) for k, v in read_checkpoint(S2).weights.items()}, desk.folder / "s2.safetensors"
    )
    np.save(desk.folder / "prompt_semantic.npy", np.arange(90, dtype=np.int32))
    yield desk.voices("a flat map with official names in safetensors", flat(desk, "gpt.safetensors", "s2.safetensors"))
    out = desk.folder / "a.wav"
    yield desk.run(
        "it speaks", "say", "Hello.", "--voices", desk.folder / "voices.json", "--out", out, "--voice", "A da"
    )


def plain_values(desk: Desk) -> Iterator[Outcome]:
    np.save(desk.folder / "codes.npy", np.fromfile(desk.folder / "codes.bin", "<i4").astype(np.int64)[None, None])
    yield desk.voices("int64 codes of shape [1, 1, n] as .npy, no speed", desk.entry(codes_path="codes.npy"))
    yield desk.voices("absolute paths", desk.entry(ref_audio=str(desk.folder / "ref.wav")))
    yield desk.voices(
        "a key twice", json.dumps(desk.entry()).replace('"text_lang"', '"text_lang": "zh", "text_lang"').encode()
    )
    yield desk.voices("text_lang all_zh", desk.entry(text_lang="all_zh", prompt_lang="en"))


def own_symbols(desk: Desk) -> Iterator[Outcome]:
    names = list(symbol_table("v2").names)
    table = [*names[:95], "nh", "ngh", *names[95:]]
    t2s, sovits = desk.t2s("own.ckpt", rows(734, PHONES)), desk.sovits("own.pth", rows(734, SYMBOLS))
    yield desk.convert("734 rows in both files", t2s, sovits)
    yield desk.convert("734 rows in the T2S file", t2s, S2)
    yield desk.convert(
        "151 rows in both", desk.t2s("few.ckpt", rows(151, PHONES)), desk.sovits("few.pth", rows(151, SYMBOLS))
    )
    given = desk.file("symbols.json", json.dumps(table).encode())
    yield desk.convert("734 rows, with --symbols", t2s, sovits, "--symbols", given)
    yield desk.convert(
        "--symbols of another length", t2s, sovits, "--symbols", desk.file("few.txt", "\n".join(names).encode())
    )
    for tried, name, content in (
        ("as Python writes it", "list.txt", repr(table)), ("in a program", "symbols2.py", f"symbols = {table}\n"),
        ("with their ids", "ids.json", json.dumps({sign: i for i, sign in enumerate(table)})),
        ("a program that makes them", "symbols.py", "symbols = sorted(set(c + v))\n"), ("on one line", "one.txt", ",".join(table)),
    ):  # fmt: skip
        yield desk.convert(f"--symbols {tried}", t2s, sovits, "--symbols", desk.file(name, content.encode()))
    yield desk.convert("--symbols that is no table", t2s, sovits, "--symbols", desk.file("no.txt", b"hello\nworld"))
    listed = desk.sovits("listed.pth", rows(734, SYMBOLS), config=config_with(S2, symbols=table))
    yield desk.convert("734 rows, with the table in the config", t2s, listed)


def predecessor_symbols(desk: Desk) -> Outcome:
    t2s = rows(734, PHONES)(read_checkpoint(S1).weights)
    save_file({k: np.ascontiguousarray(v) for k, v in t2s.items()}, desk.folder / "gpt.safetensors")
    save_file(
        {k: np.ascontiguousarray(v) for k, v in read_checkpoint(S2).weights.items()}, desk.folder / "s2.safetensors"
    )
    return desk.voices("a predecessor's folder with 734 rows", flat(desk, "gpt.safetensors", "s2.safetensors"))


def holes(desk: Desk) -> Iterator[Outcome]:
    name = "model.h.layers.1.linear1.weight"

    def emptied(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return weights | {name: np.zeros_like(weights[name])}

    yield desk.convert("a matrix of zeros", desk.t2s("holes.ckpt", emptied))
    for kind, source in (("gpt", S1), ("s2", S2)):
        weights = {k: np.ascontiguousarray(v) for k, v in read_checkpoint(source).weights.items()}
        save_file(emptied(weights) if source is S1 else weights, desk.folder / f"{kind}.safetensors")
    yield desk.voices("the same in a predecessor's folder", flat(desk, "gpt.safetensors", "s2.safetensors"))
    more = {"extra": np.zeros(3, np.float16)}
    yield desk.convert("a tensor too many", sovits=desk.sovits("more.pth", lambda weights: weights | more))


def converted_files_named(desk: Desk) -> Iterator[Outcome]:
    shutil.copytree(desk.model, desk.folder / "base")
    yield desk.voices("a flat map", flat(desk, "base/t2s.safetensors", "base/sovits.safetensors"))
    entry = desk.entry()
    del entry["model"]
    weights = {"gpt_weights": "base/t2s.safetensors", "vits_weights": "base/sovits.safetensors"}
    entry["voices"]["Ada"] |= weights
    yield desk.voices("an entry of a map", entry)


def official_files_named(desk: Desk) -> Outcome:
    for source, folder in ((S1, "GPT_weights"), (S2, "SoVITS_weights")):
        (desk.folder / folder).mkdir()
        shutil.copy(source, desk.folder / folder)
    return desk.voices("", flat(desk, f"GPT_weights/{S1.name}", f"SoVITS_weights/{S2.name}"))


def moyoyo(desk: Desk) -> Outcome:
    for source, folder in ((S1, "GPT_weights"), (S2, "SoVITS_weights")):
        (desk.folder / "home" / "moyoyo" / folder).mkdir(parents=True)
        shutil.copy(source, desk.folder / "home" / "moyoyo" / folder)
    return desk.run("PRIMESPEECH_MODEL_DIR=home", "voices", "--voices", desk.folder / "home" / "voices" / "voices.json")


def custom_voices(desk: Desk) -> Outcome:
    (desk.folder / "custom_voices" / "ada_1").mkdir(parents=True)
    shutil.copy(GOLDEN / "e2e_tiny_ref.wav", desk.folder / "custom_voices" / "ada_1" / "ref.wav")
    voice = {"id": "ada_1", "name": "Ada", "description": "", "category": "Female", "language": "en",
             "preview_audio": None, "source": "Custom", "reference_audio_path": "ada_1/ref.wav",
             "prompt_text": "", "gpt_weights": None, "sovits_weights": None, "created_at": 1}  # fmt: skip
    content = {"version": "1.0", "model": str(desk.model), "voices": [voice]}
    return desk.voices("custom_voices.json of MoFA and Moxin, with a model added", content, "custom_voices.json")


def clashes(desk: Desk) -> Iterator[Outcome]:
    entry = desk.entry()["voices"]["Ada"]
    model = str(desk.model)
    yield desk.voices("Ada, ada and 'A d-a'", {"model": model, "voices": {"Ada": entry, "ada": entry, "A d-a": entry}})
    both = {"Ada": entry | {"aliases": ["One"]}, "Bob": entry | {"aliases": ["one"]}}
    yield desk.voices("one alias of two voices", {"model": model, "voices": both})


def codes_of(desk: Desk) -> Iterator[Outcome]:
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("out of range", "c.bin", np.array([5000], "<i4").tobytes()),
        ("negative", "c.bin", np.array([-1], "<i4").tobytes()),
        ("empty", "c.bin", b""),
        ("of 7 bytes", "c.bin", b"\1\2\3\4\5\6\7"),
    )
    for tried, name, content in kinds:
        desk.file(name, content)
        yield desk.voices(tried, desk.entry(codes_path=name))
    np.save(desk.folder / "f.npy", np.zeros(9, np.float32))
    yield desk.voices("floats", desk.entry(codes_path="f.npy"))
    np.savez(desk.folder / "z.npz", a=np.zeros(9, np.int32))
    yield desk.voices("an .npz", desk.entry(codes_path="z.npz"))


def broken_arrays(desk: Desk) -> Iterator[Outcome]:
    np.save(desk.folder / "c.npy", np.arange(90))
    content = (desk.folder / "c.npy").read_bytes()
    desk.file("cut.npy", content[:200])
    yield desk.voices("cut short", desk.entry(codes_path="cut.npy"))
    np.save(desk.folder / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    yield desk.voices("objects", desk.entry(codes_path="o.npy"))


def languages(desk: Desk) -> Iterator[Outcome]:
    for name in ("EN", "zh-CN", "zh_CN", "en-US", "cn", "Chinese", "english", "中文"):
        yield desk.voices(f"text_lang {name}", desk.entry(text_lang=name, prompt_lang="en"))
    yield desk.voices("text_lang Klingon", desk.entry(text_lang="Klingon"))


def other_languages(desk: Desk) -> Iterator[Outcome]:
    for name in ("fr", "de-DE", "all_ru", "Deutsch", "法语"):
        yield desk.voices(f"text_lang {name}", desk.entry(text_lang=name))


def spoken(desk: Desk, *texts: str, lang: str | None = None, languages: list[str] | None = None) -> Iterator[Outcome]:
    desk.voices("", desk.entry(text_lang="auto", prompt_lang="en", languages=languages))
    for text in texts:
        more = ["--lang", lang] if lang else []
        yield desk.run(
            text, "say", text, "--voices", desk.folder / "voices.json", "--out", desk.folder / "a.wav", *more
        )


def pro_without_speaker(desk: Desk) -> Iterator[Outcome]:
    yield desk.convert("a v2Pro model", sovits=desk.sovits("pro.pth", pro, header=b"05"))
    yield desk.voices("without its speaker encoder", desk.entry() | {"model": "out"})


def broken_config(desk: Desk) -> Iterator[Outcome]:
    for tried, change in (
        ("sovits is null", {"sovits": None, "version": None}),
        ("head is 'x'", {"t2s": {"model": {"head": "x"}}}),
        ("head is 0", {"t2s": {"model": {"head": 0}}}),
        ("it is a list", []),
    ):
        shutil.rmtree(desk.folder / "out", ignore_errors=True)
        path = Path(shutil.copytree(desk.model, desk.folder / "out")) / "config.json"
        content = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(content | change if isinstance(change, dict) else change), encoding="utf-8")
        yield desk.voices(tried, desk.entry() | {"model": "out"})


def recordings(desk: Desk) -> Iterator[Outcome]:
    for name, options in (("a.wav", {"subtype": "PCM_24"}), ("b.flac", {}), ("c.ogg", {}), ("d.aiff", {}), ("e.caf", {}),
                          ("声音.wav", {"subtype": "FLOAT"}), ("f.wav", {"subtype": "ULAW"})):  # fmt: skip
        yield desk.add(name, f"V{name}", desk.sound(name, **options))
    yield desk.add("at 8000 Hz", "Low", desk.sound("low.wav", rate=8000))
    yield desk.add("in stereo", "Two", desk.sound("two.wav", change=lambda x: np.stack([x, 0.5 * x], axis=1)))


def lengths(desk: Desk) -> Iterator[Outcome]:
    for seconds in (2.9, 10.01, 20, 0.3):
        yield desk.add(f"{seconds} s", "Ada", desk.sound("a.wav", seconds))


def flaws(desk: Desk) -> Iterator[Outcome]:
    yield desk.add("silence", "Ada", desk.sound("a.wav", change=lambda x: 0 * x))
    yield desk.add("clipped", "Ada1", desk.sound("a.wav", change=lambda x: np.clip(60 * x, -1, 1)))
    yield desk.add("quiet", "Ada2", desk.sound("a.wav", change=lambda x: 0.02 * x))
    yield desk.add(
        "not numbers", "Ada3", desk.sound("a.wav", subtype="FLOAT", change=lambda x: np.where(x > 0.2, np.nan, x))
    )
    yield desk.add("a sample of 1e30", "Ada4",
                   desk.sound("a.wav", subtype="FLOAT", change=lambda x: np.where(np.arange(len(x)) == 9, 1e30, x)))  # fmt: skip
    yield desk.add("in opposite phase", "Ada5", desk.sound("a.wav", change=lambda x: np.stack([x, -x], axis=1)))
    desk.file("cut.wav", desk.sound("a.wav").read_bytes()[:40])
    yield desk.add("cut short", "Ada6", desk.folder / "cut.wav")


def other_sounds(desk: Desk) -> Iterator[Outcome]:
    for name, content in (("a.m4a", b"\0\0\0\x20ftypM4A "), ("a.webm", b"\x1aE\xdf\xa3"), ("a.amr", b"#!AMR\n")):
        yield desk.add(name, "Ada", desk.file(name, content + bytes(100)))


def second_recordings(desk: Desk) -> Iterator[Outcome]:
    yield desk.add("a silent one", "Ada", desk.sound("a.wav"), desk.sound("b.wav", change=lambda x: 0 * x))
    yield desk.add("one of 0.3 s", "Bob", desk.sound("a.wav"), desk.sound("b.wav", 0.3))


def similar_names(desk: Desk) -> Iterator[Outcome]:
    yield desk.add("A.1", "A.1", desk.sound("a.wav"))
    before = json.loads((desk.folder / "own.json").read_text("utf-8"))["voices"]["A.1"]
    kept = (desk.folder / before["ref_audios"][0]).read_bytes()
    yield desk.add("A?1", "A?1", desk.sound("b.wav", 5.0))
    voices = json.loads((desk.folder / "own.json").read_text("utf-8"))["voices"]
    assert voices["A.1"] == before and (desk.folder / before["ref_audios"][0]).read_bytes() == kept
    assert voices["A?1"]["ref_audios"] != before["ref_audios"]
    yield desk.add("an emoji", "\U0001f600", desk.sound("a.wav"))
    yield desk.add("another", "\U0001f601", desk.sound("b.wav"))


def own_copies(desk: Desk) -> Iterator[Outcome]:
    first, second = desk.sound("a.wav", 4.0), desk.sound("b.wav", 5.0)
    contents = [first.read_bytes(), second.read_bytes()]
    yield desk.add("two recordings", "Ada", first, second)
    copies = [
        desk.folder / name for name in json.loads((desk.folder / "own.json").read_text())["voices"]["Ada"]["ref_audios"]
    ]
    status = desk.run("--replace with its own copies in another order", "voice", "add", "Ada", *reversed(copies), "--voices",
                      desk.folder / "own.json", "--replace")  # fmt: skip
    now = [
        desk.folder / name for name in json.loads((desk.folder / "own.json").read_text())["voices"]["Ada"]["ref_audios"]
    ]
    assert [path.read_bytes() for path in now] == contents[::-1]
    yield status


def alias_taken(desk: Desk) -> Outcome:
    content = desk.entry(aliases=["Eve"])
    desk.file("own.json", json.dumps(content).encode())
    return desk.add("the name is another voice's alias", "eve", desk.sound("a.wav"))


def odd_lists(desk: Desk) -> Iterator[Outcome]:
    desk.file("own.json", b"{}")
    yield desk.add("{}", "Ada", desk.sound("a.wav"))
    desk.file("own.json", b'{"version": "1.0", "voices": []}')
    yield desk.add("a list of voices", "Ada", desk.sound("a.wav"))
    desk.file("own.json", b'\xef\xbb\xbf{"voices": {}}')
    yield desk.add("a byte-order mark", "Ada", desk.sound("a.wav"))


def without_hubert(desk: Desk) -> Iterator[Outcome]:
    yield desk.add("voice add --text", "Ada", desk.sound("a.wav"), text="The quick brown fox.", lang="en")
    yield desk.run("codes", "codes", desk.sound("a.wav"), "--model", desk.model, "--out", desk.folder / "c.npy")


def encoders(desk: Desk) -> Iterator[Outcome]:
    out = desk.folder / "out"
    yield desk.run("RoBERTa's folder as --hubert", "convert", "--hubert", _bert(desk), "--out", out)
    yield desk.run("HuBERT's folder as --roberta", "convert", "--roberta", DATA / "hubert_tiny", "--out", out)
    yield desk.run("a file for the folder", "convert", "--hubert", desk.file("x.bin", b"x"), "--out", out)
    (desk.folder / "empty").mkdir()
    yield desk.run("no config.json", "convert", "--hubert", desk.folder / "empty", "--out", out)
    yield desk.run("no tokenizer.json", "convert", "--roberta", _bert(desk), "--out", out)
    lfs = Path(shutil.copytree(DATA / "hubert_tiny", desk.folder / "lfs"))
    (lfs / "pytorch_model.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    yield desk.run("a Git LFS pointer", "convert", "--hubert", lfs, "--out", out)


def _bert(desk: Desk) -> Path:
    folder = desk.folder / "bert"
    return folder if folder.exists() else Path(shutil.copytree(DATA / "bert_tiny", folder))


def docs(desk: Desk) -> Outcome:
    text = (DATA.parents[1] / "models" / "README.md").read_text("utf-8")
    names = ("s2G2333k.pth", "s1v3.ckpt", "GPT_weights", "chinese-hubert-base", "s2Gv2ProPlus.pth")
    return Outcome("models/README.md names the files", all(name in text for name in names), ", ".join(names))


def wrapped(desk: Desk) -> Iterator[Outcome]:
    inner = desk.folder / "voice.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(S2, "voice/s2.pth")
    yield desk.convert("the voice in a .zip", sovits=inner)


def safetensors_given(desk: Desk) -> Iterator[Outcome]:
    for source, name in ((S1, "gpt.safetensors"), (S2, "s2.safetensors")):
        weights = {k: np.ascontiguousarray(v) for k, v in read_checkpoint(source).weights.items()}
        save_file(weights, desk.folder / name)
    yield desk.convert("official names in safetensors", desk.folder / "gpt.safetensors", desk.folder / "s2.safetensors")
    yield desk.convert("what convert wrote", desk.folder / "gpt.safetensors", desk.model / "sovits.safetensors")
    other = load_file(desk.folder / "gpt.safetensors")
    names = dict(enumerate(other.values()))
    save_file({f"blocks.{name}": value for name, value in names.items()}, desk.folder / "gpt.safetensors")
    yield desk.convert("names of another program", desk.folder / "gpt.safetensors", S2)


def swapped(desk: Desk) -> Iterator[Outcome]:
    yield desk.convert("--t2s S2 --sovits S1", S2, S1)
    yield desk.convert("--t2s S1 --sovits S1", S1, S1)


def loose_weights(desk: Desk) -> Iterator[Outcome]:
    sovits = content_of(S2)["weight"]
    yield desk.convert("the tensors alone, at the top", sovits=save(desk.folder / "alone.pth", sovits))
    t2s = content_of(S1)["weight"]
    yield desk.convert("an s1 file so", save(desk.folder / "alone.ckpt", t2s))


def forks(desk: Desk) -> Iterator[Outcome]:
    config = read_checkpoint(S1).config
    odd = config | {"path": Call("pathlib.PosixPath", "/", "logs"), "options": Call("argparse.Namespace"),
                    "counts": Call("collections.defaultdict", Name("builtins.int")), "kind": Name("torch.float16"),
                    "rate": Call("numpy.core.multiarray.scalar", Call("numpy.dtype", "f8", False, True), b"\0" * 8)}  # fmt: skip
    yield desk.convert("Path, Namespace, defaultdict, dtype, NumPy scalar", desk.t2s("fork.ckpt", config=odd))


def other_sorts(desk: Desk) -> Iterator[Outcome]:
    content = content_of(S2)
    for tried, value in (
        ("8-bit floats", tensor(np.zeros((64, 24, 7), np.int8), "Float8_e4m3fnStorage")),
        ("quantised", Call("torch._utils._rebuild_qtensor", 1)),
        ("sparse", Call("torch._utils._rebuild_sparse_tensor", 1)),
    ):
        content["weight"]["dec.conv_pre.weight"] = value
        yield desk.convert(tried, sovits=save(desk.folder / "other.pth", content))
    whole = Made("module.models.SynthesizerTrn", {"training": False})
    yield desk.convert("a whole model object", sovits=save(desk.folder / "whole.pth", whole))
    with zipfile.ZipFile(desk.folder / "script.pth", "w") as archive:
        archive.writestr("name/data.pkl", b"\x80\x02}.")
        archive.writestr("name/code/__torch__.py", "")
    yield desk.convert("TorchScript", sovits=desk.folder / "script.pth")


def unfinished(desk: Desk) -> Iterator[Outcome]:
    whole = S2.read_bytes()
    yield desk.convert("0 bytes", desk.file("a.ckpt", b""))
    yield desk.convert("cut in half", sovits=desk.file("half.pth", whole[: len(whole) // 2]))
    at = len(whole) // 2
    yield desk.convert(
        "one byte flipped", sovits=desk.file("flip.pth", whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    )


def other_files(desk: Desk) -> Iterator[Outcome]:
    for tried, name, content in (
        ("Entry not found", "a.pth", b"Entry not found"),
        ("a JSON answer", "a.pth", b'{"error": "Repository not found"}'),
        ("a web page after blank lines", "a.pth", b"\xef\xbb\xbf\n\n<!doctype html><html>"),
        ("gzip", "a.pth", b"\x1f\x8b\x08" + bytes(99)),
        ("7z", "a.pth", b"7z\xbc\xaf\x27\x1c" + bytes(99)),
        ("rar", "a.pth", b"Rar!\x1a\x07" + bytes(99)),
        ("all zeros", "a.pth", bytes(5000)),
        ("ONNX", "vits.onnx", b"\x08\x08\x12\x07pytorch" + bytes(99)),
        ("anything", "a.pth", b"\x07\x01\x02\x03" * 99),
    ):
        yield desk.convert(tried, sovits=desk.file(name, content))


def unreadable_entries(desk: Desk) -> Iterator[Outcome]:
    sound = desk.sound("a.wav")
    yield desk.add("a name of two lines", "x\ny", sound)
    yield desk.add("a text of 4000 characters", "Long", sound, text="word " * 800)
    yield desk.add("a good one", "Ada", sound)
    listed = ("--voices", desk.folder / "own.json")
    yield desk.run(
        "a style with a tab in its name", "voice", "add", "Ada", sound, "--style", "a\tb", "--text", "Word.", *listed
    )
    yield desk.run("the list", "voices", *listed)


def in_place_of_files(desk: Desk) -> Iterator[Outcome]:
    pointer, page = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", b"<!DOCTYPE html><html>"
    broken = Path(shutil.copytree(desk.model, desk.folder / "out"))
    (broken / "config.json").write_bytes(pointer)
    yield desk.voices("config.json: a pointer", desk.entry() | {"model": "out"})
    yield desk.run("it speaks", "say", "Hi.", "--voices", desk.folder / "voices.json", "--out", desk.folder / "a.wav")
    yield desk.voices("voices.json: a web page", page)
    desk.file("codes.npy", pointer)
    yield desk.voices("codes: a pointer", desk.entry(codes_path="codes.npy"))
    desk.file("codes.txt", b"12 44 871")
    yield desk.voices("codes: numbers as text", desk.entry(codes_path="codes.txt"))
    for name, content in (("pointer.wav", pointer), ("page.mp3", page), ("nothing.wav", b"")):
        yield desk.add(name, "Eve", desk.file(name, content))


def nearly_right(desk: Desk) -> Iterator[Outcome]:
    entry = desk.entry()
    yield desk.voices("defualt_voice", entry | {"defualt_voice": "Bob"})
    yield desk.voices("Voices", {"model": entry["model"], "Voices": entry["voices"]})
    yield desk.voices("voice", {"model": entry["model"], "voice": entry["voices"]})
    yield desk.voices("Ref-Text", desk.entry(ref_text=..., **{"Ref-Text": "This is the reference text."}))


def two_writings(desk: Desk) -> Iterator[Outcome]:
    composed, decomposed = "\u00dcna", "U\u0308na"
    entry = desk.entry()["voices"]["Ada"]
    book = {"model": str(desk.model), "voices": {composed: entry}}
    yield desk.voices("composed", book)
    options = ("--voices", desk.folder / "voices.json", "--voice", decomposed, "--out", desk.folder / "a.wav")
    yield desk.run("asked for decomposed", "say", "Hi.", *options)
    yield desk.voices("one voice of each", book | {"voices": {composed: entry, decomposed: entry}})


def slips_of_json(desk: Desk) -> Iterator[Outcome]:
    written = json.dumps(desk.entry(), indent=1, ensure_ascii=False)
    for tried, wrong in (
        ("a comment", written.replace("{", "{ // mine", 1)),
        ("a comma behind the last field", written.replace('"en"', '"en",')),
        ("a comma missing", written.replace('"ref.wav",', '"ref.wav"')),
        ("single quotation marks", written.replace('"', "'")),
        ("curly ones", written.replace('"ref_audio"', "\u201cref_audio\u201d")),
        ("a comma of full width", written.replace('"ref.wav",', '"ref.wav"\uff0c')),
        ("a path of Windows", written.replace("ref.wav", "D:\\voices\\ref.wav")),
        ("cut short", written.rstrip()[:-1]),
        ("two lists", written + written),
        ("True", written.replace('"en"', "True")),
        ("a line break in a text", written.replace("This is", "This\nis")),
        ("nothing but blanks", " \n"),
    ):
        yield desk.voices(tried, wrong.encode())


def more_slips_of_json(desk: Desk) -> Iterator[Outcome]:
    written = json.dumps(desk.entry(speed_factor=1), indent=1, ensure_ascii=False)
    for tried, wrong in (
        *((f"the number {number}", written.replace(": 1\n", f": {number}\n")) for number in ("+1.0", ".5", "1.", "01", "0x1", "1.5x", "50%", "1,1")),
        ("a comma doubled", written.replace('"ref.wav",', '"ref.wav",,')), ("a colon missing", written.replace('"text_lang":', '"text_lang"')),
        ("= for :", written.replace('"text_lang":', '"text_lang" =')), ("; for a comma", written.replace('"ref.wav",', '"ref.wav";')),
        ("a blank that is none", written.replace('"text_lang"', '\u00a0"text_lang"')), ("a mark that is not seen", written.replace('"text_lang"', '\u200b"text_lang"')),
        ("YAML", "model: mine\nvoices:\n  Ada:\n    ref_audio: ref.wav\n"), ("a program", f"voices = {written}"), ("fenced", f"```json\n{written}\n```"),
        ("a conflict", written.replace(' "voices"', '<<<<<<< HEAD\n "voices"')),
    ):  # fmt: skip
        yield desk.voices(tried, wrong.encode())
    yield desk.voices("UTF-16 without a mark", written.encode("utf-16-le"))


def fields_that_are_empty(desk: Desk) -> Iterator[Outcome]:
    for tried, fields in (
        ("no recording", {"ref_audio": []}), ("a blank one", {"ref_audio": " "}), ("null among them", {"ref_audio": ["ref.wav", None]}), ("a number", {"ref_audio": 5}),
        ("blank codes", {"codes_path": " "}), ("aliases of nothing", {"aliases": ["", "Eve"]}), ("a style of nothing", {"styles": {"calm": None, "_note": "mine"}}),
        ("a style without a name", {"styles": {"-": {"codes_path": "codes.bin", "ref_text": "Hi."}}}),
        ("styles of one name", {"styles": {name: {"codes_path": "codes.bin", "ref_text": "Hi."} for name in ("calm", "Calm")}}),
    ):  # fmt: skip
        yield desk.voices(tried, desk.entry(**fields))
    entry = desk.entry()
    yield desk.voices("a text for a voice", entry | {"voices": {"Ada": "ref.wav"}})
    yield desk.voices("a file of the model", entry | {"model": str(desk.model / "t2s.safetensors")})
    yield desk.voices("a model of blanks", entry | {"model": " "})


def names_of_files(desk: Desk) -> Iterator[Outcome]:
    (desk.folder / "link.wav").symlink_to(desk.folder / "gone.wav")
    for tried, name in (
        ("another case", "Ref.WAV"), ("another ending", "ref.mp3"), ("no ending", "ref"), ("a letter too many", "reff.wav"),
        ("a link", "link.wav"), ("a folder that is not there", "sounds/ref.wav"), ("under a file", "ref.wav/ref.wav"),
    ):  # fmt: skip
        yield desk.voices(tried, desk.entry(ref_audio=name))
    listed = ("--voices", desk.folder / "voices.json", "--out", desk.folder / "a.wav")
    yield desk.run("it speaks", "say", "Hi.", *listed)
    yield desk.run("voice.json", "voices", "--voices", desk.folder / "voice.json")
    desk.file("text.txt", b"Hi.")
    yield desk.run("--file", "say", "--file", desk.folder / "texts.txt", *listed)


def names_of_fields(desk: Desk) -> Iterator[Outcome]:
    yield desk.voices("speed", desk.entry(speed=1.2))
    yield desk.voices("prompt_text", desk.entry(ref_text=..., prompt_text="This is the reference text."))
    yield desk.voices("language", desk.entry(text_lang=..., language="en"))
    yield desk.voices("both", desk.entry(language="en"))
    yield desk.voices("languages", desk.entry(languages=["English", "zh-CN", "\u65e5\u672c\u8a9e"]))
    entry = desk.entry()
    yield desk.voices("voices as a list", entry | {"voices": [entry["voices"]["Ada"] | {"name": "Ada"}]})


def other_programs(desk: Desk) -> Iterator[Outcome]:
    part = tensor(np.zeros((4, 4), np.float16))
    for tried, content in (
        ("RVC", {"weight": {"enc_p.emb_phone.weight": part}, "config": [1025, 32], "sr": "40k", "f0": 1}),
        (
            "so-vits-svc",
            {"model": {"emb_uv.weight": part, "enc_p.proj.weight": part}, "iteration": 9, "optimizer": None},
        ),
        ("Bert-VITS2", {"model": {"module.enc_p.emb.weight": part}, "iteration": 9}),
        ("F5-TTS", {"ema_model_state_dict": {"ema_model.transformer.a": part}}),
        ("a Lightning file of Fish Speech", {"state_dict": {"model.codebook_embeddings.weight": part}}),
        ("tensors of CosyVoice", {"llm_embedding.weight": part}),
        ("one tensor", part),
    ):
        yield desk.convert(tried, sovits=save(desk.folder / "a.pth", content))
    both = {f"t2s.{name}": value for name, value in content_of(S1)["weight"].items()}
    both |= {f"vits.{name}": value for name, value in content_of(S2)["weight"].items()}
    yield desk.convert("both models in one file", save(desk.folder / "both.pth", both))


def no_recordings(desk: Desk) -> Iterator[Outcome]:
    for name, content in (
        ("answer.wav", b'{"detail": "Not Found"}'), ("page.wav", "\ufeff\n<!DOCTYPE html>".encode()),
        ("text.txt", b"The words that I say."), ("a.wav.gz", b"\x1f\x8b\x08\x00"), ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.avi", b"RIFF\x00\x00\x00\x00AVI LIST"), ("a.raw", bytes(range(1, 100))), ("a.pcm", bytes(range(1, 100))),
    ):  # fmt: skip
        yield desk.add(name, "Eve", desk.file(name, content))
    for tried, change in (
        ("white noise", lambda x: 0.1 * np.random.default_rng(2).standard_normal(len(x))),
        ("a hum", lambda x: 0.2 * np.sin(2 * np.pi * 50 * np.arange(len(x)) / 32000)),
        ("a voice in noise", lambda x: x + 0.03 * np.random.default_rng(2).standard_normal(len(x))),
        ("floats beyond full scale", lambda x: 6 * x),
        (
            "a telephone's sound",
            lambda x: np.fft.irfft(np.fft.rfft(x) * (np.fft.rfftfreq(len(x), 1 / 32000) < 4000), len(x)),
        ),
    ):
        sound = desk.sound("a.wav", subtype="FLOAT", change=change)
        outcome = desk.add(tried, tried, sound)
        yield Outcome(tried, False, outcome.said.splitlines()[0])


def slips_of_paths(desk: Desk) -> Iterator[Outcome]:
    written = json.dumps(desk.entry())
    for tried, path in (("a tab", "my\\tones.wav"), ("a line break", "sounds\\new.wav")):
        yield desk.voices(tried, written.replace("ref.wav", path).encode())
    desk.file("words.txt", b"This is the reference text.")
    yield desk.voices("ref_text with the name of a file", desk.entry(ref_text="words.txt"))
    yield desk.voices("voices beside the model", {"model": str(desk.model)} | desk.entry()["voices"])
    yield desk.voices("ref_audio as a list", desk.entry(ref_audio=["ref.wav"]))


def recordings_of_other_ages(desk: Desk) -> Iterator[Outcome]:
    for codec in ("GSM610", "G721_32", "ALAW", "IMA_ADPCM"):
        yield desk.add(codec, codec, desk.sound("a.wav", rate=8000, subtype=codec))
    content = desk.sound("a.wav").read_bytes()
    for rate in (0, 1, 2000, 2**31 - 1):
        header = content[:24] + rate.to_bytes(4, "little") + content[28:]
        yield desk.add(f"a rate of {rate}", "Eve", desk.file("rate.wav", header))
    soundfile.write(desk.folder / "a.mp3", np.zeros(9000), 32000)
    yield desk.add("an mp3 of half a frame", "Eve", desk.file("half.mp3", (desk.folder / "a.mp3").read_bytes()[:300]))


def paths_that_lead_nowhere(desk: Desk) -> Iterator[Outcome]:
    (desk.folder / "loop.wav").symlink_to(desk.folder / "loop.wav")
    for tried, path in (
        ("a link in a circle", "loop.wav"), ("a bucket", "s3://voices/ref.wav"), ("sound as text", "data:audio/wav;base64,UklGRg=="),
        ("a variable of Windows", "%APPDATA%\\ref.wav"), ("nowhere", "nowhere.wav"),
    ):  # fmt: skip
        yield desk.voices(tried, desk.entry(ref_audio=path))
    yield desk.voices("an address without slashes", desk.entry(ref_audio="file:ref.wav"))
    yield desk.voices("codes that are not there", desk.entry(codes_path="none.npy"))
    desk.voices("", desk.entry())
    listed = ("--voices", desk.folder / "voices.json")
    yield desk.run("written to a link in a circle", "say", "Hi.", *listed, "--out", desk.folder / "loop.wav")
    yield desk.run("a list that is a link in a circle", "voices", "--voices", desk.folder / "loop.wav")


def words_of_another(desk: Desk) -> Iterator[Outcome]:
    yield desk.voices("a text of minutes", desk.entry(ref_text="This is the reference text. " * 30))
    yield desk.voices("a word", desk.entry(ref_text="So."))


def no_lists(desk: Desk) -> Iterator[Outcome]:
    yield desk.run("the folder of a model", "voices", "--voices", desk.model)
    yield desk.run("its config", "voices", "--voices", desk.model / "config.json")
    yield desk.run("its weights", "voices", "--voices", desk.model / "t2s.safetensors")
    yield desk.run("a recording", "voices", "--voices", desk.folder / "ref.wav")
    yield desk.voices("UTF-16", json.dumps(desk.entry()).encode("utf-16"))
    with (desk.folder / "huge.json").open("wb") as file:
        file.truncate(1 << 32)  # of holes, which take no room
    yield desk.run("a huge file", "voices", "--voices", desk.folder / "huge.json")
    desk.voices("", desk.entry())
    yield desk.run("the folder of a list", "voices", "--voices", desk.folder)
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "voices.json").symlink_to(desk.folder / "voices.json")
    yield desk.run("a link to a list", "voices", "--voices", elsewhere / "voices.json")
    yield desk.run("--file with a folder", "say", "--file", elsewhere, "--out", desk.folder / "a.wav")
    yield desk.run("--hubert with a file", "convert", "--hubert", desk.folder / "ref.wav", "--out", desk.folder / "enc")
    yield desk.add("--text with the name of a file", "Eve", desk.sound("a.wav"), text=desk.file("words.txt", b"Hi."))


def listed_recordings(desk: Desk) -> Iterator[Outcome]:
    desk.sound("silent.wav", change=lambda x: x * 0)
    desk.sound("short.wav", 0.02)
    desk.file("begun.wav", (desk.folder / "ref.wav").read_bytes()[:60])
    desk.file("zeros.wav", bytes(9000))
    desk.file("a.aac", b"\xff\xf1\x50\x80" + bytes(500))
    shutil.copy(S1, desk.folder / "weights.wav")
    for name in ("silent.wav", "short.wav", "begun.wav", "zeros.wav", "a.aac", "weights.wav"):
        yield desk.voices(name, desk.entry(ref_audio=name))
    options = ("--voices", desk.folder / "voices.json", "--out", desk.folder / "a.wav")
    desk.voices("", desk.entry(ref_audio="silent.wav"))
    yield desk.run("it speaks", "say", "Hi.", *options)


def rows_of_codes(desk: Desk) -> Iterator[Outcome]:
    codes = np.fromfile(desk.folder / "codes.bin", "<i4")
    for tried, array in (
        ("[1, 1, n]", codes[None, None]), ("[n, 1]", codes[:, None]), ("two rows", np.stack([codes, codes])), ("a number", codes[0]),
    ):  # fmt: skip
        np.save(desk.folder / "c.npy", array)
        yield desk.voices(tried, desk.entry(codes_path="c.npy"))


def codes_of_another(desk: Desk) -> Iterator[Outcome]:
    desk.sound("long.wav", 9.0)
    yield desk.voices("codes of 4 s, a recording of 9 s", desk.entry(ref_audio="long.wav"))
    np.save(desk.folder / "c.npy", np.arange(90, dtype=np.int32))
    yield desk.voices("codes of 3.6 s, a recording of 4 s", desk.entry(codes_path="c.npy"))


def documents(desk: Desk) -> Iterator[Outcome]:
    desk.voices("", desk.entry())
    for name, content in (
        ("a.docx", b"PK\x03\x04" + bytes(99)), ("a.doc", b"\xd0\xcf\x11\xe0" + bytes(9)), ("a.rtf", b"{\\rtf1 Hi.}"), ("a.pdf", b"%PDF-1.4"),
    ):  # fmt: skip
        listed = ("--voices", desk.folder / "voices.json", "--out", desk.folder / "a.wav")
        yield desk.run(name, "say", "--file", desk.file(name, content), *listed)


def names_and_notes(desk: Desk) -> Iterator[Outcome]:
    entry = desk.entry()["voices"]["Ada"]
    flat = {
        "model": str(desk.model), "reference": "ref.wav", "prompt_text": entry["ref_text"], "language": "en"
    }  # fmt: skip
    yield desk.voices("a flat map", {"_comment": "mine", "Ada": flat})
    yield desk.voices("with text_lang", {"Ada": {"text_lang" if key == "language" else key: flat[key] for key in flat}})
    twice = f'{{"model": {json.dumps(str(desk.model))}, "voices": {{"Ada": {json.dumps(entry)}, "Ada": {json.dumps(entry)}}}}}'
    yield desk.voices("a voice twice", twice.encode())
    mandarin = desk.entry(
        ref_text="\u4f60\u597d\uff0c\u6211\u4eec\u8bd5\u8bd5\u8fd9\u4e2a\u3002", text_lang="zh", prompt_lang="ja"
    )
    yield desk.voices("a Mandarin recording as Japanese", mandarin)


def official_as_model(desk: Desk) -> Iterator[Outcome]:
    folder = desk.folder / "mine"
    folder.mkdir()
    shutil.copy(S1, folder / "a-e15.ckpt")
    shutil.copy(S2, folder / "a_e8_s200.pth")
    yield desk.voices("their folder", desk.entry() | {"model": "mine"})
    yield desk.voices("one of them", desk.entry() | {"model": "mine/a-e15.ckpt"})


SITUATIONS = [
    Situation("001", "a v2Pro pair (tiny here), header 06", lambda desk: pro_without_speaker(desk), (
        CONVERTED, (False, "there is no speaker.safetensors in .*primespeech convert --speaker"))),
    Situation("002", "fine-tune of the web UI: HParams, Chinese file names", each(
        lambda d: d.convert("", d.t2s("小明 的声音-e15.ckpt"),
                            d.sovits("小明 的声音_e8_s200.pth", config=Made("utils.HParams", {"model": Made("utils.HParams", read_checkpoint(S2).config["model"])}))),
    ), (CONVERTED,)),
    Situation("003", "Windows paths in the config", once(lambda d: d.convert("", d.t2s(config=read_checkpoint(S1).config | {"path": "D:\\GPT-SoVITS\\logs\\小明"}))), (CONVERTED,)),
    Situation("004", "header 05 or 06 in place of PK", each(sovits_of("05", header=b"05"), sovits_of("06", header=b"06")), (CONVERTED,) * 2),
    Situation("005", "parameters, deflated, further keys", each(
        sovits_of("deflated", packing=zipfile.ZIP_DEFLATED),
        sovits_of("with an optimizer", optimizer=Made("torch.optim.AdamW", {}), iteration=5),
    ), (CONVERTED,) * 2),
    Situation("006", "enc_q kept", once(lambda d: d.convert("", sovits=d.sovits(change=lambda w: w | {"enc_q.pre.weight": np.zeros((4, 4, 1), np.float16)}))), (CONVERTED,)),
    Situation("007", "a v1 T2S (512 phones) with a v2 SoVITS", once(lambda d: d.convert("", d.t2s(change=rows(512, PHONES)))), (
        (False, r"voice\.ckpt is of v1 \(512 symbols\) and .*s2_tiny_v2\.pth of v2 \(732\)"),)),
    Situation("008", "a v1 pair; a v2 T2S with a v1 SoVITS", each(
        lambda d: d.convert("v1 pair", d.t2s(change=rows(512, PHONES)), d.sovits(change=rows(322, SYMBOLS))),
        lambda d: d.convert("v2 with v1", S1, d.sovits(change=rows(322, SYMBOLS))),
    ), ((True, "v1, T2S"),) * 2),
    Situation("009", "Git LFS pointer", once(bytes_as("", "a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n")), ((False, "git lfs pull"),)),
    Situation("010", "web page as .pth", once(bytes_as("", "a.pth", b"<!DOCTYPE html><html></html>")), ((False, "a web page saved in place"),)),
    Situation("011", "empty, cut in half, one byte flipped", unfinished, ((False, "is empty: download"), (False, "cut short"), (False, "is damaged at"))),
    Situation("012", "other files", other_files, (
        (False, "a server's answer .*entry not found"), (False, "a server's answer"), (False, "a web page"), (False, "packed with gzip: unpack"),
        (False, "a 7z archive: unpack"), (False, "a rar archive: unpack"), (False, "all zeros, a download"), (False, "an ONNX model"), (False, "not a torch file"))),
    Situation("013", "a whole file followed by 100 KB of zeros", once(bytes_as("", "trailing.pth", lambda: S2.read_bytes() + bytes(100_000))), (
        (False, r"100,000 bytes behind its end.*download or copy it again, or cut it: truncate -s"),)),
    Situation("014", "the voice in a .zip", wrapped, ((False, "zip archive without torch's data.pkl: unpack it"),)),
    Situation("015", "training checkpoints", each(
        lambda d: d.convert("G_*.pth", sovits=save(d.folder / "G_233333333333.pth", {"model": content_of(S2)["weight"], "optimizer": {}, "iteration": 1})),
        lambda d: d.convert("Lightning", save(d.folder / "epoch=14-step=135.ckpt", {"state_dict": content_of(S1)["weight"], "epoch": 1})),
    ), ((False, "it is a training checkpoint"),) * 2),
    Situation("016", "v3, v4 and their LoRA", each(
        lambda d: d.convert("s2Gv3", sovits=d.sovits("s2Gv3.pth", lambda w: w | {"cfm.estimator.x": np.zeros(3, np.float16)})),
        lambda d: d.convert("v3 LoRA", sovits=d.sovits("x_e2_s298_l32.pth", lambda w: {"cfm.a.lora_A.weight": np.zeros((32, 3), np.float16)}, header=b"03", lora_rank=32)),
        lambda d: d.convert("v4 LoRA", sovits=d.sovits("x_l128.pth", lambda w: {"cfm.a.lora_A.weight": np.zeros((128, 3), np.float16)}, header=b"04", lora_rank=128)),
    ), ((False, r"s2Gv3\.pth is a v3 or a v4 model.*add --version v3 or --version v4"), (False, r"x_e2_s298_l32\.pth is a v3 LoRA of rank 32.*add --base s2Gv3\.pth"), (False, "v4 LoRA of rank 128"))),
    Situation("018", "HParams of another module", once(sovits_of("", config=Made("src.utils.config.HParams", {"model": read_checkpoint(S2).config["model"]}))), (CONVERTED,)),
    Situation("020", "moyoyo_tts.utils.HParams", once(sovits_of("", config=Made("moyoyo_tts.utils.HParams", {"model": Made("moyoyo_tts.utils.HParams", read_checkpoint(S2).config["model"])}))), (CONVERTED,)),
    Situation("021", "tensors alone", loose_weights, (CONVERTED, (True, "2 attention heads are assumed"))),
    Situation("023", "what forks write into a config", forks, (CONVERTED,)),
    Situation("024", "'weight' without 'config'", once(sovits_of("", config=..., info=...)), (CONVERTED,)),
    Situation("025", "safetensors given to convert", safetensors_given, (CONVERTED, (False, "it is converted already. Name its folder"), (False, "is missing, so this is not a T2S"))),
    Situation("027", "s1 and s2 swapped", swapped, ((False, r"s2_tiny_v2\.pth: this is a SoVITS \(s2\) model, not a T2S.*give it with --sovits"), (False, "this is a T2S .*give it with --t2s"))),
    Situation("030", "weight norm removed, or in torch's newer form; prefix module.", each(
        lambda d: d.convert("removed", sovits=d.sovits(change=lambda w: unfolded(w, newer=False))),
        lambda d: d.convert("newer", sovits=d.sovits(change=lambda w: unfolded(w, newer=True))),
        lambda d: d.convert("module.", d.t2s(change=renamed(lambda n: f"module.{n}")), d.sovits(change=renamed(lambda n: f"module.{n}"))),
        lambda d: d.convert("net_g. and t2s.", d.t2s(change=renamed(lambda n: f"t2s.{n}")), d.sovits(change=renamed(lambda n: f"net_g.{n}"))),
        lambda d: d.convert("a discriminator", sovits=d.sovits(change=renamed(lambda n: f"discriminators.0.{n}"))),
    ), (CONVERTED, CONVERTED, CONVERTED, CONVERTED, (False, r"a discriminator \(s2D\).*give the s2G file"))),
    Situation("031", "torch's format from before 1.6", once(lambda d: d.convert("", sovits=save_legacy(d.folder / "old.pth", content_of(S2)))), (CONVERTED,)),
    Situation("032", "config['model'] is null, head 0", each(
        lambda d: d.convert("s1", d.t2s(config={"model": None})),
        lambda d: d.convert("s2", sovits=d.sovits(config={"model": None})),
        lambda d: d.convert("config is null", sovits=d.sovits(config=None)),
        lambda d: d.convert("head 0", d.t2s(config=config_with(S1, head=0))),
        lambda d: d.convert("head 3", d.t2s(config=config_with(S1, head=3))),
        lambda d: d.convert("rates are text", sovits=d.sovits(config=config_with(S2, upsample_rates="x"))),
    ), ((True, "heads are assumed"), CONVERTED, CONVERTED, (False, r"voice\.ckpt: the config says head '0'"), (False, "3 heads, which does not fit"), (False, "upsample_rates 'x'"))),
    Situation("034", "tensors of other sorts, whole models", other_sorts, (
        (False, "of type Float8_e4m3fn; get the voice in 16 or 32-bit"), (False, "is quantised; get"), (False, "is sparse; get"),
        (False, "a whole module.models.SynthesizerTrn object"), (False, "a TorchScript program"))),
    Situation("035", "a v2Pro model tagged 06", once(lambda d: d.convert("", sovits=d.sovits("pro.pth", pro, header=b"06"))), ((True, "v2Pro, T2S"),)),
    Situation("037", "symbol tables of 734 rows", own_symbols, (
        (False, r"own\.pth: the SoVITS model knows 734 symbols.*--symbols FILE"), (False, r"own\.ckpt: the T2S model knows 734"), (False, "151 symbols"),
        CONVERTED, (False, "lists 732 symbols and .* knows 734"), CONVERTED, CONVERTED, CONVERTED, (False, r"a program that makes the table: write .* text\.symbols as made"), (False, "holds no list of symbols: give them"), (False, "too few for Mandarin or English"), CONVERTED)),
    Situation("038", "the same in a predecessor's folder", once(predecessor_symbols), ((False, r"gpt\.safetensors: the T2S model knows 734 symbols"),)),
    Situation("039", "s1 is not a number", each(
        lambda d: d.convert("NaN", d.t2s("nan.ckpt", with_value("model.bert_proj.bias", np.nan))),
        lambda d: d.convert("infinity", d.t2s("inf.ckpt", with_value("model.bert_proj.bias", np.inf))),
        lambda d: d.convert("--half overflows", d.t2s("big.ckpt", with_value("model.bert_proj.bias", 1e6)), S2, "--half"),
    ), ((False, r"nan\.ckpt: the tensor bert_proj\.bias holds values that are not numbers.*earlier epoch"), (False, "not numbers"), (False, r"big\.ckpt: the tensor bert_proj\.bias reaches 1e\+06.*without --half"))),
    Situation("040", "s2 is not a number", once(lambda d: d.convert("", sovits=d.sovits("nan.pth", with_value("dec.conv_post.weight", np.nan)))), ((False, r"nan\.pth: the tensor dec\.conv_post"),)),
    Situation("042", "interrupted in a fresh folder", once(lambda d: d.voices("", d.entry() | {"model": "none"})), ((False, "missing .*Make the folder with: primespeech convert"),)),
    Situation("043", "the files of two conversions in one folder", once(mixed), ((False, r"sovits\.safetensors is not the file that was written there"),)),
    Situation("044", "killed in the middle of a file (test_whole has every moment)", twice, (CONVERTED, CONVERTED, FINE)),
    Situation("046", "no room (test_whole)", once(lambda d: Outcome("", True, "see test_whole")), ((True, ""),)),
    Situation("047", "loading while another converts (test_whole)", once(lambda d: Outcome("", True, "see test_whole")), ((True, ""),)),
    Situation("048", "two conversions at once (test_whole)", once(lambda d: Outcome("", True, "see test_whole")), ((True, ""),)),
    Situation("049", "a folder that cannot be written", unwritable, ((False, "is a file, or lies under one: name a folder"),) * 2),
    Situation("050", "converted files that are damaged", half_converted, ((False, "is empty"), (False, "Git LFS pointer"), (False, "cut short"), (False, "exchanged or damaged"))),
    Situation("051", "files that would run something", attacks, ((False, "attack"),) * 10 + ((False, "uses EXT1"), (False, "attack"), (False, "was refused and nothing was run"))),
    Situation("052", "an attack in torch's old format", once(lambda d: d.convert("", sovits=save_legacy(d.folder / "legacy_evil.pth", Call("posix.system", "touch was_run")))), (
        (False, r"legacy_evil\.pth asks for posix\.system.*This is an attack.*Delete it"),)),
    Situation("053", "odd archives", odd_archives, ((False, "odd.pth"),) * 6),
    Situation("054", "billion laughs", once(lambda d: d.convert("", sovits=save_archive(d.folder / "laughs.pth", LAUGHS))), ((False, "'config' without end"),)),
    Situation("056", "tensors of stride 0", stride_zero, ((False, "is larger than its data"),) * 2),
    Situation("058", "usual values", plain_values, (FINE,) * 4),
    Situation("059", "a flat map of a predecessor", predecessor, (FINE, SPOKEN)),
    Situation("060", "gpt and sovits name what convert wrote", converted_files_named, (FINE,) * 2),
    Situation("061", "gpt and sovits name official files", once(official_files_named), ((False, r"official checkpoint, which is converted once: primespeech convert --t2s \S+ckpt --sovits \S+pth --out FOLDER"),)),
    Situation("062", "gpt_weights and vits_weights", converted_files_named, (FINE,) * 2),
    Situation("063", "no weights", once(lambda d: d.voices("", {"voices": d.entry()["voices"]})), ((False, 'names no weights. Add "model"'),)),
    Situation("064", "vits_weights alone", once(lambda d: d.voices("", {"voices": {"Ada": d.entry()["voices"]["Ada"] | {"vits_weights": "v.safetensors"}}})), ((False, "names its sovits weights and no gpt weights"),)),
    Situation("066", "speed_factor null", once(voices_of("", speed_factor=None)), (FINE,)),
    Situation("067", "speed_factor '1.1'", once(voices_of("", speed_factor="1.1")), ((False, "has speed_factor '1.1'; it must be a number"),)),
    Situation("068", "speeds out of bounds", each(*(voices_of(str(speed), speed_factor=speed) for speed in (0, -1, 1e-9, float("nan"), 50))), ((False, "it must be a number from 0.5 to 2"),) * 5),
    Situation("069", "aliases null, and no list", each(voices_of("null", aliases=None), voices_of("5", aliases=5), voices_of("[5]", aliases=[5])), (FINE, (False, "aliases 5; it must be text, or a list"), (False, "aliases 5; it must be text"))),
    Situation("073", "ref_text of blanks", once(voices_of("", ref_text="   ")), (FINE,)),
    Situation("074", "voices.json nested 200,000 deep", once(lambda d: d.voices("", b"[" * 200_000)), ((False, "nested too deeply"),)),
    Situation("075", "names that differ in case, aliases of two", clashes, ((False, r"the voice 'ada' is called 'ada', and so is the voice 'Ada'"), (False, "'Bob' is called 'one'"))),
    Situation("077", "byte-order mark", once(lambda d: d.voices("", b"\xef\xbb\xbf" + json.dumps(d.entry()).encode())), (FINE,)),
    Situation("078", "UTF-16, GBK", each(
        lambda d: d.voices("UTF-16", json.dumps(d.entry()).encode("utf-16")),
        lambda d: d.voices("GBK", json.dumps(d.entry(ref_text="你好"), ensure_ascii=False).encode("gbk")),
    ), ((False, "not written in UTF-8: open it in an editor and save it"),) * 2),
    Situation("079", "not JSON", each(
        lambda d: d.voices("a comment", b"// voices\n{}"), lambda d: d.voices("a comma too many", b'{"a": 1,}'),
        lambda d: d.voices("empty", b""), lambda d: d.voices("a list", b"[]"), lambda d: d.voices("{}", b"{}"),
    ), ((False, "is not JSON"), (False, "is not JSON"), (False, "is empty"), (False, "must hold a JSON object"), (False, "lists no voice"))),
    Situation("081", "int64 codes in a .bin", once(lambda d: (d.file("c.bin", np.arange(1, 200).astype("<i8").tobytes()), d.voices("", d.entry(codes_path="c.bin")))[1]), ((False, "holds 64-bit numbers"),)),
    Situation("082", "codes that cannot be", codes_of, ((False, "5000"), (False, "-1"), (False, "no codes"), (False, "7 bytes"), (False, "float32"), (False, r"z\.npz is an archive"))),
    Situation("083", "codes .npy cut short, of objects", broken_arrays, ((False, r"cut\.npy is not a \.npy file of numbers"), (False, r"o\.npy is not a \.npy file of numbers"))),
    Situation("084", "4000 codes", once(lambda d: (d.file("c.bin", np.ones(4000, "<i4").tobytes()), d.voices("", d.entry(codes_path="c.bin")))[1]), ((False, r"holds 4000 codes, 160 s"),)),
    Situation("086", "ref_text '...', Russian", each(voices_of("...", ref_text="..."), voices_of("Russian", ref_text="Привет", text_lang="auto")), ((False, "reference of 'Ada' cannot be read: there is nothing to say"), (False, "'Ada' cannot be read: .*Russian"))),
    Situation("087", "names of languages", languages, (FINE,) * 8 + ((False, "text_lang 'Klingon': unknown language"),)),
    Situation("088", "languages that are not spoken", other_languages, ((False, r"the voice 'Ada' has text_lang '\S+': unknown language .*use one of auto, zh"),) * 5),
    Situation("089", "paths of Windows", each(voices_of("C:", ref_audio="C:\\voices\\ref.wav"), voices_of("sub", ref_audio="sub\\ref.wav"), lambda d: d.voices("file://", d.entry(ref_audio=(d.folder / "ref.wav").as_uri()))), (
        (False, "a path of Windows: give the path on this computer"), (False, "write / in place of"), FINE)),
    Situation("090", "sampling options", each(voices_of("top_k null", top_k=None), voices_of("top_k 0", top_k=0), voices_of("temperature -1", temperature=-1)), (FINE, (False, "'Ada' has top_k 0; it must be a whole number from 1"), (False, "'Ada' has temperature -1"))),
    Situation("091", "noise_scale out of bounds", each(voices_of("-5", noise_scale=-5), voices_of("1e6", noise_scale=1e6)), ((False, "noise_scale .* from 0 to 2"),) * 2),
    Situation("092", "default_voice names no voice", once(lambda d: d.voices("", d.entry() | {"default_voice": "doubao"})), ((False, r"voices\.json has default_voice 'doubao', and there is no voice"),)),
    Situation("093", "config.json of a model that was changed", broken_config, ((False, "Convert the model again"), (False, "head 'x'"), (False, "head '0'"), (False, "is not what convert writes"))),
    Situation("094", "v2Pro without the speaker encoder", pro_without_speaker, (CONVERTED, (False, "there is no speaker.safetensors"))),
    Situation("096", "text in a language that the voice does not speak", lambda d: spoken(d, "こんにちは、元気ですか。", "안녕하세요.", languages=["zh", "en"]), ((False, "does not speak Japanese: it speaks Mandarin and English"), (False, "does not speak Korean"))),
    Situation("097", "text in Russian, Thai, Vietnamese", lambda d: spoken(d, "Привет, как дела?", "สวัสดีครับ", "Xin chào, tôi là người Việt Nam và tôi thích điều đó."), ((False, "Russian"), (False, "Thai"), (False, "Vietnamese"))),
    Situation("099", "Japanese with --lang zh", lambda d: spoken(d, "こんにちは世界你好", lang="zh"), ((True, "s of speech in"),)),
    Situation("100", "sound files of many kinds", recordings, ((True, "added"),) * 9),
    Situation("101", "lengths", lengths, ((False, "is 2.9 s long"), (False, "is 10.01 s long"), (False, "is 20.0 s long"), (False, "is 0.3 s long"))),
    Situation("102", "recordings with a flaw", flaws, ((False, "is silent"), (True, "is clipped"), (True, "is quiet"), (False, "not numbers"), (False, "reaches 1e.30 where 1 is full scale"), (False, "opposite phase"), (False, r"cut\.wav"))),
    Situation("103", "m4a, webm, amr", other_sounds, ((False, r"m4a.*ffmpeg -i \S*/a\.m4a \S*/a\.wav"), (False, "webm.*ffmpeg"), (False, "amr.*ffmpeg"))),
    Situation("106", "a second recording that is silent or short", second_recordings, ((True, "b.wav"), (True, r"b\.wav is 0\.3 s long, too short to tell a voice"))),
    Situation("107", "names that are alike", similar_names, ((True, "added"),) * 4),
    Situation("109", "own copies in another order (several at once: test_enrol)", own_copies, ((True, "added"),) * 2),
    Situation("110", "a name that is an alias", once(alias_taken), ((False, "'eve' is an alias of the voice 'Ada'"),)),
    Situation("111", "odd lists to add to", odd_lists, ((True, "added"), (False, "layout of a predecessor"), (True, "added"))),
    Situation("112", "no HuBERT", without_hubert, ((False, "primespeech convert --hubert"),) * 2),
    Situation("113", "encoders mixed up", encoders, ((False, "this is a BERT model, not HuBERT"), (False, "this is HuBERT, not RoBERTa"), (False, "give the model's folder"), (False, "config.json is missing"), (False, "tokenizer.json is missing"), (False, "git lfs pull"))),
    Situation("114", "--speaker with the file of a voice", once(lambda d: d.run("", "convert", "--speaker", S2, "--out", d.folder / "out")), ((False, "is a voice .*not an encoder: give it with --t2s or --sovits"),)),
    Situation("115", "models/README.md names the files", once(docs), ((True, ""),)),
    Situation("116", "a folder of dora-primespeech in Python; custom_voices.json", each(moyoyo, custom_voices), (
        (False, r"has no voices\.json.*primespeech convert --t2s \S+ckpt --sovits \S+pth .*voice add"), FINE)),
    Situation("117", "voices and styles that the list could not hold", unreadable_entries, (
        (False, r"'x\\ny' has a line break"), (False, "has ref_text .*at most 2000 characters"), (True, "added"), (False, r"the style 'a\\tb' has a line break"), FINE)),
    Situation("118", "what stands in place of files", in_place_of_files, (
        (False, r"config\.json is a Git LFS pointer.*Convert the model again"), (False, r"config\.json is a Git LFS pointer"), (False, r"voices\.json is a web page"),
        (False, r"codes\.npy is a Git LFS pointer"), (False, r"codes\.txt is a text.*numpy\.save"), (False, r"pointer\.wav is a Git LFS pointer"), (False, "a web page saved"), (False, "is empty: download"))),
    Situation("119", "names of fields that are nearly right", nearly_right, (
        (False, "has 'defualt_voice', which is not read: rename it if 'default_voice' is meant"), (False, "has 'Voices', which is not read: rename it, 'voices' is meant"), (False, "has 'voice', which is not read"), (False, "has 'Ref-Text', which is not read: rename it if 'ref_text' is meant"))),
    Situation("120", "paths that lead to no file here", each(voices_of("an address", ref_audio="https://voices.example/ref.wav"), voices_of("a variable", ref_audio="$NOT_SET/ref.wav")), (
        (False, "an address in the web, and nothing is fetched here: download"), (False, "a variable that is not set: set it"))),
    Situation("121", "one name in two writings of Unicode", two_writings, ((True, "ok"), SPOKEN, (False, "case, spaces, underscores and hyphens do not count"))),
    Situation("122", "a lexicon with sounds that are none", once(lambda d: (d.file("words.json", b'{"GIF": "QQ ZZ"}'), d.voices("", d.entry(lexicon="words.json")))[1]), (
        (False, r"words\.json: lexicon: 'GIF' is said 'QQ ZZ', which is not ARPAbet.*mend it there"),)),
    Situation("123", "JSON as people write it", slips_of_json, (
        (False, r"a comment, which JSON does not have \(line 1"), (False, "a comma too many before }"), (False, "a comma is missing before this"),
        (False, 'is not between " and "'), (False, "\u201c in place of a plain sign"), (False, "\uff0c in place of a plain sign"),
        (False, r"a single \\ in a text: write it twice, or / in a path"), (False, "its end is missing"), (False, "behind the end"),
        (False, "True is written true"), (False, "a line break or a tab"), (False, "is empty"))),
    Situation("124", "paths that are nearly right", names_of_files, (
        *((False, r"missing \S+; write \./ref\.wav if that is meant"),) * 4, (False, r"a link to \./gone\.wav, which is not there"),
        (False, r"there is no folder \./sounds"), (False, r"\./ref\.wav is a file, not a folder"), (False, "is not there; "),
        (False, r"write \./voices\.json if that is meant"), (False, r"texts\.txt is not there; write \./text\.txt"))),
    Situation("125", "fields of other programs", names_of_fields, (
        (False, "'speed', which is not read: rename it if 'speed_factor'"), (False, "'prompt_text', which is not read: rename it if 'ref_text'"),
        (False, "'language', which is not read: rename it if 'text_lang'"), (True, "ok"), (True, "ok"), (False, "has voices as a list"))),
    Situation("126", "recordings of a list that tell nothing", listed_recordings, (
        (False, r"silent\.wav is silent"), (False, r"short\.wav is 0\.02 s long, too short"), (False, r"begun\.wav is .* too short"),
        (False, r"zeros\.wav is all zeros"), (False, r"a\.aac is an aac file"), (False, r"weights\.wav is an archive, as .* torch write, no sound file"),
        (False, r"silent\.wav is silent"))),
    Situation("127", "codes in rows", rows_of_codes, (
        (True, "ok"), (True, "ok"), (False, r"of the shape \[2, \d+\]; the codes of a recording are one row"), (False, r"of the shape \[\]"))),
    Situation("128", "official files where a model is expected", official_as_model, (
        (False, r"convert --t2s \S*a-e15\.ckpt --sovits \S*a_e8_s200\.pth --out"), (False, "Convert it and the other file"))),
    Situation("129", "codes of another recording", codes_of_another, (
        (False, r"long\.wav lasts 9\.0 s and its codes 4\.0 s, so they are of another recording: make them anew"), (True, "ok"))),
    Situation("130", "documents in place of a text", documents, (
        (False, "an archive, as zip, office programs"), (False, "a document of an office program"), (False, "a document in rich text, not plain text: save it as text"), (False, "a PDF document"))),
    Situation("131", "notes, names of other layouts, a voice twice, the language of a recording", names_and_notes, (
        (True, "ok"), (False, "lacks 'language'; rename 'text_lang', which is not read here"), (False, "has 'Ada' twice: rename one of them"),
        (False, "is Mandarin or Cantonese, and would be read in Japanese: write the language of the recording as prompt_lang"))),
    Situation("132", "weights of other programs, and of both models", other_programs, (
        (False, "a model of RVC, which changes voices and reads no text: give the two files of a GPT-SoVITS voice"), (False, "a model of so-vits-svc"), (False, "VITS or Bert-VITS2"),
        (False, "a model of F5-TTS"), (False, "a model of Fish Speech"), (False, "this is a model of CosyVoice"), (False, "holds a single tensor"), (False, "holds both models of a voice: give"))),
    Situation("133", "what is no recording, and recordings of no voice", no_recordings, (
        (False, r"a server's answer saved in place.*not found"), (False, "a web page saved in place"), (False, r"text\.txt is a text, no sound file"), (False, "packed with gzip: unpack it"),
        (False, "a picture, no sound file"), (False, r"an avi file.*ffmpeg -i"), *((False, r"no header that says its rate: convert it, .*ffmpeg -f s16le"),) * 2,
        (False, "equally loud all the way, as noise"), (False, "equally loud all the way"), (False, "hardly quieter than the voice"), (False, r"reaches 1\.8 where 1 is full scale: export it again, 6 dB lower"), (False, "no frequencies above 4 kHz, as a telephone's sound: record"))),
    Situation("134", "paths with a \\ that JSON reads as another sign, paths for words, voices in no map", slips_of_paths, (
        *((False, r"JSON reads .* as signs that no path has: write / in place of"),) * 2,
        (False, "has ref_text 'words.txt', the name of a file: write the words"), (False, 'no object "voices": write them into one'), FINE)),
    Situation("135", "folders, links and other files in place of a list", no_lists, (
        (False, "lists no voices. Add one: primespeech voice add"), (False, 'config of a model.* whose voices have "model"'), (False, "numbers or a program, not plain text: name"),
        (False, "a sound file, not plain text: name"), (False, "not written in UTF-8: open it"), (False, r"huge\.json has 4096 MB, more than a text here may have: name the text file"), (False, r"is a folder\. Name \./voices\.json, with VOICES_CONFIG or --voices"),
        (False, "is a link, and paths begin at its folder: name the list itself"), (False, "is a folder: name a file"), (False, r"ref\.wav is a file; give the model's folder"),
        (False, r'words\.txt is a file; give the words in it: --text "\$\(cat'))),
    Situation("136", "links in a circle, addresses of other kinds, files that are nowhere", paths_that_lead_nowhere, (
        (False, "which leads back to it: make it anew"), (False, "an address in the web"), (False, "a file written out as text: save it as a file"), (False, "a path of Windows"),
        (False, r"missing \./nowhere\.wav\. Check the path"), FINE, (False, r"missing \./none\.npy\. Make them with primespeech codes"),
        (False, r"loop\.wav is a link that leads back to itself: make it anew"), (False, "which leads back to it: make it anew"))),
    Situation("137", "words that are not those of the recording", words_of_another, ((False, r"lasts 4\.0 s and its text has \d+ sounds, which does not fit: give the text exactly"),) * 2),
    Situation("138", "more slips of JSON", more_slips_of_json, (
        *((False, rf"{re.escape(number)} is no number of JSON: write it as 0\.5") for number in ("+1.0", ".5", "1.", "01", "0x1", "1.5x", "50%")), (False, "a comma in a number: write a point"),
        (False, "a comma too many"), (False, "a : is missing before this"), (False, "= in place of :"), (False, "; in place of a comma"), (False, r"U\+00A0: write a plain one"), (False, r"U\+200B"),
        *((False, "does not begin with {"),) * 3, (False, "two versions that git could not join"), (False, "not written in UTF-8: open it"))),
    Situation("139", "fields that are empty, styles of one name", fields_that_are_empty, (
        (False, "lacks 'ref_audio'"), (False, "lacks 'ref_audio'"), (False, "has ref_audio null; it must be text"), (False, "has ref_audio 5; it must be text, or a list of at most 64 texts"),
        FINE, FINE, FINE, (False, "the style '-' has no letter in its name; give it one"), (False, "the style 'Calm' is called as the style 'calm' is .*: rename one"),
        (False, "'Ada' must be a JSON object, with its fields between"), (False, r"is a file; a model is the folder that primespeech convert wrote\. Name its folder, models/mine"), (False, "names no weights"))),
    Situation("140", "recordings of telephones, rates that no voice has, half a frame", recordings_of_other_ages, (
        *((True, "added"),) * 4, (False, r"rate\.wav is not a sound file that can be read"), (False, "says that it has 1 samples a second, .* export it again at 32000"),
        (False, "says that it has 2000 samples a second"), (False, "says that it has 2147483647 samples a second"), (False, r"half\.mp3 is not a sound file .*: it is cut short; record or export it again"))),
    Situation("141", "weights with holes, weights with something added", holes, (
        (False, r"holes\.ckpt: the tensor h\.layers\.1\.linear1\.weight holds zeros alone.*download or copy it again"), (False, r"gpt\.safetensors: the tensor \S+ holds zeros alone"),
        (False, r"more\.pth: the SoVITS weights do not fit the network \(unknown: extra\)\. Give the file as GPT-SoVITS exported it"))),
    Situation("142", "models that are not whole", unfinished_models, (
        (False, r"missing \S+/sovits\.safetensors\. Make the folder with.*sovits\.safetensors\.crdownload is a download that is not finished: wait"), (False, r"it is a link to gone\.safetensors, which is not there"))),
]  # fmt: skip


def page(desks: Callable[[], Desk]) -> str:
    """Every situation with what is said now."""
    lines = ["# What is said to what users bring", "",
             "Every situation of tests/situations.py, run with tiny models: what was tried, and what the command says.",
             "`./` is the folder of the voice. Written by `python tests/situations.py > docs/refusals.md`; a test compares it.", ""]  # fmt: skip
    for situation in SITUATIONS:
        lines += [f"## {situation.number} {situation.what}", ""]
        lines += [listed(outcome) for outcome in situation.run(desks())]
        lines.append("")
    return "\n".join(lines)


def listed(outcome: Outcome) -> str:
    """The line of an outcome on the page."""
    said = "went through" if outcome.done else " / ".join(line.strip() for line in outcome.said.splitlines())
    return f"- {outcome.tried}: {said}" if outcome.tried else f"- {said}"


def comparable(text: str) -> str:
    """A page without what differs between machines and versions of Python and NumPy."""
    text = re.sub(r"(is not JSON, so it is not [\w' ]+|not a \.npy file of numbers|can be read).*", r"\1", text)
    return re.sub(r"[^\s'\"]*/(?=[^\s/])|\([^()]*\)|[\d.,]+|, -->", "", text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        model = root / "shared" / "model"
        with contextlib.redirect_stdout(sys.stderr):
            assert main(["convert", "--t2s", str(S1), "--sovits", str(S2), "--out", str(model)]) == 0
        count = iter(range(1000))

        def desk() -> Desk:
            folder = root / str(next(count))
            folder.mkdir()
            return Desk(folder, model)

        print(page(desk).replace(str(DATA.parent), "tests"), end="")
