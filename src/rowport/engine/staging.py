"""A parsed chunk as one columnar value, for files that cannot be cut by bytes."""

from __future__ import annotations

import json
from dataclasses import asdict

import pyarrow as pa

from rowport.ports import BrokenRow, ParsedChunk


def freeze(chunk: ParsedChunk) -> bytes:
    """Give the chunk as an Arrow IPC stream, compressed."""
    broken = json.dumps([asdict(b) for b in chunk.broken])
    table = chunk.cells.append_column("row", chunk.row).append_column("line", chunk.line)
    table = table.replace_schema_metadata({"broken": broken})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def thaw(value: bytes) -> ParsedChunk:
    """Give the chunk back."""
    table = pa.ipc.open_stream(pa.BufferReader(value)).read_all()
    broken = json.loads(table.schema.metadata[b"broken"])
    return ParsedChunk(
        cells=table.drop_columns(["row", "line"]).replace_schema_metadata(None),
        row=table["row"].combine_chunks(),
        line=table["line"].combine_chunks(),
        broken=tuple(BrokenRow(**{**b, "cells": tuple(b["cells"])}) for b in broken),
    )
