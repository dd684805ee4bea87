"""`GET /metrics` for Prometheus: counted as it happens, or asked at the scrape."""

import functools
from collections.abc import Iterable
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from holdfast.control.daemon import Daemon
from holdfast.engine.observer import Observer
from holdfast.faces import views
from holdfast.faces.rest.answers import reading
from holdfast.faces.rest.fields import Here
from holdfast.model.operations import ENDED
from holdfast.model.resources import Pool
from holdfast.records import operations, resources

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Counts(Observer):
    """What is counted as it happens; told by the engine and by the face."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._steps = Histogram(
            "holdfast_step_seconds",
            "What a step's verb took.",
            ("step", "verb"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._operations = Histogram(
            "holdfast_operation_seconds", "From an operation's request to its end.", ("kind", "state"),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._requests = Counter(
            "holdfast_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._calls = Histogram(
            "holdfast_csi_seconds", "What a call of CSI took.", ("call", "status"), buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        # Few of each; the library takes a lock and checks the names for every one.
        self._step = functools.cache(self._steps.labels)
        self._operation = functools.cache(self._operations.labels)
        self._request = functools.cache(self._requests.labels)
        self._call = functools.cache(self._calls.labels)

    def acted(self, step: str, verb: str, seconds: float) -> None:
        """A step's verb."""
        self._step(step, verb).observe(seconds)

    def ended(self, kind: str, state: str, seconds: float) -> None:
        """An operation."""
        self._operation(kind, state).observe(seconds)

    def called(self, call: str, status: str, seconds: float) -> None:
        """A call of CSI."""
        self._call(call, status).observe(seconds)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Count answers by the route's pattern, so that names do not make series."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = str(scope.get("path_template", ""))
                    self._request(str(scope.get("method")), route, str(message["status"])).inc()
                await send(message)

            await app(scope, receive, sending)

        return counted


class AtScrape(Collector):
    """What is asked of the daemon when somebody looks."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def collect(self) -> Iterable[Metric]:
        """All gauges."""
        yield from self._of_operations()
        yield from self._of_pools()
        yield from self._of_connections()
        last = self._daemon.auditor.last
        findings = GaugeMetricFamily("holdfast_findings", "Findings of the last audit.", labels=("kind",))
        for kind, count in last.kinds.items():
            findings.add_metric((kind,), count)
        yield findings
        yield _gauge("holdfast_audit_timestamp_seconds", "When the last audit was, 0 before the first.", last.at or 0)
        children = self._daemon.children
        yield _gauge(
            "holdfast_children_abandoned", "Killed children not proven dead when given up.", children.abandoned
        )
        yield _gauge("holdfast_ready", "Whether changes are taken.", float(views.health(self._daemon).ready))
        yield _gauge("holdfast_start_time_seconds", "When the daemon started.", self._daemon.started)

    def _of_operations(self) -> Iterable[Metric]:
        rows = self._daemon.records.read(lambda tx: operations.unended(tx, self._daemon.member.uid))
        by_state = GaugeMetricFamily("holdfast_operations", "Operations that are not over.", labels=("state",))
        for state in ("queued", "running", "undoing", "parked"):
            by_state.add_metric((state,), sum(row.state == state for row in rows if row.state not in ENDED))
        yield by_state

    def _of_connections(self) -> Iterable[Metric]:
        """As of the last audit: a scrape asks no array."""
        counts = GaugeMetricFamily(
            "holdfast_connections", "Connections of volumes to hosts at the last audit.", labels=("pool", "state")
        )
        oldest = GaugeMetricFamily(
            "holdfast_connection_oldest_seconds", "Age of the oldest of them, as far as it is known.",
            labels=("pool", "state"),
        )  # fmt: skip
        now = self._daemon.runtime.now()
        for pool in self._daemon.records.read(lambda tx: resources.page(tx, Pool)):
            for state, since in self._daemon.connections.counted.get(pool.uid, {}).items():
                counts.add_metric((pool.name, state), len(since))
                if since:
                    oldest.add_metric((pool.name, state), max(0.0, now - min(since)))
        yield counts
        yield oldest

    def _of_pools(self) -> Iterable[Metric]:
        gauges = {
            name: GaugeMetricFamily(f"holdfast_pool_{name}", text, labels=("pool",))
            for name, text in {
                "ready": "Whether the pool can be used now.",
                "total_bytes": "Size of the place.",
                "free_bytes": "Free in the place.",
                "provisioned_bytes": "Sum of the volumes' sizes.",
            }.items()
        }
        for pool in self._daemon.records.read(lambda tx: resources.page(tx, Pool)):
            view = views.pool(self._daemon, pool)
            gauges["ready"].add_metric((pool.name,), float(view.ready))
            gauges["provisioned_bytes"].add_metric((pool.name,), view.provisioned)
            if view.total is not None and view.free is not None:
                gauges["total_bytes"].add_metric((pool.name,), view.total)
                gauges["free_bytes"].add_metric((pool.name,), view.free)
        yield from gauges.values()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


@get("/metrics", tags=["daemon"], media_type="text/plain", **reading())
async def metrics(calls: Here, counts: NamedDependency[Counts]) -> Response[bytes]:
    """Show metrics in Prometheus' text format."""
    body = await calls.run(lambda: generate_latest(counts.registry))
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})


HANDLERS: list[Any] = [metrics]
