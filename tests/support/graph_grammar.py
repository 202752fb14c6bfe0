"""Query options that Graph accepts, drawn from the emulator's own tables and schema."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.model import schema
from entra_emulator.model.filterable import ENDS_WITH, FILTERS, SORTS
from entra_emulator.model.kinds import KINDS

Options = dict[str, str]
Draw = random.Random

TEXTS = ("a", "Ana", "contoso", "O''Neill", "\u00e4", "Sales", "x@contoso.example", "Team 1")
WORDS = ("ana", "team", "sales", "da", "2", "\u00e4rger")
GUID = "00000003-0000-0000-c000-000000000000"
# What every type of object may be sorted by in the emulator.
_SORTED = ("displayName", "userPrincipalName", "deletedDateTime")


def draw_list_options(
    draw: Draw, kind: str, ids: Sequence[str], *, related: bool = False, counting: bool = False
) -> tuple[Options, bool]:
    """The options of a list of objects, and whether it needs the eventual index."""
    if counting or related or draw.random() < 0.4:
        return _draw_advanced(draw, kind, ids, related=related, counting=counting), True
    options: Options = {}
    _maybe(draw, 0.5, options, "$filter", lambda: draw_filter(draw, kind, ids, advanced=False))
    if "$filter" not in options:
        _maybe(draw, 0.4, options, "$orderby", lambda: draw_order(draw, kind, advanced=False))
    _maybe(draw, 0.3, options, "$expand", lambda: draw_expand(draw, kind))
    return options | _draw_page(draw, kind), False


def draw_single_options(draw: Draw, kind: str) -> Options:
    """The options of one object."""
    options: Options = {}
    _maybe(draw, 0.6, options, "$select", lambda: draw_select(draw, kind))
    _maybe(draw, 0.4, options, "$expand", lambda: draw_expand(draw, kind))
    return options


def draw_delta_options(draw: Draw, kind: str, ids: Sequence[str]) -> Options:
    """The options of the first request of a delta query."""
    options: Options = {}
    _maybe(draw, 0.5, options, "$select", lambda: draw_select(draw, kind))
    _maybe(draw, 0.3, options, "$deltatoken", lambda: "latest")
    one = " or ".join(f"id eq '{draw.choice(ids)}'" for _ in range(draw.randint(1, 3)))
    _maybe(draw, 0.3, options, "$filter", lambda: one)
    return options


def draw_filter(
    draw: Draw, kind: str, ids: Sequence[str], *, advanced: bool, related: bool = False
) -> str:
    """A condition that the type's table allows in this mode."""
    conditions = [
        _draw_condition(draw, kind, ids, advanced=advanced, related=related)
        for _ in range(draw.choice([1, 1, 1, 2, 2, 3]))
    ]
    if advanced and draw.random() < 0.2:
        conditions[0] = f"not({conditions[0]})"
    if draw.random() < 0.2:
        conditions[-1] = f"({conditions[-1]})"
    if any("/any(" in one for one in conditions):
        return " and ".join(conditions)
    return draw.choice([" and ", " or "]).join(conditions)


def draw_order(draw: Draw, kind: str, *, advanced: bool) -> str:
    """One property that the type may be sorted by; empty if there is none."""
    table = SORTS.get(kind, {})
    names = [name for name in _SORTED if table.get(name) in ({"A", "D"} if advanced else {"D"})]
    return draw.choice(names) + draw.choice(["", " asc", " desc"]) if names else ""


def draw_search(draw: Draw, kind: str) -> str:
    """Up to three clauses, joined by words."""
    table = FILTERS.get(kind, {})
    names = [
        name
        for name, edm in schema.declared(kind).items()
        if edm == "Edm.String" and name in table and name != "id"
    ]
    clauses = [
        f'"{draw.choice(names)}:{draw.choice(WORDS)}"' for _ in range(draw.choice([1, 1, 2, 3]))
    ]
    return draw.choice([" AND ", " OR "]).join(clauses) if names else ""


def draw_select(draw: Draw, kind: str) -> str:
    """Some properties of the type, in any order and case."""
    hidden = schema.SINGLE_USER_ONLY | {"signInActivity"}
    names = [name for name in schema.declared(kind) if name not in hidden]
    chosen = draw.sample(names, min(len(names), draw.randint(1, 6)))
    return ",".join(name.upper() if draw.random() < 0.05 else name for name in chosen)


def draw_expand(draw: Draw, kind: str) -> str:
    """One navigation property that the emulator has; empty if there is none."""
    names = sorted(
        name for owner, name in NAVIGATIONS if owner == kind and name in schema.navigation(kind)
    )
    if not names:
        return ""
    return draw.choice(names) + draw.choice(["", "", "($select=id)", "($select=id,displayName)"])


