"""New objects: `POST /users`, `/groups`, `/devices`, `/administrativeUnits`, `/directoryRoles`."""

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import answer_created, find_caller
from entra_emulator.graph.objects.references import MOST_BOUND, bind_references
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.resources.groups import prepare_group
from entra_emulator.graph.resources.users import prepare_user
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.validate import Written, read_properties, require
from entra_emulator.model import schema
from entra_emulator.model.directory_roles import find_role_id
from entra_emulator.model.people_and_devices import draft_device
from entra_emulator.model.records import Record


def create_user(call: Call) -> Response:
    """`POST /users`: a new member of the tenant."""
    written = _read_new(call, "user")
    with call.directory.transaction():
        found = _create(call, "user", prepare_user(call, written.values), written)
    # Recorded: in this answer the ID stands first, in every other last.
    names = ("id", *(name for name in schema.default("user") if name != "id"))
    return answer_created(call, found, body=render_objects("user", names, [found.doc]))


def create_group(call: Call) -> Response:
    """`POST /groups`: a security group or a Microsoft 365 group."""
    written = _read_new(call, "group")
    if sum(map(len, written.binds.values())) > MOST_BOUND:
        count = sum(map(len, written.binds.values()))
        raise deny("references_many", name=next(iter(written.binds)), count=count)
    with call.directory.transaction():
        found = _create(call, "group", prepare_group(call, written.values), written)
        owner = find_caller(call)
        # "A nonadmin user who is creating a group is added as its owner" (known issues).
        if call.permit.owned and call.caller.delegated and owner is not None:
            call.directory.links.add(call.tenant, "owners", found, owner)
    return answer_created(call, found)


def create_device(call: Call) -> Response:
    """`POST /devices`: a device that joins the tenant."""
    written = _read_new(call, "device")
    device_id = written.values["deviceId"].lower()
    with call.directory.transaction():
        if call.directory.search.find_each(call.tenant, "device", device_id):
            raise deny("object_taken", target="deviceId")
        values = written.values | {"deviceId": device_id}
        moment = format_iso(call.now)
        record = draft_device(call.directory.new_id(), values, created=moment)
        found = _create(call, "device", record, written)
    return answer_created(call, found)


def create_unit(call: Call) -> Response:
    """`POST /directory/administrativeUnits`."""
    written = _read_new(call, "administrativeUnit")
    if written.values.get("membershipType") == "Dynamic" and not written.values.get(
        "membershipRule"
    ):
        raise deny("rule_missing")
    with call.directory.transaction():
        record = {"id": call.directory.new_id()} | written.values
        found = _create(call, "administrativeUnit", record, written)
    return answer_created(call, found)


def create_role(call: Call) -> Response:
    """`POST /directoryRoles`: a role comes to be in use in the tenant."""
    template = _read_new(call, "directoryRole").values["roleTemplateId"].lower()
    try:
        find_role_id(template)
    except LookupError as error:
        raise deny("object_missing", key=template) from error
    with call.directory.transaction():
        if call.directory.objects.find(call.tenant, template, kind="directoryRole") is not None:
            raise deny("object_taken", target="roleTemplateId")
        found = call.directory.role_members.activate(call.tenant, template)
    return answer_created(call, found)


def _read_new(call: Call, kind: str) -> Written:
    written = read_properties(kind, read_payload(call), creating=True)
    require(kind, written.values)
    return Written(merge_values(kind, {}, written.values), written.binds)


def _create(call: Call, kind: str, record: Record, written: Written) -> StoredObject:
    found = call.directory.objects.create(call.tenant, kind, record)
    bind_references(call, kind, found, written.binds)
    return found
