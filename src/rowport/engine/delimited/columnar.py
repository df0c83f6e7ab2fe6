"""Clean records by the columnar reader: every cell as text, ragged records apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv

if TYPE_CHECKING:
    from rowport.engine.delimited.grammar import Grammar

_STAND_INS: Final = b"\x1f\x1e\x1d\x1c\x01\x02\x03\x04"


def single_byte(data: bytes, grammar: Grammar) -> tuple[bytes, bytes]:
    """Put one byte in the place of a longer delimiter; the empty one if none is free."""
    delimiter = grammar.delimiter
    is_escaped = grammar.escape is not None and grammar.escape in data
    if is_escaped and (len(delimiter) > 1 or grammar.skips_space):
        return data, b""
    if len(delimiter) == 1 and not grammar.skips_space:
        return data, delimiter
    one = delimiter
    if len(delimiter) > 1:
        one = next((bytes([byte]) for byte in _STAND_INS if byte not in data), b"")
    if not one:
        return data, b""

    def replaced(part: bytes) -> bytes:
        part = part.replace(delimiter, one)
        return part.replace(one + b" ", one) if grammar.skips_space else part

    if grammar.quote is None:
        return replaced(data), one
    parts = data.split(grammar.quote)
    parts[::2] = [replaced(part) for part in parts[::2]]
    return grammar.quote.join(parts), one


def read_text(
    data: bytes,
    grammar: Grammar,
    delimiter: bytes,
    columns: int,
    ragged: list[pyarrow.csv.InvalidRow],
) -> pa.Table:
    """Read clean records as strings; those with too many or too few cells go to `ragged`.

    Raises:
        pa.ArrowInvalid: the reader cannot take them apart.
    """

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    names = column_names(columns)
    quote = grammar.quote
    return pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=len(data) + 1, column_names=names
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter.decode(),
            quote_char=quote.decode() if quote else False,
            escape_char=grammar.escape.decode() if grammar.escape else False,
            # It only matters where Arrow has to cut; here all is one block, and it costs a quarter.
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )


def column_names(columns: int) -> list[str]:
    """Name columns by their place."""
    return [str(number) for number in range(columns)]
