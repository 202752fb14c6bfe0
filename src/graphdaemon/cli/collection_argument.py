"""The collection that a command's COLLECTION argument names."""

import re
from urllib.parse import quote

from graphdaemon.client.client import Client
from graphdaemon.errors import UsageError
from graphdaemon.graph.address import escape, split_version
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.page import ids_of
from graphdaemon.settings.known_names import find_near

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def check_collection(text: str, group: str | None, *, graph: bool = True) -> str:
    """
    Return the path of the collection that `text` names.

    Examples are `users`, `beta/users` and `groups/{id}/owners`. For an API other than Graph, it is
    any path, together with its query options.

    Raises:
        UsageError: No collection has that name, or `--of` is missing or does not belong here.
    """
    if not graph and group is None:
        return text
    if "?" in text or "://" in text:
        raise UsageError(
            f"{text} is not just the name of a collection",
            code="option_invalid",
            hint="Give only its name, and use --select, --filter and so on. Or use `graphdaemon "
            "request`.",
        )
    path = text.strip("/")
    if (path == "members") is not (group is not None):
        raise UsageError(
            "the group whose members are to be listed is missing"
            if group is None
            else f"--of works with members only, not with {path}",
            code="option_invalid",
            hint="Use `graphdaemon list members --of GROUP`. For the members of all groups, use "
            "`graphdaemon list groups --with members`.",
        )
    known = {name.casefold(): name for name in CATALOG}
    version, name = split_version(path)
    if name.casefold() in known:
        return "/".join(filter(None, [version, known[name.casefold()]]))
    if "/" in name:
        _refuse_stored(name)
    # Only a near miss is a mistake: Graph has many collections that the catalog does not know.
    near = find_near(name, CATALOG, cutoff=0.85)
    if near and "/" not in name:
        raise UsageError(
            f"there is no collection {name}",
            code="option_invalid",
            hint=f"Did you mean {near}?",
        )
    return escape(path)


def _refuse_stored(name: str) -> None:
    """Refuse what only a store has as a collection: the members of all groups, and so on."""
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    for stored in STORED_COLLECTIONS.values():
        if stored.parent and stored.name.casefold() == name.casefold():
            raise UsageError(
                f"{stored.name} is a collection of a store, and not of Graph",
                code="option_invalid",
                hint=f"Use `graphdaemon list {stored.parent} --with {stored.relation}`, or list it "
                "from a store that `graphdaemon sync` keeps, with --store.",
            )


async def find_members(client: Client, group: str) -> str:
    """
    Return the path of the members of `group`, which is its ID, display name or mail address.

    Raises:
        UsageError: No group is called that, or several are.
    """
    if re.fullmatch(_GUID, group):
        return f"groups/{group}/members"
    # OData writes a quotation mark inside a text twice.
    text = group.replace("'", "''")
    ids: list[str] = []
    async for page in client.pages(
        "groups", select=("id",), filter=f"displayName eq '{text}' or mail eq '{text}'"
    ):
        ids += ids_of(page.records)
    # A directory may have any number of groups of one name.
    if len(ids) != 1:
        raise UsageError(
            f"--of {group}: {len(ids) or 'no'} groups have that name or mail address",
            code="option_invalid",
            hint=f"Give the ID of one: {', '.join(ids[:5])}."
            if ids
            else 'Look it up: graphdaemon list groups --search "displayName:NAME" -f table.',
        )
    return f"groups/{quote(ids[0], safe='')}/members"
