"""
The tables of a store, version after version.

The table `graphdaemon` contains the version of a store. Each version adds its statements to those
before it, and no statement is changed after it was released. Words in braces differ between
databases (`Dialect.words`); `{table}` is the name of the view of a stored collection. The text
after `--` says what a table or a column means, for docs/reference/store.md.
"""

from typing import NamedTuple


class Migration(NamedTuple):
    """
    The statements that change a store from one version to the next.

    Attributes:
        once: Statements for the whole store.
        each: Statements for every stored collection.
        tables: The stored collections that this version adds, by the names of their views. The
            statements in `each` of all earlier versions apply to them too.
    """

    once: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


MIGRATIONS = (
    Migration(
        once=(
            """\
CREATE TABLE graphdaemon ( -- One row: what this store is.
  version {integer} NOT NULL, -- The version of these tables.
  views TEXT NOT NULL -- A digest of the views. If a release changes it, they are created again.
){strict}""",
            """\
CREATE TABLE tenants ( -- The tenants whose directories are kept.
  number {identity}, -- Its number in the other tables (`tenant`).
  id TEXT NOT NULL UNIQUE, -- Its ID, a GUID.
  name TEXT NOT NULL -- Its name when it was last synced.
){strict}""",
            """\
CREATE TABLE runs ( -- The runs that changed something, and the last comparison that did not.
  number {identity}, -- Greater than that of every earlier run of the same collection.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection, such as `users` or `groups/members`.
  kind TEXT NOT NULL, -- `baseline`, `round` (of the delta) or `comparison` (of a listing).
  at TEXT NOT NULL, -- When, in UTC with microseconds; later than the collection's run before.
  created {integer} NOT NULL, -- How many records it added.
  updated {integer} NOT NULL, -- How many records got a new version.
  ended {integer} NOT NULL, -- How many records ended.
  listing TEXT -- The listing record (JSON), if there was a listing.
){strict}""",
            "CREATE INDEX runs_by_time ON runs (tenant, collection, at)",
            """\
CREATE TABLE links ( -- How far each collection of each tenant has been followed.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  link TEXT, -- The delta link to continue from; with a token, it reads the changes.
  selected TEXT NOT NULL, -- The properties that the link was created for, as a JSON list.
  run {integer} NOT NULL, -- The last run that changed something.
  checked TEXT NOT NULL, -- When the store was last known to be in step with the directory.
  reconciled TEXT NOT NULL, -- When a complete listing was last compared with the store.
  rows {integer} NOT NULL, -- How many records are current.
  sequence {integer} NOT NULL, -- The number of the last change.
  PRIMARY KEY (tenant, collection)
){strict}""",
            """\
CREATE TABLE changes ( -- What happened since the baseline, one row for each object and run.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  sequence {integer} NOT NULL, -- The number of the change in its collection, without gaps.
  id {key} NOT NULL, -- The object's ID; for an edge, `PARENT/CHILD`.
  kind TEXT NOT NULL, -- `created`, `updated`, `removed`, `deleted`, `absent` or `restored`.
  run {integer} NOT NULL, -- The run that saw the change.
  PRIMARY KEY (tenant, collection, sequence)
){strict}""",
        ),
        each=(
            """\
CREATE TABLE {table}_records ( -- What is current, one row for each record.
  tenant {integer} NOT NULL, -- The tenant's number.
  id {key} NOT NULL, -- The record's ID; for an edge, `PARENT/CHILD`.
  run {integer} NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, in the form of a listing.
  PRIMARY KEY (tenant, id)
){strict}""",
            """\
CREATE TABLE {table}_history ( -- The earlier versions of records.
  tenant {integer} NOT NULL, -- The tenant's number.
  id {key} NOT NULL, -- The record's ID.
  from_run {integer} NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When this version was first seen.
  valid_to TEXT NOT NULL, -- When its end was seen.
  run {integer} NOT NULL, -- The run that saw its end.
  ending TEXT NOT NULL, -- `updated`, `removed` (restorable), `deleted` (for good) or `absent`.
  document TEXT NOT NULL -- The record as JSON, as it was.
){strict}""",
            "CREATE INDEX {table}_history_by_id ON {table}_history (tenant, id, run)",
        ),
        tables=(
            *("users", "groups", "devices", "applications", "service_principals"),
            *("group_members", "group_owners", "user_managers", "app_role_assignments"),
        ),
    ),
    Migration(
        once=(
            """\
CREATE TABLE feeds ( -- How far each change feed has been delivered.
  name TEXT NOT NULL, -- The feed's name.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  sequence {integer} NOT NULL, -- The number of the last change that was delivered.
  PRIMARY KEY (name, tenant, collection)
){strict}""",
            """\
-- What is older than this was deleted; empty if nothing was.
ALTER TABLE links ADD COLUMN pruned TEXT NOT NULL DEFAULT ''""",
            "CREATE INDEX changes_by_run ON changes (tenant, collection, run)",
        ),
        each=("CREATE INDEX {table}_history_by_run ON {table}_history (tenant, run)",),
    ),
    Migration(
        once=(
            """\
CREATE TABLE leases ( -- What daemons keep in step, and which daemon is working on it.
  tenant {key} NOT NULL, -- The ID of the tenant, or its name in the settings.
  collection {key} NOT NULL, -- The collection; empty for a settings file that cannot be used.
  name TEXT NOT NULL, -- The name of the tenant's settings file.
  number {integer}, -- The tenant's number, once it has one.
  every {integer} NOT NULL, -- Seconds from one sync to the next.
  due TEXT NOT NULL, -- When the next sync is due.
  planned TEXT NOT NULL, -- When that was decided.
  holder TEXT NOT NULL, -- The process that is working on it; empty for none.
  until TEXT NOT NULL, -- When the lease ends, unless the process extends it.
  succeeded TEXT NOT NULL, -- When it was last brought into step; empty for never.
  failures {integer} NOT NULL, -- How often it has failed since.
  failed TEXT NOT NULL, -- When it last failed, or was left out.
  left_out {integer} NOT NULL, -- 1 if it is left out: not named, and not readable by the app.
  error TEXT NOT NULL, -- Why it failed, as JSON with code, message and hint; empty after a success.
  PRIMARY KEY (tenant, collection)
){strict}""",
            "CREATE INDEX leases_by_time ON leases (due)",
            """\
CREATE TABLE credentials ( -- When the credentials expire with which daemons reach the tenants.
  name {key} NOT NULL, -- The name of the tenant's settings file.
  source {key} NOT NULL, -- Where the credential comes from, never the credential itself.
  kind TEXT NOT NULL, -- `secret`, `certificate` and others.
  ends TEXT NOT NULL, -- When it expires; empty if that is not known.
  checked TEXT NOT NULL, -- When that was found out.
  PRIMARY KEY (name, source)
){strict}""",
        ),
    ),
    Migration(
        tables=(
            *("administrative_units", "administrative_unit_members"),
            *("directory_roles", "directory_role_members", "oauth2_permission_grants"),
        ),
    ),
)

VERSION = len(MIGRATIONS)
