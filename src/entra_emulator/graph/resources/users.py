"""Users: `/users`, and the signed-in one: `/me`."""

import re
import string
from functools import partial

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_value
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import (
    declare_collection,
    list_navigations,
    list_properties,
)
from entra_emulator.graph.objects.change import change_object, check_synced, delete_object
from entra_emulator.graph.objects.create import (
    answer_created,
    create_object,
    read_new,
    refuse_taken,
)
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.objects.relations import Navigation, list_member_of
from entra_emulator.graph.objects.show import show_me
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.rules import EVERYWHERE, NICKNAME, SYNCED, Rule, split_names
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model import schema
from entra_emulator.model.people_and_devices import draft_user, identify_user, set_mail
from entra_emulator.model.records import Record

# "The following characters are allowed: A-Z, a-z, 0-9, ' . - _ ! # ^ ~" (user resource type); the
# dollar sign is recorded (Azure CLI, test_special_characters_in_upn).
_LOCAL = re.compile(r"[A-Za-z0-9'._\-!#^~$]{1,64}")
_MAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_POLICY = re.compile(r"(None|DisablePasswordExpiration|DisableStrongPassword)")

# "Password policies": three of four kinds of characters, 8 to 256 of them.
_SHORTEST, _LONGEST = 8, 256
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)

RULE = Rule(
    "user",
    fixed=split_names(
        f"{EVERYWHERE} {SYNCED} assignedLicenses assignedPlans creationType "
        "externalUserStateChangeDateTime identityParentId imAddresses isManagementRestricted "
        "lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates "
        "onPremisesDistinguishedName onPremisesUserPrincipalName provisionedPlans "
        "proxyAddresses securityIdentifier signInActivity signInSessionsValidFromDateTime"
    ),
    # Exchange, SharePoint and Intune keep these, not the directory.
    elsewhere=split_names(
        "aboutMe birthday deviceEnrollmentLimit hireDate interests mailboxSettings mySite "
        "pastProjects preferredName print responsibilities schools skills"
    ),
    required=(
        "accountEnabled",
        "displayName",
        "mailNickname",
        "passwordProfile",
        "userPrincipalName",
    ),
    lengths={
        "businessPhones": 64,
        "city": 128,
        "companyName": 64,
        "country": 128,
        "department": 64,
        "displayName": 256,
        "employeeId": 16,
        "faxNumber": 64,
        "givenName": 64,
        "jobTitle": 128,
        "mail": 256,
        "mailNickname": 64,
        "mobilePhone": 64,
        "officeLocation": 128,
        "otherMails": 250,
        "postalCode": 40,
        "state": 128,
        "streetAddress": 1024,
        "surname": 64,
        "usageLocation": 2,
        "userPrincipalName": 113,
    },
    counts={"businessPhones": 1, "otherMails": 250},
    choices={
        "ageGroup": split_names("Minor NotAdult Adult"),
        "consentProvidedForMinor": split_names("Granted Denied NotRequired"),
        "userType": split_names("Member Guest"),
    },
    filled=True,
)

_USERS = frozenset({"user"})
_NAVIGATIONS = (
    Navigation("user", "manager", "manager", single=True, takes=_USERS),
    Navigation("user", "directReports", "manager", reverse=True),
    *list_member_of("user"),
    Navigation("user", "ownedObjects", "owners", reverse=True),
    Navigation("user", "ownedDevices", "registeredOwners", reverse=True),
    Navigation("user", "registeredDevices", "registeredUsers", reverse=True),
)


def create_user(call: Call) -> Response:
    """`POST /users`: a new member of the tenant."""
    body = read_new(call, RULE)
    with call.directory.transaction():
        row = create_object(call, "user", _draft_user(call, body.values), body)
    # Recorded: in this answer the ID stands first, in every other last.
    names = ("id", *(name for name in schema.default("user") if name != "id"))
    return answer_created(call, row, body=render_objects("user", names, [row.doc]))


def change_me(call: Call) -> Response:
    """`PATCH /me`: the signed-in user's own properties."""
    return change_object(call, rule=RULE, alter=_alter_user, key=call.caller.object_id)


def revoke_sessions(call: Call) -> Response:
    """`POST /users/{id}/revokeSignInSessions`: make refresh tokens and sessions worthless."""
    with call.directory.transaction():
        row = find_target(call, "user", call.keys.get("key", call.caller.object_id))
        user_id = read_record(row)["id"]
        changes = {"signInSessionsValidFromDateTime": format_iso(call.now)}
        call.directory.objects.update(call.tenant, "user", user_id, changes)
        call.directory.users.revoke_sign_ins(call.tenant, user_id)
    return answer_value(call, "Edm.Boolean", value=True)


