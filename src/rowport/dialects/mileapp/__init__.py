"""MileApp's import API: uploads, import monitoring, saved mappings, data types and bulk rows."""

from rowport.dialects.mileapp.charter import CHARTER
from rowport.dialects.mileapp.errors import render
from rowport.dialects.mileapp.routes import ROUTES
from rowport.dialects.mileapp.setup import curl, set_up
from rowport.wire.dialect import Dialect

ROOT = "/api/v3"


def dialect() -> Dialect:
    """Make the dialect."""
    return Dialect(
        name="mileapp",
        title="MileApp",
        routes=ROUTES,
        owns=lambda path: path == ROOT or path.startswith(f"{ROOT}/"),
        render=render,
        set_up=set_up,
        curl=curl,
        charter=CHARTER,
    )
