"""
Explain a text, offline: an error's number, an answer, lines of a log, or a token.

Nothing is sent anywhere, and no explanation repeats a token.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from textwrap import dedent
from typing import Any, NamedTuple

from graphdaemon.diagnosis.aadsts import advise_on_aadsts
from graphdaemon.diagnosis.aadsts_numbers import WRAPPERS
from graphdaemon.diagnosis.advice import Advice, advise, fill
from graphdaemon.diagnosis.assertion_time import describe_assertion_time
from graphdaemon.diagnosis.batch_answers import BatchPart, read_batch_answer
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.graph_refusals import find_graph_case, name_beyond, read_named_role
from graphdaemon.diagnosis.known_texts import (
    GRAPH_MEANINGS,
    GRAPH_STATUSES,
    OAUTH,
    ON_PROXY,
    name_answerer,
)
from graphdaemon.diagnosis.log_entries import is_dated, split_entries
from graphdaemon.diagnosis.permissions import Need, find_need
from graphdaemon.diagnosis.signs import Kind, Sign, find_signs, read_status
from graphdaemon.diagnosis.token_claims import Claim, describe_claims, read_claims
from graphdaemon.errors import CODES

# At least four digits: three are an HTTP status.
_BARE_NUMBER = re.compile(r"\d{4,9}")
# Every JWT begins so: it is base64 of a brace and a quotation mark. What has no dots is none, and
# matches all the same: to look for the dots from each place that begins so takes quadratic time.
_TOKEN = re.compile(r"eyJ[\w-]+(?:\.[\w-]+(?:\.[\w-]*)?)?")
# A message of Graph's, in JSON or behind the code in our own errors.
_MESSAGE = re.compile(r'"message"\s{0,9}:\s{0,9}"[^"]|[A-Za-z]: [A-Z][a-z]')
_CORRELATION = re.compile(r"correlation.?id\W{1,4}([0-9a-f-]{36})", re.IGNORECASE)
_REQUEST = re.compile(r"\brequest-id\W{1,4}([0-9a-f-]{36})", re.IGNORECASE)
# A call of Graph in an entry: its method, if it stands before, and its path.
_CALL = re.compile(
    r"(?:\b(GET|POST|PATCH|PUT|DELETE)\W{1,3})?"
    r"(?:https://(?:dod-)?(?:graph\.microsoft\.(?:com|us)|microsoftgraph\.chinacloudapi\.cn))?"
    r"(/(?:v1\.0|beta)/[^\s\"'<>\\,;:?]{1,300})"
)
# Whoever has a token of a platform instead of a credential of its own.
_FEDERATED = re.compile(r"federated|WorkloadIdentity|ACTIONS_ID_TOKEN|azure/login", re.IGNORECASE)
# What Microsoft's services and their front door put around a page of theirs.
_MICROSOFT = re.compile(
    r"\b(?:x-ms-)?request-id\W{1,4}[0-9a-f-]{36}|x-azure-ref|x-ms-ags-diagnostic"
    r"|our services aren.t available",
    re.IGNORECASE,
)
# By these statuses a metadata service says that it is out of order, or too busy.
_UNAVAILABLE = frozenset(("410", "429", "500", "502", "503", "504"))
# So many entries away, a status is that of the error which says more.
_NEAR = 3
# Of so many alike the first few tell all there is to tell, and the beginning of a long message too.
_MOST_ALIKE = 50
_MOST_CHARACTERS = 20_000


class Explanation(NamedTuple):
    """
    What one thing in the text means.

    Attributes:
        subject: What was recognised, such as `AADSTS7000215`.
        known: Whether it is in our tables.
        case: The case, a key of `CASES`, if there is one.
        code: graphdaemon's own error code for it, if there is one.
        meaning: What it means, in a sentence or two.
        step: What to do next.
        claims: The claims of a token, each with its sentence.
    """

    subject: str
    known: bool = True
    case: str | None = None
    code: str | None = None
    meaning: str = ""
    step: str = ""
    claims: tuple[Claim, ...] = ()


class _Entry(NamedTuple):
    """One message of a log: its place among all, its text, and the signs that tell most."""

    place: int
    text: str
    signs: list[Sign]


class ExplainedText(NamedTuple):
    """The explanations of a text, and the IDs in it that Microsoft's support asks for."""

    explanations: tuple[Explanation, ...]
    correlation_id: str | None
    request_id: str | None


def explain(text: str, now: float) -> ExplainedText:
    """
    Explain whatever is recognised in `text`; takes time in proportion to its length.

    Args:
        text: A number, an answer of the token service or Graph, lines of a log, or a token.
        now: The time in epoch seconds, for what a token's times mean.
    """
    tokens = [
        claims
        for token in dict.fromkeys(_TOKEN.findall(text))
        if (claims := read_claims(token)) is not None
    ]
    # Base64 may by chance hold digits and words that look like an error.
    bare = dedent(_TOKEN.sub("", text))
    explanations = _explain_errors(bare, tokens[0] if tokens else None)
    explanations += [_explain_token(claims, now) for claims in tokens]
    correlation, request = _CORRELATION.search(bare), _REQUEST.search(bare)
    return ExplainedText(
        tuple(explanations),
        correlation[1] if correlation else None,
        request[1] if request else None,
    )


