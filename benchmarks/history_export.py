"""By how many MiB an export makes this process grow: `python -m benchmarks.history_export ours|plain FILE SERVER`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Self

import psutil

from benchmarks.history_data import BEGIN_S, DAY_S
from benchmarks.history_plain import Plain
from storage.database import Database
from storage.export import Export
from storage.export_file import Format, export_to

_EVERY_S = 0.005


class Growth:
    """Looks at this process every few milliseconds, from a thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._idle = self._rss()
        self._peak = self._idle
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _rss(self) -> int:
        return int(self._process.memory_info().rss)

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._peak = max(self._peak, self._rss())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def mib(self) -> float:
        return (self._peak - self._idle) / 2**20


async def ours(path: Path, server: str, target: Path) -> float:
    async with await Database.open(path) as db:
        await export_to(db, Export((server,), BEGIN_S, BEGIN_S + 60), Format.JSONL, target)  # all is loaded
        with Growth() as growth:
            await export_to(db, Export((server,), BEGIN_S, BEGIN_S + 7 * DAY_S), Format.JSONL, target)
    return growth.mib


def plain(path: Path, server: str, target: Path) -> float:
    with closing(Plain(path)) as history:
        history.export(target, "nobody")
        with Growth() as growth:
            history.export(target, server)
    return growth.mib


def _grown(work: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory(prefix="gamekeeper-benchmark-") as folder:
        return work(Path(folder) / "export.jsonl")


if __name__ == "__main__":
    way, name, server_id = sys.argv[1:]
    if way == "ours":
        print(_grown(lambda target: asyncio.run(ours(Path(name), server_id, target))))
    else:
        print(_grown(lambda target: plain(Path(name), server_id, target)))
