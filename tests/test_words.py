"""Words with times: which phones say a written word, where it stood in the text, and when T2S looks at them."""

import json
import pathlib
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import T2S_CONFIG, random_weights

from benchmarks.words import errors
from dora_primespeech_mlx.commands.subtitles import check_words_file, write_words
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.alignment import LEAST_FITTING, Follower, Head, HeadFinder, Path, fit
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner
from dora_primespeech_mlx.runtime.onnx.t2s import OnnxT2SRunner
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Word
from dora_primespeech_mlx.synthesis import sentence as speaking
from dora_primespeech_mlx.synthesis.words import SentenceWords
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.sentences import Sentence, sentences_of
from dora_primespeech_mlx.text.written import written_words
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.library import Library
from dora_primespeech_mlx.voices.prompt import Prompt

ROOT = pathlib.Path(__file__).parents[1]
RATE = 1000


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I paid $5 for 42 apples.", ["I", "paid", "$5", "for", "42", "apples"]),
        ("Dr. Smith's well-known GPT-4o — yes!", ["Dr", "Smith's", "well-known", "GPT-4o", "yes"]),
        ("我花了3.5元，OK？", ["我", "花", "了", "3.5", "元", "OK"]),
        ("气温-10°C到5℃。", ["气", "温", "-10°C", "到", "5℃"]),
        ("我們在2024年開會。", ["我", "們", "在", "2024", "年", "開", "會"]),
    ],
)
def test_every_written_word_has_its_phones(frontend: Frontend, text: str, said: list[str]) -> None:
    phones = frontend(text)
    words = written_words(text, phones)
    assert [word.text for word in words] == said
    assert [text[word.start : word.end] for word in words] == said
    assert all(word.first < word.last for word in words)
    assert all(before.last <= after.first for before, after in zip(words, words[1:], strict=False))


def test_a_number_is_one_word_and_a_mark_a_pause(frontend: Frontend) -> None:
    phones = frontend("I have 42 cats, and 3 dogs.")
    words = {word.text: word for word in written_words("I have 42 cats, and 3 dogs.", phones)}
    assert phones.names[words["42"].first : words["42"].last] == ("F", "AO1", "R", "T", "IY0", "T", "UW1")
    assert [text for text, word in words.items() if word.pause] == ["I", "and"]


@pytest.mark.parametrize("size", [1000, 3])
def test_words_stand_in_the_text_with_its_markup(frontend: Frontend, size: int) -> None:
    text = "# News\n\nThe **bold** word, see [our page](https://x.org/y) now. 第*2*句🙂在这里！\n"
    found = []
    for sentence in sentences_of([text[at : at + size] for at in range(0, len(text), size)]):
        assert sentence is not None and sentence.places is not None
        for word in written_words(sentence.written, frontend(sentence.text, sentence.language)):
            start, end = sentence.places.span(sentence.start + word.start, sentence.start + word.end)
            found.append((word.text, text[start:end]))
    assert " ".join(word for word, _ in found) == "News The bold word see our page now 第 2 句 在 这 里"
    assert all(word == there for word, there in found)


def test_the_likeliest_way_keeps_the_order_and_may_leave_a_phone_out() -> None:
    likely = np.full((8, 5), 0.01)
    for code, phone in enumerate((0, 0, 1, 4, 2, 2, 4, 4)):
        likely[code, phone] = 0.9
    path = Path()
    path.extend(likely[:3])
    assert path.phones().tolist() == [0, 0, 1]
    path.extend(likely[3:])
    assert path.phones().tolist()[4:] == [2, 2, 4, 4]
    both = Path()
    both.extend(np.stack([likely, likely[::-1]], axis=1))
    assert both.score[0] == pytest.approx(path.score) and both.score[0] > both.score[1]


def attention(model: T2S, phones: np.ndarray, codes: Sequence[int]) -> np.ndarray:
    """What the first layer's heads attend to among the phones, as the network computes it: [heads, codes, phones]."""
    x = mx.concatenate(
        [model.embed_text(mx.array(phones)[None]), model.embed_audio(mx.array(codes)[None], mx.arange(len(codes)))], 1
    )
    rows = model.h.layers[0].self_attn.in_proj(x[0]).reshape(x.shape[1], 3, T2S_CONFIG.heads, -1)
    scores = mx.einsum("nhw,shw->hns", rows[len(phones) :, 0], rows[: len(phones), 1]) * T2S_CONFIG.head_dim**-0.5
    return np.array(mx.softmax(scores, axis=-1))


