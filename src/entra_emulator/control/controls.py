"""
The control API below `/_emulator/`: time, faults, limits, audit log, seeding, snapshots, keys.

It is for the tests and tools of whoever started the emulator: only programs on
this machine may use it, and no web page may make a browser use it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.content.data_folder import explaining_store
from entra_emulator.content.life import Life, parse_rate
from entra_emulator.content.seed import Sizes, choose_sizes, seed_directory
from entra_emulator.control.audit_log import clear_audit, list_audit
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
    answer_json,
    answer_refusal,
    answer_unrouted,
    guard,
    read_body,
)
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.store import check_database
from entra_emulator.private_files import make_draft
from entra_emulator.traffic.report.report import Report
from entra_emulator.web.context import Context, context_of

PREFIX = "/_emulator"
# A mistyped number must not fill the disk.
MOST_OBJECTS = 1_000_000

# Names of snapshots become names of files: none may lead out of the folder, or be hidden in it.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class ControlSettings(NamedTuple):
    """
    Where snapshots are kept, and what else belongs to the emulator as a whole.

    Args:
        snapshots: the folder.
        sizes, seed: what a reset draws where its body does not say.
        life: of the directory.
        fill: fills the empty directory as the emulator's start does, which a reset without a body
            does again.
        report: makes the report on the programs that called; None if their calls are not kept.
        forget_calls: forgets those that were kept.
    """

    snapshots: Path
    sizes: Sizes
    seed: int
    life: Life
    fill: Callable[[Directory], None]
    report: Callable[[], Report] | None = None
    forget_calls: Callable[[], None] = lambda: None


# Every body refuses unknown fields: a misspelt one would have no effect, and nobody would notice.
class _NoFields(msgspec.Struct, forbid_unknown_fields=True):
    """A body without any field."""


class _SetClock(msgspec.Struct, forbid_unknown_fields=True):
    """The time to set: ISO 8601, or seconds since 1970."""

    at: float | str | None = None


class _MoveClock(msgspec.Struct, forbid_unknown_fields=True):
    """How far to move the clock; negative moves it back."""

    seconds: float


class _Reset(msgspec.Struct, forbid_unknown_fields=True):
    """What to fill the directory with; by default what the emulator was started with."""

    users: int | None = None
    groups: int | None = None
    devices: int | None = None
    seed: int | None = None


class _StartLife(msgspec.Struct, forbid_unknown_fields=True):
    """Changes per second, or a rate such as `300/m`, and the seed that chooses them."""

    rate: float | str
    seed: int = 0


class Control(NamedTuple):
    """One route of the control API; the first line of its function's docstring describes it."""

    method: str
    path: str
    answer: Callable[..., object]


async def list_controls(_: Request) -> Response:
    """List what there is."""
    rows = [
        {
            "method": control.method,
            "path": PREFIX + control.path,
            "does": (control.answer.__doc__ or "").strip().partition("\n")[0],
        }
        for control in CONTROLS
    ]
    return answer_json({"controls": rows})


async def show_clock(request: Request) -> Response:
    """Say what time it is, and whether the clock stands still."""
    clock = context_of(request).clock
    now = clock.now()
    content = {"now": format_iso(now, 7), "seconds": now, "frozen": clock.frozen}
    return answer_json(content)


async def freeze_clock(request: Request) -> Response:
    """Stop the clock, where it is or at `at`."""
    moment = _read_moment(await read_body(request, _SetClock))
    context_of(request).clock.freeze(moment)
    return await show_clock(request)


async def set_clock(request: Request) -> Response:
    """Set the clock to `at`, running or frozen as before; without `at`, to the machine's."""
    clock, moment = context_of(request).clock, _read_moment(await read_body(request, _SetClock))
    if moment is None:
        clock.resume()
    else:
        # Moving the clock keeps it running if it ran, and frozen if it was frozen.
        clock.move(moment - clock.now())
    return await show_clock(request)


async def move_clock(request: Request) -> Response:
    """Move the clock by `seconds`."""
    clock, seconds = context_of(request).clock, (await read_body(request, _MoveClock)).seconds
    _check_moment(clock.now() + seconds)
    clock.move(seconds)
    return await show_clock(request)


async def reset(request: Request) -> Response:
    """Fill the directory anew, as at the start or as the body says; forget faults and log."""
    order, settings = await read_body(request, _Reset), _settings_of(request)
    sizes = settings.sizes
    if order.users is not None:
        sizes = choose_sizes(order.users)
    sizes = sizes._replace(
        groups=sizes.groups if order.groups is None else order.groups,
        devices=sizes.devices if order.devices is None else order.devices,
    )
    seed = settings.seed if order.seed is None else order.seed
    if not all(0 <= number <= MOST_OBJECTS for number in sizes):
        raise ControlRefusal(400, "bad_request", f"from 0 to {MOST_OBJECTS} objects of a type")
    context = context_of(request)

    def refill() -> None:
        # All or nothing: a reset that fails leaves the directory as it was.
        with context.directory.transaction():
            context.directory.clear()
            if order == _Reset():
                settings.fill(context.directory)
            else:
                seed_directory(context.directory, **sizes._asdict(), seed=seed)

    # Seeding takes seconds, during which other requests must be answered.
    await run_in_threadpool(refill)
    context.faults.clear()
    context.throttle.clear()
    context.audit.clear()
    return answer_json(_describe_tenants(context))


