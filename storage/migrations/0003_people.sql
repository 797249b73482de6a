-- Who played, and who did what.

CREATE TABLE players (
    no   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE           -- as the game tells it: made by the player
) STRICT;

-- One player's time on a server without a break, within one run of it. What goes on is as it was last written, once a
-- minute.
CREATE TABLE sessions (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    since_ms  INTEGER NOT NULL,         -- first seen
    player_no INTEGER NOT NULL REFERENCES players (no),
    seen_ms   INTEGER NOT NULL CHECK (seen_ms >= since_ms), -- last seen
    going_on  INTEGER NOT NULL CHECK (going_on IN (0, 1)),
    PRIMARY KEY (run_id, since_ms, player_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_going_on ON sessions (run_id) WHERE going_on;

-- Every attempt of anybody, written before anything is done about it. A row is added and never changed: what came of
-- it is a row of audit_outcomes, and an attempt without one was cut short by the end of the bot.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    at_ms      INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    guild_id   INTEGER,
    entry      TEXT NOT NULL,           -- such as /stop or button:restart
    action     TEXT,                    -- what a grant would have to allow
    server_id  TEXT,                    -- as it was typed: there may be no such server
    arguments  TEXT NOT NULL CHECK (json_valid(arguments)), -- JSON, its secrets masked
    allowed_by TEXT,                    -- the grant, or owner
    decision   TEXT NOT NULL CHECK (decision IN ('allowed', 'limited') OR decision GLOB 'denied:?*')
) STRICT;

CREATE INDEX audit_by_actor ON audit (actor_id);
CREATE INDEX audit_by_server ON audit (server_id);

CREATE TABLE audit_outcomes (
    audit_id    INTEGER PRIMARY KEY REFERENCES audit (id),
    result      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

-- INSERT OR REPLACE deletes without a word to the trigger on DELETE, unless recursive_triggers is on. NEW.id is -1 where
-- SQLite is to choose it, and no row has that.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_outcome_is_not_changed BEFORE UPDATE ON audit_outcomes
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_outcome_is_not_deleted BEFORE DELETE ON audit_outcomes
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_outcome_is_not_replaced BEFORE INSERT ON audit_outcomes
WHEN EXISTS (SELECT 1 FROM audit_outcomes WHERE audit_id = NEW.audit_id)
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
