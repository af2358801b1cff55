import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from weight_files import never_ending

from dora_primespeech_mlx.engine import Engine, synthesize
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Omission, Style
from dora_primespeech_mlx.synthesis.decoding import Decoder, Guard, Row
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from dora_primespeech_mlx.voices.library import closed

TEXT = "Hello world, this is a test. I bought three books for you!"
GREEDY = Sampling(top_k=1)


def settings(path: Path, **changes) -> Settings:
    """On ONNX Runtime, which is some ten times as fast on a CPU as MLX."""
    return replace(Settings(voices=path, runtime="onnx", precision="fp32"), **changes)


@pytest.fixture(scope="module")
def engine(tiny_voices: Path) -> Engine:
    return Engine.from_config(tiny_voices, settings(tiny_voices))


@pytest.fixture(scope="module")
def short_engine(tiny_voices: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    """Engines whose model never ends a text by itself and stops after one second's allowance, by split method."""
    folder = tmp_path_factory.mktemp("short")
    shutil.copytree(tiny_voices.parent, folder, dirs_exist_ok=True)
    never_ending(folder / "model", 1)
    path = folder / "voices.json"
    return {method: Engine.from_config(path, settings(path, split_method=method)) for method in ("cut0", "cut5")}


@pytest.fixture(scope="module")
def stored(golden: Path) -> dict[str, np.ndarray]:
    return dict(np.load(golden / "e2e_tiny.npz"))


def official_audio(engine: Engine, codes: np.ndarray, phones: np.ndarray, speed: float = 1.0) -> np.ndarray:
    """Samples as the official pipeline writes them: peak limited, 0.3 s of silence, int16."""
    voice = engine.load_voice()
    noise = NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, (0,))
    audio = SentenceAudio(voice.sovits, phones.astype(np.int32), voice.ge, noise, 0.0, speed)
    samples = np.concatenate(list(stream_sentence(audio, codes.tolist(), Schedule())))
    samples = samples / max(1.0, float(np.abs(samples).max()))
    return (np.concatenate([samples, np.zeros(9600, np.float32)]) * 32768).astype(np.int16)


def test_prompt_is_the_official_one(engine: Engine, stored: dict[str, np.ndarray]) -> None:
    voice = engine.load_voice()
    assert voice.prompt_ids.tolist() == stored["prompt_phones"].tolist()
    assert voice.codes.tolist() == stored["prompt_semantic"].reshape(-1).tolist()


@pytest.mark.parametrize("runtime", ["mlx", "onnx"])
def test_whole_text_gives_the_official_phones_codes_and_audio(
    short_engine: dict[str, Engine], stored: dict[str, np.ndarray], runtime: str
) -> None:
    engine = short_engine["cut0"]
    if runtime == "mlx":
        path = engine._library._book.path
        engine = Engine.from_config(path, settings(path, split_method="cut0", runtime=runtime))
    phones, codes = stored["naive_cut0_en.phones0"][0], stored["naive_cut0_en.codes0"][0, 0]
    assert engine.load_voice().frontend(TEXT, "en").ids.tolist() == phones.tolist()
    speech = engine.synthesize(TEXT, sampling=GREEDY, noise_scale=0.0, seed=0)
    # At the limit the official code loses the first code of a single text; ours are returned as made.
    assert list(speech.codes[0][1:]) == codes.tolist()
    assert len(speech.codes[0]) == 51
    ours = official_audio(engine, codes, phones)
    assert np.abs(ours.astype(int) - stored["naive_cut0_en.audio0"].astype(int)).max() <= 4


def test_sentences_give_the_official_codes_and_audio(
    short_engine: dict[str, Engine], stored: dict[str, np.ndarray]
) -> None:
    engine = short_engine["cut5"]
    speech = engine.synthesize(TEXT, sampling=GREEDY, noise_scale=0.0, seed=0)
    assert len(speech.codes) == 3
    for i, codes in enumerate(speech.codes):
        # Here the official batched code loses the last one.
        expected, phones = stored[f"fragment_en.codes{i}"][0, 0], stored[f"fragment_en.phones{i}"][0]
        assert list(codes[:-1]) == expected.tolist()
        ours = official_audio(engine, expected, phones)
        assert np.abs(ours.astype(int) - stored[f"fragment_en.audio{i}"].astype(int)).max() <= 4


