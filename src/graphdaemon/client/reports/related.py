"""Objects that others lead to, read for many at a time: with the pages, or twenty in a request."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.batch import BATCH_SIZE, Part, PartAnswer, send_parts
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.links import follow_within
from graphdaemon.graph.page import Page, page_ids, read_page, read_record
from graphdaemon.graph.query import PAGE_SIZE, Query
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Headers, Response
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.target import Target

Related = dict[str, list[Mapping[str, Any]]]
"""By the ID of an object, those that it leads to."""

MOST_EXPANDED = 20
"""Graph ends each expanded list here, and does not say so ("Known issues: query parameters")."""


class Relation:
    """
    A navigation property of a collection.

    Args:
        graph: The connection.
        root: Origin and version of Graph.
        collection: Name of the collection.
        name: The navigation property, such as `owners`.
        select: What to read of each object that it leads to; nothing for all.

    Attributes:
        tally: Counts the requests.
    """

    def __init__(
        self, graph: Graph, root: str, collection: str, name: str, select: Sequence[str] = ()
    ) -> None:
        self._target = Target(graph, root, find_collection(collection), Query())
        self.tally = self._target.tally
        self._name = name
        self._select = ",".join(select)

    async def read(self, ids: Sequence[str], among: int | None) -> Related:
        """
        Return what each of these objects leads to.

        Args:
            ids: Their IDs.
            among: How many objects the collection has. Where the pages of all of them are fewer
                requests than batches about these, the pages are read; where lists may be long, and
                it is None, they are not.

        Raises:
            Error: Something could not be read; nothing is left out.
        """
        batches = -(-len(ids) // BATCH_SIZE)
        paged = among is not None and -(-among // PAGE_SIZE) < batches
        related = await self._read_pages(frozenset(ids)) if paged else {}
        # A list that is full may have been cut, and what is absent was not among the pages.
        rest = [id_ for id_ in ids if len(related.get(id_, _CUT)) >= MOST_EXPANDED]
        return {**related, **await self._read_each(rest)}

    async def _read_pages(self, ids: frozenset[str]) -> Related:
        target = self._target
        url = f"{target.root}/{target.collection.name}?$select=id&$expand={self._name}"
        related: Related = {}
        seen: set[str] = set()

        async def keep(chain_page: ChainPage) -> None:
            page = chain_page.page
            for id_, raw in zip(page_ids(page), page.records, strict=True):
                seen.add(id_)
                objects = read_record(raw).get(self._name) if id_ in ids else None
                if isinstance(objects, list):
                    related[id_] = [one for one in objects if isinstance(one, dict)]
            chain_page.chain.consume(len(page.records), len(seen))

        try:
            await read_chain(target, Chain(first_url=f"{url}&$top={PAGE_SIZE}"), keep)
        except GraphError as error:
            # Not everything can be expanded everywhere; asked for by itself, it is there.
            if error.status not in (400, 501):
                raise
        return related

    async def _read_each(self, ids: Sequence[str]) -> Related:
        parts = [Part(id_, self._url(id_)) for id_ in ids]
        target = self._target
        answers = await send_parts(
            target.graph, target.root, parts, needs=target.collection.role, tally=target.tally
        )
        objects = await gather(*(self._read_answer(part, answers[part.id]) for part in parts))
        return dict(zip(ids, objects, strict=True))

    def _url(self, id_: str) -> str:
        select = f"&$select={self._select}" if self._select else ""
        path = f"{self._target.collection.name}/{quote(id_, safe='')}/{self._name}"
        return f"/{path}?$top={PAGE_SIZE}{select}"

    async def _read_answer(self, part: Part, answer: PartAnswer) -> list[Mapping[str, Any]]:
        url = f"{self._target.root}{part.url}"
        if answer.status == 404:
            return []  # the object has gone meanwhile
        response = _respond(answer)
        if answer.status >= 300:
            raise explain(response, url, needs=self._target.collection.role, consent_url=None)
        records = await self._read_all(read_page(response, url), url)
        return [read_record(raw) for raw in records]

    async def _read_all(self, page: Page, url: str) -> list[msgspec.Raw]:
        """The records of a page and of those behind it, each once, even if a link is refused."""
        records = dict(zip(page_ids(page), page.records, strict=True))

        async def keep(chain_page: ChainPage) -> None:
            page = chain_page.page
            records.update(zip(page_ids(page), page.records, strict=True))
            chain_page.chain.consume(len(page.records), len(records))

        if page.next_link is not None:
            chain = Chain(first_url=url, pages=1, link=follow_within(page.next_link, url))
            await read_chain(self._target, chain, keep)
        return list(records.values())


async def read_each(
    graph: Graph, root: str, collection: str, ids: Sequence[str], select: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """
    Return single objects of a collection, by ID; those that are gone are left out.

    Raises:
        Error: One of them cannot be read.
    """
    row, names = find_collection(collection), ",".join(select)
    parts = [Part(id_, f"/{row.name}/{quote(id_, safe='')}?$select={names}") for id_ in ids]
    answers = await send_parts(graph, root, parts, needs=row.role)
    objects: dict[str, Mapping[str, Any]] = {}
    for part in parts:
        answer = answers[part.id]
        if answer.status == 404:
            continue
        if answer.status >= 300:
            url = f"{root}{part.url}"
            raise explain(_respond(answer), url, needs=row.role, consent_url=None)
        objects[part.id] = read_record(answer.body)
    return objects


def _respond(answer: PartAnswer) -> Response:
    headers = Headers((name, str(value)) for name, value in answer.headers.items())
    return Response(answer.status, headers, bytes(answer.body))


_CUT: list[Mapping[str, Any]] = [{}] * MOST_EXPANDED
