"""Find delimiter and quote of a delimited text from a sample of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rowport.engine.delimited.cells import is_data
from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.tokenizer import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CANDIDATES: Final = (b",", b";", b"\t", b"|", b":", b" ", b"^", b"~", b"\x01", b"\x1f", b"#", b"&")
_WEIGHT: Final = {b" ": 0.6, b":": 0.5, b"#": 0.6, b"&": 0.6, b"^": 0.8, b"~": 0.8}
"""Characters that text is full of have to explain more to be believed."""
_WEAK_CONSISTENCY: Final = 0.9
_LED_SHARE: Final = 0.6
_MIN_DOUBLED: Final = 3
_MIN_QUOTED: Final = 2
"""Quoted cells of a header, and of a record on average, that tell of the delimiter beside them."""
_ALL_QUOTED: Final = 0.9
"""The share of all quotes that have to be theirs."""
_MIN_SCORE: Final = 0.2
"""What explains less than this is no delimiter: the file has one column."""
_SEP_LINE: Final = re.compile(rb'\s*"?sep=(.)"?[ ]*(\r\n|\n|\r|$)', re.IGNORECASE)
_MAX_RECORDS: Final = 400
_MAX_JUDGED_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How well one grammar explains a sample."""

    grammar: Grammar
    score: float
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """One record of a sample and where it lies."""

    cells: tuple[str, ...]
    begin: int
    end: int
    line: int
    """1-based physical line on which it begins."""

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(1 for cell in self.cells if cell.strip())


def separator_line(sample: bytes) -> tuple[bytes, int] | None:
    """Give the delimiter that a leading `sep=` line names and the length of that line."""
    found = _SEP_LINE.match(sample)
    return (found.group(1), found.end()) if found else None


def records(sample: bytes, grammar: Grammar, *, limit: int = _MAX_RECORDS) -> list[SampleRecord]:
    """Take the first records of a sample apart."""
    return list(_records(sample, grammar, limit))


def _records(sample: bytes, grammar: Grammar, limit: int) -> Iterator[SampleRecord]:
    position = 0
    line = 1
    for _ in range(limit):
        if position >= len(sample):
            return
        record = scan(sample, position, grammar, is_final=True)
        if record is None:
            return
        cells = tuple(cell.decode("utf-8", "backslashreplace") for cell in record.cells)
        yield SampleRecord(cells=cells, begin=position, end=record.end, line=line)
        text = sample[position : record.end]
        line += text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
        position = record.end


def judge(
    sample: bytes, *, delimiter: bytes | None, quote: bytes | None, escape: bytes | None
) -> Judgement:
    """Give the grammar that explains the sample best; what is given stays as it is."""
    sample = _whole_lines(sample)
    best: Judgement | None = None
    for candidate in [delimiter] if delimiter else _candidates(sample):
        for mark in [quote] if quote is not None else _quotes(sample):
            for slash in [escape] if escape is not None else _escapes(sample, mark):
                grammar = Grammar(delimiter=candidate, quote=mark or None, escape=slash or None)
                judged = _judged(sample, grammar)
                if judged and (best is None or judged.score > best.score + 1e-9):
                    best = judged
    if best is None or (best.score < _MIN_SCORE and delimiter is None):
        grammar = Grammar(
            delimiter=delimiter or b",",
            quote=b'"' if quote is None else quote or None,
            escape=escape or None,
        )
        return Judgement(grammar=grammar, score=1.0, columns=1)
    return best


def _candidates(sample: bytes) -> list[bytes]:
    """Give the delimiters that occur; a character that is always doubled only as two."""
    found = [candidate for candidate in CANDIDATES if candidate in sample]
    doubled = [one for one in found if one not in b" \t" and _is_doubled(one, sample)]
    twos = [one * 2 for one in doubled]
    return twos + [one for one in found if one not in doubled]


def _is_doubled(one: bytes, sample: bytes) -> bool:
    twos = sample.count(one * 2)
    return twos >= _MIN_DOUBLED and twos * 2 == sample.count(one)


def _whole_lines(sample: bytes) -> bytes:
    if len(sample) <= _MAX_JUDGED_BYTES:
        return sample
    cut = sample[:_MAX_JUDGED_BYTES]
    end = max(cut.rfind(b"\n"), cut.rfind(b"\r"))
    return cut[: end + 1] if end > 0 else cut


