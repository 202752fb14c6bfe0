import base64
import gzip
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.faults.fault import Fault
from tests.support.emulator_probe import Answer, App, Probe, register

USERS = list(draw_users(250, 0))
ODATA = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
JSON = {"Content-Type": "application/json"}
Send = Callable[..., Answer]
Run = Callable[..., dict[str, Any]]


def make_sender(app: App, token: str) -> Send:
    def send(*requests: Any, version: str = "v1.0", body: Any = None) -> Answer:
        content = {"requests": list(requests)} if body is None else body
        headers = {"Authorization": f"Bearer {token}", **JSON}
        data = content if isinstance(content, bytes) else msgspec.json.encode(content)
        return app.probe.send("POST", f"/{version}/$batch", headers=headers, body=data)

    return send


@pytest.fixture(scope="module")
def send(app: App, token: str) -> Send:
    return make_sender(app, token)


@pytest.fixture(scope="module")
def run(send: Send) -> Run:
    """The answers of a batch by the IDs of its requests."""

    def run_batch(*requests: Any, **options: Any) -> dict[str, Any]:
        answer = send(*requests, **options)
        assert answer.status == 200, answer.body
        responses = answer.json()["responses"]
        assert len(responses) == len(requests)
        return {response["id"]: response for response in responses}

    return run_batch


def get(key: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "method": "GET", "url": url, **more}


def post(key: str, url: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"id": key, "method": "POST", "url": url, "body": body, "headers": JSON, **more}


def test_answers(send: Send, app: App) -> None:
    """A batch is 200 with an answer for every request, each with its own status."""
    answer = send(
        get("1", "/users?$select=id&$top=1"),
        get("2", f"/users/{USERS[0]['id']}"),
        get("3", "/users/nobody@contoso.example"),
        get("4", "/nothing"),
        {"id": "5", "method": "PUT", "url": "/users", "body": {}, "headers": JSON},
    )

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["responses"]
    answers = {one["id"]: one for one in answer.json()["responses"]}
    assert {key: one["status"] for key, one in answers.items()} == {
        "1": 200,
        "2": 200,
        "3": 404,
        "4": 400,
        "5": 405,
    }
    assert {tuple(one) for one in answers.values()} == {("id", "status", "headers", "body")}
    page = answers["1"]["body"]
    assert page["value"] == [{"id": USERS[0]["id"]}]
    link = page["@odata.nextLink"]
    assert link.startswith(f"{app.probe.emulator.url}/v1.0/users?$select=id&$top=1&$skiptoken=")


def test_link_inside(app: App, token: str, run: Run) -> None:
    """The link of a page that came in a batch leads on outside of it."""
    page = run(get("1", "users?$top=2"))["1"]["body"]

    after = app.get(page["@odata.nextLink"], token).json()["value"]
    assert [user["id"] for user in after] == [user["id"] for user in USERS[2:4]]


def test_headers(run: Run) -> None:
    """An answer inside carries the few headers that captures show, in their order."""
    answers = run(get("1", "/users?$top=1"), get("2", "/users/x@y.example"), get("3", "/nothing"))

    assert list(answers["1"]["headers"].items()) == [
        ("Cache-Control", "no-cache"),
        ("x-ms-resource-unit", "1"),
        ("OData-Version", "4.0"),
        ("Content-Type", ODATA),
    ]
    assert list(answers["2"]["headers"].items()) == [
        ("Cache-Control", "no-cache"),
        ("x-ms-resource-unit", "1"),
        ("Content-Type", "application/json"),
    ]
    assert answers["3"]["headers"] == {"Content-Type": "application/json"}


def test_request_id(send: Send) -> None:
    """Refusals inside name the request ID of the batch."""
    answer = send(get("1", "/nothing"), get("2", "/users/x@y.example"))

    errors = [one["body"]["error"]["innerError"] for one in answer.json()["responses"]]
    assert {error["request-id"] for error in errors} == {answer.headers["request-id"]}
    assert {error["client-request-id"] for error in errors} == {answer.headers["client-request-id"]}


