"""MoEngage's File Import API: import details, run history of files, trigger."""

from __future__ import annotations

from rowport.dialects.moengage.charter import CHARTER
from rowport.dialects.moengage.errors import render
from rowport.dialects.moengage.facets import NAME
from rowport.dialects.moengage.routes import BASE, ROUTES
from rowport.dialects.moengage.setup import curl, set_up
from rowport.wire.dialect import Dialect


def dialect() -> Dialect:
    """Make the dialect."""
    return Dialect(
        name=NAME,
        title="MoEngage File Import API",
        routes=ROUTES,
        owns=_owns,
        render=render,
        set_up=set_up,
        curl=curl,
        charter=CHARTER,
    )


def _owns(path: str) -> bool:
    return path == BASE or path.startswith(BASE + "/")
