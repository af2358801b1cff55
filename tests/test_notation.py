"""Readings that a writer gives in the text: `[重](zhong4)庆`, ARPAbet, and the tags of SSML."""

import logging
from pathlib import Path

import pytest

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.notation import Note, pinyin, rate, reading, say_as, seconds
from dora_primespeech_mlx.text.sentences import Sentence, sentences_of


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.fixture(scope="module")
def tiny_engine(tiny_voices: Path) -> Engine:
    return Engine.from_config(tiny_voices, Settings(voices=tiny_voices, runtime="onnx", precision="fp32"))


def phones(frontend: Frontend, text: str, size: int = 1) -> str:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    spoken = [frontend(s.text, s.language, guard=False, notes=s.notes) for s in sentences_of(pieces)]
    return " ".join(name for each in spoken for name in each.names)


def said(frontend: Frontend, text: str) -> str:
    return " / ".join(frontend(s.text, s.language, guard=False, notes=s.notes).text for s in sentences_of(text))


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[重](chong2)庆很美。", "ch ong2 q ing4 h en2 m ei3 ."),
        ("[重](zhong4)庆很美。", "zh ong4 q ing4 h en2 m ei3 ."),
        ("[重庆](zhong4 qing4)很美。", "zh ong4 q ing4 h en2 m ei3 ."),
        ("[重](zhòng)庆很美。", "zh ong4 q ing4 h en2 m ei3 ."),
        ("他说[行](hang2)，不说行。", "t a1 sh uo1 h ang2 , b u4 sh uo1 x ing2 ."),
        ("3[行](hang2)人，步行。", "s an1 h ang2 r en2 , b u4 x ing2 ."),
        ("[女](nv3)儿[女](nü3)儿。", "n v3 EE er2 n v3 EE er2 ."),
        ("打[110](yao1 yao1 ling2)吧。", "d a3 y ao1 y ao1 l ing2 b a5 ."),
        ("The [GIF](JH IH1 F) is [there](u).", "DH AH0 JH IH1 F IH1 Z DH EH1 R ."),
        ("The [GIF](jh ih1 f) is there.", "DH AH0 JH IH1 F IH1 Z DH EH1 R ."),
        ("这个[GIF](JH IH1 F)很好。", "zh e4 g e5 , JH IH1 F h en2 h ao3 ."),
        ('<phoneme alphabet="py" ph="dian3 dang4 hang2">典当行</phoneme>开了。', "d ian3 d ang4 h ang2 k ai1 l e5 ."),
        ('<phoneme alphabet="sapi" ph="chong 2">重</phoneme>量变了。', "ch ong2 l iang4 b ian4 l e5 ."),
        ('The <phoneme alphabet="ipa" ph="təˈmɑːtoʊ">tomato</phoneme>.', "DH AH0 T AH0 M AA1 T OW0 ."),
        ('The <phoneme alphabet="cmu-arpabet" ph="T AH0 M AA1 T OW0">tomato</phoneme>.', "DH AH0 T AH0 M AA1 T OW0 ."),
        ('The <phoneme ph="T AH M AA T OW">tomato</phoneme>.', "DH AH0 T AH1 M AA1 T OW1 ."),
    ],
)
def test_a_reading_in_the_text_wins(frontend: Frontend, text: str, wanted: str, size: int) -> None:
    assert phones(frontend, text, size) == wanted


def test_a_reading_wins_over_the_lexicon_and_only_where_it_stands() -> None:
    own = Frontend(lexicon={"重庆": "zhong4 qing4"})
    assert phones(own, "[重](chong2)庆和重庆。") == "ch ong2 q ing4 h e2 zh ong4 q ing4 ."


def test_what_is_shown_is_what_was_written(frontend: Frontend) -> None:
    assert said(frontend, "这个[GIF](JH IH1 F)，[重](chong2)庆。") == "这个GIF,重庆."
    (sentence,) = sentences_of("[重](chong2)庆的[GIF](JH IH1 F)")
    assert sentence.text == "重庆的GIF。"
    assert sentence.notes == (Note(0, 1, "pinyin", "chong2"), Note(3, 6, "arpabet", "JH IH1 F"))


