"""
Microsoft Graph's refusals when it is busy or broken, by a word of ours.

`evidence` says where status, code and message come from, as in `refusal`.
"""

from entra_emulator.errors.graph import GraphRow

BREAKDOWNS: dict[str, GraphRow] = {
    "throttled": GraphRow(
        429, "TooManyRequests", "Please retry again later.", 'documented: "throttling guidance"'
    ),
    "broken_500": GraphRow(
        500,
        "Service_InternalServerError",
        "Encountered an internal server error.",
        "code documented for the directory; message quoted",
    ),
    "broken_502": GraphRow(
        502, "UnknownError", "", "quoted, also with other statuses; here chosen", gateway=True
    ),
    "broken_503": GraphRow(
        503,
        "serviceNotAvailable",
        "The service is unavailable. Try the request again after a delay. There may be a "
        "Retry-After header.",
        'code documented in "Microsoft Graph error responses"; message by its description',
        gateway=True,
    ),
    "broken_504": GraphRow(
        504, "UnknownError", "", "quoted, also with other statuses; here chosen", gateway=True
    ),
}
