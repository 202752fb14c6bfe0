"""The parts of an address that a request is sent to."""

from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


class AddressInvalidError(ValueError):
    """An address is none that a request can be sent to."""


class Address(NamedTuple):
    """
    What an address says of where a request goes.

    Attributes:
        name: The name of the host, or its IP address.
        port: Its port.
        host: Both as the `Host` header has them: without the port, if it is the usual one.
        target: Path and query, as they stand in a request.
    """

    name: str
    port: int
    host: str
    target: str


def split_address(url: str, scheme: str = "https") -> Address:
    """
    Split an address, which a server may have sent, into its parts.

    Raises:
        AddressInvalidError: It has another scheme than `scheme`, no host, a port that is none, or
            characters that need an escape.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or _PORTS[scheme]
        # A name with other letters is sent in those of DNS (RFC 5890).
        name = name if name.isascii() else name.encode("idna").decode()
    except ValueError:
        # Python's words repeat the address, which may be a page link.
        raise AddressInvalidError from None
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    is_printable = url.isprintable() and " " not in url and target.isascii()
    if parts.scheme != scheme or not name or not is_printable:
        raise AddressInvalidError
    host = f"[{name}]" if ":" in name else name
    return Address(name, port, host if port == _PORTS[scheme] else f"{host}:{port}", target)
