"""
Send up to twenty requests in one (`$batch`); each is answered, and where needed repeated, alone.

Source: "Combine multiple HTTP requests using JSON batching" on learn.microsoft.com. The status of
the whole answer is 200 even if parts of it failed. A part that was throttled has a status and a
`Retry-After` header of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.graph import Graph, GraphRequest, Tally
from graphdaemon.graph.headers import LONGEST_WAIT_S, read_cost, read_load, read_wait
from graphdaemon.graph.links import altered, path_of
from graphdaemon.graph.refused import describe_wait
from graphdaemon.graph.throttling.budget import Outcome
from graphdaemon.http.response import Response
from graphdaemon.received.json import check_depth

BATCH_SIZE = 20
"""The most requests that Graph takes in one batch."""

# Statuses that may be gone at the next attempt. Only after a 429 is it certain that Graph changed
# nothing, so a part that writes is repeated after a 429 alone.
_PASSING = frozenset({429, 500, 502, 503, 504})


class Part(NamedTuple):
    """
    One request of a batch.

    Attributes:
        id: The name of this part; its answer has the same `id`.
        url: Path and options below the version, such as `/users/x/manager`.
        method: The HTTP method.
        headers: The headers of this part; Graph does not apply those of the batch to its parts.
        body: The content, which is encoded as JSON; None for none.
        after: The `id`s of the parts that must succeed before this one is begun.
    """

    id: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: object = None
    after: tuple[str, ...] = ()


class PartAnswer(msgspec.Struct):
    """
    The answer to one part of a batch.

    Attributes:
        id: The `id` of the part that is answered.
        status: The HTTP status.
        headers: The headers of this part's answer.
        body: The body as JSON text; a body that is not JSON arrives as a string in base64.
    """

    id: str
    status: int
    headers: dict[str, Any] = {}
    body: msgspec.Raw = msgspec.Raw(b"null")

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever case its name was sent in; None if absent."""
        lowered = name.lower()
        values = (str(value) for key, value in self.headers.items() if key.lower() == lowered)
        return next(values, None)


class _Envelope(msgspec.Struct):
    responses: list[PartAnswer]


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


async def send_parts(
    graph: Graph, root: str, parts: Sequence[Part], *, needs: str, tally: Tally | None = None
) -> dict[str, PartAnswer]:
    """
    Send `parts`, as many batches at a time as the budget allows; return the answers by `id`.

    A part that was throttled is sent again in another batch; so is a part that only reads and that
    was answered by 500, 502, 503 or 504, and so are the parts that depend on one of these. Any
    other refusal is returned as an answer, because only the caller knows what it means.

    Args:
        graph: What sends the batches.
        root: Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`.
        parts: The requests; each `id` is used once.
        needs: The application permission that an error names if it is missing.
        tally: Where requests, retries and resource units are counted.

    Raises:
        UsageError: More parts depend on one another than fit into one batch.
        IdentityError, GraphError, NetworkError: A batch failed, or a part failed at every attempt.
    """
    answers: dict[str, PartAnswer] = {}
    unanswered = {part.id: part for part in parts}
    tally = tally or Tally()
    for attempt in range(graph.attempts):
        batches = [_send(graph, root, batch, needs, tally) for batch in _group(unanswered.values())]
        for batch_answers in await gather(*batches):
            answers |= {answer.id: answer for answer in batch_answers}
        unanswered = _list_unanswered(unanswered, answers)
        if not unanswered:
            return answers
        wait = _read_waits(answers[key] for key in unanswered if key in answers)
        if wait > LONGEST_WAIT_S:
            break
        if attempt + 1 < graph.attempts:
            graph.budget.pause(wait)
            tally.retries += len(unanswered)
    part = next(iter(unanswered.values()))
    raise _give_up(part, answers.get(part.id), wait)


async def _send(
    graph: Graph, root: str, parts: list[Part], needs: str, tally: Tally
) -> list[PartAnswer]:
    requests = [_describe(part, {other.id for other in parts}) for part in parts]
    request = GraphRequest(
        f"{root}/$batch",
        needs,
        method="POST",
        body=msgspec.json.encode({"requests": requests}),
        repeatable=all(part.method == "GET" for part in parts),
        measure=_measure,
        weight=len(parts),
    )
    return await graph.ask(request, read_parts, tally)


