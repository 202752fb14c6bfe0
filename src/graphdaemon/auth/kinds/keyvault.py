"""A certificate whose key stays in Azure Key Vault. Only this module imports azure, an extra."""

import hashlib
import ssl
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import ClientCredential, make_signing_credential
from graphdaemon.auth.key_files import read_certificate
from graphdaemon.errors import Error, IdentityError, NetworkError, SettingsError
from graphdaemon.http.certificate_authorities import make_context
from graphdaemon.http.proxy import Proxy, find_proxy
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings


def read(settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """
    Read the certificate; the vault is asked when something is to be signed.

    How this program proves itself to the vault is found the way Azure's own programs find it:
    `DefaultAzureCredential`.
    """
    assert credential.key_vault_key is not None, "settings hold the key's address"
    certificate = read_certificate(credential.certificate_file, credential.thumbprint)
    sign = partial(_sign, credential.key_vault_key, settings.ca_file, settings.timeout)
    return make_signing_credential(settings, credential, certificate, sign)


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
        from requests.exceptions import ProxyError

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
        proxy = _find_proxy(address)
        if proxy is not None and isinstance(error.inner_exception, ProxyError):
            reason = f"the proxy {proxy.address} ({proxy.source}) does not lead there"
            raise _unavailable(host, reason) from None
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
        transport=RequestsTransport(session=_make_session(address, make_context(ca_file))),
        connection_timeout=min(timeout, 10),
        read_timeout=timeout,
        # azure-core repeats up to ten times, while whoever wants a token waits.
        retry_total=2,
    )


def _make_session(address: str, context: ssl.SSLContext) -> Any:
    """
    A session that trusts what we trust, and takes the proxy that we take.

    Its own `verify` knows either the system or a file, and it reads a proxy's address as a URL.
    """
    import requests.adapters

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            return super().proxy_manager_for(
                *args, **kwargs, ssl_context=context, proxy_ssl_context=context
            )

    session = requests.Session()
    # It would read the same variables in its own way, and they win over what is set here.
    session.trust_env = False
    proxy = _find_proxy(address)
    if proxy is not None:
        session.proxies = {"https": proxy.url}
    session.mount("https://", Adapter())
    return session


def _find_proxy(address: str) -> Proxy | None:
    parts = urlsplit(address)
    proxy = find_proxy(parts.hostname or "", parts.port or 443)
    if proxy is not None and proxy.scheme.startswith("socks"):
        raise SettingsError(
            f"{proxy.source} names a SOCKS proxy, and a key vault cannot be reached through one",
            code="proxy_invalid",
            hint=f"Name an HTTP proxy, or exempt {parts.hostname} with NO_PROXY.",
        )
    return proxy


def _refused(host: str, status: int | None) -> Error:
    return IdentityError(
        f"the key vault {host} did not sign"
        + (f" (HTTP {status})" if status else ": this machine has no identity that it knows"),
        code="vault_refused",
        hint="Assign the role Key Vault Crypto User on the key to the identity that runs this "
        "program (Access control of the vault). Also check the name of the key, its expiry "
        "date, and that the operation sign is permitted.",
    )


def _unavailable(host: str, reason: str) -> Error:
    return NetworkError(
        f"the key vault {host} could not be reached: {reason}",
        code="connection_failed",
        hint="Check the vault's network rules, the proxy, and the address of the vault.",
    )
