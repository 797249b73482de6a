"""What supervision costs, and how quick it is: `python -m benchmarks.supervision [--json]`. Linux only.

It starts and ends some two thousand sleeping processes and takes under two minutes.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from benchmarks import exits, restarts, sampling
from benchmarks.report import Figure, show, wants_json
from monitor.local.machine import local_machine

NOTES = """\
CPU is user and system time of this whole process. Baselines, in the same run:
  sampling_*         psutil.Process.children(recursive=True) of each server, then CPU, memory, threads and I/O of each
  exit_seen_ms_p99   psutil.Process.wait in a thread (asking every 5 s would see an exit after 4,950 ms at p99)
  restart_ms_median  asyncio.create_subprocess_exec in a loop, with no record, no verdict and no checks
  loop_lag_ms_max    the psutil reading, done on the event loop once
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    sampling: sampling.Plan = field(default_factory=sampling.Plan)
    exits: int = 200
    restarts: int = 50


async def measure(plan: Plan) -> list[Figure]:
    """Measure everything; nothing that was started is left."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="gamekeeper-benchmark-") as name:
        folders = [Path(name) / each for each in ("exits", "restarts", "sampling")]
        for folder in folders:
            folder.mkdir()
        machine = local_machine(Path(name) / "runs")
        seen = await exits.figures(machine, folders[0], plan.exits)
        back = await restarts.figures(machine, folders[1], plan.restarts)
        cost = await sampling.figures(machine, folders[2], plan.sampling)
    return [*cost, *seen, *back]


def main(arguments: Sequence[str] | None = None, plan: Plan | None = None) -> None:
    with_json = wants_json(arguments, "Measure what supervision costs, and how quick it is.")
    show(asyncio.run(measure(plan or Plan())), NOTES, with_json=with_json)


if __name__ == "__main__":
    main()
