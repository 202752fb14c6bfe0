"""
Check who may read reports about sign-ins and changes: `signInActivity` and the audit logs.

Sources: "List signIns", "List directoryAudits" and "Microsoft Entra built-in roles".
"""

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import deny
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.web.caller import Caller, list_roles

PERMISSION = "AuditLog.Read.All"

# "The signed-in user must be assigned a supported Microsoft Entra role": the template IDs of those
# that "List signIns" names.
READERS = frozenset(
    {
        ROLES["Global Administrator"],
        ROLES["Global Reader"],
        "4a5d8f65-41da-4de4-8968-e035b65339cf",  # Reports Reader
        "194ae4cb-b126-40b2-bd5b-6091b380977d",  # Security Administrator
        "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",  # Security Operator
        "5d6b6bb7-de71-4623-b4af-96380a352509",  # Security Reader
    }
)


def check_report_reader(directory: Directory, caller: Caller) -> None:
    """
    Refuse a caller who may not read sign-ins, or whose tenant has no licence for them.

    The order in which the service checks these is not documented.

    Raises:
        GraphRefusal: 403, the permission, the role or the licence is missing.
    """
    if PERMISSION not in caller.permissions:
        raise deny("audit_permission_missing")
    check_reader_role(directory, caller)
    if not directory.licences.has_premium(caller.tenant):
        raise deny("premium_only")


def check_reader_role(directory: Directory, caller: Caller) -> None:
    """
    Refuse a signed-in user without a role that reads reports.

    For the log of changes, no more is needed besides the permission: tenants without a licence have
    it, too (Microsoft-Extractor-Suite#202).

    Raises:
        GraphRefusal: 403.
    """
    if caller.delegated and READERS.isdisjoint(list_roles(directory, caller)):
        raise deny("report_role_missing")
