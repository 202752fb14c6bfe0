"""What begins and ends is told to whoever traces, and nothing that must stay inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from graphdaemon.http.span import Note, Value, span, template_of, traced_by


def test_without_a_tracer_nothing_happens() -> None:
    with span("job", tenant="t") as note:
        note("rows", 1)


def test_a_tracer_is_told_names_attributes_notes_and_failures() -> None:
    told: list[object] = []

    @contextmanager
    def tracer(name: str, attributes: Mapping[str, Value]) -> Iterator[Note]:
        told.append((name, dict(attributes)))
        try:
            yield lambda key, value: told.append((key, value))
        except ValueError:
            told.append("failed")
            raise

    def fail() -> None:
        with span("job", http__request__method="GET") as note:
            note("rows", 1)
            raise ValueError("inside")

    with traced_by(tracer), pytest.raises(ValueError, match="inside"):
        fail()
    with span("afterwards"):
        pass
    assert told == [("job", {"http.request.method": "GET"}), ("rows", 1), "failed"]


@pytest.mark.parametrize(
    ("url", "template"),
    [
        ("https://graph.microsoft.com/v1.0/users?$top=5", "/v1.0/users"),
        ("https://graph.microsoft.com/v1.0/users/delta?$deltatoken=secret", "/v1.0/users/delta"),
        (
            "https://graph.microsoft.com/v1.0/groups/1b2c3d4e-0000-4000-8000-000000000001/members",
            "/v1.0/groups/{id}/members",
        ),
        (
            "https://graph.microsoft.com/v1.0/applications(appId='1b2c')",
            "/v1.0/applications(appId={id})",
        ),
        ("https://graph.microsoft.com/v1.0/users/ana@contoso.example", "/v1.0/users/{id}"),
        (
            "https://graph.microsoft.com/v1.0/users/delta(token='secret')",
            "/v1.0/users/delta(token={id})",
        ),
        (
            "https://graph.microsoft.com/v1.0/users/delta(token='a/b')/x",
            "/v1.0/users/delta(token={id})/x",
        ),
        ("https://graph.microsoft.com/v1.0/users/ana%40contoso.example", "/v1.0/users/{id}"),
        ("https://[graph/v1.0", ""),
        ("", ""),
    ],
)
def test_a_path_is_told_without_keys_and_query(url: str, template: str) -> None:
    assert template_of(url) == template
