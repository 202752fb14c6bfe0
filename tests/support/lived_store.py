"""A store in which three users have lived for a day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphdaemon.store.rows import Position, Row
from graphdaemon.store.store import open_store
from tests.support.store_fixtures import SteppingClock

PROPERTIES = ("id", "displayName", "jobTitle", "accountEnabled", "businessPhones")
USERS = Position("link", PROPERTIES)
MEMBERS = Position("link", ("id",))


def user(id_: str, name: str, **values: object) -> Row:
    unset: dict[str, object] = {"jobTitle": None, "accountEnabled": True, "businessPhones": []}
    record = {"id": id_, "displayName": name} | unset | values
    return Row(id_, json.dumps(record, ensure_ascii=False).encode())


def member(group: str, child: str) -> Row:
    edge = {"parent": group, "child": child, "kind": "user"}
    return Row(f"{group}/{child}", json.dumps(edge).encode())


def live(url: str) -> str:
    """
    Make a store, and return its URL.

    Runs at every full hour from 8 on, 2026-11-01.

    8: Ana (a clerk), Bo and Cy; 9: Bo is a member of a group; 10: Ana is a manager, Bo removed, Di
    new; 11: Bo is back; 12: Ana has a phone, Cy is deleted; 13: Di takes Bo's place in the group.
    """
    with open_store(url, now=SteppingClock()) as store:
        tenant = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso")
        with store.change(tenant, "users", "baseline") as change:
            change.load([user("a", "Ana", jobTitle="Clerk"), user("b", "Bo"), user("c", "Cy")])
            change.save(USERS)
        with store.change(tenant, "groups/members", "baseline") as change:
            change.load([member("g", "b")])
            change.save(MEMBERS)
        with store.change(tenant, "users", "round") as change:
            change.put([user("a", "Ana", jobTitle="Manager"), user("d", "Di")])
            change.end(["b"], "removed")
            change.save(USERS)
        with store.change(tenant, "users", "round") as change:
            change.put([user("b", "Bo")])
            change.save(USERS)
        with store.change(tenant, "users", "round") as change:
            change.put([user("a", "Ana", jobTitle="Manager", businessPhones=["1"])])
            change.end(["c"], "deleted")
            change.save(USERS)
        with store.change(tenant, "groups/members", "round") as change:
            change.put([member("g", "d")])
            change.end(["g/b"], "deleted")
            change.save(MEMBERS)
    return url


@pytest.fixture
def lived_url(tmp_path: Path) -> str:
    """The URL of such a store in a file."""
    return live(f"sqlite:{tmp_path}/lived.db")
