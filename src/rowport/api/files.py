"""`/v1/files/{link}`: download what a signed link opens; whoever has the link has the file."""

import asyncio
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from rowport.api.answers import as_file
from rowport.api.desk import Desk, GivenDesk
from rowport.api.guard import OPEN
from rowport.model.errors import NotFound
from rowport.service.links import Link

PATH: Final = "/v1/files"


@get([PATH + "/{link:str}", PATH + "/{link:str}/{name:path}"], opt=OPEN)
async def download(desk: GivenDesk, link: FromPath[str]) -> Stream:
    """Give a file; a name after the link is for people and programs that look at URLs."""
    opened = await asyncio.to_thread(desk.services.links.open, link)
    parts = await asyncio.to_thread(_parts, desk, opened)
    return as_file(parts, form=opened.form, file_name=opened.file_name)


def _parts(desk: Desk, link: Link) -> Iterator[bytes]:
    files = desk.services.artifacts
    match link.kind:
        case "failed-rows":
            return files.failed_rows(link.organization_id, UUID(link.subject), link.form)
        case "template":
            return files.template(link.organization_id, link.subject, link.form)
        case _:
            raise NotFound
