"""The controls of planned faults and of throttling limits."""

import msgspec
from starlette.requests import Request

from entra_emulator.control.answers import (
    BucketShown,
    FaultPlans,
    PlanShown,
    ThrottleShown,
    UsageShown,
)
from entra_emulator.control.bodies import LimitChange
from entra_emulator.control.guard import ControlRefusal
from entra_emulator.faults.orders import FaultOrder
from entra_emulator.web.context import Context, context_of


async def list_faults(request: Request) -> FaultPlans:
    """List which requests are to fail."""
    plans = context_of(request).faults.plans()
    return FaultPlans([PlanShown(**plan.describe()) for plan in plans])


async def add_fault(request: Request, order: FaultOrder) -> FaultPlans:
    """Let requests fail: the next `count`, or all for `seconds`."""
    if order.count is None and order.seconds is None:
        # A plan without an end, left over from one test, would make all later ones fail.
        order = msgspec.structs.replace(order, count=1)
    try:
        context_of(request).faults.follow(order)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return await list_faults(request)


async def clear_faults(request: Request) -> FaultPlans:
    """Let nothing fail any more."""
    context_of(request).faults.clear()
    return await list_faults(request)


async def show_throttle(request: Request) -> ThrottleShown:
    """Show how full every bucket is, and who was refused and came back too early."""
    return _describe(context_of(request))


async def change_throttle(request: Request, order: LimitChange) -> ThrottleShown:
    """Switch throttling on or off, and change the `size` of tenants or the `scale` of limits."""
    context = context_of(request)
    try:
        context.throttle.change(enabled=order.enabled, size=order.size, scale=order.scale)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return _describe(context)


async def clear_throttle(request: Request) -> ThrottleShown:
    """Empty every bucket, and forget who did what."""
    context = context_of(request)
    context.throttle.clear()
    return _describe(context)


def _describe(context: Context) -> ThrottleShown:
    throttle = context.throttle
    return ThrottleShown(
        throttle.enabled,
        throttle.size,
        throttle.scale,
        [BucketShown(*bucket) for bucket in throttle.buckets()],
        [UsageShown(*count) for count in throttle.counts()],
    )
