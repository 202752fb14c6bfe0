"""Devices: `/devices`."""

from functools import partial

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import change_object, delete_object
from entra_emulator.graph.objects.create import answer_created, create_object, read_new
from entra_emulator.graph.objects.relations import Navigation, list_member_of
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.model.people_and_devices import draft_device

RULE = Rule(
    "device",
    fixed=split_names(
        "id deletedDateTime complianceExpirationDateTime deviceCategory deviceOwnership "
        "enrollmentProfileName enrollmentType isManagementRestricted isRooted managementType "
        "manufacturer mdmAppId model onPremisesLastSyncDateTime onPremisesSecurityIdentifier "
        "onPremisesSyncEnabled registrationDateTime trustType"
    ),
    once=split_names("alternativeSecurityIds deviceId"),
    required=(
        "accountEnabled",
        "alternativeSecurityIds",
        "deviceId",
        "displayName",
        "operatingSystem",
        "operatingSystemVersion",
    ),
    lengths={"displayName": 256},
    guids=split_names("deviceId"),
    filled=True,
)
_USERS = frozenset({"user"})


def create_device(call: Call) -> Response:
    """`POST /devices`: a device that joins the tenant."""
    body = read_new(call, RULE)
    device_id = body.values["deviceId"].lower()
    with call.directory.transaction():
        if call.directory.objects.find_each(call.tenant, "device", device_id):
            raise deny("object_taken", target="deviceId")
        values = body.values | {"deviceId": device_id}
        record = draft_device(call.directory.new_id(), values, created=format_iso(call.now))
        row = create_object(call, "device", record, body)
    return answer_created(call, row)


ROUTES = declare_collection(
    "device",
    "/devices",
    navigations=(
        Navigation("device", "registeredOwners", "registeredOwners", takes=_USERS),
        Navigation("device", "registeredUsers", "registeredUsers", takes=_USERS),
        *list_member_of("device"),
    ),
    create=create_device,
    change=partial(change_object, rule=RULE),
    # Devices cannot be restored ("Delete device").
    delete=partial(delete_object, kind="device", forever=lambda _: True),
)
