from pathlib import Path

import pytest

from entra_emulator.content.export_files import ExportFileError, Source, parse_source, read_items


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("users.ndjson", "user", "users.ndjson"),
        ("out/ServicePrincipals.jsonl", "servicePrincipal", "out/ServicePrincipals.jsonl"),
        ("export.ndjson", None, "export.ndjson"),
        ("groups=a=b.txt", "group", "a=b.txt"),
        ("organization=o.json", "organization", "o.json"),
        ("/tmp/a=b/users.ndjson", "user", "/tmp/a=b/users.ndjson"),
    ],
)
def test_source(text: str, kind: str | None, path: str) -> None:
    """The type is told by the file's name, or in front of it."""
    assert parse_source(text) == Source(Path(path), kind)


def test_bad_source() -> None:
    """What is no collection is said to be none, with those that are."""
    with pytest.raises(
        ExportFileError, match=r"people is no collection\. Say one of users, groups"
    ):
        parse_source("people=x.ndjson")


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(ExportFileError, match="/dev/zero, line 1: this has more than"):
        next(read_items(Source(Path("/dev/zero"), "user")))
