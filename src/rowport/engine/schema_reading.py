"""A Table Schema document (JSON) as a TableSchema.

Any plain Table Schema of the Data Package standard, version 1 or 2, is taken as it is; unknown
properties are left alone.  What has no place in a schema is refused with a JSON pointer to the
place, the value that stands there and what is allowed.  Whether all of it can be kept to the
letter is another question: `schema_document` asks it before a schema is saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from rowport.model.errors import InvalidSchema
from rowport.model.table_schema import (
    FALSE_VALUES,
    TRUE_VALUES,
    Constraints,
    Dedupe,
    Field,
    FieldType,
    ForeignKey,
    Keep,
    Lookup,
    Missing,
    TableSchema,
)

FIELDS_MATCH: Final = ("exact", "equal", "subset", "superset", "partial")
_SHOWN: Final = 200


def read(document: Mapping[str, object]) -> TableSchema:
    """Read a Table Schema document that was checked when it was saved.

    Brings no heavy library in, so that whoever only looks at a record type stays small.

    Raises:
        InvalidSchema: it cannot be read; the message has a JSON pointer, the value and what is
            allowed there.
    """
    if not isinstance(document, Mapping):
        refuse("", document, "a JSON object with fields")
    listed = document.get("fields")
    if not isinstance(listed, list) or not listed:
        refuse("/fields", listed, "an array of at least one field")
    fields = tuple(_field(f"/fields/{index}", raw) for index, raw in enumerate(listed))
    names = [field.name for field in fields]
    for index, name in enumerate(names):
        if name in names[:index]:
            refuse(f"/fields/{index}/name", name, "a name that no other field has")
    primary_key = names_of("/primaryKey", document.get("primaryKey"), names)
    return TableSchema(
        fields=fields,
        missing_values=_missing("/missingValues", document.get("missingValues"), ("",)) or (),
        primary_key=primary_key,
        unique_keys=_unique_keys(document.get("uniqueKeys"), names),
        foreign_keys=_foreign_keys(document.get("foreignKeys"), names),
        rules=_rules(document.get("rules")),
        dedupe=_dedupe(document.get("dedupe"), names, primary_key),
        fields_match=_fields_match(document.get("fieldsMatch")),
        document=dict(document),
    )


def refuse(pointer: str, value: object, allowed: str) -> NoReturn:
    """Refuse a value at a place of the document."""
    written = json.dumps(value, ensure_ascii=False, default=str)
    if len(written) > _SHOWN:
        written = written[: _SHOWN - 1] + "…"
    raise InvalidSchema.at(pointer, f"{written} cannot be used; allowed is {allowed}")


def _field(at: str, raw: object) -> Field:
    """Read one field descriptor."""
    if not isinstance(raw, Mapping):
        refuse(at, raw, "an object with a name")
    name = _name(f"{at}/name", raw.get("name"))
    kind = _type(f"{at}/type", raw.get("type"))
    rules = _constraints(f"{at}/constraints", raw.get("constraints"))
    return Field(
        name=name,
        type=kind,
        format=_format(f"{at}/format", raw.get("format")),
        title=_get(raw, at, "title", str, None),
        titles=_titles(f"{at}/titles", raw.get("titles")),
        description=_get(raw, at, "description", str, None),
        aliases=_strings(f"{at}/aliases", raw.get("aliases"), ()),
        example=raw.get("example"),
        constraints=rules,
        missing_values=_missing(f"{at}/missingValues", raw.get("missingValues"), None),
        decimal_char=_mark(raw, at, "decimalChar") or ".",
        group_char=_mark(raw, at, "groupChar"),
        bare_number=_get(raw, at, "bareNumber", bool, default=True),
        true_values=_strings(f"{at}/trueValues", raw.get("trueValues"), TRUE_VALUES),
        false_values=_strings(f"{at}/falseValues", raw.get("falseValues"), FALSE_VALUES),
        categories=_categories(f"{at}/categories", raw.get("categories"), kind),
        item_type=_item_type(f"{at}/itemType", raw.get("itemType")),
        delimiter=_get(raw, at, "delimiter", str, default=",") or ",",
        transforms=_transforms(f"{at}/transforms", raw.get("transforms")),
        lookup=_lookup(f"{at}/lookup", raw.get("lookup"), kind, required=rules.required),
        semantic=_semantic(f"{at}/semantic", raw.get("semantic")),
    )


def _name(at: str, raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        refuse(at, raw, "a name that is not empty")
    if "\0" in raw:
        refuse(at, raw, "a name without U+0000")
    return raw


def _titles(at: str, raw: object) -> Mapping[str, str]:
    """Read the titles by language (our profile)."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or not all(isinstance(title, str) for title in raw.values()):
        refuse(at, raw, "an object of language and title")
    return dict(raw)


