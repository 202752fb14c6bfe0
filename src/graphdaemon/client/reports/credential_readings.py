"""What the report `credentials` reads, and its rows."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from graphdaemon.client.reports import credentials
from graphdaemon.client.reports.credentials import CredentialRow, CredentialRules, Holder, Longest
from graphdaemon.client.reports.options import CREDENTIAL_USE, POLICY, REPORTS, ReportOptions
from graphdaemon.client.reports.source import GraphSource, count_records
from graphdaemon.client.reports.values import read_moment, read_object, read_text
from graphdaemon.client.reports.work import ABSENT, ReportWork
from graphdaemon.errors import GraphError


async def list_credentials(work: ReportWork) -> list[CredentialRow]:
    """
    Return a row for each credential, what ends first first.

    Raises:
        Error: They cannot be read.
    """
    source, row = work.source, REPORTS["credentials"]
    machines: list[str] = []
    applications = await source.read("applications", row.find_input("applications").select, _keep)
    principals = await source.read(
        "servicePrincipals",
        row.find_input("servicePrincipals").select,
        partial(_keep_holder, machines),
    )
    used = await work.read_use(CREDENTIAL_USE, _read_key_use, "When credentials were last used")
    longest = await _read_longest(work)
    if machines:
        work.notes.append(
            "Managed identities are left out, since Azure renews what they have: "
            f"{len(machines):,}."
        )
    rules = CredentialRules(
        work.now,
        work.options.within,
        longest,
        None if used is None else {key: moment for key, moment in used if key},
    )
    federated = await source.read_related(
        "applications", "federatedIdentityCredentials", list(applications), len(applications)
    )
    if federated is None:
        work.notes.append("Federated credentials are left out: a store does not keep them.")
    rows: list[CredentialRow] = []
    holders: tuple[tuple[str, Holder, Mapping[str, Any]], ...] = (
        ("applications", "application", applications),
        ("servicePrincipals", "servicePrincipal", principals),
    )
    for collection, holder, records in holders:
        trusted = (federated or {}) if holder == "application" else {}
        ids = [id_ for id_, one in records.items() if _has_some(one) or trusted.get(id_)]
        owners = await source.read_related(
            collection,
            "owners",
            ids,
            count_records(source, collection),
            row.find_input(f"{collection}/owners").select,
        )
        for id_ in ids:
            rows += credentials.list_credentials(
                records[id_],
                holder,
                rules,
                owners=None if owners is None else _name_owners(owners.get(id_, ())),
                federated=trusted.get(id_, ()),
            )
    if not isinstance(source, GraphSource):
        work.notes.append("Owners: unknown, since a store does not keep them.")
    return sorted((row for row in rows if not _is_forgotten(row, work.options)), key=_end_of)


def _is_forgotten(row: CredentialRow, options: ReportOptions) -> bool:
    if options.skip_expired is None or row.state != "expired" or row.days_left is None:
        return False
    return dt.timedelta(days=-row.days_left) >= options.skip_expired


def _keep(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return record


def _keep_holder(machines: list[str], record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not _has_some(record):
        return None
    if read_text(record, "servicePrincipalType") == "ManagedIdentity":
        machines.append(read_text(record, "id") or "")
        return None
    return record


def _has_some(record: Mapping[str, Any]) -> bool:
    return bool(record.get("passwordCredentials") or record.get("keyCredentials"))


def _read_key_use(record: Mapping[str, Any]) -> tuple[str, dt.datetime | None]:
    activity = read_object(record, "signInActivity")
    return read_text(record, "keyId") or "", read_moment(activity.get("lastSignInDateTime"))


def _name_owners(owners: Iterable[Mapping[str, Any]]) -> list[str]:
    names = (
        read_text(one, "userPrincipalName")
        or read_text(one, "displayName")
        or read_text(one, "id")
        or ""
        for one in owners
    )
    return sorted(names)


def _end_of(row: CredentialRow) -> tuple[str, str, str, str]:
    """What ends first comes first, and what never ends last."""
    return row.end_date_time or "9999-99", row.display_name or "", row.id, row.key_id or ""


async def _read_longest(work: ReportWork) -> Mapping[tuple[str, Holder], Longest]:
    if work.options.longest is not None:
        bound = Longest(work.options.longest.total_seconds())
        kinds = ("secret", "certificate")
        holders: tuple[Holder, ...] = ("application", "servicePrincipal")
        return {(kind, holder): bound for kind in kinds for holder in holders}
    try:
        policy = await work.source.get(POLICY)
    except GraphError as error:
        if error.status not in ABSENT:
            raise
        work.note_refused("The tenant's policy on lifetimes: unknown", error)
        return {}
    if policy is None:
        work.notes.append(
            "The tenant's policy on lifetimes: unknown, since a store does not keep it; --longest "
            "gives one."
        )
        return {}
    longest = credentials.read_policy(policy)
    if not longest:
        work.notes.append(
            "The tenant's default app management policy bounds no lifetime; --longest does."
        )
    return longest
