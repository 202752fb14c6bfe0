"""
Objects of whatever type: `/directoryObjects`.

Sources: "directoryObject: getByIds", "directoryObject: delta"; recorded answers (Azure CLI,
2022-2023).
"""

from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_value, describe_set, wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.endpoint import show_delta
from entra_emulator.graph.objects import memberships
from entra_emulator.graph.objects.find import find_known
from entra_emulator.graph.objects.show import show_any
from entra_emulator.graph.query.options import read_single
from entra_emulator.graph.render import render_neighbours
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.write.body import read_ids, read_parameters
from entra_emulator.model.kinds import KINDS

# "You can specify up to 1000 ids".
MOST_IDS = 1000


def get_by_ids(call: Call) -> Response:
    """
    `POST /directoryObjects/getByIds`: the objects with these IDs; unknown IDs are left out.

    The recorded answers are not in the order of the question; here they are in that of creation.
    """
    parameters = read_parameters(call, "ids", "types")
    ids = read_ids(parameters["ids"], "ids", MOST_IDS)
    kinds = _read_types(parameters["types"])
    select, _ = read_single("directoryObject", call.query_string)
    rows = (find_known(call, key, None) for key in dict.fromkeys(ids))
    listed = sorted((row for row in rows if row and row.kind in kinds), key=lambda row: row.seq)
    typed = not wants_no_metadata(call)
    items = render_neighbours(listed, select, call.readable, typed=typed)
    value = msgspec.Raw(b"[%b]" % b",".join(items))
    return answer_value(call, describe_set("directoryObjects", select), value)


def _read_types(value: Any) -> set[str]:
    """The types to look among; names that the emulator has no objects of find nothing."""
    if value is None or value == []:
        return set(KINDS)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise deny("parameter_missing", name="types", type="a collection of types")
    names = {name.lower().removeprefix("microsoft.").removeprefix("graph.") for name in value}
    if "directoryobject" in names:
        return set(KINDS)
    return {kind for kind in KINDS if kind.lower() in names}


_DELTA = partial(show_delta, collection="directoryObjects", kinds=tuple(KINDS))

SETS = {"directoryObjects": "directoryObject"}
ROUTES = (
    Endpoint("GET", "/directoryObjects/{key}", show_any),
    Endpoint("GET", "/directoryObjects/delta", _DELTA),
    Endpoint("POST", "/directoryObjects/getByIds", get_by_ids),
    *memberships.list_routes("/directoryObjects/{key}", None),
)
