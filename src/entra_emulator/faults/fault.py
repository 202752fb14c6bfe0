"""The kinds of faults that can be planned, and what can be said about each."""

import math
from typing import Any

import msgspec

# The AADSTS numbers of an outage of the token service ("Microsoft Entra authentication and
# authorization error codes"), and the HTTP status that each has here.
OUTAGES = {90055: 429, 90006: 503, 90024: 503, 90033: 503, 90090: 503}

# The statuses that Graph's best practices tell clients to survive.
STATUSES = (429, 500, 502, 503, 504)

# Each kind of fault, and the fields of `Fault` that can be set for it.
KINDS: dict[str, tuple[str, ...]] = {
    "outage": ("code", "retry_after", "html"),
    "status": ("status", "retry_after", "html", "error", "after"),
    "latency": ("delay", "jitter"),
    "reset": ("when", "after"),
    "truncated": ("framing",),
    "malformed": (),
    "drip": ("rate",),
    "stale": ("lag",),
    "page_token": (),
    "empty_page": (),
    "short_page": (),
    "delta_repeat": (),
    "delta_drop": (),
    "delta_shuffle": (),
    "delta_reset": (),
}

# Faults of the connection, which can happen to a request to any service.
TRANSPORT = frozenset({"latency", "reset", "truncated", "malformed", "drip"})

# Faults that show in what Graph answers about the directory.
EFFECTS = frozenset(
    "page_token empty_page short_page delta_repeat delta_drop delta_shuffle delta_reset".split()
)

# A request can meet several of these at once, and one of the others.
BESIDE = EFFECTS | {"latency", "stale"}

_DEFAULTS: dict[str, dict[str, Any]] = {
    "outage": {"code": 90055},
    "status": {"status": 503},
    "latency": {"delay": 1.0, "jitter": 0.0},
    "reset": {"when": "before"},
    "truncated": {"framing": "chunked"},
    "drip": {"rate": 1000.0},
    "stale": {"lag": 60.0},
}
# The values of fields that are words, and the least ones of those that are numbers.
WORDS = {"when": ("before", "during", "after"), "framing": ("chunked", "length")}
LEAST = {"delay": 0, "jitter": 0, "lag": 0, "rate": 1}


class FaultFields(msgspec.Struct, frozen=True):
    """
    What can be said about a fault, not yet checked; see `Fault`.

    Args:
        code: of an outage, a key of OUTAGES: 90055 is throttling, the others are failures.
        retry_after: whole seconds in `Retry-After`; by default 60 when the token service throttles,
            as "Understanding client and server throttling in MSAL.NET" has it, and no header
            otherwise.
        html: answer with the HTML page of a load balancer instead of JSON.
        kind: a key of KINDS; an `outage` is of the token service, a `status` of Graph.
        status: one of STATUSES.
        error: Graph's error code, instead of the usual one for this status.
        after: the request is carried out, and only its answer is lost.
        delay: seconds that a request is kept waiting, by the machine's clock.
        jitter: the most seconds, drawn at random, that are added to the delay.
        when: a connection is reset `before` anything is answered, `during` the body, or `after`
            the answer.
        framing: half of the body is sent, as a well-formed HTTP message (`chunked`), or with the
            `Content-Length` of the whole (`length`).
        rate: bytes of the body per second.
        lag: seconds by which the replica that answers is behind.
    """

    code: int | None = None
    retry_after: int | None = None
    html: bool = False
    kind: str = "outage"
    status: int | None = None
    error: str | None = None
    after: bool = False
    delay: float | None = None
    jitter: float | None = None
    when: str | None = None
    framing: str | None = None
    rate: float | None = None
    lag: float | None = None


class Fault(FaultFields, frozen=True):
    """
    How a request fails, with the defaults of its kind.

    Raises:
        ValueError: there is no such kind, a field does not belong to it, or a value is wrong.
    """

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; there are {', '.join(KINDS)}")
        for name in self.describe():
            if name not in {"kind", *KINDS[self.kind]}:
                known = ", ".join(KINDS[self.kind]) or "nothing"
                raise ValueError(f"of {self.kind} one can say {known}, not {name}")
        for name, value in _DEFAULTS.get(self.kind, {}).items():
            if getattr(self, name) is None:
                # Nobody else may change a fault, since many requests share it: so it is frozen.
                msgspec.structs.force_setattr(self, name, value)
        self._check()

    def describe(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        values = msgspec.structs.asdict(self)
        # Not by `in`: 0 is equal to False, and is a value.
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False
        }

    @property
    def answer(self) -> int:
        """The HTTP status of an outage or a status."""
        if self.kind == "outage":
            assert self.code is not None
            return OUTAGES[self.code]
        assert self.status is not None
        return self.status

    @property
    def wait(self) -> int | None:
        """Seconds for `Retry-After`, if it is sent."""
        if self.retry_after is None and self.kind == "outage" and self.answer == 429:
            return 60
        return self.retry_after

    def _check(self) -> None:
        if self.code is not None and self.code not in OUTAGES:
            raise ValueError(f"{self.code} is none of {', '.join(map(str, OUTAGES))}")
        if self.status is not None and self.status not in STATUSES:
            raise ValueError(f"{self.status} is none of {', '.join(map(str, STATUSES))}")
        if self.retry_after is not None and self.retry_after < 0:
            raise ValueError("retry_after must be 0 or more")
        for name, words in WORDS.items():
            if getattr(self, name) not in {None, *words}:
                raise ValueError(f"{name} is {' or '.join(words)}, not {getattr(self, name)!r}")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise ValueError(f"{name} is {least} or more")
