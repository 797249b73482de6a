"""Exports that are handed on and then gone: a file for as long as somebody needs it, zipped where it is too large."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database
from storage.export import Export, Unwritten
from storage.export_file import Format, OnProgress, Written, export_to, in_thread
from storage.faults import file_errors_translated
from storage.folder import FOLDER_MODE


@dataclass(frozen=True, slots=True)
class Made:
    """A file to hand on."""

    path: Path
    size_bytes: int
    written: Written
    """Of the file before it was zipped."""


class Exports:
    """Makes exports in a folder of their own, in which nothing stays."""

    def __init__(self, db: Database, waiting: Unwritten, folder: Path) -> None:
        self._db = db
        self._waiting = waiting
        self._folder = folder

    async def sweep(self) -> None:
        """Remove what a bot that was killed has left behind."""
        await in_thread(_remove, self._folder)

    @asynccontextmanager
    async def file(
        self, export: Export, form: Format, name: str, limit_bytes: int, on_progress: OnProgress
    ) -> AsyncIterator[Made]:
        """Give an export as a file called `name` and its format, until the block ends.

        One of more than `limit_bytes` is zipped; it may still be larger than that.

        Raises:
            UnknownServer: the database has never heard of one of the servers.
            StorageError: the database refused, or the disk.
        """
        room = self._folder / os.urandom(8).hex()
        path = room / f"{name}.{form.value}"
        try:
            with file_errors_translated(path):
                await in_thread(_make, room)
                written = await export_to(
                    self._db, export, form, path, waiting=self._waiting, on_progress=on_progress
                )
                if written.size_bytes > limit_bytes:
                    path = await in_thread(_zipped, path)
                size_bytes = await in_thread(lambda: path.stat().st_size)
            yield Made(path, size_bytes, written)
        finally:
            await in_thread(_remove, room)


def _make(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE, parents=True)


def _zipped(path: Path) -> Path:
    target = path.with_name(f"{path.name}.zip")
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    path.unlink()
    return target


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
