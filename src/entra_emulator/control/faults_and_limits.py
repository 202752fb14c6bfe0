"""The controls of planned faults and of throttling limits."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.control.guard import ControlRefusal, answer_json, read_body
from entra_emulator.faults.orders import FaultOrder
from entra_emulator.web.context import Context, context_of


class _ChangeLimits(msgspec.Struct, forbid_unknown_fields=True):
    """Settings of `Throttle` to change; those left out stay."""

    enabled: bool | None = None
    size: str | None = None
    scale: float | None = None


async def list_faults(request: Request) -> Response:
    """List which requests are to fail."""
    plans = context_of(request).faults.plans()
    return answer_json({"faults": [plan.describe() for plan in plans]})


async def add_fault(request: Request) -> Response:
    """Let requests fail: the next `count`, or all for `seconds`."""
    order = await read_body(request, FaultOrder)
    if order.count is None and order.seconds is None:
        # A plan without an end, left over from one test, would make all later ones fail.
        order = msgspec.structs.replace(order, count=1)
    try:
        context_of(request).faults.follow(order)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return await list_faults(request)


async def clear_faults(request: Request) -> Response:
    """Let nothing fail any more."""
    context_of(request).faults.clear()
    return await list_faults(request)


async def show_throttle(request: Request) -> Response:
    """Show how full every bucket is, and who was refused and came back too early."""
    return answer_json(_describe(context_of(request)))


async def change_throttle(request: Request) -> Response:
    """Switch throttling on or off, and change the `size` of tenants or the `scale` of limits."""
    order, context = await read_body(request, _ChangeLimits), context_of(request)
    try:
        context.throttle.change(enabled=order.enabled, size=order.size, scale=order.scale)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return answer_json(_describe(context))


async def clear_throttle(request: Request) -> Response:
    """Empty every bucket, and forget who did what."""
    context = context_of(request)
    context.throttle.clear()
    return answer_json(_describe(context))


def _describe(context: Context) -> dict[str, Any]:
    throttle = context.throttle
    return {
        "enabled": throttle.enabled,
        "size": throttle.size,
        "scale": throttle.scale,
        "buckets": [bucket._asdict() for bucket in throttle.buckets()],
        "counts": [count._asdict() for count in throttle.counts()],
    }
