"""The JSON of a request that writes: an object, an action's parameters, or a reference."""

from typing import Any

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid


def read_payload(call: Call) -> Record:
    """The object that was sent; `GraphRefusal` 400 when there is none."""
    if call.body is None:
        raise deny("payload_empty")
    return _check_object(call.body)


def read_parameters(call: Call, *names: str) -> Record:
    """
    An action's parameters by their declared names; those that were not sent are null.

    Raises:
        GraphRefusal: 400, no object, or a parameter that the action does not have.
    """
    parameters: Record = dict.fromkeys(names)
    declared = {name.casefold(): name for name in names}
    # An action with optional parameters alone may be called without a body.
    for written, value in _check_object({} if call.body is None else call.body).items():
        # OData allows annotations such as `@odata.type` anywhere.
        if "@" in written:
            continue
        if written.casefold() not in declared:
            raise deny("parameter_unknown", name=written, action=call.path.rpartition("/")[2])
        parameters[declared[written.casefold()]] = value
    return parameters


def read_text(value: Any, name: str) -> str:
    """A parameter that is a text and not empty; else `GraphRefusal` 400."""
    if not isinstance(value, str) or not value:
        raise deny("parameter_missing", name=name, type="a text")
    return value


def read_ids(value: Any, name: str, most: int) -> list[str]:
    """A parameter that lists up to `most` object IDs, in small letters; else `GraphRefusal` 400."""
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise deny("parameter_missing", name=name, type="a collection of IDs")
    if len(value) > most:
        raise deny("ids_many", name=name, count=len(value), most=most)
    for key in value:
        if not is_guid(key):
            raise deny("id_malformed", key=key)
    return [key.lower() for key in value]


def _check_object(body: Any) -> Record:
    if not isinstance(body, dict):
        # The OData library calls JSON values by these names in its messages.
        node = "StartArray" if isinstance(body, list) else "PrimitiveValue"
        raise deny("payload_shapeless", node=node, expected="StartObject")
    return body
