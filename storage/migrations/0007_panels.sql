-- Messages that keep themselves current.

-- AUTOINCREMENT: a message is sent under its panel's id, so that must never be another one's.
CREATE TABLE panels (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    message_id INTEGER,                 -- NULL: it is yet to be posted
    servers    TEXT NOT NULL CHECK (json_type(servers) = 'array') -- JSON: their ids; empty: all, also those to come
) STRICT;
