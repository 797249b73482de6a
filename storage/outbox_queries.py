"""What is asked of the outbox, in SQL."""

from __future__ import annotations

ITEM = """
    o.id, o.event_id, e.kind, e.body, o.destination, o.attempts, o.created_ms, o.incident_id, o.message_id,
    o.channel_id, o.grouped, o.illustrated, o.tried, o.delivered_ms,
    (SELECT value FROM settings WHERE key = 'installation'),
    EXISTS (SELECT 1 FROM mutes m WHERE coalesce(m.server_no, e.server_no) IS e.server_no AND m.kind IN ('', e.kind)
        AND m.until_ms > CASE WHEN o.destination LIKE 'escalation:%' THEN o.next_attempt_ms ELSE e.at_ms END)
"""
WAITING = "o.delivered_ms IS NULL AND o.buried_ms IS NULL"
NO_CALL = f"{WAITING} AND o.destination NOT LIKE 'escalation:%'"

LONGEST_WAIT_MS = 2 * 3_600_000
"""No retry is put off for longer: what seems to be was, by a clock that has been set back since."""
EARLY = f"""
    o.next_attempt_ms > :now_ms
        AND (o.next_attempt_ms <= :now_ms + {LONGEST_WAIT_MS} OR o.destination LIKE 'escalation:%')
"""

PENDING = f"""
    SELECT {ITEM} FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE {WAITING} AND o.destination = :destination AND o.id < coalesce(
        (SELECT min(o.id) FROM outbox AS o
            WHERE {WAITING} AND o.destination = :destination AND {EARLY}),
        9223372036854775807)
    ORDER BY o.id LIMIT :limit
"""  # noqa: S608  # the columns are ours
NEXT_MS = f"""
    SELECT min(o.next_attempt_ms) FROM outbox AS o
    WHERE {WAITING} AND o.destination = :destination AND {EARLY}
"""  # noqa: S608
DESTINATIONS = f"SELECT DISTINCT o.destination FROM outbox AS o WHERE {WAITING}"  # noqa: S608
OF_MESSAGE = f"""
    SELECT {ITEM} FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.destination = ? AND o.message_id = ? ORDER BY o.id
"""  # noqa: S608
OF_INCIDENT = f"""
    SELECT {ITEM} FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.destination = ? AND o.incident_id = ? AND o.delivered_ms IS NOT NULL ORDER BY o.id
"""  # noqa: S608
HEADS = f"""
    SELECT {ITEM} FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.id IN (SELECT min(id) FROM outbox
        WHERE incident_id = ? AND message_id IS NOT NULL AND destination NOT LIKE 'escalation:%' GROUP BY destination)
    ORDER BY o.id
"""  # noqa: S608
TOLD = f"""
    SELECT {ITEM} FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.id IN (SELECT min(id) FROM outbox
        WHERE destination = ? AND message_id IS NOT NULL AND incident_id IN (SELECT value FROM json_each(?))
        GROUP BY incident_id)
"""  # noqa: S608
RECENT = """
    SELECT e.kind, count(*) FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.destination = ? AND o.delivered_ms > ? AND NOT o.grouped GROUP BY e.kind
"""
GROUPS = """
    SELECT e.kind, o.message_id, max(o.delivered_ms) FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.destination = ? AND o.delivered_ms > ? AND o.grouped AND o.message_id IS NOT NULL
    GROUP BY e.kind, o.message_id ORDER BY o.message_id
"""
BACKLOG = f"SELECT count(*) FROM outbox AS o WHERE {NO_CALL}"  # noqa: S608
DEAD = f"""
    SELECT {ITEM}, o.buried_ms, o.last_error FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.buried_ms IS NOT NULL ORDER BY o.id DESC LIMIT ?
"""  # noqa: S608
