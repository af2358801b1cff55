"""Faces made of signs, which nobody reads: emoticons and kaomoji."""

from dora_primespeech_mlx.text.rules import regex
from dora_primespeech_mlx.text.signs.readings import HAN

KAOMOJI = regex(
    r"m[(（](?:_ ?_| ?)[)）]m|[╯╰ノヽ┻┳━︵︶ヾ٩۶¯\\/oσ三]*[(（](?=[^()（）]*[\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•ᗜᴗ˘])"
    rf"[^()（）A-Za-z0-9{HAN}α-ψ.。]{{2,14}}[)）][╯╰ノヽ┻┳━︵︶シﾉ۶٩و三✧_/¯\\~っづつง]*"
    r"|¯\\*_?\(ツ\)_?/?¯"
)
FACE = regex("[(（][^()（）]*[\\^_;°□▽ω﹏︿Дツ･・≧≦´｀∀◕‿◡•ᗜᴗ˘]|m[(（] ?[)）]m")
EYES = regex(r"[:;=]['’]?-?[()DPp|/\\]|</?3|\^\^|[>T;=\-^oO]_|[xX]D|\\o/|Q[Aw]Q|TwT|OwO|orz")
EMOTICON = regex(
    r"(?<![A-Za-z0-9}])(?:[:;=]['’]?-?[()DPp|](?![\w(\\{])|:-?[/\\](?=\s|$)|[>T;=\-^oO]_+[<T;=\-^oO](?!\w)|\^\^(?!\w))"
    rf"|(?<![\d,=>{HAN}])(?<!\d )(?<!\b[A-Za-z])(?<!\b[A-Za-z] )(?<!\w\))(?<!\w\) )"
    r"(?<![^\W你您们哦呀啦吧呢A-Za-z] )</?3+(?:\s*</?3+)*(?=\s*(?:$|[.,!?。！？]|[:;=]['’]?-?[()DPp|]|\^[_^]|[xX]D\b))"
    r"|(?<!\w)\\o/(?!\w)|(?<=\byou )</?3+(?!\w)|(?<=\blove )</?3+(?!\w)"
    r"|(?<![A-Za-z0-9])(?:[xX]D+(?=\s*(?:$|[^\w\s]))|Q[Aw]Q|TwT|OwO|orz)(?![A-Za-z0-9])"
)


def without_faces(text: str) -> str:
    """`text` without emoticons and kaomoji, some of which have letters of other scripts."""
    if FACE.search(text):
        text = KAOMOJI.sub(" ", text)
    return EMOTICON.sub(" ", text) if EYES.search(text) else text
