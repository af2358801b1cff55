import gc
import json
import os
import shutil
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from node_fakes import start

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.node.message_voices import KEPT_VOICES, MessageVoices, describe, permitted, trained_weights
from dora_primespeech_mlx.node.messages import VoiceFiles
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.voices.entry import VoiceEntry

BASE = VoiceEntry("Ada", Path("model"), (Path("ada.wav"),), "hello", "en", "auto", 1.1, Path("codes.npy"), ("A",))


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "voices"
    inside.mkdir()
    (inside / "ref.wav").write_bytes(b"sound")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (inside / "link.wav").symlink_to(tmp_path / "secret.wav")
    return inside


@pytest.fixture
def settings(folder):
    return Settings(voices=folder / "voices.json")


def test_files_under_the_folders_are_permitted(folder, settings, tmp_path):
    assert permitted("ref.wav", 10, settings) == folder / "ref.wav"
    for written in (str(folder / "ref.wav"), f"file://{folder}/ref.wav", '"ref.wav"', " ref.wav "):
        assert permitted(written, 10, settings) == folder / "ref.wav"
    (folder / "my ref.wav").write_bytes(b"sound")
    assert permitted((folder / "my ref.wav").as_uri(), 10, settings) == folder / "my ref.wav"
    elsewhere = Settings(voices=tmp_path / "x" / "voices.json", voice_dirs=(folder,))
    assert permitted("ref.wav", 10, elsewhere) == folder / "ref.wav"


@pytest.mark.parametrize("name", ["../secret.wav", "link.wav", "/etc/passwd", "~/.profile", "../voices/../secret.wav"])
def test_files_elsewhere_are_not(settings, name):
    with pytest.raises(ValueError, match="VOICE_DIRS"):
        permitted(name, 10, settings)


def test_files_elsewhere_are_when_all_are_allowed(settings, tmp_path):
    everywhere = Settings(voices=settings.voices, voice_paths="any")
    assert permitted(str(tmp_path / "secret.wav"), 10, everywhere) == tmp_path / "secret.wav"
    with pytest.raises(FileNotFoundError, match="not there"):
        permitted("/dev/zero", 10, everywhere)


def test_files_that_are_missing_large_or_misnamed_are_refused(settings):
    with pytest.raises(FileNotFoundError, match=r"none\.wav of the message is not there"):
        permitted("none.wav", 10, settings)
    with pytest.raises(FileNotFoundError, match=f"not there; it was looked for in .*{settings.voices.parent.name}"):
        permitted("~nobody-of-that-name/a.wav", 10, settings)
    with pytest.raises(FileNotFoundError, match=r"not there; .*: write .*ref\.wav if that is meant"):
        permitted("Ref.flac", 10, settings)
    with pytest.raises(FileNotFoundError, match="is a folder: name a file in it"):
        permitted(".", 10, settings)
    with pytest.raises(ValueError, match=r"names https://a\.b/c\.wav, an address in the web.*download the file"):
        permitted("https://a.b/c.wav", 10, settings)
    with pytest.raises(ValueError, match="larger"):
        permitted("ref.wav", 4, settings)
    with pytest.raises(ValueError, match="zero character"):
        permitted("ref\0.wav", 4, settings)


def test_a_recording_is_described_like_a_voice_of_the_file(folder, settings):
    entry = describe(VoiceFiles("ref.wav", "what it says", "zh"), BASE, settings)
    assert (entry.weights, entry.references, entry.codes) == (BASE.weights, (folder / "ref.wav",), None)
    assert (entry.prompt_text, entry.prompt_language, entry.language, entry.speed) == ("what it says", "zh", "zh", 1.0)


def test_a_voice_keeps_the_styles_of_its_base_where_the_codes_are_of_one_model(folder, settings):
    styles = (Style("calm", "Slowly.", codes=Path("calm.npy")),)
    base = replace(BASE, styles=styles)
    assert describe(VoiceFiles("ref.wav", "x", "en"), base, settings).styles == styles
    for name in ("t.safetensors", "s.safetensors"):
        (folder / name).write_bytes(b"")
    trained = VoiceFiles("ref.wav", "x", "en", "t.safetensors", "s.safetensors")
    assert describe(trained, base, settings).styles == ()


def test_trained_weights_are_the_files_named_and_safetensors_only(folder, settings):
    for name in ("t2s.safetensors", "sovits.safetensors", "s.safetensors", "g.ckpt"):
        (folder / name).write_bytes(b"")
    written = folder / "t2s.safetensors", folder / "sovits.safetensors"
    assert trained_weights("t2s.safetensors", "sovits.safetensors", settings) == written
    (folder / "config.json").write_text("{}")
    assert trained_weights("t2s.safetensors", "sovits.safetensors", settings) == folder
    assert trained_weights("t2s.safetensors", "s.safetensors", settings) == (written[0], folder / "s.safetensors")
    with pytest.raises(ValueError, match="primespeech convert"):
        trained_weights("g.ckpt", "s.safetensors", settings)


@dataclass(frozen=True)
class Built:
    entry: VoiceEntry


