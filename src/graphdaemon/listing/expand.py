"""
What is read for each record besides, such as managers, memberships and licences.

Graph has no complete form of these for many records at once: `$expand` ends after twenty objects
("Known issues with Microsoft Graph"). Each is asked for by itself, twenty requests in a batch, and
followed to its last page.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.graph.batch import Part, PartAnswer, send_parts
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.links import follow_within
from graphdaemon.graph.page import Page, ids_of, page_ids, read_page, texts_of
from graphdaemon.graph.query import Query
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Headers, Response
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.target import Target

# Navigation properties that lead to one object; the others lead to a collection.
_SINGLE = frozenset({"manager"})
_SHOWN = ("id", "displayName")
# These are no directory objects and have no display name: every property of them is shown.
_WHOLE = frozenset(
    "licenseDetails appRoleAssignments appRoleAssignedTo federatedIdentityCredentials".split()
)


def leads_to_one(name: str) -> bool:
    """Say whether a navigation property leads to one object, and not to a list of them."""
    return name in _SINGLE


def find_related_properties(name: str) -> tuple[str, ...]:
    """Return what is read of each object that a navigation property leads to; none for all."""
    return () if name in _WHOLE else _SHOWN


class Expander:
    """
    Adds related objects to records.

    Args:
        target: What is listed.
        names: The navigation properties that lead to them, such as `manager`.

    Attributes:
        counts: How many objects were read, by navigation property.

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
        self.counts = dict.fromkeys(names, 0)
        self._nameless = dict.fromkeys(names, 0)

    async def apply(self, records: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """
        Return the records with their related objects, as further properties at their ends.

        Raises:
            Error: Something could not be read; nothing is left out.
        """
        target = self._target
        parts = [
            Part(f"{name}:{key}", self._url(key, name))
            for key in ids_of(records)
            for name in self._names
        ]
        answers = await send_parts(
            target.graph, target.root, parts, needs=target.collection.role, tally=target.tally
        )
        values = iter(await gather(*(self._read(part, answers[part.id]) for part in parts)))
        return [_add(record, {name: next(values) for name in self._names}) for record in records]

    def find_nameless(self) -> list[str]:
        """
        Return a sentence for each property that led to objects without a name.

        Graph lists an object that the token may not read, and shows no more of it than its ID
        ("Limited information returned for inaccessible member objects").
        """
        return [
            f"{count:,} of {self.counts[name]:,} {name} have no displayName (unset or not readable)"
            for name, count in self._nameless.items()
            if count
        ]

    def _url(self, key: str, name: str) -> str:
        options = "" if name in _WHOLE else f"?$select={','.join(_SHOWN)}"
        if name not in _SINGLE and name not in _WHOLE:
            options += "&$top=999"  # Graph's own choice of 100 would take ten times as many pages
        return f"/{self._target.collection.name}/{quote(key, safe='')}/{name}{options}"

    async def _read(self, part: Part, answer: PartAnswer) -> bytes:
        name = part.id.partition(":")[0]
        url = f"{self._target.root}{part.url}"
        if answer.status == 404:
            # Nothing is set, or the record itself is gone, of which the delta tells.
            return b"null" if name in _SINGLE else b"[]"
        response = Response(answer.status, _headers(answer), bytes(answer.body))
        if answer.status >= 300:
            raise explain(response, url, needs=self._target.collection.role, consent_url=None)
        if name in _SINGLE:
            records = [answer.body]
            ids_of(records)
        else:
            records = await self._read_all(read_page(response, url), url)
        self.counts[name] += len(records)
        if name not in _WHOLE:
            self._nameless[name] += len(records) - len(texts_of(records, "displayName"))
        return bytes(answer.body) if name in _SINGLE else b"[" + b",".join(records) + b"]"

    async def _read_all(self, page: Page, url: str) -> list[msgspec.Raw]:
        """The records of `page` and of those behind it, each once, even if a link is refused."""
        records = dict(zip(page_ids(page), page.records, strict=True))

        async def keep(chain_page: ChainPage) -> None:
            page = chain_page.page
            records.update(zip(page_ids(page), page.records, strict=True))
            chain_page.chain.consume(len(page.records), len(records))

        if page.next_link is not None:
            chain = Chain(first_url=url, pages=1, link=follow_within(page.next_link, url))
            # Related objects never need the advanced index, whatever the listing needs.
            plain = msgspec.structs.replace(self._target, query=Query())
            await read_chain(plain, chain, keep)
        return list(records.values())


def _headers(answer: PartAnswer) -> Headers:
    return Headers((name, str(value)) for name, value in answer.headers.items())


def _add(record: msgspec.Raw, values: dict[str, bytes]) -> msgspec.Raw:
    """`record` with further members, without decoding those it has."""
    text = bytes(record).rstrip()
    members = [b'"%b":%b' % (name.encode(), value) for name, value in values.items()]
    has_some = text[:-1].rstrip() != b"{"
    return msgspec.Raw(text[:-1] + b"," * has_some + b",".join(members) + b"}")