async def show_life(request: Request) -> Response:
    """Say how many changes happen by themselves in a second, and how many there were."""
    life = _settings_of(request).life
    return answer_json({"rate": life.rate, "count": life.count})


async def start_life(request: Request) -> Response:
    """Let the directory change by itself at a `rate`, by the chances of `seed`."""
    order, life = await read_body(request, _StartLife), _settings_of(request).life
    try:
        rate = parse_rate(order.rate) if isinstance(order.rate, str) else order.rate
        # It waits for the end of an earlier life, which must not hold up other requests.
        await run_in_threadpool(life.start, rate, order.seed)
    except ValueError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error
    return await show_life(request)


async def stop_life(request: Request) -> Response:
    """Let nothing change by itself any more."""
    await run_in_threadpool(_settings_of(request).life.stop)
    return await show_life(request)


async def show_report(request: Request) -> Response:
    """Report on the programs that called: permissions, waits, pages; needs `--report`."""
    make = _settings_of(request).report
    if make is None:
        message = "no calls are kept: start the emulator with --report"
        raise ControlRefusal(409, "conflict", message)
    # It waits for the calls that are still being read.
    report = await run_in_threadpool(make)
    return answer_json(report.to_object())


async def forget_calls(request: Request) -> Response:
    """Forget what the report is made of, and begin anew."""
    await run_in_threadpool(_settings_of(request).forget_calls)
    return await show_report(request)


async def list_snapshots(request: Request) -> Response:
    """List the snapshots taken."""
    folder = _settings_of(request).snapshots
    names = sorted(path.stem for path in folder.glob("*.sqlite")) if folder.is_dir() else []
    return answer_json({"snapshots": names})


async def take_snapshot(request: Request) -> Response:
    """Keep the whole directory under a name; one of that name is replaced."""
    await read_body(request, _NoFields)
    path = _find_snapshot(request)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        _check_snapshot(path)
    try:
        # Under another name first: a copy that breaks off must not replace a whole snapshot.
        with explaining_store(path), make_draft(path.parent) as draft:
            await run_in_threadpool(context_of(request).directory.backup, draft)
            draft.replace(path)
    except OSError as error:
        message = f"the snapshot could not be written: {error.strerror}"
        raise ControlRefusal(507, "no_room", message) from error
    return await list_snapshots(request)


async def restore_snapshot(request: Request) -> Response:
    """Bring the directory back to what it was; clock, faults and keys stay."""
    await read_body(request, _NoFields)
    context, path = context_of(request), _find_snapshot(request)
    if not path.exists():
        raise ControlRefusal(404, "not_found", f"no snapshot is named {path.stem!r}")
    _check_snapshot(path)
    await run_in_threadpool(context.directory.restore, path)
    return answer_json(_describe_tenants(context))


async def remove_snapshot(request: Request) -> Response:
    """Forget a snapshot."""
    path = _find_snapshot(request)
    if path.exists():
        _check_snapshot(path)
        path.unlink()
    return await list_snapshots(request)


async def rotate_keys(request: Request) -> Response:
    """Sign tokens with a new key from now on; the older ones stay published."""
    await read_body(request, _NoFields)
    keys = context_of(request).keys
    await run_in_threadpool(keys.rotate)
    return answer_json({"keys": [key.kid for key in keys.keys]})


CONTROLS = (
    Control("GET", "/", list_controls),
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
        routes=[Route(c.path, c.answer, methods=[c.method]) for c in CONTROLS],
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


def _read_moment(order: _SetClock) -> float | None:
    if order.at is None:
        return None
    try:
        moment = parse_iso(order.at) if isinstance(order.at, str) else order.at
    except (ValueError, OverflowError) as error:
        raise ControlRefusal(400, "bad_request", f"{order.at!r} is no time") from error
    _check_moment(moment)
    return moment


def _check_moment(moment: float) -> None:
    """Refuse a time that has no printable date, or so late that no token could expire after it."""
    if not 0 <= moment < 32_503_680_000:  # the year 3000
        raise ControlRefusal(400, "bad_request", "a time from 1970 to 2999")


def _find_snapshot(request: Request) -> Path:
    name = request.path_params["name"]
    if not _NAME.fullmatch(name):
        message = "a snapshot's name is 1 to 64 letters, digits, - and _"
        raise ControlRefusal(400, "bad_request", message)
    return _settings_of(request).snapshots / f"{name}.sqlite"


def _check_snapshot(path: Path) -> None:
    """
    Make sure that a file is a snapshot.

    Raises:
        ControlRefusal: 409: another program has written it, or another version.
    """
    try:
        check_database(path)
    except ValueError as error:
        raise ControlRefusal(409, "conflict", f"{path.stem!r} is no snapshot: {error}") from error


def _settings_of(request: Request) -> ControlSettings:
    settings: ControlSettings = request.app.state.settings
    return settings


def _describe_tenants(context: Context) -> dict[str, Any]:
    directory = context.directory
    rows = [
        {
            "id": tenant.id,
            "displayName": tenant.display_name,
            "domains": tenant.domains,
            "users": directory.collections.count(tenant, "user"),
        }
        for tenant in directory.tenants.list_all()
    ]
    return {"tenants": rows}
