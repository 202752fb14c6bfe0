"""
A change feed to an HTTPS address: signed, in order, and repeated until a time limit.

Source of the headers and the signature: the Standard Webhooks specification, version 1.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from graphdaemon.errors import NetworkError, OutputError, UsageError
from graphdaemon.graph.graph import Sender
from graphdaemon.graph.headers import read_wait
from graphdaemon.http.response import Response
from graphdaemon.store.times import format_time, now_utc
from graphdaemon.sync.feed import Delivery, Event
from graphdaemon.sync.feed_file import append_lines

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""How often one sync tries a delivery before the rest waits for the next sync."""

LONGEST_WAIT_S = 120.0
"""If a receiver asks to wait for longer, the delivery is tried again in the next sync."""

# The receiver understood what it was sent, and will never take it: nothing is gained by repeating.
_REFUSALS = frozenset({400, 413, 415, 422})
_PREFIX = "whsec_"


class WebhookOptions(NamedTuple):
    """
    How changes are delivered to a webhook.

    Attributes:
        url: The https address.
        secret: The secret with which deliveries are signed.
        dead_letters: The file for changes that could not be delivered.
        patience: How many seconds after a change was seen its delivery is given up.
    """

    url: str
    secret: str
    dead_letters: Path
    patience: float = 3 * 86_400.0


class _FeedMessage(msgspec.Struct):
    type: str
    timestamp: str
    data: list[Event]


class Webhook:
    """
    Sends changes to an address, one delivery after another.

    Args:
        options: How changes are delivered.
        sender: Carries the requests.
        now: Returns the current time in UTC.
        sleep: Waits this many seconds between attempts.

    Attributes:
        dead: How many changes could not be delivered.

    Raises:
        UsageError: The address is not https or contains a user name, or the secret has the wrong
            form.
    """

    most = 100

    def __init__(
        self,
        options: WebhookOptions,
        sender: Sender,
        *,
        now: Callable[[], datetime] = now_utc,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._options = options
        self._sender = sender
        self._now = now
        self._sleep = sleep
        self._key = read_key(options.secret)
        self._shown = show_address(options.url)
        # The whole address may hold a secret, and two addresses may differ in that alone.
        digest = hashlib.sha256(options.url.encode()).hexdigest()[:16]
        self.name = f"{self._shown}#{digest}"
        self.dead = 0

    async def deliver(self, delivery: Delivery) -> None:
        """
        Send some changes until the receiver accepts them or the delivery is given up.

        Raises:
            OutputError: The receiver did not accept them, and they wait for the next sync. Or the
                file for undelivered changes cannot be written.
        """
        body = msgspec.json.encode(
            _FeedMessage("directory.changes", format_time(self._now()), list(delivery.events))
        )
        reason = ""
        for attempt in range(1, ATTEMPTS + 1):
            response = await self._send(delivery, body)
            if isinstance(response, Response) and 200 <= response.status < 300:
                return
            reason, wait = _read_refusal(response, attempt)
            if isinstance(response, Response) and response.status in _REFUSALS:
                self._give_up(delivery, reason)
                return
            if attempt == ATTEMPTS or wait > LONGEST_WAIT_S:
                break
            logger.warning("%s: %s; again in %.1f s", self._shown, reason, wait)
            await self._sleep(wait)
        seen = datetime.fromisoformat(delivery.events[0].at)
        if (self._now() - seen).total_seconds() > self._options.patience:
            self._give_up(delivery, reason)
            return
        raise OutputError(
            f"{self._shown} did not accept the change feed: {reason}; changes of "
            f"{delivery.collection} from number {delivery.first} wait for the next sync",
            code="feed_undelivered",
            hint="Look into the log of the receiver. The next sync delivers the changes that wait.",
        )

    async def _send(self, delivery: Delivery, body: bytes) -> Response | NetworkError:
        key = f"{delivery.tenant}/{delivery.collection}/{delivery.first}-{delivery.last}"
        seconds = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": seconds,
            "webhook-signature": sign(self._key, key, seconds, body),
        }
        try:
            return await self._sender.send("POST", self._options.url, headers, body)
        except NetworkError as error:
            return error

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        append_lines(
            self._options.dead_letters,
            delivery.lines(reason=reason, given_up=format_time(self._now())),
        )
        self.dead += len(delivery.events)
        logger.warning(
            "%s: %d changes of %s were given up, and are in %s: %s",
            self._shown,
            len(delivery.events),
            delivery.collection,
            self._options.dead_letters,
            reason,
        )


def read_key(secret: str) -> bytes:
    """
    Return the key that a secret means.

    Raises:
        UsageError: It begins as a secret of Standard Webhooks, and is none.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raise UsageError(
            "the secret of the change feed begins with whsec_, but what follows is not base64",
            code="option_invalid",
            hint="Copy the secret again: whsec_ is followed by 24 to 64 bytes in base64.",
        ) from None


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message as the header `webhook-signature` has it."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def show_address(url: str) -> str:
    """
    Return an address without what may be a secret.

    Raises:
        UsageError: It is not https, or holds a user name.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise UsageError(
            "the address of the change feed must be https, without a user name",
            code="option_invalid",
            hint="Begin the address with https:// and the name of the host.",
        )
    return f"https://{parts.netloc}{parts.path}"


def _read_refusal(response: Response | NetworkError, attempt: int) -> tuple[str, float]:
    """Return what was refused, and how long to wait."""
    # Half fixed, half random, so that receivers are not all asked at once.
    wait = 2.0 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it
    if isinstance(response, NetworkError):
        return f"{response.code}", wait
    return f"status {response.status}", read_wait(response.headers.get("Retry-After")) or wait
