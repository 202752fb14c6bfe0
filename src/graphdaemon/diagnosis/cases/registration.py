"""Cases: signing in as an administrator, and what an administrator may do."""

from graphdaemon.diagnosis.cases.case import Case

_SIGN_IN = (
    "use another client, which may be allowed to: name it with --client-id, or use the "
    "sign-in of Azure CLI with --az"
)

# Who may do what: "Microsoft Entra built-in roles", "Grant tenant-wide admin consent to an
# application" on learn.microsoft.com.
REGISTRATION: dict[str, Case] = {
    "sign_in_declined": Case(
        "sign_in_failed",
        "The person who signed in declined the request, or closed the page.",
        "Run it again, and accept the request.",
    ),
    "sign_in_expired": Case(
        "sign_in_failed",
        "Nobody signed in within the time allowed.",
        "Run it again, and enter the code within a few minutes.",
    ),
    "sign_in_unconsented": Case(
        "sign_in_failed",
        "The client with which the user signed in may not manage apps.",
        "Sign in as a Global Administrator or Privileged Role Administrator, and accept; or "
        f"{_SIGN_IN}.",
    ),
    "sign_in_failed": Case(
        "sign_in_failed",
        "The sign-in failed.",
        f"Do what the message says, and run it again; {_SIGN_IN}.",
    ),
    "registering_reserved": Case(
        "permission_missing",
        "This tenant does not let everybody register apps, and the signed-in user is not among "
        "those who may.",
        "Sign in as somebody with the directory role Application Developer, Cloud Application "
        "Administrator or Application Administrator (in {portal}: Roles & admins), or ask one to "
        "run this.",
    ),
    "changing_reserved": Case(
        "permission_missing",
        "The app belongs to somebody else: the signed-in user is not one of its owners.",
        "Sign in as an owner of the app (App registrations > the app > Owners), or with the "
        "directory role Cloud Application Administrator or Application Administrator.",
    ),
    "registrar_lacks": Case(
        "permission_missing",
        "The app that should register another app lacks the permission to do so.",
        "Add the application permission Application.ReadWrite.OwnedBy (for apps that others made: "
        "Application.ReadWrite.All) to the app that --as names, in {portal}, and have an "
        "administrator consent.",
    ),
    "consent_reserved": Case(
        "permission_missing",
        "The app's permissions are requested, but not granted: only a Privileged Role "
        "Administrator or a Global Administrator may grant those of Microsoft Graph.",
        "Send the consent page to a Privileged Role Administrator, or run it again as "
        "one: {consent}",
    ),
    "assigning_reserved": Case(
        "permission_missing",
        "The API's app role was not assigned to the caller: only some administrators may do that.",
        "Sign in with the directory role Cloud Application Administrator or Application "
        "Administrator, or as an owner of the API's service principal; an app (--as) needs the "
        "application permission AppRoleAssignment.ReadWrite.All.",
    ),
    "uri_refused": Case(
        "request_refused",
        "The tenant does not take this App ID URI: it must hold the app's client ID, the tenant's "
        "ID, or a domain that is verified in the tenant.",
        "Use api:// followed by the app's client ID: `graphdaemon register --expose api://` sets "
        "it, and Expose an API > Set in {portal} proposes it.",
    ),
    "uri_taken": Case(
        "request_refused",
        "Another app of the tenant has this App ID URI already.",
        "Use api:// followed by the app's client ID, which no other app can have: `graphdaemon "
        "register --expose api://` sets it. Or remove the URI from the other app (Expose an API).",
    ),
    "directory_behind": Case(
        "directory_behind",
        "The directory has several copies, and one of them did not show the new object within the "
        "time allowed.",
        "Run it again in a few minutes: it continues where it stopped.",
    ),
}
