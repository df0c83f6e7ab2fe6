"""Arrow columns as PostgreSQL's binary COPY takes them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pgpq.encoders
import pgpq.schema
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg.types.numeric import DecimalBinaryDumper

from rowport.destinations.postgres.columns import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pgpq._pgpq import EncoderBuilder

_DECIMAL_DIGITS: Final = 38
_SLICE_ROWS: Final = 8192
"""Rows encoded at once: the server reads one slice while the next is encoded."""
_PLAIN_NUMBER: Final = r"^[+-]?[0-9]+(\.[0-9]+)?$"


def encodable(values: pa.ChunkedArray, sql_type: SqlType) -> pa.ChunkedArray:
    """Give the values in the Arrow type whose encoding is the column's wire format.

    Raises:
        pyarrow.ArrowInvalid: a value cannot be held by the column's type without loss.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return _ENCODABLE[sql_type](values)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values if _is_text(values.type) else values.cast(pa.large_string())


def _to(kind: pa.DataType) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    def cast(values: pa.ChunkedArray) -> pa.ChunkedArray:
        return values if values.type == kind else values.cast(kind)

    return cast


def _timestamp(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # PostgreSQL keeps instants; a time without zone is taken as UTC.
    if pa.types.is_timestamp(values.type) and values.type.tz is None:
        values = values.cast(pa.timestamp("us")).cast(pa.int64())
    return values.cast(pa.timestamp("us", "UTC"))


def _json(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if _is_text(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.large_string())
    texts = [None if v is None else json.dumps(v, default=str) for v in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def _numeric(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_decimal128(kind) and kind.scale >= 0:
        return values
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return values.cast(pa.decimal128(_DECIMAL_DIGITS, 0))
    if _is_text(kind):
        return _numeric_from_text(values.cast(pa.large_string()))
    if pa.types.is_decimal(kind):
        try:
            return values.cast(pa.decimal128(_DECIMAL_DIGITS, max(kind.scale, 0)))
        except pa.ArrowInvalid:
            return _numeric_one_by_one(values)
    return _numeric_from_text(values.cast(pa.large_string()))


def _numeric_from_text(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take numbers from text: all at once where decimal128 holds them."""
    if not pc.all(pc.match_substring_regex(texts, _PLAIN_NUMBER), min_count=0).as_py():
        return _numeric_one_by_one(texts)
    point = pc.find_substring(texts, ".")
    length = pc.binary_length(texts)
    whole = pc.max(pc.if_else(pc.less(point, 0), length, point)).as_py() or 0
    after = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(length, point), 1))
    scale = pc.max(after).as_py() or 0
    # Arrow's cast wraps around in silence past 38 digits (seen with pyarrow 26).
    if whole + scale > _DECIMAL_DIGITS:
        return _numeric_one_by_one(texts)
    return texts.cast(pa.string()).cast(pa.decimal128(_DECIMAL_DIGITS, scale))


def _numeric_one_by_one(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Encode numbers past 38 digits, NaN, infinities and exponents; binary is sent as it is."""
    dumper = DecimalBinaryDumper(Decimal)
    wire = [
        None if value is None else bytes(dumper.dump(Decimal(value)) or b"")
        for value in values.to_pylist()
    ]
    return pa.chunked_array([pa.array(wire, pa.large_binary())])


_ENCODABLE: Final[dict[SqlType, Callable[[pa.ChunkedArray], pa.ChunkedArray]]] = {
    SqlType.TEXT: _text,
    SqlType.BIGINT: _to(pa.int64()),
    SqlType.NUMERIC: _numeric,
    SqlType.BOOLEAN: _to(pa.bool_()),
    SqlType.DATE: _to(pa.date32()),
    SqlType.TIMESTAMPTZ: _timestamp,
    SqlType.TIME: _to(pa.time64("us")),
    SqlType.JSONB: _json,
}


def encode(table: pa.Table, json_columns: frozenset[str] = frozenset()) -> Iterator[bytes]:
    """Yield the table as a binary COPY stream; `json_columns` (text) go as jsonb."""
    # pgpq wants one name for each column, and ours may be anything: number them.
    is_json = [name in json_columns for name in table.column_names]
    schema = pa.schema([pa.field(str(at), kind) for at, kind in enumerate(table.schema.types)])
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(schema, _encoders(schema, is_json))
    yield encoder.write_header()
    for batch in table.rename_columns(schema.names).to_batches(max_chunksize=_SLICE_ROWS):
        yield encoder.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    yield encoder.finish()


def _encoders(schema: Any, is_json: list[bool]) -> Mapping[str, EncoderBuilder]:  # noqa: ANN401  pyarrow has no types
    return {
        field.name: (
            pgpq.encoders.LargeStringEncoderBuilder.new_with_output(field, pgpq.schema.Jsonb())
            if as_json
            else ArrowToPostgresBinaryEncoder.infer_encoder(field)
        )
        for field, as_json in zip(schema, is_json, strict=True)
    }
