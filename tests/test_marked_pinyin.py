"""Pinyin with tone marks is said in Mandarin, words of other languages with such marks are not."""

import pytest

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.marked_pinyin import pinyin_notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The word 茶 (chá) means tea.", ["cha2"]),
        ("Say 谢谢 (xièxie) to thank someone.", ["xie4 xie5"]),
        ("“龙” is pronounced lóng, not long.", ["long2"]),
        ("In Chinese, 一 is yī, 二 is èr and 三 is sān.", ["yi1", "er4", "san1"]),
        ('"Nǐ hǎo" means hello; wǒ ài nǐ means I love you.', ["ni3 hao3", "wo3 ai4 ni3"]),
        ("北京 (Běijīng), 西安 (Xī'ān), 朋友 péngyou.", ["bei3 jing1", "xi1 an1", "peng2 you5"]),
        ("The four tones: mā, má, mǎ, mà and ma.", ["ma1", "ma2", "ma3", "ma4"]),
        ("zhòng和chóng。", ["zhong4", "chong2"]),
        ("Her résumé mentions a café in Málaga, São Paulo and Māori art. Voilà, à la carte.", []),
        ("请附上résumé，去café喝杯Latté。", []),
        ("Ōsaka and Tōkyō; naïve José está aquí.", []),
    ],
)
def test_marked_pinyin_is_found(text: str, said: list[str]) -> None:
    assert [note.value for note in pinyin_notes(text)] == said


def test_marked_pinyin_is_said_with_its_tones() -> None:
    names = " ".join(Frontend()('"Nǐ hǎo" means hello, 谢谢 is xièxie.', guard=False).names)
    assert "n i3 h ao3" in names
    assert names.endswith("x ie4 x ie5 .")


def test_a_reading_is_given_in_the_second_clause_of_a_run() -> None:
    names = " ".join(Frontend()("一 is yī, 二 is èr.", guard=False).names)
    assert "y i1 , EE er4" in names