def _draft_user(call: Call, values: Record) -> Record:
    """A new user with these properties; `GraphRefusal` 400 for a bad value."""
    profile = values.pop("passwordProfile")
    if not profile.get("password"):
        raise deny("password_missing")
    _check_password(profile["password"], values.get("passwordPolicies"))
    _check_values(call, values, {})
    addresses = set_mail([], values.get("mail"))
    if addresses:
        values["proxyAddresses"] = addresses
    created = format_iso(call.now)
    initial = call.tenant.domains[0]
    return draft_user(call.directory.new_id(), values, created=created, issuer=initial)


def _alter_user(call: Call, record: Record, values: Record) -> Record:
    """What changes when a user is to have these properties; `GraphRefusal` 400 for a bad value."""
    check_synced(record, values)
    changes = dict(values)
    profile = changes.pop("passwordProfile", None)
    _check_values(call, changes, record)
    if "mail" in changes:
        changes["proxyAddresses"] = set_mail(record.get("proxyAddresses", []), changes["mail"])
    if "userPrincipalName" in changes:
        # One of the identities is the user principal name, and changes with it.
        identities = changes.get("identities") or record.get("identities", [])
        upn = changes["userPrincipalName"]
        changes["identities"] = identify_user(identities, upn, call.tenant.domains[0])
    if profile and profile.get("password"):
        policies = changes.get("passwordPolicies", record.get("passwordPolicies"))
        _check_password(profile["password"], policies)
        # A new password ends the sessions of whoever signed in with the old one.
        moment = format_iso(call.now)
        changes |= {
            "lastPasswordChangeDateTime": moment,
            "signInSessionsValidFromDateTime": moment,
        }
    return changes


def _check_values(call: Call, values: Record, record: Record) -> None:
    upn, nickname = values.get("userPrincipalName"), values.get("mailNickname")
    if nickname is not None and not NICKNAME.fullmatch(nickname):
        raise refuse_value("user", "mailNickname")
    if upn is not None:
        _check_name(call, upn, record.get("id"))
    country, policies = values.get("usageLocation"), values.get("passwordPolicies")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise refuse_value("user", "usageLocation")
    if policies is not None and not all(map(_POLICY.fullmatch, re.split(r",\s*", policies))):
        raise refuse_value("user", "passwordPolicies")
    for name in ("mail", "otherMails"):
        value = values.get(name) or []
        for address in [value] if isinstance(value, str) else value:
            if not _MAIL.fullmatch(address):
                raise refuse_value("user", name)
    if values.get("mail"):
        _check_address(call, values["mail"], record.get("id"))


def _check_name(call: Call, upn: str, own_id: str | None) -> None:
    local, _, domain = upn.rpartition("@")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == ".":
        raise deny("name_invalid", target="userPrincipalName")
    if domain.lower() not in call.tenant.domains:
        raise deny("name_foreign", target="userPrincipalName")
    holder = call.directory.objects.find(call.tenant, upn, kind="user")
    if holder is not None and read_id(holder.doc) != own_id:
        raise refuse_taken("userPrincipalName", holder)


def _check_address(call: Call, address: str, own_id: str | None) -> None:
    for holder in call.directory.search.find_by_address(call.tenant, address):
        if read_id(holder.doc) != own_id:
            raise refuse_taken("proxyAddresses", holder)


def _check_password(password: str, policies: str | None) -> None:
    kinds = sum(any(c in letters for c in password) for letters in _CLASSES)
    # The fourth kind is everything else, such as signs and other scripts.
    kinds += any(all(c not in letters for letters in _CLASSES) for c in password)
    lax = "DisableStrongPassword" in (policies or "")
    if not _SHORTEST <= len(password) <= _LONGEST or (kinds < 3 and not lax):
        raise deny("password_weak")


ROUTES = (
    *declare_collection(
        "user",
        "/users",
        navigations=_NAVIGATIONS,
        create=create_user,
        change=partial(change_object, rule=RULE, alter=_alter_user),
        delete=partial(delete_object, kind="user"),
    ),
    write_route("POST", "/users/{key}/revokeSignInSessions", revoke_sessions),
    Endpoint("GET", "/me", show_me),
    write_route("PATCH", "/me", change_me),
    write_route("POST", "/me/revokeSignInSessions", revoke_sessions),
    *list_navigations("/me", _NAVIGATIONS),
    *list_properties("/me", "user"),
)
