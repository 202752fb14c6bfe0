"""
A pretend tenant: the token service and Microsoft Graph, on this machine.

Importing this package is cheap; the server's libraries load with `Emulator`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entra_emulator.server.emulator import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> Any:
    if name == "Emulator":
        from entra_emulator.server.emulator import Emulator

        return Emulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