@pytest.mark.parametrize(
    ("text", "heard", "named"),
    [
        ("[重](zhong9)庆很美。", "重庆很美.", "zhong9"),
        ("[重](chong)庆很美。", "重庆很美.", "no tone"),
        ("[重庆](zhong4)很美。", "重庆很美.", "2 characters"),
        ("The [GIF](JH IH1 FF) is here.", "The gif is here.", "'FF'"),
        ('<phoneme alphabet="klingon" ph="x">重</phoneme>庆很美。', "重庆很美.", "klingon"),
        ('<phoneme alphabet="ipa" ph="ʘ">tomato</phoneme> is here.', "tomato is here.", "ʘ"),
        ('<phoneme alphabet="py" ph="zhong4">重庆</phoneme>很美。', "重庆很美.", "2 characters"),
        ('<say-as interpret-as="song">12</say-as> is here.', "twelve is here.", "song"),
        ('Well <break time="long"/>it is here.', "Well it is here.", "long"),
        ("<express-as>Well it is here.</express-as>", "Well it is here.", ""),
        ('<prosody rate="quick">Well it is here.</prosody>', "Well it is here.", "quick"),
        ('<prosody pitch="+2st">Well it is here.</prosody>', "Well it is here.", "pitch"),
    ],
)
def test_bad_notation_is_named_and_its_text_is_read(
    frontend: Frontend, caplog: pytest.LogCaptureFixture, text: str, heard: str, named: str
) -> None:
    assert said(frontend, text) == heard
    assert named in caplog.text


@pytest.mark.parametrize(
    "text",
    ["See [Python](py3) now.", "[第一](a.md)章。", "[API](API) docs.", "f[x](y) = 1.", "[注](见下文)。", "[a](b c) d."],
)
def test_links_and_calls_are_no_readings(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert all(not sentence.notes for sentence in sentences_of(text))
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ('My <say-as interpret-as="digits">2024</say-as> is it.', "My two zero two four is it."),
        ('密码<say-as interpret-as="digits">2024</say-as>是它。', "密码二零二四是它."),
        ('请打<say-as interpret-as="telephone">110-119</say-as>吧。', "请打幺幺零,幺幺九吧."),
        ('Say <say-as interpret-as="characters">cat</say-as> now.', "Say C A T now."),
        ('It is <say-as interpret-as="ordinal">3</say-as> now.', "It is third now."),
        ('这是<say-as interpret-as="ordinal">3</say-as>名。', "这是第三名."),
        ('共<say-as interpret-as="cardinal">2024</say-as>啊。', "共两千零二十四啊."),
        (
            'On <say-as interpret-as="date" format="dmy">3/5/2024</say-as> it was.',
            "On may third, twenty twenty-four it was.",
        ),
        ('By <sub alias="World Wide Web">WWW</sub> now.', "By World Wide Web now."),
        ("H<sub>2</sub>O is here.", "H two O is here."),
    ],
)
def test_numbers_and_names_are_said_as_asked(frontend: Frontend, text: str, heard: str) -> None:
    assert said(frontend, text) == heard


def spoken(text: str) -> list[Sentence]:
    return list(sentences_of(list(text)))


def test_a_break_is_a_pause_between_two_sentences() -> None:
    first, second = spoken('We wait<break time="750ms"/> and go.')
    assert (first.text, first.pause, second.text, second.pause) == ("We wait.", None, "and go.", 0.75)
    first, second = spoken('We all wait here. <break time="1s"/><break time="500ms"/>Now we go. ')
    assert (first.pause, second.pause) == (None, 1.5)
    assert [s.pause for s in spoken('<break time="2s"/>Now we go. <break time="1s"/>And stop.')] == [2.0, 1.0]


