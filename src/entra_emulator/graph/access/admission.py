"""Charges a request to its caller's limits, and refuses it when a limit is reached."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request

from entra_emulator.errors import deny
from entra_emulator.faults.throttle import WARNING, Charge
from entra_emulator.graph.access.cost import cost_of
from entra_emulator.graph.access.permission_table import FREE, writes
from entra_emulator.web.caller import Caller
from entra_emulator.web.context import context_of
from entra_emulator.web.request_notes import notes_of

# What `innerError` holds beside date and request ID ("Throttling guidance").
THROTTLED = {"code": "429", "message": "Please retry after", "status": "429"}


class Admission(NamedTuple):
    """A request's cost in resource units, and its answer's headers about the limits."""

    units: int
    headers: Mapping[str, str]


def admit(request: Request, caller: Caller, method: str, template: str) -> Admission:
    """
    Charge a request to its caller.

    Requests whose `x-ms-throttle-priority` is `low` are refused first. The header is documented;
    the part of a limit from which on they are refused is chosen.

    Raises:
        GraphRefusal: 429, the limit is reached.
    """
    if template in FREE:
        return Admission(1, {})
    options = {name.lower(): value for name, value in request.query_params.items()}
    units = cost_of(method, template, options)
    context = context_of(request)
    throttle = context.throttle
    if not throttle.enabled:
        return Admission(units, {})
    tenant = caller.tenant
    charge = throttle.charge(
        tenant.id,
        caller.app_id,
        units,
        write=writes(method, template),
        size=throttle.measure(
            tenant.id, lambda: context.directory.collections.count(tenant, "user")
        ),
        low=request.headers.get("x-ms-throttle-priority", "").lower() == "low",
        # The requests of a batch are sent before any of them is answered.
        peer=object() if notes_of(request.scope).batched else request.client,
    )
    headers = _describe(charge)
    if not charge.ok:
        raise deny("throttled", headers=headers, inner=THROTTLED)
    return Admission(units, headers)


def _describe(charge: Charge) -> dict[str, str]:
    headers = {}
    if not charge.ok:
        headers = {
            "Retry-After": str(charge.retry_after),
            "x-ms-throttle-scope": charge.scope,
            "x-ms-throttle-information": charge.information,
        }
    if charge.load >= WARNING:
        headers["x-ms-throttle-limit-percentage"] = f"{charge.load:.1f}"
    return headers
