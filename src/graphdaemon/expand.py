"""
What is read for each record besides: managers, memberships, licences.

Graph has no bulk form for these that is whole: ``$expand`` ends after twenty ("Known issues with
Microsoft Graph"). Each is asked for by itself, twenty in a batch, and followed to its last page.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Sequence

import msgspec

from graphdaemon.batch import Answer, Part, send_parts
from graphdaemon.errors import UsageError
from graphdaemon.page import Page, explain, follow, ids_of, read_page
from graphdaemon.target import Target
from graphdaemon.transport import Response

_SINGLE = frozenset({"manager"})
# These are no directory objects: all they have is wanted.
_WHOLE = frozenset(
    "licenseDetails appRoleAssignments appRoleAssignedTo federatedIdentityCredentials".split()
)


class Expander:
    """
    Adds what was asked for to records.

    Args:
        target: What is listed.
        names: Navigation properties, such as ``manager``.

    Attributes:
        found: How many there were, by name.

    Raises:
        UsageError: The collection has no such property.
    """

    def __init__(self, target: Target, names: Sequence[str]) -> None:
        collection = target.collection
        unknown = [name for name in names if name not in collection.expands]
        if unknown:
            known = ", ".join(sorted(collection.expands)) or "nothing"
            raise UsageError(
                f"{unknown[0]} cannot be read with {collection.name}",
                code="option_invalid",
                hint=f"There is {known}.",
            )
        self._target = target
        self._names = tuple(names)
        self.found = dict.fromkeys(names, 0)

    async def apply(self, records: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """
        The records with what belongs to each, as further properties at their ends.

        Raises:
            Error: Something could not be read; it is not left out.
        """
        target = self._target
        parts = [
            Part(f"{name}:{one}", self._url(one, name))
            for one in ids_of(records)
            for name in self._names
        ]
        answers = await send_parts(
            target.graph, target.root, parts, needs=target.collection.role, tally=target.tally
        )
        values = iter(await asyncio.gather(*(self._read(part, answers[part.id]) for part in parts)))
        return [_add(record, {name: next(values) for name in self._names}) for record in records]

    def _url(self, one: str, name: str) -> str:
        options = "" if name in _WHOLE else "?$select=id,displayName"
        if name not in _SINGLE and name not in _WHOLE:
            options += "&$top=999"
        return f"/{self._target.collection.name}/{one}/{name}{options}"

    async def _read(self, part: Part, answer: Answer) -> bytes:
        name = part.id.partition(":")[0]
        url = f"{self._target.root}{part.url}"
        if answer.status == 404:
            # None set; or the record itself is gone, and the delta will say so.
            return b"null" if name in _SINGLE else b"[]"
        response = Response(answer.status, _message(answer), bytes(answer.body))
        if answer.status >= 300:
            raise explain(response, url, needs=self._target.collection.role, consent_url=None)
        if name in _SINGLE:
            self.found[name] += 1
            return bytes(answer.body)
        records = await self._read_all(read_page(response, url), url)
        self.found[name] += len(records)
        return b"[" + b",".join(records) + b"]"

    async def _read_all(self, page: Page, url: str) -> list[msgspec.Raw]:
        target, records = self._target, [*page.records]
        if page.next_link is not None:
            pages = target.graph.pages(
                follow(page.next_link, url), needs=target.collection.role, tally=target.tally
            )
            async for further in pages:
                records += further.records
        return records


def _message(answer: Answer) -> http.client.HTTPMessage:
    message = http.client.HTTPMessage()
    for name, value in answer.headers.items():
        message[name] = str(value)
    return message


def _add(record: msgspec.Raw, values: dict[str, bytes]) -> msgspec.Raw:
    """``record`` with further members, without decoding those it has."""
    text = bytes(record).rstrip()
    members = [b'"%b":%b' % (name.encode(), value) for name, value in values.items()]
    has_some = text[:-1].rstrip() != b"{"
    return msgspec.Raw(text[:-1] + b"," * has_some + b",".join(members) + b"}")
