"""
What a program tried to reach besides the emulator.

In the namespace every address leads to the loopback, which answers at once where nobody listens: a
TCP connection by a reset, a UDP packet by "port unreachable". These answers are read here.
"""

import contextlib
import ctypes
import ipaddress
import select
import socket
import struct
import threading
from collections.abc import Callable

from entra_emulator.exec.loopback import EMULATOR_ADDRESS

# <linux/if_ether.h>, <linux/if_packet.h>, <asm-generic/socket.h>
_EVERY_PROTOCOL, _OUTGOING_PACKET, _ATTACH_FILTER = 0x0003, 4, 26
_RESET_AND_ACKNOWLEDGE = 0x14
_LONGEST_PACKET = 2_048

# The kernel hands over only packets that these instructions accept (`struct sock_filter` of
# <linux/filter.h>): else all traffic between the program and the emulator would be copied here.
# Each row is an instruction, how far it jumps if it is true, and if not, and a value.
_LOAD_BYTE, _AND, _IS_EQUAL, _RETURN = 0x30, 0x54, 0x15, 0x06
_FILTER = (
    (_LOAD_BYTE, 0, 0, 0),  # the version of IP
    (_AND, 0, 0, 0xF0),
    (_IS_EQUAL, 0, 5, 0x40),
    (_LOAD_BYTE, 0, 0, 9),  # IPv4: the protocol
    (_IS_EQUAL, 8, 0, socket.IPPROTO_ICMP),
    (_IS_EQUAL, 0, 8, socket.IPPROTO_TCP),
    (_LOAD_BYTE, 0, 0, 20 + 13),  # TCP's flags; the kernel's own resets have no options of IP
    (_IS_EQUAL, 5, 6, _RESET_AND_ACKNOWLEDGE),
    (_LOAD_BYTE, 0, 0, 6),  # IPv6: the next header
    (_IS_EQUAL, 3, 0, socket.IPPROTO_ICMPV6),
    (_IS_EQUAL, 0, 3, socket.IPPROTO_TCP),
    (_LOAD_BYTE, 0, 0, 40 + 13),
    (_IS_EQUAL, 0, 1, _RESET_AND_ACKNOWLEDGE),
    (_RETURN, 0, 0, _LONGEST_PACKET),
    (_RETURN, 0, 0, 0),
)


class Refusals:
    """What was refused: each name or address is said once, and kept."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._targets: dict[str, None] = {}

    def note(self, target: str, text: str) -> None:
        """Keep a name, or an address with its port; say the text if it is the first time."""
        with self._lock:
            if target in self._targets:
                return
            self._targets[target] = None
        self._say(text)

    def list_targets(self) -> tuple[str, ...]:
        """What was refused, in order."""
        with self._lock:
            return tuple(self._targets)


def watch_refusals(refusals: Refusals) -> Callable[[], None]:
    """
    Note what is refused from now on, in a thread of its own.

    Returns:
        Notes at once what was refused until it is called: of a program that has ended, all of it.

    Raises:
        OSError: the system does not let this process read packets.
    """
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL))
    _attach_filter(packets)
    # Held from the reading of a packet until it is noted, so that whoever holds it misses none.
    noting = threading.Lock()

    def note_all() -> None:
        with noting, contextlib.suppress(BlockingIOError):
            while True:
                packet, sender = packets.recvfrom(_LONGEST_PACKET, socket.MSG_DONTWAIT)
                # The loopback shows every packet twice: as it goes out, and as it comes in.
                target = read_refusal(packet) if sender[2] == _OUTGOING_PACKET else None
                if target is not None:
                    _note_address(refusals, *target)

    def watch() -> None:
        while select.select([packets], [], []):
            note_all()

    threading.Thread(target=watch, name="refusals", daemon=True).start()
    return note_all


def read_refusal(packet: bytes) -> tuple[str, int] | None:
    """
    The address and the port that a packet says nobody listens on; None if it says something else.

    The packet begins with its IP header, and may be cut off.
    """
    try:
        source, protocol, start = _read_header(packet, 0, of_sender=True)
        if protocol == socket.IPPROTO_TCP:
            port, _, sequence = struct.unpack_from("!HHI", packet, start)
            # Whoever refuses a connection has sent nothing before (RFC 9293, 3.10.7.1).
            return (source, port) if sequence == 0 else None
        # "Port unreachable" (RFC 792, RFC 4443), with the beginning of the packet it answers.
        unreachable = (1, 4) if protocol == socket.IPPROTO_ICMPV6 else (3, 3)
        if tuple(packet[start : start + 2]) != unreachable:
            return None
        target, _, start = _read_header(packet, start + 8, of_sender=False)
        return target, struct.unpack_from("!H", packet, start + 2)[0]
    except (struct.error, IndexError, ValueError):
        return None


def _read_header(packet: bytes, start: int, *, of_sender: bool) -> tuple[str, int, int]:
    """The address of sender or receiver, the protocol within, and where that begins."""
    if packet[start] >> 4 == 4:
        at, size, protocol, header = start + 12, 4, packet[start + 9], (packet[start] & 0xF) * 4
    else:
        at, size, protocol, header = start + 8, 16, packet[start + 6], 40
    at += 0 if of_sender else size
    return str(ipaddress.ip_address(packet[at : at + size])), protocol, start + header


def _note_address(refusals: Refusals, address: str, port: int) -> None:
    if address == EMULATOR_ADDRESS:
        target, reason = f"{address}:{port}", "Microsoft's hosts answer on port 443"
    elif ipaddress.ip_address(address).is_loopback:
        target = f"localhost:{port}"
        reason = f"--allow {target} lets it, if there is such a service"
    else:
        target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        reason = "nothing leaves this machine"
    refusals.note(target, f"the program tried to reach {target} and was refused: {reason}")


def _attach_filter(packets: socket.socket) -> None:
    rows = b"".join(struct.pack("=HBBI", *row) for row in _FILTER)
    memory = ctypes.create_string_buffer(rows)
    program = struct.pack("@HP", len(_FILTER), ctypes.addressof(memory))
    packets.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
