"""Find the proxy for a host: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, or the system's setting."""

import os
import re
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.text import clean, encode_host, name_flaw

# The supported schemes, each with the port for an address that names none.
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LOOPBACK = r"localhost|127(\.\d{1,3}){3}|::1"
_SYSTEM = "the system's proxy setting"


class Proxy(NamedTuple):
    """
    A proxy, and the user name and password for it.

    Attributes:
        scheme: `http`, `https`, `socks5` (this machine resolves the names of hosts) or `socks5h`
            (the proxy resolves them).
        host: The name of the proxy, or its IP address.
        port: Its port.
        source: The environment variable, or other setting, that names the proxy.
        username: The user name; None if there is none.
        password: The password; None if there is none.
    """

    scheme: str
    host: str
    port: int
    source: str
    username: str | None = None
    password: Secret | None = None

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address with percent-encoded user name and password; it is a secret."""
        if self.username is None:
            return f"{self.scheme}://{self.address}"
        user, password = (
            quote(text, safe="", errors="surrogateescape")
            for text in (self.username, self.password.reveal() if self.password else "")
        )
        return f"{self.scheme}://{user}:{password}@{self.address}"

    @property
    def authorization(self) -> dict[str, str]:
        """The `Proxy-Authorization` header (RFC 7617); empty without a user name."""
        if self.username is None:
            return {}
        import base64

        pair = f"{self.username}:{self.password.reveal() if self.password else ''}"
        return {
            "Proxy-Authorization": "Basic "
            + base64.b64encode(pair.encode(errors="surrogateescape")).decode()
        }


def find_proxy(
    host: str, port: int = 443, environment: Mapping[str, str] | None = None
) -> Proxy | None:
    """
    Return the proxy through which `host` is reached; None to connect to it directly.

    This machine itself (`localhost` and loopback addresses) is never reached through a proxy, so
    that an emulator on it works where HTTPS_PROXY is set for everything.

    Args:
        host: The name of the host, or its IP address.
        port: Its port, which entries of `NO_PROXY` may name.
        environment: The environment variables; by default those of this process.

    Raises:
        SettingsError: A variable is not valid. The message names the variable and what is wrong
            with it, and never shows the password.
    """
    if re.fullmatch(_LOOPBACK, host.lower()):
        return None
    variables = _read_variables(os.environ if environment is None else environment)
    for name in ("https_proxy", "all_proxy"):
        if name in variables:
            source, value = variables[name]
            if _is_exempt(host, port, *variables.get("no_proxy", ("NO_PROXY", ""))):
                return None
            return read_proxy(value, source)
    # Only macOS and Windows have a proxy setting of their own, and reading it imports much.
    return _find_system_proxy(host) if sys.platform in ("darwin", "win32") else None


def read_proxy(value: str, source: str) -> Proxy:
    """
    Return the proxy with the address `[scheme://][user[:password]@]host[:port]`.

    Since the address of a proxy has no path, everything before the last `@` is user name and
    password, whatever characters these contain.

    Args:
        value: The address.
        source: The environment variable, or other setting, that has this value.

    Raises:
        SettingsError: `value` is not such an address. The message says which part is wrong, and
            shows nothing of the value.
    """
    text = clean(value)
    if (flaw := name_flaw(text)) is not None:
        raise _unreadable(source, f"it {flaw}")
    match = re.match(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//", text)
    scheme = (match[1] or "http").lower() if match else "http"
    if scheme not in _PORTS:
        raise _unreadable(
            source,
            "SOCKS 4 is not supported; its scheme should be socks5h"
            if scheme.startswith("socks")
            else f"its scheme is none of {', '.join(_PORTS)}",
        )
    userinfo, at, place = text[match.end() if match else 0 :].rpartition("@")
    host, port = _split_place(source, place.strip().rstrip("/"), _PORTS[scheme])
    username, colon, password = userinfo.partition(":")
    if not at or not (username or colon):
        return Proxy(scheme, host, port, source)
    name = unquote(username, errors="surrogateescape")
    if ":" in name:
        raise _unreadable(source, "its user name contains a colon, which ends a user name")
    secret = Secret(unquote(password, errors="surrogateescape")) if colon else None
    return Proxy(scheme, host, port, source, name, secret)


def _read_variables(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """
    Return the name as written and the value of each variable, by its name in lower case.

    As in curl, a variable in lower case counts before the same one in upper case, even if it is
    empty.
    """
    variables: dict[str, tuple[str, str]] = {}
    for name in sorted(environment, key=str.islower):
        plain = name.lower()
        if plain in ("https_proxy", "all_proxy", "no_proxy"):
            variables[plain] = (name, environment[name])
    return {name: entry for name, entry in variables.items() if clean(entry[1])}


def _find_system_proxy(host: str) -> Proxy | None:
    import urllib.request

    proxies = urllib.request.getproxies()
    value = proxies.get("https") or proxies.get("all")
    if not value or urllib.request.proxy_bypass(host):
        return None
    return read_proxy(value, _SYSTEM)


def _split_place(source: str, place: str, default: int) -> tuple[str, int]:
    if place.lower().endswith(".pac"):
        raise _unreadable(source, "it names a script of proxy settings (PAC), and not a proxy")
    if re.search(r"[/?#\\]", place):
        raise _unreadable(source, "something follows its port")
    bracketed = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", place)
    if bracketed:
        host, port = unquote(bracketed[1]), bracketed[2] or ""
        _check_ipv6(source, host)
    elif place.count(":") > 1:
        raise _unreadable(source, "its host has several colons, and an IPv6 address needs brackets")
    else:
        host, _, port = place.partition(":")
        _check_host(source, host)
    if not port:
        return host, default
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise _unreadable(source, "its port is not a number from 1 to 65535")
    return host, int(port)


def _check_host(source: str, host: str) -> None:
    if not host:
        raise _unreadable(source, "it has no host")
    try:
        plain = encode_host(host)
    except UnicodeError:
        plain = b""
    if not re.fullmatch(rb"[A-Za-z0-9._-]+", plain):
        raise _unreadable(source, "its host is not a valid name of a host")


def _check_ipv6(source: str, host: str) -> None:
    from ipaddress import IPv6Address

    try:
        IPv6Address(host)
    except ValueError:
        raise _unreadable(source, "what is in brackets is not an IPv6 address") from None


def _is_exempt(host: str, port: int, source: str, value: str) -> bool:
    """Return whether `NO_PROXY` names `host`: by name, domain, pattern, address or network."""
    name = _plain_name(host)
    entries = [entry for entry in re.split(r"[\s,;|]+", clean(value)) if entry]
    return any(
        _matches(name, port, clean(entry).lower(), source, number)
        for number, entry in enumerate(entries, 1)
    )


def _matches(host: str, port: int, entry: str, source: str, number: int) -> bool:
    address, has_scheme, rest = entry.partition("://")
    entry = rest.partition("/")[0] if has_scheme else address
    if entry in ("*", "<local>"):
        # `<local>` stands for every name without a dot, as in the settings of Windows.
        return entry == "*" or ("." not in host and ":" not in host)
    if "/" in entry:
        return _is_within(host, entry, source, number)
    named, its_port = _split_port(entry)
    if its_port and not re.fullmatch("[0-9]+", its_port):
        raise _exemption_unreadable(source, number, "its port is not a number")
    if its_port and int(its_port) != port:
        return False
    if named.startswith("*."):
        named = named[1:]
    if "*" in named:
        from fnmatch import fnmatchcase

        return fnmatchcase(host, named)
    named = _plain_name(named.lstrip("."))
    return bool(named) and (host == named or host.endswith(f".{named}"))


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        named, _, port = entry[1:].partition("]")
        return named, port.removeprefix(":")
    # Without brackets an IPv6 address has no port.
    if entry.count(":") > 1:
        return entry, ""
    named, _, port = entry.partition(":")
    return named, port


def _is_within(host: str, network: str, source: str, number: int) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        within = ip_network(network, strict=False)
    except ValueError:
        raise _exemption_unreadable(source, number, "it is not a network") from None
    try:
        return ip_address(host) in within
    except ValueError:
        return False


def _plain_name(host: str) -> str:
    name = host.lower().strip("[]").rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def _unreadable(source: str, problem: str) -> SettingsError:
    return SettingsError(
        f"{source} cannot be read as the address of a proxy: {problem}",
        code="proxy_invalid",
        hint="Write http://USER:PASSWORD@HOST:PORT (or https, socks5h); in user and password, "
        "write a special character as % and its two hexadecimal digits: %40 for @.",
    )


def _exemption_unreadable(source: str, number: int, problem: str) -> SettingsError:
    return SettingsError(
        f"{source} cannot be read, because of its entry {number}: {problem}",
        code="proxy_invalid",
        hint="Write names, domains, addresses and networks with commas between them: "
        "localhost,.example.com,10.0.0.0/8.",
    )
