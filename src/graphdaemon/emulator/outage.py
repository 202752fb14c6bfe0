"""How the token service answers while it is throttled or down."""

from starlette.requests import Request
from starlette.responses import Response

from graphdaemon.emulator.errors import refuse
from graphdaemon.emulator.exchange import answer_oauth, describe_fault
from graphdaemon.emulator.faults import Fault

__all__ = ["answer_outage"]

# What a front door says by itself knows nothing of OAuth; clients must not expect JSON.
_PAGE = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>"
    "<h2>Our services aren't available right now</h2><p>We're working to restore all services as "
    "soon as possible. Please check back soon.</p></body></html>"
)


def answer_outage(request: Request, fault: Fault) -> Response:
    """The answer to a request that is made to fail."""
    if fault.html:
        answer = Response(_PAGE, fault.status, media_type="text/html")
    else:
        refusal = refuse(fault.code)
        content = describe_fault(request, refusal)
        answer = answer_oauth(request, content, status=fault.status, code=fault.code)
    if fault.wait is not None:
        answer.headers["Retry-After"] = str(fault.wait)
    return answer
