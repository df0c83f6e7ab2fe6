"""Record types as Micro's property definitions.

Source of names and types: the models of the vendor's command line client (micro-so/micro-cli,
internal/sdk/models/components/propertydefinition.go, propertytype.go, propertyoption.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from rowport.dialects.micro.facets import default_fields, list_fields
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Field

Document = dict[str, object]
CHOSEN: Final = frozenset({FieldType.STRING})
WORDS: Final = {
    FieldType.STRING: "str",
    FieldType.NUMBER: "num",
    FieldType.INTEGER: "num",
    FieldType.BOOLEAN: "bool",
    FieldType.OBJECT: "jsonb",
    FieldType.ARRAY: "multi_str",
    FieldType.LIST: "multi_str",
    FieldType.DATETIME: "date",
    FieldType.DATE: "date",
    FieldType.TIME: "str",
    FieldType.YEAR: "num",
    FieldType.YEARMONTH: "str",
    FieldType.DURATION: "str",
    FieldType.GEOPOINT: "str",
    FieldType.GEOJSON: "jsonb",
    FieldType.ANY: "str",
}
"""Each type of ours as the nearest of theirs."""


def definitions(
    record_type: RecordType, *, list_id: str | None = None, term: str | None = None
) -> Document:
    """Give the properties of one object type, keyed by the id of each.

    Those of a list come only with its id; `term` keeps those whose slug or name holds it.
    """
    slugs: dict[str, tuple[str, str | None]] = {
        name: (name, None) for name in default_fields(record_type)
    }
    slugs |= {name: (slug, list_id) for slug, name in list_fields(record_type, list_id).items()}
    found: Document = {}
    for field in record_type.schema.fields:
        if field.name not in slugs:
            continue
        slug, crm_id = slugs[field.name]
        name = field.title or slug
        if term is None or term.casefold() in f"{slug}\n{name}".casefold():
            made = _definition(record_type, field, slug=slug, name=name, crm_id=crm_id)
            found[str(made["id"])] = made
    return found


def _definition(
    record_type: RecordType, field: Field, *, slug: str, name: str, crm_id: str | None
) -> Document:
    document: Document = {
        "id": str(uuid5(record_type.id, field.name)),
        "slug": slug,
        "name": name,
        "type": type_word(field),
        "team_id": str(record_type.organization_id),
        "crm_id": crm_id,
    }
    choices = options(record_type, field)
    if choices:
        document["options"] = [
            {"id": option_id, "slug": said, "value": said, "sort_index": at}
            for at, (option_id, said) in enumerate(choices.items())
        ]
    return document


def options(record_type: RecordType, field: Field) -> Mapping[str, str]:
    """Give the slugs of a select field's options by their ids; empty for any other field."""
    if field.type not in CHOSEN or not field.constraints.enum:
        return {}
    words = [word for word in field.constraints.enum if isinstance(word, str)]
    return {str(_option_id(record_type.id, field.name, word)): word for word in words}


def _option_id(type_id: UUID, field: str, word: str) -> UUID:
    return uuid5(uuid5(type_id, field), word)


def type_word(field: Field) -> str:
    """Say a field's type."""
    return "select_str" if field.constraints.enum and field.type in CHOSEN else WORDS[field.type]
