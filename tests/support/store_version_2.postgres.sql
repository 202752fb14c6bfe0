CREATE TABLE app_role_assignments_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE TABLE runs (
    number bigint NOT NULL,
    tenant bigint NOT NULL,
    collection text NOT NULL,
    kind text NOT NULL,
    at text NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    ended bigint NOT NULL,
    listing text
);
CREATE VIEW app_role_assignments AS
 SELECT r.tenant,
    r.id,
    ((r.document)::json ->> 'appRoleId'::text) AS "appRoleId",
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'principalDisplayName'::text) AS "principalDisplayName",
    ((r.document)::json ->> 'principalId'::text) AS "principalId",
    ((r.document)::json ->> 'principalType'::text) AS "principalType",
    ((r.document)::json ->> 'resourceDisplayName'::text) AS "resourceDisplayName",
    ((r.document)::json ->> 'resourceId'::text) AS "resourceId",
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (app_role_assignments_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE app_role_assignments_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE applications_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW applications AS
 SELECT r.tenant,
    r.id,
    (((r.document)::json ->> 'addIns'::text))::json AS "addIns",
    (((r.document)::json ->> 'api'::text))::json AS api,
    ((r.document)::json ->> 'appId'::text) AS "appId",
    (((r.document)::json ->> 'appRoles'::text))::json AS "appRoles",
    ((r.document)::json ->> 'applicationTemplateId'::text) AS "applicationTemplateId",
    (((r.document)::json ->> 'certification'::text))::json AS certification,
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'defaultRedirectUri'::text) AS "defaultRedirectUri",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'disabledByMicrosoftStatus'::text) AS "disabledByMicrosoftStatus",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'groupMembershipClaims'::text) AS "groupMembershipClaims",
    (((r.document)::json ->> 'identifierUris'::text))::json AS "identifierUris",
    (((r.document)::json ->> 'info'::text))::json AS info,
    (((r.document)::json ->> 'isDeviceOnlyAuthSupported'::text))::boolean AS "isDeviceOnlyAuthSupported",
    (((r.document)::json ->> 'isFallbackPublicClient'::text))::boolean AS "isFallbackPublicClient",
    (((r.document)::json ->> 'keyCredentials'::text))::json AS "keyCredentials",
    ((r.document)::json ->> 'nativeAuthenticationApisEnabled'::text) AS "nativeAuthenticationApisEnabled",
    ((r.document)::json ->> 'notes'::text) AS notes,
    (((r.document)::json ->> 'optionalClaims'::text))::json AS "optionalClaims",
    (((r.document)::json ->> 'parentalControlSettings'::text))::json AS "parentalControlSettings",
    (((r.document)::json ->> 'passwordCredentials'::text))::json AS "passwordCredentials",
    (((r.document)::json ->> 'publicClient'::text))::json AS "publicClient",
    ((r.document)::json ->> 'publisherDomain'::text) AS "publisherDomain",
    (((r.document)::json ->> 'requestSignatureVerification'::text))::json AS "requestSignatureVerification",
    (((r.document)::json ->> 'requiredResourceAccess'::text))::json AS "requiredResourceAccess",
    ((r.document)::json ->> 'samlMetadataUrl'::text) AS "samlMetadataUrl",
    ((r.document)::json ->> 'serviceManagementReference'::text) AS "serviceManagementReference",
    (((r.document)::json ->> 'servicePrincipalLockConfiguration'::text))::json AS "servicePrincipalLockConfiguration",
    ((r.document)::json ->> 'signInAudience'::text) AS "signInAudience",
    (((r.document)::json ->> 'spa'::text))::json AS spa,
    (((r.document)::json ->> 'tags'::text))::json AS tags,
    ((r.document)::json ->> 'tokenEncryptionKeyId'::text) AS "tokenEncryptionKeyId",
    ((r.document)::json ->> 'uniqueName'::text) AS "uniqueName",
    (((r.document)::json ->> 'verifiedPublisher'::text))::json AS "verifiedPublisher",
    (((r.document)::json ->> 'web'::text))::json AS web,
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (applications_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE applications_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE changes (
    tenant bigint NOT NULL,
    collection text NOT NULL,
    sequence bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    run bigint NOT NULL
);
CREATE TABLE devices_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW devices AS
 SELECT r.tenant,
    r.id,
    (((r.document)::json ->> 'accountEnabled'::text))::boolean AS "accountEnabled",
    (((r.document)::json ->> 'alternativeSecurityIds'::text))::json AS "alternativeSecurityIds",
    ((r.document)::json ->> 'approximateLastSignInDateTime'::text) AS "approximateLastSignInDateTime",
    ((r.document)::json ->> 'complianceExpirationDateTime'::text) AS "complianceExpirationDateTime",
    ((r.document)::json ->> 'deviceCategory'::text) AS "deviceCategory",
    ((r.document)::json ->> 'deviceId'::text) AS "deviceId",
    ((r.document)::json ->> 'deviceMetadata'::text) AS "deviceMetadata",
    ((r.document)::json ->> 'deviceOwnership'::text) AS "deviceOwnership",
    (((r.document)::json ->> 'deviceVersion'::text))::bigint AS "deviceVersion",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'enrollmentProfileName'::text) AS "enrollmentProfileName",
    ((r.document)::json ->> 'enrollmentType'::text) AS "enrollmentType",
    (((r.document)::json ->> 'isCompliant'::text))::boolean AS "isCompliant",
    (((r.document)::json ->> 'isManaged'::text))::boolean AS "isManaged",
    (((r.document)::json ->> 'isRooted'::text))::boolean AS "isRooted",
    ((r.document)::json ->> 'managementType'::text) AS "managementType",
    ((r.document)::json ->> 'manufacturer'::text) AS manufacturer,
    ((r.document)::json ->> 'mdmAppId'::text) AS "mdmAppId",
    ((r.document)::json ->> 'model'::text) AS model,
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
    (((r.document)::json ->> 'onPremisesSyncEnabled'::text))::boolean AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'operatingSystem'::text) AS "operatingSystem",
    ((r.document)::json ->> 'operatingSystemVersion'::text) AS "operatingSystemVersion",
    (((r.document)::json ->> 'physicalIds'::text))::json AS "physicalIds",
    ((r.document)::json ->> 'profileType'::text) AS "profileType",
    ((r.document)::json ->> 'registrationDateTime'::text) AS "registrationDateTime",
    (((r.document)::json ->> 'systemLabels'::text))::json AS "systemLabels",
    ((r.document)::json ->> 'trustType'::text) AS "trustType",
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (devices_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE devices_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE feeds (
    name text NOT NULL,
    tenant bigint NOT NULL,
    collection text NOT NULL,
    sequence bigint NOT NULL
);
CREATE TABLE graphdaemon (
    version bigint NOT NULL,
    views text NOT NULL
);
CREATE TABLE group_members_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW group_members AS
 SELECT r.tenant,
    r.id,
    ((r.document)::json ->> 'parent'::text) AS parent,
    ((r.document)::json ->> 'child'::text) AS child,
    ((r.document)::json ->> 'kind'::text) AS kind,
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (group_members_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE group_members_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE group_owners_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW group_owners AS
 SELECT r.tenant,
    r.id,
    ((r.document)::json ->> 'parent'::text) AS parent,
    ((r.document)::json ->> 'child'::text) AS child,
    ((r.document)::json ->> 'kind'::text) AS kind,
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (group_owners_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE group_owners_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE groups_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW groups AS
 SELECT r.tenant,
    r.id,
    (((r.document)::json ->> 'assignedLicenses'::text))::json AS "assignedLicenses",
    ((r.document)::json ->> 'classification'::text) AS classification,
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'expirationDateTime'::text) AS "expirationDateTime",
    (((r.document)::json ->> 'groupTypes'::text))::json AS "groupTypes",
    (((r.document)::json ->> 'isAssignableToRole'::text))::boolean AS "isAssignableToRole",
    ((r.document)::json ->> 'mail'::text) AS mail,
    (((r.document)::json ->> 'mailEnabled'::text))::boolean AS "mailEnabled",
    ((r.document)::json ->> 'mailNickname'::text) AS "mailNickname",
    ((r.document)::json ->> 'membershipRule'::text) AS "membershipRule",
    ((r.document)::json ->> 'membershipRuleProcessingState'::text) AS "membershipRuleProcessingState",
    ((r.document)::json ->> 'onPremisesDomainName'::text) AS "onPremisesDomainName",
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesNetBiosName'::text) AS "onPremisesNetBiosName",
    (((r.document)::json ->> 'onPremisesProvisioningErrors'::text))::json AS "onPremisesProvisioningErrors",
    ((r.document)::json ->> 'onPremisesSamAccountName'::text) AS "onPremisesSamAccountName",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
    (((r.document)::json ->> 'onPremisesSyncEnabled'::text))::boolean AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'preferredDataLocation'::text) AS "preferredDataLocation",
    ((r.document)::json ->> 'preferredLanguage'::text) AS "preferredLanguage",
    (((r.document)::json ->> 'proxyAddresses'::text))::json AS "proxyAddresses",
    ((r.document)::json ->> 'renewedDateTime'::text) AS "renewedDateTime",
    (((r.document)::json ->> 'resourceBehaviorOptions'::text))::json AS "resourceBehaviorOptions",
    (((r.document)::json ->> 'resourceProvisioningOptions'::text))::json AS "resourceProvisioningOptions",
    (((r.document)::json ->> 'securityEnabled'::text))::boolean AS "securityEnabled",
    ((r.document)::json ->> 'securityIdentifier'::text) AS "securityIdentifier",
    (((r.document)::json ->> 'serviceProvisioningErrors'::text))::json AS "serviceProvisioningErrors",
    ((r.document)::json ->> 'theme'::text) AS theme,
    ((r.document)::json ->> 'uniqueName'::text) AS "uniqueName",
    ((r.document)::json ->> 'visibility'::text) AS visibility,
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (groups_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE groups_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE links (
    tenant bigint NOT NULL,
    collection text NOT NULL,
    link text,
    selected text NOT NULL,
    run bigint NOT NULL,
    checked text NOT NULL,
    reconciled text NOT NULL,
    rows bigint NOT NULL,
    sequence bigint NOT NULL,
    pruned text DEFAULT ''::text NOT NULL
);
ALTER TABLE runs ALTER COLUMN number ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME runs_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE service_principals_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW service_principals AS
 SELECT r.tenant,
    r.id,
    (((r.document)::json ->> 'accountEnabled'::text))::boolean AS "accountEnabled",
    (((r.document)::json ->> 'addIns'::text))::json AS "addIns",
    (((r.document)::json ->> 'alternativeNames'::text))::json AS "alternativeNames",
    ((r.document)::json ->> 'appDescription'::text) AS "appDescription",
    ((r.document)::json ->> 'appDisplayName'::text) AS "appDisplayName",
    ((r.document)::json ->> 'appId'::text) AS "appId",
    ((r.document)::json ->> 'appOwnerOrganizationId'::text) AS "appOwnerOrganizationId",
    (((r.document)::json ->> 'appRoleAssignmentRequired'::text))::boolean AS "appRoleAssignmentRequired",
    (((r.document)::json ->> 'appRoles'::text))::json AS "appRoles",
    ((r.document)::json ->> 'applicationTemplateId'::text) AS "applicationTemplateId",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'disabledByMicrosoftStatus'::text) AS "disabledByMicrosoftStatus",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'homepage'::text) AS homepage,
    (((r.document)::json ->> 'info'::text))::json AS info,
    (((r.document)::json ->> 'keyCredentials'::text))::json AS "keyCredentials",
    ((r.document)::json ->> 'loginUrl'::text) AS "loginUrl",
    ((r.document)::json ->> 'logoutUrl'::text) AS "logoutUrl",
    ((r.document)::json ->> 'notes'::text) AS notes,
    (((r.document)::json ->> 'notificationEmailAddresses'::text))::json AS "notificationEmailAddresses",
    (((r.document)::json ->> 'oauth2PermissionScopes'::text))::json AS "oauth2PermissionScopes",
    (((r.document)::json ->> 'passwordCredentials'::text))::json AS "passwordCredentials",
    ((r.document)::json ->> 'preferredSingleSignOnMode'::text) AS "preferredSingleSignOnMode",
    ((r.document)::json ->> 'preferredTokenSigningKeyThumbprint'::text) AS "preferredTokenSigningKeyThumbprint",
    (((r.document)::json ->> 'replyUrls'::text))::json AS "replyUrls",
    (((r.document)::json ->> 'resourceSpecificApplicationPermissions'::text))::json AS "resourceSpecificApplicationPermissions",
    (((r.document)::json ->> 'samlSingleSignOnSettings'::text))::json AS "samlSingleSignOnSettings",
    (((r.document)::json ->> 'servicePrincipalNames'::text))::json AS "servicePrincipalNames",
    ((r.document)::json ->> 'servicePrincipalType'::text) AS "servicePrincipalType",
    ((r.document)::json ->> 'signInAudience'::text) AS "signInAudience",
    (((r.document)::json ->> 'tags'::text))::json AS tags,
    ((r.document)::json ->> 'tokenEncryptionKeyId'::text) AS "tokenEncryptionKeyId",
    (((r.document)::json ->> 'verifiedPublisher'::text))::json AS "verifiedPublisher",
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (service_principals_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE service_principals_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE tenants (
    number bigint NOT NULL,
    id text NOT NULL,
    name text NOT NULL
);
ALTER TABLE tenants ALTER COLUMN number ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME tenants_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE user_managers_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW user_managers AS
 SELECT r.tenant,
    r.id,
    ((r.document)::json ->> 'parent'::text) AS parent,
    ((r.document)::json ->> 'child'::text) AS child,
    ((r.document)::json ->> 'kind'::text) AS kind,
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (user_managers_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE user_managers_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
CREATE TABLE users_records (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    document text NOT NULL
);
CREATE VIEW users AS
 SELECT r.tenant,
    r.id,
    (((r.document)::json ->> 'accountEnabled'::text))::boolean AS "accountEnabled",
    ((r.document)::json ->> 'ageGroup'::text) AS "ageGroup",
    (((r.document)::json ->> 'assignedLicenses'::text))::json AS "assignedLicenses",
    (((r.document)::json ->> 'businessPhones'::text))::json AS "businessPhones",
    ((r.document)::json ->> 'city'::text) AS city,
    ((r.document)::json ->> 'companyName'::text) AS "companyName",
    ((r.document)::json ->> 'consentProvidedForMinor'::text) AS "consentProvidedForMinor",
    ((r.document)::json ->> 'country'::text) AS country,
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'creationType'::text) AS "creationType",
    ((r.document)::json ->> 'department'::text) AS department,
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'employeeHireDate'::text) AS "employeeHireDate",
    ((r.document)::json ->> 'employeeId'::text) AS "employeeId",
    (((r.document)::json ->> 'employeeOrgData'::text))::json AS "employeeOrgData",
    ((r.document)::json ->> 'employeeType'::text) AS "employeeType",
    ((r.document)::json ->> 'externalUserState'::text) AS "externalUserState",
    ((r.document)::json ->> 'externalUserStateChangeDateTime'::text) AS "externalUserStateChangeDateTime",
    ((r.document)::json ->> 'faxNumber'::text) AS "faxNumber",
    ((r.document)::json ->> 'givenName'::text) AS "givenName",
    (((r.document)::json ->> 'identities'::text))::json AS identities,
    ((r.document)::json ->> 'jobTitle'::text) AS "jobTitle",
    ((r.document)::json ->> 'lastPasswordChangeDateTime'::text) AS "lastPasswordChangeDateTime",
    ((r.document)::json ->> 'legalAgeGroupClassification'::text) AS "legalAgeGroupClassification",
    ((r.document)::json ->> 'mail'::text) AS mail,
    ((r.document)::json ->> 'mailNickname'::text) AS "mailNickname",
    ((r.document)::json ->> 'mobilePhone'::text) AS "mobilePhone",
    ((r.document)::json ->> 'officeLocation'::text) AS "officeLocation",
    ((r.document)::json ->> 'onPremisesDistinguishedName'::text) AS "onPremisesDistinguishedName",
    ((r.document)::json ->> 'onPremisesDomainName'::text) AS "onPremisesDomainName",
    (((r.document)::json ->> 'onPremisesExtensionAttributes'::text))::json AS "onPremisesExtensionAttributes",
    ((r.document)::json ->> 'onPremisesImmutableId'::text) AS "onPremisesImmutableId",
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesSamAccountName'::text) AS "onPremisesSamAccountName",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
    (((r.document)::json ->> 'onPremisesSyncEnabled'::text))::boolean AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'onPremisesUserPrincipalName'::text) AS "onPremisesUserPrincipalName",
    (((r.document)::json ->> 'otherMails'::text))::json AS "otherMails",
    ((r.document)::json ->> 'passwordPolicies'::text) AS "passwordPolicies",
    ((r.document)::json ->> 'postalCode'::text) AS "postalCode",
    ((r.document)::json ->> 'preferredDataLocation'::text) AS "preferredDataLocation",
    ((r.document)::json ->> 'preferredLanguage'::text) AS "preferredLanguage",
    (((r.document)::json ->> 'proxyAddresses'::text))::json AS "proxyAddresses",
    ((r.document)::json ->> 'securityIdentifier'::text) AS "securityIdentifier",
    ((r.document)::json ->> 'signInSessionsValidFromDateTime'::text) AS "signInSessionsValidFromDateTime",
    ((r.document)::json ->> 'state'::text) AS state,
    ((r.document)::json ->> 'streetAddress'::text) AS "streetAddress",
    ((r.document)::json ->> 'surname'::text) AS surname,
    ((r.document)::json ->> 'usageLocation'::text) AS "usageLocation",
    ((r.document)::json ->> 'userPrincipalName'::text) AS "userPrincipalName",
    ((r.document)::json ->> 'userType'::text) AS "userType",
    (r.document)::json AS document,
    f.at AS valid_from
   FROM (users_records r
     LEFT JOIN runs f ON ((f.number = r.run)));
