"""Settings: sources, precedence, and one clear error for everything that can be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.credentials import KINDS, CredentialSettings
from graphdaemon.settings.model import CacheSettings, Settings
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.table import SETTINGS
from tests.support.places import DOCS

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
    path.chmod(0o600)
    return path


def read(folder: Path, **changes: Any) -> Settings:
    return read_settings(write(folder, GOOD | changes), {})


def test_microsofts_file_works_unchanged(tmp_path: Path) -> None:
    """The secret sample's parameters.json, filled in, is all that is needed."""
    settings = read(tmp_path)

    assert settings.authority == GOOD["authority"]
    assert settings.scope == ("https://graph.microsoft.com/.default",)
    (credential,) = settings.credentials
    assert credential.secret is not None
    assert credential.secret.reveal() == "abc~def"
    assert settings.graph_root == "https://graph.microsoft.com/v1.0"
    assert settings.consent_url == f"{GOOD['authority']}/adminconsent?client_id={CLIENT}"


def test_certificate_variant_names_files_relative_to_itself(tmp_path: Path) -> None:
    """A relative private_key_file starts at the settings file's folder, not the current one."""
    settings = read(tmp_path, secret=None, thumbprint="ab " * 20, private_key_file="server.pem")

    (credential,) = settings.credentials
    assert credential.private_key_file == tmp_path / "server.pem"
    assert credential.thumbprint == "AB" * 20


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

    assert [credential.kind for credential in settings.credentials] == ["secret"]
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
    """The table and the values agree, so that a row cannot be forgotten."""
    fields = {*Settings.__dataclass_fields__, *CredentialSettings._fields}
    merged = {"credential", "tenant", "cloud", "authority_host", "note"}
    cache = {f"token_cache_{name}".removesuffix("_backend") for name in CacheSettings._fields}

    rows = {row.name for row in SETTINGS} - merged
    assert rows == (fields | cache) - {"sources", "cache", "kind", "source"}


CLOUDS = {
    "public": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "usgov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "usgovdod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": (
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_is_one_setting(tmp_path: Path, cloud: str) -> None:
    """With it and the tenant, token service, scope and Graph follow; written out, they agree."""
    host, graph = CLOUDS[cloud]
    open_ = {"authority": None, "scope": None, "endpoint": None, "cloud": cloud}

    short = read(tmp_path, tenant="contoso.com", **open_)
    written = read(tmp_path, **open_ | {"authority": f"{host}/contoso.com"})

    assert short == written
    assert short.authority == f"{host}/contoso.com"
    assert short.scope == (f"{graph}/.default",)
    assert short.graph_root == f"{graph}/v1.0"


def test_a_host_nobody_knows_may_belong_to_any_cloud(tmp_path: Path) -> None:
    """External ID under a domain of its own, in a government's cloud."""
    settings = read(
        tmp_path,
        authority="https://login.contoso.example/t",
        cloud="usgov",
        scope=None,
        endpoint=None,
    )

    assert settings.graph_root == "https://graph.microsoft.us/v1.0"


def test_a_tenant_in_the_environment_moves_within_the_files_cloud(tmp_path: Path) -> None:
    """AZURE_TENANT_ID replaces the file's tenant, and leaves its cloud."""
    path = write(tmp_path, GOOD | {"authority": None, "tenant": "a.example", "cloud": "usgov"})

    settings = read_settings(path, {"AZURE_TENANT_ID": TENANT})

    assert settings.authority == f"https://login.microsoftonline.us/{TENANT}"


def test_the_projects_own_variable_beats_azures_of_another_name(tmp_path: Path) -> None:
    """An authority written out wins over a tenant that some other program needed."""
    variables = {"AZURE_TENANT_ID": TENANT, "GRAPHDAEMON_AUTHORITY": "https://localhost:1/t"}

    assert read_settings(write(tmp_path, GOOD), variables).authority == "https://localhost:1/t"


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


def test_files_that_others_can_read_are_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A settings file with a secret in it, and the command that closes it."""
    path = write(tmp_path, GOOD)
    path.chmod(0o644)
    for _ in range(2):
        read_settings(path, {})

    assert caplog.messages == [
        f"{path} holds a secret, and others can read it (mode 644): chmod 600 {path}"
    ]


def test_a_file_without_a_secret_may_be_read_by_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing in it is private."""
    path = write(tmp_path, GOOD | {"secret": None, "private_key_file": "k.pem"})
    path.chmod(0o644)

    read_settings(path, {})

    assert caplog.messages == []


def examples() -> list[Any]:
    """Every piece of JSON in the how-to pages with nothing left to fill in."""
    pages = sorted((DOCS / "how-to").glob("*.md"))
    return [
        pytest.param(block, id=f"{page.stem} {number}")
        for page in pages
        for number, block in enumerate(
            re.findall(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        )
        if '"{' not in block
    ]


@pytest.mark.parametrize("example", examples())
def test_the_examples_of_the_how_to_pages_are_settings(tmp_path: Path, example: str) -> None:
    """What is shown can be pasted: with what every file needs it is accepted."""
    shown = json.loads(example if example.startswith("{") else f"{{{example}}}")
    credential = any(name in shown for kind in KINDS.values() for name in kind.keys)
    own = {"secret": None} if credential or "credentials" in shown else {}

    assert read(tmp_path, **own | shown).client_id
