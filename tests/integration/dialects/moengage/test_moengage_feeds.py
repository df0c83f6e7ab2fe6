"""Feeds, triggers and who sees what, on a running server."""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from tests.conftest import until
from tests.integration.dialects.moengage.conftest import STATUS, MoEngage

from rowport.dialects.moengage.errors import TRIGGER_NOT_FOUND
from rowport.dialects.moengage.setup import curl
from rowport.model.access import Scope
from rowport.model.feeds import ScheduleKind, SourceKind

if TYPE_CHECKING:
    import httpx
    from tests.integration.dialects.conftest import Served
    from tests.integration.dialects.moengage.conftest import Inside

    from rowport.model.imports import Import

ZONE: Final = ZoneInfo("Asia/Calcutta")
MISSING: Final = "0" * 24


def of(found: list[dict[str, Any]], oid: str) -> dict[str, Any]:
    """Give the import of this id."""
    [one] = [each for each in found if each["import_id"] == oid]
    return one


# ----------------------------------------------------------------------------------------- feeds


def test_a_feed_is_scheduled_until_its_first_run(moe: MoEngage, inside: Inside) -> None:
    due = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    feed = inside.feed(source_kind=SourceKind.S3, next_run_at=due)
    shown = of(moe.imports(import_name=feed.name), feed.oid)
    assert shown["status"] == "SCHEDULED"
    assert (shown["last_run_status"], shown["last_run_at"]) == (None, None)
    assert (shown["schedule_type"], shown["import_source"]) == ("PERIODIC", "S3")
    assert shown["next_scheduled_at"] == "2030-01-02T03:04:05.678000"
    assert (shown["total_files"], shown["total_rows"]) == (0, 0)
    assert moe.files(import_id=feed.oid) == []


def test_between_runs_a_feed_shows_its_last_result_and_all_its_files(
    moe: MoEngage, inside: Inside
) -> None:
    feed = inside.feed(source_kind=SourceKind.SFTP)
    inside.send("monday.csv", feed)
    inside.send("tuesday.csv", feed)
    shown = of(moe.imports(import_id=feed.oid), feed.oid)
    assert (shown["status"], shown["import_source"]) == ("PARTIAL_SUCCESS", "SFTP")
    assert (shown["total_files"], shown["total_rows"]) == (1, 2)
    names = [line["file_name"] for line in moe.files(import_id=feed.oid)]
    assert names == ["tuesday.csv", "monday.csv"]
    assert moe.files(import_name=feed.name, file_status="SUCCESSFUL") == []
    assert len(moe.files(import_name=feed.name, file_status=["PARTIAL_FAILURE"])) == 2


def test_the_runs_of_a_feed_are_no_imports_of_their_own(moe: MoEngage, inside: Inside) -> None:
    feed = inside.feed()
    run = inside.send(feed=feed)
    assert moe.imports(import_id=run.oid) == []


def test_an_archived_feed_says_so_whatever_its_runs_say(moe: MoEngage, inside: Inside) -> None:
    feed = inside.feed()
    inside.send(feed=feed)
    inside.services.feeds.archive(inside.organization.id, feed.oid)
    shown = of(moe.imports(schedule_status="ARCHIVED"), feed.oid)
    assert (shown["status"], shown["last_run_status"]) == ("ARCHIVED", "PARTIAL_SUCCESS")


# --------------------------------------------------------------------------------------- trigger


def test_a_periodic_import_can_be_triggered_and_its_schedule_stays(
    moe: MoEngage, inside: Inside
) -> None:
    feed = inside.feed(next_run_at=datetime(2030, 1, 1, tzinfo=UTC))
    inside.send("daily.csv", feed)
    answer = moe.trigger(feed.oid)
    assert answer.status_code == 200
    assert answer.json() == {"status": "success", "message": "Triggered Import Successfully"}
    lines = moe.files(import_id=feed.oid)
    assert [line["file_name"] for line in lines] == ["daily.csv", "daily.csv"]
    until(lambda: moe.files(import_id=feed.oid)[0]["completed_at"] is not None)
    again = moe.files(import_id=feed.oid)[0]
    assert (again["skipped_rows"], again["failed_rows"], again["added_rows"]) == (1, 1, 0)
    assert inside.services.feeds.by_oid(inside.organization.id, feed.oid) == feed


