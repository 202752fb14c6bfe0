"""
The service's own description: `$metadata` (CSDL in XML), and the list of its entity sets.

Both can be read without a token. The types are those that the emulator serves, as in Microsoft's
published CSDL; navigation properties that lead to other types are left out.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from xml.sax.saxutils import quoteattr

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import origin_of
from entra_emulator.web.graph_answers import answer_graph

_SINGLETONS = {"directory": "directory", "me": "user"}

_EDM = "http://docs.oasis-open.org/odata/ns/edm"

# What `directory` contains, with the types; these are no entity sets of their own.
_DIRECTORY = {"administrativeUnits": "administrativeUnit", "deletedItems": "directoryObject"}

# Entity sets by name, each with the type of what is in it.
Sets = tuple[tuple[str, str], ...]


def show_metadata(request: Request, *, sets: Sets) -> Response:
    """`GET /$metadata`: the types, in XML."""
    # Nobody is identified here, so that no caller could be charged.
    return answer_graph(request, _describe(sets), media_type="application/xml", units=None)


def list_service(request: Request, *, sets: Sets) -> Response:
    """`GET /v1.0/`: the entity sets and the singletons."""
    rows = [{"name": name, "kind": "EntitySet", "url": name} for name, _ in _list_all(sets)]
    rows += [{"name": name, "kind": "Singleton", "url": name} for name in _SINGLETONS]
    version = request.scope["path"].split("/")[1]
    body = {
        "@odata.context": f"{origin_of(request)}/{version}/$metadata",
        "value": sorted(rows, key=lambda row: row["name"].lower()),
    }
    return answer_graph(request, msgspec.json.encode(body), units=None)


# The types never change while the program runs, and their XML is long.
@cache
def _describe(sets: Sets) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
        "<edmx:DataServices>",
        f'<Schema Namespace="microsoft.graph" Alias="graph" xmlns="{_EDM}">',
        *_list_enumerations(),
        *_list_entities(),
        *_list_complex(),
        *_list_functions(),
        *_list_sets(sets),
        "</Schema>",
        "</edmx:DataServices>",
        "</edmx:Edmx>",
    ]
    return "\n".join(lines).encode()


def _list_enumerations() -> Iterator[str]:
    for name, members in sorted(schema.published("enumerations").items()):
        yield f"<EnumType Name={quoteattr(name)}>"
        yield from (f"<Member Name={quoteattr(member)} />" for member in members)
        yield "</EnumType>"


def _list_entities() -> Iterator[str]:
    yield '<EntityType Name="entity" Abstract="true">'
    yield '<Key><PropertyRef Name="id" /></Key>'
    yield '<Property Name="id" Type="Edm.String" Nullable="false" />'
    yield "</EntityType>"
    yield '<EntityType Name="directory" BaseType="graph.entity">'
    for name, kind in _DIRECTORY.items():
        yield _write_navigation(name, f"Collection(microsoft.graph.{kind})", contains=True)
    yield "</EntityType>"
    base = schema.published("types")["directoryObject"]
    for name, properties in sorted(schema.published("types").items()):
        # Every type with a deletedDateTime is derived from directoryObject, which is open.
        directory = "deletedDateTime" in properties and name != "directoryObject"
        inherited = set(base) if directory else {"id"}
        parent = "directoryObject" if directory else "entity"
        opened = ' OpenType="true"' if directory or name == "directoryObject" else ""
        yield f'<EntityType Name={quoteattr(name)} BaseType="graph.{parent}"{opened}>'
        yield from _list_properties(properties, inherited)
        for link, target in sorted(schema.published("navigation")[name].items()):
            if _item_type(target) in schema.published("types"):
                yield _write_navigation(link, target)
        yield "</EntityType>"


def _list_complex() -> Iterator[str]:
    for name, properties in sorted(schema.published("complex").items()):
        yield f"<ComplexType Name={quoteattr(name)}>"
        yield from _list_properties(properties, set())
        yield "</ComplexType>"


def _list_properties(properties: Mapping[str, str], inherited: set[str]) -> Iterator[str]:
    for name, edm in properties.items():
        if name not in inherited:
            yield f"<Property Name={quoteattr(name)} Type={quoteattr(_shorten(edm))} />"


def _write_navigation(name: str, target: str, *, contains: bool = False) -> str:
    contained = ' ContainsTarget="true"' if contains else ""
    kind = quoteattr(_shorten(target))
    return f"<NavigationProperty Name={quoteattr(name)} Type={kind}{contained} />"


def _list_functions() -> Iterator[str]:
    for kind in sorted([*KINDS, "directoryObject"]):
        yield '<Function Name="delta" IsBound="true">'
        yield f'<Parameter Name="bindingParameter" Type="Collection(graph.{kind})" />'
        yield f'<ReturnType Type="Collection(graph.{kind})" />'
        yield "</Function>"


def _list_sets(sets: Sets) -> Iterator[str]:
    yield '<EntityContainer Name="GraphService">'
    for name, kind in _list_all(sets):
        yield f'<EntitySet Name="{name}" EntityType="microsoft.graph.{kind}" />'
    for name, kind in _SINGLETONS.items():
        yield f'<Singleton Name="{name}" Type="microsoft.graph.{kind}" />'
    yield "</EntityContainer>"


def _list_all(sets: Sets) -> list[tuple[str, str]]:
    """These sets and those of directory objects, but for what `directory` contains, sorted."""
    rows = [(kind.collection, name) for name, kind in KINDS.items()]
    return sorted(row for row in (*sets, *rows) if row[0] not in _DIRECTORY)


def _item_type(edm: str) -> str:
    return edm.removeprefix("Collection(").removesuffix(")").removeprefix("microsoft.graph.")


def _shorten(edm: str) -> str:
    """Types by the namespace's alias, as the published CSDL has them."""
    return edm.replace("microsoft.graph.", "graph.")
