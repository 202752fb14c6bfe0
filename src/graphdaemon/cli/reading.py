"""
What has to be read for the output that the options describe, and which columns that has.

A property that `--query`, `--sort` or `--explode` names is read, or refused: what Graph leaves out
of its answer would otherwise look as if nobody had it. And what no column shows is not read.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from graphdaemon.errors import UsageError
from graphdaemon.graph.address import split_version
from graphdaemon.graph.catalog import CATALOG, find_collection
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.graph.property_types import (
    PropertyType,
    find_object_type,
    find_types,
    list_properties,
)
from graphdaemon.listing.expand import find_related_properties, leads_to_one
from graphdaemon.output.explode import ELEMENT, PARENT, split_path
from graphdaemon.output.formats import load_format
from graphdaemon.output.spec import OutputSpec
from graphdaemon.settings.known_names import suggest

Path = tuple[str, ...]

# A list of these costs two resource units a page, and one where properties are selected; of users
# they always are, and other lists cost one in any case. Source: "Microsoft Graph service-specific
# throttling limits" (identity and access), 2025-11.
_SELECT_SAVES = frozenset({"applications", "oauth2PermissionGrants"})
_SELECT_ADVICE = (
    "These rows needed whole records: if --select names the properties that they use, each page "
    "costs one resource unit instead of two"
)


class RecordSource(NamedTuple):
    """
    What is known of the records before any is read; by default nothing.

    Attributes:
        name: What they are called in a message, such as `users`.
        types: What there is of them, with its type; None where nobody says.
        default: What they have where nothing is selected; None for all of `types`, or if unknown.
        columns: What csv, table and parquet show by default; None where nothing is known.
        can_select: Whether any property of them can be selected.
        first: What every record begins with besides.
        added: What every record ends with besides, which `--with` reads.
        related: Of these, what is read of each object; none where that is not known, or all of it.
        relations: What `--with` could read.
        is_kept: Whether they are in a store.
        page: Where Microsoft says what there is of them; empty where `types` are not its.
    """

    name: str = ""
    types: Mapping[str, PropertyType] | None = None
    default: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    can_select: bool = False
    first: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    related: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    relations: frozenset[str] = frozenset()
    is_kept: bool = False
    page: str = ""


class ReadingPlan(NamedTuple):
    """
    What is read for an output.

    Attributes:
        select: The properties to select; none for what is there by default.
        spec: The output, with its columns.
        named: The properties that the user has named.
        advice: What would cost less of Graph's throttle budget; empty where nothing is known to.
    """

    select: tuple[str, ...]
    spec: OutputSpec
    named: frozenset[str]
    advice: str = ""


class _Named(NamedTuple):
    """A path from a record, and the option that names it."""

    path: Path
    option: str
    text: str


def describe_graph(collection: str) -> RecordSource:
    """Return what is known of a collection of Graph."""
    version, name = split_version(collection)
    row = find_collection(collection)
    source = RecordSource(name, columns=row.columns)
    if name in CATALOG:
        source = source._replace(can_select=True, relations=row.expands)
    # What beta has besides is published nowhere that is known here.
    kind = find_object_type(name) if version in {None, "v1.0"} else ""
    types = list_properties(kind)
    if not types:
        return source
    default = default_properties(name)
    undeclared: dict[str, PropertyType] = dict.fromkeys(default or (), "any")
    return source._replace(
        types={**undeclared, **types},
        default=default,
        page=f"https://learn.microsoft.com/graph/api/resources/{kind.lower()}",
    )


def describe_object(path: str, expand: str | None) -> RecordSource:
    """Return what is known of the object at a path of Graph, with what `$expand` adds to it."""
    added = tuple(re.findall(r"\w+", re.sub(r"\([^()]*\)", "", expand or "")))
    version, name = split_version(path)
    collection, _, key = name.strip("/").partition("/")
    if collection in CATALOG and re.fullmatch(r"[^/?$][^/?]*", key) and key != "delta":
        source = describe_graph("/".join(filter(None, (version, collection))))
        return source._replace(added=added)
    return RecordSource(columns=find_collection(collection.partition("?")[0]).columns, added=added)


def add_relations(source: RecordSource, names: tuple[str, ...]) -> RecordSource:
    """Return what is known of records to which `--with` adds what these lead to."""
    related = {name: find_related_properties(name) for name in names}
    return source._replace(added=names, related=related)


def describe_kept(collection: str, kept: tuple[str, ...]) -> RecordSource:
    """Return what is known of a collection of a store, which keeps these properties of it."""
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    row = STORED_COLLECTIONS[collection]
    default = CATALOG[collection].columns if collection in CATALOG else row.select
    columns = ("parent", "child", "kind") if row.is_edge else default
    return RecordSource(
        collection, find_types(row, kept), columns=columns, can_select=True, is_kept=True
    )


def plan_reading(source: RecordSource, select: tuple[str, ...], spec: OutputSpec) -> ReadingPlan:
    """
    Return what has to be read of `source`, of which the user selects `select`, for `spec`.

    Raises:
        UsageError: An option names what there is not, or a path that leads nowhere.
    """
    list_path = split_path(spec.explode) if spec.explode is not None else ()
    paths, made_columns = _read_query(spec)
    named = [_lead_to_record(one, list_path) for one in paths]
    if spec.sort is not None:
        sorted_by = _Named(split_path(spec.sort), "--sort", spec.sort)
        named.append(_lead_to_record(sorted_by, list_path))
    if spec.explode is not None:
        named.append(_Named(list_path, "--explode", spec.explode))
    is_whole = not paths or any(not one.path for one in named)
    named = [one for one in named if one.path and not one.path[0].startswith("@")]
    for one in named:
        _check_related(one, source)
    if source.types is not None:
        for one in named:
            _check(one, source, source.types, list_path)
    besides = {"id", *source.first, *source.added}
    roots = tuple(dict.fromkeys(one.path[0] for one in named if one.path[0] not in besides))
    has_columns = load_format(spec.format).has_columns and not made_columns
    chosen = _choose_select(source, select, roots, is_whole=is_whole, has_columns=has_columns)
    columns = _choose_columns(source, select, list_path)
    # What is neither published nor selected, only the records show.
    seen = {
        one.path[0]: one.option
        for one in named
        if not source.can_select or (source.types is None and one.path[0] not in chosen)
    }
    spec = spec._replace(
        columns=columns or (),
        finds_columns=columns is None,
        required=tuple(seen.items()),
    )
    saves = source.name in _SELECT_SAVES and not chosen and not source.is_kept
    advice = _SELECT_ADVICE if list_path and saves else ""
    return ReadingPlan(chosen, spec, frozenset((*select, *source.added, *roots)), advice)


def _read_query(spec: OutputSpec) -> tuple[list[_Named], bool]:
    """Return what the query takes, and whether it makes columns of its own."""
    if spec.query is None:
        return [], False
    from graphdaemon.output.jmespath_query import Projection

    projection = Projection(spec.query, single=spec.single)
    named = [_Named(path, "--query", ".".join(path)) for path in projection.paths]
    return named, projection.columns is not None


def _lead_to_record(named: _Named, list_path: Path) -> _Named:
    """Return the path from the record, where `named` is one from a row of the exploded list."""
    if not list_path or not named.path:
        return named
    first, *rest = named.path
    if first == ELEMENT:
        return named._replace(path=(*list_path, *rest))
    if first == PARENT and tuple(rest[: len(list_path)]) != list_path:
        return named._replace(path=tuple(rest))
    path = ".".join(list_path)
    raise UsageError(
        f"{named.option} {named.text}: with --explode {path}, a row consists of {PARENT} and "
        f"{ELEMENT}",
        code="option_invalid",
        hint=f"Write {ELEMENT}.NAME for a property of an element of {path}."
        if first == PARENT
        else f"Write {PARENT}.{named.text}, or {ELEMENT}.NAME for a property of an element of "
        f"{path}.",
    )


def _check(
    named: _Named, source: RecordSource, types: Mapping[str, PropertyType], list_path: Path
) -> None:
    """Refuse a path that leads nowhere, and a list that is none."""
    root, *rest = named.path
    has_id = "id" in types or not source.is_kept
    if (root == "id" and has_id) or root in {*source.first, *source.added}:
        return
    # Extensions are published nowhere; their names have the app or a domain before them.
    if root not in types and ("_" not in root or source.is_kept):
        _refuse_unknown(named, source, types)
    kind = types.get(root, "any")
    for depth, name in enumerate(rest, 1):
        is_exploded = named.path[:depth] == list_path[:depth]
        if isinstance(kind, list) and named.option == "--sort" and not is_exploded:
            raise UsageError(
                f"--sort {named.text}: {'.'.join(named.path[:depth])} is a list",
                code="option_invalid",
                hint=f"Write a row for each element: --explode {'.'.join(named.path[:depth])} "
                f"--sort {ELEMENT}.{'.'.join(named.path[depth:])}.",
            )
        while isinstance(kind, list):
            kind = kind[0]
        if kind == "any":
            return
        members = kind if isinstance(kind, dict) else {}
        if name not in members:
            within = f"{source.name} have no {name} in {'.'.join(named.path[:depth])}"
            raise UsageError(
                f"{named.option} {named.text}: {within}",
                code="option_invalid",
                hint=suggest(name, members) or _list_names(members, named.option),
            )
        kind = members[name]
    if named.option == "--explode" and kind != "any" and not isinstance(kind, list):
        lists = [name for name, kind in types.items() if isinstance(kind, list)]
        raise UsageError(
            f"--explode {named.text}: that is not a list",
            code="option_invalid",
            hint=f"The lists of {source.name} are {', '.join(lists)}.",
        )


def _check_related(named: _Named, source: RecordSource) -> None:
    """Refuse what is not read of the objects that `--with` adds, and a list where there is one."""
    root, *rest = named.path
    if root not in source.related:
        return
    if named.option == "--explode" and leads_to_one(root):
        raise UsageError(
            f"--explode {named.text}: that is a single object, not a list",
            code="option_invalid",
            hint=f"Leave --explode out: each record has {root} as a member.",
        )
    known = source.related[root]
    if rest and known and rest[0] not in known and not rest[0].startswith("@"):
        raise UsageError(
            f"{named.option} {named.text}: --with reads only {' and '.join(known)} of {root}",
            code="option_invalid",
            hint=suggest(rest[0], known) or f"For more properties, list {root} by themselves.",
        )
    if rest and known and named.option == "--explode":
        raise UsageError(
            f"--explode {named.text}: that is not a list",
            code="option_invalid",
            hint=f"Write --explode {root}.",
        )


def _refuse_unknown(
    named: _Named, source: RecordSource, types: Mapping[str, PropertyType]
) -> NoReturn:
    root = named.path[0]
    near = suggest(root, types)
    message = f"{source.name} have no property {root}"
    hint = f"For the properties that there are, see {source.page}."
    if source.is_kept:
        message = f"the store does not keep {root} of {source.name}"
        hint = f"It keeps {', '.join(types)}. To keep others, use graphdaemon sync --select."
    elif root in source.relations:
        near = f"Add --with {root}, which reads it."
    raise UsageError(
        f"{named.option} {named.text}: {message}", code="option_invalid", hint=near or hint
    )


def _list_names(types: Mapping[str, PropertyType], option: str) -> str:
    names = ", ".join(types)
    return f"There is {names}." if names else f"Correct {option}."


def _choose_select(
    source: RecordSource,
    select: tuple[str, ...],
    roots: tuple[str, ...],
    *,
    is_whole: bool,
    has_columns: bool,
) -> tuple[str, ...]:
    if select:
        return tuple(dict.fromkeys((*select, *roots)))
    if not source.can_select or source.is_kept:
        return ()
    if is_whole and not has_columns:
        missing = source.default is not None and not set(roots) <= set(source.default)
        return tuple(dict.fromkeys((*(source.default or ()), *roots))) if missing else ()
    shown = source.columns if is_whole else ()
    return tuple(dict.fromkeys((*(shown or ()), *roots))) or ("id",)


def _choose_columns(
    source: RecordSource, select: tuple[str, ...], list_path: Path
) -> tuple[str, ...] | None:
    """The columns of csv, table and parquet; None where the records have to show them."""
    if not select and source.columns is None:
        return None
    columns = (*source.first, *(select or source.columns or ()), *source.added)
    if not list_path:
        return columns
    elements = _list_element_columns(source, list_path)
    if elements is None:
        return None
    around = [name for name in columns if name != list_path[0]]
    if "id" not in around:
        around.insert(len(source.first), "id")
    return tuple(f"{PARENT}.{name}" for name in around) + elements


def _list_element_columns(source: RecordSource, list_path: Path) -> tuple[str, ...] | None:
    # A list within another has columns of that one too, which the rows show.
    if len(list_path) > 1:
        return None
    if list_path[0] in source.added:
        related = find_related_properties(list_path[0])
        return tuple(f"{ELEMENT}.{name}" for name in related) or None
    kind = (source.types or {}).get(list_path[0], "any")
    if not isinstance(kind, list) or kind[0] == "any":
        return None
    if isinstance(kind[0], dict):
        return tuple(f"{ELEMENT}.{name}" for name in kind[0])
    return (ELEMENT,)
