"""
The tables of a store, version after version.

A store is of the version that its table `graphdaemon` names. Each version adds its statements to
those before it, and none is ever changed once it was released. Words in braces differ between
databases (`Dialect.words`); `{table}` is the name of a stored collection's view. The text after
`--` says what a table or a column means, for docs/reference/store.md.
"""

from typing import NamedTuple


class Migration(NamedTuple):
    """
    The statements that lead to a version from the one before it.

    Attributes:
        once: Those of the whole store.
        each: Those of every stored collection.
        tables: The stored collections that this version adds, by the names of their views. Each of
            them also gets what the versions before this one say of every collection.
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
  views TEXT NOT NULL -- A digest of the views, which are made anew when a release changes them.
){strict}""",
            """\
CREATE TABLE tenants ( -- The tenants whose directories are kept.
  number {identity}, -- What the other tables call it (`tenant`).
  id TEXT NOT NULL UNIQUE, -- Its ID, a GUID.
  name TEXT NOT NULL -- Its name when it was last synced.
){strict}""",
            """\
CREATE TABLE runs ( -- What changed something, one row each; and the last comparison that did not.
  number {identity}, -- Greater than that of every earlier run of the same collection.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection, such as `users` or `groups/members`.
  kind TEXT NOT NULL, -- `baseline`, `round` (of the delta) or `comparison` (of a listing).
  at TEXT NOT NULL, -- When, in UTC with microseconds; later than the collection's run before.
  created {integer} NOT NULL, -- How many records it added.
  updated {integer} NOT NULL, -- How many got a new version.
  ended {integer} NOT NULL, -- How many went.
  listing TEXT -- The listing record (JSON), where a listing was read.
){strict}""",
            "CREATE INDEX runs_by_time ON runs (tenant, collection, at)",
            """\
CREATE TABLE links ( -- How far each collection of each tenant has been followed.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  link TEXT, -- The delta link to go on from; whoever has it and a token can read the changes.
  selected TEXT NOT NULL, -- The properties that the link was made for: a JSON list.
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
  sequence {integer} NOT NULL, -- Counts the changes of a collection without gaps, from 1 on.
  id {key} NOT NULL, -- The object's ID; of an edge `PARENT/CHILD`.
  kind TEXT NOT NULL, -- `created`, `updated`, `removed`, `deleted`, `absent` or `restored`.
  run {integer} NOT NULL, -- The run that saw it.
  PRIMARY KEY (tenant, collection, sequence)
){strict}""",
        ),
        each=(
            """\
CREATE TABLE {table}_records ( -- What is current, one row for each record.
  tenant {integer} NOT NULL, -- The tenant's number.
  id {key} NOT NULL, -- The record's ID; of an edge `PARENT/CHILD`.
  run {integer} NOT NULL, -- The run that saw this version first.
  document TEXT NOT NULL, -- The record as JSON, as a listing shows it.
  PRIMARY KEY (tenant, id)
){strict}""",
            """\
CREATE TABLE {table}_history ( -- The versions that ended.
  tenant {integer} NOT NULL, -- The tenant's number.
  id {key} NOT NULL, -- The record's ID.
  from_run {integer} NOT NULL, -- The run that saw this version first.
  valid_from TEXT NOT NULL, -- When that was.
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
CREATE TABLE feeds ( -- How far each change feed was delivered.
  name TEXT NOT NULL, -- The feed's name.
  tenant {integer} NOT NULL, -- The tenant's number.
  collection TEXT NOT NULL, -- The collection.
  sequence {integer} NOT NULL, -- The number of the last change that was delivered.
  PRIMARY KEY (name, tenant, collection)
){strict}""",
            """\
-- Until when ended versions and changes were forgotten; empty where none were.
ALTER TABLE links ADD COLUMN pruned TEXT NOT NULL DEFAULT ''""",
            "CREATE INDEX changes_by_run ON changes (tenant, collection, run)",
        ),
        each=("CREATE INDEX {table}_history_by_run ON {table}_history (tenant, run)",),
    ),
    Migration(
        once=(
            """\
CREATE TABLE leases ( -- What daemons keep in step, and which of them does so just now.
  tenant {key} NOT NULL, -- The tenant's ID, or what its settings call it; a broken file's name.
  collection {key} NOT NULL, -- The collection; empty for a settings file that cannot be used.
  name TEXT NOT NULL, -- The name of the tenant's settings file.
  number {integer}, -- The tenant's number, once it has one.
  every {integer} NOT NULL, -- Seconds from one sync to the next.
  due TEXT NOT NULL, -- When the next one is due.
  planned TEXT NOT NULL, -- When that was decided.
  holder TEXT NOT NULL, -- The process that works at it; empty for none.
  until TEXT NOT NULL, -- Until when it is believed to, unless it says again that it does.
  succeeded TEXT NOT NULL, -- When it last was brought into step; empty for never.
  failures {integer} NOT NULL, -- How often it has failed since.
  failed TEXT NOT NULL, -- When it last failed, or was left out.
  left_out {integer} NOT NULL, -- 1 if nobody named it, and the app may not read it; else 0.
  error TEXT NOT NULL, -- Why: JSON with code, message and hint; empty if it succeeded.
  PRIMARY KEY (tenant, collection)
){strict}""",
            "CREATE INDEX leases_by_time ON leases (due)",
            """\
CREATE TABLE credentials ( -- When the credentials end by which daemons reach the tenants.
  name {key} NOT NULL, -- The name of the tenant's settings file.
  source {key} NOT NULL, -- Where the credential comes from; never the credential.
  kind TEXT NOT NULL, -- `secret`, `certificate` and others.
  ends TEXT NOT NULL, -- When it ends; empty where nobody can tell.
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
