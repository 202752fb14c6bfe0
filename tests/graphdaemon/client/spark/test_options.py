"""The options of the data sources: what is read of them, and how a wrong one is refused."""

from __future__ import annotations

import pytest

from graphdaemon.client.spark.options import (
    ChangesRequest,
    ListingRequest,
    read_changes_options,
    read_listing_options,
)
from graphdaemon.errors import UsageError


def test_the_options_of_a_batch_are_read() -> None:
    """Names without regard to case, lists at their commas, and the argument of load."""
    assert read_listing_options({"path": "users"}) == ListingRequest("users")
    assert read_listing_options(
        {
            "Collection": "/groups/",
            "SELECT": "id, displayName",
            "filter": "mailEnabled eq true",
            "parts": "4",
            "parameters": "/etc/graphdaemon/parameters.json",
            "share": "0.3",
        }
    ) == ListingRequest(
        "groups",
        ("id", "displayName"),
        "mailEnabled eq true",
        4,
        "/etc/graphdaemon/parameters.json",
        0.3,
    )


def test_the_options_of_a_stream_are_read() -> None:
    assert read_changes_options({"collection": "users"}) == ChangesRequest("users")
    assert read_changes_options(
        {"path": "groups/members", "store": "sqlite:x.db", "sync": "False", "every": "5m"}
    ) == ChangesRequest("groups/members", store="sqlite:x.db", syncs=False, every=300.0)


WRONG = [
    ({}, "the option collection is missing"),
    ({"collection": " "}, "the option collection is missing"),
    ({"collection": "users", "path": "groups"}, "the collection is 'users', and load names"),
    ({"collection": "users", "filtr": "x"}, "no option 'filtr'"),
    ({"collection": "users", "limit": "5"}, "no option 'limit'"),
    *[
        ({"collection": "users", "parts": text}, "the option parts is")
        for text in ("0", "-1", "x", "10001", "٣", "9" * 5_000)
    ],
    *[
        ({"collection": "users", "share": text}, "the option share is")
        for text in ("0", "1.5", "nan", "x")
    ],
]
WRONG_CHANGES = [
    ({"collection": "sites"}, "sites is no collection whose changes can be kept"),
    ({"collection": "users", "select": "id"}, "no option 'select'"),
    ({"collection": "users", "sync": "yes"}, "the option sync is 'yes'"),
    *[
        ({"collection": "users", "every": text}, "the option every is")
        for text in ("0s", "never", "5", "x")
    ],
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_option_of_a_batch_is_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_listing_options(options)

    assert caught.value.hint


@pytest.mark.parametrize(("options", "message"), WRONG_CHANGES)
def test_a_wrong_option_of_a_stream_is_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_changes_options(options)

    assert caught.value.hint


def test_a_near_name_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        read_listing_options({"collection": "users", "filtr": "x"})

    assert caught.value.hint == "Write filter."


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@db/x", "postgresql://db/x?user=me&password=hunter2"]
)
def test_a_password_does_not_stand_in_a_plan(url: str) -> None:
    """Spark shows the options of a data source in plans and logs."""
    with pytest.raises(UsageError, match="holds a password") as caught:
        read_changes_options({"collection": "users", "store": url})

    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
