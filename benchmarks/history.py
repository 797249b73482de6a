"""What the history costs the disk and whoever asks it: `python -m benchmarks.history [--json]`.

It makes two histories of a week in the folder for temporary files, some 500 MB, and takes under two minutes.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from benchmarks.history_home import Plan, home
from benchmarks.history_reads import export_peak_mib, queries
from benchmarks.history_writes import flush_ms, go_on, raw_alone, steady
from benchmarks.report import Figure, show, wants_json

OPEN_S = 240
"""What is asked for ends so long after rollups were written: at most as they are written together."""

NOTES = """\
20 servers for a week, every 5 s, the oldest six hours at 1 Hz, so that as much is deleted as is written: 2.8 million
rows. Written is what is handed to the system, write-ahead log and checkpoints included. Baselines, in the same run:
  bytes_*, flush_*   text times, an index by server and time, SQLite's defaults, one commit each flush of 10 s
  *_steady, wait_*   the same with a week in it; what is over a week old is deleted in one statement each hour
  query_*            that table, grouped by SQLite, on the event loop
  export_peak_mib    all rows read, then all written
"""


async def measure(plan: Plan) -> list[Figure]:
    """Measure everything; nothing that was made is left."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="gamekeeper-benchmark-") as name:
        folder = Path(name)
        raw = await raw_alone(folder, plan.servers, plan.raw_s)
        async with home(folder, plan) as full:
            export = await export_peak_mib(full)
            written = await steady(full)
            await go_on(full, OPEN_S)
            asked = await queries(full)
            flushed = await flush_ms(full)
    return [*raw, *written, *asked, flushed, export]


def main(arguments: Sequence[str] | None = None, plan: Plan | None = None) -> None:
    with_json = wants_json(arguments, "Measure what the history costs the disk and whoever asks it.")
    show(asyncio.run(measure(plan or Plan())), NOTES, with_json=with_json)


if __name__ == "__main__":
    main()
