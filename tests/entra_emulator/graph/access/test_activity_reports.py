"""Who may read sign-ins and audit logs."""

import pytest

from entra_emulator.errors import GraphRefusal
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.graph.access.activity_reports import (
    READERS,
    check_reader_role,
    check_report_reader,
)
from entra_emulator.model.records import Tenant
from entra_emulator.web.caller import Caller
from tests.support.emulator_probe import Probe
from tests.support.user_flows import holder, ordinary

ALLOWED = frozenset({"AuditLog.Read.All"})


def identify(probe: Probe, tenant: Tenant, user: str | None, *permissions: str) -> Caller:
    record = probe.emulator.directory.users.find(tenant, user) if user else None
    object_id = str(record["id"]) if record else "99999999-9999-4999-8999-999999999999"
    return Caller(tenant, "app", object_id, frozenset(permissions), user is not None, {})


def refuse(probe: Probe, caller: Caller) -> str:
    directory = probe.emulator.directory
    with pytest.raises(GraphRefusal) as caught:
        check_report_reader(directory, caller)
    return next(
        word
        for word, row in GRAPH_REFUSALS.items()
        if (row.code, row.message) == (caught.value.code, caught.value.message)
    )


def test_an_app_needs_the_permission(probe: Probe) -> None:
    tenant = probe.emulator.tenant
    check_report_reader(
        probe.emulator.directory, identify(probe, tenant, None, "AuditLog.Read.All")
    )

    assert refuse(probe, identify(probe, tenant, None, "Directory.Read.All")) == (
        "audit_permission_missing"
    )


def test_a_user_needs_a_role_that_reads_reports_besides(probe: Probe) -> None:
    emulator = probe.emulator
    directory = emulator.directory
    administrator = holder(emulator, "Global Administrator")
    check_report_reader(directory, identify(probe, emulator.tenant, administrator, *ALLOWED))

    somebody = identify(probe, emulator.tenant, ordinary(emulator), *ALLOWED)
    assert refuse(probe, somebody) == "report_role_missing"
    developer = identify(
        probe, emulator.tenant, holder(emulator, "Application Administrator"), *ALLOWED
    )
    assert refuse(probe, developer) == "report_role_missing"
    assert len(READERS) == 6


def test_a_tenant_needs_a_premium_licence(probe: Probe) -> None:
    directory = probe.emulator.directory
    tenant = directory.tenants.create("Free", ("free-of-licences.onmicrosoft.com",))
    caller = identify(probe, tenant, None, *ALLOWED)

    assert refuse(probe, caller) == "premium_only"
    check_reader_role(directory, caller)
    directory.licences.add_subscriptions(tenant, {})
    check_report_reader(probe.emulator.directory, caller)
