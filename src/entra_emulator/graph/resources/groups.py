"""What makes a group: its types, its names, its rule."""

import re

from entra_emulator.clock import format_iso
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import read_record
from entra_emulator.graph.resources.users import check_synced
from entra_emulator.model.people_and_devices import draft_group
from entra_emulator.model.records import Record

DYNAMIC, UNIFIED = "DynamicMembership", "Unified"

# "ASCII character set 0 - 127 except @ () \ [] \" ; : <> , SPACE" (group resource type).
_NICKNAME = re.compile(r"[!#-\'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}")


def prepare_group(call: Call, values: Record) -> Record:
    """
    A new group with these properties.

    Raises:
        GraphFault: 400, saying what cannot be.
    """
    _check_group(values)
    check_unique_name(call, "group", values.get("uniqueName"))
    _check_nickname(call, values, None)
    return draft_group(
        call.directory.new_id(),
        {name: value for name, value in values.items() if value is not None},
        created=format_iso(call.now),
        domain=call.tenant.domains[-1],
    )


def alter_group(call: Call, record: Record, values: Record) -> Record:
    """
    What changes when a group is to have these properties.

    Raises:
        GraphFault: 400, saying what cannot be.
    """
    check_synced(record, values)
    merged = record | values
    if (UNIFIED in merged.get("groupTypes", ())) != (UNIFIED in record.get("groupTypes", ())):
        raise _refuse("groupTypes")
    changes = dict(values)
    if DYNAMIC not in merged.get("groupTypes", ()):
        if "membershipRule" not in values:
            changes |= {"membershipRule": None, "membershipRuleProcessingState": None}
    elif not merged.get("membershipRuleProcessingState"):
        changes["membershipRuleProcessingState"] = "On"
    _check_group(record | changes)
    if "mailNickname" in values:
        _check_nickname(call, merged, record["id"])
    return changes


def check_unique_name(call: Call, kind: str, name: str | None) -> None:
    """
    Refuse an alternate key that another object of the type has.

    Raises:
        GraphFault: 400.
    """
    if name is None:
        return
    found = call.directory.search.find_by_unique_name(call.tenant, kind, name)
    if found is not None:
        holder = f"{kind[0].upper()}{kind[1:]}_{read_record(found)['id']}"
        raise deny("value_taken", name="uniqueName", target="uniqueName", holder=holder)


def _check_group(record: Record) -> None:
    types = record.get("groupTypes") or []
    unified, dynamic = UNIFIED in types, DYNAMIC in types
    if not _NICKNAME.fullmatch(record["mailNickname"]):
        raise _refuse("mailNickname")
    if record["mailEnabled"] and not unified:
        raise deny("mail_group")
    if not record["mailEnabled"] and (unified or not record["securityEnabled"]):
        raise _refuse("mailEnabled") if unified else deny("mail_group")
    if dynamic and not record.get("membershipRule"):
        raise deny("rule_missing")
    if record.get("membershipRule") and not dynamic:
        raise deny("rule_senseless")
    # "groupTypes can't contain DynamicMembership … securityEnabled must be true".
    if record.get("isAssignableToRole") and (dynamic or not record["securityEnabled"]):
        raise _refuse("isAssignableToRole")
    if record.get("visibility") == "HiddenMembership" and not unified:
        raise _refuse("visibility")


def _check_nickname(call: Call, record: Record, own_id: str | None) -> None:
    """Mailboxes have names of their own; security groups may share one (recorded)."""
    if not record["mailEnabled"]:
        return
    for found in call.directory.search.find_each(call.tenant, "group", record["mailNickname"]):
        holder = read_record(found)
        if holder.get("mailEnabled") and holder["id"] != own_id:
            raise deny(
                "value_taken",
                name="mailNickname",
                target="mailNickname",
                holder=f"Group_{holder['id']}",
            )


def _refuse(name: str) -> Exception:
    return deny("value_invalid", name=name, resource="Group", target=name)
