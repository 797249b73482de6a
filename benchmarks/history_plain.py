"""The plain way to keep samples, for comparison: text times, an index, SQLite as it comes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.model import Sample

SCHEMA = """
    CREATE TABLE samples (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, server TEXT NOT NULL,
        cpu REAL, memory INTEGER, players INTEGER, tick_rate REAL, read REAL, write REAL, threads INTEGER
    );
    CREATE INDEX samples_by_server ON samples (server, time);
"""
_INSERT = """
    INSERT INTO samples (time, server, cpu, memory, players, tick_rate, read, write, threads)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SERIES = """
    SELECT CAST((strftime('%s', time) - ?) / ? AS INTEGER) AS bucket, min(cpu), avg(cpu), max(cpu)
    FROM samples WHERE server = ? AND time >= ? AND time < ? GROUP BY bucket
"""


class Plain:
    """A file with the plain table. Every call blocks."""

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        if new:
            self._connection.executescript(SCHEMA)

    def write(self, samples: Sequence[Sample]) -> None:
        """Insert them, and commit once."""
        self._connection.executemany(_INSERT, [_row(sample) for sample in samples])
        self._connection.commit()

    def delete_before(self, at_s: int) -> None:
        self._connection.execute("DELETE FROM samples WHERE time < ?", (_text(at_s),))
        self._connection.commit()

    def series(self, server: str, since_s: int, until_s: int, buckets: int) -> list[tuple[float, ...]]:
        length_s = (until_s - since_s) // buckets
        return self._connection.execute(
            _SERIES, (since_s, length_s, server, _text(since_s), _text(until_s))
        ).fetchall()

    def export(self, path: Path, server: str) -> None:
        """Read all of it, then write all of it."""
        import json  # noqa: PLC0415 - it would count as memory of the other way

        rows = self._connection.execute("SELECT * FROM samples WHERE server = ?", (server,)).fetchall()
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")

    def bytes_per_row(self) -> float:
        return _bytes_per_row(self._connection)

    def close(self) -> None:
        self._connection.close()


def _bytes_per_row(connection: sqlite3.Connection) -> float:
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    [rows] = connection.execute("SELECT count(*) FROM samples").fetchone()
    return float(pages * size / rows)


def _row(sample: Sample) -> tuple[object, ...]:
    return (
        _text(sample.at_s),
        sample.server_id,
        sample.cpu_pct,
        sample.rss_bytes,
        sample.players,
        sample.tick_rate,
        sample.read_bytes_per_s,
        sample.write_bytes_per_s,
        sample.threads,
    )


def _text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
