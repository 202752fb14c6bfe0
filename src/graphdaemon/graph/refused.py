"""What a refusal of Graph is called, and what to do about it."""

from graphdaemon.errors import GraphError
from graphdaemon.graph.headers import read_wait
from graphdaemon.graph.links import origin_of, path_of
from graphdaemon.http.response import Response
from graphdaemon.received.json import decode_object
from graphdaemon.received.text import quote, read_name, shorten


def explain(
    response: Response,
    url: str,
    *,
    needs: str | None,
    consent_url: str | None,
    token: str | None = None,
    method: str = "GET",
) -> GraphError:
    """
    Turn a refusal into the exception that says what to do.

    `needs` is the application permission that opens the call, if there is one; `consent_url` is
    where an administrator can consent, if that is known. The roles in `token`, which was sent, tell
    several refusals apart.
    """
    # A run that goes well needs none of these.
    from graphdaemon.diagnosis.advice import advise, locate
    from graphdaemon.diagnosis.graph_refusals import find_graph_case, name_beyond
    from graphdaemon.diagnosis.permissions import find_need
    from graphdaemon.diagnosis.token_claims import read_claims

    path = path_of(url)
    graph_code, message = _read_error(response)
    need = find_need(method, path) if response.status in (401, 403) else None
    claims = read_claims(token) if token is not None else None
    case = find_graph_case(response.status, f"{graph_code} {message}", claims=claims, need=need)
    values = {"role": need.words if need else needs, "beyond": name_beyond(path)}
    advice = advise(case, locate(consent_url, consent_url) | values)
    words = " ".join(filter(None, [str(response.status), graph_code]))
    return GraphError(
        f"{path}: {words}" + (f": {message}" if message else ""),
        code=advice.code,
        status=response.status,
        hint=advice.step,
        case=advice.case,
        graph_code=graph_code,
        request_id=read_name(response.headers.get("request-id")),
        retry_after=read_wait(response.headers.get("Retry-After")),
    )


def _read_error(response: Response) -> tuple[str | None, str | None]:
    """Return Graph's code and message; where there are none, the beginning of what came instead."""
    if 300 <= response.status < 400:
        return None, f"redirected to {_name_host(response.headers.get('Location'))}"
    error = (decode_object(response.body) or {}).get("error")
    if not isinstance(error, dict):
        return None, quote(response.body) or None
    # Some services behind Graph send an object where a text belongs (seen in go-azure-sdk).
    code, message = read_name(error.get("code")), error.get("message")
    return code, shorten(message) if isinstance(message, str) else None


def _name_host(location: str | None) -> str:
    """Name the host of a redirect's target; its path and options may hold tokens."""
    try:
        origin = origin_of(location or "")
    except ValueError:
        return "an address that is none"
    scheme, _, host = origin.partition("://")
    return quote(origin, 100) if scheme and host else "another path of the same host"
