"""O365: its directory's users, the properties of its own objects as JSON."""

from __future__ import annotations

import json
import os

from O365 import Account
from O365.utils.token import MemoryTokenBackend

account = Account(
    (os.environ["BENCH_CLIENT_ID"], os.environ["BENCH_SECRET"]),
    auth_flow_type="credentials",
    tenant_id=os.environ["BENCH_TENANT"],
    token_backend=MemoryTokenBackend(),
    timezone="UTC",
)
assert account.authenticate()
for user in account.directory().get_users(limit=None):
    shown = {
        "id": user.object_id,
        "businessPhones": user.business_phones,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "jobTitle": user.job_title,
        "mail": user.mail,
        "mobilePhone": user.mobile_phone,
        "officeLocation": user.office_location,
        "preferredLanguage": user.preferred_language,
        "surname": user.surname,
        "userPrincipalName": user.user_principal_name,
    }
    print(json.dumps(shown))
