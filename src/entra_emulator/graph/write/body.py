"""The JSON of a request that writes: an object, an action's parameters, or a reference."""

from typing import Any

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.model.records import Record


def read_payload(call: Call) -> Record:
    """
    The object that was sent.

    Raises:
        GraphFault: 400, nothing was sent, or no object.
    """
    if call.body is None:
        raise deny("payload_empty")
    return _check_object(call.body)


def read_parameters(call: Call, *names: str) -> Record:
    """
    An action's parameters by their declared names; those that were not sent are null.

    Raises:
        GraphFault: 400, no object, or a parameter that the action has not.
    """
    found: Record = dict.fromkeys(names)
    known = {name.casefold(): name for name in names}
    for written, value in _check_object({} if call.body is None else call.body).items():
        if "@" in written:
            continue
        if written.casefold() not in known:
            raise deny("parameter_unknown", name=written, action=call.path.rpartition("/")[2])
        found[known[written.casefold()]] = value
    return found


def read_text(value: Any, name: str) -> str:
    """
    A parameter that is a text.

    Raises:
        GraphFault: 400, it is missing or something else.
    """
    if not isinstance(value, str) or not value:
        raise deny("parameter_missing", name=name, wanted="a text")
    return value


def _check_object(body: Any) -> Record:
    if not isinstance(body, dict):
        found = "StartArray" if isinstance(body, list) else "PrimitiveValue"
        raise deny("payload_shapeless", found=found, wanted="StartObject")
    return body
