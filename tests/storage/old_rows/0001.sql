-- Rows as version 1 wrote them.
INSERT INTO settings (key, value) VALUES ('language', 'ko');
INSERT INTO servers (no, id, spec, added_ms) VALUES
    (1, 'ark', '{"id":"ark","name":"아크","game":"generic","argv":["run"],"cwd":"/srv"}', 1767225600000),
    (2, 'rust', '{"id":"rust","name":"Rust","game":"generic","argv":["run"],"cwd":"/srv"}', 1767225600001),
    (7, 'gone', '{}', 1767225600002);
UPDATE servers SET removed_ms = 1767225700000 WHERE no = 7;
INSERT INTO server_secrets (server_no, key, value) VALUES (1, 'admin.password', 'hunter2');
INSERT INTO runs (id, server_no, started_ms, marker, pid, process_started, boot_id, ready_ms, ended_ms, verdict, report) VALUES
    (1, 1, 1767225600100, 'm1', 4242, 133700000000000000, 'b7f0', 1767225600200, 1767225600300, 'crashed', '{"verdict":"crashed","status":{"code":139}}'),
    (2, 1, 1767225600400, 'm2', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO intents (id, run_id, action, actor_kind, actor_id, actor_name, at_ms, reason) VALUES
    (1, 1, 'stop', 'discord', '81384788765712384', '안나 @everyone', 1767225600250, 'update');
INSERT INTO events (id, server_no, kind, at_ms, body) VALUES
    (1, 1, 'server_started', 1767225600100, '{"by":{"kind":"discord","id":"81384788765712384","name":"안나"}}'),
    (2, 1, 'server_crashed', 1767225600300, '{"uptime_s":Infinity}'),
    (3, 7, 'server_ready', 1767225600301, '{}');
INSERT INTO outbox (id, event_id, destination, created_ms, attempts, next_attempt_ms, delivered_ms, message_id, buried_ms, last_error) VALUES
    (1, 2, 'alerts', 1767225600300, 3, 1767225601300, NULL, NULL, NULL, '503'),
    (2, 3, 'alerts', 1767225600301, 1, 0, 1767225600400, 1180000000000000000, NULL, NULL);
INSERT INTO samples (at_s, server_no, cpu_permille, rss_kib, players, tick_rate_centi, read_kib_per_s, write_kib_per_s, threads) VALUES
    (1767225600, 1, 995, 2097152, 3, 2000, 0, 12, 80),
    (1767225600, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (1767225605, 1, 16000, 1, 0, 1999, 1048576, 0, 1);
INSERT INTO grants (id, guild_id, principal_kind, principal_id, action, server_no) VALUES
    (1, 1180000000000000001, 'role', 1180000000000000002, 'view', NULL),
    (2, 1180000000000000001, 'user', 81384788765712384, 'control', 1);
