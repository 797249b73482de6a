"""The schema, as numbered SQL files: `0001_first.sql`, `0002_….sql`. Each is applied once, in order and whole.

A file that has been released never changes; a change of the schema is a new file. The files hold neither BEGIN nor
COMMIT: the database puts each into one transaction together with the version it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the version before to `version`."""

    version: int
    """Counted from 1; kept in the file as `PRAGMA user_version`."""
    name: str
    sql: str


def load() -> tuple[Migration, ...]:
    """Read all of them, in order. Blocking.

    Raises:
        ValueError: the numbers have a gap or a double.
    """
    found = [
        Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8"))
        for entry in files(__name__).iterdir()
        if (match := _NAME.fullmatch(entry.name))
    ]
    return in_order(found)


def in_order(migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Sort them, and insist on 1, 2, 3 and so on."""
    ordered = tuple(sorted(migrations, key=lambda migration: migration.version))
    if [migration.version for migration in ordered] != list(range(1, len(ordered) + 1)):
        raise ValueError([migration.version for migration in ordered])
    return ordered


def script(migration: Migration, application_id: int) -> str:
    """Everything that the step does, as one transaction."""
    return (
        f"BEGIN IMMEDIATE;\n{migration.sql}\n"
        f"PRAGMA application_id = {application_id};\n"
        f"PRAGMA user_version = {migration.version};\nCOMMIT;"
    )
