"""What an application offers: app roles, scopes, identifier URIs, redirect addresses."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.records import Record
from entra_emulator.web.context import LOOPBACK_NAMES

_PERSONAL = frozenset({"AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"})
# "Maximum length of identifierUris, of redirect URIs" ("Redirect URI restrictions").
_LONGEST_URI = 255


def check_offer(call: Call, record: Record, before: Record | None) -> None:
    """
    Refuse, with 400, an application whose parts contradict each other.

    `record` is the application as it is to be, `before` as it is, None for a new one.
    """
    _check_entitlements(record, before)
    _check_identifiers(call, record, before)
    _check_redirects(record)
    version = record["api"]["requestedAccessTokenVersion"]
    # "If signInAudience is AzureADandPersonalMicrosoftAccount or PersonalMicrosoftAccount, the
    # value for this property must be 2" (apiApplication resource type).
    if version not in {None, 1, 2} or (record["signInAudience"] in _PERSONAL and version != 2):
        raise refuse_value("application", "api.requestedAccessTokenVersion")


def list_redirects(web: Record) -> list[Record]:
    """The `redirectUriSettings` that belong to the web platform's redirect addresses."""
    index = {setting["uri"]: setting.get("index") for setting in web["redirectUriSettings"] or ()}
    return [{"uri": uri, "index": index.get(uri)} for uri in web["redirectUris"]]


def _check_entitlements(record: Record, before: Record | None) -> None:
    roles, scopes = record["appRoles"], record["api"]["oauth2PermissionScopes"]
    for offered in (roles, scopes):
        if len({permission["id"] for permission in offered}) < len(offered):
            raise deny("values_repeated")
    # A role and a scope may have one name if they are one permission (the same ID).
    named = {(row["value"], row["id"]) for row in (*roles, *scopes) if row["value"]}
    if len({value for value, _ in named}) < len(named):
        raise deny("values_repeated")
    # Tokens separate scopes by blanks; no value may begin with a dot (appRole resource type).
    if any(" " in value or value.startswith(".") for value, _ in named):
        raise refuse_value("application", "value")
    scope_ids = {permission["id"] for permission in scopes}
    for client in record["api"]["preAuthorizedApplications"]:
        if not scope_ids.issuperset(client["delegatedPermissionIds"]):
            name = "api.preAuthorizedApplications.delegatedPermissionIds"
            raise refuse_value("application", name)
    if before is not None:
        _check_disabled(before["appRoles"], roles)
        _check_disabled(before["api"]["oauth2PermissionScopes"], scopes)


def _check_disabled(before: Iterable[Record], after: Iterable[Record]) -> None:
    # Clients may rely on it: the service wants it disabled before it goes.
    kept = {permission["id"] for permission in after}
    if any(permission["isEnabled"] and permission["id"] not in kept for permission in before):
        raise deny("entitlement_enabled")


def _check_identifiers(call: Call, record: Record, before: Record | None) -> None:
    present = before["identifierUris"] if before else ()
    for uri in record["identifierUris"]:
        parts = _split(uri)
        if not parts.scheme or not (parts.netloc or parts.path) or uri.endswith("/"):
            raise refuse_value("application", "identifierUris")
        # What is there already may stay, though its domain was given up meanwhile.
        if parts.scheme in {"http", "https"} and uri not in present:
            suffixes = tuple(f".{domain}" for domain in call.tenant.domains)
            if not f".{parts.hostname or ''}".lower().endswith(suffixes):
                raise deny("identifier_foreign", uri=uri)
        holder = call.directory.applications.find_identifier_holder(call.tenant, uri)
        if holder not in {None, record["appId"]}:
            raise deny("value_taken", name="identifierUris", target="identifierUris")


def _check_redirects(record: Record) -> None:
    """Redirect addresses in browsers must be https, or lead to the same machine."""
    for platform in ("web", "spa", "publicClient"):
        for uri in record[platform]["redirectUris"]:
            parts = _split(uri)
            # Sign-in codes would cross the network readable; within one machine they cross none.
            bare = parts.scheme == "http" and parts.hostname not in LOOPBACK_NAMES
            if not parts.scheme or parts.fragment or (bare and platform != "publicClient"):
                raise refuse_value("application", f"{platform}.redirectUris")


def _split(uri: str) -> SplitResult:
    if len(uri) > _LONGEST_URI or any(char.isspace() for char in uri):
        raise refuse_value("application", "identifierUris")
    try:
        parts = urlsplit(uri)
        _ = parts.hostname
    except ValueError as error:
        raise refuse_value("application", "identifierUris") from error
    return parts