CREATE TABLE users_history (
    tenant bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_run bigint NOT NULL,
    valid_from text NOT NULL,
    valid_to text NOT NULL,
    run bigint NOT NULL,
    ending text NOT NULL,
    document text NOT NULL
);
INSERT INTO changes VALUES (1, 'users', 1, 'b', 'updated', 2);
INSERT INTO changes VALUES (1, 'users', 2, 'c', 'created', 2);
INSERT INTO changes VALUES (1, 'users', 3, 'a', 'removed', 2);
INSERT INTO graphdaemon VALUES (2, 'd648982e6c332ad9');
INSERT INTO group_members_records VALUES (1, 'g/b', 3, '{"id":"g/b","parent":"g","child":"b","kind":"user"}');
INSERT INTO links VALUES (1, 'users', 'second', '["id","displayName"]', 2, '2026-11-01T09:00:00.000000Z', '', 2, 3, '');
INSERT INTO links VALUES (1, 'groups/members', 'members', '["id"]', 3, '2026-11-01T10:00:00.000000Z', '', 1, 0, '');
INSERT INTO runs VALUES (1, 1, 'users', 'baseline', '2026-11-01T08:00:00.000000Z', 2, 0, 0, '{"verdict":"complete"}');
INSERT INTO runs VALUES (2, 1, 'users', 'round', '2026-11-01T09:00:00.000000Z', 1, 1, 1, NULL);
INSERT INTO runs VALUES (3, 1, 'groups/members', 'baseline', '2026-11-01T10:00:00.000000Z', 1, 0, 0, NULL);
INSERT INTO tenants VALUES (1, 'aaaaaaaa-0000-0000-0000-000000000001', 'Contoso');
INSERT INTO users_history VALUES (1, 'b', 1, '2026-11-01T08:00:00.000000Z', '2026-11-01T09:00:00.000000Z', 2, 'updated', '{"id":"b","displayName":"Bo"}');
INSERT INTO users_history VALUES (1, 'a', 1, '2026-11-01T08:00:00.000000Z', '2026-11-01T09:00:00.000000Z', 2, 'removed', '{"id":"a","displayName":"Ana"}');
INSERT INTO users_records VALUES (1, 'b', 2, '{"id":"b","displayName":"Bob"}');
INSERT INTO users_records VALUES (1, 'c', 2, '{"id":"c","displayName":"Cy"}');
SELECT pg_catalog.setval('runs_number_seq', 3, true);
SELECT pg_catalog.setval('tenants_number_seq', 1, true);
ALTER TABLE ONLY app_role_assignments_records
    ADD CONSTRAINT app_role_assignments_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY applications_records
    ADD CONSTRAINT applications_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (tenant, collection, sequence);