def test_speed_gives_the_official_audio(short_engine: dict[str, Engine], stored: dict[str, np.ndarray]) -> None:
    parts = [
        official_audio(
            short_engine["cut5"], stored[f"speed1p25_en.codes{i}"][0, 0], stored[f"speed1p25_en.phones{i}"][0], 1.25
        )
        for i in range(3)
    ]
    golden = stored["speed1p25_en.audio0"]
    assert np.abs(np.concatenate(parts).astype(int) - golden.astype(int)).max() <= 4


def test_batch_gives_the_official_codes_and_audio(engine: Engine, stored: dict[str, np.ndarray]) -> None:
    # The official batch decodes all sentences in one call, so their codes and phones are joined here too.
    speech = Engine.from_config(
        engine._library._book.path, settings(engine._library._book.path, split_method="cut5")
    ).synthesize(TEXT, sampling=GREEDY, noise_scale=0.0, seed=0)
    codes, phones = stored["batch_cut5_en.codes0"][0, 0], stored["batch_cut5_en.phones0"][0]
    assert [code for one in speech.codes for code in one] == codes.tolist()
    voice = engine.load_voice()
    noise = NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, (0,))
    audio = SentenceAudio(voice.sovits, phones.astype(np.int32), voice.ge, noise, 0.0, 1.0)
    whole = np.concatenate(list(stream_sentence(audio, codes.tolist(), Schedule())))
    pieces = []
    for one in speech.codes:
        piece, whole = np.split(whole, [1280 * len(one)])
        pieces += [piece / max(1.0, float(np.abs(piece).max())), np.zeros(9600, np.float32)]
    ours = (np.concatenate(pieces) * 32768).astype(np.int16)
    assert np.abs(ours.astype(int) - stored["batch_cut5_en.audio0"].astype(int)).max() <= 4


