"""Cases: signing in as an administrator, and what an administrator may do."""

from graphdaemon.diagnosis.cases.case import Case

_SIGN_IN = "another client may be allowed to: --client-id names it, --az takes Azure CLI's sign-in"

# Who may do what: "Microsoft Entra built-in roles", "Grant tenant-wide admin consent to an
# application" on learn.microsoft.com.
REGISTRATION: dict[str, Case] = {
    "sign_in_declined": Case(
        "sign_in_failed",
        "Whoever signed in declined, or closed the page.",
        "Run it again, and accept the request.",
    ),
    "sign_in_expired": Case(
        "sign_in_failed",
        "Nobody signed in in time.",
        "Run it again, and enter the code within some minutes.",
    ),
    "sign_in_unconsented": Case(
        "sign_in_failed",
        "The client that signs people in may not manage apps for this user.",
        "Sign in as a Global Administrator or Privileged Role Administrator, and accept; or "
        f"{_SIGN_IN}.",
    ),
    "sign_in_failed": Case(
        "sign_in_failed",
        "Nobody could be signed in.",
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
        "The app is somebody else's: the signed-in user does not own it.",
        "Sign in as an owner of the app (App registrations > the app > Owners), or with the "
        "directory role Cloud Application Administrator or Application Administrator.",
    ),
    "registrar_lacks": Case(
        "permission_missing",
        "The app that is to register another one may not.",
        "Add the application permission Application.ReadWrite.OwnedBy (for apps that others made: "
        "Application.ReadWrite.All) to the app that --as names, in {portal}, and have an "
        "administrator consent.",
    ),
    "consent_reserved": Case(
        "permission_missing",
        "The app asks for its permissions, and has not got them: only a Privileged Role "
        "Administrator or a Global Administrator may grant those of Microsoft Graph.",
        "Send the consent page to a Privileged Role Administrator, or run it again as "
        "one: {consent}",
    ),
    "assigning_reserved": Case(
        "permission_missing",
        "The API's app role was not given to its caller: only some administrators may.",
        "Sign in with the directory role Cloud Application Administrator or Application "
        "Administrator, or as an owner of the API's service principal; an app (--as) needs the "
        "application permission AppRoleAssignment.ReadWrite.All.",
    ),
    "uri_refused": Case(
        "request_refused",
        "The tenant does not take this App ID URI: it must hold the app's client ID, the tenant's "
        "ID, or a domain that is verified in the tenant.",
        "Take api:// followed by the app's client ID: `graphdaemon register --expose api://` does, "
        "and Expose an API > Set in {portal} proposes it.",
    ),
    "uri_taken": Case(
        "request_refused",
        "Another app of the tenant has this App ID URI already.",
        "Take api:// followed by the app's client ID, which no other app can have: `graphdaemon "
        "register --expose api://` does; or remove the URI from the other app (Expose an API).",
    ),
    "directory_behind": Case(
        "directory_behind",
        "The directory keeps several copies, and one that does not know yet what was just made "
        "answered for longer than was waited.",
        "Run it again in some minutes: it continues where it stopped.",
    ),
}
