"""
The daemon's metrics for Prometheus, and the only home of its package.

What is known about tenants comes from the store, so every daemon reports the same. Counters belong
to this process. `METRICS` contains all metrics, and docs/reference/metrics.md is made from it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from graphdaemon import __version__
from graphdaemon.daemon.events import DaemonEvent
from graphdaemon.daemon.status import CollectionStatus, StoreStatus, TenantStatus
from graphdaemon.daemon.vitals import Vitals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Samples = Sequence[tuple[Sequence[str], float]]
"""Values, each with its labels."""

_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class MetricKind(NamedTuple):
    """
    One metric.

    Attributes:
        type: The type of the metric in Prometheus.
        labels: The names of its labels.
        meaning: What its value means.
    """

    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    meaning: str


_OF_COLLECTION = ("name", "tenant", "collection")

METRICS = {
    "graphdaemon_info": MetricKind(
        "gauge", ("version",), "Always 1; the label is the version of graphdaemon."
    ),
    "graphdaemon_ready": MetricKind(
        "gauge", (), "1 if the store is open and the settings have been read, as in /readyz."
    ),
    "graphdaemon_jobs_running": MetricKind(
        "gauge", (), "Number of collections that this process is syncing now."
    ),
    "graphdaemon_store_in_step": MetricKind(
        "gauge", (), "1 if nothing in the store is late, as in graphdaemon status."
    ),
    "graphdaemon_success_timestamp_seconds": MetricKind(
        "gauge",
        _OF_COLLECTION,
        "When the collection was last known to be in step with the directory; 0 for never.",
    ),
    "graphdaemon_late": MetricKind(
        "gauge",
        _OF_COLLECTION,
        "1 if the collection was last in step longer ago than three intervals.",
    ),
    "graphdaemon_interval_seconds": MetricKind(
        "gauge", _OF_COLLECTION, "The interval between two syncs of the collection, in seconds."
    ),
    "graphdaemon_due_timestamp_seconds": MetricKind(
        "gauge", _OF_COLLECTION, "When the next sync of the collection is due."
    ),
    "graphdaemon_rows": MetricKind(
        "gauge", _OF_COLLECTION, "Number of rows of the collection in the store."
    ),
    "graphdaemon_failures": MetricKind(
        "gauge", _OF_COLLECTION, "How many syncs of the collection have failed in a row."
    ),
    "graphdaemon_left_out": MetricKind(
        "gauge",
        _OF_COLLECTION,
        "1 if the collection is left out because it was not named and the app may not read it.",
    ),
    "graphdaemon_settings_usable": MetricKind(
        "gauge", ("name",), "1 if the settings of the tenant can be used."
    ),
    "graphdaemon_credential_end_timestamp_seconds": MetricKind(
        "gauge", ("name", "kind", "source"), "When a credential expires, if that is known."
    ),
    "graphdaemon_syncs_total": MetricKind(
        "counter", ("outcome",), "Number of syncs of collections by this process, by their outcome."
    ),
    "graphdaemon_requests_total": MetricKind(
        "counter", (), "Number of requests to Graph in the successful syncs of this process."
    ),
    "graphdaemon_changes_total": MetricKind(
        "counter", ("collection", "kind"), "Number of rows that this process has changed."
    ),
    "graphdaemon_sync_seconds": MetricKind(
        "histogram",
        ("collection",),
        "How long the successful syncs of collections by this process took.",
    ),
    "graphdaemon_store_failures_total": MetricKind(
        "counter", (), "How often this process was unable to use the store."
    ),
}
"""Every metric of this program by its name. Those of the process (`process_…`) are added."""


class Metrics:
    """Counts the daemon's events, and writes all metrics in the text format of Prometheus."""

    def __init__(self) -> None:
        self._syncs = {"done": 0, "failed": 0, "left_out": 0}
        self._requests = 0
        self._store_failures = 0
        self._changes: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._process = ProcessCollector(registry=None)

    def tell(self, event: DaemonEvent) -> None:
        """Count an event."""
        fields = event.fields
        match event.name:
            case "synced":
                self._syncs["done"] += 1
                self._requests += _number(fields["requests"])
                for kind in ("created", "updated", "ended"):
                    key = (str(fields["collection"]), kind)
                    self._changes[key] = self._changes.get(key, 0) + _number(fields[kind])
                self._note_seconds(str(fields["collection"]), fields["seconds"])
            case "unchanged":
                self._syncs["done"] += 1
                self._note_seconds(str(fields["collection"]), fields["seconds"])
            case "failed":
                self._syncs["failed"] += 1
            case "left_out":
                self._syncs["left_out"] += 1
            case "store_failed":
                self._store_failures += 1

    def write(self, vitals: Vitals, status: StoreStatus | None) -> bytes:
        """
        Return all metrics as text.

        Args:
            vitals: The state of the daemon.
            status: The state of the tenants; None while the store cannot be read.
        """
        families = [*self._own(vitals), *(_describe(status) if status is not None else ())]
        registry = CollectorRegistry()
        registry.register(_Prepared(families))
        registry.register(self._process)
        text: bytes = generate_latest(registry)
        return text

    def _note_seconds(self, collection: str, seconds: object) -> None:
        taken = float(seconds) if isinstance(seconds, int | float) else 0.0
        counts = self._seconds.setdefault(collection, [0] * (len(_BUCKETS) + 1))
        counts[next((i for i, most in enumerate(_BUCKETS) if taken <= most), len(_BUCKETS))] += 1
        self._sums[collection] = self._sums.get(collection, 0.0) + taken

    def _own(self, vitals: Vitals) -> Iterator[Metric]:
        yield _gauge("graphdaemon_info", [((__version__,), 1)])
        yield _gauge("graphdaemon_ready", [((), int(vitals.ready))])
        yield _gauge("graphdaemon_jobs_running", [((), len(vitals.running))])
        syncs: Samples = [((outcome,), count) for outcome, count in self._syncs.items()]
        yield _counter("graphdaemon_syncs_total", syncs)
        yield _counter("graphdaemon_requests_total", [((), self._requests)])
        yield _counter("graphdaemon_store_failures_total", [((), self._store_failures)])
        yield _counter("graphdaemon_changes_total", list(self._changes.items()))
        yield self._histogram()

    def _histogram(self) -> Metric:
        name = "graphdaemon_sync_seconds"
        family = HistogramMetricFamily(name, METRICS[name].meaning, labels=METRICS[name].labels)
        for collection, counts in self._seconds.items():
            bounds = [*map(str, _BUCKETS), "+Inf"]
            sums = [sum(counts[: number + 1]) for number in range(len(counts))]
            family.add_metric(
                [collection], list(zip(bounds, sums, strict=True)), self._sums[collection]
            )
        return family


