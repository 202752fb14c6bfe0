"""Create objects: the steps that are the same for every type."""

from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.answer import answer_object
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_caller, locate_object
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.rules import Rule
from entra_emulator.graph.write.validate import ObjectBody, read_properties, require
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record


def read_new(call: Call, rule: Rule) -> ObjectBody:
    """A new object as `read_draft` reads it, its complex values filled up with their defaults."""
    draft = read_draft(call, rule)
    return ObjectBody(merge_values(rule.kind, {}, draft.values), draft.binds)


def read_draft(call: Call, rule: Rule, **more: str) -> ObjectBody:
    """A new object as it was sent, with `more` properties; `GraphRefusal` 400 for a bad value."""
    body = read_properties(rule, read_payload(call), creating=True)
    values = body.values | more
    require(rule, values)
    return ObjectBody(values, body.binds)


def create_object(call: Call, kind: str, record: Record, body: ObjectBody) -> StoredObject:
    """Store a new object, and link the objects that its body names, see `bind_references`."""
    row = call.directory.objects.create(call.tenant, kind, record)
    bind_references(call, row, body.binds)
    return row


def answer_created(call: Call, row: StoredObject, *, body: bytes | None = None) -> Response:
    """201 with the new object, and the directory's own address of it, as recorded."""
    kind = KINDS[row.kind]
    if body is None:
        body = render_objects(kind.name, None, [row.doc])
    location = locate_object(call, kind.name, read_id(row.doc))
    return answer_object(call, f"{kind.collection}/$entity", body, status=201, location=location)


def make_caller_owner(call: Call, row: StoredObject) -> None:
    """Make the caller an owner of the object that it has created."""
    caller = find_caller(call)
    if caller is not None:
        call.directory.links.add(call.tenant, "owners", row, caller)


def drop_caller(call: Call, binds: dict[str, list[str]]) -> dict[str, list[str]]:
    """The references, without the caller as an owner, because the caller is one already."""
    own_id = call.caller.object_id
    return {
        name: [link for link in addresses if name != "owners" or own_id not in link.lower()]
        for name, addresses in binds.items()
    }


def check_unique_name(call: Call, kind: str, name: str | None) -> None:
    """Refuse, with 400, an alternate key that another object of the type has."""
    if name is None:
        return
    row = call.directory.search.find_by_unique_name(call.tenant, kind, name)
    if row is not None:
        raise refuse_taken("uniqueName", row)


def refuse_taken(name: str, row: StoredObject) -> GraphRefusal:
    """The refusal of a value of this property, because another object has it."""
    holder = f"{KINDS[row.kind].resource}_{read_id(row.doc)}"
    return deny("value_taken", name=name, target=name, holder=holder)
