"""A change feed to an address: signed, repeated, given up after a stated time."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import NetworkError, OutputError, UsageError
from graphdaemon.http.response import Headers, Response
from graphdaemon.sync.feed import Delivery, Event
from graphdaemon.sync.webhook import ATTEMPTS, Webhook, WebhookOptions, read_key, sign

NOW = dt.datetime(2026, 11, 8, 12, tzinfo=dt.UTC)
SEEN = "2026-11-08T11:59:00.000000Z"
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
URL = "https://receiver.example/hooks?key=abc"


@dataclass
class Receiver:
    """Answers with what it is told to, and keeps what came."""

    answers: list[Response | NetworkError]
    sent: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        assert (method, url) == ("POST", URL)
        assert body is not None
        self.sent.append((headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, NetworkError):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def answer(status: int, **headers: str) -> Response:
    pairs = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, Headers(pairs), b"")


def delivery(*numbers: int, at: str = SEEN) -> Delivery:
    events = [Event("t", "users", one, "deleted", str(one), at, None, None) for one in numbers]
    return Delivery("t", "users", events)


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "dead.ndjson"


def deliver(receiver: Receiver, letters: Path, told: Delivery, **options: Any) -> Webhook:
    webhook = Webhook(
        WebhookOptions(URL, SECRET, letters, **options),
        receiver,
        now=lambda: NOW,
        sleep=receiver.sleep,
    )
    asyncio.run(webhook.deliver(told))
    return webhook


def test_a_delivery_is_signed(letters: Path) -> None:
    """As Standard Webhooks has it: ID, time and body, with the key behind whsec_."""
    receiver = Receiver([answer(204)])

    deliver(receiver, letters, delivery(7, 8))

    ((headers, body),) = receiver.sent
    assert headers["webhook-id"] == "t/users/7-8"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = b"%b.%b.%b" % (
        headers["webhook-id"].encode(),
        headers["webhook-timestamp"].encode(),
        body,
    )
    digest = hmac.new(bytes(range(24)), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    message = json.loads(body)
    assert message["type"] == "directory.changes"
    assert [one["sequence"] for one in message["data"]] == [7, 8]


def test_the_published_example_has_the_published_signature() -> None:
    """The specification's own secret, ID, time and body."""
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 410, 429, 500, 503, 302])
def test_it_is_repeated_with_the_same_id(letters: Path, status: int) -> None:
    """Longer and longer apart; the receiver tells by the ID that it is the same."""
    receiver = Receiver([answer(status), answer(status), answer(200)])

    deliver(receiver, letters, delivery(1))

    assert len({headers["webhook-id"] for headers, _ in receiver.sent}) == 1
    assert 0.5 <= receiver.waits[0] <= 1 <= receiver.waits[1] <= 2


def test_a_receiver_may_say_how_long_to_wait(letters: Path) -> None:
    """Retry-After counts, up to two minutes."""
    receiver = Receiver([answer(503, Retry_After="17"), answer(200)])

    deliver(receiver, letters, delivery(1))

    assert receiver.waits == [17]


def test_after_some_attempts_the_rest_waits_for_the_next_sync(letters: Path) -> None:
    """Nothing is lost, and nothing is told out of order."""
    lost = NetworkError("no", code="connection_failed")
    receiver = Receiver([lost] * ATTEMPTS)

    with pytest.raises(OutputError, match=r"changes of users from number 5 wait") as caught:
        deliver(receiver, letters, delivery(5))

    assert caught.value.code == "feed_undelivered"
    assert "key=abc" not in str(caught.value)
    assert not letters.exists()


def test_who_asks_for_an_hour_is_asked_in_the_next_sync(letters: Path) -> None:
    """No sync stands still for that long."""
    receiver = Receiver([answer(429, Retry_After="3600")])

    with pytest.raises(OutputError):
        deliver(receiver, letters, delivery(1))

    assert receiver.waits == []


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_the_receiver_will_never_take_is_given_up(letters: Path, status: int) -> None:
    """At once, with the reason, so that what follows can be told."""
    receiver = Receiver([answer(status)])

    webhook = deliver(receiver, letters, delivery(1, 2))

    lines = [json.loads(line) for line in letters.read_bytes().splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2]
    assert {line["reason"] for line in lines} == {f"status {status}"}
    assert webhook.dead == 2


def test_what_was_offered_for_too_long_is_given_up(letters: Path) -> None:
    """After the stated time, and not before."""
    receiver = Receiver([answer(503)] * ATTEMPTS)

    deliver(receiver, letters, delivery(1), patience=59.0)

    assert json.loads(letters.read_bytes())["reason"] == "status 503"


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "https://",
        "https://me@receiver.example/",
        "https://[",
        "ftp://x",
    ],
)
def test_other_addresses_are_refused(letters: Path, url: str) -> None:
    """What is told is who is in the directory: it goes nowhere unencrypted."""
    with pytest.raises(UsageError, match="must be https"):
        Webhook(WebhookOptions(url, SECRET, letters), Receiver([]))


def test_a_secret_that_is_cut_off_is_refused() -> None:
    """Or every signature would be wrong."""
    with pytest.raises(UsageError, match="not base64"):
        read_key("whsec_abc!")


def test_addresses_that_differ_in_their_secret_are_two_feeds(letters: Path) -> None:
    """And the store does not keep it."""
    names = {
        Webhook(WebhookOptions(url, SECRET, letters), Receiver([])).name for url in (URL, f"{URL}2")
    }

    assert len(names) == 2
    assert not any("key" in name for name in names)
