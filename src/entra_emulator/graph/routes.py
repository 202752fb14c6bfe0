"""The route table of Microsoft Graph, below each version."""

from collections.abc import Iterator
from functools import partial

from entra_emulator.graph.functions import list_functions
from entra_emulator.graph.objects import collection, navigation, show
from entra_emulator.graph.objects.relations import NAVIGATIONS, Navigation
from entra_emulator.graph.resources import licences
from entra_emulator.graph.resources import organization as company
from entra_emulator.graph.router import Endpoint, Router
from entra_emulator.graph.writes import list_writes
from entra_emulator.model.kinds import KINDS

# Where each type's set stands; administrative units have an older place too.
PLACES = {
    "user": ("/users",),
    "group": ("/groups",),
    "device": ("/devices",),
    "application": ("/applications",),
    "servicePrincipal": ("/servicePrincipals",),
    "administrativeUnit": ("/directory/administrativeUnits", "/administrativeUnits"),
    "directoryRole": ("/directoryRoles",),
}


def _list_sets() -> Iterator[Endpoint]:
    """Reading every set of directory objects."""
    for kind, places in PLACES.items():
        for place in places:
            yield Endpoint("GET", place, partial(collection.list_objects, kind=kind))
            yield Endpoint("GET", f"{place}/$count", partial(collection.count_objects, kind=kind))
            yield Endpoint("GET", f"{place}/{{key}}", partial(show.show_object, kind=kind))


def _list_navigations() -> Iterator[Endpoint]:
    """Reading what is linked to an object; the signed-in user's too."""
    for (kind, name), row in NAVIGATIONS.items():
        for place in PLACES[kind]:
            yield from _read_navigation(f"{place}/{{key}}/{name}", row)
        if kind == "user":
            yield from _read_navigation(f"/me/{name}", row)


def _read_navigation(path: str, row: Navigation) -> Iterator[Endpoint]:
    if row.single:
        yield Endpoint("GET", path, partial(navigation.show_linked, navigation=row))
        return
    listing = partial(navigation.list_linked, navigation=row)
    counting = partial(navigation.count_linked, navigation=row)
    yield Endpoint("GET", path, listing)
    yield Endpoint("GET", f"{path}/$count", counting)
    if row.writable:
        yield Endpoint("GET", f"{path}/$ref", partial(navigation.list_references, navigation=row))
    for kind in KINDS:
        cast = f"{path}/microsoft.graph.{kind}"
        yield Endpoint("GET", cast, partial(listing, kind=kind))
        yield Endpoint("GET", f"{cast}/$count", partial(counting, kind=kind))


ROUTES = (
    Endpoint("GET", "/me", show.show_me),
    *_list_sets(),
    *list_functions(PLACES),
    *_list_navigations(),
    *list_writes(PLACES),
    Endpoint("GET", "/directoryObjects/{key}", show.show_any),
    Endpoint("GET", "/organization", company.list_organizations),
    Endpoint("GET", "/organization/{key}", company.show_organization),
    Endpoint("GET", "/domains", company.list_domains),
    Endpoint("GET", "/domains/{key}", company.show_domain),
    Endpoint("GET", "/subscribedSkus", company.list_skus),
    Endpoint("GET", "/subscribedSkus/{key}", company.show_sku),
    Endpoint("GET", "/users/{key}/licenseDetails", licences.list_details),
    Endpoint("GET", "/me/licenseDetails", licences.list_details),
    Endpoint("POST", "/users/{key}/assignLicense", licences.assign_license, blocking=True),
)

ROUTER = Router(ROUTES)
