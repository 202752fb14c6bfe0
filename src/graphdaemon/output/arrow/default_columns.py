"""The columns of records without a selection: the properties that Graph returns by default."""

from graphdaemon.graph.address import split_version
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.graph.property_types import find_object_type, list_published

TYPE_NOTE = "@odata.type"
"""The annotation that names the type of an object, in a list with objects of several types."""

_DIRECTORY_OBJECT = "directoryObject"
# The types of members, owners and managers. Each has the same properties as in its own collection.
_DIRECTORY_TYPES = (
    "user group device servicePrincipal application orgContact administrativeUnit directoryRole"
).split()


def find_default_columns(path: str) -> tuple[str, ...]:
    """
    Return the properties that Graph returns of the objects at `path` by default.

    Empty if they are not known. A list with objects of several types, such as the members of a
    group, has the columns of all of them.
    """
    # The beta version returns all properties, and has more than those that are known here.
    if split_version(path)[0] not in (None, "v1.0"):
        return ()
    kind = find_object_type(path)
    if kind != _DIRECTORY_OBJECT:
        return _find_shown(kind)
    names = dict.fromkeys(name for one in _DIRECTORY_TYPES for name in _find_shown(one))
    return (TYPE_NOTE, *names)


def has_several_types(path: str) -> bool:
    """Return whether the objects at `path` may be of several types."""
    return find_object_type(path) == _DIRECTORY_OBJECT


def _find_shown(kind: str) -> tuple[str, ...]:
    return default_properties(f"{kind}s") or list_published(kind)
