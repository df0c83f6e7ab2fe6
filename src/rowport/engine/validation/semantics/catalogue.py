"""The meanings a field's `semantic` can have, and what each can be told: a closed list."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.semantics import (
    countries,
    currencies,
    emails,
    ibans,
    percentages,
    phones,
    points,
    postal_codes,
    urls,
    uuids,
)
from rowport.engine.validation.semantics.meaning import Meaning, Semantic
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

TEXTS: Final = frozenset({FieldType.STRING, FieldType.ANY})
"""Types whose values are texts that a meaning can judge."""
_NUMBERS: Final = frozenset({FieldType.NUMBER, FieldType.INTEGER})
OTHERS: Final = ("regionField", "countryField")
"""Options that name another field."""


class BadSemantic(ValueError):
    """A semantic cannot be used; the message says why and what is allowed."""


def normalised(raw: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Give name and options of a semantic.

    Raises:
        BadSemantic: it is not one name of the list, with options that it has.
    """
    if len(raw) != 1:
        raise BadSemantic("a semantic is a name, or an object with one name and its options")
    ((name, options),) = raw.items()
    if name not in _SEMANTICS:
        raise BadSemantic(f"there is no semantic {name!r}; the semantics are {_listed(_SEMANTICS)}")
    return name, check_options(name, options, OPTIONS[name])


def check_options(name: str, options: object, known: Mapping[str, Option]) -> Mapping[str, Any]:
    """Give the options, if `name` has them all.

    Raises:
        BadSemantic: there is such an option, or it cannot be so.
    """
    if not isinstance(options, Mapping):
        raise BadSemantic(f"the options of {name} are an object")
    for option, value in options.items():
        if option not in known:
            allowed = _listed(known) or "none"
            raise BadSemantic(f"{name} has no option {option!r}; its options are {allowed}")
        fits, allowed = known[option]
        if not fits(value):
            written = json.dumps(value, default=str)
            raise BadSemantic(f"{name}: {option} cannot be {written}; allowed is {allowed}")
    return dict(options)


def semantic_of(field: Field) -> Semantic | None:
    """Compile the semantic of a field; None: it has none, or none that judges text.

    Raises:
        BadSemantic: it is no semantic, or none of this type.
    """
    if field.semantic is None:
        return None
    name, options = normalised(field.semantic)
    types = TEXTS | _ALSO_FOR.get(name, frozenset())
    if field.type not in types:
        raise BadSemantic(f"{name} is not for {field.type.value}, only for {_listed(types)}")
    return None if field.type in _NUMBERS else compiled(name, options, field)


def compiled(name: str, options: Mapping[str, Any], field: Field) -> Semantic:
    """Compile a semantic by its name and checked options, for a field.

    Raises:
        BadSemantic: an option is missing, or contradicts another.
    """
    return _SEMANTICS[name](options, field)


def _listed(names: Mapping[str, object] | AbstractSet[FieldType]) -> str:
    return ", ".join(names if isinstance(names, Mapping) else sorted(names))


def _alone(name: str, meaning: Meaning) -> Semantic:
    return Semantic(name=name, meaning=lambda _: meaning)


def _email(options: Mapping[str, Any], field: Field) -> Semantic:
    del options, field
    return _alone("email", emails.email())


def _phone(options: Mapping[str, Any], field: Field) -> Semantic:
    region, other = options.get("region"), options.get("regionField")
    _check_other("phone", field, region, other)
    if other is None:
        return _alone("phone", phones.phone(region))

    @cache
    def meaning(text: str | None) -> Meaning:
        code = _country(text)
        return phones.phone(code if code is not None and phones.is_region(code) else None)

    return Semantic(name="phone", meaning=meaning, other=other)


def _country_semantic(options: Mapping[str, Any], field: Field) -> Semantic:
    del field
    form, to = options.get("form"), options.get("to", "alpha-2")
    return _alone("country", countries.country(to=to, form=form))


def _currency(options: Mapping[str, Any], field: Field) -> Semantic:
    del field
    return _alone("currency", currencies.currency(options.get("region")))


