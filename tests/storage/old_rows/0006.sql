-- Rows of the tables that version 6 added.
INSERT INTO limits (id, server_no, measure, side, value, back_at, hold_s, added_ms, actor_kind, actor_id, actor_name)
    VALUES (7, 1, 'memory', 'above', 8000.5, 7600.0, 300, 1767225600000, 'discord', '2', 'bob');
INSERT INTO crossings (limit_id, target, crossed_ms) VALUES (7, 'ark', 1767225600000);
