"""
Which permissions a call needs to get the answer that it got.

More than one requirement can hold for a call: listing the members of a group needs one permission
for the group, and for each type of member another one, without which only the IDs are answered
("Limited information returned for inaccessible member objects").
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple, TypeAlias

from entra_emulator.graph.access.activity_reports import PERMISSION as READ_ACTIVITY
from entra_emulator.graph.access.authorize import (
    ASSIGN,
    OWNED_BY,
    PROPERTY_PERMISSIONS,
)
from entra_emulator.graph.access.permission_table import Access, find_access, fold, writes
from entra_emulator.graph.routes import ROUTES
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from entra_emulator.traffic.report.logged_call import LoggedCall

_ACTIVITY = "signInActivity"

# What is basic of other objects than users is not documented; these two are on every list.
_BASIC = frozenset({"displayName", "id"})

# What these open is nearly all there is: they are advised where nothing else will do.
_BROAD = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})

# Permissions that are enough together.
Alternative: TypeAlias = frozenset[str]


class Requirement(NamedTuple):
    """
    What a caller must have; any of the alternatives is enough.

    Args:
        accepted: every alternative.
        advised: those from which to choose.
    """

    accepted: frozenset[Alternative]
    advised: frozenset[Alternative]


def list_requirements(call: LoggedCall, made: Collection[str] = ()) -> list[Requirement]:
    """
    What the call needs; empty if it needs nothing, or nobody knows what.

    Args:
        call: to Graph.
        made: the keys of the objects that the same caller has created, and so owns.
    """
    if not call.known:
        return []
    delegated = call.caller is not None and call.caller.delegated
    try:
        access = find_access(call.method, call.route)
    except LookupError:
        return []
    if not (access.delegated if delegated else access.application):
        return []
    requirements = [_require(call, access, delegated=delegated, made=made)]
    requirements += [
        _read_type(name, call, delegated=delegated) for name in sorted(call.types & KINDS.keys())
    ]
    if _uses(call, _ACTIVITY):
        requirements.append(_demand(READ_ACTIVITY))
    return [one for one in requirements if one.accepted]


def is_covered(requirement: Requirement, permissions: Collection[str]) -> bool:
    """Whether these permissions are enough."""
    held = frozenset(permissions)
    return any(alternative <= held for alternative in requirement.accepted)


@cache
def opened_by(permission: str) -> frozenset[tuple[str, str]]:
    """The routes that an application permission opens here: what it is measured by."""
    return frozenset(route for route, names in _list_routes() if permission in names)


def _require(
    call: LoggedCall, access: Access, *, delegated: bool, made: Collection[str]
) -> Requirement:
    names = access.delegated if delegated else access.application
    if writes(call.method, call.route):
        return _require_writing(call, access, names, made)
    shown = _find_shown(call.route)
    names = names if not shown or _is_basic(call, shown) else _drop_basic(names)
    accepted = _join(names, access)
    return Requirement(accepted, _advise(accepted, access))


def _require_writing(
    call: LoggedCall, access: Access, names: frozenset[str], made: Collection[str]
) -> Requirement:
    names = _narrow_writing(call, names, made)
    whole = _join(names - PROPERTY_PERMISSIONS.keys(), access)
    parts = _combine_properties(call.written, names)
    return Requirement(whole | parts, _advise(whole, access, writing=True) | parts)


def _join(names: frozenset[str], access: Access) -> frozenset[Alternative]:
    """Each permission, with each of those beside which alone it counts."""
    return frozenset(
        frozenset({name, other}) for name in names for other in access.also.get(name, {name})
    )


def _narrow_writing(
    call: LoggedCall, names: frozenset[str], made: Collection[str]
) -> frozenset[str]:
    """The permissions without those that depend on what is written."""
    if "/approleassign" in fold(call.route) and ASSIGN in names:
        # The others assign no role of Microsoft Graph.
        return frozenset({ASSIGN})
    if call.key and call.key not in made:
        return names - {OWNED_BY}
    return names


def _combine_properties(written: frozenset[str], names: frozenset[str]) -> frozenset[Alternative]:
    """Permissions for single properties that are enough together for those that are written."""
    chosen: set[str] = set()
    for prop in written:
        fitting = [
            p for p in names & PROPERTY_PERMISSIONS.keys() if prop in PROPERTY_PERMISSIONS[p]
        ]
        if not fitting:
            return frozenset()
        chosen.add(min(fitting))
    return frozenset({frozenset(chosen)}) if chosen else frozenset()


def _read_type(kind: str, call: LoggedCall, *, delegated: bool) -> Requirement:
    """What one needs to see more than the ID of an object that is answered among others."""
    if call.properties is not None and set(call.properties) <= {"id"}:
        return Requirement(frozenset(), frozenset())
    access = find_access("GET", f"/{KINDS[kind].collection}/{{id}}")
    names = access.delegated if delegated else access.application
    if not _is_basic(call, kind):
        names = _drop_basic(names)
    accepted = frozenset(frozenset({name}) for name in names)
    return Requirement(accepted, _advise(accepted, access))


def _demand(permission: str) -> Requirement:
    alternatives = frozenset({frozenset({permission})})
    return Requirement(alternatives, alternatives)


def _advise(
    accepted: frozenset[Alternative], access: Access, *, writing: bool = False
) -> frozenset[Alternative]:
    """
    The alternatives to choose from: those that are marked as least privileged, where they fit.

    Microsoft's table marks a permission to read and one to write for most routes. Where none is
    left, those about the same kind of object are taken: those of other products that happen to
    open the route would look narrow, since little else is open to them.
    """
    if writing:
        return _pick(accepted, access.least - _BROAD) or accepted
    marked = {name for name in access.least if _only_reads(name)}
    akin = {re.split(r"[.-]", name)[0] for name in access.least} - {"Directory"}
    names = frozenset[str]().union(*accepted)
    alike = {name for name in names if name.partition(".")[0] in akin and _only_reads(name)}
    return (
        _pick(accepted, marked - _BROAD)
        or _pick(accepted, alike)
        or _pick(accepted, marked)
        or accepted
    )


def _pick(accepted: frozenset[Alternative], names: Collection[str]) -> frozenset[Alternative]:
    return frozenset(one for one in accepted if not one.isdisjoint(names))


def _only_reads(name: str) -> bool:
    return ".Read" in name and ".ReadWrite" not in name


def _find_shown(route: str) -> str:
    """The type of the objects that a route shows with their properties; empty for others."""
    subject, *rest = fold(route).strip("/").split("/")
    kind = next((k.name for k in KINDS.values() if k.collection.lower() == subject), "")
    return kind if len(rest) < 2 or "{property}" in route else ""


def _is_basic(call: LoggedCall, kind: str) -> bool:
    """Whether only those properties are used that the permissions to read basic ones show."""
    if call.properties is None or "{property}" in call.route:
        return False
    declared = schema.declared(kind)
    used = {*call.properties, *(name for name in call.filtered if name in declared)}
    return used <= (schema.BASIC_USER if kind == "user" else _BASIC)


def _drop_basic(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in names if ".ReadBasic." not in name)


def _uses(call: LoggedCall, name: str) -> bool:
    return fold(call.route).startswith("/users") and name in {
        *(call.properties or ()),
        *call.filtered,
    }


@cache
def _list_routes() -> tuple[tuple[tuple[str, str], frozenset[str]], ...]:
    rows: dict[tuple[str, str], frozenset[str]] = {}
    for endpoint in ROUTES:
        try:
            access = find_access(endpoint.method, endpoint.path)
        except LookupError:
            continue
        rows[endpoint.method, fold(endpoint.path)] = access.application | access.delegated
    return tuple(rows.items())


def narrowest(alternatives: Iterable[Alternative]) -> list[Alternative]:
    """The alternatives, those first that open least."""
    return sorted(alternatives, key=lambda one: (_measure(one), len(one), sorted(one)))


def _measure(permissions: Collection[str]) -> int:
    return len(frozenset[tuple[str, str]]().union(*map(opened_by, permissions)))
