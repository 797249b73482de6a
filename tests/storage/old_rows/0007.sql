-- Rows of the tables that version 7 added.
INSERT INTO panels (id, guild_id, channel_id, message_id, servers) VALUES (3, 400, 401, 402, '["ark"]');
