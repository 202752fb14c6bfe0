"""The operating system's keyring: what it holds, and what is said where there is none."""

from __future__ import annotations

import sys

import pytest

from graphdaemon.auth.os_keyring import read_entry, write_entry
from graphdaemon.errors import SettingsError


def test_an_entry_is_named_by_service_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands behind the first slash is the name."""
    keyring = pytest.importorskip("keyring")
    entries: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda *key: entries.get(key))
    monkeypatch.setattr(keyring, "set_password", lambda *row: entries.update({row[:2]: row[2]}))

    write_entry("service/a/name", "value")

    assert entries == {("service", "a/name"): "value"}
    assert (read_entry("service/a/name"), read_entry("service/b")) == ("value", None)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(SettingsError, match="the package keyring is missing") as caught:
        read_entry("service/name")

    assert caught.value.code == "package_missing"
    assert "graphdaemon[keyring]" in (caught.value.hint or "")


@pytest.mark.parametrize("trouble", ["locked", "no bus", "no loop"])
def test_a_keyring_that_cannot_be_used_is_told_of(
    monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """A server without a desktop has none: a file does instead."""
    keyring = pytest.importorskip("keyring")
    errors = {
        "locked": keyring.errors.KeyringError(),
        "no bus": OSError(),
        "no loop": RuntimeError(),
    }

    def fail(*_: str) -> None:
        raise errors[trouble]

    monkeypatch.setattr(keyring, "get_password", fail)

    with pytest.raises(SettingsError, match="cannot be used") as caught:
        read_entry("service/name")

    assert caught.value.code == "keyring_unusable"
    assert "secret_file" in (caught.value.hint or "")