def test_a_break_of_a_strength_is_a_mark() -> None:
    assert [s.text for s in spoken('Yes<break strength="weak"/> we go.')] == ["Yes, we go."]
    assert [s.text for s in spoken('Yes<break strength="none"/> we go.')] == ["Yes we go."]
    assert [s.text for s in spoken('Yes<break strength="strong"/> we go.')] == ["Yes. we go."]


def test_a_rate_holds_for_what_it_encloses() -> None:
    found = spoken(
        'One is here. <prosody rate="fast">Two is <prosody rate="slow">here</prosody>. Now</prosody> three is.'
    )
    assert [(s.text, s.rate) for s in found] == [
        ("One is here.", 1.0),
        ("Two is.", 1.25),
        ("here.", 0.9375),
        ("Now.", 1.25),
        ("three is.", 1.0),
    ]


def test_a_language_holds_for_what_it_encloses() -> None:
    found = spoken('一共是<lang xml:lang="en-US">15</lang>个，<lang xml:lang="zh-CN">15</lang>。')
    assert [(s.text, s.language) for s in found][1] == ("15.", "en")


def test_values_of_notation() -> None:
    assert [seconds("500ms"), seconds("1.5s"), seconds("99s")] == [0.5, 1.5, 10.0]
    assert [rate(each) for each in ("slow", "120%", "+20%", "-10%", "1.5", "9")] == [0.75, 1.2, 1.2, 0.9, 1.5, 2.0]
    assert pinyin("Zhong4Qing4") == pinyin("zhòng qìng") == pinyin("zhong 4 qing 4") == "zhong4 qing4"
    assert reading("ˈdʒɪf") == ("arpabet", "JH IH1 F")
    assert reading("zhong4") == ("pinyin", "zhong4")
    assert say_as("Date", "MDY") == "date mdy"
    for wrong in (lambda: seconds("soon"), lambda: rate("quick"), lambda: pinyin("zhong9"), lambda: reading("", "ipa")):
        with pytest.raises(ValueError, match=r"\w"):
            wrong()


def test_without_markup_notation_is_text() -> None:
    (sentence,) = sentences_of("[重](zhong4)庆", markup=False)
    assert sentence.text == "[重](zhong4)庆。"
    assert sentence.notes == ()


def test_the_engine_pauses_and_hastens(tiny_engine: Engine) -> None:
    text = 'Hello there, dear friend. <break time="0.5s"/><prosody rate="fast">Hello there, dear friend.</prosody>'
    chunks = list(tiny_engine.stream(text, seed=1))
    rate_of = chunks[0].sample_rate
    pauses = [chunk for chunk in chunks if chunk.sentence_final]
    assert [len(pause.samples) / rate_of for pause in pauses] == pytest.approx([0.5, 0.3])
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    first, second = (
        sum(len(chunk.samples) for chunk in chunks if chunk.sentence == number and not chunk.sentence_final)
        for number in (0, 1)
    )
    assert first > 0
    assert second > 0
    assert not pauses[0].samples.any()
    plain = list(tiny_engine.stream("Hello there, dear friend. Hello there, dear friend.", seed=1))
    slow = [c for c in plain if c.sentence == 1 and not c.sentence_final]
    assert second < sum(len(chunk.samples) for chunk in slow)


def test_a_break_before_the_first_sentence_is_silence(tiny_engine: Engine) -> None:
    first, *_ = tiny_engine.stream('<break time="0.25s"/>Hello there.', seed=1)
    assert len(first.samples) == round(0.25 * first.sample_rate)
    assert not first.samples.any()
    assert not first.sentence_final


def test_a_reading_changes_what_the_engine_says(tiny_engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    one = tiny_engine.synthesize("[重](chong2)庆很美丽。", seed=1)
    two = tiny_engine.synthesize("[重](zhong4)庆很美丽。", seed=1)
    assert one.codes != two.codes
