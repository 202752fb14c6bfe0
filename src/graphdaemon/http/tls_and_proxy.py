"""Which proxy leads to a host."""

import os
import sys
from urllib.parse import unquote

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
