"""The Rocket.Chat import API: https://developer.rocket.chat/apidocs/import."""

from __future__ import annotations

from rowport.dialects.rocketchat.charter import CHARTER
from rowport.dialects.rocketchat.errors import render
from rowport.dialects.rocketchat.routes import ROUTES, owns
from rowport.dialects.rocketchat.setup import curl, set_up
from rowport.wire.dialect import Dialect


def dialect() -> Dialect:
    """Give the dialect."""
    return Dialect(
        name="rocketchat",
        title="Rocket.Chat",
        routes=ROUTES,
        owns=owns,
        render=render,
        set_up=set_up,
        curl=curl,
        charter=CHARTER,
    )
