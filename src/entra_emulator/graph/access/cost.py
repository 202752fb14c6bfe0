"""
What a request costs, in resource units.

Source: "Microsoft Graph service-specific throttling limits", identity and access. Where recorded
answers (Azure CLI, 2022-2024) have another number, it is theirs.
"""

from collections.abc import Mapping
from functools import cache

from entra_emulator.graph.access.permission_table import fold

# The costs of requests without query options, where they are not 1.
_BASES = {
    "GET /users": 2,
    "GET /applications": 2,
    "GET /oauth2permissiongrants": 2,
    "GET /subscribedskus": 3,
    "GET /domains/{id}/domainnamereferences": 4,
    "GET /groups/{id}/members": 3,
    "GET /groups/{id}/transitivemembers": 5,
    "GET /groups/{id}/memberof": 2,
    "GET /groups/{id}/transitivememberof": 2,
    "GET /groups/{id}/licensedetails": 2,
    "GET /groups/{id}/ownedobjects": 2,
    "GET /users/{id}/memberof": 2,
    "GET /users/{id}/transitivememberof": 2,
    "GET /users/{id}/licensedetails": 2,
    "GET /users/{id}/ownedobjects": 2,
    "GET /serviceprincipals/{id}/approleassignments": 2,
    # Recorded; documented for users and groups only.
    "GET /serviceprincipals/{id}/memberof": 2,
    "GET /serviceprincipals/{id}/transitivememberof": 2,
    # Recorded 569 times in 2022-2023, and the number of the older documentation; today's says 5.
    "POST /directoryobjects/getbyids": 3,
}

# The costs of functions that every directory object has.
_FUNCTIONS = {
    "checkmembergroups": 4,
    "checkmemberobjects": 4,
    "getmembergroups": 2,
    "getmemberobjects": 2,
}

# `$top` below this costs less.
SMALL_PAGE = 20


def cost_of(method: str, template: str, options: Mapping[str, str]) -> int:
    """
    Resource units of a request.

    Args:
        method: e.g. "GET".
        template: e.g. "/users/{key}/memberOf".
        options: the query options by their names in small letters, e.g. "$select".
    """
    base = _find_base(method, template)
    if base == 1 and "$expand" not in options:
        return 1  # the usual case: no option makes it cheaper
    if options.get("$select"):
        base -= 1
    if options.get("$expand"):
        base += 1
    top = options.get("$top", "")
    if top.isdecimal() and int(top[:9]) < SMALL_PAGE:
        base -= 1
    return max(1, base)


@cache
def _find_base(method: str, template: str) -> int:
    if template.endswith("/$count"):
        return 1
    path = fold(template)
    if path.startswith("/me/"):
        path = f"/users/{{id}}/{path[4:]}"
    if method == "POST":
        function = _FUNCTIONS.get(path.rpartition("/")[2])
        if function is not None:
            return function
    return _BASES.get(f"{method} {path}", 1)
