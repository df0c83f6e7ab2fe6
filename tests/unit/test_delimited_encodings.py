"""Which encoding a text is in."""

# ruff: noqa: RUF001  foreign letters are the subject

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.delimited.encodings import Encoding, named
from rowport.engine.delimited.records import line_ends
from rowport.engine.delimited.signatures import seems_to_be
from rowport.engine.delimited.sniffing import given_encoding, guess_encoding
from rowport.engine.delimited.wide import wide_encoding

TEXTS = [
    ("cp1252", "Zoë Café Müller naïve – “smart” €"),
    ("cp1252", "Señor Ñandú’s"),
    ("cp1250", "Zażółć gęślą jaźń, Łódź"),
    ("cp1250", "Příliš žluťoučký kůň"),
    ("cp1251", "Анастасия Иванова улица"),
    ("koi8-r", "Анастасия Иванова улица"),
    ("cp866", "Анастасия Иванова улица"),
    ("cp1253", "Γιώργος Παπαδόπουλος οδός"),
    ("cp1254", "İstanbul Şişli Beşiktaş"),
    ("cp1256", "مرحبا بالعالم القاهرة شارع"),
    ("cp874", "กรุงเทพมหานคร ประเทศไทย"),
    ("cp932", "株式会社田中表商店能"),
    ("euc_jp", "ありがとう東京都"),
    ("gb18030", "北京有限公司"),
    ("big5", "臺灣有限公司 測試"),
    ("cp949", "서울특별시 강남구"),
    ("utf-8", "naïve 王"),
]


def csv_of(text: str, *, every: int) -> str:
    cells = [text if number % every == 0 else "plain" for number in range(40)]
    return "".join(f"{number},{cell},{number * 2}\n" for number, cell in enumerate(cells))


@pytest.mark.parametrize(("codec", "text"), TEXTS)
@pytest.mark.parametrize("every", [1, 20])
def test_a_legacy_encoding_is_recognised_by_the_words_it_makes(
    codec: str, text: str, every: int
) -> None:
    wanted = csv_of(text, every=every)
    data = wanted.encode(codec)
    assert data.decode(guess_encoding([data]).encoding.name) == wanted


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_recognised_with_and_without_a_mark(codec: str) -> None:
    data = csv_of("Zoë 王", every=2).encode(codec)
    assert guess_encoding([data]).encoding.name == codec
    marked = guess_encoding(["\ufeff".encode(codec) + data])
    assert (marked.encoding.name, marked.bom_bytes) == (codec, len("\ufeff".encode(codec)))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "姓名,城市,备注\r\n张伟,北京,这是一个测试\r\n李娜,上海,很好\r\n",
        "名前,都市\r\n田中太郎,東京\r\nJohn,ﾊﾝｶｸ\r\n",
        "이름,도시\n김철수,서울\n이영희,부산\n",
        "Имя,Город\nИван Петров,Москва\nМария,Омск\n",
        "שם,עיר\nדוד כהן,תל אביב\n",
    ],
)
def test_wide_encodings_of_foreign_letters_need_no_mark(codec: str, text: str) -> None:
    data = text.encode(codec)
    assert guess_encoding([data]).encoding.name == codec
    assert seems_to_be(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x\0y\n2,z\n",
        b"name\0\0\0,b\0\0\0\nAnn\0\0\0\0,1\0\0\0\n",
        "naïve,b\nüber\0,1\n".encode(),
        "naïve,b\n\0über,é\n".encode("cp1252"),
    ],
)
def test_zero_bytes_in_narrow_text_make_no_wide_encoding(data: bytes) -> None:
    assert wide_encoding(data) is None


def test_numbers_in_binary_are_no_wide_text() -> None:
    data = b"".join(number.to_bytes(2, "little") for number in range(3000))
    assert wide_encoding(data) is None


def test_a_single_odd_character_is_taken_for_the_most_usual_encoding() -> None:
    assert guess_encoding(["a,b\n1,©\n".encode("cp1252")]).encoding.name == "cp1252"


def test_a_few_bad_bytes_do_not_make_utf8_another_encoding() -> None:
    data = csv_of("naïve 王", every=1).encode() + b"41,caf\xe9,82\n"
    guess = guess_encoding([data])
    assert guess.encoding.is_utf8
    assert guess.confidence < 1


@pytest.mark.parametrize("codec", ["cp1252", "cp932"])
@pytest.mark.parametrize("step", [1, -1])
def test_a_file_that_changes_encoding_half_way_is_utf8_with_errors(codec: str, step: int) -> None:
    text = {"cp1252": "Müller é", "cp932": "名前"}[codec]
    halves = [csv_of(text, every=1).encode(code) for code in ("utf-8", codec)]
    guess = guess_encoding([b"".join(halves[::step])])
    assert guess.encoding.is_utf8
    assert guess.confidence < 0.8


def test_legacy_words_that_happen_to_be_utf8_change_no_encoding() -> None:
    rows = ["id,name,sex"] + [f"{n},Li,{'女' if n < 20 else '男'}" for n in range(40)]
    assert not guess_encoding(["\n".join(rows).encode("gb18030")]).encoding.is_utf8


def test_a_mark_of_the_encoding_that_was_given_is_no_text() -> None:
    assert given_encoding("utf-8", b"\xef\xbb\xbfid").bom_bytes == 3
    assert given_encoding("utf-16-le", b"\xfe\xff\x00i").encoding.name == "utf-16-be"
    assert given_encoding("cp1252", b"\xef\xbb\xbfid").bom_bytes == 0


def test_only_text_encodings_have_a_name() -> None:
    assert named("Latin-1").name == "iso8859-1"
    for name in ("rot13", "base64", "klingon"):
        with pytest.raises(LookupError):
            named(name)


@given(
    data=st.binary(max_size=60),
    name=st.sampled_from(
        ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp932", "gb18030", "big5", "euc_jp"]
    ),
)
def test_every_line_end_of_the_file_is_one_of_its_text(data: bytes, name: str) -> None:
    encoding = Encoding(name=name)
    text = encoding.to_utf8(data)
    assert len(line_ends(text, is_final=True)) == len(encoding.line_ends(data, is_final=True))


@given(text=st.text(st.sampled_from("a\r\n\x85\u2028é")))
def test_lines_are_where_python_sees_them(text: str) -> None:
    data = text.encode()
    lines = data.splitlines(keepends=True)
    assert line_ends(data, is_final=True).tolist() == [
        sum(map(len, lines[: number + 1])) for number in range(len(lines))
    ]