class Builder:
    def __init__(self, weights: Path):
        self.built: list[VoiceEntry] = []
        self._base = VoiceEntry("Ada", (weights, weights), (), "", "en", "en", 1.0, None)

    def describe_voice(self, name):
        return self._base

    def build_voice(self, entry):
        self.built.append(entry)
        return Built(entry)

    def keeps_voice(self, voice):
        return True

    def use_voice(self, voice):
        pass


def test_voices_are_kept_by_what_their_recording_holds(folder, settings):
    engine, voices = Builder(folder / "ref.wav"), MessageVoices(settings)
    recording = VoiceFiles("ref.wav", "x", "en")
    (folder / "copy.wav").write_bytes(b"sound")
    first = voices.voice(engine, recording, None)
    assert voices.voice(engine, recording, None) is first
    assert voices.voice(engine, VoiceFiles("copy.wav", "x", "en"), None) is first
    assert len(engine.built) == 1
    written = (folder / "ref.wav").stat().st_mtime_ns
    (folder / "ref.wav").write_bytes(b"other")
    os.utime(folder / "ref.wav", ns=(written, written))
    voices.voice(engine, recording, None)
    assert len(engine.built) == 2
    for number in range(2 * KEPT_VOICES):
        voices.voice(engine, VoiceFiles("ref.wav", str(number), "en"), None)
    voices.voice(engine, recording, None)
    assert len(engine.built) == 3 + 2 * KEPT_VOICES


def test_a_message_may_not_read_what_it_likes():
    running = start()
    running.engine.describe_voice = lambda name: BASE
    running.node.give("text", "VOICE:CUSTOM|/etc/passwd|x|en|hello")
    running.finish()
    assert running.node.outcomes() == ["error"]
    assert "may not read /etc/passwd" in running.node.of("segment_complete")[0].metadata["error"]


def test_a_style_of_a_message_is_looked_for_like_a_voice(folder, settings):
    running = start(settings=replace(settings, max_ahead=None))
    for recording in ("ref.wav", "/etc/passwd"):
        style = {"recording": recording, "text": "What it says."}
        running.node.give("text", json.dumps({"prompt": "hello.", "style": style}))
    running.finish()
    assert running.engine.calls[0]["manner"].style == Style("ref", "What it says.", "auto", folder / "ref.wav")
    assert running.node.of("audio")[0].metadata["style"] == "ref"
    assert running.node.outcomes() == ["completed", "error"]
    assert "may not read /etc/passwd" in running.node.of("segment_complete")[1].metadata["error"]


def test_a_recording_speaks_with_the_real_engine(tiny_voices):
    settings = Settings(voices=tiny_voices, runtime="onnx", precision="fp32")
    engine = Engine.from_config(tiny_voices, settings)
    voices = MessageVoices(settings)
    timbre_only = voices.voice(engine, VoiceFiles("ref.wav", "", "en"), "Tiny One")
    assert len(timbre_only.codes) == 0
    chunk = next(engine.stream("Hello there.", voice=timbre_only, seed=1))
    assert np.isfinite(chunk.samples).all()
    assert len(chunk.samples) > 0


def trained(model: Path, name: str, folder: Path) -> VoiceFiles:
    """A trained voice whose weights are copies in a folder of their own."""
    copy = folder / name
    if not copy.exists():
        shutil.copytree(model, copy)
    return VoiceFiles("ref.wav", "", "en", str(copy / "t2s.safetensors"), str(copy / "sovits.safetensors"))


def test_models_that_messages_name_are_counted_and_the_least_recent_is_dropped(tiny_voices, tiny_model, tmp_path):
    settings = Settings(voices=tiny_voices, runtime="onnx", precision="fp32", voice_dirs=(tmp_path,))
    engine, voices = Engine.from_config(tiny_voices, settings), MessageVoices(settings)
    own = engine.load_voice()
    networks = [weakref.ref(voices.voice(engine, trained(tiny_model, name, tmp_path), None).t2s) for name in "abcd"]
    gc.collect()
    assert [network() is not None for network in networks] == [False, False, True, True]
    assert voices.voice(engine, trained(tiny_model, "c", tmp_path), None).t2s is networks[2]()
    voices.voice(engine, trained(tiny_model, "e", tmp_path), None)
    gc.collect()
    assert [network() is not None for network in networks] == [False, False, True, False]
    assert engine.load_voice() is own
    assert engine.keeps_voice(own)


def test_weights_that_have_changed_are_read_anew(tiny_voices, tiny_model, tmp_path):
    settings = Settings(voices=tiny_voices, runtime="onnx", precision="fp32", voice_dirs=(tmp_path,))
    engine, voices = Engine.from_config(tiny_voices, settings), MessageVoices(settings)
    files = trained(tiny_model, "a", tmp_path)
    before = voices.voice(engine, files, None)
    assert voices.voice(engine, files, None) is before
    written = Path(files.t2s).stat().st_mtime_ns
    os.utime(files.t2s, ns=(written + 10**9, written + 10**9))
    after = voices.voice(engine, files, None)
    assert after.t2s is not before.t2s
    assert engine.keeps_voice(after)
    assert not engine.keeps_voice(before)
