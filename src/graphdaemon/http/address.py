"""Split an address into the parts that a request needs."""

from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


class AddressInvalidError(ValueError):
    """A text is not an address to which a request can be sent."""


class Address(NamedTuple):
    """
    The parts of an address.

    Attributes:
        name: The name of the host, or its IP address.
        port: Its port.
        host: Name and port as in the `Host` header: the port is left out if it is the default.
        target: Path and query, as in the first line of a request.
    """

    name: str
    port: int
    host: str
    target: str


def split_address(url: str, scheme: str = "https") -> Address:
    """
    Split an address, which may come from a server, into its parts.

    Raises:
        AddressInvalidError: The address has another scheme than `scheme`, no host, an invalid
            port, or characters that would have to be percent-encoded.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or _PORTS[scheme]
        # A name with letters outside ASCII is sent in the form that DNS has for it (RFC 5890).
        name = name if name.isascii() else name.encode("idna").decode()
    except ValueError:
        # Python's own message would repeat the address, which may be a page link.
        raise AddressInvalidError from None
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    is_printable = url.isprintable() and " " not in url and target.isascii()
    if parts.scheme != scheme or not name or not is_printable:
        raise AddressInvalidError
    host = f"[{name}]" if ":" in name else name
    return Address(name, port, host if port == _PORTS[scheme] else f"{host}:{port}", target)
