"""
The control API below `/_emulator/`: time, faults, limits, audit log, seeding, snapshots, keys.

It is for the tests and tools of whoever started the emulator: only programs on
this machine may use it, and no web page may make a browser use it.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.content.life import parse_rate
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.control.answers import (
    ClockShown,
    ControlList,
    ControlRow,
    KeyList,
    LifeShown,
    TenantList,
)
from entra_emulator.control.audit_log import clear_audit, list_audit
from entra_emulator.control.bodies import (
    LATEST,
    ClockMove,
    ClockTime,
    LifeOrder,
    NoFields,
    Refilling,
)
from entra_emulator.control.control import PREFIX, Control, make_routes
from entra_emulator.control.control_settings import ControlSettings, settings_of
from entra_emulator.control.faults_and_limits import (
    add_fault,
    change_throttle,
    clear_faults,
    clear_throttle,
    list_faults,
    show_throttle,
)
from entra_emulator.control.guard import (
    ControlRefusal,
    answer_failure,
    answer_refusal,
    answer_unrouted,
    guard,
)
from entra_emulator.control.snapshots import (
    describe_tenants,
    list_snapshots,
    remove_snapshot,
    restore_snapshot,
    take_snapshot,
)
from entra_emulator.web.context import Context, context_of


async def list_controls(_: Request) -> ControlList:
    """List what there is."""
    rows = [ControlRow(one.method, PREFIX + one.path, one.does) for one in CONTROLS]
    return ControlList(rows)


async def describe_api(_: Request) -> dict[str, Any]:
    """Describe the control API by OpenAPI 3.1."""
    from entra_emulator.control.openapi import describe

    return describe(CONTROLS)


async def show_clock(request: Request) -> ClockShown:
    """Say what time it is, and whether the clock stands still."""
    clock = context_of(request).clock
    now = clock.now()
    return ClockShown(format_iso(now, 7), now, clock.frozen)


async def freeze_clock(request: Request, order: ClockTime) -> ClockShown:
    """Stop the clock, where it is or at `at`."""
    moment = _read_moment(order)
    context_of(request).clock.freeze(moment)
    return await show_clock(request)


async def set_clock(request: Request, order: ClockTime) -> ClockShown:
    """Set the clock to `at`, running or frozen as before; without `at`, to the machine's."""
    clock, moment = context_of(request).clock, _read_moment(order)
    if moment is None:
        clock.resume()
    else:
        # Moving the clock keeps it running if it ran, and frozen if it was frozen.
        clock.move(moment - clock.now())
    return await show_clock(request)


async def move_clock(request: Request, order: ClockMove) -> ClockShown:
    """Move the clock by `seconds`."""
    clock = context_of(request).clock
    moment = clock.now() + order.seconds
    if not 0 <= moment < LATEST:
        raise ControlRefusal(409, "conflict", f"{moment:.0f} is no time from 1970 to 2999")
    clock.move(order.seconds)
    return await show_clock(request)


async def reset(request: Request, order: Refilling) -> TenantList:
    """Fill the directory anew, as at the start or as the body says; forget faults and log."""
    settings = settings_of(request)
    sizes = settings.sizes
    if order.users is not None:
        sizes = choose_sizes(order.users)
    sizes = sizes._replace(
        groups=sizes.groups if order.groups is None else order.groups,
        devices=sizes.devices if order.devices is None else order.devices,
    )
    seed = settings.seed if order.seed is None else order.seed
    context = context_of(request)

    def refill() -> None:
        # All or nothing: a reset that fails leaves the directory as it was.
        with context.directory.transaction():
            context.directory.clear()
            if order == Refilling():
                settings.fill(context.directory)
            else:
                seed_directory(context.directory, **sizes._asdict(), seed=seed)

    # Seeding takes seconds, during which other requests must be answered.
    await run_in_threadpool(refill)
    context.faults.clear()
    context.throttle.clear()
    context.audit.clear()
    return describe_tenants(context)


