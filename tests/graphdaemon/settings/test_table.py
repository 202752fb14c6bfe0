"""The table and the values agree."""

from __future__ import annotations

from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import CacheSettings, Settings, SyncSettings
from graphdaemon.settings.protected_api import ApiSettings
from graphdaemon.settings.table import SETTINGS


def test_every_setting_is_a_field_or_ignored() -> None:
    """The table and the values agree, so that a row cannot be forgotten."""
    fields = {*Settings.__dataclass_fields__, *CredentialSettings._fields}
    merged = {"credential", "tenant", "cloud", "authority_host", "note"}
    cache = {f"token_cache_{name}".removesuffix("_backend") for name in CacheSettings._fields}

    of_an_api = {name.replace("audiences", "audience") for name in ApiSettings.__dataclass_fields__}

    rows = {row.name for row in SETTINGS} - merged
    derived = {"sources", "files", "cache", "sync", "kind", "source", "origin"}
    assert rows == (fields | cache | of_an_api | {*SyncSettings._fields}) - derived
