"""A tenant on a clock of the test's own, and somebody who reads its audit logs."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Answer, App, Probe, register

NOW = 1_800_000_000


class LogScene:
    """An emulator at 2027-01-15T08:00:00Z, and an application that reads its logs."""

    def __init__(self, launch: Callable[..., Probe], users: int = 40) -> None:
        self.clock = Clock(at=NOW)
        self.probe = launch(users=users, clock=self.clock)
        self.reader: App = register(
            self.probe, "AuditLog.Read.All", "User.Read.All", name="Log reader"
        )
        self.token = self.reader.token()

    def ask(self, target: str, *, condition: str = "", more: str = "") -> Answer:
        """One page, in v1.0 unless the target says otherwise."""
        path = target if target.startswith("/beta") else f"/v1.0{target}"
        filters = f"$filter={quote(condition)}" if condition else ""
        options = "&".join(part for part in (filters, more) if part)
        return self.reader.get(f"{path}?{options}" if options else path, self.token)

    def list(self, target: str, *, condition: str = "", more: str = "") -> list[dict[str, Any]]:
        """The entries of every page."""
        answer = self.ask(target, condition=condition, more=more)
        entries: list[dict[str, Any]] = []
        while True:
            assert answer.status == 200, answer.body
            page = answer.json()
            entries += page["value"]
            if "@odata.nextLink" not in page:
                return entries
            answer = self.reader.get(page["@odata.nextLink"], self.token)