@pytest.fixture(scope="module")
def network() -> T2S:
    mx.random.seed(5)
    return random_weights(T2S(T2S_CONFIG))


def runners(network: T2S) -> dict[str, MlxT2SRunner | OnnxT2SRunner]:
    from dora_primespeech_mlx.runtime.factory import t2s_runner

    return {"mlx": MlxT2SRunner(network, accelerated=False), "onnx": t2s_runner(network, "onnx", "fp32")}  # type: ignore[dict-item]


@pytest.mark.parametrize("runtime", ["mlx", "onnx"])
def test_queries_follow_from_the_cache(network: T2S, runtime: str) -> None:
    runner = runners(network)[runtime]
    texts = [np.arange(3, 20, dtype=np.int32), np.arange(5, 30, dtype=np.int32)]
    codes = [7, 9, 11, 30, 31]
    session = runner.start([(text, None) for text in texts], np.array(codes[:2], np.int32))
    for code in codes[2:]:
        session.step(runner.xp.array(np.array([code, code])))
    finder = HeadFinder(network.projections, T2S_CONFIG)
    weight, bias = network.projections()[0]
    for index, text in enumerate(texts):
        expected = attention(network, text, codes)
        for number in range(T2S_CONFIG.heads):
            head: Head = finder._head(weight, bias, 0, number)
            phones, _ = session.cached(index, 0, 0, len(text))
            found = head.probabilities(*session.cached(index, 0, len(text), len(text) + len(codes)), phones)
            assert np.abs(found - expected[number]).max() < 2e-2


