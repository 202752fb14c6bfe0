"""Whether a group, or an administrative unit, may have this membership rule."""

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.membership_rule import MembershipRuleError, read_rule
from entra_emulator.model.people_and_devices import UNIFIED
from entra_emulator.model.records import Record


def check_membership_rule(call: Call, kind: str, record: Record) -> None:
    """
    Refuse a membership rule that cannot be, or that the tenant has no licence for.

    Raises:
        GraphRefusal: 400, with the service's words where they are known; 403 without a licence.
    """
    try:
        rule = read_rule(record["membershipRule"])
    except MembershipRuleError as error:
        raise deny("rule_untyped" if error.untyped else "rule_invalid", reason=error) from error
    # "Microsoft 365 groups can include only users" (Manage rules for dynamic membership groups).
    if rule.kind != "user" and UNIFIED in record.get("groupTypes", ()):
        raise refuse_value(kind, "membershipRule")
    if not call.directory.licences.has_premium(call.tenant):
        raise deny("license_missing", what="dynamic membership groups")
