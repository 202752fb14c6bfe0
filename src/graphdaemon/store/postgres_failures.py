"""The errors of a store for the errors of PostgreSQL, by the beginning of their SQLSTATE."""

from collections.abc import Callable

from graphdaemon.errors import StoreError


def explain_gone(shown: str, words: str) -> StoreError:
    """Return the error for a server that cannot be reached, or that ended the connection."""
    return StoreError(
        f"The store {shown} cannot be reached, or its connection ended: {words}",
        code="store_gone",
        hint="See that the server runs and the URL is right, and run the command again: nothing is "
        "half written.",
    )


def _explain_full(shown: str, words: str) -> StoreError:
    return StoreError(
        f"There is no room for the store {shown}: {words}",
        code="store_full",
        hint="Make room on the server, and run the command again: nothing is half written.",
    )


def _explain_readonly(shown: str, words: str) -> StoreError:
    return StoreError(
        f"This user may not write the store {shown}: {words}",
        code="store_readonly",
        hint="Grant the user CREATE and USAGE on the schema, or name the owner of its tables.",
    )


def explain_refused(shown: str, words: str) -> StoreError:
    """Return the error for a server that refuses this user."""
    return StoreError(
        f"The server of the store {shown} does not let this user in: {words}",
        code="store_refused",
        hint="Check the user and the password (PGPASSWORD, or ~/.pgpass).",
    )


def explain_missing(shown: str, words: str) -> StoreError:
    """Return the error for a database or a schema that does not exist."""
    return StoreError(
        f"There is no place for the store {shown}: {words}",
        code="store_missing",
        hint="Make the database with createdb, or the schema with CREATE SCHEMA.",
    )


def _explain_busy(shown: str, words: str) -> StoreError:
    return StoreError(
        f"Another process writes to the store {shown}, or syncs the same collection: {words}",
        code="store_busy",
        hint="Wait until it has ended, and run the command again.",
    )


def _explain_unreadable(shown: str, words: str) -> StoreError:
    return StoreError(
        f"The tables of the store {shown} are not as graphdaemon has made them: {words}",
        code="store_unreadable",
        hint="Restore a backup, or name another database and sync again.",
    )


def _explain_built_on(shown: str, words: str) -> StoreError:
    return StoreError(
        f"The views of the store {shown} cannot be made anew: {words}",
        code="store_failed",
        hint="Drop what was built on them, run the command again, and build it on the tables.",
    )


MEANINGS: dict[str, Callable[[str, str], StoreError]] = {
    "08": explain_gone,
    "57P": explain_gone,
    "58": explain_gone,
    "53100": _explain_full,
    "53300": explain_refused,
    "42501": _explain_readonly,
    "25006": _explain_readonly,
    "28": explain_refused,
    "3D000": explain_missing,
    "3F000": explain_missing,
    "55P03": _explain_busy,
    "40": _explain_busy,
    "42P01": _explain_unreadable,
    "42703": _explain_unreadable,
    "2BP01": _explain_built_on,
    "XX": _explain_unreadable,
}
"""
The function that makes the error, by the beginning of the SQLSTATE.

Source: "PostgreSQL Error Codes", Appendix A of its manual.
"""
