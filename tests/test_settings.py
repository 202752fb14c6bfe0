"""Settings: sources, precedence, and one clear error for everything that can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.setting import SETTINGS, Secret
from graphdaemon.settings import Settings, read_settings

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "22222222-2222-4333-8444-555555555555"
GOOD: dict[str, Any] = {
    "authority": f"https://login.microsoftonline.com/{TENANT}",
    "oidc_authority": None,
    "client_id": CLIENT,
    "scope": ["https://graph.microsoft.com/.default"],
    "secret": "abc~def",
    "endpoint": "https://graph.microsoft.com/v1.0/users",
    "note": "for people",
}


def write(folder: Path, values: object, name: str = "parameters.json") -> Path:
    path = folder / name
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return path


def read(folder: Path, **changes: Any) -> Settings:
    return read_settings(write(folder, GOOD | changes), {})


def test_microsofts_file_works_unchanged(tmp_path: Path) -> None:
    """The secret sample's parameters.json, filled in, is all that is needed."""
    settings = read(tmp_path)

    assert settings.authority == GOOD["authority"]
    assert settings.scope == ("https://graph.microsoft.com/.default",)
    assert settings.secret is not None
    assert settings.secret.reveal() == "abc~def"
    assert settings.graph_root == "https://graph.microsoft.com/v1.0"
    assert settings.consent_url == f"{GOOD['authority']}/adminconsent?client_id={CLIENT}"


def test_certificate_variant_names_files_relative_to_itself(tmp_path: Path) -> None:
    """A relative private_key_file starts at the settings file's folder, not the current one."""
    settings = read(tmp_path, secret=None, thumbprint="ab " * 20, private_key_file="server.pem")

    assert settings.private_key_file == tmp_path / "server.pem"
    assert settings.thumbprint == "AB" * 20


def test_toml_says_the_same(tmp_path: Path) -> None:
    """A TOML file with the same keys gives the same settings."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in GOOD.items() if value is not None]
    toml = read_settings(write(tmp_path, "\n".join(lines), "settings.toml"), {})

    assert read(tmp_path) != toml  # the secrets are two objects
    assert toml.authority == GOOD["authority"]
    assert toml.scope == ("https://graph.microsoft.com/.default",)


def test_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    """Windows PowerShell writes one in front of every file."""
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")

    assert read_settings(path, {}).client_id == CLIENT


def test_environment_alone_is_enough() -> None:
    """The variables that azure-identity reads are settings too; endpoint follows the cloud."""
    settings = read_settings(
        None,
        {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": "s",
            "AZURE_AUTHORITY_HOST": "login.microsoftonline.us",
        },
    )

    assert settings.authority == f"https://login.microsoftonline.us/{TENANT}"
    assert settings.endpoint == "https://graph.microsoft.us/v1.0/users"
    assert settings.scope == ("https://graph.microsoft.us/.default",)


def test_caller_beats_environment_beats_file(tmp_path: Path) -> None:
    """Flag over environment over file; GRAPHDAEMON_ over AZURE_."""
    path = write(tmp_path, GOOD)
    azure = {"AZURE_CLIENT_ID": "from-azure"}
    own = azure | {"GRAPHDAEMON_CLIENT_ID": "from-graphdaemon"}

    assert read_settings(path, azure).client_id == "from-azure"
    assert read_settings(path, own).client_id == "from-graphdaemon"
    assert read_settings(path, own, {"client_id": "given"}).client_id == "given"


def test_secret_in_the_environment_replaces_the_files_certificate(tmp_path: Path) -> None:
    """A stronger source's credential replaces a weaker one's, it does not clash with it."""
    path = write(tmp_path, GOOD | {"secret": None, "private_key_file": "k.pem"})

    settings = read_settings(path, {"AZURE_CLIENT_SECRET": "s"})

    assert settings.private_key_file is None
    assert settings.source("secret") == "AZURE_CLIENT_SECRET"


def test_the_environment_says_when_it_beats_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Variables set long ago surprise nobody: names and sources are said, values are not."""
    path = write(tmp_path, GOOD)

    read_settings(path, {"AZURE_CLIENT_SECRET": "another~secret", "AZURE_CLIENT_ID": CLIENT})

    assert caplog.messages == ["secret: AZURE_CLIENT_SECRET beats parameters.json"]


def test_config_variable_names_the_file(tmp_path: Path) -> None:
    """GRAPHDAEMON_CONFIG stands in for the argument."""
    path = write(tmp_path, GOOD, "other.json")

    assert read_settings(None, {"GRAPHDAEMON_CONFIG": str(path)}).client_id == CLIENT


def test_secret_is_never_shown() -> None:
    """Neither repr, str nor a formatted Settings holds the value."""
    secret = Secret("abc~def")

    assert "abc" not in f"{secret!r} {secret} {[secret]}"


