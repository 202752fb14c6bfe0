"""The columns of records of which nothing was selected: those that Graph shows by default."""

from graphdaemon.graph.address import split_version
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.graph.property_types import find_object_type, list_published

TYPE_NOTE = "@odata.type"
"""The note that says of which type each object of a list of several types is."""

_DIRECTORY_OBJECT = "directoryObject"
# What can be a member, an owner or a manager; each is shown as in a list of its own.
_DIRECTORY_TYPES = (
    "user group device servicePrincipal application orgContact administrativeUnit directoryRole"
).split()


def find_default_columns(path: str) -> tuple[str, ...]:
    """
    Return what Graph shows of the objects at `path` by default; none where that is not known.

    Lists of several types, such as the members of a group, have the columns of each.
    """
    # In beta nothing is left out, and more is there than is published here.
    if split_version(path)[0] not in (None, "v1.0"):
        return ()
    kind = find_object_type(path)
    if kind != _DIRECTORY_OBJECT:
        return _find_shown(kind)
    names = dict.fromkeys(name for one in _DIRECTORY_TYPES for name in _find_shown(one))
    return (TYPE_NOTE, *names)


def has_several_types(path: str) -> bool:
    """Say whether the objects at `path` may be of several types."""
    return find_object_type(path) == _DIRECTORY_OBJECT


def _find_shown(kind: str) -> tuple[str, ...]:
    return default_properties(f"{kind}s") or list_published(kind)
