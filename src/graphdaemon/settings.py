"""
Settings: parameters.json (or TOML) and the environment in, one frozen value out.

The keys are those of Microsoft's Python daemon sample, so its parameters.json works unchanged.
Flag beats environment beats file beats default; every error names the setting and its source.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from graphdaemon.cloud import CLOUDS, find_cloud
from graphdaemon.errors import SettingsError
from graphdaemon.parameters import Layer, gather
from graphdaemon.setting import Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything a run needs to know, checked.

    Attributes:
        authority: ``https://host/{tenant}``, or None where ``oidc_authority`` is given.
        oidc_authority: The issuer's address, or None.
        client_id: Application (client) ID.
        scope: One value, ``{App ID URI}/.default``.
        secret: The client secret, or None where a certificate is used.
        thumbprint: SHA-1 thumbprint as 40 hex digits, or None.
        private_key_file: PEM file, or None where a secret is used.
        endpoint: The address the quickstart calls.
        ca_file: Further certificate authorities, or None.
        timeout: Seconds.
        sources: Where each given setting was read: a file's name or a variable's.
    """

    authority: str | None
    oidc_authority: str | None
    client_id: str
    scope: tuple[str, ...]
    secret: Secret | None
    thumbprint: str | None
    private_key_file: Path | None
    endpoint: str
    ca_file: Path | None
    timeout: float
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def graph_root(self) -> str:
        """Origin and version of Graph, such as ``https://graph.microsoft.com/v1.0``."""
        parts = urlsplit(self.endpoint)
        version = parts.path.split("/")[1] if parts.path.count("/") else ""
        return f"{parts.scheme}://{parts.netloc}/{version or 'v1.0'}"

    @property
    def consent_url(self) -> str | None:
        """Where an administrator grants this app what it asks for; None for a custom issuer."""
        if self.authority is None:
            return None
        return f"{self.authority.rstrip('/')}/adminconsent?client_id={self.client_id}"

    def source(self, name: str) -> str:
        """Where ``name`` was read, for messages."""
        return self.sources.get(name, "the default")


