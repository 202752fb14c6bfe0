from typing import Any

import pytest

from entra_emulator.clock import parse_iso
from entra_emulator.model.membership_rule import MembershipRuleError, read_rule

NOW = parse_iso("2026-03-01T00:00:00Z")
GUID = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"
PLAN = {"service": "SCO", "capabilityStatus": "Enabled", "servicePlanId": "efb87545"}
USER = {
    "id": "1",
    "displayName": "David",
    "department": "Sales",
    "country": "US",
    "accountEnabled": True,
    "userType": "Member",
    "faxNumber": "12",
    "businessPhones": ["+1", "+2"],
    "otherMails": ["alias@domain.example", "b@contoso.com"],
    "proxyAddresses": ["SMTP:a@contoso.com"],
    "assignedPlans": [PLAN, {**PLAN, "capabilityStatus": "Deleted"}],
    "employeeHireDate": "2026-03-02T12:00:00Z",
    "onPremisesExtensionAttributes": {"extensionAttribute15": "Marketing"},
    "extension_c272a57b722d4eb29bfe327874ae79cb_OfficeNumber": "123",
}
DEVICE = {
    "id": "2",
    "operatingSystem": "Windows",
    "operatingSystemVersion": "10.0.19045",
    "physicalIds": ["[OrderID]:179887111881", "[ZTDId]:x"],
    "systemLabels": [],
    "isRooted": False,
    "mdmAppId": "0000000a-0000-0000-c000-000000000000",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('user.department -eq "Sales"', True),
        ('user.department -eq "sales"', True),
        ('user.department -ne "Sales"', False),
        ('user.city -ne "Sales"', True),
        ("user.city -eq null", True),
        ("user.department -ne $null", True),
        ("user.mail \u2013ne null", False),
        ('user.mail -eq "null"', False),
        ("(user.objectId -ne null)", True),
        ('(user.objectId -ne null) -and (user.userType -eq "Member")', True),
        ('user.department -in ["50001","Sales"]', True),
        ("user.department -notIn ['50001','50002']", True),
        ('user.department -startsWith "sa"', True),
        ('user.department -notStartsWith "sa"', False),
        ('user.department -endsWith "ES"', True),
        ('user.department -contains "ale"', True),
        ('user.department -notContains "ale"', False),
        ('user.displayName -match "^Da.*"', True),
        ('user.displayName -match ".*vid"', True),
        ('user.displayName -notMatch "^vid"', True),
        ('user.city -match ".*"', False),
        ('user.city -notMatch ".*"', True),
        ("user.accountEnabled -eq true", True),
        ("user.accountEnabled -ne true", False),
        ("user.dirSyncEnabled -eq false", True),
        ("user.dirSyncEnabled -eq true", False),
        ('user.facsimileTelephoneNumber -eq "12"', True),
        ('user.telephoneNumber -eq "+2"', True),
        ("user.sipProxyAddress -eq null", True),
        ('user.extensionAttribute15 -eq "Marketing"', True),
        ('user.extension_c272a57b722d4eb29bfe327874ae79cb_OfficeNumber -eq "123"', True),
        ('user.otherMails -startsWith "alias@domain"', True),
        ('user.otherMails -endsWith"@contoso.com"', True),
        ('user.proxyAddresses -notEndsWith "@outlook.com"', True),
        ('(user.proxyAddresses -any (_ -contains "contoso"))', True),
        ('(user.proxyAddresses -any (\\_ -startsWith "contoso"))', False),
        ('user.otherMails -all (_ -contains "contoso")', False),
        ('user.otherMails -all (_ -contains "@" -or _ -eq "x")', True),
        (
            (
                'user.assignedPlans -any (assignedPlan.servicePlanId -eq "efb87545" -and '
                'assignedPlan.capabilityStatus -eq "Enabled")'
            ),
            True,
        ),
        (
            (
                'user.assignedPlans -any (assignedPlan.service -eq "x" -or '
                'assignedPlan.capabilityStatus -eq "Warning")'
            ),
            False,
        ),
        ('user.assignedPlans -all (assignedPlan.capabilityStatus -eq "Enabled")', False),
        ("user.assignedPlans -all (assignedPlan.servicePlanId -eq null)", False),
        ("user.employeehiredate -ge system.now -plus p1d", True),
        ("user.employeehiredate -ge system.now -plus p2d", False),
        ("user.employeehiredate -le system.now -minus p1d", False),
        ("user.employeehiredate -ge system.now", True),
        ("user.employeehiredate -le 2020-06-10T18:13:20Z", False),
        ('user.employeeHireDate -eq "2026-03-02T12:00:00Z"', True),
        ("user.employeeHireDate -ne null", True),
        ('user.department eq "Sales" and user.country eq "US"', True),
        ('user.country \u2013eq "US" \u2013and (user.department \u2013eq "x")', False),
        (
            'user.department -eq "x" -or user.country -eq "US" -and user.accountEnabled -eq true',
            True,
        ),
        ('(user.department -eq "x" -or user.country -eq "US") -and -not user.mail -eq null', False),
        ("-not (user.mail -eq null)", False),
        ("-not -not (user.mail -eq null)", True),
        ("user.department -eq \"a`\"b\" -or user.department -eq 'O''Neil'", False),
        ('user.department -eq `"Sales`"', False),
    ],
)
def test_a_rule_chooses_users(text: str, *, expected: bool) -> None:
    """The examples of the documentation, and every operator with and without a value."""
    rule = read_rule(text)

    assert (rule.kind, rule.matches(USER, NOW)) == ("user", expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("device.objectId -ne null", True),
        ('device.devicePhysicalIDs -any _ -startsWith "[ZTDId]"', True),
        ('(device.devicePhysicalIds -any _ -eq "[OrderID]:179887111881")', True),
        ('(device.deviceOSType -eq "iPad") -or (device.deviceOSType -eq "iOS")', False),
        ('(device.deviceOSVersion -startsWith "10.0.1")', True),
        ('device.systemLabels -startsWith "M365Managed"', False),
        ("device.systemLabels -eq null", True),
        ("device.isRooted -eq false", True),
        ('device.deviceManagementAppId -eq "0000000a-0000-0000-c000-000000000000"', True),
        ('device.extensionAttribute1 -eq "some string value"', False),
    ],
)
def test_a_rule_chooses_devices(text: str, *, expected: bool) -> None:
    """Under the names that rules have for their properties."""
    rule = read_rule(text)

    assert (rule.kind, rule.matches(DEVICE, NOW)) == ("device", expected)


