"""The settings table: every key, what it means and where else it is read from."""

from graphdaemon.settings.credentials import CREDENTIAL_SETTINGS
from graphdaemon.settings.setting import Setting

SETTINGS = (
    Setting(
        "authority",
        "https address",
        "The address that issues tokens: https://login.microsoftonline.com/{tenant}. Give this, "
        "tenant or oidc_authority, and leave out the other two (or set them to null).",
        default="https://{host of the cloud}/{tenant}",
    ),
    Setting(
        "oidc_authority",
        "https address",
        "Instead of authority, for External ID with a custom domain: the issuer's address.",
    ),
    Setting(
        "tenant",
        "text",
        "Directory (tenant) ID, or one of the tenant's domains. Give it instead of authority.",
        azure="AZURE_TENANT_ID",
    ),
    Setting(
        "cloud",
        "public, usgov, usgovdod or china",
        "The cloud whose token service and Graph are used, unless authority, scope and endpoint "
        "name them.",
        default="the authority's cloud",
    ),
    Setting(
        "authority_host",
        "https address",
        "The address that issues tokens, without the tenant.",
        default="{host of the cloud}",
        azure="AZURE_AUTHORITY_HOST",
    ),
    Setting(
        "region",
        "auto, or an Azure region",
        "Use the token service of this Azure region; Microsoft allows this for some apps only.",
    ),
    Setting(
        "client_id",
        "text",
        "Application (client) ID of the app registration. Not needed with a managed identity.",
        azure="AZURE_CLIENT_ID",
    ),
    Setting(
        "scope",
        "list of text",
        "A list of one value: the API's App ID URI followed by /.default.",
        default="{Graph of the cloud}/.default",
    ),
    *CREDENTIAL_SETTINGS,
    Setting(
        "token_cache",
        "memory, file or redis",
        "Where tokens are kept: in the memory of each process, or encrypted in a file or in "
        "Redis, where processes share them.",
        default="memory",
    ),
    Setting(
        "token_cache_folder",
        "folder",
        "The folder of the shared token cache, if token_cache is file.",
        default="the user's cache folder, on Linux ~/.cache/graphdaemon",
    ),
    Setting(
        "token_cache_url",
        "secret",
        "The address of the Redis server, if token_cache is redis: "
        "rediss://USER:PASSWORD@HOST:6380/0.",
    ),
    Setting(
        "token_cache_key",
        "secret",
        "The key that encrypts the shared token cache: 32 random bytes in base64. It is safest in "
        "the environment variable.",
        default="kept in the operating system's keyring",
        variable="GRAPHDAEMON_CACHE_KEY",
    ),
    Setting(
        "token_cache_key_file",
        "file",
        "A file that holds token_cache_key and nothing else.",
        variable="GRAPHDAEMON_CACHE_KEY_FILE",
    ),
    Setting(
        "endpoint",
        "https address",
        "The address that the quickstart calls. All commands use the Graph of this host and "
        "version.",
        default="{Graph of the cloud}/v1.0/users",
    ),
    Setting(
        "ca_file",
        "file",
        "A file or folder with certificate authorities (PEM or DER) to trust in addition to the "
        "system's.",
    ),
    Setting(
        "timeout",
        "seconds",
        "How long to wait for an answer before an attempt counts as failed.",
        default="60",
    ),
    Setting(
        "budget_file",
        "file",
        "A small file through which all processes on this host that use the same app share one "
        "throttle budget.",
    ),
    Setting(
        "budget_url",
        "secret",
        "The address of a Redis server, through which processes on several hosts share one "
        "throttle budget.",
    ),
    Setting(
        "audience",
        "list of text",
        "For a protected API: further App ID URIs and client IDs of the API, besides client_id. "
        "Tokens for any of them are accepted.",
        default="[client_id, api://{client_id}]",
    ),
    Setting(
        "tenants",
        "list of text",
        "For a protected API: the IDs of the tenants whose apps may call it.",
        default="the authority's tenant",
    ),
    Setting(
        "roles",
        "list of text",
        "For a protected API: app roles. A caller needs one of them.",
    ),
    Setting(
        "clients",
        "list of text",
        "For a protected API: the client IDs of the apps that may call it. Without this setting, "
        "any app may.",
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
        "How long the store keeps earlier versions of records, and the list of changes.",
        default="forever",
    ),
    Setting(
        "reconcile_every",
        "time, such as 12h, or never",
        "How often a sync reads the whole directory, compares it with the store, and repairs the "
        "differences.",
        default="7d",
    ),
    Setting(
        "feed_secret",
        "secret",
        "The secret that signs the requests to the webhook of the change feed: whsec_ followed by "
        "base64, as in Standard Webhooks, or any other text.",
    ),
    Setting(
        "feed_secret_file",
        "file",
        "A file that holds feed_secret and nothing else.",
    ),
    Setting("note", "text", "A note for people. graphdaemon ignores it.", variable=None),
)
