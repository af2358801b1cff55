"""The text front end against the phones of the official code, and against readings that are right."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.frontend import agreement, expected
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.mandarin.g2pw import shared_model
from dora_primespeech_mlx.text.mandarin.pinyin import parse_pinyin, syllables
from dora_primespeech_mlx.text.sentences import sentences_of
from dora_primespeech_mlx.text.symbols import symbol_table
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.library import Library

DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "golden_text.json").read_text(encoding="utf-8"))
DIFFERENCES = json.loads((DATA / "frontend_differences.json").read_text(encoding="utf-8"))


NEW_WORDS = (
    'I {} live in {}, and they read {} <{} a="b">close</{}> the {} bass at {} km. 我在{}行长，{}的重庆。',
    "<{}> says: the {}ed lead of {} can tear, and {}-{} use it; {} wind, {} and {}, {} tears.",
)


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


def phones_of(pinyin: str) -> list[str]:
    """Phone names of `hao3 ba5`."""
    names = []
    for part in pinyin.split():
        syllable, tone = parse_pinyin(part)
        initial, final = syllables()[syllable]
        names += [initial, f"{final}{tone}"]
    return names


@pytest.mark.parametrize("group", ["zh", "en", "mixed"])
def test_same_phones_as_official_or_right_where_it_is_wrong(frontend: Frontend, group: str) -> None:
    found = agreement(group, GOLDEN[group], DIFFERENCES, frontend)
    assert {text for text, _, _ in found.exempt + found.different} == set(DIFFERENCES[group])
    assert all("right because" in reason["why"] or "refused" in reason["why"] for reason in DIFFERENCES[group].values())


@pytest.mark.parametrize(("group", "identical", "exempt"), [("zh", 29, 7), ("en", 10, 5), ("mixed", 4, 3)])
def test_agreement_with_official_phones(frontend: Frontend, group: str, identical: int, exempt: int) -> None:
    found = agreement(group, GOLDEN[group], DIFFERENCES, frontend)
    assert (len(found.identical), len(found.exempt)) == (identical, exempt)


def test_a_sentence_is_exempt_only_while_it_differs(frontend: Frontend) -> None:
    same, other = GOLDEN["zh"][0], GOLDEN["zh"][1]
    listed = {"zh": {same["text"]: {"why": "", "listed": "a bug"}}}
    found = agreement("zh", [same, {**other, "pypinyin": {"phones": ["a1"]}}], listed, frontend)
    assert found.identical == [same["text"]]
    assert found.counted == 1
    assert [(text, reference) for text, reference, _ in found.different] == [(other["text"], ["a1"])]
    assert expected("zh", other)[:2] == ["w", "o2"]


def test_word2ph_is_official(frontend: Frontend) -> None:
    for entry in GOLDEN["zh"]:
        phones = frontend(entry["text"], "zh", guard=False)
        if list(phones.names) == entry["pypinyin"]["phones"]:
            assert list(phones.spans[0].word2ph or ()) == entry["pypinyin"]["word2ph"]


def test_inventories() -> None:
    assert len(symbol_table("v1")) == 322
    assert len(symbol_table("v2")) == 732
    assert symbol_table("v2").names[:322] == symbol_table("v1").names
    assert symbol_table("v2").ids(["!", "…", "SP", "no such phone"]).tolist() == [0, 321, 77, 86]
    with pytest.raises(ValueError, match="v1, v2"):
        Frontend("v3")


@pytest.mark.parametrize(("language", "text", "said"), rows("frontend_sentences.tsv"))
def test_normalised(frontend: Frontend, language: str, text: str, said: str) -> None:
    assert frontend(text, language).text == said


@pytest.mark.parametrize(("text", "pinyin"), rows("frontend_readings.tsv"))
def test_readings(frontend: Frontend, text: str, pinyin: str) -> None:
    names = [name for name in frontend(text, "zh", guard=False).names if name not in ",.…"]
    assert names == phones_of(pinyin)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("I read it yesterday. I read it every day.", "AY1 R EH1 D IH1 T Y EH1 S T ER0 D EY2 ."),
        ("the wind", "DH AH0 W IH1 N D"),
        ("wind it up", "W AY1 N D IH1 T AH1 P"),
        ("let's record a record", "L EH1 T S R IH0 K AO1 R D AH0 R EH1 K ER0 D"),
        ("he used to use it", "HH IY1 Y UW1 S T T UW1 Y UW1 Z IH1 T"),
        ("it is used to live", "IH1 T IH1 Z Y UW1 Z D T UW1 L IH1 V"),
        ("a lead pipe", "AH0 L EH1 D P AY1 P"),
        ("we lead them", "W IY1 L IY1 D DH EH1 M"),
        ("Jones's boss's kids' toys", "JH OW1 N Z IH0 Z B AO1 S IH0 Z K IH1 D Z T OY1 Z"),
        ("TVs", "T IY1 V IY1 Z"),
        ("livestream", "L AY1 V S T R IY1 M"),
        ("A cat", "EY1 K AE1 T"),
    ],
)
def test_english_words(frontend: Frontend, text: str, phones: str) -> None:
    assert " ".join(frontend(text, "en", guard=False).names).startswith(phones)


def test_spans_cover_the_phones(frontend: Frontend) -> None:
    phones = frontend("我用iPhone 15的camera，really很好。")
    assert [(span.language, span.text) for span in phones.spans] == [
        ("zh", "我用"),
        ("en", "iphone"),
        ("zh", "十五的"),
        ("en", "camera, really"),
        ("zh", "很好."),
    ]
    assert phones.spans[0].start == 0
    assert phones.spans[-1].end == len(phones.ids)
    assert all(left.end == right.start for left, right in zip(phones.spans, phones.spans[1:], strict=False))
    for span in phones.spans:
        if span.language == "zh":
            assert span.word2ph is not None
            assert len(span.word2ph) == len(span.text)
            assert sum(span.word2ph) == span.end - span.start
        else:
            assert span.word2ph is None
    assert phones.ids.dtype == np.int32
    assert "".join(span.text for span in phones.spans) == phones.text


@pytest.mark.parametrize(
    ("text", "language", "phones"),
    [
        ("我在A座。", "zh", "w o3 z ai4 , EY1 z uo4 ."),
        ("用5G上网", "zh", "y ong4 w u3 , JH IY1 sh ang4 w ang3"),
        ("他说，Hi！", "zh", "t a1 sh uo1 , HH AY1 !"),
        ("很cool吧", "zh", "h en3 , K UW1 L b a5"),
        ("很cool。", "zh", "h en3 K UW1 L ."),
        ("很happy。", "zh", "h en3 HH AE1 P IY0 ."),
        ("a+b=c", "zh", ", EY1 j ia1 B IY1 d eng3 y v2 S IY1"),
        ("B2B公司", "zh", ", B IY1 EE er4 B IY1 g ong1 s i01"),
        ("No", "en", ", N OW1"),
        ("No!", "en", ", N OW1 !"),
        ("Stop", "en", "S T AA1 P"),
        ("...no", "en", ". N OW1"),
    ],
)
def test_short_english_has_one_comma_before_it(frontend: Frontend, text: str, language: str, phones: str) -> None:
    assert " ".join(frontend(text, language, guard=False).names) == phones


def test_short_text_gets_a_mark_before_it(frontend: Frontend) -> None:
    assert frontend("嗯。", "zh").names == (".", "EE", "en1", ".")
    assert frontend("Hi", "en").names == (".", "HH", "AY1")
    assert frontend("你好吗。", "zh").names[0] == "n"


@pytest.mark.parametrize("text", ["", " \n", "。，！", "😀", "\ud800", "…—", "العربية"])
def test_nothing_to_say(frontend: Frontend, text: str) -> None:
    with pytest.raises(ValueError, match="nothing to say"):
        frontend(text)


def test_a_language_that_nobody_knows_is_refused_with_the_choices(frontend: Frontend) -> None:
    with pytest.raises(ValueError, match="'xx'.*auto, zh"):
        frontend("hello", "xx")


def test_an_ornament_of_kana_between_mandarin_characters_is_mandarin(frontend: Frontend) -> None:
    assert frontend("我の家很大。", "auto").text == "我的家很大."
    assert frontend("鲜の每日", "zh").text == "鲜的每日"


def test_lexicon_wins() -> None:
    frontend = Frontend(
        lexicon={"重庆": "zhong4 qing4", "行": "hang2", "tomato": "T AH0 M AA1 T OW0", "MiMo": "M AY1 M OW0"}
    )
    names = " ".join(frontend("重庆不行，Tomato和MiMo。", "zh").names)
    assert names == "zh ong4 q ing4 b u4 h ang2 , T AH0 M AA1 T OW0 h e2 M AY1 M OW0 ."


@pytest.mark.parametrize(
    "lexicon", [{"重庆": "zhong4"}, {"重庆": "zhong4 xyz4"}, {"tomato": "T OO MM"}, {"重K": "zhong4"}, {"tomato": ""}]
)
def test_wrong_lexicon_is_refused_at_once(lexicon: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(lexicon)) + "|xyz4"):
        Frontend(lexicon=lexicon)


def test_import_pulls_in_no_heavy_library_and_never_the_network() -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the front end opened a connection')\n"
        "socket.socket.connect = refuse\n"
        "from dora_primespeech_mlx.text import Frontend\n"
        "early = set(sys.modules)\n"
        "Frontend()('Hello flibbertigibbetish world, he read it.', 'en')\n"
        "middle = set(sys.modules)\n"
        "Frontend()('你好，世界。', 'zh')\n"
        "late = set(sys.modules)\n"
        "assert not {'pypinyin', 'opencc', 'jieba', 'nltk', 'g2p_en'} & middle\n"
        "assert not {'jieba', 'nltk', 'g2p_en', 'pandas'} & late\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.fixture
def g2pw_folder(tmp_path: Path) -> Path:
    """A G2PW model that always prefers the reading háng for 行 and cháng for 長, and the files around it."""
    rows = ["行\tㄒㄧㄥ2", "行\tㄏㄤ2", "長\tㄓㄤ3", "長\tㄔㄤ2"]
    (tmp_path / "POLYPHONIC_CHARS.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    spelled = {"ㄒㄧㄥ": "xing", "ㄏㄤ": "hang", "ㄓㄤ": "zhang", "ㄔㄤ": "chang"}
    (tmp_path / "bopomofo_to_pinyin_wo_tune_dict.json").write_text(json.dumps(spelled), encoding="utf-8")
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n他\n行\n長\n", encoding="utf-8")
    labels = sorted({row.split("\t")[1] for row in rows})
    liking = np.array([[1.0 if label in {"ㄏㄤ2", "ㄔㄤ2"} else 0.1 for label in labels]], np.float32)
    names = ["input_ids", "token_type_ids", "attention_mask", "phoneme_mask", "char_ids", "position_ids"]
    shapes = [["n", "t"], ["n", "t"], ["n", "t"], ["n", len(labels)], ["n"], ["n"]]
    inputs = [
        onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT if name == "phoneme_mask" else onnx.TensorProto.INT64, shape
        )
        for name, shape in zip(names, shapes, strict=True)
    ]
    output = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", len(labels)])
    node = onnx.helper.make_node("Mul", ["phoneme_mask", "liking"], ["probabilities"])
    graph = onnx.helper.make_graph([node], "g2pw", inputs, [output], [onnx.numpy_helper.from_array(liking, "liking")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "g2pW.onnx")
    return tmp_path


def test_polyphone_model_decides_where_no_dictionary_does(g2pw_folder: Path) -> None:
    frontend = Frontend(g2pw_dir=g2pw_folder)
    names = " ".join(frontend("他行，头发很长，校长行走。", "zh").names)
    assert names == "t a1 h ang2 , t ou2 f a5 h en3 ch ang2 , x iao4 zh ang3 x ing2 z ou3 ."
    assert " ".join(Frontend()("他行，", "zh", guard=False).names) == "t a1 x ing2 ,"


@pytest.mark.parametrize("name", ["g2pW.onnx", "POLYPHONIC_CHARS.txt", "vocab.txt"])
def test_polyphone_model_names_a_missing_file(g2pw_folder: Path, name: str) -> None:
    (g2pw_folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        Frontend(g2pw_dir=g2pw_folder)("你好，你们好。", "zh")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("g2pW.onnx", b"version https://git-lfs.github.com/spec/v1\n", "g2pW.onnx is a Git LFS pointer"),
        ("g2pW.onnx", b"rubbish", "g2pW.onnx is damaged, or of another model: unpack G2PWModel_1.1 there again"),
        ("POLYPHONIC_CHARS.txt", b"", "POLYPHONIC_CHARS.txt is empty"),
        ("POLYPHONIC_CHARS.txt", "行\n".encode(), "POLYPHONIC_CHARS.txt is damaged"),
        ("POLYPHONIC_CHARS.txt", "行\t\n".encode(), "to_pinyin_wo_tune_dict.json is damaged"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", b"{", "to_pinyin_wo_tune_dict.json is damaged"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", b"[]", "to_pinyin_wo_tune_dict.json is damaged"),
        ("vocab.txt", b"\xff\xfe", "vocab.txt is damaged"),
        ("vocab.txt", b"word", "vocab.txt is damaged"),
        ("tokenizer.json", b'{"model": {}}', "tokenizer.json is damaged"),
    ],
)
def test_polyphone_model_names_a_file_that_is_damaged(g2pw_folder: Path, name: str, content: bytes, said: str) -> None:
    (g2pw_folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        Frontend(g2pw_dir=g2pw_folder)("你好，你们好。", "zh")


def test_the_polyphone_model_is_a_setting_for_all_voices(g2pw_folder: Path, tiny_voices: Path, tmp_path: Path) -> None:
    settings = Settings.from_env({"G2PW_DIR": str(g2pw_folder)})
    library = Library(read_voices(tiny_voices), settings)
    assert " ".join(library.voice("tiny").frontend("他行，", "zh", guard=False).names) == "t a1 h ang2 ,"
    assert shared_model(g2pw_folder) is shared_model(g2pw_folder)
    missing = Library(read_voices(tiny_voices), Settings(g2pw_dir=tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError, match=r"no g2pW\.onnx in .*nothing"):
        missing.voice("tiny")


def test_phrases_of_pypinyin_are_all_there_and_share_their_readings() -> None:
    script = (
        "import json, os\n"
        "from dora_primespeech_mlx.text.mandarin import dictionary\n"
        "from dora_primespeech_mlx.text.tables import package_file\n"
        "from pypinyin.constants import PHRASES_DICT\n"
        "from pypinyin.seg.mmseg import p_set\n"
        "written = json.loads(package_file('pypinyin', 'phrases_dict.json').read_text('utf-8'))\n"
        "assert PHRASES_DICT == written and 'PYPINYIN_NO_PHRASES' not in os.environ\n"
        "assert all(phrase in p_set and phrase[:1] in p_set for phrase in written)\n"
        "readings = [reading for phrase in PHRASES_DICT.values() for reading in phrase]\n"
        "assert 20 * len({id(reading) for reading in readings}) < len(readings)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(("text", "said"), [("5。", "。五"), ("0", "。零"), ("-5", ".负五"), ("好", ".好")])
def test_the_mark_before_a_short_text_makes_no_fraction_of_it(frontend: Frontend, text: str, said: str) -> None:
    assert frontend(text, "zh").text.rstrip(".") == said.replace("。", ".")


def kept_without_bound() -> dict[str, int]:
    """How much each function of the front end remembers that forgets nothing."""
    found = {}
    for name in sorted(name for name in sys.modules if name.startswith("dora_primespeech_mlx.text")):
        for function in vars(sys.modules[name]).values():
            if hasattr(function, "cache_info") and function.cache_info().maxsize is None:
                found[f"{function.__module__}.{function.__qualname__}"] = function.cache_info().currsize
    return found


def test_what_is_remembered_for_ever_does_not_grow_with_the_texts(frontend: Frontend) -> None:
    chance = np.random.default_rng(0)

    def read(count: int) -> None:
        for number in range(count):
            words = ["".join(chance.choice(list("aeilnt"), 8)) for _ in range(9)]
            for sentence in filter(None, sentences_of(NEW_WORDS[number % 2].format(*words))):
                frontend(sentence.text, sentence.language, notes=sentence.notes)

    read(8)
    before = kept_without_bound()
    read(40)
    assert kept_without_bound() == before
