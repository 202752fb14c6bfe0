"""What a refusal of the token service means, by its AADSTS number."""

import re
from collections.abc import Mapping

from graphdaemon.diagnosis.advice import Advice, advise

# Source: "Microsoft Entra authentication and authorization error codes" on learn.microsoft.com, and
# the answers quoted in public issues; Microsoft may change numbers, so `error` decides what we do.
AADSTS_NUMBERS: dict[str, tuple[int, ...]] = {
    "secret_wrong": (7000215, 70002),
    "secret_expired": (7000222,),
    "credential_missing": (7000216, 7000218),
    "client_public": (700025,),
    "certificate_refused": (700027, 50012, 50006),
    "assertion_unreadable": (50027, 50048, 700023, 700030, 5002730, 50013),
    "clock_wrong": (700024, 500133),
    "federation_issuer": (70021, 700211),
    "federation_audience": (700212,),
    "federation_subject": (700213, 7002137, 7002138),
    "federation_refused": (700229, 7000272, 50166, 90061),
    "tenant_unknown": (90002, 900023, 50059, 50049, 90019, 90038, 90051),
    "client_unknown": (700016, 70001, 700011, 7000229),
    "client_disabled": (7000112,),
    "scope_invalid": (70011, 1002012, 90014, 28002, 28003, 700022),
    "resource_unknown": (500011, 50001, 500013, 650052, 650054, 650057),
    "resource_disabled": (500014,),
    "assignment_missing": (501051, 50105),
    "access_blocked": (53003, 530032, 530035, 53000, 53001, 53002, 53011),
    "region_refused": (100007,),
    "request_malformed": (
        *(900144, 900561, 70003, 9002313, 901002, 90100, 9001023, 50050, 90004, 90023),
        *(50194, 90124, 90130),
    ),
    "identity_unavailable": (90055, 90006, 90024, 90033, 90090, 90091, 50196, 50000, 90012),
    "user_flow": (
        *(16000, 50011, 500113, 500112, 50020, 50034, 50053, 50055, 50056, 50057, 50058, 50076),
        *(50079, 50126, 50140, 50147, 50148, 50149, 50173, 501481, 501491, 53004, 53010, 54005),
        *(530034, 65001, 65002, 65004, 65005, 650053, 650056, 70000, 70005, 70007, 70008, 70016),
        *(70018, 70019, 70020, 70043, 700005, 700007, 700020, 700054, 700082, 700084, 700171),
        *(90072, 90094, 90095, 90119, 90120, 900971),
    ),
}
"""The AADSTS numbers of each case; the cases are keys of `CASES`."""

MEANINGS = {
    50049: "The authority's host is no token service of Microsoft's.",
    50059: "The request names no tenant: an app with no user cannot use common or organizations.",
    50194: "An app of one tenant was asked for through common.",
    50196: "The app asks for the same token again and again without keeping it.",
    53011: "The identity is blocked for its risk.",
    65001: "A user, or an administrator for all, has not consented to the delegated permissions.",
    650056: "The registration asks for no permission of this API, or nobody has consented to it.",
    650057: "The registration does not list the API among those it may ask for.",
    70003: "The token service does not know this kind of token request.",
    70008: "A user's refresh token has expired.",
    700082: "A user's refresh token was not used for too long.",
    70016: "The user has not yet entered the device code.",
    90014: "The request lacks a field that is needed, most often scope.",
    90038: "The tenant belongs to another national cloud.",
    90094: "Only an administrator may consent to this.",
    90100: "A field of the request is empty or not valid.",
    900023: "The tenant in the authority is neither an ID nor a domain.",
    900144: "The request lacks a field, most often client_id or grant_type.",
    900561: "The address was opened in a browser, or a proxy turned POST into GET.",
    7000218: "The app has a secret or certificate, and the request shows neither.",
    7000229: "The app is registered, and has no service principal in this tenant.",
    7002138: "The subject differs from the federated credential's in upper and lower case only.",
}
"""What a number says beyond its case, where that helps."""

# 700027 is one number for several causes; the text in brackets tells them apart (recorded 2022,
# quoted in azure-tools-for-java#2785 and azure-sdk-for-net#29007).
_CERTIFICATE_CASES = {
    "certificate_early": r"not (valid yet|yet valid)",
    "certificate_unknown": r"key was not found",
    "certificate_unrelated": r"key was found, but|verify the signature",
    "certificate_expired": r"key used is expired|certificate.{0,30} expired",
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
    Say what the first known number means and what to do; without one, what `error` means.

    Args:
        error_codes: AADSTS numbers.
        text: The answer's `error_description`, since some numbers mean several things.
        values: What fills the step: see `advise`.
        guid_secret: The secret that was sent has the form of a Secret ID.
        error: The answer's `error`; token services other than Microsoft's give no number.
    """
    case = find_aadsts_case(error_codes, text, guid_secret=guid_secret)
    if not error_codes and error is not None:
        case = _ERROR_CASES.get(error, "service_refused")
    return advise(case, values)


def find_aadsts_case(
    error_codes: tuple[int, ...], text: str = "", *, guid_secret: bool = False
) -> str:
    """The case of the first known number, or `identity_refused`."""
    number = next((number for number in error_codes if number in _CASES), None)
    if number is None:
        return "identity_refused"
    case = _CASES[number]
    if case == "secret_wrong" and guid_secret:
        return "secret_id_given"
    if case == "certificate_refused":
        for cause, pattern in _CERTIFICATE_CASES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return cause
    return case
