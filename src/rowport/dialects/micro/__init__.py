"""Micro's import API (v2, prism)."""

from __future__ import annotations

from rowport.dialects.micro.charter import CHARTER
from rowport.dialects.micro.errors import render
from rowport.dialects.micro.facets import NAME
from rowport.dialects.micro.routes import ROUTES
from rowport.dialects.micro.setup import curl, set_up
from rowport.wire.dialect import Dialect

ROOT = "/v2"
"""All of it is Micro's: every error under it has the envelope, as published."""


def dialect() -> Dialect:
    """Give the dialect."""
    return Dialect(
        name=NAME,
        title="Micro",
        routes=ROUTES,
        owns=lambda path: path == ROOT or path.startswith(ROOT + "/"),
        render=render,
        set_up=set_up,
        curl=curl,
        charter=CHARTER,
    )
