"""The routes of a collection: of directory objects, as `/users`, or of records, as `/domains`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_record, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.endpoint import show_delta
from entra_emulator.graph.objects import collection, memberships, navigation, references
from entra_emulator.graph.objects.property import show_property, show_value
from entra_emulator.graph.objects.relations import CASTS, NAVIGATIONS, Navigation
from entra_emulator.graph.objects.show import show_object
from entra_emulator.graph.router import Endpoint, Handler, write_route
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record


def declare_collection(
    kind: str,
    *paths: str,
    navigations: Sequence[Navigation],
    create: Handler | None = None,
    change: Handler | None = None,
    delete: Handler | None = None,
) -> list[Endpoint]:
    """
    The routes of a collection.

    Its navigation properties are entered in `NAVIGATIONS`, so that expansion, delta queries and
    references know them.

    It is served at each of the paths below the version. `create` answers a POST to the collection,
    `change` a PATCH and `delete` a DELETE of an object; None if the method is not allowed.
    """
    NAVIGATIONS.update({(kind, row.name): row for row in navigations})
    endpoints: list[Endpoint] = []
    for path in paths:
        item = f"{path}/{{key}}"
        endpoints += _list_reads(kind, path)
        writes = (("POST", path, create), ("PATCH", item, change), ("DELETE", item, delete))
        endpoints += [
            write_route(method, template, handler)
            for method, template, handler in writes
            if handler
        ]
        endpoints += list_navigations(item, navigations)
        endpoints += _list_references(item, navigations)
    return endpoints


def declare_records(
    path: str, kind: str, read: Callable[[Call], Iterable[Record]]
) -> tuple[Endpoint, Endpoint]:
    """The routes that list the records that `read` makes, and show the one with an ID."""

    def list_all(call: Call) -> Response:
        return answer_records(call, kind, path, read(call))

    def show(call: Call) -> Response:
        key = call.keys["key"]
        for record in read(call):
            # IDs and domain names are kept in lower case, and keys match in any case.
            if record["id"] == key.lower():
                return answer_record(call, kind, path, record)
        raise deny("object_missing", key=key)

    return Endpoint("GET", f"/{path}", list_all), Endpoint("GET", f"/{path}/{{key}}", show)


def list_navigations(path: str, navigations: Sequence[Navigation]) -> Iterator[Endpoint]:
    """The routes that read what is linked to the object at this path, and its memberships."""
    for row in navigations:
        yield from _read_navigation(f"{path}/{row.name}", row)
        # Whatever can be a member of something has the actions that check memberships too.
        if row.name == "memberOf":
            yield from memberships.list_routes(path, row.kind)


def _list_reads(kind: str, path: str) -> Iterator[Endpoint]:
    delta = partial(show_delta, collection=KINDS[kind].collection, kinds=(kind,))
    listing = partial(collection.list_objects, kind=kind)
    yield Endpoint("GET", path, listing)
    yield Endpoint("GET", f"{path}/$count", listing)
    yield Endpoint("GET", f"{path}/{{key}}", partial(show_object, kind=kind))
    yield Endpoint("GET", f"{path}/delta", delta)
    yield from list_properties(f"{path}/{{key}}", kind)


def list_properties(path: str, kind: str) -> Iterator[Endpoint]:
    """The routes that read one property of the object at this path."""
    yield Endpoint("GET", f"{path}/{{property}}", partial(show_property, kind=kind), kind=kind)
    value = f"{path}/{{property}}/$value"
    yield Endpoint("GET", value, partial(show_value, kind=kind), kind=kind)


def _read_navigation(path: str, row: Navigation) -> Iterator[Endpoint]:
    if row.single:
        yield Endpoint("GET", path, partial(navigation.show_linked, navigation=row))
        showing = partial(navigation.show_reference, navigation=row)
        yield Endpoint("GET", f"{path}/$ref", showing)
        return
    item = f"{path}/{{target}}"
    showing = partial(navigation.show_one_linked, navigation=row)
    # Graph's own list of paths has the item without a cast only where no `$ref` is.
    if not row.writable:
        yield Endpoint("GET", item, showing)
    listing = partial(navigation.list_linked, navigation=row)
    yield Endpoint("GET", path, listing)
    yield Endpoint("GET", f"{path}/$count", listing)
    if row.writable:
        yield Endpoint("GET", f"{path}/$ref", partial(navigation.list_references, navigation=row))
    for kind in CASTS:
        cast = f"microsoft.graph.{kind}"
        for suffix in ("", "/$count"):
            yield Endpoint("GET", f"{path}/{cast}{suffix}", partial(listing, kind=kind))
        yield Endpoint("GET", f"{item}/{cast}", partial(showing, kind=kind))


def _list_references(path: str, navigations: Sequence[Navigation]) -> Iterator[Endpoint]:
    """The routes that add and remove links of the object at this path by reference."""
    for row in navigations:
        if row.writable:
            add, segment = ("PUT", "$ref") if row.single else ("POST", "{target}/$ref")
            remove = references.remove_single if row.single else references.remove_reference
            adding = partial(references.add_reference, navigation=row)
            yield write_route(add, f"{path}/{row.name}/$ref", adding)
            removing = partial(remove, navigation=row)
            if not row.single:
                addressed = partial(references.remove_addressed, navigation=row)
                yield write_route("DELETE", f"{path}/{row.name}/$ref", addressed)
            yield write_route("DELETE", f"{path}/{row.name}/{segment}", removing)