ALTER TABLE ONLY devices_records
    ADD CONSTRAINT devices_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY feeds
    ADD CONSTRAINT feeds_pkey PRIMARY KEY (name, tenant, collection);
ALTER TABLE ONLY group_members_records
    ADD CONSTRAINT group_members_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY group_owners_records
    ADD CONSTRAINT group_owners_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY groups_records
    ADD CONSTRAINT groups_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY links
    ADD CONSTRAINT links_pkey PRIMARY KEY (tenant, collection);
ALTER TABLE ONLY runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (number);
ALTER TABLE ONLY service_principals_records
    ADD CONSTRAINT service_principals_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY tenants
    ADD CONSTRAINT tenants_id_key UNIQUE (id);
ALTER TABLE ONLY tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (number);
ALTER TABLE ONLY user_managers_records
    ADD CONSTRAINT user_managers_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY users_records
    ADD CONSTRAINT users_records_pkey PRIMARY KEY (tenant, id);
CREATE INDEX app_role_assignments_history_by_id ON app_role_assignments_history USING btree (tenant, id, run);
CREATE INDEX app_role_assignments_history_by_run ON app_role_assignments_history USING btree (tenant, run);
CREATE INDEX applications_history_by_id ON applications_history USING btree (tenant, id, run);
CREATE INDEX applications_history_by_run ON applications_history USING btree (tenant, run);
CREATE INDEX changes_by_run ON changes USING btree (tenant, collection, run);
CREATE INDEX devices_history_by_id ON devices_history USING btree (tenant, id, run);
CREATE INDEX devices_history_by_run ON devices_history USING btree (tenant, run);
CREATE INDEX group_members_history_by_id ON group_members_history USING btree (tenant, id, run);
CREATE INDEX group_members_history_by_run ON group_members_history USING btree (tenant, run);
CREATE INDEX group_owners_history_by_id ON group_owners_history USING btree (tenant, id, run);
CREATE INDEX group_owners_history_by_run ON group_owners_history USING btree (tenant, run);
CREATE INDEX groups_history_by_id ON groups_history USING btree (tenant, id, run);
CREATE INDEX groups_history_by_run ON groups_history USING btree (tenant, run);
CREATE INDEX runs_by_time ON runs USING btree (tenant, collection, at);
CREATE INDEX service_principals_history_by_id ON service_principals_history USING btree (tenant, id, run);
CREATE INDEX service_principals_history_by_run ON service_principals_history USING btree (tenant, run);
CREATE INDEX user_managers_history_by_id ON user_managers_history USING btree (tenant, id, run);
CREATE INDEX user_managers_history_by_run ON user_managers_history USING btree (tenant, run);
CREATE INDEX users_history_by_id ON users_history USING btree (tenant, id, run);
CREATE INDEX users_history_by_run ON users_history USING btree (tenant, run);