def _explain_errors(text: str, claims: Mapping[str, Any] | None) -> list[Explanation]:
    stripped = text.strip()
    if _BARE_NUMBER.fullmatch(stripped):
        return [_explain_number(int(stripped), "")]
    if stripped in CASES or stripped in CODES:
        return [_explain_own(stripped)]
    parts = read_batch_answer(text)
    if parts:
        return [_explain_part(part, claims) for part in parts]
    entries = _choose_signs(text)
    numbers = [entry.place for entry in entries if entry.signs[0].kind == Kind.NUMBER]
    telling = [entry.place for entry in entries if entry.signs[0].kind < Kind.OAUTH]
    explanations: dict[tuple[str, str], Explanation] = {}
    seen: Counter[tuple[Kind, str]] = Counter()
    for entry in entries:
        for sign in entry.signs:
            seen[sign.kind, sign.value] += 1
            repeated = seen[sign.kind, sign.value] > _MOST_ALIKE
            if repeated or _is_told(sign, entry, numbers, telling):
                continue
            one = _explain_sign(sign, entry.text, text, claims)
            explanations.setdefault((one.meaning, one.step), one)
    return list(explanations.values())


def _choose_signs(text: str) -> list[_Entry]:
    """The entries of the text that hold signs, each with those that tell most."""
    signs = find_signs(text)
    entries: list[_Entry] = []
    position = 0
    for place, (begin, end) in enumerate(split_entries(text) if signs else ()):
        first = position
        while position < len(signs) and signs[position].start < end:
            position += 1
        telling = _keep_telling(signs[first:position])
        if telling:
            entry = text[begin : min(end, begin + _MOST_CHARACTERS)]
            entries.append(_Entry(place, entry, telling))
    return entries


def _keep_telling(signs: list[Sign]) -> list[Sign]:
    """An AADSTS number says more than Graph's word, and that more than the status beside it."""
    told = [sign for sign in signs if sign.kind < Kind.MACHINE]
    if not told:
        return []
    first = min(told)
    if first.kind in (Kind.NETWORK, Kind.STATUS):
        return [_read_hop(first, {sign.kind for sign in signs})]
    if first.kind != Kind.NUMBER:
        return [first]
    numbers = {int(sign.value): sign for sign in reversed(signs) if sign.kind == Kind.NUMBER}
    causes = [number for number in numbers if number not in WRAPPERS] or list(numbers)
    return sorted((numbers[number] for number in causes), key=lambda sign: sign.start)


def _read_hop(sign: Sign, kinds: set[Kind]) -> Sign:
    """What a failure means where a proxy or a machine's metadata service stands beside it."""
    if sign.kind == Kind.NETWORK and Kind.PROXY in kinds:
        return sign._replace(value=ON_PROXY.get(sign.value, sign.value))
    if Kind.MACHINE not in kinds:
        return sign
    if sign.kind == Kind.NETWORK:
        return sign._replace(kind=Kind.LIBRARY, value="machine_identity_absent")
    if sign.value in _UNAVAILABLE:
        return sign._replace(kind=Kind.LIBRARY, value="machine_identity_unavailable")
    return sign


def _is_told(sign: Sign, entry: _Entry, numbers: list[int], telling: list[int]) -> bool:
    """Whether the sign is a status beside something that says more of the same event."""
    if sign.kind < Kind.OAUTH:
        return False
    if not is_dated(entry.text):
        return _is_near(entry.place, telling)
    # The messages of a log come one after the other; these are how a number is answered with.
    refusal = sign.kind == Kind.OAUTH or sign.value in ("400", "401", "BadRequest")
    return refusal and _is_near(entry.place, numbers)


def _is_near(place: int, places: list[int]) -> bool:
    """Whether one of the sorted `places` is at most some entries away."""
    following = bisect_left(places, place - _NEAR)
    return following < len(places) and places[following] <= place + _NEAR


def _explain_sign(
    sign: Sign, entry: str, text: str, claims: Mapping[str, Any] | None
) -> Explanation:
    match sign.kind:
        case Kind.NUMBER:
            return _explain_number(int(sign.value), entry, text[:_MOST_CHARACTERS])
        case Kind.PAGE:
            return _explain_page(entry)
        case Kind.GRAPH | Kind.STATUS:
            usual = GRAPH_STATUSES.get(sign.value, 400)
            return _explain_graph(sign.subject, read_status(entry) or usual, entry, claims)
        case Kind.OAUTH:
            return _explain_oauth(sign.value, entry)
        case Kind.OWN:
            return _explain_own(sign.value)
    return _explain_case(sign.subject, sign.value)


