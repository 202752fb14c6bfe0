"""
Users by their `signInActivity`, and with it.

The property stands in no document: it changes with every sign-in, which is no change of the user.
"""

from collections.abc import Sequence

import msgspec

from entra_emulator.directory.object_collections import Documents, Position
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.steps import Steps
from entra_emulator.graph.call import Call
from entra_emulator.graph.query.options import Query
from entra_emulator.graph.query.sign_in_activity import NAME
from entra_emulator.graph.render import render_objects

_encode = msgspec.json.Encoder().encode


def find_active(call: Call, query: Query, after: Position | None, limit: int) -> Steps[Documents]:
    """The first users behind `after` whose activity the filter is about, up to `limit`."""
    assert query.activity is not None, "the filter is on the activity"
    directory, start = call.directory, after.seq if after else 0
    numbers = yield from directory.sign_ins.list_matching(
        call.tenant, query.activity, after=start, limit=limit
    )
    docs = [directory.objects.read_document(number) for number in numbers[:limit]]
    last = None
    if len(numbers) > limit:
        # An empty page ends where it begins, so that the next one misses nothing.
        last = Position(None, numbers[limit - 1] if limit else start)
    return Documents([doc for doc in docs if doc is not None], last)


def count_active(call: Call, query: Query) -> Steps[int]:
    """How many users have an activity that the filter is about."""
    assert query.activity is not None, "the filter is on the activity"
    numbers = yield from call.directory.sign_ins.list_matching(
        call.tenant, query.activity, after=0, limit=-1
    )
    return len(numbers)


def render_active(
    call: Call, select: tuple[str, ...], docs: Sequence[bytes], *, basic: bool = False
) -> bytes:
    """
    The users of these documents, joined by commas, each with its `signInActivity` at its end.

    "This property is not returned for a user who has never signed in" (user resource type), and the
    ID is there though nobody selects it (the answer in "List users").
    """
    names = tuple(name for name in dict.fromkeys((*select, "id")) if name != NAME)
    ids = [read_id(doc) for doc in docs]
    activities = {} if basic else call.directory.sign_ins.read_each(call.tenant, ids)
    parts = []
    for user_id, doc in zip(ids, docs, strict=True):
        body, activity = render_objects("user", names, [doc], basic=basic), activities.get(user_id)
        if activity is not None:
            body = b'%b,"%b":%b}' % (body[:-1], NAME.encode(), _encode(activity.describe()))
        parts.append(body)
    return b",".join(parts)
