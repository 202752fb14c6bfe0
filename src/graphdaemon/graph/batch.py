"""
Many requests in one: `$batch`, twenty at a time, each answered and repeated by itself.

Source: "Combine multiple HTTP requests using JSON batching" on learn.microsoft.com. The outer
answer is 200 whatever happened inside; a request that is throttled says so in its own headers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graphdaemon.concurrency import gather
from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.graph import LONGEST_WAIT_S, Ask, Graph, Tally
from graphdaemon.graph.headers import read_wait
from graphdaemon.graph.links import path_of
from graphdaemon.http.response import Response
from graphdaemon.throttling.budget import Outcome

AT_ONCE = 20
"""Requests in one batch: Graph takes no more."""

_PASSING = frozenset({429, 500, 502, 503, 504})


class Part(NamedTuple):
    """
    One request of a batch.

    Attributes:
        id: What its answer is found by.
        url: Path and options below the version, such as `/users/x/manager`.
        method: The verb.
        headers: What it is sent with.
        body: What it sends.
        after: IDs of the parts that have to succeed first.
    """

    id: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: object = None
    after: tuple[str, ...] = ()


class Answer(msgspec.Struct):
    """The answer to one part; the body is JSON, or in base64 where it was not."""

    id: str
    status: int
    headers: dict[str, Any] = {}
    body: msgspec.Raw = msgspec.Raw(b"null")

    def header(self, name: str) -> str | None:
        """A header, in whatever case it was sent."""
        wanted = name.lower()
        found = (str(value) for key, value in self.headers.items() if key.lower() == wanted)
        return next(found, None)


class _Envelope(msgspec.Struct):
    responses: list[Answer]


_decode = msgspec.json.Decoder(_Envelope).decode


async def send_parts(
    graph: Graph, root: str, parts: Sequence[Part], *, needs: str, tally: Tally | None = None
) -> dict[str, Answer]:
    """
    Send `parts`, as many batches at a time as the budget allows; return the answers by ID.

    A part that was throttled, or failed in passing, is sent again in another batch, and so is what
    depends on it. An answer that refuses is an answer: whoever asked decides what it means.

    Raises:
        UsageError: More parts depend on one another than a batch takes.
        IdentityError, GraphError, NetworkError: A batch failed, or a part did at every attempt.
    """
    answers: dict[str, Answer] = {}
    left = {part.id: part for part in parts}
    for attempt in range(graph.attempts):
        batches = [
            _send(graph, root, batch, needs, tally or Tally()) for batch in _group(left.values())
        ]
        for found in await gather(*batches):
            answers |= {answer.id: answer for answer in found}
        left = _find_left(left, answers)
        if not left:
            return answers
        if attempt + 1 < graph.attempts:
            graph.budget.pause(_wait(answers[one] for one in left if one in answers))
            if tally is not None:
                tally.retries += len(left)
    one = next(iter(left.values()))
    raise _give_up(one, answers.get(one.id))


async def _send(
    graph: Graph, root: str, parts: list[Part], needs: str, tally: Tally
) -> list[Answer]:
    requests = [_describe(part, {other.id for other in parts}) for part in parts]
    ask = Ask(
        f"{root}/$batch",
        needs,
        method="POST",
        body=msgspec.json.encode({"requests": requests}),
        repeatable=all(part.method == "GET" for part in parts),
        measure=_measure,
        weight=len(parts),
    )
    return await graph.ask(ask, _read, tally)


def _describe(part: Part, sent: set[str]) -> dict[str, Any]:
    described: dict[str, Any] = {"id": part.id, "method": part.method, "url": part.url}
    headers = dict(part.headers or {})
    if part.body is not None:
        described["body"] = part.body
        headers.setdefault("Content-Type", "application/json")
    if headers:
        described["headers"] = headers
    # What was answered in an earlier batch is done, and unknown in this one.
    if after := [one for one in part.after if one in sent]:
        described["dependsOn"] = after
    return described


def _group(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Twenty at a time, and what depends on something in the same batch as that."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        joined = [part]
        for other in part.after:
            if other in groups and groups[other] is not joined:
                joined = [*groups[other], *joined]
        for member in joined:
            groups[member.id] = joined
    batch: list[Part] = []
    for group in {id(group): group for group in groups.values()}.values():
        if len(group) > AT_ONCE:
            raise UsageError(
                f"{len(group)} requests depend on one another, and a batch takes {AT_ONCE}",
                code="option_invalid",
                hint="Send those that others depend on first.",
            )
        if batch and len(batch) + len(group) > AT_ONCE:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch


def _find_left(parts: Mapping[str, Part], answers: Mapping[str, Answer]) -> dict[str, Part]:
    """What has to be sent again."""
    left: dict[str, Part] = {}
    for part in parts.values():
        answer = answers.get(part.id)
        again = _PASSING if part.method == "GET" else {429}
        if answer is None or answer.status in again:
            left[part.id] = part
    for part in parts.values():
        answer = answers.get(part.id)
        if answer is not None and answer.status == 424 and any(one in left for one in part.after):
            left[part.id] = part
    return left


def _wait(answers: Iterable[Answer]) -> float:
    """How long the slowest asks to wait."""
    asked = (read_wait(answer.header("Retry-After")) for answer in answers)
    return min(max((wait for wait in asked if wait is not None), default=1.0), LONGEST_WAIT_S)


def _read(response: Response, url: str) -> list[Answer]:
    try:
        # As for a page: the bodies are skipped.
        str(response.body, "utf-8")
        return _decode(response.body).responses
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GraphError(
            f"{path_of(url)}: the answer is no answer to a batch",
            code="page_malformed",
            status=response.status,
            hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
        ) from error


def _measure(response: Response) -> Outcome:
    """What the parts cost together: each counts as if it had been sent alone."""
    try:
        answers = _decode(response.body).responses
    except msgspec.DecodeError:
        return Outcome(size=len(response.body))
    done = (answer for answer in answers if answer.status != 429)
    units = [_number(answer.header("x-ms-resource-unit")) for answer in done]
    loads = [_number(answer.header("x-ms-throttle-limit-percentage")) for answer in answers]
    refused = [answer for answer in answers if answer.status == 429]
    return Outcome(
        sum(unit for unit in units if unit is not None) or None,
        max((load for load in loads if load is not None), default=None),
        _wait(refused) if refused else None,
        len(response.body),
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _give_up(part: Part, answer: Answer | None) -> GraphError:
    status = answer.status if answer is not None else 200
    problem = f"still {status} after every attempt" if answer is not None else "never answered"
    throttled = status == 429
    return GraphError(
        f"{part.url.partition('?')[0]} in a batch: {problem}",
        code="throttled" if throttled else "graph_unavailable",
        status=status,
        hint="Run it later, or with less else running as the same app.",
    )
