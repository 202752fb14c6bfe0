"""A store's URL, and that nobody sees the password in it."""

from pathlib import Path

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.settings.setting import Secret
from graphdaemon.store.location import DEFAULT, Location, read_location


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (DEFAULT, "graphdaemon.db"),
        ("SQLite:data/my store.db", "data/my store.db"),
        ("sqlite:/var/lib/a%20b?c#d.db", "/var/lib/a%20b?c#d.db"),
        ("sqlite:~/graph.db", str(Path.home() / "graph.db")),
    ],
)
def test_a_file_is_named_by_its_path(url: str, path: str) -> None:
    """As it is, without any encoding."""
    assert read_location(url).path == Path(path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgres://me:hunter2@host:5433/db", "postgres://me@host:5433/db"),
        ("postgresql://me:hunt%40er2@[::1]/db", "postgresql://me@[::1]/db"),
        ("postgresql://:hunter2@host", "postgresql://@host"),
        (
            "postgresql:///db?host=/run/pg&password=hunter2&sslmode=require",
            "postgresql:///db?host=/run/pg&password=***&sslmode=require",
        ),
        ("postgresql://me:hunter2@a,b/db", "postgresql://me@a,b/db"),
        ("postgresql://me:p@hunter2@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db#hunter2", "postgresql://host/db"),
    ],
)
def test_a_server_is_shown_without_its_password(url: str, shown: str) -> None:
    """Wherever the URL has it."""
    location = read_location(url)

    assert location == Location(shown, url=Secret(url))
    assert "hunt" not in repr(location)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("graphdaemon.db", "no scheme"),
        ("", "no scheme"),
        ("C:\\data\\hunter2.db", "scheme C"),
        ("mysql://me:hunter2@host/db", "scheme mysql"),
        ("postgresql:hunter2", "scheme postgresql"),
        ("postgresql://me:hunter2@host:port/db", "port"),
        ("postgresql://me:hunter2@host:70000/db", "port"),
        ("postgresql://me:hunter2@[::1/db", "host"),
        ("postgresql://me:hunter 2@host/db", "blank"),
        ("sqlite:", "no file"),
        ("sqlite::memory:", "no file"),
        ("sqlite:a\0b", "no file"),
        ("sqlite:///graphdaemon.db", "//"),
        ("sqlite:~nobody-of-this-name/x", "user that is not known"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(url: str, reason: str) -> None:
    """Before anything is opened, and never with what may be a password."""
    with pytest.raises(StoreError, match=reason) as caught:
        read_location(url)

    assert caught.value.code == "store_url_invalid"
    assert "sqlite:graphdaemon.db" in (caught.value.hint or "")
    assert "hunter" not in str(caught.value)
