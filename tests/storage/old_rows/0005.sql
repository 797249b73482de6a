-- Rows of the tables that version 5 added.
INSERT INTO schedules (id, server_no, action, argument, cron, zone, added_ms, actor_kind, actor_id, actor_name, settled_ms) VALUES
    (1, 1, 'restart', NULL, '0 5 * * *', 'Asia/Seoul', 1767225600000, 'discord', '2', 'bob', 1767225600000),
    (2, 2, 'say', '곧 재시작합니다', '55 4 * * *', 'UTC', 1767225600000, 'discord', '2', 'bob', NULL);
INSERT INTO jobs (id, kind, server_no, arguments, actor_kind, actor_id, actor_name, state, asked_ms, started_ms, ended_ms) VALUES
    (1, 'export', 1, '{}', 'discord', '2', 'bob', 'done', 1767225600000, 1767225600001, 1767225600002),
    (2, 'script', NULL, '{"name":"clean"}', 'discord', '2', 'bob', 'waiting', 1767225600003, NULL, NULL);
INSERT INTO plugin_settings (plugin, key, value) VALUES ('motd', 'enabled', 'true');
