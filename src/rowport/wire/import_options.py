"""The options of an import, as words that a person or a form sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from rowport.model.errors import InvalidOptions
from rowport.model.imports import ImportOptions, Mode, OnMatch, Policy
from rowport.wire.reading_options import ReadingWords

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY_WORDS: Final = "valid_rows, all_or_nothing, max_errors=N or max_errors=P%"
PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
HUNDRED: Final = 100
LARGEST_MAX_ERRORS: Final = 2**31 - 1
MOST_DIGITS: Final = 10
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWords:
    """What was said; None and nothing take the defaults."""

    key: str | None = None
    """Fields, with commas between them."""
    mode: str | None = None
    on_match: str | None = None
    policy: str | None = None
    mapping: tuple[str, ...] = ()
    """`HEADER=FIELD` each; `HEADER=` leaves a column out."""
    reading: ReadingWords = field(default_factory=ReadingWords)

    def read(self) -> ImportOptions:
        """Turn the words into options.

        Raises:
            InvalidOptions: a word is unknown, or the same is said twice.
        """
        return ImportOptions(
            key=read_key(self.key) if self.key is not None else (),
            mode=read_word(Mode, "mode", self.mode) if self.mode is not None else Mode.UPSERT,
            on_match=read_word(OnMatch, "on_match", self.on_match)
            if self.on_match is not None
            else OnMatch.UPDATE,
            policy=read_policy(self.policy) if self.policy is not None else Policy(),
            mapping=read_mapping(self.mapping),
            format=self.reading.read(),
        )


def read_word(words: type[Word], what: str, said: str) -> Word:
    """Give the member of `words` that was said."""
    try:
        return words(said)
    except ValueError as error:
        known = ", ".join(words)
        raise InvalidOptions(f"{what} {said!r} is unknown; it is one of: {known}") from error


def read_key(said: str) -> tuple[str, ...]:
    """Read `FIELD[,FIELD]`."""
    fields = tuple(field.strip() for field in said.split(","))
    if not all(fields):
        raise InvalidOptions(f"the key {said!r} has an empty part; write FIELD or FIELD,FIELD")
    if len(set(fields)) < len(fields):
        raise InvalidOptions(f"the key {said!r} names a field twice")
    return fields


def read_policy(said: str) -> Policy:
    """Read `valid_rows`, `all_or_nothing`, `max_errors=N` or `max_errors=P%`."""
    if said == "valid_rows":
        return Policy()
    if said == "all_or_nothing":
        return Policy(all_or_nothing=True)
    name, _, number = said.partition("=")
    if name != "max_errors":
        raise InvalidOptions(f"the policy {said!r} is unknown; it is {POLICY_WORDS}")
    if number.endswith("%"):
        return Policy(max_errors_percent=_read_percent(said, number))
    is_number = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    if not is_number or int(number) > LARGEST_MAX_ERRORS:
        raise InvalidOptions(
            f"the policy {said!r} needs a whole number from 0 to {LARGEST_MAX_ERRORS} after ="
        )
    return Policy(max_errors=int(number))


def _read_percent(said: str, number: str) -> Decimal:
    match = PERCENT.fullmatch(number)
    if not match or Decimal(match[1]) > HUNDRED:
        raise InvalidOptions(f"the policy {said!r} needs a number from 0 to 100 before %")
    return Decimal(match[1])


def read_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Read `HEADER=FIELD` pairs; the last `=` divides, so that a header may hold one.

    No field after the `=` leaves the column out.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        header, equals, field = pair.rpartition("=")
        if not (equals and header):
            raise InvalidOptions(
                f"the mapping {pair!r} is not HEADER=FIELD (or HEADER= to leave the column out)"
            )
        if header in mapping:
            raise InvalidOptions(f"the column {header!r} is mapped twice")
        mapping[header] = field
    return mapping