class _Prepared(Collector):
    """Metrics that are already complete."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families

    def describe(self) -> Iterable[Metric]:
        return ()


def _describe(status: StoreStatus) -> Iterator[Metric]:
    """Yield what the store says about the tenants."""
    rows = [(tenant, one) for tenant in status.tenants for one in tenant.collections]
    yield _gauge("graphdaemon_store_in_step", [((), int(status.in_step))])
    for name, value in _VALUES.items():
        yield _gauge(name, [(_labels(*row), value(row[1])) for row in rows])
    usable = [((tenant.name,), int(tenant.error is None)) for tenant in status.tenants]
    yield _gauge("graphdaemon_settings_usable", list(dict(usable).items()))
    ends = {
        (tenant.name, one.kind, one.source): _epoch(one.ends)
        for tenant in status.tenants
        for one in tenant.credentials
        if one.ends
    }
    yield _gauge("graphdaemon_credential_end_timestamp_seconds", list(ends.items()))


_VALUES: dict[str, Callable[[CollectionStatus], float]] = {
    "graphdaemon_success_timestamp_seconds": lambda one: _epoch(one.succeeded),
    "graphdaemon_late": lambda one: int(one.is_bad),
    "graphdaemon_interval_seconds": lambda one: one.every,
    "graphdaemon_due_timestamp_seconds": lambda one: _epoch(one.next),
    "graphdaemon_rows": lambda one: one.rows,
    "graphdaemon_failures": lambda one: one.failures,
    "graphdaemon_left_out": lambda one: int(one.state == "left_out"),
}


def _labels(tenant: TenantStatus, one: CollectionStatus) -> tuple[str, ...]:
    return (tenant.name, tenant.tenant, one.collection)


def _gauge(name: str, samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, METRICS[name].meaning, labels=METRICS[name].labels)
    for labels, value in samples:
        family.add_metric(list(labels), value)
    return family


def _counter(name: str, samples: Samples) -> Metric:
    family = CounterMetricFamily(name, METRICS[name].meaning, labels=METRICS[name].labels)
    for labels, value in samples:
        family.add_metric(list(labels), value)
    return family


def _epoch(time: str) -> float:
    return dt.datetime.fromisoformat(time).timestamp() if time else 0.0


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
