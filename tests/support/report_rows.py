"""Rows of reports, as tests need them."""

from __future__ import annotations

from typing import Any

import msgspec

from graphdaemon.client.reports.credentials import CredentialRow

HOSTILE = "<script>alert(\"1\")</script> & 'it' <img src=x onerror=alert(1)>"

_ROW = CredentialRow(
    display_name="Nightly",
    holder="application",
    kind="secret",
    name=None,
    start_date_time="2026-01-01T00:00:00Z",
    end_date_time="2027-01-01T00:00:00Z",
    days_left=1_032,
    state="valid",
    lifetime_days=365,
    last_used_date_time=None,
    use="unknown",
    owners=None,
    findings=[],
    key_id="k",
    app_id="a",
    id="o",
)


def make_row(**changes: Any) -> CredentialRow:
    """A credential that is a row of a report."""
    return msgspec.structs.replace(_ROW, **changes)
