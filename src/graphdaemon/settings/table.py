"""The settings table: every key, what it means and where else it is read from."""

from typing import NamedTuple


class Secret:
    """A text that shows itself only when asked by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


class Setting(NamedTuple):
    """One row of the settings table; the reference page is made from it."""

    name: str
    kind: str
    default: str
    meaning: str
    variables: tuple[str, ...] = ()


class Kind(NamedTuple):
    """A kind of credential: the keys that make one, those that go with it, why it ranks there."""

    keys: tuple[str, ...]
    companions: tuple[str, ...]
    reason: str


# The order is Microsoft's: "Security best practices for application properties in Microsoft Entra
# ID" on learn.microsoft.com.
KINDS = {
    "managed_identity": Kind(("managed_identity",), (), "the platform keeps and renews it"),
    "federated": Kind(
        ("federated_token_file", "federated", "federated_command"),
        (),
        "the platform vouches for the app and nothing is kept here",
    ),
    "keyvault": Kind(
        ("key_vault_key",),
        ("thumbprint", "certificate_file", "send_chain"),
        "its private key never leaves the vault",
    ),
    "certificate": Kind(
        ("private_key_file",),
        ("thumbprint", "certificate_file", "passphrase", "passphrase_file", "send_chain"),
        "its private key is never sent",
    ),
    "secret": Kind(("secret", "secret_file", "secret_keyring"), (), "nothing better is configured"),
}
"""Every kind of credential, in the order `auto` prefers them."""

PLATFORMS = ("github", "kubernetes")

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
    Setting(
        "credential",
        "auto, managed_identity, federated, keyvault, certificate or secret",
        "the only one configured",
        "Which of several configured credentials to use; auto takes them in this order, the next "
        "when one is no longer accepted.",
        ("GRAPHDAEMON_CREDENTIAL",),
    ),
    Setting(
        "credentials",
        "list of tables",
        "",
        "Several credentials instead of one, in the order of use: each table holds keys from "
        "secret to key_vault_key.",
    ),
    Setting(
        "secret",
        "secret",
        "",
        "The client secret's Value (not its Secret ID).",
        ("GRAPHDAEMON_SECRET", "AZURE_CLIENT_SECRET"),
    ),
    Setting(
        "secret_file",
        "file",
        "",
        "File that holds the client secret and nothing else; read anew for every token.",
        ("GRAPHDAEMON_SECRET_FILE",),
    ),
    Setting(
        "secret_keyring",
        "service/name",
        "",
        "Entry of the operating system's keyring that holds the client secret.",
        ("GRAPHDAEMON_SECRET_KEYRING",),
    ),
    Setting(
        "thumbprint",
        "text",
        "taken from the certificate, where there is one",
        "Thumbprint of the uploaded certificate, SHA-1 as the portal shows it, or SHA-256.",
        ("GRAPHDAEMON_THUMBPRINT",),
    ),
    Setting(
        "private_key_file",
        "file",
        "",
        "PEM or PFX file with the private key, and if possible its certificate.",
        ("GRAPHDAEMON_PRIVATE_KEY_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ),
    Setting(
        "certificate_file",
        "file",
        "{private_key_file}",
        "PEM file with the certificate, and its chain if there is one.",
        ("GRAPHDAEMON_CERTIFICATE_FILE",),
    ),
    Setting(
        "passphrase",
        "secret",
        "",
        "What private_key_file is encrypted with; best given by its variable.",
        ("GRAPHDAEMON_PASSPHRASE", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
    ),
    Setting(
        "passphrase_file",
        "file",
        "",
        "File that holds the passphrase and nothing else.",
        ("GRAPHDAEMON_PASSPHRASE_FILE",),
    ),
    Setting(
        "send_chain",
        "true or false",
        "false",
        "Send the certificate chain, for apps that trust a subject and issuer (SNI).",
        ("GRAPHDAEMON_SEND_CHAIN", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"),
    ),
    Setting(
        "federated_token_file",
        "file",
        "",
        "File that holds the platform's token; read anew for every token.",
        ("GRAPHDAEMON_FEDERATED_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE"),
    ),
    Setting(
        "federated",
        "github or kubernetes",
        "",
        "The platform whose token proves who the app is, found by the variables it sets.",
        ("GRAPHDAEMON_FEDERATED",),
    ),
    Setting(
        "federated_command",
        "list of text",
        "",
        "Program and arguments that print the platform's token; run without a shell.",
    ),
    Setting(
        "managed_identity",
        "system, a client ID or a resource ID",
        "",
        "The identity that Azure gave to this machine.",
        ("GRAPHDAEMON_MANAGED_IDENTITY",),
    ),
    Setting(
        "key_vault_key",
        "https address",
        "",
        "Key in Azure Key Vault that signs instead of private_key_file; certificate_file or "
        "thumbprint says whose it is.",
        ("GRAPHDAEMON_KEY_VAULT_KEY",),
    ),
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
