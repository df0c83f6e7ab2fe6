"""Make a table of people: N rows, 12 columns, a share of bad rows; the same again for a seed.

python bench/people.py ROWS BAD_SHARE OUT.csv
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

SCHEMA = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "pattern": "C-\\d{9}"}},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 80}},
        {"name": "email", "type": "string", "format": "email"},
        {"name": "phone", "type": "string", "constraints": {"pattern": "\\+\\d{1,3} \\d{4,12}"}},
        {"name": "company", "type": "string"},
        {
            "name": "segment",
            "type": "string",
            "constraints": {"enum": ["retail", "wholesale", "online", "public"]},
        },
        {"name": "country", "type": "string", "constraints": {"pattern": "[A-Z]{2}"}},
        {"name": "signed_up_at", "type": "datetime"},
        {"name": "birthday", "type": "date", "format": "%d/%m/%Y"},
        {"name": "balance", "type": "number", "constraints": {"minimum": -100000}},
        {"name": "orders", "type": "integer", "constraints": {"minimum": 0}},
        {"name": "active", "type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
    ],
    "primaryKey": "id",
}
NAMES = ["Zoë Łukasz", "Анна Иванова", "山田太郎", "Mary O'Brien", "محمد علي", "José García"]
COMPANIES = ["Smith, Sons & Co", 'The "Corner" Shop', "Büro\nNord", "株式会社田中", "Acme", ""]


def people(rows: int, bad_share: float, seed: int = 7) -> pl.DataFrame:
    """Give the table as text cells; bad rows break one of four rules each."""
    dice = np.random.default_rng(seed)
    number = np.arange(1, rows + 1)
    frame = pl.DataFrame({"n": number}).with_columns(
        pl.Series("name", NAMES)[dice.integers(0, len(NAMES), rows)],
        pl.Series("company", COMPANIES)[dice.integers(0, len(COMPANIES), rows)],
        pl.Series("segment", ["retail", "wholesale", "online", "public"])[
            dice.integers(0, 4, rows)
        ],
        pl.Series("country", ["DE", "FR", "IN", "JP", "BR"])[dice.integers(0, 5, rows)],
        pl.Series("seconds", dice.integers(1_400_000_000, 1_700_000_000, rows)),
        pl.Series("days", dice.integers(0, 20_000, rows)),
        pl.Series("cents", dice.integers(-1_000_000, 100_000_000, rows)),
        pl.Series("orders", dice.integers(0, 5_000, rows)),
        pl.Series("active", ["yes", "no"])[dice.integers(0, 2, rows)],
        pl.Series("digits", dice.integers(1_000_000, 999_999_999, rows)),
        pl.Series("fault", np.where(dice.random(rows) < bad_share, dice.integers(1, 5, rows), 0)),
    )
    bad = pl.col("fault")
    return frame.select(
        id=pl.format("C-{}", pl.col("n").cast(pl.String).str.zfill(9)),
        name=pl.when(bad == 1).then(pl.lit("")).otherwise(pl.format("{} {}", "name", "n")),
        email=pl.format("user{}@{}.example.com", "n", pl.col("country").str.to_lowercase()),
        phone=pl.format("+49 {}", "digits"),
        company="company",
        segment=pl.when(bad == 2).then(pl.lit("Retail")).otherwise("segment"),
        country="country",
        signed_up_at=pl.from_epoch("seconds").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        birthday=pl.when(bad == 3)
        .then(pl.lit("31/02/2023"))
        .otherwise(pl.from_epoch(pl.col("days"), time_unit="d").dt.strftime("%d/%m/%Y")),
        balance=(pl.col("cents") / 100).cast(pl.Decimal(18, 2)).cast(pl.String),
        orders=pl.when(bad == 4).then(pl.lit("-5")).otherwise(pl.col("orders").cast(pl.String)),
        active="active",
    )


def write(rows: int, bad_share: float, out: Path) -> None:
    """Write OUT.csv and, beside it, OUT.schema.json."""
    people(rows, bad_share).write_csv(out, line_terminator="\r\n")
    out.with_suffix(".schema.json").write_text(json.dumps(SCHEMA, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
