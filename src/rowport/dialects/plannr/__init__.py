"""Plannr CRM's import API: create, map, start, show, list."""

from __future__ import annotations

from rowport.dialects.plannr.charter import CHARTER
from rowport.dialects.plannr.errors import render
from rowport.dialects.plannr.facets import NAME
from rowport.dialects.plannr.routes import PATH, ROUTES
from rowport.dialects.plannr.setup import curl, set_up
from rowport.wire.dialect import Dialect


def dialect() -> Dialect:
    """Make the dialect."""
    return Dialect(
        name=NAME,
        title="Plannr CRM import API",
        routes=ROUTES,
        owns=_owns,
        render=render,
        set_up=set_up,
        curl=curl,
        charter=CHARTER,
    )


def _owns(path: str) -> bool:
    return path == PATH or path.startswith(PATH + "/")
