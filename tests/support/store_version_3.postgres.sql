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
        CASE
            WHEN (json_typeof(((r.document)::json -> 'addIns'::text)) <> 'null'::text) THEN ((r.document)::json -> 'addIns'::text)
            ELSE NULL::json
        END AS "addIns",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'api'::text)) <> 'null'::text) THEN ((r.document)::json -> 'api'::text)
            ELSE NULL::json
        END AS api,
    ((r.document)::json ->> 'appId'::text) AS "appId",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'appRoles'::text)) <> 'null'::text) THEN ((r.document)::json -> 'appRoles'::text)
            ELSE NULL::json
        END AS "appRoles",
    ((r.document)::json ->> 'applicationTemplateId'::text) AS "applicationTemplateId",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'certification'::text)) <> 'null'::text) THEN ((r.document)::json -> 'certification'::text)
            ELSE NULL::json
        END AS certification,
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'defaultRedirectUri'::text) AS "defaultRedirectUri",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'disabledByMicrosoftStatus'::text) AS "disabledByMicrosoftStatus",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'groupMembershipClaims'::text) AS "groupMembershipClaims",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'identifierUris'::text)) <> 'null'::text) THEN ((r.document)::json -> 'identifierUris'::text)
            ELSE NULL::json
        END AS "identifierUris",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'info'::text)) <> 'null'::text) THEN ((r.document)::json -> 'info'::text)
            ELSE NULL::json
        END AS info,
        CASE ((r.document)::json ->> 'isDeviceOnlyAuthSupported'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isDeviceOnlyAuthSupported",
        CASE ((r.document)::json ->> 'isFallbackPublicClient'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isFallbackPublicClient",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'keyCredentials'::text)) <> 'null'::text) THEN ((r.document)::json -> 'keyCredentials'::text)
            ELSE NULL::json
        END AS "keyCredentials",
    ((r.document)::json ->> 'nativeAuthenticationApisEnabled'::text) AS "nativeAuthenticationApisEnabled",
    ((r.document)::json ->> 'notes'::text) AS notes,
        CASE
            WHEN (json_typeof(((r.document)::json -> 'optionalClaims'::text)) <> 'null'::text) THEN ((r.document)::json -> 'optionalClaims'::text)
            ELSE NULL::json
        END AS "optionalClaims",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'parentalControlSettings'::text)) <> 'null'::text) THEN ((r.document)::json -> 'parentalControlSettings'::text)
            ELSE NULL::json
        END AS "parentalControlSettings",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'passwordCredentials'::text)) <> 'null'::text) THEN ((r.document)::json -> 'passwordCredentials'::text)
            ELSE NULL::json
        END AS "passwordCredentials",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'publicClient'::text)) <> 'null'::text) THEN ((r.document)::json -> 'publicClient'::text)
            ELSE NULL::json
        END AS "publicClient",
    ((r.document)::json ->> 'publisherDomain'::text) AS "publisherDomain",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'requestSignatureVerification'::text)) <> 'null'::text) THEN ((r.document)::json -> 'requestSignatureVerification'::text)
            ELSE NULL::json
        END AS "requestSignatureVerification",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'requiredResourceAccess'::text)) <> 'null'::text) THEN ((r.document)::json -> 'requiredResourceAccess'::text)
            ELSE NULL::json
        END AS "requiredResourceAccess",
    ((r.document)::json ->> 'samlMetadataUrl'::text) AS "samlMetadataUrl",
    ((r.document)::json ->> 'serviceManagementReference'::text) AS "serviceManagementReference",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'servicePrincipalLockConfiguration'::text)) <> 'null'::text) THEN ((r.document)::json -> 'servicePrincipalLockConfiguration'::text)
            ELSE NULL::json
        END AS "servicePrincipalLockConfiguration",
    ((r.document)::json ->> 'signInAudience'::text) AS "signInAudience",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'spa'::text)) <> 'null'::text) THEN ((r.document)::json -> 'spa'::text)
            ELSE NULL::json
        END AS spa,
        CASE
            WHEN (json_typeof(((r.document)::json -> 'tags'::text)) <> 'null'::text) THEN ((r.document)::json -> 'tags'::text)
            ELSE NULL::json
        END AS tags,
    ((r.document)::json ->> 'tokenEncryptionKeyId'::text) AS "tokenEncryptionKeyId",
    ((r.document)::json ->> 'uniqueName'::text) AS "uniqueName",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'verifiedPublisher'::text)) <> 'null'::text) THEN ((r.document)::json -> 'verifiedPublisher'::text)
            ELSE NULL::json
        END AS "verifiedPublisher",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'web'::text)) <> 'null'::text) THEN ((r.document)::json -> 'web'::text)
            ELSE NULL::json
        END AS web,
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
CREATE TABLE credentials (
    name text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    ends text NOT NULL,
    checked text NOT NULL
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
        CASE ((r.document)::json ->> 'accountEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "accountEnabled",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'alternativeSecurityIds'::text)) <> 'null'::text) THEN ((r.document)::json -> 'alternativeSecurityIds'::text)
            ELSE NULL::json
        END AS "alternativeSecurityIds",
    ((r.document)::json ->> 'approximateLastSignInDateTime'::text) AS "approximateLastSignInDateTime",
    ((r.document)::json ->> 'complianceExpirationDateTime'::text) AS "complianceExpirationDateTime",
    ((r.document)::json ->> 'deviceCategory'::text) AS "deviceCategory",
    ((r.document)::json ->> 'deviceId'::text) AS "deviceId",
    ((r.document)::json ->> 'deviceMetadata'::text) AS "deviceMetadata",
    ((r.document)::json ->> 'deviceOwnership'::text) AS "deviceOwnership",
        CASE
            WHEN (((r.document)::json ->> 'deviceVersion'::text) ~ '^-?[0-9]{1,18}$'::text) THEN (((r.document)::json ->> 'deviceVersion'::text))::bigint
            ELSE NULL::bigint
        END AS "deviceVersion",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'enrollmentProfileName'::text) AS "enrollmentProfileName",
    ((r.document)::json ->> 'enrollmentType'::text) AS "enrollmentType",
        CASE ((r.document)::json ->> 'isCompliant'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isCompliant",
        CASE ((r.document)::json ->> 'isManaged'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isManaged",
        CASE ((r.document)::json ->> 'isRooted'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isRooted",
    ((r.document)::json ->> 'managementType'::text) AS "managementType",
    ((r.document)::json ->> 'manufacturer'::text) AS manufacturer,
    ((r.document)::json ->> 'mdmAppId'::text) AS "mdmAppId",
    ((r.document)::json ->> 'model'::text) AS model,
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
        CASE ((r.document)::json ->> 'onPremisesSyncEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'operatingSystem'::text) AS "operatingSystem",
    ((r.document)::json ->> 'operatingSystemVersion'::text) AS "operatingSystemVersion",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'physicalIds'::text)) <> 'null'::text) THEN ((r.document)::json -> 'physicalIds'::text)
            ELSE NULL::json
        END AS "physicalIds",
    ((r.document)::json ->> 'profileType'::text) AS "profileType",
    ((r.document)::json ->> 'registrationDateTime'::text) AS "registrationDateTime",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'systemLabels'::text)) <> 'null'::text) THEN ((r.document)::json -> 'systemLabels'::text)
            ELSE NULL::json
        END AS "systemLabels",
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
        CASE
            WHEN (json_typeof(((r.document)::json -> 'assignedLicenses'::text)) <> 'null'::text) THEN ((r.document)::json -> 'assignedLicenses'::text)
            ELSE NULL::json
        END AS "assignedLicenses",
    ((r.document)::json ->> 'classification'::text) AS classification,
    ((r.document)::json ->> 'createdDateTime'::text) AS "createdDateTime",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'expirationDateTime'::text) AS "expirationDateTime",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'groupTypes'::text)) <> 'null'::text) THEN ((r.document)::json -> 'groupTypes'::text)
            ELSE NULL::json
        END AS "groupTypes",
        CASE ((r.document)::json ->> 'isAssignableToRole'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "isAssignableToRole",
    ((r.document)::json ->> 'mail'::text) AS mail,
        CASE ((r.document)::json ->> 'mailEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "mailEnabled",
    ((r.document)::json ->> 'mailNickname'::text) AS "mailNickname",
    ((r.document)::json ->> 'membershipRule'::text) AS "membershipRule",
    ((r.document)::json ->> 'membershipRuleProcessingState'::text) AS "membershipRuleProcessingState",
    ((r.document)::json ->> 'onPremisesDomainName'::text) AS "onPremisesDomainName",
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesNetBiosName'::text) AS "onPremisesNetBiosName",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'onPremisesProvisioningErrors'::text)) <> 'null'::text) THEN ((r.document)::json -> 'onPremisesProvisioningErrors'::text)
            ELSE NULL::json
        END AS "onPremisesProvisioningErrors",
    ((r.document)::json ->> 'onPremisesSamAccountName'::text) AS "onPremisesSamAccountName",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
        CASE ((r.document)::json ->> 'onPremisesSyncEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'preferredDataLocation'::text) AS "preferredDataLocation",
    ((r.document)::json ->> 'preferredLanguage'::text) AS "preferredLanguage",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'proxyAddresses'::text)) <> 'null'::text) THEN ((r.document)::json -> 'proxyAddresses'::text)
            ELSE NULL::json
        END AS "proxyAddresses",
    ((r.document)::json ->> 'renewedDateTime'::text) AS "renewedDateTime",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'resourceBehaviorOptions'::text)) <> 'null'::text) THEN ((r.document)::json -> 'resourceBehaviorOptions'::text)
            ELSE NULL::json
        END AS "resourceBehaviorOptions",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'resourceProvisioningOptions'::text)) <> 'null'::text) THEN ((r.document)::json -> 'resourceProvisioningOptions'::text)
            ELSE NULL::json
        END AS "resourceProvisioningOptions",
        CASE ((r.document)::json ->> 'securityEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "securityEnabled",
    ((r.document)::json ->> 'securityIdentifier'::text) AS "securityIdentifier",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'serviceProvisioningErrors'::text)) <> 'null'::text) THEN ((r.document)::json -> 'serviceProvisioningErrors'::text)
            ELSE NULL::json
        END AS "serviceProvisioningErrors",
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
CREATE TABLE leases (
    tenant text NOT NULL COLLATE pg_catalog."C",
    collection text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    number bigint,
    every bigint NOT NULL,
    due text NOT NULL,
    planned text NOT NULL,
    holder text NOT NULL,
    until text NOT NULL,
    succeeded text NOT NULL,
    failures bigint NOT NULL,
    failed text NOT NULL,
    left_out bigint NOT NULL,
    error text NOT NULL
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
        CASE ((r.document)::json ->> 'accountEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "accountEnabled",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'addIns'::text)) <> 'null'::text) THEN ((r.document)::json -> 'addIns'::text)
            ELSE NULL::json
        END AS "addIns",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'alternativeNames'::text)) <> 'null'::text) THEN ((r.document)::json -> 'alternativeNames'::text)
            ELSE NULL::json
        END AS "alternativeNames",
    ((r.document)::json ->> 'appDescription'::text) AS "appDescription",
    ((r.document)::json ->> 'appDisplayName'::text) AS "appDisplayName",
    ((r.document)::json ->> 'appId'::text) AS "appId",
    ((r.document)::json ->> 'appOwnerOrganizationId'::text) AS "appOwnerOrganizationId",
        CASE ((r.document)::json ->> 'appRoleAssignmentRequired'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "appRoleAssignmentRequired",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'appRoles'::text)) <> 'null'::text) THEN ((r.document)::json -> 'appRoles'::text)
            ELSE NULL::json
        END AS "appRoles",
    ((r.document)::json ->> 'applicationTemplateId'::text) AS "applicationTemplateId",
    ((r.document)::json ->> 'description'::text) AS description,
    ((r.document)::json ->> 'disabledByMicrosoftStatus'::text) AS "disabledByMicrosoftStatus",
    ((r.document)::json ->> 'displayName'::text) AS "displayName",
    ((r.document)::json ->> 'homepage'::text) AS homepage,
        CASE
            WHEN (json_typeof(((r.document)::json -> 'info'::text)) <> 'null'::text) THEN ((r.document)::json -> 'info'::text)
            ELSE NULL::json
        END AS info,
        CASE
            WHEN (json_typeof(((r.document)::json -> 'keyCredentials'::text)) <> 'null'::text) THEN ((r.document)::json -> 'keyCredentials'::text)
            ELSE NULL::json
        END AS "keyCredentials",
    ((r.document)::json ->> 'loginUrl'::text) AS "loginUrl",
    ((r.document)::json ->> 'logoutUrl'::text) AS "logoutUrl",
    ((r.document)::json ->> 'notes'::text) AS notes,
        CASE
            WHEN (json_typeof(((r.document)::json -> 'notificationEmailAddresses'::text)) <> 'null'::text) THEN ((r.document)::json -> 'notificationEmailAddresses'::text)
            ELSE NULL::json
        END AS "notificationEmailAddresses",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'oauth2PermissionScopes'::text)) <> 'null'::text) THEN ((r.document)::json -> 'oauth2PermissionScopes'::text)
            ELSE NULL::json
        END AS "oauth2PermissionScopes",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'passwordCredentials'::text)) <> 'null'::text) THEN ((r.document)::json -> 'passwordCredentials'::text)
            ELSE NULL::json
        END AS "passwordCredentials",
    ((r.document)::json ->> 'preferredSingleSignOnMode'::text) AS "preferredSingleSignOnMode",
    ((r.document)::json ->> 'preferredTokenSigningKeyThumbprint'::text) AS "preferredTokenSigningKeyThumbprint",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'replyUrls'::text)) <> 'null'::text) THEN ((r.document)::json -> 'replyUrls'::text)
            ELSE NULL::json
        END AS "replyUrls",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'resourceSpecificApplicationPermissions'::text)) <> 'null'::text) THEN ((r.document)::json -> 'resourceSpecificApplicationPermissions'::text)
            ELSE NULL::json
        END AS "resourceSpecificApplicationPermissions",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'samlSingleSignOnSettings'::text)) <> 'null'::text) THEN ((r.document)::json -> 'samlSingleSignOnSettings'::text)
            ELSE NULL::json
        END AS "samlSingleSignOnSettings",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'servicePrincipalNames'::text)) <> 'null'::text) THEN ((r.document)::json -> 'servicePrincipalNames'::text)
            ELSE NULL::json
        END AS "servicePrincipalNames",
    ((r.document)::json ->> 'servicePrincipalType'::text) AS "servicePrincipalType",
    ((r.document)::json ->> 'signInAudience'::text) AS "signInAudience",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'tags'::text)) <> 'null'::text) THEN ((r.document)::json -> 'tags'::text)
            ELSE NULL::json
        END AS tags,
    ((r.document)::json ->> 'tokenEncryptionKeyId'::text) AS "tokenEncryptionKeyId",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'verifiedPublisher'::text)) <> 'null'::text) THEN ((r.document)::json -> 'verifiedPublisher'::text)
            ELSE NULL::json
        END AS "verifiedPublisher",
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
        CASE ((r.document)::json ->> 'accountEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "accountEnabled",
    ((r.document)::json ->> 'ageGroup'::text) AS "ageGroup",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'assignedLicenses'::text)) <> 'null'::text) THEN ((r.document)::json -> 'assignedLicenses'::text)
            ELSE NULL::json
        END AS "assignedLicenses",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'businessPhones'::text)) <> 'null'::text) THEN ((r.document)::json -> 'businessPhones'::text)
            ELSE NULL::json
        END AS "businessPhones",
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
        CASE
            WHEN (json_typeof(((r.document)::json -> 'employeeOrgData'::text)) <> 'null'::text) THEN ((r.document)::json -> 'employeeOrgData'::text)
            ELSE NULL::json
        END AS "employeeOrgData",
    ((r.document)::json ->> 'employeeType'::text) AS "employeeType",
    ((r.document)::json ->> 'externalUserState'::text) AS "externalUserState",
    ((r.document)::json ->> 'externalUserStateChangeDateTime'::text) AS "externalUserStateChangeDateTime",
    ((r.document)::json ->> 'faxNumber'::text) AS "faxNumber",
    ((r.document)::json ->> 'givenName'::text) AS "givenName",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'identities'::text)) <> 'null'::text) THEN ((r.document)::json -> 'identities'::text)
            ELSE NULL::json
        END AS identities,
    ((r.document)::json ->> 'jobTitle'::text) AS "jobTitle",
    ((r.document)::json ->> 'lastPasswordChangeDateTime'::text) AS "lastPasswordChangeDateTime",
    ((r.document)::json ->> 'legalAgeGroupClassification'::text) AS "legalAgeGroupClassification",
    ((r.document)::json ->> 'mail'::text) AS mail,
    ((r.document)::json ->> 'mailNickname'::text) AS "mailNickname",
    ((r.document)::json ->> 'mobilePhone'::text) AS "mobilePhone",
    ((r.document)::json ->> 'officeLocation'::text) AS "officeLocation",
    ((r.document)::json ->> 'onPremisesDistinguishedName'::text) AS "onPremisesDistinguishedName",
    ((r.document)::json ->> 'onPremisesDomainName'::text) AS "onPremisesDomainName",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'onPremisesExtensionAttributes'::text)) <> 'null'::text) THEN ((r.document)::json -> 'onPremisesExtensionAttributes'::text)
            ELSE NULL::json
        END AS "onPremisesExtensionAttributes",
    ((r.document)::json ->> 'onPremisesImmutableId'::text) AS "onPremisesImmutableId",
    ((r.document)::json ->> 'onPremisesLastSyncDateTime'::text) AS "onPremisesLastSyncDateTime",
    ((r.document)::json ->> 'onPremisesSamAccountName'::text) AS "onPremisesSamAccountName",
    ((r.document)::json ->> 'onPremisesSecurityIdentifier'::text) AS "onPremisesSecurityIdentifier",
        CASE ((r.document)::json ->> 'onPremisesSyncEnabled'::text)
            WHEN 'true'::text THEN true
            WHEN 'false'::text THEN false
            ELSE NULL::boolean
        END AS "onPremisesSyncEnabled",
    ((r.document)::json ->> 'onPremisesUserPrincipalName'::text) AS "onPremisesUserPrincipalName",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'otherMails'::text)) <> 'null'::text) THEN ((r.document)::json -> 'otherMails'::text)
            ELSE NULL::json
        END AS "otherMails",
    ((r.document)::json ->> 'passwordPolicies'::text) AS "passwordPolicies",
    ((r.document)::json ->> 'postalCode'::text) AS "postalCode",
    ((r.document)::json ->> 'preferredDataLocation'::text) AS "preferredDataLocation",
    ((r.document)::json ->> 'preferredLanguage'::text) AS "preferredLanguage",
        CASE
            WHEN (json_typeof(((r.document)::json -> 'proxyAddresses'::text)) <> 'null'::text) THEN ((r.document)::json -> 'proxyAddresses'::text)
            ELSE NULL::json
        END AS "proxyAddresses",
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
INSERT INTO credentials VALUES ('contoso', 'secret', 'secret', '2027-01-01T00:00:00.000000Z', '2026-11-01T10:00:00.000000Z');
INSERT INTO graphdaemon VALUES (3, '23d88dedb5b7ec24');
INSERT INTO group_members_records VALUES (1, 'g/b', 3, '{"id":"g/b","parent":"g","child":"b","kind":"user"}');
INSERT INTO leases VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'users', 'contoso', 1, 300, '2026-11-01T10:05:00.000000Z', '2026-11-01T10:00:00.000000Z', '', '', '2026-11-01T10:00:00.000000Z', 0, '', 0, '');
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
ALTER TABLE ONLY app_role_assignments_records
    ADD CONSTRAINT app_role_assignments_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY applications_records
    ADD CONSTRAINT applications_records_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (tenant, collection, sequence);
ALTER TABLE ONLY credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (name, source);
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
ALTER TABLE ONLY leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (tenant, collection);
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
CREATE INDEX leases_by_time ON leases USING btree (due);
CREATE INDEX runs_by_time ON runs USING btree (tenant, collection, at);
CREATE INDEX service_principals_history_by_id ON service_principals_history USING btree (tenant, id, run);
CREATE INDEX service_principals_history_by_run ON service_principals_history USING btree (tenant, run);
CREATE INDEX user_managers_history_by_id ON user_managers_history USING btree (tenant, id, run);
CREATE INDEX user_managers_history_by_run ON user_managers_history USING btree (tenant, run);
CREATE INDEX users_history_by_id ON users_history USING btree (tenant, id, run);
CREATE INDEX users_history_by_run ON users_history USING btree (tenant, run);
SELECT pg_catalog.setval('runs_number_seq', 3, true);
SELECT pg_catalog.setval('tenants_number_seq', 1, true);
