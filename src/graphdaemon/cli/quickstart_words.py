"""What `graphdaemon quickstart` says, in each of its languages; pages are named as Entra does."""

from typing import NamedTuple


class Words(NamedTuple):
    """
    The texts of the walk. Names in braces are replaced by values.

    What other programs say is not here: refusals of Graph, with our hints, are in English.
    """

    tenant: str
    overview: str
    tenant_is: str
    tenant_id: str
    register: str
    new_registration: str
    client_id: str
    credentials: str
    secret: str
    certificate: str
    permissions: str
    not_granted: str
    wrote: str
    too_early: str
    good_token: str
    consent: str
    grant: str
    granted: str
    token_of_before: str
    list_users: str
    with_secret: str
    with_certificate: str
    first_users: str
    done: str
    kept: str
    next: str
    next_served: str
    running: str
    portal: str
    ended: str
    enter: str


ENGLISH = Words(
    tenant="A pretend tenant",
    overview="your own tenant's Overview",
    tenant_is="{name}, {count} users, at {url}",
    tenant_id="Directory (tenant) ID    {id}",
    register="Register the app Daemon-console",
    new_registration="App registrations > New registration",
    client_id="Application (client) ID  {id}",
    credentials="Certificates & secrets",
    secret="secret {hint}…, shown once; its Secret ID {id} is not it",  # noqa: S106  no secret
    certificate="certificate, thumbprint {thumbprint}",
    permissions="API permissions > Microsoft Graph > Application permissions",
    not_granted="User.Read.All: not granted for {tenant} yet",
    wrote="wrote {path}, readable by you alone",
    too_early="Call Graph before consent",
    good_token="the token is good, but it carries no role yet, so Graph refuses the call",  # noqa: S106  no secret
    consent="Grant admin consent",
    grant="API permissions > Grant admin consent for {tenant}",
    granted="granted: {roles}",
    token_of_before="The token from before, once more: roles are fixed when a token is issued.",  # noqa: S106  no secret
    list_users="List the users",
    with_secret="with the secret: {count} users",  # noqa: S106  no secret
    with_certificate="with the certificate: {count} users",
    first_users="the first {shown} of them; all {count} are in {path}",
    done="Done: {count} users in {seconds:.1f} s.",
    kept="The tenant and its settings stay in {folder}; remove the folder when you are done.",
    next="What to type next:",
    next_served="What to type next; the first keeps running, the others go into a second terminal:",
    running="The tenant keeps running until Ctrl-C. Its portal: {url}",
    portal="portal: {page}",
    ended="Stopped.",
    enter="Enter goes on",
)

PORTUGUESE = Words(
    tenant="Um locatário de faz de conta",
    overview="a Visão geral do seu próprio locatário",
    tenant_is="{name}, {count} usuários, em {url}",
    tenant_id="ID do diretório (locatário)  {id}",
    register="Registrar o aplicativo Daemon-console",
    new_registration="Registros de aplicativo > Novo registro",
    client_id="ID do aplicativo (cliente)   {id}",
    credentials="Certificados e segredos",
    secret="segredo {hint}…, mostrado uma só vez; a ID do Segredo {id} não é ele",  # noqa: S106  no secret
    certificate="certificado, impressão digital {thumbprint}",
    permissions="Permissões de API > Microsoft Graph > Permissões de aplicativo",
    not_granted="User.Read.All: ainda não concedida para {tenant}",
    wrote="gravou {path}, que só você pode ler",
    too_early="Chamar o Graph antes do consentimento",
    good_token="o token é válido, mas ainda não traz nenhuma função, e o Graph recusa a chamada",  # noqa: S106  no secret
    consent="Conceder consentimento do administrador",
    grant="Permissões de API > Conceder consentimento do administrador para {tenant}",
    granted="concedida: {roles}",
    token_of_before="De novo o token de antes: as funções são fixadas quando um token é emitido.",  # noqa: S106  no secret
    list_users="Listar os usuários",
    with_secret="com o segredo: {count} usuários",  # noqa: S106  no secret
    with_certificate="com o certificado: {count} usuários",
    first_users="os primeiros {shown}; todos os {count} estão em {path}",
    done="Pronto: {count} usuários em {seconds:.1f} s.",
    kept="O locatário e suas configurações ficam em {folder}; apague a pasta quando terminar.",
    next="O que digitar agora:",
    next_served="O que digitar agora; o primeiro não termina, os outros vão em outro terminal:",
    running="O locatário continua em execução até Ctrl-C. O portal dele: {url}",
    portal="portal: {page}",
    ended="Encerrado.",
    enter="Enter continua",
)

WORDS = {"en": ENGLISH, "pt": PORTUGUESE}
"""The texts by the value of `--lang`."""
