"""Arabic numbers -> Cantonese words: those of Mandarin in traditional characters, 二 and 兩 as in Hong Kong."""

from dora_primespeech_mlx.text.mandarin import numbers as mandarin

TRADITIONAL = str.maketrans("万亿两点", "萬億兩點")


def digits(number: str) -> str:
    """Digit by digit, 1 as 一 in telephone numbers too: "1998" -> 一九九八. Other characters are left out."""
    return mandarin.digits(number)


def decimal(number: str) -> str:
    """A number with an optional fraction: "3.14" -> 三點一四, "2024" -> 二千零二十四."""
    spoken = mandarin.decimal(number).translate(TRADITIONAL)
    return "二" + spoken[1:] if spoken.startswith("兩千") else spoken


def counted(number: str) -> str:
    """A number before a measure word: "2" -> 兩, "2000" -> 兩千, "12" -> 十二."""
    spoken = decimal(number)
    return "兩" + spoken[1:] if spoken == "二" or spoken.startswith("二千") else spoken