def read_settings(
    file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """
    Find, read, merge and check the settings.

    Args:
        file: The settings file; by default ``$GRAPHDAEMON_CONFIG``, then ``./parameters.json``.
        environment: The variables to honour, by default those of the process.
        given: Settings by name that beat environment and file.

    Raises:
        SettingsError: Naming the setting, its value unless secret, and where it was read.
    """
    environment = os.environ if environment is None else environment
    merged, where = gather(file, environment, given or {})
    return _check(merged, where)


def _check(merged: Layer, where: str) -> Settings:
    authority, oidc_authority = _check_authority(merged, where)
    cloud = find_cloud(authority or oidc_authority or "") or CLOUDS[0]
    client_id = _text(merged, "client_id")
    if client_id is None:
        raise SettingsError(
            f"{where} has no client_id",
            code="setting_missing",
            hint="Copy Application (client) ID from the app's Overview page.",
        )
    endpoint = _https(merged, "endpoint") or f"{cloud.graph}/v1.0/users"
    secret, thumbprint, private_key_file = _check_credential(merged, where)
    ca_file = _text(merged, "ca_file")
    return Settings(
        authority=authority,
        oidc_authority=oidc_authority,
        client_id=client_id,
        scope=_check_scope(merged) or (f"{cloud.graph}/.default",),
        secret=secret,
        thumbprint=thumbprint,
        private_key_file=private_key_file,
        endpoint=endpoint,
        ca_file=Path(ca_file) if ca_file else None,
        timeout=_check_timeout(merged),
        sources={name: source for name, (_, source) in merged.items()},
    )


def _check_authority(merged: Layer, where: str) -> tuple[str | None, str | None]:
    authority = _https(merged, "authority")
    oidc_authority = _https(merged, "oidc_authority")
    if (authority is None) == (oidc_authority is None):
        count = "neither" if authority is None else "both"
        raise SettingsError(
            f"{where} has {count} of authority and oidc_authority",
            code="authority_ambiguous",
            hint="Give authority (Entra ID, External ID) or oidc_authority (External ID with its "
            "own domain), and set the other to null.",
        )
    address = authority or oidc_authority or ""
    name = "authority" if authority else "oidc_authority"
    tenant = urlsplit(address).path.strip("/").split("/")[0]
    if not tenant:
        raise _invalid(
            merged, name, "names no tenant", f"Write https://{urlsplit(address).netloc}/{{tenant}}."
        )
    if tenant.lower() in ("common", "organizations", "consumers"):
        raise _invalid(
            merged,
            name,
            f"names {tenant} instead of a tenant",
            "An app with no user belongs to one tenant: put its ID or domain there.",
        )
    return authority, oidc_authority


def _check_credential(merged: Layer, where: str) -> tuple[Secret | None, str | None, Path | None]:
    secret = _text(merged, "secret")
    thumbprint = _text(merged, "thumbprint")
    key_file = _text(merged, "private_key_file")
    if secret and (key_file or thumbprint):
        other = "private_key_file" if key_file else "thumbprint"
        raise SettingsError(
            f"{where} has both a secret and a certificate ({other})",
            code="credential_ambiguous",
            hint="Keep the certificate, the stronger of the two, and delete secret.",
        )
    if not secret and not key_file:
        raise SettingsError(
            f"{where} has a thumbprint and no private_key_file"
            if thumbprint
            else f"{where} has no credential: neither secret nor private_key_file",
            code="credential_missing",
            hint="Make one under App registrations > Certificates & secrets; AZURE_CLIENT_SECRET "
            "and AZURE_CLIENT_CERTIFICATE_PATH are read as well.",
        )
    if thumbprint:
        thumbprint = re.sub(r"[\s:]", "", thumbprint).upper()
        if not re.fullmatch(r"[0-9A-F]{40}", thumbprint):
            raise _invalid(
                merged,
                "thumbprint",
                "is not 40 hexadecimal digits",
                "Copy it from Certificates & secrets > Certificates; it is the SHA-1 thumbprint.",
            )
    return Secret(secret) if secret else None, thumbprint, Path(key_file) if key_file else None


def _check_scope(merged: Layer) -> tuple[str, ...] | None:
    if "scope" not in merged:
        return None
    value, _ = merged["scope"]
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise _invalid(
            merged,
            "scope",
            "is not a list of texts",
            'Write ["https://graph.microsoft.com/.default"].',
        )
    return tuple(words)


def _check_timeout(merged: Layer) -> float:
    value, _ = merged.get("timeout", (60, ""))
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds <= 3600 or isinstance(value, bool):
        raise _invalid(merged, "timeout", "is not a number of seconds from 1 to 3600", "Write 60.")
    return seconds


def _text(merged: Layer, name: str) -> str | None:
    if name not in merged:
        return None
    value, _ = merged[name]
    if not isinstance(value, str):
        raise _invalid(merged, name, f"is not a text but {json.dumps(value)[:40]}", "Quote it.")
    return value.strip()


def _https(merged: Layer, name: str) -> str | None:
    value = _text(merged, name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme != "https" or not _is_host(parts):
        raise _invalid(
            merged,
            name,
            f"is not an https address: {value}",
            f"Write https://{parts.netloc}{parts.path}: tokens travel over TLS only."
            if parts.scheme == "http"
            else "Write it in full, beginning with https://.",
        )
    if "@" in parts.netloc:
        raise _invalid(merged, name, "holds a user name", "Leave out what stands before the @.")
    return value


def _is_host(parts: SplitResult) -> bool:
    try:
        host = (parts.hostname or "").encode("idna")
    except UnicodeError:
        return False
    port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return bool(host) and re.search(rb"[\x00-\x20]", host) is None and port.isdigit() >= bool(port)


def _invalid(merged: Layer, name: str, problem: str, hint: str) -> SettingsError:
    source = merged[name][1] if name in merged else "the default"
    return SettingsError(f"{name} in {source} {problem}", code="setting_invalid", hint=hint)
