"""What stands in a tenant file, as values, and the error of one that cannot be followed."""

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from entra_emulator.content.seeding.users import DOMAIN, INITIAL_DOMAIN
from entra_emulator.model import schema
from entra_emulator.model.records import Record


class TenantFileError(ValueError):
    """A tenant file that cannot be followed; the text says where, what and what to write."""


class DescribedTable(NamedTuple):
    """
    A table of the file.

    Args:
        place: file and table, for messages.
        values: the table's own keys.
        properties: the other properties of the Graph object.
    """

    place: str
    values: Record
    properties: Record


class TenantDescription(NamedTuple):
    """
    What stands in a tenant file.

    Args:
        path: the file.
        digest: SHA-256 of its bytes.
        tenant: the keys before any table.
        seed: how much to draw; None draws nothing.
        licenses: how many units are bought of which product; None buys some of each.
        users, groups, applications: the tables of these names.
    """

    path: Path
    digest: bytes
    tenant: DescribedTable
    seed: dict[str, int] | None
    licenses: dict[str, int] | None
    users: list[DescribedTable]
    groups: list[DescribedTable]
    applications: list[DescribedTable]

    @property
    def domains(self) -> tuple[str, ...]:
        """The verified domains in small letters, the initial one first."""
        if self.seed is not None:
            return (INITIAL_DOMAIN, DOMAIN)
        return tuple(name.lower() for name in self.tenant.values.get("domains", [INITIAL_DOMAIN]))


def suggest(value: str, known: Iterable[str]) -> str:
    """The end of a message: which of the known values was meant, or all if they are few."""
    names = list(known)
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.7)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Use {', '.join(names)}." if 0 < len(names) <= 20 else "Look for a spelling mistake."


def check_permission(place: str, name: str, *, delegated: bool = False) -> None:
    """Make sure that a permission of Microsoft Graph's can be asked for; else `TenantFileError`."""
    reason = schema.explain_absence(name, delegated=delegated)
    if reason is not None:
        raise TenantFileError(f"{place}: {reason}. Ask for another permission.")
    if delegated:
        scopes = [one.value for one in schema.scopes()]
        check_known(place, "scope of Microsoft Graph", name, scopes)
    else:
        roles = [one.value for one in schema.app_roles()]
        check_known(place, "app role of Microsoft Graph", name, roles)


def check_known(place: str, what: str, value: str, known: Collection[str]) -> None:
    """Make sure that a value is a known one; else `TenantFileError`."""
    if value not in known:
        raise TenantFileError(f"{place}: there is no {what} {value!r}. {suggest(value, known)}")