def _describe(part: Part, sent: set[str]) -> dict[str, Any]:
    described: dict[str, Any] = {"id": part.id, "method": part.method, "url": part.url}
    headers = dict(part.headers or {})
    if part.body is not None:
        described["body"] = part.body
        headers.setdefault("Content-Type", "application/json")
    if headers:
        described["headers"] = headers
    # Graph refuses a batch that names a part of an earlier batch, and that part has succeeded.
    if depends_on := [key for key in part.after if key in sent]:
        described["dependsOn"] = depends_on
    return described


def _group(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Divide the parts into batches such that a part is sent together with those it depends on."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups[part.id] = [part]
        for other in part.after:
            if other in groups and groups[other] is not groups[part.id]:
                joined = [*groups[other], *groups[part.id]]
                groups |= {member.id: joined for member in joined}
    batch: list[Part] = []
    for group in {id(group): group for group in groups.values()}.values():
        if len(group) > BATCH_SIZE:
            raise UsageError(
                f"{len(group)} requests depend on one another, and a batch takes {BATCH_SIZE}",
                code="option_invalid",
                hint="Send those that others depend on first.",
            )
        if batch and len(batch) + len(group) > BATCH_SIZE:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch


def _list_unanswered(
    parts: Mapping[str, Part], answers: Mapping[str, PartAnswer]
) -> dict[str, Part]:
    """List the parts that have to be sent again."""
    unanswered: dict[str, Part] = {}
    for part in parts.values():
        answer = answers.get(part.id)
        passing = _PASSING if part.method == "GET" else {429}
        if answer is None or answer.status in passing:
            unanswered[part.id] = part
    for part in parts.values():
        answer = answers.get(part.id)
        # 424 means that a part failed on which this one depends.
        if answer and answer.status == 424 and not unanswered.keys().isdisjoint(part.after):
            unanswered[part.id] = part
    return unanswered


def _read_waits(answers: Iterable[PartAnswer]) -> float:
    """Return the longest wait, in seconds, that one of `answers` asks for; 1 if none asks."""
    waits = (read_wait(answer.header("Retry-After")) for answer in answers)
    return max((wait for wait in waits if wait is not None), default=1.0)


def read_parts(response: Response, url: str) -> list[PartAnswer]:
    """
    Return the answers to the parts of a batch.

    Raises:
        GraphError: `page_malformed`, if the body is not an answer to a batch.
    """
    try:
        return _decode(response.body)
    except ValueError as error:
        problem = f"{path_of(url)}: the answer is not that to a batch"
        raise altered(problem, response.status) from error


def _decode(body: bytes) -> list[PartAnswer]:
    """Return the answers to the parts; raise ValueError if `body` is not an answer to a batch."""
    check_depth(body)
    answers = _decode_envelope(body).responses
    # The bodies are not decoded here, as the records of a page are not: check that all is UTF-8.
    str(body, "utf-8")
    for answer in answers:
        if not 100 <= answer.status <= 599:
            raise ValueError("a part has a status that HTTP does not have")
    return answers


def _measure(response: Response) -> Outcome:
    """Add up the costs of the parts, each of which costs as much as if it had been sent alone."""
    try:
        answers = _decode(response.body)
    except ValueError:
        return Outcome(size=len(response.body))
    # Graph does not charge for what it refuses.
    charged = (answer for answer in answers if answer.status != 429)
    units = [read_cost(answer.header("x-ms-resource-unit")) for answer in charged]
    loads = [read_load(answer.header("x-ms-throttle-limit-percentage")) for answer in answers]
    refused = [answer for answer in answers if answer.status == 429]
    return Outcome(
        sum(unit for unit in units if unit is not None) or None,
        max((load for load in loads if load is not None), default=None),
        min(_read_waits(refused), LONGEST_WAIT_S) if refused else None,
        len(response.body),
    )


def _give_up(part: Part, answer: PartAnswer | None, wait: float) -> GraphError:
    # A part without an answer was left out of the answer to the batch, whose status is 200.
    status = answer.status if answer is not None else 200
    if wait > LONGEST_WAIT_S:
        # The wait may have been asked for in the answer to another part.
        problem = describe_wait(wait)
    else:
        problem = f"still {status} after every attempt" if answer else "never answered"
    return GraphError(
        f"{part.url.partition('?')[0]} in a batch: {problem}",
        code="throttled" if status == 429 else "graph_unavailable",
        status=status,
        hint="Run it later, or with less else running as the same app.",
    )
