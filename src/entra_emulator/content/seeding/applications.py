"""Draw applications, their service principals, and those of other tenants' applications."""

from collections.abc import Iterator
from typing import NamedTuple

from entra_emulator.content.seeding.credentials import draw_credentials, draw_signing
from entra_emulator.content.seeding.draw import Draw, format_moment
from entra_emulator.content.seeding.users import FIRST_HIRE, INITIAL_DOMAIN, LAST_HIRE
from entra_emulator.model.applications import (
    GRAPH_APP_ID,
    MICROSOFT_TENANT,
    draft_application,
    draft_principal,
)
from entra_emulator.model.records import Record
from entra_emulator.model.schema import app_roles

_AREAS = "Payroll Invoice Warehouse Badge Survey Ticket Archive Fleet Lab Travel Roster".split()
_PARTS = "Export Sync Portal Bot Gateway Report Import Worker".split()
_FOREIGN = (
    "Contract Signing",
    "Expense Cloud",
    "Learning Hub",
    "Mail Hygiene",
    "Password Vault",
    "Phone System",
    "Video Meetings",
    "Whiteboard",
)
_AUDIENCES = ("AzureADMyOrg",) * 8 + ("AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount")
# The application permissions that daemons ask for most.
_ROLES = ("User.Read.All", "Directory.Read.All", "Group.Read.All", "Mail.Send", "Sites.Read.All")


class SeededApplication(NamedTuple):
    """An application, its service principal if it has one, and the draw to go on with."""

    application: Record
    principal: Record | None
    draw: Draw


def draw_applications(
    count: int, seed: int, tenant_id: str, today: int
) -> Iterator[SeededApplication]:
    """
    The first `count` applications of a seed, which are the tenant's own.

    Their credentials are counted from `today`, the first second of a day: some have expired, some
    end soon and some in many years, whenever the tenant is made.
    """
    roles = {role.value: role.id for role in app_roles()}
    for number in range(count):
        draw = Draw(seed, f"application {number}")
        name = f"{draw.pick(_AREAS)} {draw.pick(_PARTS)} {number}"
        created = FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)
        application = _draft(draw, name, created)
        # A draw of their own: the other one's bits are needed for the owners.
        application |= draw_credentials(Draw(seed, f"credentials {number}"), number, today)
        if draw.chance(60):
            access = {"id": roles[draw.pick(_ROLES)], "type": "Role"}
            application["requiredResourceAccess"] = [
                {"resourceAppId": GRAPH_APP_ID, "resourceAccess": [access]}
            ]
        principal = None
        if draw.chance(90):
            principal = draft_principal(
                draw.guid(),
                application["appId"],
                name,
                created=format_moment(created),
                owner=tenant_id,
                audience=application["signInAudience"],
            )
            principal["tags"] = ["WindowsAzureActiveDirectoryIntegratedApp"]
            principal["notes"] = application["notes"]
        yield SeededApplication(application, principal, draw)


def draw_foreign_principals(count: int, seed: int, today: int) -> Iterator[Record]:
    """
    The first `count` service principals of a seed whose applications are elsewhere.

    Those that users sign in to by SAML have a certificate that signs.
    """
    for number in range(count):
        draw = Draw(seed, f"servicePrincipal {number}")
        name = f"{_FOREIGN[number % len(_FOREIGN)]} {number}"
        record = draft_principal(
            draw.guid(),
            draw.guid(),
            name,
            created=format_moment(FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)),
            owner=MICROSOFT_TENANT if draw.chance(30) else draw.guid(),
            audience="AzureADMultipleOrgs",
        )
        record["accountEnabled"] = not draw.chance(10)
        record["appRoleAssignmentRequired"] = draw.chance(25)
        if draw.chance(40):
            record["homepage"] = f"https://app{number}.example.com"
            record["preferredSingleSignOnMode"] = "saml"
            record["replyUrls"] = [f"https://app{number}.example.com/saml"]
            record |= draw_signing(Draw(seed, f"signing {number}"), number, today)
        yield record


def _draft(draw: Draw, name: str, created: int) -> Record:
    slug = "-".join(name.lower().split())
    web = [f"https://{slug}.contoso.example/signin-oidc"] if draw.chance(40) else []
    public = ["http://localhost"] if draw.chance(20) else []
    application = draft_application(
        draw.guid(),
        draw.guid(),
        name,
        created=format_moment(created),
        domain=INITIAL_DOMAIN,
        audience=draw.pick(_AUDIENCES),
        redirect_uris=web,
        public_redirect_uris=public,
        allow_public_client=True if public else None,
    )
    if draw.chance(30):
        application["notes"] = "Ask the service desk before changing anything."
    if draw.chance(20):
        application["description"] = f"{name} runs every night."
    if draw.chance(25):
        application["tags"] = ["nightly"]
    return application
