"""What the API takes is in its document."""

from __future__ import annotations

import re
from pathlib import Path

from rowport.api.app import ROUTES
from rowport.api.forms import ONCE

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def sections() -> dict[str, str]:
    """Give the text below each heading."""
    parts = re.split(r"^## +`(.+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_route_has_its_heading() -> None:
    told = sections()
    for route in ROUTES:
        for path in route.paths:
            plain = re.sub(r":[a-z]+}", "}", path)
            for method in sorted(route.http_methods):
                assert f"{method} {plain}" in told


def test_every_part_of_the_form_is_told() -> None:
    told = sections()["POST /v1/imports"]
    for part in ("file", "map", *ONCE):
        assert f"| `{part}` |" in told
