"""
Looking up many objects by ID, and which groups somebody is in.

Sources: "directoryObject: getByIds", "checkMemberGroups", "checkMemberObjects",
"getMemberGroups", "getMemberObjects"; recorded answers (Azure CLI, 2022-2023).
"""

from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import LinkQuery, Neighbour
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.answer import (
    answer_value,
    describe_set,
    wants_no_metadata,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.relations import is_hidden
from entra_emulator.graph.objects.show import find_object
from entra_emulator.graph.query.options import read_single
from entra_emulator.graph.render import render_neighbours
from entra_emulator.graph.write.body import read_parameters
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import is_guid

# "You can specify up to 1000 ids", "up to a maximum of 20 groups per request".
MOST_IDS = 1000
MOST_CHECKED = 20


class _Security(msgspec.Struct):
    securityEnabled: bool | None = None  # noqa: N815 - Graph's name


_read_security = msgspec.json.Decoder(_Security).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def get_by_ids(call: Call) -> Response:
    """
    `POST /directoryObjects/getByIds`: the objects with these IDs; unknown IDs are left out.

    The recorded answers are not in the order of the question; here they are in that of creation.
    """
    parameters = read_parameters(call, "ids", "types")
    ids = _read_ids(parameters["ids"], "ids", MOST_IDS)
    kinds = _read_types(parameters["types"])
    select, _ = read_single("directoryObject", call.query_string)
    found = (call.directory.objects.find(call.tenant, one) for one in dict.fromkeys(ids))
    neighbours = [
        Neighbour(one.seq, one.kind, one.doc) for one in found if one and one.kind in kinds
    ]
    typed = not wants_no_metadata(call)
    items = render_neighbours(sorted(neighbours), select, call.readable, typed=typed)
    value = msgspec.Raw(b"[%b]" % b",".join(items))
    return answer_value(call, describe_set("directoryObjects", select), value)


def check_groups(call: Call, *, kind: str | None) -> Response:
    """`POST /users/{id}/checkMemberGroups`: those of these groups that somebody is in."""
    asked = _read_ids(read_parameters(call, "groupIds")["groupIds"], "groupIds", MOST_CHECKED)
    held = {read_id(one.content) for one in _list_memberships(call, kind, ("group",))}
    return _answer_ids(call, [one for one in dict.fromkeys(asked) if one in held])


def check_objects(call: Call, *, kind: str | None) -> Response:
    """
    `POST /users/{id}/checkMemberObjects`: those of these that somebody is in.

    Directory roles are known by their template's ID too (documented example).
    """
    asked = _read_ids(read_parameters(call, "ids")["ids"], "ids", MOST_CHECKED)
    held = set[str]()
    for one in _list_memberships(call, kind, None):
        record = _decode(one.content)
        held |= {record["id"], record.get("roleTemplateId", record["id"])}
    return _answer_ids(call, [one for one in dict.fromkeys(asked) if one in held])


def list_groups(call: Call, *, kind: str | None) -> Response:
    """`POST /users/{id}/getMemberGroups`: every group that somebody is in."""
    return _list_all(call, kind, ("group",))


def list_objects(call: Call, *, kind: str | None) -> Response:
    """`POST /users/{id}/getMemberObjects`: every group, role and unit that somebody is in."""
    return _list_all(call, kind, None)


def _list_all(call: Call, kind: str | None, kinds: tuple[str, ...] | None) -> Response:
    only = read_parameters(call, "securityEnabledOnly")["securityEnabledOnly"]
    if not isinstance(only, bool):
        raise deny("parameter_missing", name="securityEnabledOnly", wanted="a boolean")
    found = _list_memberships(call, kind, ("group",) if only else kinds)
    shown = [one for one in found if not only or _read_security(one.content).securityEnabled]
    return _answer_ids(call, [read_id(one.content) for one in shown])


def _list_memberships(
    call: Call, kind: str | None, kinds: tuple[str, ...] | None
) -> list[Neighbour]:
    """
    What somebody is in, directly first as recorded, then through groups.

    Who is in a group in an administrative unit is not in the unit ("Administrative units").
    """
    if "key" not in call.keys and not call.caller.delegated:
        raise deny("me_without_user")
    subject = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    links = LinkQuery("members", subject.seq, reverse=True, kinds=kinds)
    direct = call.directory.links.list_neighbours(call.tenant, links)
    known = {one.seq for one in direct}
    through = call.directory.links.list_neighbours(call.tenant, links._replace(deep=True))
    rest = [one for one in through if one.seq not in known and one.kind != "administrativeUnit"]
    # Hidden memberships show to who may see them (microsoft-graph-docs#12285).
    return [one for one in direct + rest if call.permit.hidden or not is_hidden(one.content)]


def _answer_ids(call: Call, ids: list[str]) -> Response:
    return answer_value(call, "Collection(Edm.String)", ids)


def _read_ids(value: Any, name: str, most: int) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise deny("parameter_missing", name=name, wanted="a collection of IDs")
    if len(value) > most:
        raise deny("ids_many", name=name, count=len(value), most=most)
    for one in value:
        if not is_guid(one):
            raise deny("id_malformed", key=one)
    return [one.lower() for one in value]


def _read_types(value: Any) -> set[str]:
    """The types asked for; names that the emulator has no objects of find nothing."""
    if value is None or value == []:
        return set(KINDS)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise deny("parameter_missing", name="types", wanted="a collection of types")
    wanted = {one.lower().removeprefix("microsoft.graph.") for one in value}
    if "directoryobject" in wanted:
        return set(KINDS)
    return {kind for kind in KINDS if kind.lower() in wanted}