BAD: dict[str, tuple[Any, str, str, str]] = {
    # name: (file's content or changes to a good one, code, in the message, in the hint)
    # Python 3.13 points at the comma, earlier ones at what follows it.
    "comma": ('{\n  "client_id": "x",\n}', "settings_malformed", "is not JSON: line", "no comma"),
    "comment": ("{\n  // tenant\n}", "settings_malformed", "line 2, column 3", "no comments"),
    "empty": ("", "settings_malformed", "line 1, column 1", "double quotes"),
    "list": ("[]", "settings_malformed", "not a JSON object", "{"),
    "typo": ({"client_di": "x"}, "setting_unknown", "client_di", "Did you mean client_id?"),
    "stranger": ({"qqq": "x"}, "setting_unknown", "qqq", "Known keys: authority"),
    "tenant-left": (
        {"authority": "https://login.microsoftonline.com/Enter_the_Tenant_Id_Here"},
        "setting_placeholder",
        "authority",
        "Overview",
    ),
    "client-left": ({"client_id": "your_client_id"}, "setting_placeholder", "client_id", "Fill in"),
    "secret-left": (
        {"secret": "The secret generated by AAD during your confidential app registration"},
        "setting_placeholder",
        "secret",
        "Fill in",
    ),
    "oidc-left": (
        {"oidc_authority": "https://login.contoso.com/Enter_the_Tenant_Name_Here/v2.0"},
        "setting_placeholder",
        "oidc_authority",
        "Set oidc_authority to null",
    ),
    "no-authority": ({"authority": None}, "authority_ambiguous", "neither", "null"),
    "both-authorities": (
        {"oidc_authority": "https://login.example.com/t/v2.0"},
        "authority_ambiguous",
        "both",
        "null",
    ),
    "http-authority": (
        {"authority": f"http://login.microsoftonline.com/{TENANT}"},
        "setting_invalid",
        "http://login.microsoftonline.com",
        f"Write https://login.microsoftonline.com/{TENANT}",
    ),
    "no-tenant": (
        {"authority": "https://login.microsoftonline.com"},
        "setting_invalid",
        "names no tenant",
        "{tenant}",
    ),
    "common": (
        {"authority": "https://login.microsoftonline.com/common"},
        "setting_invalid",
        "common",
        "one tenant",
    ),
    "http-endpoint": (
        {"endpoint": "http://graph.microsoft.com/v1.0/users"},
        "setting_invalid",
        "endpoint",
        "TLS only",
    ),
    "port-word": (
        {"endpoint": "https://graph.microsoft.com:abc/v1.0/users"},
        "setting_invalid",
        "not an https address",
        "in full",
    ),
    "empty-label": (
        {"endpoint": "https://graph..microsoft.com/v1.0/users"},
        "setting_invalid",
        "not an https address",
        "in full",
    ),
    "user-in-endpoint": (
        {"endpoint": "https://me@graph.microsoft.com/v1.0/users"},
        "setting_invalid",
        "user name",
        "before the @",
    ),
    "no-client": ({"client_id": None}, "setting_missing", "client_id", "Overview"),
    "client-number": ({"client_id": 7}, "setting_invalid", "7", "Quote it"),
    "no-credential": ({"secret": None}, "credential_missing", "neither", "AZURE_CLIENT_SECRET"),
    "thumbprint-alone": (
        {"secret": None, "thumbprint": "AB" * 20},
        "credential_missing",
        "no private_key_file",
        "Certificates & secrets",
    ),
    "both-credentials": (
        {"private_key_file": "k.pem"},
        "credential_ambiguous",
        "both",
        "Keep the certificate",
    ),
    "short-thumbprint": (
        {"secret": None, "thumbprint": "790E...", "private_key_file": "k.pem"},
        "setting_invalid",
        "40 hexadecimal",
        "Copy it",
    ),
    "scope-number": ({"scope": 5}, "setting_invalid", "scope", ".default"),
    "timeout-word": ({"timeout": "soon"}, "setting_invalid", "timeout", "60"),
    "timeout-negative": ({"timeout": -1}, "setting_invalid", "timeout", "60"),
}


@pytest.mark.parametrize(("content", "code", "message", "hint"), BAD.values(), ids=BAD.keys())
def test_bad_settings_are_named(
    tmp_path: Path, content: Any, code: str, message: str, hint: str
) -> None:
    """Each wrong setting gives its own code, says what and where, and what to do."""
    path = write(tmp_path, GOOD | content if isinstance(content, dict) else content)

    with pytest.raises(SettingsError) as caught:
        read_settings(path, {})

    assert caught.value.code == code
    assert message in str(caught.value)
    assert "parameters.json" in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code == 3


def test_the_sample_as_downloaded_names_every_placeholder(tmp_path: Path) -> None:
    """All that must be filled in is named at once, not one at a time."""
    sample = GOOD | {
        "authority": "https://login.microsoftonline.com/Enter_the_Tenant_Name_Here",
        "oidc_authority": "https://login.contoso.com/Enter_the_Tenant_Name_Here/v2.0",
        "client_id": "your_client_id",
        "secret": "The secret generated by AAD during your confidential app registration",
    }

    with pytest.raises(SettingsError, match="authority, oidc_authority, client_id, secret"):
        read_settings(write(tmp_path, sample), {})


def test_toml_error_names_the_line(tmp_path: Path) -> None:
    """A TOML file that does not parse says where."""
    with pytest.raises(SettingsError, match="line 2, column 1") as caught:
        read_settings(write(tmp_path, 'client_id = "x"\n!', "s.toml"), {})

    assert caught.value.code == "settings_malformed"


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is repeated."""
    with pytest.raises(SettingsError, match=r"nowhere\.json does not exist") as caught:
        read_settings(tmp_path / "nowhere.json", {})

    assert caught.value.code == "no_settings"


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A folder, or a file that is no text, is said to be unreadable."""
    binary = tmp_path / "parameters.json"
    binary.write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path, binary):
        with pytest.raises(SettingsError) as caught:
            read_settings(path, {})
        assert caught.value.code == "settings_unreadable"


def test_every_setting_is_a_field_or_ignored() -> None:
    """The table and the value agree, so that a row cannot be forgotten."""
    fields = set(Settings.__dataclass_fields__) - {"sources"}

    assert fields == {row.name for row in SETTINGS} - {"note"}
