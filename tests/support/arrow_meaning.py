"""What records are in Arrow, told plainly from their JSON: an account that shares no code."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from graphdaemon.graph.property_types import PropertyType


def mean(value: Any, kind: PropertyType) -> Any:
    """What a value is in its column; what may be any JSON is itself."""
    if value is None:
        return None
    if isinstance(kind, list):
        return [mean(item, kind[0]) for item in value]
    if isinstance(kind, dict):
        return {name: mean(value.get(name), part) for name, part in kind.items()}
    if kind == "time":
        seconds, _, digits = value.removesuffix("Z").partition(".")
        moment = dt.datetime.strptime(f"{seconds}+0000", "%Y-%m-%dT%H:%M:%S%z")
        return moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
    return value


def has_unpublished(value: Any, kind: PropertyType) -> bool:
    """Whether an object within a value has a member that no type names."""
    if isinstance(kind, list) and isinstance(value, list):
        return any(has_unpublished(item, kind[0]) for item in value)
    if isinstance(kind, dict) and isinstance(value, dict):
        strange = any(name not in kind and "@" not in name for name in value)
        return strange or any(has_unpublished(value.get(name), kind[name]) for name in kind)
    return False


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)
_TIMES = st.builds(
    lambda moment, digits: f"{moment.replace(microsecond=0).isoformat()}{digits}Z",
    st.datetimes(),
    st.sampled_from(["", ".1", ".123456", ".1234567", ".000000000"]),
)
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS | st.sampled_from(["2024-01-01T00:00:00.1234567Z", "null", '"', "\n"]),
    "time": _TIMES,
    "integer": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "any": _JSON,
}


def values_of(kind: PropertyType, *, strange: bool) -> st.SearchStrategy[Any]:
    """Values of a type; `strange` ones have members that are not published, too."""
    if isinstance(kind, list):
        return st.none() | st.lists(values_of(kind[0], strange=strange) | st.none(), max_size=2)
    if isinstance(kind, dict):
        known = {name: values_of(part, strange=strange) for name, part in kind.items()}
        extra: dict[str, st.SearchStrategy[Any]] = {"@odata.type": st.just("#microsoft.graph.x")}
        if strange:
            extra["brandNew"] = _JSON
        return st.none() | st.fixed_dictionaries({}, optional=known | extra)
    return st.none() | _SIMPLE[kind]
