"""Find in a text what is known: numbers, words of services and libraries, and statuses."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.diagnosis.known_texts import (
    GENERIC,
    GRAPH_MEANINGS,
    GRAPH_STATUSES,
    LIBRARIES,
    NETWORK,
    OAUTH,
)
from graphdaemon.errors import CODES


class Kind(IntEnum):
    """
    What a sign is; of several in one message the lowest tells most.

    The last two tell nothing by themselves: what fails beside them is theirs.
    """

    NUMBER = 0
    LIBRARY = 1
    PAGE = 2
    GRAPH = 3
    NETWORK = 4
    OAUTH = 5
    STATUS = 6
    OWN = 7
    MACHINE = 8
    PROXY = 9


class Sign(NamedTuple):
    """
    Something known.

    Attributes:
        kind: What it is.
        order: Its place in the table of its kind: the first counts.
        start: Where in the text it stands.
        value: The number, word, case or status.
        subject: What stands there, for people.
    """

    kind: Kind
    order: int
    start: int
    value: str
    subject: str


_NUMBER = re.compile(r"AADSTS\s?:?\s?(\d{4,9})", re.IGNORECASE)
# Where a number stands without its prefix: a token service's answer, its page of errors, and a
# sign-in log, as Graph, the portal and a Log Analytics workspace give it. 0 there is success.
_LISTED = re.compile(r"error_codes\W{1,6}\[([\d,\s]{1,200})\]")
_FIELD = re.compile(
    r"(?:\b(?:errorCode|resultType)[\\\"']{0,3}[:=\s]{1,3}[\\\"']{0,3}|/error\?code=)(\d{5,9})\b",
    re.IGNORECASE,
)
# In small letters. No status is what stands behind a separator in a number, such as the thousandths
# of a second in `09:15:02,407`.
_STATUS = re.compile(
    r"(?:(?<![\w.])(?:http(?:/\d(?:\.\d)?)?|(?:http)?status(?:[ _-]?code)?|response code)"
    r"[\"']?\W{1,3}|(?<!\d)(?<!\d[.,:]))([45]\d\d)(?![\d.,]\d|\d)"
)
_REASONS = (
    *("bad request", "unauthorized", "forbidden", "not found", "too many", "internal server"),
    *("bad gateway", "service unavailable", "gateway time", "client error", "server error"),
    *("not implemented", "gone", "conflict", "proxy auth"),
)
_LONE = re.compile(r"\W*([45]\d\d)\W*")
_POLICY = r"\w{1,39}AsPerAppPolicy"


def _compile_all(patterns: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {case: re.compile(pattern) for case, pattern in patterns.items()}


def _alternatives(words: list[str]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join([*map(re.escape, longest)])})(?!\w)")


_GRAPH_ORDER = {word: place for place, word in enumerate([*GRAPH_MEANINGS, *GRAPH_STATUSES])}
_GRAPH = re.compile(rf"{_alternatives([*_GRAPH_ORDER]).pattern}|\b{_POLICY}\b")
_OAUTH_ORDER = {word: place for place, word in enumerate(OAUTH)}
_OAUTH = _alternatives([*OAUTH])
_OWN = _alternatives([word for word in CASES | CODES if "_" in word and word not in OAUTH])
_LIBRARIES = _compile_all(LIBRARIES)
# The answer of a protected API of one's own names its case, which tells more than the status.
_REFUSED_CALLER = _alternatives([*PROTECTED_API])
_NETWORK = _compile_all(NETWORK)
# A machine's metadata service is spoken of; what failed there stands beside.
_MACHINE = re.compile(r"169\.254\.169\.254|\bimds\b|/metadata/identity")
# The failure is the proxy's, not the host's behind it.
_PROXY = re.compile(
    r"proxyerror|connect to proxy|could not resolve proxy|proxyconnect tcp|err_proxy_connection"
    r"|proxy connect(?:ion)? (?:failed|aborted)"
)
_PAGE = re.compile(r"<!doctype html|<html[ >]")


def find_signs(text: str) -> list[Sign]:
    """Return every sign in the text, in the order in which they stand; in linear time."""
    # Searching small letters is several times as fast as ignoring case. Where that would move
    # what follows (`İ` becomes two), only ASCII is changed.
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text.translate({upper: upper + 32 for upper in range(65, 91)})
    signs = [
        *_find_numbers(text),
        *_find_cases(Kind.LIBRARY, _LIBRARIES, text, lowered),
        *_find_words(Kind.LIBRARY, _REFUSED_CALLER, {}, text),
        *_find_all(Kind.PAGE, _PAGE, lowered, "a page of HTML"),
        *_find_all(Kind.PROXY, _PROXY, lowered, "the proxy"),
        *_find_all(Kind.MACHINE, _MACHINE, lowered, "the metadata service"),
        *_find_words(Kind.GRAPH, _GRAPH, _GRAPH_ORDER, text),
        *_find_cases(Kind.NETWORK, _NETWORK, text, lowered),
        *_find_words(Kind.OAUTH, _OAUTH, _OAUTH_ORDER, text),
        *_find_statuses(lowered),
        *_find_words(Kind.OWN, _OWN, {}, text),
    ]
    return sorted(signs, key=lambda sign: sign.start)


def read_status(text: str) -> int | None:
    """The first HTTP status in the text, if it has one that is an error."""
    sign = next(_find_statuses(text.lower()), None)
    return int(sign.value) if sign is not None else None


def _find_numbers(text: str) -> Iterator[Sign]:
    for match in _NUMBER.finditer(text):
        yield Sign(Kind.NUMBER, 0, match.start(), match[1], f"AADSTS{match[1]}")
    for match in _LISTED.finditer(text):
        for number in re.findall(r"\d{4,9}", match[1]):
            yield Sign(Kind.NUMBER, 0, match.start(), number, f"AADSTS{number}")
    for match in _FIELD.finditer(text):
        yield Sign(Kind.NUMBER, 0, match.start(), match[1], f"AADSTS{match[1]}")


def _find_cases(
    kind: Kind, patterns: dict[str, re.Pattern[str]], text: str, lowered: str
) -> Iterator[Sign]:
    for order, (case, pattern) in enumerate(patterns.items()):
        for match in pattern.finditer(lowered):
            yield Sign(kind, order, match.start(), case, text[match.start() : match.end()][:60])


def _find_all(kind: Kind, pattern: re.Pattern[str], lowered: str, subject: str) -> Iterator[Sign]:
    for match in pattern.finditer(lowered):
        yield Sign(kind, 0, match.start(), match[0], subject)


def _find_words(
    kind: Kind, pattern: re.Pattern[str], order: dict[str, int], text: str
) -> Iterator[Sign]:
    for match in pattern.finditer(text):
        # Before the number of the status, since they may be Graph's own code.
        one = (Kind.STATUS, -1) if match[0] in GENERIC else (kind, order.get(match[0], 0))
        yield Sign(*one, match.start(), match[0], match[0])


def _find_statuses(lowered: str) -> Iterator[Sign]:
    lone = _LONE.fullmatch(lowered) if len(lowered) < 100 else None
    if lone is not None:
        yield Sign(Kind.STATUS, 0, 0, lone[1], f"HTTP {lone[1]}")
        return
    for match in _STATUS.finditer(lowered):
        after = lowered[match.end() : match.end() + 24].lstrip(" ):-\"'<")
        if match.start(1) > match.start() or after.startswith(_REASONS):
            yield Sign(Kind.STATUS, 0, match.start(), match[1], f"HTTP {match[1]}")
