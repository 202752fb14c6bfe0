"""Credentials in the settings: which may stand together, and what is said of those that may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.setting import Secret
from tests.support.settings_files import read, write

BAD_CREDENTIALS: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (changes to a file with a secret, code, in the message or the hint)
    "cloud and authority": ({"cloud": "china"}, "setting_invalid", "belongs to public"),
    "no such cloud": ({"cloud": "mars"}, "setting_invalid", "usgovdod or china"),
    "tenant and authority": ({"tenant": "t"}, "authority_ambiguous", "authority and tenant"),
    "region": ({"region": "West Europe"}, "setting_invalid", "westeurope"),
    "no such kind": ({"credential": "password"}, "setting_invalid", "certificate or secret"),
    "kind not there": ({"credential": "certificate"}, "credential_missing", "private_key_file"),
    "two secrets": ({"secret_file": "s"}, "credential_ambiguous", "secret and secret_file"),
    "two kinds": ({"managed_identity": "system"}, "credential_ambiguous", "credential to auto"),
    "stray passphrase": ({"passphrase": "p"}, "credential_ambiguous", "passphrase"),
    "list and one": ({"credentials": [{"secret": "s"}]}, "credential_ambiguous", "into the list"),
    "empty list": ({"secret": None, "credentials": []}, "setting_invalid", "list of tables"),
    "list of texts": ({"secret": None, "credentials": ["s"]}, "setting_invalid", "list of tables"),
    "empty table": (
        {"secret": None, "credentials": [{"secret": "s"}, {}]},
        "credential_missing",
        "credential 2 of parameters.json",
    ),
    "two in one table": (
        {"secret": None, "credentials": [{"secret": "s", "private_key_file": "k"}]},
        "credential_ambiguous",
        "credential 1 of parameters.json",
    ),
    "typo in a table": (
        {"secret": None, "credentials": [{"secert": "s"}]},
        "setting_unknown",
        "Did you mean secret?",
    ),
    "placeholder in a table": (
        {"secret": None, "credentials": [{"secret": "Enter_the_Client_Secret_Here"}]},
        "setting_placeholder",
        "credentials",
    ),
    "keyring": ({"secret": None, "secret_keyring": "x"}, "setting_invalid", "service/name"),
    "vault's secret": (
        {
            "secret": None,
            "key_vault_key": "https://c.vault.azure.net/secrets/a",
            "thumbprint": "AB" * 20,
        },
        "setting_invalid",
        "Key Identifier",
    ),
    "vault alone": (
        {"secret": None, "key_vault_key": "https://c.vault.azure.net/keys/a"},
        "credential_missing",
        "certificate_file",
    ),
    "command": ({"secret": None, "federated_command": 5}, "setting_invalid", "list of texts"),
    "platform": ({"secret": None, "federated": "gitlab"}, "setting_invalid", "github or kub"),
    "chain": (
        {"secret": None, "private_key_file": "k", "send_chain": "perhaps"},
        "setting_invalid",
        "true or false",
    ),
    "no such cache": ({"token_cache": "disk"}, "setting_invalid", "memory, file or redis"),
    "redis nowhere": ({"token_cache": "redis"}, "setting_missing", "token_cache_url"),
    "redis elsewhere": ({"token_cache_url": "http://u:hunter2@h"}, "setting_invalid", "rediss://"),
}


@pytest.mark.parametrize(
    ("changes", "code", "words"), BAD_CREDENTIALS.values(), ids=BAD_CREDENTIALS.keys()
)
def test_bad_credentials_are_named(
    tmp_path: Path, changes: dict[str, Any], code: str, words: str
) -> None:
    """What contradicts itself, is incomplete or of the wrong form; values of secrets never."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **changes)

    assert caught.value.code == code
    said = f"{caught.value} {caught.value.hint}"
    assert words in said
    assert "parameters.json" in said
    assert "hunter2" not in said


def test_credentials_of_a_list_keep_their_order_and_their_files(tmp_path: Path) -> None:
    """Each table is one credential; relative paths start at the settings file's folder."""
    tables = [{"private_key_file": "new.pem", "passphrase": "p"}, {"secret_file": "s"}]

    first, second = read(tmp_path, secret=None, credentials=tables).credentials

    assert first.private_key_file == tmp_path / "new.pem"
    assert first.passphrase == Secret("p")
    assert first.source == "private_key_file in credential 1 of parameters.json"
    assert second.secret_file == tmp_path / "s"
    assert second.kind == "secret"


def test_only_a_managed_identity_needs_no_tenant(tmp_path: Path) -> None:
    """It is the machine's own: neither authority nor client ID is asked for."""
    path = write(tmp_path, {"managed_identity": "system"})

    settings = read_settings(path, {})

    assert settings.authority is None
    assert settings.client_id == ""
    assert settings.endpoint == "https://graph.microsoft.com/v1.0/users"