def _explain_number(number: int, entry: str, text: str = "") -> Explanation:
    subject = f"AADSTS{number}"
    # How our own hints say that the secret has the form of a Secret ID.
    guid_secret = "looks like a Secret ID" in text
    values = _find_pointed_at(text or entry)
    advice = advise_on_aadsts((number,), entry, values, guid_secret=guid_secret)
    if advice.case == "identity_refused":
        return Explanation(
            subject,
            known=False,
            case=advice.case,
            code=advice.code,
            meaning="This number is not in our table; the text behind it, if there is one, is all "
            "that can be said offline.",
            step=f"Look the number up at https://login.microsoftonline.com/error?code={number}"
            + fill("{to_support}.", values),
        )
    if advice.case == "assertion_expired":
        advice = _advise_on_time(advice, entry)
    return _explain_advice(subject, advice)


def _advise_on_time(advice: Advice, entry: str) -> Advice:
    """Say which clock or token an assertion's refusal blames, as far as the text tells."""
    is_over, sentence = describe_assertion_time(entry) or (True, "")
    # Our own errors have compared the clocks, and say which it is.
    if "federated token was shown too early" in entry:
        advice = advise("assertion_early")
    elif not is_over or "this machine's clock is" in entry:
        advice = advise("clock_wrong")
    elif _FEDERATED.search(entry):
        advice = advise("assertion_stale")
    return advice._replace(meaning=f"{advice.meaning} {sentence}".strip())


# Thousands of numbers in one message point at the same text.
@lru_cache(maxsize=64)
def _find_pointed_at(text: str) -> dict[str, str | None]:
    """Find what a step may point at, since it is shown beside it."""
    matches = {
        "correlation_id": _CORRELATION.search(text),
        "request_id": _REQUEST.search(text),
        "message": _MESSAGE.search(text),
    }
    return {name: match[0] if match else None for name, match in matches.items()}


def _explain_own(word: str) -> Explanation:
    if word in CASES:
        return _explain_case(word, word)
    step = "The error itself names what is concerned, and the next step."
    return Explanation(word, code=word, meaning=CODES[word], step=step)


def _explain_case(subject: str, case: str) -> Explanation:
    return _explain_advice(subject, advise(case))


def _explain_advice(subject: str, advice: Advice) -> Explanation:
    case, code, meaning, step = advice
    return Explanation(subject, case=case, code=code or None, meaning=meaning, step=step)


def _explain_page(text: str) -> Explanation:
    """A page for people where a service answers JSON: whose it is decides what it means."""
    status = read_status(text)
    subject = f"HTTP {status} with a page of HTML" if status else "a page of HTML"
    if _MICROSOFT.search(text):
        return _explain_case(subject, find_graph_case(status or 200, ""))
    return _explain_advice(subject, advise("answer_foreign", {"answerer": name_answerer(text)}))


def _explain_graph(
    subject: str, status: int | None, entry: str, claims: Mapping[str, Any] | None
) -> Explanation:
    if subject in GRAPH_MEANINGS:
        meaning, step = GRAPH_MEANINGS[subject]
        return Explanation(subject, code="request_refused", meaning=meaning, step=step)
    if status == 407:
        return _explain_case(subject, "proxy_password")
    call = _CALL.search(entry) if status in (401, 403) else None
    need = _find_need(call[1] or "GET", call[2]) if call is not None else None
    case = find_graph_case(status, entry, claims=claims, need=need)
    values = {
        "role": read_named_role(entry) or (need.words if need is not None else None),
        "beyond": name_beyond(call[2]) if call is not None else None,
        **_find_pointed_at(entry),
    }
    return _explain_advice(subject, advise(case, values))


def _explain_part(part: BatchPart, claims: Mapping[str, Any] | None) -> Explanation:
    subject = f"part {part.part}: {part.code or f'HTTP {part.status}'}"
    if part.status < 300:
        step = "Nothing is to be done."
        return Explanation(subject, meaning=f"It succeeded ({part.status}).", step=step)
    known = part.code if part.code in GRAPH_MEANINGS else subject
    one = _explain_graph(known, part.status, f"{part.status} {part.words}", claims)
    return one._replace(subject=subject)


def _explain_oauth(word: str, entry: str) -> Explanation:
    case, meaning = OAUTH[word]
    advice = advise(case)
    # Microsoft's answers hold a number; where the text was cut before it, it is worth finding.
    if "microsoft" in entry.lower() and case not in ("identity_unavailable", "claims_demanded"):
        more = "The AADSTS number in error_description says more: give that, or the whole answer."
        advice = advice._replace(step=more)
    return _explain_advice(word, advice._replace(meaning=meaning))


def _explain_token(claims: Mapping[str, Any], now: float) -> Explanation:
    return Explanation(
        "token",
        meaning="An access token, read without being verified: anybody could have written it.",
        step="Compare roles and aud with what the call needs; delete the token where you pasted it "
        "from, for it works until it expires.",
        claims=tuple(describe_claims(claims, now)),
    )


@lru_cache(maxsize=256)
def _find_need(method: str, path: str) -> Need | None:
    return find_need(method, path)
