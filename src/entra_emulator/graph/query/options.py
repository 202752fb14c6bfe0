"""The query options of a request, checked and made into a query to the directory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from entra_emulator.directory.sign_ins import LastSignIns
from entra_emulator.errors import deny
from entra_emulator.graph.query.capabilities import (
    MAX_ADVANCED,
    Mode,
    check_filter,
    list_linked_names,
    name_resource,
)
from entra_emulator.graph.query.compile import compile_match
from entra_emulator.graph.query.condition import Node, assume_kind, join, list_paths
from entra_emulator.graph.query.expand import Expand, read_expand
from entra_emulator.graph.query.filter import parse_filter
from entra_emulator.graph.query.index_plan import IndexPlan, SortOrder, make_plan
from entra_emulator.graph.query.search import parse_search
from entra_emulator.graph.query.select import read_select
from entra_emulator.graph.query.sign_in_activity import (
    MOST,
    NAME,
    check_activity_filter,
    compile_activity,
    reads_activity,
)
from entra_emulator.model import schema
from entra_emulator.model.filterable import SORTS
from entra_emulator.model.kinds import KINDS

# "List users", optional query parameters.
DEFAULT_PAGE = 100
MAX_PAGE = 999

# The largest page with `$expand`, whatever `$top` says (microsoft-graph-docs#21506, #21516).
MAX_EXPANDED = 100
# The most objects in an answer that is not paged ("List members of a directory role").
WHOLE = 1000

_OPTIONS = frozenset(
    "$count $deltatoken $expand $filter $format $orderby $search $select $skip".split()
    + "$skiptoken $top".split()
)


@dataclass(frozen=True, slots=True)
class Query:
    """
    A query for a list of objects.

    Args:
        kind: the type of the objects, e.g. "user", or "directoryObject" for several types.
        select: the properties to show, in this order; None shows the default set.
        expand: the linked objects to show inside each object.
        top: the most records on a page.
        plan: the objects, as far as an index of the store can select them.
        match: tells whether an object's JSON fulfils the rest of the condition; None accepts all.
        count: whether the first page contains the total number.
        page_token: the position where the last page ended.
        link: the options to repeat in the next link, as they were sent.
        binding: identifies the query, so that its page tokens are valid for no other query.
        small: whether `$top` is below 20, which costs less.
        eventual: whether the request has `ConsistencyLevel: eventual`, so that a lagging index
            answers.
        matched: the properties that `match` reads.
        kinds: the only types that the objects may have; None for every type of the collection.
        activity: tells whether a user's `signInActivity` fulfils the filter; None if the filter is
            on other properties.
    """

    kind: str
    select: tuple[str, ...] | None
    expand: Expand | None
    top: int
    plan: IndexPlan
    match: Callable[[bytes], bool] | None
    count: bool
    page_token: str | None
    link: str
    binding: bytes
    small: bool
    eventual: bool
    matched: frozenset[str] = frozenset()
    activity: Callable[[LastSignIns], bool] | None = None
    kinds: frozenset[str] | None = None

    @property
    def reports_activity(self) -> bool:
        """Whether the query shows or filters the users' `signInActivity`."""
        return self.activity is not None or NAME in (self.select or ())


def parse_options(raw: str) -> dict[str, str]:
    """
    The `$` options of a query string, with decoded values; other parameters are ignored.

    Raises:
        GraphRefusal: 400 for an unknown or a repeated option.
    """
    options: dict[str, str] = {}
    for _, name, value in _split(raw):
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise deny("option_unknown", option=name)
        if name in options:
            raise deny("option_repeated", option=name)
        options[name] = value
    return options


