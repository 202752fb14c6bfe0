"""The routes of functions, of actions that read, of the recycle bin, and of batches."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from graphdaemon.emulator.graph import batch, deleted, delta, lookup, metadata
from graphdaemon.emulator.graph.router import Endpoint
from graphdaemon.emulator.kind import KINDS

__all__ = ["list_functions"]

# What can be a member of groups.
_MEMBERS = ("device", "group", "servicePrincipal", "user")
_MEMBERSHIPS = {
    "checkMemberGroups": lookup.check_groups,
    "checkMemberObjects": lookup.check_objects,
    "getMemberGroups": lookup.list_groups,
    "getMemberObjects": lookup.list_objects,
}


def list_functions(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """Every such route; `places` says where each type's set stands."""
    yield Endpoint("GET", "/", metadata.list_service, public=True)
    yield Endpoint("GET", "/$metadata", metadata.show_metadata, public=True)
    yield Endpoint("POST", "/$batch", batch.run_batch)
    yield from _list_deltas(places)
    yield from _list_deleted()
    yield Endpoint("POST", "/directoryObjects/getByIds", lookup.get_by_ids, blocking=True)
    for kind in _MEMBERS:
        for place in places[kind]:
            yield from _list_memberships(f"{place}/{{key}}", kind)
    yield from _list_memberships("/directoryObjects/{key}", None)
    yield from _list_memberships("/me", "user")


def _list_deltas(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """What changed in every set, and in all of them."""
    for kind, paths in places.items():
        show = partial(delta.show_delta, place=KINDS[kind].collection, kinds=(kind,))
        for path in paths:
            yield Endpoint("GET", f"{path}/delta", show, blocking=True)
    show = partial(delta.show_delta, place="directoryObjects", kinds=tuple(KINDS))
    yield Endpoint("GET", "/directoryObjects/delta", show, blocking=True)
    yield Endpoint("GET", "/oauth2PermissionGrants/delta", delta.refuse_delta)


def _list_deleted() -> Iterator[Endpoint]:
    place = "/directory/deletedItems"
    for kind in deleted.DELETABLE:
        cast = f"{place}/microsoft.graph.{kind}"
        yield Endpoint("GET", cast, partial(deleted.list_deleted, kind=kind), blocking=True)
        counting = partial(deleted.count_deleted, kind=kind)
        yield Endpoint("GET", f"{cast}/$count", counting, blocking=True)
    yield Endpoint("GET", f"{place}/{{key}}", deleted.show_deleted, blocking=True)
    yield Endpoint("DELETE", f"{place}/{{key}}", deleted.purge_deleted, blocking=True)
    yield Endpoint("POST", f"{place}/{{key}}/restore", deleted.restore_deleted, blocking=True)


def _list_memberships(path: str, kind: str | None) -> Iterator[Endpoint]:
    for name, answer in _MEMBERSHIPS.items():
        yield Endpoint("POST", f"{path}/{name}", partial(answer, kind=kind), blocking=True)
