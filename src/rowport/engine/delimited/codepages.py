"""Tell legacy encodings apart by how plausible the text is that they make of the bytes.

Every encoding makes some text of any bytes; only one makes words.  Each candidate is scored by
the letters that its languages use most, by whether letters of two scripts meet inside a word,
and by whether a capital follows a small letter.  Multi-byte encodings are scored by the share of
characters from the blocks that their standards set apart for common ones.
"""

# ruff: noqa: RUF001  telling look-alike letters apart is what this module does

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FALLBACK: Final = "cp1252"
_MAX_BYTES: Final = 128 * 1024
_CERTAIN: Final = 0.85
"""A multi-byte encoding that explains this share of the text well is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePageGuess:
    """An encoding and how plausible its text is, 0 to 1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alphabet:
    top: str
    """The letters beyond ASCII that make up most of its texts."""
    other: str
    prior: float = 0.0


_RUSSIAN: Final = _Alphabet(top="оеаинтсрвлкмдпу", other="ягьызбчйхжшюцщэфъёіїєґўјљњћђџ")
_GREEK: Final = _Alphabet(top="αοιετσνηυρπκμλςω", other="γδχθφβξζψάέήίόύώϊϋΐΰ")
_WESTERN: Final = _Alphabet(top="éèàäöüçñóáíãêâôßåøæúõ", other="ëîïûùìòœýðþÿšžªº¿¡", prior=0.05)
_CENTRAL: Final = _Alphabet(top="łąęśżćńěčřšžýáíéůőóöü", other="źďťňúűľĺŕôäßâăîșţşđëç")
_TURKISH: Final = _Alphabet(top="ışğüöçİ", other="âîû")
_BALTIC: Final = _Alphabet(top="āēīšžūčėęįųąģķļņäöüõ", other="ōŗóńśźżéåæø")
_HEBREW: Final = _Alphabet(top="יוהלארתבשמ", other="נםדחקעפסכןגטצךףזץ")
_ARABIC: Final = _Alphabet(top="اليمونرتبةدع", other="سفقحكهجشصأىطخءذضغئإزثؤآظپچژگ")
_THAI: Final = _Alphabet(
    top="านรอกเงมยลวดทส",
    other="บปตคหใไจพชขแโผซถภศษธฟฉณญฐฏฎฆฌฝฮฬฤะัิีึืุู่้๊๋์ำๆ็",
)
_ALPHABETS: Final = {
    "cp1252": _WESTERN,
    "mac-roman": _WESTERN,
    "cp850": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp852": _CENTRAL,
    "cp1254": _TURKISH,
    "cp1257": _BALTIC,
    "cp1251": _RUSSIAN,
    "koi8-r": _RUSSIAN,
    "cp866": _RUSSIAN,
    "iso8859-5": _RUSSIAN,
    "cp1253": _GREEK,
    "cp1255": _HEBREW,
    "cp1256": _ARABIC,
    "cp874": _THAI,
}
_RARE: Final = {"mac-roman": 0.15, "cp850": 0.08, "cp852": 0.08, "iso8859-2": 0.02, "cp1257": 0.2}
"""Encodings that are seldom met have to explain the bytes that much better."""
_DOUBT: Final = 2.0
_MAX_DOUBT: Final = 0.5
"""The fewer different characters there are, the likelier is the most usual encoding."""
_PUNCTUATION: Final = frozenset("“”„‘’‚–—…€£«»°§©®™·•№\xa0´`±²³½¼×")


def _in_blocks(*blocks: tuple[int, int]) -> Callable[[bytes], bool]:
    return lambda coded: len(coded) > 1 and any(a <= coded[0] <= b for a, b in blocks)


_COMMON: Final = {
    "cp932": _in_blocks((0x81, 0x83), (0x88, 0x97)),
    "euc_jp": _in_blocks((0xA1, 0xA5), (0xB0, 0xCF)),
    "cp949": _in_blocks((0xA1, 0xA3), (0xB0, 0xC8)),
    "gb18030": _in_blocks((0xA1, 0xA3), (0xB0, 0xD7)),
    "big5": _in_blocks((0xA1, 0xA3), (0xA4, 0xC6)),
}
"""The lead bytes of punctuation, kana, hangul and the first level of ideographs."""