def test_what_cannot_be_triggered_says_why(
    moe: MoEngage, foreign: MoEngage, inside: Inside
) -> None:
    archived, expired = inside.feed(), inside.feed(ends_at=datetime(2020, 1, 1, tzinfo=UTC))
    inside.services.feeds.archive(inside.organization.id, archived.oid)
    periodic, once = inside.feed(), inside.feed(schedule_kind=ScheduleKind.ONCE)
    gone = [archived.oid, expired.oid, MISSING, "%00", "%ff", "x" * 3000]
    answers = [*map(moe.trigger, gone), foreign.trigger(periodic.oid)]
    assert {answer.status_code for answer in answers} == {400}
    assert [answer.json() for answer in answers] == [TRIGGER_NOT_FOUND.body] * len(answers)
    for oid, said in [
        (inside.send().oid, "Only a periodic"),
        (once.oid, "Only a periodic"),
        (periodic.oid, "no file yet"),
    ]:
        answer = moe.trigger(oid)
        assert answer.status_code == 400
        assert answer.json()["error_type"] == "INVALID_STATE"
        assert said in answer.json()["message"]


def test_a_feed_that_is_fetched_is_looked_at_anew(moe: MoEngage, inside: Inside) -> None:
    fetched = inside.feed(source_kind=SourceKind.S3)
    assert moe.trigger(fetched.oid).status_code == 200
    [run] = inside.services.feeds.runs(fetched)
    assert run.asked_by


# ------------------------------------------------------------------------------- who, how, where


def test_setting_up_again_gives_fresh_keys_for_the_same_workspace(
    dialect_server: Served, web: httpx.Client, moe: MoEngage
) -> None:
    again = dialect_server.home.ask("dialects", "setup", "--demo")["moengage"]
    assert set(again) == {"workspace_id", "api_key"}
    assert again["workspace_id"] == moe.headers["MOE-APPKEY"]
    assert MoEngage(web, **again).ask(STATUS).status_code == 200
    assert moe.ask(STATUS).status_code == 200


def test_the_curl_line_of_the_set_up_works(
    dialect_server: Served, credentials: dict[str, Any]
) -> None:
    line = shlex.split(curl(dialect_server.url, credentials["moengage"]))
    done = subprocess.run(
        [*line, "--silent", "--show-error"], capture_output=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["status"] == "success"


def test_a_foreign_import_is_a_missing_one(foreign: MoEngage, sent: Import) -> None:
    assert foreign.imports(import_id=sent.oid) == []
    assert foreign.imports(import_name="mixed.csv") == []


def test_a_record_type_without_the_facet_is_not_seen(moe: MoEngage, inside: Inside) -> None:
    types = inside.services.record_types
    facets: list[dict[str, object]] = [{}, {"moengage": {"type": "users"}}, {"moengage": 1}]
    for number, facet in enumerate(facets):
        name = f"unseen_{number}"
        types.put(inside.organization, name, {"fields": [{"name": "a", "type": "string"}]})
        types.set_attributes(inside.organization.id, name, facet)
        record_type = types.get(inside.organization.id, name)
        feed = inside.feed(record_type_id=record_type.id)
        assert moe.imports(import_id=feed.oid) == []
        assert moe.trigger(feed.oid).json()["error_type"] == "NOT_FOUND"


def test_auxiliary_data_tells_its_key_and_retention(moe: MoEngage, inside: Inside) -> None:
    types = inside.services.record_types
    schema = {"fields": [{"name": "sku", "type": "string"}], "primaryKey": "sku"}
    facet = {"type": "AUX_DATA", "retention": {"period": 15, "type": "DAYS"}}
    made = types.put(inside.organization, "stock", schema, attributes={"moengage": facet})
    feed = inside.feed(record_type_id=made.id)
    shown = of(moe.imports(import_type="AUX_DATA"), feed.oid)
    assert shown["aux_data_config"] == {
        "primary_key": "sku",
        "retention_period": 15,
        "retention_type": "DAYS",
    }


def test_a_key_that_may_not_run_may_not_trigger(
    web: httpx.Client, inside: Inside, moe: MoEngage
) -> None:
    user = inside.services.access.ensure_user(inside.organization, email="moe@example.com")
    key = inside.services.access.issue(
        user, name="reader", scopes=frozenset({Scope.IMPORT_READ})
    ).secret
    reader = MoEngage(web, moe.headers["MOE-APPKEY"], key)
    assert reader.ask(STATUS).status_code == 200
    answer = reader.trigger(inside.feed().oid)
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "BlockedClient"