def _draw_advanced(
    draw: Draw, kind: str, ids: Sequence[str], *, related: bool, counting: bool
) -> Options:
    options: Options = {} if counting else {"$count": "true"}
    if draw.random() < 0.5:
        condition = draw_filter(draw, kind, ids, advanced=True, related=related)
        options["$filter"] = condition
    _maybe(draw, 0.4, options, "$search", lambda: draw_search(draw, kind))
    sorted_kind = "directoryObject" if related else kind
    _maybe(draw, 0.4, options, "$orderby", lambda: draw_order(draw, sorted_kind, advanced=True))
    return options | _draw_page(draw, kind)


def _draw_page(draw: Draw, kind: str) -> Options:
    options: Options = {}
    _maybe(draw, 0.5, options, "$top", lambda: str(draw.choice([1, 2, 5, 20, 100, 999])))
    _maybe(draw, 0.5, options, "$select", lambda: draw_select(draw, kind))
    _maybe(draw, 0.05, options, "$format", lambda: "json")
    return options


def _maybe(draw: Draw, chance: float, options: Options, name: str, make: Callable[[], str]) -> None:
    if draw.random() < chance:
        value = make()
        if value:
            options[name] = value


def _draw_condition(
    draw: Draw, kind: str, ids: Sequence[str], *, advanced: bool, related: bool
) -> str:
    if ids and draw.random() < 0.15 and "id" in FILTERS.get(kind, {}):
        keys = ", ".join(f"'{draw.choice(ids)}'" for _ in range(draw.randint(1, 4)))
        return f"id in ({keys})"
    forms = list(_list_forms(FILTERS.get(kind, {}), advanced=advanced))
    path, form = draw.choice(forms)
    edm = _find_type(kind, path)
    if form == "any":
        return _draw_lambda(draw, path, edm)
    if form == "count":
        return f"{path} {draw.choice(['eq', 'ne'])} 0"
    literal = _draw_literal(draw, edm)
    if form in {"startswith", "endswith"}:
        return f"{form}({path},{literal})" if edm == "Edm.String" else f"{path} eq {literal}"
    if form == "null":
        return f"{path} eq null"
    if form == "range":
        return f"{path} {draw.choice(['ge', 'le'])} {literal}"
    if form == "in":
        return f"{path} in ({literal}, {_draw_literal(draw, edm)})"
    return f"{path} {form} {literal}"


def _list_forms(table: Mapping[str, object], *, advanced: bool) -> list[tuple[str, str]]:
    """Each path of the table with each form of condition that it takes."""
    fitting = {"D", "A"} if advanced else {"D", "O"}
    forms: list[tuple[str, str]] = []
    for path, support in table.items():
        grades = {name: getattr(support, name) for name in ("eq", "startswith", "range", "null")}
        allowed = {name for name, grade in grades.items() if grade in fitting}
        if "identities" in path or not allowed:
            continue
        if "/any" in path:
            forms += [(path, "any")] if "eq" in allowed else []
        elif path.endswith("/$count"):
            forms += [(path, "count")] if advanced else []
        else:
            if path == "id":
                allowed &= {"eq"}
            forms += [(path, name) for name in sorted(allowed)]
            if "eq" in allowed:
                forms.append((path, "in"))
            if advanced and "eq" in allowed:
                forms.append((path, "ne"))
            if advanced and path in ENDS_WITH:
                forms.append((path, "endswith"))
    return forms


def _draw_lambda(draw: Draw, path: str, edm: str) -> str:
    collection, _, item = path.partition("/any")
    return f"{collection}/any(x:x{item} eq {_draw_literal(draw, edm)})"


def _find_type(kind: str, path: str) -> str:
    """The EDM type of what a path of the tables leads to."""
    edm = f"microsoft.graph.{kind}"
    for segment in path.split("/"):
        if segment == "any":
            edm = edm.removeprefix("Collection(").removesuffix(")")
        elif segment == "$count":
            return "Edm.Int32"
        else:
            known = schema.declared(edm.split(".")[-1]) if schema.knows(edm.split(".")[-1]) else {}
            edm = known.get(segment, "Edm.String")
    return edm


def _draw_literal(draw: Draw, edm: str) -> str:
    if edm == "Edm.Boolean":
        return draw.choice(["true", "false"])
    if edm == "Edm.DateTimeOffset":
        return draw.choice(["2020-01-01T00:00:00Z", "2030-05-05", "1999-12-31T23:59:59.5Z"])
    if edm == "Edm.Guid":
        return GUID
    if edm == "Edm.Int32":
        return str(draw.randint(0, 9))
    return f"'{draw.choice(TEXTS)}'"


def list_kinds() -> list[str]:
    """The types of directory objects."""
    return list(KINDS)
