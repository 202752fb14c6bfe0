"""Why something failed, as it is told and kept: without anything that is secret."""

from typing import Any

from graphdaemon.errors import Error
from graphdaemon.log import redact
from graphdaemon.store.leases import LeaseError


def make_reason(error: Error) -> LeaseError:
    """Return an error as the store keeps it."""
    return LeaseError(error.code, redact(str(error)), error.hint or "")


def describe_error(error: Error) -> dict[str, Any]:
    """Return an error as the fields of an event."""
    reason = make_reason(error)
    return {"code": reason.code, "message": reason.message, "hint": reason.hint}
