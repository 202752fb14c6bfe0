"""The tables of the database, and their indices."""

__all__ = ["CLEARED", "INDEXES", "TABLES"]

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
    """
    CREATE TABLE IF NOT EXISTS object (
      tenant INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      id TEXT NOT NULL,
      key TEXT NOT NULL,
      name TEXT NOT NULL,
      face BLOB NOT NULL,
      PRIMARY KEY (tenant, kind, seq)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS document (seq INTEGER PRIMARY KEY, doc BLOB NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS credential (
      key_id TEXT PRIMARY KEY,
      app_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      value BLOB NOT NULL,
      start REAL NOT NULL,
      end REAL NOT NULL
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
    "CREATE INDEX IF NOT EXISTS credential_application ON credential (app_id)",
    """
    CREATE TABLE IF NOT EXISTS federated (
      id TEXT PRIMARY KEY,
      app_id TEXT NOT NULL,
      name TEXT NOT NULL,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      audience TEXT NOT NULL,
      UNIQUE (app_id, name),
      UNIQUE (app_id, issuer, subject)
    ) WITHOUT ROWID
    """,
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
    CREATE TABLE IF NOT EXISTS role_holder (
      tenant INTEGER NOT NULL,
      user TEXT NOT NULL,
      role TEXT NOT NULL,
      PRIMARY KEY (tenant, user, role)
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
    """
    CREATE TABLE IF NOT EXISTS ticket (
      key TEXT PRIMARY KEY,
      doc BLOB NOT NULL,
      expires REAL NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS ticket_expires ON ticket (expires)",
)

# What belongs to tenants; the settings belong to the emulator.
CLEARED = (
    "tenant domain object document credential assignment federated identifier standing machine "
    "role_holder delegation sign_in ticket"
).split()

# Those that a large insertion drops and builds again.
INDEXES = {
    "object_id": "CREATE UNIQUE INDEX IF NOT EXISTS object_id ON object (id, tenant)",
    "object_key": "CREATE UNIQUE INDEX IF NOT EXISTS object_key ON object (key, kind, tenant)",
    "object_order_name": (
        "CREATE INDEX IF NOT EXISTS object_order_name ON object (tenant, kind, name)"
    ),
    "object_order_key": (
        "CREATE INDEX IF NOT EXISTS object_order_key ON object (tenant, kind, key)"
    ),
}
