"""Records of each type, and filters with what they mean, which never looks at the text."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from entra_emulator.content.seeding.users import draw_users

Record = Mapping[str, Any]
Meaning = Callable[[Record], bool]


class Case(NamedTuple):
    text: str
    meaning: Meaning


class Shape(NamedTuple):
    """What the records of a type have, and how it can be asked for in advanced queries."""

    texts: tuple[str, ...]
    ranged: tuple[str, ...]
    keys: tuple[str, ...]
    flag: str
    moment: str
    lists: tuple[str, ...]
    begun: tuple[str, ...] = ()  # those of the lists that startswith is for
    counted: tuple[str, ...] = ()
    guids: tuple[str, str] = ("", "")
    nested: tuple[str, ...] = ()


SHAPES = {
    "user": Shape(
        tuple("displayName givenName department jobTitle city officeLocation mail".split()),
        ("userPrincipalName", "displayName"),
        ("id", "userPrincipalName"),
        "accountEnabled",
        "createdDateTime",
        ("proxyAddresses", "otherMails", "businessPhones"),
        ("proxyAddresses", "otherMails", "businessPhones"),
        ("proxyAddresses", "otherMails", "assignedLicenses"),
        ("assignedLicenses", "skuId"),
        ("onPremisesExtensionAttributes/extensionAttribute3", "employeeOrgData/division"),
    ),
    "group": Shape(
        ("displayName", "mail", "mailNickname", "description"),
        ("displayName", "mailNickname"),
        ("id", "mailNickname"),
        "mailEnabled",
        "renewedDateTime",
        ("groupTypes", "proxyAddresses"),
        ("proxyAddresses",),
        ("proxyAddresses",),
        ("assignedLicenses", "skuId"),
    ),
    "device": Shape(
        ("displayName", "operatingSystem", "manufacturer"),
        ("displayName",),
        ("id", "deviceId"),
        "isCompliant",
        "approximateLastSignInDateTime",
        ("physicalIds",),
        (),
        ("physicalIds",),
    ),
    "application": Shape(
        ("displayName", "description", "notes"),
        ("displayName",),
        ("id", "appId"),
        "",
        "createdDateTime",
        ("identifierUris", "tags", "web/redirectUris"),
        ("identifierUris", "tags", "web/redirectUris"),
        (),
        ("", ""),
        ("web/homePageUrl", "verifiedPublisher/displayName"),
    ),
    "servicePrincipal": Shape(
        ("displayName", "description", "homepage"),
        ("displayName",),
        ("id", "appId"),
        "accountEnabled",
        "",
        ("servicePrincipalNames", "alternativeNames"),
        ("servicePrincipalNames", "alternativeNames"),
    ),
}

_WORDS = (
    "Contoso",
    "contoso admins",
    "CONTOSO All",
    "O'Brien",
    "Straße 1",
    "strasse 1",
    "Zoë",
    "\u674e\u56db",
    "a",
    "b%_",
    "Unified",
    "smtp:a@x.example",
    "\U0001f600",
)
_GUIDS = [str(UUID(int=number, version=4)) for number in range(1, 6)]


@cache
def make_records(kind: str, count: int = 60) -> tuple[dict[str, Any], ...]:
    """The same records every time: nulls, empty lists, all cases of letters."""
    draw = random.Random(kind)
    shape = SHAPES[kind]
    base: list[dict[str, Any]] = list(draw_users(count, 0)) if kind == "user" else []
    records = []
    for number in range(count):
        record: dict[str, Any] = base[number] if base else {"id": _draw_guid(draw)}
        for name in shape.texts if kind != "user" else ("department", "officeLocation"):
            _place(record, name, draw.choice([None, *_WORDS]))
        for name in shape.nested:
            _place(record, name, draw.choice([None, *_WORDS]))
        for name in shape.lists:
            _place(record, name, draw.choices(_WORDS, k=draw.choice([0, 0, 1, 3])))
        if shape.guids[0]:
            chosen = draw.sample(_GUIDS, draw.choice([0, 1, 2]))
            record[shape.guids[0]] = [{shape.guids[1]: guid} for guid in chosen]
        if kind in {"device", "application", "servicePrincipal"}:
            record[shape.keys[1]] = _draw_guid(draw)
        if shape.flag and kind != "user":
            record[shape.flag] = draw.choice([True, False, None])
        if shape.moment and kind != "user":
            record[shape.moment] = draw.choice(
                [None, "2020-01-01T00:00:00Z", "2021-06-01T12:30:00.5Z", "2022-02-02T02:02:02Z"]
            )
        records.append({k: v for k, v in record.items() if v is not None})
    return tuple(records)


@cache
def list_values(kind: str) -> tuple[str, ...]:
    """The names in the records, and others."""
    names = SHAPES[kind].texts + SHAPES[kind].ranged
    held = {str(r[name]) for r in make_records(kind) for name in names if name in r}
    return tuple(sorted(held | set(_WORDS)))


def _draw_guid(draw: random.Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))


def _place(record: dict[str, Any], path: str, value: Any) -> None:
    first, _, rest = path.partition("/")
    if rest:
        record.setdefault(first, {})[rest] = value
    else:
        record[first] = value


def read(record: Record, path: str) -> Any:
    first, _, rest = path.partition("/")
    value = record.get(first)
    return value.get(rest) if rest and value is not None else value


def fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def spell(draw: st.DrawFn, name: str) -> str:
    return draw(st.sampled_from([name, name.lower(), name.upper()]))


@st.composite
def texts(draw: st.DrawFn, kind: str) -> Case:
    """`eq`, `ne`, `in` and `eq null` on strings."""
    name = draw(st.sampled_from(SHAPES[kind].texts + SHAPES[kind].nested))
    value = draw(st.sampled_from(list_values(kind)) | st.text(max_size=5))
    form = draw(st.sampled_from(["eq", "ne", "in", "null"]))
    spelled = spell(draw, name)
    if form == "null" and "division" not in name:
        return Case(f"{spelled} eq null", lambda r: read(r, name) is None)
    if form == "in":
        others = draw(st.lists(st.sampled_from(list_values(kind)), max_size=3))
        listed = ", ".join(map(quoted, [value, *others]))
        wanted = {fold(one) for one in (value, *others)}
        return Case(f"{spelled} in ({listed})", lambda r: fold(read(r, name)) in wanted)
    if form == "ne":
        return Case(f"{spelled} ne {quoted(value)}", lambda r: fold(read(r, name)) != fold(value))
    return Case(f"{spelled} eq {quoted(value)}", lambda r: fold(read(r, name)) == fold(value))


@st.composite
def prefixes(draw: st.DrawFn, kind: str) -> Case:
    name = draw(st.sampled_from(SHAPES[kind].texts + SHAPES[kind].nested))
    value = draw(st.sampled_from(list_values(kind)))
    part = value[: draw(st.integers(0, 4))]
    function = draw(st.sampled_from(["startswith", "startsWith", "StartsWith"]))

    def meaning(record: Record) -> bool:
        held = read(record, name)
        return held is not None and bool(fold(held).startswith(fold(part)))

    return Case(f"{function}({name},{quoted(part)})", meaning)


@st.composite
def ranges(draw: st.DrawFn, kind: str) -> Case:
    """Closed and open ranges of names, which plans turn into bounds."""
    name = draw(st.sampled_from(SHAPES[kind].ranged))
    low, high = draw(st.sampled_from(list_values(kind))), draw(st.sampled_from(list_values(kind)))
    form = draw(st.sampled_from(["ge", "le", "both"]))

    def meaning(record: Record) -> bool:
        held = fold(record.get(name))
        if held is None:
            return False
        return (form == "le" or held >= fold(low)) and (form == "ge" or held <= fold(high))

    left, right = f"{name} ge {quoted(low)}", f"{name} le {quoted(high)}"
    return Case({"ge": left, "le": right, "both": f"{left} and {right}"}[form], meaning)


@st.composite
def keys(draw: st.DrawFn, kind: str) -> Case:
    """`eq`, `in` and chains of `or` on IDs and keys."""
    name = draw(st.sampled_from(SHAPES[kind].keys))
    held = [record[name] for record in make_records(kind) if name in record]
    values = draw(st.lists(st.sampled_from(held) | st.just("nobody"), min_size=1, max_size=4))
    listed = [quoted(draw(st.sampled_from([v, v.upper()]))) for v in values]
    form = draw(st.sampled_from(["in", "or", "eq"]))
    if form == "eq":
        values, text = values[:1], f"{name} eq {listed[0]}"
    elif form == "in":
        text = f"{name} in ({','.join(listed)})"
    else:
        text = "(" + " or ".join(f"{name} eq {one}" for one in listed) + ")"
    wanted = {fold(value) for value in values}
    return Case(text, lambda r: fold(r.get(name)) in wanted)


@st.composite
def items(draw: st.DrawFn, kind: str) -> Case:
    """`any` on collections of strings and of complex values, and `$count`."""
    shape = SHAPES[kind]
    forms = ["eq"] + ["starts"] * bool(shape.begun) + ["count"] * bool(shape.counted)
    form = draw(st.sampled_from(forms + ["guid"] * bool(shape.guids[0])))
    if form == "count":
        name = draw(st.sampled_from(shape.counted))
        test = draw(st.sampled_from([f"{name}/$count eq 0", f"not ({name}/any())"]))
        return Case(test, lambda r: not r.get(name))
    if form == "guid":
        name, inner = shape.guids
        guid = draw(st.sampled_from(_GUIDS))
        return Case(
            f"{name}/any(l:l/{inner} eq {guid})",
            lambda r: any(item[inner] == guid for item in r.get(name) or ()),
        )
    value = draw(st.sampled_from(list_values(kind)))
    if form == "eq":
        name = draw(st.sampled_from(shape.lists))
        return Case(
            f"{spell(draw, name)}/any(x:x eq {quoted(value)})",
            lambda r: any(fold(item) == fold(value) for item in read(r, name) or ()),
        )
    name = draw(st.sampled_from(shape.begun))
    part = value[:2]
    return Case(
        f"{name}/any(p : startswith( p, {quoted(part)} ))",
        lambda r: any(fold(item).startswith(fold(part)) for item in read(r, name) or ()),
    )


@st.composite
def facts(draw: st.DrawFn, kind: str) -> Case:
    """Booleans and moments."""
    shape = SHAPES[kind]
    if shape.flag and (not shape.moment or draw(st.booleans())):
        wanted = draw(st.booleans())
        return Case(f"{shape.flag} eq {str(wanted).lower()}", lambda r: r.get(shape.flag) is wanted)
    moment = draw(st.datetimes(datetime(2015, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001 - UTC below
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    suffix = draw(st.sampled_from(["Z", ".0Z", "+00:00"]))
    later = draw(st.booleans())

    def meaning(record: Record) -> bool:
        if shape.moment not in record:
            return False
        held = datetime.fromisoformat(record[shape.moment])
        return held >= moment if later else held <= moment

    text = f"{shape.moment} {'ge' if later else 'le'} {moment:%Y-%m-%dT%H:%M:%S}{suffix}"
    return Case(text, meaning)


def negate(case: Case) -> Case:
    return Case(f"not ({case.text})", lambda r: not case.meaning(r))


def combine(first: Case, second: Case, word: str) -> Case:
    if word == "and":
        return Case(
            f"{_wrap(first)} and {_wrap(second)}",
            lambda r: first.meaning(r) and second.meaning(r),
        )
    return Case(
        f"({first.text}) OR ({second.text})", lambda r: first.meaning(r) or second.meaning(r)
    )


def _wrap(case: Case) -> str:
    """Without parentheses where `and` needs none, so that it stands at the top level."""
    return f"({case.text})" if " or " in case.text.lower() else case.text


@cache
def cases(kind: str) -> st.SearchStrategy[Case]:
    """Filters that advanced queries allow, with their meanings."""
    leaves = st.one_of(
        texts(kind), prefixes(kind), ranges(kind), keys(kind), items(kind), facts(kind)
    )
    return st.recursive(
        leaves,
        lambda inner: (
            inner.map(negate) | st.builds(combine, inner, inner, st.sampled_from(["and", "or"]))
        ),
        max_leaves=4,
    )
