"""Where settings come from, which source beats which, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.log import redact
from graphdaemon.settings.read import read_settings
from tests.support.settings_files import CLIENT, GOOD, write


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

    assert caplog.messages == ["AZURE_CLIENT_SECRET replaces secret in parameters.json"]
    assert redact(caplog.messages[0]) == caplog.messages[0], "what is said must survive the log"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AZURE_TENANT_ID": "fabrikam.example"}, "AZURE_TENANT_ID replaces authority"),
        ({"GRAPHDAEMON_PRIVATE_KEY_FILE": "k.pem"}, "GRAPHDAEMON_PRIVATE_KEY_FILE replaces secret"),
        ({"AZURE_FEDERATED_TOKEN_FILE": "token"}, "AZURE_FEDERATED_TOKEN_FILE replaces secret"),
    ],
)
def test_a_variable_that_replaces_a_setting_of_another_name_is_told_of(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    variables: dict[str, str],
    message: str,
) -> None:
    """Else a secret would go to a tenant, or for an app, that the file does not name."""
    read_settings(write(tmp_path, GOOD), variables)

    assert caplog.messages == [f"{message} in parameters.json"]


def test_a_variable_that_says_the_same_tenant_is_not_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A night's job would otherwise send mail each night."""
    authority = GOOD | {"authority": "https://login.microsoftonline.com/contoso.example"}

    read_settings(write(tmp_path, authority), {"AZURE_TENANT_ID": "contoso.example"})

    assert caplog.messages == []


def test_a_misspelt_variable_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is not read, as those are not that Kubernetes sets for a service of this name."""
    variables = {"GRAPHDAEMON_TIMOUT": "5", "GRAPHDAEMON_SERVICE_HOST": "10.0.0.1"}
    variables |= {"GRAPHDAEMON_PORT": "tcp://10.0.0.1:80", "GRAPHDAEMON_SCHEDULE": "0 0 2 * * *"}

    read_settings(write(tmp_path, GOOD), variables)

    assert caplog.messages == ["GRAPHDAEMON_TIMOUT is not read: did you mean GRAPHDAEMON_TIMEOUT?"]


def test_config_variable_names_the_file(tmp_path: Path) -> None:
    """GRAPHDAEMON_CONFIG stands in for the argument."""
    path = write(tmp_path, GOOD, "other.json")

    assert read_settings(None, {"GRAPHDAEMON_CONFIG": str(path)}).client_id == CLIENT


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