def test_order(send: Send) -> None:
    """Answers come in an order of their own, which is the same for the same batch."""
    requests = [get(str(number), "/users?$top=1&$select=id") for number in range(20)]

    orders = [[one["id"] for one in send(*requests).json()["responses"]] for _ in range(2)]
    assert orders[0] == orders[1]
    assert orders[0] != [str(number) for number in range(20)]
    assert sorted(orders[0], key=int) == [str(number) for number in range(20)]


def test_own_headers(run: Run) -> None:
    """What a request needs stands in its own headers, whatever the case."""
    answers = run(
        get("1", "/users/$count"),
        get("2", "/users/$count", headers={"consistencylevel": "eventual"}),
        get("3", "/users?$top=1", headers={"Accept": "application/json;odata.metadata=none"}),
    )

    assert answers["1"]["status"] == 400
    assert answers["2"]["headers"]["Content-Type"].startswith("text/plain")
    assert base64.b64decode(answers["2"]["body"]) == b"250"
    assert "@odata.context" not in answers["3"]["body"]


def test_foreign_authorization(run: Run) -> None:
    """Who asks is who sent the batch."""
    answers = run(get("1", "/users?$top=1", headers={"Authorization": "Bearer nobody"}))

    assert answers["1"]["status"] == 200


def test_unencoded_address(run: Run) -> None:
    """An address may hold blanks and any letter as they are."""
    answers = run(
        get("1", "/users?$filter=displayName eq 'Zoë Söhne #1'&$select=id"),
        get("2", "/users?$filter=startswith(displayName,'A')&$select=id&$top=1"),
        get("3", "/users?%24top=1"),
    )

    assert {one["status"] for one in answers.values()} == {200}
    assert answers["1"]["body"]["value"] == []


def test_version(run: Run) -> None:
    """Addresses are below the batch's own version, and name none."""
    absolute = get("3", "https://graph.microsoft.com/v1.0/users")
    answers = run(get("1", "/v1.0/users"), get("2", "/users?$top=1"), absolute, version="beta")

    assert [answers[key]["status"] for key in "123"] == [400, 200, 400]
    message = answers["1"]["body"]["error"]["message"]
    assert message == "Resource not found for the segment 'v1.0'."
    assert answers["2"]["body"]["@odata.context"].endswith("/beta/$metadata#users")


def test_permissions(probe: Probe, app: App) -> None:
    """Every request inside is judged by itself; the batch as such needs nothing."""
    nobody = register(probe)
    run = make_sender(nobody, nobody.token())
    answer = run(get("1", "/users"), get("2", "/nothing"))

    assert answer.status == 200
    assert sorted(one["status"] for one in answer.json()["responses"]) == [400, 403]
    assert app.probe.send("POST", "/v1.0/$batch", body=b"{}").status == 401


@pytest.fixture(scope="module")
def edit(probe: Probe) -> Run:
    """A batch by who may write."""
    writer = register(probe, "Directory.ReadWrite.All", "User.ReadWrite.All")
    send = make_sender(writer, writer.token())

    def run_batch(*requests: Any) -> dict[str, Any]:
        answer = send(*requests)
        assert answer.status == 200, answer.body
        return {response["id"]: response for response in answer.json()["responses"]}

    return run_batch


def test_writes(edit: Run) -> None:
    """Actions and deletions work inside; who answers nothing has null for a body."""
    user = USERS[7]["id"]
    answers = edit(
        post("1", f"/users/{user}/getMemberGroups", {"securityEnabledOnly": False}),
        post("2", "/directoryObjects/getByIds", {"ids": [user]}),
    )

    assert answers["1"]["status"] == 200
    assert answers["1"]["headers"]["Location"] == "https://graph.microsoft.com"
    assert answers["2"]["body"]["value"][0]["id"] == user


