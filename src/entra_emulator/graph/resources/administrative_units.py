"""Administrative units: `/directory/administrativeUnits`, and where they stood before."""

from functools import partial

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import change_object, delete_object
from entra_emulator.graph.objects.create import answer_created, create_object, read_new
from entra_emulator.graph.objects.relations import Navigation
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.model.records import Record

RULE = Rule(
    "administrativeUnit",
    fixed=split_names("id deletedDateTime"),
    once=split_names("isMemberManagementRestricted visibility"),
    required=("displayName",),
    lengths={"description": 1024, "displayName": 256},
    choices={
        "membershipRuleProcessingState": split_names("On Paused"),
        "membershipType": split_names("Assigned Dynamic"),
        "visibility": split_names("HiddenMembership Public"),
    },
    filled=True,
)


def create_unit(call: Call) -> Response:
    """`POST /directory/administrativeUnits`."""
    body = read_new(call, RULE)
    if _is_dynamic(body.values) and not body.values.get("membershipRule"):
        raise deny("rule_missing")
    with call.directory.transaction():
        record = {"id": call.directory.new_id()} | body.values
        row = create_object(call, "administrativeUnit", record, body)
    return answer_created(call, row)


def _is_dynamic(record: Record) -> bool:
    return record.get("membershipType") == "Dynamic"


_MEMBERS = Navigation(
    "administrativeUnit",
    "members",
    "members",
    takes=frozenset({"device", "group", "user"}),
    follows_rule=_is_dynamic,
)

ROUTES = declare_collection(
    "administrativeUnit",
    "/directory/administrativeUnits",
    "/administrativeUnits",
    navigations=(_MEMBERS,),
    create=create_unit,
    change=partial(change_object, rule=RULE),
    delete=partial(delete_object, kind="administrativeUnit"),
)
