"""What MoEngage's dialect reads from attributes: anybody may have written them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from rowport.dialects.moengage.facets import Retention, facet_of, segment_of, workspace_of
from rowport.dialects.moengage.words import ImportType
from rowport.model.organizations import Organization
from rowport.model.record_types import RecordType


def record_type(own: object, key: tuple[str, ...] = ("sku",)) -> RecordType:
    blank: dict[str, Any] = dict.fromkeys(field.name for field in fields(RecordType))
    return RecordType(**blank | {"key": key, "attributes": {"moengage": own}})


def organization(zone: str, own: object = None) -> Organization:
    return Organization(
        id=UUID(int=1),
        oid="1" * 24,
        slug="demo",
        name="Demo",
        time_zone=zone,
        attributes={"moengage": own},
    )


@pytest.mark.parametrize("kind", ImportType)
def test_each_type_is_read(kind: ImportType) -> None:
    facet = facet_of(record_type({"type": kind.value}))
    assert facet is not None
    assert (facet.type, facet.primary_key, facet.retention) == (kind, "sku", None)


@pytest.mark.parametrize("own", [None, 1, "USERS", [], {}, {"type": "users"}, {"type": ["USERS"]}])
def test_a_record_type_without_a_type_is_not_shown(own: object) -> None:
    assert facet_of(record_type(own)) is None


def test_retention_is_read_when_it_is_one() -> None:
    facet = facet_of(record_type({"type": "AUX_DATA", "retention": {"period": 2, "type": "WEEKS"}}))
    assert facet is not None
    assert facet.retention == Retention(period=2, type="WEEKS")


@pytest.mark.parametrize(
    "said",
    [None, 5, {}, {"period": 5}, {"period": "5", "type": "DAYS"}, {"period": True, "type": "DAYS"},
     {"period": 5, "type": "YEARS"}],
)  # fmt: skip
def test_any_other_retention_is_none(said: object) -> None:
    facet = facet_of(record_type({"type": "AUX_DATA", "retention": said}))
    assert facet is not None
    assert facet.retention is None


def test_a_key_of_several_fields_is_told_whole() -> None:
    facet = facet_of(record_type({"type": "AUX_DATA"}, key=("sku", "shop")))
    assert facet is not None
    assert facet.primary_key == "sku, shop"


def test_a_segment_tells_what_it_has_in_the_documented_order() -> None:
    segment = {"user_id_column": "email", "id": 7, "secret": "x"}
    found = segment_of({"moengage": {"segment": segment}})
    assert list(found.items()) == [("id", "7"), ("user_id_column", "email")]
    assert segment_of({"moengage": {"segment": "x"}}) == segment_of({}) == {}


def test_a_workspace_has_its_organization_s_zone() -> None:
    found = workspace_of(organization("Asia/Calcutta"))
    assert (found.id, found.zone_name) == ("1" * 24, "Asia/Calcutta")
    assert (found.zone, found.next_zone) == (ZoneInfo("Asia/Calcutta"), UTC)
    local = workspace_of(organization("Asia/Calcutta", {"next_scheduled_at_zone": "workspace"}))
    assert local.next_zone == local.zone


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Nothing", "America", "/etc/passwd", "../x", "a\x00b"]
)
def test_a_zone_that_cannot_be_read_is_utc(zone: str) -> None:
    found = workspace_of(organization(zone))
    assert (found.zone_name, found.zone) == ("UTC", ZoneInfo("UTC"))


@pytest.mark.parametrize(("said", "is_suspended"), [(True, True), ("yes", False), (None, False)])
def test_only_a_true_word_suspends(*, said: object, is_suspended: bool) -> None:
    own = {"is_suspended": said}
    assert workspace_of(organization("UTC", own)).is_suspended is is_suspended
