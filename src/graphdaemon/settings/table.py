"""The settings table: every key, what it means and where else it is read from."""

from graphdaemon.settings.credentials import CREDENTIAL_SETTINGS
from graphdaemon.settings.setting import Setting

SETTINGS = (
    Setting(
        "authority",
        "https address",
        "https://{host of the cloud}/{tenant}",
        "Who issues tokens: https://login.microsoftonline.com/{tenant}. Give this, or tenant, or "
        "oidc_authority, the others null.",
        ("GRAPHDAEMON_AUTHORITY",),
    ),
    Setting(
        "oidc_authority",
        "https address",
        "",
        "The same for External ID with a custom domain: the issuer's address.",
        ("GRAPHDAEMON_OIDC_AUTHORITY",),
    ),
    Setting(
        "tenant",
        "text",
        "",
        "Directory (tenant) ID or a domain of it, where authority is not written out.",
        ("GRAPHDAEMON_TENANT", "AZURE_TENANT_ID"),
    ),
    Setting(
        "cloud",
        "public, usgov, usgovdod or china",
        "the authority's cloud",
        "Whose token service and Graph are meant, where authority, scope and endpoint do not say.",
        ("GRAPHDAEMON_CLOUD",),
    ),
    Setting(
        "authority_host",
        "https address",
        "{host of the cloud}",
        "Who issues tokens, without the tenant.",
        ("GRAPHDAEMON_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST"),
    ),
    Setting(
        "region",
        "auto, or an Azure region",
        "",
        "Ask the regional token service; Microsoft serves only some apps there.",
        ("GRAPHDAEMON_REGION",),
    ),
    Setting(
        "client_id",
        "text",
        "",
        "Application (client) ID of the app registration; a managed identity needs none.",
        ("GRAPHDAEMON_CLIENT_ID", "AZURE_CLIENT_ID"),
    ),
    Setting(
        "scope",
        "list of text",
        "{Graph of the cloud}/.default",
        "One value: the API's App ID URI followed by /.default.",
        ("GRAPHDAEMON_SCOPE",),
    ),
    *CREDENTIAL_SETTINGS,
    Setting(
        "token_cache",
        "memory, file or redis",
        "memory",
        "Where tokens are kept: by each process for itself, or encrypted for all to share.",
        ("GRAPHDAEMON_TOKEN_CACHE",),
    ),
    Setting(
        "token_cache_folder",
        "folder",
        "~/.cache/graphdaemon",
        "Folder of the file cache.",
        ("GRAPHDAEMON_TOKEN_CACHE_FOLDER",),
    ),
    Setting(
        "token_cache_url",
        "secret",
        "",
        "Address of the Redis server: rediss://user:password@host:6380/0.",
        ("GRAPHDAEMON_TOKEN_CACHE_URL",),
    ),
    Setting(
        "token_cache_key",
        "secret",
        "kept in the operating system's keyring",
        "What the shared cache is encrypted with: 32 random bytes as base64; best given by its "
        "variable.",
        ("GRAPHDAEMON_CACHE_KEY",),
    ),
    Setting(
        "token_cache_key_file",
        "file",
        "",
        "File that holds token_cache_key and nothing else.",
        ("GRAPHDAEMON_CACHE_KEY_FILE",),
    ),
    Setting(
        "endpoint",
        "https address",
        "{Graph of the cloud}/v1.0/users",
        "What the quickstart calls. Its host and version say which Graph all commands use.",
        ("GRAPHDAEMON_ENDPOINT",),
    ),
    Setting(
        "ca_file",
        "file",
        "",
        "PEM file of certificate authorities to trust besides the system's.",
        ("GRAPHDAEMON_CA_FILE",),
    ),
    Setting(
        "timeout",
        "seconds",
        "60",
        "How long to wait for a host before giving an attempt up.",
        ("GRAPHDAEMON_TIMEOUT",),
    ),
    Setting(
        "budget_file",
        "file",
        "",
        "A small file by which all processes on this host that use the same app keep within one "
        "throttle budget; relative to the settings file.",
        ("GRAPHDAEMON_BUDGET_FILE",),
    ),
    Setting(
        "budget_url",
        "secret",
        "",
        "The same for processes on many hosts: the address of a Redis server.",
        ("GRAPHDAEMON_BUDGET_URL",),
    ),
    Setting("note", "text", "", "For people; ignored."),
)
