-- Measures that must not be crossed.

-- AUTOINCREMENT: a limit that restarted a server is named by its id, so that must never be another one's.
CREATE TABLE limits (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    server_no  INTEGER REFERENCES servers (no), -- NULL: every server, every drive, or the machine
    measure    TEXT NOT NULL,
    side       TEXT NOT NULL CHECK (side IN ('above', 'below')),
    value      REAL NOT NULL,
    back_at    REAL NOT NULL,           -- it is over when the value is this far back
    hold_s     INTEGER NOT NULL CHECK (hold_s >= 0),
    wait_s     INTEGER,                 -- a restart waits so long for players to leave; NULL: there is none
    ceiling    REAL,                    -- a value at which it does not wait
    from_min   INTEGER,                 -- the minutes of the day between which it may be
    to_min     INTEGER,
    zone       TEXT,                    -- by whose clock: a name such as Europe/Berlin
    added_ms   INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,           -- who set it
    actor_id   TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    removed_ms INTEGER,                 -- what it did stays explained
    CHECK ((from_min IS NULL) = (zone IS NULL) AND (to_min IS NULL) = (zone IS NULL)),
    CHECK (wait_s IS NOT NULL OR (ceiling IS NULL AND zone IS NULL))
) STRICT;

-- Follows the events about limits, written with them: what was told is not told again by the next bot.
CREATE TABLE crossings (
    limit_id     INTEGER NOT NULL REFERENCES limits (id),
    target       TEXT NOT NULL,         -- a server's id, or a drive, or nothing
    crossed_ms   INTEGER,               -- NULL: it is not crossed
    foreseen_ms  INTEGER,               -- NULL: no crossing is foretold
    restarted_ms INTEGER,               -- when a server was last restarted for it
    PRIMARY KEY (limit_id, target)
) STRICT, WITHOUT ROWID;

-- A full drive is what nobody looks out for, and what takes worlds and databases down together.
INSERT INTO limits (measure, side, value, back_at, hold_s, added_ms, actor_kind, actor_id, actor_name)
VALUES ('disk_free_pct', 'below', 5.0, 6.0, 600, CAST(strftime('%s', 'now') AS INTEGER) * 1000,
    'policy', 'default', 'default');

-- What is wrong may be a limit that is crossed, which goes on beside what else is wrong; or be about no one server.
CREATE TABLE incidents_of_all (
    id              INTEGER PRIMARY KEY,
    server_no       INTEGER REFERENCES servers (no),
    subject         TEXT NOT NULL DEFAULT '',   -- empty: the life of the server; else a limit and what it is about
    opened_ms       INTEGER NOT NULL,
    last_ms         INTEGER NOT NULL,           -- when it last developed
    given_up        INTEGER NOT NULL DEFAULT 0, -- its restarts are used up
    closed_ms       INTEGER,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT                        -- JSON: an actor
) STRICT;
INSERT INTO incidents_of_all
    (id, server_no, opened_ms, last_ms, given_up, closed_ms, acknowledged_ms, acknowledged_by)
SELECT id, server_no, opened_ms, last_ms, given_up, closed_ms, acknowledged_ms, acknowledged_by FROM incidents;
DROP TABLE incidents;
ALTER TABLE incidents_of_all RENAME TO incidents;

CREATE INDEX incidents_open ON incidents (server_no, subject) WHERE closed_ms IS NULL;
