"""From samples of a file to its layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.engine.delimited.detection import judge, records, separator_line
from rowport.engine.delimited.encodings import UTF8, Encoding
from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.heading import heading
from rowport.engine.delimited.records import line_ends
from rowport.engine.delimited.shape import RecordShape
from rowport.engine.delimited.sniffing import given_encoding, guess_encoding
from rowport.model.errors import EmptyFile, InvalidOptions
from rowport.ports import FormatLayout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.delimited.detection import Judgement
    from rowport.engine.delimited.heading import Heading
    from rowport.engine.delimited.options import DelimitedOptions
    from rowport.engine.delimited.sniffing import EncodingGuess

_SHOWN_PREAMBLE: Final = 10


def find_layout(
    samples: Sequence[bytes], given: DelimitedOptions, *, is_whole: bool
) -> FormatLayout:
    """Find how to read a file from samples, the first of which is its beginning.

    Raises:
        EmptyFile: there is nothing in it.
        InvalidOptions: an option cannot be right for this file.
    """
    guess = _encoding(samples, given)
    raw = samples[0][guess.bom_bytes :]
    if not is_whole:
        ends = guess.encoding.line_ends(raw, is_final=False)
        raw = raw[: int(ends[-1])] if len(ends) else raw
    text = guess.encoding.to_utf8(raw)
    marked = separator_line(text)
    skipped = marked[1] if marked else 0
    body = text[skipped:]
    judged = judge(
        body,
        delimiter=given.delimiter or (marked[0] if marked else None),
        quote=given.quote,
        escape=given.escape,
    )
    found = heading(
        records(body, judged.grammar),
        header_line=_line_below(given.header_row, skipped=bool(marked)),
        has_header=given.has_header,
    )
    if found is None:
        if given.header_row is not None:
            raise InvalidOptions(f"There is no header on line {given.header_row}.")
        raise EmptyFile("The file is empty: it holds no header and no row.")
    above = text[: skipped + found.data_begin]
    lines = len(line_ends(above, is_final=True))
    raw_ends = guess.encoding.line_ends(raw, is_final=True)
    begin = guess.bom_bytes + (int(raw_ends[lines - 1]) if lines else 0)
    return _layout(guess, judged, found, begin=begin, lines=lines, skipped=bool(marked))


def _encoding(samples: Sequence[bytes], given: DelimitedOptions) -> EncodingGuess:
    if given.encoding is not None:
        return given_encoding(given.encoding, samples[0])
    return guess_encoding(samples)


def _line_below(header_row: int | None, *, skipped: bool) -> int | None:
    return None if header_row is None else header_row - int(skipped)


def _layout(
    guess: EncodingGuess,
    judged: Judgement,
    found: Heading,
    *,
    begin: int,
    lines: int,
    skipped: bool,
) -> FormatLayout:
    grammar = judged.grammar
    names = tuple(f"column_{number}" for number in range(1, found.columns + 1))
    return FormatLayout(
        format="csv",
        header=found.header if found.header is not None else names,
        options={
            "encoding": guess.encoding.name,
            "delimiter": grammar.delimiter.decode(),
            "quote": (grammar.quote or b"").decode(),
            "escape": (grammar.escape or b"").decode(),
            "skip_initial_space": grammar.skips_space,
            "has_header": found.header is not None,
            "header_rows": found.header_rows,
            "header_row": found.line + int(skipped) if found.header is not None else None,
            "has_trailing_delimiter": found.has_trailing_delimiter,
            "data_begin": begin,
            "data_line": lines + 1,
        },
        evidence={
            "encoding": guess.reason,
            "encoding_confidence": guess.confidence,
            "delimiter_confidence": round(judged.score, 3),
            "columns_in_sample": judged.columns,
            "separator_line": skipped,
            "preamble": list(found.preamble[:_SHOWN_PREAMBLE]),
        },
        confidence=round(min(guess.confidence, max(0.0, judged.score)), 3),
    )


def shape_of(layout: FormatLayout) -> RecordShape:
    """Give what the records of a file with this layout look like."""
    options = layout.options
    quote = str(options["quote"]).encode()
    escape = str(options["escape"]).encode()
    return RecordShape(
        grammar=Grammar(
            delimiter=str(options["delimiter"]).encode(),
            quote=quote or None,
            escape=escape or None,
            skips_space=bool(options.get("skip_initial_space")),
        ),
        encoding=Encoding(name=str(options.get("encoding", UTF8))),
        columns=len(layout.header),
        has_trailing_delimiter=bool(options.get("has_trailing_delimiter")),
    )
