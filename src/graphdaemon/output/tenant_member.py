"""Records of several tenants in one output: whose each is, as its first member."""

from collections.abc import Sequence

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record

TENANT = "tenant"
"""What the member is called."""

_KEY = b'"tenant"'
# A name may also be written in escapes.
_ESCAPE = b"\\u"


def add_tenant(records: Sequence[Record], name: str) -> list[Record]:
    """
    Return the records with a first member `tenant`; what is no object becomes its `value`.

    Raises:
        UsageError: A record has a property of that name, and nobody could tell the two apart.
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
