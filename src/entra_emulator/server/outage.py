"""How the services answer while they are throttled, down or broken."""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import deny, refuse
from entra_emulator.faults.fault import Fault
from entra_emulator.graph.access.admission import THROTTLED
from entra_emulator.graph.fault import answer_fault
from entra_emulator.web.token_service_answers import answer_oauth, describe_fault

# What a front door says by itself knows nothing of OAuth or Graph; clients must not expect JSON.
_PAGE = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>"
    "<h2>Our services aren't available right now</h2><p>We're working to restore all services as "
    "soon as possible. Please check back soon.</p></body></html>"
)


def answer_outage(request: Request, fault: Fault) -> Response:
    """The answer to a request that is made to fail with an outage or a status."""
    if fault.html:
        answer = Response(_PAGE, fault.answer, media_type="text/html")
    elif fault.kind == "outage":
        assert fault.code is not None
        content = describe_fault(request, refuse(fault.code))
        answer = answer_oauth(request, content, status=fault.answer, code=fault.code)
    else:
        answer = _answer_status(request, fault)
    if fault.wait is not None:
        answer.headers["Retry-After"] = str(fault.wait)
    return answer


def _answer_status(request: Request, fault: Fault) -> Response:
    if fault.answer == 429:
        refusal = deny("throttled", inner=THROTTLED)
    else:
        refusal = deny(f"broken_{fault.answer}")
    if fault.error is not None:
        refusal.code = fault.error
    return answer_fault(request, refusal)
