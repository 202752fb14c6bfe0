"""The description of the control API by OpenAPI 3.1, made of its routes and their types."""

import re
from collections.abc import Iterable
from typing import Any, TypeGuard

import msgspec

from entra_emulator.control.answers import RefusalShown
from entra_emulator.control.control import PREFIX, Control
from entra_emulator.control.snapshots import NAME
from entra_emulator.faults.orders import FaultOrder, describe_order

_REFERENCE = "#/components/schemas/{name}"

# What a request can be refused for besides: everywhere, and where it has a body.
_REFUSALS = {
    400: "The request makes no sense.",
    403: "It came from another machine, for another host name, or from another site's page.",
    404: "There is no such thing.",
    405: "There is no such method.",
    409: "It does not fit what there is.",
}
_BODY_REFUSALS = {
    413: "The body is too large.",
    415: "The body is not application/json.",
    507: "There is no room on the disk.",
}


def describe(controls: Iterable[Control]) -> dict[str, Any]:
    """The document for these routes."""
    rows = tuple(controls)
    types: dict[str, Any] = {RefusalShown.__name__: RefusalShown}
    for kind in (kind for row in rows for kind in (row.takes, row.returns)):
        if _is_struct(kind):
            types[kind.__name__] = kind
    ordered = [types[name] for name in sorted(types)]
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    # What goes with what in an order is said by tables, and not by types.
    schemas[FaultOrder.__name__] = describe_order()
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        described = _describe_operation(row, schemas)
        paths.setdefault(PREFIX + row.path, {})[row.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of the pretend tenant",
            "version": "1",
            "description": "For programs on the emulator's own machine, at its loopback address.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _is_struct(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _describe_operation(row: Control, schemas: dict[str, Any]) -> dict[str, Any]:
    has_body = row.takes is not None and row.method != "GET"
    refusals = _REFUSALS | (_BODY_REFUSALS if has_body else {})
    described: dict[str, Any] = {
        "operationId": row.answer.__name__,
        "summary": row.does,
        "responses": {
            "200": _describe_answer("It was done.", _refer(row.returns)),
            **{
                str(status): _describe_answer(text, _refer(RefusalShown))
                for status, text in refusals.items()
            },
        },
    }
    parameters = [_describe_name(name) for name in re.findall(r"{(\w+)}", row.path)]
    if row.takes is not None and not has_body:
        parameters += _describe_query(schemas.pop(row.takes.__name__))
    if parameters:
        described["parameters"] = parameters
    if has_body and row.takes is not None:
        described["requestBody"] = {
            # An empty body counts as {}.
            "required": any(field.required for field in msgspec.structs.fields(row.takes)),
            "content": {"application/json": {"schema": _refer(row.takes)}},
        }
    return described


def _refer(kind: Any) -> dict[str, Any]:
    if _is_struct(kind):
        return {"$ref": _REFERENCE.format(name=kind.__name__)}
    return msgspec.json.schema(kind)


def _describe_answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _describe_name(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{NAME}$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _describe_query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A parameter for each field; null cannot be said in a query, and is left out."""
    parameters = []
    for name, field in schema["properties"].items():
        kept = next((one for one in field.get("anyOf", ()) if one != {"type": "null"}), field)
        shown = {key: value for key, value in kept.items() if key != "default"}
        parameters.append({"name": name, "in": "query", "schema": shown})
    return parameters
