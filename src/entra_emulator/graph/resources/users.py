"""What makes a user: names, addresses, passwords."""

import re
import string

from entra_emulator.clock import format_iso
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import read_record
from entra_emulator.model.people_and_devices import draft_user, identify_user, set_mail
from entra_emulator.model.records import Record

# "The following characters are allowed: A-Z, a-z, 0-9, ' . - _ ! # ^ ~" (user resource type); the
# dollar sign is recorded (Azure CLI, test_special_characters_in_upn).
_LOCAL = re.compile(r"[A-Za-z0-9'._\-!#^~$]{1,64}")
# "ASCII character set 0 - 127 except @ () \ [] \" ; : <> , SPACE" (group resource type).
_NICKNAME = re.compile(r"[!#-\'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}")
_MAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_POLICY = re.compile(r"(None|DisablePasswordExpiration|DisableStrongPassword)")

# "Password policies": three of four kinds of characters, 8 to 256 of them.
_SHORTEST, _LONGEST = 8, 256
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)

# What can be written to an object that comes from an Active Directory.
_CLOUD = frozenset({"otherMails", "passwordPolicies", "preferredDataLocation", "usageLocation"})


def prepare_user(call: Call, values: Record) -> Record:
    """
    A new user with these properties.

    Raises:
        GraphFault: 400, saying what cannot be.
    """
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


def alter_user(call: Call, record: Record, values: Record) -> Record:
    """
    What changes when a user is to have these properties.

    Raises:
        GraphFault: 400, saying what cannot be.
    """
    check_synced(record, values)
    changes = dict(values)
    profile = changes.pop("passwordProfile", None)
    _check_values(call, changes, record)
    if "mail" in changes:
        changes["proxyAddresses"] = set_mail(record.get("proxyAddresses", []), changes["mail"])
    if "userPrincipalName" in changes:
        held = changes.get("identities") or record.get("identities", [])
        upn = changes["userPrincipalName"]
        changes["identities"] = identify_user(held, upn, call.tenant.domains[0])
    if profile and profile.get("password"):
        policies = changes.get("passwordPolicies", record.get("passwordPolicies"))
        _check_password(profile["password"], policies)
        moment = format_iso(call.now)
        changes |= {
            "lastPasswordChangeDateTime": moment,
            "signInSessionsValidFromDateTime": moment,
        }
    return changes


def check_synced(record: Record, values: Record) -> None:
    """
    Refuse to change what an on-premises directory is the master of.

    Raises:
        GraphFault: 400.
    """
    if record.get("onPremisesSyncEnabled"):
        for name in values:
            if name not in _CLOUD and not name.startswith("extension_"):
                raise deny("synced")


def _check_values(call: Call, values: Record, record: Record) -> None:
    upn, nickname = values.get("userPrincipalName"), values.get("mailNickname")
    if nickname is not None and not _NICKNAME.fullmatch(nickname):
        raise _refuse("mailNickname")
    if upn is not None:
        _check_name(call, upn, record.get("id"))
    country, policies = values.get("usageLocation"), values.get("passwordPolicies")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise _refuse("usageLocation")
    if policies is not None and not all(map(_POLICY.fullmatch, re.split(r",\s*", policies))):
        raise _refuse("passwordPolicies")
    for name in ("mail", "otherMails"):
        held = values.get(name) or []
        for address in [held] if isinstance(held, str) else held:
            if not _MAIL.fullmatch(address):
                raise _refuse(name)
    if values.get("mail"):
        _check_address(call, values["mail"], record.get("id"))


def _check_name(call: Call, upn: str, own_id: str | None) -> None:
    local, _, domain = upn.rpartition("@")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == ".":
        raise deny("name_invalid", target="userPrincipalName")
    if domain.lower() not in call.tenant.domains:
        raise deny("name_foreign", target="userPrincipalName")
    holder = call.directory.objects.find(call.tenant, upn, kind="user")
    if holder is not None and read_record(holder)["id"] != own_id:
        raise _refuse_taken("userPrincipalName", "User", read_record(holder))


def _check_address(call: Call, address: str, own_id: str | None) -> None:
    for holder in call.directory.search.find_by_address(call.tenant, address):
        record = read_record(holder)
        if record["id"] != own_id:
            kind = "User" if holder.kind == "user" else "Group"
            raise _refuse_taken("proxyAddresses", kind, record)


def _check_password(password: str, policies: str | None) -> None:
    kinds = sum(any(c in letters for c in password) for letters in _CLASSES)
    kinds += any(all(c not in letters for letters in _CLASSES) for c in password)
    lax = "DisableStrongPassword" in (policies or "")
    if not _SHORTEST <= len(password) <= _LONGEST or (kinds < 3 and not lax):
        raise deny("password_weak")


def _refuse(name: str) -> Exception:
    return deny("value_invalid", name=name, resource="User", target=name)


def _refuse_taken(name: str, kind: str, holder: Record) -> Exception:
    return deny("value_taken", name=name, target=name, holder=f"{kind}_{holder['id']}")
