"""The parser of Parquet, as a process: `python -m` it with a request, the file on stdin."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from rowport.sandbox.confinement import DAMAGED, OUT_OF_MEMORY, confine

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROBE_ROWS: Final = 64
_BATCH_BYTES: Final = 4 * 1024 * 1024
"""About so much a batch takes: pages of long texts are not piled up."""
_BUFFER_BYTES: Final = 64 * 1024
"""Of each column: without a buffer, a column of a row group is read at once."""
_TOLD_BYTES: Final = 1000
_DAMAGE: Final = (pa.ArrowException, OSError, ValueError)


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.argv[1])
    confine(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
    pa.set_cpu_count(1)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        try:
            _answer(request, out)
        except MemoryError:  # Arrow's is one
            os._exit(OUT_OF_MEMORY)
        except _DAMAGE as error:
            os.write(sys.stderr.fileno(), f"Parquet: {error}".encode()[:_TOLD_BYTES])
            os._exit(DAMAGED)
    os._exit(0)


def _answer(request: Mapping[str, Any], out: Any) -> None:  # noqa: ANN401  a file that Arrow takes
    try:
        source = pa.PythonFile(sys.stdin.buffer, mode="r")
        file = pq.ParquetFile(source, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        facts = _facts(file)
        schema = _plain_schema(file.schema_arrow) if request["rows"] else pa.schema([])
    except MemoryError:
        raise
    except _DAMAGE as error:
        _refuse(out, f"The file is no readable Parquet file: {error}")
        return
    _write(file, schema.with_metadata({"facts": json.dumps(facts)}), request["rows"], out)


def _facts(file: pq.ParquetFile) -> dict[str, Any]:
    schema = file.schema_arrow
    return {
        "names": schema.names,
        "rows": file.metadata.num_rows,
        "row_groups": file.metadata.num_row_groups,
        "types": [str(field.type) for field in schema],
        "written_by": file.metadata.created_by,
    }


def _write(file: pq.ParquetFile, schema: pa.Schema, rows: int, out: Any) -> None:  # noqa: ANN401  as above
    with pa.ipc.new_stream(out, schema) as writer:
        if not rows:
            return
        for group in range(file.num_row_groups):
            row_bytes = _row_bytes(file, group)
            size = max(1, min(rows, _BATCH_BYTES // row_bytes))
            for found in file.iter_batches(size, row_groups=[group], use_threads=False):
                batch = _plain(found)
                step = max(1, batch.num_rows // (1 + batch.nbytes // _BATCH_BYTES))
                for begin in range(0, batch.num_rows, step):
                    writer.write_batch(batch.slice(begin, step))


def _row_bytes(file: pq.ParquetFile, group: int) -> int:
    """Give about what a row takes: as the file says, or as its first rows show if that is more."""
    metadata = file.metadata.row_group(group)
    told = int(metadata.total_byte_size) // max(1, int(metadata.num_rows))
    for found in file.iter_batches(_PROBE_ROWS, row_groups=[group], use_threads=False):
        shown = int(_plain(found).nbytes) // max(1, int(found.num_rows))
        return max(1, told, shown)
    return max(1, told)


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    kinds = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in schema.types]
    return pa.schema(list(zip(schema.names, kinds, strict=True)))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Write dictionaries out, so that it shows how large a batch is."""
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.record_batch(columns, schema=_plain_schema(batch.schema))


def _refuse(out: Any, why: str) -> None:  # noqa: ANN401  as above
    with pa.ipc.new_stream(out, pa.schema([], metadata={"refused": why})):
        pass


if __name__ == "__main__":
    main()
