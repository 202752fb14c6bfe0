"""The delete guard: what may go at once, and what is said where more would."""

import pytest

from graphdaemon.errors import DeleteGuardError, UsageError
from graphdaemon.sync.guard import Allowance, DeleteGuard, Gone, read_allowance


def guard(before: int, gone: int, allowance: Allowance | None = None) -> DeleteGuard:
    made = DeleteGuard("users", before, allowance)
    made.note([Gone(str(at), f"N{at}") for at in range(gone)])
    return made


@pytest.mark.parametrize(("before", "gone"), [(20, 20), (210, 21), (1000, 100), (5, 5), (0, 0)])
def test_little_may_go(before: int, gone: int) -> None:
    """Twenty rows, or a tenth."""
    guard(before, gone).check()


@pytest.mark.parametrize(("before", "gone"), [(21, 21), (209, 21), (999, 100)])
def test_much_may_not(before: int, gone: int) -> None:
    """More than twenty and more than a tenth; the first twenty are named, the number is said."""
    with pytest.raises(DeleteGuardError, match=f"{gone} of {before} rows") as caught:
        guard(before, gone).check()

    assert caught.value.exit_code == 9
    assert caught.value.gone == gone
    assert caught.value.first == tuple(f"{at} N{at}" for at in range(20))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("100", True), ("99", False), ("50%", True), ("49.9%", False), ("100%", True), ("0", False)],
)
def test_an_allowance_is_a_number_or_a_part(text: str, allowed: bool) -> None:
    """Of 200 rows 100 would go."""
    made = guard(200, 100, read_allowance(text))
    if allowed:
        made.check()
    else:
        with pytest.raises(DeleteGuardError):
            made.check()


@pytest.mark.parametrize("text", ["", "%", "101%", "-1", "1.5", "1e3", "ten", "٣", "5 %"])
def test_what_is_no_allowance_is_refused(text: str) -> None:
    """A mistake here must not be taken for permission."""
    with pytest.raises(UsageError, match="neither a number of rows nor a percentage"):
        read_allowance(text)
