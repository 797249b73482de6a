"""Databases as older versions left them, with rows in every table.

`old_rows/0003.sql` holds rows of the tables that version 3 added, as version 3 wrote them. A migration that adds a
table comes with a file of its own there; one that is there already stays as it is.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from storage.connection import APPLICATION_ID
from storage.migrations import load, script

FOLDER = Path(__file__).parent / "old_rows"
NEWEST = len(load())

Content: TypeAlias = dict[str, list[dict[str, Any]]]
"""The rows of every table, by its name."""


def thaw(path: Path, version: int) -> None:
    """Make the database of an installation that began with version 1, and was brought up to this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for migration in load()[:version]:
            connection.executescript(script(migration, APPLICATION_ID))
            rows = FOLDER / f"{migration.version:04}.sql"
            if rows.exists():
                connection.executescript(f"BEGIN; {rows.read_text(encoding='utf-8')} COMMIT;")


def content(path: Path) -> Content:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: sorted(map(dict, connection.execute(f'SELECT * FROM "{table}"')), key=repr)
            for table in tables(connection)
        }


def tables(connection: sqlite3.Connection) -> list[str]:
    return [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
        )
    ]


def schema(path: Path) -> tuple[int, set[tuple[str, str]]]:
    """The version, and what is declared."""
    with closing(sqlite3.connect(path)) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        return version, set(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def kept(before: Content, after: Content) -> bool:
    """Whether every row is still there, as far as its columns are."""
    return all(_kept(rows, after[table]) for table, rows in before.items() if rows)


def _kept(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    common = before[0].keys() & after[0].keys() if after else set()
    found = [{name: row[name] for name in common} for row in after]
    return bool(common) and all({name: row[name] for name in common} in found for row in before)
