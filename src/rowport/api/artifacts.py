"""`/v1/imports/{id}/artifacts/...`: what an import leaves, as files."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from rowport.api.answers import as_file
from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import PATH, explained, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import Invalid, NotFound
from rowport.model.outcomes import Outcome, RowOutcome
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import error_group_resource, import_resource, row_resource

ORIGINAL: Final = "original"
MOST_DIGITS: Final = 6
LOADED: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED})
WANTED: Final = {
    "failed.json": frozenset({Outcome.FAILED}),
    "succeeded.json": LOADED,
    "unprocessed.json": frozenset({Outcome.PENDING}),
}
REPORT: Final = "report.json"
TABLES: Final = ("failed.csv", "failed.xlsx")
ARTIFACTS: Final = (ORIGINAL, *TABLES, *WANTED, REPORT)


@get(PATH + "/{import_id:str}/artifacts/{artifact:str}", opt={"scope": Scope.IMPORT_READ})
async def get_artifact(
    request: Request[Any, Any, Any],
    desk: GivenDesk,
    import_id: FromPath[str],
    artifact: FromPath[str],
) -> Stream:
    """Give a file that an import was made of or leaves."""
    words = frozenset({"file"}) if artifact == ORIGINAL else frozenset[str]()
    said = refuse_unknown(request, words)
    identity = read_id(import_id)
    if artifact == ORIGINAL:
        number = _number(said.get("file", "1"))
        name, parts = await asyncio.to_thread(
            desk.services.imports.original, desk.organization_id, identity, number
        )
        return as_file(parts, form=ORIGINAL, file_name=name)
    make = _maker(desk, identity, artifact)
    parts = await asyncio.to_thread(make)
    form = artifact.rpartition(".")[2]
    return as_file(parts, form=form, file_name=f"{identity}-{artifact}")


def _maker(desk: Desk, import_id: UUID, artifact: str) -> Callable[[], Iterator[bytes]]:
    """Give what makes the file; it refuses at once what cannot be made."""
    services, organization_id = desk.services, desk.organization_id
    if artifact in TABLES:
        form = artifact.rpartition(".")[2]
        return lambda: services.artifacts.failed_rows(organization_id, import_id, form)
    if artifact == REPORT:
        return lambda: iter([_report(desk, import_id)])
    if artifact in WANTED:
        wanted = WANTED[artifact]
        [only] = wanted if len(wanted) == 1 else [None]
        find = services.rows.outcomes
        return lambda: _json(find(organization_id, import_id, outcome=only), wanted)
    raise NotFound(f"There is no artifact {artifact[:60]!r}. There are: {', '.join(ARTIFACTS)}.")


def _json(rows: Iterator[RowOutcome], wanted: frozenset[Outcome]) -> Iterator[bytes]:
    """Write rows as one JSON array, a line each, however many there are."""
    rows = (row for row in rows if row.outcome in wanted)
    first = next(rows, None)
    if first is None:
        yield b"[]\n"
        return
    yield b"[" + msgspec.json.encode(row_resource(first))
    for row in rows:
        yield b",\n" + msgspec.json.encode(row_resource(row))
    yield b"]\n"


def _report(desk: Desk, import_id: UUID) -> bytes:
    groups = desk.services.rows.error_groups(desk.organization_id, import_id)
    return msgspec.json.encode(
        {
            "import": import_resource(explained(desk, import_id)),
            "errors": [error_group_resource(group) for group in groups],
        }
    )


def _number(said: str) -> int:
    if not (said.isascii() and said.isdigit() and 1 <= len(said) <= MOST_DIGITS):
        raise Invalid("file is the number of a file, from 1")
    return int(said)
