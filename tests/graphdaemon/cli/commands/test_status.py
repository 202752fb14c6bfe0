"""`graphdaemon status`, as people and monitors run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphdaemon.store.store import open_store
from tests.support.lived_store import live
from tests.support.run_command import Command
from tests.support.watched_store import watch


def test_people_see_every_collection_and_why_it_fails(command: Command, store_url: str) -> None:
    """The scene's clock is long past or to come: here only what does not depend on it."""
    outcome = command("status", "--store", watch(store_url))

    text = outcome.out.decode()
    assert outcome.code == 11
    lines = text.splitlines()
    assert "tailspin" in lines
    assert "    Try: Put the ID there." in lines
    assert any(line.startswith("  secret (secret in fabrikam.json): end unknown") for line in lines)
    assert "Graph asked to wait" in text
    assert "not in step" in outcome.err
    assert "Try: " in outcome.err


def test_a_monitor_reads_json_and_the_exit_code(command: Command, store_url: str) -> None:
    outcome = command("status", "--store", watch(store_url), "--json")

    report = json.loads(outcome.out)
    assert outcome.code == 11
    assert report["in_step"] is False
    assert {tenant["name"] for tenant in report["tenants"]} == {"contoso", "fabrikam", "tailspin"}


def test_a_store_of_the_command_alone_is_in_step_unless_an_age_is_given(
    command: Command, store_url: str
) -> None:
    live(store_url)

    assert command("status", "--store", store_url).code == 0
    late = command("status", "--store", store_url, "--max-age", "1s")
    assert late.code == 11
    assert "2 too old" in late.err
    assert "graphdaemon run" in late.err


def test_an_empty_store_is_not_in_step(command: Command, store_url: str) -> None:
    open_store(store_url).close()
    outcome = command("status", "--store", store_url)
    assert outcome.code == 11
    assert "does not contain a tenant yet" in outcome.err


@pytest.mark.parametrize("age", ["", "0s", "never", "5", "-1m", "1w"])
def test_an_age_that_is_none_is_refused(command: Command, lived_url: str, age: str) -> None:
    outcome = command("status", "--store", lived_url, "--max-age", age)
    assert outcome.code == 2
    assert "Write a time such as 15m" in outcome.err


def test_a_store_that_is_not_there_is_none_that_is_late(command: Command, tmp_path: Path) -> None:
    assert command("status", "--store", f"sqlite:{tmp_path}/absent.db").code == 7


def test_it_reads_while_another_process_writes(command: Command, lived_url: str) -> None:
    """SQLite, in the middle of a transaction: what was committed is shown."""
    with open_store(lived_url) as store, store.change(1, "users", "round") as change:
        change.end(["a"], "deleted")
        outcome = command("status", "--store", lived_url)

    assert outcome.code == 0
    assert "users" in outcome.out.decode()
