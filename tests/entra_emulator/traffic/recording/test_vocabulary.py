from __future__ import annotations

import pytest

from entra_emulator.traffic.recording import vocabulary


@pytest.mark.parametrize(
    "name",
    ["displayName", "@odata.nextLink", "members@delta", "error_codes", "skuId", "@odata.type"],
)
def test_members(name: str) -> None:
    assert vocabulary.is_member(name)


@pytest.mark.parametrize("name", ["ann", "Quillfeather", "ann@odata.type", "shoeSize42"])
def test_what_is_no_member(name: str) -> None:
    assert not vocabulary.is_member(name)


@pytest.mark.parametrize("name", ["users", "memberOf", "$ref", "microsoft.graph.user", "v1.0"])
def test_segments(name: str) -> None:
    assert vocabulary.is_segment(name)


@pytest.mark.parametrize("name", ["ann@contoso.com", "6e7b768e", "Quillfeather"])
def test_keys(name: str) -> None:
    assert not vocabulary.is_segment(name)


@pytest.mark.parametrize(
    ("member", "value", "fixed"),
    [
        ("userType", "Guest", True),
        ("groupTypes", "Unified", True),
        ("displayName", "Guest", False),
        ("surname", "Member", False),
        ("roles", "User.Read.All", True),
        ("roles", "Contoso.Read", False),
        ("displayName", "User.Read.All", False),
        ("userType", "Ann", False),
    ],
)
def test_fixed_values(member: str, value: str, fixed: bool) -> None:
    """A word of the services is one only where they put it: it may be a name elsewhere."""
    assert vocabulary.is_fixed(member, value) == fixed


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("usageLocation", "BR", True),
        ("preferredLanguage", "pt-BR", True),
        ("preferredLanguage", "pt", True),
        ("usageLocation", "Ann", False),
        ("country", "BR", False),
    ],
)
def test_codes(member: str, value: str, code: bool) -> None:
    assert vocabulary.is_code(member, value) == code


def test_public_ids() -> None:
    """Graph's own ID, its permissions, the directory's roles and the products."""
    ids = vocabulary.list_public_ids()
    assert "00000003-0000-0000-c000-000000000000" in ids
    assert "df021288-bdef-4463-88db-98f22de89214" in ids, "User.Read.All"
    assert "62e90394-69f5-4237-9190-012177145e10" in ids, "Global Administrator"
    assert all(one == one.lower() for one in ids)


def test_sentences() -> None:
    words = vocabulary.list_sentences()
    assert {"Resource", "does", "not", "exist", "AADSTS", "Trace"} <= words
