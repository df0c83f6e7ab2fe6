"""Signed links to templates and failed rows, named as MileApp names these files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from rowport.dialects.mileapp.facets import Facet, facet_of
from rowport.dialects.mileapp.present import Downloads, file_name, has_failed_file
from rowport.model.errors import ImportNotFound
from rowport.service.links import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.model.imports import Import
    from rowport.service.links import Links

FILES: Final = "/v1/files"
FORM: Final = "xlsx"
UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f/\\?%*:|"<>#]')
LONGEST_STEM: Final = 100


def downloads_of(jobs: Sequence[Import], links: Links, base_url: str) -> list[Downloads]:
    """Give where the files of each import can be had, for one look at the signing key."""
    wanted = [link for job in jobs for link in _links(job)]
    signed = iter(zip(wanted, links.sign_all(wanted), strict=True))
    return [
        Downloads(
            template=_url(base_url, *next(signed)),
            failed=_url(base_url, *next(signed)) if has_failed_file(job) else None,
        )
        for job in jobs
    ]


def template_name(facet: Facet) -> str:
    """Give the name of a template."""
    what = facet.name if facet.kind == "datasource" else f"{facet.kind}_import"
    return f"template_{_safe(what)}.{FORM}"


def failed_name(job: Import) -> str:
    """Give the name of the file of an import's failed rows."""
    return f"failed_{_safe(PurePosixPath(file_name(job)).stem)}_{job.oid}.{FORM}"


def _links(job: Import) -> list[Link]:
    facet = facet_of(job.type_attributes, job.type_name)
    if facet is None:
        raise ImportNotFound
    template = Link(
        organization_id=job.organization_id,
        kind="template",
        subject=job.type_name,
        form=FORM,
        file_name=template_name(facet),
    )
    if not has_failed_file(job):
        return [template]
    failed = Link(
        organization_id=job.organization_id,
        kind="failed-rows",
        subject=str(job.id),
        form=FORM,
        file_name=failed_name(job),
    )
    return [template, failed]


def _safe(text: str) -> str:
    """Make text a part of a file name: no character that paths or URLs give a meaning."""
    return UNSAFE.sub("_", text)[:LONGEST_STEM]


def _url(base_url: str, link: Link, signed: str) -> str:
    return f"{base_url}{FILES}/{signed}/{quote(link.file_name, safe='')}"
