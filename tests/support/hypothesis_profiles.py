"""
Which cases property tests draw: the same in every `make test`, others in every `make test-nightly`.

A case that the nightly run finds to fail becomes an `@example` of its test, which both run.
"""

from hypothesis import HealthCheck, settings

# Neither may a slow machine fail a test: no example has a deadline, no strategy has to be quick.
_UNHURRIED = [check for check in HealthCheck if check is not HealthCheck.function_scoped_fixture]


def register_profiles() -> None:
    """Register `fixed`, which is used, and `nightly`: `pytest --hypothesis-profile=nightly`."""
    settings.register_profile(
        "fixed",
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=_UNHURRIED,
    )
    settings.register_profile(
        "nightly",
        max_examples=2_000,
        deadline=None,
        print_blob=True,
        suppress_health_check=_UNHURRIED,
    )
    settings.load_profile("fixed")
