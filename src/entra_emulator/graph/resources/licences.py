"""Licences of users: `licenseDetails` and `assignLicense`."""

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from entra_emulator.directory.licences import Subscription
from entra_emulator.errors import deny
from entra_emulator.graph.answer import NOWHERE, answer_object, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_object, find_target, read_record
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_parameters
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
    parameters = read_parameters(call, "addLicenses", "removeLicenses")
    missing = [name for name, value in parameters.items() if value is None]
    if missing:
        raise deny("parameters_missing", action="assignLicense", names=",".join(missing))
    adding = [_read_license(item) for item in _read_list(parameters["addLicenses"])]
    removing = [_read_guid(item) for item in _read_list(parameters["removeLicenses"])]
    with call.directory.transaction():
        user = find_target(call, "user")
        # Not every service may be offered in every country ("user: assignLicense").
        if adding and not read_record(user).get("usageLocation"):
            raise deny("location_missing")
        subscriptions = call.directory.licences.read_subscriptions(call.tenant)
        held = {entry["skuId"]: entry for entry in call.directory.licences.read(user)}
        _check(subscriptions, held, [entry["skuId"] for entry in adding], removing)
        for entry in adding:
            _check_plans(subscriptions[entry["skuId"]], entry["disabledPlans"])
        after = {sku: entry for sku, entry in held.items() if sku not in removing}
        after |= {entry["skuId"]: entry for entry in adding}
        call.directory.licences.assign(call.tenant, user, after.values())
        # Read again, because the answer shows the user with the new licences.
        user = find_target(call, "user")
    body = render_objects("user", None, [user.doc])
    return answer_object(call, "users/$entity", body, location=NOWHERE)


def _read_details(call: Call, user: Record) -> list[Record]:
    subscriptions = call.directory.licences.read_subscriptions(call.tenant)
    return [
        draft_details(call.tenant.id, subscriptions[entry["skuId"]].sku, entry["disabledPlans"])
        for entry in user.get("assignedLicenses") or []
        if entry["skuId"] in subscriptions
    ]


def _check(
    subscriptions: dict[str, Subscription],
    held: dict[str, Record],
    adding: list[str],
    removing: list[str],
) -> None:
    if len({*adding, *removing}) < len(adding) + len(removing):
        raise deny("values_repeated")
    for sku in (*adding, *removing):
        if sku not in subscriptions:
            raise deny("license_unknown", sku=sku)
    for sku in removing:
        if sku not in held:
            raise deny("license_not_held")
    for sku in adding:
        # Who has it already, and changes its plans, takes no further licence.
        if sku not in held and subscriptions[sku].left <= 0:
            raise deny("license_exhausted", sku=sku)


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
)
