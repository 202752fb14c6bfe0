"""
Read related objects for each record, such as managers, memberships and licences.

A single related object, such as the manager, is read with the pages (`$expand`) if Graph accepts
that. For a collection this would not be complete: `$expand` returns twenty objects, and does not
tell how many it left out ("Known issues with Microsoft Graph"). So each collection is requested by
itself, in batches of twenty requests, and read to its last page.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.batch import Part, PartAnswer, send_parts
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.links import altered, follow_within
from graphdaemon.graph.page import Page, ids_of, page_ids, read_page, texts_of
from graphdaemon.graph.query import EXPANDED_PAGE_SIZE, Query
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Headers, Response
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.record import Corrections
from graphdaemon.listing.target import Target

# Navigation properties that lead to one object; the others lead to a collection.
_SINGLE = frozenset({"manager"})
_SHOWN = ("id", "displayName")
# What is shown of a single object, including its type, which Graph adds by itself.
_CUT = ("@odata.type", *_SHOWN)
# The statuses with which Graph refuses $expand: the query does not allow it, or a permission for
# the related objects is missing.
_REFUSALS = frozenset({400, 403, 501})
# Related objects that are not directory objects, and have no display name: all their properties are
# shown.
_WHOLE = frozenset(
    "licenseDetails appRoleAssignments appRoleAssignedTo federatedIdentityCredentials".split()
)


def leads_to_one(name: str) -> bool:
    """Return whether a navigation property leads to a single object, and not to a list."""
    return name in _SINGLE


def find_related_properties(name: str) -> tuple[str, ...]:
    """Return the properties that are read of related objects; empty for all properties."""
    return () if name in _WHOLE else _SHOWN


class Expander:
    """
    Adds related objects to records.

    Args:
        target: What is listed.
        names: The navigation properties that lead to them, such as `manager`.
        notes: Receives a sentence that says how they are read, if there is a choice.

    Attributes:
        counts: How many objects were read, by navigation property.

    Raises:
        UsageError: The collection has no such property.
    """

    def __init__(self, target: Target, names: Sequence[str], notes: list[str]) -> None:
        collection = target.collection
        unknown = [name for name in names if name not in collection.expands]
        if unknown:
            known = ", ".join(sorted(collection.expands)) or "nothing"
            raise UsageError(
                f"{unknown[0]} cannot be read together with {collection.name}",
                code="option_invalid",
                hint=f"The related objects are {known}.",
            )
        self._target = target
        self._names = tuple(names)
        self._notes = notes
        # Graph expands one property (microsoft-graph-docs #96).
        self._single = next((name for name in names if name in _SINGLE), "")
        self.counts = dict.fromkeys(names, 0)
        self._nameless = dict.fromkeys(names, 0)

    async def try_expanding(self) -> tuple[Target, Page] | None:
        """
        Request the first page with the single related object expanded, if there is one.

        Returns:
            The target with `$expand`, and its first page; None if Graph does not expand the object,
            so that it must be read for each record by itself.

        Raises:
            IdentityError, GraphError, NetworkError: The page could not be read.
        """
        name, target = self._single, self._target
        if not name:
            return None
        if target.advanced:
            self._decline("the advanced index expands nothing")
            return None
        # Graph may ignore this $select, and return more properties ("Known issues"); they are
        # removed later.
        query = target.query._replace(expand=f"{name}($select={','.join(_SHOWN)})")
        page_size = min(target.page_size, EXPANDED_PAGE_SIZE)
        expanded = msgspec.structs.replace(target, query=query, page_size=page_size)
        try:
            page = await expanded.page(expanded.url())
        except GraphError as error:
            if error.status not in _REFUSALS:
                raise
            self._decline(f"Graph refused $expand ({error.graph_code})")
            return None
        shown = any(value is not None for _, value in map(self._split, page.records))
        if page.records and not (shown or self._names_single(page.context)):
            self._decline("Graph ignored $expand")
            return None
        self._notes.append(f"{name} came with the pages ($expand)")
        return expanded, page

    def _decline(self, reason: str) -> None:
        self._notes.append(f"{self._single} was read for each record ($batch): {reason}")

    async def apply(
        self, records: Sequence[msgspec.Raw], context: bytes = b""
    ) -> Sequence[msgspec.Raw]:
        """
        Return the records with their related objects, which are added as further properties.

        Args:
            records: Some records of one page.
            context: The `@odata.context` of the page.

        Raises:
            Error: A related object could not be read; no object is ever left out silently.
        """
        if not self._names:
            return records
        target = self._target
        # A record without the property has no such object, if the page shows that it was expanded.
        split = [self._split(record) for record in records] if self._single else []
        is_shown = self._names_single(context) or any(value is not None for _, value in split)
        to_read = [name for name in self._names if not (is_shown and name == self._single)]
        parts = [
            Part(f"{name}:{key}", self._url(key, name))
            for key in ids_of(records)
            for name in to_read
        ]
        answers = await send_parts(
            target.graph, target.root, parts, needs=target.collection.role, tally=target.tally
        )
        values = iter(await gather(*(self._read(part, answers[part.id]) for part in parts)))
        shown = iter([self._take_single(value) for _, value in split] if is_shown else ())
        bare = [record for record, _ in split] or records
        return [
            _add(record, {name: next(values if name in to_read else shown) for name in self._names})
            for record in bare
        ]

    async def apply_to_corrections(self, corrections: Corrections) -> Corrections:
        """Return the corrections, with what `apply` adds to the records among them."""
        present = {key: record for key, record in corrections.items() if record is not None}
        expanded = await self.apply(list(present.values()))
        return {**corrections, **dict(zip(present, expanded, strict=True))}

    def _names_single(self, context: bytes) -> bool:
        return bool(self._single) and f"{self._single}(".encode() in context

    def _split(self, record: msgspec.Raw) -> tuple[msgspec.Raw, msgspec.Raw | None]:
        """Return a record without its expanded object, and that object; None if it has none."""
        members = _members_of(record)
        value = members.pop(self._single, None)
        return (record if value is None else msgspec.Raw(msgspec.json.encode(members))), value

    def _take_single(self, value: msgspec.Raw | None) -> bytes:
        if value is None or bytes(value) == b"null":
            return b"null"
        self._count(self._single, [value])
        return _cut(value)

    def _count(self, name: str, records: Sequence[msgspec.Raw]) -> None:
        self.counts[name] += len(records)
        if name not in _WHOLE:
            self._nameless[name] += len(records) - len(texts_of(records, "displayName"))

    def find_nameless(self) -> list[str]:
        """
        Return a sentence for each navigation property that led to objects without a name.

        If a token may not read an object, Graph returns only its ID and its type ("Limited
        information returned for inaccessible member objects").
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
            # There is no such object, or the record itself is gone, which the delta reports.
            return b"null" if name in _SINGLE else b"[]"
        response = Response(answer.status, _headers(answer), bytes(answer.body))
        if answer.status >= 300:
            raise explain(response, url, needs=self._target.collection.role, consent_url=None)
        if name in _SINGLE:
            records = [answer.body]
            ids_of(records)
        else:
            records = await self._read_all(read_page(response, url), url)
        self._count(name, records)
        return _cut(records[0]) if name in _SINGLE else b"[" + b",".join(records) + b"]"

    async def _read_all(self, page: Page, url: str) -> list[msgspec.Raw]:
        """Return the records of `page` and of the pages after it, each once."""
        records = dict(zip(page_ids(page), page.records, strict=True))

        async def keep(chain_page: ChainPage) -> None:
            page = chain_page.page
            records.update(zip(page_ids(page), page.records, strict=True))
            chain_page.chain.consume(len(page.records), len(records))

        if page.next_link is not None:
            chain = Chain(first_url=url, pages=1, link=follow_within(page.next_link, url))
            # Related objects never need an advanced query, even if the listing does.
            plain = msgspec.structs.replace(self._target, query=Query())
            await read_chain(plain, chain, keep)
        return list(records.values())


def _members_of(record: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise altered("a page contains something that is not a record") from None


def _cut(record: msgspec.Raw) -> bytes:
    """Return the shown properties of a single object, as JSON."""
    ids_of([record])
    members = _members_of(record)
    return msgspec.json.encode({name: members[name] for name in _CUT if name in members})


def _headers(answer: PartAnswer) -> Headers:
    return Headers((name, str(value)) for name, value in answer.headers.items())


def _add(record: msgspec.Raw, values: dict[str, bytes]) -> msgspec.Raw:
    """Return `record` with further members; its own members are not decoded."""
    text = bytes(record).rstrip()
    members = [b'"%b":%b' % (name.encode(), value) for name, value in values.items()]
    has_some = text[:-1].rstrip() != b"{"
    return msgspec.Raw(text[:-1] + b"," * has_some + b",".join(members) + b"}")
