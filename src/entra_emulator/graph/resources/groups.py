"""Groups: `/groups`."""

from functools import partial

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import change_object, check_synced, delete_object
from entra_emulator.graph.objects.create import (
    answer_created,
    check_unique_name,
    create_object,
    drop_caller,
    make_caller_owner,
    read_new,
    refuse_taken,
)
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.objects.references import MOST_BOUND
from entra_emulator.graph.objects.relations import Navigation, list_member_of
from entra_emulator.graph.write.membership_rules import check_membership_rule
from entra_emulator.graph.write.rules import EVERYWHERE, NICKNAME, SYNCED, Rule, split_names
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.people_and_devices import draft_group
from entra_emulator.model.records import Record

_DYNAMIC, _UNIFIED = "DynamicMembership", "Unified"

RULE = Rule(
    "group",
    fixed=split_names(
        f"{EVERYWHERE} {SYNCED} assignedLicenses expirationDateTime hasMembersWithLicenseErrors "
        "isArchived isManagementRestricted licenseProcessingState mail onPremisesNetBiosName "
        "organizationId proxyAddresses renewedDateTime securityIdentifier"
    ),
    once=split_names(
        "creationOptions isAssignableToRole resourceBehaviorOptions resourceProvisioningOptions "
        "uniqueName"
    ),
    elsewhere=split_names(
        "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists "
        "hideFromOutlookClients infoCatalogs isFavorite isSubscribedByMail "
        "unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled"
    ),
    required=("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
    lengths={"description": 1024, "displayName": 256, "mailNickname": 64, "membershipRule": 3072},
    choices={
        "groupTypes": split_names("DynamicMembership Unified"),
        "membershipRuleProcessingState": split_names("On Paused"),
        "theme": split_names("Teal Purple Green Blue Pink Orange Red"),
        "visibility": split_names("HiddenMembership Private Public"),
    },
    filled=True,
)


def create_group(call: Call) -> Response:
    """`POST /groups`: a security group or a Microsoft 365 group."""
    body = read_new(call, RULE)
    count = sum(map(len, body.binds.values()))
    if count > MOST_BOUND:
        raise deny("references_many", name=next(iter(body.binds)), count=count)
    # "A nonadmin user who is creating a group is added as its owner" (known issues); one that names
    # itself besides is refused, and tries again (terraform-provider-azuread, `group_resource.go`).
    owned = call.permit.owned and call.caller.delegated
    if owned and drop_caller(call, body.binds) != body.binds:
        raise deny("values_repeated")
    with call.directory.transaction():
        row = create_object(call, "group", _draft_group(call, body.values), body)
        if owned:
            make_caller_owner(call, row)
    return answer_created(call, row)


def delete_group(call: Call) -> Response:
    """`DELETE /groups/{id}`: refused while it has licences, which its members would lose."""
    with call.directory.transaction():
        if call.directory.licences.read(find_target(call, "group")):
            raise deny("group_licensed")
        return delete_object(call, kind="group", forever=_is_gone_at_once)


def _draft_group(call: Call, values: Record) -> Record:
    """A new group with these properties; `GraphRefusal` 400 for a bad value, 403 for its rule."""
    _check_group(values)
    if values.get("membershipRule"):
        check_membership_rule(call, "group", values)
    check_unique_name(call, "group", values.get("uniqueName"))
    _check_nickname(call, values, None)
    return draft_group(
        call.directory.new_id(),
        {name: value for name, value in values.items() if value is not None},
        created=format_iso(call.now),
        domain=call.tenant.domains[-1],
    )


def _alter_group(call: Call, record: Record, values: Record) -> Record:
    """What changes when a group is to have these properties; `GraphRefusal` 400 for a bad value."""
    check_synced(record, values)
    merged = record | values
    # A Microsoft 365 group has a mailbox and a site, which are made with it and only then.
    if (_UNIFIED in merged.get("groupTypes", ())) != (_UNIFIED in record.get("groupTypes", ())):
        raise refuse_value("group", "groupTypes")
    changes = dict(values)
    if _DYNAMIC not in merged.get("groupTypes", ()):
        # A rule that is kept would have no effect, and would be refused below.
        if "membershipRule" not in values:
            changes |= {"membershipRule": None, "membershipRuleProcessingState": None}
    elif not merged.get("membershipRuleProcessingState"):
        changes["membershipRuleProcessingState"] = "On"
    _check_group(record | changes)
    if changes.get("membershipRule"):
        check_membership_rule(call, "group", record | changes)
    if "mailNickname" in values:
        _check_nickname(call, merged, record["id"])
    return changes


def _check_group(record: Record) -> None:
    types = record.get("groupTypes") or []
    unified, dynamic = _UNIFIED in types, _DYNAMIC in types
    if not NICKNAME.fullmatch(record["mailNickname"]):
        raise refuse_value("group", "mailNickname")
    # Exchange makes distribution lists and mail-enabled security groups; Graph reads them only.
    if record["mailEnabled"] and not unified:
        raise deny("mail_group")
    if not record["mailEnabled"] and (unified or not record["securityEnabled"]):
        raise refuse_value("group", "mailEnabled") if unified else deny("mail_group")
    if dynamic and not record.get("membershipRule"):
        raise deny("rule_missing")
    if record.get("membershipRule") and not dynamic:
        raise deny("rule_senseless")
    # "groupTypes can't contain DynamicMembership … securityEnabled must be true".
    if record.get("isAssignableToRole") and (dynamic or not record["securityEnabled"]):
        raise refuse_value("group", "isAssignableToRole")
    # Only Microsoft 365 groups can hide their members (group resource type).
    if record.get("visibility") == "HiddenMembership" and not unified:
        raise refuse_value("group", "visibility")


def _check_nickname(call: Call, record: Record, own_id: str | None) -> None:
    """Mailboxes have names of their own; security groups may share one (recorded)."""
    if not record["mailEnabled"]:
        return
    for row in call.directory.objects.find_each(call.tenant, "group", record["mailNickname"]):
        holder = read_record(row)
        if holder.get("mailEnabled") and holder["id"] != own_id:
            raise refuse_taken("mailNickname", row)


def _is_dynamic(record: Record) -> bool:
    return _DYNAMIC in record.get("groupTypes", ())


def _is_gone_at_once(record: Record) -> bool:
    """
    Whether a group that is deleted does not go to the recycle bin.

    "Microsoft 365 groups are moved to a temporary container … security groups are permanently
    deleted immediately" ("Delete group").
    """
    return _UNIFIED not in record.get("groupTypes", ())


def _admits(group: Record, kind: str, member: Record) -> bool:
    """Who can be a member of which group ("Add members", table of supported types)."""
    if _UNIFIED in group.get("groupTypes", ()):
        return kind == "user"
    if kind != "group":
        return True
    # Groups that can hold a role take no groups, and no group takes a Microsoft 365 group.
    return not group.get("isAssignableToRole") and _UNIFIED not in member.get("groupTypes", ())


_MEMBERS = Navigation(
    "group",
    "members",
    "members",
    takes=frozenset({"device", "group", "servicePrincipal", "user"}),
    admits=_admits,
    follows_rule=_is_dynamic,
)
_OWNERS = Navigation(
    "group", "owners", "owners", takes=frozenset({"servicePrincipal", "user"}), keeps_last=True
)

ROUTES = declare_collection(
    "group",
    "/groups",
    navigations=(
        _MEMBERS,
        Navigation("group", "transitiveMembers", "members", deep=True),
        _OWNERS,
        *list_member_of("group"),
    ),
    create=create_group,
    change=partial(change_object, rule=RULE, alter=_alter_group),
    delete=delete_group,
)
