"""What stands on the buttons of Microsoft's own portal, in the two languages of its readers."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The words that somebody looks for on the way through the quickstart."""

    applications: str
    new: str
    name: str
    register: str
    credentials: str
    new_secret: str
    description: str
    add: str
    upload: str
    certificates: str
    file: str
    permissions: str
    add_permission: str
    application_permissions: str
    filter: str
    search: str
    add_permissions: str
    waiting: str
    grant: str
    granted: str
    yes: str
    accept: str
    cancel: str
    quickstart: str
    make: str
    download: str
    download_certificate: str


WORDS = {
    "en": Words(
        applications="App registrations",
        new="New registration",
        name="Name",
        register="Register",
        credentials="Certificates & secrets",
        new_secret="New client secret",
        description="Description",
        add="Add",
        upload="Upload certificate",
        certificates="Certificates (0)",
        file="Certificate file",
        permissions="API permissions",
        add_permission="Add a permission",
        application_permissions="Application permissions",
        filter="Type a permission to filter these results",
        search="Search",
        add_permissions="Add permissions",
        waiting="Not granted for Contoso",
        grant="Grant admin consent for Contoso",
        granted="Granted for Contoso",
        yes="Yes",
        accept="Accept",
        cancel="Cancel",
        quickstart="Quickstart",
        make="Make these changes for me",
        download="Download the code sample",
        download_certificate="Download the certificate sample",
    ),
    "pt-BR": Words(
        applications="Registros de aplicativo",
        new="Novo registro",
        name="Nome",
        register="Registrar",
        credentials="Certificados e segredos",
        new_secret="Novo segredo do cliente",
        description="Descrição",
        add="Adicionar",
        upload="Carregar certificado",
        certificates="Certificados (0)",
        file="Arquivo do certificado",
        permissions="Permissões de API",
        add_permission="Adicionar uma permissão",
        application_permissions="Permissões de aplicativo",
        filter="Digite uma permissão para filtrar estes resultados",
        search="Pesquisar",
        add_permissions="Adicionar permissões",
        waiting="Não concedido para Contoso",
        grant="Conceder consentimento do administrador para Contoso",
        granted="Concedido para Contoso",
        yes="Sim",
        accept="Aceitar",
        cancel="Cancelar",
        quickstart="Início rápido",
        make="Fazer estas alterações para mim",
        download="Baixar o exemplo de código",
        download_certificate="Baixar o exemplo com certificado",
    ),
}
