"""The variables of a program: what is taken away, given and filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from entra_emulator.exec.environment import (
    clear_environment,
    fill_variables,
    proxy_variables,
    trust_variables,
)
from entra_emulator.exec.trust import TrustFiles

FILES = TrustFiles(Path("/all.pem"), Path("/added.pem"), Path("/all.jks"))


def test_real_credentials_stay_with_the_caller() -> None:
    """So do addresses of endpoints that would give others, and proxies that are out of reach."""
    given = {
        "AZURE_CLIENT_SECRET": "real",
        "AZURE_FEDERATED_TOKEN_FILE": "/real",
        "IDENTITY_ENDPOINT": "http://real",
        "https_proxy": "http://proxy",
        "NO_PROXY": "*",
        "AZURE_AUTHORITY_HOST": "https://login.example/",
        "AZURE_CONFIG_DIR": "/kept",
        "JAVA_TOOL_OPTIONS": "-Xmx1g -Dhttps.proxyHost=p -Djavax.net.ssl.trustStore=/t",
    }

    kept = clear_environment(given)

    assert kept == {"AZURE_CONFIG_DIR": "/kept", "JAVA_TOOL_OPTIONS": "-Xmx1g  "}


@pytest.mark.parametrize("host", ["https://login.microsoftonline.us", "login.chinacloudapi.cn/"])
def test_a_national_cloud_stays_chosen(host: str) -> None:
    """The emulator answers for it too."""
    assert clear_environment({"AZURE_AUTHORITY_HOST": host}) == {"AZURE_AUTHORITY_HOST": host}


def test_what_a_program_has_for_node_and_java_is_kept() -> None:
    given = {"NODE_OPTIONS": "--no-warnings", "JAVA_TOOL_OPTIONS": "-Xmx1g"}

    variables = proxy_variables(8080, 8443, FILES, given)

    kept, _, hook = variables["NODE_OPTIONS"].partition(" --require ")
    assert (kept, Path(hook.strip('"')).name, hook[0]) == ("--no-warnings", "hook.cjs", '"')
    assert variables["ENTRA_EMULATOR_HOSTS"].startswith("8443 login.microsoftonline.com ")
    assert variables["JAVA_TOOL_OPTIONS"].startswith("-Xmx1g -Dhttps.proxyHost=127.0.0.1 ")
    assert variables["https_proxy"] == variables["HTTP_PROXY"] == "http://127.0.0.1:8080"
    assert "169.254" not in variables["NO_PROXY"], "it would reach the real metadata service"


def test_every_kind_of_client_is_told_whom_to_trust() -> None:
    assert trust_variables(FILES) == {
        "SSL_CERT_FILE": "/all.pem",
        "REQUESTS_CA_BUNDLE": "/all.pem",
        "CURL_CA_BUNDLE": "/all.pem",
        "NODE_EXTRA_CA_CERTS": "/added.pem",
    }


def test_variables_are_filled_with_what_there_is() -> None:
    fields = {"client_secret": "s={tenant_id}", "tenant_id": "t"}
    given = ["A={client_secret}", "B=x{tenant_id}y={tenant_id}", "C=", "D=a b"]

    filled = fill_variables(given, fields)

    assert filled == {"A": "s={tenant_id}", "B": "xty=t", "C": "", "D": "a b"}


@pytest.mark.parametrize("given", ["A", "=x", "1A=x", "A B=x", ""])
def test_a_variable_has_a_name(given: str) -> None:
    with pytest.raises(ValueError, match="NAME=VALUE"):
        fill_variables([given], {})


@pytest.mark.parametrize("given", ["A={secret}", "A={}", "A={client_secret}{x}"])
def test_what_there_is_not_is_named_with_what_there_is(given: str) -> None:
    with pytest.raises(ValueError, match=r"there is \{client_secret\}$"):
        fill_variables([given], {"client_secret": "s"})