def _iban(options: Mapping[str, Any], field: Field) -> Semantic:
    del options, field
    return _alone("iban", ibans.iban())


def _uuid(options: Mapping[str, Any], field: Field) -> Semantic:
    del options, field
    return _alone("uuid", uuids.uuid())


def _url(options: Mapping[str, Any], field: Field) -> Semantic:
    del field
    return _alone("url", urls.url(tuple(options.get("schemes", urls.SCHEMES))))


def _geopoint(options: Mapping[str, Any], field: Field) -> Semantic:
    del field
    return _alone("geopoint", points.geopoint(options.get("order", points.ORDERS[0])))


def _postal_code(options: Mapping[str, Any], field: Field) -> Semantic:
    country, other = options.get("country"), options.get("countryField")
    _check_other("postal_code", field, country, other)
    if country is None and other is None:
        raise BadSemantic("postal_code needs the option country or countryField")
    if other is None:
        return _alone("postal_code", postal_codes.postal_code(country))

    @cache
    def meaning(text: str | None) -> Meaning:
        return postal_codes.postal_code(_country(text))

    return Semantic(name="postal_code", meaning=meaning, other=other)


def _percentage(options: Mapping[str, Any], field: Field) -> Semantic:
    meaning = percentages.percentage(
        point=field.decimal_char,
        group=field.group_char,
        bare=options.get("bare", percentages.BARE[0]),
    )
    return _alone("percentage", meaning)


def _check_other(name: str, field: Field, given: str | None, other: str | None) -> None:
    if given is not None and other is not None:
        raise BadSemantic(f"{name} takes its country from an option or from a field, not both")
    if other == field.name:
        raise BadSemantic(f"{name} cannot take its country from its own field")


def _country(text: str | None) -> str | None:
    """Give the country that another field tells; None where it tells none."""
    try:
        return None if text is None else countries.find(text)
    except CellFault:
        return None


def _is_country(value: object) -> bool:
    return isinstance(value, str) and value in countries.codes()


def _is_region(value: object) -> bool:
    return isinstance(value, str) and phones.is_region(value)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _one_of(*words: str) -> Option:
    return (lambda value: value in words, " or ".join(words))


Option = tuple[Callable[[object], bool], str]
"""What an option may be, as a test and in words."""

COUNTRY: Final[Option] = (_is_country, "a country code of two letters, such as DE")
REGION: Final[Option] = (_is_region, COUNTRY[1])
FIELD: Final[Option] = (_is_name, "the name of another field")
FORM: Final = _one_of(*countries.FORMS)
BARE: Final = _one_of(*percentages.BARE)

OPTIONS: Final[Mapping[str, Mapping[str, Option]]] = {
    "email": {},
    "phone": {"region": REGION, "regionField": FIELD},
    "country": {"form": FORM},
    "currency": {"region": COUNTRY},
    "iban": {},
    "uuid": {},
    "url": {
        "schemes": (
            lambda value: isinstance(value, list) and value != [] and all(map(_is_scheme, value)),
            "an array of schemes in lower case, such as https",
        )
    },
    "geopoint": {"order": _one_of(*points.ORDERS)},
    "postal_code": {"country": COUNTRY, "countryField": FIELD},
    "percentage": {"bare": BARE},
}
"""The semantics, their options and what each may be."""


def _is_scheme(value: object) -> bool:
    return isinstance(value, str) and urls.is_scheme(value)


_SEMANTICS: Final[Mapping[str, Callable[[Mapping[str, Any], Field], Semantic]]] = {
    "email": _email,
    "phone": _phone,
    "country": _country_semantic,
    "currency": _currency,
    "iban": _iban,
    "uuid": _uuid,
    "url": _url,
    "geopoint": _geopoint,
    "postal_code": _postal_code,
    "percentage": _percentage,
}

_ALSO_FOR: Final[Mapping[str, frozenset[FieldType]]] = {
    "percentage": _NUMBERS,
    "geopoint": frozenset({FieldType.GEOPOINT}),
}
"""Types besides text; of numbers a percentage only says what they are."""
