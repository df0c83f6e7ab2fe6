"""Make a table of shops: N rows, 16 columns, a share of bad rows; the same again for a seed.

python bench/outlets.py ROWS BAD_SHARE OUT.csv

Every kind of trouble is in it: quoted cells with commas and line ends, five spellings of a date,
decimal commas, values that break a rule, repeated keys, rows that are too short, too long or blank.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

CATEGORIES = ["grocery", "pharmacy", "electronics", "fashion", "restaurant", "services"]
SCHEMA = {
    "fields": [
        {
            "name": "code",
            "type": "string",
            "constraints": {"required": True, "unique": True, "pattern": "S-\\d{9}"},
        },
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 90}},
        {"name": "email", "type": "string", "format": "email"},
        {"name": "phone", "type": "string", "constraints": {"pattern": "\\+\\d{1,3} \\d{4,12}"}},
        {"name": "category", "type": "string", "constraints": {"enum": CATEGORIES}},
        {
            "name": "active",
            "type": "boolean",
            "trueValues": ["yes", "true", "1", "Y"],
            "falseValues": ["no", "false", "0", "N"],
        },
        {
            "name": "opened_on",
            "type": "date",
            "format": "%d/%m/%Y",
            "constraints": {"required": True},
        },
        {
            "name": "last_visit",
            "type": "date",
            "transforms": [{"date": {"formats": ["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"]}}],
            "missingValues": ["", "NA"],
        },
        {
            "name": "credit_limit",
            "type": "number",
            "decimalChar": ",",
            "groupChar": ".",
            "constraints": {"minimum": "0"},
        },
        {"name": "lat", "type": "number", "constraints": {"minimum": -90, "maximum": 90}},
        {"name": "lon", "type": "number", "constraints": {"minimum": -180, "maximum": 180}},
        {"name": "employees", "type": "integer", "constraints": {"minimum": 0, "maximum": 5000}},
        {"name": "country", "type": "string", "constraints": {"pattern": "[A-Z]{2}"}},
        {"name": "website", "type": "string", "format": "uri"},
        {"name": "notes", "type": "string", "constraints": {"maxLength": 500}},
        {"name": "created_at", "type": "datetime", "constraints": {"required": True}},
    ],
    "primaryKey": "code",
}
NAMES = ["Zoë Markt", 'The "Corner" Shop', "Магазин", "商店 東", "O'Brien & Sons, Ltd.", "متجر"]
NOTES = ["", "", "ring twice, please", "closed on mondays", "営業時間\nnur morgens", 'say "hello"']
KINDS = 12
"""Kinds of bad rows, numbered from 1; see `_spoilt` and `_lines`."""
REPEATED, SHORT, LONG, BLANK = 9, 10, 11, 12


def outlets(rows: int, bad_share: float, seed: int = 11) -> pl.DataFrame:
    """Give the table as text cells, and in the column "bad" the kind of trouble or 0."""
    dice = np.random.default_rng(seed)

    def pick(values: list[str]) -> pl.Series:
        return pl.Series("", values).gather(dice.integers(0, len(values), rows))

    days = pl.Series(dice.integers(0, 19_000, rows)).cast(pl.Int32).cast(pl.Date)
    visits = pl.Series(dice.integers(18_000, 20_000, rows)).cast(pl.Int32).cast(pl.Date)
    form = dice.integers(0, 4, rows)
    cents = dice.integers(0, 90_000_000, rows)
    frame = pl.DataFrame(
        {
            "n": np.arange(1, rows + 1),
            "bad": np.where(dice.random(rows) < bad_share, dice.integers(1, KINDS + 1, rows), 0),
            "form": form,
            "shop": pick(NAMES),
            "number": dice.integers(1_000_000, 999_999_999, rows),
            "category": pick(CATEGORIES),
            "active": pick(["yes", "no", "true", "0", "Y", "N"]),
            "opened": days,
            "visit": visits,
            "thousands": cents // 100_000,
            "units": cents // 100 % 1000,
            "cents": cents % 100,
            "lat": dice.integers(-90_000_000, 90_000_000, rows),
            "lon": dice.integers(-180_000_000, 180_000_000, rows),
            "staff": dice.integers(0, 5000, rows),
            "country": pick(["DE", "FR", "IN", "JP", "BR"]),
            "notes": pick(NOTES),
            "moment": dice.integers(1_400_000_000, 1_700_000_000, rows),
        }
    )
    return _spoilt(frame.select("bad", **_cells()))


def _cells() -> dict[str, pl.Expr]:
    form = pl.col("form")
    return {
        "code": pl.format("S-{}", pl.col("n").cast(pl.String).str.zfill(9)),
        "name": pl.format("{} {}", "shop", "n"),
        "email": pl.format("shop{}@{}.example.com", "n", pl.col("country").str.to_lowercase()),
        "phone": pl.format("+49 {}", "number"),
        "category": pl.col("category"),
        "active": pl.col("active"),
        "opened_on": pl.col("opened").dt.strftime("%d/%m/%Y"),
        "last_visit": pl.when(form == 0)
        .then(pl.col("visit").dt.strftime("%Y-%m-%d"))
        .when(form == 1)
        .then(pl.col("visit").dt.strftime("%d.%m.%Y"))
        .when(form == 2)
        .then(pl.col("visit").dt.strftime("%d %b %Y"))
        .otherwise(pl.lit("NA")),
        "credit_limit": pl.format(
            "{}.{},{}",
            "thousands",
            pl.col("units").cast(pl.String).str.zfill(3),
            pl.col("cents").cast(pl.String).str.zfill(2),
        ),
        "lat": (pl.col("lat") / 1_000_000).cast(pl.Decimal(10, 6)).cast(pl.String),
        "lon": (pl.col("lon") / 1_000_000).cast(pl.Decimal(10, 6)).cast(pl.String),
        "employees": pl.col("staff").cast(pl.String),
        "country": pl.col("country"),
        "website": pl.format("https://shop{}.example.org/?ref={}", "n", "number"),
        "notes": pl.col("notes"),
        "created_at": pl.from_epoch("moment").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _spoilt(cells: pl.DataFrame) -> pl.DataFrame:
    """Put into each bad row what its kind says."""
    bad = pl.col("bad")

    def spoil(kind: int, name: str, value: str) -> pl.Expr:
        return pl.when(bad == kind).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)

    earlier = pl.col("code").shift(7)
    return cells.with_columns(
        spoil(1, "opened_on", "31/02/2023"),
        spoil(2, "employees", "12.5"),
        spoil(3, "credit_limit", "1.2.3,4,5"),
        spoil(4, "created_at", "2020-01-01 25:00"),
        spoil(5, "active", "maybe"),
        spoil(6, "category", "garden"),
        spoil(7, "lat", "90.5"),
        spoil(8, "name", ""),
        pl.when((bad == REPEATED) & earlier.is_not_null())
        .then(earlier)
        .otherwise("code")
        .alias("code"),
    )


def _lines(table: pl.DataFrame) -> pl.Series:
    names = [name for name in table.columns if name != "bad"]
    quoted = [
        pl.when(pl.col(name).str.contains(r'[,"\r\n]'))
        .then(pl.format('"{}"', pl.col(name).str.replace_all('"', '""', literal=True)))
        .otherwise(pl.col(name))
        for name in names
    ]
    bad = pl.col("bad")
    whole = pl.concat_str(quoted, separator=",")
    return table.select(
        line=pl.when(bad == SHORT)
        .then(pl.concat_str(quoted[:-1], separator=","))
        .when(bad == LONG)
        .then(whole + ",surplus")
        .when(bad == BLANK)
        .then(pl.lit(""))
        .otherwise(whole)
    )["line"]


def write(rows: int, bad_share: float, out: Path) -> None:
    """Write OUT.csv and, beside it, OUT.schema.json."""
    table = outlets(rows, bad_share)
    with out.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(name for name in table.columns if name != "bad") + "\r\n")
        for part in table.iter_slices(100_000):
            file.write("\r\n".join(_lines(part)) + "\r\n")
    out.with_suffix(".schema.json").write_text(json.dumps(SCHEMA, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
