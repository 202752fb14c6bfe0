"""Which certificate authorities are trusted, and which proxy leads to a host."""

import os
import ssl
import sys
from pathlib import Path
from urllib.parse import unquote

from graphdaemon.errors import SettingsError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """
    Return a TLS context that trusts the system's certificate authorities and those in `ca_file`.

    Raises:
        SettingsError: `ca_file` cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust_system(context)
    # Companies whose proxy re-signs TLS set these variables for every Python program.
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        bundle = os.environ.get(variable)
        if bundle and bundle != os.environ.get("SSL_CERT_FILE") and Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    if ca_file is not None:
        _trust_file(context, ca_file)
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    chosen = paths.openssl_cafile_env in os.environ or paths.openssl_capath_env in os.environ
    hashed = bool(paths.capath) and _is_hashed(paths.capath)
    if hashed and paths.openssl_cafile_env not in os.environ:
        # Of a hashed folder only what is needed is read; the whole bundle costs each start 60 ms.
        context.load_verify_locations(capath=paths.capath)
        return
    context.load_default_certs()
    if not chosen and not context.cert_store_stats()["x509_ca"]:
        # python.org's builds for macOS have no certificates. certifi is there: msal needs requests,
        # which needs it.
        import certifi

        context.load_verify_locations(cafile=certifi.where())


def _is_hashed(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".0") for entry in entries)
    except OSError:
        return False


def _trust_file(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise SettingsError(
            f"ca_file {ca_file} "
            + ("does not exist" if missing else "cannot be read as PEM certificates"),
            code="ca_file_unreadable",
            hint="Name a PEM file that holds the certificate authority's own certificate.",
        ) from None


def find_proxy(host: str) -> str | None:
    """
    Return the address of the proxy that leads to `host`; None if there is none.

    This machine itself is never reached through a proxy: an emulator here must work where
    HTTPS_PROXY is set for everything.
    """
    if host in _LOOPBACK:
        return None
    # Asking the system imports much, and only these two systems have a setting of their own.
    set_here = any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ)
    if not set_here and sys.platform not in ("darwin", "win32"):
        return None
    import urllib.request

    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def authorize_proxy(username: str | None, password: str | None) -> dict[str, str]:
    """Return the header that signs in to the proxy; no header without a user name."""
    if username is None:
        return {}
    import base64

    pair = f"{unquote(username)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