async def show_life(request: Request) -> LifeShown:
    """Say how many changes happen by themselves in a second, and how many there were."""
    life = settings_of(request).life
    return LifeShown(life.rate, life.count)


async def start_life(request: Request, order: LifeOrder) -> LifeShown:
    """Let the directory change by itself at a `rate`, by the chances of `seed`."""
    life = settings_of(request).life
    try:
        rate = parse_rate(order.rate) if isinstance(order.rate, str) else order.rate
        # It waits for the end of an earlier life, which must not hold up other requests.
        await run_in_threadpool(life.start, rate, order.seed)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return await show_life(request)


async def stop_life(request: Request) -> LifeShown:
    """Let nothing change by itself any more."""
    await run_in_threadpool(settings_of(request).life.stop)
    return await show_life(request)


async def show_report(request: Request) -> dict[str, Any]:
    """Report on the programs that called: permissions, waits, pages; needs `--report`."""
    make = settings_of(request).report
    if make is None:
        message = "no calls are kept: start the emulator with --report"
        raise ControlRefusal(409, "conflict", message)
    # It waits for the calls that are still being read.
    report = await run_in_threadpool(make)
    return report.to_object()


async def forget_calls(request: Request) -> dict[str, Any]:
    """Forget what the report is made of, and begin anew."""
    await run_in_threadpool(settings_of(request).forget_calls)
    return await show_report(request)


async def rotate_keys(request: Request, _: NoFields) -> KeyList:
    """Sign tokens with a new key from now on; the older ones stay published."""
    keys = context_of(request).keys
    await run_in_threadpool(keys.rotate)
    return KeyList([key.kid for key in keys.keys])


CONTROLS = (
    Control("GET", "/", list_controls),
    Control("GET", "/openapi.json", describe_api),
    Control("GET", "/clock", show_clock),
    Control("POST", "/clock/freeze", freeze_clock),
    Control("POST", "/clock/set", set_clock),
    Control("POST", "/clock/move", move_clock),
    Control("GET", "/faults", list_faults),
    Control("POST", "/faults", add_fault),
    Control("DELETE", "/faults", clear_faults),
    Control("GET", "/throttle", show_throttle),
    Control("POST", "/throttle", change_throttle),
    Control("DELETE", "/throttle", clear_throttle),
    Control("GET", "/audit", list_audit),
    Control("DELETE", "/audit", clear_audit),
    Control("GET", "/report", show_report),
    Control("DELETE", "/report", forget_calls),
    Control("POST", "/reset", reset),
    Control("GET", "/life", show_life),
    Control("POST", "/life", start_life),
    Control("DELETE", "/life", stop_life),
    Control("GET", "/snapshots", list_snapshots),
    Control("POST", "/snapshots/{name}", take_snapshot),
    Control("POST", "/snapshots/{name}/restore", restore_snapshot),
    Control("DELETE", "/snapshots/{name}", remove_snapshot),
    Control("POST", "/keys/rotate", rotate_keys),
)


def create_control(context: Context, settings: ControlSettings) -> Starlette:
    """The control API of an emulator, to be mounted at PREFIX."""
    app = Starlette(
        routes=make_routes(CONTROLS),
        middleware=[Middleware(guard)],
        exception_handlers={
            ControlRefusal: answer_refusal,
            HTTPException: answer_unrouted,
            Exception: answer_failure,
        },
    )
    app.router.redirect_slashes = False
    app.state.context = context
    app.state.settings = settings
    return app


def _read_moment(order: ClockTime) -> float | None:
    if order.at is None:
        return None
    try:
        moment = parse_iso(order.at) if isinstance(order.at, str) else order.at
    except (ValueError, OverflowError) as error:
        raise ControlRefusal(400, "bad_request", f"{order.at!r} is no time") from error
    if not 0 <= moment < LATEST:
        raise ControlRefusal(400, "bad_request", "a time from 1970 to 2999")
    return moment
