"""Services of this machine that a program in a namespace may reach."""

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from entra_emulator.server.listen import is_loopback

# <include/net/tcp_states.h>
_LISTENING = "0A"


class Service(NamedTuple):
    """A service on the loopback of this machine."""

    host: str
    port: int


def read_services(allowed: Iterable[str]) -> list[Service]:
    """
    The services that texts as `HOST` and `HOST:PORT` name; a host alone names all that listen.

    Raises:
        ValueError: a text has another form, or names another machine.
    """
    services: dict[int, Service] = {}
    for text in allowed:
        host, ports = _read_host(text)
        for port in ports or list_listening_ports():
            services.setdefault(port, Service(host, port))
    return list(services.values())


def _read_host(text: str) -> tuple[str, list[int]]:
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"--allow takes HOST or HOST:PORT, not {text!r}")
    if not is_loopback(host):
        raise ValueError(
            f"--allow names services of this machine, such as localhost:5432; {host!r} is another. "
            "The program cannot reach it."
        )
    return host, [int(port)] if colon else []


def list_listening_ports() -> list[int]:
    """The TCP ports of this machine on which programs listen, where its loopback leads there."""
    ports = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with contextlib.suppress(FileNotFoundError):
            for row in Path("/proc/net", name).read_text("ascii").splitlines()[1:]:
                _, local, _, state, *_ = row.split()
                address, _, port = local.partition(":")
                if state == _LISTENING and _is_own(address, family):
                    ports.add(int(port, 16))
    return sorted(ports)


def _is_own(written: str, family: int) -> bool:
    """Whether an address of /proc/net/tcp, in words of this machine's byte order, is loopback's."""
    words = [int(written[at : at + 8], 16) for at in range(0, len(written), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(socket.inet_ntop(family, packed))
    return address.is_loopback or address.is_unspecified
