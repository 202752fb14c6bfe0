"""What a refusal of the token service means, by its AADSTS numbers."""

import re
from collections.abc import Iterable, Mapping

from graphdaemon.diagnosis.aadsts_numbers import AADSTS_NUMBERS, MEANINGS, STEPS, WRAPPERS
from graphdaemon.diagnosis.advice import Advice, advise, fill

_EXPIRED = r"app '[^']{0,39}' (?:is|has|are) expired|secret .{0,30}expired"

# Some numbers stand for several causes, which the text behind them tells apart. 700027: the text in
# brackets (recorded 2022, quoted in azure-tools-for-java#2785 and azure-sdk-for-net#29007), and
# what is said of subject names and chains (msal-js#8339). 50012: "Invalid client secret is
# provided" until 2020 (quoted with 70002). 70001, 70021, 700023: texts of the published list.
_TEXTS: dict[int, dict[str, str]] = {
    700027: {
        "certificate_early": r"not (valid yet|yet valid)",
        "certificate_expired": r"key used is expired|certificate.{0,30} expired",
        "certificate_unknown": r"key was not found|not registered on application",
        "certificate_unrelated": r"key was found, but|verify the signature"
        r"|did not match the expected signature",
        # Last, since every text ends with advice on sending a chain (WithSendX5C).
        "certificate_chain": r"subject ?name|\bSNI\b|SN\+I|\bx5c\b|certificate chain",
    },
    50012: {
        "secret_expired": _EXPIRED,
        "secret_wrong": r"client secret",
        "certificate_early": r"not (valid yet|yet valid)",
        "certificate_expired": r"key used is expired|certificate.{0,30} expired",
        "certificate_chain": r"subject name|certificate chain|trusted authority",
        "certificate_unknown": r"key was not found|thumbprint",
    },
    50027: {
        "assertion_expired": r"not within its valid time|lifetime|expired",
        "certificate_unknown": r"thumbprint|x5t",
    },
    50013: {
        "assertion_expired": r"not within its valid time|expired",
        "certificate_unknown": r"key was not found",
    },
    70001: {"client_disabled": r"is disabled", "client_unknown": r"not found"},
    70002: {
        "secret_expired": _EXPIRED,
        "credential_missing": r"must contain the following parameter",
    },
    70021: {
        # The service lists all three of the token, and does not say which of them differs
        # (azure-workload-identity#616).
        "federation_unmatched": r"assertion issuer: \S{1,400}\s{1,3}assertion subject: ",
        "federation_issuer": r"assertion issuer",
        "federation_subject": r"assertion subject",
        "federation_audience": r"assertion audience",
    },
    700023: {"scope_invalid": r"\bscope\b"},
    # What is proposed for an API of one's own, and is not there before somebody sets it.
    500011: {"uri_unset": r"resource principal named api://"},
}

# The `error` of RFC 6749, 5.2.
_ERROR_CASES = {
    "invalid_client": "client_refused",
    "unauthorized_client": "client_refused",
    "temporarily_unavailable": "identity_unavailable",
}

_CASES = {number: case for case, numbers in AADSTS_NUMBERS.items() for number in numbers}


def advise_on_aadsts(
    error_codes: tuple[int, ...],
    text: str = "",
    values: Mapping[str, str | None] | None = None,
    *,
    guid_secret: bool = False,
    error: str | None = None,
) -> Advice:
    """
    Say what the number that tells most means and what to do; without one, what `error` means.

    Args:
        error_codes: AADSTS numbers.
        text: The answer's `error_description`, since some numbers mean several things.
        values: What fills the step: see `advise`.
        guid_secret: The secret that was sent has the form of a Secret ID.
        error: The answer's `error`; token services other than Microsoft's give no number.
    """
    if not error_codes and error is not None:
        return advise(_ERROR_CASES.get(error, "service_refused"), values)
    number = choose_number(error_codes)
    case = find_aadsts_case(error_codes, text, guid_secret=guid_secret)
    advice = advise(case, values)
    # Where the text has told the cause, the case says it better than the number.
    if number is None or case != _CASES[number]:
        return advice
    meaning = MEANINGS.get(number, "")
    if case == "user_flow":
        meaning = f"{meaning} {advice.meaning}".strip()
    return advice._replace(
        meaning=meaning or advice.meaning,
        step=fill(STEPS[number], values) if number in STEPS else advice.step,
    )


def choose_number(error_codes: Iterable[int]) -> int | None:
    """The first known number that is no wrapper around another; None if none is known."""
    known = [number for number in error_codes if number in _CASES]
    return next((number for number in known if number not in WRAPPERS), next(iter(known), None))


def find_aadsts_case(
    error_codes: tuple[int, ...], text: str = "", *, guid_secret: bool = False
) -> str:
    """The case of the number that tells most, or `identity_refused`."""
    number = choose_number(error_codes)
    if number is None:
        return "identity_refused"
    if _CASES[number] == "secret_wrong" and guid_secret:
        return "secret_id_given"
    for case, pattern in _TEXTS.get(number, {}).items():
        if re.search(pattern, text, re.IGNORECASE):
            return "secret_id_given" if case == "secret_wrong" and guid_secret else case
    return _CASES[number]
