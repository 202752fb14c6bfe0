"""What a page's form brings: texts, and files."""

from email.message import Message
from email.parser import BytesHeaderParser
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from entra_emulator.web.pages.fault import PortalFault

FORM_LIMIT = 131_072
MOST_FIELDS = 1000


class Form(NamedTuple):
    """A form that was sent: (name, text) of its fields, and its files."""

    fields: tuple[tuple[str, str], ...]
    files: dict[str, bytes]

    def get(self, name: str) -> str:
        """The text of a field without blanks around it; nothing when it was not sent."""
        return next((text.strip() for key, text in self.fields if key == name), "")

    def each(self, name: str) -> list[str]:
        """Every text that was sent by this name: what is ticked."""
        return [text for key, text in self.fields if key == name]


NOTHING = Form((), {})


async def read_form(request: Request) -> Form:
    """
    The form in the request's body.

    Raises:
        PortalFault: 413, it is too large; 400, it is no form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise PortalFault(413, "large", limit=FORM_LIMIT // 1024)
    kind = _read_type(request.headers.get("content-type", ""))
    try:
        if kind.get_content_type() == "multipart/form-data":
            return _read_parts(bytes(body), str(kind.get_param("boundary", "")))
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise PortalFault(400, "malformed") from error
    return Form(tuple(pairs), {})


def _read_type(text: str) -> Message:
    message = Message()
    message["Content-Type"] = text or "application/x-www-form-urlencoded"
    return message


def _read_parts(body: bytes, boundary: str) -> Form:
    """The parts of a `multipart/form-data` body (RFC 7578), each byte as it was sent."""
    if not boundary:
        raise ValueError("a form without a boundary")
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    fields: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for section in sections[1:-1][:MOST_FIELDS]:
        head, _, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        described = BytesHeaderParser().parsebytes(head)
        name = str(described.get_param("name", "", header="content-disposition"))
        if described.get_filename() is None:
            fields.append((name, content.decode()))
        else:
            files[name] = content
    return Form(tuple(fields), files)
