"""
The network of a namespace: a loopback interface to which every address leads.

There is no other interface, so that no packet can leave. Where a program tries another address, the
loopback answers that nobody listens there, at once.
"""

import os
import socket
import struct
from pathlib import Path

from entra_emulator.token_service.managed_identity import METADATA_ADDRESS

EMULATOR_ADDRESS = "127.0.0.2"
"""Not 127.0.0.1, where services of the machine may be asked for on the same ports."""

# <linux/rtnetlink.h>, <linux/netlink.h>: requests that are answered; some make something new.
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 20, 24
_CHANGE = 0x1 | 0x4
_MAKE = _CHANGE | 0x200 | 0x400
_ANSWER_ERROR = 2
_UP = 1
_LOOPBACK = 1  # the interface's number in every new namespace
_ADDRESS, _LOCAL_ADDRESS, _OUTGOING = 1, 2, 4
_LOCAL_TABLE, _STATIC, _HOST_SCOPE, _LOCAL_ROUTE = 255, 4, 254, 2


def open_loopback() -> None:
    """
    Set the interface up, and let every address lead to it.

    Raises:
        OSError: the system refuses.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        _request(kernel, _NEW_LINK, _CHANGE, struct.pack("=BxHiII", 0, 0, _LOOPBACK, _UP, _UP))
        # An address that is not one of the loopback: with those alone the C library says of every
        # name that it has no address, where it is asked for usable ones (AI_ADDRCONFIG).
        address = socket.inet_aton(METADATA_ADDRESS)
        head = struct.pack("=BBBBi", socket.AF_INET, 32, 0, 0, _LOOPBACK)
        body = head + _attribute(_LOCAL_ADDRESS, address) + _attribute(_ADDRESS, address)
        _request(kernel, _NEW_ADDRESS, _MAKE, body)
        for family in (socket.AF_INET, socket.AF_INET6):
            if family == socket.AF_INET6 and not has_ipv6():
                continue
            words = (family, 0, 0, 0, _LOCAL_TABLE, _STATIC, _HOST_SCOPE, _LOCAL_ROUTE, 0)
            route = struct.pack("=8BI", *words)
            route += _attribute(_OUTGOING, struct.pack("=i", _LOOPBACK))
            _request(kernel, _NEW_ROUTE, _MAKE, route)


def has_ipv6() -> bool:
    """Whether the system's network has IPv6."""
    return Path("/proc/net/if_inet6").exists()


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value


def _request(kernel: socket.socket, kind: int, flags: int, body: bytes) -> None:
    kernel.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body)
    answer = kernel.recv(65_536)
    if struct.unpack_from("=H", answer, 4)[0] == _ANSWER_ERROR:
        number = -struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, f"netlink: {os.strerror(number)}")
