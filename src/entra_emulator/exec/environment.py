"""The variables that a program gets: pretend credentials, trust, and the way to the emulator."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.trust import (
    ADDED_VARIABLE,
    BUNDLE_VARIABLES,
    STORE_PASSWORD,
    TrustFiles,
)

# What the Azure SDKs, and the endpoints of managed identities, are told by variables. Those of the
# caller's are a real application's, and must not reach a pretend tenant.
_CREDENTIALS = frozenset(
    """
    AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_CLIENT_CERTIFICATE_PATH
    AZURE_CLIENT_CERTIFICATE_PASSWORD AZURE_CLIENT_SEND_CERTIFICATE_CHAIN AZURE_USERNAME
    AZURE_PASSWORD AZURE_FEDERATED_TOKEN_FILE AZURE_POD_IDENTITY_AUTHORITY_HOST
    IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT IMDS_ENDPOINT
    MSI_ENDPOINT MSI_SECRET
    """.split()
)
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"})
_AUTHORITY = "AZURE_AUTHORITY_HOST"

# For Node; reads ENTRA_EMULATOR_HOSTS.
_HOOK = Path(__file__).with_name("hook.cjs")

_FIELD = re.compile(r"\{(\w*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JAVA_NETWORK = re.compile(r"-D(?:https?\.(?:proxy|nonProxy)|javax\.net\.ssl\.trustStore)\S*")

# Besides localhost, programs of every kind reach the loopback without a proxy.
_NO_PROXY = "localhost,127.0.0.1,::1"


class Identity(NamedTuple):
    """
    Who the program is to the pretend tenant.

    Args:
        fields: what variables can be made of: `tenant_id`, `client_id`, `client_secret`,
            `certificate_file`, `authority`, `domain`, as far as there is one.
        variables: those of the Azure SDKs.
    """

    fields: Mapping[str, str]
    variables: Mapping[str, str]


def clear_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables without credentials, and without proxies that cannot be reached."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _CREDENTIALS and name.upper() not in _PROXIES
    }
    host = kept.get(_AUTHORITY, "").removeprefix("https://").strip("/").lower()
    if host not in list_hosts():
        kept.pop(_AUTHORITY, None)
    if "JAVA_TOOL_OPTIONS" in kept:
        kept["JAVA_TOOL_OPTIONS"] = _JAVA_NETWORK.sub("", kept["JAVA_TOOL_OPTIONS"])
    return kept


def trust_variables(files: TrustFiles) -> dict[str, str]:
    """The variables that make programs trust the emulator."""
    variables = dict.fromkeys(BUNDLE_VARIABLES, str(files.bundle))
    return variables | {ADDED_VARIABLE: str(files.additions)}


def proxy_variables(
    tunnel: int, server: int, files: TrustFiles, given: Mapping[str, str]
) -> dict[str, str]:
    """
    The variables that lead programs through a proxy, and Node, which heeds none, past it.

    Args:
        tunnel: the proxy's port on 127.0.0.1.
        server: the port of what answers for Microsoft's hosts.
        files: for Java.
        given: the variables that the program has already.
    """
    proxy = f"http://127.0.0.1:{tunnel}"
    variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    variables |= dict.fromkeys(("NO_PROXY", "no_proxy"), _NO_PROXY)
    variables["ENTRA_EMULATOR_HOSTS"] = " ".join((str(server), *list_hosts()))
    node = f'--require "{_HOOK}"'
    java = (
        f"-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={tunnel} "
        f"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={tunnel} "
        f'-Djavax.net.ssl.trustStore="{files.java}" '
        f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"
    )
    for name, value in (("NODE_OPTIONS", node), ("JAVA_TOOL_OPTIONS", java)):
        variables[name] = f"{given[name]} {value}" if given.get(name) else value
    return variables


def fill_variables(variables: Iterable[str], fields: Mapping[str, str]) -> dict[str, str]:
    """
    Variables that are given as `NAME=VALUE`, with `{client_secret}` and the like filled in.

    Raises:
        ValueError: one has another form, or names what there is not.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1] not in fields:
            known = ", ".join(f"{{{name}}}" for name in fields) or "nothing"
            raise ValueError(f"--env: there is no {match[0]} here; there is {known}")
        return fields[match[1]]

    filled = {}
    for variable in variables:
        name, equals, value = variable.partition("=")
        if not (equals and _NAME.fullmatch(name)):
            raise ValueError(f"--env takes NAME=VALUE, not {variable!r}")
        filled[name] = _FIELD.sub(fill, value)
    return filled
