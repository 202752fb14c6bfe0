"""The tables of the database, and their indices."""

# A database with tables of another version is refused.
# The columns keep their names: `face` is the summary of an object, `standing` a token policy.
VERSION = 8

# Most tables are WITHOUT ROWID: the primary key is the table then, so that a lookup or a range
# reads one tree instead of two.
TABLES = (
    """
    CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS tenant (
      number INTEGER PRIMARY KEY,
      id TEXT UNIQUE NOT NULL,
      display_name TEXT NOT NULL,
      region TEXT NOT NULL,
      created REAL NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS domain (
      name TEXT PRIMARY KEY,
      tenant INTEGER NOT NULL,
      rank INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # Unlike verified domains, which are unique, several tenants may name one before one proves it.
    """
    CREATE TABLE IF NOT EXISTS claim (
      tenant INTEGER NOT NULL,
      name TEXT NOT NULL,
      PRIMARY KEY (tenant, name)
    ) WITHOUT ROWID
    """,
    # The key is a number: the inner nodes of the tree hold nothing else then, no summaries, and to
    # find an object takes half the time. Pages of names and of members find each of theirs. SQLite
    # compares pairs such as (name, number) by an index only where neither is the key itself.
    """
    CREATE TABLE IF NOT EXISTS object (
      seq INTEGER PRIMARY KEY,
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      core INTEGER,
      brief INTEGER,
      id TEXT NOT NULL,
      key TEXT NOT NULL,
      name TEXT NOT NULL,
      face BLOB,
      number INTEGER GENERATED ALWAYS AS (seq) VIRTUAL
    )
    """,
    # AUTOINCREMENT: a number is never given again, links and page tokens hold it.
    """
    CREATE TABLE IF NOT EXISTS document (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      doc BLOB NOT NULL
    )
    """,
    # What objects are called besides, which neither name nor key begins with, and all that writes
    # look for: mail addresses, unique names. The place is 1,024 times the object's number and more:
    # a key of texts takes five times as long.
    """
    CREATE TABLE IF NOT EXISTS alias (
      place INTEGER PRIMARY KEY,
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      word TEXT NOT NULL
    )
    """,
    # How many objects there are: counting a million takes longer than a page of them.
    """
    CREATE TABLE IF NOT EXISTS tally (
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      number INTEGER NOT NULL,
      PRIMARY KEY (tenant, kind)
    ) WITHOUT ROWID
    """,
    # `consumed` of the units of a product are given to users who are not deleted.
    """
    CREATE TABLE IF NOT EXISTS subscription (
      tenant INTEGER NOT NULL,
      sku TEXT NOT NULL,
      name TEXT NOT NULL,
      enabled INTEGER NOT NULL,
      consumed INTEGER NOT NULL,
      PRIMARY KEY (tenant, sku)
    ) WITHOUT ROWID
    """,
    # The types of both ends are here too: an object is found by tenant, type and number.
    """
    CREATE TABLE IF NOT EXISTS link (
      relation INTEGER NOT NULL,
      source INTEGER NOT NULL,
      target INTEGER NOT NULL,
      source_kind INTEGER NOT NULL,
      target_kind INTEGER NOT NULL,
      PRIMARY KEY (relation, source, target)
    ) WITHOUT ROWID
    """,
    # A table of its own, so that no list or index of `object` has to pass over what is deleted.
    """
    CREATE TABLE IF NOT EXISTS deleted (
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      id TEXT NOT NULL,
      moment REAL NOT NULL,
      PRIMARY KEY (tenant, kind, seq)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS deleted_id ON deleted (id, tenant)",
    "CREATE INDEX IF NOT EXISTS deleted_moment ON deleted (tenant, moment)",
    """
    CREATE TABLE IF NOT EXISTS change (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      id TEXT NOT NULL,
      moment REAL NOT NULL,
      what TEXT NOT NULL,
      names TEXT NOT NULL,
      target INTEGER,
      before BLOB
    )
    """,
    "CREATE INDEX IF NOT EXISTS change_order ON change (tenant, kind, number)",
    "CREATE INDEX IF NOT EXISTS change_object ON change (seq, number)",
    "CREATE INDEX IF NOT EXISTS change_moment ON change (tenant, kind, moment)",
    """
    CREATE TABLE IF NOT EXISTS credential (
      app_id TEXT NOT NULL,
      key_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      value BLOB NOT NULL,
      start REAL NOT NULL,
      end REAL NOT NULL,
      PRIMARY KEY (app_id, key_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS assignment (
      tenant INTEGER NOT NULL,
      principal TEXT NOT NULL,
      resource TEXT NOT NULL,
      role TEXT NOT NULL,
      value TEXT NOT NULL,
      doc BLOB NOT NULL,
      PRIMARY KEY (tenant, principal, resource, role)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS assignment_resource ON assignment (tenant, resource)",
    # What directory roles in use and their members do not say: roles of the tenant's own, and who
    # has a role for a part of the tenant only. The scope is an object's ID, or empty.
    """
    CREATE TABLE IF NOT EXISTS role_definition (
      tenant INTEGER NOT NULL,
      id TEXT NOT NULL,
      doc BLOB NOT NULL,
      PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS role_assignment (
      tenant INTEGER NOT NULL,
      id TEXT NOT NULL,
      role TEXT NOT NULL,
      principal TEXT NOT NULL,
      scope TEXT NOT NULL,
      doc BLOB NOT NULL,
      PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID
    """,
    # The default policy is among them once it was changed.
    """
    CREATE TABLE IF NOT EXISTS app_policy (
      tenant INTEGER NOT NULL,
      id TEXT NOT NULL,
      doc BLOB NOT NULL,
      PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS app_policy_holder (
      tenant INTEGER NOT NULL,
      object TEXT NOT NULL,
      policy TEXT NOT NULL,
      PRIMARY KEY (tenant, object)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS federated (
      id TEXT PRIMARY KEY,
      app_id TEXT NOT NULL,
      name TEXT NOT NULL,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      audience TEXT NOT NULL,
      description TEXT,
      UNIQUE (app_id, name),
      UNIQUE (app_id, issuer, subject)
    ) WITHOUT ROWID
    """,
    # By tenant: the same identifier URI may name another application elsewhere.
    """
    CREATE TABLE IF NOT EXISTS identifier (
      tenant INTEGER NOT NULL,
      name TEXT NOT NULL,
      app_id TEXT NOT NULL,
      PRIMARY KEY (tenant, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS standing (
      tenant INTEGER NOT NULL,
      app_id TEXT NOT NULL,
      revoked INTEGER NOT NULL,
      blocked INTEGER NOT NULL,
      PRIMARY KEY (tenant, app_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS machine (
      app_id TEXT PRIMARY KEY,
      object_id TEXT NOT NULL,
      tenant INTEGER NOT NULL,
      resource_id TEXT
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS delegation (
      tenant INTEGER NOT NULL,
      client TEXT NOT NULL,
      resource TEXT NOT NULL,
      user TEXT NOT NULL,
      scope TEXT NOT NULL,
      PRIMARY KEY (tenant, client, resource, user)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS sign_in (
      tenant INTEGER NOT NULL,
      user TEXT NOT NULL,
      valid_from REAL NOT NULL,
      PRIMARY KEY (tenant, user)
    ) WITHOUT ROWID
    """,
    # The last sign-ins of a user, who is given by number; a request without an ID was seeded.
    """
    CREATE TABLE IF NOT EXISTS last_sign_in (
      seq INTEGER PRIMARY KEY,
      interactive REAL,
      interactive_request TEXT,
      noninteractive REAL,
      noninteractive_request TEXT,
      successful REAL,
      successful_request TEXT
    )
    """,
    # When a credential, or an application in one of its parts, was last used before the emulator
    # began: what happens while it runs stands in the log of sign-ins.
    """
    CREATE TABLE IF NOT EXISTS last_use (
      tenant INTEGER NOT NULL,
      part TEXT NOT NULL,
      holder TEXT NOT NULL,
      moment REAL NOT NULL,
      PRIMARY KEY (tenant, part, holder)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS ticket (
      key TEXT PRIMARY KEY,
      doc BLOB NOT NULL,
      expires REAL NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS ticket_expires ON ticket (expires)",
)

# Emptied by `Store.clear`; the settings belong to the emulator, not to a tenant.
CLEARED = (
    "tenant domain claim object document alias tally subscription link deleted change credential "
    "assignment role_definition role_assignment app_policy app_policy_holder federated identifier "
    "standing machine delegation sign_in last_sign_in last_use ticket"
).split()

# Which objects have a rule that is processed, in SQL; the braces are for the table's name. The
# numbers are those of groups and administrative units, and the text stands in their summaries.
FOLLOWS_RULE = (
    '{0}kind IN (2, 6) AND instr({0}face, CAST(\'"membershipRuleProcessingState":"On"\' AS BLOB))'
)

# A large insertion drops these and builds them again at its end.
INDEXES = {
    # Where the parts of documents end is here too, so that a page of them reads no row of `object`.
    "object_order": (
        "CREATE UNIQUE INDEX IF NOT EXISTS object_order ON object (tenant, kind, seq, core, brief)"
    ),
    "object_id": "CREATE UNIQUE INDEX IF NOT EXISTS object_id ON object (id, tenant)",
    "object_key": "CREATE INDEX IF NOT EXISTS object_key ON object (tenant, kind, key, number)",
    "object_name": "CREATE INDEX IF NOT EXISTS object_name ON object (tenant, kind, name, number)",
    # The groups and administrative units whose members follow a rule: a transaction looks at each.
    "object_rule": (
        "CREATE INDEX IF NOT EXISTS object_rule ON object (tenant, kind) "
        f"WHERE {FOLLOWS_RULE.format('')}"
    ),
    "alias_word": "CREATE INDEX IF NOT EXISTS alias_word ON alias (tenant, kind, word)",
    "link_target": (
        "CREATE INDEX IF NOT EXISTS link_target ON link (relation, target, source, source_kind)"
    ),
}

# They keep `tally` true; a large insertion drops them, and counts at its end.
TRIGGERS = {
    "object_added": (
        "CREATE TRIGGER IF NOT EXISTS object_added AFTER INSERT ON object BEGIN "
        "INSERT INTO tally (tenant, kind, number) VALUES (new.tenant, new.kind, 1) "
        "ON CONFLICT (tenant, kind) DO UPDATE SET number = number + 1; END"
    ),
    "object_removed": (
        "CREATE TRIGGER IF NOT EXISTS object_removed AFTER DELETE ON object BEGIN "
        "UPDATE tally SET number = number - 1 WHERE tenant = old.tenant AND kind = old.kind; END"
    ),
}

RECOUNT = (
    "INSERT OR REPLACE INTO tally (tenant, kind, number) "
    "SELECT tenant, kind, count(*) FROM object GROUP BY tenant, kind"
)
