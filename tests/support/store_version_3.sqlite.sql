PRAGMA application_id = 1734624354;
BEGIN TRANSACTION;
CREATE TABLE app_role_assignments_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE app_role_assignments_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE applications_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE applications_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE changes ( -- What happened since the baseline, one row for each object and run.
  tenant INTEGER NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  sequence INTEGER NOT NULL, -- Counts the changes of a collection without gaps, from 1 on.
  id TEXT NOT NULL, -- The object's ID; of an edge `PARENT/CHILD`.
  kind TEXT NOT NULL, -- `created`, `updated`, `removed`, `deleted`, `absent` or `restored`.
  run INTEGER NOT NULL, -- The run that saw it.
  PRIMARY KEY (tenant, collection, sequence)
) STRICT;
INSERT INTO "changes" VALUES(1,'users',1,'b','updated',2);
INSERT INTO "changes" VALUES(1,'users',2,'c','created',2);
INSERT INTO "changes" VALUES(1,'users',3,'a','removed',2);
CREATE TABLE credentials ( -- When the credentials end by which daemons reach the tenants.
  name TEXT NOT NULL, -- The name of the tenant's settings file.
  source TEXT NOT NULL, -- Where the credential comes from; never the credential.
  kind TEXT NOT NULL, -- `secret`, `certificate` and others.
  ends TEXT NOT NULL, -- When it ends; empty where nobody can tell.
  checked TEXT NOT NULL, -- When that was found out.
  PRIMARY KEY (name, source)
) STRICT;
INSERT INTO "credentials" VALUES('contoso','secret','secret','2027-01-01T00:00:00.000000Z','2026-11-01T10:00:00.000000Z');
CREATE TABLE devices_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE devices_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE feeds ( -- How far each change feed was delivered.
  name TEXT NOT NULL, -- The feed's name.
  tenant INTEGER NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  sequence INTEGER NOT NULL, -- The number of the last change that was delivered.
  PRIMARY KEY (name, tenant, collection)
) STRICT;
CREATE TABLE graphdaemon ( -- One row: what this store is.
  version INTEGER NOT NULL, -- The version of these tables.
  views TEXT NOT NULL -- A digest of the views, which are made anew when a release changes them.
) STRICT;
INSERT INTO "graphdaemon" VALUES(3,'4a419d1d2dc6126f');
CREATE TABLE group_members_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE group_members_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
INSERT INTO "group_members_records" VALUES(1,'g/b',3,'{"id":"g/b","parent":"g","child":"b","kind":"user"}');
CREATE TABLE group_owners_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE group_owners_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE groups_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE groups_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE leases ( -- What daemons keep in step, and which of them does so just now.
  tenant TEXT NOT NULL, -- The tenant's ID, or what its settings call it; a broken file's name.
  collection TEXT NOT NULL, -- The collection; empty for a settings file that cannot be used.
  name TEXT NOT NULL, -- The name of the tenant's settings file.
  number INTEGER, -- The tenant's number, once it has one.
  every INTEGER NOT NULL, -- Seconds from one sync to the next.
  due TEXT NOT NULL, -- When the next one is due.
  planned TEXT NOT NULL, -- When that was decided.
  holder TEXT NOT NULL, -- The process that works at it; empty for none.
  until TEXT NOT NULL, -- Until when it is believed to, unless it says again that it does.
  succeeded TEXT NOT NULL, -- When it last was brought into step; empty for never.
  failures INTEGER NOT NULL, -- How often it has failed since.
  failed TEXT NOT NULL, -- When it last failed, or was left out.
  left_out INTEGER NOT NULL, -- 1 if nobody named it, and the app may not read it; else 0.
  error TEXT NOT NULL, -- Why: JSON with code, message and hint; empty if it succeeded.
  PRIMARY KEY (tenant, collection)
) STRICT;
INSERT INTO "leases" VALUES('aaaaaaaa-0000-0000-0000-000000000001','users','contoso',1,300,'2026-11-01T10:05:00.000000Z','2026-11-01T10:00:00.000000Z','','','2026-11-01T10:00:00.000000Z',0,'',0,'');
CREATE TABLE links ( -- How far each collection of each tenant has been followed.
  tenant INTEGER NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  link TEXT, -- The delta link to go on from; whoever has it and a token can read the changes.
  selected TEXT NOT NULL, -- The properties that the link was made for: a JSON list.
  run INTEGER NOT NULL, -- The last run that changed something.
  checked TEXT NOT NULL, -- When the store was last known to be in step with the directory.
  reconciled TEXT NOT NULL, -- When a complete listing was last compared with the store.
  rows INTEGER NOT NULL, -- How many records are current.
  sequence INTEGER NOT NULL, pruned TEXT NOT NULL DEFAULT '', -- The number of the last change.
  PRIMARY KEY (tenant, collection)
) STRICT;
INSERT INTO "links" VALUES(1,'users','second','["id","displayName"]',2,'2026-11-01T09:00:00.000000Z','',2,3,'');
INSERT INTO "links" VALUES(1,'groups/members','members','["id"]',3,'2026-11-01T10:00:00.000000Z','',1,0,'');
CREATE TABLE runs ( -- The transactions that changed something, one row each.
  number INTEGER PRIMARY KEY, -- Greater than that of every earlier run of the same collection.
  tenant INTEGER NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection, such as `users` or `groups/members`.
  kind TEXT NOT NULL, -- `baseline`, `round` (of the delta) or `comparison` (of a listing).
  at TEXT NOT NULL, -- When, in UTC with microseconds; later than the collection's run before.
  created INTEGER NOT NULL, -- How many records it added.
  updated INTEGER NOT NULL, -- How many got a new version.
  ended INTEGER NOT NULL, -- How many went.
  listing TEXT -- The listing record (JSON), where a listing was read.
) STRICT;
INSERT INTO "runs" VALUES(1,1,'users','baseline','2026-11-01T08:00:00.000000Z',2,0,0,'{"verdict":"complete"}');
INSERT INTO "runs" VALUES(2,1,'users','round','2026-11-01T09:00:00.000000Z',1,1,1,NULL);
INSERT INTO "runs" VALUES(3,1,'groups/members','baseline','2026-11-01T10:00:00.000000Z',1,0,0,NULL);
CREATE TABLE service_principals_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE service_principals_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE tenants ( -- The tenants whose directories are kept.
  number INTEGER PRIMARY KEY, -- What the other tables call it (`tenant`).
  id TEXT NOT NULL UNIQUE, -- Its ID, a GUID.
  name TEXT NOT NULL -- Its name when it was last synced.
) STRICT;
INSERT INTO "tenants" VALUES(1,'aaaaaaaa-0000-0000-0000-000000000001','Contoso');
CREATE TABLE user_managers_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
CREATE TABLE user_managers_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE users_history ( -- The versions that ended.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID.
  from_run INTEGER NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run INTEGER NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
) STRICT;
INSERT INTO "users_history" VALUES(1,'b',1,'2026-11-01T08:00:00.000000Z','2026-11-01T09:00:00.000000Z',2,'updated','{"id":"b","displayName":"Bo"}');
INSERT INTO "users_history" VALUES(1,'a',1,'2026-11-01T08:00:00.000000Z','2026-11-01T09:00:00.000000Z',2,'removed','{"id":"a","displayName":"Ana"}');
CREATE TABLE users_records ( -- What is current, one row for each record.
  tenant INTEGER NOT NULL, -- The tenant's number.
  id TEXT NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run INTEGER NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
) STRICT;
INSERT INTO "users_records" VALUES(1,'b',2,'{"id":"b","displayName":"Bob"}');
INSERT INTO "users_records" VALUES(1,'c',2,'{"id":"c","displayName":"Cy"}');
CREATE INDEX runs_by_time ON runs (tenant, collection, at);
CREATE INDEX users_history_by_id ON users_history (tenant, id, run);
CREATE INDEX groups_history_by_id ON groups_history (tenant, id, run);
CREATE INDEX devices_history_by_id ON devices_history (tenant, id, run);
CREATE INDEX applications_history_by_id ON applications_history (tenant, id, run);
CREATE INDEX service_principals_history_by_id ON service_principals_history (tenant, id, run);
CREATE INDEX group_members_history_by_id ON group_members_history (tenant, id, run);
CREATE INDEX group_owners_history_by_id ON group_owners_history (tenant, id, run);
CREATE INDEX user_managers_history_by_id ON user_managers_history (tenant, id, run);
CREATE INDEX app_role_assignments_history_by_id ON app_role_assignments_history (tenant, id, run);
CREATE INDEX changes_by_run ON changes (tenant, collection, run);
CREATE INDEX users_history_by_run ON users_history (tenant, run);
CREATE INDEX groups_history_by_run ON groups_history (tenant, run);
CREATE INDEX devices_history_by_run ON devices_history (tenant, run);
CREATE INDEX applications_history_by_run ON applications_history (tenant, run);
CREATE INDEX service_principals_history_by_run ON service_principals_history (tenant, run);
CREATE INDEX group_members_history_by_run ON group_members_history (tenant, run);
CREATE INDEX group_owners_history_by_run ON group_owners_history (tenant, run);
CREATE INDEX user_managers_history_by_run ON user_managers_history (tenant, run);
CREATE INDEX app_role_assignments_history_by_run ON app_role_assignments_history (tenant, run);
CREATE INDEX leases_by_time ON leases (due);
CREATE VIEW users AS
SELECT r.tenant, r.id, r.document ->> 'accountEnabled' AS "accountEnabled", r.document ->> 'ageGroup' AS "ageGroup", r.document ->> 'assignedLicenses' AS "assignedLicenses", r.document ->> 'businessPhones' AS "businessPhones", r.document ->> 'city' AS "city", r.document ->> 'companyName' AS "companyName", r.document ->> 'consentProvidedForMinor' AS "consentProvidedForMinor", r.document ->> 'country' AS "country", r.document ->> 'createdDateTime' AS "createdDateTime", r.document ->> 'creationType' AS "creationType", r.document ->> 'department' AS "department", r.document ->> 'displayName' AS "displayName", r.document ->> 'employeeHireDate' AS "employeeHireDate", r.document ->> 'employeeId' AS "employeeId", r.document ->> 'employeeOrgData' AS "employeeOrgData", r.document ->> 'employeeType' AS "employeeType", r.document ->> 'externalUserState' AS "externalUserState", r.document ->> 'externalUserStateChangeDateTime' AS "externalUserStateChangeDateTime", r.document ->> 'faxNumber' AS "faxNumber", r.document ->> 'givenName' AS "givenName", r.document ->> 'identities' AS "identities", r.document ->> 'jobTitle' AS "jobTitle", r.document ->> 'lastPasswordChangeDateTime' AS "lastPasswordChangeDateTime", r.document ->> 'legalAgeGroupClassification' AS "legalAgeGroupClassification", r.document ->> 'mail' AS "mail", r.document ->> 'mailNickname' AS "mailNickname", r.document ->> 'mobilePhone' AS "mobilePhone", r.document ->> 'officeLocation' AS "officeLocation", r.document ->> 'onPremisesDistinguishedName' AS "onPremisesDistinguishedName", r.document ->> 'onPremisesDomainName' AS "onPremisesDomainName", r.document ->> 'onPremisesExtensionAttributes' AS "onPremisesExtensionAttributes", r.document ->> 'onPremisesImmutableId' AS "onPremisesImmutableId", r.document ->> 'onPremisesLastSyncDateTime' AS "onPremisesLastSyncDateTime", r.document ->> 'onPremisesSamAccountName' AS "onPremisesSamAccountName", r.document ->> 'onPremisesSecurityIdentifier' AS "onPremisesSecurityIdentifier", r.document ->> 'onPremisesSyncEnabled' AS "onPremisesSyncEnabled", r.document ->> 'onPremisesUserPrincipalName' AS "onPremisesUserPrincipalName", r.document ->> 'otherMails' AS "otherMails", r.document ->> 'passwordPolicies' AS "passwordPolicies", r.document ->> 'postalCode' AS "postalCode", r.document ->> 'preferredDataLocation' AS "preferredDataLocation", r.document ->> 'preferredLanguage' AS "preferredLanguage", r.document ->> 'proxyAddresses' AS "proxyAddresses", r.document ->> 'securityIdentifier' AS "securityIdentifier", r.document ->> 'signInSessionsValidFromDateTime' AS "signInSessionsValidFromDateTime", r.document ->> 'state' AS "state", r.document ->> 'streetAddress' AS "streetAddress", r.document ->> 'surname' AS "surname", r.document ->> 'usageLocation' AS "usageLocation", r.document ->> 'userPrincipalName' AS "userPrincipalName", r.document ->> 'userType' AS "userType", r.document AS document, f.at AS valid_from
FROM users_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW groups AS
SELECT r.tenant, r.id, r.document ->> 'assignedLicenses' AS "assignedLicenses", r.document ->> 'classification' AS "classification", r.document ->> 'createdDateTime' AS "createdDateTime", r.document ->> 'description' AS "description", r.document ->> 'displayName' AS "displayName", r.document ->> 'expirationDateTime' AS "expirationDateTime", r.document ->> 'groupTypes' AS "groupTypes", r.document ->> 'isAssignableToRole' AS "isAssignableToRole", r.document ->> 'mail' AS "mail", r.document ->> 'mailEnabled' AS "mailEnabled", r.document ->> 'mailNickname' AS "mailNickname", r.document ->> 'membershipRule' AS "membershipRule", r.document ->> 'membershipRuleProcessingState' AS "membershipRuleProcessingState", r.document ->> 'onPremisesDomainName' AS "onPremisesDomainName", r.document ->> 'onPremisesLastSyncDateTime' AS "onPremisesLastSyncDateTime", r.document ->> 'onPremisesNetBiosName' AS "onPremisesNetBiosName", r.document ->> 'onPremisesProvisioningErrors' AS "onPremisesProvisioningErrors", r.document ->> 'onPremisesSamAccountName' AS "onPremisesSamAccountName", r.document ->> 'onPremisesSecurityIdentifier' AS "onPremisesSecurityIdentifier", r.document ->> 'onPremisesSyncEnabled' AS "onPremisesSyncEnabled", r.document ->> 'preferredDataLocation' AS "preferredDataLocation", r.document ->> 'preferredLanguage' AS "preferredLanguage", r.document ->> 'proxyAddresses' AS "proxyAddresses", r.document ->> 'renewedDateTime' AS "renewedDateTime", r.document ->> 'resourceBehaviorOptions' AS "resourceBehaviorOptions", r.document ->> 'resourceProvisioningOptions' AS "resourceProvisioningOptions", r.document ->> 'securityEnabled' AS "securityEnabled", r.document ->> 'securityIdentifier' AS "securityIdentifier", r.document ->> 'serviceProvisioningErrors' AS "serviceProvisioningErrors", r.document ->> 'theme' AS "theme", r.document ->> 'uniqueName' AS "uniqueName", r.document ->> 'visibility' AS "visibility", r.document AS document, f.at AS valid_from
FROM groups_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW devices AS
SELECT r.tenant, r.id, r.document ->> 'accountEnabled' AS "accountEnabled", r.document ->> 'alternativeSecurityIds' AS "alternativeSecurityIds", r.document ->> 'approximateLastSignInDateTime' AS "approximateLastSignInDateTime", r.document ->> 'complianceExpirationDateTime' AS "complianceExpirationDateTime", r.document ->> 'deviceCategory' AS "deviceCategory", r.document ->> 'deviceId' AS "deviceId", r.document ->> 'deviceMetadata' AS "deviceMetadata", r.document ->> 'deviceOwnership' AS "deviceOwnership", r.document ->> 'deviceVersion' AS "deviceVersion", r.document ->> 'displayName' AS "displayName", r.document ->> 'enrollmentProfileName' AS "enrollmentProfileName", r.document ->> 'enrollmentType' AS "enrollmentType", r.document ->> 'isCompliant' AS "isCompliant", r.document ->> 'isManaged' AS "isManaged", r.document ->> 'isRooted' AS "isRooted", r.document ->> 'managementType' AS "managementType", r.document ->> 'manufacturer' AS "manufacturer", r.document ->> 'mdmAppId' AS "mdmAppId", r.document ->> 'model' AS "model", r.document ->> 'onPremisesLastSyncDateTime' AS "onPremisesLastSyncDateTime", r.document ->> 'onPremisesSecurityIdentifier' AS "onPremisesSecurityIdentifier", r.document ->> 'onPremisesSyncEnabled' AS "onPremisesSyncEnabled", r.document ->> 'operatingSystem' AS "operatingSystem", r.document ->> 'operatingSystemVersion' AS "operatingSystemVersion", r.document ->> 'physicalIds' AS "physicalIds", r.document ->> 'profileType' AS "profileType", r.document ->> 'registrationDateTime' AS "registrationDateTime", r.document ->> 'systemLabels' AS "systemLabels", r.document ->> 'trustType' AS "trustType", r.document AS document, f.at AS valid_from
FROM devices_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW applications AS
SELECT r.tenant, r.id, r.document ->> 'addIns' AS "addIns", r.document ->> 'api' AS "api", r.document ->> 'appId' AS "appId", r.document ->> 'appRoles' AS "appRoles", r.document ->> 'applicationTemplateId' AS "applicationTemplateId", r.document ->> 'certification' AS "certification", r.document ->> 'createdDateTime' AS "createdDateTime", r.document ->> 'defaultRedirectUri' AS "defaultRedirectUri", r.document ->> 'description' AS "description", r.document ->> 'disabledByMicrosoftStatus' AS "disabledByMicrosoftStatus", r.document ->> 'displayName' AS "displayName", r.document ->> 'groupMembershipClaims' AS "groupMembershipClaims", r.document ->> 'identifierUris' AS "identifierUris", r.document ->> 'info' AS "info", r.document ->> 'isDeviceOnlyAuthSupported' AS "isDeviceOnlyAuthSupported", r.document ->> 'isFallbackPublicClient' AS "isFallbackPublicClient", r.document ->> 'keyCredentials' AS "keyCredentials", r.document ->> 'nativeAuthenticationApisEnabled' AS "nativeAuthenticationApisEnabled", r.document ->> 'notes' AS "notes", r.document ->> 'optionalClaims' AS "optionalClaims", r.document ->> 'parentalControlSettings' AS "parentalControlSettings", r.document ->> 'passwordCredentials' AS "passwordCredentials", r.document ->> 'publicClient' AS "publicClient", r.document ->> 'publisherDomain' AS "publisherDomain", r.document ->> 'requestSignatureVerification' AS "requestSignatureVerification", r.document ->> 'requiredResourceAccess' AS "requiredResourceAccess", r.document ->> 'samlMetadataUrl' AS "samlMetadataUrl", r.document ->> 'serviceManagementReference' AS "serviceManagementReference", r.document ->> 'servicePrincipalLockConfiguration' AS "servicePrincipalLockConfiguration", r.document ->> 'signInAudience' AS "signInAudience", r.document ->> 'spa' AS "spa", r.document ->> 'tags' AS "tags", r.document ->> 'tokenEncryptionKeyId' AS "tokenEncryptionKeyId", r.document ->> 'uniqueName' AS "uniqueName", r.document ->> 'verifiedPublisher' AS "verifiedPublisher", r.document ->> 'web' AS "web", r.document AS document, f.at AS valid_from
FROM applications_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW service_principals AS
SELECT r.tenant, r.id, r.document ->> 'accountEnabled' AS "accountEnabled", r.document ->> 'addIns' AS "addIns", r.document ->> 'alternativeNames' AS "alternativeNames", r.document ->> 'appDescription' AS "appDescription", r.document ->> 'appDisplayName' AS "appDisplayName", r.document ->> 'appId' AS "appId", r.document ->> 'appOwnerOrganizationId' AS "appOwnerOrganizationId", r.document ->> 'appRoleAssignmentRequired' AS "appRoleAssignmentRequired", r.document ->> 'appRoles' AS "appRoles", r.document ->> 'applicationTemplateId' AS "applicationTemplateId", r.document ->> 'description' AS "description", r.document ->> 'disabledByMicrosoftStatus' AS "disabledByMicrosoftStatus", r.document ->> 'displayName' AS "displayName", r.document ->> 'homepage' AS "homepage", r.document ->> 'info' AS "info", r.document ->> 'keyCredentials' AS "keyCredentials", r.document ->> 'loginUrl' AS "loginUrl", r.document ->> 'logoutUrl' AS "logoutUrl", r.document ->> 'notes' AS "notes", r.document ->> 'notificationEmailAddresses' AS "notificationEmailAddresses", r.document ->> 'oauth2PermissionScopes' AS "oauth2PermissionScopes", r.document ->> 'passwordCredentials' AS "passwordCredentials", r.document ->> 'preferredSingleSignOnMode' AS "preferredSingleSignOnMode", r.document ->> 'preferredTokenSigningKeyThumbprint' AS "preferredTokenSigningKeyThumbprint", r.document ->> 'replyUrls' AS "replyUrls", r.document ->> 'resourceSpecificApplicationPermissions' AS "resourceSpecificApplicationPermissions", r.document ->> 'samlSingleSignOnSettings' AS "samlSingleSignOnSettings", r.document ->> 'servicePrincipalNames' AS "servicePrincipalNames", r.document ->> 'servicePrincipalType' AS "servicePrincipalType", r.document ->> 'signInAudience' AS "signInAudience", r.document ->> 'tags' AS "tags", r.document ->> 'tokenEncryptionKeyId' AS "tokenEncryptionKeyId", r.document ->> 'verifiedPublisher' AS "verifiedPublisher", r.document AS document, f.at AS valid_from
FROM service_principals_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW group_members AS
SELECT r.tenant, r.id, r.document ->> 'parent' AS "parent", r.document ->> 'child' AS "child", r.document ->> 'kind' AS "kind", r.document AS document, f.at AS valid_from
FROM group_members_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW group_owners AS
SELECT r.tenant, r.id, r.document ->> 'parent' AS "parent", r.document ->> 'child' AS "child", r.document ->> 'kind' AS "kind", r.document AS document, f.at AS valid_from
FROM group_owners_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW user_managers AS
SELECT r.tenant, r.id, r.document ->> 'parent' AS "parent", r.document ->> 'child' AS "child", r.document ->> 'kind' AS "kind", r.document AS document, f.at AS valid_from
FROM user_managers_records AS r LEFT JOIN runs AS f ON f.number = r.run;
CREATE VIEW app_role_assignments AS
SELECT r.tenant, r.id, r.document ->> 'appRoleId' AS "appRoleId", r.document ->> 'createdDateTime' AS "createdDateTime", r.document ->> 'principalDisplayName' AS "principalDisplayName", r.document ->> 'principalId' AS "principalId", r.document ->> 'principalType' AS "principalType", r.document ->> 'resourceDisplayName' AS "resourceDisplayName", r.document ->> 'resourceId' AS "resourceId", r.document AS document, f.at AS valid_from
FROM app_role_assignments_records AS r LEFT JOIN runs AS f ON f.number = r.run;
COMMIT;
