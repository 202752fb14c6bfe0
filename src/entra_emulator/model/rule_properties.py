"""
What membership rules can ask of a user or a device. Pure.

Source: "Manage rules for dynamic membership groups in Microsoft Entra ID". It lists the properties
under the names of an older interface; beside each here stands the name that Graph has for it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from entra_emulator.clock import parse_iso
from entra_emulator.model.records import Record
from entra_emulator.model.regular_expression import read_pattern


class RuleProperty(NamedTuple):
    """
    A property that rules can name.

    Args:
        path: where it stands in Graph's record, with a slash into a complex value.
        type: "text", "boolean", "time", "texts" (a collection of them) or "plans".
    """

    path: str
    type: str = "text"


# The items of a collection of complex values: what a rule calls one, and its properties.
ITEMS = {"plans": ("assignedPlan", ("capabilityStatus", "service", "servicePlanId"))}


class RuleMoment(NamedTuple):
    """A time in a rule: seconds since 1970, or since now when it is relative."""

    seconds: float
    relative: bool = False


# What a rule compares with: a text, several, true or false, a time; None is null.
RuleValue = str | bool | RuleMoment | tuple[str, ...] | None


def _name_text(*names: str) -> dict[str, RuleProperty]:
    return {name.casefold(): RuleProperty(name) for name in names}


def _name_extensions(path: str) -> dict[str, RuleProperty]:
    names = [f"extensionAttribute{number}" for number in range(1, 16)]
    return {name.casefold(): RuleProperty(f"{path}/{name}") for name in names}


_USER = {
    **_name_text(
        *("city", "country", "companyName", "department", "displayName", "employeeId"),
        *("givenName", "jobTitle", "mail", "mailNickname", "onPremisesDistinguishedName"),
        *("onPremisesSecurityIdentifier", "passwordPolicies", "postalCode", "preferredLanguage"),
        *("state", "streetAddress", "surname", "usageLocation", "userPrincipalName", "userType"),
    ),
    **_name_extensions("onPremisesExtensionAttributes"),
    "accountenabled": RuleProperty("accountEnabled", "boolean"),
    "dirsyncenabled": RuleProperty("onPremisesSyncEnabled", "boolean"),
    "employeehiredate": RuleProperty("employeeHireDate", "time"),
    "facsimiletelephonenumber": RuleProperty("faxNumber"),
    "mobile": RuleProperty("mobilePhone"),
    "objectid": RuleProperty("id"),
    "physicaldeliveryofficename": RuleProperty("officeLocation"),
    # Graph has several of each; one that fulfils a condition is enough.
    "sipproxyaddress": RuleProperty("imAddresses"),
    "telephonenumber": RuleProperty("businessPhones"),
    "othermails": RuleProperty("otherMails", "texts"),
    "proxyaddresses": RuleProperty("proxyAddresses", "texts"),
    "assignedplans": RuleProperty("assignedPlans", "plans"),
}
_DEVICE = {
    **_name_text(
        *("deviceCategory", "deviceId", "deviceOwnership", "displayName"),
        *("enrollmentProfileName", "managementType", "profileType"),
    ),
    **_name_extensions("extensionAttributes"),
    "accountenabled": RuleProperty("accountEnabled", "boolean"),
    "devicemanagementappid": RuleProperty("mdmAppId"),
    "devicemanufacturer": RuleProperty("manufacturer"),
    "devicemodel": RuleProperty("model"),
    "deviceostype": RuleProperty("operatingSystem"),
    "deviceosversion": RuleProperty("operatingSystemVersion"),
    "devicephysicalids": RuleProperty("physicalIds", "texts"),
    "devicetrusttype": RuleProperty("trustType"),
    "isrooted": RuleProperty("isRooted", "boolean"),
    "objectid": RuleProperty("id"),
    "systemlabels": RuleProperty("systemLabels", "texts"),
}
PROPERTIES: Mapping[str, Mapping[str, RuleProperty]] = {"user": _USER, "device": _DEVICE}

_EQUAL = frozenset({"eq", "ne"})
_ORDER = frozenset({"ge", "le"})
_TEXT = _EQUAL | frozenset(
    "startswith notstartswith endswith notendswith contains notcontains".split()
    + "match notmatch in notin".split()
)
# What each type of property takes.
OPERATORS: Mapping[str, frozenset[str]] = {
    "text": _TEXT,
    "texts": _TEXT | {"any", "all"},
    "boolean": _EQUAL,
    "time": _EQUAL | _ORDER,
    "plans": frozenset({"any", "all"}),
}

# Operators that say the opposite of others.
_OPPOSITES = {
    "ne": "eq",
    "notstartswith": "startswith",
    "notendswith": "endswith",
    "notcontains": "contains",
    "notmatch": "match",
    "notin": "in",
}


def find_property(kind: str, name: str) -> RuleProperty | None:
    """The property of this name, in any case of letters; directory extensions are texts."""
    folded = name.casefold()
    if folded.startswith("extension_"):
        return RuleProperty(name)
    return PROPERTIES[kind].get(folded)


def read_property(record: Record, path: str) -> Any:
    """The value of a property of a record, None where it is not set."""
    value: Any = record
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def compare(actual: Any, operator: str, value: RuleValue, now: float) -> bool:
    """
    Whether a value fulfils a comparison; texts are compared in any case of letters.

    Args:
        actual: a property's value; of a list, one item that fulfils it is enough.
        operator: in small letters, without hyphen.
        value: what it is compared with.
        now: seconds since 1970.
    """
    positive = _OPPOSITES.get(operator)
    if positive is not None:
        return not compare(actual, positive, value, now)
    if isinstance(actual, list) and (actual or value is not None):
        return any(compare(item, operator, value, now) for item in actual)
    if value is None:
        return actual in (None, [])
    if actual is None:
        # What is not set is neither true nor like any text.
        return value is False and operator == "eq"
    if isinstance(value, RuleMoment):
        return _compare_times(actual, operator, value, now)
    if isinstance(value, bool):
        return actual is value
    return _compare_texts(str(actual).casefold(), operator, value)


def _compare_texts(actual: str, operator: str, value: str | tuple[str, ...]) -> bool:
    if isinstance(value, tuple):
        return actual in {one.casefold() for one in value}
    if operator == "match":
        return read_pattern(value).search(actual)
    folded = value.casefold()
    if operator == "eq":
        return actual == folded
    if operator == "startswith":
        return actual.startswith(folded)
    return actual.endswith(folded) if operator == "endswith" else folded in actual


def _compare_times(actual: Any, operator: str, value: RuleMoment, now: float) -> bool:
    try:
        moment = parse_iso(str(actual))
    except ValueError:
        return False
    other = value.seconds + now if value.relative else value.seconds
    if operator == "eq":
        return moment == other
    return moment >= other if operator == "ge" else moment <= other