def _quotes(sample: bytes) -> Iterator[bytes]:
    yield b'"'
    if b"'" in sample:
        yield b"'"


def _escapes(sample: bytes, quote: bytes) -> Iterator[bytes]:
    yield b""
    if quote and b"\\" + quote in sample:
        yield b"\\"


def _judged(sample: bytes, grammar: Grammar) -> Judgement | None:
    found = [r for r in records(sample, grammar) if any(r.cells)]
    if _leads_with_space(found) and not grammar.skips_space:
        return _judged(sample, replace(grammar, skips_space=True))
    if not found:
        return None
    widths = Counter(len(r.cells) for r in found)
    columns, hits = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if columns < 2:  # noqa: PLR2004  one column needs no delimiter
        return None
    consistency = hits / len(found)
    cells = [cell for r in found if len(r.cells) == columns for cell in r.cells]
    weight = _weight(sample, grammar, found, columns)
    if not weight:
        return None
    score = consistency * (1 - _odd_share(cells)) * (1 - 1 / (columns + 0.5)) * weight
    if grammar.quote == b"'":
        is_used = re.search(rb"(^|[,;\t|])'[^'\r\n]*'([,;\t|]|\r|\n|$)", sample)
        score *= 1.02 if is_used else 0.9
    if grammar.escape:
        score *= 1.01
    return Judgement(grammar=grammar, score=score, columns=columns)


def _leads_with_space(found: Sequence[SampleRecord]) -> bool:
    """Say whether one space follows most delimiters (quoted cells have lost theirs already)."""
    cells = [cell for r in found for cell in r.cells[1:] if cell]
    led = sum(1 for cell in cells if cell[0] == " " and cell[1:2] != " ")
    return led > 1 and led >= _LED_SHARE * len(cells)


def _weight(sample: bytes, grammar: Grammar, found: Sequence[SampleRecord], columns: int) -> float:
    """Give how much a delimiter's explanation counts; 0 for a character that is just text."""
    weight = _WEIGHT.get(grammar.delimiter)
    if weight is None or _stands_beside_quotes(sample, grammar, found, columns):
        return 1.0
    fitting = [r for r in found if len(r.cells) == columns]
    if len(fitting) < _WEAK_CONSISTENCY * len(found) or _parts_what_is_quoted(found):
        return 0.0
    data = sum(is_data(cell) for r in fitting for cell in r.cells)
    return weight if columns > 2 or 2 * data > columns * len(fitting) else 0.0  # noqa: PLR2004  two, as a sentence with one colon has


def _parts_what_is_quoted(found: Sequence[SampleRecord]) -> bool:
    """Say whether most records have a cell with but one end of something quoted."""
    torn = sum(1 for r in found if any(cell.count('"') % 2 for cell in r.cells))
    return torn > len(found) / 2


def _stands_beside_quotes(
    sample: bytes, grammar: Grammar, found: Sequence[SampleRecord], columns: int
) -> bool:
    """Say whether the quoted cells, of which header and rows have several, name the delimiter.

    They do where other cells hold the delimiter and nobody quoted them, so that records differ in
    width; prose that quotes a word now and then does not.
    """
    if not grammar.quote or len(found[0].cells) != columns:
        return False
    mark, delimiter = re.escape(grammar.quote), re.escape(grammar.delimiter)
    cell = b"M[^M\\r\\n]+M".replace(b"M", mark)
    quoted = re.compile(rb"(?m)(?:^|(?<=%b))%b(?=%b|\r|$)" % (delimiter, cell, delimiter))
    in_header = len(quoted.findall(sample, found[0].begin, found[0].end))
    in_all = len(quoted.findall(sample))
    is_usual = 2 * in_all >= _ALL_QUOTED * sample.count(grammar.quote)
    return is_usual and min(in_header, in_all / len(found)) >= _MIN_QUOTED


def _odd_share(cells: Sequence[str]) -> float:
    """Give the share of cells with a quote or a space left at one of their ends."""
    return sum(1 for cell in cells if cell.startswith(('"', " ")) or cell.endswith('"')) / len(
        cells
    )
