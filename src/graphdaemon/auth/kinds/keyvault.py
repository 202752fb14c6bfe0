"""A key in Azure Key Vault that signs for us, by Microsoft's library (an extra): its only home."""

import hashlib
import ssl
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphdaemon.auth.client_assertion import Sign
from graphdaemon.errors import Error, IdentityError, NetworkError, SettingsError
from graphdaemon.http.tls_and_proxy import make_context


def open_vault(address: str, ca_file: Path | None, timeout: float) -> Sign:
    """
    Return what signs with the key at `address`; the vault is asked when it signs.

    Who asks is found the way Azure's own programs find it: `DefaultAzureCredential`.
    """
    return partial(_sign, address, ca_file, timeout)


def _sign(
    address: str, ca_file: Path | None, timeout: float, content: bytes, algorithm: str
) -> bytes:
    try:
        from azure.core.exceptions import (
            AzureError,
            ClientAuthenticationError,
            HttpResponseError,
        )
        from azure.keyvault.keys.crypto import SignatureAlgorithm

        client = _open(address, ca_file, timeout)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"key_vault_key needs a package that is missing: {error.name}",
            code="package_missing",
            hint="Run pip install 'graphdaemon[keyvault]'.",
        ) from None
    host = urlsplit(address).hostname or ""
    try:
        signed = client.sign(SignatureAlgorithm(algorithm), hashlib.sha256(content).digest())
    except ClientAuthenticationError as error:
        raise _refused(host, getattr(error, "status_code", None)) from None
    except HttpResponseError as error:
        status = error.status_code or 0
        if status == 429 or status >= 500:
            raise _unavailable(host, f"it answered {status}") from None
        raise _refused(host, status) from None
    except AzureError as error:
        raise _unavailable(host, type(error).__name__) from None
    return bytes(signed.signature)


@cache
def _open(address: str, ca_file: Path | None, timeout: float) -> Any:
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import DefaultAzureCredential
    from azure.keyvault.keys.crypto import CryptographyClient

    return CryptographyClient(
        address,
        DefaultAzureCredential(),
        transport=RequestsTransport(session=_make_session(make_context(ca_file))),
        connection_timeout=min(timeout, 10),
        read_timeout=timeout,
        retry_total=2,
    )


def _make_session(context: ssl.SSLContext) -> Any:
    """A session that trusts what we trust: its own `verify` knows either the system or a file."""
    import requests.adapters

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            return super().proxy_manager_for(*args, **kwargs, ssl_context=context)

    session = requests.Session()
    session.mount("https://", Adapter())
    return session


def _refused(host: str, status: int | None) -> Error:
    return IdentityError(
        f"the key vault {host} did not sign"
        + (f" (HTTP {status})" if status else ": this machine has no identity that it knows"),
        code="vault_refused",
        hint="Give the identity that runs this program the role Key Vault Crypto User on the key "
        "(Access control of the vault), and check the key's name, end date and permitted "
        "operation sign.",
    )


def _unavailable(host: str, reason: str) -> Error:
    return NetworkError(
        f"the key vault {host} was not reached: {reason}",
        code="connection_failed",
        hint="Check the vault's network rules, the proxy, and that its address is right.",
    )
