"""What the daemon tells is counted, in the form that Prometheus reads."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from graphdaemon.daemon.events import make_event
from graphdaemon.daemon.metrics import METRICS, Metrics
from tests.support.watched_site import Life


def read(metrics: Metrics, life: Life | None = None) -> dict[str, Metric]:
    text = metrics.write(life or Life(), None).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    (found,) = (
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
    return float(found)


@pytest.fixture
def metrics() -> Metrics:
    """After two syncs, a round without news, a failure, one left out, and a lost store."""
    made = Metrics()
    of: dict[str, Any] = {"tenant": "t", "name": "n", "collection": "users"}
    for seconds in (0.3, 100.0):
        made.tell(
            make_event(
                "synced",
                **of,
                how="round",
                rows=9,
                created=2,
                updated=1,
                ended=0,
                requests=5,
                seconds=seconds,
                drift=None,
            )
        )
    made.tell(make_event("unchanged", **of, rows=9, seconds=0.1))
    made.tell(make_event("failed", **of, code="c", message="m", hint="", failures=1, due=""))
    made.tell(make_event("left_out", **of, message="m"))
    made.tell(make_event("store_failed", code="c", message="m", hint=""))
    made.tell(make_event("ready"))
    return made


def test_syncs_are_counted_by_what_came_of_them(metrics: Metrics) -> None:
    families = read(metrics)
    counts = {o: value(families, "graphdaemon_syncs_total", outcome=o) for o in ("done", "failed")}
    assert counts == {"done": 3, "failed": 1}
    assert value(families, "graphdaemon_syncs_total", outcome="left_out") == 1
    assert value(families, "graphdaemon_requests_total") == 10
    assert value(families, "graphdaemon_store_failures_total") == 1


def test_changes_are_counted_by_collection_and_kind(metrics: Metrics) -> None:
    families = read(metrics)
    name = "graphdaemon_changes_total"
    assert value(families, name, collection="users", kind="created") == 4
    assert value(families, name, collection="users", kind="updated") == 2


def test_times_are_a_histogram(metrics: Metrics) -> None:
    families = read(metrics)
    name = "graphdaemon_sync_seconds"
    buckets = {
        bound: value(families, f"{name}_bucket", collection="users", le=bound)
        for bound in ("0.1", "0.25", "0.5", "60.0", "300.0", "+Inf")
    }
    assert buckets == {"0.1": 1, "0.25": 1, "0.5": 2, "60.0": 2, "300.0": 3, "+Inf": 3}
    assert value(families, f"{name}_count", collection="users") == 3
    assert value(families, f"{name}_sum", collection="users") == pytest.approx(100.4)


def test_the_state_of_the_process_is_read_when_it_is_asked_for(metrics: Metrics) -> None:
    families = read(metrics, Life(ready=False, running={"a": 1.0, "b": 2.0}))
    assert value(families, "graphdaemon_ready") == 0
    assert value(families, "graphdaemon_jobs_running") == 2


def test_names_that_strangers_gave_break_no_line(metrics: Metrics) -> None:
    """A label is escaped."""
    wild = 'a"b\\c\nd'
    of: dict[str, Any] = {"tenant": "t", "name": "n", "collection": wild}
    metrics.tell(make_event("unchanged", **of, rows=1, seconds=0.1))

    assert value(read(metrics), "graphdaemon_sync_seconds_count", collection=wild) == 1


def test_every_metric_says_what_it_means_and_is_of_its_documented_type(metrics: Metrics) -> None:
    for name, family in read(metrics).items():
        if name.startswith("graphdaemon"):
            kind = METRICS.get(name) or METRICS[f"{name}_total"]
            assert (family.type, family.documentation) == (kind.type, kind.meaning)
