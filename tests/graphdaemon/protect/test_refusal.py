"""What a refused caller is answered, whatever a token says."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.protect.refusal import refuse

# RFC 6750, 3, and RFC 9110, 11.6.1: parameters with quoted strings of certain characters.
CHALLENGE = re.compile(r'Bearer(?: \w+="[ !#-\[\]-~]*"(?:, \w+="[ !#-\[\]-~]*")*)?')


@pytest.mark.parametrize("case", PROTECTED_API)
def test_the_answer_and_the_table_use_the_same_words(case: str) -> None:
    """What the header, the body and `explain` say is one row of one table."""
    error = refuse(case)

    assert str(error) == advise(case).meaning
    assert error.hint == advise(case).step
    assert json.loads(error.body)["error_description"] == str(error)
    assert json.loads(error.body)["code"] == error.case == case
    assert error.status in (400, 401, 403, 503)
    assert (error.challenge is None) == (error.status == 503)
    if error.challenge not in (None, "Bearer"):
        assert f'error_description="{error} ({case})"' in str(error.challenge)
    assert error.challenge is None or CHALLENGE.fullmatch(error.challenge)


@given(st.text(), st.text(min_size=150))
def test_no_value_breaks_out_of_the_header(audience: str, long: str) -> None:
    """Quotation marks, line breaks and other letters are replaced, long values cut."""
    for value in (audience, long, f'"\r\nSet-Cookie: a=b; {audience}'):
        error = refuse("bearer_for_other", audience=value)

        assert CHALLENGE.fullmatch(error.challenge or "")
        assert len(error.challenge or "") < 500
        assert dict(error.headers)["WWW-Authenticate"].isascii()


def test_a_scope_that_is_missing_is_a_parameter_of_its_own() -> None:
    """RFC 6750, 3: the scope that the call needs."""
    error = refuse("caller_scope_missing", scope="Orders.Read Orders.Write")

    assert error.challenge == (
        'Bearer error="insufficient_scope", error_description="The token lacks the scope '
        'Orders.Read Orders.Write. (caller_scope_missing)", scope="Orders.Read Orders.Write"'
    )


def test_a_wait_is_told_in_whole_seconds() -> None:
    """At least one."""
    assert dict(refuse("keys_unavailable", retry_after=0.2).headers)["Retry-After"] == "1"
    assert dict(refuse("keys_unavailable", retry_after=29.6).headers)["Retry-After"] == "30"
