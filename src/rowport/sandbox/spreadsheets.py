"""The parser of XLS, XLSB and ODS, as a process: `python -m` it with a request, the file on stdin.

A cell comes back as text (column `s<n>`), as a float if it may be a number (`f<n>`), and in the
words of the reader where it is neither (`d<n>`): dates, durations and error values.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc

from rowport.sandbox.archive import Damaged, checked, is_encrypted
from rowport.sandbox.confinement import OUT_OF_MEMORY, confine

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOMENT: Final = r"^-?\d{4,}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"
_NUMBER: Final = r"^-?\d+(\.\d+)?$"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_MAX_COLUMNS: Final = 16_384
"""The reader leaves out what stands behind them."""
_BUT_GOT: Final = " but got '"


class Refused(Exception):
    """The file cannot be read, and why."""


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.argv[1])
    confine(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
    logging.disable()  # the reader warns of each cell
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    try:
        _answer(request, out)
        out.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Refused as refused:
        schema = pa.schema([], metadata={"refused": str(refused)})
        with pa.ipc.new_stream(out, schema):
            pass
        out.flush()
    os._exit(0)  # nothing is worth tidying up, and a damaged heap might not survive it


def _answer(request: Mapping[str, Any], out: Any) -> None:  # noqa: ANN401  a file that Arrow takes
    book = _called("The file is no readable spreadsheet", fastexcel.read_excel, _data())
    names = list(book.sheet_names)
    name, sheet = _chosen(book, names, request["sheet"], request["rows"])
    facts = {"sheets": names, "sheet": name}
    table = pa.table({})
    if name is not None:
        texts = sheet.to_arrow_with_errors()
        del sheet  # it holds every cell
        table = _cells(book, name, texts, request["rows"])
    del book
    schema = table.schema.with_metadata({"facts": json.dumps(facts)})
    with pa.ipc.new_stream(out, schema) as writer:
        size = request["batch_rows"]
        for begin in range(0, table.num_rows, size):
            writer.write_table(table.slice(begin, size))


def _data() -> bytes:
    data = sys.stdin.buffer.read()
    is_archive = data.startswith(b"PK")
    if is_encrypted(data) if is_archive else _ENCRYPTED in data:
        raise Refused("The spreadsheet is encrypted: remove its password.")
    try:
        return checked(data) if is_archive else data
    except Damaged as damaged:
        raise Refused(f"The spreadsheet is damaged: {damaged}.") from damaged


def _chosen(
    book: Any,  # noqa: ANN401  fastexcel's reader
    names: list[str],
    wanted: object,
    rows: int | None,
) -> tuple[str | None, Any]:
    """Give the sheet wanted, or the first with a cell: a hidden one if no other has any."""
    if wanted is not None:
        name = _named(names, wanted)
        return name, None if name is None else _loaded(book, name, rows, "string")
    hidden = None
    for name in names:
        sheet = _loaded(book, name, rows, "string")
        if sheet.width and sheet.visible == "visible":
            return name, sheet
        if sheet.width and hidden is None:
            hidden = name
    return hidden, None if hidden is None else _loaded(book, hidden, rows, "string")


def _named(names: list[str], wanted: object) -> str | None:
    """Give the sheet of a name or 1-based number; None if there is none."""
    if isinstance(wanted, str):
        return wanted if wanted in names else None
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    return None


def _cells(
    book: Any,  # noqa: ANN401  fastexcel's reader
    name: str,
    texts: tuple[pa.RecordBatch, Any],
    rows: int | None,
) -> pa.Table:
    strings, odd = texts
    places = range(strings.num_columns)
    if len(places) >= _MAX_COLUMNS:
        raise Refused(f"The sheet {name!r} has {_MAX_COLUMNS:,} columns or more.")
    details: dict[int, list[str | None]] = {}
    _collect(details, odd, strings.num_rows)
    dated = [n for n in places if _any(strings.column(n), _MOMENT)]
    numeric = [n for n in places if n not in dated and _any(strings.column(n), _NUMBER)]
    floats: dict[int, pa.Array] = {}
    if dated:
        found, odd = _loaded(book, name, rows, "float", dated).to_arrow_with_errors()
        _collect(details, odd, strings.num_rows)
        floats |= dict(zip(dated, found.columns, strict=True))
    if numeric:
        found = _loaded(book, name, rows, "float", numeric).to_arrow()
        floats |= dict(zip(numeric, found.columns, strict=True))
    columns = {}
    for n in places:
        columns[f"s{n}"] = strings.column(n)
        if n in floats:
            columns[f"f{n}"] = floats[n]
        if n in details:
            columns[f"d{n}"] = pa.array(details[n], pa.string())
    return pa.table(columns)


def _loaded(
    book: Any,  # noqa: ANN401  fastexcel's reader
    name: str,
    rows: int | None,
    kind: str,
    columns: list[int] | None = None,
) -> Any:  # noqa: ANN401  fastexcel's sheet
    return _called(
        f"The sheet {name!r} cannot be read",
        book.load_sheet,
        name,
        header_row=None,
        skip_rows=0,
        n_rows=rows,
        dtypes=kind,
        use_columns=columns,
        schema_sample_rows=None,
    )


def _collect(details: dict[int, list[str | None]], errors: Any, rows: int) -> None:  # noqa: ANN401  fastexcel's
    """Note what the reader says of the cells that are not of the type it was asked for."""
    for error in errors.errors if errors is not None else ():
        detail = error.detail.partition(_BUT_GOT)[2].removesuffix("'")
        if not detail.startswith("String("):
            row, column = error.position
            details.setdefault(column, [None] * rows)[row] = detail


def _any(column: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())


def _called(what: str, function: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  any of fastexcel's
    """Call the reader; what it raises, a panic in its Rust code included, is a refusal."""
    try:
        return function(*args, **options)
    except MemoryError:
        raise
    except fastexcel.FastExcelError as error:
        raise Refused(f"{what}: {str(error).partition(chr(10))[0]}") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise Refused(f"{what}: it is damaged ({error}).") from error
        raise


if __name__ == "__main__":
    main()
