"""What a report can find fault with: the rules, and a finding of one."""

from typing import NamedTuple

# The rules by their stable names, with what each is about, in the order of the report.
RULES = {
    "missing-permission": "a call was refused for want of a permission",
    "unneeded-permission": "the application has a permission that nothing it did needs",
    "ignored-retry-after": "a request came back before the Retry-After of a refusal was over",
    "lost-request": "a request failed for a reason that passes, and was not repeated",
    "unread-pages": "a listing was left before its last page",
    "small-pages": "a listing took more pages than it had to",
    "refused-call": "a request was refused that will be refused again",
    "token-not-reused": "a token was asked for while another one was valid",
    "deprecated-call": "a call that Microsoft has replaced, or has taken out of service",
    "beta-call": "a call to beta, which Microsoft does not support in production",
}


class Finding(NamedTuple):
    """
    One thing that the program had better do otherwise.

    Args:
        rule: one of RULES.
        subject: what it is about, e.g. `GET /users` or a permission.
        message: what happened.
        hint: what to do about it.
        times: how many times it happened.
        app_id: the application; empty if it is not known.
    """

    rule: str
    subject: str
    message: str
    hint: str
    times: int = 1
    app_id: str = ""
