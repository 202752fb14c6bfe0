"""The emulator's one source of time, which tests freeze and move, and the formats of times."""

import time
from datetime import UTC, datetime


class Clock:
    """
    The emulator's time in seconds since 1970. It can be stopped and moved.

    It is stopped at the moment `at`, or follows the machine's clock.
    """

    def __init__(self, at: float | None = None) -> None:
        self._frozen = at
        self._offset = 0.0

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._offset + (time.time() if self._frozen is None else self._frozen)

    __call__ = now

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._frozen is not None

    def freeze(self, at: float | None = None) -> None:
        """Stop the clock at `at`, or at its current time."""
        self._frozen = self.now() if at is None else at
        self._offset = 0.0

    def move(self, seconds: float) -> None:
        """
        Move the clock forward, or back if `seconds` is negative.

        A stopped clock stays stopped.
        """
        self._offset += seconds

    def resume(self) -> None:
        """Follow the machine's time again, without the earlier moves."""
        self._frozen = None
        self._offset = 0.0


def format_iso(epoch: float, digits: int = 0) -> str:
    """`2026-03-01T09:10:11Z`, with up to seven fraction digits as .NET writes them."""
    moment = datetime.fromtimestamp(epoch, UTC)
    # .NET counts in ticks of 100 ns, Python in microseconds: the seventh digit is always 0 here.
    fraction = f".{moment.microsecond:06d}0"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def format_date(epoch: float) -> str:
    """`2026-03-01T09:10:11`: Graph's `innerError.date`, without a zone."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%S}"


def format_stamp(epoch: float) -> str:
    """`2026-03-01 09:10:11Z`: the token service's `timestamp`."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%SZ}"


def format_http_date(epoch: float) -> str:
    """`Sun, 01 Mar 2026 09:10:11 GMT`, in English whatever the locale."""
    moment = datetime.fromtimestamp(epoch, UTC)
    # `strftime` would write the names in the language of the machine.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    return f"{day}, {moment:%d} {months[moment.month - 1]} {moment:%Y %H:%M:%S} GMT"


def parse_iso(text: str) -> float:
    """
    Seconds since 1970 of an ISO 8601 date or time; without a zone it is UTC.

    Raises:
        ValueError: it is neither.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
