"""Addresses to listen on, and the names that others know them by."""

import errno
import ipaddress
import socket

# These mean every address of the machine; nobody can connect to them by that name.
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104 - named, not bound to


class BindRefused(Exception):  # noqa: N818 - the name says what happened
    """The address is not this machine's, or other machines could reach it without leave."""


class PortInUse(Exception):  # noqa: N818 - the name says what happened
    """Another program listens on this port already."""


def open_listener(host: str, port: int) -> socket.socket:
    """
    A socket that listens there; port 0 takes any free one.

    Raises:
        PortInUse: another program has the port.
        BindRefused: this machine does not have the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Many clients start at once, and those that a short queue drops try again after a second.
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"another program listens on {host}, port {port}") from error
        raise BindRefused(f"cannot listen on {host}, port {port}: {error.strerror}") from error


def parse_listen(listen: str) -> tuple[str, int]:
    """
    The host and the port of `HOST:PORT`, an IPv6 host in brackets.

    Raises:
        ValueError: the text has another form.
    """
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError(f"{listen!r} is not HOST:PORT, e.g. 127.0.0.1:8443")
    return host.removeprefix("[").removesuffix("]"), int(port)


def name_host(host: str) -> str:
    """The host as it stands in a URL."""
    if host in UNSPECIFIED:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def list_own_names(host: str) -> tuple[str, ...]:
    """The names and addresses by which other machines may reach a server on `host`."""
    name = socket.gethostname()
    listened = () if host in UNSPECIFIED else (host,)
    # A machine's own name need not be known to the resolver.
    try:
        addresses = socket.gethostbyname_ex(name)[2]
    except OSError:
        addresses = []
    return (*listened, name, *addresses)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach the host."""
    # The name is this machine by definition (RFC 6761, 6.3), whatever a resolver says.
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