def test_malformed_item(run: Run) -> None:
    """A body that cannot be read is that request's own trouble."""
    binary = {**post("1", "/directoryObjects/getByIds", "!"), "headers": {"Content-Type": "x/y"}}
    answers = run(binary, get("2", "/users?$top=1"), post("3", "/directoryObjects/getByIds", []))

    assert [answers[key]["status"] for key in "123"] == [400, 200, 400]


def test_nested(run: Run) -> None:
    """A batch in a batch is refused there."""
    answers = run(post("1", "/$batch", {"requests": []}), get("2", "/users?$top=1"))

    assert [answers[key]["status"] for key in "12"] == [400, 200]


def test_sequence(edit: Run, probe: Probe) -> None:
    """Requests that depend on each other run one after the other."""
    answers = edit(
        get("a", "/users?$top=1"),
        get("B", "/users?$top=1", dependsOn=["A"]),
        get("c", "/users?$top=1", dependsOn=["b"]),
    )

    assert {one["status"] for one in answers.values()} == {200}


def test_failed_dependency(run: Run) -> None:
    """Behind a request that failed nothing runs any more; it is 424 all the way down."""
    chain = run(
        get("1", "/users/x@y.example"),
        get("2", "/users?$top=1", dependsOn=["1"]),
        get("3", "/users?$top=1", dependsOn=["2"]),
    )
    assert [chain[key]["status"] for key in "123"] == [404, 424, 424]
    error = chain["2"]["body"]["error"]
    assert (error["code"], error["message"]) == ("FailedDependency", "")
    fan = run(
        get("1", "/users?$top=1"),
        get("2", "/users/x@y.example", dependsOn=["1"]),
        get("3", "/users?$top=1", dependsOn=["1"]),
    )
    assert [fan[key]["status"] for key in "123"] == [200, 404, 200]


@pytest.fixture
def shaky(launch: Callable[..., Probe]) -> tuple[Probe, Run]:
    """An emulator whose limits are met soon and whose clock stands still, and batches to it."""
    probe = launch(users=3, throttle_scale=0.01, clock=Clock(at=1_800_000_000))
    app = register(probe, "Directory.Read.All", "User.ReadWrite.All")
    send = make_sender(app, app.token())

    def run_batch(*requests: Any) -> dict[str, Any]:
        answer = send(*requests)
        assert answer.status == 200, answer.body
        return {response["id"]: response for response in answer.json()["responses"]}

    return probe, run_batch


def test_throttled_inside(shaky: tuple[Probe, Run]) -> None:
    """One request of a batch is throttled and says how long to wait; the others are not."""
    probe, run = shaky
    fault = Fault(kind="status", status=429, retry_after=7)
    probe.emulator.faults.fail_next(1, fault, route="GET /groups")
    answers = run(get("1", "/users?$top=1"), get("2", "/groups"), get("3", "/groups"))

    assert {key: one["status"] for key, one in answers.items()} == {"1": 200, "2": 429, "3": 200}
    assert answers["2"]["headers"]["Retry-After"] == "7"
    assert answers["2"]["body"]["error"]["code"] == "TooManyRequests"


def test_limit_inside(shaky: tuple[Probe, Run]) -> None:
    """Each request of a batch counts against the limits, and is refused by itself."""
    answers = shaky[1](*(get(str(number), "/users") for number in range(20)))

    refused = [one for one in answers.values() if one["status"] == 429]
    assert len(refused) == 3  # 40 units of 35
    assert {one["status"] for one in answers.values()} == {200, 429}
    names = {"Retry-After", "x-ms-throttle-scope", "x-ms-throttle-information"}
    assert all(names <= set(one["headers"]) for one in refused)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(kind="reset"), 503),
        (Fault(kind="reset", when="during"), 504),
        (Fault(kind="truncated"), 504),
        (Fault(kind="malformed"), 504),
        (Fault(kind="drip"), 504),
    ],
)
def test_broken_inside(shaky: tuple[Probe, Run], fault: Fault, status: int) -> None:
    """What would break a connection is a 503 or a 504 inside a batch."""
    probe, run = shaky
    probe.emulator.faults.fail_next(1, fault, route="/users*")
    answers = run(get("1", "/users"), get("2", "/groups"))

    assert {key: one["status"] for key, one in answers.items()} == {"1": status, "2": 200}