def read_query(
    kind: str,
    raw: str,
    *,
    eventual: bool,
    strict: bool = False,
    counting: bool = False,
    related: bool = False,
    whole: bool = False,
    address: str = "",
    linked: Callable[[str, str], Sequence[Any]] | None = None,
) -> Query:
    """
    The query that a query string asks for.

    Args:
        kind: the type of the objects, e.g. "user".
        raw: the query string as sent.
        eventual: the header `ConsistencyLevel: eventual` is there.
        strict: see `Mode`.
        counting: the request is for `/$count`.
        related: the collection is one of linked objects, such as a group's members cast to users;
            of "directoryObject" it always is. No index covers it, so that the plan has no bounds.
        whole: the collection is answered in one page, and its size cannot be chosen.
        address: what stood before the query string.
        linked: returns what is behind a navigation property, by its name and the object's ID; of
            directory objects two are enough. Without it, no filter is on what is linked.

    Raises:
        GraphRefusal: 400 or 501, with the text the real Graph has where it is known.
    """
    options = parse_options(raw)
    if whole and "$top" in options:
        raise deny("page_size_fixed")
    if kind == "subscribedSku":
        options = {}  # it honours none ("List subscribedSkus")
    count = _check_options(options)
    related = related or kind == "directoryObject"
    expand = read_expand(kind, options.get("$expand", ""), collection=True)
    stated = Mode(eventual, count or counting, strict, related, linking=linked is not None)
    mode = _read_mode(options, stated, expand)
    top = _read_top(options.get("$top"))
    activity = kind == "user" and not related
    select = read_select(kind, options.get("$select", ""), collection=True, activity=activity)
    link = split_link(raw)
    # The token that a next link adds does not count: else no query near the limit had a next page.
    length = len(f"{address}?{link}")
    if mode.advanced and options.keys() & {"$filter", "$search"} and length > MAX_ADVANCED:
        raise deny("query_too_long", length=length)
    kinds, node = _narrow_kinds(kind, _read_condition(kind, options, mode))
    active = node if activity and reads_activity(node) else None
    if active is not None or NAME in (select or ()):
        top = min(top or DEFAULT_PAGE, MOST)
    if expand is not None:
        top = min(top or DEFAULT_PAGE, MAX_EXPANDED)
    sort = _read_order(kind, options, mode)
    plan, rest = make_plan("directoryObject" if related else kind, None if active else node, sort)
    if kinds is not None and not related:
        # The collection has one type, and the condition leaves none.
        plan, rest = IndexPlan(ids=()), None
    return Query(
        kind=kind,
        select=select,
        expand=expand,
        top=WHOLE if whole else top or DEFAULT_PAGE,
        plan=plan,
        match=_compile(kind, rest, linked),
        # Graph ignores `$count=true` without the header ("Advanced query capabilities").
        count=count and eventual,
        page_token=options.get("$skiptoken"),
        link=link,
        binding=_bind(kind, options, eventual),
        small=top is not None and top < 20,
        eventual=eventual,
        matched=frozenset(path.split("/")[0] for path in list_paths(rest)) if rest else frozenset(),
        activity=compile_activity(active) if active else None,
        kinds=kinds,
    )


def read_single(
    kind: str, raw: str, *, activity: bool = False
) -> tuple[tuple[str, ...] | None, Expand | None]:
    """
    The properties to show, and what to expand, of one object.

    Options that are for lists are ignored; "List manager" has an example with `$count`. With
    `activity`, a user's `signInActivity` may be selected.

    Raises:
        GraphRefusal: 400 or 501.
    """
    options = parse_options(raw)
    text = options.get("$select", "")
    select = read_select(kind, text, collection=False, activity=activity)
    return select, read_expand(kind, options.get("$expand", ""), collection=False)


def split_link(raw: str) -> str:
    """The options that a next link repeats, as they were sent."""
    return "&".join(part for part, name, _ in _split(raw) if name != "$skiptoken")


def _split(raw: str) -> list[tuple[str, str, str]]:
    """Each parameter of a query string: as sent, its name in small letters, its decoded value."""
    parts = []
    for part in filter(None, raw.split("&")):
        name, _, value = part.partition("=")
        parts.append((part, unquote_plus(name).strip().lower(), unquote_plus(value)))
    return parts


def _bind(kind: str, options: Mapping[str, str], eventual: bool) -> bytes:
    # `$format` changes how a page is written, and not what is on it.
    bound = sorted((k, v) for k, v in options.items() if k not in {"$skiptoken", "$format"})
    return msgspec.json.encode([kind, eventual, bound])


def _check_options(options: Mapping[str, str]) -> bool:
    """Refuse options that no list takes, and say whether `$count` is true."""
    if "$skip" in options:
        raise deny("skip_refused")
    if "$deltatoken" in options:
        raise deny("option_unknown", option="$deltatoken")
    form = options.get("$format", "json").strip().lower()
    if form != "json" and not form.startswith("application/json"):
        raise deny("format_refused", value=options["$format"])
    count = options.get("$count", "false").lower()
    if count not in {"true", "false"}:
        raise deny("count_malformed", value=options["$count"])
    return count == "true"