def _type(at: str, raw: object) -> FieldType:
    """Read a type; none means `any`, as the standard has it since version 2."""
    if raw is None:
        return FieldType.ANY
    if raw not in tuple(FieldType):
        refuse(at, raw, ", ".join(FieldType))
    return FieldType(str(raw))


def _format(at: str, raw: object) -> str:
    """Read a format; the prefix `fmt:` of version 0 falls away."""
    if raw is None or raw == "default":
        return "default"
    if not isinstance(raw, str):
        refuse(at, raw, "a string")
    return raw.removeprefix("fmt:")


def _constraints(at: str, raw: object) -> Constraints:
    """Read the constraints; whether they fit the type is seen with the whole field."""
    if raw is None:
        return Constraints()
    if not isinstance(raw, Mapping):
        refuse(at, raw, "an object")
    enum = raw.get("enum")
    if enum is not None and (not isinstance(enum, list) or not enum):
        refuse(f"{at}/enum", enum, "an array of at least one value")
    return Constraints(
        required=_get(raw, at, "required", bool, default=False),
        unique=_get(raw, at, "unique", bool, default=False),
        min_length=_length(raw, at, "minLength"),
        max_length=_length(raw, at, "maxLength"),
        minimum=raw.get("minimum"),
        maximum=raw.get("maximum"),
        exclusive_minimum=raw.get("exclusiveMinimum"),
        exclusive_maximum=raw.get("exclusiveMaximum"),
        pattern=_get(raw, at, "pattern", str, None),
        enum=None if enum is None else tuple(enum),
        json_schema=_get(raw, at, "jsonSchema", Mapping, None),
    )


def _get(raw: Mapping[str, Any], at: str, key: str, kind: type[Any], default: Any) -> Any:  # noqa: ANN401  a kind
    value = raw.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        noun = {str: "a string", bool: "true or false"}.get(kind, "an object")
        refuse(f"{at}/{key}", value, noun)
    return value


def _length(raw: Mapping[str, Any], at: str, key: str) -> int | None:
    value = raw.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        refuse(f"{at}/{key}", value, "a whole number of at least 0")
    return value


def _mark(raw: Mapping[str, Any], at: str, key: str) -> str | None:
    """Read decimalChar or groupChar: empty means not given."""
    value = _get(raw, at, key, str, None)
    if value and (any(char.isdigit() or char in "+-eE" for char in value)):
        refuse(f"{at}/{key}", value, "characters that no number is made of")
    return value or None


def _strings(at: str, raw: object, default: tuple[str, ...]) -> tuple[str, ...]:
    if raw is None:
        return default
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        refuse(at, raw, "an array of strings")
    return tuple(raw)


