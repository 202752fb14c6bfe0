"""
Every AADSTS number that is known: its case, and where its own meaning or step says more.

Source: "Microsoft Entra authentication and authorization error codes" on learn.microsoft.com (list
of 2024-04), and answers quoted in public issues for the numbers that the list leaves out. Microsoft
may change numbers, so `error` decides what programs do.
"""

AADSTS_NUMBERS: dict[str, tuple[int, ...]] = {
    "secret_wrong": (7000215, 70002),
    "secret_expired": (7000222,),
    "credential_missing": (7000216, 7000218),
    "client_public": (700025,),
    "certificate_refused": (700027, 50012, 50006),
    "certificate_chain": (700030, 7000213, 7000214),
    "certificate_weak": (50032,),
    "assertion_unreadable": (50027, 700023, 5002730, 50013, 900384),
    "assertion_foreign": (50048, 700021),
    "assertion_expired": (700024, 500133),
    "federation_unmatched": (70021,),
    "federation_issuer": (700211,),
    "federation_audience": (700212,),
    "federation_subject": (700213, 7002137, 7002138),
    "federation_refused": (700229, 7000272, 50166, 90061),
    "tenant_unknown": (90002, 900021, 900023, 50049, 50128, 90019),
    "tenant_blocked": (5000224, 5000225),
    "tenant_restricted": (50002, 500021, 500022),
    "authority_common": (50059, 50194, 9001023, 9002332, 90027, 90124, 90130),
    "cloud_wrong": (900382, 900432, 90038, 90051),
    "client_unknown": (700016, 70001, 700011, 7000229, 90099, 90112),
    "agent_blueprint": (82001, 82002),
    "client_disabled": (7000112, 1000031),
    "scope_invalid": (70011, 1002012, 90009, 90014, 28002, 28003, 700022),
    "resource_unknown": (500011, 50001, 500013, 650054),
    "resource_unsubscribed": (650052,),
    "resource_unlisted": (650056, 650057, 65005),
    "resource_misconfigured": (50003, 50010, 50146, 501461, 501621),
    "resource_disabled": (500014,),
    "assignment_missing": (501051, 50105),
    "access_blocked": (53003, 530032, 530035),
    "region_refused": (100007,),
    "request_malformed": (
        *(900144, 900561, 70003, 9000411, 9002313, 901002, 90100, 50050, 90004, 90010, 90015),
        *(90023, 90056, 90102, 90107, 90117, 90121, 51000, 165004, 165900, 1002016),
    ),
    "request_loop": (50196,),
    "redirect_unregistered": (50011, 500113),
    "identity_unavailable": (
        *(50000, 50033, 90006, 90012, 90024, 90033, 90036, 90055, 90090, 90091, 90092, 230109),
    ),
    # Users who sign in, their devices and passwords, SAML and the pages of applications.
    "user_flow": (
        *(16000, 16001, 16002, 16003, 160021, 17003, 20001, 20012, 20033, 40008, 40009, 40010),
        *(40015, 50005, 50007, 50008, 5000819, 50014, 50015, 50017, 50020, 500112),
        *(500131, 500208, 500212, 500213, 50029, 50034, 50042, 50043, 50053, 50055, 50056, 50057),
        *(50058, 50061, 50064, 50068, 50070, 50071, 50072, 50074, 50076, 50078, 50079, 50085),
        *(50086, 50087, 50088, 50089, 50097, 50099, 50107, 50120, 50124, 501241, 50125, 50126),
        *(50127, 50129, 50131, 50132, 50133, 50134, 50135, 50136, 50139, 50140, 50143, 50144),
        *(50147, 50148, 501481, 50149, 501491, 50155, 50158, 50161, 50168, 50169, 50170, 50173),
        *(50177, 50178, 50180, 50187, 50192, 50197, 50199, 51001, 51004, 51005, 51006, 52004),
        *(53000, 53001, 53002, 530034, 53004, 53010, 53011, 54000, 54005, 65001, 65002, 65004),
        *(650053, 67003, 70000, 70004, 70005, 70007, 70008, 70012, 70016, 70018, 70019, 70020),
        *(70043, 700005, 700007, 700020, 700054, 700082, 700084, 7000114, 700171, 75001, 75003),
        *(75005, 750054, 7500514, 7500529, 75008, 75011, 75016, 76021, 76026, 80001, 80002),
        *(80005, 80007, 80010, 80012, 80013, 80014, 81004, 81005, 81006, 81007, 81009, 81010),
        *(81011, 81012, 90005, 90007, 90008, 90013, 90016, 90020, 90022, 900236, 9002325),
        *(9002326, 9002327, 90043, 90072, 90081, 90082, 90084, 90085, 90086, 90087, 90093, 90094),
        *(90095, 900971, 90101, 90114, 90119, 90120, 90123, 90125, 90126, 1000000, 1000002),
        *(1000104, 120000, 120002, 120003, 120004, 120005, 120008, 120011, 120012, 120013),
        *(120014, 120015, 120016, 120018, 120020, 120021, 130004, 130005, 130006, 130007, 130008),
        *(135010, 135011, 140000, 140001, 220450, 220501, 221000, 240001, 240002),
    ),
}
"""The AADSTS numbers of each case; the cases are keys of `CASES`."""

