"""Name the permissions that a request in the audit log would have needed."""

from entra_emulator.audit import Entry
from entra_emulator.graph.access.permission_table import find_access


def list_needed(entry: Entry) -> list[str]:
    """
    The permissions of which a Graph request needed one; empty for a token request.

    The least privileged come first, then those for the same kind of object.
    """
    if not entry.route:
        return []
    try:
        access = find_access(entry.method, entry.route)
    except LookupError:
        return []
    names = access.delegated if entry.delegated else access.application
    akin = {name.partition(".")[0] for name in access.least & names}

    def rank(name: str) -> tuple[bool, bool, str]:
        return name not in access.least, name.partition(".")[0] not in akin, name

    return sorted(names, key=rank)
