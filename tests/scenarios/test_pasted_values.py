"""Values as they come from the clipboard, an editor or a shell: read as meant, or named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.auth.cache_key import read_cache_key
from graphdaemon.auth.kinds import read_credential
from graphdaemon.auth.kinds.certificate import read_passphrase
from graphdaemon.errors import SettingsError
from graphdaemon.http.response import Headers, Response
from graphdaemon.settings.read import read_settings
from tests.support.settings_files import CLIENT, GOOD, TENANT
from tests.support.shared_tokens import KEY

SECRET = "xOm8Q~Yk3vT.w7bN_rL2cJ9dF-hG5sA1pZ6uE4iX"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGF0Zm9ybSJ9.c2lnbmF0dXJl"
PLACE = {"tenant": TENANT, "client_id": CLIENT}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
AROUND = {
    "nothing": ("", ""),
    "line break": ("", "\n"),
    "Windows line breaks": ("\r\n", "\r\n\r\n"),
    "quotation marks": ('"', '"\n'),
    "bent quotation marks": ("“", "”"),
    "zero width spaces": ("\u200b", "\u200b"),
    "no-break blanks": ("\u00a0 ", " \u00a0"),
    "soft hyphens": ("\u00ad", "\u00ad"),
    "a mark of direction": ("\u200e", ""),
    "a second byte order mark": ("\ufeff", ""),
}


def read_secret(path: Path) -> str:
    settings = read_settings(None, {}, PLACE | {"secret_file": str(path)})
    secret = read_credential(settings, settings.credentials[0]).secret
    assert secret is not None
    return secret.reveal()


def read_key(path: Path) -> bytes:
    given = PLACE | {"secret": "s", "token_cache_key_file": str(path)}
    return read_cache_key(read_settings(None, {}, given).cache)


def read_platform_token(path: Path) -> str:
    settings = read_settings(None, {}, PLACE | {"federated_token_file": str(path)})
    assertion = read_credential(settings, settings.credentials[0]).assertion
    assert assertion is not None
    return assertion("https://login.test/token", lambda *_: Response(500, Headers(), b""))


def read_parameters(path: Path) -> str:
    return read_settings(path, {}).client_id


FILES: dict[str, tuple[Callable[[Path], Any], str, Any]] = {
    # setting: (what reads it, what its file holds, what is read)
    "secret_file": (read_secret, SECRET, SECRET),
    "token_cache_key_file": (read_key, KEY, None),
    "federated_token_file": (read_platform_token, JWT, JWT),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("setting", FILES)
def test_a_file_that_holds_one_value_is_read_whatever_stands_around_it(
    tmp_path: Path, setting: str, encoding: str, around: str
) -> None:
    """Editors, PowerShell and the clipboard each add their own."""
    read, value, expected = FILES[setting]
    path = tmp_path / "value"
    path.write_bytes(value.encode())
    path.chmod(0o600)
    plain = read(path)
    before, after = AROUND[around]

    path.write_bytes(f"{before}{value}{after}".encode(encoding))

    assert read(path) == plain
    assert plain == (expected or plain)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["parameters.json", "settings.toml"])
def test_a_settings_file_is_read_in_every_encoding_of_windows(
    tmp_path: Path, name: str, encoding: str
) -> None:
    path = tmp_path / name
    toml = "\n".join(f"{k} = {json.dumps(v)}" for k, v in GOOD.items() if v is not None)
    path.write_bytes((json.dumps(GOOD) if name.endswith("json") else toml).encode(encoding))
    path.chmod(0o600)

    assert read_parameters(path) == CLIENT


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("source", ["file", "environment", "caller"])
def test_a_value_is_read_whatever_stands_around_it(
    tmp_path: Path, source: str, around: str
) -> None:
    """IDs, secret, thumbprint, path, address and choice alike, wherever they are given."""
    before, after = AROUND[around]

    def dress(value: str) -> str:
        return f"{before}{value}{after}"

    plain = {
        "tenant": TENANT,
        "client_id": CLIENT,
        "scope": "https://graph.microsoft.com/.default",
        "endpoint": "https://graph.microsoft.com/v1.0/users",
        "token_cache": "file",
        "timeout": "20",
        "private_key_file": str(tmp_path / "key.pem"),
        "thumbprint": "AB" * 20,
    }
    dressed = {name: dress(value) for name, value in plain.items()}
    if source == "file":
        path = tmp_path / "parameters.json"
        path.write_text(json.dumps(dressed))
        settings = read_settings(path, {})
    elif source == "environment":
        names = {f"GRAPHDAEMON_{name.upper()}": value for name, value in dressed.items()}
        settings = read_settings(None, names)
    else:
        settings = read_settings(None, {}, dressed)

    expected = read_settings(None, {}, plain)
    assert [one._replace(source="") for one in settings.credentials] == [
        one._replace(source="") for one in expected.credentials
    ]
    assert replace(settings, credentials=()) == replace(expected, credentials=())


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AZURE_CLIENT_ID", f"{CLIENT[:8]}\u2013{CLIENT[9:]}", "U+2013 (EN DASH) at place 9"),
        ("AZURE_CLIENT_ID", f'"{CLIENT}', "U+0022 (QUOTATION MARK) at place 1"),
        ("AZURE_CLIENT_ID", CLIENT.replace("-", "\u200b-", 1), "U+200B (ZERO WIDTH SPACE)"),
        ("AZURE_CLIENT_ID", f"{CLIENT} {CLIENT}", "U+0020 (SPACE) at place 37"),
        ("AZURE_TENANT_ID", "contoso\u00ad.example", "U+00AD (SOFT HYPHEN)"),
        ("GRAPHDAEMON_AUTHORITY", "https://login.test/a\u2060b", "U+2060 (WORD JOINER)"),
        ("GRAPHDAEMON_REGION", "west\u00a0europe", "U+00A0 (NO-BREAK SPACE)"),
        ("AZURE_CLIENT_SECRET", f"{SECRET}\n{SECRET}", "U+000A at place 41"),
        ("GRAPHDAEMON_SCOPE", '["api://a\u200b/.default"]', "U+200B (ZERO WIDTH SPACE) at place 8"),
        ("GRAPHDAEMON_MANAGED_IDENTITY", "sys\u200btem", "ZERO WIDTH SPACE"),
    ],
)
def test_what_stands_within_a_value_and_cannot_be_meant_is_named(
    variable: str, value: str, words: str
) -> None:
    """The character, its place, the variable; of a secret nothing else."""
    good = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}

    with pytest.raises(SettingsError) as caught:
        read_settings(None, good | {variable: value})

    assert words in str(caught.value)
    assert variable in str(caught.value)
    assert SECRET[:8] not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("empty", ["", " ", '""', "\u200b", "''\r\n"])
def test_a_variable_that_holds_nothing_is_not_set(empty: str) -> None:
    """CI systems fill in what is not known with nothing, or with an empty pair of quotes."""
    good = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}

    settings = read_settings(None, good | {"AZURE_CLIENT_CERTIFICATE_PATH": empty})

    assert [credential.kind for credential in settings.credentials] == ["secret"]


@pytest.mark.parametrize(
    "scope",
    [
        "api://a/.default",
        '["api://a/.default"]',
        ' "api://a/.default" ',
        '["\u200bapi://a/.default"]',
    ],
)
def test_a_list_in_a_variable_may_be_written_as_in_the_file(scope: str) -> None:
    """People copy it from there."""
    given = {"GRAPHDAEMON_SCOPE": scope, "GRAPHDAEMON_CLIENT_ID": CLIENT}

    settings = read_settings(None, given | {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_SECRET": "s"})

    assert settings.scope == ("api://a/.default",)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_passphrase_keeps_its_blanks_and_loses_its_line_break(
    tmp_path: Path, encoding: str
) -> None:
    """Any character may be meant in it."""
    path = tmp_path / "passphrase"
    path.write_bytes(' "open\u200b sesame" \r\n'.encode(encoding))
    path.chmod(0o600)
    given = PLACE | {"private_key_file": "k.pem", "passphrase_file": str(path)}
    settings = read_settings(None, {}, given)

    passphrase = read_passphrase(settings.credentials[0])

    assert passphrase is not None
    assert passphrase.reveal() == ' "open\u200b sesame" '
