"""The words of the services themselves, which tell nothing about anybody and stay as they are."""

import re
from collections.abc import Iterator
from functools import cache

from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.errors.token_service import TOKEN_REFUSALS
from entra_emulator.graph.access.published_paths import list_published
from entra_emulator.model import schema
from entra_emulator.model.app_roles import DEFAULT_ACCESS
from entra_emulator.model.applications import GRAPH_APP_ID, MANAGEMENT_APP_ID
from entra_emulator.model.directory_roles import ROLES, USER_TEMPLATE
from entra_emulator.model.first_party_apps import list_first_party_ids
from entra_emulator.model.products import SKUS

# Members of JSON objects and fields of forms that are in no list of Graph's.
_MEMBERS = frozenset(
    "access_token assertion body claims client-request-id client_assertion "
    "client_assertion_type client_id client_info client_secret clientrequestid code "
    "correlation_id date dependson details device_code error error_codes error_description "
    "error_uri expires_in expires_on ext_expires_in foci grant_type headers id id_token "
    "innererror interval issued_token_type message method not_before password redirect_uri "
    "refresh_in refresh_token request-id requested_token_use requests resource responses scope "
    "secrettext status suberror target timestamp token_type trace_id url user_code username "
    "value verification_uri".split()
)

# Segments of paths that are in no list of Graph's.
_SEGMENTS = frozenset(
    ".well-known adminconsent authorize beta common consumers devicecode discovery instance "
    "keys logout me myorganization oauth2 oidc openid-configuration organizations token "
    "userinfo v1.0 v2.0 $batch $count $metadata $ref $value".split()
)

# What OData calls operators, functions and options.
_OPERATORS = frozenset(
    "all and any asc contains count desc endswith entity eq expand false filter ge gt has in "
    "le length levels lt metadata ne not null or orderby search select skip startswith tolower "
    "top toupper true".split()
)

# Values of properties that have a fixed set of them.
_VALUES = frozenset(
    "AAD AADB2C Accepted All AllPrincipals Application AzureAD AzureADMultipleOrgs "
    "AzureADMyOrg AzureADandPersonalMicrosoftAccount Bearer Company Delegated "
    "DynamicMembership EmailVerified Enabled Group Guest HiddenMembership Invitation Legacy "
    "LocalAccount ManagedIdentity Member On Paused PendingAcceptance PersonalMicrosoftAccount "
    "Principal Private Public Role Scope ServerAd ServicePrincipal SocialIdp Success Suspended "
    "Unified User Workplace Yammer authorization_code changed client_credentials deleted "
    "emailAddress federated jwt password pop refresh_token userName userPrincipalName "
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer "
    "urn:ietf:params:oauth:grant-type:device_code urn:ietf:params:oauth:grant-type:jwt-bearer "
    ".default email offline_access openid profile".split()
)
# Those of them that can stand in a condition.
_LITERALS = _VALUES - {"email", "password", "profile"}

# The properties that have such values; of others even these words may be somebody's name.
_FIXED = frozenset(
    "allowedmembertypes appliesto capabilitystatus client_assertion_type consenttype "
    "creationtype externaluserstate grant_type grouptypes membershipruleprocessingstate "
    "principaltype provisioningstatus reason scope serviceprincipaltype signinaudience "
    "signintype token_type trusttype type usertype visibility".split()
)

# Programs, as they name themselves in `User-Agent`.
AGENTS = frozenset(
    "AHC Apache Azure CLI Core Go HttpClient HttpURLConnection Identity Java MSAL Microsoft "
    "Mozilla NET Node PostmanRuntime PowerShell Python Wget aiohttp axios azsdk azure client "
    "core curl dotnet graph graphdaemon http httpx identity java js microsoft msal msgraph "
    "node okhttp python requests rv sdk undici urllib".split()
)

_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_COUNTRY = re.compile(r"[A-Z]{2}")

_WORD = re.compile(r"[A-Za-z]+")
# They stand behind each sentence of the token service.
_TRAILER = frozenset({"AADSTS", "Correlation", "ID", "Timestamp", "Trace"})
_PERMITTED = frozenset({"value", "scope", "roles", "scp"})


def is_member(name: str) -> bool:
    """Whether the name of a member of a JSON object, or of a field of a form, is a service's."""
    names = _list_names()
    return all(part.lower() in names for part in name.split("@") if part)


def is_segment(name: str) -> bool:
    """Whether a segment of a path is a service's, and no key."""
    folded = name.lower()
    return folded in _SEGMENTS or folded in _list_names()


def is_property(name: str) -> bool:
    """Whether a word of a query is a property, an operator, or the variable of a lambda."""
    folded = name.lower()
    return len(name) == 1 or folded in _OPERATORS or folded in _list_names()


def is_fixed(member: str, value: str) -> bool:
    """Whether the value is one of a set that the member's values come from."""
    folded = member.lower()
    if folded in _PERMITTED and value in list_permissions():
        return True
    return folded in _FIXED and value in _VALUES


def is_code(member: str, value: str) -> bool:
    """Whether the value is the code of a language or a country, as licences need it."""
    if member.lower() == "preferredlanguage":
        return _LANGUAGE.fullmatch(value) is not None
    return member.lower() == "usagelocation" and _COUNTRY.fullmatch(value) is not None


def is_literal(value: str) -> bool:
    """Whether a literal in a condition is one of the fixed values of some property."""
    return value in _LITERALS


@cache
def list_permissions() -> frozenset[str]:
    """The names of Microsoft Graph's permissions of both kinds."""
    roles, scopes = schema.app_roles(), schema.scopes()
    return frozenset([one.value for one in roles] + [one.value for one in scopes])


@cache
def list_public_ids() -> frozenset[str]:
    """The IDs that are the same in every tenant, in small letters."""
    ids = {GRAPH_APP_ID, MANAGEMENT_APP_ID, DEFAULT_ACCESS, USER_TEMPLATE, *ROLES.values()}
    ids |= {one.id for one in schema.app_roles()} | {one.id for one in schema.scopes()}
    ids |= {sku.id for sku in SKUS} | {plan.id for sku in SKUS for plan in sku.plans}
    return frozenset(one.lower() for one in ids | set(list_first_party_ids()))


@cache
def list_sentences() -> frozenset[str]:
    """The words of what the services say when they refuse, as they are spelt there."""
    texts = [row.message for row in GRAPH_REFUSALS.values()]
    texts += [row.text for row in TOKEN_REFUSALS.values()]
    return frozenset(word for text in texts for word in _WORD.findall(text)) | _TRAILER


@cache
def _list_names() -> frozenset[str]:
    return frozenset({*_MEMBERS, *_list_annotations(), *_list_properties(), *_list_path_words()})


def _list_annotations() -> Iterator[str]:
    for name in "context count delta deltalink editlink id nextlink removed type".split():
        yield from (name, f"odata.{name}")


def _list_properties() -> Iterator[str]:
    for kind in (*schema.published("types"), *schema.published("complex")):
        yield from (kind.lower(), f"microsoft.graph.{kind}".lower())
        for name in (*schema.declared(kind), *schema.navigation(kind)):
            yield name.lower()


def _list_path_words() -> Iterator[str]:
    for _, path in list_published():
        for segment in path.split("/"):
            if segment and not segment.startswith("{"):
                yield segment
                yield segment.removeprefix("microsoft.graph.")