def test_without_a_prompt(short_engine: dict[str, Engine], stored: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = short_engine["cut0"]._library._book.path
    content = json.loads(path.read_text())
    content["voices"]["tiny"]["ref_text"] = ""
    (path.parent / "noprompt.json").write_text(json.dumps(content))
    free = Engine.from_config(
        path.parent / "noprompt.json", settings(path.parent / "noprompt.json", split_method="cut0")
    )
    assert len(free.load_voice().codes) == 0
    speech = free.synthesize(TEXT, sampling=GREEDY, noise_scale=0.0, seed=0)
    assert list(speech.codes[0]) == stored["noprompt_en.codes0"][0, 0].tolist()


def test_chunks_tell_where_they_belong(engine: Engine) -> None:
    chunks = list(engine.stream(TEXT, seed=1))
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(chunk.samples.dtype == np.float32 and len(chunk.samples) <= chunk.sample_rate for chunk in chunks)
    assert {chunk.sample_rate for chunk in chunks} == {32000}
    assert sum(chunk.sentence_final for chunk in chunks) == len({chunk.sentence for chunk in chunks})
    for chunk in chunks:
        assert TEXT[chunk.start : chunk.end] == chunk.text


def test_sentences_after_the_first_begin_with_longer_chunks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    opening = SentenceAudio.opening

    def seen(self: SentenceAudio, schedule: Schedule) -> int:
        begun.append(schedule.first)
        return opening(self, schedule)

    monkeypatch.setattr(SentenceAudio, "opening", seen)
    list(engine.stream("The first of them is here by now. The second comes a little later than that one."))
    assert begun[0] == 6
    assert begun[-1] == 10


def test_same_seed_same_sound_and_another_seed_another(engine: Engine) -> None:
    first, again, other = (engine.synthesize(TEXT, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.audio, again.audio)
    assert first.codes != other.codes
    assert first.duration == pytest.approx(len(first.audio) / 32000)
    assert first.timing.total >= first.timing.first_audio > 0
    assert first.timing.sovits > 0 < first.timing.t2s


def test_sentences_decoded_together_sound_as_one_by_one(engine: Engine) -> None:
    text = TEXT + " Here is one more. And the last of them is a little longer than the others."
    together, single = (engine.synthesize(text, seed=4, batch=batch) for batch in (3, 1))
    assert len(single.codes) == 4
    assert together.codes == single.codes
    np.testing.assert_array_equal(together.audio, single.audio)


def test_pieces_of_a_text_are_spoken_before_the_rest_is_known(engine: Engine) -> None:
    asked: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in ("Hello world, this is ", "a test. I bought ", "three books ", "for you!"):
            asked.append(piece)
            yield piece

    stream = engine.stream(pieces(), seed=1)
    first = next(stream)
    assert len(asked) < 4
    rest = list(stream)
    assert first.text == "Hello world, this is a test."
    assert rest[-1].final
    assert rest[-1].text == "I bought three books for you!"


def test_cancel_ends_the_stream(engine: Engine) -> None:
    over = threading.Event()
    chunks = []
    for chunk in engine.stream(TEXT * 5, seed=1, cancelled=over.is_set):
        chunks.append(chunk.index)
        if len(chunks) == 2:
            over.set()
    assert chunks == [0, 1]
    assert list(engine.stream(TEXT, cancelled=lambda: True)) == []


@pytest.mark.parametrize("text", ["", " ", "。。。", "?!", "😀", "\n\n"])
def test_nothing_to_say_gives_no_chunk(engine: Engine, text: str) -> None:
    assert list(engine.stream(text)) == []
    assert len(engine.synthesize(text).audio) == 0


@pytest.mark.parametrize("text", ["42", "null", "a", "我", "I 😀 emoji.", "嗯", "2010-2020年。"])
def test_odd_texts_are_spoken(engine: Engine, text: str) -> None:
    assert len(engine.synthesize(text, seed=0).audio) > 3200


def test_long_text_is_cut_into_sentences(engine: Engine) -> None:
    text = "This is one sentence of many. " * 3500
    assert len(text) > 100_000
    stream = engine.stream(text, seed=0)
    chunks = [next(stream) for _ in range(6)]
    assert len({chunk.sentence for chunk in chunks}) >= 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": b"Hi."}, "the text is of the type bytes; it must be a str"),
        ({"text": {"text": "Hi."}}, "the text is of the type dict"),
        ({"text": ["Hi", 5]}, "a piece of the text is 5; it must be a str"),
        ({"speed": 0}, "it must be a number from 0.5 to 2"),
        ({"speed": "fast"}, "it must be a number from 0.5 to 2"),
        ({"seed": -2}, "or -1 for a fresh one"),
        ({"noise_scale": True}, "noise_scale='True' is not allowed"),
        ({"voice": 5}, "voice is 5; it must be of the type str or Voice"),
        ({"style": 5}, "style is 5; it must be of the type str or Style"),
        ({"sampling": {"top_k": 5}}, "sampling is an object; it must be of the type Sampling"),
        ({"schedule": (1, 2)}, "it must be of the type Schedule"),
        ({"cancelled": True}, "cancelled is true; it must be a function"),
    ],
)
def test_values_of_another_kind_are_named(engine: Engine, options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(engine.stream(**{"text": "Hi.", **options}))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda engine: Engine.from_config(None), "voices is null; it must be of the type str or Path"),
        (lambda engine: engine.load_voice(5), "name is 5; it must be of the type str"),
        (lambda engine: engine.synthesize("Hi.", on_chunk=5), "on_chunk is 5; it must be a function"),
        (lambda engine: synthesize("Hi.", model_dir=None), "model_dir is null; it must be of the type str or Path"),
        (lambda engine: synthesize("Hi.", model_dir="a", output_path=5), "output_path is 5"),
        (lambda engine: Sampling(top_k="5"), "top_k is '5'; it must be a whole number"),
        (lambda engine: Sampling(top_k=1.5), "top_k is 1.5; it must be a whole number"),
        (lambda engine: Sampling(temperature=None), "temperature is None; it must be a number"),
    ],
)
def test_arguments_of_another_kind_are_named(engine: Engine, call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(engine)


def test_numbers_of_numpy_are_numbers(engine: Engine) -> None:
    heard = []
    plain = engine.synthesize("Hi.", seed=3, sampling=Sampling(top_k=2), on_chunk=None).audio
    sampling = Sampling(top_k=np.int64(2), temperature=np.float32(1))
    speech = engine.synthesize("Hi.", seed=np.int64(3), sampling=sampling, on_chunk=heard.append)
    assert np.array_equal(speech.audio, plain) and heard[-1].final


@pytest.mark.parametrize("batch", [0, -1, 2.5, "many", None])
def test_a_batch_of_no_sentence_is_refused(engine: Engine, batch: object) -> None:
    with pytest.raises(ValueError, match="batch=.* is not allowed; it must be a whole number from 1 to 256"):
        engine.synthesize("Hi.", batch=batch)


def test_values_are_read_as_messages_have_them(engine: Engine) -> None:
    plain = engine.synthesize("Hi.", seed=3, speed=1.2, language="en").audio
    pieces = engine.stream(["H", None, "i."], seed="3", speed="1.2", language="English")
    assert np.array_equal(np.concatenate([chunk.samples for chunk in pieces])[:640], plain[:640])
    assert len(engine.synthesize("Hi.", seed=-1).audio)


def test_unknown_voice_and_language_are_named(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no voice 'bob'. Known voices: tiny"):
        next(engine.stream("Hi.", voice="bob"))
    assert engine.load_voice("TINY one").name == "tiny"
    with pytest.raises(ValueError, match="this is Russian"):
        next(engine.stream("Привет, мир.", language="auto"))


def test_reference_that_is_no_sound_and_codes_of_another_model(tiny_voices: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_voices.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "codes.bin").write_bytes(np.array([5000], "<i4").tobytes())
    with pytest.raises(ValueError, match="codes from 5000 to 5000"):
        Engine.from_config(tmp_path / "voices.json", settings(tmp_path / "voices.json"))
    (tmp_path / "codes.bin").write_bytes(np.array([50], "<i4").tobytes())
    (tmp_path / "ref.wav").write_text("not a sound")
    with pytest.raises(ValueError, match=r"ref\.wav"):
        Engine.from_config(tmp_path / "voices.json", settings(tmp_path / "voices.json"))


def test_runaway_is_read_again_and_then_cut(engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setattr("dora_primespeech_mlx.synthesis.sentence.GUARD", Guard(slack=0, most_per_phone=0.4))
    text = "Hello world, this is a test."
    speech = engine.synthesize(text, seed=3)
    assert "is read again" in caplog.text
    assert len(speech.codes[0]) == int(0.4 * 20)
    assert len(speech.audio) > 0
    assert speech.omissions == (Omission(text, "cut short", "9 codes for 20 phones"),)
    last = list(engine.stream(text, seed=3))[-1]
    assert (last.final, last.omissions) == (True, speech.omissions)


def test_a_sentence_that_cannot_be_read_is_left_out_and_named(engine: Engine, caplog) -> None:
    text = "Hello world, this is a test.\nสวัสดีชาวโลกทั้งหมดในวันนี้\nIt goes on from there."
    chunks = list(engine.stream(text, seed=1))
    told = [omission for chunk in chunks for omission in chunk.omissions if omission.kind == "left out"]
    assert [omission.text for omission in told] == ["สวัสดีชาวโลกทั้งหมดในวันนี้."]
    assert told[0].reason.startswith("there is nothing to say in")
    assert {chunk.text for chunk in chunks} == {"Hello world, this is a test.", "It goes on from there."}


def test_a_sentence_of_a_batch_that_collapses_goes_straight_to_its_second_try(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    company: list[int] = []
    join = Decoder.join

    def joined(decoder: Decoder, row: Row) -> Row:
        company.append(len(decoder.rows))
        return join(decoder, row)

    monkeypatch.setattr(Decoder, "join", joined)
    monkeypatch.setattr("dora_primespeech_mlx.synthesis.sentence.GUARD", Guard(slack=0, most_per_phone=0.4))
    engine.synthesize("Hello world, this is a test. And this is one more of them.", seed=3, batch=2)
    assert company == [0, 1, 0, 0]


def test_markup_is_left_out_unless_it_is_wanted(engine: Engine, tiny_voices: Path) -> None:
    said = [chunk.text for chunk in engine.stream(iter(["<thi", "nk>hm</think>**Hello** wo", "rld."]), seed=0)]
    assert set(said) == {"Hello world."}
    literal = Engine.from_config(tiny_voices, settings(tiny_voices, strip_markup=False))
    assert {chunk.text for chunk in literal.stream("**Hello** world.", seed=0)} == {"**Hello** world."}


@pytest.fixture(scope="module")
def styled(tiny_voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Two voices of one model that differ in timbre and prosody, one of another model, and a style of the first."""
    folder = tmp_path_factory.mktemp("styled")
    content = json.loads(tiny_voices.read_text("utf-8"))
    (one,) = content["voices"].values()
    one = {**one, "codes_path": str(tiny_voices.parent / "codes.bin"), "ref_audio": str(tiny_voices.parent / "ref.wav")}
    codes = np.fromfile(tiny_voices.parent / "codes.bin", "<i4")
    codes[::-1].tofile(folder / "two.bin")
    sound, rate = soundfile.read(one["ref_audio"], dtype="float32")
    soundfile.write(folder / "two.wav", np.diff(sound), rate)
    two = {"codes_path": "two.bin", "ref_text": "And here is another one.", "prompt_lang": "en"}
    shutil.copytree(tiny_voices.parent / "model", folder / "other")
    voices = {
        "one": {**one, "styles": {"Calm": two}, "aliases": []},
        "two": {**one, **two, "ref_audio": "two.wav", "aliases": ["Second"]},
        "bare": {**one, "ref_text": "", "codes_path": "", "aliases": []},
        "far": {**one, "model": "other", "aliases": []},
    }
    path = folder / "voices.json"
    path.write_text(json.dumps({"model": str(tiny_voices.parent / "model"), "voices": voices}), encoding="utf-8")
    return Engine.from_config(path, settings(path))


def test_a_style_gives_the_prosody_and_the_voice_keeps_its_timbre(styled: Engine) -> None:
    text = "Hello world."
    one, two = (styled.synthesize(text, voice=name, seed=3) for name in ("one", "two"))
    assert one.codes != two.codes
    for style in ("second", "calm", styled.describe_voice("one").styles[0]):
        spoken = styled.synthesize(text, voice="one", style=style, seed=3)
        assert spoken.codes == two.codes
        assert len(spoken.audio) == len(two.audio)
        assert np.abs(spoken.audio - two.audio).max() > 1e-3
    voice = styled.load_voice("one")
    as_two = replace(styled.load_voice("two"), ge=voice.ge)
    np.testing.assert_array_equal(styled.synthesize(text, voice=as_two, seed=3).audio, spoken.audio)
    assert styled.synthesize(text, voice="one", style="one", seed=3).codes == one.codes
    assert styled.synthesize(text, voice="bare", style="one", seed=3).codes == one.codes


def test_volume_of_a_voice_is_percent_of_what_the_model_gives(tiny_voices: Path, tmp_path: Path) -> None:
    content = json.loads(tiny_voices.read_text("utf-8"))
    entry = {**content["voices"]["tiny"], "aliases": []}
    content["voices"] = {"full": entry, "half": {**entry, "volume": 50}, "silent": {**entry, "volume": 0}}
    path = tiny_voices.parent / "volumes.json"
    path.write_text(json.dumps(content | {"default_voice": "full"}), encoding="utf-8")
    engine = Engine.from_config(path, settings(path))
    full, half, silent = (engine.synthesize("Hello.", voice=name, seed=3).audio for name in ("full", "half", "silent"))
    np.testing.assert_array_equal(half, full * np.float32(0.5))
    assert len(silent) == len(full) and not silent.any()
    as_half = engine.synthesize("Hello.", voice="half", style="full", seed=3).audio
    np.testing.assert_array_equal(as_half, half)
    loud = replace(engine.load_voice("full"), entry=replace(engine.describe_voice("full"), volume=200.0))
    samples = engine.synthesize("Hello.", voice=loud, seed=3).audio
    np.testing.assert_array_equal(samples, np.clip(full * 2, -1, 1))


def test_sentences_of_a_text_have_styles_of_their_own(styled: Engine, caplog: pytest.LogCaptureFixture) -> None:
    one, two = "Hello world, this is it.", "I bought three books!"
    asked = f'<express-as style="calm">{two}</express-as> <mstts:express-as style="sad">{two}</mstts:express-as>'
    spoken = styled.synthesize(f"{one} {asked}", voice="one", seed=3, batch=4)
    plain, other = (styled.synthesize(f"{one} {two} {two}", voice=name, seed=3).codes for name in ("one", "two"))
    assert spoken.codes == (plain[0], other[1], plain[2])
    assert plain[1] != other[1]
    assert "There is no style 'sad' of the voice 'one'" in caplog.text


def test_a_style_takes_paths_and_languages_as_they_are_written(styled: Engine) -> None:
    entry = styled.describe_voice("two")
    written = Style("mine", entry.prompt_text, "English", codes=str(entry.codes))
    assert written.codes == entry.codes
    mine, named = (styled.synthesize("Hello.", voice="one", style=style, seed=3).codes for style in (written, "two"))
    assert mine == named
    for wrong, said in (
        ({"recording": 5}, "the recording of a style is 5; it must be a path"),
        ({"text": None}, "the text of a style is None; it must be text"),
        ({"name": b"mine"}, "the name of a style is b'mine'; it must be text"),
    ):
        with pytest.raises(ValueError, match=said):
            replace(written, **wrong)
    with pytest.raises(ValueError, match="language='fr' is not allowed"):
        styled.synthesize("Hello.", style=replace(written, language="fr"))


def test_a_style_that_cannot_be_followed_is_said_with_those_that_can(styled: Engine, tmp_path: Path) -> None:
    for style, said in (
        (
            "sad",
            "of the voice 'one'. Its styles: Calm. Voices whose prosody it can follow: one, two, bare.",
        ),
        ("far", "cannot follow 'far', which speaks with another model"),
        ("bare", "cannot follow 'bare', which has no recording whose words are known"),
        (Style("mine", "Hello."), "style 'mine' names neither a recording nor codes"),
        (Style("mine", "…", codes=styled.describe_voice("two").codes), "The text of the style 'mine' cannot be read"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            styled.synthesize("Hello.", voice="one", style=style, seed=1)
    with pytest.raises(FileNotFoundError, match="content encoder"):
        styled.synthesize("Hello.", style=Style("mine", "Hello.", recording=styled.describe_voice("one").references[0]))


def test_function_writes_a_file(tiny_voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech = synthesize("Hello.", model_dir=tiny_voices.parent, output_path=tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert (len(samples), rate) == (len(speech.audio), 32000)
    assert speech.model == "GPT-SoVITS v2 (model)"
    assert f"model={speech.model}" in soundfile.SoundFile(tmp_path / "a.wav").comment
    monkeypatch.setattr(Engine, "from_config", lambda *_: pytest.fail("it was spoken before"))
    with pytest.raises(FileNotFoundError, match="no is no folder that is there: make it"):
        synthesize("Hello.", model_dir=tiny_voices.parent, output_path=tmp_path / "no" / "a.wav")


def test_prompt_text_is_closed_with_a_mark() -> None:
    assert closed(" Hello\nworld ", "en") == "Hello world."
    assert closed("你好", "zh") == "你好。"
    assert closed("Really?", "en") == "Really?"


def test_codes_without_their_text_are_left_out_and_a_warning_says_what_to_give(
    tiny_voices: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = json.loads(tiny_voices.read_text("utf-8"))
    content |= {"model": str(tiny_voices.parent / "model"), "models_base_path": str(tiny_voices.parent)}
    del content["voices"]["tiny"]["ref_text"]
    (tmp_path / "voices.json").write_text(json.dumps(content), "utf-8")
    assert len(Engine.from_config(tmp_path / "voices.json").synthesize("Hello.", seed=1).audio)
    assert "'tiny' takes only the timbre of its recording: it has codes and no text; give ref_text" in caplog.text
