"""The settings table: every key, what it means and where else it is read from."""

from graphdaemon.settings.credentials import CREDENTIAL_SETTINGS
from graphdaemon.settings.setting import Setting

SETTINGS = (
    Setting(
        "authority",
        "https address",
        "Who issues tokens: https://login.microsoftonline.com/{tenant}. Give this, or tenant, or "
        "oidc_authority, the others null.",
        default="https://{host of the cloud}/{tenant}",
    ),
    Setting(
        "oidc_authority",
        "https address",
        "The same for External ID with a custom domain: the issuer's address.",
    ),
    Setting(
        "tenant",
        "text",
        "Directory (tenant) ID or a domain of it, where authority is not written out.",
        azure="AZURE_TENANT_ID",
    ),
    Setting(
        "cloud",
        "public, usgov, usgovdod or china",
        "Whose token service and Graph are meant, where authority, scope and endpoint do not say.",
        default="the authority's cloud",
    ),
    Setting(
        "authority_host",
        "https address",
        "Who issues tokens, without the tenant.",
        default="{host of the cloud}",
        azure="AZURE_AUTHORITY_HOST",
    ),
    Setting(
        "region",
        "auto, or an Azure region",
        "Ask the regional token service; Microsoft serves only some apps there.",
    ),
    Setting(
        "client_id",
        "text",
        "Application (client) ID of the app registration; a managed identity needs none.",
        azure="AZURE_CLIENT_ID",
    ),
    Setting(
        "scope",
        "list of text",
        "One value: the API's App ID URI followed by /.default.",
        default="{Graph of the cloud}/.default",
    ),
    *CREDENTIAL_SETTINGS,
    Setting(
        "token_cache",
        "memory, file or redis",
        "Where tokens are kept: by each process for itself, or encrypted for all to share.",
        default="memory",
    ),
    Setting(
        "token_cache_folder",
        "folder",
        "Folder of the file cache.",
        default="the user's cache folder, on Linux ~/.cache/graphdaemon",
    ),
    Setting(
        "token_cache_url",
        "secret",
        "Address of the Redis server: rediss://USER:PASSWORD@HOST:6380/0.",
    ),
    Setting(
        "token_cache_key",
        "secret",
        "What the shared cache is encrypted with: 32 random bytes as base64; best given by its "
        "variable.",
        default="kept in the operating system's keyring",
        variable="GRAPHDAEMON_CACHE_KEY",
    ),
    Setting(
        "token_cache_key_file",
        "file",
        "File that holds token_cache_key and nothing else.",
        variable="GRAPHDAEMON_CACHE_KEY_FILE",
    ),
    Setting(
        "endpoint",
        "https address",
        "What the quickstart calls. Its host and version say which Graph all commands use.",
        default="{Graph of the cloud}/v1.0/users",
    ),
    Setting(
        "ca_file",
        "file",
        "File or folder of certificate authorities to trust besides the system's, PEM or DER.",
    ),
    Setting(
        "timeout",
        "seconds",
        "How long to wait for a host before giving an attempt up.",
        default="60",
    ),
    Setting(
        "budget_file",
        "file",
        "A small file by which all processes on this host that use the same app keep within one "
        "throttle budget; relative to the settings file.",
    ),
    Setting(
        "budget_url",
        "secret",
        "The same for processes on many hosts: the address of a Redis server.",
    ),
    Setting(
        "audience",
        "list of text",
        "Of a protected API: its App ID URIs and client IDs besides client_id, for which tokens "
        "may be.",
        default="[client_id, api://{client_id}]",
    ),
    Setting(
        "tenants",
        "list of text",
        "Of a protected API: the tenants whose apps may call, by their IDs.",
        default="the authority's tenant",
    ),
    Setting(
        "roles",
        "list of text",
        "Of a protected API: app roles, of which a caller needs one.",
    ),
    Setting(
        "clients",
        "list of text",
        "Of a protected API: the client IDs of the only apps that may call.",
    ),
    Setting(
        "store",
        "secret",
        "The database that `graphdaemon sync` keeps in step: sqlite:FILE or "
        "postgresql://USER@HOST/DATABASE.",
        default="sqlite:graphdaemon.db",
    ),
    Setting(
        "retention",
        "time, such as 90d, or forever",
        "How long the store remembers versions that ended, and changes.",
        default="forever",
    ),
    Setting(
        "reconcile_every",
        "time, such as 12h, or never",
        "After how long a sync reads everything, compares it with the store and repairs that.",
        default="7d",
    ),
    Setting(
        "feed_secret",
        "secret",
        "What the webhook of the change feed is signed with: whsec_ and base64, as Standard "
        "Webhooks has it, or any other text.",
    ),
    Setting(
        "feed_secret_file",
        "file",
        "File that holds feed_secret and nothing else.",
    ),
    Setting("note", "text", "For people; ignored.", variable=None),
)
