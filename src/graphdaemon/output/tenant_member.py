"""Add to each record its tenant, for an output with the records of several tenants."""

from collections.abc import Sequence

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record

TENANT = "tenant"
"""The name of the added member."""

_KEY = b'"tenant"'
# The name may also be written with JSON escapes.
_ESCAPE = b"\\u"


def add_tenant(records: Sequence[Record], name: str) -> list[Record]:
    """
    Return the records with a first member `tenant` whose value is `name`.

    A record that is not an object becomes the member `value` of an object with these two members.

    Raises:
        UsageError: A record has a property `tenant` of its own.
    """
    member = _KEY + b":" + msgspec.json.encode(name)
    return [msgspec.Raw(_add(bytes(record).lstrip(), member)) for record in records]


def _add(text: bytes, member: bytes) -> bytes:
    if not text.startswith(b"{"):
        return b"{" + member + b',"value":' + text + b"}"
    if (_KEY in text or _ESCAPE in text) and TENANT in msgspec.json.decode(
        text, type=dict[str, msgspec.Raw]
    ):
        raise UsageError(
            "the records have a property `tenant` of their own",
            code="option_invalid",
            hint="List such an API tenant by tenant, without --tenants.",
        )
    rest = text[1:].lstrip()
    return b"{" + member + (b"" if rest.startswith(b"}") else b",") + rest
