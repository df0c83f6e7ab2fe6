"""`/metrics`: how this process and the whole installation do, in the text that Prometheus reads.

No label tells an organization, a token or a cell: routes are told by their templates.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.enums import HttpMethod, ScopeType
from litestar.params import SkipValidation
from litestar.types import ASGIApp, Message, Receive, Send
from litestar.types import Scope as Connection
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rowport import __version__
from rowport.api.desk import GivenDesk
from rowport.api.guard import OPEN
from rowport.config import settings
from rowport.model.access import Scope
from rowport.model.errors import Unauthorized, Unavailable
from rowport.model.states import ImportState
from rowport.service.access import require
from rowport.service.observing import Observing
from rowport.wire.auth import bearer

METHODS: Final = frozenset(HttpMethod)
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNMATCHED: Final = "none"
FAMILIES: Final = (
    ("imports", "state", "Imports by state."),
    ("rows", "outcome", "Rows by what became of them; one that is tried again changes its place."),
    ("chunks", "state", "Chunks by state; those that wait are the queue."),
    ("jobs", "queue", "Jobs that wait for a worker."),
    ("deliveries", "state", "Deliveries to webhooks by state, for as long as they are kept."),
)
"""What is counted by a word: the field of Figures, the label, and what it tells."""


class Ledger(Collector):
    """The figures of the ledger as metrics; without a database it says just that."""

    def __init__(self, find_observing: Callable[[], Observing]) -> None:
        self._find_observing = find_observing

    def collect(self) -> Iterator[Metric]:
        """Ask, and give what was told."""
        try:
            figures = self._find_observing().now()
        except Unavailable:
            yield _plain("database_up", "Whether the database answers.", 0)
            return
        yield _plain("database_up", "Whether the database answers.", 1)
        yield _plain("workers", "Workers that are connected to the database.", figures.workers)
        yield _plain(
            "oldest_waiting_import_seconds",
            "How long the import that nobody works on waits already; 0 when none does.",
            figures.oldest_waiting_s,
        )
        for name, label, tells in FAMILIES:
            family = GaugeMetricFamily(f"rowport_{name}", tells, labels=[label])
            counts = dict(getattr(figures, name))
            if name == "imports":  # so that an alarm on one need not wait for the first
                counts = {**dict.fromkeys(ImportState, 0), **counts}
            for word, count in sorted(counts.items()):
                family.add_metric([word], count)
            yield family


def _plain(name: str, tells: str, value: float) -> Metric:
    return GaugeMetricFamily(f"rowport_{name}", tells, value=value)


class Measures:
    """What this process measures, and how it is told."""

    def __init__(
        self, *, find_observing: Callable[[], Observing], count_watchers: Callable[[], int]
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "rowport_http_request_duration_seconds",
            "From a request to the beginning of its answer.",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._cut_off = Counter(
            "rowport_http_requests_cut_off",
            "Requests whose answer never began.",
            ["method", "route"],
            registry=self._registry,
        )
        watchers = Gauge(
            "rowport_event_watchers",
            "Open streams of events of this process.",
            registry=self._registry,
        )
        watchers.set_function(count_watchers)
        Info("rowport", "The version that answers.", registry=self._registry).info(
            {"version": __version__}
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(Ledger(find_observing))

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request whose answer began."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def note_cut_off(self, method: str, route: str) -> None:
        """Count one whose answer never began."""
        self._cut_off.labels(method, route).inc()

    def text(self) -> bytes:
        """Tell everything."""
        return generate_latest(self._registry)


class CountsRequests:
    """An ASGI application around another one, which it measures."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        # Anybody can send a word that is no method, and each would be a series.
        method = scope["method"] if scope["method"] in METHODS else "other"
        began, has_begun = time.perf_counter(), False

        async def say(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                taken_s = time.perf_counter() - began
                self._measures.note(method, _route(scope), message["status"], taken_s)
            await send(message)

        try:
            await self._app(scope, receive, say)
        finally:
            if not has_begun:
                self._measures.note_cut_off(method, _route(scope))


def _route(scope: Connection) -> str:
    """Give the template of the route; one word for all paths that somebody invents."""
    return str(scope.get("path_template") or UNMATCHED)


GivenMeasures = NamedDependency[SkipValidation[Measures]]
"""What this process measures, as a handler's argument."""


@get("/metrics", opt=OPEN, sync_to_thread=True)
def read_metrics(
    request: Request[Any, Any, Any], desk: GivenDesk, measures: GivenMeasures
) -> Response[bytes]:
    """Tell how this process and the installation do."""
    _see_who_asks(request, desk)
    return Response(measures.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _see_who_asks(request: Request[Any, Any, Any], desk: GivenDesk) -> None:
    """Let everybody in where the settings say so, else a secret of theirs or an admin's token."""
    chosen = settings()
    if chosen.are_metrics_open:
        return
    secret = bearer(request.headers)
    if secret is None:
        raise Unauthorized("Send ROWPORT_METRICS_TOKEN or a token with the scope admin.")
    given = chosen.metrics_token
    if given is None or not secrets.compare_digest(given.encode(), secret.encode()):
        require(desk.services.access.authenticate(secret), Scope.ADMIN)
