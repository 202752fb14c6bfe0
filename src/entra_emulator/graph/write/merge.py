"""
What an object is like after a change: complex values are merged, collections replaced.

"PATCH … complex properties: only those that are sent change" is how the OData
protocol has it (OData 4.01, 11.4.3).
"""

import re
from typing import Any

from entra_emulator.graph.write.validate import fill
from entra_emulator.model import schema
from entra_emulator.model.records import Record

_COMPLEX = re.compile(r"(Collection\()?microsoft\.graph\.(\w+)\)?")

# What new items have unless they say otherwise (the resource types of these names).
_DEFAULTS: dict[str, Record] = {
    "keyCredentialConfiguration": {"state": "enabled"},
    "passwordCredentialConfiguration": {"state": "enabled"},
    "identifierUriRestriction": {"state": "enabled"},
    "appRole": {"isEnabled": True, "origin": "Application"},
    "optionalClaim": {"essential": False},
    "permissionScope": {"isEnabled": True, "type": "User"},
}


def merge_values(kind: str, record: Record, values: Record) -> Record:
    """The properties that were sent, each as it is after the change."""
    declared = schema.declared(kind)
    return {
        name: _merge(declared.get(name, "Edm.String"), record.get(name), value)
        for name, value in values.items()
    }


def _merge(edm: str, old: Any, new: Any) -> Any:
    complex_type = _COMPLEX.fullmatch(edm)
    if not complex_type or new is None or not schema.knows(complex_type[2]):
        return new
    if complex_type[1]:
        # Items have no identity that OData knows: a collection that is sent takes the place of all.
        return [_merge_one(complex_type[2], {}, item) for item in new]
    return _merge_one(complex_type[2], old or {}, new)


def _merge_one(kind: str, old: Record, new: Record) -> Record:
    declared = schema.declared(kind)
    if not declared:
        # An open type declares no property, and takes any.
        return old | new
    merged = {name: _merge(declared[name], old.get(name), value) for name, value in new.items()}
    return fill(kind, _DEFAULTS.get(kind, {}) | old | merged)
