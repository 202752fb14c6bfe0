"""Licences of users, and of groups for their members: `licenseDetails` and `assignLicense`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from starlette.responses import Response

from entra_emulator.directory.licences import Subscription
from entra_emulator.errors import deny
from entra_emulator.graph.answer import NOWHERE, answer_object, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import (
    find_object,
    find_target,
    locate_object,
    read_record,
)
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_parameters
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.products import draft_details
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid


def list_details(call: Call) -> Response:
    """`GET /users/{id}/licenseDetails`: the products a user has, with their service plans."""
    user = read_record(find_object(call, "user", call.keys.get("key", call.caller.object_id)))
    fragment = f"users('{user['id']}')/licenseDetails"
    return answer_records(call, "licenseDetails", fragment, _read_details(call, user))


def assign_license(call: Call) -> Response:
    """`POST /users/{id}/assignLicense`: give a user products, and take others away."""
    adding, removing = _read_change(call)
    with call.directory.transaction():
        user = find_target(call, "user")
        # Not every service may be offered in every country ("user: assignLicense").
        if adding and not read_record(user).get("usageLocation"):
            raise deny("location_missing")
        licences = call.directory.licences
        own = {entry["skuId"]: entry for entry in licences.read_own(user)}
        held = {entry["skuId"] for entry in licences.read(user)}
        _check_products(call, adding, removing)
        _check_held(own.keys(), held, removing)
        subscriptions = licences.read_subscriptions(call.tenant)
        for sku in adding:
            # Who has it already, and changes its plans, takes no further licence.
            if sku not in held and subscriptions[sku].left <= 0:
                raise deny("license_exhausted", sku=sku)
        licences.assign(call.tenant, user, _apply(own, adding, removing))
    return _answer_user(call)


def assign_group_license(call: Call) -> Response:
    """`POST /groups/{id}/assignLicense`: the same of a group, whose members have them by it."""
    adding, removing = _read_change(call)
    with call.directory.transaction():
        group = find_target(call, "group")
        # "any security group … Microsoft 365 groups that have securityEnabled=TRUE" (Group-based
        # licensing: features).
        if adding and not read_record(group).get("securityEnabled"):
            raise refuse_value("group", "securityEnabled")
        licences = call.directory.licences
        held = {entry["skuId"]: entry for entry in licences.read(group)}
        _check_products(call, adding, removing)
        _check_held(held.keys(), held.keys(), removing)
        licences.assign_group(call.tenant, group, _apply(held, adding, removing))
        # Read again, because the answer shows the group as it is afterwards.
        group = find_target(call, "group")
    body = render_objects("group", None, [group.doc])
    # "202 Accepted and updated target group object" ("group: assignLicense").
    location = locate_object(call, "group", read_record(group)["id"])
    return answer_object(call, "groups/$entity", body, status=202, location=location)


def process_licenses(call: Call) -> Response:
    """`POST /users/{id}/reprocessLicenseAssignment`: look again what a user's groups give it."""
    with call.directory.transaction():
        call.directory.licences.process(call.tenant, find_target(call, "user"))
    return _answer_user(call)


def _answer_user(call: Call) -> Response:
    # Read again, because the answer shows the user with the new licences.
    body = render_objects("user", None, [find_target(call, "user").doc])
    return answer_object(call, "users/$entity", body, location=NOWHERE)


def _read_details(call: Call, user: Record) -> list[Record]:
    subscriptions = call.directory.licences.read_subscriptions(call.tenant)
    return [
        draft_details(call.tenant.id, subscriptions[entry["skuId"]].sku, entry["disabledPlans"])
        for entry in user.get("assignedLicenses") or []
        if entry["skuId"] in subscriptions
    ]


def _read_change(call: Call) -> tuple[dict[str, Record], list[str]]:
    """The licences to add, by product, and the products to take away."""
    parameters = read_parameters(call, "addLicenses", "removeLicenses")
    missing = [name for name, value in parameters.items() if value is None]
    if missing:
        raise deny("parameters_missing", action="assignLicense", names=",".join(missing))
    adding = [_read_license(item) for item in _read_list(parameters["addLicenses"])]
    removing = [_read_guid(item) for item in _read_list(parameters["removeLicenses"])]
    added = {entry["skuId"]: entry for entry in adding}
    if len({*added, *removing}) < len(adding) + len(removing):
        raise deny("values_repeated")
    return added, removing


def _check_products(call: Call, adding: Mapping[str, Record], removing: Iterable[str]) -> None:
    subscriptions = call.directory.licences.read_subscriptions(call.tenant)
    for sku in (*adding, *removing):
        if sku not in subscriptions:
            raise deny("license_unknown", sku=sku)
    for sku, entry in adding.items():
        _check_plans(subscriptions[sku], entry["disabledPlans"])


def _check_held(own: Collection[str], held: Collection[str], removing: Iterable[str]) -> None:
    for sku in removing:
        if sku not in own:
            raise deny("license_inherited" if sku in held else "license_not_held")


def _apply(
    held: Mapping[str, Record], adding: Mapping[str, Record], removing: Collection[str]
) -> list[Record]:
    kept = {sku: entry for sku, entry in held.items() if sku not in removing}
    return [*(kept | dict(adding)).values()]


def _check_plans(subscription: Subscription, disabled: Iterable[str]) -> None:
    plans = {plan.id for plan in subscription.sku.plans}
    for plan in disabled:
        if plan not in plans:
            raise deny("plan_unknown", plan=plan, sku=subscription.sku.id)


def _read_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise deny("payload_shapeless", node="PrimitiveValue", expected="StartArray")
    return value


def _read_license(item: Any) -> Record:
    if not isinstance(item, dict):
        raise deny("payload_shapeless", node="PrimitiveValue", expected="StartObject")
    for name in item:
        if name not in {"disabledPlans", "skuId"} and "@" not in name:
            raise deny("member_unknown", name=name, kind="assignedLicense")
    plans = [_read_guid(plan) for plan in _read_list(item.get("disabledPlans") or [])]
    return {"disabledPlans": plans, "skuId": _read_guid(item.get("skuId"))}


def _read_guid(value: Any) -> str:
    if not isinstance(value, str) or not is_guid(value):
        raise deny("guid_wrong")
    return value.lower()


enter_records(RecordNavigation("user", "licenseDetails", "licenseDetails", _read_details))

ROUTES = (
    Endpoint("GET", "/users/{key}/licenseDetails", list_details),
    Endpoint("GET", "/me/licenseDetails", list_details),
    write_route("POST", "/users/{key}/assignLicense", assign_license),
    write_route("POST", "/users/{key}/reprocessLicenseAssignment", process_licenses),
    write_route("POST", "/groups/{key}/assignLicense", assign_group_license),
)
