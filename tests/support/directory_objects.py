"""Objects for tests of the directory."""

from itertools import islice

from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.records import Record, Tenant


def draft_group(number: int, name: str = "Team") -> Record:
    """A group whose ID ends in the number."""
    return {"id": f"00000000-0000-4000-8000-{number:012}", "displayName": name, "mailNickname": "t"}


def add_people(directory: Directory, tenant: Tenant, count: int) -> list[StoredObject]:
    """The first users of seed 0, added to the tenant."""
    users = list(islice(draw_users(count, 0), count))
    return [directory.objects.create(tenant, "user", user) for user in users]


def join_users(directory: Directory, tenant: Tenant) -> bytes:
    """The documents of all users, in order."""
    return b"\n".join(doc for _, doc in directory.collections.scan(tenant, "user"))
