"""
A Graph to pass in as a transport: one collection, its delta and its count, and bad weather.

It answers in the virtual time of ``tests.support.virtual_time``, one request at a time, each at one
instant: what a listing brings can be compared with the directory of that instant. The order of keys
is whatever total order a test wants, pages are as small as it wants, and the directory changes
between any two requests.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from graphdaemon.auth.token import Token
from graphdaemon.errors import NetworkError
from graphdaemon.graph.graph import ATTEMPTS, Graph
from graphdaemon.graph.throttling.budget import Budget
from graphdaemon.http.response import Headers, Response
from tests.support import virtual_time

ROOT = "https://graph.test/v1.0"
DEFAULT = (
    *("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone"),
    *("officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id"),
)
Record = dict[str, Any]
Collation = Callable[[str], Any]


@dataclass
class Weather:
    """
    How likely each trouble is for one request, from 0 to 1.

    ``expired`` is a page link that is refused; ``short`` and ``empty`` are pages with a link behind
    them; ``unlinked`` is a page whose next link was lost; ``change`` is a change of the directory
    between two requests.
    """

    throttled: float = 0
    unavailable: float = 0
    lost: float = 0
    garbled: float = 0
    unauthorized: float = 0
    expired: float = 0
    short: float = 0
    empty: float = 0
    unlinked: float = 0
    change: float = 0
    repeat: float = 0
    retry_after: tuple[str, ...] = ("1", "0.5", "", "Wed, 21 Oct 2015 07:28:00 GMT")


@dataclass
class Lies:
    """
    What the service does besides what it should.

    Attributes:
        ignores: ``$filter`` is ignored.
        withholds: Says of a record whether no range ever brings it.
        refuses: Words in a ``$filter`` that are answered with 400.
        truncates: A chain ends after so many pages.
        link: Makes the next link of another one.
        count: Makes the count of the true one.
        no_count: There is no count.
        no_count_status: With what a count that is not there is answered.
        no_count_at: Of these questions for the count, by their numbers from 0, none is answered.
        count_text: What is answered in place of a count.
        no_delta: There is no delta.
        unfollowed: A property that no delta can select.
        dead_delta: The delta link is not good any more.
        eager_delta: A delta that is to begin with now tells everything first.
        delta_link: Makes the next link of a page of the delta of another one.
        lag: The count is that of so many changes ago.
        endless: Every page has a next link.
        expand: `refused`, `ignored`, or `unnamed` in the context of the page.
        batch_status: What every part of a batch is answered with.
    """

    ignores: bool = False
    withholds: Callable[[Record], bool] | None = None
    refuses: tuple[str, ...] = ()
    truncates: int | None = None
    link: Callable[[str], str] | None = None
    count: Callable[[int], int] = lambda count: count
    no_count: bool = False
    no_count_status: int = 400
    no_count_at: Container[int] = ()
    count_text: str | None = None
    no_delta: bool = False
    unfollowed: str = ""
    dead_delta: bool = False
    eager_delta: bool = False
    delta_link: Callable[[str], str] | None = None
    lag: int = 0
    endless: bool = False
    expand: str = ""
    batch_status: int | None = None


class SentRequest(NamedTuple):
    """A request as it came."""

    method: str
    url: str
    headers: dict[str, str]
    at: float


@dataclass
class _Position:
    """What a page token stands for."""

    select: tuple[str, ...]
    condition: str
    top: int
    after: tuple[Any, str] | None = None
    page: int = 0
    expand: str = ""


@dataclass
class Change:
    """One change: of whom, and of which properties; None for whoever came or went."""

    id: str
    names: frozenset[str] | None


@dataclass
class PretendGraph:
    """
    One collection of one tenant.

    Args:
        records: What is in it; an ID is made where there is none.
        seed: Of every draw.
        collection: Its name.
        key: What it is sorted by, unless ``by_id``.
        collation: Makes of a text what it is sorted by.
        paging: The same for pages alone, where these come in another order than ranges have.
        by_id: Pages come in the order of IDs.
        whole_by_id: Those of everything do, though not those of a range of keys.
        page_cost: Resource units of a page of the collection; all else costs one.
        page_size: Records in a page at most.
        delta_page: Records in a page of the delta.
        latency: Seconds that an answer takes.
        limit: Resource units in ten seconds; None without end.
        tells_load: Answers say how full the bucket is, above 80 %.
        alter: Makes of a record the values that it takes, one after the other, when it changes.
        shows: Makes of a record of the directory what a list shows of it.
        hides: Says of a record whether no list ever shows it.
    """

    records: Iterable[Mapping[str, Any]] = ()
    seed: int = 0
    collection: str = "users"
    key: str = "userPrincipalName"
    collation: Collation = str.casefold
    paging: Collation | None = None
    by_id: bool = False
    whole_by_id: bool = False
    page_cost: float = 1.0
    page_size: int = 999
    delta_page: int = 200
    latency: float = 0.1
    limit: float | None = None
    tells_load: bool = False
    weather: Weather = field(default_factory=Weather)
    lies: Lies = field(default_factory=Lies)
    make: Callable[[random.Random, int], Record] | None = None
    alter: Callable[[random.Random, Record], Iterable[Record]] | None = None
    shows: Callable[[Record], Record] = lambda record: record
    hides: Callable[[Record], bool] = lambda _: False

    def __post_init__(self) -> None:
        self.draws = random.Random(self.seed)
        self.directory: dict[str, Record] = {}
        self.requests: list[SentRequest] = []
        self.bodies: list[bytes] = []
        self.tokens_issued = 1
        self.refused_token = ""
        self.in_flight = 0
        self.most_in_flight = 0
        self.at_last_delta: dict[str, Record] = {}
        self.at_last_list: dict[str, Record] = {}
        self.refused_in_a_row = 0
        self.units = 0.0
        self.refusals = 0
        self._level, self._level_at, self._barrier = 0.0, 0.0, 0.0
        self._refused: dict[str, int] = {}
        self._changes: list[Change] = []
        self._ever: dict[str, set[str]] = {}
        self._sizes = [0]
        self._positions: list[_Position] = []
        self._made = 0
        self._counted = 0
        for record in self.records:
            self.put(dict(record))

    # The directory.

    def put(self, record: Record) -> str:
        """Add or change a record, and return its ID."""
        key = record.get("id") or str(uuid.UUID(int=self.draws.getrandbits(128)))
        old = self.directory.get(key)
        new = {"id": key, **(old or {}), **record}
        changed = None if old is None else {n for n in new if new[n] != old.get(n)}
        self.directory[key] = new
        self._ever.setdefault(key, set()).update(n for n in new if new[n] is not None)
        self._note(key, changed)
        return key

    def remove(self, key: str) -> None:
        """Delete a record."""
        del self.directory[key]
        self._note(key, None)

    def change(self) -> None:
        """Hire, dismiss, rename or change somebody."""
        kind = self.draws.choice("hire dismiss rename change".split())
        if kind == "hire" or not self.directory:
            self._made += 1
            made = self.make(self.draws, self._made) if self.make else {}
            self.put({self.key: f"new{self.draws.random()}", **made})
            return
        chosen = self.draws.choice(sorted(self.directory))
        if kind == "dismiss":
            self.remove(chosen)
        elif kind == "rename":
            made = self.make(self.draws, -1) if self.make else {}
            self.put({"id": chosen, self.key: made.get(self.key, f"r{self.draws.random()}")})
        elif self.alter:
            for values in self.alter(self.draws, self.directory[chosen]):
                self.put({"id": chosen, **values})
        else:
            self.put({"id": chosen, "jobTitle": f"d{self.draws.randrange(9)}"})

    def shown(
        self,
        select: tuple[str, ...] = (),
        condition: str = "",
        directory: dict[str, Record] | None = None,
    ) -> dict[str, Record]:
        """The directory, now or as it was, as a complete listing would show it."""
        names = tuple(dict.fromkeys(("id", *select))) if select else DEFAULT
        test = _compile(condition, self.collation)
        records = self.directory if directory is None else directory
        return {
            key: {name: record.get(name) for name in names}
            for key, record in records.items()
            if test(record)
        }

    def graph(self, *, chains: int = 32, attempts: int = ATTEMPTS, share: float = 1.0) -> Graph:
        """A connection to it."""
        budget = Budget(chains=chains, share=share, now=virtual_time.now)
        return Graph(self, self, budget=budget, attempts=attempts)

    # What a token source does.

    async def token(self) -> Token:
        return Token(f"token-{self.tokens_issued}", 2e9)

    async def renew(self, refused: Token, claims: str | None = None) -> Token:  # noqa: ARG002 - the protocol
        if refused.value == f"token-{self.tokens_issued}":
            self.tokens_issued += 1
        return await self.token()

    # What a transport does.

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        self.requests.append(SentRequest(method, url, dict(headers), virtual_time.now()))
        if body is not None:
            self.bodies.append(body)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency * self.draws.uniform(0.5, 1.5))
            return self.answer(method, url, headers, body)
        finally:
            self.in_flight -= 1

    def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        weather, chance = self.weather, self.draws.random
        if chance() < weather.change:
            self.change()
        units = self.page_cost if urlsplit(url).path.endswith(f"/{self.collection}") else 1.0
        if (refusal := self._charge(url, units)) is not None:
            return refusal
        # A batch is answered as a whole: its parts are throttled one by one.
        if chance() < weather.throttled and not url.endswith("/$batch"):
            after = self.draws.choice(weather.retry_after)
            return _refuse(429, "TooManyRequests", {"Retry-After": after} if after else {})
        if chance() < weather.unavailable:
            return _refuse(self.draws.choice((500, 502, 503, 504)), "UnknownError")
        if chance() < weather.lost:
            raise NetworkError("the connection broke", code="connection_lost")
        token = headers["Authorization"]
        if token == self.refused_token or chance() < weather.unauthorized:
            self.refused_token = token
            return _refuse(401, "InvalidAuthenticationToken")
        answer = self._serve(method, urlsplit(url).path, _options(url), headers, body)
        if self.limit and self.tells_load and self._level > 0.8 * self.limit:
            load = str(round(self._level / self.limit, 3))
            named = [*answer.headers.items(), ("x-ms-throttle-limit-percentage", load)]
            answer = answer._replace(headers=Headers(named))
        if answer.status == 200 and not url.endswith("/$batch"):
            told = Headers([("x-ms-resource-unit", f"{units:g}")])
            others = [one for one in answer.headers.items() if one[0] != "x-ms-resource-unit"]
            answer = answer._replace(headers=Headers([*others, *told.items()]))
        # Half a number is a number: the transport notices by its length, and this stands for it.
        if answer.status == 200 and chance() < weather.garbled and "$count" not in url:
            return answer._replace(body=answer.body[: len(answer.body) // 2])
        return answer

    def _charge(self, url: str, units: float) -> Response | None:
        """Fill the bucket; say no when it runs over."""
        if self.limit is None:
            self.units += units
            return None
        now = virtual_time.now()
        self._level = max(0.0, self._level - (now - self._level_at) * self.limit / 10)
        self._level_at = now
        if now < self._barrier or self._level + units > self.limit:
            self._barrier = max(self._barrier, now + 1)
            self.refusals += 1
            self._refused[url] = self._refused.get(url, 0) + 1
            self.refused_in_a_row = max(self.refused_in_a_row, self._refused[url])
            return _refuse(429, "TooManyRequests", {"Retry-After": "1"})
        self._refused.pop(url, None)
        self._level += units
        self.units += units
        return None

    def _serve(
        self,
        method: str,
        path: str,
        options: dict[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        if method == "POST" and path.endswith("/$batch"):
            return self._serve_batch(json.loads(body or b""), headers)
        rest = path.removeprefix(urlsplit(ROOT).path).strip("/").split("/")
        if rest == [self.collection]:
            return self._serve_list(options)
        if rest == [self.collection, "$count"]:
            number, self._counted = self._counted, self._counted + 1
            refused = self.lies.no_count or number in self.lies.no_count_at
            if headers.get("ConsistencyLevel") != "eventual":
                return _refuse(400, "Request_BadRequest")
            if refused:
                return _refuse(self.lies.no_count_status, "Request_BadRequest")
            return self._serve_count(options)
        if rest == [self.collection, "delta"] and not self.lies.no_delta:
            return self._serve_delta(options)
        if len(rest) >= 2 and rest[0] == self.collection:
            return self._serve_one(rest, options)
        return _refuse(404, "Request_ResourceNotFound")

    def _serve_list(self, options: dict[str, str]) -> Response:
        self.at_last_list = dict(self.directory)
        lies, token = self.lies, options.get("$skiptoken")
        if token is not None:
            if self.draws.random() < self.weather.expired:
                return _refuse(400, "Directory_ExpiredPageToken")
            position = self._positions[int(token)]
        else:
            condition = options.get("$filter", "")
            if any(word in condition for word in lies.refuses):
                return _refuse(400, "Request_UnsupportedQuery")
            select = tuple(name for name in options.get("$select", "").split(",") if name)
            top = min(int(options.get("$top", 100)), self.page_size)
            expand = options.get("$expand", "").partition("(")[0]
            if expand and lies.expand == "refused":
                return _refuse(400, "Request_UnsupportedQuery")
            if expand:
                top = min(top, 100)
            position = _Position(select, condition, top, expand=expand)
        rows, after, more = self._find(position)
        link = None
        lost = self.weather.unlinked and self.draws.random() < self.weather.unlinked
        if (more and position.page + 1 != lies.truncates and not lost) or lies.endless:
            self._positions.append(replace(position, after=after, page=position.page + 1))
            link = f"{ROOT}/{self.collection}?$skiptoken={len(self._positions) - 1}"
            link = lies.link(link) if lies.link else link
        names = position.select or DEFAULT
        shown = map(self.shows, rows)
        expand = position.expand if lies.expand != "ignored" else ""
        records = [
            {name: record.get(name) for name in names} | _expanded(record, expand)
            for record in shown
        ]
        context = f"{ROOT}/$metadata#users({expand}())" if expand and not lies.expand else ""
        named = {"@odata.context": context} if context else {}
        return _answer({**named, **({"@odata.nextLink": link} if link else {}), "value": records})

    def _find(self, position: _Position) -> tuple[list[Record], tuple[Any, str] | None, bool]:
        """A page's records, behind what the next begins, and whether there is a next."""
        lies, top = self.lies, position.top
        test = _compile("" if lies.ignores else position.condition, self.collation)
        withholds = lies.withholds if self.key in position.condition else None
        rows = sorted(
            (
                (self._place(record, position.condition), record)
                for record in self.directory.values()
                if test(record) and not self.hides(record) and not (withholds and withholds(record))
            ),
            key=lambda row: row[0],
        )
        if position.after is not None:
            rows = [row for row in rows if row[0] > position.after]
        if self.draws.random() < self.weather.short:
            top = max(1, top // 2)
        if rows and self.draws.random() < self.weather.empty:
            return [], position.after, True
        page, rest = rows[:top], rows[top:]
        return [record for _, record in page], page[-1][0] if page else None, bool(rest)

    def _place(self, record: Record, condition: str) -> tuple[Any, str]:
        by_id = self.by_id or (self.whole_by_id and not condition)
        value = None if by_id else record.get(self.key)
        place = self.paging or self.collation
        return ((0,) if value is None else (1, place(value))), record["id"]

    def _serve_count(self, options: dict[str, str]) -> Response:
        condition = options.get("$filter", "")
        if condition:
            count = sum(map(_compile(condition, self.collation), self.directory.values()))
        else:
            count = self._sizes[max(0, len(self._sizes) - 1 - self.lies.lag)]
        text = self.lies.count_text
        text = str(self.lies.count(count)) if text is None else text
        body = b"\xef\xbb\xbf" + text.encode()
        return Response(200, Headers([("Content-Type", "text/plain")]), body)

    def _serve_delta(self, options: dict[str, str]) -> Response:
        now = len(self._changes)
        token = options.get("$skiptoken") or options.get("$deltatoken", "latest")
        if "$skiptoken" in options and self.draws.random() < self.weather.expired:
            return _refuse(400, "Directory_ExpiredPageToken")
        if token != "latest":
            since, at, until, select = json.loads(bytes.fromhex(token))
            if self.lies.dead_delta:
                return _refuse(410, "syncStateNotFound")
        else:
            select = [name for name in options.get("$select", "").split(",") if name]
            if self.lies.unfollowed in select:
                return _refuse(400, "Request_UnsupportedQuery")
            from_now = "$deltatoken" in options and not self.lies.eager_delta
            since, at, until = now if from_now else -1, 0, None
        # What changes while a round is told over several pages, the next round tells again.
        until = now if until is None else until
        self.at_last_delta = dict(self.directory)
        items = self._tell(since, select)
        page = items[at : at + self.delta_page]
        if self.weather.repeat and self.draws.random() < self.weather.repeat:
            page = [*page, *page]
            self.draws.shuffle(page)
        base = f"{ROOT}/{self.collection}/delta?"
        if at + self.delta_page < len(items):
            place = [since, at + self.delta_page, until, select]
            ahead = f"{base}$skiptoken={json.dumps(place).encode().hex()}"
            link = {"@odata.nextLink": (self.lies.delta_link or str)(ahead)}
        else:
            place = [until, 0, None, select]
            link = {"@odata.deltaLink": f"{base}$deltatoken={json.dumps(place).encode().hex()}"}
        return _answer({**link, "value": page})

    def _tell(self, since: int, select: list[str]) -> list[Record]:
        if since < 0:
            changed = list(self.directory)
        else:
            news = self._changes[since:]
            counts = [one.id for one in news if _concerns(one, select)]
            changed = list(dict.fromkeys(counts))
        names = tuple(dict.fromkeys(("id", *select))) if select else DEFAULT
        items: list[Record] = []
        for one in changed:
            record = self.directory.get(one)
            if record is None:
                items.append({"id": one, "@removed": {"reason": "changed"}})
            else:
                ever = self._ever[one]
                items.append({name: record.get(name) for name in names if name in ever})
        return items

    def _serve_one(self, rest: list[str], options: dict[str, str]) -> Response:
        record = self.directory.get(rest[1])
        if record is None:
            return _refuse(404, "Request_ResourceNotFound")
        if len(rest) == 2:
            select = tuple(name for name in options.get("$select", "").split(",") if name)
            return _answer({name: record.get(name) for name in select or DEFAULT})
        related = record.get(rest[2])
        if isinstance(related, list):
            if "$skiptoken" in options and self.draws.random() < self.weather.expired:
                return _refuse(400, "Directory_ExpiredPageToken")
            at = int(options.get("$skiptoken", 0))
            page = related[at : at + self.page_size]
            link = f"{ROOT}/{'/'.join(rest)}?$skiptoken={at + self.page_size}"
            more = at + self.page_size < len(related)
            return _answer({**({"@odata.nextLink": link} if more else {}), "value": page})
        return _refuse(404, "Request_ResourceNotFound") if related is None else _answer(related)

    def _serve_batch(self, envelope: Record, headers: Mapping[str, str]) -> Response:
        answers: list[Record] = []
        for part in envelope["requests"]:
            url = f"{ROOT}/{part['url'].lstrip('/')}"
            inner = {**part.get("headers", {}), "Authorization": headers["Authorization"]}
            failed = {one["id"] for one in answers if one["status"] >= 400}
            if self.lies.batch_status is not None:
                answer = _refuse(self.lies.batch_status, "UnknownError")
            elif failed & set(part.get("dependsOn", ())):
                answer = _refuse(424, "FailedDependency")
            elif self.draws.random() < self.weather.throttled:
                answer = _refuse(429, "TooManyRequests", {"Retry-After": "1"})
            else:
                path = urlsplit(url).path
                answer = self._serve(part["method"], path, _options(url), inner, None)
            shown = dict(answer.headers.items())
            shown["x-ms-resource-unit"] = "1"
            answers.append(
                {
                    "id": part["id"],
                    "status": answer.status,
                    "headers": shown,
                    "body": json.loads(answer.body),
                }
            )
        self.draws.shuffle(answers)
        return _answer({"responses": answers})

    def _note(self, key: str, names: set[str] | None) -> None:
        self._changes.append(Change(key, None if names is None else frozenset(names)))
        self._sizes.append(len(self.directory))


def _expanded(record: Record, name: str) -> Record:
    """What is there, and more of it than was selected, as Graph shows it ("Known issues")."""
    value = record.get(name) if name else None
    return {name: {"mail": None, **value}} if value else {}


def _concerns(change: Change, select: list[str]) -> bool:
    return change.names is None or not select or not change.names.isdisjoint(select)


def _options(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _answer(body: object) -> Response:
    headers = {"Content-Type": "application/json", "x-ms-resource-unit": "1"}
    return Response(200, Headers(headers.items()), json.dumps(body, ensure_ascii=False).encode())


def _refuse(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"error": {"code": code, "message": "No."}}).encode()
    return Response(status, Headers((headers or {}).items()), body)


_WORDS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z]\w*)|([(),])")