def guess_code_page(samples: bytes) -> CodePageGuess:
    """Guess the encoding of text that is not UTF-8."""
    lines = _lines_beyond_ascii(samples)
    double = certain_double_page(lines)
    if double:
        return double
    single = max(
        (CodePageGuess(name=name, score=_single_score(lines, name)) for name in _ALPHABETS),
        key=lambda guess: guess.score,
    )
    if single.score <= 0:
        return CodePageGuess(name=FALLBACK, score=0.1)
    return CodePageGuess(name=single.name, score=min(0.95, single.score))


def certain_double_page(lines: bytes) -> CodePageGuess | None:
    """Give the multi-byte encoding that explains lines beyond ASCII; None if none does."""
    double = max(
        (CodePageGuess(name=name, score=_double_score(lines, name)) for name in _COMMON),
        key=lambda guess: guess.score,
    )
    return double if double.score >= _CERTAIN else None


def _lines_beyond_ascii(samples: bytes) -> bytes:
    lines = []
    size = 0
    for line in re.split(rb"[\r\n]+", samples):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _MAX_BYTES:
                break
    return b"\n".join(lines)


def _double_score(lines: bytes, name: str) -> float:
    """Give the share of bytes beyond ASCII in characters that are common in the encoding."""
    text = lines.decode(name, "replace")
    is_common = _COMMON[name]
    common = total = kana = 0
    for char, count in Counter(text).items():
        if char < "\x80":
            continue
        coded = b"" if char == "\ufffd" else char.encode(name)
        total += count
        common += count * is_common(coded)
        kana += count * ("\u3041" <= char <= "\u30fe")
    if not total:
        return 0.0
    japanese = name in {"cp932", "euc_jp"}
    if kana and name == "gb18030" and kana > total / 10:
        return 0.0
    # The blocks of the languages overlap: of encodings that explain all, the narrowest is meant.
    narrow = {"cp949": 0.02, "euc_jp": 0.01}.get(name, 0.0)
    return common / total + narrow * (not japanese or kana > 0)


def _single_score(lines: bytes, name: str) -> float:
    alphabet = _ALPHABETS[name]
    text = lines.decode(name, "replace")
    score = 0.0
    total = distinct = 0
    for char, count in Counter(text).items():
        if char >= "\x80":
            total += count
            distinct += 1
            score += count * _letter_score(char, alphabet)
    if not total:
        return 0.0
    mixed = len(_MIXED.findall(text))
    if alphabet in (_WESTERN, _BALTIC, _TURKISH):
        mixed = sum(map(len, _RUNS.findall(text)))
    swapped = len(_SWAPPED.findall(text))
    odd = len(_ODD_INSIDE.findall(text))
    penalty = (mixed + 0.7 * swapped + 0.7 * odd) / total
    doubt = 0.0 if name == FALLBACK else min(_MAX_DOUBT, _DOUBT / min(total, 4 * distinct))
    return score / total - penalty + alphabet.prior - _RARE.get(name, 0.0) - doubt


def _letter_score(char: str, alphabet: _Alphabet) -> float:
    small = char if char in alphabet.top else char.lower()
    if small in alphabet.top:
        return 1.0 if char == small else 0.9
    if small in alphabet.other:
        return 0.6
    if char in _PUNCTUATION:
        return 0.9 if char in "“”„‘’–—…€" else 0.5
    return -3.0 if char == "\ufffd" or char < "\xa0" else -0.7


_MIXED: Final = re.compile(r"[a-zA-Z][\u0370-\u0e7f]|[\u0370-\u0e7f][a-zA-Z]")
_RUNS: Final = re.compile(r"[À-ÖØ-öø-ſ]{3,}")
"""Hardly a word in Latin letters has three accented ones in a row (Polish excepted)."""
_SWAPPED: Final = re.compile(
    r"[a-zà-öø-ÿα-ωа-яё][A-ZÀ-ÖØ-ÞА-ЯΑ-Ω](?=[a-zà-öø-ÿα-ωа-яёA-ZÀ-ÖØ-ÞА-ЯΑ-Ω])"
)
_ODD_INSIDE: Final = re.compile(r"ς(?=\w)|[^\W\d_][¡-©«-¹»-¿×÷‚„†‡…‰‹›€™•∂∏∑√∞≈≤≥─-▟]+[^\W\d_]")