def test_a_quoted_quote_belongs_to_the_text() -> None:
    """Three ways of writing one."""
    texts = ('user.city -eq "a`"b"', "user.city -eq 'a\"b'", 'user.city -in ["a`"b"]')

    assert [read_rule(text).matches({"city": 'a"b'}, NOW) for text in texts] == [True] * 3
    assert read_rule("user.city -eq 'L''Aquila'").matches({"city": "L'Aquila"}, NOW)
    assert read_rule('user.city -eq `"Sales`"').matches({"city": '"Sales"'}, NOW)


def test_rules_by_manager_and_by_group_name_them() -> None:
    """Whom those choose is known to the directory."""
    assert read_rule(f'Direct Reports for "{GUID.upper()}"').manager == GUID
    rule = read_rule(f"(device.memberof -any (group.objectId -in ['{GUID}', '{GUID}']))")
    assert (rule.kind, rule.groups) == ("device", (GUID, GUID))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("accountEnabled -eq true", "No object type"),
        ('group.displayName -eq "x"', "No object type"),
        ('user.objectid2 -eq "x"', "Property 'objectid2' cannot be applied to object 'User'"),
        ('device.department -eq "x"', "Property 'department' cannot be applied to object 'Device'"),
        (
            f"user.memberOf -any (group.id -in ['{GUID}'])",
            "Property 'id' cannot be applied to object 'Group'",
        ),
        (
            'user.assignedPlans -any (assignedPlan.name -eq "x")',
            "Property 'name' cannot be applied to object 'AssignedPlan'",
        ),
        ('user.department -all (_ -eq "x")', "Invalid operands found for operator -all"),
        ('user.accountEnabled -eq "true"', "Invalid operands found for operator -eq"),
        ('user.accountEnabled -startsWith "t"', "operator -startswith"),
        ("user.department -eq Sales", "Invalid operands found for operator -eq"),
        ("user.department -match null", "Invalid operands found for operator -match"),
        ('user.department -in "Sales"', "Invalid operands found for operator -in"),
        ('user.department -in ["Sales"', "Invalid operands found for operator -in"),
        ('user.department -ge "Sales"', "Invalid operands found for operator -ge"),
        ('user.employeeHireDate -ge "soon"', "Invalid operands found for operator -ge"),
        ("user.employeeHireDate -ge system.now -plus 1", "operator -ge"),
        ('user.otherMails -any (x -eq "y")', "Invalid operands found for operator -any"),
        ("user.memberOf -any (group.objectId -in ['x'])", "operator -any"),
        (f"user.memberOf -all (group.objectId -in ['{GUID}'])", "operator -any"),
        (
            f"user.memberOf -any (group.objectId -in ['{GUID}']) -and user.mail -eq null",
            "operator -any",
        ),
        (
            f"user.mail -eq null -and user.memberOf -any (group.objectId -in ['{GUID}'])",
            "operator -any",
        ),
        (f"user.memberOf -any (group.objectId -in {[GUID] * 51})", "50 groups"),
        ("user.objectId -ne null -and device.objectId -ne null", "Mixed use of properties"),
        ('user.displayName -match "(a"', "Invalid regular expression"),
        ('user.department "Sales"', "'Sales' stands in the wrong place"),
        ('"Sales" -eq user.department', "'Sales' stands in the wrong place"),
        ("user.mail -eq null user.mail", "'user.mail' stands in the wrong place"),
        ("(user.mail -eq null", "parenthesis"),
        ("user.mail -eq null)", "')' stands in the wrong place"),
        ('user.mail -eq "x', "no end"),
        ('user.mail -eq `"x', "no end"),
        ("user.mail -eq", "ends too early"),
        ("", "ends too early"),
        ("(" * 3000, "Too many parentheses"),
        ("-not " * 600, "ends too early"),
        ('Direct Reports for "me"', "no object ID"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(text: str, reason: str) -> None:
    """In the service's words, where they are known."""
    with pytest.raises(MembershipRuleError) as caught:
        read_rule(text)

    assert reason in str(caught.value)
    assert caught.value.untyped is (reason == "No object type")


@pytest.mark.parametrize("value", [{}, {"department": None}, {"department": 5}, {"department": []}])
def test_a_rule_can_be_tried_on_whatever_was_imported(value: dict[str, Any]) -> None:
    """A real tenant's export may have other types than the schema."""
    assert read_rule('user.department -match "x"').matches(value, NOW) is False
    assert read_rule('user.extensionAttribute1 -startsWith "x"').matches(value, NOW) is False
