"""Propose a Table Schema from the data of a whole file, with the evidence for each field.

Feed it every chunk, then ask for the proposal.  A type is proposed where nearly all cells of the
column fit it, and says how many do not; where two readings fit alike (01/02/2023), the other
stands among the alternatives, because only a person can know.  Memory: a few counters a column,
and eight bytes a row for columns that may be a key.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from rowport.engine.infer_candidates import (
    CANDIDATES,
    FALSE_WORDS,
    MISSING_WORDS,
    TRUE_WORDS,
    Candidate,
    candidate_reader,
)
from rowport.engine.infer_meanings import meaning_of
from rowport.engine.validation.cells import CellFault
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from rowport.engine.validation.cells import CellReader

TOLERANCE: Final = 0.02
"""The share of cells that need not fit a proposed type."""
ENUM_VALUES: Final = 12
"""The most values of a proposed enum; each must stand ten times on the average."""
KEY_ROWS: Final = 20_000_000
"""Rows up to which a column is watched as a key (160 MB each)."""
_ENUM_REPEATS: Final = 10
_SAMPLE: Final = 2_000
_ENOUGH: Final = 50
_ODD: Final = 500
_EXAMPLES: Final = 3
_DISTINCT: Final = 300
"""Values of which the count is kept: more than there are countries."""
_KEY_WORDS: Final = frozenset(
    ("id", "key", "code", "no", "nr", "number", "uuid", "guid", "sku", "ref", "email")
)
_TEMPORAL: Final = frozenset({FieldType.DATE, FieldType.DATETIME})
_SHARE: Final = 0.5
_SHARE_OF_SEVERAL: Final = 0.03
_SHARE_OF_MEANING: Final = 0.9
"""The shares of cells that a reading must fit to stay; less for dates, which may be mixed, more
for meanings, which ask a library for what does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """Why a field is proposed as it is."""

    name: str
    header: str
    filled: int
    """Cells with a value."""
    empty: int
    fits: int
    """Cells with a value that the proposed type can read."""
    misfits: tuple[str, ...]
    """Up to three cells that it cannot."""
    values: tuple[str, ...] | None
    """All values, where there are few; None where there are many."""
    alternatives: tuple[str, ...]
    """Other readings that fit as well, as `type` or `type format`."""
    repeats: int | None
    """Cells whose value stands in an earlier row; None if it was not watched: too many repeat, or
    a cell is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A Table Schema document and why."""

    document: dict[str, Any]
    fields: tuple[FieldEvidence, ...]
    rows: int


class Inference:
    """Looks at every chunk of a file and proposes a schema."""

    def __init__(self, header: Sequence[str]) -> None:
        """Begin with the header cells, in file order."""
        names = field_names(header)
        self._columns = [
            _Column(name=name, header=cell) for name, cell in zip(names, header, strict=True)
        ]
        self._rows = 0

    def add(self, cells: pa.Table) -> None:
        """Look at one chunk: string columns in file order, whatever their names."""
        frame = pl.from_arrow(cells)
        if not isinstance(frame, pl.DataFrame):  # pragma: no cover  tables give frames
            raise TypeError
        self._rows += frame.height
        for column, series in zip(self._columns, frame.get_columns(), strict=True):
            column.add(series)

    def propose(self) -> Proposal:
        """Give the schema and the evidence."""
        told = [column.tell() for column in self._columns]
        document: dict[str, Any] = {"fields": [descriptor for descriptor, _ in told]}
        key = _key(told)
        if key is not None:
            document["primaryKey"] = [key]
        return Proposal(
            document=document, fields=tuple(evidence for _, evidence in told), rows=self._rows
        )


def field_names(header: Sequence[str]) -> list[str]:
    """Make field names of header cells: lower case, words joined by `_`, each once."""
    names: list[str] = []
    for place, cell in enumerate(header, start=1):
        plain = unicodedata.normalize("NFKC", cell).casefold()
        name = re.sub(r"[^\w]+|_+", "_", plain).strip("_") or f"column_{place}"
        counted, number = name, 2
        while counted in names:
            counted, number = f"{name}_{number}", number + 1
        names.append(counted)
    return names


