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