def test_compressed(app: App, token: str) -> None:
    """A batch is compressed as a whole, and nothing inside of it."""
    requests = [get("1", "/users"), get("2", "/x"), get("3", "/$batch"), get("4", "/users")]
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip", **JSON}
    answer = app.probe.send(
        "POST", "/v1.0/$batch", headers=headers, body=msgspec.json.encode({"requests": requests})
    )

    assert answer.headers["content-encoding"] == "gzip"
    answers = msgspec.json.decode(gzip.decompress(answer.body))["responses"]
    assert {one["id"]: one["status"] for one in answers} == {"1": 200, "2": 400, "3": 400, "4": 200}


TWENTY_ONE = [get(str(number), "/users") for number in range(21)]
BAD = {
    "nothing": (b"{}", "batch_malformed"),
    "list": (b"[]", "batch_malformed"),
    "none": (b'{"requests":[]}', "batch_malformed"),
    "object": (b'{"requests":{}}', "batch_malformed"),
    "number": (b'{"requests":[1]}', "batch_malformed"),
    "no id": ([{"method": "GET", "url": "/users"}], "batch_malformed"),
    "id of no text": ([{"id": True, "method": "GET", "url": "/users"}], "batch_malformed"),
    "no url": ([{"id": "1", "method": "GET"}], "batch_malformed"),
    "no method": ([{"id": "1", "url": "/users"}], "batch_malformed"),
    "headers": ([get("1", "/users", headers=["a"])], "batch_malformed"),
    "header": ([get("1", "/users", headers={"a": 1})], "batch_malformed"),
    "depends": ([get("1", "/users", dependsOn="2")], "batch_malformed"),
    "many": (TWENTY_ONE, "batch_many"),
    "repeated": ([get("a", "/users"), get("A", "/users")], "batch_repeated"),
    "bodyless": ([{"id": "1", "method": "POST", "url": "/users"}], "batch_bodyless"),
    "untyped": ([{"id": "1", "method": "POST", "url": "/users", "body": {}}], "batch_untyped"),
    "unknown": ([get("1", "/users", dependsOn=["9"])], "batch_dependency"),
    "later": ([get("1", "/u", dependsOn=["2"]), get("2", "/u")], "batch_dependency"),
    "itself": ([get("1", "/u", dependsOn=["1"])], "batch_dependency"),
    "mixed": (
        [get("1", "/u"), get("2", "/u", dependsOn=["1"]), get("3", "/u")],
        "batch_mixed",
    ),
    "two": (
        [get("1", "/u"), get("2", "/u"), get("3", "/u", dependsOn=["1", "2"])],
        "batch_mixed",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_envelope(send: Send, name: str) -> None:
    """A bad envelope is refused as a whole, with the recorded texts where there are any."""
    requests, word = BAD[name]
    content = requests if isinstance(requests, bytes) else {"requests": requests}
    answer = send(body=content)

    row = GRAPH_REFUSALS[word]
    assert (answer.status, answer.code) == (400, row.code)
    assert answer.message.startswith(row.message.partition("{")[0])


def test_recorded_texts(send: Send) -> None:
    """The recorded and quoted refusals read word for word."""
    texts = {
        "many": "Number of requests inside batch exceed the limit.",
        "repeated": "Request Id A has to be unique in a batch.",
        "none": "Invalid batch payload format.",
        "bodyless": "Write request id : 1 does not contain Content-Type header or body.",
        "mixed": "Batch should be either fully sequential or fully parallel.",
    }

    for name, text in texts.items():
        requests, _ = BAD[name]
        content = requests if isinstance(requests, bytes) else {"requests": requests}
        assert send(body=content).message == text


def test_twenty(run: Run) -> None:
    """Twenty requests are not too many."""
    assert len(run(*TWENTY_ONE[:20])) == 20