def _compile(condition: str, collation: Collation) -> Callable[[Record], bool]:
    """The few forms of ``$filter`` that listings need: or, and, ge, le, eq, in, startswith."""
    words = [
        ("text", text.replace("''", "'")) if word is None and sign is None else ("", word or sign)
        for text, word, sign in ((m[1], m[2], m[3]) for m in _WORDS.finditer(condition))
    ]
    if not words:
        return lambda _: True
    test, rest = _read(words, collation)
    assert not rest, f"cannot read {condition}"
    return test


def _read(words: list[Any], collation: Collation) -> tuple[Callable[[Record], bool], list[Any]]:
    tests = []
    test, rest = _read_all(words, collation)
    while rest and rest[0] == ("", "or"):
        tests.append(test)
        test, rest = _read_all(rest[1:], collation)
    if not tests:
        return test, rest
    tests.append(test)
    return lambda record: any(one(record) for one in tests), rest


def _read_all(words: list[Any], collation: Collation) -> tuple[Callable[[Record], bool], list[Any]]:
    test, rest = _read_one(words, collation)
    while rest and rest[0] == ("", "and"):
        first = test
        second, rest = _read_one(rest[1:], collation)

        def both(
            record: Record,
            first: Callable[[Record], bool] = first,
            second: Callable[[Record], bool] = second,
        ) -> bool:
            return first(record) and second(record)

        test = both
    return test, rest


def _read_one(words: list[Any], collation: Collation) -> tuple[Callable[[Record], bool], list[Any]]:
    if words[0] == ("", "("):
        test, rest = _read(words[1:], collation)
        return test, rest[1:]
    if words[0] == ("", "startswith"):
        name, start = words[2][1], words[4][1].casefold()
        return lambda r: (r.get(name) or "").casefold().startswith(start), words[6:]
    name, operator = words[0][1], words[1][1]
    if operator == "in":
        end = words.index(("", ")"))
        values = {text for kind, text in words[3:end] if kind == "text"}
        return lambda r: r.get(name) in values, words[end + 1 :]
    value: Any = (
        words[2][1] if words[2][0] == "text" else {"true": True, "false": False}[words[2][1]]
    )
    if operator == "eq":
        return lambda r: r.get(name) == value, words[3:]
    bound = collation(value)
    if operator == "ge":
        return lambda r: r.get(name) is not None and collation(r[name]) >= bound, words[3:]
    return lambda r: r.get(name) is not None and collation(r[name]) <= bound, words[3:]
