"""The servers as their owners described them, and their passwords, which are kept apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.spec import Secret, ServerSpec
from storage.codec import from_json, to_json
from storage.database import Database
from storage.transaction import Transaction

_ADMIN_PASSWORD = "admin.password"  # noqa: S105  # the place of one, not one
_HIDDEN = Secret("")

_ALL = """
    SELECT id, spec, (SELECT json_group_object(key, value) FROM server_secrets WHERE server_no = no)
    FROM servers WHERE removed_ms IS NULL ORDER BY id
"""
_SAVE = """
    INSERT INTO servers (id, spec) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, removed_ms = NULL
    RETURNING no
"""
# Its command and its variables may hold passwords too.
_REMOVE = "UPDATE servers SET removed_ms = ?, spec = '{}' WHERE id = ? AND removed_ms IS NULL RETURNING no"


class Servers:
    """What is to be looked after."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> tuple[ServerSpec, ...]:
        """Every server that is not removed, in the order of their ids."""
        source = str(self._db.path)
        return tuple(
            with_secrets(from_json(ServerSpec, spec, f"{source}: server {server_id}"), json.loads(secrets))
            for server_id, spec, secrets in await self._db.fetch_all(_ALL)
        )

    async def save(self, specs: Sequence[ServerSpec]) -> None:
        """Add them, or put them in the place of those with the same ids: all of them or none.

        A server that was removed comes back with its history.
        """
        async with self._db.transaction(durable=True) as tx:
            for spec in specs:
                await _save(tx, spec)

    async def remove(self, server_id: str, at_ms: int) -> bool:
        """Take it off the list. Its history stays; its description, its passwords and what was granted on it do not.

        Whatever takes its id later begins without anybody who may touch it.

        `False`: there was none with that id.
        """
        async with self._db.transaction(durable=True) as tx:
            row = await tx.fetch_one(_REMOVE, (at_ms, server_id))
            if row is not None:
                await tx.execute("DELETE FROM server_secrets WHERE server_no = ?", row)
                await tx.execute("DELETE FROM grants WHERE server_no = ?", row)
        return row is not None


def without_secrets(spec: ServerSpec) -> tuple[ServerSpec, dict[str, str]]:
    """Take the passwords out of a spec; they come by the place where they stood."""
    if spec.admin is None:
        return spec, {}
    bare = replace(spec, admin=replace(spec.admin, password=_HIDDEN))
    return bare, {_ADMIN_PASSWORD: spec.admin.password.reveal()}


def with_secrets(spec: ServerSpec, secrets: Mapping[str, str]) -> ServerSpec:
    """Put the passwords back."""
    if spec.admin is None:
        return spec
    password = Secret(secrets.get(_ADMIN_PASSWORD, ""))
    return replace(spec, admin=replace(spec.admin, password=password))


async def _save(tx: Transaction, spec: ServerSpec) -> None:
    bare, secrets = without_secrets(spec)
    [[no]] = await tx.fetch_all(_SAVE, (spec.id, to_json(bare)))
    await tx.execute("DELETE FROM server_secrets WHERE server_no = ?", (no,))
    for key, value in secrets.items():
        await tx.execute("INSERT INTO server_secrets (server_no, key, value) VALUES (?, ?, ?)", (no, key, value))
