"""Administrative units: `/directory/administrativeUnits`, and where they stood before."""

from functools import partial

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import change_object, delete_object
from entra_emulator.graph.objects.create import answer_created, create_object, read_new
from entra_emulator.graph.objects.relations import Navigation
from entra_emulator.graph.write.membership_rules import check_membership_rule
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
    values = _fill_rule(call, body.values)
    with call.directory.transaction():
        record = {"id": call.directory.new_id()} | values
        row = create_object(call, "administrativeUnit", record, body)
    return answer_created(call, row)


def _alter_unit(call: Call, record: Record, values: Record) -> Record:
    """What changes when a unit is to have these properties; `GraphRefusal` 400, 403."""
    rule = {"membershipRule", "membershipRuleProcessingState", "membershipType"}
    if rule.isdisjoint(values):
        return values
    filled = _fill_rule(call, record | values)
    return values | {name: filled[name] for name in rule if name in filled}


def _fill_rule(call: Call, record: Record) -> Record:
    """The unit with the state of its rule, which is checked."""
    if not _is_dynamic(record):
        return record
    if not record.get("membershipRule"):
        raise deny("rule_missing")
    check_membership_rule(call, "administrativeUnit", record)
    # By analogy with groups.
    state = record.get("membershipRuleProcessingState") or "On"
    return record | {"membershipRuleProcessingState": state}


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
    change=partial(change_object, rule=RULE, alter=_alter_unit),
    delete=partial(delete_object, kind="administrativeUnit"),
)
