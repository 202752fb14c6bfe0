"""Forms that browsers send: the texts of their fields, and files."""

from email.message import Message
from email.parser import BytesHeaderParser
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from entra_emulator.web.pages.refusal import PortalRefusal

# Bytes of a form: the largest holds a certificate of a few thousand.
FORM_LIMIT = 131_072
MOST_FIELDS = 1000
URLENCODED = "application/x-www-form-urlencoded"


class Form(NamedTuple):
    """A form that was sent: (name, text) of its fields, and its files."""

    fields: tuple[tuple[str, str], ...]
    files: dict[str, bytes]

    def get(self, name: str) -> str:
        """The text of a field without blanks around it; an empty one when it was not sent."""
        return next((text.strip() for key, text in self.fields if key == name), "")

    def each(self, name: str) -> list[str]:
        """Every text that was sent under this name, such as those of ticked boxes."""
        return [text for key, text in self.fields if key == name]


NOTHING = Form((), {})


async def read_form(request: Request) -> Form:
    """
    The form in the request's body.

    Raises:
        PortalRefusal: 413, it is too large; 400, it is no form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise PortalRefusal(413, "large", limit=FORM_LIMIT // 1024)
    headers = Message()
    headers["Content-Type"] = request.headers.get("content-type") or URLENCODED
    try:
        if headers.get_content_type() == "multipart/form-data":
            return _read_parts(bytes(body), str(headers.get_param("boundary", "")))
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise PortalRefusal(400, "malformed") from error
    return Form(tuple(pairs), {})


def _read_parts(body: bytes, boundary: str) -> Form:
    """The form in a `multipart/form-data` body (RFC 7578); files stay as they were sent."""
    if not boundary:
        raise ValueError("a form without a boundary")
    # The line break before a boundary belongs to it, and the first boundary lacks one.
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    fields: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    # What stands around the boundaries has no meaning (RFC 2046, 5.1.1).
    for section in sections[1:-1][:MOST_FIELDS]:
        head, _, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head)
        name = str(headers.get_param("name", "", header="content-disposition"))
        if headers.get_filename() is None:
            fields.append((name, content.decode()))
        else:
            files[name] = content
    return Form(tuple(fields), files)