@dataclass(slots=True, kw_only=True)
class _Tally:
    """How a candidate fares."""

    candidate: Candidate
    reader: CellReader
    fits: int = 0
    seen: int = 0
    misfits: dict[str, None] = field(default_factory=dict)


def _tallies() -> list[_Tally]:
    return [
        _Tally(candidate=candidate, reader=candidate_reader(candidate)) for candidate in CANDIDATES
    ]


@dataclass(slots=True, kw_only=True)
class _Column:
    """What was seen of one column."""

    name: str
    header: str
    filled: int = 0
    empty: int = 0
    tallies: list[_Tally] = field(default_factory=_tallies)
    values: Counter[str] | None = field(default_factory=Counter)
    """How often each value stands; None once there are too many."""
    words: Counter[str] = field(default_factory=Counter)
    """How often each word of MISSING_WORDS stands."""
    hashes: list[npt.NDArray[np.uint64]] | None = field(default_factory=list)
    """Hashes of the values, while the column may be a key."""

    def add(self, cells: pl.Series) -> None:
        """Look at the cells of one chunk."""
        filled = cells.filter(cells.is_not_null() & (cells != ""))
        self.empty += len(cells) - len(filled)
        self.filled += len(filled)
        words = filled.filter(filled.is_in(list(MISSING_WORDS)))
        self.words.update(words.to_list())
        self._watch(filled)
        self._count(filled)
        self._weigh(filled.filter(~filled.is_in(list(MISSING_WORDS))) if len(words) else filled)

    def _watch(self, filled: pl.Series) -> None:
        """Keep the hashes while nearly all values differ."""
        if self.hashes is None or not len(filled):
            return
        if (
            self.empty
            or self.filled > KEY_ROWS
            or filled.n_unique() < len(filled) * (1 - TOLERANCE)
        ):
            self.hashes = None
            return
        self.hashes.append(filled.hash(seed=7).to_numpy())

    def _count(self, filled: pl.Series) -> None:
        if self.values is None:
            return
        counted = filled.value_counts()
        if counted.height > _DISTINCT:
            self.values = None
            return
        self.values.update(dict(counted.iter_rows()))
        if len(self.values) > _DISTINCT:
            self.values = None

    def _weigh(self, cells: pl.Series) -> None:
        """Count what fits each candidate; drop those that most cells do not fit."""
        if not len(cells):
            return
        if len(self.tallies) > 1 and len(cells) > _SAMPLE:
            sample = cells.gather_every(len(cells) // _SAMPLE)
            counted = zip(self.tallies, _shaped(self.tallies, sample), strict=True)
            self.tallies = [tally for tally, most in counted if _stays(tally, most, len(sample))]
        sure: Candidate | None = None
        for tally, most in zip(self.tallies, _shaped(self.tallies, cells), strict=True):
            if sure is not None and _is_wider(tally.candidate, sure):
                fits = len(cells)
            else:
                fits = _fit(tally, cells) if most else 0
            if fits == len(cells):
                sure = tally.candidate
            if fits < len(cells) and len(tally.misfits) < _EXAMPLES:
                _keep_misfits(tally, cells, any_fits=fits > 0)
            tally.fits += fits
            tally.seen += len(cells)
        self.tallies = [
            tally
            for tally in self.tallies
            if tally.seen < _ENOUGH or _stays(tally, tally.fits, tally.seen)
        ]

    def tell(self) -> tuple[dict[str, Any], FieldEvidence]:
        """Give the field descriptor and the evidence."""
        descriptor: dict[str, Any] = {"name": self.name}
        if self.header and self.header != self.name:
            descriptor["title"] = self.header
        reading = self._reading()
        descriptor |= reading.described
        constraints = self._constraints(descriptor)
        if constraints:
            descriptor["constraints"] = constraints
        return descriptor, FieldEvidence(
            name=self.name,
            header=self.header,
            filled=self.filled,
            empty=self.empty,
            fits=reading.fits,
            misfits=reading.misfits,
            values=None if self.values is None else tuple(sorted(self.values)),
            alternatives=reading.alternatives,
            repeats=None if "missingValues" in descriptor else self._repeats(),
        )

    def _reading(self) -> _Reading:
        """Choose how the column is read."""
        words = _booleans(self.values)
        if words is not None and self.values is not None:
            known = {word for side in words.values() for word in side}
            others = tuple(value for value in self.values if value not in known)
            fits = sum(self.values[word] for word in known)
            return _Reading({"type": "boolean", **words}, fits, others[:_EXAMPLES], ())
        found = _best(self.tallies, self.filled - self.words.total())
        if found is None:
            return self._meaning() or _Reading({"type": "string"}, self.filled, (), ())
        if self.words:
            found.described["missingValues"] = ["", *sorted(self.words)]
        return found

    def _meaning(self) -> _Reading | None:
        """Read a column of few texts by what they mean."""
        # NA is the code of Namibia.
        words = [word for word in self.words if word.upper() != "NA"]
        values = {text: count for text, count in (self.values or {}).items() if text not in words}
        found = meaning_of(self.header, values, tolerance=TOLERANCE) if values else None
        if found is None:
            return None
        described: dict[str, Any] = {"type": "string", "semantic": found.semantic}
        if words:
            described["missingValues"] = ["", *sorted(words)]
        return _Reading(described, found.fits, found.misfits[:_EXAMPLES], ())

    def _constraints(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.filled and not self.empty and "missingValues" not in descriptor:
            found["required"] = True
        values = self.values or Counter()
        few = 0 < len(values) <= ENUM_VALUES and self.filled >= _ENUM_REPEATS * len(values)
        if few and descriptor["type"] == "string" and "semantic" not in descriptor:
            found["enum"] = sorted(values)
        return found

    def _repeats(self) -> int | None:
        if self.hashes is None or self.empty or not self.filled:
            return None
        return self.filled - len(np.unique(np.concatenate(self.hashes)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a column would be read, and how well."""

    described: dict[str, Any]
    fits: int
    misfits: tuple[str, ...]
    alternatives: tuple[str, ...]


def _is_wider(candidate: Candidate, other: Candidate) -> bool:
    """Tell whether a reading is another one without its semantic, and so takes all that it does."""
    same = (candidate.type, candidate.format) == (other.type, other.format)
    return same and candidate.semantic is None and other.semantic is not None


def _stays(tally: _Tally, fits: int, seen: int) -> bool:
    share = _SHARE_OF_SEVERAL if tally.candidate.type in _TEMPORAL else _SHARE
    return fits > seen * (share if tally.candidate.semantic is None else _SHARE_OF_MEANING)


def _shaped(tallies: list[_Tally], cells: pl.Series) -> list[int]:
    """Count the cells of each candidate's shape, in one pass."""
    counts = [
        pl.col("c").str.contains(tally.candidate.shape).sum().alias(str(place))
        for place, tally in enumerate(tallies)
    ]
    return list(cells.to_frame("c").select(counts).row(0)) if counts else []


def _fit(tally: _Tally, cells: pl.Series) -> int:
    """Count the cells that fit a candidate."""
    shaped = cells.filter(cells.str.contains(tally.candidate.shape))
    read = shaped.to_frame("c").select(tally.reader.fast(pl.col("c"))).to_series().is_not_null()
    fits = len(read.arg_true())
    if fits == len(shaped) or not tally.candidate.exact:
        return fits
    odd = shaped.filter(~read).value_counts().head(_ODD)
    good: int = sum(count for text, count in odd.iter_rows() if _reads(tally.reader, text))
    return fits + good


def _keep_misfits(tally: _Tally, cells: pl.Series, *, any_fits: bool) -> None:
    """Keep a few cells that do not fit a candidate."""
    if not any_fits:
        tally.misfits |= dict.fromkeys(cells.head(_EXAMPLES - len(tally.misfits)))
        return
    read = cells.to_frame("c").select(tally.reader.fast(pl.col("c"))).to_series().is_not_null()
    others = cells.filter(~(read & cells.str.contains(tally.candidate.shape)))
    for text in others.head(_ODD).unique(maintain_order=True):
        if not re.search(tally.candidate.shape, text) or not _reads(tally.reader, text):
            tally.misfits[text] = None
        if len(tally.misfits) >= _EXAMPLES:
            return


def _reads(reader: CellReader, text: str) -> bool:
    try:
        reader.exact(text)
    except CellFault:
        return False
    return True


def _best(tallies: list[_Tally], typed: int) -> _Reading | None:
    """Choose the candidate that most cells fit, the better of equals, and name the equals."""
    least = max(typed * (1 - TOLERANCE), 1)
    fitting = [tally for tally in tallies if tally.fits >= least]
    if not fitting:
        return _several(tallies, least)
    most = max(tally.fits for tally in fitting)
    chosen, *equals = (tally for tally in fitting if tally.fits == most)
    rivals = tuple(
        _name(other.candidate) for other in equals if _is_rival(chosen.candidate, other.candidate)
    )
    return _Reading(_described(chosen.candidate), most, tuple(chosen.misfits), rivals)


def _several(tallies: list[_Tally], least: float) -> _Reading | None:
    """Join formats of dates, or of datetimes, that fit nearly all cells together."""
    for kind in (FieldType.DATE, FieldType.DATETIME):
        chosen: dict[str, _Tally] = {}
        for tally in sorted(tallies, key=lambda tally: -tally.fits):
            if tally.candidate.type is kind:
                chosen.setdefault(tally.candidate.shape, tally)
        fits = sum(tally.fits for tally in chosen.values())
        if fits >= least:
            forms = [tally.candidate.format for tally in chosen.values()]
            misfits = [
                text
                for tally in chosen.values()
                for text in tally.misfits
                if not any(re.search(shape, text) for shape in chosen)
            ]
            described = {"type": kind.value, "transforms": [{"date": {"formats": forms}}]}
            return _Reading(described, fits, tuple(dict.fromkeys(misfits))[:_EXAMPLES], ())
    return None


def _is_rival(chosen: Candidate, other: Candidate) -> bool:
    """Tell whether another reading gives other values, not just a wider type of the same."""
    if chosen.type is FieldType.INTEGER and not chosen.options:
        return False
    return other.format != chosen.format or other.options.get("decimalChar", ".") != (
        chosen.options.get("decimalChar", ".")
    )


def _name(candidate: Candidate) -> str:
    details = [candidate.format] if candidate.format != "default" else []
    details += [f"{option}={sign}" for option, sign in candidate.options.items()]
    return " ".join([candidate.type.value, *details])


def _described(candidate: Candidate) -> dict[str, Any]:
    described: dict[str, Any] = {"type": candidate.type.value}
    if candidate.format != "default":
        described["format"] = candidate.format
    if candidate.semantic is not None:
        described["semantic"] = candidate.semantic
    return described | dict(candidate.options)


def _booleans(values: Counter[str] | None) -> dict[str, list[str]] | None:
    """Give the words of a boolean column, if it is one."""
    if not values:
        return None
    true = [word for word in values if word.casefold() in TRUE_WORDS]
    false = [word for word in values if word.casefold() in FALSE_WORDS]
    if not true or not false:
        return None
    words = {
        "trueValues": sorted({*true, *({"1"} & set(values))}),
        "falseValues": sorted({*false, *({"0"} & set(values))}),
    }
    fits = sum(values[word] for side in words.values() for word in side)
    return words if fits >= values.total() * (1 - TOLERANCE) else None


def _key(told: list[tuple[dict[str, Any], FieldEvidence]]) -> str | None:
    """Give the first unique column that is called like a key, else the first column if unique.

    Only text and integers: of other types, two texts can be one value.
    """
    unique = [
        found.name
        for descriptor, found in told
        if found.repeats == 0 and found.filled > 1 and descriptor["type"] in {"string", "integer"}
    ]
    for name in unique:
        if _KEY_WORDS & set(name.split("_")):
            return name
    return unique[0] if unique and unique[0] == told[0][1].name else None
