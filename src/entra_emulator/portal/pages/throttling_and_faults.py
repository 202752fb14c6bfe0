"""Throttling and faults: the limits and how much of them is used, and what is to go wrong."""

import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from entra_emulator.faults.fault import Fault
from entra_emulator.faults.orders import FaultOrder
from entra_emulator.faults.schedule import FaultPlan
from entra_emulator.faults.throttle import SIZES, Bucket
from entra_emulator.portal.application import name_application
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 60, "faults", "faults.title", ("trouble",), "menu.watch"),)

# The faults to choose from, by name; the control API and fault files can order others.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "graph_429": {"kind": "status", "status": 429, "retry_after": 5},
    "graph_500": {"kind": "status", "status": 500},
    "graph_503": {"kind": "status", "status": 503},
    "graph_504": {"kind": "status", "status": 504},
    "graph_504_after": {"kind": "status", "status": 504, "after": True},
    "token_429": {"kind": "outage", "code": 90055},
    "token_503": {"kind": "outage", "code": 90033},
    "token_page": {"kind": "outage", "code": 90033, "html": True},
    "latency": {"kind": "latency", "delay": 2.0},
    "drip": {"kind": "drip"},
    "reset": {"kind": "reset"},
    "reset_during": {"kind": "reset", "when": "during"},
    "truncated": {"kind": "truncated"},
    "malformed": {"kind": "malformed"},
    "stale": {"kind": "stale"},
    "empty_page": {"kind": "empty_page"},
    "short_page": {"kind": "short_page"},
    "page_token": {"kind": "page_token"},
    "delta_repeat": {"kind": "delta_repeat"},
    "delta_drop": {"kind": "delta_drop"},
    "delta_shuffle": {"kind": "delta_shuffle"},
    "delta_reset": {"kind": "delta_reset"},
}

# How long a fault lasts: so many requests, so many seconds, or until it is cleared.
EXTENTS = ("count", "seconds", "ever")

LONGEST_ROUTE = 200


@page("GET", f"{TENANT}/trouble")
def show_faults(request: PageRequest) -> Response:
    """Show the limits, how much of them is used, and the planned faults."""
    return _show(request, {}, {})


@page("POST", f"{TENANT}/trouble")
def change_faults(request: PageRequest) -> Response:
    """Change throttling, or plan or clear faults, as the pressed button says."""
    act = request.form.get("act")
    if act == "throttle":
        return _change_throttle(request)
    if act == "fault":
        return _add_fault(request)
    if act == "clear":
        request.context.faults.clear()
        request.notify("faults.cleared")
    elif act == "empty":
        request.context.throttle.clear()
        request.notify("faults.emptied")
    else:
        raise PortalRefusal(400, "malformed")
    return go_to(request.at("trouble"))


def _show(request: PageRequest, typed: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    throttle = request.context.throttle
    counts = throttle.counts()
    return render(
        request,
        "throttling_and_faults.html",
        throttle=throttle,
        sizes=tuple(SIZES),
        buckets=[_describe_bucket(request, one) for one in throttle.buckets()],
        counts=counts,
        names={one.app_id: name_application(request, one.app_id) for one in counts},
        plans=[_describe_plan(one) for one in request.context.faults.plans()],
        presets=tuple(PRESETS),
        extents=EXTENTS,
        typed=_defaults(request) | dict(typed),
        errors=errors,
    )


def _defaults(request: PageRequest) -> dict[str, str]:
    throttle = request.context.throttle
    return {
        "size": throttle.size or "",
        "scale": f"{throttle.scale:g}",
        "fault": "graph_429",
        "extent": "count",
        "number": "1",
        "route": "",
        "chance": "100",
    }


def _change_throttle(request: PageRequest) -> Response:
    typed = {name: request.form.get(name) for name in ("size", "scale")}
    scale = _read_number(typed["scale"])
    if scale is None or scale <= 0:
        return _show(request, typed, {"scale": request.say("faults.positive")})
    if typed["size"] not in {"", *SIZES}:
        return _show(request, {"scale": typed["scale"]}, {"size": request.say("faults.which_size")})
    enabled = request.form.get("enabled") == "yes"
    request.context.throttle.change(enabled=enabled, size=typed["size"], scale=scale)
    request.notify("faults.changed")
    return go_to(request.at("trouble"))


def _add_fault(request: PageRequest) -> Response:
    names = ("fault", "extent", "number", "route", "chance")
    typed = {name: request.form.get(name) for name in names}
    errors, order = _read_order(request, typed)
    if order is None:
        # A field that was left empty shows its default again.
        sound = {name: text for name, text in typed.items() if name not in errors or text}
        return _show(request, sound, errors)
    request.context.faults.follow(order)
    request.notify("faults.added")
    return go_to(request.at("trouble"))


def _read_order(
    request: PageRequest, typed: Mapping[str, str]
) -> tuple[dict[str, str], FaultOrder | None]:
    """What is wrong with which field, and the order if nothing is."""
    errors: dict[str, str] = {}
    number, chance = _read_number(typed["number"]), _read_number(typed["chance"])
    counted = typed["extent"] == "count"
    if typed["fault"] not in PRESETS:
        errors["fault"] = request.say("faults.which_fault")
    if typed["extent"] not in EXTENTS:
        errors["extent"] = request.say("faults.which_extent")
    elif typed["extent"] != "ever" and (number is None or number <= 0):
        errors["number"] = request.say("faults.positive")
    elif counted and number is not None and not number.is_integer():
        errors["number"] = request.say("faults.whole")
    if chance is None or not 0 < chance <= 100:
        errors["chance"] = request.say("faults.percent")
    if len(typed["route"]) > LONGEST_ROUTE:
        errors["route"] = request.say("faults.route_long", most=LONGEST_ROUTE)
    if errors or chance is None:
        return errors, None
    extent: dict[str, Any] = {}
    if typed["extent"] != "ever" and number is not None:
        extent = {"count": int(number)} if counted else {"seconds": number}
    route = typed["route"].strip() or None
    return {}, FaultOrder(route=route, chance=chance / 100, **extent, **PRESETS[typed["fault"]])


def _describe_bucket(request: PageRequest, bucket: Bucket) -> dict[str, Any]:
    """
    A line of the table of limits.

    Graph names a bucket `{scope}/{action}/{application}/{tenant}`, as far as it is one's own.
    """
    scope, action, *owners = bucket.scope.split("/")
    return {
        "limit": f"{scope}/{action}",
        "app": name_application(request, owners[0]) if "Application" in scope and owners else "",
        "used": math.ceil(bucket.used),
        "most": math.floor(bucket.limit),
        "share": min(100, math.ceil(100 * bucket.used / bucket.limit)),
    }


def _describe_plan(plan: FaultPlan) -> dict[str, Any]:
    """A line of the table of faults: by the name of its preset, or in the words of fault files."""
    settings = plan.fault.describe()
    for name, preset in PRESETS.items():
        if Fault(**preset).describe() == settings:
            return {"plan": plan, "preset": name, "settings": ""}
    parts = (f"{name}={value}" for name, value in settings.items() if name != "kind")
    return {"plan": plan, "preset": "", "settings": " ".join((plan.fault.kind, *parts))}


def _read_number(text: str) -> float | None:
    """A number as people write it, with a point or a comma."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) and number < 1e9 else None
