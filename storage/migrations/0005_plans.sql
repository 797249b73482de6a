-- What is to be done later, or by others.

-- AUTOINCREMENT: a schedule that acted is named by its id in the audit, so that must never be another one's.
CREATE TABLE schedules (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    server_no   INTEGER NOT NULL REFERENCES servers (no),
    action      TEXT NOT NULL CHECK (action IN ('start', 'stop', 'restart', 'backup', 'say', 'command')),
    argument    TEXT,                   -- what is said, or the command
    cron        TEXT NOT NULL,          -- five fields
    zone        TEXT NOT NULL,          -- by whose clock: a name such as Europe/Berlin
    only_empty  INTEGER NOT NULL DEFAULT 0 CHECK (only_empty IN (0, 1)), -- not while players are on
    warn_min    TEXT NOT NULL DEFAULT '[]' CHECK (json_type(warn_min) = 'array'), -- JSON: how long before
    when_missed TEXT NOT NULL DEFAULT 'skip' CHECK (when_missed IN ('skip', 'run_once')),
    added_ms    INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,          -- who added it
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    settled_ms  INTEGER,                -- the latest time it was due at that was run or skipped: none is run twice
    paused_ms   INTEGER,
    removed_ms  INTEGER,                -- what it did stays explained
    CHECK ((argument IS NOT NULL) = (action IN ('say', 'command')))
) STRICT;

CREATE INDEX schedules_by_server ON schedules (server_no) WHERE removed_ms IS NULL;

-- Work that takes long. What a bot left unfinished the next one ends as lost, or begins anew.
CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('backup', 'restore', 'export', 'script')),
    server_no  INTEGER REFERENCES servers (no), -- NULL: of no single server
    arguments  TEXT NOT NULL CHECK (json_type(arguments) = 'object'), -- JSON, its secrets masked
    actor_kind TEXT NOT NULL,           -- who asked
    actor_id   TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'lost')),
    done_steps INTEGER NOT NULL DEFAULT 0 CHECK (done_steps >= 0),
    all_steps  INTEGER CHECK (all_steps >= 0), -- NULL: nobody knows yet
    detail     TEXT NOT NULL DEFAULT '', -- how it ended
    asked_ms   INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms   INTEGER,
    CHECK ((ended_ms IS NULL) = (state IN ('waiting', 'running'))),
    CHECK (state <> 'running' OR started_ms IS NOT NULL)
) STRICT;

CREATE INDEX jobs_unfinished ON jobs (id) WHERE ended_ms IS NULL;
CREATE INDEX jobs_by_server ON jobs (server_no);

CREATE TABLE plugin_settings (
    plugin TEXT NOT NULL,               -- its name
    key    TEXT NOT NULL,               -- such as enabled
    value  TEXT NOT NULL CHECK (json_valid(value)), -- JSON
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;