def test_the_head_that_follows_the_phones_is_found() -> None:
    """Two layers of which the second's third head sees phones as they are, and all others see noise."""
    draw, size, phones, codes = np.random.default_rng(1), 128, 20, 60
    spoken = np.minimum(np.arange(codes) // 3, phones - 1)
    states = draw.normal(size=(phones, size)) * 0.1
    states[np.arange(phones), np.arange(phones)] += 6
    hidden = np.concatenate([states, states[spoken]])
    layers = []
    for layer in range(2):
        weight = draw.normal(size=(3 * size, size)) * 0.1
        if layer == 1:
            weight[64:96] = weight[size + 64 : size + 96] = np.eye(32, size)
        layers.append((weight.astype(np.float16), np.zeros(3 * size, np.float16)))

    def rows(layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        both = (hidden[first:last] @ layers[layer][0][size:].astype(float).T).astype(np.float32)
        keys, values = (part.reshape(-1, 4, 32).transpose(1, 0, 2) for part in (both[:, :size], both[:, size:]))
        return keys, values

    finder = HeadFinder(lambda: layers, T2S_CONFIG)
    finder.find(rows, phones, codes)
    assert finder.over and finder.found is not None and (finder.found.layer, finder.found.head) == (1, 2)
    follower = Follower(finder.found, (0, phones), 1)
    follower.follow(rows, codes - 1)
    begins = follower.begins()
    assert begins[0] == 0 and begins[5] == pytest.approx(5 * 3 - 0.5, abs=1) and np.all(np.diff(begins) >= 0)

    noise = HeadFinder(lambda: layers[:1], T2S_CONFIG)
    noise.find(rows, phones, codes)
    assert noise.over and noise.found is None


class Told:
    """A follower whose beginnings are given."""

    def __init__(self, begins: Sequence[float]):
        self.given = np.array(begins)

    def follow(self, rows: object, codes: int) -> None:
        pass

    def begins(self) -> np.ndarray:
        return self.given


class Decoded:
    """A row that has so many codes."""

    cached = partial(lambda: None)

    def __init__(self, codes: int):
        self.codes = [0] * codes


def test_words_come_with_the_audio_in_which_they_begin(frontend: Frontend) -> None:
    text = "I see, no cats."
    phones = frontend(text)
    assert phones.names == ("AY1", "S", "IY1", ",", "N", "OW1", "K", "AE1", "T", "S", ".")
    # In codes of 40 ms; what follows the comma is looked at from 0.6 s on, and sounds at 0.95 s.
    told = Told([0, 3, 5, 8, 15, 27, 30, 32, 34, 36, 38])
    words = SentenceWords(Sentence(text, 100, 115, written=text), phones, told, 1.0, RATE)  # type: ignore[arg-type]
    words.follow(Decoded(45))  # type: ignore[arg-type]
    sound = np.zeros(1800, np.float32)
    # The first piece is a breath: what is loudest in it is no word.
    sound[:50], sound[50:380], sound[950:1550] = 0.001, 0.3, 0.3
    pieces = [words.take(piece) for piece in np.split(sound, (40, 300, 900))]
    assert [[word.text for word in piece] for piece in pieces] == [[], ["I", "see"], [], ["no", "cats"]]
    times = [word.begins for piece in pieces for word in piece]
    assert times == pytest.approx([0.05, 0.12, 0.95, 1.2], abs=0.011)
    ends = [word.ends for piece in pieces for word in piece]
    assert ends == pytest.approx([0.12, 0.32, 1.2, 1.52], abs=0.011)
    assert [(word.start, word.end) for word in pieces[3]] == [(107, 109), (110, 114)]


def test_a_word_that_was_not_reached_is_not_told(frontend: Frontend) -> None:
    text = "I see, no cats."
    told = Told([0, 3, 5, 8, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf])
    words = SentenceWords(Sentence(text, 0, 15, written=text), frontend(text), told, 1.0, RATE)  # type: ignore[arg-type]
    words.follow(Decoded(20))  # type: ignore[arg-type]
    assert [word.text for word in words.take(np.ones(800, np.float32))] == ["I", "see"]


SAID = [Word("Yes", 2, 5, 0.1, 0.4), Word("it", 9, 11, 0.9, 1.0), Word("<b>", 12, 15, 1.0, 61.5)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.srt", "1\n00:00:00,100 --> 00:00:00,400\nYes!\n\n2\n00:00:00,900 --> 00:01:01,500\nit <b>.\n\n"),
        (
            "w.vtt",
            "WEBVTT\n\n00:00:00.100 --> 00:00:00.400\nYes!\n\n"
            "00:00:00.900 --> 00:01:01.500\nit <00:00:01.000>&lt;b&gt;.\n\n",
        ),
    ],
)
def test_words_are_subtitles(tmp_path: pathlib.Path, name: str, content: str) -> None:
    write_words(tmp_path / name, "**Yes!** it <b>.", SAID)
    assert (tmp_path / name).read_text("utf-8") == content


def test_words_are_json(tmp_path: pathlib.Path) -> None:
    write_words(tmp_path / "w.json", "**Yes!** it <b>.", SAID)
    assert [Word(**each) for each in json.loads((tmp_path / "w.json").read_text("utf-8"))] == SAID


def test_a_words_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\.json, \.srt, \.vtt"):
        check_words_file(pathlib.Path("w.txt"))


@pytest.fixture(scope="module")
def shipped() -> Library:
    path = ROOT / "voices.json"
    return Library(read_voices(path), Settings(voices=path, runtime="onnx"))


def test_a_text_that_its_recording_does_not_say_is_told_from_the_one_that_it_says(shipped: Library) -> None:
    voice = shipped.voice(None)
    assert voice.head is not None
    own = voice.frontend("Hello, how are you?").ids
    scores = []
    for text in (voice.prompt_ids, voice.frontend("Nobody told me that the shop would be closed on Monday.").ids):
        session = voice.t2s.start([(np.concatenate([text, own]), None)], voice.codes)
        counts = (len(text), len(text) + len(own))
        scores.append(fit(voice.head, partial(session.cached, 0), counts, len(voice.codes)))
    assert scores[0] > -0.4 > LEAST_FITTING > -1.2 > scores[1]


def test_a_prompt_is_looked_at_once_and_a_wrong_text_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scores = iter([-0.2, -1.5])
    monkeypatch.setattr(speaking, "fit", lambda *_: next(scores))
    row = SimpleNamespace(cached=object(), phones=np.zeros(9, np.int32))
    for told in (0, 1):
        prompt = Prompt(np.zeros(100, np.int32))
        voice = SimpleNamespace(name="Ada", head=object(), prompt=prompt)
        for _ in range(3):
            speaking._look_at_prompt(row, voice)  # type: ignore[arg-type]
        assert caplog.text.count("'Ada' follows hardly says its text: give ref_text") == told


def test_words_of_the_shipped_voice_are_timed_as_its_teacher_speaks_them(shipped: Library) -> None:
    sentences = json.loads((ROOT / "benchmarks" / "word_times.json").read_text("utf-8"))
    chosen = [next(each for each in sentences if each["language"] == language) for language in ("en", "zh")]
    found = errors(chosen, Engine(shipped, Settings(voices=ROOT / "voices.json", runtime="onnx")))
    for language, count in (("en", 15), ("zh", 17)):
        begin = np.abs(found[language]["beginning"])
        assert len(begin) == count and np.median(begin) <= 40 and np.percentile(begin, 95) <= 120
