"""A client of MoEngage's File Import API on the running server, and a way in behind it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from tests.conftest import until

from rowport.bootstrap import open_rowport
from rowport.dialects import moengage
from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.ids import new_oid
from rowport.model.imports import ImportOptions
from rowport.ports.faces import NewFeed
from rowport.ports.ledger import Circumstances

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from tests.integration.dialects.conftest import Served

    from rowport.bootstrap import Rowport
    from rowport.model.feeds import Feed
    from rowport.model.imports import Import
    from rowport.model.organizations import Organization

SCHEMAS: Final = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in (Path(moengage.__file__).parent / "schemas").glob("*.json")
}
BASE: Final = "/v1.0/data/fileimports"
STATUS: Final = f"{BASE}/import/status"
HISTORY: Final = f"{BASE}/import/run/history"


class MoEngage:
    """A client of one workspace."""

    def __init__(self, web: httpx.Client, workspace_id: str, api_key: str) -> None:
        encoded = base64.b64encode(f"{workspace_id}:{api_key}".encode()).decode()
        self.web = web
        self.headers = {"Authorization": f"Basic {encoded}", "MOE-APPKEY": workspace_id}

    def ask(self, path: str, said: object = None, **headers: str) -> httpx.Response:
        """Ask; every answer keeps its schema."""
        answer = self.web.post(path, json=said or {}, headers={**self.headers, **headers})
        names = {STATUS: "import_details", HISTORY: "run_history"}
        name = names.get(path, "trigger") if answer.status_code == 200 else "error"
        jsonschema.validate(answer.json(), SCHEMAS[name])
        return answer

    def imports(self, **said: object) -> list[dict[str, Any]]:
        """Give the first page of imports."""
        answer = self.ask(STATUS, said)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        assert page["total_count"] >= len(page["data"])
        return list(page["data"])

    def files(self, **said: object) -> list[dict[str, Any]]:
        """Give the first page of an import's files."""
        answer = self.ask(HISTORY, said)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def trigger(self, schedule_id: str) -> httpx.Response:
        return self.ask(f"{BASE}/trigger/{schedule_id}")


class Inside:
    """Another way into the same home, to make what no API makes yet."""

    def __init__(self, rowport: Rowport) -> None:
        self.rowport = rowport
        self.services = rowport.services
        self.organization: Organization = self.services.access.ensure_organization(
            "demo", "Demo organization", time_zone="Asia/Calcutta"
        )

    def feed(self, **options: Any) -> Feed:  # noqa: ANN401  NewFeed's
        record_type = self.services.record_types.get(self.organization.id, "clients")
        kinds: dict[str, Any] = {
            "name": f"feed {new_oid()}",
            "source_kind": SourceKind.UPLOAD,
            "schedule_kind": ScheduleKind.PERIODIC,
            "record_type_id": record_type.id,
        }
        return self.services.feeds.create(self.organization.id, NewFeed(**kinds | options))

    def send(self, name: str = "clients.csv", feed: Feed | None = None, **around: Any) -> Import:  # noqa: ANN401  Circumstances'
        made = self.services.imports.create(
            self.organization.id,
            "clients",
            file_name=name,
            parts=iter([f"email,first_name\n{new_oid()}@example.com,A\nbad,B\n".encode()]),
            options=ImportOptions(),
            around=Circumstances(feed_id=feed.id if feed else None, **around),
        )
        return self.ended(made)

    def ended(self, made: Import) -> Import:
        imports = self.services.imports
        until(lambda: imports.get(self.organization.id, made.id).state.is_final)
        return imports.get(self.organization.id, made.id)


@pytest.fixture(scope="module")
def moe(web: httpx.Client, credentials: dict[str, Any]) -> MoEngage:
    return MoEngage(web, **credentials["moengage"])


@pytest.fixture(scope="module")
def foreign(web: httpx.Client, credentials: dict[str, Any]) -> MoEngage:
    return MoEngage(web, **credentials["other"]["moengage"])


@pytest.fixture(scope="module")
def inside(dialect_server: Served) -> Iterator[Inside]:
    home = dialect_server.home.path
    with open_rowport(home=home, database_url=None, migrate=False) as rowport:
        yield Inside(rowport)


@pytest.fixture(scope="module")
def sent(inside: Inside) -> Import:
    """An import of two rows, of which one failed."""
    return inside.send("mixed.csv")
