"""The routes of functions, of actions that read, of the recycle bin, and of batches."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from entra_emulator.graph import batch, metadata
from entra_emulator.graph.delta import endpoint
from entra_emulator.graph.resources import deleted_items, directory_objects
from entra_emulator.graph.router import Endpoint
from entra_emulator.model.kinds import KINDS

# What can be a member of groups.
_MEMBERS = ("device", "group", "servicePrincipal", "user")
_MEMBERSHIPS = {
    "checkMemberGroups": directory_objects.check_groups,
    "checkMemberObjects": directory_objects.check_objects,
    "getMemberGroups": directory_objects.list_groups,
    "getMemberObjects": directory_objects.list_objects,
}


def list_functions(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """Every such route; `places` says where each type's set stands."""
    yield Endpoint("GET", "/", metadata.list_service, public=True)
    yield Endpoint("GET", "/$metadata", metadata.show_metadata, public=True)
    yield Endpoint("POST", "/$batch", batch.run_batch)
    yield from _list_deltas(places)
    yield from _list_deleted()
    yield Endpoint(
        "POST", "/directoryObjects/getByIds", directory_objects.get_by_ids, blocking=True
    )
    for kind in _MEMBERS:
        for place in places[kind]:
            yield from _list_memberships(f"{place}/{{key}}", kind)
    yield from _list_memberships("/directoryObjects/{key}", None)
    yield from _list_memberships("/me", "user")


def _list_deltas(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """What changed in every set, and in all of them."""
    for kind, paths in places.items():
        show = partial(endpoint.show_delta, place=KINDS[kind].collection, kinds=(kind,))
        for path in paths:
            yield Endpoint("GET", f"{path}/delta", show, blocking=True)
    show = partial(endpoint.show_delta, place="directoryObjects", kinds=tuple(KINDS))
    yield Endpoint("GET", "/directoryObjects/delta", show, blocking=True)
    yield Endpoint("GET", "/oauth2PermissionGrants/delta", endpoint.refuse_delta)


def _list_deleted() -> Iterator[Endpoint]:
    place = "/directory/deletedItems"
    for kind in deleted_items.DELETABLE:
        cast = f"{place}/microsoft.graph.{kind}"
        yield Endpoint("GET", cast, partial(deleted_items.list_deleted, kind=kind), blocking=True)
        counting = partial(deleted_items.count_deleted, kind=kind)
        yield Endpoint("GET", f"{cast}/$count", counting, blocking=True)
    yield Endpoint("GET", f"{place}/{{key}}", deleted_items.show_deleted, blocking=True)
    yield Endpoint("DELETE", f"{place}/{{key}}", deleted_items.purge_deleted, blocking=True)
    yield Endpoint("POST", f"{place}/{{key}}/restore", deleted_items.restore_deleted, blocking=True)


def _list_memberships(path: str, kind: str | None) -> Iterator[Endpoint]:
    for name, answer in _MEMBERSHIPS.items():
        yield Endpoint("POST", f"{path}/{name}", partial(answer, kind=kind), blocking=True)
