-- Rows of the tables that version 3 added.
INSERT INTO players (no, name) VALUES (1, 'Steve'), (2, '스티브 ​<@&1>');
INSERT INTO sessions (run_id, since_ms, player_no, seen_ms, going_on) VALUES
    (1, 1767225600210, 1, 1767225600290, 0), (2, 1767225600500, 2, 1767225600500, 1);
INSERT INTO audit (id, at_ms, actor_kind, actor_id, actor_name, guild_id, entry, action, server_id, arguments, allowed_by, decision) VALUES
    (1, 1767225600240, 'discord', '81384788765712384', '안나', 1180000000000000001, '/stop', 'control', 'ark', '{"in":5}', 'owner', 'allowed'),
    (2, 1767225600241, 'discord', '2', 'bob', NULL, '/stop', NULL, NULL, '{}', NULL, 'denied:no_grant');
INSERT INTO audit_outcomes (audit_id, result, detail, duration_ms) VALUES (1, 'done', '', 1200);
