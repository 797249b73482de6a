-- Rows of the tables that version 4 added.
INSERT INTO events (id, server_no, kind, at_ms, actor_id, body) VALUES (4, NULL, 'host_rebooted', 1767225600500, NULL, '{"servers":["ark"]}');
INSERT INTO incidents (id, server_no, opened_ms, last_ms, given_up, closed_ms, acknowledged_ms, acknowledged_by) VALUES
    (1, 1, 1767225600300, 1767225600300, 0, NULL, NULL, NULL);
INSERT INTO routes (id, guild_id, kind, channel_id, label, server_no, kinds, min_severity, mention_role_id, mention_after_min, fallback_id, removed_ms) VALUES
    (1, 1180000000000000001, 'channel', 1180000000000000003, '', NULL, '', 'info', NULL, NULL, NULL, NULL),
    (2, 1180000000000000001, 'json', NULL, 'example.org', 1, 'server_crashed', 'critical', 1180000000000000002, 15, 1, 1767225600600);
INSERT INTO route_secrets (route_id, key, value) VALUES (2, 'url', 'https://example.org/hook');
INSERT INTO mutes (id, server_no, kind, until_ms, muted_by) VALUES (1, NULL, 'server_ready', 1767225700000, '{"kind":"discord","id":"2","name":"bob"}');