WRAPPERS = frozenset((70002,))
"""Numbers that only say that credentials were refused; where another stands beside, it says why."""

MEANINGS = {
    50003: "The API's registration has no key to sign tokens with.",
    50006: "A signature is not valid.",
    50010: "The API's registration names no audience.",
    50012: "What proves the app's identity is refused; the text behind the number says whether it "
    "is the secret, the certificate or the assertion.",
    50013: "An assertion is refused: its signature, its time or its issuer.",
    50049: "The authority's host is not a token service of Microsoft.",
    50059: "The request names no tenant: an app with no user cannot use common or organizations.",
    50128: "The tenant's domain name is not valid.",
    50194: "The app is registered for one tenant, and was asked for through common.",
    500113: "The app has no redirect URI, so the page can lead nowhere. If it was the consent "
    "page, the consent is given all the same.",
    51000: "It needs a feature of Entra ID that is switched off.",
    53011: "A user is blocked for risk.",
    65001: "A user, or an administrator for all, has not consented to the delegated permissions.",
    65005: "The registration does not list the API, or the permission, that is asked for.",
    650054: "The API that is asked for was removed from the tenant.",
    650056: "The registration asks for no permission of this API, or nobody has consented to it.",
    650057: "The registration does not list the API among those it may ask for.",
    70001: "The tenant has no app with this client ID, or the app is disabled there.",
    70002: "The app's secret or assertion was refused; the number beside it, if there is one, says "
    "why.",
    70003: "The token service does not know this kind of token request.",
    70008: "A user's refresh token has expired.",
    700021: "The assertion names another app than the request does in client_id.",
    700022: "The scope names more than one API.",
    700023: "The assertion is made out to another audience than the tenant's token service; in "
    "another place the same number says that the scope names no API.",
    700082: "A user's refresh token was not used for too long.",
    70016: "The user has not yet entered the device code.",
    90009: "The app asks for a token for itself, by another name than its client ID.",
    90014: "The request lacks a field that is needed, most often scope.",
    90038: "The tenant belongs to another national cloud.",
    90051: "The name of the national cloud is not valid.",
    90056: "The token endpoint was called without what it needs, or was opened in a browser.",
    90094: "Only an administrator may consent to this.",
    90099: "The app is not admitted in the customer's tenant that it works for.",
    90100: "A field of the request is empty or not valid.",
    90112: "The client ID is no GUID.",
    90124: "The API is not given tokens for through common or consumers.",
    90130: "The app is not served through common or consumers.",
    900021: "The tenant's ID is empty: all zeros.",
    900023: "The tenant in the authority is neither an ID nor a domain.",
    900144: "The request lacks a field, most often client_id or grant_type.",
    900561: "The address was opened in a browser, or a proxy turned POST into GET.",
    9000411: "A field stands in the request twice.",
    9002332: "The app is registered for organizations, and was asked for through consumers.",
    1002016: "The connection uses a version of TLS that is no longer accepted (1.0, 1.1) or 3DES.",
    82001: "The app is an agent identity blueprint (Microsoft Entra Agent ID), which gets no token "
    "of its own for this API; its agent identities do.",
    82002: "The app is an agent identity blueprint (Microsoft Entra Agent ID), which cannot "
    "exchange a user's token (on behalf of) in its own name.",
    7000214: "The certificate's subject name is not among those the app trusts.",
    7000218: "The app has a secret or certificate, and the request shows neither.",
    7000229: "The app is registered, and has no service principal in this tenant.",
    7002138: "The subject differs from the federated credential's in upper and lower case only.",
}
"""What a number says beyond its case, where that helps."""

STEPS = {
    50012: "Read what follows the number: for a secret put its Value into the settings, for a "
    "certificate compare thumbprints with Certificates & secrets, for an assertion its audience "
    "and the clock.",
    50013: "Make a new assertion, with the token service's current time, and compare its "
    "issuer and key with what the app trusts.",
    500113: "After the consent page, ignore it. For other pages, register a redirect URI under App "
    "registrations > the app > Authentication.",
    51000: "Ask an administrator which feature or licence the request needs.",
    53011: "Look for the risk where the user signs in; an app with no user has no user's risk.",
    700023: "Make the assertion out to the tenant's token endpoint (authority: host and tenant), "
    "and check that scope names one API: {graph}/.default.",
    90009: "Ask for {{client ID}}/.default, with the GUID.",
    90099: "Have the customer's administrator consent, or pre-consent in the Partner Center: "
    "{consent}.",
    1002016: "Update Python, OpenSSL or the operating system so that TLS 1.2 or newer is used, and "
    "look for an old proxy on the way.",
    7000229: "Have an administrator of this tenant consent, which makes the service principal: "
    "{consent}.",
}
"""The next step of a number, where that of its case does not fit."""
