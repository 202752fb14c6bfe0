"""Which permission each Graph route needs."""

from typing import TYPE_CHECKING, NamedTuple

from graphdaemon.emulator.errors import deny

if TYPE_CHECKING:
    from graphdaemon.emulator.graph.caller import Caller

__all__ = ["Permit", "authorize", "readable_types"]

READ_USERS = frozenset(
    {
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "Directory.AccessAsUser.All",
    }
)
READ_BASIC = "User.ReadBasic.All"


class Permit(NamedTuple):
    """What the caller may."""

    basic: bool = False
    owned: bool = False
    hidden: bool = False


def authorize(caller: "Caller", method: str, template: str) -> Permit:
    """Whether the caller may do this."""
    if template == "/me":
        reading = {"User.Read", "User.ReadWrite", READ_BASIC, "Directory.AccessAsUser.All"}
        if caller.delegated and caller.permissions.isdisjoint(reading | READ_USERS):
            raise deny("forbidden")
        return Permit()
    if READ_USERS.isdisjoint(caller.permissions):
        if READ_BASIC not in caller.permissions:
            raise deny("forbidden")
        return Permit(basic=True)
    return Permit()


def readable_types(caller: "Caller") -> frozenset[str]:
    """The types that the caller may read."""
    return frozenset({"user", "group", "device", "application", "servicePrincipal"})
