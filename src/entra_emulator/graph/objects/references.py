"""Links between objects, added and removed by reference: members, owners, managers."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_referred, find_target, read_record
from entra_emulator.graph.objects.relations import NAVIGATIONS, Navigation
from entra_emulator.graph.write.body import read_payload
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import is_guid

# "Up to 20 members can be added in a single request" ("Add members", "Create group").
MOST_BOUND = 20
# "A maximum of 100 users can be owners" of a group, of an application ("Microsoft Entra service
# limits and restrictions").
MOST_OWNERS = 100


def add_reference(call: Call, *, navigation: Navigation) -> Response:
    """
    Link an object. If the relation can have only one, it replaces the present one.

    `POST /groups/{id}/members/$ref`, `PUT /users/{id}/manager/$ref`.
    """
    address = _read_address(call)
    with call.directory.transaction():
        source = find_target(call, navigation.kind)
        bind_references(call, source, {navigation.name: [address]})
    return answer_nothing(call)


def remove_reference(call: Call, *, navigation: Navigation) -> Response:
    """`DELETE /groups/{id}/members/{id}/$ref`: remove the link to an object."""
    key = call.keys["target"]
    with call.directory.transaction():
        source = find_target(call, navigation.kind)
        if not is_guid(key):
            raise deny("reference_identifier", relation=navigation.name)
        _unlink(call, navigation, source, call.directory.objects.find(call.tenant, key), key)
    return answer_nothing(call)


def remove_addressed(call: Call, *, navigation: Navigation) -> Response:
    """`DELETE /groups/{id}/members/$ref?@id={address}`: remove the link to that object."""
    options = {name.lower(): value for name, value in parse_qsl(call.query_string)}
    if "@id" not in options:
        raise deny("reference_malformed")
    with call.directory.transaction():
        source = find_target(call, navigation.kind)
        target = find_referred(call, options["@id"])
        _unlink(call, navigation, source, target, read_id(target.doc))
    return answer_nothing(call)


def remove_single(call: Call, *, navigation: Navigation) -> Response:
    """`DELETE /users/{id}/manager/$ref`: remove the only link."""
    with call.directory.transaction():
        source = find_target(call, navigation.kind)
        if not _drop_linked(call, navigation, source):
            raise deny("object_missing", key=navigation.name)
    return answer_nothing(call)


def bind_references(call: Call, source: StoredObject, binds: dict[str, list[str]]) -> None:
    """
    Link the objects that `@odata.bind` names; all of them, or none.

    Raises:
        GraphRefusal: 400, an object is linked already or has the wrong type; 403; 404, an object
            does not exist.
    """
    # The limit is one for the whole request: owners and members count together.
    count = sum(map(len, binds.values()))
    for name, addresses in binds.items():
        navigation = NAVIGATIONS.get((source.kind, name))
        if navigation is None or not navigation.writable:
            raise deny("property_unknown", name=f"{name}@odata.bind")
        if count > MOST_BOUND or (navigation.single and len(addresses) != 1):
            raise deny("references_many", name=name, count=count)
        if len({address.casefold() for address in addresses}) < len(addresses):
            raise deny("values_repeated")
        _check_free(navigation, source)
        targets = [find_referred(call, address) for address in addresses]
        for target in targets:
            _check_fitting(navigation, source, target)
        if navigation.single:
            _drop_linked(call, navigation, source)
        _link(call, navigation, source, targets)


def _link(
    call: Call, navigation: Navigation, source: StoredObject, targets: Iterable[StoredObject]
) -> None:
    for target in targets:
        if not call.directory.links.add(call.tenant, navigation.relation, source, target):
            raise deny("reference_present", relation=navigation.name)
    if navigation.name == "owners":
        count = call.directory.links.count_neighbours(call.tenant, navigation.links(source.seq))
        # The count includes the new links; the error rolls them back.
        if count > MOST_OWNERS:
            raise deny("quota_exceeded", count=count, most=MOST_OWNERS, relation="owners")


def _unlink(
    call: Call,
    navigation: Navigation,
    source: StoredObject,
    target: StoredObject | None,
    key: str,
) -> None:
    _check_free(navigation, source)
    # A group that has owners must keep one ("Remove group owner").
    if navigation.keeps_last:
        linked = call.directory.links.list_neighbours(call.tenant, navigation.links(source.seq))
        if target is not None and [neighbour.seq for neighbour in linked] == [target.seq]:
            raise deny("owner_last")
    if target is None or not call.directory.links.remove(
        call.tenant, navigation.relation, source, target
    ):
        raise deny("object_missing", key=key)


def _drop_linked(call: Call, navigation: Navigation, source: StoredObject) -> int:
    """Remove all links; return how many objects were linked, without those in the recycle bin."""
    count = call.directory.links.count_neighbours(call.tenant, navigation.links(source.seq))
    call.directory.links.clear(call.tenant, navigation.relation, source)
    return count


def _check_free(navigation: Navigation, source: StoredObject) -> None:
    """
    Refuse to add or remove members if a rule determines them.

    The answer is that for missing privileges (microsoft-graph-docs#9071, #9556).
    """
    if navigation.follows_rule is not None and navigation.follows_rule(read_record(source)):
        raise deny("forbidden")


def _check_fitting(navigation: Navigation, source: StoredObject, target: StoredObject) -> None:
    fits = target.kind in navigation.takes and source.seq != target.seq
    if fits and navigation.admits is not None:
        fits = navigation.admits(read_record(source), target.kind, read_record(target))
    if not fits:
        kind = KINDS[target.kind].resource
        item = f"{kind}_{read_record(target)['id']}"
        raise deny("reference_unfit", item=item, kind=kind, relation=navigation.name)


def _read_address(call: Call) -> str:
    body = read_payload(call)
    # OData 4.01 writes `@id`, OData 3 `odata.id`.
    address = next(
        (body[name] for name in body if name.lower() in {"@odata.id", "odata.id", "@id"}), None
    )
    if not isinstance(address, str):
        raise deny("reference_malformed")
    return address
