"""Find delimiter, quote and header of a delimited text from a sample of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.tokenizer import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CANDIDATES: Final = (b",", b";", b"\t", b"|", b":", b" ", b"^", b"~", b"\x01", b"\x1f", b"#", b"&")
_WEIGHT: Final = {b" ": 0.7, b":": 0.7, b"#": 0.8, b"&": 0.8, b"^": 0.95, b"~": 0.95}
"""Characters that text is full of have to explain more to be believed."""
_SEP_LINE: Final = re.compile(rb'\s*"?sep=(.)"?[ ]*(\r\n|\n|\r|$)', re.IGNORECASE)
_MAX_RECORDS: Final = 400
_MAX_PREAMBLE: Final = 60
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
    for candidate in [delimiter] if delimiter else [c for c in CANDIDATES if c in sample]:
        for mark in [quote] if quote is not None else _quotes(sample):
            for slash in [escape] if escape is not None else _escapes(sample, mark):
                grammar = Grammar(delimiter=candidate, quote=mark or None, escape=slash or None)
                judged = _judged(sample, grammar)
                if judged and (best is None or judged.score > best.score + 1e-9):
                    best = judged
    if best is None:
        grammar = Grammar(
            delimiter=delimiter or b",",
            quote=b'"' if quote is None else quote or None,
            escape=escape or None,
        )
        return Judgement(grammar=grammar, score=1.0, columns=1)
    return best


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
    if not found:
        return None
    widths = Counter(len(r.cells) for r in found)
    columns, hits = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if columns < 2:  # noqa: PLR2004  one column needs no delimiter
        return None
    cells = [cell for r in found if len(r.cells) == columns for cell in r.cells]
    quote = (grammar.quote or b"").decode()
    odd = sum(1 for cell in cells if _is_odd(cell)) / len(cells)
    score = hits / len(found) * (1 - odd) * (1 - 1 / (columns + 0.5))
    score *= _WEIGHT.get(grammar.delimiter, 1.0)
    if quote == "'":
        is_used = re.search(rb"(^|[,;\t|])'[^'\r\n]*'([,;\t|]|\r|\n|$)", sample)
        score *= 1.02 if is_used else 0.9
    if grammar.escape:
        score *= 1.01
    return Judgement(grammar=grammar, score=score, columns=columns)


def _is_odd(cell: str) -> bool:
    return cell.startswith(('"', " ")) or cell.endswith('"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Where the header stands and what is above it."""

    header: tuple[str, ...] | None
    """None: the first record is data already."""
    columns: int
    line: int
    """1-based physical line of the header, or of the first data row if there is none."""
    data_begin: int
    """Offset in the sample of what follows the header."""
    data_line: int
    preamble: tuple[str, ...]
    has_trailing_delimiter: bool


def heading(
    found: Sequence[SampleRecord], *, header_line: int | None, has_header: bool | None
) -> Heading | None:
    """Find the header among the first records; None if there is no record with content."""
    filled = [r for r in found if any(r.cells)]
    if not filled:
        return None
    widths = Counter(len(r.cells) for r in filled)
    columns = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    first = _first_record(filled, columns, header_line)
    if first is None:
        return None
    at = filled.index(first)
    rows = filled[at + 1 :]
    is_header = has_header if has_header is not None else _looks_like_header(first, rows)
    cells = first.cells
    data = rows if is_header else filled[at:]
    wanted = len(cells) if is_header else columns
    trailing = _trailing_delimiter(data, wanted, is_header=is_header)
    if not is_header and trailing:
        wanted -= 1
    after = found[found.index(first) + 1] if found.index(first) + 1 < len(found) else None
    return Heading(
        header=cells if is_header else None,
        columns=wanted,
        line=first.line,
        data_begin=first.end if is_header else first.begin,
        data_line=(after.line if after else first.line + 1) if is_header else first.line,
        preamble=tuple(" ".join(r.cells).strip() for r in filled[:at]),
        has_trailing_delimiter=trailing,
    )


def _first_record(
    filled: Sequence[SampleRecord], columns: int, header_line: int | None
) -> SampleRecord | None:
    if header_line is not None:
        return next((r for r in filled if r.line == header_line), None)
    for record in filled[:_MAX_PREAMBLE]:
        is_short = record.filled <= max(1, columns // 3)
        if not is_short or (len(record.cells) == columns and columns <= 2):  # noqa: PLR2004
            return record
    return filled[0]


def _trailing_delimiter(rows: Sequence[SampleRecord], wanted: int, *, is_header: bool) -> bool:
    """Say whether every data row ends with a delimiter that begins no cell."""
    if not rows or not is_header:
        return False
    return all(len(r.cells) == wanted + 1 and not r.cells[-1] for r in rows)


_DATA: Final = re.compile(
    r"[-+(]?[$€£]?[ ]?\d[\d.,' ]*[%)]?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ][\d:.Z+-]*)?"
    r"|[^@\s]+@[^@\s]+\.[^@\s]+"
)
_YEAR: Final = re.compile(r"(19|20)\d\d")
_MIN_ROWS: Final = 2


def _looks_like_header(first: SampleRecord, rows: Sequence[SampleRecord]) -> bool:
    """Doubt a header only if it holds data in columns whose other cells are data too."""
    same = [r for r in rows if len(r.cells) == len(first.cells)]
    if len(same) < _MIN_ROWS:
        return True
    for_header = against = 0
    for number, cell in enumerate(first.cells):
        others = [r.cells[number] for r in same if r.cells[number]]
        share = sum(1 for other in others if _DATA.fullmatch(other)) / max(1, len(others))
        if share > 0.9 and others:  # noqa: PLR2004  nearly all
            if not _DATA.fullmatch(cell):
                for_header += bool(cell)
            elif not _YEAR.fullmatch(cell):
                against += 1
    return against <= for_header
