"""What packets say of a program's attempts, read from ones that a kernel has sent."""

from __future__ import annotations

import pytest

from entra_emulator.exec.refused_connections import Refusals, read_refusal

TCP6 = """
    60006fc0 00140640 20010db8 00000000 00000000 00000001 00000000 00000000 00000000 00000001
    0050c5b0 00000000 e22fd03c 50140000 2dd50000
"""
UDP = """
    45c0003b 00000000 40010000 c0000201 c0000201 03030000 00000000
    4500001f 00004000 40110000 c0000201 08080404 9c160035 000b0000
"""
UDP6 = """
    60000000 00403a40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000001
    01040000 00000000 60000000 000b1140 00000000 00000000 00000000 00000001
    20010db8 00000000 00000000 00000002 9c160035 000b0000
"""
PACKETS = {
    "tcp": (
        "45000028 00004000 40061ab1 08080808 08080808 01bb9c16 00000000 de002cc7 50140000 e7170000",
        ("8.8.8.8", 443),
    ),
    "tcp6": (TCP6, ("2001:db8::1", 80)),
    "udp": (UDP, ("8.8.4.4", 53)),
    "udp6": (UDP6, ("2001:db8::2", 53)),
}


def read(name: str) -> bytes:
    return bytes.fromhex(PACKETS[name][0])


@pytest.mark.parametrize("name", PACKETS)
def test_a_refusal_tells_whom_nobody_answered_for(name: str) -> None:
    assert read_refusal(read(name)) == PACKETS[name][1]


@pytest.mark.parametrize("name", PACKETS)
def test_a_packet_that_is_cut_off_tells_nothing(name: str) -> None:
    packet = read(name)
    needed = {"tcp": 28, "tcp6": 48, "udp": 52, "udp6": 92}[name]

    assert {read_refusal(packet[:length]) for length in range(needed)} == {None}


def test_a_connection_that_breaks_off_later_is_no_refusal() -> None:
    """Its reset goes on counting where the sender was."""
    packet = bytearray(read("tcp"))
    packet[24:28] = b"\0\0\0\1"

    assert read_refusal(bytes(packet)) is None


def test_other_messages_of_icmp_are_no_refusals() -> None:
    packet = bytearray(read("udp"))
    packet[20] = 8  # an echo

    assert read_refusal(bytes(packet)) is None


def test_each_target_is_said_once() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for target in ("b", "a", "b"):
        refusals.note(target, f"text of {target}")

    assert said == ["text of b", "text of a"]
    assert refusals.list_targets() == ("b", "a")