def _read_mode(options: Mapping[str, str], mode: Mode, expand: Expand | None) -> Mode:
    """
    The mode as `$search` and `$expand` change it.

    `$search` needs no `$count` ("Advanced query capabilities"). A list with `$expand` comes from
    the default index: `$search` and all else that needs the header is refused with it as it is
    without the header (quoted in microsoft-graph-docs-contrib#2577).
    """
    if expand is not None:
        if mode.advanced:
            raise deny("search_refused" if "$search" in options else "expand_advanced")
        return replace(mode, eventual=False, counted=False)
    return replace(mode, counted=True) if "$search" in options else mode


def _narrow_kinds(kind: str, node: Node | None) -> tuple[frozenset[str] | None, Node | None]:
    """
    The types that a condition with `isof` leaves, and what else it asks of objects of these types.

    Raises:
        GraphRefusal: 501, it asks something else of each type.
    """
    if node is None:
        return None, None
    several = kind == "directoryObject"
    rests = {one: assume_kind(node, one) for one in (KINDS if several else [kind])}
    left = {one: rest for one, rest in rests.items() if rest is not False}
    conditions = {rest for rest in left.values() if not isinstance(rest, bool)}
    if len(conditions) > 1 or (conditions and any(rest is True for rest in left.values())):
        raise deny("not_emulated", what="$filter with other conditions for each type")
    kinds = None if len(left) == len(rests) else frozenset(left)
    return kinds, next(iter(conditions), None)


def _compile(
    kind: str, node: Node | None, linked: Callable[[str, str], Sequence[Any]] | None
) -> Callable[[bytes], bool] | None:
    if node is None:
        return None
    names = list_linked_names(kind, list_paths(node)) if linked else ()
    return compile_match(node, {name: partial(linked, name) for name in names if linked})


def _read_top(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise deny("option_malformed", option="$top", value=text, type="non-negative integer")
    # Nine digits show whether a number is too great; Python refuses to convert many thousands.
    if not 1 <= int(text[:9]) <= MAX_PAGE:
        raise deny("page_size", size=text)
    return int(text)


def _read_condition(kind: str, options: Mapping[str, str], mode: Mode) -> Node | None:
    # The gateway parses everything before the directory looks at what it supports: wrong syntax in
    # either option is refused first.
    parts: list[Node] = []
    if "$filter" in options:
        parts.append(parse_filter(kind, options["$filter"]))
    if "$search" in options:
        if not mode.eventual:
            raise deny("search_refused")
        parts.append(parse_search(kind, options["$search"]))
    if "$filter" in options:
        if kind == "user" and not mode.related and reads_activity(parts[0]):
            check_activity_filter(parts[0], options)
        else:
            check_filter(kind, parts[0], mode)
    return join("and", parts) if parts else None


def _read_order(kind: str, options: Mapping[str, str], mode: Mode) -> SortOrder | None:
    if "$orderby" not in options:
        return None
    text = options["$orderby"]
    terms = [term.split() for term in text.split(",")]
    if any(not term or term[1:] not in ([], ["asc"], ["desc"]) for term in terms):
        raise deny("orderby_malformed", reason=f"Syntax error in '{text}'.")
    names = [schema.canonical(kind, term[0]) for term in terms]
    if None in names:
        unknown = terms[names.index(None)][0]
        reason = f"Could not find a property named '{unknown}' on type 'microsoft.graph.{kind}'."
        raise deny("orderby_malformed", reason=reason)
    # `$filter` and `$orderby` together need the header ("Advanced query capabilities"); that two
    # properties are refused is chosen.
    combined = mode.related or "$filter" in options or "$search" in options
    if (combined and not mode.advanced) or len(terms) > 1:
        raise deny("sort_refused")
    return SortOrder(_find_order(kind, str(names[0]), mode), terms[0][1:] == ["desc"])


def _find_order(kind: str, name: str, mode: Mode) -> str:
    """The `order` of an `IndexPlan` that sorts by a property."""
    grade = SORTS.get("directoryObject" if mode.related else kind, {}).get(name)
    if grade is None or (grade == "A" and not mode.advanced):
        # The two indices refuse in different words (microsoft-graph-docs#13246, #20427).
        if mode.advanced:
            raise deny("property_unsupported")
        raise deny("sort_property_refused", name=name, kind=name_resource(kind))
    if name == "displayName":
        return "name"
    if kind in KINDS and name == KINDS[kind].key:
        return "key"
    if name == "deletedDateTime":
        return "seq"  # it is null in every object of the collection
    return name
