-- Where alerts go, and what else sets one off.

-- An event may concern the machine or the bot, and no one server: server_no is NULL then. An id still never comes again,
-- so the count goes on where it stood, also when the latest events are gone.
CREATE TABLE events_of_all (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    server_no INTEGER REFERENCES servers (no),
    kind      TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    actor_id  TEXT,                     -- of whoever asked for it, where somebody did
    body      TEXT NOT NULL             -- JSON
) STRICT;

-- A body may hold Infinity or NaN, which older SQLites do not take for JSON.
INSERT INTO events_of_all (id, server_no, kind, at_ms, actor_id, body)
SELECT id, server_no, kind, at_ms,
    CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.by.id'), json_extract(body, '$.report.by.id')) END,
    body
FROM events;
DELETE FROM sqlite_sequence WHERE name = 'events_of_all';
INSERT INTO sqlite_sequence (name, seq) SELECT 'events_of_all', seq FROM sqlite_sequence WHERE name = 'events';
DROP TABLE events;
ALTER TABLE events_of_all RENAME TO events;

CREATE INDEX events_by_server ON events (server_no);
CREATE INDEX events_by_kind ON events (kind);
CREATE INDEX events_by_actor ON events (actor_id) WHERE actor_id IS NOT NULL;

-- What is wrong with a server, from the first alert until it is well again.
CREATE TABLE incidents (
    id              INTEGER PRIMARY KEY,
    server_no       INTEGER NOT NULL REFERENCES servers (no),
    opened_ms       INTEGER NOT NULL,
    last_ms         INTEGER NOT NULL,           -- when it last developed
    given_up        INTEGER NOT NULL DEFAULT 0, -- its restarts are used up
    closed_ms       INTEGER,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT                        -- JSON: an actor
) STRICT;

CREATE INDEX incidents_open ON incidents (server_no) WHERE closed_ms IS NULL;

ALTER TABLE outbox ADD COLUMN incident_id INTEGER REFERENCES incidents (id);
ALTER TABLE outbox ADD COLUMN channel_id INTEGER;                       -- where its message stands
ALTER TABLE outbox ADD COLUMN grouped INTEGER NOT NULL DEFAULT 0;       -- told in one message with others
ALTER TABLE outbox ADD COLUMN illustrated INTEGER NOT NULL DEFAULT 0;   -- its message has a chart
ALTER TABLE outbox ADD COLUMN tried TEXT NOT NULL DEFAULT '';           -- destinations that were gone, one a word

CREATE INDEX outbox_by_incident ON outbox (incident_id, destination) WHERE incident_id IS NOT NULL;
CREATE INDEX outbox_delivered ON outbox (destination, delivered_ms) WHERE delivered_ms IS NOT NULL;
CREATE INDEX outbox_buried ON outbox (buried_ms) WHERE buried_ms IS NOT NULL;

-- AUTOINCREMENT: a destination in the outbox is named by its route's id.
CREATE TABLE routes (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id          INTEGER NOT NULL,
    kind              TEXT NOT NULL,            -- channel, discord, json
    channel_id        INTEGER,                  -- of a channel
    label             TEXT NOT NULL,            -- of a webhook: what may be shown of its address
    server_no         INTEGER REFERENCES servers (no),
    kinds             TEXT NOT NULL,            -- kinds of event, one a word; empty: all
    min_severity      TEXT NOT NULL,
    mention_role_id   INTEGER,
    mention_after_min INTEGER,                  -- NULL: at once
    fallback_id       INTEGER REFERENCES routes (id),
    removed_ms        INTEGER                   -- what it delivered stays on record
) STRICT;

CREATE TABLE route_secrets (
    route_id INTEGER NOT NULL REFERENCES routes (id),
    key      TEXT NOT NULL,                     -- url, or secret: what signs
    value    TEXT NOT NULL,
    PRIMARY KEY (route_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mutes (
    id        INTEGER PRIMARY KEY,
    server_no INTEGER REFERENCES servers (no),  -- NULL: all
    kind      TEXT NOT NULL,                    -- of event; empty: all
    until_ms  INTEGER NOT NULL,
    muted_by  TEXT NOT NULL                     -- JSON: an actor
) STRICT;
