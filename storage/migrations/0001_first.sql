-- Times are UTC epochs and measures integers, each with its unit in the name. NULL is "not known".

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Tells the alerts of this database from those of another one in the same channel.
INSERT INTO settings (key, value) VALUES ('installation', lower(hex(randomblob(4))));

CREATE TABLE servers (
    no         INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    spec       TEXT NOT NULL,           -- JSON, without its secrets
    added_ms   INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER) * 1000),
    removed_ms INTEGER                  -- its history stays
) STRICT;

CREATE TABLE server_secrets (
    server_no INTEGER NOT NULL REFERENCES servers (no),
    key       TEXT NOT NULL,            -- the place in the spec, such as admin.password
    value     TEXT NOT NULL,
    PRIMARY KEY (server_no, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    server_no       INTEGER NOT NULL REFERENCES servers (no),
    started_ms      INTEGER NOT NULL,
    marker          TEXT NOT NULL UNIQUE,
    pid             INTEGER,
    process_started INTEGER,            -- as in ProcessId.started
    boot_id         TEXT,
    ready_ms        INTEGER,
    ended_ms        INTEGER,
    verdict         TEXT,
    report          TEXT                -- JSON
) STRICT;

CREATE INDEX runs_by_end ON runs (server_no, ended_ms);

CREATE TABLE intents (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    action     TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    reason     TEXT NOT NULL
) STRICT;

CREATE INDEX intents_by_run ON intents (run_id);

-- AUTOINCREMENT: an id is part of the nonce of its alert, so it must never come again.
CREATE TABLE events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    server_no INTEGER NOT NULL REFERENCES servers (no),
    kind      TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    body      TEXT NOT NULL             -- JSON
) STRICT;

CREATE INDEX events_by_server ON events (server_no);

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    event_id        INTEGER NOT NULL REFERENCES events (id),
    destination     TEXT NOT NULL,
    created_ms      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_ms INTEGER NOT NULL DEFAULT 0,
    delivered_ms    INTEGER,
    message_id      INTEGER,
    buried_ms       INTEGER,            -- given up: a dead letter
    last_error      TEXT,
    UNIQUE (event_id, destination)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (id) WHERE delivered_ms IS NULL AND buried_ms IS NULL;

-- One integer column for each row of monitor.metrics.METRICS, scaled as it says.
-- Keyed by time first: a flush then appends to the end of the tree.
CREATE TABLE samples (
    at_s            INTEGER NOT NULL,
    server_no       INTEGER NOT NULL REFERENCES servers (no),
    cpu_permille    INTEGER,
    rss_kib         INTEGER,
    players         INTEGER,
    tick_rate_centi INTEGER,
    read_kib_per_s  INTEGER,
    write_kib_per_s INTEGER,
    threads         INTEGER,
    PRIMARY KEY (at_s, server_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    id             INTEGER PRIMARY KEY,
    guild_id       INTEGER NOT NULL,
    principal_kind TEXT NOT NULL,
    principal_id   INTEGER NOT NULL,
    action         TEXT NOT NULL,
    server_no      INTEGER REFERENCES servers (no)  -- NULL: all servers
) STRICT;

CREATE UNIQUE INDEX grants_once
    ON grants (guild_id, principal_kind, principal_id, action, ifnull(server_no, 0));
