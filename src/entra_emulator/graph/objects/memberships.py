"""
List the groups, roles and administrative units that an object is in.

Sources: "checkMemberGroups", "checkMemberObjects", "getMemberGroups", "getMemberObjects".
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_value
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_object
from entra_emulator.graph.objects.relations import is_hidden
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.write.body import read_ids, read_parameters

# "Up to a maximum of 20 groups per request".
MOST_CHECKED = 20


class _Security(msgspec.Struct):
    securityEnabled: bool | None = None  # noqa: N815 - Graph's name


_read_security = msgspec.json.Decoder(_Security).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def list_routes(path: str, kind: str | None) -> Iterator[Endpoint]:
    """The actions of an object at this path, of this type, or of any for None."""
    for name, answer in _ACTIONS.items():
        yield Endpoint("POST", f"{path}/{name}", partial(answer, kind=kind))


def check_groups(call: Call, *, kind: str | None) -> Response:
    """`POST /users/{id}/checkMemberGroups`: which of these groups the object is in."""
    parameters = read_parameters(call, "groupIds")
    group_ids = read_ids(parameters["groupIds"], "groupIds", MOST_CHECKED)
    memberships = {read_id(group.doc) for group in _list_memberships(call, kind, ("group",))}
    return _answer_ids(call, [key for key in dict.fromkeys(group_ids) if key in memberships])


def check_objects(call: Call, *, kind: str | None) -> Response:
    """
    `POST /users/{id}/checkMemberObjects`: which of these the object is in.

    Directory roles are known by their template's ID too (documented example).
    """
    ids = read_ids(read_parameters(call, "ids")["ids"], "ids", MOST_CHECKED)
    known_ids = set[str]()
    for membership in _list_memberships(call, kind, None):
        record = _decode(membership.doc)
        known_ids |= {record["id"], record.get("roleTemplateId", record["id"])}
    return _answer_ids(call, [key for key in dict.fromkeys(ids) if key in known_ids])


def list_memberships(
    call: Call, *, kind: str | None, kinds: tuple[str, ...] | None = None
) -> Response:
    """
    `POST /users/{id}/getMemberObjects`: every group, role and unit that the object is in.

    With `kinds`, only those of these types; `getMemberGroups` answers groups alone.
    """
    only_security = read_parameters(call, "securityEnabledOnly")["securityEnabledOnly"]
    if not isinstance(only_security, bool):
        raise deny("parameter_missing", name="securityEnabledOnly", type="a boolean")
    # Neither roles nor units can be security-enabled.
    memberships = _list_memberships(call, kind, ("group",) if only_security else kinds)
    if only_security:
        memberships = [row for row in memberships if _read_security(row.doc).securityEnabled]
    return _answer_ids(call, [read_id(row.doc) for row in memberships])


_ACTIONS: dict[str, Callable[..., Response]] = {
    "checkMemberGroups": check_groups,
    "checkMemberObjects": check_objects,
    "getMemberGroups": partial(list_memberships, kinds=("group",)),
    "getMemberObjects": list_memberships,
}


def _list_memberships(
    call: Call, kind: str | None, kinds: tuple[str, ...] | None
) -> list[StoredObject]:
    """
    What somebody is in, directly first as recorded, then through groups.

    The members of a group in an administrative unit are not in the unit ("Administrative units").
    """
    if "key" not in call.keys and not call.caller.delegated:
        raise deny("me_without_user")
    subject = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    links = LinkQuery("members", subject.seq, reverse=True, kinds=kinds)
    direct = call.directory.links.list_neighbours(call.tenant, links)
    direct_seqs = {row.seq for row in direct}
    through = call.directory.links.list_neighbours(call.tenant, links._replace(deep=True))
    rest = [
        row for row in through if row.seq not in direct_seqs and row.kind != "administrativeUnit"
    ]
    # Hidden memberships are shown to callers who may see them (microsoft-graph-docs#12285).
    return [row for row in direct + rest if call.permit.hidden or not is_hidden(row.doc)]


def _answer_ids(call: Call, ids: list[str]) -> Response:
    return answer_value(call, "Collection(Edm.String)", ids)