def _missing(at: str, raw: object, default: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Read missingValues, plain or labelled."""
    if raw is None:
        return default
    values = _values(at, raw)
    if not all(isinstance(value, str) for value in values):
        refuse(at, raw, "an array of strings, or of objects with a string value")
    return tuple(values)


def _values(at: str, raw: object) -> list[Any]:
    """Read an array of values or of objects with a `value`."""
    if not isinstance(raw, list):
        refuse(at, raw, "an array")
    values = []
    for index, item in enumerate(raw):
        if isinstance(item, Mapping):
            if "value" not in item:
                refuse(f"{at}/{index}", item, "an object with a value")
            values.append(item["value"])
        else:
            values.append(item)
    return values


def _categories(at: str, raw: object, kind: FieldType) -> tuple[object, ...] | None:
    if raw is None:
        return None
    if kind not in {FieldType.STRING, FieldType.INTEGER}:
        refuse(at, raw, "no categories here: only string and integer fields have them")
    return tuple(_values(at, raw)) or refuse(at, raw, "at least one category")


def _item_type(at: str, raw: object) -> str:
    if raw is not None and not isinstance(raw, str):
        refuse(at, raw, "a string")
    return "string" if raw is None else raw


def _transforms(at: str, raw: object) -> tuple[Mapping[str, object], ...]:
    """Read the steps (our profile): a bare name is a step without options."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        refuse(at, raw, "an array of steps")
    for index, step in enumerate(raw):
        if not isinstance(step, str | Mapping):
            refuse(f"{at}/{index}", step, "a step: a name, or an object with a name and options")
    return tuple({step: {}} if isinstance(step, str) else dict(step) for step in raw)


def _lookup(at: str, raw: object, kind: FieldType, *, required: bool) -> Lookup | None:
    """Read a lookup (our profile); whether its record type exists is asked when it is saved."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not {"type", "by"} <= set(raw) <= {"type", "by", "missing"}:
        refuse(at, raw, "an object with type, by and perhaps missing")
    if kind not in {FieldType.STRING, FieldType.ANY}:
        refuse(at, raw, f"no lookup in a field of type {kind}: it holds a record's id, a string")
    missing = raw.get("missing", Missing.ERROR)
    if missing not in tuple(Missing):
        refuse(f"{at}/missing", missing, ", ".join(Missing))
    if required and missing == Missing.NULL:
        refuse(f"{at}/missing", missing, "error or create, because the field is required")
    return Lookup(
        type=_name(f"{at}/type", raw["type"]),
        by=_name(f"{at}/by", raw["by"]),
        missing=Missing(str(missing)),
    )


def _semantic(at: str, raw: object) -> Mapping[str, Any] | None:
    """Read a semantic (our profile): a bare name is one without options."""
    if raw is None:
        return None
    if not isinstance(raw, str | Mapping):
        refuse(at, raw, "a name, or an object with one name and its options")
    return {raw: {}} if isinstance(raw, str) else dict(raw)


def names_of(at: str, raw: object, known: Iterable[str]) -> tuple[str, ...]:
    """Read one field name or an array of them."""
    if raw is None:
        return ()
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        refuse(at, raw, "a field name or an array of field names")
    for name in listed:
        if name not in known:
            refuse(at, name, f"one of the fields {', '.join(known)}")
    if len(set(listed)) != len(listed):
        refuse(at, raw, "each field once")
    return tuple(listed)


def _unique_keys(raw: object, known: list[str]) -> tuple[tuple[str, ...], ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        refuse("/uniqueKeys", raw, "an array of arrays of field names")
    return tuple(names_of(f"/uniqueKeys/{index}", key, known) for index, key in enumerate(raw))


def _foreign_keys(raw: object, known: list[str]) -> tuple[ForeignKey, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        refuse("/foreignKeys", raw, "an array")
    return tuple(_foreign_key(f"/foreignKeys/{index}", key, known) for index, key in enumerate(raw))


def _foreign_key(at: str, raw: object, known: list[str]) -> ForeignKey:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("reference"), Mapping):
        refuse(at, raw, "an object with fields and a reference")
    reference = raw["reference"]
    resource = _get(reference, f"{at}/reference", "resource", str, default="")
    fields = names_of(f"{at}/fields", raw.get("fields"), known)
    listed = reference.get("fields")
    there = known if not resource else ([listed] if isinstance(listed, str) else listed or [])
    wanted = names_of(f"{at}/reference/fields", listed, there)
    if not fields or len(fields) != len(wanted):
        refuse(f"{at}/reference/fields", listed, f"as many fields as in fields ({len(fields)})")
    return ForeignKey(fields=fields, resource=resource, reference_fields=wanted)


def _rules(raw: object) -> tuple[Mapping[str, Any], ...]:
    """Read the rules between fields (our profile)."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        refuse("/rules", raw, "an array of rules")
    for index, rule in enumerate(raw):
        if not isinstance(rule, Mapping):
            refuse(f"/rules/{index}", rule, "an object")
    return tuple(raw)


def _dedupe(raw: object, known: list[str], key: tuple[str, ...]) -> Dedupe | None:
    """Read which rows are taken for the same (our profile)."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not set(raw) <= {"fields", "keep"}:
        refuse("/dedupe", raw, "an object with fields and keep")
    fields = names_of("/dedupe/fields", raw.get("fields"), known) or key
    if not fields:
        refuse("/dedupe/fields", raw.get("fields"), "at least one field, as there is no primaryKey")
    keep = raw.get("keep", Keep.FIRST)
    if keep == "last":
        refuse(
            "/dedupe/keep",
            keep,
            "first or error: rows are loaded while the file is read, so when the last one of "
            "several comes, those before it are in the table already; turn the file round",
        )
    if keep not in tuple(Keep):
        refuse("/dedupe/keep", keep, ", ".join(Keep))
    return Dedupe(fields=fields, keep=Keep(str(keep)))


def _fields_match(raw: object) -> str | None:
    """Read fieldsMatch; one word, or an array of one as early drafts of version 2 had it."""
    if raw is None:
        return None
    word = raw[0] if isinstance(raw, list) and len(raw) == 1 else raw
    if word not in FIELDS_MATCH:
        refuse("/fieldsMatch", raw, ", ".join(FIELDS_MATCH))
    return str(word)
