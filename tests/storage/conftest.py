from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.spec import ServerSpec
from storage.database import Database
from storage.servers import Servers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "gamekeeper.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    async with await Database.open(path) as database:
        yield database


@pytest.fixture
async def two_servers(db: Database) -> tuple[str, str]:
    """The ids of two servers that the database knows."""
    specs = [
        ServerSpec(id=name, name=name, game="generic", argv=("run",), cwd=Path("/srv")) for name in ("ark", "rust")
    ]
    await Servers(db).save(specs)
    return ("ark", "rust")


@pytest.fixture
async def notes(db: Database) -> Database:
    """A database with a table to write into."""
    async with db.transaction() as tx:
        await tx.execute("CREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT")
    return db
