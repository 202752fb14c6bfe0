"""What the identity platform's refusals mean and what to do, by AADSTS number."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """One meaning: our stable code, and the next step."""

    code: str
    hint: str


_SECRET_WRONG = Refusal(
    "secret_wrong",
    "Put the secret's Value, not its Secret ID, into the settings; the portal shows the Value only "
    "once, so make a new secret under Certificates & secrets if it is lost.",
)
_SECRET_EXPIRED = Refusal(
    "secret_expired",
    "Make a new secret (or better, upload a certificate) under App registrations > Certificates & "
    "secrets, and put it into the settings.",
)
_CLIENT_UNKNOWN = Refusal(
    "client_unknown",
    "Compare client_id with Application (client) ID, and the authority's tenant with Directory "
    "(tenant) ID, on the app's Overview page; an app of another tenant needs admin consent first.",
)
_TENANT_UNKNOWN = Refusal(
    "tenant_unknown",
    "Copy Directory (tenant) ID from the app's Overview page into the authority, and check that "
    "the authority's host belongs to your cloud.",
)
_SCOPE = Refusal(
    "scope_invalid",
    "Set scope to the API's App ID URI followed by /.default, for Graph "
    '["https://graph.microsoft.com/.default"]; single permissions are chosen in the portal.',
)
_CERTIFICATE = Refusal(
    "certificate_refused",
    "Upload the certificate that belongs to private_key_file under App registrations > "
    "Certificates & secrets, and compare the thumbprint shown there with the one in the settings.",
)
_CLOCK = Refusal("clock_wrong", "Set this machine's clock (NTP), and run it again.")

# Source: "Microsoft Entra authentication and authorization error codes" on learn.microsoft.com, and
# the answers quoted in public issues; Microsoft may change numbers, so `error` decides what we do.
REFUSALS = {
    7000215: _SECRET_WRONG,
    7000222: _SECRET_EXPIRED,
    700016: _CLIENT_UNKNOWN,
    7000112: Refusal(
        "client_disabled",
        "Ask an administrator to enable it: Enterprise applications > the app > Properties > "
        "Enabled for users to sign-in.",
    ),
    90002: _TENANT_UNKNOWN,
    900023: _TENANT_UNKNOWN,
    50059: _TENANT_UNKNOWN,
    50049: _TENANT_UNKNOWN,
    70011: _SCOPE,
    1002012: _SCOPE,
    90014: _SCOPE,
    500011: Refusal(
        "resource_unknown",
        "Check the scope's App ID URI for a typing error, and that the API has a service principal "
        "in this tenant (an administrator's consent makes one).",
    ),
    700027: _CERTIFICATE,
    50012: _CERTIFICATE,
    700024: _CLOCK,
}


def find_refusal(error_codes: tuple[int, ...]) -> Refusal:
    """The meaning of the first known number, or a general one."""
    for number in error_codes:
        if number in REFUSALS:
            return REFUSALS[number]
    return Refusal(
        "identity_refused",
        "Look the AADSTS number up at https://login.microsoftonline.com/error, or give the "
        "correlation ID to Microsoft's support.",
    )
