"""Values with an inside: object, array, list, geopoint, geojson.

They are kept as canonical JSON text: no blanks, members in their order, every number as it was
typed.  What a database could not keep as it is, is refused: duplicate members (all but one would
be lost), NaN, U+0000, half surrogates, and nesting deeper than `MAX_DEPTH`.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

import polars as pl

from rowport.engine.validation.cells import CellFault, CellReader, nothing, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.model.table_schema import Field

MAX_DEPTH: Final = 100
_GEOMETRIES: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many arrays stand around its positions."""
_LINES: Final = frozenset({"LineString", "MultiLineString"})
_RINGS: Final = frozenset({"Polygon", "MultiPolygon"})
_LINE_POSITIONS: Final = 2
_RING_POSITIONS: Final = 4
_NUMBER: Final = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*"
)


class _Typed(str):
    """A JSON number as it was typed."""

    __slots__ = ()


def object_reader(field: Field) -> CellReader:
    """Read JSON objects."""
    del field
    return _json_reader("a JSON object", lambda value: isinstance(value, dict))


def array_reader(field: Field) -> CellReader:
    """Read JSON arrays."""
    del field
    return _json_reader("a JSON array", lambda value: isinstance(value, list))


def geojson_reader(field: Field) -> CellReader:
    """Read GeoJSON (RFC 7946) or TopoJSON objects."""
    if field.format == "topojson":
        return _json_reader("a TopoJSON object", _is_topojson)
    return _json_reader("a GeoJSON object", is_geojson)


def geopoint_reader(field: Field) -> CellReader:
    """Read points as `lon, lat`; the value is `lon,lat`, each as it was typed."""
    take = {"default": _pair, "array": _pair_in_array, "object": _pair_in_object}[field.format]

    def exact(text: str) -> str:
        try:
            pair = take(text)
        except (CellFault, TypeError, ValueError, KeyError):
            form = {"default": "lon, lat", "array": "[lon, lat]"}.get(
                field.format, '{"lon": ..., "lat": ...}'
            )
            raise CellFault(f"{shown(text)} is not a point of the form {form}") from None
        for noun, part, bound in zip(("longitude", "latitude"), pair, (180, 90), strict=True):
            if abs(Decimal(part)) > bound:
                raise CellFault(f"{noun} {part} lies outside -{bound} to {bound}")
        return ",".join(pair)

    return CellReader(dtype=pl.String(), fast=nothing, exact=exact)


def parse_json(text: str) -> Any:  # noqa: ANN401  any JSON value
    """Read one JSON text; its numbers stay text (`_Typed`).

    Raises:
        CellFault: it is no JSON, or holds what could not be kept.
    """
    try:
        value = json.loads(
            text,
            parse_int=_Typed,
            parse_float=_Typed,
            parse_constant=_refuse_constant,
            object_pairs_hook=_members,
        )
        _check_inside(value, 1)
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            note = f"{error.msg} at character {error.pos + 1}"
        else:
            note = str(error) or "it is nested too deep"
        raise CellFault(f"{shown(text)} is not JSON that can be kept: {note}") from None
    return value


def canonical(value: object) -> str:
    """Write a JSON value without blanks, its numbers as they were typed."""
    if isinstance(value, _Typed):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(k, ensure_ascii=False)}:{canonical(v)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def is_geojson(value: object) -> bool:
    """Tell whether a parsed JSON value is a GeoJSON object (RFC 7946)."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == "FeatureCollection":
        features = value.get("features")
        return isinstance(features, list) and all(
            is_geojson(f) and f["type"] == "Feature" for f in features
        )
    if kind == "Feature":
        properties = value.get("properties", ...)
        return isinstance(properties, dict | None) and _is_geometry(value.get("geometry", ...))
    return kind is not None and _is_geometry(value)


def _is_geometry(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == "GeometryCollection":
        inner = value.get("geometries")
        return isinstance(inner, list) and all(g is not None and _is_geometry(g) for g in inner)
    if not isinstance(kind, str) or kind not in _GEOMETRIES:
        return False
    coordinates = value.get("coordinates")
    return coordinates == [] or _are_positions(coordinates, _GEOMETRIES[kind], kind)


def _are_positions(value: object, depth: int, kind: str) -> bool:
    if not isinstance(value, list):
        return False
    if not depth:
        return len(value) > 1 and all(isinstance(part, _Typed) for part in value)
    if not all(_are_positions(part, depth - 1, kind) for part in value):
        return False
    return depth > 1 or _is_whole(value, kind)


def _is_whole(positions: list[list[str]], kind: str) -> bool:
    """Say whether there are enough positions; a ring ends where it begins (RFC 7946, 3.1.6)."""
    if kind in _RINGS:
        is_long = len(positions) >= _RING_POSITIONS
        return is_long and [*map(Decimal, positions[0])] == [*map(Decimal, positions[-1])]
    return kind not in _LINES or len(positions) >= _LINE_POSITIONS


def _is_topojson(value: object) -> bool:
    kinds = {"Topology", "GeometryCollection", *_GEOMETRIES}
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in kinds


def _json_reader(noun: str, fits: Callable[[object], bool]) -> CellReader:
    def exact(text: str) -> str:
        value = parse_json(text)
        if not fits(value):
            raise CellFault(f"{shown(text)} is not {noun}")
        return canonical(value)

    return CellReader(dtype=pl.String(), fast=nothing, exact=exact)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member {shown(twice)} stands twice")
    return members


def _check_inside(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("it holds U+0000")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("it holds half of a surrogate pair")
    elif isinstance(value, dict):
        for name, part in value.items():
            _check_inside(name, depth)
            _check_inside(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check_inside(part, depth + 1)


def _pair(text: str) -> tuple[str, str]:
    lon, lat = (_NUMBER.fullmatch(part) for part in text.split(","))
    if not (lon and lat):
        raise ValueError
    return lon[1], lat[1]


def _pair_in_array(text: str) -> tuple[str, str]:
    value = parse_json(text)
    if not isinstance(value, list):
        raise TypeError
    lon, lat = value
    return _number(lon), _number(lat)


def _pair_in_object(text: str) -> tuple[str, str]:
    value = parse_json(text)
    if set(value) != {"lon", "lat"}:
        raise ValueError
    return _number(value["lon"]), _number(value["lat"])


def _number(value: object) -> str:
    if not isinstance(value, _Typed):
        raise TypeError
    return str(value)
