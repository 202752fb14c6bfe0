"""
The shapes that registering relies on in what Graph shows of an app.

An answer of another shape, which Graph does not give, is refused where it arrives. What is worked
with is the object as Graph sent it, because its lists are sent back whole.
"""

from typing import Annotated, Any

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import altered

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class ObjectShape(msgspec.Struct, rename="camel"):
    """Any object of the directory."""

    id: _Text


class OfferedRoleShape(msgspec.Struct, rename="camel"):
    """An app role that a service principal offers."""

    id: _Text
    value: str | None = None
    is_enabled: bool = False
    allowed_member_types: list[str] = []


class OfferingPrincipalShape(msgspec.Struct, rename="camel"):
    """Microsoft Graph's own service principal."""

    id: _Text
    app_roles: list[OfferedRoleShape] | None = None


class ApiShape(msgspec.Struct, rename="camel"):
    """What an application says of itself as an API."""

    requested_access_token_version: int | None = None


class CallerShape(msgspec.Struct, rename="camel"):
    """The service principal of an app that calls an API."""

    id: _Text
    app_id: str | None = None
    display_name: str | None = None


class AskingApplicationShape(msgspec.Struct, rename="camel"):
    """The registration of an app that calls an API, and which APIs it asks for."""

    id: _Text
    required_resource_access: list[dict[str, Any]] | None = None


class RoleHolderShape(msgspec.Struct, rename="camel"):
    """Who holds which app role of an API."""

    app_role_id: _Text
    principal_id: _Text


class RequestedAccessShape(msgspec.Struct, rename="camel"):
    """A permission that an application asks for."""

    id: _Text
    type: str


class RequestedResourceShape(msgspec.Struct, rename="camel"):
    """An API that an application asks for permissions of."""

    resource_app_id: _Text
    resource_access: list[RequestedAccessShape] | None = None


class CredentialShape(msgspec.Struct, rename="camel"):
    """A certificate or secret of an application, without its value."""

    key_id: _Text
    display_name: str | None = None
    custom_key_identifier: str | None = None
    end_date_time: str | None = None


class NamedApplicationShape(msgspec.Struct, rename="camel"):
    """The two IDs of an application."""

    id: _Text
    app_id: _Text


class DeletedApplicationShape(msgspec.Struct, rename="camel"):
    """An application in the recycle bin."""

    id: _Text
    tags: list[str] | None = None
    unique_name: str | None = None


class KeyedApplicationShape(msgspec.Struct, rename="camel"):
    """An application with its certificates."""

    id: _Text
    key_credentials: list[CredentialShape] | None = None


class ApplicationShape(msgspec.Struct, rename="camel"):
    """An application as it is compared with the desired one."""

    id: _Text
    app_id: _Text
    tags: list[str] | None = None
    required_resource_access: list[RequestedResourceShape] | None = None
    identifier_uris: list[str] | None = None
    api: ApiShape | None = None
    app_roles: list[OfferedRoleShape] | None = None
    key_credentials: list[CredentialShape] | None = None
    password_credentials: list[CredentialShape] | None = None


class FederatedCredentialShape(msgspec.Struct, rename="camel"):
    """Whose tokens an application trusts."""

    issuer: str
    subject: str | None = None


class AssignmentShape(msgspec.Struct, rename="camel"):
    """An app role that a service principal holds."""

    app_role_id: _Text
    resource_id: _Text


class NewSecretShape(msgspec.Struct, rename="camel"):
    """A secret, in the one answer that shows its value."""

    key_id: _Text
    secret_text: _Text


def check_shape(value: Any, shape: type[msgspec.Struct], path: str) -> None:
    """
    Check that what Graph shows at `path` has a shape.

    Raises:
        GraphError: `page_malformed`, naming the property; no value is repeated.
    """
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _malformed(path, error) from None


def _malformed(path: str, error: msgspec.ValidationError) -> GraphError:
    return altered(f"{path.partition('?')[0]}: the answer is not what Graph shows there ({error})")
