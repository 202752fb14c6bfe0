"""What is answered over HTTP, as supervisors, Prometheus and people ask."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from graphdaemon.daemon.metrics import METRICS, Metrics
from graphdaemon.daemon.server import WatchAnswer, WatchRequest
from graphdaemon.daemon.site import Site
from graphdaemon.daemon.store_reader import StoreReader
from graphdaemon.store.leases import LeaseError
from tests.support.raw_http import ask
from tests.support.watched_site import Life, run_site
from tests.support.watched_store import CONTOSO, NOW, watch


def answer(
    url: str, path: str, *, life: Life | None = None, is_local: bool = True, remote: bool = False
) -> WatchAnswer:
    """Ask the site itself."""

    async def main() -> WatchAnswer:
        site = Site(
            life or Life(), StoreReader(url), Metrics(), remote_page=remote, now=lambda: NOW
        )
        return await site.answer(WatchRequest(path, {}, "", is_local))

    return asyncio.run(main())


@pytest.fixture
def watched_url(store_url: str) -> str:
    return watch(store_url)


@pytest.mark.parametrize(
    ("life", "health", "readiness"),
    [
        (Life(), (200, b"ok\n"), (200, b"ok\n")),
        (Life(ready=False), (200, b"ok\n"), (503, b"starting\n")),
        (Life(stopping=True), (200, b"ok\n"), (503, b"ending\n")),
        (
            Life(standby=True),
            (200, b"ok\n"),
            (503, b"standing by: another process writes to the store\n"),
        ),
        (
            Life(store_error=LeaseError("store_gone", "postgresql://u:p@h is away")),
            (200, b"ok\n"),
            (503, b"the store cannot be used (store_gone)\n"),
        ),
    ],
)
def test_health_is_that_the_loop_turns_and_readiness_that_it_works(
    lived_url: str, life: Life, health: tuple[int, bytes], readiness: tuple[int, bytes]
) -> None:
    life.turned = time.monotonic()
    assert answer(lived_url, "/healthz", life=life)[:2] == health
    assert answer(lived_url, "/readyz", life=life)[:2] == readiness


def test_a_loop_that_has_not_turned_for_two_minutes_is_not_healthy(lived_url: str) -> None:
    given = answer(lived_url, "/healthz", life=Life(turned=time.monotonic() - 130))
    assert given.status == 503
    assert given.body == b"the loop has not run for 130 s\n"


def test_the_metrics_over_http_are_what_prometheus_reads(watched_url: str) -> None:
    """By the package's own parser: every family is documented, and the values are the store's."""
    with run_site(watched_url) as address:
        given = asyncio.run(ask(address, "/metrics"))

    assert given.status == 200
    assert given.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(given.text)}
    own = {name for name in families if name.startswith("graphdaemon")}
    assert own <= {name.removesuffix("_total") for name in METRICS}
    samples = {
        (sample.name, sample.labels.get("name"), sample.labels.get("collection")): sample
        for family in families.values()
        for sample in family.samples
    }
    users = ("contoso", "users")
    success = samples["graphdaemon_success_timestamp_seconds", *users]
    assert success.labels["tenant"] == CONTOSO
    assert success.value == NOW.timestamp() - 20 * 60
    assert samples["graphdaemon_late", "fabrikam", "users"].value == 1
    assert samples["graphdaemon_late", *users].value == 0
    assert samples["graphdaemon_failures", "contoso", "groups/members"].value == 3
    assert samples["graphdaemon_left_out", "contoso", "devices"].value == 1
    assert samples["graphdaemon_rows", *users].value == 3
    assert samples["graphdaemon_settings_usable", "tailspin", None].value == 0
    assert samples["graphdaemon_store_in_step", None, None].value == 0
    assert samples["process_resident_memory_bytes", None, None].value > 1e6


def test_metrics_of_the_process_are_there_while_the_store_is_away(tmp_path: object) -> None:
    given = answer(f"sqlite:{tmp_path}/absent.db", "/metrics")

    assert given.status == 200
    assert b"graphdaemon_ready 1.0" in given.body
    assert b"graphdaemon_rows" not in given.body


def test_a_page_while_the_store_is_away_says_so_with_the_next_step(tmp_path: object) -> None:
    given = answer(f"sqlite:{tmp_path}/absent.db", "/")

    assert given.status == 503
    assert b"There is no store" in given.body


@pytest.mark.parametrize("path", ["/", "/tenant", "/search", "/object", "/elsewhere"])
def test_other_machines_see_no_page_unless_that_was_allowed(lived_url: str, path: str) -> None:
    given = answer(lived_url, path, is_local=False)
    assert given.status == 403
    assert b"--allow-remote-page" in given.body
    assert b"Contoso" not in given.body
    assert answer(lived_url, path, is_local=False, remote=True).status != 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_other_machines_may_ask_for_health_and_metrics(lived_url: str, path: str) -> None:
    assert answer(lived_url, path, is_local=False).status == 200


def test_the_stylesheet_may_be_kept_for_ever() -> None:
    given = answer("sqlite:none.db", "/status.css")
    assert given.kind.startswith("text/css")
    assert ("Cache-Control", "max-age=31536000, immutable") in given.headers
